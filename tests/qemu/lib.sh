# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Starting QEMU in an emulated host; boots.sh sources it there, after setting
# device, version (of QEMU) and release (of the guests' kernel in /guest).
# /qemu has the QEMU, its libraries and its firmware. Read boots.sh next.

module=lodge
[ "$device" != /dev/kvm ] || module=kvm_amd
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
	[ "$version" = 7.2 ] || accel=kvm,device=$device
	LD_LIBRARY_PATH=/qemu/lib exec timeout 200 /qemu/qemu \
		-accel "$accel" -machine "$machine" -cpu host \
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

# each TEST ARGUMENTS...: unless others are asked for.
each()
{
	case " $only " in
	"  "|*" $1 "*)	"test_$@" ;;
	esac
	echo "# $* at $(cut -d. -f1 /proc/uptime) s"
}

