#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks that look at the module as it is built. Called by run.sh, one check
# a call, with a kernel's short name; prints what is wrong.
#
#	tests/style/module.sh warnings KERNEL	W=1, and sparse on every file
#						(on 7.2 in its chroot: W=1)
#	tests/style/module.sh imports KERNEL	only symbols of kmod/symbols.txt
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh

check=$1 kernel=$2
[ "$kernel" != 7.2 ] || tests/machine/trixie.sh setup || exit
release=$(kernel_release "$kernel") || exit
# A folder of its own, made afresh: what is up to date is not warned about.
fresh=build/style/$release

check_warnings()
{
	local log status=0

	rm -rf "$fresh"
	mkdir -p build/style
	log=$(mktemp)
	if [ "$kernel" = 7.2 ]; then
		tests/machine/trixie.sh module >"$log" 2>&1 || status=$?
	else
		make module KERNEL="$kernel" MODDIR="$fresh" INTO="$fresh" \
			W=1 C=2 >"$log" 2>&1 || status=$?
	fi
	if [ "$status" != 0 ]; then
		grep -E 'error|\*\*\*' "$log" | head -n 40
		echo "the build ended with status $status"
	fi
	# Sparse finds fault with some of the kernel's headers: those lines name
	# another path.
	if sed "s,$PWD/$fresh/,,g" "$log" |
			grep -E '^(\./)?(kmod|uapi)/[^:]*:.*(warning|error):' |
			sort -u | head -n 60; then
		status=1
	fi
	if grep -E '^(WARNING: modpost|.*objtool:)' "$log"; then
		status=1
	fi
	rm -f "$log"
	return $status
}

listed()
{
	sed 's/[[:space:]]*#.*//' kmod/symbols.txt | awk 'NF { print $1 }' | sort -u
}

check_imports()
{
	local status=0 module=$fresh/lodge.ko count symbol

	mkdir -p "$fresh"
	[ -e "$module" ] || module=build/$release/lodge.ko
	[ -e "$module" ] || { echo "no lodge.ko for $release"; return 1; }
	[ -e kmod/symbols.txt ] || { echo "there is no kmod/symbols.txt"; return 1; }
	nm -u "$module" | awk '{ print $2 }' | sort -u >"$fresh/imports"
	# What the compiler and the kernel's macros put into every module is
	# no choice of the source's.
	count=$(awk '$2 == "compiler" || $2 == "tracing" { print $1 }' \
		kmod/symbols.txt | sort -u | comm -13 - "$fresh/imports" | wc -l)
	if [ "$count" -gt 80 ]; then
		echo "$module imports $count symbols, more than 80"
		status=1
	fi
	if comm -23 "$fresh/imports" <(listed) | grep .; then
		echo "imported, but not in kmod/symbols.txt"
		status=1
	fi
	for symbol in $(grep -v '^#' tests/style/restricted.txt |
			comm -12 <(sort -u) "$fresh/imports"); do
		if ! grep -qE "^$symbol[[:space:]].*probed" kmod/symbols.txt; then
			echo "$symbol: kept for KVM by newer kernels"
			status=1
		elif find "$fresh/kmod" -name '*.o' ! -name host.o -exec nm -uA {} + |
				grep -w "$symbol"; then
			echo "$symbol: only kmod/host.c may import it"
			status=1
		fi
	done
	return $status
}

"check_$check"
