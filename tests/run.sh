#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs parts of the tests and adds up what they report. Called by "make test"
# and "make test-PART"; each part is tests/PART/run.sh (and, for unit,
# tests/unit/*/run.sh), which prints KTAP; read ktap.awk next.
#
#	tests/run.sh PART...
#
# KERNELS (environment) names the kernels of the emulated hosts. The last line
# is "N passed, N failed, N skipped"; the exit status is 0 when none failed. The
# lines before say the same of each vendor's CPUs; what runs on both counts there
# for both.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
export KERNELS=${KERNELS:-6.1 6.12}
# What the parts build, they build with all CPUs.
GNUMAKEFLAGS=-j$(nproc)
export GNUMAKEFLAGS
# No part takes this long; one that hangs must not hang the whole.
limit=${LODGE_TEST_LIMIT:-2400}

log=$(mktemp -d "${TMPDIR:-/tmp}/lodge-test.XXXXXX")
mkfifo "$log/pipe" "$log/errors.pipe"
child=''
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
passed=0 failed=0 skipped=0

# Whoever ends this ends what it has started, emulated hosts included.
cleanup()
{
	[ -z "$child" ] || { kill "$child" && wait "$child"; } 2>/dev/null
	rm -rf "$log"
}

# Runs one script, shows what it prints, and counts its results.
run_script()
{
	local name=$1 counts status=0 tees
	shift

	echo "# == $name"
	# Waited for in the background, since a trap waits for the foreground.
	# The signals that the shell ignores there are not the script's to ignore.
	tee "$log/out" <"$log/pipe" &
	tees=$!
	tee "$log/errors" <"$log/errors.pipe" >&2 &
	tees+=" $!"
	env --default-signal=INT,QUIT setpriv --pdeathsig TERM \
		timeout -k 10 "$limit" "$@" </dev/null >"$log/pipe" \
		2>"$log/errors.pipe" &
	child=$!
	wait "$child" || status=$?
	child=''
	# shellcheck disable=SC2086 # two numbers
	wait $tees
	awk -v name="$name" -v counts="$log/counts" \
		-v troubles="$log/troubles" -v vendors="$log/vendors" -f tests/ktap.awk "$log/out"
	# Whatever went wrong, it is not a pass.
	read -r -a counts <"$log/counts" || counts=(0 0 0) status=${status/#0/1}
	rm -f "$log/counts"
	if [ "$status" != 0 ] && [ "${counts[1]}" = 0 ]; then
		echo "FAIL $name: ended with status $status" | tee -a "$log/troubles"
		counts[1]=1
	fi
	# The console of a host that died is there, and nowhere else.
	[ "${counts[1]}" = 0 ] || tail -n 80 "$log/errors" |
		sed "s|^|# $name: |" >>"$log/said"
	passed=$((passed + counts[0]))
	failed=$((failed + counts[1]))
	skipped=$((skipped + counts[2]))
}

for part in "$@"; do
	scripts=()
	for script in "tests/$part/run.sh" "tests/$part"/*/run.sh; do
		[ ! -x "$script" ] || scripts+=("$script")
	done
	if [ ${#scripts[@]} = 0 ]; then
		echo "FAIL $part: there is no tests/$part/run.sh" |
			tee -a "$log/troubles"
		failed=$((failed + 1))
	fi
	for script in "${scripts[@]}"; do
		name=${script#tests/}
		run_script "${name%/run.sh}" "$script"
	done
done

echo
grep '^SKIP' "$log/troubles" 2>/dev/null
cat "$log/said" 2>/dev/null
grep '^FAIL' "$log/troubles" 2>/dev/null
for vendor in AMD-V VT-x; do
	[ ! -e "$log/vendors" ] || awk -v vendor=$vendor '
		$1 == vendor { n[$2]++ }
		END { printf "on %s: %d passed, %d failed, %d skipped\n", vendor,
			n["passed"], n["failed"], n["skipped"] }' "$log/vendors"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
