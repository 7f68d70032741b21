#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Does what DKMS would do for a user of a release: add, build and install, in
# trees of its own so that this machine's are left alone. Called by
# tests/run.sh with kernels in KERNELS; prints KTAP. What is tried is a release
# tree: the files that git knows, copied.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/machine/lib.sh
read -r -a kernels <<<"${KERNELS:-6.1 6.12}"
groups=(dkms build)
for kernel in "${kernels[@]}"; do
	[ "$kernel" = 6.1 ] || groups+=("build-$kernel")
done
tests/machine/deps.sh "${groups[@]}" || exit

# DKMS insists on being root, whatever trees it works on.
as_root=()
if [ "$(id -u)" != 0 ]; then
	as_root=(sudo -n)
	if ! sudo -n true 2>/dev/null; then
		echo "TAP version 13"
		echo "1..1"
		echo "ok 1 dkms # SKIP neither root nor sudo without a password"
		exit
	fi
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/lodge-dkms.XXXXXX")
trap '"${as_root[@]}" rm -rf "$work"' EXIT
name=$(sed -n 's/^PACKAGE_NAME="\(.*\)"/\1/p' dkms.conf)
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
release_tree=$work/src/$name-$version
mkdir -p "$release_tree" "$work/dkms" "$work/modules"
if [ -e .git ]; then
	git ls-files --cached --others --exclude-standard -z
else
	find . -name build -prune -o -type f -print0
fi | while IFS= read -r -d '' file; do
	[ ! -f "$file" ] || printf '%s\0' "$file"
done | xargs -0 cp --parents -t "$release_tree"

number=0 failed=0
try()
{
	local title=$1
	shift

	number=$((number + 1))
	if "$@" >"$work/log" 2>&1; then
		echo "ok $number $title"
	else
		tail -n 30 "$work/log" | sed 's/^/# /'
		find "$work/dkms" -name make.log -exec tail -n 20 {} + | sed 's/^/# /'
		echo "not ok $number $title"
		failed=1
	fi
}

run_dkms()
{
	local verb=$1
	shift

	"${as_root[@]}" /usr/sbin/dkms "$verb" -m "$name" -v "$version" \
		--dkmstree "$work/dkms" --sourcetree "$work/src" \
		--installtree "$work/modules" "$@"
}

installed_for()
{
	run_dkms install -k "$1" --kernelsourcedir "/lib/modules/$1/build" || return
	find "$work/modules/$1" -name 'lodge.ko*' | grep . || return
	/sbin/modinfo -F vermagic "$(find "$work/modules/$1" -name 'lodge.ko*')" |
		grep -F "$1 "
}

removed()
{
	run_dkms remove --all &&
		! find "$work/modules" -name 'lodge.ko*' | grep .
}

echo "TAP version 13"
echo "1..$((2 + 2 * ${#kernels[@]}))"
try "dkms add" run_dkms add
for kernel in "${kernels[@]}"; do
	release=$(kernel_release "$kernel")
	# depmod wants the list of the kernel's own modules there.
	mkdir -p "$work/modules/$release"
	try "dkms build for $release" run_dkms build -k "$release" \
		--kernelsourcedir "/lib/modules/$release/build"
	try "dkms install for $release" installed_for "$release"
done
try "dkms remove" removed
exit $failed
