# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Boots guests through the launcher, inside an emulated host; run.sh starts it
# there with what the guests need in /guest. Prints KTAP. The guests' part is
# in guest/; read that next.
#
#	boot.sh [--short] PREFIX DEVICE MODULE RELEASE...
#
# Each RELEASE has /guest/vmlinuz-RELEASE and /guest/initrd-RELEASE. Disks are
# /dev/vda (an ext4 root file system) and /dev/vdb (zeroes), or sda and sdb.
# --short is for emulators that take their time.

short=
[ "$1" != --short ] || { short=yes; shift; }
prefix=$1 device=$2 module=$3
shift 3
releases=$*
. /guest/lib.sh
root=/dev/vda scratch=/dev/vdb
# Drives are named as they answer: the one of zeroes has 4 MiB.
for name in sda sdb; do
	[ ! -e /dev/vda ] || break
	if [ "$(cat /sys/block/$name/size)" = 8192 ]; then
		scratch=/dev/$name
	else
		root=/dev/$name
	fi
done

# A kernel comes up with its CPUs, works on all of them, and powers off.
test_hello()
{
	launch "$1" hello "cpus=$2" --cpus "$2" --mem 256M >/tmp/log
	report "$1 boots with $2 CPUs, calculates, powers off" $? /tmp/log "^$1"
}

