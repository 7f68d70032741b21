#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Inside the emulated host: hostile programs and guests, each for a while, and
# failing memory where the kernel can do that; then nothing of it may be left.
# Started by run.sh through host.sh or bochs.sh, which has put the programs into
# /hostile and lodge.ko into /lodge/ko. Prints KTAP.
#
#	inside.sh SECONDS [OPTIONS OF fuzz...]
#
# The environment's LODGE_ARGS are the module's parameters.
seconds=$1
shift
ulimit -c unlimited
cd /tmp || exit
echo 4 >/proc/sys/vm/nr_hugepages
echo 0 >/proc/sys/debug/exception-trace
mkdir -p /tmp/cgroup
mount -t cgroup2 cgroup2 /tmp/cgroup
echo +memory >/tmp/cgroup/cgroup.subtree_control
mkdir /tmp/cgroup/fuzz
echo 256M >/tmp/cgroup/fuzz/memory.max
status=0

[ ! -e /proc/self/fail-nth ] ||
	sh /hostile/nomem.sh --load /lodge/ko/lodge.ko || status=1
# shellcheck disable=SC2086 # the parameters are words
/bin/insmod /lodge/ko/lodge.ko $LODGE_ARGS || { dmesg | tail; exit 126; }
[ ! -e /proc/self/fail-nth ] || sh /hostile/nomem.sh /dev/lodge || status=1

# What the kernel holds on behalf of the worlds, in KiB, once all are gone.
held()
{
	awk '$1 == "kernel" { print int($2 / 1024) }' /tmp/cgroup/fuzz/memory.stat
}

files()
{
	cut -f1 /proc/sys/fs/file-nr
}

/hostile/fuzz --worlds 4 --seconds 10 --cgroup /tmp/cgroup/fuzz >/dev/null
before=$(held) files=$(files)
/hostile/fuzz --seconds "$seconds" --cgroup /tmp/cgroup/fuzz "$@" || status=1
/hostile/fuzz --guests --seconds "$seconds" --cgroup /tmp/cgroup/fuzz "$@" ||
	status=1

printf 'TAP version 13\n1..4\n'
if /bin/rmmod lodge && [ ! -e /dev/lodge ]; then
	echo "ok 1 hostile.module_unloads"
else
	grep '^lodge ' /proc/modules | sed 's/^/# /'
	echo "not ok 1 hostile.module_unloads"
	status=1
fi

# Pages that CPUs keep for the next one make some difference.
after=$(held)
echo "# the kernel held $before KiB for others before, $after KiB after"
if [ -z "$after" ]; then
	echo "ok 2 hostile.memory_comes_back # SKIP no figure on this kernel"
elif [ "$after" -lt $((before + 4096)) ]; then
	echo "ok 2 hostile.memory_comes_back"
else
	echo "not ok 2 hostile.memory_comes_back"
	status=1
fi

# Each CPU keeps a part of the count to itself.
if [ "$(files)" -lt $((files + 256)) ]; then
	echo "ok 3 hostile.files_come_back"
else
	echo "# $files files were open before, $(files) are"
	echo "not ok 3 hostile.files_come_back"
	status=1
fi

leaks
case $? in
0)	echo "ok 4 hostile.no_leaks" ;;
2)	echo "ok 4 hostile.no_leaks # SKIP no kmemleak in this kernel" ;;
*)	echo "not ok 4 hostile.no_leaks"
	status=1 ;;
esac
exit $status
