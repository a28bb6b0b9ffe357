/* SPDX-License-Identifier: ISC */
/*
 * Reading an image.  Every offset and size in the file is checked before it
 * is used; a file made to mislead us yields an error, never a wild read.
 * Layouts: <elf.h>, System V ABI chapter 4 and its x86-64 supplement; notes:
 * <xen/elfnote.h>.
 */
#ifndef HOST_ELF_H
#define HOST_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_NOTE_PVH 18 /* XEN_ELFNOTE_PHYS32_ENTRY */

enum elf_fault {
	ELF_OK,
	ELF_NOT_ELF,
	ELF_TRUNCATED, /* a header or segment reaches beyond the file */
	ELF_TOO_NEW,   /* a version of the format nobody has defined */
	ELF_NOT_64,
	ELF_MACHINE,
	ELF_OBJECT,  /* .o */
	ELF_LINUX,   /* wants a dynamic linker */
	ELF_DYNAMIC, /* other shared object */
	ELF_CORE,
	ELF_BAD, /* headers contradict themselves */
	ELF_NO_LOAD,
	ELF_NO_PVH,
};

struct elf {
	const uint8_t *data;
	size_t len;
	Elf64_Ehdr eh;
	uint64_t pvh_entry;  /* physical address */
	uint64_t memory_end; /* physical; one past the highest PT_LOAD */
	bool mapped;         /* by elf_open */
};

struct elf_note {
	const char *name; /* NUL-terminated; "" if it has none */
	uint32_t type;
	const uint8_t *desc;
	size_t desc_len;
};

struct elf_notes { /* an iterator; all zero at the start */
	unsigned segment;
	size_t offset;
};

struct elf_symbol {
	const char *name;
	uint64_t value;
	uint64_t size; /* 0: unknown */
};

/* Checks the image in memory, which must outlive `e`. */
enum elf_fault elf_init(struct elf *e, const void *data, size_t len);

/* Maps the file and checks it; says on standard error what is wrong and what
 * to do.  True if it is a bootable image. */
bool elf_open(struct elf *e, const char *path);
void elf_close(struct elf *e);

/* Program header i < e->eh.e_phnum. */
void elf_phdr(const struct elf *e, unsigned i, Elf64_Phdr *ph);

/* Section header i; false if there is none, or its data is not in the file. */
bool elf_shdr(const struct elf *e, unsigned i, Elf64_Shdr *sh);
unsigned elf_section_count(const struct elf *e);
/* "" where the name is missing or broken. */
const char *elf_section_name(const struct elf *e, const Elf64_Shdr *sh);
bool elf_has_section(const struct elf *e, const char *name);

/* The next well-formed note of any PT_NOTE; false after the last. */
bool elf_note_next(
    const struct elf *e, struct elf_notes *it, struct elf_note *note);
/* A note's 4- or 8-byte number; false for other sizes. */
bool elf_note_number(const struct elf_note *note, uint64_t *value);

/* The function that holds `addr`; false if none is known. */
bool elf_symbol_at(const struct elf *e, uint64_t addr, struct elf_symbol *s);
bool elf_has_symbols(const struct elf *e);

#endif
