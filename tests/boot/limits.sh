# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154
#
# What the host does to a launcher, or keeps from it, inside an emulated host:
# it is stopped, debugged, and limited by ulimit and by cgroups. Prints KTAP; see
# boot.sh for the arguments and for what is in /guest.
#
#	limits.sh PREFIX DEVICE MODULE RELEASE

prefix=$1 device=$2 module=$3 release=$4
. /guest/lib.sh

# States of all its threads: T has been stopped, Z has ended.
states()
{
	cat "/proc/$launcher"/task/*/status 2>/dev/null |
		sed -n 's/^State:.\(.\).*/\1/p'
}

test_stop()
{
	name="a launcher is stopped and goes on, again and again"
	guest sums rounds=8
	times=0
	until ended; do
		kill -STOP $launcher
		until ended || ! states | grep -qv T; do :; done
		kill -CONT $launcher
		times=$((times + 1))
		usleep 20000
	done
	wait $launcher
	status=$?
	echo "# it was stopped $times times"
	[ $times -gt 10 ] || status="$status, $times times"
	report "$name" "$status" /tmp/log
}

test_debugger()
{
	name="a debugger takes hold of a launcher, again and again"
	guest sums rounds=10
	# Not in the middle of its exec.
	until grep -qs vcpu "/proc/$launcher/task/"*/comm || ended; do
		usleep 10000
	done
	attach $launcher 30 >/tmp/attach 2>&1
	attached=$?
	wait $launcher
	status=$?
	[ $attached = 0 ] || status="$status, $(cat /tmp/attach)"
	report "$name" "$status" /tmp/log
}

# refused NAME STATUS WORDS: a launcher has said why it can't go on.
refused()
{
	if [ "$2" != 0 ] && [ "$2" -lt 128 ] && grep -q "$3" /tmp/log; then
		ok "$1"
	else
		not_ok "$1 (status $2)" /tmp/log
	fi
}

test_nothing_left()
{
	name="nothing is left of these launchers"
	references=$(awk -v name="$module" '$1 == name { print $3 }' /proc/modules)
	if [ "$references" = 0 ]; then
		ok "$name"
	else
		not_ok "$name ($references references to $module)" /dev/null
	fi
}

limited()
{
	(
		ulimit "$1" "$2"
		exec lodge run --device "$device" --kernel /guest/tiny --mem 160M \
			</dev/null >/tmp/log 2>&1
	)
}

test_ulimit()
{
	for limit in '-v 100000' '-n 6'; do
		# shellcheck disable=SC2086 # two words
		limited $limit
		refused "ulimit $limit is told" $? 'lodge: '
	done
}

# The kernel kills a launcher whose guest takes more than the group may have.
test_memory_max()
{
	name="a guest larger than its group's memory: the launcher is killed"
	in_group memory.max 64M || { not_ok "$name (cgroup)" /dev/null; return; }
	(
		echo 0 >/tmp/group/limited/cgroup.procs
		guest spin ''
		wait $launcher
	)
	status=$?
	if [ $status = 137 ] && dmesg | grep -q 'Memory cgroup out of memory'; then
		ok "$name"
	else
		not_ok "$name (status $status)" /tmp/log
	fi
	rmdir /tmp/group/limited
}

test_pids_max()
{
	name="no more threads in its group: the launcher says so"
	in_group pids.max 2 || { not_ok "$name (cgroup)" /dev/null; return; }
	(
		echo 0 >/tmp/group/limited/cgroup.procs
		exec lodge run --device "$device" --kernel /guest/tiny --cpus 4 \
			--mem 32M </dev/null >/tmp/log 2>&1
	)
	refused "$name" $? 'lodge: '
	rmdir /tmp/group/limited
}

test_cpu_max()
{
	name="a fifth of a CPU for its group: the guest calculates right"
	in_group cpu.max '20000 100000' || { not_ok "$name (cgroup)" /dev/null; return; }
	(
		guest hello cpus=2
		echo $launcher >/tmp/group/limited/cgroup.procs
		wait $launcher
	)
	report "$name" $? /tmp/log
	rmdir /tmp/group/limited
}

echo "TAP version 13"
test_stop
test_debugger
test_ulimit
test_memory_max
test_pids_max
test_cpu_max
test_nothing_left
test_quiet
echo "1..$number"
