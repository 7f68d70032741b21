#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The first process of an emulated host: mounts what programs expect, loads
# the modules listed in /lodge/modules, runs /lodge/payload, says how that
# ended, and turns the machine off. host.sh puts it into the initramfs as
# /init and reads what it writes:
#
#	ttyS0	the kernel's console
#	ttyS1	what the payload prints
#	ttyS2	"ready" for input, and how it ended: "status N", "tainted N"
#	ttyS3	the kernel's log, then (after a NUL line) a tar of /out
#
# Closing a serial port waits until the last byte has left it, so nothing is
# cut off by the power going down.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root TERM=linux

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
exec </dev/console >/dev/console 2>&1
ip link set lo up
hostname host

for port in 1 2 3; do
	stty raw -echo 115200 <>"/dev/ttyS$port" >&0
done

# "NAME PARAMETERS...": the file is /lodge/ko/NAME.ko.
insert_modules()
{
	while read -r name parameters; do
		# shellcheck disable=SC2086 # the parameters are words
		/bin/insmod "/lodge/ko/$name.ko" $parameters || return 1
	done </lodge/modules
}

if ! insert_modules >/tmp/insert 2>&1; then
	{ cat /tmp/insert; dmesg | tail -n 20; } >/dev/ttyS1
	status=126
elif [ -e /lodge/interactive ]; then
	# hvc0 and not a serial port: it waits when its reader is slow.
	exec 4<>/dev/hvc0
	[ "$(cat /lodge/interactive)" != raw ] || stty raw -echo <&4
	echo ready >/dev/ttyS2
	setsid -c /bin/sh /lodge/payload <&4 >&4 2>&1
	status=$?
	exec 4>&-
else
	setsid /bin/sh /lodge/payload </dev/null >/dev/ttyS1 2>&1
	status=$?
fi

{
	dmesg
	printf '\000\n'
	[ ! -d /out ] || tar -c -C /out -f - .
} >/dev/ttyS3
{
	echo "status $status"
	echo "tainted $(cat /proc/sys/kernel/tainted)"
} >/dev/ttyS2
poweroff -f
