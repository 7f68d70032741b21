/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every test program includes: the kernel's selftest harness, the library
 * of abi.h, and the few macros that tests share. One program for each group of
 * ioctls; TEST() runs in a process of its own, so what it leaves open is closed
 * for it.
 */
#ifndef LODGE_TESTS_TEST_H
#define LODGE_TESTS_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "abi.h"

/* A test that hangs is ended and failed after so many seconds. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

/*
 * Record a value. The runner compares these lines between the device under
 * test and stock KVM: say what must be equal but is not known beforehand.
 */
#define VALUE(name, fmt, ...) \
	fprintf(stderr, "# value " name "=" fmt "\n", ##__VA_ARGS__)

/* An ioctl's result (negative errno) is as expected. */
#define EXPECT_IOCTL(expected, fd, cmd, arg) do {			\
	int __got = abi_ioctl(fd, cmd, (unsigned long)(arg));		\
	EXPECT_EQ(expected, __got)					\
		TH_LOG("%s(%s)", #cmd, #arg);				\
} while (0)

/* Skip unless the device or VM has the capability; a pass needs it. */
#define NEED_CAP(fd, cap) do {						\
	if (abi_cap(fd, cap) <= 0)					\
		SKIP(return, "no " #cap);				\
} while (0)

#endif /* LODGE_TESTS_TEST_H */
