/* SPDX-License-Identifier: ISC */
/* A server of files in memory; see fake_9p.h. */
#include "tests/unit/fake_9p.h"

#include <stdlib.h>
#include <string.h>

#include "libc-shim/p9_msg.h"

#define DIR_MODE  0040755U
#define FILE_MODE 0100644U
#define LINK_MODE 0120777U

enum {
	L_ENOENT = 2,
	L_EEXIST = 17,
	L_ENOTDIR = 20,
	L_EINVAL = 22,
	L_ENOSPC = 28,
	L_ENOTEMPTY = 39
};

struct fake_9p fake_9p;

/* --- the files --- */

unsigned
fake_9p_find(unsigned dir, const char *name)
{
	unsigned i;

	for (i = 1; i < FAKE_9P_FILES; i++)
		if (fake_9p.file[i].path != 0 && fake_9p.file[i].nlink > 0 &&
		    fake_9p.file[i].parent == dir &&
		    strcmp(fake_9p.file[i].name, name) == 0)
			return i;
	return 0;
}

static unsigned
file_make(unsigned dir, const char *name, uint32_t mode)
{
	struct fake_9p_file *f;
	unsigned i;

	for (i = 0; i < FAKE_9P_FILES && fake_9p.file[i].path != 0; i++)
		;
	if (i == FAKE_9P_FILES)
		return 0;
	f = &fake_9p.file[i];
	memset(f, 0, sizeof(*f));
	f->path = ++fake_9p.last_path;
	f->parent = dir;
	f->mode = mode;
	f->nlink = 1;
	strncat(f->name, name, sizeof(f->name) - 1);
	return i;
}

/* Nobody has it by name or fid any more. */
static void
file_reap(unsigned i)
{
	unsigned k;

	for (k = 0; k < FAKE_9P_FIDS; k++)
		if (fake_9p.fid[k].used && fake_9p.fid[k].file == i)
			return;
	if (fake_9p.file[i].nlink > 0)
		return;
	free(fake_9p.file[i].data);
	memset(&fake_9p.file[i], 0, sizeof(fake_9p.file[i]));
}

static bool
file_grow(struct fake_9p_file *f, uint64_t size)
{
	if (size > FAKE_9P_DATA)
		return false;
	f->data = realloc(f->data, size + 1);
	ASSERT(f->data != NULL);
	if (size > f->size)
		memset(f->data + f->size, 0, size - f->size);
	f->size = (uint32_t)size;
	return true;
}

uint8_t
fake_9p_byte(uint32_t off)
{
	return (uint8_t)(off * 7 ^ off >> 11);
}

/* --- fids --- */

/* What the client owes.  Who is lied to may well be wrong. */
#define MUST(cond)                                                             \
	do {                                                                   \
		if (!(cond)) {                                                 \
			ASSERT(fake_9p.lie != NULL);                           \
			return L_EINVAL;                                       \
		}                                                              \
	} while (0)

/* An unknown one is the last, which is never used. */
static unsigned
fid_get(struct p9_msg *in)
{
	uint32_t fid = (uint32_t)p9_get(in, 4);

	if (fid < FAKE_9P_FIDS - 1 && fake_9p.fid[fid].used)
		return fid;
	ASSERT(fake_9p.lie != NULL);
	return FAKE_9P_FIDS - 1;
}

static unsigned
fid_file(struct p9_msg *in)
{
	return fake_9p.fid[fid_get(in)].file;
}

static void
fid_set(uint32_t fid, unsigned file)
{
	fake_9p.nfids += !fake_9p.fid[fid].used;
	fake_9p.fid[fid].used = true;
	fake_9p.fid[fid].open = false;
	fake_9p.fid[fid].file = file;
}

static void
put_qid(struct p9_msg *out, unsigned file)
{
	uint32_t mode = fake_9p.file[file].mode & 0170000;

	p9_put(out, mode == 0040000 ? 0x80 : mode == 0120000 ? 2 : 0, 1);
	p9_put(out, 0, 4);
	p9_put(out, fake_9p.file[file].path, 8);
}

/* --- requests: Linux's error number, or 0 --- */

