/* SPDX-License-Identifier: ISC */
/* C11 threads are POSIX ones: the types newlib's <threads.h> asks for. */
#ifndef _MACHINE__THREADS_H_
#define _MACHINE__THREADS_H_

#include <sys/types.h>

#define ONCE_FLAG_INIT	    {0}
#define TSS_DTOR_ITERATIONS 4

typedef pthread_t thrd_t;
typedef pthread_mutex_t mtx_t;
typedef pthread_cond_t cnd_t;
typedef pthread_once_t once_flag;
typedef pthread_key_t tss_t;

#endif
