/* SPDX-License-Identifier: ISC */
/*
 * Spinlocks, inline: few instructions that every path has many times.  With one
 * processor and interrupts off nobody else can hold a lock, so one that is held
 * was taken twice.
 */
#ifndef KERNEL_SPIN_H
#define KERNEL_SPIN_H

#include "kernel/cpu.h"
#include "kernel/kernel.h"

/* sched.c: it is held; panics, unless that is what happens already. */
void spin_taken(const struct spinlock *l);

/* Interrupts are off. */
static inline void
spin_take(struct spinlock *l)
{
	if (__builtin_expect(
		__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE), 0))
		spin_taken(l);
}

static inline void
spin_give(struct spinlock *l)
{
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

/* Interrupts off; the old flags. */
static inline uint64_t
spin_lock(struct spinlock *l)
{
	uint64_t flags = cpu_irq_save();

	spin_take(l);
	return flags;
}

static inline void
spin_unlock(struct spinlock *l, uint64_t flags)
{
	spin_give(l);
	cpu_irq_restore(flags);
}

#endif
