#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes the debug kernels usable for the tests: Debian's source of Linux 6.12,
# built with what looks for faults in a module, and put where fetch.sh would put
# a kernel. "debug" has KASAN, lockdep, kmemleak, failing allocations, ...;
# "kcsan" looks for data races; "failing" has of the first what Bochs can bear:
# failing allocations and kmemleak. Their configuration is debug.config, the
# latter two's in part; another one, or another version of the source, makes
# another kernel.
# Called by "make KERNEL=debug" and the tests'.
#
#	debug.sh setup KERNEL	once: download and build (ten minutes or more)
#	debug.sh release KERNEL	print its release, as "uname -r" will
#
# KERNEL is debug, the default, kcsan or failing. Read debug.config next.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

package=linux-source-6.12
name=${2-debug}

config()
{
	case $name in
	debug)	cat "$machine/debug.config" ;;
	*)	sed '/^# What looks for faults/,$d' "$machine/debug.config"
		cat "$machine/$name.config" ;;
	esac
}

release()
{
	local version sum

	version=$(apt-cache policy $package | sed -n 's/.*Candidate: //p')
	[ -n "$version" ] || die "no package $package (apt-get update)"
	sum=$(echo "$version" | cat - <(config) | md5sum | cut -c1-8)
	echo "${version%%-*}-$name-$sum"
}

# What olddefconfig dropped, for want of what it depends on, must not go
# unseen.
configure()
{
	local line

	make -s tinyconfig
	config >wanted.config
	scripts/kconfig/merge_config.sh -m .config wanted.config >/dev/null
	make -s olddefconfig
	while read -r line; do
		case $line in
		CONFIG_*|'# CONFIG_'*)
			grep -qx "$line" .config ||
				die "$name: this kernel won't have $line" ;;
		esac
	done <wanted.config
}

setup()
{
	local release dir

	release=$(release)
	dir=$cache/kernel-$release
	[ ! -e "$dir" ] || return 0
	"$machine/deps.sh" debug
	mkdir -p "$cache"
	# Not local: the trap runs when the function is long over.
	work=$(mktemp -d "$cache/tmp.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	package_download "$work/deb" $package >"$work/debs"
	mkdir -p "$work/source" "$work/image/boot"
	dpkg-deb --fsys-tarfile "$(cat "$work/debs")" |
		tar -xOf - "./usr/src/$package.tar.xz" |
		xz -dc -T2 | tar -xf - -C "$work/source" --strip-components=1
	(
		cd "$work/source"
		configure
		make -s -j"$(nproc)" "LOCALVERSION=-${release#*-}" bzImage modules
		make -s "LOCALVERSION=-${release#*-}" \
			"INSTALL_MOD_PATH=$work/image" modules_install
		cp arch/x86/boot/bzImage "$work/image/boot/vmlinuz-$release"
		# As a distribution's package of headers: what modules need.
		make -s "LOCALVERSION=-${release#*-}" run-command \
			KBUILD_RUN_COMMAND="scripts/package/install-extmod-build $work/image/build"
	)
	rm -f "$work/image/lib/modules/$release/build"
	publish "$work/image" "$dir"
}

case ${1-} in
setup)		setup ;;
release)	release ;;
*)		sed -n '3,/^[^#]/s/^#.\?//p' "$0" >&2; exit 2 ;;
esac
