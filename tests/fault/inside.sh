# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Troubles the host while vCPUs calculate, inside an emulated host: run.sh, and
# that of tests/vmx, start it there with no module inserted. Prints KTAP. That
# the kernel did not warn meanwhile is seen to by what emulates the host. Read
# compute.c next.
#
#	inside.sh [--short]	a tenth of all that is done many times
. /fault/lib.sh
number=0
cpu1=/sys/devices/system/cpu/cpu1/online
ko=/lodge/ko
times=100
[ "$1" != --short ] || times=10
hardware=AMD-V kvm=kvm_amd own=yes
if grep -q GenuineIntel /proc/cpuinfo; then
	hardware=VT-x kvm=kvm_intel
	# Newer kernels keep what it takes to leave VT-x on to themselves.
	case $(uname -r) in 7.*) own= ;; esac
fi

# result NAME STATUS: STATUS is that of what NAME says
result()
{
	number=$((number + 1))
	if [ "$2" = 0 ]; then
		echo "ok $number $1"
	else
		tail -n 8 /tmp/log | sed 's/^/# /'
		dmesg | tail -n 5 | sed 's/^/# /'
		echo "not ok $number $1"
	fi
}

load_lodge()
{
	insmod $ko/lodge.ko "$@" >>/tmp/log 2>&1
}

load_kvm()
{
	for part in irqbypass ccp kvm kvm-amd kvm-intel; do
		[ -e $ko/$part.ko ] || continue
		grep -q "^$(echo $part | tr - _) " /proc/modules && continue
		insmod $ko/$part.ko >>/tmp/log 2>&1 || return
	done
}

mode_is()
{
	dmesg | grep "lodge: $hardware, mode" | tail -n 1 | grep -q "mode $1,"
}

# under_load COMMAND...: run it again and again while four vCPUs calculate
under_load()
{
	compute /dev/lodge 5 4 >>/tmp/log 2>&1 &
	load=$!
	while kill -0 $load 2>/dev/null; do
		"$@" || { kill -9 $load; wait $load; return 1; }
	done
	wait $load
}

cpu_goes_and_comes()
{
	echo 0 >$cpu1 && usleep 100000 && echo 1 >$cpu1 && usleep 100000
}

kvm_comes_and_goes()
{
	load_kvm && compute /dev/kvm 0 1 >>/tmp/log 2>&1 &&
		rmmod $kvm >>/tmp/log 2>&1
}

test_reload()
{
	for _ in $(seq $times); do
		load_lodge && compute /dev/lodge 0 2 >>/tmp/log 2>&1 &&
			rmmod lodge || return
	done
}

# The module can't go under a VM, and goes when the VM's process was killed.
test_kill()
{
	for _ in $(seq $((times / 5))); do
		compute /dev/lodge 60 4 >>/tmp/log 2>&1 &
		load=$!
		calculates $load 10 || return
		rmmod lodge 2>/dev/null && return 1
		kill -9 $load
		wait $load 2>/dev/null
	done
	rmmod lodge && load_lodge mode="$1"
}

test_suspend()
{
	compute /dev/lodge 8 4 >>/tmp/log 2>&1 &
	load=$!
	sleep 1
	# Bochs' hosts wake at once, and leave the last alarm.
	echo 0 >/sys/class/rtc/rtc0/wakealarm
	echo +3 >/sys/class/rtc/rtc0/wakealarm &&
		echo mem >/sys/power/state && wait $load
}

# Idle states, in some of which timers stand still: 1: none is used, 0: all are.
idle_states_off()
{
	for state in /sys/devices/system/cpu/cpu*/cpuidle/state*; do
		[ ! -e "$state" ] || echo "$1" >"$state/disable"
	done
}

# With all processes frozen the host idles for a second, until wake.ko ends that.
test_idle()
{
	idle_states_off 1
	before=$(cat /sys/power/suspend_stats/success)
	insmod $ko/wake.ko >>/tmp/log 2>&1 || return
	compute /dev/lodge term 4 >>/tmp/log 2>&1 &
	load=$!
	calculates $load 10 && echo freeze >/sys/power/state 2>>/tmp/log &&
		calculates $load 1 && calculates $load $((ticks + 10))
	status=$?
	kill $load
	wait $load || status=1
	idle_states_off 0
	asleep=$(cat /sys/module/wake/parameters/asleep_ms)
	rmmod wake && [ $status = 0 ] && [ "$asleep" -ge 900 ] &&
		[ "$(cat /sys/power/suspend_stats/success)" = $((before + 1)) ]
}

