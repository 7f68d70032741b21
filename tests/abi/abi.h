/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The small library under the ABI tests: open the device, make a VM with memory
 * and vCPUs, put a vCPU into real, protected or long mode, run it until it says
 * something. Implemented in lib.c (VM, run) and lib_mode.c (modes, traps).
 *
 * A guest talks to its test through four ports, all of them unclaimed:
 * it reports a value with OUT to ABI_REPORT, ends with OUT to ABI_DONE, its
 * exception and interrupt stubs say so with OUT to ABI_TRAP, and it can give
 * the test its turn with OUT to ABI_SYNC.
 *
 * Library functions that meet something the test did not ask for print it as
 * a KTAP comment and abort(), which the harness counts as a failure.
 * Read next: test.h, then any test.
 */
#ifndef LODGE_TESTS_ABI_H
#define LODGE_TESTS_ABI_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where things are in guest memory (guest physical, identity mapped). */
#define ABI_CODE	0x1000		/* the guest's code, 8 KiB */
#define ABI_IDT		0x3000		/* 256 gates, up to 16 bytes each */
#define ABI_GDT		0x4000
#define ABI_TSS		0x4800
#define ABI_TABLES	0x6000		/* PML4, PDPT, four PDs */
#define ABI_STUBS	0xc000		/* 256 trap stubs of 32 bytes */
#define ABI_STACK	0x10000		/* top of the stack of vCPU 0, 8 KiB */
#define ABI_STACKS	0x10000		/* others: ABI_STACKS + id * 4 KiB */
#define ABI_DATA	0x80000		/* free for the test, 128 KiB */
#define ABI_MEM_SIZE	0xa0000		/* slot 0: below the VGA hole */
#define ABI_MMIO	0xd0000		/* nothing there: every access exits */
#define ABI_MMIO_HIGH	0xd0000000u	/* the same, above the first MiB */

/* Selectors of the GDT that the library builds. */
#define ABI_CS64	0x08
#define ABI_DS		0x10
#define ABI_CS32	0x18
#define ABI_CS16	0x20
#define ABI_TR		0x28
#define ABI_CS64_USER	0x3b
#define ABI_DS_USER	0x43
#define ABI_DS16	0x48

#define ABI_REPORT	0xe0
#define ABI_TRAP	0xe1
#define ABI_SYNC	0xe2
#define ABI_DONE	0xe4

#define __ABI_STR(...)	#__VA_ARGS__
#define ABI_STR(...)	__ABI_STR(__VA_ARGS__)

/* Fragments of guest code. G_REPORT sends EAX, G_DONE ends the guest. */
#define G_REPORT	"\tout %eax, $" ABI_STR(ABI_REPORT) "\n"
#define G_SYNC		"\tout %al, $" ABI_STR(ABI_SYNC) "\n"
#define G_DONE		"\tout %al, $" ABI_STR(ABI_DONE) "\n"

struct abi_guest {
	const uint8_t *start, *end;
};

/*
 * GUEST16/32/64(name, code): a guest, assembled where the test stands.
 * It is loaded at ABI_CODE, not where it is linked: only relative references
 * to its own labels are right; absolute ones are ABI_CODE + (label - start).
 */
