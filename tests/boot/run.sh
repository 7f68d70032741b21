#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots Debian's kernels as guests of Debian's kernels, through the launcher.
# Called by tests/run.sh with the hosts' kernels in KERNELS; prints KTAP. What
# happens in the emulated hosts is in boot.sh, max.sh, limits.sh, swap.sh, share.sh,
# names.sh, barriers.sh, refuse.sh; read those next.
#
# BOOT_DEVICE=/dev/kvm (environment) runs the same on stock KVM, which is how
# the launcher's faults are told from the module's.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
. tests/machine/jobs.sh

device=${BOOT_DEVICE:-/dev/lodge}
read -r -a hosts <<<"${KERNELS:-6.1 6.12}"
tests/machine/deps.sh build build-6.12 userspace host || exit

case " ${hosts[*]} " in
*" 7.2 "*) tests/machine/trixie.sh setup || exit ;;
esac

. tests/boot/guests.sh
guests_make "$build/guest" && guests_disks "$build/guest" || exit

${CC:-gcc} -O2 -Wall -Wextra -static -o "$build/guest/attach" \
	tests/boot/attach.c || exit
truncate -s 256M "$build/guest/swap" || exit

# emulated HOST SCRIPT ARGUMENTS-OF-HOST.SH... -- ARGUMENTS-OF-SCRIPT...
emulated()
{
	local host=$1 script=$2
	shift 2

	jobs_start tests/machine/host.sh --kernel "$host" --mem 1536 \
		--timeout 900 "${guest[@]}" \
		--disk "${disks[0]},snapshot" --disk "${disks[1]},snapshot" \
		--script "tests/boot/$script" "$@"
}

# QEMU as a user of KVM's in the host: the machine's own, and the firmware that
# a PC needs to boot Linux.
qemu=(--file "$(command -v qemu-system-x86_64):/bin/qemu")
for firmware in seabios/bios-256k.bin qemu/linuxboot_dma.bin qemu/kvmvapic.bin; do
	qemu+=(--file "/usr/share/$firmware:/qemu/${firmware#*/}")
done

echo "# on AMD-V"
for host in "${hosts[@]}"; do
	if [ "$device" = /dev/kvm ]; then
		emulated "$host" boot.sh --kvm \
			-- "$host" /dev/kvm kvm_amd "${releases[@]}"
		jobs_start printf '%s\n' "TAP version 13" "1..1" \
			"ok 1 $host: beside KVM # SKIP without Lodge (BOOT_DEVICE)"
	else
		emulated "$host" boot.sh --lodge \
			-- "$host" "$device" lodge "${releases[@]}"
		emulated "$host" max.sh --lodge --cpu max \
			-- "$host" "$device" lodge "${releases[1]}"
		emulated "$host" limits.sh --lodge \
			--file "$build/guest/attach:/bin/attach" \
			-- "$host" "$device" lodge "${releases[1]}"
		emulated "$host" swap.sh --lodge \
			--disk "$build/guest/swap,snapshot" \
			-- "$host" "$device" lodge "${releases[1]}"
		release=$(kernel_release "$host")
		ko=(--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko")
		emulated "$host" share.sh --mem 2048 --carry kvm_amd "${ko[@]}" \
			"${qemu[@]}" -- "$host" "${releases[0]}"
		emulated "$host" names.sh --carry kvm_amd "${ko[@]}" -- "$host"
		emulated "$host" barriers.sh --lodge -- "$host" 'rsb untrain'
		emulated "$host" barriers.sh --lodge --append mitigations=off \
			-- "$host" none
		emulated "$host" refuse.sh "${ko[@]}" --cpu EPYC,-svm \
			-- "$host" 'Operation not supported' 'no AMD-V'
		emulated "$host" refuse.sh "${ko[@]}" --cpu EPYC,-npt \
			-- "$host" 'Operation not supported' 'without nested paging'
		emulated "$host" refuse.sh "${ko[@]}" \
			-- "$host" 'Invalid parameters' 'mode=mine' mode=mine
	fi
done
jobs_wait
