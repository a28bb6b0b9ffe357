/* SPDX-License-Identifier: ISC */
/* What tests may ask of, and do to, the kernel that kernel_stub.c plays. */
#ifndef TESTS_UNIT_KERNEL_STUB_H
#define TESTS_UNIT_KERNEL_STUB_H

#include <stdbool.h>
#include <stddef.h>

struct waitq;

extern size_t stub_pages;        /* in use */
extern size_t stub_page_limit;   /* page_alloc fails above; SIZE_MAX at start */
extern long stub_heap_blocks;    /* in use */
extern long stub_heap_countdown; /* that many allocations succeed; -1: all */
extern unsigned stub_lines;      /* log_line calls */
extern char stub_log[512];       /* the last line */

extern struct exit_call *stub_exit; /* the last one registered */

/* Called when the only thread sleeps and no work is queued: plays what happens
 * meanwhile.  False: nothing does, so a deadline comes. */
extern bool (*stub_idle)(void);
extern bool stub_interrupted;    /* by thread_interrupt; ends the next sleep */
extern struct waitq *stub_woken; /* by the last waitq_wake, ... */
extern unsigned stub_woken_n;    /* ... up to so many */
bool stub_work(void); /* does the oldest work queued; false: there is none */

#endif
