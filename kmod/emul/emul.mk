# SPDX-License-Identifier: GPL-2.0
# The emulator's files, for Kbuild and for the tests that compile them in
# userspace, in the order to read them.
lodge-emul := fetch decode tables tables_0f execute mem data alu shift bits muldiv
lodge-emul += bcd string io stack branch flags intr
lodge-emul += descriptor seg far task dtable control sse

lodge-y += $(lodge-emul:%=kmod/emul/%.o)
