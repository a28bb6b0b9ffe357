/* SPDX-License-Identifier: ISC */
/*
 * The image reader against good, wrong and hostile files.  Each is a copy of
 * exact size on the heap, so that the sanitizers see any read beyond it.
 */
/* LINK: host/elf.c host/elf_symbol.c host/util.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "host/elf.h"

#define BASE 0x100000

/* A complete image: one code segment, a note, two functions. */
struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr load, note;
	struct {
		Elf64_Nhdr nh;
		char name[4];
		uint32_t desc;
	} n;
	uint8_t text[32];
	Elf64_Sym sym[4];
	char str[48];
	Elf64_Shdr sh[4];
};

#define OFFSET(member) offsetof(struct image, member)

static void
make_sections(struct image *im)
{
	static const char names[] = "\0.text\0.symtab\0.strtab\0main\0label";

	memcpy(im->str, names, sizeof(names));
	im->sym[1] = (Elf64_Sym){.st_name = 23,
	    .st_shndx = 1,
	    .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
	    .st_value = BASE,
	    .st_size = 16};
	im->sym[2] =
	    (Elf64_Sym){.st_name = 28, .st_shndx = 1, .st_value = BASE + 20};
	im->sym[3] = (Elf64_Sym){.st_name = 28, .st_value = BASE + 2};
	im->sh[1] = (Elf64_Shdr){.sh_name = 1,
	    .sh_type = SHT_PROGBITS,
	    .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
	    .sh_addr = BASE,
	    .sh_offset = OFFSET(text),
	    .sh_size = sizeof(im->text)};
	im->sh[2] = (Elf64_Shdr){.sh_name = 7,
	    .sh_type = SHT_SYMTAB,
	    .sh_offset = OFFSET(sym),
	    .sh_size = sizeof(im->sym),
	    .sh_link = 3,
	    .sh_entsize = sizeof(Elf64_Sym)};
	im->sh[3] = (Elf64_Shdr){.sh_name = 15,
	    .sh_type = SHT_STRTAB,
	    .sh_offset = OFFSET(str),
	    .sh_size = sizeof(im->str)};
}

static struct image
make_image(void)
{
	struct image im = {
	    .eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
		       EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = BASE,
		.e_phoff = OFFSET(load),
		.e_shoff = OFFSET(sh),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 4,
		.e_shstrndx = 3},
	    .load = {.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = OFFSET(text),
		.p_vaddr = BASE,
		.p_paddr = BASE,
		.p_filesz = sizeof(im.text),
		.p_memsz = 0x2000},
	    .note = {.p_type = PT_NOTE,
		.p_offset = OFFSET(n),
		.p_filesz = sizeof(im.n),
		.p_memsz = sizeof(im.n)},
	    .n = {.nh = {4, 4, ELF_NOTE_PVH}, .name = "Xen", .desc = BASE},
	};

	make_sections(&im);
	return im;
}

/* Calls everything there is on the image, as `sprat info` does. */
static void
walk(const struct elf *e)
{
	struct elf_notes it = {0};
	struct elf_note note;
	struct elf_symbol s;
	Elf64_Shdr sh;
	uint64_t value;
	unsigned i;

	while (elf_note_next(e, &it, &note))
		elf_note_number(&note, &value);
	for (i = 0; i < elf_section_count(e); i++) {
		if (elf_shdr(e, i, &sh))
			elf_section_name(e, &sh);
	}
	for (i = 0; i < 40; i++) {
		elf_symbol_at(e, BASE + i, &s);
	}
}

static enum elf_fault
fault_of(const struct image *im, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum elf_fault fault;
	struct elf e;

	memcpy(copy, im, len);
	fault = elf_init(&e, copy, len);
	if (fault == ELF_OK)
		walk(&e);
	free(copy);
	return fault;
}

static void
test_good(void **state)
{
	struct image im = make_image();
	struct elf_symbol s;
	struct elf e;

	(void)state;
	assert_int_equal(elf_init(&e, &im, sizeof(im)), ELF_OK);
	assert_int_equal(e.pvh_entry, BASE);
	assert_int_equal(e.memory_end, BASE + 0x2000);
	assert_true(elf_has_symbols(&e));
	assert_true(elf_has_section(&e, ".text"));
	assert_false(elf_has_section(&e, ".debug_line"));
	assert_true(elf_symbol_at(&e, BASE + 15, &s));
	assert_string_equal(s.name, "main");
	assert_false(elf_symbol_at(&e, BASE + 16, &s)); /* beyond its size */
	assert_true(elf_symbol_at(&e, BASE + 31, &s));
	assert_string_equal(s.name, "label");
	assert_false(elf_symbol_at(&e, BASE + 32, &s)); /* beyond the text */
	assert_false(elf_symbol_at(&e, BASE - 1, &s));
}

