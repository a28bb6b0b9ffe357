/* SPDX-License-Identifier: ISC */
/*
 * Descriptor tables, exceptions, and the way from an exception to a signal
 * handler or to a report and the end.  [SDM] 3, 6 and 7.
 */
#include <string.h>

#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/panic.h"
#include "kernel/trap.h"

#define SELECTOR_CODE 0x08
#define SELECTOR_TSS  0x18

#define GATE_INTERRUPT 0x8e00 /* present, ring 0, 64-bit interrupt gate */

/* The master 8259's mask register; the slave's lines go through it. */
#define PIC_MASK 0x21

#define IST_LEN 4096

enum ist { IST_IRQ = 1, IST_FAULT, IST_NMI, IST_DOUBLE, IST_COUNT };

struct gate { /* [SDM] 3, 6.14.1 */
	uint16_t offset_low, selector;
	uint16_t ist_type, offset_mid;
	uint32_t offset_high, zero;
};
_Static_assert(sizeof(struct gate) == 16, "[SDM] 3, 6.14.1");

struct tss { /* [SDM] 3, 7.7 */
	uint32_t reserved0;
	uint32_t rsp[6];
	uint32_t reserved1[2];
	uint32_t ist[14]; /* IST1.. as low and high halves */
	uint32_t reserved2[2];
	uint16_t reserved3, iomap;
};
_Static_assert(sizeof(struct tss) == 104, "[SDM] 3, 7.7");

