/* SPDX-License-Identifier: ISC */
/*
 * `sprat cc`: gcc with our specs file, which names our headers, libraries and
 * link map.  Everything else is gcc's own business, so we replace ourselves
 * with it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/sprat.h"
#include "host/text.h"
#include "host/util.h"

const char cc_help[] =
    "usage: sprat cc [gcc arguments]        (or sprat-cc ...)\n"
    "\n"
    "Compiles and links C programs into bootable images.  It takes gcc's\n"
    "arguments: `sprat cc a.c b.c -lm -o app`.  For programs that use\n"
    "autoconf: `CC=sprat-cc ./configure --host=x86_64-elf && make`.\n"
    "gcc tells its own arguments: `sprat cc --help`.\n"
    "\n"
    "  --without=DRIVER,...  link an image without these drivers: 9p, balloon,\n"
    "                        blk, console, fs, mem, net, pmem, rng, scsi,\n"
    "                        vsock\n"
    "\n"
    "SPRAT_LIB, if set, names the folder of our headers and libraries.\n";

/* The folder that holds sprat.specs, for free(); or NULL after saying why. */
static char *
find_lib(void)
{
	const char *set = getenv("SPRAT_LIB");
	char exe[4096], *slash;
	struct text t = {0};
	ssize_t n;
	int i;

	if (set != NULL && set[0] != '\0')
		return util_strdup(set);
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0) {
		util_report("cannot find my own folder (/proc/self/exe: %s); "
			    "set SPRAT_LIB",
		    strerror(errno));
		return NULL;
	}
	exe[n] = '\0';
	for (i = 0; i < 2; i++) { /* PREFIX/bin/sprat */
		slash = strrchr(exe, '/');
		if (slash != NULL)
			*slash = '\0';
	}
	text_addf(&t, "%s/lib/sprat", exe);
	return text_take(&t);
}

/* An address of 0 in place of a driver (pv/virtio/virtio_drivers.h); that of
 * the console has two ways in. */
static bool
leave_out(struct words *args, const char *list)
{
	static const char *const drivers[] = {"9p", "balloon", "blk", "console",
	    "fs", "mem", "net", "pmem", "rng", "scsi", "vsock"};
	size_t i, len, n = sizeof(drivers) / sizeof(drivers[0]);

	for (;; list += len + 1) {
		len = strcspn(list, ",");
		for (i = 0; i < n; i++)
			if (strncmp(drivers[i], list, len) == 0 &&
			    drivers[i][len] == '\0')
				break;
		if (i == n) {
			util_report("--without=%.*s: no such driver; see "
				    "`sprat help cc`",
			    (int)len, list);
			return false;
		}
		words_addf(args, "-Wl,--defsym=virtio_%s_driver=0", drivers[i]);
		if (strcmp(drivers[i], "console") == 0)
			words_add(args, "-Wl,--defsym=virtio_console_dev=0");
		if (list[len] == '\0')
			return true;
	}
}

/* What gcc shall get for our own arguments. */
static bool
translate(struct words *args, int argc, char **argv)
{
	static const char without[] = "--without=";
	int i;

	for (i = 1; i < argc; i++) {
		if (strncmp(argv[i], without, sizeof(without) - 1) != 0)
			words_add(args, argv[i]);
		else if (!leave_out(args, argv[i] + sizeof(without) - 1))
			return false;
	}
	return true;
}

/* Becomes gcc; returns only if that fails. */
static void
become_gcc(const char *lib, const char *specs, int argc, char **argv)
{
	struct words args = {0};
	int err;

	setenv("SPRAT_LIB", lib, 1);
	words_add(&args, "gcc");
	words_addf(&args, "-specs=%s", specs);
	if (translate(&args, argc, argv)) {
		execvp("gcc", args.v);
		err = errno;
		if (err == ENOENT)
			util_report("gcc not found; apt install gcc");
		else
			util_report("cannot start gcc: %s", strerror(err));
	}
	words_free(&args);
}

int
cc_main(int argc, char **argv)
{
	struct text specs = {0};
	char *lib;

	lib = find_lib();
	if (lib == NULL)
		return EXIT_FAILED;
	text_addf(&specs, "%s/sprat.specs", lib);
	if (access(specs.p, R_OK) == 0)
		become_gcc(lib, specs.p, argc, argv);
	else
		util_report("%s: %s; run `make` first, or set SPRAT_LIB to "
			    "the folder that holds sprat.specs",
		    specs.p, strerror(errno));
	text_free(&specs);
	free(lib);
	return EXIT_FAILED;
}
