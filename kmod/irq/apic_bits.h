/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers and bits of a local APIC, for pure files: <asm/apicdef.h> is not
 * there in userspace. lapic.c asserts that the two agree.
 */
#ifndef LODGE_APIC_BITS_H
#define LODGE_APIC_BITS_H

/* Registers: offset in the page / 16 */
#define R_ID		0x02
#define R_VERSION	0x03
#define R_TPR		0x08
#define R_ARB		0x09
#define R_PPR		0x0a
#define R_EOI		0x0b
#define R_RRD		0x0c
#define R_LDR		0x0d
#define R_DFR		0x0e
#define R_SVR		0x0f
#define R_ISR		0x10
#define R_TMR		0x18
#define R_IRR		0x20
#define R_ESR		0x28
#define R_LVTCMCI	0x2f
#define R_ICR		0x30
#define R_ICR2		0x31
#define R_LVTT		0x32
#define R_LVTTHMR	0x33
#define R_LVTPC		0x34
#define R_LVT0		0x35
#define R_LVT1		0x36
#define R_LVTERR	0x37
#define R_TMICT		0x38
#define R_TMCCT		0x39
#define R_TDCR		0x3e
#define R_SELF		0x3f

#define SVR_ENABLE	BIT(8)
#define SVR_DIRECTED	BIT(12)	/* no broadcast of EOIs */

#define LVT_VECTOR	GENMASK(7, 0)
#define LVT_DELIVERY	GENMASK(10, 8)
#define LVT_STATUS	BIT(12)
#define LVT_POLARITY	BIT(13)
#define LVT_REMOTE_IRR	BIT(14)
#define LVT_LEVEL	BIT(15)
#define LVT_MASKED	BIT(16)
#define LVT_PERIODIC	BIT(17)
#define LVT_DEADLINE	BIT(18)
#define LVT_TIMER	(LVT_PERIODIC | LVT_DEADLINE)
#define LVT_READONLY	((u32)(LVT_STATUS | LVT_REMOTE_IRR))

#define ICR_VECTOR	GENMASK(7, 0)
#define ICR_DELIVERY	GENMASK(10, 8)
#define ICR_LOGICAL	BIT(11)
#define ICR_ASSERT	BIT(14)
#define ICR_LEVEL	BIT(15)
#define ICR_SHORTHAND	GENMASK(19, 18)

enum {
	DM_FIXED, DM_LOWEST, DM_SMI, DM_REMOTE_READ, DM_NMI, DM_INIT,
	DM_STARTUP, DM_EXTINT
};

enum { SHORT_NONE, SHORT_SELF, SHORT_ALL, SHORT_OTHERS };

/* Errors: bit numbers of ESR */
#define ESR_SEND_ILLEGAL	5
#define ESR_RECV_ILLEGAL	6
#define ESR_ILLEGAL_REG		7

#endif /* LODGE_APIC_BITS_H */
