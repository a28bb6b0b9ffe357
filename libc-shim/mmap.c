/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 mmap, munmap, mprotect, msync; madvise, mlock.  Mappings are
 * runs of pages from the kernel's allocator, listed in an array by address so
 * that any part can be unmapped or protected.  Files are read into theirs.
 * Those that are memory themselves are mapped by telling where it is, and are
 * not in the array.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "libc-shim/file.h"
#include "libc-shim/shim.h"

struct run {
	uintptr_t base;
	size_t npages;
	bool writable; /* all of it, now */
	bool file;     /* holds a copy of one */
};

static struct run *run; /* by address; neighbours may adjoin */
static size_t nrun, room;
static struct sleeplock lock; /* of all that */

static uintptr_t
end_of(const struct run *r)
{
	return r->base + r->npages * PAGE_SIZE;
}

/* The first run that ends above addr. */
static size_t
find(uintptr_t addr)
{
	size_t lo = 0, hi = nrun, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (end_of(&run[mid]) > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* Room for `more` runs. */
static int
make_room(size_t more)
{
	size_t want = room == 0 ? 16 : 2 * room;
	struct run *new;

	if (nrun + more <= room)
		return 0;
	new = heap_alloc(want * sizeof(*new));
	if (new == NULL)
		return -ENOMEM;
	memcpy(new, run, nrun * sizeof(*new));
	heap_free(run, room * sizeof(*run));
	run = new;
	room = want;
	return 0;
}

/* There is room. */
static void
insert(size_t at, struct run r)
{
	memmove(run + at + 1, run + at, (nrun - at) * sizeof(*run));
	run[at] = r;
	nrun++;
}

/* Makes addr, if it lies inside a run, a border between two.  There is
 * room. */
static void
split(uintptr_t addr)
{
	size_t at = find(addr);
	struct run right;

	if (at == nrun || run[at].base >= addr)
		return;
	right = run[at];
	run[at].npages = (addr - right.base) / PAGE_SIZE;
	right.npages -= run[at].npages;
	right.base = addr;
	insert(at + 1, right);
}

/* The range as page numbers of whole pages; -EINVAL. */
static int
range_check(void *p, size_t *len)
{
	uintptr_t addr = (uintptr_t)p;

	if (addr % PAGE_SIZE != 0 || *len > SIZE_MAX - PAGE_SIZE ||
	    addr + *len + PAGE_SIZE < addr)
		return -EINVAL;
	*len = ALIGN_UP(*len, PAGE_SIZE);
	return 0;
}

static int
protect(uintptr_t addr, size_t len, int prot)
{
	unsigned mmu = MMU_R;

	if (prot == PROT_NONE)
		return mmu_unmap(addr, len);
	if (prot & PROT_WRITE)
		mmu |= MMU_W;
	if (prot & PROT_EXEC)
		mmu |= MMU_X;
	return mmu_map(addr, len, mmu);
}

/* Back to the allocator, which wants its pages writable. */
static int
run_free(const struct run *r)
{
	int err = 0;

	if (!r->writable)
		err = mmu_map(r->base, r->npages * PAGE_SIZE, MMU_W);
	if (err == 0)
		page_free((void *)r->base, r->npages);
	return err;
}

/* --- mmap --- */

static int
flags_check(size_t len, int prot, int flags, int64_t off)
{
	int sharing = flags & (MAP_SHARED | MAP_PRIVATE);

	if (len == 0 || (sharing != MAP_SHARED && sharing != MAP_PRIVATE) ||
	    (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)) ||
	    off % (int64_t)PAGE_SIZE != 0 || off < 0)
		return -EINVAL;
	if (flags & MAP_FIXED)
		return -ENOTSUP;
	return len > SIZE_MAX - PAGE_SIZE ? -ENOMEM : 0;
}

static int
file_check(const struct file *f, int prot, int flags)
{
	if (f == NULL)
		return -EBADF;
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return -EACCES;
	if (f->node == NULL || f->ops->size == NULL || f->ops->read == NULL)
		return -ENODEV;
	if (!(flags & MAP_SHARED) || !(prot & PROT_WRITE))
		return 0;
	if (f->ops->map != NULL)
		return (f->flags & O_ACCMODE) == O_RDWR ? 0 : -EACCES;
	/* What is written could not get back to the file. */
	return -ENODEV;
}

/* Reads the file; what lies behind its end is zero. */
static int
fill(char *p, size_t len, struct file *f, int64_t off)
{
	size_t done = 0;
	long n = 1;

	while (f != NULL && done < len && n > 0) {
		n = file_pread(f, p + done, len - done, off + (int64_t)done);
		if (n > 0)
			done += (size_t)n;
	}
	if (n < 0)
		return (int)n;
	memset(p + done, 0, len - done);
	return 0;
}

static int
enlist(struct run r)
{
	int err;

	sleeplock_take(&lock);
	err = make_room(1);
	if (err == 0)
		insert(find(r.base), r);
	sleeplock_give(&lock);
	return err;
}

static int
map(size_t len, int prot, struct file *f, int64_t off, void **out)
{
	size_t bytes = ALIGN_UP(len, PAGE_SIZE);
	struct run r = {0, bytes / PAGE_SIZE, prot & PROT_WRITE, f != NULL};
	char *p = page_alloc(r.npages);
	int err;

	if (p == NULL)
		return -ENOMEM;
	r.base = (uintptr_t)p;
	err = fill(p, bytes, f, off);
	if (err == 0 && prot != (PROT_READ | PROT_WRITE))
		err = protect(r.base, bytes, prot);
	if (err == 0)
		err = enlist(r);
	if (err != 0) {
		r.writable = false;
		run_free(&r);
		return err;
	}
	*out = p;
	return 0;
}

static int
map_file(size_t len, int prot, int flags, int fd, int64_t off, void **out)
{
	struct file *f = file_get(fd);
	int err = file_check(f, prot, flags);

	if (err == 0 && (flags & MAP_SHARED) && f->ops->map != NULL)
		err = f->ops->map(f, (uint64_t)off, len, out);
	else if (err == 0)
		err = map(len, prot, f, off, out);
	if (f != NULL)
		file_put(f);
	return err;
}

/* The address wished for is not looked at. */
PUBLIC void *
mmap(void *wish, size_t len, int prot, int flags, int fd, off_t off)
{
	void *p = MAP_FAILED;
	int err = flags_check(len, prot, flags, off);

	(void)wish;
	if (err == 0)
		err = flags & MAP_ANONYMOUS
			  ? map(len, prot, NULL, 0, &p)
			  : map_file(len, prot, flags, fd, off, &p);
	return posix_result(err) < 0 ? MAP_FAILED : p;
}

/* --- munmap, mprotect --- */

/* Takes the runs between two borders off the list and frees them. */
static int
unmap_between(uintptr_t lo, uintptr_t hi)
{
	size_t at = find(lo);
	int err = 0;

	while (at < nrun && run[at].base < hi && err == 0) {
		err = run_free(&run[at]);
		if (err != 0)
			break;
		nrun--;
		memmove(run + at, run + at + 1, (nrun - at) * sizeof(*run));
	}
	return err;
}

static int
unmap(uintptr_t addr, size_t len)
{
	int err;

	sleeplock_take(&lock);
	err = make_room(2);
	if (err == 0) {
		split(addr);
		split(addr + len);
		err = unmap_between(addr, addr + len);
	}
	sleeplock_give(&lock);
	return err;
}

PUBLIC int
munmap(void *p, size_t len)
{
	int err = len == 0 ? -EINVAL : range_check(p, &len);

	return (int)posix_result(err != 0 ? err : unmap((uintptr_t)p, len));
}

/* True if mappings cover the range without a gap.  Under the lock. */
static bool
covered(uintptr_t lo, uintptr_t hi)
{
	size_t at;

	for (at = find(lo); lo < hi; at++) {
		if (at == nrun || run[at].base > lo)
			return false;
		lo = end_of(&run[at]);
	}
	return true;
}

static int
reprotect(uintptr_t addr, size_t len, int prot)
{
	size_t at;
	int err;

	sleeplock_take(&lock);
	err = covered(addr, addr + len) ? make_room(2) : -ENOMEM;
	if (err == 0) {
		split(addr);
		split(addr + len);
		err = protect(addr, len, prot);
	}
	if (err == 0)
		for (at = find(addr); at < nrun && run[at].base < addr + len;
		     at++)
			run[at].writable = prot & PROT_WRITE;
	sleeplock_give(&lock);
	return err;
}

PUBLIC int
mprotect(void *p, size_t len, int prot)
{
	int err = range_check(p, &len);

	if (err == 0 && (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)))
		err = -EINVAL;
	if (err != 0 || len == 0)
		return (int)posix_result(err);
	return (int)posix_result(reprotect((uintptr_t)p, len, prot));
}

