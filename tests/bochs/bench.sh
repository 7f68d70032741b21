#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What exits cost on Lodge and on KVM where the CPU says where the next
# instruction is: "make bench" in a host that Bochs emulates. The programs are
# those of tests/bench; read its run.sh.
#
#	tests/bochs/bench.sh [6.1|6.12]
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/machine/lib.sh

kernel=${1:-6.1}
group=build
[ "$kernel" = 6.1 ] || group=build-$kernel
tests/machine/deps.sh "$group" host bochs
make -s module KERNEL="$kernel" >/dev/null
release=$(kernel_release "$kernel")
out=$build/bochs
mkdir -p "$out"
gcc -O2 -Wall -Wextra -static -o "$out/exits" tests/bench/exits.c \
	tests/bench/guest.S

rm -rf "$out/get"
tests/machine/bochs.sh --kernel "$kernel" --timeout 900 --get "$out/get" \
	--carry kvm_amd --file "$build/$release/lodge.ko:/lodge/ko/lodge.ko" \
	--file "$out/exits:/bin/exits" --run '
		insmod /lodge/ko/lodge.ko mode=own || exit
		exits /dev/lodge >/out/own || exit
		rmmod lodge || exit
		for part in irqbypass ccp kvm kvm-amd; do
			[ ! -e /lodge/ko/$part.ko ] ||
				insmod /lodge/ko/$part.ko || exit
		done
		exits /dev/kvm >/out/kvm || exit
		insmod /lodge/ko/lodge.ko mode=share || exit
		exits /dev/lodge >/out/share'

echo "host instructions an exit, Linux $release, AMD-V emulated by Bochs:"
printf '%-24s %9s %9s %9s %7s\n' exit Lodge KVM shared ratio
paste "$out/get/own" "$out/get/kvm" "$out/get/share" |
	awk -F '\t' '{ printf "%-24s %9.0f %9.0f %9.0f %7.2f\n",
		$1, $2, $4, $6, $2 / $4 }'
