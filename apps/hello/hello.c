/* SPDX-License-Identifier: ISC */
/* The smallest program with something to say. */
#include <stdio.h>

int
main(void)
{
	puts("Hello from Sprat");
	return 0;
}
