/* SPDX-License-Identifier: ISC */
/*
 * Files with several names: see hardlink.h.  Names outside the folder do not
 * count, so that equal folders give equal archives wherever they are.
 */
#include "host/hardlink.h"

#include <fts.h>
#include <stdlib.h>

#include "host/util.h"

static int
compare(const void *a, const void *b)
{
	const struct hardlink *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return (x->ino > y->ino) - (x->ino < y->ino);
}

static void
add(struct hardlinks *h, const struct stat *st)
{
	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 64;
		h->v = util_realloc(h->v, h->cap * sizeof(*h->v));
	}
	h->v[h->n++] =
	    (struct hardlink){.dev = st->st_dev, .ino = st->st_ino, .count = 1};
}

/* Makes one entry of equal neighbours, and drops those that have none. */
static void
merge(struct hardlinks *h)
{
	size_t i, j, n = 0;

	for (i = 0; i < h->n; i = j) {
		for (j = i + 1; j < h->n; j++)
			if (compare(&h->v[i], &h->v[j]) != 0)
				break;
		if (j - i < 2)
			continue;
		h->v[n] = h->v[i];
		h->v[n].count = h->v[n].left = (uint32_t)(j - i);
		n++;
	}
	h->n = n;
}

void
hardlinks_find(struct hardlinks *h, const char *dir)
{
	char *roots[] = {(char *)dir, NULL};
	FTSENT *e;
	FTS *t;

	t = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (t == NULL)
		return;
	while ((e = fts_read(t)) != NULL)
		if (e->fts_info == FTS_F && e->fts_statp->st_nlink > 1)
			add(h, e->fts_statp);
	fts_close(t);
	if (h->n > 0)
		qsort(h->v, h->n, sizeof(*h->v), compare);
	merge(h);
}

struct hardlink *
hardlinks_get(const struct hardlinks *h, const struct stat *st)
{
	struct hardlink key = {.dev = st->st_dev, .ino = st->st_ino};

	if (h->n == 0)
		return NULL;
	return bsearch(&key, h->v, h->n, sizeof(key), compare);
}

void
hardlinks_free(struct hardlinks *h)
{
	free(h->v);
	*h = (struct hardlinks){0};
}
