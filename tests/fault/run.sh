#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a host may do to running guests: its CPUs go and come, it sleeps, KVM
# comes beside, processes are killed, the module is reloaded. Called by
# tests/run.sh with the hosts' kernels in KERNELS; prints KTAP. Read inside.sh
# next.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh

tests/machine/deps.sh abi host || exit
mkdir -p "$build/fault"
${CC:-gcc} -O2 -Wall -Wextra -static -pthread -o "$build/fault/compute" \
	tests/fault/compute.c || exit
read -r -a kernels <<<"${KERNELS:-6.1 6.12}"
failed=0
for kernel in "${kernels[@]}"; do
	echo "# kernel $kernel"
	release=$(kernel_release "$kernel") || exit
	tests/machine/host.sh --kernel "$kernel" --cpus 2 --timeout 600 \
		--carry kvm_amd \
		--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko" \
		--file "$build/fault/compute:/bin/compute" \
		--script tests/fault/inside.sh || failed=1
done
exit "$failed"
