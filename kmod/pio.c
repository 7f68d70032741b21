// SPDX-License-Identifier: GPL-2.0
/*
 * IN and OUT with one port: to a device in the kernel, or to the user.
 *
 * exit.c comes here; the string forms go to emulate.c. Next: io_bus.c.
 */
#include "lodge.h"
#include "trace.h"

static void pio_rax_set(struct lodge_vcpu *vcpu, u32 v, u32 size)
{
	u64 *rax = &vcpu->regs.gpr[LODGE_RAX];

	/* As any 32-bit result, a doubleword clears the upper half. */
	if (size == 1)
		*rax = (*rax & ~0xffULL) | (u8)v;
	else if (size == 2)
		*rax = (*rax & ~0xffffULL) | (u16)v;
	else
		*rax = v;
}

/* The user has had his turn. */
static int pio_complete(struct lodge_vcpu *vcpu)
{
	/* The user may have loaded another state in between. */
	if (vcpu->regs.rip != vcpu->pio_rip)
		return LODGE_RESUME;
	if (vcpu->pio_size)
		pio_rax_set(vcpu, READ_ONCE(*(u32 *)vcpu->pio_page),
			    vcpu->pio_size);
	lodge_skip(vcpu, vcpu->pio_next_rip);
	return LODGE_RESUME;
}

/*
 * RIP stays on the instruction until the user comes back; but not, by an old
 * habit of KVM's, on an OUT to port 0x7e (KVM_X86_QUIRK_OUT_7E_INC_RIP).
 */
static int pio_to_user(struct lodge_vcpu *vcpu, const struct lodge_exit *exit)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = exit->io.in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = exit->io.size;
	run->io.port = exit->io.port;
	run->io.count = 1;
	run->io.data_offset = PAGE_SIZE;
	vcpu->pio_next_rip = exit->next_rip;
	vcpu->pio_rip = vcpu->regs.rip;
	vcpu->pio_size = exit->io.in ? exit->io.size : 0;
	vcpu->complete = pio_complete;
	if (exit->io.in) {
		/* A user that has no answer leaves zeros. */
		memset(vcpu->pio_page, 0, exit->io.size);
	} else {
		memcpy(vcpu->pio_page, &vcpu->regs.gpr[LODGE_RAX],
		       exit->io.size);
		trace_lodge_pio(true, exit->io.port, exit->io.size,
				vcpu->regs.gpr[LODGE_RAX]);
		if (exit->io.port == 0x7e &&
		    !lodge_quirk_off(vcpu->vm, KVM_X86_QUIRK_OUT_7E_INC_RIP)) {
			vcpu->complete = NULL;
			lodge_skip(vcpu, exit->next_rip);
		}
	}
	return LODGE_TO_USER;
}

/**
 * lodge_pio() - IN or OUT, not the string forms
 * @vcpu: its mutex held; in or out of the bracket
 * @exit: with next_rip
 *
 * Return: a verdict.
 */
int lodge_pio(struct lodge_vcpu *vcpu, struct lodge_exit *exit)
{
	u32 data = vcpu->regs.gpr[LODGE_RAX];
	int r;

	if (exit->io.in)
		r = lodge_bus_read(vcpu, LODGE_BUS_PIO, exit->io.port,
				   exit->io.size, &data);
	else
		r = lodge_bus_write(vcpu, LODGE_BUS_PIO, exit->io.port,
				    exit->io.size, &data);
	if (r)
		return pio_to_user(vcpu, exit);
	if (exit->io.in)
		pio_rax_set(vcpu, data, exit->io.size);
	trace_lodge_pio(!exit->io.in, exit->io.port, exit->io.size, data);
	lodge_skip(vcpu, exit->next_rip);
	return LODGE_RESUME;
}
