#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the ABI tests in emulated hosts, on stock KVM and on Lodge, and
# compares. Called by tests/run.sh with the hosts' kernels in KERNELS; prints
# KTAP. What happens in the hosts is in inside.sh; read that next.
#
#	tests/abi/run.sh [--kvm-only | --lodge-only | --share] [PROGRAM...]
#
# With names, only these programs; with --lodge-only, without an oracle; with
# --share, KVM stays loaded beside Lodge.
# In the environment: ABI_OUT is a folder for all that the programs print,
# ABI_CPU QEMU's CPU model, ABI_SECONDS how long a host may take, LODGE_ARGS the
# module's parameters.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
. tests/machine/jobs.sh

tests/machine/deps.sh abi host || exit
programs=("$@")
case ${1-} in
--*)	programs=("${@:2}") ;;
esac
make -s -j2 -C tests/abi "${programs[@]}" >&2 || exit
read -r -a kernels <<<"${KERNELS:-6.1 6.12}"

# abi KERNEL ARGUMENT...: in a host with that kernel, what inside.sh is told
abi()
{
	local kernel=$1 release options=()
	shift

	echo "# kernel $kernel"
	release=$(kernel_release "$kernel") || return
	[ "${1-}" = --kvm-only ] ||
		options+=(--file "$build/$release/lodge.ko:/lodge/ko/lodge.ko")
	[ -z "${ABI_CPU-}" ] || options+=(--cpu "$ABI_CPU")
	[ -z "${ABI_OUT-}" ] || options+=(--get "$ABI_OUT/$kernel")
	tests/machine/host.sh --kernel "$kernel" --mem 1536 \
		--cpus 2 --timeout "${ABI_SECONDS:-1100}" --carry kvm_amd "${options[@]}" \
		--dir build/abi/bin:/abi/bin \
		--file tests/abi/compare.awk:/abi/compare.awk \
		--file tests/abi/differences.txt:/abi/differences.txt \
		--file tests/abi/inside.sh:/abi/inside.sh \
		--run "export LODGE_ARGS='${LODGE_ARGS-}'; sh /abi/inside.sh $*"
}

failed=0
[ $# -gt 0 ] || tests/abi/doc.sh || failed=1
echo "# on AMD-V"
for kernel in "${kernels[@]}"; do
	jobs_start abi "$kernel" "$@"
done
jobs_wait || failed=1
exit "$failed"
