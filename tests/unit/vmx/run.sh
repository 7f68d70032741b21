#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds and runs the tests of this folder. Called by tests/run.sh.
cd "$(dirname "$0")" || exit
make -s all >&2 && exec make -s test
