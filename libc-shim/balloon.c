/* SPDX-License-Identifier: ISC */
/* The numbers of <sprat/balloon.h>. */
#include "kernel/balloon.h"

#include <sprat/balloon.h>

#include "libc-shim/shim.h"

PUBLIC void
sprat_memory(struct sprat_memory *m)
{
	m->total = page_total();
	m->unused = page_unused();
	m->given = page_given_total() * PAGE_SIZE;
	m->wanted = balloon_wanted() * PAGE_SIZE;
	m->reclaimed = balloon_reclaimed() * PAGE_SIZE;
}
