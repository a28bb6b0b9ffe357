/* SPDX-License-Identifier: ISC */
/*
 * Code addresses in words, for backtraces.
 */
#ifndef HOST_NAME_H
#define HOST_NAME_H

#include <stdint.h>

#include "host/elf.h"
#include "host/text.h"

struct namer { /* all zero but the first two at the start */
	const struct elf *elf;
	const char *path;
	bool looked; /* addr2line was searched for */
	int pid;     /* addr2line; 0: not there, or the image has no lines */
	int to, from;
};

/* Appends "0x101234 main+0x14 (hello.c:12)", as much of it as is known. */
void name_address(struct namer *n, uint64_t addr, struct text *out);
void name_fini(struct namer *n);

#endif
