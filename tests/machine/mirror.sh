#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fills a folder with links to the module's sources, for a build that leaves
# the source tree as it is. Called by the top-level Makefile with the folder;
# the kernel's own build takes it from there.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

to=$1
mkdir -p "$to"
exec 9>"$to/.lock"
flock 9

cd "$top"
parts=(kmod)
# Lodge's own part of the interface, where there is one.
[ ! -d uapi ] || parts+=(uapi)
find "${parts[@]}" -type d | sed "s,^,$to/," | xargs mkdir -p
find Kbuild "${parts[@]}" -type f \
	\( -name '*.[chS]' -o -name '*.mk' -o -name Kbuild \) |
while read -r file; do
	[ -L "$to/$file" ] || ln -sf "$top/$file" "$to/$file"
done
# A source that is gone must not stay behind as a link to nothing.
find "$to" -xtype l -delete
