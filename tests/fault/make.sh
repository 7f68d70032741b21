#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds what inside.sh and ends.sh take with them, in build/fault: the programs,
# and for each kernel RELEASE/wake.ko. Called by run.sh and that of tests/vmx.
#
#	tests/fault/make.sh KERNEL...
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/machine/lib.sh

make -s -C tests/fault OUT="$build/fault"
for kernel in "$@"; do
	release=$(kernel_release "$kernel")
	dir=$build/fault/$release
	mkdir -p "$dir"
	cp -u tests/fault/wake.c "$dir/"
	echo 'obj-m := wake.o' >"$dir/Kbuild"
	case $kernel in
	7.2)	tests/machine/trixie.sh module "$dir" ;;
	*)	make -s -C "$(kernel_kdir "$kernel")" M="$dir" modules ;;
	esac
done
