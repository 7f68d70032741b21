#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What exits cost on Lodge and on KVM, side by side in one emulated host that
# counts instructions: host instructions an exit, the least of many batches.
# Called by "make bench".
#
#	tests/bench/run.sh [6.1|6.12]
#
# Columns: Lodge owning the CPU; KVM; Lodge sharing the CPU with a loaded KVM;
# the first by the second. The emulated CPU does not say where an instruction
# ends, so both must find out by themselves where that is not a port access.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/machine/lib.sh

kernel=${1:-6.1}
group=build
[ "$kernel" = 6.1 ] || group=build-$kernel
tests/machine/deps.sh "$group" host
make -s module KERNEL="$kernel" >/dev/null
release=$(kernel_release "$kernel")
out=build/bench
mkdir -p $out
gcc -O2 -Wall -Wextra -static -o $out/exits tests/bench/exits.c \
	tests/bench/guest.S

cat >$out/commands <<'END'
lodge=/lodge/ko/lodge.ko
insmod $lodge mode=own || exit
exits /dev/lodge >/out/own || exit
rmmod lodge || exit
for part in irqbypass ccp kvm kvm-amd; do
	[ ! -e /lodge/ko/$part.ko ] || insmod /lodge/ko/$part.ko || exit
done
exits /dev/kvm >/out/kvm || exit
insmod $lodge mode=share || exit
exits /dev/lodge >/out/share
END
rm -rf $out/get
mkdir -p $out/get
tests/machine/host.sh --kernel "$kernel" --cpus 1 --icount --timeout 1500 \
	--carry kvm_amd --file "build/$release/lodge.ko:/lodge/ko/lodge.ko" \
	--file $out/exits:/bin/exits --script $out/commands --get $out/get

echo "host instructions an exit, Linux $release, emulated AMD-V:"
printf '%-24s %9s %9s %9s %7s\n' exit Lodge KVM shared ratio
paste $out/get/own $out/get/kvm $out/get/share |
	awk -F '\t' '{ printf "%-24s %9.0f %9.0f %9.0f %7.2f\n",
		$1, $2, $4, $6, $2 / $4 }'
