/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the opcode tables are written. Only tables.c and tables_0f.c include
 * this: the names are short. Next: tables.c.
 */
#ifndef LODGE_EMUL_TABLES_H
#define LODGE_EMUL_TABLES_H

#include "internal.h"

/* Columns: handler, attributes, destination, source, argument. */
#define F(fn, at, d, s, x) \
	{ { .exec = lodge_op_##fn }, (at), (d), (s), (x) }
#define G(grp, at, d, s) \
	{ { .group = (grp) }, (at) | A_MODRM | A_GROUP, (d), (s), 0 }
#define X(at)		{ { .exec = NULL }, (at), 0, 0, 0 }
#define UD		X(A_UD)

#define REP4(...)	__VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define REP8(...)	REP4(__VA_ARGS__), REP4(__VA_ARGS__)

#endif /* LODGE_EMUL_TABLES_H */
