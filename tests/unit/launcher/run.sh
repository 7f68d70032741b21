#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The launcher's unit tests, as a part of "make test-unit".
cd "$(dirname "$0")" || exit
../../machine/deps.sh unit userspace >&2
make -s all >&2 && make -s -C ../../../userspace >&2 || exit
status=0
make -s test || status=1
./cli.sh || status=1
exit $status
