#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots Debian's kernel with the initrd that Debian makes for it, as installed
# machines have them, and a small Debian as the root file system: the initrd
# must find the launcher's disks by itself. Called by "make test-initrd" through
# tests/run.sh with the hosts' kernels in KERNELS; prints KTAP. It is no part of
# "make test", since making that initrd takes a minute or two the first time.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh

read -r -a hosts <<<"${KERNELS:-6.1 6.12}"
tests/machine/deps.sh build build-6.12 userspace host || exit
stock=$(tests/machine/fetch.sh stock) || exit
. tests/boot/guests.sh
mkdir -p "$build/guest" && guests_disks "$build/guest" || exit

commands='findmnt -no SOURCE /; echo /dev/vd?; uname -r; exit\n'
number=0 failed=0
echo "TAP version 13"
echo "1..${#hosts[@]}"
for host in "${hosts[@]}"; do
	status=0
	tests/machine/host.sh --kernel "$host" --mem 1536 --lodge --timeout 600 \
		--file userspace/lodge:/bin/lodge --dir "$stock:/guest" \
		--disk "${disks[0]},snapshot" --disk "${disks[1]},snapshot" \
		--run "printf '$commands' | lodge run --cpus 2 --mem 512M \
			--kernel /guest/vmlinuz-* --initrd /guest/initrd.img-* \
			--disk /dev/vda --disk /dev/vdb,ro \
			--append 'console=ttyS0 quiet root=/dev/vda'" \
		</dev/null >"$build/guest/stock.log" 2>&1 || status=$?
	number=$((number + 1))
	name="$host: Debian's own initrd finds the disks and boots from one"
	tr -d '\r' <"$build/guest/stock.log" >"$build/guest/stock.text"
	if [ $status = 0 ] && grep -qx '/dev/vda' "$build/guest/stock.text" &&
	   grep -qx '/dev/vda /dev/vdb' "$build/guest/stock.text"; then
		echo "ok $number $name"
	else
		tail -n 40 "$build/guest/stock.text" | sed 's/^/# /'
		echo "not ok $number $name (status $status)"
		failed=1
	fi
done
exit "$failed"
