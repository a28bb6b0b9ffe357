/* SPDX-License-Identifier: ISC */
/*
 * Named semaphores, POSIX.1-2017 sem_open, sem_close, sem_unlink: a list in
 * memory.  One goes when it has lost its name and its last user.
 */
#include <semaphore.h>
#include <stdarg.h>
#include <string.h>

#include "libc-shim/shim.h"
#include "libc-shim/sync.h"

struct named {
	sem_t sem; /* first: sem_close finds us by it */
	struct named *next;
	unsigned users;
	bool unlinked;
	size_t len;  /* of name, with its NUL */
	char name[]; /* without leading slash */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct named *list;

/* The lock is held in these three. */

static struct named **
find(const char *name)
{
	struct named **p = &list;

	while (*p != NULL && ((*p)->unlinked || strcmp((*p)->name, name) != 0))
		p = &(*p)->next;
	return p;
}

static struct named *
add(const char *name, unsigned value)
{
	size_t len = strlen(name) + 1;
	struct named *n = heap_alloc(sizeof(*n) + len);

	if (n == NULL)
		return NULL;
	n->sem.__value = value;
	n->len = len;
	memcpy(n->name, name, len);
	n->next = list;
	list = n;
	return n;
}

static void
drop_if_unused(struct named *n)
{
	struct named **p = &list;

	if (n->users > 0 || !n->unlinked)
		return;
	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	heap_free(n, sizeof(*n) + n->len);
}

/* 0 and *out, or -errno. */
static int
named_open(const char *name, int flags, unsigned value, struct named **out)
{
	struct named *n = *find(name);

	if (n != NULL && (flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (n == NULL && !(flags & O_CREAT))
		return -ENOENT;
	if (n == NULL && value > SEM_VALUE_MAX)
		return -EINVAL;
	if (n == NULL)
		n = add(name, value);
	if (n == NULL)
		return -ENOMEM;
	n->users++;
	*out = n;
	return 0;
}

static const char *
name_trim(const char *name)
{
	return *name == '/' ? name + 1 : name;
}

PUBLIC sem_t *
sem_open(const char *name, int flags, ...)
{
	struct named *n = NULL;
	unsigned value = 0;
	va_list ap;
	int err;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		(void)va_arg(ap, mode_t);
		value = va_arg(ap, unsigned);
		va_end(ap);
	}
	name = name_trim(name);
	if (*name == '\0' || strchr(name, '/') != NULL) {
		errno = EINVAL;
		return SEM_FAILED;
	}
	mutex_lock(&lock, NS_NEVER);
	err = named_open(name, flags, value, &n);
	mutex_unlock(&lock);
	if (posix_result(err) < 0)
		return SEM_FAILED;
	return &n->sem;
}

PUBLIC int
sem_close(sem_t *sem)
{
	struct named *n = (struct named *)(void *)sem;

	mutex_lock(&lock, NS_NEVER);
	n->users--;
	drop_if_unused(n);
	mutex_unlock(&lock);
	return 0;
}

PUBLIC int
sem_unlink(const char *name)
{
	struct named *n;

	mutex_lock(&lock, NS_NEVER);
	n = *find(name_trim(name));
	if (n != NULL) {
		n->unlinked = true;
		drop_if_unused(n);
	}
	mutex_unlock(&lock);
	return (int)posix_result(n != NULL ? 0 : -ENOENT);
}