/* --- advice --- */

/* Zeroes what can be written of anonymous mappings. */
static void
discard(uintptr_t lo, uintptr_t hi)
{
	uintptr_t from, to;
	size_t at;

	for (at = find(lo); at < nrun && run[at].base < hi; at++) {
		if (!run[at].writable || run[at].file)
			continue;
		from = run[at].base > lo ? run[at].base : lo;
		to = end_of(&run[at]) < hi ? end_of(&run[at]) : hi;
		memset((void *)from, 0, to - from);
	}
}

PUBLIC int
madvise(void *p, size_t len, int advice)
{
	uintptr_t addr = (uintptr_t)p;
	int err = range_check(p, &len);

	if (err != 0)
		return (int)posix_result(err);
	sleeplock_take(&lock);
	if (!covered(addr, addr + len))
		err = -ENOMEM;
	else if (advice == MADV_DONTNEED)
		discard(addr, addr + len);
	sleeplock_give(&lock);
	return (int)posix_result(err);
}

/* Returns the error number. */
PUBLIC int
posix_madvise(void *p, size_t len, int advice)
{
	int err = range_check(p, &len);

	if (err == 0 && (advice < 0 || advice > POSIX_MADV_DONTNEED))
		err = -EINVAL;
	return -err;
}

int (*file_map_sync)(uintptr_t addr, size_t len);

/* Nothing can be written to a mapping that the file should have, but for those
 * that are the file. */
PUBLIC int
msync(void *p, size_t len, int flags)
{
	int err = range_check(p, &len);

	if (err == 0 && ((flags & ~(MS_ASYNC | MS_SYNC | MS_INVALIDATE)) ||
			    ((flags & MS_ASYNC) && (flags & MS_SYNC))))
		err = -EINVAL;
	if (err == 0 && (flags & MS_SYNC) && file_map_sync != NULL)
		err = file_map_sync((uintptr_t)p, len);
	return (int)posix_result(err);
}

PUBLIC int
mlock(const void *p, size_t len)
{
	(void)p, (void)len;
	return 0;
}

PUBLIC int
munlock(const void *p, size_t len)
{
	(void)p, (void)len;
	return 0;
}

PUBLIC int
mlockall(int flags)
{
	(void)flags;
	return 0;
}

PUBLIC int
munlockall(void)
{
	return 0;
}
