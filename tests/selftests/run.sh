#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own tests of KVM on Lodge, as they are, with /dev/kvm a link to
# /dev/lodge, next to the same on stock KVM: two emulated hosts side by side,
# with the kernel whose tests they are. Called by tests/run.sh; prints KTAP.
# What is to come of each test is in list.txt; inside.sh runs them in the
# hosts. Read those next.
#
#	tests/selftests/run.sh [--amd | --intel] [--kvm-only | --lodge-only] [NAME...]
#
# On AMD-V in QEMU, or on VT-x in Bochs ("make test-selftests-vmx"); with
# LODGE_TEST_FULL (environment) on both. With names, only these; else those that
# list.txt calls quick, and with LODGE_TEST_FULL all. SELFTESTS_OUT (environment)
# is a folder for all that they print.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
. tests/machine/jobs.sh

kernel=6.12 devices=(kvm lodge) vendors=(amd) which=quick limit=2300
[ -z "${LODGE_TEST_FULL-}" ] || { which=full; vendors=(amd intel) limit=7000; }
[ -z "${SELFTESTS_ON-}" ] || vendors=("$SELFTESTS_ON")
while [ $# -gt 0 ]; do
	case $1 in
	--amd|--intel)	vendors=("${1#--}") ;;
	--kvm-only)	devices=(kvm) ;;
	--lodge-only)	devices=(lodge) ;;
	*)		break ;;
	esac
	shift
done

case " ${KERNELS:-6.1 6.12} " in
*" $kernel "*)	;;
*)	echo "TAP version 13"
	echo "1..0 # SKIP they are those of $kernel's KVM"
	exit ;;
esac
tests/machine/deps.sh build-6.12 host selftests chroot || exit
programs=$(tests/machine/selftests.sh) || exit
release=$(kernel_release $kernel) || exit
# Threads that are cancelled look for it.
libgcc=$(gcc -print-file-name=libgcc_s.so.1)
case ${vendors[*]} in
*intel*)	tests/machine/deps.sh bochs && tests/machine/bochs3.sh build || exit ;;
esac
case ${vendors[*]} in
*amd*)	# A host with two CPUs and KVM needs a QEMU that is not Debian 12's own
	# (docs/TESTING.md).
	QEMU=${QEMU:-$(tests/machine/fetch.sh qemu)} || exit
	export QEMU ;;
esac

# emulated amd|intel kvm|lodge NAME...
emulated()
{
	local vendor=$1 device=$2 more=()
	shift 2

	case $vendor in
	amd)	more=(host.sh --mem 3072 --carry kvm_amd) ;;
	intel)	# Their seconds are for a QEMU of some 100 million instructions each.
		more=(bochs.sh --vtx --mem 2048 --ips 100000000 --carry kvm_intel) ;;
	esac
	[ -z "${SELFTESTS_OUT-}" ] ||
		more+=(--get "$SELFTESTS_OUT/$vendor-$device")
	[ "$device" = kvm ] ||
		more+=(--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko")
	echo "# on $([ "$vendor" = amd ] && echo AMD-V || echo VT-x)"
	tests/machine/"${more[@]}" --kernel $kernel --cpus 2 \
		--timeout "$limit" --dir "$programs/bin:/selftests/bin" \
		--file "$programs/bin/smm_test:/selftests/libc" \
		--file "$libgcc:/lib/x86_64-linux-gnu/libgcc_s.so.1" \
		--file tests/selftests/list.txt:/selftests/list.txt \
		--script tests/selftests/inside.sh -- "$vendor" "$device" "$which" "$@"
}

for vendor in "${vendors[@]}"; do
	for device in "${devices[@]}"; do
		jobs_start emulated "$vendor" "$device" "$@"
	done
done
jobs_wait
