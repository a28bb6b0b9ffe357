/* SPDX-License-Identifier: ISC */
/*
 * A server of FUSE that answers anything: the client mounts it, walks, reads,
 * writes and lists what it is told is there, and unmounts.  Every call ends
 * with a result that a caller can bear, and nothing is left behind.
 *
 * The input is eaten from its front by whoever comes next: an operation, or a
 * reply.  Most replies are right in what is easily checked, so that what they
 * hold is looked at.
 */
/* LINK: tests/unit/root_stub.c */
/* LINK: tests/unit/kernel_stub.c tests/unit/fake_fuse.c libc-shim/fuse.c */
/* LINK: libc-shim/fuse_node.c libc-shim/fuse_file.c libc-shim/fuse_wire.c */
/* LINK: libc-shim/linux_abi.c libc-shim/sleeplock.c libc-shim/vfs.c */
/* LINK: libc-shim/fuse_dirs.c */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "libc-shim/fuse.h"
#include "libc-shim/mount.h"
#include "tests/unit/fake_fuse.h"
#include "tests/unit/kernel_stub.h"

#define NODES    4
#define DATA_MAX 700000

static struct fuzz_in in;
static struct node *nodes[NODES]; /* the first is the root */
static uint8_t data[DATA_MAX];

/* --- the server --- */

/* The bytes of a good reply to it, as far as there is one length. */
static size_t
usual_length(uint32_t opcode, size_t max)
{
	return opcode == FUSE_READLINK || opcode == FUSE_READDIR ||
		       opcode == FUSE_READ
		   ? fuzz_u16(&in) % (max + 1)
		   : max;
}

static long
answer(const struct fuse_in_header *h, const void *body, size_t len, void *out,
    size_t max)
{
	struct fuse_init_out *init = out;
	size_t n;

	(void)body, (void)len;
	if (max == 0)
		return 0;
	n = usual_length(h->opcode, max);
	memset(out, 0, n);
	fuzz_bytes(&in, out, n);
	if (h->opcode == FUSE_INIT && fuzz_u8(&in) < 0xf0) {
		init->major = FUSE_KERNEL_VERSION;
		init->minor |= 31;
		init->max_write |= PAGE_SIZE;
	}
	return (long)n;
}

static void
lie(const struct fuse_in_header *h, struct fake_reply *r, size_t max)
{
	uint8_t how = fuzz_u8(&in);

	(void)h;
	if (how < 0xe0)
		return;
	if (how < 0xf0) { /* an error */
		r->h.len = r->written = sizeof(r->h);
		r->h.error = -(int32_t)fuzz_u16(&in) % 600;
		return;
	}
	fuzz_bytes(&in, &r->h, sizeof(r->h));
	r->written = fuzz_u32(&in) % ((uint32_t)max + 1);
}

/* --- what an application does --- */

/* Keeps a node in the place of another, which may be its parent. */
static void
keep(struct node *n)
{
	unsigned i = 1 + fuzz_u8(&in) % (NODES - 1);

	node_put(nodes[i]);
	nodes[i] = n;
}

static void
use_names(struct node *dir, struct node *n, uint8_t how)
{
	static const char *const names[] = {"a", "b", "..", "c"};
	static const mode_t types[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO};
	struct node_spec spec = {types[how % 4] | 0600, 0, "target"};
	const char *name = names[how % 4];
	struct node *made = NULL;

	if (how < 0x80 && dir->ops->lookup(dir, name, &made) == 0)
		keep(made);
	else if (strcmp(name, "..") == 0)
		return;
	else if (how < 0xa0 && dir->ops->create(dir, name, &spec, &made) == 0)
		keep(made);
	else if (how < 0xb0)
		dir->ops->link(dir, name, n);
	else if (how < 0xc0)
		dir->ops->unlink(dir, name, how & 1);
	else
		dir->ops->rename(dir, name, S_ISDIR(n->type) ? n : dir, "b");
}

static void
use_list(struct node *dir)
{
	uint64_t cookie = 2 + fuzz_u8(&in) % 3;
	struct vfs_entry e;
	unsigned i;

	for (i = 0; i < 8 && dir->ops->readdir(dir, &cookie, &e) > 0; i++) {
		ASSERT(strlen(e.name) > 0 && strlen(e.name) <= VFS_NAME_MAX);
		ASSERT(strchr(e.name, '/') == NULL && cookie >= 2);
		ASSERT(strcmp(e.name, ".") != 0 && strcmp(e.name, "..") != 0);
	}
}

static void
use_data(struct node *n, uint8_t how)
{
	size_t len = fuzz_u32(&in) % DATA_MAX;
	uint64_t pos = how & 1 ? FILE_END : fuzz_u32(&in), at = pos;
	long r;

	if (how & 2)
		n->ops->open(n, how >> 2 & 3 % 3);
	if (how & 1)
		r = n->ops->write(n, data, len, &pos);
	else
		r = n->ops->read(n, data, len, &pos);
	ASSERT(r < 0 || (size_t)r <= len);
	ASSERT(at == FILE_END || pos == at + (r > 0 ? (uint64_t)r : 0));
	if (how & 0x80)
		n->ops->sync(n);
}

static void
use_attributes(struct node *n, uint8_t how)
{
	struct node_attr a = {.set = how & 0x3f};
	struct statvfs sv;
	struct stat st;
	char buf[64];
	long len;

	if (how & 0x40)
		n->ops->setattr(n, &a);
	if (how & 0x80)
		n->ops->statfs(n, &sv);
	if (n->ops->getattr(n, &st) == 0)
		ASSERT((st.st_mode & S_IFMT) == n->type && st.st_size >= 0);
	if (S_ISLNK(n->type)) {
		len = n->ops->readlink(n, buf, sizeof(buf));
		ASSERT(len <= (long)sizeof(buf));
	}
}

static void
use(void)
{
	uint8_t what = fuzz_u8(&in), how = fuzz_u8(&in);
	struct node *n = nodes[what / 4 % NODES], *dir = nodes[0];

	if (n == NULL)
		n = nodes[0];
	if (S_ISDIR(n->type))
		dir = n;
	if (what % 4 == 0)
		use_names(
		    dir, nodes[how % NODES] ? nodes[how % NODES] : n, how);
	else if (what % 4 == 1)
		use_list(dir);
	else if (what % 4 == 2 && S_ISREG(n->type))
		use_data(n, how);
	else
		use_attributes(n, how);
}

int
FUZZ(const uint8_t *input, size_t len)
{
	unsigned i;
	int err;

	in = (struct fuzz_in){input, len};
	fake_fuse_init();
	fake_serve = answer;
	fake_lie = lie;
	err = fuse_mount("tag", false, &nodes[0]);
	ASSERT(err <= 0);
	while (err == 0 && in.len > 0 && !fake_fs.vd->broken)
		use();
	if (err == 0)
		nodes[0]->ops->quiet(nodes[0]);
	for (i = 0; err == 0 && i < NODES; i++) {
		node_put(nodes[i]);
		nodes[i] = NULL;
	}
	ASSERT(stub_pages == 0 && stub_heap_blocks == 0);
	ASSERT(!fake_fs.taken && fake_in_flight == 0);
	return 0;
}
