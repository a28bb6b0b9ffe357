/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 syslog and kin: one line a message on standard error, as
 * NAME[PID]: TEXT, by the application's own stdio.
 */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "libc-shim/process.h"
#include "libc-shim/shim.h"

static const char *ident;
static int options;
static int mask = LOG_UPTO(LOG_DEBUG);

PUBLIC void
openlog(const char *name, int opts, int facility)
{
	(void)facility;
	ident = name;
	options = opts;
}

PUBLIC void
closelog(void)
{
	ident = NULL;
	options = 0;
}

PUBLIC int
setlogmask(int new_mask)
{
	int old = mask;

	if (new_mask != 0)
		mask = new_mask;
	return old;
}

/* %m to the text of `error`, everything else as it is; cut to len. */
static void
expand(char *to, size_t len, const char *fmt, int error)
{
	const char *text = strerror(error);
	char *end = to + len - 1;

	while (*fmt != '\0' && to < end) {
		if (fmt[0] == '%' && fmt[1] == 'm') {
			while (*text != '\0' && to < end) {
				if (*text == '%' && end - to > 1)
					*to++ = '%';
				*to++ = *text++;
			}
			text = strerror(error);
			fmt += 2;
			continue;
		}
		if (fmt[0] == '%' && fmt[1] == '%' && end - to > 1)
			*to++ = *fmt++;
		*to++ = *fmt++;
	}
	*to = '\0';
}

PUBLIC void
vsyslog(int priority, const char *fmt, va_list ap)
{
	char expanded[512], line[1024];
	int n = 0;

	if (!(LOG_MASK(LOG_PRI(priority)) & mask))
		return;
	expand(expanded, sizeof(expanded), fmt, errno);
	if (ident != NULL)
		n = snprintf(line, sizeof(line) / 2, "%.200s", ident);
	if (ident != NULL && (options & LOG_PID))
		n += snprintf(line + n, sizeof(line) / 2, "[%d]", PROCESS_PID);
	if (ident != NULL)
		n += snprintf(line + n, sizeof(line) / 2, ": ");
	vsnprintf(line + n, sizeof(line) - (size_t)n, expanded, ap);
	n = (int)strlen(line);
	fprintf(stderr, "%s%s", line, n > 0 && line[n - 1] == '\n' ? "" : "\n");
}

PUBLIC void
syslog(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsyslog(priority, fmt, ap);
	va_end(ap);
}
