# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the emulated hosts have in common, whoever emulates them: options, the
# initramfs, the reading of what init.sh writes. Sourced by host.sh (QEMU) and
# bochs.sh; read host.sh next.
#
# A script that sources this calls emulated_option for each argument it does
# not know itself, then emulated_check and emulated_initramfs, starts its
# machine, and ends with emulated_outcome.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What is started with these words gets SIGTERM when its parent dies; so does
# the script itself.
with_us=(setpriv --pdeathsig TERM)
if [ "${LODGE_HOST_OF-}" != $PPID ]; then
	LODGE_HOST_OF=$PPID exec "${with_us[@]}" "$0" "$@"
fi

usage()
{
	sed -n '4,/^[^#]/s/^# \?//p' "$0" >&2
	exit 125
}

fail()
{
	echo "${0##*/}: $*" >&2
	exit 125
}

kernel=6.1 mem=1024 limit=300 interactive=''
# KVM's module for the emulated CPU, and the modules for disks; a script may
# set others before it checks.
kvm_module=kvm_amd disk_modules=(virtio_pci virtio_blk)
lodge='' lodge_args='' append='' payload='' get='' dmesg_to='' tainted_ok=''
modules=() carry=() files=() dirs=() disks=() script_args=()

# Takes one option that all scripts have off their arguments; sets taken to
# how many arguments that were.
emulated_option()
{
	taken=2
	case $1 in
	-k|--kernel|--mem|--lodge-args|--modules|--carry|--file|--dir|--run|\
	--script|--get|--dmesg|--append|--timeout)
		[ $# -ge 2 ] || fail "$1 needs an argument" ;;
	*)	taken=1 ;;
	esac
	case $1 in
	-k|--kernel)	kernel=$2 ;;
	--mem)		mem=$2 ;;
	--kvm)		modules+=(@kvm) ;;
	--lodge)	lodge=built ;;
	--lodge=*)	lodge=${1#*=} ;;
	--lodge-args)	lodge_args=$2 ;;
	--modules)	read -ra words <<<"$2"; modules+=("${words[@]}") ;;
	--carry)	read -ra words <<<"$2"; carry+=("${words[@]}") ;;
	--file)		files+=("$2") ;;
	--dir)		dirs+=("$2") ;;
	--run)		payload=$2 ;;
	--script)	payload=$(cat "$2") || fail "cannot read $2" ;;
	--get)		get=$2 ;;
	--dmesg)	dmesg_to=$2 ;;
	--append)	append=$2 ;;
	--timeout)	limit=$2 ;;
	--tainted-ok)	tainted_ok=1 ;;
	--)		script_args=("${@:2}"); taken=$# ;;
	-h|--help)	usage ;;
	*)		fail "unknown argument: $1 (--help tells)" ;;
	esac
}

# Finds the kernel and the module, and makes the folder to work in. The script
# sets pids and terminal for what it starts.
emulated_check()
{
	[ -n "$payload" ] || fail "neither --run nor --script"
	kernel_dir=$("$machine/fetch.sh" kernel "$kernel") || exit 125
	release=${kernel_dir##*/kernel-}
	[ "$lodge" != built ] || lodge=$build/$release/lodge.ko
	[ -z "$lodge" ] || [ -e "$lodge" ] || fail "no $lodge (make modules)"

	work=$(mktemp -d "${TMPDIR:-/tmp}/lodge-host.XXXXXX")
	root=$work/root
	pids=() terminal=
	trap emulated_cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

emulated_cleanup()
{
	[ -z "$terminal" ] || stty "$terminal"
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
	rm -rf "$work"
}

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

# The tree, with busybox and kmod in it.
put_base()
{
	local applet name

	mkdir -p "$root"/{bin,dev,proc,sys,tmp,root,etc,out,var/run,lodge/ko}
	ln -s bin "$root/sbin"
	mkdir "$root/usr"
	ln -s ../bin "$root/usr/bin"
	ln -s ../bin "$root/usr/sbin"

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
	cp "$machine/leaks.sh" "$root/bin/leaks"
	cp "$machine/init.sh" "$root/init"
	chmod 755 "$root/init"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
}

# The modules, in the order in which init.sh inserts them.
put_modules()
{
	local name

	# shellcheck disable=SC2046 # module names are words
	[ ${#disks[@]} = 0 ] || modules=("${disk_modules[@]}" "${modules[@]}")
	[ -z "$interactive" ] || modules=(virtio_pci virtio_console "${modules[@]}")
	for name in "${carry[@]}"; do
		put_module "$name" >/dev/null
	done
	for name in "${modules[@]/#@kvm/$kvm_module}"; do
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
}

# Makes $work/initrd of all that.
emulated_initramfs()
{
	local item

	put_base
	put_modules
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
}

# What a kernel says when something is wrong with it; the debug kernels also
# look for what taints nothing.
complaints='rcu.*(stall|self-detected)|INFO: task .* blocked'
checks='^\[[^]]*\] (\[ )?(BUG|WARNING|UBSAN): |INFO: trying to register'

# Reads what the commands left and how they ended; ends the script with their
# status.
emulated_outcome()
{
	local status tainted log_size

	status=$(sed -n 's/^status //p' "$work/said")
	tainted=$(sed -n 's/^tainted //p' "$work/said")
	if [ -z "$status" ] || [ -z "$tainted" ]; then
		tail -n 60 "$work/console" >&2
		echo "${0##*/}: the machine died before the commands had ended" >&2
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
	case $release in
	*-debug-*|*-kcsan-*|*-failing-*) complaints+="|$checks" ;;
	esac
	# Taint bits 5 (bad page, KASAN), 7 (died), 9 (warned), 14 (soft lockup).
	if [ $((tainted & (1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))) != 0 ] ||
			grep -qE "$complaints" "$work/dmesg"; then
		if [ -z "$tainted_ok" ]; then
			tail -n 80 "$work/dmesg" >&2
			echo "${0##*/}: the kernel warned (commands' status $status)" >&2
			[ "$status" != 0 ] || status=122
		fi
	fi
	exit "$status"
}
