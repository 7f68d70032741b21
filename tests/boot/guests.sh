# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the scripts of this folder find in an emulated host's /guest, made for
# the runners, which source this after tests/machine/lib.sh.

# guests_make DIR: sets guest to what host.sh or bochs.sh has to be told, and
# releases to the kernels in there.
guests_make()
{
	local dir=$1 kernel image release initrd

	mkdir -p "$dir"
	guest=(--file userspace/lodge:/bin/lodge
		--file tests/boot/lib.sh:/guest/lib.sh)
	releases=()
	for kernel in 6.1 6.12; do
		image=$(tests/machine/fetch.sh kernel $kernel) || return
		release=${image##*/kernel-}
		initrd=$dir/test-initrd-$kernel
		tests/machine/guest.sh initrd $kernel "$initrd" \
			tests/boot/guest || return
		guest+=(--file "$image/boot/vmlinuz-$release:/guest/vmlinuz-$release"
			--file "$initrd:/guest/initrd-$release")
		releases+=("$release")
	done
	gcc -c -o "$dir/tiny.o" tests/boot/tiny.S &&
		objcopy -O binary "$dir/tiny.o" "$dir/tiny" || return
	guest+=(--file "$dir/tiny:/guest/tiny")
}

# guests_disks DIR: sets disks to a file with an ext4 root and one of zeroes.
guests_disks()
{
	[ "$1/root.ext4" -nt tests/machine/guest.sh ] ||
		tests/machine/guest.sh disk "$1/root.ext4" || return
	truncate -s 4M "$1/scratch"
	disks=("$1/root.ext4" "$1/scratch")
}
