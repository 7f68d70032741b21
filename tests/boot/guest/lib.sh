# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What tests of this folder have in common; they source it in their guest.

# need MODULE...: inserts them, and first what they depend on.
need()
{
	for module; do
		while read -r part; do
			[ -e "/sys/module/$part" ] || insmod "/ko/$part.ko" || exit
		done <"/ko/$module.order"
	done
}

# word NAME: the value of NAME= on the kernel's command line.
word()
{
	sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" /proc/cmdline
}

# fill FROM COUNT FILE: COUNT lines of numbers, the sum of which is printed.
fill()
{
	seq "$1" $(($1 + $2 - 1)) >"$3"
	md5sum <"$3"
}
