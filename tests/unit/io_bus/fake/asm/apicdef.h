/* SPDX-License-Identifier: GPL-2.0 */
/* Offsets of a local APIC's registers, as in the Intel SDM. */
#define APIC_SPIV	0xf0
#define APIC_ICR	0x300
#define APIC_LVTT	0x320
#define APIC_LVTERR	0x370
#define APIC_TMCCT	0x390
#define APIC_TDCR	0x3e0
#define APIC_SELF_IPI	0x3f0
