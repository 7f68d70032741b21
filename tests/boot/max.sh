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
launch "$release" hello cpus=2 --cpus 2 --mem 256M >/tmp/log
report "$release boots on a host with CPU model max" $? /tmp/log
test_quiet
