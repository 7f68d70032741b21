// SPDX-License-Identifier: GPL-2.0
/*
 * An asynchronous page fault whose worker can't be had: the vCPU has to wait
 * for the page itself, as if there were no such thing. A step of nomem.c's.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nomem.h"

#define HELD	0x400000u	/* a page, in guest memory */
#define HANDLER	0x1100u
#define IDT	0x3000u
#define GDT	0x3800u
#define TABLE	0x5000u
#define SHARED	0x6000u

static struct {
	int fd;
	void *page;
	pthread_t thread;
} held = { .fd = -1 };

/* 1: mov HELD, eax; out al, $0x80; jmp 1b */
static const uint8_t code[] = { 0xa1, 0, 0, 0x40, 0, 0xe6, 0x80, 0xeb, 0xf7 };
/* The guest has been told: mov $0, SHARED; add $4, esp; iret */
static const uint8_t handler[] = {
	0xc7, 0x05, 0, SHARED >> 8, 0, 0, 0, 0, 0, 0, 0x83, 0xc4, 4, 0xcf,
};

/* Serves the page, to whoever asks for it first. */
static void *serve(void *unused)
{
	static uint8_t from[4096];
	struct uffdio_copy copy = {
		.dst = (uintptr_t)held.page, .src = (uintptr_t)from, .len = 4096,
	};
	struct uffd_msg msg;

	if (read(held.fd, &msg, sizeof(msg)) == sizeof(msg))
		ioctl(held.fd, UFFDIO_COPY, &copy);
	return unused;
}

static int hold(struct ctx *c)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct kvm_userspace_memory_region slot = {
		.slot = 1, .guest_phys_addr = HELD, .memory_size = 4096,
	};

	if (held.page)
		munmap(held.page, 4096);
	held.page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	held.fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	range.range.start = slot.userspace_addr = (uintptr_t)held.page;
	range.range.len = 4096;
	if (held.fd < 0 || ioctl(held.fd, UFFDIO_API, &api) ||
	    ioctl(held.fd, UFFDIO_REGISTER, &range))
		return -1;
	return ioctl(c->vm, KVM_SET_USER_MEMORY_REGION, &slot);
}

/* 32 bits, flat, paged by one page of 4 MiB and another. */
static void registers(struct kvm_sregs *s)
{
	struct kvm_segment flat = {
		.limit = ~0u, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1,
		.selector = 0x10,
	};

	s->ds = s->es = s->fs = s->gs = s->ss = s->cs = flat;
	s->cs.type = 11;
	s->cs.selector = 8;
	s->idt.base = IDT;
	s->idt.limit = 0x7ff;
	s->gdt.base = GDT;
	s->gdt.limit = 0x17;
	s->cr3 = TABLE;
	s->cr4 = 0x10;		/* PSE */
	s->cr0 = 0x80000031;	/* PG, NE, ET, PE */
}

int apf_first(struct ctx *c)
{
	const uint64_t gdt[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };
	const uint32_t table[] = { 0x83, HELD | 0x83 };
	const uint32_t gate[] = { 8 << 16 | HANDLER, 0x8e00 };
	struct kvm_regs regs = { .rip = 0x1000, .rflags = 0x202, .rsp = 0x4000 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[2];
	} m = { .head.nmsrs = 2 };
	struct kvm_sregs s;

	if (hold(c) || ioctl(c->vcpu, KVM_GET_SREGS, &s))
		return -1;
	registers(&s);
	memcpy(c->mem + 0x1000, code, sizeof(code));
	memcpy(c->mem + HANDLER, handler, sizeof(handler));
	memcpy(c->mem + IDT + 14 * 8, gate, sizeof(gate));
	memcpy(c->mem + GDT, gdt, sizeof(gdt));
	memcpy(c->mem + TABLE, table, sizeof(table));
	m.entry[0].index = 0x4b564d06;
	m.entry[0].data = 0x60;
	m.entry[1].index = 0x4b564d02;
	m.entry[1].data = SHARED | 0xb;
	if (ioctl(c->vcpu, KVM_SET_SREGS, &s) ||
	    ioctl(c->vcpu, KVM_SET_REGS, &regs) ||
	    ioctl(c->vcpu, KVM_SET_MSRS, &m) != 2)
		return -1;
	return pthread_create(&held.thread, NULL, serve, NULL);
}

int act_apf(struct ctx *c)
{
	if (act_run(c))
		return -1;
	if (held.fd >= 0) {
		pthread_join(held.thread, NULL);
		close(held.fd);
		held.fd = -1;
	}
	return 0;
}
