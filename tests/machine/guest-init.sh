#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The first process of a guest: /init of the initramfs that guest.sh makes.
# With lodge.test=NAME on the kernel's command line it runs /test/NAME, says
# "lodge-guest: NAME ended with N" on the console and powers off; else it goes
# on to the root file system on the first disk.
export PATH=/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
exec </dev/console >/dev/console 2>&1
while read -r name; do
	insmod "/ko/$name.ko"
done </ko/order

name=$(sed -n 's/.*lodge\.test=\([^ ]*\).*/\1/p' /proc/cmdline)
if [ -n "$name" ]; then
	sh "/test/$name"
	echo "lodge-guest: $name ended with $?"
	poweroff -f
fi
if ! mount -t ext4 /dev/vda /root; then
	echo "lodge-guest: no root file system on the first disk"
	poweroff -f
fi
exec switch_root /root /sbin/init