static uint32_t
do_version(struct p9_msg *in, struct p9_msg *out)
{
	uint32_t msize = (uint32_t)p9_get(in, 4);
	char version[16];

	p9_get_string(in, version, sizeof(version));
	ASSERT(strcmp(version, "9P2000.L") == 0);
	p9_put(out, fake_9p.msize != 0 ? fake_9p.msize : msize, 4);
	p9_put_string(out, version);
	return 0;
}

static uint32_t
do_attach(struct p9_msg *in, struct p9_msg *out)
{
	uint32_t fid = (uint32_t)p9_get(in, 4);

	MUST(fid < FAKE_9P_FIDS - 1 && !fake_9p.fid[fid].used);
	fid_set(fid, 0);
	put_qid(out, 0);
	return 0;
}

static uint32_t
do_walk(struct p9_msg *in, struct p9_msg *out)
{
	unsigned from = fid_get(in), file = fake_9p.fid[from].file, n;
	uint32_t newfid = (uint32_t)p9_get(in, 4);
	char name[256];

	MUST(newfid < FAKE_9P_FIDS - 1 && !fake_9p.fid[newfid].used);
	MUST(!fake_9p.fid[from].open);
	n = (unsigned)p9_get(in, 2);
	ASSERT(n <= 1);
	if (n == 1) {
		p9_get_string(in, name, sizeof(name));
		ASSERT(name[0] != '\0' && strchr(name, '/') == NULL);
		if ((fake_9p.file[file].mode & 0170000) != 0040000)
			return L_ENOTDIR;
		if (strcmp(name, "..") == 0)
			file = fake_9p.file[file].parent;
		else
			file = fake_9p_find(file, name);
		if (file == 0 && strcmp(name, "..") != 0)
			return L_ENOENT;
	}
	fid_set(newfid, file);
	p9_put(out, n, 2);
	if (n == 1)
		put_qid(out, file);
	return 0;
}

static uint32_t
do_clunk(struct p9_msg *in)
{
	unsigned fid = fid_get(in), file = fake_9p.fid[fid].file;

	MUST(fake_9p.fid[fid].used);
	fake_9p.fid[fid].used = false;
	fake_9p.nfids--;
	file_reap(file);
	return 0;
}

static uint32_t
do_lopen(struct p9_msg *in, struct p9_msg *out)
{
	unsigned fid = fid_get(in);

	MUST(!fake_9p.fid[fid].open);
	fake_9p.fid[fid].open = true;
	put_qid(out, fake_9p.fid[fid].file);
	p9_put(out, fake_9p.iounit, 4);
	return 0;
}

/* Tlcreate, Tmkdir, Tsymlink, Tmknod */
static uint32_t
do_make(struct p9_msg *in, struct p9_msg *out, uint8_t type)
{
	unsigned fid = fid_get(in), dir = fake_9p.fid[fid].file, made;
	char name[256], target[4200] = "";
	uint32_t mode = LINK_MODE;

	p9_get_string(in, name, sizeof(name));
	if (type == P9_TLCREATE)
		p9_skip(in, 4);
	if (type == P9_TSYMLINK)
		p9_get_string(in, target, sizeof(target));
	else
		mode = (uint32_t)p9_get(in, 4);
	if (fake_9p_find(dir, name) != 0)
		return L_EEXIST;
	mode |= type == P9_TLCREATE ? 0100000 : type == P9_TMKDIR ? 0040000 : 0;
	made = file_make(dir, name, mode);
	if (made == 0)
		return L_ENOSPC;
	strncat(fake_9p.file[made].target, target,
	    sizeof(fake_9p.file[made].target) - 1);
	put_qid(out, made);
	if (type == P9_TLCREATE) {
		MUST(!fake_9p.fid[fid].open);
		fid_set(fid, made);
		fake_9p.fid[fid].open = true;
		p9_put(out, fake_9p.iounit, 4);
	}
	return 0;
}

static uint32_t
do_getattr(struct p9_msg *in, struct p9_msg *out)
{
	unsigned file = fid_file(in);
	struct fake_9p_file *f = &fake_9p.file[file];
	unsigned i;

	if (f->nlink == 0) /* as servers that go by names */
		return L_ENOENT;
	p9_put(out, 0x7ff, 8);
	put_qid(out, file);
	p9_put(out, f->mode, 4);
	p9_put(out, 0, 8); /* uid, gid */
	p9_put(out, f->nlink, 8);
	p9_put(out, 0, 8);
	p9_put(out, f->size, 8);
	p9_put(out, 4096, 8);
	p9_put(out, f->size / 512, 8);
	for (i = 0; i < 10; i++) /* four times, generation, version */
		p9_put(out, i, 8);
	return 0;
}

