# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Inside an emulated host: runs the kernel's tests of KVM on one device, and
# holds what came of each to list.txt. Prints KTAP. Started by run.sh through
# host.sh, which has put the programs into /selftests/bin, and the modules into
# /lodge/ko. Read list.txt next.
#
#	inside.sh amd|intel kvm|lodge full|quick [NAME...]
#
# With names, these are run and no others, quick or not. What each program
# printed is left in /out.

vendor=$1 device=$2 which=$3
shift 3
list=/selftests/list.txt
mkdir -p /out
cd /selftests/bin || exit

# The tests look at parameters of KVM's modules. These leave the hardware alone
# until they have a VM.
for name in irqbypass ccp; do
	[ ! -e /lodge/ko/$name.ko ] || /bin/insmod /lodge/ko/$name.ko || exit 126
done
/bin/insmod /lodge/ko/kvm.ko enable_virt_at_load=0 &&
	/bin/insmod /lodge/ko/kvm-$vendor.ko || exit 126
if [ "$device" = lodge ]; then
	/bin/insmod /lodge/ko/lodge.ko || exit 126
	ln -sf /dev/lodge /dev/kvm
fi

# The lines of list.txt for this vendor: those of its own come first.
lines()
{
	awk -v vendor="$vendor" '
	/^#/ || NF == 0 { next }
	NR == FNR {
		if (split($1, name, "@") == 2 && name[2] == vendor)
			own[name[1]] = 1
		next
	}
	split($1, name, "@") == 2 ? name[2] == vendor : !($1 in own) {
		sub(/@[^ \t]+/, "")
		print
	}' $list $list
}

# What the list has of these, in its order: "NAME LIMIT OUTCOME REASON...".
chosen()
{
	lines | awk -v device="$device" -v which="$which" -v names=" $* " '
	names != "  " ? index(names, " " $1 " ") : $3 == "quick" || which == "full" {
		outcome = device == "kvm" ? $4 : $5
		reason = $0
		sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]+[^ \t]+[ \t]+[^ \t]+[ \t]+[^ \t]+[ \t]*/,
		    "", reason)
		if (outcome != "-")
			print $1, $2, outcome, reason
	}'
}

outcome_of()
{
	case $1 in
	0)	echo pass ;;
	4)	echo skip ;;
	137)	echo "hang" ;;
	*)	echo fail ;;
	esac
}

chosen "$@" >/tmp/chosen
echo "TAP version 13"
echo "1..$(($(wc -l </tmp/chosen) + 1))"
number=1 failed=0
ls >/tmp/programs
lines | awk '{ print $1 }' | sort | diff /tmp/programs - >/tmp/unlisted
if [ -s /tmp/unlisted ]; then
	sed 's/^/# /' /tmp/unlisted
	echo "not ok 1 $device: list.txt names each program"
	failed=1
else
	echo "ok 1 $device: list.txt names each program"
fi
while read -r name limit want reason; do
	number=$((number + 1))
	before=$(cut -d. -f1 /proc/uptime)
	# It holds the APIC's timer to a twentieth of so many ms; a host that has to
	# wait for a CPU may lose five, which is that of what it takes by itself.
	words=''
	[ "$name" != apic_bus_clock_test ] || words='-d 500'
	# shellcheck disable=SC2086 # words
	timeout -s KILL "$limit" "./$name" $words </dev/null >"/out/$name" 2>&1
	got=$(outcome_of $?)
	echo "# $name: $got after $(($(cut -d. -f1 /proc/uptime) - before)) s"
	case $got,$want in
	pass,pass)
		echo "ok $number $device.$name" ;;
	skip,skip)
		echo "ok $number $device.$name # SKIP $reason" ;;
	fail,fail)
		echo "ok $number $device.$name # XFAIL $reason" ;;
	*)
		failed=1
		tail -n 30 "/out/$name" | sed 's/^/#   /'
		echo "# list.txt: $want${reason:+, $reason}"
		echo "not ok $number $device.$name" ;;
	esac
done </tmp/chosen
exit $failed
