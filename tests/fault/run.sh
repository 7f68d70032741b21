#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a host may do to running guests: its CPUs go and come, it sleeps, it
# idles, KVM comes beside, processes are killed, the module is reloaded
# (inside.sh); or it ends by kexec, panic or reset (ends.sh). Called by
# tests/run.sh with the hosts' kernels in KERNELS; prints KTAP. Read inside.sh
# next.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
. tests/machine/jobs.sh

tests/machine/deps.sh abi host || exit
read -r -a kernels <<<"${KERNELS:-6.1 6.12}"
tests/fault/make.sh "${kernels[@]}" >&2 || exit
truncate -s 0 "$build/fault/turns" && truncate -s 64K "$build/fault/turns" || exit

# fault KERNEL SCRIPT OPTION-OF-HOST.SH...
fault()
{
	local kernel=$1 script=$2 release
	shift 2

	release=$(kernel_release "$kernel") || return
	echo "# $script on kernel $kernel"
	tests/machine/host.sh --kernel "$kernel" --cpus 2 --timeout 600 \
		--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko" \
		--file "$build/fault/$release/wake.ko:/lodge/ko/wake.ko" \
		--file "$build/fault/compute:/bin/compute" \
		--file tests/fault/lib.sh:/fault/lib.sh \
		--script "tests/fault/$script" "$@"
}

echo "# on AMD-V"
for kernel in "${kernels[@]}"; do
	jobs_start fault "$kernel" inside.sh --carry kvm_amd
done
for kernel in "${kernels[@]}"; do
	dir=$(tests/machine/fetch.sh kernel "$kernel") || exit
	jobs_start fault "$kernel" ends.sh --append crashkernel=256M \
		--qemu '-action reboot=reset' \
		--disk "$build/fault/turns,snapshot" \
		--file "$build/fault/kexec:/bin/kexec" \
		--file "$dir/boot/vmlinuz-${dir##*/kernel-}:/lodge/vmlinuz"
done
jobs_wait
