# SPDX-License-Identifier: GPL-2.0
# What the host kernel has, found in its headers and Module.symvers: never by
# its version, since distributions carry later interfaces back.

lodge-symvers := $(firstword $(wildcard $(objtree)/Module.symvers) \
			     $(wildcard $(srctree)/Module.symvers))

# $(call lodge-sym,SYMBOL,MACRO): define MACRO if SYMBOL is exported to all
lodge-sym = $(shell awk '$$2 == "$(1)" && $$5 == "" { print "-D$(2)"; exit }' \
		$(lodge-symvers))

# $(call lodge-grep,PATTERN,HEADER,MACRO): define MACRO if HEADER has PATTERN
lodge-grep = $(shell grep -Eqs '$(1)' $(srctree)/$(2) && echo -D$(3))

ccflags-y += $(call lodge-sym,hrtimer_setup,LODGE_HAVE_HRTIMER_SETUP)

# host.c
ccflags-y += $(call lodge-sym,eventfd_signal,LODGE_HAVE_EVENTFD_SIGNAL_N)
ccflags-y += $(call lodge-grep,.,include/linux/entry-virt.h,LODGE_HAVE_ENTRY_VIRT)
# a parenthesis in a pattern would end $(call ...): "." stands for it
ccflags-y += $(call lodge-grep,xfer_to_guest_mode_handle_work.void,include/linux/entry-*.h,LODGE_HAVE_XFER_VOID)
ccflags-y += $(call lodge-sym,cr4_update_irqsoff,LODGE_HAVE_CR4_UPDATE)
ccflags-y += $(call lodge-sym,cpu_emergency_register_virt_callback,LODGE_HAVE_EMERGENCY)
ccflags-y += $(call lodge-grep,rseq_virt_userspace_exit,include/linux/rseq.h,LODGE_HAVE_RSEQ_VIRT)

# barrier.S, by the files in assembly
lodge-untrain := $(call lodge-sym,entry_untrain_ret,LODGE_HAVE_UNTRAIN)
lodge-untrain := $(if $(call lodge-sym,srso_alias_untrain_ret,x),$(lodge-untrain))
asflags-y += $(lodge-untrain)

# host_page.c, mmu.c
ccflags-y += $(call lodge-grep,FOLL_INTERRUPTIBLE = ,include/linux/mm_types.h,LODGE_HAVE_FOLL_INTERRUPTIBLE)
ccflags-y += $(call lodge-grep,FOLL_HONOR_NUMA_FAULT = ,include/linux/mm_types.h,LODGE_HAVE_FOLL_NUMA)
ccflags-y += $(call lodge-grep,bool ..clear_flush_young,include/linux/mmu_notifier.h,LODGE_HAVE_YOUNG_BOOL)

# Newer kernels rename this field of struct kvm_run for code inside the kernel,
# as a reminder that the user can change it at any time. Lodge reads it once.
ccflags-y += -Dimmediate_exit__unsafe=immediate_exit
