#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs commands in an emulated AMD-V host: QEMU without any acceleration, a
# Debian kernel, and an initramfs made on the fly. What the commands print
# comes out of stdout as it is printed; their exit status is host.sh's own.
#
#	tests/machine/host.sh --kernel 6.12 --lodge \
#		--file build/abi/run_test:/bin/run_test --run 'run_test'
#
#  -k, --kernel 6.1|6.12|7.2	the host's kernel (6.1)
#      --cpus N			its CPUs (2; 1 where KVM's patches hurt, see below)
#      --mem MIB		its memory (1024)
#      --cpu MODEL		QEMU's CPU model (EPYC,+x2apic)
#      --kvm			load kvm_amd: /dev/kvm
#      --lodge[=FILE]		insert lodge.ko: build/RELEASE/lodge.ko or FILE
#      --lodge-args 'A=B ...'	its module parameters
#      --modules 'NAME ...'	load more of the kernel's modules, in order
#      --carry 'NAME ...'	put modules at /lodge/ko/NAME.ko, with all they
#				depend on, but leave inserting to the commands
#      --file SRC:DST		a file to put in; of a dynamic executable its
#				libraries too
#      --dir SRC:DST		a folder with all below it
#      --disk FILE[,ro|,snapshot]	a raw disk: /dev/vda, then vdb, ...; of a
#				snapshot nothing is kept
#      --run 'COMMANDS'		what to do, for busybox' sh ...
#      --script FILE		... or a file of it; other arguments of the
#				script come after --
#      --get DIR		unpack into DIR what the commands left in /out
#      --dmesg FILE		write the kernel's whole log there
#      --append 'WORDS'		more for the kernel's command line
#      --timeout SECONDS	end it after this time (300)
#      --tainted-ok		do not fail when the kernel warned (see below)
#      --parallel		a thread for each CPU, for what looks for races:
#				else one emulates all, see docs/TESTING.md
#      --icount			deterministic: RDTSC counts instructions
#      --interactive[=raw]	the commands get stdin, too, by a terminal of
#				the host's, raw from the start if so asked
#      --qemu 'ARGUMENTS'	more for QEMU
#
# Beside the commands' own status, host.sh ends with
#	122	when the kernel warned or oopsed, though the commands were content:
#		its log is shown;
#	123	when the machine died (panic, reset) before they had ended;
#	124	when the time was up: the registers of its CPUs are shown;
#	125	when it could not be set up;
#	126	when a module could not be inserted.
#
# QEMU (environment) names another qemu-system-x86_64. Read emulated.sh next,
# which has what it shares with bochs.sh, and init.sh, the first process in
# there.
set -euo pipefail
. "$(dirname "$0")/emulated.sh"

cpus='' cpu=EPYC,+x2apic threads=single icount='' qemu_args=()
while [ $# -gt 0 ]; do
	case $1 in
	--cpus|--cpu|--disk|--qemu)
		[ $# -ge 2 ] || fail "$1 needs an argument" ;;
	esac
	taken=1
	case $1 in
	--cpus)		cpus=$2; taken=2 ;;
	--cpu)		cpu=$2; taken=2 ;;
	--disk)		disks+=("$2"); taken=2 ;;
	--parallel)	threads=multi ;;
	--icount)	icount=1 ;;
	--interactive)	interactive=cooked ;;
	--interactive=raw) interactive=raw ;;
	--qemu)		read -ra words <<<"$2"; qemu_args+=("${words[@]}"); taken=2 ;;
	*)		emulated_option "$@" ;;
	esac
	shift $taken
done

qemu=${QEMU:-qemu-system-x86_64}
command -v "$qemu" >/dev/null || fail "no $qemu (tests/machine/deps.sh host)"
case "${modules[*]} ${carry[*]}" in
*kvm*)	# It patches the scheduler when its first VM comes and its last goes.
	if patches_hurt "$qemu"; then
		threads=single
		cpus=${cpus:-1}
	fi ;;
esac
emulated_check
emulated_initramfs

# --- the machine -----------------------------------------------------------

accel=(-accel "tcg,thread=$threads")
words=
if [ -n "$icount" ]; then
	accel=(-accel tcg,thread=single -icount shift=0,sleep=off
		-rtc base=2026-01-01,clock=vm -seed 1)
	words='nokaslr norandmaps'
