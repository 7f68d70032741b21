#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a host may do to running guests: its CPUs go and come, it sleeps, KVM
# comes beside, processes are killed, the module is reloaded (inside.sh); or it
# ends by kexec, panic or reset (ends.sh). Called by tests/run.sh with the hosts'
# kernels in KERNELS; prints KTAP. Read inside.sh next.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh

tests/machine/deps.sh abi host || exit
make -s -C tests/fault OUT="$build/fault" >&2 || exit
truncate -s 0 "$build/fault/turns" && truncate -s 64K "$build/fault/turns" || exit
read -r -a kernels <<<"${KERNELS:-6.1 6.12}"
failed=0
for kernel in "${kernels[@]}"; do
	echo "# kernel $kernel"
	echo "# on AMD-V"
	release=$(kernel_release "$kernel") || exit
	tests/machine/host.sh --kernel "$kernel" --cpus 2 --timeout 600 \
		--carry kvm_amd \
		--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko" \
		--file "$build/fault/compute:/bin/compute" \
		--file tests/fault/lib.sh:/fault/lib.sh \
		--script tests/fault/inside.sh || failed=1
	dir=$(tests/machine/fetch.sh kernel "$kernel") || exit
	tests/machine/host.sh --kernel "$kernel" --cpus 2 --timeout 600 \
		--append crashkernel=256M --qemu '-action reboot=reset' \
		--disk "$build/fault/turns,snapshot" \
		--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko" \
		--file "$build/fault/compute:/bin/compute" \
		--file tests/fault/lib.sh:/fault/lib.sh \
		--file "$build/fault/kexec:/bin/kexec" \
		--file "$dir/boot/vmlinuz-$release:/lodge/vmlinuz" \
		--script tests/fault/ends.sh || failed=1
done
exit "$failed"
