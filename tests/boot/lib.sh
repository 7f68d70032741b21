# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What the scripts that run in an emulated host have in common; they source it
# there as /guest/lib.sh, after setting prefix (put before the tests' names),
# device and module (what serves the device). Read boot.sh next.

number=0

# A warning of the host's kernel, or worse.
warned='cut here|BUG: |Oops|general protection|rcu.*stall'
# A module's file is named with dashes where the module has underscores.
file=/lodge/ko/$module.ko
[ -e "$file" ] || file=/lodge/ko/$(echo "$module" | tr _ -).ko

ok()
{
	number=$((number + 1))
	echo "ok $number $prefix: $1"
}

# not_ok NAME LOG...
not_ok()
{
	number=$((number + 1))
	name=$1
	shift
	for log in "$@"; do
		tail -n 40 "$log" | tr -d '\r' | sed 's/^/# /'
	done
	dmesg | tail -n 10 | sed 's/^/# host: /'
	echo "not ok $number $prefix: $name"
}

# launch RELEASE TEST WORDS LAUNCHER-ARGUMENTS...
launch()
{
	release=$1 what=$2 words=$3
	shift 3
	lodge run --device "$device" --kernel "/guest/vmlinuz-$release" \
		--initrd "/guest/initrd-$release" \
		--append "console=ttyS0 quiet panic=-1 lodge.test=$what $words" \
		"$@" </dev/null 2>&1
}

# guest TEST WORDS ARGUMENTS...: in the background; $launcher is the process.
guest()
{
	what=$1 words=$2
	shift 2
	lodge run --device "$device" --kernel "/guest/vmlinuz-$release" \
		--initrd "/guest/initrd-$release" --cpus 2 --mem 160M --append \
		"console=ttyS0 quiet panic=-1 lodge.test=$what $words" "$@" \
		</dev/null >/tmp/log 2>&1 &
	launcher=$!
}

# Has that process ended?
ended()
{
	! grep -qs '^State:.[^Z]' "/proc/$launcher/status"
}

# in_group LIMIT VALUE: from here on, this shell's group has that limit.
in_group()
{
	mkdir -p /tmp/group
	grep -q ' /tmp/group ' /proc/mounts ||
		mount -t cgroup2 cgroup /tmp/group
	echo "+${1%%.*}" >/tmp/group/cgroup.subtree_control &&
	mkdir -p /tmp/group/limited &&
	echo "$2" >"/tmp/group/limited/$1"
}

# Whether a launcher's status and its guest's last words are good. A guest that
# panics is started anew, and may end well then.
ended_well()
{
	[ "$2" = 0 ] && grep -q "lodge-guest: .* ended with 0" "$1" &&
		! grep -q 'Kernel panic' "$1"
}

# report NAME STATUS LOG [WORDS]: did it end well, after saying WORDS?
report()
{
	if ended_well "$3" "$2" && grep -q "${4-}" "$3"; then
		ok "$1"
	else
		not_ok "$1 (status $2)" "$3"
	fi
}

test_quiet()
{
	name="the host's kernel has not warned"
	if ! dmesg | grep -E -A20 "$warned" >/tmp/log; then
		ok "$name"
	else
		not_ok "$name" /tmp/log
	fi
}
