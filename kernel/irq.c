/* SPDX-License-Identifier: ISC */
/*
 * Interrupts of a native machine: a handler a vector, and the end-of-interrupt
 * after it.  A handler runs on the interrupt stack with interrupts off.
 */
#include "kernel/apic.h"
#include "kernel/kernel.h"
#include "kernel/thread.h"
#include "kernel/trap.h"

static struct {
	irq_handler *fn;
	void *arg;
} handlers[VECTORS - VECTOR_IRQ];
static unsigned next_vector = VECTOR_TIMER + 1;
static struct spinlock irq_lock = SPINLOCK("irq");

int
irq_alloc(irq_handler *fn, void *arg)
{
	uint64_t flags = spin_lock(&irq_lock);
	int vector = -ENOSPC;

	if (next_vector < VECTOR_SPURIOUS) {
		vector = next_vector++;
		handlers[vector - VECTOR_IRQ].fn = fn;
		handlers[vector - VECTOR_IRQ].arg = arg;
		trap_gate_irq(vector);
	}
	spin_unlock(&irq_lock, flags);
	apic_init();
	return vector;
}

int
irq_gsi_attach(unsigned gsi, irq_handler *fn, void *arg)
{
	int vector = irq_alloc(fn, arg);

	return vector < 0 ? vector : ioapic_route(gsi, vector);
}

void
irq_dispatch(unsigned vector)
{
	unsigned i = vector - VECTOR_IRQ;

	if (vector == VECTOR_SPURIOUS)
		return; /* [SDM] 3, 10.9: no end-of-interrupt */
	if (vector == VECTOR_TIMER) {
		lapic_timer_fired();
		thread_timer();
	} else if (handlers[i].fn != NULL) {
		handlers[i].fn(handlers[i].arg);
	}
	lapic_eoi();
}
