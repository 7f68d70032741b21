#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Lodge on VT-x, which Bochs emulates: the ABI tests beside stock KVM, Debian
# kernels as guests, and what a host does to them. Called by "make test-vmx"
# through tests/run.sh with the hosts' kernels in KERNELS; prints KTAP. What
# happens in the hosts is in tests/abi/inside.sh, tests/boot/boot.sh,
# tests/fault/inside.sh and ends.sh; read those next.
#
#	tests/vmx/run.sh [--kvm-only] [--full] [PROGRAM...]
#
# What "make test" runs takes some minutes: the ABI tests but the longest ones,
# and a few guests, on the first kernel; the former on a CPU with all that Lodge
# uses, the latter on one with fewer features. With --full ("make test-full")
# it is everything on both, on each kernel, guests on hosts with two CPUs, too.
# With names, only these programs of tests/abi and nothing else; with
# --kvm-only, all of it on the oracle. In the environment, ABI_OUT is a folder
# for all that the programs print, ABI_MODEL the CPU model for named programs.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
. tests/machine/jobs.sh

device=/dev/lodge only='' short=--short
[ -z "${LODGE_TEST_FULL-}" ] || short=
while [ $# -gt 0 ]; do
	case $1 in
	--kvm-only)	only=--kvm-only device=/dev/kvm ;;
	--full)		short='' ;;
	*)		break ;;
	esac
	shift
done
programs=("$@")

read -r -a hosts <<<"${KERNELS:-6.1 6.12}"
tests/machine/deps.sh build build-6.12 userspace host abi bochs || exit
tests/machine/bochs3.sh build || exit
make -s -j2 -C tests/abi "${programs[@]}" >&2 || exit
out=$build/vmx
mkdir -p "$out"

# Minutes each, most of them the emulator's.
long_programs=(hostile memory_stress)

# abi HOST MODEL PROGRAM...
abi()
{
	local host=$1 model=$2 release options=()
	shift 2

	release=$(kernel_release "$host") || return
	[ -n "$only" ] ||
		options+=(--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko")
	[ -z "${ABI_OUT-}" ] || options+=(--get "$ABI_OUT/$host-$model")
	echo "# ABI tests on $host, $model"
	tests/machine/bochs.sh --kernel "$host" --model "$model" --mem 1536 \
		--timeout 2300 --carry kvm_intel "${options[@]}" \
		--dir build/abi/bin:/abi/bin \
		--file tests/abi/compare.awk:/abi/compare.awk \
		--file tests/abi/differences.txt:/abi/differences.txt \
		--file tests/abi/inside.sh:/abi/inside.sh \
		--run "export LODGE_ARGS='${LODGE_ARGS-}'; sh /abi/inside.sh $only $*"
}

# boot HOST MODEL CPUS
boot()
{
	local host=$1 model=$2 cpus=$3 what=(--lodge) module=lodge

	[ -z "$only" ] || { what=(--kvm); module=kvm_intel; }
	echo "# guests on $host, $model, $cpus CPUs"
	tests/machine/bochs.sh --kernel "$host" --model "$model" \
		--cpus "$cpus" --mem 1536 --timeout 2300 "${what[@]}" \
		"${guest[@]}" --disk "${disks[0]}" --disk "${disks[1]}" \
		--script tests/boot/boot.sh -- $short "$host $model" "$device" "$module" "${releases[@]}"
}

# trouble HOST MODEL: what the host does to running guests
trouble()
{
	local host=$1 model=$2 release

	release=$(kernel_release "$host") || return
	echo "# trouble on $host, $model"
	tests/machine/bochs.sh --kernel "$host" --model "$model" --cpus 2 \
		--mem 512 --timeout 1200 --carry kvm_intel \
		--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko" \
		--file "$build/fault/$release/wake.ko:/lodge/ko/wake.ko" \
		--file "$build/fault/compute:/bin/compute" \
		--file tests/fault/lib.sh:/fault/lib.sh \
		--script tests/fault/inside.sh -- $short
}

# ends HOST MODEL: what a host's end leaves of VT-x
ends()
{
	local host=$1 model=$2 release turns=$out/turns-$1

	release=$(kernel_release "$host") || return
	# One cylinder
	truncate -s 0 "$turns" && truncate -s 516096 "$turns" || return
	echo "# ends on $host, $model"
	tests/machine/bochs.sh --kernel "$host" --model "$model" --cpus 2 \
		--mem 512 --timeout 1200 --disk "$turns" \
		--append "crashkernel=32M reboot=pci" \
		--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko" \
		--file "$build/fault/compute:/bin/compute" \
		--file tests/fault/lib.sh:/fault/lib.sh \
		--file "$build/fault/kexec:/bin/kexec" \
		--script tests/fault/ends.sh -- --probe
}

echo "# on VT-x"
if [ ${#programs[@]} = 0 ]; then
	tests/fault/make.sh "${hosts[@]}" >&2 || exit
	. tests/boot/guests.sh
	guests_make "$build/guest" && guests_disks "$build/guest" || exit
fi
if [ ${#programs[@]} != 0 ]; then
	for host in "${hosts[@]}"; do
		jobs_start abi "$host" "${ABI_MODEL:-corei7_skylake_x}" \
			"${programs[@]}"
	done
elif [ -n "$short" ]; then
	mapfile -t programs < <(cd build/abi/bin && printf '%s\n' * |
		grep -vxF "$(printf '%s\n' "${long_programs[@]}")")
	jobs_start abi "${hosts[0]}" corei7_skylake_x "${programs[@]}"
	jobs_start boot "${hosts[0]}" corei7_haswell_4770 2
	[ -n "$only" ] || jobs_start trouble "${hosts[0]}" corei7_haswell_4770
	[ -n "$only" ] || jobs_start ends "${hosts[0]}" corei7_skylake_x
else
	for host in "${hosts[@]}"; do
		jobs_start abi "$host" corei7_skylake_x
		jobs_start abi "$host" corei7_haswell_4770
		jobs_start boot "$host" corei7_skylake_x 2
		jobs_start boot "$host" corei7_haswell_4770 1
		[ -n "$only" ] || jobs_start trouble "$host" corei7_haswell_4770
		[ -n "$only" ] || jobs_start ends "$host" corei7_skylake_x
	done
fi
jobs_wait
