#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes what a guest boots from, out of what fetch.sh got. Called by run.sh
# and by the boot tests; guest-init.sh is the guest's first process. Each
# command makes FILE:
#
#	guest.sh initrd 6.1|6.12 FILE [DIR]	an initramfs for that kernel;
#						DIR becomes its /test
#	guest.sh disk FILE			an ext4 image with a small Debian
set -euo pipefail
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/lodge-guest.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"

# The modules a guest needs to see its disk, in order, and those that its tests
# insert when they need them (tests/boot/guest/lib.sh).
guest_modules='virtio_pci virtio_blk ext4'
guest_spares='virtio_net virtio_balloon button evdev'

# put_modules DIR NAME...: puts these modules of the kernel in DIR, and what they
# depend on, into the initramfs; prints their names in order.
put_modules()
{
	local dir=$1 name path
	shift

	for name in "$@"; do
		/sbin/modprobe -d "$dir" -S "${dir##*/kernel-}" --show-depends "$name"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/list"
	while read -r path; do
		name=${path##*/}
		name=${name%%.ko*}
		case $path in
		*.xz)	xz -dc "$path" >"$root/ko/$name.ko" ;;
		*.zst)	zstd -qdc "$path" >"$root/ko/$name.ko" ;;
		*)	cp "$path" "$root/ko/$name.ko" ;;
		esac
		echo "$name"
	done <"$work/list"
}

make_initrd()
{
	local kernel=$1 to=$2 tests=${3-} dir name

	dir=$("$machine/fetch.sh" kernel "$kernel")
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,root,ko,test}
	cp -L "$(command -v busybox)" "$root/bin/busybox"
	"$root/bin/busybox" --list | while read -r name; do
		[ -e "$root/bin/$name" ] || ln -s busybox "$root/bin/$name"
	done
	cp "$machine/guest-init.sh" "$root/init"
	chmod 755 "$root/init"
	[ -z "$tests" ] || cp -L "$tests"/* "$root/test/"
	# shellcheck disable=SC2086 # the modules are words
	put_modules "$dir" $guest_modules >"$root/ko/order"
	for name in $guest_spares; do
		put_modules "$dir" "$name" >"$root/ko/$name.order"
	done
	(cd "$root" && find . -print0 |
		cpio --quiet -0 -o -H newc -R 0:0) >"$work/initrd"
	mv "$work/initrd" "$to"
}

make_disk()
{
	local to=$1 files

	files=$("$machine/fetch.sh" rootfs)
	cp -a "$files/." "$root"
	mkdir -p "$root"/{dev,proc,sys,tmp,run,root,etc}
	[ -e "$root/bin/sh" ] || ln -s dash "$root/bin/sh"
	ln -sf ../bin/busybox "$root/usr/sbin/init"
	for name in poweroff reboot halt vi ip ping udhcpc less; do
		[ -e "$root/usr/bin/$name" ] || [ -e "$root/usr/sbin/$name" ] ||
			ln -s busybox "$root/usr/bin/$name"
	done
	cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
	cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
	sed -i 's,^root:[^:]*:,root::,' "$root/etc/passwd"
	echo guest >"$root/etc/hostname"
	cat >"$root/etc/inittab" <<-'END'
	::sysinit:/etc/rc
	ttyS0::once:/etc/session
	::ctrlaltdel:/sbin/reboot
	::shutdown:/bin/umount -a -r
	END
	cat >"$root/etc/rc" <<-'END'
	#!/bin/sh
	mount -o remount,rw /
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t devtmpfs dev /dev 2>/dev/null
	mkdir -p /dev/pts /dev/shm
	mount -t devpts devpts /dev/pts
	mount -t tmpfs tmpfs /run
	mount -t tmpfs tmpfs /tmp
	cat /etc/hostname >/proc/sys/kernel/hostname
	END
	# Leaving the shell leaves the guest.
	cat >"$root/etc/session" <<-'END'
	#!/bin/bash
	cd /root
	export HOME=/root TERM=${TERM:-vt100} PATH=/usr/sbin:/usr/bin
	export PS1='root@\h:\w# '
	echo
	echo "This is $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)," \
		"kernel $(uname -r), $(nproc) CPUs. \"exit\" turns it off."
	bash --norc -i
	mount -o remount,ro /
	exec poweroff -f
	END
	echo 'set enable-bracketed-paste off' >"$root/etc/inputrc"
	chmod 755 "$root/etc/rc" "$root/etc/session"
	mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0,lazy_itable_init=0 \
		-d "$root" "$work/disk" 96M >/dev/null
	mv "$work/disk" "$to"
}

case ${1-} in
initrd)	make_initrd "${@:2}" ;;
disk)	make_disk "${@:2}" ;;
*)	sed -n '4,/^[^#]/s/^# \?//p' "$0" >&2; exit 2 ;;
esac
