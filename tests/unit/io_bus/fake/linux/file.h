/* SPDX-License-Identifier: GPL-2.0 */
/* Descriptors: number n below FAKE_FILES is file n. */
#ifndef FAKE_FILE_H
#define FAKE_FILE_H

#include <stddef.h>

#define FAKE_FILES	320

struct file {
	int refs;
	bool is_eventfd;
};

extern struct file fake_files[FAKE_FILES];

static inline struct file *fget(unsigned int fd)
{
	if (fd >= FAKE_FILES)
		return NULL;
	fake_files[fd].refs++;
	return &fake_files[fd];
}

static inline void fput(struct file *f)
{
	f->refs--;
}

#endif
