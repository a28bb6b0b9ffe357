/* SPDX-License-Identifier: ISC */
/* Exits with the status its argument names, for tests of that. */
#include <stdlib.h>

int
main(int argc, char **argv)
{
	return argc > 1 ? atoi(argv[1]) : 0;
}
