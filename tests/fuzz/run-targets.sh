#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs fuzz targets that have been built, each for a bounded time, and
# reports in KTAP. Called by the Makefile.
#
#	OUT=FOLDER run-targets.sh SECONDS TARGET...
set -uo pipefail
seconds=$1
shift

echo "KTAP version 1"
echo "1..$#"
nr=0 failed=0
for target in "$@"; do
	nr=$((nr + 1))
	dir=$OUT/$target
	if "$dir/fuzz" -max_total_time="$seconds" -timeout=60 \
		-rss_limit_mb=1024 -max_len=512 -len_control=0 \
		-print_final_stats=1 -verbosity=1 \
		-artifact_prefix="$dir/" "$dir/corpus" >"$dir/log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' \
			"$dir/log")
		echo "ok $nr fuzz $target: ${runs:-0} inputs"
	else
		failed=1
		tail -n 40 "$dir/log" | sed 's/^/# /'
		echo "not ok $nr fuzz $target: see $dir/log"
	fi
done
exit $failed
