/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 <semaphore.h>.  Functions return 0, or -1 with errno.  Named
 * semaphores live as long as the guest: there is one process to see them.
 */
#ifndef _SEMAPHORE_H
#define _SEMAPHORE_H

#include <fcntl.h>
#include <sys/cdefs.h>
#include <sys/types.h>
#include <time.h>

#define SEM_VALUE_MAX 0x7fffffff
#define SEM_FAILED    ((sem_t *)0)

typedef struct {
	unsigned __value;
	unsigned __pad;
	struct __sprat_sync __sync;
} sem_t;

__BEGIN_DECLS

/* EINVAL: a value above SEM_VALUE_MAX. */
int sem_init(sem_t *, int, unsigned);
int sem_destroy(sem_t *); /* EBUSY: threads wait for it */
/* Cancellation points; EINTR after a signal handler without SA_RESTART. */
int sem_wait(sem_t *);
int sem_timedwait(sem_t *__restrict, const struct timespec *__restrict);
int sem_clockwait(
    sem_t *__restrict, clockid_t, const struct timespec *__restrict);
int sem_trywait(sem_t *); /* EAGAIN: it is 0 */
int sem_post(sem_t *);    /* EOVERFLOW */
int sem_getvalue(sem_t *__restrict, int *__restrict);

/* With O_CREAT a mode and a value follow.  EEXIST, ENOENT, EINVAL, ENOMEM. */
sem_t *sem_open(const char *, int, ...);
int sem_close(sem_t *);
int sem_unlink(const char *);

__END_DECLS

#endif
