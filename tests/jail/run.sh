#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The launcher's jail: a program breaks each of its rules, and launchers with
# guests are looked at from outside. Called by tests/run.sh with the hosts'
# kernels in KERNELS, of which it takes the last, the likeliest to have Landlock;
# prints KTAP. What happens in the emulated host is in jail.c and inside.sh; read
# these next.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh

tests/machine/deps.sh build build-6.12 userspace host || exit
read -r -a hosts <<<"${KERNELS:-6.1 6.12}"
host=${hosts[-1]}
out=$build/jail
mkdir -p "$out"
${CC:-gcc} -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE \
	-pthread -Iuserspace -Iuserspace/io -o "$out/jail" tests/jail/jail.c \
	userspace/jail.c -luring -lseccomp || exit
. tests/boot/guests.sh
guests_make "$build/guest" && guests_disks "$build/guest" || exit
echo "# on AMD-V"
exec tests/machine/host.sh --kernel "$host" --mem 1024 --timeout 600 --lodge \
	--append 'lsm=landlock,yama' "${guest[@]}" \
	--file "$out/jail:/bin/jail" --file tests/jail/inside.sh:/inside.sh \
	--disk "${disks[0]},snapshot" --disk "${disks[1]},snapshot" \
	--run "jail; sh /inside.sh $host ${releases[0]}"
