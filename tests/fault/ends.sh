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
#	ends.sh [--short]	for emulators that take minutes for a checksum of
#				kernel and initramfs: two panics, a reset
short=$1
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
	load=$!
	ticks=0
	while [ "$ticks" -lt 50 ]; do
		usleep 10000
		ticks=$(awk '{ print $14 + $15 }' /proc/$load/stat) || return
	done
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

by_kexec()
{
	pack && kexec load $kernel /tmp/initrd "$(words)" >>/tmp/log 2>&1 &&
		start_load "$1" && turn_next && drain && kexec go
}

# by_panic MODE CPU: of the panic
by_panic()
{
	only=
	[ "$2" = 0 ] || only=nr_cpus=1
	pack ./lodge/vmlinuz && kexec crash $kernel /tmp/initrd "$(words) $only" >>/tmp/log 2>&1 &&
		start_load "$1" && turn_next && drain &&
		taskset -c "$2" sh -c 'echo c >/proc/sysrq-trigger'
}

by_reset()
{
	start_load "$1" && turn_next && drain && reboot -f
}

read -r turn number <$disk
turn=${turn:-0} number=${number:-0} cpus=2
: >/tmp/log
case $turn in
0)	echo "TAP version 13"
	[ -n "$short" ] && echo "1..4" || echo "1..8"
	check_machine $own
	result "the machine is as it should be" $?
	if [ -n "$short" ]; then
		turn=3
		by_panic $own 0
	else
		by_kexec $own
	fi ;;
1)	check_machine $own
	result "own: kexec under guests, and the CPUs are free" $?
	by_kexec share ;;
2)	check_machine $own
	result "share: kexec under guests, and the CPUs are free" $?
	by_reset $own ;;
3)	check_machine $own
	result "own: reboot under guests" $?
	by_panic $own 0 ;;
4)	check_machine auto
	result "own: a panic under guests, and the crash kernel has all CPUs" $?
	by_reset share ;;
5)	check_machine $own
	result "share: reboot under guests" $?
	if [ -n "$short" ]; then
		turn=7
		by_panic $own 1
	else
		by_panic share 0
	fi ;;
6)	check_machine $own
	result "share: a panic under guests, and the crash kernel has all CPUs" $?
	by_reset $own ;;
7)	by_panic $own 1 ;;
8)	cpus=1
	check_machine auto
	result "own: a panic on the second CPU, whose guest it ends" $?
	exit ;;
esac
# It only comes here if the way to the next turn failed.
result "turn $turn goes on" 1
exit 1
