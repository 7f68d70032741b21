# SPDX-License-Identifier: GPL-2.0
# What the unit tests' Makefiles have in common: everything is compiled by both
# compilers, under ASan and UBSan, into build/unit/FOLDER. A Makefile sets
# SOURCES and HEADERS, and where need be FLAGS, LIBS, ARGS (one run with each),
# or PROGS with rules of its own after it has included this.
#	make -C tests/unit/FOLDER test

ROOT	:= $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../..)
NAME	:= $(notdir $(CURDIR))
OUT	:= $(ROOT)/build/unit/$(NAME)
CFLAGS	:= -std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter -Werror \
	   -fsanitize=address,undefined -fno-sanitize-recover=all $(FLAGS)
HEADERS	+= ../ktap.h $(wildcard $(ROOT)/kmod/*.h)
PROGS	?= $(OUT)/$(NAME)-gcc $(OUT)/$(NAME)-clang
ARGS	?= ''

all: $(PROGS)

$(OUT)/$(NAME)-%: $(SOURCES) $(HEADERS)
	@mkdir -p $(OUT)
	$* $(CFLAGS) -o $@ $(SOURCES) $(LIBS)

test: all
	@for prog in $(PROGS); do for arg in $(ARGS); do \
		echo "# $${prog##*/} $$arg"; $$prog $$arg || exit 1; \
	done; done

clean:
	rm -rf $(OUT)

.PHONY: all test clean
