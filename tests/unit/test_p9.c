/* SPDX-License-Identifier: ISC */
/*
 * The 9P client against a server that keeps to the protocol, which watches it:
 * what it asks for, how often, and that nothing is left behind.
 */
/* LINK: tests/unit/root_stub.c */
/* LINK: tests/unit/fake_9p.c tests/unit/fake_9p_channel.c */
/* LINK: tests/unit/kernel_stub.c libc-shim/p9.c */
/* LINK: libc-shim/p9_node.c libc-shim/p9_attr.c libc-shim/p9_io.c */
/* LINK: libc-shim/p9_session.c libc-shim/p9_msg.c libc-shim/linux_abi.c */
/* LINK: libc-shim/sleeplock.c libc-shim/vfs.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "libc-shim/mount.h"
#include "libc-shim/p9_node.h"
#include "tests/unit/fake_9p.h"
#include "tests/unit/kernel_stub.h"

static struct node *root;

static int
setup(void **state)
{
	(void)state;
	fake_9p_reset();
	return p9_mount(FAKE_9P_TAG, false, &root);
}

static int
teardown(void **state)
{
	(void)state;
	if (root != NULL)
		node_put(root);
	root = NULL;
	assert_int_equal(fake_9p.nfids, 0);
	assert_int_equal(fake_9p.nfailed, 0);
	assert_int_equal(stub_heap_blocks, 0);
	assert_int_equal(stub_pages, 0);
	assert_false(fake_9p.channel.taken);
	fake_9p_reset();
	return 0;
}

static struct node *
look(struct node *dir, const char *name)
{
	struct node *n = NULL;

	assert_int_equal(dir->ops->lookup(dir, name, &n), 0);
	return n;
}

static struct node *
make(struct node *dir, const char *name, mode_t mode, const char *target)
{
	struct node_spec spec = {mode, 0, target};
	struct node *n = NULL;

	assert_int_equal(dir->ops->create(dir, name, &spec, &n), 0);
	return n;
}

static void
test_mount(void **state)
{
	struct node *other;

	(void)state;
	assert_int_equal(p9_mount("none", false, &other), -ENODEV);
	assert_int_equal(p9_mount(FAKE_9P_TAG, false, &other), -EBUSY);
	assert_int_equal(fake_9p.ntype[P9_TVERSION], 1);
	assert_true(S_ISDIR(root->type));
	other = look(root, "..");
	assert_ptr_equal(other, root);
	node_put(other);
}

static void
test_identity(void **state)
{
	struct node *d, *x, *again;
	unsigned before;

	(void)state;
	d = look(root, "d");
	x = look(d, "x");
	assert_true(S_ISREG(x->type) && S_ISDIR(d->type));
	before = fake_9p.nrequests;
	again = look(d, "x"); /* asked for just now */
	assert_ptr_equal(again, x);
	assert_int_equal(fake_9p.nrequests, before);
	node_put(again);
	p9node_of(x)->seen_ns -= 2 * P9_NAME_NS;
	again = look(d, "x"); /* asked again, and known by its qid */
	assert_ptr_equal(again, x);
	assert_int_equal(fake_9p.nrequests, before + 1);
	node_put(again);
	again = look(d, "..");
	assert_ptr_equal(again, root);
	node_put(again);
	node_put(x);
	x = look(d, "x"); /* it was idle */
	node_put(x);
	node_put(d);
	assert_int_equal(d->ops->lookup(root, "none", &x), -ENOENT);
}

/* More files than are kept: the server forgets the oldest. */
static void
test_idle(void **state)
{
	char name[32];
	struct node *n;
	unsigned i, before;

	(void)state;
	for (i = 0; i < 2 * P9_IDLE_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		node_put(make(root, name, S_IFREG | 0644, NULL));
	}
	assert_int_equal(fake_9p.nfids, P9_IDLE_MAX + 1);
	before = fake_9p.nrequests;
	n = look(root, name);
	node_put(n);
	assert_int_equal(fake_9p.nrequests, before);
	assert_int_equal(root->ops->unlink(root, name, false), 0);
	assert_int_equal(fake_9p.nfids, P9_IDLE_MAX);
	node_put(look(root, "n0"));
	assert_true(fake_9p.nrequests > before + 2);
}

