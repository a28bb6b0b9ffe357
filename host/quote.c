/* SPDX-License-Identifier: ISC */
/*
 * Protecting words: see quote.h.
 */
#include "host/quote.h"

#include <stdbool.h>
#include <string.h>

/* Bytes that mean nothing special to a shell nor to the guest. */
#define PLAIN                                                                  \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                           \
	"abcdefghijklmnopqrstuvwxyz"                                           \
	"0123456789_./:=,+@%-"

static bool
is_plain(const char *s)
{
	return s[0] != '\0' && s[strspn(s, PLAIN)] == '\0';
}

static bool
has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

void
quote_shell(struct text *t, const char *s)
{
	if (is_plain(s)) {
		text_adds(t, s);
		return;
	}
	text_addc(t, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			text_adds(t, "'\\''");
		else
			text_addc(t, *s);
	}
	text_addc(t, '\'');
}

void
quote_guest(struct text *t, const char *s)
{
	if (is_plain(s) && strcmp(s, "--") != 0 && !has_prefix(s, "sprat.") &&
	    !has_prefix(s, "virtio_mmio.device=")) {
		text_adds(t, s);
		return;
	}
	text_addc(t, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			text_addc(t, '\\');
		text_addc(t, *s);
	}
	text_addc(t, '"');
}

void
quote_comma(struct text *t, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == ',')
			text_addc(t, ',');
		text_addc(t, *s);
	}
}

void
quote_fuse(struct text *t, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == ',' || *s == '\\')
			text_addc(t, '\\');
		text_addc(t, *s);
	}
}
