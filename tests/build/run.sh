#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds what the other parts of the tests run: the launcher, and lodge.ko for
# each of KERNELS. A warning is a failure (tests/style builds once more, with
# the kernel's extra warnings). Called by tests/run.sh before the parts that
# need these; prints KTAP.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
log=$(mktemp)
trap 'rm -f "$log"' EXIT
number=0 failed=0

report()
{
	local name=$1 status=0
	shift

	number=$((number + 1))
	"$@" >"$log" 2>&1 || status=$?
	if [ "$status" = 0 ] && ! grep -q 'warning:' "$log"; then
		echo "ok $number $name"
	else
		grep -E -B2 -A6 'warning:|error:|\*\*\*' "$log" |
			tail -n 60 | sed 's/^/# /'
		echo "not ok $number $name"
		failed=1
	fi
}

module()
{
	case $1 in
	6.1)	tests/machine/deps.sh build || return ;;
	7.2)	tests/machine/trixie.sh module; return ;;
	debug|kcsan|failing) tests/machine/debug.sh setup "$1" || return ;;
	*)	tests/machine/deps.sh "build-$1" || return ;;
	esac
	make module KERNEL="$1"
}

launcher()
{
	tests/machine/deps.sh userspace || return
	make -C userspace clean && make userspace
}

static_launcher()
{
	tests/machine/deps.sh userspace || return
	make -C userspace clean && make userspace STATIC=1 &&
		! ldd userspace/lodge
}

read -r -a kernels <<<"${KERNELS:-6.1 6.12}"
echo "TAP version 13"
echo "1..$((${#kernels[@]} + 2))"
for kernel in "${kernels[@]}"; do
	report "lodge.ko for $kernel" module "$kernel"
done
report "static launcher" static_launcher
report "launcher" launcher
exit "$failed"