static void
test_read(void **state)
{
	struct node *f = look(root, "f");
	uint8_t *p = malloc(FAKE_9P_DATA + 100);
	uint64_t pos = 5;
	uint32_t i;
	long n;

	(void)state;
	fake_9p_fill(FAKE_9P_DATA);
	n = f->ops->read(f, p, FAKE_9P_DATA + 100, &pos);
	assert_int_equal(n, FAKE_9P_DATA - 5);
	assert_int_equal(pos, FAKE_9P_DATA);
	for (i = 0; i < (uint32_t)n; i++)
		assert_int_equal(p[i], fake_9p_byte(i + 5));
	assert_int_equal(fake_9p.most_under_way, 4);
	assert_int_equal(fake_9p.ntype[P9_TREAD], 7);
	assert_int_equal(fake_9p.deadline_ns, NS_NEVER);
	assert_int_equal(f->ops->read(f, p, 10, &pos), 0);
	pos = INT64_MAX;
	assert_int_equal(f->ops->read(f, p, 10, &pos), 0);
	assert_int_equal(f->ops->size(f), FAKE_9P_DATA);
	assert_true(fake_9p.deadline_ns < clock_ns() + P9_ANSWER_NS);
	node_put(f);
	free(p);
}

/* A server that gives little, and one that stops short. */
static void
test_read_pieces(void **state)
{
	struct node *f;
	uint8_t *p = malloc(100000);
	uint64_t pos = 0;

	(void)state;
	fake_9p_fill(FAKE_9P_DATA);
	fake_9p.iounit = 4096;
	f = look(root, "f");
	assert_int_equal(f->ops->read(f, p, 100000, &pos), 100000);
	assert_int_equal(fake_9p.ntype[P9_TREAD], 25);
	fake_9p.short_read = 1000;
	assert_int_equal(f->ops->read(f, p, 100000, &pos), 1000);
	assert_int_equal(pos, 101000);
	assert_int_equal(p[999], fake_9p_byte(100999));
	node_put(f);
	free(p);
}

static void
test_write(void **state)
{
	struct node *n = make(root, "new", S_IFREG | 0600, NULL);
	struct fake_9p_file *file = &fake_9p.file[fake_9p_find(0, "new")];
	uint8_t *p = calloc(1, 2 << 20);
	struct node_attr a = {.set = ATTR_SIZE, .size = 3};
	uint64_t pos = 1;
	struct stat st;

	(void)state;
	p[0] = 1, p[(2 << 20) - 1] = 2;
	assert_int_equal(n->ops->write(n, p, 2 << 20, &pos), 2 << 20);
	assert_int_equal(fake_9p.ntype[P9_TWRITE], 4);
	assert_int_equal(file->size, (2 << 20) + 1);
	assert_int_equal(file->data[1], 1);
	assert_int_equal(file->data[2 << 20], 2);
	pos = FILE_END;
	assert_int_equal(n->ops->write(n, "end", 3, &pos), 3);
	assert_int_equal(pos, (2 << 20) + 4);
	assert_int_equal(n->ops->sync(n), 0);
	pos = FAKE_9P_DATA - 2; /* all or nothing there */
	assert_int_equal(n->ops->write(n, p, 3, &pos), -ENOSPC);
	assert_int_equal(n->ops->write(n, p, 0, &pos), 0);
	pos = INT64_MAX;
	assert_int_equal(n->ops->write(n, p, 1, &pos), -EFBIG);
	assert_int_equal(n->ops->setattr(n, &a), 0);
	assert_int_equal(n->ops->getattr(n, &st), 0);
	assert_int_equal(st.st_size, 3);
	node_put(n);
	free(p);
}

