#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the kernel's checkpatch over all C and assembly of the tree. Called by
# run.sh; prints what it finds and fails if that is anything.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
source_dir=$(tests/machine/fetch.sh source) || exit
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Not asked anywhere: that lists for X-macros and tables be expressions, or
# end without a semicolon.
everywhere=COMPLEX_MACRO,MULTISTATEMENT_MACRO_USE_DO_WHILE,BRACKET_SPACE
everywhere+=,TRAILING_SEMICOLON
# Not asked of programs: the kernel's own helpers, which they do not have, and
# what it says of volatile, which signal handlers and test guests need, and of
# ENOSYS, which filters for system calls give.
programs=PREFER_DEFINED_ATTRIBUTE_MACRO,ARRAY_SIZE,VOLATILE,CONST_STRUCT
programs+=,ENOSYS,MACRO_WITH_FLOW_CONTROL,PREFER_FALLTHROUGH,PREFER_KERNEL_TYPES

# run IGNORED-TYPES FOLDER...
run()
{
	local ignore=$1
	shift

	find "$@" -name '*.[chS]' -print0 2>/dev/null |
		xargs -0 -r -n 20 -P 2 perl "$source_dir/scripts/checkpatch.pl" \
		--no-tree --no-summary --terse --show-types \
		--max-line-length=100 --ignore "$ignore" -f >>"$log"
}

run "$everywhere" kmod uapi
run "$everywhere,$programs" userspace tests
# pure.h gives userspace the attribute macros and types of the kernel.
sed -Ei '/^kmod\/pure\.h:.*(PREFER_DEFINED_ATTRIBUTE_MACRO|NEW_TYPEDEFS)/d' "$log"
sort "$log" | head -n 100
[ ! -s "$log" ]
