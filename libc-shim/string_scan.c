/* SPDX-License-Identifier: ISC */
/*
 * The few string functions the kernel itself uses, C11 7.24, hidden: the
 * kernel must not depend on what an application calls strlen.  Short rather
 * than fast: the kernel's strings are names and paths.
 */
#include <string.h>

size_t
strlen(const char *s)
{
	const char *end = s;

	while (*end != '\0')
		end++;
	return (size_t)(end - s);
}

size_t
strnlen(const char *s, size_t max)
{
	size_t len = 0;

	while (len < max && s[len] != '\0')
		len++;
	return len;
}

int
strncmp(const char *a, const char *b, size_t len)
{
	const unsigned char *x = (const void *)a, *y = (const void *)b;

	for (; len > 0; len--, x++, y++)
		if (*x != *y || *x == '\0')
			return *x - *y;
	return 0;
}

int
strcmp(const char *a, const char *b)
{
	return strncmp(a, b, (size_t)-1);
}

char *
strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (*s == '\0')
			return NULL;
	}
}

char *
strrchr(const char *s, int c)
{
	const char *found = NULL;

	do {
		if (*s == (char)c)
			found = s;
	} while (*s++ != '\0');
	return (char *)found;
}

void *
memchr(const void *p, int c, size_t len)
{
	const unsigned char *s = p;

	for (; len > 0; len--, s++)
		if (*s == (unsigned char)c)
			return (void *)s;
	return NULL;
}
