/* SPDX-License-Identifier: ISC */
/*
 * Sections, symbols and addresses of an image: see elf.h.  Unlike the program
 * headers these are a luxury: what is damaged is treated as absent.
 */
#include "host/elf.h"

#include <string.h>

static bool
in_file(const struct elf *e, uint64_t offset, uint64_t len)
{
	return offset <= e->len && len <= e->len - offset;
}

unsigned
elf_section_count(const struct elf *e)
{
	if (e->eh.e_shentsize != sizeof(Elf64_Shdr) ||
	    !in_file(e, e->eh.e_shoff, e->eh.e_shnum * sizeof(Elf64_Shdr)))
		return 0;
	return e->eh.e_shnum;
}

bool
elf_shdr(const struct elf *e, unsigned i, Elf64_Shdr *sh)
{
	if (i >= elf_section_count(e))
		return false;
	memcpy(sh, e->data + e->eh.e_shoff + i * sizeof(*sh), sizeof(*sh));
	return sh->sh_type == SHT_NOBITS ||
	       in_file(e, sh->sh_offset, sh->sh_size);
}

/* A string of the string table in section `table`; "" if broken. */
static const char *
string_at(const struct elf *e, unsigned table, uint32_t offset)
{
	const uint8_t *s;
	Elf64_Shdr sh;

	if (!elf_shdr(e, table, &sh) || sh.sh_type != SHT_STRTAB ||
	    offset >= sh.sh_size)
		return "";
	s = e->data + sh.sh_offset + offset;
	if (memchr(s, '\0', sh.sh_size - offset) == NULL)
		return "";
	return (const char *)s;
}

const char *
elf_section_name(const struct elf *e, const Elf64_Shdr *sh)
{
	return string_at(e, e->eh.e_shstrndx, sh->sh_name);
}

bool
elf_has_section(const struct elf *e, const char *name)
{
	unsigned i, n = elf_section_count(e);
	Elf64_Shdr sh;

	for (i = 0; i < n; i++) {
		if (elf_shdr(e, i, &sh) &&
		    strcmp(elf_section_name(e, &sh), name) == 0)
			return true;
	}
	return false;
}

static bool
find_symtab(const struct elf *e, Elf64_Shdr *sh)
{
	unsigned i, n = elf_section_count(e);

	for (i = 0; i < n; i++) {
		if (elf_shdr(e, i, sh) && sh->sh_type == SHT_SYMTAB &&
		    sh->sh_entsize == sizeof(Elf64_Sym))
			return true;
	}
	return false;
}

bool
elf_has_symbols(const struct elf *e)
{
	Elf64_Shdr sh;

	return find_symtab(e, &sh) && sh.sh_size > sizeof(Elf64_Sym);
}

/* Assembly labels have no type and no size, and are welcome if they are in
 * code. */
static bool
names_code(const struct elf *e, const Elf64_Sym *sym)
{
	unsigned type = ELF64_ST_TYPE(sym->st_info);
	Elf64_Shdr sh;

	if (sym->st_name == 0 || sym->st_shndx == SHN_UNDEF)
		return false;
	if (type == STT_FUNC)
		return true;
	return type == STT_NOTYPE && elf_shdr(e, sym->st_shndx, &sh) &&
	       (sh.sh_flags & SHF_EXECINSTR);
}

/* The nearest symbol at or below `addr`; of two at one address, that with a
 * size. */
static bool
is_better(const Elf64_Sym *sym, uint64_t addr, const Elf64_Sym *best)
{
	if (sym->st_value > addr)
		return false;
	if (best->st_name == 0 || sym->st_value > best->st_value)
		return true;
	return sym->st_value == best->st_value && sym->st_size > best->st_size;
}

/* [lo, hi) is the executable section around `addr`. */
static bool
code_bounds(const struct elf *e, uint64_t addr, uint64_t *lo, uint64_t *hi)
{
	unsigned i, n = elf_section_count(e);
	Elf64_Shdr sh;

	for (i = 0; i < n; i++) {
		if (elf_shdr(e, i, &sh) && (sh.sh_flags & SHF_EXECINSTR) &&
		    addr >= sh.sh_addr && addr - sh.sh_addr < sh.sh_size) {
			*lo = sh.sh_addr;
			*hi = sh.sh_addr + sh.sh_size;
			return true;
		}
	}
	return false;
}

bool
elf_symbol_at(const struct elf *e, uint64_t addr, struct elf_symbol *s)
{
	Elf64_Sym sym, best = {0};
	uint64_t lo, hi, at;
	Elf64_Shdr sh;

	if (!find_symtab(e, &sh) || !code_bounds(e, addr, &lo, &hi))
		return false;
	for (at = 0; sh.sh_size - at >= sizeof(sym); at += sizeof(sym)) {
		memcpy(&sym, e->data + sh.sh_offset + at, sizeof(sym));
		if (is_better(&sym, addr, &best) && sym.st_value >= lo &&
		    names_code(e, &sym))
			best = sym;
	}
	if (best.st_name == 0)
		return false;
	s->name = string_at(e, sh.sh_link, best.st_name);
	s->value = best.st_value;
	s->size = best.st_size;
	return s->name[0] != '\0' &&
	       (s->size == 0 || addr - s->value < s->size);
}
