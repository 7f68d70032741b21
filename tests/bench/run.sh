#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What exits cost on Lodge and on KVM, side by side in one emulated host that
# counts instructions: host instructions an exit, the least of many batches.
# Called by "make bench".
#
#	tests/bench/run.sh [6.1|6.12]
#
# Columns: Lodge owning the CPU; KVM; Lodge sharing the CPU with a loaded KVM;
# the first by the second. The emulated CPU does not say where an instruction
# ends, so both must find out by themselves where that is not a port access.
#
# Then, on each: milliseconds (of a million instructions) from the launcher's
# start to the guest's first user process, and the launcher's own memory then,
# which is its resident pages less the guest's.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/machine/lib.sh

kernel=${1:-6.1}
group=build
[ "$kernel" = 6.1 ] || group=build-$kernel
tests/machine/deps.sh "$group" userspace host
make -s module KERNEL="$kernel" >/dev/null
release=$(kernel_release "$kernel")
out=build/bench
mkdir -p $out
gcc -O2 -Wall -Wextra -static -o $out/exits tests/bench/exits.c \
	tests/bench/guest.S

gcc -O2 -Wall -Wextra -static -o $out/init tests/bench/init.c
make -s -C userspace >/dev/null
mkdir -p $out/root/dev
cp $out/init $out/root/init
[ -e $out/root/dev/console ] || mknod $out/root/dev/console c 5 1
(cd $out/root && find . | cpio -o -H newc --quiet) >$out/initrd
kernel_dir=$(tests/machine/fetch.sh kernel "$kernel")

cat >$out/commands <<'END'
lodge=/lodge/ko/lodge.ko

# start DEVICE: milliseconds to the first user process; the launcher's KiB
start()
{
	mkfifo /in
	begin=$(cut -d ' ' -f 1 /proc/uptime)
	lodge run --device $1 --kernel /vmlinuz --initrd /initrd --mem 128M \
		--append 'console=ttyS0 quiet' </in >/serial 2>&1 &
	exec 3>/in
	until grep -q 'first user process' /serial; do
		kill -0 $! || return
	done
	end=$(cut -d ' ' -f 1 /proc/uptime)
	# The guest's memory is the one mapping of 128 MiB.
	own=$(awk '/^[0-9a-f]+-/ { guest = 0 } /^Size:/ { guest = $2 == 131072 }
		/^Rss:/ && !guest { sum += $2 } END { print sum }' /proc/$!/smaps)
	echo >&3
	exec 3>&-
	wait $! || return
	rm /in
	awk "BEGIN { print ($end - $begin) * 1000, $own }"
}

insmod $lodge mode=own || exit
exits /dev/lodge >/out/own || exit
start /dev/lodge >/out/start-own || exit
rmmod lodge || exit
for part in irqbypass ccp kvm kvm-amd; do
	[ ! -e /lodge/ko/$part.ko ] || insmod /lodge/ko/$part.ko || exit
done
exits /dev/kvm >/out/kvm || exit
start /dev/kvm >/out/start-kvm || exit
insmod $lodge mode=share || exit
exits /dev/lodge >/out/share
END
rm -rf $out/get
mkdir -p $out/get
tests/machine/host.sh --kernel "$kernel" --cpus 1 --icount --timeout 1500 \
	--carry kvm_amd --file "build/$release/lodge.ko:/lodge/ko/lodge.ko" \
	--file userspace/lodge:/bin/lodge --file $out/initrd:/initrd \
	--file "$kernel_dir/boot/vmlinuz-$release:/vmlinuz" \
	--file $out/exits:/bin/exits --script $out/commands --get $out/get

echo "host instructions an exit, Linux $release, emulated AMD-V:"
printf '%-24s %9s %9s %9s %7s\n' exit Lodge KVM shared ratio
paste $out/get/own $out/get/kvm $out/get/share |
	awk -F '\t' '{ printf "%-24s %9.0f %9.0f %9.0f %7.2f\n",
		$1, $2, $4, $6, $2 / $4 }'

paste $out/get/start-own $out/get/start-kvm | awk '{
	printf "%-24s %9.0f %9.0f %17.2f\n", "launch, ms", $1, $3, $1 / $3
	printf "%-24s %9d %9d\n", "launcher, KiB", $2, $4 }'
