#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Inside the emulated host: nomem in a cgroup of its own, which must hold no page
# of the kernel's afterwards, since kmemleak does not look for pages. Started by
# inside.sh, and that of tests/debug. Prints KTAP.
#
#	nomem.sh ARGUMENTS OF nomem...
cgroup=/tmp/cgroup/nomem
if [ ! -e /tmp/cgroup/cgroup.procs ]; then
	mkdir -p /tmp/cgroup
	mount -t cgroup2 cgroup2 /tmp/cgroup
fi
echo +memory >/tmp/cgroup/cgroup.subtree_control
mkdir -p $cgroup
status=0
(
	sh -c "echo \$PPID >$cgroup/cgroup.procs"
	exec /hostile/nomem "$@"
) || status=1

# Pages that are held; what objects take is not among them, a part of a page on
# each CPU is.
pages()
{
	awk '
	$1 == "kernel" || $1 == "slab" { held[$1] = $2 }
	END	{
		if (!("kernel" in held))
			exit 1
		print int((held["kernel"] - held["slab"]) / 4096)
	}' $cgroup/memory.stat
}

# Page tables of a process that has ended go when all CPUs have seen it.
cpus=$(nproc) tries=20
while held=$(pages) && [ "$held" -ge "$cpus" ] && [ $tries != 0 ]; do
	usleep 500000
	tries=$((tries - 1))
done
printf 'KTAP version 1\n1..1\n# %s pages are held\n' "$held"
if [ -n "$held" ] && [ "$held" -lt "$cpus" ]; then
	echo "ok 1 hostile.nomem.pages_come_back"
else
	echo "not ok 1 hostile.nomem.pages_come_back"
	status=1
fi
rmdir $cgroup
exit $status