static void
test_gone(void **state)
{
	struct node *n = make(root, "t", S_IFREG | 0600, NULL), *other;
	struct node_attr a = {.set = ATTR_SIZE, .size = 0};
	uint64_t pos = 0;
	struct stat st;
	char buf[8];

	(void)state;
	assert_int_equal(n->ops->open(n, O_RDWR), 0);
	assert_int_equal(n->ops->write(n, "kept", 4, &pos), 4);
	assert_int_equal(root->ops->unlink(root, "t", false), 0);
	assert_int_equal(root->ops->lookup(root, "t", &other), -ENOENT);
	other = make(root, "t", S_IFREG | 0600, NULL);
	assert_ptr_not_equal(other, n);
	assert_int_equal(n->ops->getattr(n, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(st.st_size, 4);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(n->ops->setattr(n, &a), -ENOENT);
	pos = 0;
	assert_int_equal(n->ops->read(n, buf, 8, &pos), 4);
	pos = FILE_END;
	assert_int_equal(n->ops->write(n, "!", 1, &pos), 1);
	assert_int_equal(n->ops->size(n), 5);
	node_put(n);
	node_put(other);
}

static void
test_rename(void **state)
{
	struct node *d = look(root, "d"), *x = look(d, "x"), *over, *n;

	(void)state;
	over = make(root, "over", S_IFREG | 0600, NULL);
	assert_int_equal(d->ops->rename(d, "x", root, "over"), 0);
	n = look(root, "over");
	assert_ptr_equal(n, x);
	node_put(n);
	assert_int_equal(d->ops->lookup(d, "x", &n), -ENOENT);
	assert_int_equal(root->ops->rename(root, "over", root, "over"), 0);
	n = look(root, "over");
	assert_ptr_equal(n, x);
	node_put(n);
	assert_int_equal(root->ops->rename(root, "none", d, "n"), -ENOENT);
	node_put(over);
	node_put(x);
	node_put(d);
}

/* The host gives a file another name, and another file its name. */
static void
test_host_renames(void **state)
{
	unsigned f = fake_9p_find(0, "f");
	struct node *was = look(root, "f"), *n;

	(void)state;
	strcpy(fake_9p.file[f].name, "g");
	n = look(root, "g");
	assert_ptr_equal(n, was);
	assert_string_equal(p9node_of(n)->name, "g");
	node_put(n);
	assert_int_equal(root->ops->lookup(root, "f", &n), -ENOENT);
	strcpy(fake_9p.file[fake_9p_find(0, "l")].name, "f");
	n = look(root, "f");
	assert_ptr_not_equal(n, was);
	assert_true(S_ISLNK(n->type));
	node_put(n);
	node_put(was);
}

/* A directory is made where the host has just taken one away. */
static void
test_host_makes_room(void **state)
{
	struct node *was = look(root, "d"), *n;

	(void)state;
	strcpy(fake_9p.file[fake_9p_find(0, "d")].name, "gone");
	n = make(root, "d", S_IFDIR | 0700, NULL);
	assert_ptr_not_equal(n, was);
	node_put(n);
	n = look(root, "gone");
	assert_ptr_equal(n, was);
	node_put(n);
	node_put(was);
}

/* A number that is used again, by another kind of file. */
static void
test_host_replaces(void **state)
{
	unsigned f = fake_9p_find(0, "f");
	struct node *was = look(root, "f"), *n;
	struct stat st;

	(void)state;
	fake_9p.file[f].mode = S_IFIFO | 0600;
	assert_int_equal(was->ops->getattr(was, &st), -ESTALE);
	n = look(root, "f");
	assert_true(S_ISFIFO(n->type));
	assert_int_equal(n->ops->getattr(n, &st), 0);
	node_put(was);
	node_put(n);
	fake_9p.file[0].mode = S_IFREG | 0600;
	assert_int_equal(root->ops->getattr(root, &st), -ESTALE);
	fake_9p.file[0].mode = S_IFDIR | 0700;
	assert_int_equal(root->ops->getattr(root, &st), 0);
}

/* A name that the server does not know any more is asked for again. */
static void
test_doubt(void **state)
{
	unsigned f = fake_9p_find(0, "f"), before;
	struct node *n = look(root, "f");
	struct stat st;

	(void)state;
	fake_9p.file[f].nlink = 0;
	assert_int_equal(n->ops->getattr(n, &st), -ENOENT);
	node_put(n);
	fake_9p.file[f].nlink = 1;
	before = fake_9p.ntype[P9_TWALK];
	n = look(root, "f");
	assert_int_equal(fake_9p.ntype[P9_TWALK], before + 1);
	assert_int_equal(n->ops->getattr(n, &st), 0);
	node_put(n);
}

static void
test_others(void **state)
{
	struct node *n, *l = look(root, "l"), *d = look(root, "d");
	char buf[64], target[200], name[256];
	struct statvfs sv;

	(void)state;
	assert_int_equal(l->ops->readlink(l, buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "d/x", 3);
	assert_int_equal(l->ops->readlink(l, buf, 1), 1);
	assert_int_equal(d->ops->readlink(d, buf, 1), -EINVAL);
	memset(target, 't', sizeof(target));
	target[100] = '\0';
	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	n = make(d, name, S_IFLNK | 0777, target);
	assert_true(S_ISLNK(n->type));
	assert_int_equal(n->ops->readlink(n, target, 200), 100);
	node_put(n);
	node_put(make(d, "sub", S_IFDIR | 0755, NULL));
	n = make(d, "fifo", S_IFIFO | 0644, NULL);
	assert_true(S_ISFIFO(n->type));
	assert_int_equal(root->ops->link(root, "fifo", n), 0);
	assert_int_equal(root->ops->link(root, "fifo", n), -EEXIST);
	node_put(n);
	assert_int_equal(root->ops->unlink(root, "d", true), -ENOTEMPTY);
	assert_int_equal(d->ops->unlink(d, "sub", true), 0);
	assert_int_equal(d->ops->statfs(d, &sv), 0);
	assert_int_equal(sv.f_bsize, 4096);
	node_put(l);
	node_put(d);
}

static void
test_entries(void **state)
{
	char name[256];
	uint64_t cookie = 2, middle = 0;
	unsigned i, n = 0, before;
	struct vfs_entry e;

	(void)state;
	fake_9p.msize =
	    P9_MSIZE_MIN; /* of which a few entries fit in a reply */
	node_put(root);
	assert_int_equal(p9_mount(FAKE_9P_TAG, false, &root), 0);
	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "%02u%0250u", i, 0);
		node_put(make(root, name, S_IFREG | 0644, NULL));
	}
	before = fake_9p.ntype[P9_TREADDIR];
	while (root->ops->readdir(root, &cookie, &e) > 0)
		if (++n == 30)
			middle = cookie;
	assert_int_equal(n, 53);
	assert_in_range(fake_9p.ntype[P9_TREADDIR] - before, 2, 4);
	for (n = 0; root->ops->readdir(root, &middle, &e) > 0; n++)
		;
	assert_int_equal(n, 23);
}

static void
test_server_errors(void **state)
{
	struct node *f = look(root, "f"), *n;
	struct node_spec spec = {S_IFREG | 0644, 0, NULL};
	uint64_t pos = 0;
	struct vfs_entry e;
	struct stat st;
	char c;

	(void)state;
	fake_9p.error = 39; /* Linux's ENOTEMPTY */
	assert_int_equal(f->ops->getattr(f, &st), -ENOTEMPTY);
	assert_int_equal(f->ops->read(f, &c, 1, &pos), -ENOTEMPTY);
	assert_int_equal(f->ops->write(f, "", 1, &pos), -ENOTEMPTY);
	pos = FILE_END;
	assert_int_equal(f->ops->write(f, "", 1, &pos), -ENOTEMPTY);
	assert_int_equal(f->ops->size(f), -ENOTEMPTY);
	assert_int_equal(f->ops->open(f, O_RDONLY), -ENOTEMPTY);
	pos = 2;
	assert_int_equal(root->ops->readdir(root, &pos, &e), -ENOTEMPTY);
	assert_int_equal(root->ops->lookup(root, "d", &n), -ENOTEMPTY);
	assert_int_equal(root->ops->create(root, "n", &spec, &n), -ENOTEMPTY);
	assert_int_equal(root->ops->unlink(root, "f", false), -ENOTEMPTY);
	fake_9p.error = 4000;
	assert_int_equal(f->ops->getattr(f, &st), -EIO);
	fake_9p.error = 0;
	assert_int_equal(f->ops->getattr(f, &st), 0);
	node_put(f);
}

static void
test_readonly(void **state)
{
	struct node *f;

	(void)state;
	node_put(root);
	assert_int_equal(p9_mount(FAKE_9P_TAG, true, &root), 0);
	assert_true(root->ops->create == NULL && root->ops->write == NULL);
	f = look(root, "f");
	assert_int_equal(f->ops->open(f, O_RDONLY), 0);
	node_put(f);
}

/* The device started anew: what the session knew is of no use. */
static void
test_restart(void **state)
{
	struct node *n;
	struct stat st;

	(void)state;
	fake_9p.channel.restarts++;
	memset(fake_9p.fid, 0, sizeof(fake_9p.fid));
	fake_9p.nfids = 0;
	assert_int_equal(root->ops->getattr(root, &st), -EIO);
	assert_int_equal(root->ops->lookup(root, "d", &n), -EIO);
	node_put(root);
	assert_int_equal(p9_mount(FAKE_9P_TAG, false, &root), 0);
	assert_int_equal(root->ops->getattr(root, &st), 0);
}

/* All that can be done, with memory for so many allocations. */
static void
do_all(void)
{
	struct node_spec spec = {S_IFREG | 0644, 0, NULL};
	struct node_spec link = {S_IFLNK | 0777, 0, "target"};
	struct node *r, *d, *x, *n;
	uint64_t cookie = 2, pos = 0;
	struct vfs_entry e;
	char buf[16];

	if (p9_mount(FAKE_9P_TAG, false, &r) != 0)
		return;
	if (r->ops->lookup(r, "d", &d) == 0) {
		if (d->ops->lookup(d, "x", &x) == 0) {
			x->ops->read(x, buf, 16, &pos);
			node_put(x);
		}
		if (d->ops->create(d, "new", &spec, &n) == 0)
			node_put(n);
		if (d->ops->create(d, "link", &link, &n) == 0) {
			n->ops->readlink(n, buf, 16);
			node_put(n);
		}
		d->ops->rename(d, "new", d, "renamed");
		while (d->ops->readdir(d, &cookie, &e) > 0)
			;
		node_put(d);
	}
	node_put(r);
}

static void
test_out_of_memory(void **state)
{
	long n;

	(void)state;
	node_put(root);
	root = NULL;
	for (n = 0; n < 60; n++) {
		fake_9p_reset();
		stub_heap_countdown = n;
		stub_page_limit = n % 2 ? SIZE_MAX : 0;
		do_all();
		stub_heap_countdown = -1;
		assert_int_equal(stub_heap_blocks, 0);
		assert_int_equal(fake_9p.nfids, 0);
		assert_false(fake_9p.channel.taken);
	}
	stub_page_limit = SIZE_MAX;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_mount),
	    TEST(test_identity),
	    TEST(test_idle),
	    TEST(test_read),
	    TEST(test_read_pieces),
	    TEST(test_write),
	    TEST(test_gone),
	    TEST(test_rename),
	    TEST(test_host_renames),
	    TEST(test_host_makes_room),
	    TEST(test_host_replaces),
	    TEST(test_doubt),
	    TEST(test_others),
	    TEST(test_entries),
	    TEST(test_server_errors),
	    TEST(test_readonly),
	    TEST(test_restart),
	    TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
