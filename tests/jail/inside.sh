# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Launchers in their jail, inside an emulated host; run.sh starts it there with
# what guests need in /guest. Prints KTAP.
#
#	inside.sh PREFIX RELEASE
prefix=$1 release=$2 device=/dev/lodge module=lodge
. /guest/lib.sh

# A launcher with a guest under way, and descriptor 9 from its caller.
start_guest()
{
	rm -f /tmp/fifo
	mkfifo /tmp/fifo
	lodge run --device "$device" --kernel "/guest/vmlinuz-$release" \
		--initrd "/guest/initrd-$release" --cpus 2 --mem 160M \
		--disk /dev/vdb --append "console=ttyS0 quiet lodge.test=spin" \
		</dev/null >/tmp/fifo 2>&1 9</guest/lib.sh &
	victim=$!
	exec 8</tmp/fifo
	grep -m1 'lodge-guest: spinning' <&8 >/tmp/spinning
}

field()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$victim/task/$1/status"
}

# Sets vcpus, and wrong if a thread is not as it should be.
look_at_threads()
{
	: >/tmp/log
	vcpus=0 wrong=
	for task in "/proc/$victim/task"/*; do
		id=${task##*/} want=2
		[ "$id" != "$victim" ] || want=1
		comm=$(cat "$task/comm" 2>/dev/null) || continue
		case $comm in
		vcpu*)	vcpus=$((vcpus + 1)) ;;
		iou-*)	continue ;;		# the kernel's own
		esac
		has="$(field "$id" CapEff) $(field "$id" NoNewPrivs)"
		has="$has $(field "$id" Seccomp) $(field "$id" Seccomp_filters)"
		echo "$comm: $has" >>/tmp/log
		[ "$has" = "0000000000000000 1 2 $want" ] || wrong=1
	done
}

test_threads()
{
	name="each thread has no capability, no new privileges, and its filters"
	# The kernel's own threads for a disk come and go, and one that comes has
	# the launcher's name at first.
	for try in 1 2 3 4 5; do
		look_at_threads
		[ -n "$wrong" ] || break
	done
	if [ $vcpus = 2 ] && [ -z "$wrong" ]; then
		ok "$name"
	else
		not_ok "$name" /tmp/log
	fi
}

test_descriptors()
{
	name="it holds its devices, images and events, and nothing it was given"
	ls -l "/proc/$victim/fd" | sed -n 's/.* \([0-9]* -> .*\)/\1/p' >/tmp/log
	if ! grep -q '^9 -> /guest/lib.sh' /tmp/log &&
	   grep -q ' -> /dev/vdb$' /tmp/log &&
	   ! grep -vE "^[012] -> |anon_inode:|-> ($device|/dev/vdb|/guest/vmlinuz-$release|/guest/initrd-$release)\$" /tmp/log; then
		ok "$name"
	else
		not_ok "$name" /tmp/log
	fi
}

test_no_root()
{
	name="a user without rights runs a guest"
	chmod 666 "$device"
	if jail as 65534 lodge run --device "$device" --kernel /guest/tiny \
			--mem 32M </dev/null >/tmp/log 2>&1 &&
	   grep -q '^tiny guest' /tmp/log; then
		ok "$name"
	else
		not_ok "$name" /tmp/log
	fi
}

# $1: with what; a disk keeps what is written across a reboot of the guest.
test_disk()
{
	name="a guest's disk across its reboot, $1"
	dd if=/dev/zero of=/dev/vdb bs=1M 2>/dev/null
	launch "$release" disk '' --cpus 2 --mem 256M --disk /dev/vda \
		--disk /dev/vdb >/tmp/log
	status=$?
	if ended_well /tmp/log $status &&
	   grep -q 'written, rebooting' /tmp/log; then
		ok "$name"
	else
		not_ok "$name (status $status)" /tmp/log
	fi
}

test_disk_threads()
{
	switch=/proc/sys/kernel/io_uring_disabled
	if [ ! -e $switch ]; then
		number=$((number + 1))
		echo "ok $number $prefix: a guest's disk by threads # SKIP io_uring can't be turned off"
		return
	fi
	echo 2 >$switch
	test_disk "by threads"
	echo 0 >$switch
}

echo "TAP version 13"
echo "1..6"
start_guest
test_threads
test_descriptors
kill -9 "$victim"
exec 8<&-
wait
test_no_root
test_disk "by io_uring"
test_disk_threads
test_quiet
