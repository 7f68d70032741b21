#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The launcher's command line and the errors that need no hypervisor: each is
# one clear line and the right status. Called by run.sh.
set -u
lodge=$(dirname "$0")/../../../userspace/lodge
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nr=0 failed=0

result()
{
	nr=$((nr + 1))
	if [ -z "$2" ]; then
		echo "ok $nr $1"
	else
		echo "# $2"
		echo "not ok $nr $1"
		failed=1
	fi
}

# check NAME STATUS WORDS ARGUMENTS...: the first line of what it says has the
# words; for status 1 it is the only one.
check()
{
	local name=$1 want=$2 words=$3 said status wrong=''

	shift 3
	said=$("$lodge" "$@" 2>&1 </dev/null)
	status=$?
	[ $status = "$want" ] || wrong="status $status"
	[[ ${said%%$'\n'*} == *"$words"* ]] || wrong="says: $said"
	[ "$want" != 1 ] || [ "$(wc -l <<<"$said")" = 1 ] ||
		wrong="more than a line: $said"
	result "$name" "$wrong"
}

# A bzImage as far as its header goes, with one page of payload.
make_kernel()
{
	local f=$work/kernel

	head -c 5120 /dev/zero >"$f"
	poke "$f" 0x1f1 '\1'
	poke "$f" 0x1fe '\x55\xaa\xeb\x66HdrS\x0f\x02'
	poke "$f" 0x211 '\1'
	poke "$f" 0x22c '\xff\xff\xff\x7f'
	poke "$f" 0x236 '\1'
	poke "$f" 0x238 '\xff\x07'
	poke "$f" 0x25b '\1'			# preferred address 0x1000000
	poke "$f" 0x262 '\x40'			# init_size 0x400000
}

poke()
{
	printf "$3" | dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none
}

make_kernel
k=$work/kernel
head -c 5120 /dev/zero >"$work/zero"
: >"$work/empty"

echo "KTAP version 1"
echo "1..34"
check version 0 'lodge ' --version
check help 0 'Usage: lodge' --help
check no_command 2 'no command'
check unknown_command 2 "'walk' is not a command" walk --kernel "$k"
check two_commands 2 "'run' is not a command" run run --kernel "$k"
check no_kernel 2 'a kernel is needed' run
check unknown_option 2 'unrecognized option' run --kernel "$k" --colour red
check cpus_zero 2 "'0' is not a number from 1 to 64" run --cpus 0
check cpus_many 2 "'65' is not a number" run --cpus 65
check cpus_word 2 "'2x' is not a number" run --cpus 2x
check cpus_negative 2 "'-1' is not a number" run --cpus=-1
check mem_word 2 "'lots' is not a size" run --mem lots
check mem_huge 2 "is not a size" run --mem 99999999999999999999
check mem_overflow 2 "is not a size" run --mem 18446744073709551615G
check mem_small 2 'is not between 16M and 32T' run --mem 1K
check mem_odd 2 'is not a multiple of 4K' run --mem 16385K
check disk_nothing 2 'no path' run --disk ,ro
check kernel_missing 1 'No such file' run --kernel "$work/none"
check kernel_zero 1 'is not a bzImage' run --kernel "$work/zero"
check kernel_empty 1 'is not a bzImage' run --kernel "$work/empty"
check kernel_folder 1 'is not a regular file' run --kernel "$work"
check initrd_missing 1 "initrd '$work/none'" run --kernel "$k" \
	--initrd "$work/none"
check disk_missing 1 "disk '$work/none'" run --kernel "$k" --disk "$work/none"
check device_missing 1 'is the module loaded?' run --kernel "$k" \
	--device "$work/none"
check device_other 1 "is not a hypervisor's device" run --kernel "$k" \
	--device /dev/null
check exec_help 0 'Usage: lodge exec' exec --help
check exec_nothing 2 'no command to run' exec
check exec_unknown_option 2 'unrecognized option' exec --colour red
check exec_device_missing 1 "$work/none: No such file" exec \
	--device "$work/none" true
check exec_device_other 1 "$work/zero is not a device" exec \
	--device "$work/zero" true

# What follows mounts, which some machines leave to nobody.
exec_check()
{
	if unshare -m true 2>/dev/null || unshare -rm true 2>/dev/null; then
		check "$@"
	else
		nr=$((nr + 1))
		echo "ok $nr $1 # SKIP no mount namespaces for this user"
	fi
}

was=$(stat -c %t:%T /dev/kvm 2>&1)
exec_check exec_mounts 0 1:3 exec --device /dev/null -- stat -c %t:%T /dev/kvm
exec_check exec_not_found 127 "exec: $work/none: No such file" exec \
	--device /dev/null -- "$work/none"
exec_check exec_status 7 'dev tty' exec --device /dev/null sh -c \
	'[ -c /dev/tty ] && [ -d /dev/fd ] && echo dev tty; exit 7' --kernel x
result exec_nobody_else "$([ "$(stat -c %t:%T /dev/kvm 2>&1)" = "$was" ] ||
	stat /dev/kvm)"
exit $failed
