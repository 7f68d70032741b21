#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The launcher's unit tests, as a part of "make test-unit".
cd "$(dirname "$0")" || exit
make -s all >&2 && exec make -s test
