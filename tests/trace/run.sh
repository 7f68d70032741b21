#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The exits of the same small guests on AMD-V and on VT-x, set side by side:
# kinds and guest RIPs. The one host is QEMU's, the other Bochs'. Called by
# tests/run.sh with the hosts' kernels in KERNELS, of which the first is taken;
# prints KTAP. Read steps.c, differences.txt and compare.awk next.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
. tests/machine/jobs.sh

read -r -a kernels <<<"${KERNELS:-6.1}"
kernel=${kernels[0]}
tests/machine/deps.sh build abi host bochs || exit
tests/machine/bochs3.sh build || exit
out=$build/trace
mkdir -p "$out"
release=$(kernel_release "$kernel") || exit
make -s module KERNEL="$kernel" MODDIR="build/trace/$release" \
	INTO="build/trace/$release" LODGE_TRACE=y >"$out/log" 2>&1 ||
	{ tail -n 20 "$out/log"; exit 1; }
make -s -C tests/abi smp >&2 || exit	# with it, the library and the blobs
${CC:-gcc} -O2 -Wall -Wextra -static -Itests/abi -o "$out/steps" \
	tests/trace/steps.c build/abi/lib*.o build/abi/*.blob.o -lpthread || exit

# trace NAME HOST...
trace()
{
	local name=$1
	shift

	rm -rf "$out/$name"
	"$@" --kernel "$kernel" --timeout 900 --get "$out/$name" \
		--lodge="$out/$release/lodge.ko" --lodge-args mode=share \
		--file "$out/steps:/bin/steps" --run '
			cd /sys/kernel/tracing || exit
			echo 8192 >buffer_size_kb
			echo 1 >events/lodge/lodge_exit/enable
			steps || exit
			grep -E "lodge_exit|tracing_mark_write" trace >/out/trace'
}

jobs_start trace amd tests/machine/host.sh --cpus 1
jobs_start trace vtx tests/machine/bochs.sh --model corei7_skylake_x
jobs_wait || exit
echo "# on AMD-V and VT-x"
awk -f tests/trace/compare.awk tests/trace/differences.txt \
	"$out/amd/trace" "$out/vtx/trace"
