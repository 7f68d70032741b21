#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks that need nothing but the sources: licences, sizes, layers, and that
# the reading order is complete. Called by run.sh, one check a call; prints
# what is wrong and fails if anything is.
#
#	tests/style/tree.sh licences|sizes|layers|reading
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

# Every source file: what git knows, or would take, or all of a release tree.
sources()
{
	if [ -e .git ]; then
		git ls-files --cached --others --exclude-standard
	else
		find . -name build -prune -o -type f -print | sed 's,^\./,,'
	fi | grep -v '^LICENSES/' | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

c_sources()
{
	sources | grep -E '^(kmod|uapi|userspace|tests)/.*\.[ch]$'
}

check_licences()
{
	local file line bad=0

	while read -r file; do
		case $file in
		*.md|*.txt|*.seed|*.bin)
			# Pages and data; a list of words says so in a comment.
			continue ;;
		esac
		line=$(head -n 3 "$file" | grep -m1 SPDX-License-Identifier:)
		case $file in
		*.c)	want='// SPDX-License-Identifier: GPL-2.0' ;;
		*.h|*.S)	want='/* SPDX-License-Identifier: GPL-2.0' ;;
		*)	want=SPDX-License-Identifier: ;;
		esac
		if [[ $line != *"$want"* ]]; then
			echo "$file: no line '$want...' at its top"
			bad=1
		fi
	done < <(sources)
	return $bad
}

# Files longer than 500 lines for a reason, and the reason.
long_files()
{
	grep -v '^#' tests/style/long-files.txt | cut -f1
}

check_sizes()
{
	local bad=0 file lines

	while read -r file; do
		lines=$(wc -l <"$file")
		if [ "$lines" -gt 500 ] && ! long_files | grep -qxF "$file"; then
			echo "$file: $lines lines, more than 500"
			bad=1
		fi
	done < <(c_sources)
	if c_sources | grep -E '^(kmod|uapi|userspace)/' |
			xargs -r awk -v limit=60 -f tests/style/sizes.awk |
			grep .; then
		bad=1
	fi
	return $bad
}

# The layers of docs/READING.md as numbers, by path. Headers of the module
# are words that all may use; a backend's own headers are the backend's.
layer_of()
{
	case $1 in
	kmod/svm/*|kmod/vmx/*)	echo vendor ;;
	kmod/emul/*)		echo 1 ;;
	kmod/irq/*)		echo 2 ;;
	kmod/host.*)		echo 0 ;;
	kmod/*.h)		echo 0 ;;
	*)	sed -n "s,^$1\t,,p" tests/style/layers.txt ;;
	esac
}

check_layers()
{
	local bad=0 file include target mine theirs

	while read -r file; do
		mine=$(layer_of "$file")
		if [ -z "$mine" ]; then
			echo "$file: in no layer of tests/style/layers.txt"
			bad=1
			continue
		fi
		while read -r include; do
			target=$(realpath -m --relative-to=. \
				"$(dirname "$file")/$include")
			[ -e "$target" ] || target=kmod/$include
			case $target in
			kmod/svm/*|kmod/vmx/*)
				if [ "${target%/*}" != "${file%/*}" ]; then
					echo "$file: reaches into a backend: $include"
					bad=1
				fi
				continue ;;
			esac
			theirs=$(layer_of "$target")
			# irq.h and emul.h hold types that lodge.h is made of.
			case $target in
			kmod/irq/irq.h|kmod/emul/emul.h) theirs=0 ;;
			esac
			if [ "$mine" = vendor ]; then
				[ "$theirs" = 0 ] || {
					echo "$file: a backend sees only words: $include"
					bad=1
				}
			elif [ "$theirs" -gt "$mine" ]; then
				echo "$file: layer $mine includes layer $theirs: $include"
				bad=1
			fi
		done < <(sed -n 's/^#include "\(.*\)"/\1/p' "$file")
	done < <(sources | grep -E '^kmod/.*\.[ch]$')
	# Nobody but main.c names a backend's functions or types.
	if sources | grep -E '^kmod/.*\.[ch]$' |
			grep -vE '^kmod/(svm/|vmx/|main\.c$|vendor\.h$)' |
			xargs -r grep -nE '\b(svm|vmx)_[a-z_]+\(' ; then
		echo "only main.c, through vendor.h, reaches a backend"
		bad=1
	fi
	return $bad
}

check_reading()
{
	local bad=0 file page=docs/READING.md

	[ -e $page ] || { echo "there is no $page"; return 1; }
	while read -r file; do
		grep -qwF -- "$file" $page || {
			echo "$file: not in $page"
			bad=1
		}
	done < <(sources | grep -E '^(kmod|uapi|userspace)/.*\.(c|h|S|asl)$')
	while read -r file; do
		[ -e "$file" ] || {
			echo "$page names $file, which is not there"
			bad=1
		}
	done < <(grep -oE '\b(kmod|uapi|userspace)/[A-Za-z0-9_/.-]+\.(c|h|S|asl)\b' $page)
	return $bad
}

"check_$1"
