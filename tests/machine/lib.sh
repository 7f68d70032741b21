# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts of this directory share: where things are kept, and which
# Debian package a kernel's short name ("6.1", "6.12", "7.2") stands for.
# Sourced by fetch.sh, host.sh and the runners; read fetch.sh next.

machine=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$machine/../.." && pwd)
# What is built, and what was downloaded; "make clean" spares the latter.
build=${LODGE_BUILD:-$top/build}
cache=${LODGE_CACHE:-$build/cache}

# Where mke2fs, modprobe and others are, which not everyone has on the path.
PATH=$PATH:/usr/sbin:/sbin

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# The tail that Debian's meta packages of a kernel have in common.
kernel_flavour()
{
	case $1 in
	6.1)	echo cloud-amd64 ;;
	6.12)	echo 6.12-cloud-amd64 ;;
	*)	die "no such kernel: $1 (6.1, 6.12, 7.2, debug, kcsan and failing are known)" ;;
	esac
}

# The release ("uname -r") of the headers that the meta package installed:
# the image has to be the same build, or the module would not load there.
kernel_release()
{
	local depends

	if [ "$1" = 7.2 ]; then
		cat "$cache/trixie/release" 2>/dev/null ||
			die "kernel 7.2 needs tests/machine/trixie.sh first"
		return
	fi
	case $1 in
	debug|kcsan|failing)
		"$machine/debug.sh" release "$1"
		return ;;
	esac
	depends=$(dpkg-query -W -f '${Depends}' \
		"linux-headers-$(kernel_flavour "$1")" 2>/dev/null) ||
		die "headers of kernel $1 are not installed (deps.sh build)"
	depends=${depends#*linux-headers-}
	echo "${depends%%[ ,]*}"
}

# Where the headers of a kernel are: what KDIR has to be.
kernel_kdir()
{
	case $1 in
	debug|kcsan|failing)	echo "$cache/kernel-$(kernel_release "$1")/build" ;;
	*)		echo "/lib/modules/$(kernel_release "$1")/build" ;;
	esac
}

# Before QEMU 8.1, an emulated CPU may still run code that another has just
# patched, as it was before, and the kernel oopses on an int3 of that. Is this
# such a QEMU?
patches_hurt()
{
	local major minor

	read -r major minor < <("$1" --version |
		sed -n 's/.*version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
	[ $((major * 100 + minor)) -lt 801 ]
}

# Downloads packages into a directory, and prints the names of the files.
package_download()
{
	local dir=$1 options=()
	shift

	mkdir -p "$dir"
	[ "$(id -u)" != 0 ] || options=(-o APT::Sandbox::User=root)
	(cd "$dir" && apt-get -qq "${options[@]}" download "$@") >&2 ||
		die "cannot download $*: are the package lists of the day? (apt-get update)"
	find "$dir" -name '*.deb'
}

# Put together under a name of its own, then renamed: a reader never sees
# half of it, and of two that do the same work the first one wins.
publish()
{
	mv -T "$1" "$2" 2>/dev/null || { [ -e "$2" ] && rm -rf "$1"; }
}

# Where this machine's own packages come from; DEBIAN_MIRROR (environment)
# names another mirror.
debian_mirror()
{
	if [ -n "${DEBIAN_MIRROR-}" ]; then
		echo "$DEBIAN_MIRROR"
	else
		apt-get indextargets --format '$(REPO_URI)' \
			'Origin: Debian' 'Label: Debian' | sed -n 1p
	fi
}
