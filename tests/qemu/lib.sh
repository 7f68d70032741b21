# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Starting QEMU in an emulated host, and talking with it by QMP; boots.sh sources
# it there, after setting device, version (of QEMU) and release (of the guests'
# kernel in /guest). /qemu has the QEMU, its libraries and its firmware. Read
# boots.sh next.

module=lodge
if [ "$device" = /dev/kvm ]; then
	module=kvm_amd
	! grep -q GenuineIntel /proc/cpuinfo || module=kvm_intel
fi
[ -e /dev/kvm ] || ln -s /dev/lodge /dev/kvm
# shellcheck disable=SC2154 # the sourcing script's
. /guest/lib.sh

# qemu MACHINE ARGUMENTS...: ends the shell it is called in. The older QEMU knows
# no other device than /dev/kvm.
# shellcheck disable=SC2154 # the sourcing script's
qemu()
{
	machine=$1
	shift
	accel=kvm
	cpu=host
	if [ "$version" != 7.2 ]; then
		accel=kvm,device=$device
		# It has no local APIC of its own any more where there is KVM.
		case $machine in
		*,kernel_irqchip=off*)	cpu=host,-apic ;;
		esac
	fi
	LD_LIBRARY_PATH=/qemu/lib exec timeout 300 /qemu/qemu \
		-accel "$accel" -machine "$machine" -cpu "$cpu" \
		-L /qemu/firmware -nodefaults -no-user-config -display none "$@"
}

# qemu_linux MACHINE TEST WORDS ARGUMENTS...: the same, with a Linux that runs a
# test of /guest and has its console on QEMU's output.
qemu_linux()
{
	machine=$1 what=$2 words=$3
	shift 3
	qemu "$machine" -m 256M -serial stdio \
		-kernel "/guest/vmlinuz-$release" -initrd "/guest/initrd-$release" \
		-append "console=ttyS0 quiet panic=-1 lodge.test=$what $words" "$@"
}

# Two QEMUs at a time, a and b, run in the background. /tmp/a.serial is what a and
# its guest say, /tmp/a.out what its monitor says, /tmp/a.in goes to that. These
# pipes are open as long as this runs, so that nothing is lost while nobody reads;
# what has been read is in /tmp/a.serial.log and /tmp/a.out.log.

# pipes VM: anew.
pipes()
{
	rm -f "/tmp/$1".*
	mkfifo "/tmp/$1.serial" "/tmp/$1.in" "/tmp/$1.out"
	touch "/tmp/$1.serial.log" "/tmp/$1.out.log"
	case $1 in
	a)	exec 3<>/tmp/a.serial 4<>/tmp/a.out ;;
	b)	exec 5<>/tmp/b.serial 6<>/tmp/b.out ;;
	esac
}

# await PIPE WORDS: reads until a line has them, and keeps it in $line; fails when
# QEMU ends before, or nothing is said for longer than a QEMU may run.
await()
{
	case $1 in
	a.serial)	from=3 ;;
	a.out)		from=4 ;;
	b.serial)	from=5 ;;
	b.out)		from=6 ;;
	esac
	while read -r -t 310 line <&$from; do
		echo "$line" >>"/tmp/$1.log"
		case $line in
		*"$2"*)			return 0 ;;
		*"qemu: ended with"*)	break ;;
		esac
	done
	echo "nobody has said \"$2\"" >>"/tmp/$1.log"
	return 1
}

# tell VM COMMAND [ARGUMENTS]: by QMP; the answer is in $line. Fails if it is an
# error.
tell()
{
	echo "{\"execute\": \"$2\"${3:+, \"arguments\": {$3\}}}" 1<>"/tmp/$1.in"
	while await "$1.out" '"'; do
		case $line in
		'{"return"'*)	return 0 ;;
		'{"error"'*)	return 1 ;;
		esac
	done
	return 1
}

# monitor VM COMMAND...: one that is for humans, whose answer tells of errors.
monitor()
{
	told=$1
	shift
	tell "$told" human-monitor-command "\"command-line\": \"$*\"" || return
	case $line in
	'{"return": ""}'*) ;;
	*)	return 1 ;;
	esac
}

# event VM WORDS: waits for what the monitor tells unasked, unless it has already.
event()
{
	grep -q "$2" "/tmp/$1.out.log" || await "$1.out" "$2"
}

# start VM MACHINE TEST WORDS ARGUMENTS...: as qemu_linux
start()
{
	vm=$1
	shift
	pipes "$vm"
	{
		(qemu_linux "$@" -chardev "pipe,id=qmp,path=/tmp/$vm" \
			-mon chardev=qmp,mode=control)
		echo $? >"/tmp/$vm.status"
		echo "qemu: ended with $(cat "/tmp/$vm.status")" |
			tee "/tmp/$vm.out"
	} </dev/null >"/tmp/$vm.serial" 2>&1 &
	await "$vm.out" '"QMP"' && tell "$vm" qmp_capabilities
}

# finish VM: waits for its end; sets status.
finish()
{
	grep -q "qemu: ended with" "/tmp/$1.serial.log" ||
		await "$1.serial" "qemu: ended with"
	status=$(cat "/tmp/$1.status")
}

# each TEST ARGUMENTS...: unless others are asked for.
each()
{
	case " $only " in
	"  "|*" $1 "*)	"test_$@" ;;
	esac
	echo "# $* at $(cut -d. -f1 /proc/uptime) s"
}

