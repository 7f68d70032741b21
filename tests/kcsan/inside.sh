# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Inside the emulated host with KCSAN: hostile programs, whose threads race on
# purpose, then the ABI tests that are in /abi/bin. Started by run.sh, which reads
# the kernel's log; prints KTAP.
status=0
insmod /lodge/ko/lodge.ko || exit 126
/hostile/fuzz --seconds 120 --worlds 40 || status=1
rmmod lodge
sh /abi/inside.sh --lodge-only || status=1
exit $status
