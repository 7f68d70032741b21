# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Emulated hosts side by side, as many as this machine has CPUs, each one's
# output in one piece. Sourced by the runners of parts whose hosts have one
# busy CPU each:
#
#	jobs_start COMMAND...	runs it once there is a CPU for it
#	jobs_wait		prints what they printed, in the order in which
#				they were started; fails if one of them failed
jobs_dir=$(mktemp -d "${TMPDIR:-/tmp}/lodge-jobs.XXXXXX")
jobs_pids=()
trap 'rm -rf "$jobs_dir"' EXIT
trap 'kill "${jobs_pids[@]}" 2>/dev/null; exit 130' INT TERM

jobs_start()
{
	local to=$jobs_dir/${#jobs_pids[@]}

	while [ "$(jobs -pr | wc -l)" -ge "$(nproc)" ]; do
		wait -n
	done
	{
		"$@"
		echo $? >"$to.status"
	} >"$to" 2>&1 &
	jobs_pids+=($!)
}

jobs_wait()
{
	local i failed=0

	for i in "${!jobs_pids[@]}"; do
		wait "${jobs_pids[i]}"
		cat "$jobs_dir/$i"
		[ "$(cat "$jobs_dir/$i.status")" = 0 ] || failed=1
	done
	jobs_pids=()
	return $failed
}
