# SPDX-License-Identifier: GPL-2.0
# What the Makefiles of both backends' decisions have in common: programs from
# decode_test.c and tlb_test.c with SOURCES, and from check_test.c with CHECK.

PROGS	= $(foreach t,decode tlb check,$(OUT)/$t-gcc $(OUT)/$t-clang)
FLAGS	= -I$(ROOT)/kmod -I..
HEADERS	= ../rules.h check.h $(wildcard $(ROOT)/kmod/$(NAME)/*.h)

include ../unit.mk

$(OUT)/check-%: check_test.c $(CHECK) $(HEADERS)
	@mkdir -p $(OUT)
	$* $(CFLAGS) -o $@ $< $(CHECK)

$(OUT)/%-gcc: %_test.c $(SOURCES) $(HEADERS)
	@mkdir -p $(OUT)
	gcc $(CFLAGS) -o $@ $< $(SOURCES)

$(OUT)/%-clang: %_test.c $(SOURCES) $(HEADERS)
	@mkdir -p $(OUT)
	clang $(CFLAGS) -o $@ $< $(SOURCES)
