#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Inside the emulated host: runs each ABI test on stock KVM and on Lodge and
# compares, result by result and value by value. Prints a KTAP document for
# each program. Started by run.sh through host.sh, which has put the programs
# into /abi, the modules into /lodge/ko. Read compare.awk next.
#
#	inside.sh [--kvm-only | --lodge-only | --share] [PROGRAM...]
#
# The environment's LODGE_DEVICE is the device under test (/dev/lodge), and
# LODGE_ARGS are the module's parameters.
device=${LODGE_DEVICE:-/dev/lodge}
only='' alone='' share=''
case $1 in
--kvm-only)	only=yes; shift ;;
--lodge-only)	alone=yes; shift ;;
--share)	share=yes; shift ;;
esac
cd /abi/bin || exit
[ $# -gt 0 ] || set -- *
kernel=$(uname -r | cut -d. -f1,2)
hardware=amd-v
! grep -q GenuineIntel /proc/cpuinfo || hardware=vt-x
mkdir -p /tmp/kvm /tmp/lodge

# What a program prints, told apart from what the kernel says meanwhile.
run()
{
	LODGE_DEVICE=$1 timeout -s KILL 240 "/abi/bin/$2" >"$3/$2" 2>&1
	echo "# exit $?" >>"$3/$2"
}

insert()
{
	for name in "$@"; do
		[ -e "/lodge/ko/$name.ko" ] || continue
		/bin/insmod "/lodge/ko/$name.ko" || exit 126
	done
}

[ -n "$alone" ] || insert irqbypass kvm ccp kvm-amd kvm_amd kvm-intel kvm_intel
for name in "$@"; do
	[ -z "$alone" ] || break
	run /dev/kvm "$name" /tmp/kvm
	[ -z "$only" ] || {
		echo "TAP version 13"
		awk -v program="$name" -v kernel="$kernel" \
			-v hardware=$hardware -f /abi/compare.awk /abi/differences.txt \
			"/tmp/kvm/$name" "/tmp/kvm/$name"
	}
done
mkdir -p /out
[ -z "$only" ] || { cp -r /tmp/kvm /out; exit 0; }

if [ ! -e "$device" ]; then
	for name in kvm_amd kvm_intel kvm irqbypass; do
		[ -z "$share" ] || continue
		! grep -q "^$name " /proc/modules || /bin/rmmod $name
	done
	# shellcheck disable=SC2086 # the parameters are words
	/bin/insmod /lodge/ko/lodge.ko $LODGE_ARGS || { dmesg | tail; exit 126; }
fi
status=0
for name in "$@"; do
	run "$device" "$name" /tmp/lodge
	# Without an oracle it is its own.
	[ -z "$alone" ] || cp "/tmp/lodge/$name" /tmp/kvm
	echo "TAP version 13"
	awk -v program="$name" -v kernel="$kernel" -v hardware=$hardware \
		-f /abi/compare.awk /abi/differences.txt "/tmp/kvm/$name" "/tmp/lodge/$name" ||
		status=1
done
cp -r /tmp/kvm /tmp/lodge /out

# After all that nobody holds the module: not a VM, not a page, not a timer.
if [ -e /lodge/ko/lodge.ko ] && grep -q '^lodge ' /proc/modules; then
	printf 'TAP version 13\n1..1\n'
	if /bin/rmmod lodge && [ ! -e "$device" ]; then
		echo "ok 1 module.unloads"
	else
		grep '^lodge ' /proc/modules | sed 's/^/# /'
		echo "not ok 1 module.unloads"
		status=1
	fi
	# Where the kernel looks for them.
	found=$(leaks)
	case $? in
	0)	printf 'TAP version 13\n1..1\nok 1 module.no_leaks\n' ;;
	1)	printf 'TAP version 13\n1..1\n%s\nnot ok 1 module.no_leaks\n' "$found"
		status=1 ;;
	esac
fi
exit $status
