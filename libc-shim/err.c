/* SPDX-License-Identifier: ISC */
/*
 * err.h and error.h: messages to standard error.  In libsprat.a rather than
 * in the kernel, whose code leaves a caller's floating-point arguments alone.
 */
#include <err.h>
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libc-shim/progname.h"
#include "libc-shim/shim.h"

PUBLIC unsigned int error_message_count;
PUBLIC int error_one_per_line;
PUBLIC void (*error_print_progname)(void);

/* NAME: TEXT: ERROR; without the last if code is 0. */
static void
message(int code, const char *fmt, va_list ap)
{
	fprintf(stderr, "%s: ", __progname);
	if (fmt != NULL) {
		vfprintf(stderr, fmt, ap);
		if (code != 0)
			fputs(": ", stderr);
	}
	fprintf(stderr, "%s\n", code != 0 ? strerror(code) : "");
}

PUBLIC void
vwarn(const char *fmt, va_list ap)
{
	message(errno, fmt, ap);
}

PUBLIC void
vwarnx(const char *fmt, va_list ap)
{
	message(0, fmt, ap);
}

PUBLIC void
verr(int status, const char *fmt, va_list ap)
{
	message(errno, fmt, ap);
	exit(status);
}

PUBLIC void
verrx(int status, const char *fmt, va_list ap)
{
	message(0, fmt, ap);
	exit(status);
}

PUBLIC void
warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vwarn(fmt, ap);
	va_end(ap);
}

PUBLIC void
warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vwarnx(fmt, ap);
	va_end(ap);
}

PUBLIC void
err(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verr(status, fmt, ap);
}

PUBLIC void
errx(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	verrx(status, fmt, ap);
}

static void
error_begin(void)
{
	fflush(stdout);
	error_message_count++;
	if (error_print_progname != NULL)
		error_print_progname();
	else
		fprintf(stderr, "%s: ", __progname);
}

static void
error_end(int status, int code, const char *fmt, va_list ap)
{
	vfprintf(stderr, fmt, ap);
	if (code != 0)
		fprintf(stderr, ": %s", strerror(code));
	fputc('\n', stderr);
	if (status != 0)
		exit(status);
}

PUBLIC void
error(int status, int code, const char *fmt, ...)
{
	va_list ap;

	error_begin();
	va_start(ap, fmt);
	error_end(status, code, fmt, ap);
	va_end(ap);
}

PUBLIC void
error_at_line(int status, int code, const char *file, unsigned int line,
    const char *fmt, ...)
{
	static const char *last_file;
	static unsigned int last_line;
	va_list ap;

	if (error_one_per_line && file == last_file && line == last_line)
		return;
	last_file = file;
	last_line = line;
	error_begin();
	fprintf(stderr, "%s:%u: ", file != NULL ? file : "", line);
	va_start(ap, fmt);
	error_end(status, code, fmt, ap);
	va_end(ap);
}
