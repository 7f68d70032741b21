# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Ends the host's kernel while vCPUs calculate: by kexec, by a panic with a
# crash kernel, by a reset, with the CPUs owned and shared. What comes up next
# must have all its CPUs and be able to take AMD-V or VT-x. run.sh, and that of
# tests/vmx, start it in an emulated host with no module inserted; every kernel
# then runs it again, and the first disk says which turn it is. Prints KTAP.
# Read kexec.c next.
#
#	ends.sh [--probe]	what follows is no kernel, but after.S: for hosts
#				with VT-x in an emulator that takes minutes for
#				the checksums of kernels
. /fault/lib.sh
probe=$1
disk=/dev/vda
[ -e $disk ] || disk=/dev/sda
kernel=/lodge/vmlinuz
own=own
# Newer kernels keep what it takes to leave VT-x on to themselves.
if grep -q GenuineIntel /proc/cpuinfo; then
	case $(uname -r) in 7.*) own=auto ;; esac
fi

# Whoever reads the port has it all when the machine goes on.
drain()
{
	stty raw -echo <>/dev/ttyS1 >&0
}

# result NAME STATUS
result()
{
	number=$((number + 1))
	if [ "$2" = 0 ]; then
		echo "ok $number $1"
	else
		dmesg | tail -n 8 | sed 's/^/# /'
		tail -n 4 /tmp/log | sed 's/^/# /'
		echo "not ok $number $1"
	fi
}

# On disk: the turn that is next, and how many results there were.
turn_next()
{
	echo "$((turn + 1)) $number" | dd of=$disk bs=512 conv=sync,fsync 2>/dev/null
}

quiet()
{
	! dmesg | grep -E 'cut here|BUG: |Oops|general protection|rcu.*stall'
}

# All is found as a reset leaves it: the CPUs, and AMD-V or VT-x off on each.
check_machine()
{
	[ "$(nproc)" = "$cpus" ] &&
		insmod /lodge/ko/lodge.ko mode="$1" >>/tmp/log 2>&1 &&
		compute /dev/lodge 1 2 >>/tmp/log 2>&1 &&
		rmmod lodge >>/tmp/log 2>&1 && quiet
}

# Four vCPUs, until their threads have calculated for half a second in all.
start_load()
{
	insmod /lodge/ko/lodge.ko mode="$1" >>/tmp/log 2>&1 || return
	compute /dev/lodge 600 4 >>/tmp/log 2>&1 &
	calculates $! 50
}

# The same files once more, as an initramfs; pack WITHOUT: but for the kernel,
# which a crash kernel needs not, and of which the kernel makes checksums.
pack()
{
	(cd / && find . -xdev ! -path "${1-}" |
		cpio -o -H newc >/tmp/initrd 2>/dev/null)
}

words()
{
	sed 's/crashkernel=[^ ]*//' /proc/cmdline
}

# next_by HOW NAME: what the result is called that after.S says
next_by()
{
	number=$((number + 1))
	kexec "$1-probe" "$cpus" "$number $2" >>/tmp/log 2>&1
}

# by_kexec MODE [NAME]
by_kexec()
{
	if [ -n "$probe" ]; then
		next_by load "$2"
	else
		pack && kexec load $kernel /tmp/initrd "$(words)" >>/tmp/log 2>&1
	fi && start_load "$1" && turn_next && drain && kexec go
}

# by_panic MODE CPU [NAME]: of the panic
by_panic()
{
	only=
	[ "$2" = 0 ] || only=nr_cpus=1
	if [ -n "$probe" ]; then
		next_by crash "$3"
	else
		pack ./lodge/vmlinuz &&
			kexec crash $kernel /tmp/initrd "$(words) $only" >>/tmp/log 2>&1
	fi && start_load "$1" && turn_next && drain &&
		taskset -c "$2" sh -c 'echo c >/proc/sysrq-trigger'
}

by_reset()
{
	start_load "$1" && turn_next && drain && reboot -f
}

# All of it with kernels
turn_kernels()
{
	case $turn in
	0)	echo "1..8"
		check_machine $own
		result "the machine is as it should be" $?
		by_kexec $own ;;
	1)	check_machine $own
		result "$own: kexec under guests, and the CPUs are free" $?
		by_kexec share ;;
	2)	check_machine $own
		result "share: kexec under guests, and the CPUs are free" $?
		by_reset $own ;;
	3)	check_machine $own
		result "$own: reboot under guests" $?
		by_panic $own 0 ;;
	4)	check_machine auto
		result "$own: a panic under guests, and the crash kernel has all CPUs" $?
		by_reset share ;;
	5)	check_machine $own
		result "share: reboot under guests" $?
		by_panic share 0 ;;
	6)	check_machine $own
		result "share: a panic under guests, and the crash kernel has all CPUs" $?
		by_reset $own ;;
	7)	by_panic $own 1 ;;
	8)	cpus=1
		check_machine auto
		result "$own: a panic on the second CPU, whose guest it ends" $?
		exit ;;
	esac
}

# Most of it with after.S, which says all results but the last
turn_probe()
{
	case $turn in
	0)	echo "1..5"
		by_panic $own 0 "$own: a panic under guests, and all CPUs can be had" ;;
	1)	by_panic share 1 "share: a panic on the second CPU, which can be had" ;;
	2)	by_kexec $own "$own: kexec under guests, and all CPUs can be had" ;;
	3)	by_panic share 0 "share: a panic under guests, and all CPUs can be had" ;;
	4)	by_reset $own ;;
	5)	check_machine $own
		result "$own: reboot under guests" $?
		exit ;;
	esac
}

read -r turn number <$disk
turn=${turn:-0} number=${number:-0} cpus=2
: >/tmp/log
[ "$turn" != 0 ] || echo "TAP version 13"
if [ -n "$probe" ]; then
	turn_probe
else
	turn_kernels
fi
# It only comes here if the way to the next turn failed.
result "turn $turn goes on" 1
exit 1
