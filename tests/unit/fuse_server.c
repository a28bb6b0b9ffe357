/* SPDX-License-Identifier: ISC */
/* See fuse_server.h. */
#include "tests/unit/fuse_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "libc-shim/mount.h"
#include "tests/unit/kernel_stub.h"

struct node *server_root;
long server_lookups[SERVER_IDS]; /* of each ID, not yet forgotten */
unsigned server_count[64];       /* requests of each kind */
int server_handles;
uint8_t server_data[SERVER_FILE];
size_t server_data_len;
struct fuse_init_out server_init;
struct fuse_entry_out server_entry; /* what "odd" is */
struct fuse_attr server_odd;        /* what ID 9 has, if it has a mode */
uint8_t server_list[4096];          /* what a directory holds */
size_t server_list_len;
long server_fail_at = -1; /* reading or writing there fails */
unsigned server_forgotten;
uint64_t server_valid;

/* --- an honest server: "fNNN" is file NNN, "d..." a directory --- */

static struct fuse_attr
attr_of(uint64_t id, mode_t mode)
{
	struct fuse_attr a = {.ino = id,
	    .size = server_data_len,
	    .nlink = 1,
	    .blksize = 4096,
	    .mode = mode,
	    .mtime = 77};

	return id == 9 && server_odd.mode != 0 ? server_odd : a;
}

static mode_t
mode_of(uint64_t id)
{
	return id == FUSE_ROOT_ID || id >= 100 ? S_IFDIR | 0755
					       : S_IFREG | 0644;
}

static long
give_entry(uint64_t id, mode_t mode, void *out)
{
	struct fuse_entry_out e = {.nodeid = id,
	    .entry_valid = server_valid,
	    .attr = attr_of(id, mode)};

	if (id > 0 && id < SERVER_IDS)
		server_lookups[id]++;
	memcpy(out, &e, sizeof(e));
	return sizeof(e);
}

static long
serve_name(uint32_t opcode, const char *name, void *out)
{
	unsigned n = 0;

	if (opcode == FUSE_LOOKUP && strcmp(name, "none") == 0)
		return give_entry(0, 0, out);
	if (strcmp(name, "odd") == 0) {
		if (server_entry.nodeid < SERVER_IDS)
			server_lookups[server_entry.nodeid]++;
		memcpy(out, &server_entry, sizeof(server_entry));
		return sizeof(server_entry);
	}
	if (sscanf(name, "f%u", &n) == 1 || sscanf(name, "d%u", &n) == 1)
		return give_entry(
		    n, name[0] == 'd' ? S_IFDIR | 0700 : S_IFREG | 0600, out);
	return -2; /* ENOENT */
}

static long
serve_data(const struct fuse_in_header *in, const void *body, void *out)
{
	const struct fuse_write_in *w = body;
	const struct fuse_read_in *r = body;
	struct fuse_write_out wrote = {.size = w->size};
	size_t n;

	if (server_fail_at >= 0 && r->offset <= (uint64_t)server_fail_at &&
	    r->offset + r->size > (uint64_t)server_fail_at)
		return -28; /* ENOSPC */
	if (in->opcode == FUSE_WRITE) {
		assert_true(w->offset + w->size <= SERVER_FILE);
		memcpy(server_data + w->offset, w + 1, w->size);
		if (server_data_len < w->offset + w->size)
			server_data_len = w->offset + w->size;
		memcpy(out, &wrote, sizeof(wrote));
		return sizeof(wrote);
	}
	n = r->offset < server_data_len ? server_data_len - r->offset : 0;
	n = n < r->size ? n : r->size;
	memcpy(out, server_data + r->offset, n);
	return (long)n;
}

static void
serve_forget(const void *body)
{
	const struct fuse_batch_forget_in *b = body;
	const struct fuse_forget_one *one = (const void *)(b + 1);
	uint32_t i;

	assert_in_range(b->count, 1, 64);
	if (b->count > server_forgotten)
		server_forgotten = b->count;
	for (i = 0; i < b->count; i++) {
		if (one[i].nodeid >= SERVER_IDS)
			continue;
		server_lookups[one[i].nodeid] -= (long)one[i].nlookup;
		assert_true(server_lookups[one[i].nodeid] >= 0);
	}
}

static long
serve_list(const struct fuse_read_in *r, void *out)
{
	size_t n = r->offset == 0 ? server_list_len : 0;

	memcpy(out, server_list, n);
	return (long)n;
}

