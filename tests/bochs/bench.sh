#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What exits cost on Lodge and on KVM, on AMD-V and VT-x, in hosts that Bochs
# emulates. Called by "make bench"; the programs are those of tests/bench; read
# its run.sh, which also tells what the columns are. On VT-x KVM leaves the
# local APIC to the CPU: some of its accesses do not exit at all.
#
#	tests/bochs/bench.sh [6.1|6.12|7.2]
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/machine/lib.sh

kernel=${1:-6.1}
group=build
[ "$kernel" = 6.1 ] || group=build-$kernel
[ "$kernel" = 7.2 ] || tests/machine/deps.sh "$group"
tests/machine/deps.sh host bochs
tests/machine/bochs3.sh build
if [ "$kernel" = 7.2 ]; then
	tests/machine/trixie.sh module >/dev/null
else
	make -s module KERNEL="$kernel" >/dev/null
fi
release=$(kernel_release "$kernel")
out=$build/bochs
mkdir -p "$out"
gcc -O2 -Wall -Wextra -static -o "$out/exits" tests/bench/exits.c \
	tests/bench/guest.S

# measure MODEL MODULE: Lodge alone (owning the CPU if it can), KVM, Lodge beside KVM
measure()
{
	rm -rf "$out/get-$1"
	# The host's tick shall not fall into each batch.
	tests/machine/bochs.sh --kernel "$kernel" --model "$1" --timeout 900 \
		--ips 200000000 --get "$out/get-$1" --carry "$2" \
		--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko" \
		--file "$out/exits:/bin/exits" --run '
			insmod /lodge/ko/lodge.ko || exit
			exits /dev/lodge >/out/own || exit
			rmmod lodge || exit
			for part in irqbypass ccp kvm '"${2/_/-}"'; do
				[ ! -e /lodge/ko/$part.ko ] ||
					insmod /lodge/ko/$part.ko || exit
			done
			exits /dev/kvm >/out/kvm || exit
			insmod /lodge/ko/lodge.ko mode=share || exit
			exits /dev/lodge >/out/share'
	(cd "$out/get-$1" && paste own kvm share) |
		awk -F '\t' -v OFS='\t' '{ print $1, $2, $4, $6, $2 / $4 }' \
		>"$out/table-$1"
}

measure ryzen kvm_amd
measure corei7_skylake_x kvm_intel

echo "host instructions an exit, Linux $release, emulated by Bochs:"
printf '%-24s %30s    %30s\n' '' "AMD-V: Lodge   KVM shared ratio" \
	"VT-x: Lodge   KVM shared ratio"
paste "$out/table-ryzen" "$out/table-corei7_skylake_x" |
	awk -F '\t' '{ printf "%-24s %13.0f %5.0f %6.0f %5.2f %15.0f %5.0f %6.0f %5.2f\n",
		$1, $2, $3, $4, $5, $7, $8, $9, $10 }'
