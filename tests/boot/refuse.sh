# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The module is refused, inside an emulated host that run.sh starts without
# it: each time with the right error, one sentence in the kernel's log that
# says why, and nothing left behind.
#
#	refuse.sh PREFIX ERROR SENTENCE PARAMETERS
#
# ERROR is what insmod says; PARAMETERS are the module's.

prefix=$1 error=$2 sentence=$3 parameters=$4
device=/dev/lodge module=lodge
. /guest/lib.sh

echo "TAP version 13"
echo "1..2"
name="refused with '$error': '$sentence'"
# shellcheck disable=SC2086 # the parameters are words
insmod "$file" $parameters >/tmp/log 2>&1
status=$?
dmesg | grep 'lodge: ' | grep -v 'taint' >/tmp/said
cat /tmp/said >>/tmp/log
if [ $status != 0 ] && grep -q "$error" /tmp/log &&
   [ "$(wc -l </tmp/said)" = 1 ] && grep -q "$sentence" /tmp/said &&
   [ ! -e $device ] && ! grep -q '^lodge ' /proc/modules; then
	ok "$name"
else
	not_ok "$name (status $status)" /tmp/log
fi
test_quiet
