#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Lodge on the debug kernel, on AMD-V: the ABI tests, then allocations that
# fail, and a guest. Whatever the kernel reports, a leak included, is a failure.
# Called by tests/run.sh; prints KTAP. What happens in the hosts is in
# tests/abi/inside.sh and in inside.sh; read those next.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
. tests/machine/jobs.sh

tests/machine/deps.sh build build-6.12 userspace host abi || exit
make -s -C tests/hostile >&2 && make -s -C tests/abi life >&2 || exit
. tests/boot/guests.sh
guests_make "$build/guest" && guests_disks "$build/guest" || exit
tests/machine/debug.sh setup debug >&2 || exit
release=$(kernel_release debug) || exit
make -s module KERNEL=debug INTO="build/$release" >&2 || exit

KERNELS=debug ABI_SECONDS=2200 jobs_start \
	setpriv --pdeathsig TERM tests/abi/run.sh --lodge-only
jobs_start tests/machine/host.sh --kernel debug --cpus 2 --mem 1536 \
	--timeout 2200 "${guest[@]}" \
	--disk "${disks[0]},snapshot" --disk "${disks[1]},snapshot" \
	--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko" \
	--file build/abi/bin/life:/abi/life \
	--file build/hostile/nomem:/hostile/nomem \
	--file tests/hostile/nomem.sh:/hostile/nomem.sh \
	--script tests/debug/inside.sh -- debug "${releases[1]}"
jobs_wait
