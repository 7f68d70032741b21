#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# QEMU as a virtual machine monitor on Lodge, inside an emulated host, with
# /dev/kvm a link to /dev/lodge. Called by tests/run.sh with the hosts' kernels
# in KERNELS; prints KTAP. What happens in the host is in boots.sh, driven.sh and
# lib.sh; read those next.
#
#	tests/qemu/run.sh [--intel] [TEST...]
#
# On AMD-V, or on VT-x in Bochs ("make test-qemu-vmx"), where a shorter list is run
# on the first kernel alone. With names, only these tests. In the environment,
# QEMU_VERSION=10 takes the QEMU of Debian 12's backports, which is told the device,
# instead of Debian's own, 7.2; with neither, some tests run on both.
# LODGE_TEST_FULL adds other kernels than the last, more of QEMU's configurations,
# and all tests on both QEMUs; QEMU_DEVICE=/dev/kvm runs all of it on stock KVM, the
# oracle.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
. tests/machine/jobs.sh

vendor=${QEMU_ON:-amd}
[ "${1-}" != --intel ] || { vendor=intel; shift; }
device=${QEMU_DEVICE:-/dev/lodge}
read -r -a hosts <<<"${KERNELS:-6.1 6.12}"
tests/machine/deps.sh build build-6.12 userspace host chroot qemu || exit
[ "$vendor" = amd ] ||
	{ tests/machine/deps.sh bochs && tests/machine/bochs3.sh build; } || exit
. tests/boot/guests.sh
guests_make "$build/guest" && guests_disks "$build/guest" || exit
out=$build/qemu
rm -rf "$out"
mkdir -p "$out/files"

# What a PC and a microvm need to boot.
firmware=(seabios/bios-256k.bin seabios/bios-microvm.bin
	seabios/vgabios-stdvga.bin qemu/linuxboot_dma.bin qemu/kvmvapic.bin
	qemu/pvh.bin)

# qemu_take VERSION: that QEMU, with its libraries and firmware
qemu_take()
{
	local to=$out/$1 root='' program file

	program=$(command -v qemu-system-x86_64)
	if [ "$1" != 7.2 ]; then
		root=$(tests/machine/fetch.sh qemu) || return
		root=${root%/*}
		program=$root/usr/bin/qemu-system-x86_64
	fi
	mkdir -p "$to/lib" "$to/firmware"
	cp -L "$program" "$to/qemu" || return
	LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu \
		ldd "$to/qemu" | grep -o '/[^ ]*' | grep -v ld-linux |
		xargs cp -L -t "$to/lib" || return
	for file in "${firmware[@]}"; do
		[ ! -e "$root/usr/share/$file" ] ||
			cp -L "$root/usr/share/$file" "$to/firmware"
	done
}

# A disk that a BIOS starts: GRUB in the first sectors, and a file system with
# Linux in the only partition.
grub_disk()
{
	local to=$1 boot=/usr/lib/grub/i386-pc/boot.img release=${releases[1]}
	local first=2048 sectors=$((62 * 2048))

	mkdir -p "$out/grub"
	cp "$(tests/machine/fetch.sh kernel 6.12)/boot/vmlinuz-$release" \
		"$out/grub/vmlinuz" &&
		cp "$build/guest/test-initrd-6.12" "$out/grub/initrd" || return
	cat >"$out/grub.cfg" <<-'END'
	linux (hd0,msdos1)/vmlinuz console=ttyS0 quiet panic=-1 lodge.test=hello cpus=1
	initrd (hd0,msdos1)/initrd
	boot
	END
	grub-mkimage -O i386-pc -o "$out/core.img" -p '(hd0,msdos1)/' \
		-c "$out/grub.cfg" biosdisk part_msdos ext2 linux &&
		rm -f "$to" && truncate -s $(((first + sectors) * 512)) "$to" &&
		mke2fs -q -t ext2 -d "$out/grub" -E offset=$((first * 512)) \
		"$to" $((sectors / 2))k >/dev/null &&
		head -c 440 $boot | dd of="$to" conv=notrunc status=none &&
		dd if="$out/core.img" of="$to" bs=512 seek=1 conv=notrunc \
		status=none || return
	# The partition's entry: active, Linux, where, how long; the signature.
	printf '\x80\x00\x02\x00\x83\xff\xff\xff\x00\x08\x00\x00\x00\xf0\x01\x00' |
		dd of="$to" bs=1 seek=446 conv=notrunc status=none
	printf '\x55\xaa' | dd of="$to" bs=1 seek=510 conv=notrunc status=none
	rm -r "$out/grub" "$out/core.img" "$out/grub.cfg"
}

grub_disk "$build/guest/grub.disk" || exit
qemu-img create -q -f qcow2 "$out/files/state.qcow2" 1G || exit
${CC:-gcc} -O2 -Wall -Wextra -static -o "$out/files/stub" tests/qemu/stub.c || exit
cp /boot/memtest86+x64.bin "$out/files/memtest.bin"
cp /usr/share/OVMF/OVMF_CODE_4M.fd /usr/share/OVMF/OVMF_VARS_4M.fd "$out/files"

# emulated HOST VERSION TEST...
emulated()
{
	local host=$1 version=$2 what=(--lodge)
	shift 2

	[ -d "$out/$version" ] || qemu_take "$version" || exit
	[ "$device" != /dev/kvm ] || what=(--kvm)
	case $vendor in
	amd)	what=(tests/machine/host.sh --mem 3072 --timeout 1500 "${what[@]}"
			--modules 'tun vhost_net'
			--disk "${disks[0]},snapshot" --disk "${disks[1]},snapshot"
			--disk "$build/guest/grub.disk,snapshot") ;;
	intel)	# Timeouts are for a QEMU of some 100 million instructions a second.
		what=(tests/machine/bochs.sh --vtx --mem 2048 --ips 100000000 --timeout 2300
			"${what[@]}" --disk "$build/guest/grub.disk") ;;
	esac
	jobs_start "${what[@]}" --kernel "$host" \
		"${guest[@]}" --dir "$out/files:/qemu" --dir "$out/$version:/qemu" \
		--file tests/qemu/lib.sh:/qemu/lib.sh \
		--file tests/qemu/driven.sh:/qemu/driven.sh \
		--script tests/qemu/boots.sh -- "$host" "$device" \
		"${releases[1]}" "$version" "$list" "$@"
}

if [ "$vendor" = intel ]; then
	echo "# on VT-x"
	list=bochs
	emulated "${hosts[0]}" "${QEMU_VERSION:-7.2}" "$@"
	jobs_wait
	exit
fi
echo "# on AMD-V"
list=full newer=()
[ -n "${LODGE_TEST_FULL-}" ] ||
	{ list=quick; newer=(reset move); hosts=("${hosts[-1]}"); }
for host in "${hosts[@]}"; do
	emulated "$host" "${QEMU_VERSION:-7.2}" "$@"
	[ $# != 0 ] || [ -n "${QEMU_VERSION-}" ] ||
		emulated "$host" 10 "${newer[@]}"
done
jobs_wait
