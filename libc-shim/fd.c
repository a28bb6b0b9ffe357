/* SPDX-License-Identifier: ISC */
/*
 * The descriptor table: an array that doubles.  `changing` is held by whoever
 * alters it, allocations included; `table_lock` only while an entry or the
 * array is exchanged, so that looking a descriptor up never waits.
 */
#include <limits.h>
#include <string.h>

#include "libc-shim/file.h"

#define FIRST_LEN 16

struct fd {
	struct file *file;
	bool cloexec; /* kept for fcntl: nothing here execs */
};

static struct fd first[FIRST_LEN] = {
    {&console_files[0], false},
    {&console_files[1], false},
    {&console_files[2], false},
};
static struct fd *table = first;
static unsigned table_len = FIRST_LEN;
static unsigned maybe_free = 3; /* every descriptor below is in use */
static struct spinlock table_lock = SPINLOCK("fd");
static struct sleeplock changing;

struct file *
file_get(int fd)
{
	struct file *f = NULL;
	uint64_t flags = spin_lock(&table_lock);

	if (fd >= 0 && (unsigned)fd < table_len && table[fd].file != NULL)
		f = file_ref(table[fd].file);
	spin_unlock(&table_lock, flags);
	return f;
}

/* Makes descriptor `to` exist.  Under `changing`. */
static int
table_grow(unsigned to)
{
	unsigned len = table_len, old_len = table_len;
	struct fd *new, *old = table;
	uint64_t flags;

	while (len <= to)
		len *= 2;
	if (len == table_len)
		return 0;
	new = heap_alloc(len * sizeof(*new));
	if (new == NULL)
		return -ENOMEM;
	memcpy(new, old, old_len * sizeof(*old));
	flags = spin_lock(&table_lock);
	table = new;
	table_len = len;
	spin_unlock(&table_lock, flags);
	if (old != first)
		heap_free(old, old_len * sizeof(*old));
	return 0;
}

/* The file that was there, or NULL.  Under `changing`. */
static struct file *
entry_set(unsigned fd, struct file *f, bool cloexec)
{
	uint64_t flags = spin_lock(&table_lock);
	struct file *was = table[fd].file;

	table[fd].file = f;
	table[fd].cloexec = cloexec;
	spin_unlock(&table_lock, flags);
	if (f == NULL && fd < maybe_free)
		maybe_free = fd;
	return was;
}

int
fd_install(struct file *f, int lowest, bool cloexec)
{
	unsigned fd;
	int err;

	if (lowest < 0 || lowest >= INT_MAX / 2)
		return -EINVAL;
	sleeplock_take(&changing);
	while (maybe_free < table_len && table[maybe_free].file != NULL)
		maybe_free++;
	fd = (unsigned)lowest > maybe_free ? (unsigned)lowest : maybe_free;
	while (fd < table_len && table[fd].file != NULL)
		fd++;
	err = fd < INT_MAX / 2 ? table_grow(fd) : -EMFILE;
	if (err == 0)
		entry_set(fd, f, cloexec);
	sleeplock_give(&changing);
	return err < 0 ? err : (int)fd;
}

int
fd_close(int fd)
{
	struct file *f = NULL;

	sleeplock_take(&changing);
	if (fd >= 0 && (unsigned)fd < table_len)
		f = entry_set((unsigned)fd, NULL, false);
	sleeplock_give(&changing);
	return f == NULL ? -EBADF : file_put(f);
}

int
fd_dup(int fd, int lowest, bool cloexec)
{
	struct file *f = file_get(fd);
	int r;

	if (f == NULL)
		return -EBADF;
	r = fd_install(f, lowest, cloexec);
	if (r < 0)
		file_put(f);
	return r;
}

int
fd_dup_to(int fd, int to, bool cloexec)
{
	struct file *f = file_get(fd), *was = NULL;
	int err;

	if (f == NULL)
		return -EBADF;
	if (to < 0 || to >= INT_MAX / 2) {
		file_put(f);
		return -EBADF;
	}
	sleeplock_take(&changing);
	err = table_grow((unsigned)to);
	was = err == 0 ? entry_set((unsigned)to, f, cloexec) : f;
	sleeplock_give(&changing);
	if (was != NULL)
		file_put(was);
	return err < 0 ? err : to;
}

int
fd_cloexec(int fd)
{
	uint64_t flags = spin_lock(&table_lock);
	int r = -EBADF;

	if (fd >= 0 && (unsigned)fd < table_len && table[fd].file != NULL)
		r = table[fd].cloexec;
	spin_unlock(&table_lock, flags);
	return r;
}

int
fd_set_cloexec(int fd, bool cloexec)
{
	uint64_t flags = spin_lock(&table_lock);
	int r = -EBADF;

	if (fd >= 0 && (unsigned)fd < table_len && table[fd].file != NULL) {
		table[fd].cloexec = cloexec;
		r = 0;
	}
	spin_unlock(&table_lock, flags);
	return r;
}
