/* SPDX-License-Identifier: ISC */
/*
 * Order in memory that another processor, or the host, also touches.  On x86
 * the first two only hold the compiler back; fence_full is an instruction, for
 * the one case the processor reorders: our store, then our load.  [SDM] 3, 8.2.
 */
#ifndef KERNEL_BARRIER_H
#define KERNEL_BARRIER_H

#define load_acquire(p)     __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define fence_full()        __atomic_thread_fence(__ATOMIC_SEQ_CST)

#endif
