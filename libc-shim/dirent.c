/* SPDX-License-Identifier: ISC */
/* POSIX.1-2017 <dirent.h>: reading directories. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "libc-shim/cwd.h"
#include "libc-shim/shim.h"

struct __sprat_dir {
	struct file *file; /* a reference; its position is ours */
	int fd;
	struct sleeplock lock; /* of entry */
	struct dirent entry;
};

/* A stream over descriptor fd, which becomes its own. */
static int
stream_make(int fd, DIR **out)
{
	struct file *f = file_get(fd);
	DIR *d;

	if (f == NULL)
		return -EBADF;
	if (f->node == NULL || !S_ISDIR(f->node->type)) {
		file_put(f);
		return -ENOTDIR;
	}
	d = heap_alloc(sizeof(*d));
	if (d == NULL) {
		file_put(f);
		return -ENOMEM;
	}
	d->file = f;
	d->fd = fd;
	*out = d;
	return 0;
}

static int
dir_open(const char *path, DIR **out)
{
	struct node *at;
	struct file *f;
	int err = vfs_at(AT_FDCWD, path, &at), fd;

	if (err != 0)
		return err;
	err = vfs_open(at, path, O_RDONLY | O_DIRECTORY, 0, &f);
	node_put(at);
	if (err != 0)
		return err;
	fd = fd_install(f, 0, true);
	if (fd < 0) {
		file_put(f);
		return fd;
	}
	err = stream_make(fd, out);
	if (err != 0)
		fd_close(fd);
	return err;
}

PUBLIC DIR *
opendir(const char *path)
{
	DIR *d = NULL;

	return posix_result(dir_open(path, &d)) < 0 ? NULL : d;
}

PUBLIC DIR *
fdopendir(int fd)
{
	DIR *d = NULL;

	return posix_result(stream_make(fd, &d)) < 0 ? NULL : d;
}

static int
dir_close(DIR *d)
{
	int fd = d->fd;

	file_put(d->file);
	heap_free(d, sizeof(*d));
	return fd_close(fd);
}

PUBLIC int
closedir(DIR *d)
{
	return (int)posix_result(dir_close(d));
}

/* 1, 0 at the end, or -errno. */
static int
entry_read(DIR *d, struct dirent *out)
{
	struct vfs_entry e;
	int r = vfs_readdir(d->file, &e);

	if (r <= 0)
		return r;
	out->d_ino = e.ino;
	out->d_off = (off_t)d->file->pos;
	out->d_type = IFTODT(e.type);
	out->d_reclen = sizeof(*out);
	strcpy(out->d_name, e.name);
	return 1;
}

PUBLIC struct dirent *
readdir(DIR *d)
{
	int r;

	sleeplock_take(&d->lock);
	r = entry_read(d, &d->entry);
	sleeplock_give(&d->lock);
	return posix_result(r) <= 0 ? NULL : &d->entry;
}

/* Returns the error number. */
PUBLIC int
readdir_r(DIR *d, struct dirent *entry, struct dirent **result)
{
	int r = entry_read(d, entry);

	*result = r > 0 ? entry : NULL;
	return r < 0 ? -r : 0;
}

PUBLIC void
rewinddir(DIR *d)
{
	file_seek(d->file, 0, 0);
}

PUBLIC long
telldir(DIR *d)
{
	return (long)d->file->pos;
}

PUBLIC void
seekdir(DIR *d, long at)
{
	file_seek(d->file, at, 0);
}

PUBLIC int
dirfd(DIR *d)
{
	return d->fd;
}

PUBLIC int
alphasort(const struct dirent **a, const struct dirent **b)
{
	return strcoll((*a)->d_name, (*b)->d_name);
}

/* --- scandir --- */

struct list {
	struct dirent **entry;
	size_t n, room;
};

static int
list_add(struct list *l, const struct dirent *e)
{
	struct dirent **more, *copy;

	if (l->n == l->room) {
		l->room = l->room == 0 ? 32 : 2 * l->room;
		more = realloc(l->entry, l->room * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		l->entry = more;
	}
	copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return -ENOMEM;
	*copy = *e;
	l->entry[l->n++] = copy;
	return 0;
}

static int
list_fill(struct list *l, DIR *d, int (*wanted)(const struct dirent *))
{
	int r;

	while ((r = entry_read(d, &d->entry)) > 0) {
		if (wanted != NULL && wanted(&d->entry) == 0)
			continue;
		r = list_add(l, &d->entry);
		if (r < 0)
			return r;
	}
	return r;
}

static void
list_free(struct list *l)
{
	while (l->n > 0)
		free(l->entry[--l->n]);
	free(l->entry);
}

/* The number of entries, which are freed with free, as is the list. */
PUBLIC int
scandir(const char *path, struct dirent ***out,
    int (*wanted)(const struct dirent *),
    int (*compare)(const struct dirent **, const struct dirent **))
{
	struct list l = {NULL, 0, 0};
	DIR *d = NULL;
	int err = dir_open(path, &d);

	if (err == 0) {
		err = list_fill(&l, d, wanted);
		dir_close(d);
	}
	if (err < 0) {
		list_free(&l);
		return (int)posix_result(err);
	}
	if (compare != NULL && l.n > 1)
		qsort(l.entry, l.n, sizeof(*l.entry),
		    (int (*)(const void *, const void *))compare);
	*out = l.entry;
	return (int)l.n;
}
