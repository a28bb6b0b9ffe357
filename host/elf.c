/* SPDX-License-Identifier: ISC */
/*
 * Is this file an image we can boot?  See elf.h.  Symbols and addresses are
 * in elf_symbol.c.
 */
#include "host/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/util.h"

static bool
in_file(const struct elf *e, uint64_t offset, uint64_t len)
{
	return offset <= e->len && len <= e->len - offset;
}

void
elf_phdr(const struct elf *e, unsigned i, Elf64_Phdr *ph)
{
	memcpy(ph, e->data + e->eh.e_phoff + i * sizeof(*ph), sizeof(*ph));
}

static enum elf_fault
check_type(const struct elf *e)
{
	switch (e->eh.e_type) {
	case ET_EXEC:
		return ELF_OK;
	case ET_REL:
		return ELF_OBJECT;
	case ET_DYN:
		return ELF_DYNAMIC;
	case ET_CORE:
		return ELF_CORE;
	default:
		return ELF_BAD;
	}
}

static enum elf_fault
check_ident(struct elf *e)
{
	const uint8_t *id = e->data;

	if (e->len < SELFMAG || memcmp(id, ELFMAG, SELFMAG) != 0)
		return ELF_NOT_ELF;
	if (e->len < EI_NIDENT)
		return ELF_TRUNCATED;
	if (id[EI_VERSION] != EV_CURRENT)
		return ELF_TOO_NEW;
	if (id[EI_CLASS] != ELFCLASS64)
		return ELF_NOT_64;
	if (id[EI_DATA] != ELFDATA2LSB)
		return ELF_MACHINE;
	if (e->len < sizeof(e->eh))
		return ELF_TRUNCATED;
	memcpy(&e->eh, e->data, sizeof(e->eh));
	if (e->eh.e_version != EV_CURRENT)
		return ELF_TOO_NEW;
	return e->eh.e_machine == EM_X86_64 ? ELF_OK : ELF_MACHINE;
}

static enum elf_fault
check_phdr_table(const struct elf *e)
{
	if (e->eh.e_phnum == 0)
		return ELF_OK;
	if (e->eh.e_phentsize != sizeof(Elf64_Phdr) || e->eh.e_phnum == PN_XNUM)
		return ELF_BAD;
	if (!in_file(e, e->eh.e_phoff, e->eh.e_phnum * sizeof(Elf64_Phdr)))
		return ELF_TRUNCATED;
	return ELF_OK;
}

static enum elf_fault
check_segment(struct elf *e, const Elf64_Phdr *ph)
{
	uint64_t end;

	if (ph->p_type != PT_LOAD && ph->p_type != PT_NOTE)
		return ELF_OK;
	if (!in_file(e, ph->p_offset, ph->p_filesz))
		return ELF_TRUNCATED;
	if (ph->p_type != PT_LOAD)
		return ELF_OK;
	if (ph->p_memsz < ph->p_filesz ||
	    __builtin_add_overflow(ph->p_paddr, ph->p_memsz, &end))
		return ELF_BAD;
	if (end > e->memory_end)
		e->memory_end = end;
	return ELF_OK;
}

static enum elf_fault
check_segments(struct elf *e)
{
	enum elf_fault fault, type = check_type(e);
	Elf64_Phdr ph;
	unsigned i;

	if (type == ELF_OBJECT)
		return type;
	fault = check_phdr_table(e);
	for (i = 0; fault == ELF_OK && i < e->eh.e_phnum; i++) {
		elf_phdr(e, i, &ph);
		if (ph.p_type == PT_INTERP)
			return ELF_LINUX;
		fault = check_segment(e, &ph);
	}
	if (fault == ELF_OK)
		fault = type;
	if (fault == ELF_OK && e->memory_end == 0)
		fault = ELF_NO_LOAD;
	return fault;
}

