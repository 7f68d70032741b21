# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What inside.sh and ends.sh share; sourced by them in the emulated host, as
# /fault/lib.sh.

# calculates PID TICKS: until a process has taken so much of the CPUs' time;
# fails if it ends before
calculates()
{
	ticks=0
	while [ "$ticks" -lt "$2" ]; do
		usleep 10000
		ticks=$(awk '{ print $14 + $15 }' "/proc/$1/stat") || return
	done
}
