# SPDX-License-Identifier: GPL-2.0
# The way in: builds the module and the launcher, runs them, tests them.
# "make help" lists the targets. The module's own files are in Kbuild, the
# launcher's in userspace/Makefile, the tests' in tests/*/run.sh.
#
#	make				lodge.ko and userspace/lodge
#	make KDIR=/lib/modules/X/build	lodge.ko for another kernel
#	make KERNEL=6.1|6.12		... for one of Debian 12's
#	make modules			... for both, in build/RELEASE/
#	make userspace STATIC=1		a static launcher
#	make install			lodge.ko, launcher and udev rule (as root)
#	make run			a guest's shell, in an emulated host
#	make run HOST=1			the same on this machine's hardware
#	make test			all tests
#	make test-full			... and what takes emulators too long
#	make test-PART KERNEL=6.12	one of: build style unit entry fuzz abi selftests
#				boot qemu fault jail hostile dkms vmx trace debug
#	make test-boot KERNEL=7.2	on Debian's newest kernel
#	make test-PART KERNEL=debug	on a kernel with KASAN, lockdep, ... (abi fault)
#	make test-debug			ABI tests, failing memory and a guest, on a kernel
#				with KASAN, lockdep, kmemleak
#	make test-kcsan			data races, on a kernel that looks for them
#	make test-nomem-vmx		failing memory and hostile programs on VT-x, in Bochs
#	make fuzz-ioctl			hostile programs and guests, without end
#	make test-initrd		Debian's own initrd finds the disks
#	make test-bochs			in Bochs, whose AMD-V has more features
#	make test-vmx			on VT-x, in Bochs
#	make test-selftests-vmx		the kernel's tests of KVM there
#	make test-qemu-vmx		QEMU on Lodge there
#	make test-trace			the same exits on both vendors?
#	make bochs			build the newer Bochs that is used then
#	make bench			instructions per exit, beside KVM's
#	make bench BOCHS=1		... only where Bochs has both vendors' CPUs
#	make deps			install the packages all this needs
#	make clean | distclean		... and the downloaded packages too

SHELL		:= /bin/bash
MACHINE		:= tests/machine
ALL_KERNELS	:= 6.1 6.12
KERNELS		:= $(if $(KERNEL),$(KERNEL),$(ALL_KERNELS))
PARTS		:= build style unit entry fuzz abi selftests boot qemu fault jail \
		   hostile dkms vmx trace debug
# Where Debian's headers of a kernel given by its short name are.
kdir		= $(shell . $(MACHINE)/lib.sh; kernel_kdir $(1) 2>/dev/null)

ifdef KERNEL
KDIR		?= $(call kdir,$(KERNEL))
else
KDIR		?= $(or $(wildcard /lib/modules/$(shell uname -r)/build),\
			$(call kdir,6.1))
endif
KDIR		:= $(strip $(KDIR))
UTSRELEASE	= $(KDIR)/include/generated/utsrelease.h
RELEASE		:= $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(UTSRELEASE) 2>/dev/null)
MODDIR		?= build/$(RELEASE)
INTO		?= .
DESTDIR		?=
PREFIX		?= /usr/local

.PHONY: all module modules userspace install run bench test deps clean \
	distclean help bochs $(PARTS:%=test-%) test-bochs \
	test-full test-initrd test-selftests-vmx test-qemu-vmx \
	test-kcsan test-nomem-vmx fuzz-ioctl
.NOTPARALLEL:

all: module userspace

module: $(MODDIR)/.mirror
	flock $(MODDIR)/.lock $(MAKE) -C $(KDIR) M=$(CURDIR)/$(MODDIR) modules
	[ $(MODDIR) -ef $(INTO) ] || cp -u $(MODDIR)/lodge.ko $(INTO)/lodge.ko

# Each kernel has a build folder with links to the sources, so that a build
# for one leaves the objects of another alone.
.PHONY: $(MODDIR)/.mirror
$(MODDIR)/.mirror: kdir-check
	$(MACHINE)/mirror.sh $(MODDIR)

.PHONY: kdir-check
kdir-check:
	@[ -n "$(RELEASE)" ] || { echo \
	"no kernel headers in '$(KDIR)': give KDIR=, or $(MACHINE)/deps.sh build build-6.12" \
	>&2; exit 1; }

modules:
	+@for k in $(KERNELS); do $(MAKE) --no-print-directory module KERNEL=$$k || exit; done

userspace:
	$(MAKE) -C userspace

install: all
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(MODDIR) INSTALL_MOD_PATH=$(DESTDIR) \
		modules_install
	[ -n "$(DESTDIR)" ] || depmod $(RELEASE)
	install -D -m 755 userspace/lodge $(DESTDIR)$(PREFIX)/bin/lodge
	install -D -m 644 packaging/60-lodge.rules \
		$(DESTDIR)/lib/udev/rules.d/60-lodge.rules

run:
	@$(MACHINE)/run.sh $(if $(HOST),--this-machine) \
		$(if $(KERNEL),--kernel $(KERNEL))

bench:
	@$(if $(BOCHS),,tests/bench/run.sh $(or $(KERNEL),6.1))
	@tests/bochs/bench.sh $(or $(KERNEL),6.1)

test:
	@KERNELS="$(KERNELS)" tests/run.sh $(PARTS)

test-full:
	@KERNELS="$(KERNELS)" LODGE_TEST_FULL=1 LODGE_TEST_LIMIT=9000 \
		tests/run.sh $(PARTS) $(filter-out $(PARTS),vmx trace bochs)

# These run what is built.
test-abi test-selftests test-boot test-qemu test-fault test-jail test-hostile \
		test-bochs test-vmx test-initrd: test-%:
	@KERNELS="$(KERNELS)" tests/run.sh build $*

$(filter-out test-abi test-selftests test-boot test-qemu test-fault test-jail \
		test-hostile test-vmx test-debug,$(PARTS:%=test-%)): test-%:
	@KERNELS="$(KERNELS)" tests/run.sh $*

test-selftests-vmx:
	@KERNELS=6.12 SELFTESTS_ON=intel tests/run.sh build selftests

test-qemu-vmx:
	@KERNELS="$(KERNELS)" QEMU_ON=intel tests/run.sh build qemu

test-debug:
	@KERNELS=debug tests/run.sh build debug

test-kcsan:
	@KERNELS=kcsan tests/run.sh build kcsan

test-nomem-vmx:
	@KERNELS=failing tests/run.sh build hostile

# HOSTILE_SECONDS is how long a host lives before the next, with another seed.
fuzz-ioctl: modules
	@KERNELS="$(KERNELS)" HOSTILE_SECONDS=$${HOSTILE_SECONDS:-600} \
		tests/hostile/run.sh --endless

bochs:
	@$(MACHINE)/bochs3.sh build

deps:
	$(MACHINE)/deps.sh build build-6.12 userspace host unit abi selftests chroot \
		qemu style dkms bochs bochs3 debug

clean:
	[ ! -e userspace/Makefile ] || $(MAKE) -C userspace clean
	[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name cache \
		-exec rm -rf {} +
	rm -f lodge.ko

distclean: clean
	rm -rf build

help:
	@sed -n 's/^#\t\(make.*\|\t.*\)/\1/p' Makefile
