/* SPDX-License-Identifier: ISC */
/*
 * Files and directories of a file system that is served by FUSE: handles, data,
 * entries.  Data goes straight between the server and the buffers of the
 * application, in units of what the server takes, several of them in flight.
 */
#include "libc-shim/fuse.h"

#include <string.h>

#include "kernel/barrier.h"
#include "libc-shim/linux_abi.h"
#include "libc-shim/touch.h"

#define DIR_BYTES     (FUSE_DIR_PAGES * PAGE_SIZE)
#define FRUITLESS_MAX 4 /* lists of entries that hold no name of use */

_Static_assert(sizeof(struct fuse_open_out) == 16, "<linux/fuse.h>");
_Static_assert(sizeof(struct fuse_read_in) == 40, "<linux/fuse.h>");
_Static_assert(sizeof(struct fuse_write_in) == 40, "<linux/fuse.h>");
_Static_assert(sizeof(struct fuse_dirent) == 24, "<linux/fuse.h>");
_Static_assert(offsetof(struct fuse_dirent, namelen) == 16, "<linux/fuse.h>");

/* --- handles: opened under n->lock, then they stay --- */

static void
handle_set(struct fuse_handle *h, uint64_t fh)
{
	h->fh = fh;
	store_release(&h->open, true);
}

/* What accmode wants and is not open yet, in one handle. */
static int
handles_open(struct fuse_node *n, int accmode)
{
	bool reads = accmode != O_WRONLY && !n->reader.open;
	bool writes = accmode != O_RDONLY && !n->writer.open;
	struct fuse_open_in in = {0};
	struct fuse_open_out out;
	struct fuse_req r;
	int err;

	if (!reads && !writes)
		return 0;
	in.flags = linux_open_flags(!writes ? O_RDONLY
				    : reads ? O_RDWR
					    : O_WRONLY);
	fuse_req_init(
	    &r, n->fs, S_ISDIR(n->node.type) ? FUSE_OPENDIR : FUSE_OPEN, n->id);
	fuse_req_part(&r, &in, sizeof(in));
	fuse_req_reply(&r, &out, sizeof(out), true);
	err = fuse_call(n->fs, &r);
	if (err != 0)
		return err;
	n->one_handle = reads && writes;
	if (reads)
		handle_set(&n->reader, out.fh);
	if (writes)
		handle_set(&n->writer, out.fh);
	return 0;
}

int
fuse_open(struct node *node, int flags)
{
	struct fuse_node *n = fuse_node_of(node);
	int err;

	sleeplock_take(&n->lock);
	err = handles_open(n, flags & O_ACCMODE);
	sleeplock_give(&n->lock);
	return err;
}

/* Applications open before they read or write; the shim itself need not. */
static int
handle_get(struct fuse_node *n, int accmode, uint64_t *fh)
{
	struct fuse_handle *h = accmode == O_RDONLY ? &n->reader : &n->writer;
	int err = load_acquire(&h->open) ? 0 : fuse_open(&n->node, accmode);

	*fh = h->fh;
	return err;
}

bool
fuse_writer(struct fuse_node *n, uint64_t *fh)
{
	if (!load_acquire(&n->writer.open))
		return false;
	*fh = n->writer.fh;
	return true;
}

void
fuse_handle_release(struct fuse_fs *fs, uint64_t id, mode_t type, uint64_t fh)
{
	struct fuse_release_in in = {.fh = fh};
	struct fuse_req r;

	fuse_req_init(
	    &r, fs, S_ISDIR(type) ? FUSE_RELEASEDIR : FUSE_RELEASE, id);
	fuse_req_part(&r, &in, sizeof(in));
	fuse_call(fs, &r);
}

static void
handle_release(struct fuse_node *n, uint64_t fh)
{
	fuse_handle_release(n->fs, n->id, n->node.type, fh);
}

void
fuse_handle_set(struct fuse_node *n, uint64_t fh)
{
	bool used;

	sleeplock_take(&n->lock);
	used = !n->reader.open && !n->writer.open;
	if (used) {
		n->one_handle = true;
		handle_set(&n->reader, fh);
		handle_set(&n->writer, fh);
	}
	sleeplock_give(&n->lock);
	if (!used)
		handle_release(n, fh);
}

void
fuse_handles_end(struct fuse_node *n)
{
	if (n->reader.open)
		handle_release(n, n->reader.fh);
	if (n->writer.open && !n->one_handle)
		handle_release(n, n->writer.fh);
	if (n->entries != NULL)
		page_free(n->entries, FUSE_DIR_PAGES);
}

int
fuse_sync(struct node *node)
{
	struct fuse_node *n = fuse_node_of(node);
	struct fuse_fsync_in in = {0};
	struct fuse_req r;
	int err;

	if (!fuse_writer(n, &in.fh)) {
		if (!load_acquire(&n->reader.open))
			return 0;
		in.fh = n->reader.fh;
	}
	fuse_req_init(&r, n->fs,
	    S_ISDIR(n->node.type) ? FUSE_FSYNCDIR : FUSE_FSYNC, n->id);
	fuse_req_part(&r, &in, sizeof(in));
	err = fuse_call(n->fs, &r);
	return err == -ENOSYS ? 0 : err; /* it keeps nothing back */
}

