/* SPDX-License-Identifier: ISC */
/*
 * Reports of the end: message, registers, backtrace by frame pointers.  Code
 * addresses go out through console_address, so that the host can name them.
 */
#include "kernel/console.h"
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/panic.h"
#include "kernel/platform.h"
#include "kernel/trap.h"

#define FRAMES_MAX   64
#define STATUS_PANIC (128 + 6) /* as an abort */

static bool busy;

bool
panic_busy(void)
{
	return busy;
}

void
panic_begin(void)
{
	cpu_irq_save();
	busy = true;
	console_seize();
}

void
panic_again(void)
{
	static unsigned times;

	if (times++ == 0)
		log_line("another fault while reporting: giving up");
	if (times <= 2)
		kernel_exit(STATUS_PANIC);
	platform->poweroff();
}

void
panic_registers(const struct trap_frame *f)
{
	log_line("rip %016lx  rsp %016lx  rbp %016lx", f->rip, f->rsp, f->rbp);
	log_line("rax %016lx  rbx %016lx  rcx %016lx", f->rax, f->rbx, f->rcx);
	log_line("rdx %016lx  rsi %016lx  rdi %016lx", f->rdx, f->rsi, f->rdi);
	log_line("r8  %016lx  r9  %016lx  r10 %016lx", f->r8, f->r9, f->r10);
	log_line("r11 %016lx  r12 %016lx  r13 %016lx", f->r11, f->r12, f->r13);
	log_line(
	    "r14 %016lx  r15 %016lx  rflags %lx", f->r14, f->r15, f->rflags);
}

static void
frame_print(unsigned n, uintptr_t rip)
{
	char line[16];
	unsigned len = 0;

	line[len++] = ' ';
	line[len++] = ' ';
	line[len++] = '#';
	if (n >= 10)
		line[len++] = '0' + n / 10;
	line[len++] = '0' + n % 10;
	line[len++] = ' ';
	console_write(2, line, len);
	console_address(rip);
	console_write(2, "\n", 1);
}

/* A frame pointer is followed only while it stays on this thread's stack and
 * moves towards its top: a smashed stack ends the list, not the report. */
void
panic_backtrace(uintptr_t rip, uintptr_t caller, uintptr_t rbp)
{
	uintptr_t lo, hi;
	unsigned n = 0;

	thread_stack(thread_current(), &lo, &hi);
	log_line("backtrace:");
	frame_print(n++, rip);
	if (caller != 0)
		frame_print(n++, caller - 1);
	while (n < FRAMES_MAX && rbp >= lo && rbp + 16 <= hi && rbp % 8 == 0) {
		rip = ((uintptr_t *)rbp)[1];
		if (rip == 0)
			break;
		frame_print(n++, rip - 1); /* the call, not what follows */
		if (((uintptr_t *)rbp)[0] <= rbp)
			break;
		rbp = ((uintptr_t *)rbp)[0];
	}
}

void
panic(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (busy)
		panic_again();
	panic_begin();
	va_start(ap, fmt);
	log_format(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line("panic: %s", text);
	panic_backtrace((uintptr_t)__builtin_return_address(0) - 1, 0,
	    *(uintptr_t *)__builtin_frame_address(0));
	kernel_exit(STATUS_PANIC);
}