# What a guest wrote is there after its reboot, and on the host's disk.
test_disk()
{
	name="$1: two disks keep what was written across a reboot"
	dd if=/dev/zero of=$scratch bs=1M 2>/dev/null
	launch "$1" disk '' --cpus 2 --mem 256M --disk $root \
		--disk $scratch >/tmp/log
	status=$?
	if ! ended_well /tmp/log $status ||
	   ! grep -q 'written, rebooting' /tmp/log; then
		not_ok "$name (status $status)" /tmp/log
		return
	fi
	bytes=$(($(cat /sys/block/${scratch#/dev/}/size) * 512 - 4096))
	want=$(seq 1 600000 | head -c $bytes | md5sum)
	size=$(seq 1 600000 | head -c $bytes | wc -c)
	if [ "$(head -c "$size" $scratch | md5sum)" = "$want" ]; then
		ok "$name"
	else
		echo "the host reads something else" >>/tmp/log
		not_ok "$name" /tmp/log
	fi
}

# Several guests at once; the launchers' threads share the host's CPUs.
test_four()
{
	name="$1: four guests at once"
	for i in 1 2 3 4; do
		{
			launch "$1" hello cpus=1 --cpus 1 --mem 160M >/tmp/log$i
			echo $? >/tmp/status$i
		} &
	done
	wait
	for i in 1 2 3 4; do
		if ! ended_well /tmp/log$i "$(cat /tmp/status$i)"; then
			not_ok "$name (guest $i, status $(cat /tmp/status$i))" /tmp/log$i
			return
		fi
	done
	ok "$name"
}

# Kills a launcher with its guest in the middle of things.
kill_one()
{
	rm -f /tmp/fifo
	mkfifo /tmp/fifo
	lodge run --device "$device" --kernel "/guest/vmlinuz-$1" \
		--initrd "/guest/initrd-$1" --cpus 2 --mem 160M --disk "$scratch" \
		--append "console=ttyS0 quiet panic=-1 lodge.test=spin" \
		</dev/null >/tmp/fifo 2>&1 &
	victim=$!
	# Whoever reads on lets the guest write on until it is killed.
	{
		grep -m1 'lodge-guest: spinning' >/tmp/spinning
		kill -9 $victim
		cat >/dev/null
	} </tmp/fifo
	wait $victim
	[ $? = 137 ] && [ -s /tmp/spinning ]
}

# A CPU of the host's leaves and comes back, again and again, under a guest.
test_hotplug()
{
	name="$1: the host's second CPU goes and comes under a guest"
	if [ ! -e /sys/devices/system/cpu/cpu1/online ]; then
		ok "$name # SKIP this host has one CPU"
		return
	fi
	{
		launch "$1" sums rounds=30 --cpus 2 --mem 192M >/tmp/log
		echo $? >/tmp/status
	} &
	guest=$!
	times=0
	while kill -0 $guest 2>/dev/null; do
		times=$((times + 1))
		if ! echo 0 >/sys/devices/system/cpu/cpu1/online ||
		   ! echo 1 >/sys/devices/system/cpu/cpu1/online; then
			wait
			not_ok "$name (time $times)" /tmp/log
			return
		fi
	done
	wait
	echo "# it went $times times"
	if ended_well /tmp/log "$(cat /tmp/status)" && [ $times -gt 2 ]; then
		ok "$name"
	else
		not_ok "$name (status $(cat /tmp/status), $times times)" /tmp/log
	fi
}

references()
{
	awk -v name="$module" '$1 == name { print $3 }' /proc/modules
}

# Free memory, with the pages that each CPU keeps at hand: those are megabytes,
# and vary.
free_kib()
{
	echo 3 >/proc/sys/vm/drop_caches
	free=$(awk '$1 == "MemFree:" { print $2 }' /proc/meminfo)
	kept=$(awk '$1 == "count:" { n += $2 } END { print n * 4 }' /proc/zoneinfo)
	echo $((free + kept))
}

vmalloc_of_module()
{
	grep -c "\[$module\]" /proc/vmallocinfo
}

test_kill()
{
	name="$1: killed guests leave nothing behind"
	# The first ones fill caches that stay. What is free varies by some
	# hundred KiB; a guest's page tables alone, kept eight times, are 2 MiB.
	for i in 1 2; do
		kill_one "$1" || {
			not_ok "$name (none to kill)" /tmp/spinning
			return
		}
	done
	areas=$(vmalloc_of_module)
	# The host's kernel keeps more for itself once; a leak is there each time.
	for _ in 1 2 3; do
		before=$(free_kib)
		for i in 1 2 3 4 5 6 7 8; do
			kill_one "$1" ||
				{ not_ok "$name (guest $i)" /tmp/spinning; return; }
		done
		lost=$((before - $(free_kib)))
		echo "# free memory changed by $((-lost)) KiB over eight guests"
		[ $lost -ge 512 ] || break
	done
	{
		echo "$lost KiB lost in eight guests of 160 MiB"
		echo "references to $module: $(references)"
		echo "vmalloc areas: $areas, then $(vmalloc_of_module)"
		ps | grep '[l]odge run'
	} >/tmp/log
	if [ $lost -lt 512 ] && [ "$(references)" = 0 ] &&
	   [ "$(vmalloc_of_module)" = "$areas" ] &&
	   ! ps | grep -q '[l]odge run'; then
		ok "$name"
	else
		not_ok "$name" /tmp/log
	fi
}

# The module goes in and out with a guest in between.
test_cycle()
{
	name="$1 times in, a guest, and out"
	: >/tmp/log
	i=0
	while [ $i -lt "$1" ]; do
		i=$((i + 1))
		[ $i = 1 ] || insmod "$file" >>/tmp/log 2>&1 || {
			not_ok "$name (insmod, time $i)" /tmp/log
			return
		}
		lodge run --device "$device" --kernel /guest/tiny --mem 32M \
			</dev/null >/tmp/tiny 2>&1 &&
			grep -q '^tiny guest' /tmp/tiny || {
			not_ok "$name (guest, time $i)" /tmp/tiny
			return
		}
		rmmod "$module" >>/tmp/log 2>&1 || {
			not_ok "$name (rmmod, time $i)" /tmp/log
			return
		}
		if [ -e "$device" ] || grep -q "^$module " /proc/modules; then
			not_ok "$name (still there, time $i)" /tmp/log
			return
		fi
	done
	insmod "$file"
	ok "$name"
}

count=0
for release in $releases; do
	count=$((count + 2))
	first=${first:-$release} last=$release
done
echo "TAP version 13"
if [ $short ]; then
	echo "1..5"
	test_hello "$first" 1
	test_hello "$last" 2
	test_disk "$first"
	test_cycle 10
	test_quiet
	exit
fi
echo "1..$((count + 6))"
for release in $releases; do
	test_hello "$release" 1
	test_hello "$release" 2
done
test_disk "$first"
test_four "$first"
test_hotplug "$first"
test_kill "$first"
test_cycle 100
test_quiet
