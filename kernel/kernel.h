/* SPDX-License-Identifier: ISC */
/*
 * The whole internal API of the guest kernel, grouped by the file that
 * implements it.  Functions return 0 or -errno unless a line says otherwise.
 * Times are nanoseconds; NS_NEVER is a deadline that does not come.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct boot_info;

#define PAGE_SIZE 4096UL
#define NS_NEVER  UINT64_MAX
#define NS_PER_S  1000000000ULL

#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN_UP(x, a)   ALIGN_DOWN((x) + (a)-1, a)

/* The struct of that type whose `member` p points to. */
#define CONTAINER_OF(p, type, member)                                          \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

/* Always compiled in; the condition has no side effect. */
#define ASSERT(cond)                                                           \
	((cond) ? (void)0 : panic("%s:%d: %s", __FILE__, __LINE__, #cond))

/* main.c */
void kernel_main(struct boot_info *bi) __attribute__((noreturn));
/* Ends the guest; status as a shell counts it: 0..255, 128+N for signal N. */
void kernel_exit(int status) __attribute__((noreturn));
/* Has fn called before the machine goes off: what was written shall reach the
 * host.  Also while panicking, when nothing can sleep. */
struct exit_call {
	void (*fn)(void);
	struct exit_call *next; /* main.c's */
};
void kernel_at_exit(struct exit_call *c); /* from threads */

/* cmdline.c: command line -> options for us, environment, arguments */
void cmdline_init(char *line);
extern int cmdline_argc;
extern char **cmdline_argv; /* argv[0] is the program's name */
extern char **cmdline_envp;
extern char **cmdline_devices; /* values of virtio_mmio.device= */
/* Value of `sprat.NAME=VALUE`, "" for a bare `sprat.NAME`, NULL if absent. */
const char *cmdline_option(const char *name);
/* Its n-th value, from 0, where it may be given several times. */
const char *cmdline_option_nth(const char *name, unsigned n);

/* page.c: physical pages, identity-mapped */
void page_init(const struct boot_info *bi);
void page_check(void);           /* panics if there is too little to start */
void *page_alloc(size_t npages); /* contiguous, RW, not zeroed; or NULL */
void page_free(void *p, size_t npages);
/* The same with an unmapped page below, for stacks. */
void *page_alloc_guarded(size_t npages);
void page_free_guarded(void *p, size_t npages);
/* For mmu.c: fills its reserve, before it maps len bytes. */
void page_tables_refill(uint64_t len);
/* Is any of it RAM, ours or the loader's? */
bool page_is_ram(uint64_t paddr, uint64_t len);
size_t page_total(void);  /* bytes of RAM the guest may use */
size_t page_unused(void); /* bytes of it that nobody holds */

/* page_heap.c: moves the end of the C heap by `bytes`; the old end, or NULL.  A
 * new end need not adjoin the old one, but is always above it. */
void *page_brk(intptr_t bytes);

/* page_host.c: memory between us and the host */
struct page_run {
	uintptr_t base;
	size_t npages;
	unsigned kind; /* of free memory; page_host.c's */
};
/* Lends free memory that was used since the host last took it: nobody gets it
 * until page_lend_end.  Up to n runs of at most max pages together, none below
 * 64 KiB; returns how many. */
unsigned page_lend_dirty(struct page_run *run, unsigned n, size_t max);
/* Lends the first free run at or above *from, and moves *from behind it. */
bool page_lend_next(uintptr_t *from, size_t max, struct page_run *run);
/* `taken`: the host has dropped what was in them. */
void page_lend_end(const struct page_run *run, unsigned n, bool taken);
/* Called once, then forgotten, when page_lend_dirty has become worth a call;
 * under a spinlock.  False: it is already, and fn was not set. */
bool page_dirty_notify(void (*fn)(void));
extern void (*page_dirty)(void);
/* Up to max pages for the host, the used ones first; false: none are free. */
bool page_claim(size_t max, struct page_run *run);
void page_given(const struct page_run *run); /* the host has them */
/* Takes back up to max pages that were given, from *from on, which moves
 * behind them; then they are the caller's. */
bool page_given_take(uintptr_t *from, size_t max, struct page_run *run);
/* Pages that were claimed or taken back are free; -ENOMEM: they stay his. */
int page_unclaim(const struct page_run *run);
size_t page_given_total(void); /* pages */
/* True if no RAM that we know, nor what x86 keeps for devices, is there. */
bool page_vacant(uintptr_t base, size_t len);
/* Memory that comes and goes.  A region without any; above all others. */
int page_region_new(uintptr_t base, size_t len);
/* Some pages of it are there, unmapped, and may be used. */
int page_plug(uintptr_t base, size_t npages);
/* They go, unless one is in use (-EBUSY); unmapped. */
int page_unplug(uintptr_t base, size_t npages);
/* Set by a balloon: called before an allocation of npages fails; true if it is
 * worth another try.  The caller may hold spinlocks, but none of page.c's. */
extern bool (*page_reclaim)(size_t npages);

/* heap.c: small objects for the kernel, zeroed; the owner knows the size */
void *heap_alloc(size_t bytes); /* 16-byte aligned, or NULL */
void heap_free(void *p, size_t bytes);

/* mmu.c */
#define MMU_R        0U
#define MMU_W        1U
#define MMU_X        2U
#define MMU_UNCACHED 4U
void mmu_init(void);
/* -ENOMEM; -EINVAL: there are no such addresses */
int mmu_map(uint64_t paddr, uint64_t len, unsigned prot);
int mmu_unmap(uint64_t paddr, uint64_t len);
/* Where the host says that a device is: readable, writable, not cached.
 * -EINVAL also where our own memory is. */
int mmu_map_device(uint64_t paddr, uint64_t len);
/* For page.c: pages for tables are set aside, so that mapping fresh memory
 * never has to ask for any. */
int mmu_map_reserved(uint64_t paddr, uint64_t len); /* as MMU_W */
int mmu_unmap_reserved(uint64_t paddr, uint64_t len);
bool mmu_reserve_wants(uint64_t len); /* to map that many bytes */
void mmu_reserve_give(void *page);

/* trap.c */
struct trap_frame;
void trap_init(void);

/* irq.c: a handler runs with interrupts off and only wakes threads */
typedef void irq_handler(void *arg);
int irq_alloc(irq_handler *fn, void *arg); /* a CPU vector, or -ENOSPC */
/* An interrupt line: edge-triggered, with one handler ... */
int irq_gsi_attach(unsigned gsi, irq_handler *fn, void *arg);
/* ... or level-triggered, with as many as devices share it: each makes its own
 * device let go of the line, and does nothing if that does not pull it. */
int irq_gsi_share(unsigned gsi, irq_handler *fn, void *arg);

/* sched.c */
struct spinlock {
	const char *name;
	uint32_t held;
};
#define SPINLOCK(n)                                                            \
	{                                                                      \
		n, 0                                                           \
	}
#ifdef __sprat__
#include "kernel/spin.h"
#else /* unit tests have their own */
uint64_t spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l, uint64_t flags);
void spin_take(struct spinlock *l);
void spin_give(struct spinlock *l);
#endif

struct thread;
struct waitq { /* all zero is an empty queue */
	struct thread *first, *last;
};
/* Sleeps until woken or `deadline_ns` (clock_ns).  Drops `l`, and holds it
 * again on return.  0, -ETIMEDOUT, or -EINTR after thread_interrupt. */
int waitq_sleep(struct waitq *q, struct spinlock *l, uint64_t deadline_ns);
/* For who waits for an interrupt that does not wake it: if no other thread can
 * run, halts until any interrupt has come.  Drops `l` meanwhile.  False: others
 * can run, so it must sleep. */
bool thread_halt(struct spinlock *l);
/* Wakes up to n sleepers, oldest first; the caller holds the queue's lock.
 * Returns how many. */
unsigned waitq_wake(struct waitq *q, unsigned n);
struct thread *thread_current(void);
void thread_yield(void);
void thread_sleep(uint64_t deadline_ns); /* may end early: re-check */
void thread_interrupt(struct thread *t); /* its sleep ends with -EINTR */

/* thread.c */
/* Makes the first thread out of nothing and runs fn on it. */
void thread_init(void (*fn)(void));
/* stack_len 0: the default.  The thread starts at once, may be joined by
 * thread_join unless detached.  NULL: no memory. */
struct thread *thread_create(void *(*fn)(void *), void *arg, size_t stack_len);
void thread_exit(void *result) __attribute__((noreturn));
/* Waits for the end of t and frees it. */
int thread_join(struct thread *t, void **result, uint64_t deadline_ns);
int thread_detach(struct thread *t);
unsigned thread_id(const struct thread *t); /* 1 is the main thread */
/* The C library's own state in each thread, zeroed at creation: */
#define THREAD_LIBC_LEN 4096
void *thread_libc(struct thread *t);
/* Called in the dying thread before its memory goes: */
extern void (*thread_exit_hook)(void);
/* Bounds of the stack, lowest usable address first. */
void thread_stack(const struct thread *t, uintptr_t *lo, uintptr_t *hi);
size_t thread_stack_default(void);

/* time.c */
uint64_t clock_ns(void);      /* monotonic, from the first call or boot */
bool clock_started(void);     /* did anyone ask yet? */
uint64_t clock_wall_ns(void); /* since 1970-01-01 UTC; 0: nobody knows */
uint64_t clock_cpu_ns(const struct thread *t); /* run time; NULL: of all */

/* console.c: stream 1 is standard output, 2 standard error */
void console_init(void);
void console_start(void); /* by the first thread: for those that need one */
void console_write(int stream, const void *p, size_t len);
/* Blocks for at least one byte; 0: end of input; -EINTR, -EAGAIN. */
long console_read(void *p, size_t len, bool nonblock);
bool console_readable(void); /* a read would not block */
/* Calls fn once, from an interrupt, when there may be input to read. */
void console_notify(void (*fn)(void));
/* The size of the terminal at the other end, if the device tells it. */
bool console_size(unsigned *cols, unsigned *rows);

/* random.c: 0, or -ENODEV where the machine offers no entropy */
int random_fill(void *p, size_t len);

/* log.c: %s %c %d %u %x %p with widths, l and ll; to standard error.  From
 * threads only; log_format and log_text from anywhere. */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int log_format(char *buf, size_t len, const char *fmt, va_list ap);
int log_text(char *buf, size_t len, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* panic.c */
void panic(const char *fmt, ...)
    __attribute__((noreturn, format(printf, 1, 2)));
/* caller: a return address that no frame holds, or 0. */
void panic_backtrace(uintptr_t rip, uintptr_t caller, uintptr_t rbp);

/* ACPI's root pointer, as boot left it; 0 if none */
extern uint64_t acpi_rsdp_paddr;

/* initrd, as boot left it; len 0 if none */
extern const void *initrd_base;
extern size_t initrd_len;

/* What the kernel calls upwards: the C library's start, in libc-shim. */
void libc_start(int argc, char **argv, char **envp) __attribute__((noreturn));
/* A fault in the application: true if a signal handler was set up to run
 * when `f` is resumed. */
bool libc_fault(struct trap_frame *f, int signo);

#endif
