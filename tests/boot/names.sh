# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Programs that open /dev/kvm by name, inside an emulated host: run.sh starts it
# there with neither module inserted. The module under KVM's name and number,
# "lodge exec", and KVM's name when KVM has it.
#
#	names.sh PREFIX

prefix=$1 module=lodge device=/dev/lodge
. /guest/lib.sh

# As a program would that knows no other name.
tiny()
{
	"$@" lodge run --device /dev/kvm --kernel /guest/tiny --mem 32M \
		</dev/null >>/tmp/log 2>&1
}

test_named()
{
	name="device=kvm has KVM's name and number, and runs a guest"
	if insmod "$file" device=kvm >/tmp/log 2>&1 &&
	   [ "$(stat -c %t:%T /dev/kvm)" = a:e8 ] && [ ! -e $device ] &&
	   tiny && rmmod lodge && [ ! -e /dev/kvm ]; then
		ok "$name"
	else
		ls -l /dev/kvm $device >>/tmp/log 2>&1
		not_ok "$name" /tmp/log
	fi
}

test_exec()
{
	name="lodge exec: a guest through /dev/kvm, which nobody else sees"
	if insmod "$file" >/tmp/log 2>&1 && tiny lodge exec && tiny lodge exec -- &&
	   [ ! -e /dev/kvm ] && rmmod lodge; then
		ok "$name"
	else
		not_ok "$name" /tmp/log
	fi
}

test_taken()
{
	name="device=kvm is refused while KVM is there"
	for part in irqbypass ccp kvm kvm-amd; do
		[ ! -e /lodge/ko/$part.ko ] || insmod /lodge/ko/$part.ko
	done >/tmp/log 2>&1
	if ! insmod "$file" device=kvm mode=share >>/tmp/log 2>&1 &&
	   dmesg | grep -q 'lodge: /dev/kvm' && tiny && ! grep -q '^lodge ' /proc/modules; then
		ok "$name"
	else
		not_ok "$name" /tmp/log
	fi
	name="lodge exec beside KVM: the command's /dev/kvm is Lodge's"
	if insmod "$file" mode=share >/tmp/log 2>&1 &&
	   [ "$(lodge exec stat -c %t:%T /dev/kvm)" = "$(stat -c %t:%T $device)" ] &&
	   [ "$(stat -c %t:%T /dev/kvm)" = a:e8 ]; then
		ok "$name"
	else
		not_ok "$name" /tmp/log
	fi
}

echo "TAP version 13"
echo "1..5"
test_named
test_exec
test_taken
test_quiet