static uint32_t
do_setattr(struct p9_msg *in)
{
	struct fake_9p_file *f = &fake_9p.file[fid_file(in)];
	uint32_t valid = (uint32_t)p9_get(in, 4);
	uint32_t mode = (uint32_t)p9_get(in, 4);

	p9_skip(in, 8);
	if (valid & 1)
		f->mode = (f->mode & 0170000) | (mode & 07777);
	if ((valid & 8) && !file_grow(f, p9_get(in, 8)))
		return L_ENOSPC;
	return 0;
}

static uint32_t
do_read(struct p9_msg *in, struct p9_msg *out)
{
	unsigned fid = fid_get(in);
	struct fake_9p_file *f = &fake_9p.file[fake_9p.fid[fid].file];
	uint64_t off = p9_get(in, 8);
	uint32_t len = (uint32_t)p9_get(in, 4), i;

	MUST(fake_9p.fid[fid].open);
	if (off >= f->size)
		len = 0;
	else if (len > f->size - off)
		len = f->size - (uint32_t)off;
	if (fake_9p.short_read != 0 && len > fake_9p.short_read)
		len = fake_9p.short_read;
	p9_put(out, len, 4);
	for (i = 0; i < len; i++)
		p9_put(out, f->data[off + i], 1);
	return 0;
}

static uint32_t
do_write(struct p9_msg *in, struct p9_msg *out)
{
	unsigned fid = fid_get(in);
	struct fake_9p_file *f = &fake_9p.file[fake_9p.fid[fid].file];
	uint64_t off = p9_get(in, 8);
	uint32_t len = (uint32_t)p9_get(in, 4);

	MUST(fake_9p.fid[fid].open && in->len - in->at == len);
	if (off > FAKE_9P_DATA || len > FAKE_9P_DATA - off)
		return L_ENOSPC;
	if (off + len > f->size)
		file_grow(f, off + len);
	if (len > 0)
		memcpy(f->data + off, in->p + in->at, len);
	p9_put(out, len, 4);
	return 0;
}

static uint32_t
do_readdir(struct p9_msg *in, struct p9_msg *out)
{
	unsigned fid = fid_get(in), dir = fake_9p.fid[fid].file;
	uint64_t off = p9_get(in, 8);
	uint32_t len = (uint32_t)p9_get(in, 4), begin = out->at + 4, i;
	const char *name;

	MUST(fake_9p.fid[fid].open);
	p9_put(out, 0, 4);
	/* Offsets: 1 is behind ".", 2 behind "..", i + 2 behind file i. */
	for (i = (uint32_t)off; i < FAKE_9P_FILES + 1; i++) {
		name = i == 0 ? "." : i == 1 ? ".." : fake_9p.file[i - 1].name;
		if (i > 1 && (fake_9p.file[i - 1].path == 0 ||
				 fake_9p.file[i - 1].nlink == 0 ||
				 fake_9p.file[i - 1].parent != dir))
			continue;
		if (out->at - begin + 24 + strlen(name) > len)
			break;
		put_qid(out, i > 1 ? i - 1 : dir);
		p9_put(out, i + 1, 8);
		p9_put(out, i > 1 ? fake_9p.file[i - 1].mode >> 12 : 4, 1);
		p9_put_string(out, name);
	}
	memcpy(out->p + begin - 4, &(uint32_t){out->at - begin}, 4);
	return 0;
}

static uint32_t
do_link(struct p9_msg *in)
{
	unsigned dir = fid_file(in), file = fid_file(in), made;
	char name[256];

	p9_get_string(in, name, sizeof(name));
	if (fake_9p_find(dir, name) != 0)
		return L_EEXIST;
	made = file_make(dir, name, fake_9p.file[file].mode);
	if (made == 0)
		return L_ENOSPC;
	/* Not quite: they share the number and no data. */
	fake_9p.file[made].path = fake_9p.file[file].path;
	return 0;
}

