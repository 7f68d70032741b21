# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Lodge beside KVM, inside an emulated host: run.sh starts it there with
# neither module inserted, with QEMU, and with its firmware in /qemu. Prints
# KTAP.
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

# sums_on lodge|kvm ROUNDS OUTPUT: a guest that calculates, in the background, on
# the first CPU of the host: by the launcher on Lodge, or by QEMU on KVM.
# OUTPUT.status is how it ended.
sums_on()
{
	kernel=/guest/vmlinuz-$release initrd=/guest/initrd-$release
	words="console=ttyS0 quiet panic=-1 $sums=$2"
	case $1 in
	lodge)	set -- "$3" lodge run --cpus 1 --mem 160M --kernel "$kernel" \
			--initrd "$initrd" --append "$words" ;;
	kvm)	set -- "$3" qemu -accel kvm -cpu host -m 160M -L /qemu -nodefaults \
			-no-user-config -display none -no-reboot -serial stdio \
			-kernel "$kernel" -initrd "$initrd" -append "$words" ;;
	esac
	{
		log=$1
		shift
		taskset -c 0 "$@" </dev/null >"$log" 2>&1
		echo $? >"$log.status"
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
	name="two guests of QEMU on KVM and two of Lodge, on one CPU"
	load_kvm >/tmp/log 2>&1 &&
	insmod /lodge/ko/lodge.ko mode=share >>/tmp/log 2>&1 || {
		not_ok "$name (insmod)" /tmp/log
		return
	}
	sums_on kvm 30 /tmp/kvm1
	sums_on lodge 30 /tmp/lodge1
	sums_on kvm 30 /tmp/kvm2
	sums_on lodge 30 /tmp/lodge2
	wait
	check_sums "$name" /tmp/kvm1 /tmp/kvm2 /tmp/lodge1 /tmp/lodge2
}

# KVM comes, runs a guest, and goes, while a guest of Lodge's calculates.
test_coming_and_going()
{
	name="KVM comes and goes under a guest of Lodge's"
	rmmod kvm_amd
	sums_on lodge 60 /tmp/lodge1
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
