# SPDX-License-Identifier: GPL-2.0
#
# Names each function that is longer than "limit" lines, braces not counted.
# Called by tree.sh with C sources in kernel style, where a function's body
# begins and ends with a brace in the first column.

FNR == 1 {
	start = 0
}

/^\{/ {
	start = FNR
}

/^\}/ && start {
	lines = FNR - start - 1
	if (lines > limit)
		printf "%s:%d: %s: %d lines\n", FILENAME, start, name, lines
	start = 0
}

# The line with the parameter list's opening parenthesis names the function.
/^[A-Za-z_].*\(/ && !start {
	name = $0
	sub(/\(.*/, "", name)
	sub(/.*[ *\t]/, "", name)
}
