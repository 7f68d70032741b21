# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154
#
# A guest whose memory the host has swapped out, inside an emulated host whose
# third disk is for that: it is told of pages that are not there, does something
# else until they are, and nothing in them has changed. Prints KTAP; see boot.sh
# for the arguments and for what is in /guest.
#
#	swap.sh PREFIX DEVICE MODULE RELEASE

prefix=$1 device=$2 module=$3 release=$4
. /guest/lib.sh
group=/tmp/group/limited
log=/tmp/log

rounds()
{
	grep -c 'a round of' $log
}

# Stopped, it touches no page, and all can go. Until it has got on.
swap_out()
{
	kill -STOP $launcher
	echo 160M >$group/memory.reclaim 2>/dev/null
	echo "# left in memory: $(cat $group/memory.current) bytes"
	before=$(rounds)
	kill -CONT $launcher
	until ended || [ "$(rounds)" -gt $((before + 1)) ]; do
		usleep 50000
	done
}

test_swap()
{
	name="a guest is told of pages that the host swaps in"
	: >$log
	guest cold rounds=8
	until ended || [ "$(rounds)" -gt 0 ]; do
		usleep 50000
	done
	for _ in 1 2 3; do
		swap_out
	done
	wait $launcher
	status=$?
	came=$(sed -n 's/.*pages that came: \([0-9]*\).*/\1/p' $log)
	echo "# pages that came: $came; swapped in: $(sed -n 's/^pswpin //p' /proc/vmstat)"
	# Each CPU is told once that all may be there, which is counted, too.
	[ "${came:-0}" -gt 100 ] || status="$status, $came pages came"
	report "$name" "$status" $log
}

echo "TAP version 13"
echo "1..2"
# No limit, but memory that can be taken away, this shell's with it.
mkswap /dev/vdc >/dev/null && swapon /dev/vdc && in_group memory.max max &&
	echo 0 >$group/cgroup.procs || exit
test_swap
test_quiet
