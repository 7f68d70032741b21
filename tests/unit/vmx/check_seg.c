// SPDX-License-Identifier: GPL-2.0
/* Mutations of the guest's segment registers. */
#include "check.h"

#define RESTRICTED	OFF(ctl.proc2, VMX_PROC2_UNRESTRICTED)
#define DATA		(ONE(ES) | ONE(DS) | ONE(FS) | ONE(GS))

const struct mutation seg_rows[] = {
	{ "tr-ti", LONG, ONE(TR), { SEG(ON, sel, 4) } },
	{ "ldtr-ti", LONG, ONE(LDTR), { SEG(ON, sel, 4) } },
	{ "ss-rpl", LONG, ONE(SS), { RESTRICTED, SEG(ON, sel, 3),
		SEG(ON, ar, LODGE_AR_DPL),
		ON(guest.seg[LODGE_CS].ar, 4 | LODGE_AR_DPL) } },

	{ "v86-base", V86, ALL_CODE_DATA, { SEG(SET, base, 0x12340) } },
	{ "v86-limit", V86, ALL_CODE_DATA, { SEG(SET, limit, 0xfffff) } },
	{ "v86-access", V86, ALL_CODE_DATA, { SEG(SET, ar, 0x93) } },
	{ "v86-access", V86, ONE(DS), { SEG(ON, ar, LODGE_AR_UNUSABLE) } },

	{ "seg-canonical", LONG, ONE(TR) | ONE(FS) | ONE(GS) | ONE(LDTR),
		{ SEG(SET, base, BAD_ADDRESS) } },
	{ "seg-base-high", LONG, ONE(CS) | ONE(SS) | ONE(DS) | ONE(ES),
		{ SEG(SET, base, BIT_ULL(32)) } },

	{ "cs-type", LONG, ONE(CS), { SEG(OFF, ar, 1) } },
	{ "cs-type", LONG, ONE(CS), { SEG(OFF, ar, LODGE_AR_TYPE),
		SEG(ON, ar, 7) } },
	{ "cs-type", PAE, ONE(CS), { RESTRICTED, SEG(OFF, ar, 8) } },
	{ "ss-type", LONG, ONE(SS), { SEG(OFF, ar, 2) } },
	{ "ss-type", LONG, ONE(SS), { SEG(ON, ar, 8) } },
	{ "data-type", LONG, DATA, { SEG(OFF, ar, 1) } },
	{ "data-type", LONG, DATA, { SEG(OFF, ar, LODGE_AR_TYPE),
		SEG(ON, ar, 9) } },

	{ "cs-dpl", LONG, ONE(CS), { SEG(ON, ar, LODGE_AR_DPL) } },
	{ "cs-dpl", LONG, ONE(CS), { SEG(ON, ar, 4 | LODGE_AR_DPL) } },
	{ "cs-dpl", REAL, ONE(CS), { SEG(OFF, ar, 8),
		SEG(ON, ar, LODGE_AR_DPL) } },
	{ "ss-dpl-rpl", LONG, ONE(SS), { RESTRICTED, SEG(ON, sel, 3),
		ON(guest.seg[LODGE_CS].sel, 3) } },
	{ "ss-dpl-0", PAE, ONE(SS), { SEG(ON, ar, LODGE_AR_DPL),
		OFF(guest.seg[LODGE_CS].ar, 8) } },
	{ "ss-dpl-0", REAL, ONE(SS), { SEG(ON, ar, LODGE_AR_DPL),
		ON(guest.seg[LODGE_CS].ar, 4) } },
	{ "data-dpl", LONG, DATA, { RESTRICTED, SEG(ON, sel, 3) } },

	{ "seg-s", LONG, ALL_CODE_DATA, { SEG(OFF, ar, LODGE_AR_S) } },
	{ "seg-p", LONG, ALL_CODE_DATA, { SEG(OFF, ar, LODGE_AR_P) } },
	{ "seg-reserved", LONG, ALL_CODE_DATA, { SEG(ON, ar, BIT(8)) } },
	{ "seg-reserved", LONG, ALL_CODE_DATA, { SEG(ON, ar, BIT(31)) } },
	{ "seg-g", LONG, ALL_CODE_DATA, { SEG(OFF, ar, LODGE_AR_G) } },
	{ "seg-g", LONG, ALL_CODE_DATA, { SEG(OFF, limit, 1) } },
	{ "cs-db", LONG, ONE(CS), { SEG(ON, ar, LODGE_AR_DB) } },

	{ "system-type", LONG, ONE(TR), { SEG(OFF, ar, 2) } },
	{ "system-type", LONG, ONE(TR), { SEG(OFF, ar, 8) } },
	{ "system-type", PAE, ONE(TR), { SEG(OFF, ar, 2) } },
	{ "system-type", LONG, ONE(LDTR), { SEG(ON, ar, 1) } },
	{ "system-s", LONG, ONE(TR) | ONE(LDTR), { SEG(ON, ar, LODGE_AR_S) } },
	{ "system-p", LONG, ONE(TR) | ONE(LDTR), { SEG(OFF, ar, LODGE_AR_P) } },
	{ "system-reserved", LONG, ONE(TR) | ONE(LDTR),
		{ SEG(ON, ar, BIT(11)) } },
	{ "system-reserved", V86, ONE(TR), { SEG(ON, ar, BIT(17)) } },
	{ "system-g", LONG, ONE(TR) | ONE(LDTR), { SEG(ON, ar, LODGE_AR_G) } },
	{ "system-g", LONG, ONE(TR) | ONE(LDTR),
		{ SEG(SET, limit, 0xfffff000) } },
	{ "tr-usable", LONG, ONE(TR), { SEG(ON, ar, LODGE_AR_UNUSABLE) } },
};

const unsigned int nr_seg_rows = ARRAY_SIZE(seg_rows);
