# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154
#
# What is done to a guest from outside, by QEMU's monitor: it is reset, saved,
# moved to another process, given less memory, debugged; and what it does to
# its network. boots.sh sources it; read tests/boot/guest/work next.

# busy VM MACHINE ARGUMENTS...: starts a guest that works until its power
# button is pressed. With its own local APICs, QEMU holds its lock for ever once
# it has two of them (docs/TESTING.md).
busy()
{
	busy_vm=$1 busy_machine=$2 cpus=2
	shift 2
	case $busy_machine in
	*irqchip=off*)	cpus=1 ;;
	esac
	start "$busy_vm" "$busy_machine" work rounds=99999999 -smp $cpus "$@"
}

# end NAME VM: the guest's end by its power button; reports.
end()
{
	tell "$2" system_powerdown
	finish "$2"
	report "$1" "$status" "/tmp/$2.serial.log"
}

# failed NAME VM...: of a step before the end.
failed()
{
	failed_name=$1
	shift
	logs=
	for vm; do
		tell "$vm" quit
		finish "$vm"
		logs="$logs /tmp/$vm.out.log /tmp/$vm.serial.log"
	done
	# shellcheck disable=SC2086 # names of files
	not_ok "$failed_name" $logs
}

test_reset()
{
	name="QEMU $version $1: reset under way, then the power button"
	if busy a "$1" && await a.serial 'round 3.' &&
	   tell a system_reset && event a '"RESET"' &&
	   await a.serial 'round 3.'; then
		end "$name" a
	else
		failed "$name" a
	fi
}

# pause VM: sets last to the last round that its guest has told of.
pause()
{
	tell "$1" stop || return
	echo "paused here" >"/tmp/$1.serial"
	await "$1.serial" "paused here" || return
	last=$(sed -n 's/.*round \([0-9]*\)\..*/\1/p' "/tmp/$1.serial.log" |
		tail -n 1)
}

# The second round after a pause is the first that is told whole.
save_and_load()
{
	busy a "$@" && await a.serial 'round 3.' &&
	pause a && saved=$last && monitor a savevm here && tell a cont &&
	await a.serial "round $((saved + 2))." &&
	pause a && monitor a loadvm here && tell a cont &&
	await a.serial "round $((saved + 2))." &&
	tell a quit && finish a && [ "$status" = 0 ]
}

test_save()
{
	name="QEMU $version $1: savevm, loadvm there and in another process"
	cp /qemu/state.qcow2 /tmp/state
	set -- "$1" -drive if=none,id=state,format=qcow2,file=/tmp/state
	if ! save_and_load "$@"; then
		failed "$name" a
	elif busy b "$@" -loadvm here &&
	     await b.serial "round $((saved + 2))."; then
		end "$name" b
	else
		failed "$name" b
	fi
	rm /tmp/state
}

# memory VM: all its guest's memory, in a file.
memory()
{
	tell "$1" pmemsave "\"val\": 0, \"size\": 268435456, \"filename\": \"/tmp/$1.memory\"" &&
		[ "$(stat -c %s "/tmp/$1.memory")" = 268435456 ]
}

# Setting the MSR that says where the guest looks for the time of day writes it
# there: these twelve bytes may differ.
memory_same()
{
	memory a && memory b &&
	cmp -l /tmp/a.memory /tmp/b.memory |
		awk 'NR == 1 { first = $1 }
			{ last = $1 }
			END {
				printf "# %d bytes differ, from %x to %x\n", NR, first, last
				exit NR && last - first >= 12
			}'
}

# The downtime that is allowed keeps it going until memory has been sent again
# twice, and then lets it end however much the guest writes.
move()
{
	both='"capabilities": [{"capability": "events", "state": true}]'
	busy a "$@" && await a.serial 'round 9.' &&
	busy b "$@" -S -incoming unix:/tmp/moving &&
	tell a migrate-set-capabilities "$both" &&
	tell b migrate-set-capabilities "$both" &&
	tell a migrate-set-parameters \
		'"downtime-limit": 1, "max-bandwidth": 16000000' &&
	tell a migrate '"uri": "unix:/tmp/moving"' &&
	event a '"pass": 3' &&
	tell a migrate-set-parameters \
		'"downtime-limit": 1000000, "max-bandwidth": 0' &&
	event a '"status": "completed"' && event b '"status": "completed"'
}

