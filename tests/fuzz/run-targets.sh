#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs fuzz targets that have been built, all side by side, for a bounded
# time, and reports in KTAP. Called by the Makefile.
#
#	OUT=FOLDER run-targets.sh SECONDS TARGET...
set -uo pipefail
. "$(dirname "$0")/../machine/jobs.sh"
seconds=$1
shift

# fuzz NUMBER TARGET
fuzz()
{
	local nr=$1 target=$2 dir=$OUT/$2 runs

	if "$dir/fuzz" -max_total_time="$seconds" -timeout=60 \
		-rss_limit_mb=1024 -max_len=512 -len_control=0 \
		-print_final_stats=1 -verbosity=1 \
		-artifact_prefix="$dir/" "$dir/corpus" >"$dir/log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' \
			"$dir/log")
		echo "ok $nr fuzz $target: ${runs:-0} inputs"
	else
		tail -n 40 "$dir/log" | sed 's/^/# /'
		echo "not ok $nr fuzz $target: see $dir/log"
		return 1
	fi
}

echo "KTAP version 1"
echo "1..$#"
nr=0
jobs_most=$#
for target in "$@"; do
	nr=$((nr + 1))
	jobs_start fuzz $nr "$target"
done
jobs_wait
