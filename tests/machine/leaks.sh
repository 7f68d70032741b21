#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# /bin/leaks of the emulated hosts: what kmemleak finds, as comments of KTAP.
# Status 0: there are none; 1: there are; 2: this kernel does not look for them.
# Put there by emulated.sh.
leaks=/sys/kernel/debug/kmemleak
[ -e $leaks ] || exit 2
# Twice: what has been seen just now may be a copy in a register.
echo scan >$leaks
echo scan >$leaks
grep -q . $leaks || exit 0
sed 's/^/# /' $leaks | head -n 60
exit 1
