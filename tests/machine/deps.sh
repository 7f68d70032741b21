#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Installs the Debian packages that a part of the build or of the tests
# needs, when they are missing. Called by the Makefile and by the scripts of
# this directory with the groups they need; read fetch.sh next.
#
#	tests/machine/deps.sh GROUP...		install what is missing
#	tests/machine/deps.sh --list GROUP...	only name the packages
#
# Runs as root or, for the installation alone, through sudo.
set -euo pipefail

# One line a group: what it is for, and its packages.
group_packages()
{
	case $1 in
	build)		# lodge.ko for Debian's own kernel
		echo build-essential bc kmod libelf-dev linux-headers-cloud-amd64 ;;
	build-6.12)	# lodge.ko for the newer of Debian 12's kernels
		echo build-essential bc kmod libelf-dev linux-headers-6.12-cloud-amd64 ;;
	build-here)	# lodge.ko for the kernel that runs
		echo build-essential bc kmod libelf-dev "linux-headers-$(uname -r)" ;;
	userspace)	# the launcher; iasl builds its ACPI tables
		echo build-essential pkg-config liburing-dev libseccomp-dev acpica-tools ;;
	host)		# emulated hosts: QEMU and what their initramfs is made of
		echo qemu-system-x86 busybox-static cpio kmod xz-utils zstd e2fsprogs ;;
	unit)		# pure parts in userspace, sanitizers, fuzzers
		echo build-essential clang llvm ;;
	abi)		# programs on the kernel's selftest harness
		echo build-essential linux-libc-dev xz-utils ;;
	selftests)	# the kernel's tests of KVM, from its source
		echo build-essential rsync xz-utils ;;
	qemu)		# what QEMU boots on Lodge beside Linux
		echo build-essential qemu-utils grub-common grub-pc-bin memtest86+ \
			ovmf e2fsprogs ;;
	style)		# sparse and checkpatch
		echo build-essential sparse perl xz-utils ;;
	dkms)		# a release tree built by DKMS
		echo dkms build-essential ;;
	bochs)		# the emulated host with next-RIP and flush-by-ASID
		echo bochs bochsbios vgabios bochs-term isolinux syslinux-common \
			xorriso ;;
	bochs3)		# the same emulator's next version, built here
		echo build-essential xz-utils debian-archive-keyring ;;
	debug)		# the debug kernel, from source
		echo build-essential bc bison flex kmod libelf-dev xz-utils ;;
	chroot)		# trixie, for Debian's newest kernel
		echo mmdebstrap debian-archive-keyring ;;
	*)
		echo "deps.sh: no such group: $1" >&2
		return 1 ;;
	esac
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "deps.sh: root or sudo is needed to run: $*" >&2
		return 1
	fi
}

installed()
{
	dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null |
		grep -qx installed
}

apt()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=600 "$@"
}

list=
if [ "${1-}" = --list ]; then
	list=1
	shift
fi
[ $# -gt 0 ] || { sed -n '3,/^[^#]/s/^#.\?//p' "$0" >&2; exit 2; }

missing=()
for group in "$@"; do
	packages=$(group_packages "$group")
	for package in $packages; do
		if [ -n "$list" ]; then
			echo "$package"
		elif ! installed "$package"; then
			missing+=("$package")
		fi
	done
done
[ ${#missing[@]} -gt 0 ] || exit 0

# One installer at a time: two callers may miss the same packages.
exec 9>"${TMPDIR:-/tmp}/lodge-deps.$(id -u).lock"
flock 9
again=()
for package in "${missing[@]}"; do
	installed "$package" || again+=("$package")
done
[ ${#again[@]} -gt 0 ] || exit 0

echo "installing: ${again[*]}" >&2
{
	apt update
	apt install --no-install-recommends "${again[@]}"
} >&2
