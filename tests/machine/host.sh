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
#      --cpus N			its CPUs (2, or see default_cpus in lib.sh)
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
#      --icount			deterministic: RDTSC counts instructions
#      --interactive[=raw]	the commands get stdin, too, by a terminal of
#				the host's, raw from the start if so asked
#      --qemu 'ARGUMENTS'	more for QEMU
#
# Beside the commands' own status, host.sh ends with
#	122	when the kernel warned or oopsed, though the commands were content:
#		its log is shown;
#	123	when the machine died (panic, reset) before they had ended;
#	124	when the time was up;
#	125	when it could not be set up;
#	126	when a module could not be inserted.
#
# QEMU (environment) names another qemu-system-x86_64, TCG gives options to its
# emulation (thread=single). Read init.sh next: it
# is the first process in there.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

usage()
{
	sed -n '4,/^[^#]/s/^# \?//p' "$0" >&2
	exit 125
}

fail()
{
	echo "host.sh: $*" >&2
	exit 125
}

kernel=6.1 cpus='' mem=1024 cpu=EPYC,+x2apic limit=300
lodge='' lodge_args='' append='' payload='' get='' dmesg_to=''
interactive='' tainted_ok='' icount=''
modules=() carry=() files=() dirs=() disks=() script_args=() qemu_args=()
while [ $# -gt 0 ]; do
	case $1 in
	-k|--kernel|--cpus|--mem|--cpu|--lodge-args|--modules|--carry|--file|\
	--dir|--disk|--run|--script|--get|--dmesg|--append|--timeout|--qemu)
		[ $# -ge 2 ] || fail "$1 needs an argument" ;;
	esac
	case $1 in
	-k|--kernel)	kernel=$2; shift ;;
	--cpus)		cpus=$2; shift ;;
	--mem)		mem=$2; shift ;;
	--cpu)		cpu=$2; shift ;;
	--kvm)		modules+=(kvm_amd) ;;
	--lodge)	lodge=built ;;
	--lodge=*)	lodge=${1#*=} ;;
	--lodge-args)	lodge_args=$2; shift ;;
	--modules)	read -ra words <<<"$2"; modules+=("${words[@]}"); shift ;;
	--carry)	read -ra words <<<"$2"; carry+=("${words[@]}"); shift ;;
	--file)		files+=("$2"); shift ;;
	--dir)		dirs+=("$2"); shift ;;
	--disk)		disks+=("$2"); shift ;;
	--run)		payload=$2; shift ;;
	--script)	payload=$(cat "$2") || fail "cannot read $2"; shift ;;
	--get)		get=$2; shift ;;
	--dmesg)	dmesg_to=$2; shift ;;
	--append)	append=$2; shift ;;
	--timeout)	limit=$2; shift ;;
	--tainted-ok)	tainted_ok=1 ;;
	--icount)	icount=1 ;;
	--interactive)	interactive=cooked ;;
	--interactive=raw) interactive=raw ;;
	--qemu)		read -ra words <<<"$2"; qemu_args+=("${words[@]}"); shift ;;
	--)		shift; script_args=("$@"); break ;;
	-h|--help)	usage ;;
	*)		fail "unknown argument: $1 (--help tells)" ;;
	esac
	shift
done
[ -n "$payload" ] || fail "neither --run nor --script"

qemu=${QEMU:-qemu-system-x86_64}
command -v "$qemu" >/dev/null || fail "no $qemu (tests/machine/deps.sh host)"
[ -n "$cpus" ] || cpus=$(default_cpus "$qemu" "${modules[*]} ${carry[*]}")
kernel_dir=$("$machine/fetch.sh" kernel "$kernel") || exit 125
release=${kernel_dir##*/kernel-}
[ "$lodge" != built ] || lodge=$build/$release/lodge.ko
[ -z "$lodge" ] || [ -e "$lodge" ] || fail "no $lodge (make modules)"

work=$(mktemp -d "${TMPDIR:-/tmp}/lodge-host.XXXXXX")
pids=() terminal=
cleanup()
{
	[ -z "$terminal" ] || stty "$terminal"
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
root=$work/root

# --- the initramfs ---------------------------------------------------------

mkdir -p "$root"/{bin,dev,proc,sys,tmp,root,etc,out,var/run,lodge/ko}
ln -s bin "$root/sbin"
mkdir "$root/usr"
ln -s ../bin "$root/usr/bin"
ln -s ../bin "$root/usr/sbin"

# Copies an executable and, when it is dynamic, what it is linked with.
put_program()
{
	local library

	mkdir -p "$(dirname "$root$2")"
	cp -L --preserve=mode "$1" "$root$2"
	for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -e "$root$library" ] && continue
		mkdir -p "$(dirname "$root$library")"
		cp -L "$library" "$root$library"
	done
}

put_program "$(command -v busybox)" /bin/busybox
"$root/bin/busybox" --list | while read -r applet; do
	[ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
done
# Busybox' insmod tries a module that refused to load a second time, and
# busybox' shell prefers its own applets to programs: name kmod's by path.
put_program "$(command -v kmod || echo /bin/kmod)" /bin/kmod
for name in insmod rmmod lsmod; do
	ln -sf kmod "$root/bin/$name"
	echo "$name() { /bin/$name \"\$@\"; }"
done >"$root/lodge/functions"
cp "$machine/init.sh" "$root/init"
chmod 755 "$root/init"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"

# Copies a module and what it depends on; prints the names in the order in
# which they have to be inserted.
put_module()
{
	local verb path name

	/sbin/modprobe -d "$kernel_dir" -S "$release" --show-depends "$1" \
		>"$work/depends" 2>"$work/depends.err" ||
		fail "kernel $release: $(cat "$work/depends.err")"
	while read -r verb path _; do
		[ "$verb" = insmod ] || continue
		name=${path##*/}
		name=${name%%.ko*}
		[ -e "$root/lodge/ko/$name.ko" ] || case $path in
		*.xz)	xz -dc "$path" >"$root/lodge/ko/$name.ko" ;;
		*.zst)	zstd -qdc "$path" >"$root/lodge/ko/$name.ko" ;;
		*)	cp "$path" "$root/lodge/ko/$name.ko" ;;
		esac
		echo "$name"
	done <"$work/depends"
}