/* --- data --- */

/* One request of a read or write. */
struct unit {
	struct fuse_req req;
	union {
		struct fuse_read_in read;
		struct fuse_write_in write;
	};
	struct fuse_write_out wrote;
	uint32_t len;
};

struct transfer {
	struct fuse_node *n;
	uint64_t fh, pos;
	char *p;
	size_t len;
	bool writes;
	struct unit unit[FUSE_WINDOW];
	unsigned started, finished; /* units */
	size_t asked, done;         /* bytes */
	bool over;                  /* nothing more is asked for */
	long err;                   /* why; or 0 */
};

static int
unit_start(struct transfer *t, struct unit *u)
{
	struct fuse_fs *fs = t->n->fs;
	char *p = t->p + t->asked;

	u->len = t->len - t->asked < fs->unit ? (uint32_t)(t->len - t->asked)
					      : fs->unit;
	fuse_req_init(
	    &u->req, fs, t->writes ? FUSE_WRITE : FUSE_READ, t->n->id);
	if (t->writes) {
		u->write = (struct fuse_write_in){
		    .fh = t->fh, .offset = t->pos + t->asked, .size = u->len};
		fuse_req_part(&u->req, &u->write, sizeof(u->write));
		fuse_req_part(&u->req, p, u->len);
		fuse_req_reply(&u->req, &u->wrote, sizeof(u->wrote), true);
	} else {
		u->read = (struct fuse_read_in){
		    .fh = t->fh, .offset = t->pos + t->asked, .size = u->len};
		fuse_req_part(&u->req, &u->read, sizeof(u->read));
		fuse_req_reply(&u->req, p, u->len, false);
	}
	return fuse_req_start(fs, &u->req);
}

/* Bytes of it that were done, or -errno. */
static long
unit_finish(struct transfer *t, struct unit *u)
{
	long r = fuse_req_finish(t->n->fs, &u->req);

	if (r < 0 || !t->writes)
		return r;
	r = u->wrote.size;
	return r <= u->len ? r
			   : fuse_break(t->n->fs, "it wrote more than it got");
}

/* Where a file may have ended, reads go on one by one. */
static bool
may_start(const struct transfer *t)
{
	unsigned in_flight = t->started - t->finished;

	if (t->over || t->asked == t->len || in_flight == FUSE_WINDOW)
		return false;
	return t->writes || in_flight == 0 ||
	       t->pos + t->asked < load_acquire(&t->n->size);
}

static void
units_start(struct transfer *t)
{
	struct unit *u;

	while (may_start(t)) {
		u = &t->unit[t->started % FUSE_WINDOW];
		t->err = unit_start(t, u);
		t->over = t->err != 0;
		if (t->over)
			return;
		t->asked += u->len;
		t->started++;
	}
}

/* Units count up to the first that is short: a file's end, or an error.  Those
 * behind it are in flight, and waited for. */
static long
transfer(struct transfer *t)
{
	bool counts = true;
	struct unit *u;
	long r;

	for (units_start(t); t->finished != t->started; units_start(t)) {
		u = &t->unit[t->finished++ % FUSE_WINDOW];
		r = unit_finish(t, u);
		if (!counts)
			continue;
		if (r > 0)
			t->done += (size_t)r;
		if (r == (long)u->len)
			continue;
		counts = false;
		t->over = true;
		t->err = r < 0 ? r : 0;
	}
	if (t->done > 0)
		return (long)t->done;
	return t->writes && t->err == 0 ? -EIO : t->err; /* it took nothing */
}

static void
transfer_init(
    struct transfer *t, struct fuse_node *n, void *p, size_t len, bool writes)
{
	touch(p, len, !writes);
	t->writes = writes;
	t->n = n;
	t->p = p;
	t->len = len;
	t->started = t->finished = 0;
	t->asked = t->done = 0;
	t->over = false;
	t->err = 0;
}

/* Of len bytes from pos those below what a file can be long. */
static size_t
bounded(size_t len, uint64_t pos)
{
	if (pos >= INT64_MAX)
		return 0;
	return len < INT64_MAX - pos ? len : INT64_MAX - pos;
}

long
fuse_read(struct node *node, void *p, size_t len, uint64_t *pos)
{
	struct transfer t;
	long r;

	len = bounded(len, *pos);
	if (len == 0)
		return 0;
	transfer_init(&t, fuse_node_of(node), p, len, false);
	t.pos = *pos;
	r = handle_get(t.n, O_RDONLY, &t.fh);
	if (r == 0)
		r = transfer(&t);
	if (r > 0)
		*pos += (uint64_t)r;
	return r;
}

