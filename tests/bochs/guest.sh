# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# A guest in the host that Bochs emulates; run.sh starts it there with what the
# guest needs in /guest. Prints KTAP.
#
#	guest.sh PREFIX RELEASE

prefix=$1 device=/dev/lodge module=lodge release=$2
. /guest/lib.sh

echo "TAP version 13"
echo "1..3"
name="Lodge uses next-RIP and flush-by-ASID"
dmesg | grep 'lodge: AMD-V' >/tmp/log
if sed 's/;.*//' /tmp/log | grep next-rip | grep -q flush-by-asid; then
	ok "$name"
else
	not_ok "$name" /tmp/log
fi

# Bochs 2.7 has not got XSAVEC and XSAVES right; see bochs.sh.
name="$release boots, calculates, powers off"
launch "$release" hello 'cpus=1 clearcpuid=321,323' --cpus 1 --mem 256M \
	>/tmp/log
report "$name" $? /tmp/log "^$release"
test_quiet
