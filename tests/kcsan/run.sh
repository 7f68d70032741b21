#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Data races: the ABI tests that have threads, on a kernel with KCSAN, on AMD-V.
# A race in which the module takes part is a failure; the kernel's own are
# counted. Called by "make test-kcsan"; prints KTAP. What happens in the host is
# in tests/abi/inside.sh; read that next.
#
#	tests/kcsan/run.sh [PROGRAM...]
#
# KCSAN_DMESG (environment) names a file for the host's whole log.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh

programs=("$@")
[ $# != 0 ] || programs=(clock coalesced dirty_log dirty_ring hostile ioeventfd
	irqfd lapic_timer life memory_fault memory_owner memory_stress
	memslot_run mp_state nmi pic_pit pv routing run_signals smp split stats
	x2apic)
tests/machine/deps.sh abi host || exit
make -s -C tests/abi "${programs[@]}" >&2 || exit
release=$(kernel_release kcsan) || exit
log=$(mktemp "${TMPDIR:-/tmp}/lodge-kcsan.XXXXXX")
trap 'rm -f "$log"' EXIT

files=()
for program in "${programs[@]}"; do
	files+=(--file "build/abi/bin/$program:/abi/bin/$program")
done
failed=0
echo "# on AMD-V"
# Its reports would fill the log, and the console take most of the time.
tests/machine/host.sh --kernel kcsan --parallel --cpus 2 --mem 1536 --timeout 2200 \
	--tainted-ok --append 'log_buf_len=32M loglevel=1' --dmesg "$log" \
	--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko" "${files[@]}" \
	--file tests/abi/compare.awk:/abi/compare.awk \
	--file tests/abi/differences.txt:/abi/differences.txt \
	--file tests/abi/inside.sh:/abi/inside.sh \
	--run 'sh /abi/inside.sh --lodge-only' || failed=1
[ -z "${KCSAN_DMESG-}" ] || cp "$log" "$KCSAN_DMESG"

echo "TAP version 13"
echo "1..2"
races='BUG: KCSAN: .*'
echo "# $(grep -c "$races" "$log") reports, most of the kernel's own"
if ! grep -q 'kcsan: enabled early' "$log"; then
	echo "not ok 1 kcsan.looks"
	failed=1
else
	echo "ok 1 kcsan.looks"
fi
if grep -o "$races" "$log" | grep '\[lodge\]' | sort | uniq -c | sed 's/^/# /' |
		grep .; then
	echo "not ok 2 kcsan.no_races"
	failed=1
else
	echo "ok 2 kcsan.no_races"
fi
exit $failed
