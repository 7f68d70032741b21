#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs commands in a host that Bochs emulates. Its CPU is one with VT-x, or a
# ryzen, whose AMD-V has next-RIP, flush-by-ASID and a pause filter, which
# QEMU's has not. Called by tests/bochs/run.sh and tests/vmx/run.sh. As with
# host.sh, what the commands print comes out of stdout, and their exit status
# is bochs.sh's own. It takes half a minute to get there and back.
#
#	tests/machine/bochs.sh --kernel 6.12 --lodge --run 'dmesg | tail'
#
#  -k, --kernel 6.1|6.12|7.2	the host's kernel (6.1)
#      --model MODEL		Bochs' CPU model: ryzen (the default),
#				corei7_skylake_x, corei7_haswell_4770
#      --vtx			short for --model corei7_skylake_x
#      --cpus N			its CPUs (1)
#      --disk FILE		a raw disk, /dev/sda, then sdb; nothing is kept
#      --ips N			how many instructions its second has (20000000);
#				more of them make a tick of the host's rarer
#      --log FILE		keep what Bochs says of itself, such as why it
#				refuses to enter a guest
# and of host.sh's options, with the same meaning: --mem, --kvm (kvm_intel on
# Intel's models), --lodge[=FILE], --lodge-args, --modules, --carry, --file,
# --dir, --run, --script, --get, --dmesg, --append, --timeout, --tainted-ok. It
# ends with 122 to 126 as host.sh does.
#
# The Bochs is the one that bochs3.sh has built, else Debian's 2.7, which is
# slower and has more faults (docs/TESTING.md); BOCHS (environment) names
# another one.
#
# The TSC advances by one an instruction, and nothing else than instructions
# moves time, so two runs count the same. Read emulated.sh next.
set -euo pipefail
. "$(dirname "$0")/emulated.sh"

model=ryzen cpus=1 ips=20000000 log=''
while [ $# -gt 0 ]; do
	taken=2
	case $1 in
	--model|--cpus|--disk|--ips|--log)
		[ $# -ge 2 ] || fail "$1 needs an argument" ;;
	esac
	case $1 in
	--model)	model=$2 ;;
	--vtx)		model=corei7_skylake_x; taken=1 ;;
	--cpus)		cpus=$2 ;;
	--disk)		disks+=("$2") ;;
	--ips)		ips=$2 ;;
	--log)		log=$2 ;;
	*)		emulated_option "$@" ;;
	esac
	shift $taken
done
bochs=${BOCHS:-$("$machine/bochs3.sh" path || echo bochs)}
command -v "$bochs" >/dev/null || fail "no $bochs (tests/machine/deps.sh bochs)"
version=$("$bochs" --help 2>&1 </dev/null |
	sed -n 's/.*x86 Emulator \([0-9.]*\).*/\1/p')

# Words for the host's kernel. RDRAND and RDSEED (158, 306) would make each run
# another one; the delay of MWAITX (221) never ends; before Bochs 3.0, a task
# loses the upper halves of YMM registers with XSAVEC and XSAVES (321, 323) on
# ryzen, and the size of XSAVE areas is wrong on skylake, which stops Linux 7.2.
clear=158,306 words=
case $model in
ryzen)	clear+=,221 ;;
*)	kvm_module=kvm_intel ;;
esac
disk_modules=(ata_piix sd_mod)
case $version-$model in
2.*-ryzen)	clear+=,321,323 ;;
2.*-*skylake*)	words=noxsave ;;
esac
emulated_check
emulated_initramfs

# --- the machine -----------------------------------------------------------

# Bochs boots no kernel by itself: it gets a CD with a boot loader. A machine
# that panicked shall stop rather than start again, which watch_console sees.
mkdir -p "$work/cd/isolinux"
mv "$work/initrd" "$work/cd/initrd"
ln -s "$kernel_dir/boot/vmlinuz-$release" "$work/cd/vmlinuz"
cp /usr/lib/ISOLINUX/isolinux.bin \
	/usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/cd/isolinux"
