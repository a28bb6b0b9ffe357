/* SPDX-License-Identifier: ISC */
/*
 * Does the one forbidden thing its argument names, and must not survive it.
 * test_faults.py checks what is said and the exit status.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char constant[] = "read only";
static unsigned char data[16] = {0xc3}; /* ret */
static volatile int zero;

typedef void code(void);

static void
write_to(const volatile void *p)
{
	*(volatile char *)(uintptr_t)p = 1;
}

/* Through an integer, or the compiler knows what it calls. */
static void
run_at(const void *p)
{
	volatile uintptr_t at = (uintptr_t)p;

	((code *)at)();
}

static void
null_read(void)
{
	volatile uintptr_t at = 8;

	printf("%d\n", *(volatile int *)at);
}

static void
null_write(void)
{
	volatile uintptr_t at = 0;

	write_to((void *)at);
}

static void
null_call(void)
{
	run_at(NULL);
}

static void
write_text(void)
{
	write_to((void *)(uintptr_t)write_text);
}

static void
write_rodata(void)
{
	write_to(constant);
}

static void
run_data(void)
{
	run_at(data);
}

static void
run_heap(void)
{
	unsigned char *p = malloc(1);

	*p = 0xc3;
	run_at(p);
}

static void
run_stack(void)
{
	volatile unsigned char ret = 0xc3;

	run_at((void *)(uintptr_t)&ret);
}

static void
run_rodata(void)
{
	run_at(constant);
}

static int
deeper(int n)
{
	volatile char frame[1000];

	frame[0] = n;
	return n < 0 ? 0 : deeper(n + 1) + frame[0];
}

static void
overflow(void)
{
	printf("%d\n", deeper(0));
}

/* One frame larger than all guard pages. */
static __attribute__((noinline)) void
big_frame(size_t len)
{
	volatile char frame[len];

	frame[0] = 1;
	frame[len - 1] = 1;
	printf("%d\n", frame[0]);
}

static void
overflow_big(void)
{
	volatile size_t len = 64UL << 20;

	big_frame(len);
}

static void
beyond_ram(void)
{
	write_to((void *)0x7fff00000000);
}

static void
non_canonical(void)
{
	write_to((void *)0x8000000000000000);
}

static void
divide(void)
{
	printf("%d\n", 100 / zero);
}

static void
invalid(void)
{
	__asm__ volatile("ud2");
}

static void
aborts(void)
{
	abort();
}

static const struct {
	const char *name;
	code *fn;
} deeds[] = {
	{"null-read", null_read},
	{"null-write", null_write},
	{"null-call", null_call},
	{"write-text", write_text},
	{"write-rodata", write_rodata},
	{"run-data", run_data},
	{"run-heap", run_heap},
	{"run-stack", run_stack},
	{"run-rodata", run_rodata},
	{"overflow", overflow},
	{"overflow-big", overflow_big},
	{"beyond-ram", beyond_ram},
	{"non-canonical", non_canonical},
	{"divide", divide},
	{"invalid", invalid},
	{"abort", aborts},
};

int
main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (strcmp(argv[1], deeds[i].name) == 0) {
			printf("about to %s\n", argv[1]);
			fflush(stdout);
			deeds[i].fn();
			printf("survived\n");
			return 1;
		}
	fprintf(stderr, "usage: fault DEED\n");
	return 2;
}
