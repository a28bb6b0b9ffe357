/* SPDX-License-Identifier: ISC */
/*
 * The application's beginning and end: constructors, main, exit.  [gABI]
 * Initialization and Termination Functions.  boot/image.ld places the arrays.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "libc-shim/progname.h"
#include "libc-shim/shim.h"

typedef void start_fn(void);

extern start_fn *__preinit_array_start[], *__preinit_array_end[];
extern start_fn *__init_array_start[], *__init_array_end[];
extern start_fn *__fini_array_start[], *__fini_array_end[];
extern int main(int argc, char **argv, char **envp);

PUBLIC char **environ;
PUBLIC const char *__progname = "sprat";

static void
run_all(start_fn **fn, start_fn **end)
{
	for (; fn < end; fn++)
		(*fn)();
}

/* Last to be constructed, first to be destructed. */
static void
run_destructors(void)
{
	start_fn **fn = __fini_array_end;

	while (fn > __fini_array_start)
		(*--fn)();
}

static void
set_progname(const char *path)
{
	const char *slash = strrchr(path, '/');

	__progname = slash != NULL ? slash + 1 : path;
}

void
libc_start(int argc, char **argv, char **envp)
{
	environ = envp;
	if (argc > 0)
		set_progname(argv[0]);
	if (&__fini_array_end[0] > &__fini_array_start[0])
		atexit(run_destructors);
	run_all(__preinit_array_start, __preinit_array_end);
	run_all(__init_array_start, __init_array_end);
	exit(main(argc, argv, envp));
}

PUBLIC void
_exit(int status)
{
	kernel_exit(status & 0xff);
}

PUBLIC void
_Exit(int status)
{
	kernel_exit(status & 0xff);
}
