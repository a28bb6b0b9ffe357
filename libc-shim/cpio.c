/* SPDX-License-Identifier: ISC */
/* The cpio "newc" reader; see cpio.h. */
#include "libc-shim/cpio.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define HEADER_LEN 110 /* "070701" and 13 fields of 8 hexadecimal digits */
#define FIELDS     13
#define NAME_LIMIT 4096

enum field {
	F_INO,
	F_MODE,
	F_UID,
	F_GID,
	F_NLINK,
	F_MTIME,
	F_FILESIZE,
	F_DEVMAJOR,
	F_DEVMINOR,
	F_RDEVMAJOR,
	F_RDEVMINOR,
	F_NAMESIZE,
	F_CHECK
};

void
cpio_init(struct cpio *c, const void *base, size_t len)
{
	memset(c, 0, sizeof(*c));
	c->base = base;
	c->len = len;
}

static int
broken(struct cpio *c, const char *error)
{
	c->error = error;
	return -EINVAL;
}

static bool
hex_parse(const uint8_t *p, uint32_t *out)
{
	uint32_t v = 0;
	unsigned i, c;

	for (i = 0; i < 8; i++) {
		c = p[i];
		if (c >= '0' && c <= '9')
			c -= '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			c = (c | 32) - 'a' + 10;
		else
			return false;
		v = v << 4 | c;
	}
	*out = v;
	return true;
}

static bool
starts_with(const struct cpio *c, const char *magic, size_t len)
{
	return c->len - c->at >= len &&
	       memcmp(c->base + c->at, magic, len) == 0;
}

/* Says what the bytes are that should have been a header. */
static int
not_a_header(struct cpio *c)
{
	if (starts_with(c, "\x1f\x8b", 2))
		return broken(
		    c, "it is compressed with gzip; give it unpacked");
	if (starts_with(c,
		"\xfd"
		"7zXZ",
		5) ||
	    starts_with(c, "\x28\xb5\x2f\xfd", 4) || starts_with(c, "BZh", 3))
		return broken(c, "it is compressed; give it unpacked");
	if (starts_with(c, "070707", 6) || starts_with(c, "\xc7\x71", 2))
		return broken(c, "old cpio format; make it with cpio -H newc");
	return broken(c, "no cpio header (newc) here");
}

static int
header_parse(struct cpio *c, uint32_t *f)
{
	const uint8_t *p = c->base + c->at;
	unsigned i;

	if (!starts_with(c, "070701", 6) && !starts_with(c, "070702", 6))
		return not_a_header(c);
	if (c->len - c->at < HEADER_LEN)
		return broken(c, "it ends inside a header");
	for (i = 0; i < FIELDS; i++)
		if (!hex_parse(p + 6 + 8UL * i, &f[i]))
			return broken(c, "a header field is not hexadecimal");
	return 0;
}

/* Names and data are padded to 4 bytes from the start of their archive. */
static size_t
padded(const struct cpio *c, size_t at)
{
	return c->start + ((at - c->start + 3) & ~(size_t)3);
}

/* Takes name and data, which follow the header. */
static int
body_parse(struct cpio *c, const uint32_t *f, struct cpio_entry *e)
{
	size_t at = c->at + HEADER_LEN, left = c->len - at;
	uint32_t namesize = f[F_NAMESIZE];
	const char *name = (const char *)c->base + at;

	if (namesize < 2 || namesize > NAME_LIMIT)
		return broken(c, "a name is empty or too long");
	if (namesize > left)
		return broken(c, "it ends inside a name");
	if (memchr(name, '\0', namesize) != name + namesize - 1)
		return broken(c, "a name does not end where it should");
	at = padded(c, at + namesize);
	if (at > c->len || f[F_FILESIZE] > c->len - at)
		return broken(c, "it ends inside a file's data");
	e->name = name;
	e->data = c->base + at;
	e->len = f[F_FILESIZE];
	at = padded(c, at + e->len);
	c->at = at < c->len ? at : c->len;
	return 0;
}

/* "070702" headers hold the sum of a regular file's bytes, or 0 where the
 * data comes with another name of the file. */
static bool
sum_is_right(const struct cpio_entry *e, uint32_t expected)
{
	uint32_t sum = 0;
	size_t i;

	if ((e->mode & 0170000) != 0100000 || e->len == 0)
		return true;
	for (i = 0; i < e->len; i++)
		sum += e->data[i];
	return sum == expected;
}

static void
entry_fill(struct cpio_entry *e, const uint32_t *f)
{
	e->ino = f[F_INO];
	e->mode = f[F_MODE];
	e->uid = f[F_UID];
	e->gid = f[F_GID];
	e->nlink = f[F_NLINK];
	e->mtime = f[F_MTIME];
	e->dev_major = f[F_DEVMAJOR];
	e->dev_minor = f[F_DEVMINOR];
	e->rdev_major = f[F_RDEVMAJOR];
	e->rdev_minor = f[F_RDEVMINOR];
}

/* Past the zeros that may pad an archive; they do not end at any multiple. */
static void
skip_zeros(struct cpio *c)
{
	while (c->at < c->len && c->base[c->at] == 0)
		c->at++;
}

/* True if a trailer came and the next archive, if any, is next. */
static bool
archive_ended(struct cpio *c, const struct cpio_entry *e)
{
	if (strcmp(e->name, "TRAILER!!!") != 0)
		return false;
	c->ntrailer++;
	skip_zeros(c);
	c->start = c->at;
	return true;
}

int
cpio_next(struct cpio *c, struct cpio_entry *e)
{
	uint32_t f[FIELDS];
	size_t header;
	int err;

	do {
		if (c->at == c->len && c->ntrailer > 0 && c->at == c->start)
			return 0;
		if (c->at == c->len)
			return broken(c, "it ends without a trailer");
		header = c->at;
		err = header_parse(c, f);
		if (err == 0)
			err = body_parse(c, f, e);
		if (err != 0)
			return err;
	} while (archive_ended(c, e));
	entry_fill(e, f);
	if (c->base[header + 5] == '2' && !sum_is_right(e, f[F_CHECK])) {
		c->at = header;
		return broken(c, "a file's checksum is wrong");
	}
	return 1;
}
