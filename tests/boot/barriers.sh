# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What is done against speculation around guests is what the host does for
# itself (docs/SPECULATION.md), inside an emulated host; run.sh starts it there
# with mitigations and without.
#
#	barriers.sh PREFIX NAMES
#
# NAMES are those in the log's line that must be there; "none" stands alone.

prefix=$1 names=$2 device=/dev/lodge module=lodge
. /guest/lib.sh

echo "TAP version 13"
echo "1..2"
name="barriers of a host: $names"
dmesg | sed -n 's/.*lodge: .*; barriers: //p' >/tmp/said
{
	cat /tmp/said /proc/cmdline
	grep . /sys/devices/system/cpu/vulnerabilities/*
} >/tmp/log
good=1
for word in $names; do
	grep -qw "$word" /tmp/said || good=
done
[ "$names" != none ] || [ "$(cat /tmp/said)" = none ] || good=
if lodge run --kernel /guest/tiny --mem 32M </dev/null >>/tmp/log 2>&1 &&
   [ $good ]; then
	ok "$name"
else
	not_ok "$name" /tmp/log
fi
test_quiet