test_move()
{
	name="QEMU $version $1: to another process while it works, memory the same"
	if ! move "$1"; then
		failed "$name" a b
		return
	fi
	pause a
	if ! memory_same; then
		failed "$name" a b
	elif rm /tmp/[ab].memory && tell a quit && finish a &&
	     tell b cont && await b.serial "round $((last + 9))."; then
		end "$name" b
	else
		failed "$name" b
	fi
}

# Of the only QEMU that runs, in KiB.
resident()
{
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$(pidof qemu)/status"
}

test_balloon()
{
	name="QEMU $version $1: a balloon takes half of the memory, gives it back"
	if start a "$1" balloon '' -no-reboot -device virtio-balloon-pci &&
	   await a.serial "lodge-guest: full" && full=$(resident) &&
	   tell a balloon '"value": 134217728' &&
	   await a.serial "lodge-guest: small" &&
	   event a '"actual": 134217728' && small=$(resident) &&
	   echo "# $full KiB, then $small" && [ "$small" -lt $((full - 32768)) ] &&
	   tell a balloon '"value": 268435456'; then
		finish a
		report "$name" "$status" /tmp/a.serial.log
	else
		failed "$name" a
	fi
}

# netdev user|vhost: the rest of QEMU's arguments, and addresses for the guest.
netdev()
{
	case $1 in
	user)	echo "user,id=net net=10.0.2.15,10.0.2.2" ;;
	vhost)	echo "tap,id=net,ifname=tap0,script=no,downscript=no,vhost=on" \
			net=10.9.0.2,10.9.0.1 ;;
	esac
}

net()
{
	start a pc net "$3" -no-reboot -smp "$1" -netdev "$2" \
		-device virtio-net-pci,netdev=net,romfile= || return
	case $2 in
	tap*)	ip addr add "${3##*,}/24" dev tap0 && ip link set tap0 up &&
		find "/proc/$(pidof qemu)/fd" -exec readlink {} \; |
			grep -q /dev/vhost-net ;;
	esac
}

test_net()
{
	name="QEMU $version pc, $2 CPUs: virtio-net by $1, both ways"
	mkdir -p /tmp/www
	[ -e /tmp/forever ] || mkfifo /tmp/forever
	seq 1 300000 >/tmp/www/sent
	httpd -f -p 8000 -h /tmp/www &
	server=$!
	# Its input never ends, or it would end the connection.
	nc -l -p 9000 <>/tmp/forever >/tmp/taken &
	taker=$!
	# shellcheck disable=SC2046 # words
	if net "$2" $(netdev "$1"); then
		finish a
		if wait $taker && ! cmp /tmp/www/sent /tmp/taken \
				>>/tmp/a.serial.log 2>&1; then
			status="$status, the host got something else"
		fi
		report "$name" "$status" /tmp/a.serial.log
	else
		failed "$name" a
	fi
	kill $server $taker 2>/dev/null
	wait $server 2>/dev/null
}

test_debug()
{
	name="QEMU $version $1: a debugger's breakpoints and steps in a kernel"
	hardware=
	! grep -q GenuineIntel /proc/cpuinfo || hardware=hardware
	# shellcheck disable=SC2086 # words
	if start a "$1" debug '' -no-reboot -smp 2 -gdb chardev:gdb \
		-chardev socket,id=gdb,path=/tmp/gdb,server=on,wait=off &&
	   await a.serial "lodge-guest: at" &&
	   where=$(echo "${line##* at }" | tr -d '\r') &&
	   timeout 200 /qemu/stub /tmp/gdb $where $hardware >/tmp/stub.log 2>&1; then
		sed 's/^/# /' /tmp/stub.log
		finish a
		report "$name" "$status" /tmp/a.serial.log
	else
		sed 's/^/# /' /tmp/stub.log
		failed "$name" a
	fi
}