static long
serve(const struct fuse_in_header *in, const void *body, size_t len, void *out,
    size_t max)
{
	static const size_t before[64] = {
	    [FUSE_CREATE] = sizeof(struct fuse_create_in),
	    [FUSE_MKDIR] = sizeof(struct fuse_mkdir_in),
	    [FUSE_LINK] = sizeof(struct fuse_link_in)};
	struct fuse_attr_out a = {
	    .attr = attr_of(in->nodeid, mode_of(in->nodeid))};
	struct fuse_open_out o = {.fh = in->nodeid + 1000};
	long n;

	assert_in_range(in->opcode, 1, 63);
	server_count[in->opcode]++;
	switch (in->opcode) {
	case FUSE_INIT:
		memcpy(out, &server_init, sizeof(server_init));
		return sizeof(server_init);
	case FUSE_LOOKUP:
	case FUSE_CREATE:
	case FUSE_MKDIR:
	case FUSE_LINK:
		n = serve_name(
		    in->opcode, (const char *)body + before[in->opcode], out);
		if (n < 0 || in->opcode != FUSE_CREATE)
			return n;
		server_handles++;
		o.fh = ((struct fuse_entry_out *)out)->nodeid + 1000;
		memcpy((char *)out + n, &o, sizeof(o));
		return n + (long)sizeof(o);
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		memcpy(out, &a, sizeof(a));
		return sizeof(a);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		server_handles++;
		memcpy(out, &o, sizeof(o));
		return sizeof(o);
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		assert_int_equal(*(const uint64_t *)body, in->nodeid + 1000);
		server_handles--;
		return 0;
	case FUSE_READ:
	case FUSE_WRITE:
		return serve_data(in, body, out);
	case FUSE_READDIR:
		return serve_list(body, out);
	case FUSE_READLINK:
		memcpy(out, "target", 6);
		return 6;
	case FUSE_BATCH_FORGET:
		assert_true(max == 0 && len >= 8);
		serve_forget(body);
		return 0;
	case FUSE_UNLINK:
		return strcmp(body, "none") == 0 || strcmp(body, "f66") == 0
			   ? -5 /* EIO */
			   : 0;
	case FUSE_RENAME:
		body = (const struct fuse_rename_in *)body + 1;
		return strcmp(body, "none") == 0 ? -5 : 0;
	case FUSE_FSYNC:
		return -38; /* ENOSYS */
	default:
		return 0;
	}
}

int
server_begin(void **state)
{
	(void)state;
	fake_fuse_init();
	fake_serve = serve;
	memset(server_lookups, 0, sizeof(server_lookups));
	memset(server_count, 0, sizeof(server_count));
	memset(&server_odd, 0, sizeof(server_odd));
	server_data_len = server_list_len = 0;
	server_handles = 0;
	server_forgotten = 0;
	server_fail_at = -1;
	server_valid = 0;
	server_init = (struct fuse_init_out){.major = 7,
	    .minor = 31,
	    .max_write = 1 << 20,
	    .max_pages = 256,
	    .flags = FUSE_MAX_PAGES};
	server_entry = (struct fuse_entry_out){
	    .nodeid = 9, .attr = {.mode = S_IFREG | 0600}};
	assert_int_equal(fuse_mount("tag", false, &server_root), 0);
	return 0;
}

int
server_end(void **state)
{
	bool broken = fake_fs.vd->broken;
	unsigned i;

	(void)state;
	fake_lie = NULL;
	fake_full = false;
	server_root->ops->quiet(server_root);
	node_put(server_root);
	for (i = 0; i < SERVER_IDS && !broken; i++)
		assert_int_equal(server_lookups[i], 0);
	assert_true(
	    broken || (server_handles == 0 && server_count[FUSE_DESTROY] == 1));
	assert_true(!fake_fs.taken && fake_in_flight == 0);
	assert_int_equal(stub_pages, 0);
	assert_int_equal(stub_heap_blocks, 0);
	return 0;
}

struct node *
server_look_up(const char *name)
{
	struct node *n = NULL;

	assert_int_equal(server_root->ops->lookup(server_root, name, &n), 0);
	return n;
}

int
server_look_up_error(const char *name)
{
	struct node *n;

	return server_root->ops->lookup(server_root, name, &n);
}

int
server_make(const char *name, mode_t mode, struct node **out)
{
	struct node_spec spec = {mode, 0, NULL};

	return server_root->ops->create(server_root, name, &spec, out);
}

struct node *
server_file_of(size_t len)
{
	size_t i;

	server_data_len = len;
	for (i = 0; i < len; i++)
		server_data[i] = (uint8_t)(i * 7 + (i >> 12));
	return server_look_up("f7");
}

void
server_list_add(const char *name, size_t len, uint64_t off)
{
	struct fuse_dirent d = {.ino = off + 10,
	    .off = off,
	    .namelen = (uint32_t)len,
	    .type = S_IFREG >> 12};

	memcpy(server_list + server_list_len, &d, sizeof(d));
	memcpy(server_list + server_list_len + sizeof(d), name, len);
	server_list_len += FUSE_DIRENT_SIZE(&d);
}
