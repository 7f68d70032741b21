#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Gets, out of Debian's packages and without installing them, what the
# tests need of other kernels and emulators. Called by host.sh, by the Makefile and by the
# style and ABI tests. Each command prints the path of what it got:
#
#	fetch.sh kernel 6.1|6.12|7.2|debug|kcsan|failing
#					boot/vmlinuz-RELEASE, lib/modules/RELEASE
#	fetch.sh source			parts of the kernel's source:
#					scripts/checkpatch.pl and what it reads,
#					tools/testing/selftests/kselftest*.h
#	fetch.sh rootfs			the files of a small Debian: bash,
#					coreutils, util-linux, e2fsprogs, ...
#	fetch.sh stock			vmlinuz-*, and initrd.img-* as Debian
#					makes it on an installed machine
#	fetch.sh qemu			a program: QEMU from the backports
#
# Everything lands in build/cache (LODGE_CACHE) and is kept there until the
# package has a newer version.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

fetch_kernel()
{
	local release dir work deb

	release=$(kernel_release "$1")
	dir=$cache/kernel-$release
	if [ ! -e "$dir" ]; then
		[ "$1" != 7.2 ] || die "$dir is gone: remove $cache/trixie, too"
		case $1 in
		debug|kcsan|failing) die "$dir is not there (make KERNEL=$1)" ;;
		esac
		work=$(mktemp -d "$cache/tmp.XXXXXX")
		deb=$(package_download "$work/deb" "linux-image-$release")
		dpkg-deb -x "$deb" "$work/root"
		# As in a Debian of today, /lib may be a link to /usr/lib.
		if [ ! -e "$work/root/lib/modules" ]; then
			mkdir -p "$work/root/lib"
			mv "$work/root/usr/lib/modules" "$work/root/lib/modules"
		fi
		/sbin/depmod -b "$work/root" "$release"
		publish "$work/root" "$dir"
		rm -rf "$work"
	fi
	echo "$dir"
}

fetch_source()
{
	local package version dir work deb tarball

	# The meta package names the source of the newest 6.1.
	package=$(apt-cache depends linux-source | sed -n 's/.*Depends: //p')
	version=$(apt-cache policy "$package" | sed -n 's/.*Candidate: //p')
	[ -n "$version" ] || die "no linux-source package (apt-get update)"
	dir=$cache/source-$version
	if [ ! -e "$dir" ]; then
		work=$(mktemp -d "$cache/tmp.XXXXXX")
		deb=$(package_download "$work/deb" "$package")
		tarball=./usr/src/$package.tar.xz
		mkdir "$work/root"
		dpkg-deb --fsys-tarfile "$deb" | tar -xOf - "$tarball" |
			xz -dc -T2 | tar -xf - -C "$work/root" \
			--strip-components=1 --wildcards \
			'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
			'*/scripts/const_structs.checkpatch' \
			'*/tools/testing/selftests/kselftest.h' \
			'*/tools/testing/selftests/kselftest_harness.h' \
			'*/tools/testing/selftests/kselftest/*'
		publish "$work/root" "$dir"
		rm -rf "$work"
	fi
	echo "$dir"
}

# What the guest's root file system holds, and what that is linked with.
rootfs_packages='base-files base-passwd busybox-static bash dash coreutils grep sed
	util-linux mount login procps e2fsprogs ncurses-base libc6 libtinfo6
	libacl1 libattr1 libgmp10 libselinux1 libpcre2-8-0 libmount1 libblkid1
	libuuid1 libsmartcols1 libcap-ng0 libudev1 libcrypt1 libproc2-0
	libncursesw6 libext2fs2 libcom-err2 libss2'

fetch_rootfs()
{
	local dir work deb sum

	sum=$(echo "$rootfs_packages" | cat - "$0" | md5sum | cut -c1-8)
	dir=$cache/rootfs-$sum
	if [ ! -e "$dir" ]; then
		work=$(mktemp -d "$cache/tmp.XXXXXX")
		# shellcheck disable=SC2086 # the packages are words
		package_download "$work/deb" $rootfs_packages >"$work/debs"
		# The merged /usr that Debian has since its release 12.
		for deb in bin sbin lib lib64; do
			mkdir -p "$work/root/usr/$deb"
			ln -s "usr/$deb" "$work/root/$deb"
		done
		while read -r deb; do
			dpkg-deb --fsys-tarfile "$deb" |
				tar -xf - -C "$work/root" --keep-directory-symlink \
				--exclude='./usr/share/doc/*' \
				--exclude='./usr/share/man/*' \
				--exclude='./usr/share/locale/*' \
				--exclude='./usr/share/info/*' \
				--exclude='./usr/lib/*/gconv/*'
		done <"$work/debs"
		publish "$work/root" "$dir"
		rm -rf "$work"
	fi
	echo "$dir"
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Runs mmdebstrap with these options and packages: VARIANT TARGET OPTION...
bootstrap()
{
	local variant=$1 target=$2 mirror
	shift 2

	mirror=$(debian_mirror)
	"$machine/deps.sh" chroot >&2
	as_root mmdebstrap --mode=root --variant="$variant" --quiet \
		--aptopt='APT::Install-Recommends "false"' "$@" \
		bookworm "$target" "deb $mirror bookworm main" \
		"deb $mirror bookworm-backports main" >&2
	as_root chown -R "$(id -u)" "$work"
}

fetch_stock()
{
	local dir=$cache/stock work

	if [ ! -e "$dir" ]; then
		work=$(mktemp -d "$cache/tmp.XXXXXX")
		bootstrap minbase /dev/null --format=null \
			--include=linux-image-cloud-amd64,initramfs-tools,zstd \
			--customize-hook="copy-out /boot $work"
		publish "$work/boot" "$dir"
		rm -rf "$work"
	fi
	echo "$dir"
}

fetch_qemu()
{
	local dir=$cache/qemu work

	if [ ! -e "$dir" ]; then
		work=$(mktemp -d "$cache/tmp.XXXXXX")
		bootstrap extract "$work/root" --include=qemu-system-x86 \
			--aptopt='APT::Default-Release "bookworm-backports"'
		cat >"$work/root/qemu-system-x86_64" <<-'END'
		#!/bin/sh
		here=$(dirname "$(readlink -f "$0")")
		LD_LIBRARY_PATH=$here/usr/lib/x86_64-linux-gnu:$here/lib/x86_64-linux-gnu
		export LD_LIBRARY_PATH
		exec "$here/usr/bin/qemu-system-x86_64" "$@"
		END
		chmod 755 "$work/root/qemu-system-x86_64"
		publish "$work/root" "$dir"
		rm -rf "$work"
	fi
	echo "$dir/qemu-system-x86_64"
}

mkdir -p "$cache"
exec 9>"$cache/.fetch.lock"
flock 9
case ${1-} in
kernel)	fetch_kernel "${2-}" ;;
source)	fetch_source ;;
rootfs)	fetch_rootfs ;;
stock)	fetch_stock ;;
qemu)	fetch_qemu ;;
*)	sed -n '3,/^[^#]/s/^#.\?//p' "$0" >&2; exit 2 ;;
esac
