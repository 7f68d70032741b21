#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Hostile programs, hostile guests, failing memory: for a bounded time in
# emulated hosts of both vendors, whose logs must stay clean. Called by
# tests/run.sh with the hosts' kernels in KERNELS, of which it takes the last;
# "make test-full" adds the one on which memory fails. Prints KTAP. What happens
# in the hosts is in inside.sh; read that next.
#
#	tests/hostile/run.sh [--amd | --intel] [--endless] [OPTIONS OF fuzz...]
#
# HOSTILE_SECONDS (environment) is the most time that each of the fuzzer's two
# parts has; without options it is some worlds, the same on fast machines.
# With --endless it begins again with another seed, until something fails.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
. tests/machine/jobs.sh

vendors=() endless=''
while [ $# -gt 0 ]; do
	case $1 in
	--amd|--intel)	vendors=("${1#--}") ;;
	--endless)	endless=1 ;;
	*)		break ;;
	esac
	shift
done
options=("$@")
# Wild guests hang QEMU itself now and then (docs/TESTING.md).
[ ${#vendors[@]} != 0 ] || vendors=(intel ${endless:+amd})
[ $# != 0 ] || [ -n "$endless" ] || options=(--worlds 16)
seconds=${HOSTILE_SECONDS:-25}
read -r -a kernels <<<"${KERNELS:-6.1 6.12}"
tests/machine/deps.sh abi host bochs >&2 || exit
kernels=("${kernels[-1]}")
if [ -n "${LODGE_TEST_FULL-}" ]; then
	tests/machine/debug.sh setup failing >&2 &&
		release=$(kernel_release failing) &&
		make -s module KERNEL=failing INTO="build/$release" >&2 || exit
	kernels+=(failing)
fi
make -s -C tests/hostile >&2 || exit

# Has QEMU aborted over a guest (docs/TESTING.md)? Prints its own words for it:
# that its translator failed, or "fatal" and the registers, which have to be a
# guest's: with the IDT of Linux in there the host was left so, and that, like
# any other end of QEMU's, is a failure.
gave_up()
{
	awk '
	/ QEMU ended with status 134$/	{ aborted = 1 }
	/: tcg fatal error$/		{ words = "tcg fatal error" }
	sub(/^qemu: fatal: /, "")	{ fatal = $0 }
	/^IDT= / && fatal && $2 != "fffffe0000000000" { words = fatal }
	END	{
		if (!aborted || !words)
			exit 1
		print words
	}' "$1"
}

# hostile VENDOR KERNEL OPTION...
hostile()
{
	local vendor=$1 kernel=$2 release runner=(host.sh --parallel) log status=0 words
	shift 2

	log=$(mktemp "${TMPDIR:-/tmp}/lodge-hostile.XXXXXX")

	release=$(kernel_release "$kernel") || return
	[ "$vendor" = amd ] || runner=(bochs.sh --vtx)
	echo "# on $([ "$vendor" = amd ] && echo AMD-V || echo VT-x)"
	echo "# kernel $kernel"
	tests/machine/"${runner[0]}" "${runner[@]:1}" \
		--kernel "$kernel" --cpus 2 --mem 1024 \
		--timeout $((seconds * 10 + 600)) \
		--file build/hostile/fuzz:/hostile/fuzz \
		--file build/hostile/nomem:/hostile/nomem \
		--file tests/hostile/nomem.sh:/hostile/nomem.sh \
		--file tests/hostile/inside.sh:/hostile/inside.sh \
		--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko" \
		--run "export LODGE_ARGS='${LODGE_ARGS-}'; sh /hostile/inside.sh $seconds $*" >"$log" 2>&1 ||
		status=$?
	if [ "$status" = 125 ] && words=$(gave_up "$log"); then
		sed -i 's/^/# /' "$log"
		printf 'KTAP version 1\n1..1\nok 1 hostile.host_lives # SKIP %s\n' \
			"QEMU gave up on a guest: $words" >>"$log"
		status=0
	fi
	cat "$log"
	rm -f "$log"
	return $status
}

if [ -n "$endless" ]; then
	for ((seed = $(date +%s); ; seed++)); do
		echo "# seed $seed"
		for vendor in "${vendors[@]}"; do
			hostile "$vendor" "${kernels[-1]}" --seed $seed \
				"${options[@]}" || exit
		done
	done
fi
for vendor in "${vendors[@]}"; do
	[ "$vendor" = amd ] || tests/machine/bochs3.sh build >&2 || exit
	for kernel in "${kernels[@]}"; do
		jobs_start hostile "$vendor" "$kernel" "${options[@]}"
	done
done
jobs_wait