cat >"$work/cd/isolinux/isolinux.cfg" <<END
default host
prompt 0
label host
	kernel /vmlinuz
	append initrd=/initrd console=ttyS0 quiet loglevel=4 panic=0 oops=panic clearcpuid=$clear nokaslr norandmaps $words $append
END
xorriso -as mkisofs -quiet -f -o "$work/cd.iso" -b isolinux/isolinux.bin \
	-c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table \
	"$work/cd" >"$work/xorriso" 2>&1 || {
	cat "$work/xorriso" >&2
	fail "cannot make a CD (tests/machine/deps.sh bochs)"
}

# Few instructions a second make the waits of firmware, kernel and serial ports
# short.
messages=ignore
[ -z "$log" ] || messages=report
cat >"$work/bochsrc" <<END
config_interface: textconfig
memory: guest=$mem, host=$mem
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
cpu: model=$model, count=$cpus, ips=$ips, reset_on_triple_fault=0
clock: sync=none, time0=1767225600
pci: enabled=1, chipset=i440fx
boot: cdrom
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/cd.iso, status=inserted
com1: enabled=1, mode=file, dev=$work/console.port
com2: enabled=1, mode=file, dev=$work/out
com3: enabled=1, mode=file, dev=$work/status
com4: enabled=1, mode=file, dev=$work/files
mouse: enabled=0
log: $work/log
panic: action=fatal
error: action=$messages
info: action=$messages
debug: action=ignore
END
for disk in "${disks[@]}"; do
	[ -f "$disk" ] || fail "no such disk: $disk"
	[ "$disk" = "${disks[0]}" ] && {
		place=master
		echo 'ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15'
	} || place=slave
	echo "ata1-$place: type=disk, mode=volatile, path=$disk," \
		"journal=$work/$place.redolog"
done >>"$work/bochsrc"
arguments=(-q -f "$work/bochsrc")
case $version in
2.*)	# Debian's has a display, sound, and its debugger built in, which wants
	# to be told to go on.
	printf '%s\n' 'display_library: term' 'sound: driver=dummy' \
		>>"$work/bochsrc"
	echo c >"$work/debugger"
	arguments+=(-rc "$work/debugger") ;;
*)	echo 'display_library: nogui' >>"$work/bochsrc" ;;
esac

# Passes the console on to a file; a kernel that panicked is turned off.
watch_console()
{
	local line

	while IFS= read -r line; do
		echo "$line"
		case $line in
		*'end Kernel panic'*) kill "$(cat "$work/pid")" ;;
		esac
	done <"$work/console.port" >"$work/console"
}

mkfifo "$work/out" "$work/console.port"
touch "$work/files" "$work/console" "$work/status"
cat "$work/out" &
readers=($!)
watch_console &
readers+=($!)
TERM=vt100 "${with_us[@]}" timeout -k 5 "$limit" \
	"${with_us[@]}" "$bochs" "${arguments[@]}" \
	</dev/null >"$work/said.bochs" 2>&1 &
pids=($! "${readers[@]}")
echo "${pids[0]}" >"$work/pid"
ended=0
wait "${pids[0]}" || ended=$?
pids=()
# Had Bochs never opened them, the readers would still wait for a writer.
: 5<>"$work/out" 6<>"$work/console.port"
wait "${readers[@]}" || true
[ -z "$log" ] || cp "$work/log" "$log"

# --- what came of it -------------------------------------------------------

if [ "$ended" = 124 ] || [ "$ended" = 137 ]; then
	tail -n 30 "$work/console" >&2
	echo "bochs.sh: ended after $limit seconds" >&2
	exit 124
fi
# Its own status says nothing: a power-off is a "panic" of Bochs', too.
cp "$work/status" "$work/said"
if ! grep -q '^status ' "$work/said"; then
	grep -aE '^[0-9]+p' "$work/log" >&2 || tail -n 5 "$work/said.bochs" >&2
fi
emulated_outcome
