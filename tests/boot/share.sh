# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Lodge beside KVM, inside an emulated host: run.sh starts it there with
# neither module inserted. Prints KTAP. The launcher runs on both devices.
#
#	share.sh PREFIX RELEASE
#
# See boot.sh for the arguments and for what is in /guest.

prefix=$1 release=$2 module=lodge device=/dev/lodge
. /guest/lib.sh
sums='lodge.test=sums rounds'

load_kvm()
{
	for part in irqbypass ccp kvm kvm-amd; do
		# What is not among them is part of this kernel.
		[ -e /lodge/ko/$part.ko ] || continue
		grep -q "^$(echo $part | tr - _) " /proc/modules && continue
		insmod /lodge/ko/$part.ko || return
	done
}

# sums_on DEVICE ROUNDS OUTPUT: a guest that calculates, in the background,
# on the first CPU of the host; OUTPUT.status is how its launcher ended.
sums_on()
{
	{
		taskset -c 0 lodge run --device "$1" --cpus 1 --mem 160M \
			--kernel "/guest/vmlinuz-$release" \
			--initrd "/guest/initrd-$release" \
			--append "console=ttyS0 quiet panic=-1 $sums=$2" \
			</dev/null >"$3" 2>&1
		echo $? >"$3.status"
	} &
}

check_sums()
{
	name=$1
	shift
	for log in "$@"; do
		if ! ended_well "$log" "$(cat "$log.status")"; then
			not_ok "$name ($log)" "$log"
			return
		fi
	done
	ok "$name"
}

# Two guests of each hypervisor's take turns on one CPU.
test_same_cpu()
{
	name="two guests on KVM and two on Lodge, on one CPU"
	load_kvm >/tmp/log 2>&1 &&
	insmod /lodge/ko/lodge.ko mode=share >>/tmp/log 2>&1 || {
		not_ok "$name (insmod)" /tmp/log
		return
	}
	sums_on /dev/kvm 30 /tmp/kvm1
	sums_on /dev/lodge 30 /tmp/lodge1
	sums_on /dev/kvm 30 /tmp/kvm2
	sums_on /dev/lodge 30 /tmp/lodge2
	wait
	check_sums "$name" /tmp/kvm1 /tmp/kvm2 /tmp/lodge1 /tmp/lodge2
}

# KVM comes, runs a guest, and goes, while a guest of Lodge's calculates.
test_coming_and_going()
{
	name="KVM comes and goes under a guest of Lodge's"
	rmmod kvm_amd
	sums_on /dev/lodge 60 /tmp/lodge1
	guest=$!
	times=0
	while kill -0 $guest 2>/dev/null; do
		times=$((times + 1))
		if ! load_kvm >/tmp/log 2>&1; then
			not_ok "$name (insmod, time $times)" /tmp/log
			wait
			return
		fi
		lodge run --device /dev/kvm --kernel /guest/tiny --mem 32M \
			</dev/null >/tmp/tiny 2>&1 || {
			not_ok "$name (KVM's guest, time $times)" /tmp/tiny
			wait
			return
		}
		rmmod kvm_amd
	done
	wait
	echo "# KVM came and went $times times"
	check_sums "$name" /tmp/lodge1
}

# With a KVM guest running, the hardware is KVM's on every kernel.
test_own_refused()
{
	name="mode=own is refused while KVM holds the hardware"
	rmmod lodge
	load_kvm
	mkfifo /tmp/fifo
	lodge run --device /dev/kvm --kernel "/guest/vmlinuz-$release" \
		--initrd "/guest/initrd-$release" --cpus 1 --mem 160M \
		--disk /dev/vdb \
		--append "console=ttyS0 quiet panic=-1 lodge.test=spin" \
		</dev/null >/tmp/fifo 2>&1 &
	victim=$!
	{
		grep -m1 'lodge-guest: spinning' >/tmp/spinning
		insmod /lodge/ko/lodge.ko mode=own >/tmp/log 2>&1
		status=$?
		dmesg | grep 'lodge:' | tail -n 3 >>/tmp/log
		insmod /lodge/ko/lodge.ko >>/tmp/log 2>&1
		auto=$?
		lodge run --kernel /guest/tiny --mem 32M </dev/null >/tmp/tiny 2>&1
		shared=$?
		kill -9 $victim
		cat >/dev/null
	} </tmp/fifo
	wait
	if [ $status != 0 ] && [ -s /tmp/spinning ] &&
	   grep -q 'lodge:.*\(own\|held\|hold\|KVM\)' /tmp/log; then
		ok "$name"
	else
		not_ok "$name (status $status)" /tmp/log
	fi
	name="mode=auto shares it then"
	if [ $auto = 0 ] && [ $shared = 0 ]; then
		ok "$name"
	else
		not_ok "$name (insmod $auto, guest $shared)" /tmp/log /tmp/tiny
	fi
}

echo "TAP version 13"
echo "1..5"
test_same_cpu
test_coming_and_going
test_own_refused
test_quiet
