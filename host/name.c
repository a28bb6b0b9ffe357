/* SPDX-License-Identifier: ISC */
/*
 * Code addresses in words: see name.h.  Names come from the image's own
 * symbols; lines from addr2line (binutils), which knows DWARF so that we need
 * not.
 */
#include "host/name.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/spawn.h"
#include "host/util.h"

#define ADDR2LINE_NS (5 * NS_PER_S) /* big programs have much to read */

/* CALL near indirect, FF /2 (Intel SDM volume 2), of `len` bytes ending at
 * `end`. */
static bool
is_indirect_call(const uint8_t *end, int len)
{
	return end[-len] == 0xff && (end[1 - len] & 0x38) == 0x10;
}

/* A return address belongs to the call before it, which may be the last
 * instruction of its function. */
static bool
follows_call(const struct elf *e, uint64_t addr)
{
	const uint8_t *p = elf_bytes_at(e, addr - 7, 7);

	if (p == NULL)
		return false;
	p += 7;
	return p[-5] == 0xe8 || is_indirect_call(p, 2) ||
	       is_indirect_call(p, 3) || is_indirect_call(p, 6) ||
	       is_indirect_call(p, 7);
}

static void
find_addr2line(struct namer *n)
{
	n->looked = true;
	if (elf_has_section(n->elf, ".debug_line"))
		n->addr2line = util_find_program("addr2line");
}

/* Appends " (file:line)" if addr2line knows it. */
static void
add_line(struct namer *n, uint64_t addr, struct text *out)
{
	struct words argv = {0};
	struct text got = {0};
	char *end;

	if (!n->looked)
		find_addr2line(n);
	if (n->addr2line == NULL)
		return;
	words_add(&argv, "addr2line");
	words_add(&argv, "-se");
	words_add(&argv, n->path);
	words_addf(&argv, "0x%" PRIx64, addr);
	if (spawn_capture(n->addr2line, argv.v, ADDR2LINE_NS, &got) == 0 &&
	    got.len > 0 && strchr(got.p, '?') == NULL) {
		end = got.p + strcspn(got.p, " \n");
		text_addf(out, " (%.*s)", (int)(end - got.p), got.p);
	}
	text_free(&got);
	words_free(&argv);
}

void
name_address(struct namer *n, uint64_t addr, struct text *out)
{
	uint64_t at = follows_call(n->elf, addr) ? addr - 1 : addr;
	struct elf_symbol s;

	text_addf(out, "0x%" PRIx64, addr);
	if (!elf_symbol_at(n->elf, at, &s))
		return;
	text_addf(out, " %s+0x%" PRIx64, s.name, addr - s.value);
	add_line(n, at, out);
}

void
name_fini(struct namer *n)
{
	free(n->addr2line);
	n->addr2line = NULL;
}
