/* SPDX-License-Identifier: ISC */
/*
 * Data over 9P2000.L.  Data moves between the caller's memory and the server
 * without a copy of ours; a large piece is cut into messages of msize, several
 * of which are under way at a time.
 */
#include <string.h>

#include "libc-shim/p9_node.h"
#include "libc-shim/touch.h"

#define WINDOW 4 /* pieces under way */
#define DOTS   2 /* entries "." and ".." that a server may give in a row */

/* A piece of a file's data, one way or the other. */
struct transfer {
	struct p9node *n;
	uint32_t fid;
	bool writes;
	char *p;
	size_t len;
	uint64_t off;
	uint32_t piece; /* bytes in a message */
	size_t asked;   /* bytes so far for which there is a request */
};

static int
piece_start(struct transfer *t, struct p9_io *m, bool wait)
{
	size_t left = t->len - t->asked;
	int err;

	p9_io_init(m, t->writes ? P9_TWRITE : P9_TREAD);
	m->c.data = t->p + t->asked;
	m->c.data_len = left < t->piece ? (uint32_t)left : t->piece;
	m->c.data_in = !t->writes;
	m->c.patient = true;
	p9_put(&m->c.out, t->fid, 4);
	p9_put(&m->c.out, t->off + t->asked, 8);
	p9_put(&m->c.out, m->c.data_len, 4);
	err = p9_start(&t->n->fs->session, &m->c, wait);
	if (err == 0)
		t->asked += m->c.data_len;
	return err;
}

static long
piece_finish(struct transfer *t, struct p9_io *m)
{
	struct p9_session *s = &t->n->fs->session;
	int err = p9_finish(s, &m->c);
	uint32_t count;

	if (err != 0)
		return err;
	count = (uint32_t)p9_get(&m->c.in, 4);
	err = p9_checked(s, &m->c);
	if (err == 0 && (count > m->c.data_len ||
			    (!t->writes && count > m->c.size - P9_REPLY)))
		err = p9_session_fail(s, "more data than was asked for");
	return err != 0 ? err : (long)count;
}

/* Bytes up to the first piece that was not whole; what may have moved behind
 * it does not count. */
static long
transfer(struct transfer *t)
{
	/* A read may find the end at once: the first piece tells. */
	unsigned first = 0, under_way = 0, window = t->writes ? WINDOW : 1;
	struct p9_io m[WINDOW];
	bool stop = false;
	size_t done = 0;
	int err = 0;
	long n;

	do {
		while (!stop && t->asked < t->len && under_way < window) {
			err = piece_start(t, &m[(first + under_way) % WINDOW],
			    under_way == 0);
			if (err != 0)
				break;
			under_way++;
		}
		stop = stop || (err != 0 && err != -EAGAIN);
		if (under_way == 0)
			break;
		n = piece_finish(t, &m[first]);
		if (!stop) {
			err = n < 0 ? (int)n : 0;
			done += n < 0 ? 0 : (size_t)n;
			stop = n < (long)m[first].c.data_len;
			window = WINDOW;
		}
		first = (first + 1) % WINDOW;
		under_way--;
	} while (under_way > 0 || (!stop && t->asked < t->len));
	return done > 0 ? (long)done : err;
}

static int
transfer_init(struct transfer *t, struct p9node *n, bool writes)
{
	uint32_t most = n->fs->session.msize - P9_IO_ROOM;
	int err = p9node_io_fid(n, writes, &t->fid);

	t->n = n;
	t->writes = writes;
	t->asked = 0;
	t->piece = n->iounit > 0 && n->iounit < most ? n->iounit : most;
	return err;
}

long
p9_read(struct node *node, void *p, size_t len, uint64_t *pos)
{
	struct transfer t = {.p = p, .len = len, .off = *pos};
	long n = transfer_init(&t, p9node_of(node), false);

	touch(p, len, true);
	if (n == 0 && *pos <= INT64_MAX)
		n = transfer(&t);
	if (n > 0)
		*pos += (uint64_t)n;
	return n;
}

static long
write_at(struct transfer *t, uint64_t *pos)
{
	struct p9node *n = t->n;
	long r;

	if (t->len == 0)
		return 0;
	if (*pos >= INT64_MAX)
		return -EFBIG;
	if (t->len > INT64_MAX - *pos)
		t->len = INT64_MAX - *pos;
	t->off = *pos;
	r = transfer(t);
	if (r == 0) /* it took nothing, and does not say why */
		return -EIO;
	if (r < 0)
		return r;
	*pos += (uint64_t)r;
	sleeplock_take(&n->lock);
	if ((off_t)*pos > n->last.st_size)
		n->last.st_size = (off_t)*pos;
	sleeplock_give(&n->lock);
	return r;
}

/*
 * LIMIT: the end of the file is asked for before an appending write; if the
 * host or another guest appends just then, one overwrites the other.
 */
static long
append(struct transfer *t, uint64_t *pos)
{
	struct p9node *n = t->n;
	int64_t end;
	long r;

	sleeplock_take(&n->append);
	end = p9_size(&n->node);
	r = end;
	if (end >= 0) {
		*pos = (uint64_t)end;
		r = write_at(t, pos);
	}
	sleeplock_give(&n->append);
	return r;
}

long
p9_write(struct node *node, const void *p, size_t len, uint64_t *pos)
{
	/* The server only reads it. */
	struct transfer t = {.p = (char *)(uintptr_t)p, .len = len};
	int err = transfer_init(&t, p9node_of(node), true);

	touch(p, len, false);
	if (err != 0)
		return err;
	return *pos == FILE_END ? append(&t, pos) : write_at(&t, pos);
}

