#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own tests of KVM on Lodge, as they are, with /dev/kvm a link to
# /dev/lodge, next to the same on stock KVM: two emulated hosts side by side,
# with the kernel whose tests they are. Called by tests/run.sh; prints KTAP.
# What is to come of each test is in list.txt; inside.sh runs them in the
# hosts. Read those next.
#
#	tests/selftests/run.sh [--kvm-only | --lodge-only] [NAME...]
#
# With names, only these; else those that list.txt calls quick, and with
# LODGE_TEST_FULL (environment) all. SELFTESTS_OUT (environment) is a folder
# for all that they print.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
. tests/machine/jobs.sh

kernel=6.12 devices=(kvm lodge)
case ${1-} in
--kvm-only)	devices=(kvm); shift ;;
--lodge-only)	devices=(lodge); shift ;;
esac
which=quick
[ -z "${LODGE_TEST_FULL-}" ] || which=full

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
# A host with two CPUs and KVM needs a QEMU that is not Debian 12's own
# (docs/TESTING.md).
QEMU=${QEMU:-$(tests/machine/fetch.sh qemu)} || exit
export QEMU

# emulated kvm|lodge NAME...
emulated()
{
	local device=$1 more=()

	[ -z "${SELFTESTS_OUT-}" ] || more=(--get "$SELFTESTS_OUT/$device")
	[ "$device" = kvm ] ||
		more+=(--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko")
	shift
	setpriv --pdeathsig TERM \
		tests/machine/host.sh --kernel $kernel --mem 3072 --cpus 2 \
		--timeout 2300 --carry kvm_amd "${more[@]}" \
		--dir "$programs/bin:/selftests/bin" \
		--file "$programs/bin/smm_test:/selftests/libc" \
		--file "$libgcc:/lib/x86_64-linux-gnu/libgcc_s.so.1" \
		--file tests/selftests/list.txt:/selftests/list.txt \
		--script tests/selftests/inside.sh -- "$device" "$which" "$@"
}

echo "# on AMD-V"
for device in "${devices[@]}"; do
	jobs_start emulated "$device" "$@"
done
jobs_wait
