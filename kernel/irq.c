/* SPDX-License-Identifier: ISC */
/*
 * Interrupts of a native machine: a handler a vector, and the end-of-interrupt
 * after it.  A handler runs on the interrupt stack with interrupts off.
 */
#include "kernel/apic.h"
#include "kernel/barrier.h"
#include "kernel/kernel.h"
#include "kernel/thread.h"
#include "kernel/trap.h"

static struct {
	irq_handler *fn;
	void *arg;
} handlers[VECTORS - VECTOR_IRQ];

/* A level-triggered line and the devices on it. */
struct sharer {
	struct sharer *next;
	irq_handler *fn;
	void *arg;
};
struct line {
	struct line *next;
	struct sharer *sharers;
	unsigned gsi;
};
static struct line *lines;

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

	return vector < 0 ? vector : ioapic_route(gsi, vector, false);
}

static void
line_interrupt(void *arg)
{
	struct line *l = arg;
	struct sharer *s;

	for (s = load_acquire(&l->sharers); s != NULL; s = s->next)
		s->fn(s->arg);
}

static struct line *
line_find(unsigned gsi)
{
	struct line *l;

	for (l = lines; l != NULL; l = l->next)
		if (l->gsi == gsi)
			return l;
	return NULL;
}

/* A new one is routed last: with its first sharer in place. */
static int
line_open(unsigned gsi, struct sharer *s)
{
	struct line *l = heap_alloc(sizeof(*l));
	int err;

	if (l == NULL)
		return -ENOMEM;
	l->gsi = gsi;
	l->sharers = s;
	err = irq_alloc(line_interrupt, l);
	if (err >= 0)
		err = ioapic_route(gsi, (unsigned)err, true);
	if (err < 0) /* the vector, and so the line, are lost */
		return err;
	l->next = lines;
	lines = l;
	return 0;
}

/* By one thread at a time (virtio.c attaches so); sharers never leave. */
int
irq_gsi_share(unsigned gsi, irq_handler *fn, void *arg)
{
	struct sharer *s = heap_alloc(sizeof(*s));
	struct line *l = line_find(gsi);

	if (s == NULL)
		return -ENOMEM;
	s->fn = fn;
	s->arg = arg;
	if (l == NULL)
		return line_open(gsi, s);
	s->next = l->sharers;
	store_release(&l->sharers, s);
	return 0;
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
