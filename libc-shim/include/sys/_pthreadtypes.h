/* SPDX-License-Identifier: ISC */
/*
 * The types of POSIX.1-2017 <pthread.h>, <sys/types.h>; included by newlib's
 * <sys/types.h>, in whose place of the same name this file stands.  All zero
 * is every type's static initialiser.  Members are the library's business.
 */
#ifndef _SYS__PTHREADTYPES_H_
#define _SYS__PTHREADTYPES_H_

#include <stddef.h>
#include <sys/sched.h>

/* A lock and a queue of sleeping threads, as the kernel lays them out. */
struct __sprat_sync {
	void *__opaque[4];
};

typedef unsigned long pthread_t;
typedef unsigned pthread_key_t;

typedef struct {
	unsigned __state;
} pthread_once_t;

typedef struct {
	size_t __stack_len; /* 0: the default */
	size_t __guard_len;
	void *__stack; /* as pthread_getattr_np reports it */
	int __detached;
	int __policy;
	int __inherit;
	int __scope;
	struct sched_param __param;
} pthread_attr_t;

typedef struct {
	unsigned __state; /* 0 free, 1 held, 2 held and wanted */
	unsigned __kind;
	unsigned __depth; /* of a recursive mutex, beyond the first */
	unsigned __pad;
	unsigned long __owner; /* not kept for PTHREAD_MUTEX_NORMAL */
	struct __sprat_sync __sync;
} pthread_mutex_t;

typedef struct {
	int __kind;
	int __shared;
} pthread_mutexattr_t;

typedef struct {
	unsigned __monotonic;
	unsigned __pad;
	struct __sprat_sync __sync;
} pthread_cond_t;

typedef struct {
	unsigned __monotonic;
	int __shared;
} pthread_condattr_t;

typedef struct {
	int __holders; /* readers, or -1: one writer */
	unsigned __pad;
	unsigned long __writer;
	struct __sprat_sync __sync; /* writers queue here ... */
	void *__readers[2];         /* ... and readers here */
} pthread_rwlock_t;

typedef struct {
	int __shared;
} pthread_rwlockattr_t;

typedef struct {
	unsigned __count, __arrived;
	unsigned __round;
	unsigned __pad;
	struct __sprat_sync __sync;
} pthread_barrier_t;

typedef struct {
	int __shared;
} pthread_barrierattr_t;

typedef unsigned pthread_spinlock_t;

#endif
