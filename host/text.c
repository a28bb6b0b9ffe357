/* SPDX-License-Identifier: ISC */
/*
 * Growing strings and lists of strings: see text.h.
 */
#include "host/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/util.h"

static void
text_reserve(struct text *t, size_t more)
{
	if (t->cap - t->len > more)
		return;
	t->cap = (t->len + more + 64) * 2;
	t->p = util_realloc(t->p, t->cap);
}

void
text_add(struct text *t, const void *p, size_t len)
{
	text_reserve(t, len);
	if (len > 0)
		memcpy(t->p + t->len, p, len);
	t->len += len;
	t->p[t->len] = '\0';
}

void
text_addc(struct text *t, char c)
{
	text_add(t, &c, 1);
}

void
text_adds(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

static void
text_addv(struct text *t, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		return;
	text_reserve(t, (size_t)len);
	vsnprintf(t->p + t->len, (size_t)len + 1, fmt, ap);
	t->len += (size_t)len;
}

void
text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_addv(t, fmt, ap);
	va_end(ap);
}

char *
text_take(struct text *t)
{
	char *p;

	text_add(t, "", 0); /* an empty text is a string too */
	p = t->p;
	*t = (struct text){0};
	return p;
}

void
text_free(struct text *t)
{
	free(t->p);
	*t = (struct text){0};
}

void
words_give(struct words *w, char *s)
{
	if (w->n + 2 > w->cap) {
		w->cap = w->cap * 2 + 16;
		w->v = util_realloc(w->v, w->cap * sizeof(*w->v));
	}
	w->v[w->n++] = s;
	w->v[w->n] = NULL;
}

void
words_add(struct words *w, const char *s)
{
	words_give(w, util_strdup(s));
}

void
words_addf(struct words *w, const char *fmt, ...)
{
	struct text t = {0};
	va_list ap;

	va_start(ap, fmt);
	text_addv(&t, fmt, ap);
	va_end(ap);
	words_give(w, text_take(&t));
}

void
words_free(struct words *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
	*w = (struct words){0};
}