static void
test_truncated_anywhere(void **state)
{
	struct image im = make_image();
	size_t len;

	(void)state;
	assert_int_equal(fault_of(&im, 0), ELF_NOT_ELF);
	assert_int_equal(fault_of(&im, 3), ELF_NOT_ELF);
	for (len = 4; len < OFFSET(text) + sizeof(im.text); len++)
		assert_int_equal(fault_of(&im, len), ELF_TRUNCATED);
	for (; len <= sizeof(im); len++) /* symbols are a luxury */
		assert_int_equal(fault_of(&im, len), ELF_OK);
}

#define CHECK(member, value, want)                                             \
	do {                                                                   \
		struct image im_ = make_image();                               \
		im_.member = (value);                                          \
		assert_int_equal(fault_of(&im_, sizeof(im_)), want);           \
	} while (0)

static void
test_other_files(void **state)
{
	(void)state;
	CHECK(eh.e_ident[0], '#', ELF_NOT_ELF);
	CHECK(eh.e_ident[EI_CLASS], ELFCLASS32, ELF_NOT_64);
	CHECK(eh.e_ident[EI_DATA], ELFDATA2MSB, ELF_MACHINE);
	CHECK(eh.e_ident[EI_VERSION], 2, ELF_TOO_NEW);
	CHECK(eh.e_version, 7, ELF_TOO_NEW);
	CHECK(eh.e_machine, EM_AARCH64, ELF_MACHINE);
	CHECK(eh.e_type, ET_REL, ELF_OBJECT);
	CHECK(eh.e_type, ET_DYN, ELF_DYNAMIC);
	CHECK(eh.e_type, ET_CORE, ELF_CORE);
	CHECK(eh.e_type, 99, ELF_BAD);
	CHECK(note.p_type, PT_INTERP, ELF_LINUX);
	CHECK(note.p_type, PT_NULL, ELF_NO_PVH);
	CHECK(load.p_type, PT_NULL, ELF_NO_LOAD);
	CHECK(eh.e_phnum, 0, ELF_NO_LOAD);
	CHECK(n.nh.n_type, 17, ELF_NO_PVH);
	CHECK(n.name[0], 'x', ELF_NO_PVH);
	CHECK(n.nh.n_descsz, 3, ELF_NO_PVH);
}

static void
test_huge_numbers(void **state)
{
	static const uint64_t huge[] = {0x7fffffff, 0xffffffff, INT64_MAX,
	    UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - sizeof(struct image)};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		CHECK(eh.e_phoff, huge[i], ELF_TRUNCATED);
		CHECK(load.p_offset, huge[i], ELF_TRUNCATED);
		CHECK(load.p_filesz, huge[i], ELF_TRUNCATED);
		CHECK(note.p_offset, huge[i], ELF_TRUNCATED);
		CHECK(note.p_filesz, huge[i], ELF_TRUNCATED);
		CHECK(n.nh.n_namesz, (uint32_t)huge[i], ELF_NO_PVH);
		CHECK(n.nh.n_descsz, (uint32_t)huge[i], ELF_NO_PVH);
		/* what only `info` and backtraces use must not harm */
		CHECK(eh.e_shoff, huge[i], ELF_OK);
		CHECK(sh[2].sh_offset, huge[i], ELF_OK);
		CHECK(sh[2].sh_size, huge[i], ELF_OK);
		CHECK(sh[3].sh_size, huge[i], ELF_OK);
		CHECK(sh[2].sh_link, (uint32_t)huge[i], ELF_OK);
		CHECK(sym[1].st_name, (uint32_t)huge[i], ELF_OK);
		CHECK(sh[1].sh_name, (uint32_t)huge[i], ELF_OK);
		CHECK(sh[1].sh_addr, huge[i], ELF_OK);
	}
	CHECK(eh.e_phnum, 0xffff, ELF_BAD);
	CHECK(eh.e_phnum, 0xfffe, ELF_TRUNCATED);
	CHECK(eh.e_phentsize, 1, ELF_BAD);
	CHECK(eh.e_shnum, 0xffff, ELF_OK);
	CHECK(eh.e_shstrndx, 0xffff, ELF_OK);
	CHECK(load.p_paddr, UINT64_MAX - 0x1000, ELF_BAD);
	CHECK(load.p_memsz, 1, ELF_BAD);
}

static void
test_random_damage(void **state)
{
	struct image im;
	unsigned round, i;

	(void)state;
	srand(1);
	for (round = 0; round < 50000; round++) {
		im = make_image();
		for (i = 0; i < 3; i++)
			((uint8_t *)&im)[(unsigned)rand() % sizeof(im)] =
			    (uint8_t)rand();
		fault_of(&im, sizeof(im));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_truncated_anywhere),
	    cmocka_unit_test(test_other_files),
	    cmocka_unit_test(test_huge_numbers),
	    cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
