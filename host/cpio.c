/* SPDX-License-Identifier: ISC */
/*
 * Packing a folder as a cpio archive: see cpio.h.  Format "newc": a magic
 * number, 13 numbers of 8 hex digits, the name, the contents; name and
 * contents padded to 4 bytes; a last entry called TRAILER!!!.  cpio(5) of
 * libarchive describes it.  Names of one file share its number and tell how
 * many they are; the last brings the contents.
 */
#include "host/cpio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host/hardlink.h"
#include "host/text.h"
#include "host/util.h"

#define MAGIC     "070701"
#define MAGIC_CRC "070702"
#define MAGIC_LEN 6
#define CHUNK     65536

struct packer {
	int fd;
	uint32_t inode;
	uint64_t written;
	struct text path; /* of the file at hand, below and with `dir` */
	size_t root_len;  /* bytes of `path` that the archive leaves out */
	struct hardlinks links;
};

static bool
complain(const struct packer *k, int err)
{
	util_report("cannot pack %s: %s", k->path.p, strerror(err));
	return false;
}

static bool
put(struct packer *k, const void *p, size_t len)
{
	int err = util_write(k->fd, p, len);

	k->written += len;
	if (err == 0)
		return true;
	util_report("cannot write the archive: %s", strerror(-err));
	return false;
}

static bool
put_padding(struct packer *k)
{
	return put(k, "\0\0\0", (size_t)(-k->written & 3));
}

/* The file's number in the archive, which its names share. */
static uint32_t
number(struct packer *k, struct hardlink *l)
{
	if (l == NULL)
		return ++k->inode;
	if (l->number == 0)
		l->number = ++k->inode;
	return l->number;
}

/* `l` is NULL for a file of one name. */
static bool
put_header(struct packer *k, const char *name, const struct stat *st,
    uint64_t len, struct hardlink *l)
{
	uint32_t nlink = S_ISDIR(st->st_mode) ? 2 : 1;
	struct text t = {0};
	unsigned rdev_major = 0, rdev_minor = 0;
	bool ok;

	if (l != NULL)
		nlink = l->count;
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		rdev_major = major(st->st_rdev);
		rdev_minor = minor(st->st_rdev);
	}
	text_addf(&t,
	    MAGIC "%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x"
		  "%08x%s",
	    number(k, l), st->st_mode, 0, 0, nlink, (uint32_t)st->st_mtime,
	    (uint32_t)len, 0, 0, rdev_major, rdev_minor,
	    (unsigned)strlen(name) + 1, 0, name);
	ok = put(k, t.p, t.len + 1) && put_padding(k);
	text_free(&t);
	return ok;
}

static bool
put_contents(struct packer *k, int fd, uint64_t len)
{
	char *buf = util_realloc(NULL, CHUNK);
	bool ok = true;
	ssize_t n;

	while (ok && len > 0) {
		n = read(fd, buf, len < CHUNK ? len : CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) { /* an error, or it shrank under our hands */
			ok = complain(k, n < 0 ? errno : EAGAIN);
			break;
		}
		ok = put(k, buf, (size_t)n);
		len -= (uint64_t)n;
	}
	free(buf);
	return ok && put_padding(k);
}

/* How much to write of a file that is open, under this name. */
static uint64_t
contents_due(const struct stat *st, struct hardlink *l)
{
	if (l != NULL && l->left > 0)
		l->left--;
	return l != NULL && l->left > 0 ? 0 : (uint64_t)st->st_size;
}

static bool
pack_opened(struct packer *k, const char *name, int fd)
{
	struct hardlink *l;
	struct stat st;
	uint64_t len;

	if (fstat(fd, &st) < 0)
		return complain(k, errno);
	if (st.st_size > UINT32_MAX)
		return complain(k, EFBIG);
	l = hardlinks_get(&k->links, &st);
	len = contents_due(&st, l);
	return put_header(k, name, &st, len, l) && put_contents(k, fd, len);
}

static bool
pack_file(struct packer *k, const char *name)
{
	bool ok;
	int fd;

	fd = open(k->path.p, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return complain(k, errno);
	ok = pack_opened(k, name, fd);
	close(fd);
	return ok;
}

static bool
pack_link(struct packer *k, const char *name, const struct stat *st)
{
	char target[4096];
	ssize_t n;

	n = readlink(k->path.p, target, sizeof(target));
	if (n < 0)
		return complain(k, errno);
	return put_header(k, name, st, (uint64_t)n, NULL) &&
	       put(k, target, (size_t)n) && put_padding(k);
}

static bool pack_folder(struct packer *k);

/* The file k->path names. */
static bool
pack_entry(struct packer *k)
{
	const char *name = k->path.p + k->root_len;
	struct stat st;

	if (lstat(k->path.p, &st) < 0)
		return complain(k, errno);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return pack_file(k, name);
	case S_IFLNK:
		return pack_link(k, name, &st);
	case S_IFDIR:
		return put_header(k, name, &st, 0, NULL) && pack_folder(k);
	case S_IFSOCK:
		util_report("%s is a socket: left out", k->path.p);
		return true;
	default:
		return put_header(k, name, &st, 0, NULL);
	}
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

/* Everything in the folder k->path names. */
static bool
pack_folder(struct packer *k)
{
	size_t len = k->path.len;
	struct dirent **list;
	bool ok = true;
	int i, n;

	n = scandir(k->path.p, &list, not_dots, by_bytes);
	if (n < 0)
		return complain(k, errno);
	for (i = 0; i < n; i++) {
		if (ok) {
			text_addf(&k->path, "/%s", list[i]->d_name);
			ok = pack_entry(k);
			k->path.len = len;
			k->path.p[len] = '\0';
		}
		free(list[i]);
	}
	free(list);
	return ok;
}

/* False if a name that should have brought a file's contents is gone. */
static bool
all_contents_packed(const struct packer *k)
{
	size_t i;

	for (i = 0; i < k->links.n; i++) {
		if (k->links.v[i].left == 0)
			continue;
		util_report(
		    "%s changed while it was packed; try again", k->path.p);
		return false;
	}
	return true;
}

bool
cpio_pack(const char *dir, int fd)
{
	struct packer k = {.fd = fd};
	struct stat none = {0};
	bool ok;

	text_adds(&k.path, dir);
	k.root_len = k.path.len + 1;
	hardlinks_find(&k.links, dir);
	ok = pack_folder(&k) && all_contents_packed(&k);
	k.inode = UINT32_MAX; /* the trailer's is 0 */
	ok = ok && put_header(&k, "TRAILER!!!", &none, 0, NULL);
	hardlinks_free(&k.links);
	text_free(&k.path);
	return ok;
}

bool
cpio_check(const char *path)
{
	char magic[MAGIC_LEN] = "";
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, magic, sizeof(magic));
	if (n < 0)
		util_report("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	if (n == MAGIC_LEN && (memcmp(magic, MAGIC, MAGIC_LEN) == 0 ||
				  memcmp(magic, MAGIC_CRC, MAGIC_LEN) == 0))
		return true;
	util_report("%s is not a plain cpio archive of the newc format; give "
		    "a folder, or unpack it first if it is compressed",
	    path);
	return false;
}
