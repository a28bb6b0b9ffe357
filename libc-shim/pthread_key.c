/* SPDX-License-Identifier: ISC */
/*
 * Thread-specific data, POSIX.1-2017 pthread_key_create and kin.  A key is an
 * index; keys live in chunks that double in size and never move, so they are
 * read without a lock.  A key's number changes when it is created, which
 * makes the values of its former life void in every thread.
 */
#include <pthread.h>
#include <string.h>

#include "libc-shim/shim.h"
#include "libc-shim/sync.h"

#define FIRST_CHUNK THREAD_KEYS_INLINE
#define CHUNKS      16

struct key {
	void (*destructor)(void *);
	unsigned seq; /* odd while in use */
};

_Static_assert(PTHREAD_KEYS_MAX < FIRST_CHUNK << CHUNKS, "too few chunks");

static struct spinlock key_lock = SPINLOCK("keys");
static struct key *chunks[CHUNKS];
static struct key first_chunk[FIRST_CHUNK];
static unsigned nkeys;     /* that chunks have room for */
static unsigned last_free; /* no key below it is free */

/* Chunk c holds keys FIRST_CHUNK * (2^c - 1) and the FIRST_CHUNK * 2^c - 1
 * after it. */
static struct key *
key_find(pthread_key_t k)
{
	unsigned n, c;

	if (k < FIRST_CHUNK)
		return &first_chunk[k];
	if (k >= __atomic_load_n(&nkeys, __ATOMIC_ACQUIRE))
		return NULL;
	n = k / FIRST_CHUNK + 1;
	c = 31 - (unsigned)__builtin_clz(n);
	return &chunks[c][k - FIRST_CHUNK * ((1U << c) - 1)];
}

static size_t
chunk_len(unsigned c)
{
	return ((size_t)FIRST_CHUNK << c) * sizeof(struct key);
}

/* key_lock is held; it is dropped while memory is sought. */
static int
add_chunk(uint64_t *flags)
{
	unsigned had = nkeys,
		 c = 31 - (unsigned)__builtin_clz(had / FIRST_CHUNK + 1);
	struct key *fresh;

	if (had >= PTHREAD_KEYS_MAX)
		return EAGAIN;
	spin_unlock(&key_lock, *flags);
	fresh = c == 0 ? first_chunk : heap_alloc(chunk_len(c));
	*flags = spin_lock(&key_lock);
	if (fresh == NULL)
		return ENOMEM;
	if (nkeys == had) {
		chunks[c] = fresh;
		__atomic_store_n(
		    &nkeys, had + (FIRST_CHUNK << c), __ATOMIC_RELEASE);
	} else if (c != 0) {
		heap_free(fresh, chunk_len(c)); /* another was quicker */
	}
	return 0;
}

PUBLIC int
pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	uint64_t flags = spin_lock(&key_lock);
	struct key *k;
	int err = 0;

	for (;; last_free++) {
		while (err == 0 && last_free >= nkeys)
			err = add_chunk(&flags);
		if (err != 0)
			break;
		k = key_find(last_free);
		if ((k->seq & 1) == 0) {
			k->seq++;
			k->destructor = destructor;
			*key = last_free++;
			break;
		}
	}
	spin_unlock(&key_lock, flags);
	return err;
}

PUBLIC int
pthread_key_delete(pthread_key_t key)
{
	uint64_t flags = spin_lock(&key_lock);
	struct key *k = key_find(key);
	int err = k == NULL || (k->seq & 1) == 0 ? EINVAL : 0;

	if (err == 0) {
		k->seq++;
		k->destructor = NULL;
		if (key < last_free)
			last_free = key;
	}
	spin_unlock(&key_lock, flags);
	return err;
}

/* This thread's place for a value, or NULL. */
static struct thread_key_value *
value_find(struct thread_libc *l, pthread_key_t key)
{
	if (key < THREAD_KEYS_INLINE)
		return &l->keys[key];
	key -= THREAD_KEYS_INLINE;
	return key < l->nmore_keys ? &l->more_keys[key] : NULL;
}

static int
values_grow(struct thread_libc *l)
{
	unsigned n = nkeys - THREAD_KEYS_INLINE;
	struct thread_key_value *more = heap_alloc(n * sizeof(*more));

	if (more == NULL)
		return ENOMEM;
	if (l->nmore_keys != 0) {
		memcpy(more, l->more_keys, l->nmore_keys * sizeof(*more));
		heap_free(l->more_keys, l->nmore_keys * sizeof(*more));
	}
	l->more_keys = more;
	l->nmore_keys = n;
	return 0;
}

/* Calls one value's destructor, if it has both. */
static bool
value_end(struct thread_libc *l, pthread_key_t key)
{
	struct thread_key_value *v = value_find(l, key);
	struct key *k = key_find(key);
	void *value = v->value;

	v->value = NULL;
	if (value == NULL || k == NULL || v->seq != k->seq ||
	    k->destructor == NULL)
		return false;
	k->destructor(value);
	return true;
}

static void
key_end(struct thread_libc *l)
{
	unsigned round, key;
	bool again = true;

	for (round = 0; again && round < PTHREAD_DESTRUCTOR_ITERATIONS;
	     round++) {
		again = false;
		for (key = 0; key < THREAD_KEYS_INLINE + l->nmore_keys; key++)
			again |= value_end(l, key);
	}
	if (l->nmore_keys != 0)
		heap_free(l->more_keys, l->nmore_keys * sizeof(*l->more_keys));
	l->nmore_keys = 0;
}

PUBLIC int
pthread_setspecific(pthread_key_t key, const void *value)
{
	struct thread_libc *l = thread_libc_self();
	struct key *k = key_find(key);
	struct thread_key_value *v;
	int err;

	if (k == NULL || (k->seq & 1) == 0)
		return EINVAL;
	v = value_find(l, key);
	if (v == NULL) {
		err = values_grow(l);
		if (err != 0)
			return err;
		v = value_find(l, key);
	}
	v->value = (void *)(uintptr_t)value;
	v->seq = k->seq;
	l->key_end = key_end;
	return 0;
}

PUBLIC void *
pthread_getspecific(pthread_key_t key)
{
	struct thread_key_value *v = value_find(thread_libc_self(), key);
	struct key *k = key_find(key);

	if (v == NULL || k == NULL || v->seq != k->seq)
		return NULL;
	return v->value;
}
