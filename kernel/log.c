/* SPDX-License-Identifier: ISC */
/*
 * The kernel's own lines, on standard error, and the small formatter behind
 * them: the C library's would cost more than the rest of the kernel.
 */
#include <string.h>

#include "kernel/kernel.h"

#define LINE_MAX 320
#define PREFIX   "sprat: "

struct out {
	char *at, *end;
};

static void
put(struct out *o, char c)
{
	if (o->at < o->end)
		*o->at++ = c;
}

static void
put_text(struct out *o, const char *s, unsigned width)
{
	size_t len;

	if (s == NULL)
		s = "(null)";
	len = strlen(s);
	for (; width > len; width--)
		put(o, ' ');
	while (*s != '\0')
		put(o, *s++);
}

static void
put_number(struct out *o, uint64_t v, unsigned base, bool negative,
    unsigned width, char pad)
{
	char digits[24];
	unsigned n = 0;

	if (negative && pad == '0') {
		put(o, '-');
		width -= width > 0;
		negative = false;
	}
	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0);
	if (negative)
		digits[n++] = '-';
	for (; width > n; width--)
		put(o, pad);
	while (n > 0)
		put(o, digits[--n]);
}

static void
put_signed(struct out *o, int64_t v, unsigned width, char pad)
{
	put_number(
	    o, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0, width, pad);
}

/* One conversion, from behind its '%'; returns what follows it. */
static const char *
convert(struct out *o, const char *f, va_list *ap)
{
	unsigned width = 0;
	bool wide = false;
	char pad = ' ';

	if (*f == '0')
		pad = *f++;
	for (; *f >= '0' && *f <= '9'; f++)
		width = width * 10 + *f - '0';
	for (; *f == 'l' || *f == 'z'; f++)
		wide = true;
	switch (*f) {
	case 's':
		put_text(o, va_arg(*ap, const char *), width);
		break;
	case 'c':
		put(o, va_arg(*ap, int));
		break;
	case 'd':
		put_signed(o, wide ? va_arg(*ap, int64_t) : va_arg(*ap, int),
		    width, pad);
		break;
	case 'u':
	case 'x':
		put_number(o,
		    wide ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned),
		    *f == 'x' ? 16 : 10, false, width, pad);
		break;
	case 'p':
		put_text(o, "0x", 0);
		put_number(o, va_arg(*ap, uintptr_t), 16, false, 0, pad);
		break;
	case '\0':
		return f;
	default:
		put(o, *f);
	}
	return f + 1;
}

int
log_format(char *buf, size_t len, const char *fmt, va_list ap)
{
	struct out o = {buf, buf + len - 1};
	va_list args;

	va_copy(args, ap);
	while (*fmt != '\0') {
		if (*fmt == '%')
			fmt = convert(&o, fmt + 1, &args);
		else
			put(&o, *fmt++);
	}
	va_end(args);
	*o.at = '\0';
	return o.at - buf;
}

int
log_text(char *buf, size_t len, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = log_format(buf, len, fmt, ap);
	va_end(ap);
	return n;
}

void
log_line(const char *fmt, ...)
{
	char line[LINE_MAX];
	size_t len = sizeof(PREFIX) - 1;
	va_list ap;

	memcpy(line, PREFIX, len);
	va_start(ap, fmt);
	len += log_format(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	line[len++] = '\n';
	console_write(2, line, len);
}
