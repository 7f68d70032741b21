#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The rules of the tree that a machine can check. Called by tests/run.sh;
# prints KTAP, and before a failure what is wrong. Read tree.sh, module.sh and
# checkpatch.sh next.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
tests/machine/deps.sh style build || exit
read -r -a kernels <<<"${KERNELS:-6.1 6.12}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
number=0 failed=0

check()
{
	local name=$1
	shift

	number=$((number + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $number $name"
	else
		sed 's/^/# /' "$log"
		echo "not ok $number $name"
		failed=1
	fi
}

echo "TAP version 13"
echo "1..$((5 + 2 * ${#kernels[@]}))"
check "each file says its licence" tests/style/tree.sh licences
check "files and functions are short" tests/style/tree.sh sizes
check "files include no higher layer" tests/style/tree.sh layers
check "docs/READING.md names every source" tests/style/tree.sh reading
check "checkpatch" tests/style/checkpatch.sh
for kernel in "${kernels[@]}"; do
	check "$kernel: W=1 and sparse" tests/style/module.sh warnings "$kernel"
	check "$kernel: imports" tests/style/module.sh imports "$kernel"
done
exit "$failed"
