#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The fuzz targets, as a part of "make test". Called by tests/run.sh.
cd "$(dirname "$0")" || exit
../machine/deps.sh unit userspace >&2
if ! command -v "${CLANG:-clang}" >/dev/null; then
	echo "KTAP version 1"
	echo "1..1"
	echo "ok 1 fuzz # SKIP clang is not installed"
	exit
fi
make -s all >&2 && exec make -s run
