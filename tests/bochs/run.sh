#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Lodge on the AMD-V that Bochs emulates: it says where the next instruction
# is, and flushes by ASID, which QEMU's does not. A Debian kernel boots as a
# guest; some of the ABI tests run beside stock KVM. Called by "make
# test-bochs" through tests/run.sh with the hosts' kernels in KERNELS; prints
# KTAP. It is no part of "make test": read guest.sh next.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh

# Of the ABI tests those about instructions that end by next-RIP, and the
# registers and the emulator, which share the way there; and about task switches,
# which QEMU's CPU makes by itself. A guest that spins with IF=0, as run_signals
# has, hangs Bochs 2.7 (docs/TESTING.md).
programs=(run_io regs emul_mov task_switch)

read -r -a hosts <<<"${KERNELS:-6.1 6.12}"
tests/machine/deps.sh build build-6.12 userspace host abi bochs || exit
make -s -C tests/abi "${programs[@]}" >&2 || exit
out=$build/bochs
mkdir -p "$out"

dir=$(tests/machine/fetch.sh kernel 6.1) || exit
release=${dir##*/kernel-}
tests/machine/guest.sh initrd 6.1 "$out/initrd" tests/boot/guest || exit
guest=(--file userspace/lodge:/bin/lodge
	--file "$dir/boot/vmlinuz-$release:/guest/vmlinuz-$release"
	--file "$out/initrd:/guest/initrd-$release")

# emulated HOST ARGUMENTS-OF-BOCHS.SH...
emulated()
{
	local host=$1
	shift

	tests/machine/bochs.sh --kernel "$host" --timeout 900 \
		--log "$out/log" "$@" || failed=1
}

failed=0
echo "# on AMD-V"
for host in "${hosts[@]}"; do
	emulated "$host" --lodge "${guest[@]}" \
		--file tests/boot/lib.sh:/guest/lib.sh \
		--script tests/bochs/guest.sh -- "$host" "$release"
	host_release=$(kernel_release "$host") || exit
	files=()
	for name in "${programs[@]}"; do
		files+=(--file "build/abi/bin/$name:/abi/bin/$name")
	done
	for name in compare.awk differences.txt inside.sh; do
		files+=(--file "tests/abi/$name:/abi/$name")
	done
	emulated "$host" --carry kvm_amd "${files[@]}" \
		--file "$build/$host_release/lodge.ko:/lodge/ko/lodge.ko" \
		--run "sh /abi/inside.sh ${programs[*]}"
done
exit $failed
