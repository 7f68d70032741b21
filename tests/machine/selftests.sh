#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the kernel's own tests of KVM, tools/testing/selftests/kvm, out of the
# source of Debian's Linux 6.12, as they are, into build/cache. Called by
# tests/selftests/run.sh; takes two minutes, once for each version of the source.
#
#	selftests.sh		build them, unless they are there, and print
#				the folder: bin/NAME for each program
#
# Read fetch.sh for how packages are got.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

package=linux-source-6.12
version=$(apt-cache policy $package | sed -n 's/.*Candidate: //p')
[ -n "$version" ] || die "no package $package (apt-get update)"
dir=$cache/selftests-$version

# What headers_install and the tests' Makefile read, and no more.
source_get()
{
	package_download "$work/deb" $package >"$work/debs"
	mkdir "$work/source"
	dpkg-deb --fsys-tarfile "$(cat "$work/debs")" |
		tar -xOf - "./usr/src/$package.tar.xz" |
		xz -dc -T2 | tar -xf - -C "$work/source" --strip-components=1 \
		--wildcards '*/Makefile' '*/Kbuild*' '*/Kconfig*' '*/scripts/*' \
		'*/include/*' '*/arch/x86/*' '*/tools/*'
}

build()
{
	local selftests=tools/testing/selftests/kvm program to=$work/out/bin

	cd "$work/source"
	# Below another make, theirs would not know where to build.
	unset MAKELEVEL MAKEFLAGS MFLAGS
	make -s ARCH=x86 headers_install
	make -s -j"$(nproc)" -C $selftests ARCH=x86_64
	mkdir -p "$to"
	find $selftests -type f -perm -u+x ! -name '*.*' |
	while read -r program; do
		strip -o "$to/$(basename "$program")" "$program"
	done
	[ -n "$(ls "$to")" ] || die "the tests of KVM were built somewhere else"
}

if [ ! -e "$dir" ]; then
	"$machine/deps.sh" selftests
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/tmp.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	{
		source_get
		build
	} >&2
	publish "$work/out" "$dir"
fi
echo "$dir"
