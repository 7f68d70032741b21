#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds Bochs 3.0 from Debian 13's source package, with faults mended that
# stand in the way of a hypervisor, into build/cache/bochs-SUM. Called by
# "make bochs" and by tests/vmx/run.sh; bochs.sh then prefers it to Debian's
# own 2.7. Takes some minutes, once for each version of this file.
#
#	bochs3.sh build		build it, unless it is there
#	bochs3.sh path		print where it is; fails if it is not there
#
# The source comes from where this machine's packages do; DEBIAN_MIRROR
# (environment) names another mirror. No root is needed but for missing
# packages. Read bochs.sh next.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

to=$cache/bochs-$(md5sum <"$0" | cut -c1-8)

# Gets the source into a folder. Package lists of its own leave the machine's
# alone, and apt checks signatures and sums as ever.
source_get()
{
	local apt=$1/apt mirror

	mirror=$(debian_mirror)
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$1/source"
	echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
		"$mirror trixie main" >"$apt/sources.list"
	cat >"$apt/apt.conf" <<-END
	Dir::Etc::sourcelist "$apt/sources.list";
	Dir::Etc::sourceparts "-";
	Dir::State::Lists "$apt/lists";
	Dir::Cache "$apt/cache";
	APT::Sandbox::User "root";
	Acquire::Languages "none";
	END
	(
		cd "$apt"
		export APT_CONFIG=$apt/apt.conf
		apt-get -qq update
		# Debian's changes concern documentation and configuration only.
		apt-get -qq source --download-only --tar-only bochs/trixie
	) >&2 || die "cannot download the source of bochs from $mirror"
	tar -xf "$apt"/bochs_*.orig.tar.* -C "$1/source" --strip-components=1
}

# edit FILE LINE SED: the one line of FILE that has LINE in it is changed.
edit()
{
	local file=$1 line=$2 change=$3 count

	count=$(grep -cF -- "$line" "$file") || true
	[ "$count" = 1 ] ||
		die "$file of this Bochs has \"$line\" $count times, not once"
	line=$(sed 's,[][\.*^$/],\\&,g' <<<"$line")
	sed -i "/$line/$change" "$file"
}

# What is mended, in the source's folder.
source_mend()
{
	# Entering a guest with IF=0 from a host with IF=0 changes no IF, so what
	# may interrupt was not looked at again: the guest kept the host's
	# interrupts out. "Changes to Instruction Behavior in VMX Non-Root
	# Operation": with external-interrupt exiting, IF does not block them.
	edit cpu/vmx.cc 'in_vmx_guest = true;' \
		'a\  handleInterruptMaskChange();'
	# The same on AMD-V, where the host's IF decides ("Virtual Interrupts",
	# V_INTR_MASKING), and has to open what its being clear would close.
	edit cpu/svm.cc 'in_svm_guest = true;' \
		'a\  handleInterruptMaskChange();'
	edit cpu/flag_ctrl_pro.cc 'if (! SVM_HOST_IF)' \
		'c\     if (SVM_HOST_IF)\
       unmask_event(BX_EVENT_PENDING_INTR | BX_EVENT_PENDING_LAPIC_INTR);\
     else'
	# A virtual interrupt does wait for IF, also when one of the host's comes.
	edit cpu/event.cc 'is_pending(BX_EVENT_PENDING_VMX_VIRTUAL_INTR)' \
		's,is_pending,is_unmasked_event_pending,'
	# A VM exit from a virtual interrupt's delivery told, in the
	# IDT-vectoring information, of whatever event was delivered before.
	# "Information for VM Exits During Event Delivery": it is told of like an
	# external interrupt.
	edit cpu/vapic.cc 'vm->vppr = vector & 0xf0;' \
		'a\  vm->idt_vector_info = vector | (BX_EXTERNAL_INTERRUPT << 8);'
	# Where a notification finds nothing requested, since what was posted has
	# been collected before, vector 255 came of it. "Posted-Interrupt
	# Processing": RVI then stays as it is.
	edit cpu/vapic.cc 'vector = BX_CPU_THIS_PTR lapic->highest_priority_int(virr);' \
		's,$,\n  if (vector == (Bit8u) -1 \&\& !virr[7]) vector = 0;,'
	# A posted-interrupt descriptor is aligned to 64 bytes ("VM-Execution
	# Control Fields"), not to a page.
	edit cpu/vmx.cc 'IsValidPageAlignedPhyAddr(vm->pid_addr)' \
		's,IsValid.*pid_addr),!(vm->pid_addr \& (BX_PHY_ADDRESS_RESERVED_BITS | 0x3f)),'
	# With two CPUs, RIP and RSP are not committed after an exception or a VM
	# exit. What came at a handler's first instruction, such as an EPT
	# violation of its fetch, then was told at the RIP of what had faulted,
	# with the handler's CPL and stack.
	edit cpu/cpu.cc 'void BX_CPU_C::cpu_run_trace(void)' '{n;a\
  BX_CPU_THIS_PTR prev_rip = RIP;\
  BX_CPU_THIS_PTR speculative_rsp = false;
	}'
	# The TSC and the local APIC's timer count instructions, "ips" a second;
	# skylake tells of 3.5 GHz and a crystal of 48 MHz. Linux believes it
	# ("Time Stamp Counter and Nominal Core Crystal Clock Information Leaf"),
	# and for who does not sleep a second takes 175 of them.
	edit cpu/cpudb/intel/corei7_skylake-x.cc '0x00000002, 0x00000124' \
		's/0x0.*/1, 1, SIM->get_param_num(BXPN_IPS)->get(), 0);/'
	edit cpu/cpudb/intel/corei7_skylake-x.cc '0x00000dac, 0x00000fa0' \
		's/0x0.*/SIM->get_param_num(BXPN_IPS)->get() \/ 1000000, 0, 0, 0);/'
}

source_build()
{
	# Its count of instructions a second is told from a signal's handler,
	# which waits for ever if the signal came while a message was written.
	./configure --enable-smp --enable-cpu-level=6 --enable-x86-64 \
		--enable-vmx=2 --enable-svm --enable-avx --enable-evex \
		--enable-all-optimizations --enable-pci --enable-cdrom \
		--with-nogui --without-x11 --without-wx --disable-docbook \
		--enable-large-ramfile=no --disable-show-ips
	make -j"$(nproc)" bochs
}

build()
{
	local work log

	[ ! -e "$to/bochs" ] || return 0
	"$machine/deps.sh" bochs3
	mkdir -p "$cache"
	exec 9>"$cache/.bochs3.lock"
	flock 9
	[ ! -e "$to/bochs" ] || return 0
	work=$(mktemp -d "$cache/tmp.XXXXXX")
	log=$work/log
	source_get "$work"
	echo "building Bochs 3.0 (some minutes) ..." >&2
	(cd "$work/source" && source_mend && source_build) >"$log" 2>&1 || {
		tail -n 30 "$log" >&2
		rm -rf "$work"
		die "cannot build Bochs"
	}
	mkdir "$work/result"
	strip -o "$work/result/bochs" "$work/source/bochs"
	publish "$work/result" "$to"
	rm -rf "$work"
}

case ${1-} in
build)	build ;;
path)	[ -e "$to/bochs" ] && echo "$to/bochs" ;;
*)	sed -n '3,/^[^#]/s/^#.\?//p' "$0" >&2; exit 2 ;;
esac
