# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Emulated hosts, or whatever else keeps one CPU busy, side by side: as many as
# this machine has CPUs, each one's output in one piece. Sourced by the runners:
#
#	jobs_start COMMAND...	runs it once there is a CPU for it
#	jobs_wait		prints what they printed, in the order in which
#				they were started; fails if one of them failed
#
# Where more of them are to share the CPUs, jobs_most is how many.
jobs_dir=$(mktemp -d "${TMPDIR:-/tmp}/lodge-jobs.XXXXXX")
jobs_pids=() jobs_shown=0 jobs_failed=0 jobs_most=$(nproc)
trap jobs_end EXIT
trap 'exit 143' INT TERM HUP

jobs_start()
{
	local to=$jobs_dir/${#jobs_pids[@]}

	while [ "$(jobs -pr | wc -l)" -ge "$jobs_most" ]; do
		wait -n
		while [ -s "$jobs_dir/$jobs_shown.status" ]; do
			jobs_show
		done
	done
	{
		"$@"
		echo $? >"$to.status"
	} >"$to" 2>"$to.errors" &
	jobs_pids+=($!)
}

# Prints what the first one has printed that was not shown yet.
jobs_show()
{
	local to=$jobs_dir/$jobs_shown

	cat "$to"
	cat "$to.errors" >&2
	[ -s "$to.status" ] && [ "$(cat "$to.status")" = 0 ] || jobs_failed=1
	jobs_shown=$((jobs_shown + 1))
}

jobs_wait()
{
	local failed

	while [ $jobs_shown -lt ${#jobs_pids[@]} ]; do
		wait "${jobs_pids[jobs_shown]}"
		jobs_show
	done
	failed=$jobs_failed
	rm -f "$jobs_dir"/*
	jobs_pids=() jobs_shown=0 jobs_failed=0
	return "$failed"
}

# Whoever ends before they did ends them, and what they have said is told.
jobs_end()
{
	# shellcheck disable=SC2046 # process ids are words
	kill $(jobs -pr) 2>/dev/null
	while [ $jobs_shown -lt ${#jobs_pids[@]} ]; do
		jobs_show
	done
	rm -rf "$jobs_dir"
}