/* At t->pos, or at the end, which only writers elsewhere than in this guest
 * can move meanwhile. */
static long
write_at(struct transfer *t)
{
	bool append = t->pos == FILE_END;
	int64_t end = 0;
	long r;

	if (append) {
		sleeplock_take(&t->n->lock);
		end = fuse_size(&t->n->node);
		t->pos = (uint64_t)end;
	}
	t->len = bounded(t->len, t->pos);
	r = end < 0 ? end : t->len == 0 ? -EFBIG : transfer(t);
	if (append)
		sleeplock_give(&t->n->lock);
	return r;
}

long
fuse_write(struct node *node, const void *p, size_t len, uint64_t *pos)
{
	struct transfer t;
	long r;

	if (len == 0)
		return 0;
	transfer_init(&t, fuse_node_of(node), (void *)(uintptr_t)p, len, true);
	t.pos = *pos;
	r = handle_get(t.n, O_WRONLY, &t.fh);
	if (r == 0)
		r = write_at(&t);
	if (r <= 0)
		return r;
	*pos = t.pos + (uint64_t)r;
	if (*pos > load_acquire(&t.n->size))
		store_release(&t.n->size, *pos);
	return r;
}

/* --- entries: n->lock held --- */

/* Asks for entries from `offset` on; 1, or 0: there are none. */
static long
entries_fetch(struct fuse_node *n, uint64_t offset)
{
	struct fuse_read_in in = {.offset = offset, .size = DIR_BYTES};
	struct fuse_req r;
	long len = handles_open(n, O_RDONLY);

	if (len == 0 && n->entries == NULL) {
		n->entries = page_alloc(FUSE_DIR_PAGES);
		len = n->entries == NULL ? -ENOMEM : 0;
	}
	if (len != 0)
		return len;
	n->entries_at = n->entries_end = 0;
	in.fh = n->reader.fh;
	fuse_req_init(&r, n->fs, FUSE_READDIR, n->id);
	fuse_req_part(&r, &in, sizeof(in));
	fuse_req_reply(&r, n->entries, DIR_BYTES, false);
	len = fuse_req_start(n->fs, &r);
	if (len == 0)
		len = fuse_req_finish(n->fs, &r);
	if (len <= 0) {
		page_free(n->entries, FUSE_DIR_PAGES);
		n->entries = NULL;
		return len;
	}
	n->entries_end = (size_t)len;
	n->entries_offset = offset;
	return 1;
}

static bool
name_ok(const char *name, size_t len)
{
	return memchr(name, '/', len) == NULL &&
	       memchr(name, '\0', len) == NULL;
}

/* The next entry that was fetched, copied and checked. */
static int
entry_take(struct fuse_node *n, struct vfs_entry *e)
{
	size_t left = n->entries_end - n->entries_at, len;
	const char *at = n->entries + n->entries_at;
	struct fuse_dirent d;

	if (left < sizeof(d))
		return fuse_break(n->fs, "an entry is cut off");
	memcpy(&d, at, sizeof(d));
	if (d.namelen == 0 || d.namelen > VFS_NAME_MAX)
		return fuse_break(n->fs, "an entry's name is too long");
	len = FUSE_DIRENT_SIZE(&d);
	if (len > left || d.off > UINT64_MAX - 2)
		return fuse_break(n->fs, "an entry is cut off");
	memcpy(e->name, at + sizeof(d), d.namelen);
	e->name[d.namelen] = '\0';
	if (!name_ok(e->name, d.namelen))
		return fuse_break(n->fs, "an entry's name is a path");
	e->ino = d.ino;
	e->type = d.type << 12 & S_IFMT; /* 0: it does not say */
	n->entries_at += len;
	n->entries_offset = d.off;
	return 0;
}

/* The first entry from `offset` on that is not a dot.  1; 0: no more. */
static long
entry_next(struct fuse_node *n, uint64_t offset, struct vfs_entry *e)
{
	unsigned fruitless = 0;
	long r;

	for (;;) {
		/* From the beginning it is always asked anew. */
		if (offset == 0 || offset != n->entries_offset ||
		    n->entries_at == n->entries_end) {
			if (fruitless++ == FRUITLESS_MAX)
				return fuse_break(n->fs, "endless dots");
			r = entries_fetch(n, offset);
			if (r <= 0)
				return r;
		}
		r = entry_take(n, e);
		if (r != 0)
			return r;
		if (!vfs_is_dots(e->name))
			return 1;
		offset = n->entries_offset;
	}
}

/* A cookie is the server's offset, and two more. */
int
fuse_readdir(struct node *dir, uint64_t *cookie, struct vfs_entry *e)
{
	struct fuse_node *n = fuse_node_of(dir);
	long r;

	sleeplock_take(&n->lock);
	r = entry_next(n, *cookie - 2, e);
	if (r == 1)
		*cookie = n->entries_offset + 2;
	sleeplock_give(&n->lock);
	return (int)r;
}