struct table_ptr {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

extern char trap_stubs[][16];

static struct gate idt[VECTORS];
static struct tss tss;
static uint64_t gdt[5];
static uint8_t ist_stack[IST_COUNT][IST_LEN] __attribute__((aligned(16)));

static void
gate_set(unsigned vector, unsigned ist)
{
	uintptr_t stub = (uintptr_t)trap_stubs[vector];
	struct gate *g = &idt[vector];

	g->offset_low = stub;
	g->selector = SELECTOR_CODE;
	g->ist_type = GATE_INTERRUPT | ist;
	g->offset_mid = stub >> 16;
	g->offset_high = stub >> 32;
}

static void
tables_load(void)
{
	uintptr_t base = (uintptr_t)&tss;
	struct table_ptr gp = {sizeof(gdt) - 1, (uintptr_t)gdt};
	struct table_ptr ip = {sizeof(idt) - 1, (uintptr_t)idt};

	gdt[1] = 0x00af9b000000ffff; /* 64-bit code */
	gdt[2] = 0x00cf93000000ffff; /* data */
	gdt[3] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89UL << 40 |
		 (base >> 24 & 0xff) << 56;
	gdt[4] = base >> 32;
	cpu_lgdt(&gp);
	cpu_ltr(SELECTOR_TSS);
	cpu_lidt(&ip);
}

void
trap_gate_irq(unsigned vector)
{
	gate_set(vector, IST_IRQ);
}

void
trap_init(void)
{
	uintptr_t top;
	unsigned i;

	for (i = 0; i < VECTOR_IRQ; i++)
		gate_set(i, IST_FAULT);
	gate_set(TRAP_NMI, IST_NMI);
	gate_set(TRAP_DOUBLE_FAULT, IST_DOUBLE);
	for (i = IST_IRQ; i < IST_COUNT; i++) {
		top = (uintptr_t)ist_stack[i] + IST_LEN;
		tss.ist[2 * (i - 1)] = top;
		tss.ist[2 * (i - 1) + 1] = top >> 32;
	}
	tss.iomap = sizeof(tss);
	tables_load();
	/* a BIOS leaves its timer running, on the vector of double faults */
	cpu_outb(PIC_MASK, 0xff);
}

/* What each exception is called and which signal it makes. */
static const struct {
	const char *name;
	int signo; /* newlib's numbers */
} exceptions[VECTOR_IRQ] = {
    [0] = {"divide error", 8},
    [1] = {"debug trap", 5},
    [2] = {"non-maskable interrupt", 6},
    [3] = {"breakpoint", 5},
    [4] = {"overflow", 8},
    [5] = {"bound range exceeded", 11},
    [6] = {"invalid instruction", 4},
    [7] = {"no floating-point unit", 8},
    [8] = {"double fault", 11},
    [10] = {"invalid TSS", 11},
    [11] = {"segment not present", 11},
    [12] = {"stack segment fault", 11},
    [13] = {"general protection fault", 11},
    [14] = {"page fault", 11},
    [16] = {"floating-point error", 8},
    [17] = {"alignment check", 10},
    [18] = {"machine check", 6},
    [19] = {"SIMD floating-point error", 8},
};

/* [SDM] 3, 4.7: bit 0 present, 1 write, 4 instruction fetch */
static void
page_fault_describe(const struct trap_frame *f, uintptr_t addr)
{
	const char *what = f->error & 0x10 ? "execute"
			   : f->error & 2  ? "write"
					   : "read";
	uintptr_t lo, hi;

	thread_stack(thread_current(), &lo, &hi);
	if (addr < lo && (addr >= lo - PAGE_SIZE || f->rsp < lo))
		log_line("stack overflow in thread %u: its stack is %lu KiB",
		    thread_id(thread_current()), (hi - lo) >> 10);
	else if (addr < PAGE_SIZE)
		log_line("null pointer: cannot %s address 0x%lx", what, addr);
	else
		log_line("cannot %s address 0x%lx: %s", what, addr,
		    f->error & 1 ? "its page does not permit it"
				 : "nothing is mapped there");
}

static bool
is_text(uintptr_t addr)
{
	extern char __image_start[], __rodata_start[];

	return addr >= (uintptr_t)__image_start &&
	       addr < (uintptr_t)__rodata_start;
}

/* Does a call instruction end at `ret` that may have led to rip?  [SDM] 2,
 * CALL: E8 and a distance, or FF /2. */
static bool
call_led_to(uintptr_t ret, uintptr_t rip)
{
	const uint8_t *end = (const uint8_t *)ret;
	int len;

	if (!is_text(ret - 7) || !is_text(ret))
		return false;
	if (end[-5] == 0xe8 &&
	    rip - (ret + *(const int32_t *)(end - 4)) < PAGE_SIZE)
		return true;
	for (len = 2; len <= 7; len++)
		if (end[-len] == 0xff && (end[1 - len] & 0x38) == 0x10)
			return true;
	return false;
}

/* A function that needs no stack has no frame, nor has a call to where no code
 * is: then the return address is on top of the stack. */
static void
backtrace(const struct trap_frame *f)
{
	uintptr_t lo, hi, caller = 0;

	thread_stack(thread_current(), &lo, &hi);
	if (f->rsp >= lo && f->rsp + 8 <= hi)
		caller = *(uintptr_t *)f->rsp;
	if (!call_led_to(caller, f->rip))
		caller = 0;
	panic_backtrace(f->rip, caller, f->rbp);
}

static __attribute__((noinline)) void
exception(struct trap_frame *f)
{
	const char *name = exceptions[f->vector].name;
	int signo = exceptions[f->vector].signo;
	uintptr_t addr = cpu_cr2();

	if (signo == 0)
		signo = 11;
	if (panic_busy())
		panic_again();
	if (f->vector != TRAP_NMI && f->vector != TRAP_DOUBLE_FAULT &&
	    libc_fault(f, signo))
		return;
	panic_begin();
	log_line("fault: %s (error 0x%lx) in thread %u",
	    name != NULL ? name : "unknown exception", f->error,
	    thread_id(thread_current()));
	if (f->vector == TRAP_PAGE_FAULT)
		page_fault_describe(f, addr);
	panic_registers(f);
	backtrace(f);
	kernel_exit(128 + signo);
}

bool
trap_dispatch(struct trap_frame *f)
{
	if (f->vector < VECTOR_IRQ) {
		exception(f);
		return false;
	}
	irq_dispatch(f->vector);
	return thread_preempt_wanted();
}
