# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# A guest on a host with all that the emulator can do; run.sh starts it there.
# See boot.sh for the arguments and for what is in /guest.
#
#	max.sh PREFIX DEVICE MODULE RELEASE

prefix=$1 device=$2 module=$3 release=$4
. /guest/lib.sh

echo "TAP version 13"
echo "1..2"
name="$release boots on a host with CPU model max"
launch "$release" hello cpus=2 --cpus 2 --mem 256M >/tmp/log
status=$?
if ended_well /tmp/log $status; then
	ok "$name"
else
	not_ok "$name (status $status)" /tmp/log
fi
test_quiet
