// SPDX-License-Identifier: GPL-2.0
/*
 * Error lines of the launcher; see err.h for who calls this and why.
 * Read next: main.c, which turns errors into exit statuses.
 */
#include "err.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "term.h"

void lodge_err(const char *fmt, ...)
{
	const char *prefix = "lodge: ";
	char line[1024];
	va_list ap;
	size_t len;
	int n;

	strcpy(line, prefix);
	len = strlen(line);
	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	len = strlen(line);
	line[len++] = '\n';
	lodge_term_message(line, len);
}
