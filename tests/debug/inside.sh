# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Inside the emulated host with the debug kernel: allocations fail, a thousand VMs
# come and go, a guest boots; then nothing may be left. Started by run.sh; prints
# KTAP.
#
#	inside.sh PREFIX RELEASE

prefix=$1 device=/dev/lodge module=lodge release=$2
. /guest/lib.sh

status=0
sh /hostile/nomem.sh --load /lodge/ko/lodge.ko || status=1
insmod /lodge/ko/lodge.ko || exit 126
sh /hostile/nomem.sh $device || status=1
cd /tmp && LIFE_MACHINES=1000 /abi/life 2>&1 || status=1

echo "TAP version 13"
echo "1..4"
# This kernel has not all that the jail takes.
launch "$release" disk '' --cpus 2 --mem 256M --disk /dev/vda \
	--disk /dev/vdb --no-jail >/tmp/log
report "$release boots, writes to two disks, reboots, reads it back" $? /tmp/log
name="the module unloads"
if rmmod lodge 2>/tmp/log && [ ! -e $device ]; then
	ok "$name"
else
	not_ok "$name" /tmp/log
fi
name="no memory is lost"
if leaks; then
	ok "$name"
else
	not_ok "$name" /dev/null
fi
test_quiet
exit $status
