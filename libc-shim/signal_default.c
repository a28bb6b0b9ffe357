/* SPDX-License-Identifier: ISC */
/*
 * What happens to a signal nobody handles, and POSIX.1-2017 abort.  A signal
 * that ends the program ends the guest, with the line a shell would print.
 */
#include <stdlib.h>

#include "libc-shim/shim.h"
#include "libc-shim/signals.h"

#define IGNORED_BY_DEFAULT                                                     \
	(SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGCHLD) |      \
	    SIGNAL_BIT(SIGWINCH) | SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | \
	    SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

bool
signal_default_ignores(int signo)
{
	return (IGNORED_BY_DEFAULT & SIGNAL_BIT(signo)) != 0;
}

/* Indexed by number; the order is <sys/signal.h>'s. */
static const char *const names[] = {NULL, "Hangup", "Interrupt", "Quit",
    "Illegal instruction", "Trace/breakpoint trap", "Aborted", "Emulator trap",
    "Floating point exception", "Killed", "Bus error", "Segmentation fault",
    "Bad system call", "Broken pipe", "Alarm clock", "Terminated"};

static void
announce(int signo)
{
	if ((size_t)signo < sizeof(names) / sizeof(names[0]))
		log_line("%s", names[signo]);
	else
		log_line("Ended by signal %d", signo);
}

void
signal_default(int signo)
{
	if (signal_default_ignores(signo))
		return;
	announce(signo);
	kernel_exit(128 + signo);
}

void (*signal_abort_hook)(void);

/* The backtrace begins at the caller: it is what went wrong. */
PUBLIC void
abort(void)
{
	const uintptr_t *frame = __builtin_frame_address(0);

	if (signal_abort_hook != NULL)
		signal_abort_hook();
	announce(SIGABRT);
	panic_backtrace((uintptr_t)__builtin_return_address(0), 0, frame[0]);
	kernel_exit(128 + SIGABRT);
}
