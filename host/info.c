/* SPDX-License-Identifier: ISC */
/*
 * `sprat info`: what an image is made of, for people and as JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/elf.h"
#include "host/run.h"
#include "host/sprat.h"
#include "host/text.h"
#include "host/util.h"

const char info_help[] =
    "usage: sprat info [--json] IMAGE\n"
    "\n"
    "Shows entry points, the memory IMAGE needs, notes, segments, size by\n"
    "section, and whether it has symbols and line numbers.\n";

/* Names of <xen/elfnote.h> without their XEN_ELFNOTE_. */
static const char *
xen_note_name(uint32_t type)
{
	static const char *const names[] = {"INFO", "ENTRY", "HYPERCALL_PAGE",
	    "VIRT_BASE", "PADDR_OFFSET", "XEN_VERSION", "GUEST_OS",
	    "GUEST_VERSION", "LOADER", "PAE_MODE", "FEATURES", "BSD_SYMTAB",
	    "HV_START_LOW", "L1_MFN_VALID", "SUSPEND_CANCEL", "INIT_P2M",
	    "MOD_START_PFN", "SUPPORTED_FEATURES", "PHYS32_ENTRY"};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

/* What it is for, in a word or two. */
static const char *
note_purpose(const struct elf_note *n)
{
	if (strcmp(n->name, "GNU") == 0)
		return n->type == NT_GNU_BUILD_ID ? "build id" : "other";
	if (strcmp(n->name, "Xen") != 0)
		return "other";
	return n->type == ELF_NOTE_PVH ? "PVH entry" : xen_note_name(n->type);
}

static bool
is_text(const struct elf_note *n)
{
	size_t i;

	if (n->desc_len < 2 || n->desc[n->desc_len - 1] != '\0')
		return false;
	for (i = 0; i + 1 < n->desc_len; i++) {
		if (n->desc[i] < ' ' || n->desc[i] > '~')
			return false;
	}
	return true;
}

/* The contents as a string, a number or bytes. */
static void
add_note_value(struct text *t, const struct elf_note *n)
{
	uint64_t number;
	size_t i;

	if (is_text(n)) {
		text_addf(t, "%s", (const char *)n->desc);
	} else if (elf_note_number(n, &number)) {
		text_addf(t, "0x%" PRIx64, number);
	} else {
		for (i = 0; i < n->desc_len && i < 64; i++)
			text_addf(t, "%02x", n->desc[i]);
	}
}

static const char *
permissions(uint32_t flags, char buf[4])
{
	buf[0] = flags & PF_R ? 'R' : '-';
	buf[1] = flags & PF_W ? 'W' : '-';
	buf[2] = flags & PF_X ? 'X' : '-';
	buf[3] = '\0';
	return buf;
}

static const char *
segment_type(uint32_t type)
{
	switch (type) {
	case PT_LOAD:
		return "load";
	case PT_NOTE:
		return "note";
	case PT_TLS:
		return "tls";
	default:
		return "other";
	}
}

static uint64_t
kib(uint64_t bytes)
{
	return (bytes + 1023) >> 10;
}

static void
show_entry(const struct elf *e, const char *label, uint64_t addr)
{
	struct elf_symbol s;

	printf("%-9s 0x%" PRIx64, label, addr);
	if (elf_symbol_at(e, addr, &s) && s.value == addr)
		printf("  %s", s.name);
	putchar('\n');
}

static void
show_notes(const struct elf *e)
{
	struct elf_notes it = {0};
	struct elf_note n;
	struct text t = {0};
	const char *label = "notes";

	while (elf_note_next(e, &it, &n)) {
		add_note_value(&t, &n);
		printf("%-9s %-4s %2u  %-18s %s\n", label, n.name, n.type,
		    note_purpose(&n), t.p ? t.p : "");
		text_free(&t);
		label = "";
	}
}

static void
show_segments(const struct elf *e)
{
	const char *label = "segments";
	Elf64_Phdr ph;
	char perm[4];
	unsigned i;

	for (i = 0; i < e->eh.e_phnum; i++) {
		elf_phdr(e, i, &ph);
		printf("%-9s %-5s %s  0x%08" PRIx64 "  %9" PRIu64
		       " in file %9" PRIu64 " in memory\n",
		    label, segment_type(ph.p_type),
		    permissions(ph.p_flags, perm), ph.p_paddr, ph.p_filesz,
		    ph.p_memsz);
		label = "";
	}
}

/* Only what is loaded: the rest is for debuggers. */
static bool
loaded_section(const struct elf *e, unsigned i, Elf64_Shdr *sh)
{
	return elf_shdr(e, i, sh) && (sh->sh_flags & SHF_ALLOC) &&
	       sh->sh_size > 0;
}

static void
show_sections(const struct elf *e)
{
	unsigned i, n = elf_section_count(e);
	const char *label = "sections";
	uint64_t total = 0;
	Elf64_Shdr sh;

	for (i = 0; i < n; i++) {
		if (!loaded_section(e, i, &sh))
			continue;
		printf("%-9s %-16s %9" PRIu64 "%s\n", label,
		    elf_section_name(e, &sh), sh.sh_size,
		    sh.sh_type == SHT_NOBITS ? "  zeroed" : "");
		total += sh.sh_size;
		label = "";
	}
	if (total > 0)
		printf("%-9s %-16s %9" PRIu64 "\n", "", "sum", total);
}

static void
show(const struct elf *e, const char *path)
{
	uint64_t need = qemu_memory_needed(e, 0);

	printf("%s: bootable image, ELF64 x86-64, %" PRIu64 " KiB, %s%s\n",
	    path, kib(e->len), elf_has_symbols(e) ? "symbols" : "stripped",
	    elf_has_section(e, ".debug_line") ? " and line numbers" : "");
	show_entry(e, "pvh entry", e->pvh_entry);
	show_entry(e, "elf entry", e->eh.e_entry);
	printf("%-9s %" PRIu64 " KiB at least: sprat run -m %" PRIu64
	       "M or more\n",
	    "memory", kib(need), (need + (1 << 20) - 1) >> 20);
	show_notes(e);
	show_segments(e);
	show_sections(e);
}

static void
json_string(const char *s)
{
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < ' ')
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void
json_notes(const struct elf *e)
{
	struct elf_notes it = {0};
	struct elf_note n;
	struct text t = {0};
	const char *comma = "";

	printf(",\n \"notes\": [");
	while (elf_note_next(e, &it, &n)) {
		add_note_value(&t, &n);
		printf("%s\n  {\"owner\": ", comma);
		json_string(n.name);
		printf(", \"type\": %u, \"purpose\": ", n.type);
		json_string(note_purpose(&n));
		printf(", \"value\": ");
		json_string(t.p ? t.p : "");
		putchar('}');
		text_free(&t);
		comma = ",";
	}
	putchar(']');
}

static void
json_segments(const struct elf *e)
{
	Elf64_Phdr ph;
	char perm[4];
	unsigned i;

	printf(",\n \"segments\": [");
	for (i = 0; i < e->eh.e_phnum; i++) {
		elf_phdr(e, i, &ph);
		printf("%s\n  {\"type\": \"%s\", \"permissions\": \"%s\", "
		       "\"address\": %" PRIu64 ", \"file_bytes\": %" PRIu64
		       ", \"memory_bytes\": %" PRIu64 "}",
		    i > 0 ? "," : "", segment_type(ph.p_type),
		    permissions(ph.p_flags, perm), ph.p_paddr, ph.p_filesz,
		    ph.p_memsz);
	}
	putchar(']');
}

static void
json_sections(const struct elf *e)
{
	unsigned i, n = elf_section_count(e);
	const char *comma = "";
	Elf64_Shdr sh;

	printf(",\n \"sections\": [");
	for (i = 0; i < n; i++) {
		if (!loaded_section(e, i, &sh))
			continue;
		printf("%s\n  {\"name\": ", comma);
		json_string(elf_section_name(e, &sh));
		printf(", \"address\": %" PRIu64 ", \"bytes\": %" PRIu64
		       ", \"zeroed\": %s}",
		    sh.sh_addr, sh.sh_size,
		    sh.sh_type == SHT_NOBITS ? "true" : "false");
		comma = ",";
	}
	putchar(']');
}

static void
show_json(const struct elf *e, const char *path)
{
	printf("{\"file\": ");
	json_string(path);
	printf(",\n \"file_bytes\": %zu,\n \"pvh_entry\": %" PRIu64
	       ",\n \"elf_entry\": %" PRIu64 ",\n \"memory_bytes\": %" PRIu64
	       ",\n \"symbols\": %s,\n \"lines\": %s",
	    e->len, e->pvh_entry, e->eh.e_entry, qemu_memory_needed(e, 0),
	    elf_has_symbols(e) ? "true" : "false",
	    elf_has_section(e, ".debug_line") ? "true" : "false");
	json_notes(e);
	json_segments(e);
	json_sections(e);
	puts("}");
}

int
info_main(int argc, char **argv)
{
	bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
	const char *path;
	struct elf e;

	argc -= json;
	argv += json;
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(info_help, stdout);
		return 0;
	}
	if (argc != 2 || argv[1][0] == '-') {
		util_report("usage: sprat info [--json] IMAGE");
		return EXIT_USAGE;
	}
	path = argv[1];
	if (!elf_open(&e, path))
		return EXIT_FAILED;
	if (json)
		show_json(&e, path);
	else
		show(&e, path);
	elf_close(&e);
	if (fflush(stdout) == 0)
		return 0;
	util_report("cannot write: %s", strerror(errno));
	return EXIT_FAILED;
}
