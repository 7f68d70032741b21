#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Leaves a person at the shell of a guest that runs through Lodge; leaving the
# guest ends everything. Called by "make run". The guest is a Debian kernel
# with two CPUs and a disk with a small Debian, of which nothing is kept. Input
# may come from a pipe.
#
#	tests/machine/run.sh [--kernel 6.1|6.12] [--device /dev/kvm]
#	tests/machine/run.sh --this-machine
#
# The first form installs what is missing and runs it all in an emulated host
# (host.sh); the second uses this machine's own hardware, and inserts lodge.ko
# if it is not there yet. Read host.sh and guest.sh next.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

kernel=6.1 device=/dev/lodge here='' cpus=2 memory=256M
while [ $# -gt 0 ]; do
	case $1 in
	--kernel)	kernel=$2; shift ;;
	--device)	device=$2; shift ;;
	--this-machine)	here=1 ;;
	*)		die "unknown argument: $1" ;;
	esac
	shift
done

# Shows a step, and what it printed only if it failed.
step()
{
	local log=$build/run.log
	echo "$1 ..." >&2
	shift
	"$@" >"$log" 2>&1 </dev/null || {
		cat "$log" >&2
		exit 1
	}
}

if [ -n "$here" ] && [ ! -e "$device" ]; then
	grep -qwE 'svm|vmx' /proc/cpuinfo ||
		die "this machine has no AMD-V or VT-x to run on (or its firmware" \
		"hides it); \"make run\" without HOST=1 emulates one"
	[ -e "/lib/modules/$(uname -r)/build" ] || "$machine/deps.sh" build-here
fi
mkdir -p "$build/guest"
group=build
[ "$kernel" = 6.1 ] || group=build-$kernel
"$machine/deps.sh" "$group" userspace host
if [ -n "$here" ]; then
	step "building lodge.ko and the launcher" \
		make -C "$top" all
else
	step "building lodge.ko for Linux $kernel and the launcher" \
		make -C "$top" all KERNEL="$kernel"
fi
step "fetching Linux $kernel for the guest" "$machine/fetch.sh" kernel "$kernel"
kernel_dir=$("$machine/fetch.sh" kernel "$kernel")
vmlinuz=$kernel_dir/boot/vmlinuz-${kernel_dir##*/kernel-}
initrd=$build/guest/initrd-$kernel disk=$build/guest/root.ext4
step "making the guest's initramfs" "$machine/guest.sh" initrd "$kernel" "$initrd"
[ "$disk" -nt "$machine/guest.sh" ] ||
	step "making the guest's disk" "$machine/guest.sh" disk "$disk"

launch=(lodge run --device "$device" --cpus $cpus --mem $memory
	--append 'console=ttyS0 quiet')
if [ -n "$here" ]; then
	if [ "$device" = /dev/lodge ] && [ ! -e "$device" ]; then
		echo "inserting lodge.ko" >&2
		as_root=()
		[ "$(id -u)" = 0 ] || as_root=(sudo)
		"${as_root[@]}" insmod "$top/lodge.ko" ||
			die "the kernel refused lodge.ko." \
			"$("${as_root[@]}" dmesg | grep 'lodge: ' | tail -n 1)"
		"${as_root[@]}" chown "$(id -u)" "$device"
	fi
	copy=$(mktemp "${TMPDIR:-/tmp}/lodge-disk.XXXXXX")
	trap 'rm -f "$copy"' EXIT
	cp --sparse=always "$disk" "$copy"
	PATH=$top/userspace:$PATH "${launch[@]}" --kernel "$vmlinuz" \
		--initrd "$initrd" --disk "$copy"
else
	echo "starting the emulated host ..." >&2
	what=(--lodge)
	[ "$device" = /dev/lodge ] || what=(--kvm)
	exec "$machine/host.sh" --kernel "$kernel" --cpus 2 --mem 1024 \
		"${what[@]}" --interactive=raw --timeout 100000 \
		--file "$top/userspace/lodge:/bin/lodge" \
		--file "$vmlinuz:/guest/vmlinuz" \
		--file "$initrd:/guest/initrd" --disk "$disk,snapshot" \
		--run "exec $(printf ' %q' "${launch[@]}") --kernel /guest/vmlinuz \
			--initrd /guest/initrd --disk /dev/vda"
fi