static uint32_t
do_unlinkat(struct p9_msg *in)
{
	unsigned dir = fid_file(in), file, i;
	char name[256];

	p9_get_string(in, name, sizeof(name));
	file = fake_9p_find(dir, name);
	if (file == 0)
		return L_ENOENT;
	for (i = 1; i < FAKE_9P_FILES; i++)
		if (fake_9p.file[i].path != 0 && fake_9p.file[i].nlink > 0 &&
		    fake_9p.file[i].parent == file)
			return L_ENOTEMPTY;
	fake_9p.file[file].nlink = 0;
	file_reap(file);
	return 0;
}

static uint32_t
do_renameat(struct p9_msg *in)
{
	unsigned from = fid_file(in), to, file, target;
	char old[256], new[256];

	p9_get_string(in, old, sizeof(old));
	to = fid_file(in);
	p9_get_string(in, new, sizeof(new));
	file = fake_9p_find(from, old);
	target = fake_9p_find(to, new);
	if (file == 0)
		return L_ENOENT;
	if (target == file)
		return 0;
	if (file == to || (fake_9p.file[file].mode & 0170000) == 0040000)
		return L_EINVAL; /* directories stay where they are */
	if (target != 0) {
		fake_9p.file[target].nlink = 0;
		file_reap(target);
	}
	fake_9p.file[file].parent = to;
	strcpy(fake_9p.file[file].name, new);
	return 0;
}

uint32_t
fake_9p_answer(uint8_t type, struct p9_msg *in, struct p9_msg *out)
{
	if (fake_9p.error != 0 && type != P9_TCLUNK)
		return fake_9p.error;
	switch (type) {
	case P9_TVERSION:
		return do_version(in, out);
	case P9_TATTACH:
		return do_attach(in, out);
	case P9_TWALK:
		return do_walk(in, out);
	case P9_TCLUNK:
		return do_clunk(in);
	case P9_TLOPEN:
		return do_lopen(in, out);
	case P9_TLCREATE:
	case P9_TMKDIR:
	case P9_TSYMLINK:
	case P9_TMKNOD:
		return do_make(in, out, type);
	case P9_TGETATTR:
		return do_getattr(in, out);
	case P9_TSETATTR:
		return do_setattr(in);
	case P9_TREAD:
		return do_read(in, out);
	case P9_TWRITE:
		return do_write(in, out);
	case P9_TREADDIR:
		return do_readdir(in, out);
	case P9_TREADLINK:
		p9_put_string(out, fake_9p.file[fid_file(in)].target);
		return 0;
	case P9_TLINK:
		return do_link(in);
	case P9_TUNLINKAT:
		return do_unlinkat(in);
	case P9_TRENAMEAT:
		return do_renameat(in);
	case P9_TFSYNC:
		MUST(fake_9p.fid[fid_get(in)].open);
		return 0;
	case P9_TSTATFS:
		fid_get(in);
		p9_put(out, 0x01021997, 4);
		p9_put(out, 4096, 4);
		memset(out->p + out->at, 1, 52);
		p9_skip(out, 52);
		return 0;
	default:
		panic("request of type %u", type);
	}
}

void
fake_9p_fill(uint32_t size)
{
	struct fake_9p_file *f = &fake_9p.file[fake_9p_find(0, "f")];
	uint32_t i;

	file_grow(f, size);
	for (i = 0; i < size; i++)
		f->data[i] = fake_9p_byte(i);
}

void
fake_9p_reset(void)
{
	unsigned i, d;

	for (i = 0; i < FAKE_9P_FILES; i++)
		free(fake_9p.file[i].data);
	memset(&fake_9p, 0, sizeof(fake_9p));
	fake_9p.channel.ops = &fake_9p_ops;
	file_make(0, "", DIR_MODE);
	d = file_make(0, "d", DIR_MODE);
	i = file_make(d, "x", FILE_MODE);
	file_grow(&fake_9p.file[i], 4);
	memcpy(fake_9p.file[i].data, "text", 4);
	file_make(0, "f", FILE_MODE);
	fake_9p_fill(100);
	i = file_make(0, "l", LINK_MODE);
	strcpy(fake_9p.file[i].target, "d/x");
}
