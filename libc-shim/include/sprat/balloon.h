/* SPDX-License-Identifier: ISC */
/*
 * The memory of the guest and what of it the host has: <sprat/balloon.h>.  The
 * host moves memory at any time and no program needs to care; these are the
 * numbers, for those who want to watch.  All are bytes.
 */
#ifndef SPRAT_BALLOON_H
#define SPRAT_BALLOON_H

#include <stddef.h>

struct sprat_memory {
	size_t total;     /* RAM of this guest, with what was plugged later */
	size_t unused;    /* held by nobody, ready to be allocated */
	size_t given;     /* in the host's balloon */
	size_t wanted;    /* that the host wants to have there */
	size_t reclaimed; /* taken back because memory had run out */
};

#ifdef __cplusplus
extern "C" {
#endif

/* Fills *m.  `given` and what follows are 0 where there is no balloon. */
void sprat_memory(struct sprat_memory *m);

#ifdef __cplusplus
}
#endif

#endif
