/* SPDX-License-Identifier: ISC */
/*
 * The C library as built and completed here: what newlib gets wrong by itself,
 * what it lacks, and what must be one for all threads.  The names below are
 * the kernel's as well: an application may have them for itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "check.h"

int panic = 1, page_alloc = 2, log_line = 3, file_open = 4, clock_ns = 5;

/* Ours, not the kernel's: what uses them inside goes on working. */
int
thread_create(void)
{
	return 6;
}

static int constructed, destructed_early;

__attribute__((constructor)) static void
construct(void)
{
	constructed = 1;
}

/* Too late for CHECK: a wrong exit status shows it. */
__attribute__((destructor)) static void
destruct(void)
{
	if (destructed_early++)
		_exit(99);
}

static void
positional(void)
{
	char s[100];
	wchar_t w[100];
	double d = 0;
	int i = 0;

	snprintf(s, sizeof(s), "%2$s %1$s", "world", "hello");
	CHECK(strcmp(s, "hello world") == 0);
	snprintf(s, sizeof(s), "%3$.2f %1$d %2$s %4$Lg", 1, "two", 3.25, 4.5L);
	CHECK(strcmp(s, "3.25 1 two 4.5") == 0);
	swprintf(w, 100, L"%2$d %1$ls", L"x", 7);
	CHECK(wcscmp(w, L"7 x") == 0);
	CHECK(sscanf("12 3.5", "%2$d %1$lf", &d, &i) == 2);
	CHECK(i == 12 && d == 3.5);
}

static void
numbers(void)
{
	char s[400];

	snprintf(s, sizeof(s), "%.17g %a %Lf %lld %zu", 0.1, 1.0, 1e15L,
	    (long long)INT64_MIN, SIZE_MAX);
	CHECK(strcmp(s, "0.10000000000000001 0x1p+0 1000000000000000.000000 "
	    "-9223372036854775808 18446744073709551615") == 0);
	CHECK(strtod("1e-320", NULL) > 0);
	CHECK(strtoull("18446744073709551615", NULL, 10) == UINT64_MAX);
}

static void
patterns(void)
{
	regmatch_t m[2];
	regex_t r;

	CHECK(regcomp(&r, "^a(b+)c$", REG_EXTENDED) == 0);
	CHECK(regexec(&r, "abbc", 2, m, 0) == 0);
	CHECK(m[1].rm_so == 1 && m[1].rm_eo == 3);
	CHECK(regexec(&r, "ac", 2, m, 0) == REG_NOMATCH);
	regfree(&r);
	CHECK(fnmatch("*.[ch]", "main.c", 0) == 0);
	CHECK(fnmatch("*.[ch]", "main.o", 0) == FNM_NOMATCH);
}

static void
lines(void)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f = fopen("/tmp/lines", "w+");

	CHECK(f != NULL);
	fprintf(f, "%0500d\nlast", 7);
	rewind(f);
	CHECK(getline(&line, &size, f) == 501);
	CHECK(getdelim(&line, &size, 'x', f) == 4);
	CHECK(strcmp(line, "last") == 0);
	CHECK(getline(&line, &size, f) == -1);
	free(line);
	fclose(f);
}

static void
memory(void)
{
	void *p = NULL;
	unsigned i;
	unsigned char *z;

	CHECK(posix_memalign(&p, 4096, 100) == 0);
	CHECK(((uintptr_t)p & 4095) == 0);
	free(p);
	CHECK(posix_memalign(&p, 3, 100) == EINVAL);
	z = malloc(100000);
	memset(z, 0xff, 100000);
	free(z);
	z = calloc(1, 100000);
	for (i = 0; i < 100000; i++)
		CHECK(z[i] == 0);
	free(z);
	errno = 0;
	CHECK(malloc(SIZE_MAX / 2) == NULL && errno == ENOMEM);
}

static void *
other_thread(void *arg)
{
	FILE *f = arg;

	errno = ERANGE;
	strtok((char[]){"a b"}, " ");
	CHECK(stdout == f);
	CHECK(ftrylockfile(f) != 0); /* the creator holds it */
	return &errno;
}

static void
threads(void)
{
	pthread_t t;
	void *their_errno;
	char text[] = "one two";

	errno = 0;
	CHECK(strcmp(strtok(text, " "), "one") == 0);
	flockfile(stdout);
	CHECK(ftrylockfile(stdout) == 0);
	funlockfile(stdout);
	CHECK(pthread_create(&t, NULL, other_thread, stdout) == 0);
	pthread_join(t, &their_errno);
	funlockfile(stdout);
	CHECK(errno == 0 && their_errno != &errno);
	CHECK(strcmp(strtok(NULL, " "), "two") == 0);
}

static void
own_names(void)
{
	CHECK(panic + page_alloc + log_line + file_open + clock_ns == 15);
	CHECK(thread_create() == 6);
	CHECK(constructed && !destructed_early);
}

int
main(void)
{
	check_run("positional arguments", positional);
	check_run("numbers", numbers);
	check_run("patterns", patterns);
	check_run("lines", lines);
	check_run("memory", memory);
	check_run("threads", threads);
	check_run("own names", own_names);
	return check_failures != 0;
}
