#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The test runner's own tests: when tests/run.sh is ended by a signal, nothing
# that it started stays behind, and a part's trouble is counted. Called by
# tests/run.sh; a part of it is made here, whose host has qemu.sh for QEMU.
set -uo pipefail
cd "$(dirname "$0")/../../.." || exit
tests/machine/deps.sh host >&2 || exit

work=$(mktemp -d "$PWD/build/unit-runner.XXXXXX")
trap 'rm -rf "$work"' EXIT
exec 2>/dev/null
part=../build/${work##*/}
export WORK=$work

cat >"$work/qemu.sh" <<'END'
#!/bin/sh
[ "$1" != --version ] || { echo "QEMU emulator version 8.2.0"; exit; }
echo $$ >"$WORK/up"
exec sleep 1000
END
chmod +x "$work/qemu.sh"

# A part of one script, which does what is given here.
part_is()
{
	printf '#!/bin/bash\n%s\n' "$1" >"$work/run.sh"
	chmod +x "$work/run.sh"
}

# ends_all SIGNAL RUNNER...: ends it by a signal, once the host's emulator runs
ends_all()
{
	local signal=$1 runner watcher qemu
	shift

	rm -f "$work/up"
	mkfifo "$work/up"
	part_is '. tests/machine/jobs.sh
		QEMU=$WORK/qemu.sh jobs_start tests/machine/host.sh --run true
		jobs_wait'
	env --default-signal "$@" >"$work/log" 2>&1 &
	runner=$!
	# Should it never get there, the runner's end opens the pipe instead.
	{ tail --pid=$runner -f /dev/null; echo >"$work/up"; } &
	watcher=$!
	read -r qemu <"$work/up"
	kill $watcher
	[ -n "$qemu" ] || { sed 's/^/# /' "$work/log"; return 1; }
	kill "-$signal" $runner
	timeout 30 tail --pid="$qemu" -f /dev/null
}

# The runner's last lines and status are as they should be.
counts()
{
	local status=0 last

	part_is "$1"
	tests/run.sh "$part" >"$work/log" 2>&1 || status=$?
	last=$(tail -n "$(wc -l <<<"$2")" "$work/log")
	[ "$last" = "$2" ] && [ "$status" = "$3" ] && return
	echo "# $last, status $status"
	return 1
}

nr=0
check()
{
	local name=$1
	shift

	nr=$((nr + 1))
	if "$@"; then
		echo "ok $nr $name"
	else
		echo "not ok $nr $name"
	fi
}

echo "TAP version 13"
echo 1..10
for signal in TERM INT HUP KILL; do
	check "SIG$signal ends the hosts" ends_all $signal tests/run.sh "$part"
done
check "SIGTERM to a part ends its hosts" ends_all TERM "$work/run.sh"
check "results are added up" counts \
	'printf "1..3\nok 1 a\nok 2 b # SKIP why\nnot ok 3 c\n"; exit 1' \
	"1 passed, 1 failed, 1 skipped" 1
check "results are added up by vendor" counts \
	'printf "1..1\nok 1 a\n"
	printf "# on AMD-V\n1..3\nok 1 a\nok 2 b # SKIP why\n"
	printf "# on AMD-V and VT-x\n1..1\nok 1 c\n"' \
	'on AMD-V: 2 passed, 1 failed, 1 skipped
on VT-x: 1 passed, 0 failed, 0 skipped
3 passed, 1 failed, 1 skipped' 1
check "no result is a failure" counts 'exit 3' \
	"0 passed, 1 failed, 0 skipped" 1
check "a signal to the part is a failure" counts \
	'printf "1..1\nok 1 a\n"; kill -KILL $$' "1 passed, 1 failed, 0 skipped" 1
# The second one ends first.
mkfifo "$work/go"
check "jobs' output is in one piece, each" counts \
	'. tests/machine/jobs.sh
	jobs_most=2
	first() { echo 1..1; read -r name <"$WORK/go"; echo "ok 1 $name"; }
	second() { printf "1..1\nok 1 b\n"; echo a >"$WORK/go"; echo oh >&2; false; }
	jobs_start first
	jobs_start second
	jobs_wait' "# $part: oh
FAIL $part: ended with status 1
2 passed, 1 failed, 0 skipped" 1