# shellcheck disable=SC2046 # module names are words
[ ${#disks[@]} = 0 ] || modules=(virtio_pci virtio_blk "${modules[@]}")
[ -z "$interactive" ] || modules=(virtio_pci virtio_console "${modules[@]}")
for name in "${carry[@]}"; do
	put_module "$name" >/dev/null
done
for name in "${modules[@]}"; do
	put_module "$name"
done | awk '!seen[$0]++' >"$root/lodge/modules"
if [ -n "$lodge" ]; then
	for name in $(/sbin/modinfo -F depends "$lodge" | tr , ' '); do
		put_module "$name"
	done | grep -vxFf "$root/lodge/modules" >"$work/more" || true
	cat "$work/more" >>"$root/lodge/modules"
	# Nine tenths of it are for a debugger.
	strip --strip-debug -o "$root/lodge/ko/lodge.ko" "$lodge"
	echo "lodge $lodge_args" >>"$root/lodge/modules"
fi

for item in "${files[@]}"; do
	[ -f "${item%%:*}" ] || fail "no such file: ${item%%:*}"
	put_program "${item%%:*}" "${item#*:}"
done
for item in "${dirs[@]}"; do
	[ -d "${item%%:*}" ] || fail "no such folder: ${item%%:*}"
	mkdir -p "$root${item#*:}"
	cp -a "${item%%:*}/." "$root${item#*:}"
done
{
	printf '. /lodge/functions; cd /root; set --'
	[ ${#script_args[@]} = 0 ] || printf ' %q' "${script_args[@]}"
	printf '\n%s\n' "$payload"
} >"$root/lodge/payload"
[ -z "$interactive" ] || echo $interactive >"$root/lodge/interactive"
(cd "$root" && find . -print0 |
	cpio --quiet -0 -o -H newc -R 0:0) >"$work/initrd"
rm -rf "$root"

# --- the machine -----------------------------------------------------------

accel=(-accel "tcg${TCG:+,$TCG}")
words=
if [ -n "$icount" ]; then
	accel=(-accel tcg,thread=single -icount shift=0,sleep=off
		-rtc base=2026-01-01,clock=vm -seed 1)
	words='nokaslr norandmaps'
fi
command=("$qemu" -nodefaults -no-user-config -display none -no-reboot
	-machine pc "${accel[@]}" -cpu "$cpu" -smp "$cpus" -m "$mem"
	-kernel "$kernel_dir/boot/vmlinuz-$release" -initrd "$work/initrd"
	-append "console=ttyS0 quiet loglevel=4 panic=-1 oops=panic random.trust_cpu=on $words $append")
mkfifo "$work/out" "$work/status" "$work/tty.in" "$work/tty.out"
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
	-chardev "file,id=files,path=$work/files" -serial chardev:files)
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
timeout -k 5 "$limit" "${command[@]}" </dev/null 4<&- 2>"$work/qemu.err" >&2 &
pids=($!)
ended=0
wait "${pids[0]}" || ended=$?
pids=()
# Had QEMU never opened them, the readers would still wait for a writer.
: 5<>"$work/$output" 6<>"$work/status"
wait "$reader" "$follower" || true
if [ -n "$terminal" ]; then
	stty "$terminal"
	terminal=
fi

# --- what came of it -------------------------------------------------------

if [ "$ended" = 124 ] || [ "$ended" = 137 ]; then
	tail -n 30 "$work/console" >&2
	echo "host.sh: ended after $limit seconds" >&2
	exit 124
fi
if [ "$ended" != 0 ]; then
	cat "$work/qemu.err" >&2
	fail "QEMU ended with status $ended"
fi
status=$(sed -n 's/^status //p' "$work/said")
tainted=$(sed -n 's/^tainted //p' "$work/said")
if [ -z "$status" ] || [ -z "$tainted" ]; then
	tail -n 60 "$work/console" >&2
	echo "host.sh: the machine died before the commands had ended" >&2
	exit 123
fi
# The NUL line is where the kernel's log ends and the archive begins.
log_size=$(grep -abom1 -P '\x00' "$work/files" | cut -d: -f1) || log_size=0
head -c "$log_size" "$work/files" >"$work/dmesg"
[ -z "$dmesg_to" ] || cp "$work/dmesg" "$dmesg_to"
if [ -n "$get" ]; then
	mkdir -p "$get"
	tail -c "+$((log_size + 3))" "$work/files" | tar -x -C "$get" -f -
fi
# Taint bits 7 (died), 9 (warned), 14 (soft lockup).
if [ $((tainted & (1 << 7 | 1 << 9 | 1 << 14))) != 0 ] ||
		grep -qE 'rcu.*(stall|self-detected)|INFO: task .* blocked' "$work/dmesg"; then
	if [ -z "$tainted_ok" ]; then
		tail -n 80 "$work/dmesg" >&2
		echo "host.sh: the kernel warned (commands' status $status)" >&2
		[ "$status" != 0 ] || status=122
	fi
fi
exit "$status"
