#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes Debian's newest kernel usable for the tests: a small Debian 13 in
# build/cache/trixie, with the headers from trixie-backports and the compiler
# that goes with them, and the image beside it where fetch.sh would put one.
# Called by "make test-boot KERNEL=7.2". As root or with sudo.
#
#	trixie.sh setup		once: download and unpack (some minutes)
#	trixie.sh module	build lodge.ko in there, into build/RELEASE/
#	trixie.sh module FOLDER	... or the module of a folder, into that
#
# Packages come from where this machine's own do; DEBIAN_MIRROR (environment)
# names another mirror.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

mirror=$(debian_mirror)
chroot=$cache/trixie
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)

setup()
{
	local work release download deb

	[ ! -e "$chroot/release" ] || return 0
	"$machine/deps.sh" chroot host
	work=$(mktemp -d "$cache/tmp.XXXXXX")
	chmod 755 "$work"
	# Newer images are two packages, where there was one. Not below /root,
	# which a user who is not root can't read.
	download='cd /srv; r=$(basename /lib/modules/*)
		get="apt-get -q -o APT::Sandbox::User=root download"
		$get linux-binary-$r linux-modules-$r || $get linux-image-$r'
	"${as_root[@]}" mmdebstrap --mode=root --variant=apt --quiet \
		--include=make,gcc,kmod,xz-utils,libelf1t64 \
		--aptopt='APT::Install-Recommends "false"' \
		--customize-hook='chroot "$1" apt-get -q -y -t trixie-backports install linux-headers-cloud-amd64' \
		--customize-hook="chroot \"\$1\" sh -c '$download'" \
		trixie "$work/root" \
		"deb $mirror trixie main" "deb $mirror trixie-backports main"
	release=$(basename "$work"/root/lib/modules/*)
	mkdir "$work/image"
	for deb in "$work"/root/srv/*.deb; do
		dpkg-deb -x "$deb" "$work/image"
	done
	if [ ! -e "$work/image/lib/modules" ]; then
		mkdir -p "$work/image/lib"
		mv "$work/image/usr/lib/modules" "$work/image/lib/modules"
	fi
	if [ ! -e "$work/image/boot/vmlinuz-$release" ]; then
		mkdir -p "$work/image/boot"
		cp "$work/image/lib/modules/$release/vmlinuz" \
			"$work/image/boot/vmlinuz-$release"
	fi
	# What is built in is listed in the headers' packages.
	cp "$work/root/usr/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} \
		"$work/image/lib/modules/$release/"
	/sbin/depmod -b "$work/image" "$release"
	publish "$work/image" "$cache/kernel-$release"
	echo "$release" | "${as_root[@]}" tee "$work/root/release" >/dev/null
	"${as_root[@]}" rm -f "$work"/root/srv/*.deb
	"${as_root[@]}" mv -T "$work/root" "$chroot"
	rm -rf "$work"
}

module()
{
	local release at from=${1:-$top} to=${1-} what=(.)

	release=$(kernel_release 7.2)
	if [ -z "$to" ]; then
		to=$build/$release what=(Kbuild kmod)
		[ ! -d "$top/uapi" ] || what+=(uapi)
	fi
	# Checkouts that share a cache have their objects apart.
	at=/srv/lodge$(echo "$from" | tr / -)
	"${as_root[@]}" mkdir -p "$chroot$at"
	tar -C "$from" -cf - "${what[@]}" |
		"${as_root[@]}" tar -xf - -C "$chroot$at" --no-same-owner
	# Objtool reads its limits in /proc.
	"${as_root[@]}" unshare --mount sh -ec "
		mount -t proc proc '$chroot/proc'
		chroot '$chroot' make -C '/lib/modules/$release/build' \
			M=$at W=1 modules"
	mkdir -p "$to"
	cp "$chroot$at"/*.ko "$to/"
}

mkdir -p "$cache"
exec 8>"$cache/.trixie.lock"
flock 8
case ${1-} in
setup)	setup ;;
module)	setup; module "${@:2}" ;;
*)	sed -n '3,/^[^#]/s/^#.\?//p' "$0" >&2; exit 2 ;;
esac
