#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# States that a CPU must refuse to enter a guest with, each with one rule of
# the manual broken, are given to emulated CPUs: VT-x in Bochs, AMD-V in QEMU.
# A test module does it (entry.h), with the mutations of tests/unit/vmx and
# svm. What an emulator is known not to refuse is in deviations.txt. Called by
# tests/run.sh with the hosts' kernels in KERNELS, of which it takes the first;
# prints KTAP.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
. tests/machine/jobs.sh

read -r -a kernels <<<"${KERNELS:-6.1}"
kernel=${kernels[0]}
case $kernel in
6.12)	tests/machine/deps.sh build-6.12 host bochs || exit ;;
*)	kernel=6.1
	tests/machine/deps.sh build host bochs || exit ;;
esac
tests/machine/bochs3.sh build || exit
release=$(kernel_release "$kernel") || exit
kdir=$(kernel_kdir "$kernel") || exit
dir=$build/entry/$release
mkdir -p "$dir"
rm -rf "$dir"/{kmod,uapi,tests}
mkdir -p "$dir/tests"
cp -r kmod uapi "$dir/"
cp -r tests/unit tests/entry "$dir/tests/"
cp tests/entry/Kbuild "$dir/Kbuild"
if ! make -s -C "$kdir" M="$dir" modules >"$dir/log" 2>&1; then
	sed 's/^/# /' "$dir/log"
	echo "KTAP version 1"
	echo "1..1"
	echo "not ok 1 the module is built"
	exit 1
fi

# What the module has said; a known deviation of $1 is a skip with its reason.
results()
{
	awk -v machine="$1" '
	FNR == NR {
		if ($1 == machine) {
			name = $2
			$1 = $2 = ""
			reason[name] = $0
		}
		next
	}
	/^not ok/ {
		name = $4
		sub(/\.[0-9]+$/, "", name)
		if (name in reason) {
			result[++nr] = "ok " $3 " " $4 " # SKIP" reason[name]
			next
		}
		failed = 1
	}
	/^(not )?ok/ {
		result[++nr] = $0
		if (/ refused/) {
			name = $3
			sub(/\.[0-9]+$/, "", name)
			rules += !seen[name]++
		}
	}
	$1 == "end" { plan = $2 }
	END {
		print "KTAP version 1"
		print "1.." (plan ? plan : 1)
		for (i = 1; i <= nr; i++)
			print result[i]
		print "# " machine ": the CPU refuses what breaks " rules \
			" rules, in " nr " states"
		exit failed || !plan
	}' tests/entry/deviations.txt -
}

# entry MACHINE VENDOR HOST...: gives the states to that host's CPU
entry()
{
	local machine=$1 vendor=$2
	shift 2

	echo "# $machine"
	echo "# on $vendor"
	"$@" --kernel "$kernel" --timeout 900 \
		--file "$dir/entry.ko:/entry.ko" \
		--run "insmod /entry.ko && dmesg | sed -En 's/.*entry: ((not )?ok|end)/\1/p'" |
		results "$machine"
}

jobs_start entry bochs VT-x tests/machine/bochs.sh --vtx
jobs_start entry qemu AMD-V tests/machine/host.sh
jobs_wait