# Guests of both calculate at the same time, and KVM goes.
test_lent()
{
	load_lodge && mode_is own && under_load kvm_comes_and_goes || return
	dmesg | grep 'lodge:' | tail -n 1 | grep -q "$kvm has gone: mode own" &&
		rmmod lodge && load_kvm && load_lodge && mode_is share &&
		compute /dev/lodge 0 1 >>/tmp/log 2>&1 && rmmod lodge &&
		rmmod $kvm
}

# Own mode and KVM: who comes second is refused.
test_refused()
{
	load_lodge mode=own && mode_is own || return
	! load_kvm || return
	dmesg | tail -n 1 | grep -q "mode=own holds the CPUs" || return
	compute /dev/lodge 0 1 >>/tmp/log 2>&1 && rmmod lodge &&
		load_kvm || return
	compute /dev/kvm 4 1 >>/tmp/log 2>&1 &
	load=$!
	sleep 1
	load_lodge mode=own && return 1
	dmesg | tail -n 3 | grep -q 'mode=own is refused' || return
	load_lodge && mode_is share && compute /dev/lodge 1 1 >>/tmp/log 2>&1 &&
		wait $load && rmmod lodge && rmmod $kvm
}

# names LIST: what the module has said of the CPU's features
names()
{
	dmesg | grep "lodge: $hardware, mode" | tail -n 1 |
		sed "s/.* $1 \([^;]*\).*/\1/"
}

# The log tells what is used, what is there but left out, and what is absent.
test_named()
{
	posting=5
	# Newer kernels can't have it.
	[ -n "$own" ] || posting=6
	load_lodge && absent=$(names absent:) && rmmod lodge || return
	for level in 0 1 2 3 4 5; do
		load_lodge apicv=$level || return
		while read -r from name; do
			list=uses
			[ $level -ge "$from" ] || list="not used:"
			case " $absent " in *" $name "*) list=absent: ;; esac
			case " $(names "$list") " in *" $name "*) continue ;; esac
			echo "apicv=$level: $name is not under \"$list\"" >>/tmp/log
			return 1
		done <<END
1 tpr-shadow
2 apic-page
2 x2apic
3 apic-registers
4 virtual-interrupts
$posting posted-interrupts
END
		rmmod lodge || return
	done
}

# Where this kernel lets none stay on, that is said.
test_no_own()
{
	! load_lodge mode=own &&
		dmesg | tail -n 1 | grep -q 'lets no module keep VT-x on' &&
		load_lodge && mode_is share && rmmod lodge
}

echo "TAP version 13"
plan=14
[ -n "$own" ] || plan=8
[ $hardware = AMD-V ] || plan=$((plan + 1))
echo "1..$plan"
: >/tmp/log
if [ $hardware = VT-x ]; then
	test_named
	result "the log tells which features are used" $?
fi
test_reload
result "loaded and unloaded $times times" $?
for mode in ${own:+own} share; do
	load_lodge mode=$mode && mode_is $mode
	result "mode=$mode" $?
	under_load cpu_goes_and_comes
	result "$mode: a CPU goes and comes" $?
	test_suspend
	result "$mode: the host sleeps and wakes" $?
	test_idle
	result "$mode: the host idles and wakes" $?
	test_kill $mode
	result "$mode: processes killed while they run" $?
	if [ $mode = share ]; then
		under_load kvm_comes_and_goes
		result "$mode: KVM comes and goes" $?
	fi
	rmmod lodge
done
if [ -z "$own" ]; then
	test_no_own
	result "mode=own is refused with a sentence, auto shares" $?
	exit
fi
test_lent
result "auto: KVM is lent the CPUs, and gives them back" $?
test_refused
result "with KVM, the second one to ask for its own is refused" $?
