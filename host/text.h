/* SPDX-License-Identifier: ISC */
/*
 * Growing strings and lists of strings.  All-zero is empty; running out of
 * memory ends the program (util_realloc).
 */
#ifndef HOST_TEXT_H
#define HOST_TEXT_H

#include <stddef.h>

struct text {
	char *p; /* NUL-terminated, or NULL while empty */
	size_t len;
	size_t cap;
};

void text_add(struct text *t, const void *p, size_t len);
void text_addc(struct text *t, char c);
void text_adds(struct text *t, const char *s);
void text_addf(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Hands over the string, for free(), and leaves `t` empty. */
char *text_take(struct text *t);
void text_free(struct text *t);

struct words {
	char **v; /* NULL-terminated, or NULL while empty */
	size_t n;
	size_t cap;
};

void words_add(struct words *w, const char *s);
/* Adds one from malloc, such as text_take gives, and frees it in its time. */
void words_give(struct words *w, char *s);
void words_addf(struct words *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void words_free(struct words *w);

#endif
