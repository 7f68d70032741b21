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

vendor=${QEMU_ON:-amd}
[ "${1-}" != --intel ] || { vendor=intel; shift; }
device=${QEMU_DEVICE:-/dev/lodge} version=${QEMU_VERSION:-7.2}
read -r -a hosts <<<"${KERNELS:-6.1 6.12}"
tests/machine/deps.sh build build-6.12 userspace host chroot qemu || exit
[ "$vendor" = amd ] ||
	{ tests/machine/deps.sh bochs && tests/machine/bochs3.sh build; } || exit
. tests/boot/guests.sh
guests_make "$build/guest" && guests_disks "$build/guest" || exit
out=$build/qemu
rm -rf "$out"
mkdir -p "$out"

# What a PC and a microvm need to boot.
firmware=(seabios/bios-256k.bin seabios/bios-microvm.bin
	seabios/vgabios-stdvga.bin qemu/linuxboot_dma.bin qemu/kvmvapic.bin
	qemu/pvh.bin)

# qemu_take PROGRAM ROOT: a QEMU that is installed below ROOT, with its
# libraries and firmware.
qemu_take()
{
	local to=$out root=$2 file

	mkdir -p "$to/lib" "$to/firmware"
	cp -L "$1" "$to/qemu" || return
	LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu \
		ldd "$to/qemu" | grep -o '/[^ ]*' | grep -v ld-linux |
		xargs cp -L -t "$to/lib" || return
	for file in "${firmware[@]}"; do
		[ ! -e "$root/usr/share/$file" ] ||
			cp -L "$root/usr/share/$file" "$to/firmware"
	done
}

case $version in
7.2)	qemu_take "$(command -v qemu-system-x86_64)" '' ;;
*)	newer=$(tests/machine/fetch.sh qemu) &&
		qemu_take "${newer%/*}/usr/bin/qemu-system-x86_64" "${newer%/*}" ;;
esac || exit

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
qemu-img create -q -f qcow2 "$out/state.qcow2" 1G || exit
${CC:-gcc} -O2 -Wall -Wextra -static -o "$out/stub" tests/qemu/stub.c || exit
cp /boot/memtest86+x64.bin "$out/memtest.bin"
cp /usr/share/OVMF/OVMF_CODE_4M.fd /usr/share/OVMF/OVMF_VARS_4M.fd "$out"

# emulated HOST TEST...
emulated()
{
	local what=(--lodge)

	[ "$device" != /dev/kvm ] || what=(--kvm)
	case $vendor in
	amd)	what=(host.sh --mem 3072 --timeout 1500 "${what[@]}"
			--modules 'tun vhost_net'
			--disk "${disks[0]},snapshot" --disk "${disks[1]},snapshot"
			--disk "$build/guest/grub.disk,snapshot") ;;
	intel)	# Timeouts are for a QEMU of some 100 million instructions a second.
		what=(bochs.sh --vtx --mem 2048 --ips 100000000 --timeout 2300
			"${what[@]}" --disk "$build/guest/grub.disk") ;;
	esac
	tests/machine/"${what[@]}" --kernel "$1" \
		"${guest[@]}" --dir "$out:/qemu" \
		--file tests/qemu/lib.sh:/qemu/lib.sh \
		--file tests/qemu/driven.sh:/qemu/driven.sh \
		--script tests/qemu/boots.sh -- "$1" "$device" "${releases[1]}" \
		"$version" "$list" "${@:2}" || failed=1
}

failed=0
if [ "$vendor" = intel ]; then
	echo "# on VT-x"
	list=bochs
	emulated "${hosts[0]}" "$@"
	exit $failed
fi
echo "# on AMD-V"
list=full
[ -n "${LODGE_TEST_FULL-}" ] || { list=quick; hosts=("${hosts[-1]}"); }
for host in "${hosts[@]}"; do
	emulated "$host" "$@"
done
if [ $# = 0 ] && [ -z "${QEMU_VERSION-}" ]; then
	newer=(reset move)
	[ "$list" = quick ] || newer=()
	QEMU_VERSION=10 tests/qemu/run.sh "${newer[@]}" || failed=1
fi
exit $failed