fi
command=("$qemu" -nodefaults -no-user-config -display none -no-reboot
	-machine pc "${accel[@]}" -cpu "$cpu" -smp "${cpus:-2}" -m "$mem"
	-kernel "$kernel_dir/boot/vmlinuz-$release" -initrd "$work/initrd"
	-append "console=ttyS0 quiet loglevel=4 panic=-1 oops=panic random.trust_cpu=on tsc=reliable no_ipi_broadcast=1 $words $append")
mkfifo "$work/out" "$work/status" "$work/tty.in" "$work/tty.out" \
	"$work/monitor.in" "$work/monitor.out" "$work/over"
output=out
if [ -n "$interactive" ]; then
	output=tty.out
	command+=(-chardev "pipe,id=tty,path=$work/tty"
		-device virtio-serial-pci,max_ports=1
		-device virtconsole,chardev=tty
		-chardev null,id=out)
else
	command+=(-chardev "file,id=out,path=$work/out")
fi
command+=(
	-chardev "file,id=console,path=$work/console" -serial chardev:console
	-serial chardev:out
	-chardev "file,id=status,path=$work/status" -serial chardev:status
	-chardev "file,id=files,path=$work/files" -serial chardev:files
	-chardev "pipe,id=monitor,path=$work/monitor" -mon chardev=monitor
	-d cpu_reset -D "$work/log")
for item in "${disks[@]}"; do
	mode=readonly=off
	case $item in
	*,ro)		mode=readonly=on ;;
	*,snapshot)	mode=snapshot=on ;;
	esac
	item=${item%,ro}
	item=${item%,snapshot}
	[ -e "$item" ] || fail "no such disk: $item"
	command+=(-drive "if=virtio,format=raw,file=$item,$mode")
done
command+=("${qemu_args[@]}")

# Notes how it ended. In an interactive machine, hands on the input once
# someone is there to take it: what came earlier would be lost.
follow_status()
{
	local line feeder=''

	while read -r line; do
		echo "$line"
		[ "$line" = ready ] || continue
		cat <&4 >"$work/tty.in" 2>/dev/null &
		feeder=$!
	done <"$work/status" >"$work/said"
	[ -z "$feeder" ] || kill "$feeder" 2>/dev/null || true
}

# Has a machine whose time is up tell what its CPUs do, and end.
end_in_time()
{
	! read -rt "$limit" <>"$work/over" || return 0
	: >"$work/late"
	printf '%s\n' 'info registers -a' 'info lapic 0' \
		'info lapic 1' quit >"$work/monitor.in"
}

touch "$work/files" "$work/console" "$work/said"
exec 4<&0
if [ -n "$interactive" ] && [ -t 0 ]; then
	terminal=$(stty -g)
	stty raw -echo
fi
cat "$work/$output" &
reader=$!
follow_status &
follower=$!
cat "$work/monitor.out" >"$work/where" &
witness=$!
end_in_time 4<&- >/dev/null 2>&1 &
clock=$!
# One that does not listen to its monitor either is killed.
"${with_us[@]}" timeout -k 5 $((limit + 20)) "${with_us[@]}" "${command[@]}" \
	</dev/null 4<&- 2>"$work/qemu.err" >&2 &
pids=($! "$reader" "$follower" "$witness" "$clock")
ended=0
wait "${pids[0]}" || ended=$?
pids=()
kill "$clock" 2>/dev/null || true
# Had QEMU never opened them, the readers would still wait for a writer.
: 5<>"$work/$output" 6<>"$work/status" 7<>"$work/monitor.out"
wait "$reader" "$follower" "$witness" || true
if [ -n "$terminal" ]; then
	stty "$terminal"
	terminal=
fi

# --- what came of it -------------------------------------------------------

if [ -e "$work/late" ]; then
	tr -d '\r' <"$work/where" |
		grep -vE '^(\(qemu\)|QEMU|FCW|FPR|[XY]MM|$)' >&2 || true
	tail -n 30 "$work/console" >&2
	echo "host.sh: ended after $limit seconds" >&2
	exit 124
fi
if [ "$ended" != 0 ]; then
	cat "$work/qemu.err" >&2
	fail "QEMU ended with status $ended"
fi
# A triple fault says nothing on the console.
grep -h 'Triple fault' "$work/log" >&2 || true
emulated_outcome