#define __GUEST(bits, name, code)					\
	extern const uint8_t __guest_##name[], __guest_##name##_end[];	\
	asm(".pushsection .rodata\n.code" #bits "\n"			\
	    "__guest_" #name ":\n" code "\n"				\
	    "__guest_" #name "_end:\n.code64\n.popsection\n");		\
	static const struct abi_guest name = {				\
		__guest_##name, __guest_##name##_end }

#define GUEST16(name, code)	__GUEST(16, name, code)
#define GUEST32(name, code)	__GUEST(32, name, code)
#define GUEST64(name, code)	__GUEST(64, name, code)

/* GUEST_BLOB(name): a guest that lives in tests/guest/name.S. */
#define GUEST_BLOB(name)						\
	extern const uint8_t blob_##name[], blob_##name##_end[];	\
	static const struct abi_guest name = {				\
		blob_##name, blob_##name##_end }

enum abi_flags {
	ABI_REAL	= 0,		/* CS:IP = 0:ABI_CODE, IVT of stubs */
	ABI_PROT	= 1 << 0,	/* 32 bits, flat, no paging */
	ABI_LONG	= 1 << 1,	/* 64 bits, 4 GiB identity mapped */
	ABI_IRQCHIP	= 1 << 2,	/* KVM_CREATE_IRQCHIP */
	ABI_PIT		= 1 << 3,	/* KVM_CREATE_PIT2 */
	ABI_SPLIT	= 1 << 4,	/* KVM_CAP_SPLIT_IRQCHIP */
	ABI_NOMEM	= 1 << 5,	/* no memory slot */
};

struct abi_vm {
	int dev;			/* the device */
	int fd;				/* the VM */
	uint8_t *mem;			/* slot 0, ABI_MEM_SIZE bytes, or NULL */
	unsigned int flags;
};

struct abi_vcpu {
	struct abi_vm *vm;
	int fd;
	int id;
	struct kvm_run *run;
	size_t run_size;
};

/* What a trap stub found on its stack, and where. */
struct abi_trap {
	uint32_t vector;
	uint32_t error;			/* 0 for vectors that push none */
	uint64_t rip;
	uint64_t flags;
	uint64_t rsp;			/* of the stub, at its vector */
};

/**
 * abi_device() - the path of the device under test
 *
 * Return: the environment's LODGE_DEVICE, or /dev/lodge.
 */
const char *abi_device(void);

/**
 * abi_open() - open the device under test
 *
 * Return: the descriptor; does not return on failure.
 */
int abi_open(void);

/**
 * abi_ioctl() - ioctl() with the errno in its result
 * @fd: device, VM or vCPU
 * @cmd: the command, all 32 bits
 * @arg: its argument
 *
 * Return: what ioctl() returns, or a negative errno.
 */
int abi_ioctl(int fd, unsigned long cmd, unsigned long arg);

/* The same with a pointer for the argument. */
#define abi_ioctlp(fd, cmd, ptr)	abi_ioctl(fd, cmd, (unsigned long)(ptr))

/**
 * abi_ok() - an ioctl() that the test can't do without
 * @fd: device, VM or vCPU
 * @cmd: the command, for the message by name as well
 * @arg: its argument
 *
 * Return: what ioctl() returned; does not return on failure.
 */
#define abi_ok(fd, cmd, arg) \
	__abi_ok(fd, cmd, (unsigned long)(arg), #cmd, __FILE__, __LINE__)
int __abi_ok(int fd, unsigned long cmd, unsigned long arg, const char *name,
	     const char *file, int line);

/**
 * abi_die() - end the test as failed
 * @fmt: printf() format of the reason
 */
void abi_die(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/**
 * abi_cap() - KVM_CHECK_EXTENSION on a device or VM
 * @fd: descriptor of either
 * @cap: capability
 */
int abi_cap(int fd, long cap);

/**
 * abi_need_caps() - end the test as failed unless capabilities are there
 * @fd: device or VM
 * @caps: which, -1 behind the last
 */
void abi_need_caps(int fd, const int *caps);

/**
 * abi_enable() - KVM_ENABLE_CAP with one argument and no flags
 * @fd: VM or vCPU
 * @cap: capability
 * @arg: its first argument, args[0]
 *
 * Return: 0 or a negative errno.
 */
int abi_enable(int fd, uint32_t cap, uint64_t arg);

/* Is the host's CPU Intel's? Otherwise it is AMD's. */
bool abi_intel(void);

/**
 * abi_vm_create() - a VM as the flags want it
 * @flags: enum abi_flags; memory unless ABI_NOMEM
 */
struct abi_vm *abi_vm_create(unsigned int flags);

/**
 * abi_slot() - KVM_SET_USER_MEMORY_REGION
 * @vm: the VM
 * @slot: number, address space in the upper half
 * @flags: KVM_MEM_*
 * @gpa: guest physical address in bytes
 * @size: in bytes, 0 deletes
 * @hva: memory of this process
 *
 * Return: 0 or a negative errno.
 */
int abi_slot(struct abi_vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
	     uint64_t size, void *hva);

/**
 * abi_map() - anonymous zeroed memory
 * @size: in bytes
 */
void *abi_map(size_t size);

/* Hold back pages of memory: a userfaultfd, or -1 where the host has none. */
int abi_hold(void *p, size_t size);

/**
 * abi_vcpu_create() - a vCPU with the supported CPUID and its kvm_run mapped
 * @vm: its VM
 * @id: its number, the APIC id
 */
struct abi_vcpu *abi_vcpu_create(struct abi_vm *vm, int id);

/**
 * abi_vcpu_mode() - put a vCPU at the start of the code at ABI_CODE
 * @vcpu: the vCPU
 * @mode: ABI_REAL, ABI_PROT or ABI_LONG
 *
 * Writes tables and stubs of that mode into guest memory as well.
 */
void abi_vcpu_mode(struct abi_vcpu *vcpu, unsigned int mode);

/**
 * abi_load() - copy a guest's code into slot 0
 * @vm: the VM
 * @gpa: where to
 * @guest: what
 */
void abi_load(struct abi_vm *vm, uint64_t gpa, const struct abi_guest *guest);

/**
 * abi_start_at() - long mode, at code of its own
 * @vcpu: the vCPU
 * @gpa: where to load it
 * @guest: the code
 */
void abi_start_at(struct abi_vcpu *vcpu, uint64_t gpa,
		  const struct abi_guest *guest);

/**
 * abi_boot() - VM, vCPU 0, mode and guest in one
 * @flags: enum abi_flags
 * @guest: its code
 */
struct abi_vcpu *abi_boot(unsigned int flags, const struct abi_guest *guest);

/**
 * abi_run() - KVM_RUN once
 * @vcpu: the vCPU
 *
 * Return: 0 or a negative errno; the exit is in vcpu->run.
 */
int abi_run(struct abi_vcpu *vcpu);

/**
 * abi_exit() - KVM_RUN until it returns 0
 * @vcpu: the vCPU
 *
 * -EAGAIN and -EINTR are tried again, any other error ends the test.
 * Return: the exit reason.
 */
unsigned int abi_exit(struct abi_vcpu *vcpu);

/**
 * abi_until() - run until the guest writes to a port
 * @vcpu: the vCPU
 * @port: which port; a write to another one ends the test
 *
 * Return: the value written.
 */
uint32_t abi_until(struct abi_vcpu *vcpu, uint16_t port);

/* The next report, the guest's turn over, the guest's end. */
#define abi_report(vcpu)	abi_until(vcpu, ABI_REPORT)
#define abi_sync(vcpu)		abi_until(vcpu, ABI_SYNC)
#define abi_done(vcpu)		abi_until(vcpu, ABI_DONE)

/**
 * abi_trapped() - run until the guest takes a trap, and describe it
 * @vcpu: the vCPU
 */
struct abi_trap abi_trapped(struct abi_vcpu *vcpu);

/**
 * abi_pending() - finish the pending I/O without running the guest
 * @vcpu: the vCPU
 *
 * Sets immediate_exit, runs, clears it: the state is then what the guest sees.
 */
void abi_pending(struct abi_vcpu *vcpu);

/**
 * abi_describe() - the exit in vcpu->run as KTAP comment lines, with registers
 * @vcpu: the vCPU
 */
void abi_describe(struct abi_vcpu *vcpu);

struct kvm_regs abi_regs(struct abi_vcpu *vcpu);
void abi_set_regs(struct abi_vcpu *vcpu, const struct kvm_regs *regs);
struct kvm_sregs abi_sregs(struct abi_vcpu *vcpu);
void abi_set_sregs(struct abi_vcpu *vcpu, const struct kvm_sregs *sregs);
struct kvm_vcpu_events abi_events(struct abi_vcpu *vcpu);

/**
 * abi_msr_get() - KVM_GET_MSRS of one
 * @fd: vCPU (or device)
 * @index: MSR number
 * @value: where to
 *
 * Return: number of MSRs read (0 or 1) or a negative errno.
 */
int abi_msr_get(int fd, uint32_t index, uint64_t *value);

/**
 * abi_msr_set() - KVM_SET_MSRS of one
 * @fd: vCPU
 * @index: MSR number
 * @value: what to
 *
 * Return: number of MSRs written (0 or 1) or a negative errno.
 */
int abi_msr_set(int fd, uint32_t index, uint64_t value);

/**
 * abi_gate() - point a vector at the guest's own handler, in any mode
 * @vcpu: vCPU whose mode tells the form of the gate
 * @vector: 0-255
 * @gpa: the handler
 */
void abi_gate(struct abi_vcpu *vcpu, uint8_t vector, uint64_t gpa);

/**
 * abi_label() - where a label of a loaded guest is in guest memory
 * @guest: the guest, loaded at ABI_CODE
 * @label: the label as the C symbol
 */
#define abi_label(guest, label)	(ABI_CODE + ((label) - (guest).start))

/**
 * abi_cpuid() - what GET_SUPPORTED_CPUID says, room for 256 entries
 * @fd: device
 *
 * Return: allocated; the caller may change and free it.
 */
struct kvm_cpuid2 *abi_cpuid(int fd);

/**
 * abi_cpuid_find() - one entry
 * @cpuid: the table
 * @function: leaf
 * @index: subleaf
 *
 * Return: the entry or NULL.
 */
struct kvm_cpuid_entry2 *abi_cpuid_find(struct kvm_cpuid2 *cpuid,
					uint32_t function, uint32_t index);

/*
 * A guest for tests of interrupts: it takes what comes in a window of a few
 * hundred instructions, then gives the test its turn, and again.
 */
#define G_TURNS								\
	"77: sti; nop; mov $300, %ecx; 78: dec %ecx; jnz 78b; cli\n"	\
	G_SYNC "jmp 77b\n"

/*
 * A guest that sleeps until the timer of its local APIC has come, gives the
 * test its turn, and again. HLT comes right after STI. The handler, to which
 * the test points G_TICKS_VECTOR, counts at G_TICKS_COUNT.
 */
#define G_TICKS_VECTOR	0x45
#define G_TICKS_HANDLER	(ABI_CODE + 2)
#define G_TICKS_COUNT	(ABI_DATA + 4)
#define G_TICKS								\
	"jmp 3f; incl 0x80004; movl $0, 0xb0(%r8); iretq\n"		\
	"3: mov $0xfee00000, %r8d; movl $0x1ff, 0xf0(%r8)\n"		\
	"movl $0xb, 0x3e0(%r8); movl $0x45, 0x320(%r8)\n"		\
	"2: mov 0x80004, %ebx; movl $3000000, 0x380(%r8)\n"		\
	"1: sti; hlt; cli; cmp 0x80004, %ebx; je 1b\n" G_SYNC "jmp 2b"

/**
 * abi_turn() - run until the guest takes a trap or gives the test its turn
 * @vcpu: the vCPU, its guest made of G_TURNS
 *
 * Return: the trap's vector, or -1.
 */
int abi_turn(struct abi_vcpu *vcpu);

/**
 * abi_turn_wait() - abi_turn() until there is a trap
 * @vcpu: the vCPU
 *
 * For what a timer or another thread brings about; ends the test after 25
 * seconds. Return: the trap's vector.
 */
int abi_turn_wait(struct abi_vcpu *vcpu);

/**
 * abi_lapic_enable() - set the software enable bit through KVM_SET_LAPIC
 * @vcpu: the vCPU
 */
void abi_lapic_enable(struct abi_vcpu *vcpu);

/* A register of the local APIC, by its offset in the page. */
uint32_t abi_lapic_get(struct abi_vcpu *vcpu, unsigned int offset);
void abi_lapic_set(struct abi_vcpu *vcpu, unsigned int offset, uint32_t value);

/**
 * abi_ioapic_set() - an I/O APIC redirection entry, by KVM_SET_IRQCHIP
 * @vm: the VM
 * @pin: 0-23
 * @entry: its 64 bits
 */
void abi_ioapic_set(struct abi_vm *vm, unsigned int pin, uint64_t entry);
uint64_t abi_ioapic_get(struct abi_vm *vm, unsigned int pin);

/* KVM_IRQ_LINE; the result is 0 or a negative errno. */
int abi_irq_line(struct abi_vm *vm, uint32_t gsi, uint32_t level);

/* A vCPU run by a thread of its own, see abi_thread_start(). */
struct abi_thread;

/**
 * abi_thread_start() - run a vCPU in a thread until ABI_DONE
 * @vcpu: the vCPU
 *
 * Reports of the guest are kept in order; the thread ends at ABI_DONE.
 */
struct abi_thread *abi_thread_start(struct abi_vcpu *vcpu);

/**
 * abi_thread_join() - wait for the guest's end
 * @thread: from abi_thread_start(), not freed
 *
 * Return: number of reports, which are in abi_thread_reports().
 */
int abi_thread_join(struct abi_thread *thread);

/* The reports of a thread, at most 64. */
const uint32_t *abi_thread_reports(struct abi_thread *thread);

/* Number of reports so far. */
int abi_thread_count(struct abi_thread *thread);

/* The thread's id, to send it signals. */
int abi_thread_tid(struct abi_thread *thread);

/**
 * abi_poke()/abi_peek() - 32 bits of slot 0
 * @vm: the VM
 * @gpa: where
 *
 * Volatile: guests in other threads read and write there.
 */
static inline void abi_poke(struct abi_vm *vm, uint64_t gpa, uint32_t value)
{
	*(volatile uint32_t *)(vm->mem + gpa) = value;
}

static inline uint32_t abi_peek(struct abi_vm *vm, uint64_t gpa)
{
	return *(volatile uint32_t *)(vm->mem + gpa);
}

static inline uint64_t abi_peek64(struct abi_vm *vm, uint64_t gpa)
{
	return *(volatile uint64_t *)(vm->mem + gpa);
}

/**
 * abi_wait_for() - wait until a word of slot 0 has a value
 * @vm: the VM
 * @gpa: where
 * @value: what
 *
 * Ends the test after 25 seconds.
 */
void abi_wait_for(struct abi_vm *vm, uint64_t gpa, uint32_t value);

#endif /* LODGE_TESTS_ABI_H */
