/* SPDX-License-Identifier: ISC */
/*
 * The 9P client and a server that answers correctly until the input says
 * otherwise: bytes of a reply become others, or its end moves.  Whatever comes,
 * calls end, names are sane, and nothing is left behind.
 *
 * An input is a list of operations, a byte each with its arguments; a reply
 * takes one byte, and more if that is a lie.
 */
/* LINK: tests/unit/root_stub.c */
/* LINK: tests/unit/fake_9p.c tests/unit/fake_9p_channel.c */
/* LINK: tests/unit/kernel_stub.c libc-shim/p9.c */
/* LINK: libc-shim/p9_node.c libc-shim/p9_attr.c libc-shim/p9_io.c */
/* LINK: libc-shim/p9_session.c libc-shim/p9_msg.c libc-shim/linux_abi.c */
/* LINK: libc-shim/sleeplock.c libc-shim/vfs.c */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "libc-shim/mount.h"
#include "libc-shim/p9_node.h"
#include "tests/unit/fake_9p.h"
#include "tests/unit/kernel_stub.h"

#define NODES   8   /* in use at a time; the first is the root */
#define OPS     100 /* in an input, at most */
#define REPLIES 400
#define HONEST  0xa0 /* a byte below: the reply stays as it is */
#define IO_LEN  (3 * P9_MSIZE_MIN)

static struct fuzz_in in;
static struct node *node[NODES];
static char buf[IO_LEN];
static unsigned nreplies;

/* A reply's size is corrected most of the time, or little else would be seen.
 */
static void
lie(uint8_t type, uint8_t *reply, uint32_t *len)
{
	uint8_t how = fuzz_u8(&in);
	uint32_t at, n;

	(void)type;
	if (how < HONEST || ++nreplies > REPLIES)
		return;
	if (how < 0xb0) {
		*len = fuzz_u16(&in);
	} else if (how < 0xc0) {
		*len += fuzz_u8(&in);
	} else {
		at = how < 0xf0 ? P9_HEADER + fuzz_u8(&in) % 64
				: fuzz_u8(&in) % P9_HEADER;
		n = fuzz_u8(&in) % 8 + 1;
		fuzz_bytes(&in, reply + at, n);
		if (*len < at + n)
			*len = at + n;
	}
	if (how & 15 && *len >= 4 && how < 0xf0)
		memcpy(reply, len, 4);
}

/* A name of the few there are. */
static const char *
name(void)
{
	static const char *const names[] = {
	    "d", "x", "f", "l", "n1", "n2", "a longer name than others", ".."};

	return names[fuzz_u8(&in) % 8];
}

static struct node *
some(void)
{
	unsigned i = fuzz_u8(&in) % NODES;

	return node[i] != NULL ? node[i] : node[0];
}

static struct node *
some_dir(void)
{
	struct node *n = some();

	return S_ISDIR(n->type) ? n : node[0];
}

static void
keep(int err, struct node *n)
{
	unsigned i = 1 + fuzz_u8(&in) % (NODES - 1);

	if (err != 0)
		return;
	ASSERT(n != NULL && n->refs > 0);
	node_put(node[i]);
	node[i] = n;
}

static void
make(void)
{
	static const mode_t types[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO};
	struct node *d = some_dir(), *n = NULL;
	const char *s = name();
	struct node_spec spec = {types[fuzz_u8(&in) % 4] | 0644, 0, "target"};

	if (strcmp(s, "..") != 0)
		keep(d->ops->create(d, s, &spec, &n), n);
}

static void
list(struct node *d)
{
	uint64_t cookie = fuzz_u8(&in) + 2;
	struct vfs_entry e;
	unsigned i;

	for (i = 0; i < 50 && d->ops->readdir(d, &cookie, &e) > 0; i++)
		ASSERT(e.name[0] != '\0' && strchr(e.name, '/') == NULL &&
		       strlen(e.name) <= VFS_NAME_MAX);
}

static void
move(struct node *n, bool writes)
{
	uint64_t pos = fuzz_u8(&in) & 1 && writes ? FILE_END : fuzz_u16(&in);
	size_t len = fuzz_u16(&in) % IO_LEN;
	long r;

	if (!S_ISREG(n->type))
		return;
	r = writes ? n->ops->write(n, buf, len, &pos)
		   : n->ops->read(n, buf, len, &pos);
	ASSERT(r <= (long)len);
}

static void
attributes(struct node *n)
{
	struct node_attr a = {.set = fuzz_u8(&in) & 63};
	struct statvfs sv;
	struct stat st;

	a.size = fuzz_u16(&in);
	n->ops->setattr(n, &a);
	if (n->ops->getattr(n, &st) == 0)
		ASSERT((st.st_mode & S_IFMT) == n->type && st.st_size >= 0);
	n->ops->statfs(n, &sv);
}

static void
names(struct node *d)
{
	const char *old = name(), *new = name();
	struct node *to = some_dir(), *n;

	if (strcmp(old, "..") == 0 || strcmp(new, "..") == 0)
		return;
	switch (fuzz_u8(&in) % 3) {
	case 0:
		d->ops->rename(d, old, to, new);
		break;
	case 1:
		d->ops->unlink(d, old, fuzz_u8(&in) & 1);
		break;
	default:
		n = some();
		if (!S_ISDIR(n->type))
			d->ops->link(d, old, n);
	}
}

static void
operation(void)
{
	struct node *n = NULL, *d;
	long r;

	switch (fuzz_u8(&in) % 9) {
	case 0:
	case 1:
		d = some_dir();
		keep(d->ops->lookup(d, name(), &n), n);
		break;
	case 2:
		make();
		break;
	case 3:
		list(some_dir());
		break;
	case 4:
		n = some();
		n->ops->open(n, S_ISDIR(n->type) ? O_RDONLY : O_RDWR);
		move(n, fuzz_u8(&in) & 1);
		n->ops->sync(n);
		break;
	case 5:
		attributes(some());
		break;
	case 6:
		names(some_dir());
		break;
	case 7:
		n = some();
		r = n->ops->readlink(n, buf, fuzz_u8(&in));
		ASSERT(r < 256);
		break;
	default: /* a name is not believed for ever */
		p9node_of(some())->seen_ns = 0;
	}
}

int
FUZZ(const uint8_t *data, size_t len)
{
	unsigned i;

	in = (struct fuzz_in){data, len};
	nreplies = 0;
	fake_9p_reset();
	fake_9p.msize = P9_MSIZE_MIN;
	fake_9p.lie = lie;
	if (p9_mount(FAKE_9P_TAG, fuzz_u8(&in) == 0xff, &node[0]) == 0) {
		for (i = 0; i < OPS && in.len > 0 && fake_9p.nfailed == 0 &&
			    node[0]->ops->write != NULL;
		     i++)
			operation();
		for (i = NODES; i-- > 0;) {
			node_put(node[i]);
			node[i] = NULL;
		}
	}
	ASSERT(stub_heap_blocks == 0 && stub_pages == 0);
	ASSERT(fake_9p.nfailed <= 1 && fake_9p.under_way == 0);
	ASSERT(!fake_9p.channel.taken);
	fake_9p_reset();
	return 0;
}
