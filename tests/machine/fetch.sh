#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Gets, out of Debian's packages and without installing them, what the
# tests need of other kernels. Called by host.sh, by the Makefile and by the
# style and ABI tests. Each command prints the path of what it got:
#
#	fetch.sh kernel 6.1|6.12	boot/vmlinuz-RELEASE, lib/modules/RELEASE
#	fetch.sh source			parts of the kernel's source:
#					scripts/checkpatch.pl and what it reads,
#					tools/testing/selftests/kselftest*.h
#
# Everything lands in build/cache (LODGE_CACHE) and is kept there until the
# package has a newer version.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# Downloads one package into a directory, and prints the name of the file.
package_download()
{
	local dir=$2 options=()

	mkdir -p "$dir"
	[ "$(id -u)" != 0 ] || options=(-o APT::Sandbox::User=root)
	(cd "$dir" && apt-get -q "${options[@]}" download "$1") >&2 ||
		die "cannot download $1: are the package lists of the day? (apt-get update)"
	find "$dir" -name "${1}_*.deb" -print -quit
}

fetch_kernel()
{
	local release dir work deb

	release=$(kernel_release "$1")
	dir=$cache/kernel-$release
	if [ ! -e "$dir" ]; then
		work=$(mktemp -d "$cache/tmp.XXXXXX")
		deb=$(package_download "linux-image-$release" "$work/deb")
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
		deb=$(package_download "$package" "$work/deb")
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

mkdir -p "$cache"
exec 9>"$cache/.fetch.lock"
flock 9
case ${1-} in
kernel)	fetch_kernel "${2-}" ;;
source)	fetch_source ;;
*)	sed -n '3,/^[^#]/s/^#.\?//p' "$0" >&2; exit 2 ;;
esac
