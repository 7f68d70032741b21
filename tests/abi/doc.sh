#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks docs/ABI.md against the source: each ioctl and capability that the
# module answers is told of, each test named is there, and each test is named.
# Called by run.sh; prints KTAP.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
page=docs/ABI.md
number=0 failed=0

# check NAME: fails if there is anything on stdin, and shows it.
check()
{
	local missing

	number=$((number + 1))
	missing=$(cat)
	if [ -z "$missing" ]; then
		echo "ok $number $1"
		return
	fi
	echo "# ${missing//$'\n'/, }"
	echo "not ok $number $1"
	failed=1
}

# The words of the page that are not among those on stdin are not told of.
missing_in_page()
{
	sort -u | comm -23 - <(grep -oE '[A-Za-z0-9_]+' "$page" | sort -u)
}

tests()
{
	for file in tests/abi/*.c; do
		basename "$file" .c
	done | grep -v '^lib'
}

# What the last columns of the tables name.
tests_named()
{
	awk -F'|' '/^\|/ && $(NF - 1) ~ /^ [a-z_0-9, ()]+ $/ { print $(NF - 1) }' \
		"$page" | sed 's/([^)]*)//g' | tr -cs 'a-z_0-9' '\n' |
		grep -E '^[a-z]' | grep -vxE 'test|note|why|and|those|of|the|calls|above'
}

echo "TAP version 13"
echo "1..5"
check "docs/ABI.md tells of each ioctl" < <(
	grep -ohE '^	\{ (KVM|LODGE)_[A-Z0-9_]+' kmod/main.c \
		kmod/vm_ioctl.c kmod/vcpu_ioctl.c | grep -oE '[KL].*' | grep -v _CAP_ | missing_in_page)
check "docs/ABI.md tells of each capability" < <(
	grep -oE '\{ (KVM|LODGE)_CAP_[A-Z0-9_]+' kmod/caps.c |
		sed 's/.*KVM_CAP_//; s/^{ //' | missing_in_page)
# All that KVM has, by the newest of Debian 12's headers, but for what their
# names say is other processors'.
header=$(echo /usr/src/linux-headers-6.12*-common/include/uapi/linux/kvm.h)
check "docs/ABI.md has each ioctl and capability of KVM's" < <(
	if [ ! -e "$header" ]; then
		echo "no headers of 6.12: tests/machine/deps.sh build-6.12"
		exit
	fi
	{
		grep -E '^#define KVM_[A-Z0-9_]+\s+_IO[WR]*\(KVMIO' "$header" |
			awk '{ print $2 }'
		grep -oE '^#define KVM_CAP_[A-Z0-9_]+\s+[0-9]+' "$header" |
			awk '{ sub(/^KVM_CAP_/, "", $2); print $2 }'
	} | grep -vE '(^|_)(S390|PPC|ARM|MIPS|SPAPR|RMA)(_|$)|^IRQ_(MPIC|XICS)$' |
		missing_in_page)
check "each test that docs/ABI.md names is there" < <(
	comm -13 <(tests | sort) <(tests_named | sort -u))
check "docs/ABI.md names each test" < <(
	comm -23 <(tests | sort) <(grep -oE '[a-z_0-9]+' "$page" | sort -u))
exit "$failed"