int
p9_sync(struct node *node)
{
	struct p9node *n = p9node_of(node);
	struct p9_small m;
	uint32_t fid;
	int err = p9node_io_fid(n, n->write_fid != P9_NOFID, &fid);

	if (err != 0)
		return err;
	p9_small_init(&m, P9_TFSYNC);
	p9_put(&m.c.out, fid, 4);
	p9_put(&m.c.out, 0, 4); /* metadata too */
	m.c.patient = true;
	return p9_call(&n->fs->session, &m.c);
}

/* --- directories: n->lock held --- */

static void
entries_drop(struct p9node *n)
{
	if (n->entries != NULL)
		page_free(n->entries, P9_DIR_PAGES);
	n->entries = NULL;
	n->entries_at = n->entries_len = 0;
}

/* Asks for the entries from the cookie on. */
static int
entries_fetch(struct p9node *n, uint32_t fid, uint64_t cookie)
{
	struct p9_session *s = &n->fs->session;
	uint32_t room = P9_DIR_PAGES * PAGE_SIZE, count;
	struct p9_io m;
	int err;

	if (room > s->msize - P9_REPLY)
		room = s->msize - P9_REPLY;
	if (n->entries == NULL)
		n->entries = page_alloc(P9_DIR_PAGES);
	if (n->entries == NULL)
		return -ENOMEM;
	p9_io_init(&m, P9_TREADDIR);
	m.c.data = n->entries;
	m.c.data_len = room;
	m.c.data_in = true;
	p9_put(&m.c.out, fid, 4);
	p9_put(&m.c.out, cookie - DOTS, 8);
	p9_put(&m.c.out, room, 4);
	err = p9_call(s, &m.c);
	if (err != 0)
		return err;
	count = (uint32_t)p9_get(&m.c.in, 4);
	err = p9_checked(s, &m.c);
	if (err == 0 && (count > room || count > m.c.size - P9_REPLY))
		err = p9_session_fail(s, "more entries than were asked for");
	n->entries_at = 0;
	n->entries_len = err == 0 ? count : 0;
	n->cookie = cookie;
	return err;
}

/* The next entry of those at hand. */
static int
entry_take(struct p9node *n, uint64_t *cookie, struct vfs_entry *e)
{
	struct p9_msg m = {n->entries, n->entries_len, n->entries_at, false};

	e->ino = p9_get_qid(&m).path;
	n->cookie = p9_get(&m, 8) + DOTS;
	e->type = (mode_t)(p9_get(&m, 1) & 15) << 12;
	p9_get_string(&m, e->name, sizeof(e->name));
	if (m.bad || e->name[0] == '\0' || strchr(e->name, '/') != NULL)
		return p9_session_fail(
		    &n->fs->session, "a directory has an impossible name");
	n->entries_at = m.at;
	*cookie = n->cookie;
	return 0;
}

/* A cookie is what the server calls an offset, plus two. */
int
p9_readdir(struct node *node, uint64_t *cookie, struct vfs_entry *e)
{
	struct p9node *n = p9node_of(node);
	unsigned dots = 0;
	uint32_t fid;
	int err = p9node_io_fid(n, false, &fid);

	sleeplock_take(&n->lock);
	while (err == 0) {
		if (n->entries_at >= n->entries_len || n->cookie != *cookie ||
		    *cookie == DOTS)
			err = entries_fetch(n, fid, *cookie);
		if (err != 0 || n->entries_len == 0)
			break;
		err = entry_take(n, cookie, e);
		if (err != 0 || !vfs_is_dots(e->name)) {
			err = err == 0 ? 1 : err;
			break;
		}
		if (++dots > DOTS)
			err = p9_session_fail(
			    &n->fs->session, "a directory has too many dots");
	}
	if (err <= 0)
		entries_drop(n);
	sleeplock_give(&n->lock);
	return err;
}

/* --- symbolic links --- */

/* The reply is header[7] length[2] target: its first two bytes arrive with the
 * fixed part, the others behind them in `text`. */
static long
target_take(
    struct p9_session *s, struct p9_io *m, char *text, char *buf, size_t len)
{
	uint32_t n = (uint32_t)p9_get(&m->c.in, 2);
	int err;

	text[0] = (char)p9_get(&m->c.in, n > 0 ? 1 : 0);
	text[1] = (char)p9_get(&m->c.in, n > 1 ? 1 : 0);
	err = p9_checked(s, &m->c);
	if (err == 0 && n > m->c.size - P9_HEADER - 2)
		err = p9_session_fail(s, "a link's target is too short");
	if (err != 0)
		return err;
	if (len > n)
		len = n;
	memcpy(buf, text, len);
	if (memchr(buf, '\0', len) != NULL)
		return p9_session_fail(s, "a link's target holds a NUL");
	return (long)len;
}

long
p9_readlink(struct node *node, char *buf, size_t len)
{
	struct p9node *n = p9node_of(node);
	char *text;
	struct p9_io m;
	long r;

	if (!S_ISLNK(node->type))
		return -EINVAL;
	text = heap_alloc(VFS_PATH_MAX + 2);
	if (text == NULL)
		return -ENOMEM;
	p9_io_init(&m, P9_TREADLINK);
	m.c.data = text + 2;
	m.c.data_len = VFS_PATH_MAX;
	m.c.data_in = true;
	p9_put(&m.c.out, n->fid, 4);
	r = p9_call(&n->fs->session, &m.c);
	if (r == 0)
		r = target_take(&n->fs->session, &m, text, buf, len);
	heap_free(text, VFS_PATH_MAX + 2);
	return r;
}