static size_t
note_pad(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* The note at `p`, `left` bytes before the segment's end; the bytes it takes,
 * or 0 if it is cut short. */
static size_t
parse_note(const uint8_t *p, size_t left, struct elf_note *note)
{
	Elf64_Nhdr nh;
	size_t desc_at;

	if (left < sizeof(nh))
		return 0;
	memcpy(&nh, p, sizeof(nh));
	left -= sizeof(nh);
	desc_at = note_pad(nh.n_namesz);
	if (nh.n_namesz > left || desc_at > left ||
	    nh.n_descsz > left - desc_at)
		return 0;
	p += sizeof(nh);
	note->name = "";
	if (nh.n_namesz > 0 && p[nh.n_namesz - 1] == '\0')
		note->name = (const char *)p;
	note->type = nh.n_type;
	note->desc = p + desc_at;
	note->desc_len = nh.n_descsz;
	return sizeof(nh) + desc_at + note_pad(nh.n_descsz);
}

bool
elf_note_next(const struct elf *e, struct elf_notes *it, struct elf_note *note)
{
	Elf64_Phdr ph;
	size_t used;

	for (; it->segment < e->eh.e_phnum; it->segment++, it->offset = 0) {
		elf_phdr(e, it->segment, &ph);
		if (ph.p_type != PT_NOTE || it->offset >= ph.p_filesz)
			continue;
		used = parse_note(e->data + ph.p_offset + it->offset,
		    ph.p_filesz - it->offset, note);
		if (used == 0)
			continue;
		it->offset += used;
		return true;
	}
	return false;
}

bool
elf_note_number(const struct elf_note *note, uint64_t *value)
{
	if (note->desc_len != 4 && note->desc_len != 8)
		return false;
	*value = 0;
	memcpy(value, note->desc, note->desc_len);
	return true;
}

static enum elf_fault
find_pvh(struct elf *e)
{
	struct elf_notes it = {0};
	struct elf_note note;

	while (elf_note_next(e, &it, &note)) {
		if (note.type == ELF_NOTE_PVH &&
		    strcmp(note.name, "Xen") == 0 &&
		    elf_note_number(&note, &e->pvh_entry))
			return ELF_OK;
	}
	return ELF_NO_PVH;
}

enum elf_fault
elf_init(struct elf *e, const void *data, size_t len)
{
	enum elf_fault fault;

	*e = (struct elf){.data = data, .len = len};
	fault = check_ident(e);
	if (fault == ELF_OK)
		fault = check_segments(e);
	if (fault == ELF_OK)
		fault = find_pvh(e);
	return fault;
}

static const char *
fault_text(enum elf_fault fault)
{
	switch (fault) {
	case ELF_NOT_ELF:
		return "is not an ELF file; build it with `sprat cc`";
	case ELF_TRUNCATED:
		return "is cut short or damaged; build or copy it again";
	case ELF_TOO_NEW:
		return "uses an unknown version of the ELF format; "
		       "build it with `sprat cc`";
	case ELF_NOT_64:
		return "is not a 64-bit ELF file; build it with `sprat cc`";
	case ELF_MACHINE:
		return "is for a machine other than x86-64; "
		       "build it with `sprat cc`";
	case ELF_OBJECT:
		return "is an object file; link it with `sprat cc`";
	case ELF_LINUX:
		return "is an ordinary Linux program; "
		       "build it with `sprat cc`";
	case ELF_DYNAMIC:
		return "is a shared object or an ordinary Linux program; "
		       "build it with `sprat cc`";
	case ELF_CORE:
		return "is a core dump, not an image";
	case ELF_NO_LOAD:
		return "has nothing to load; build it with `sprat cc`";
	case ELF_NO_PVH:
		return "is not a Sprat image: it has no PVH entry note "
		       "(an ordinary Linux program?); "
		       "build it with `sprat cc`";
	default:
		return "has damaged ELF headers; build it again";
	}
}

/* The file's size, or -1 after saying what is wrong. */
static off_t
regular_size(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		util_report("%s: %s", path, strerror(errno));
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		util_report("%s is not a regular file; name an image built "
			    "with `sprat cc`",
		    path);
		return -1;
	}
	if (st.st_size == 0)
		util_report("%s is empty; build it with `sprat cc`", path);
	return st.st_size > 0 ? st.st_size : -1;
}

static const void *
map_file(const char *path, size_t *len)
{
	void *p = MAP_FAILED;
	off_t size;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		util_report("%s: %s", path, strerror(errno));
		return NULL;
	}
	size = regular_size(fd, path);
	if (size > 0) {
		*len = (size_t)size;
		p = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			util_report("%s: %s", path, strerror(errno));
	}
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

bool
elf_open(struct elf *e, const char *path)
{
	enum elf_fault fault;
	const void *data;
	size_t len;

	data = map_file(path, &len);
	if (data == NULL)
		return false;
	fault = elf_init(e, data, len);
	e->mapped = true;
	if (fault == ELF_OK)
		return true;
	util_report("%s %s", path, fault_text(fault));
	elf_close(e);
	return false;
}

void
elf_close(struct elf *e)
{
	if (e->mapped)
		munmap((void *)e->data, e->len);
	*e = (struct elf){0};
}
