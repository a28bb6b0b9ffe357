/* SPDX-License-Identifier: ISC */
/*
 * `sprat pack`: a folder as an initrd, for hypervisors other than the one
 * `sprat run` starts.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/cpio.h"
#include "host/sprat.h"
#include "host/util.h"

const char pack_help[] =
    "usage: sprat pack FOLDER >FILE\n"
    "\n"
    "Writes the contents of FOLDER to standard output as a cpio archive\n"
    "(newc), which a guest takes as its root directory:\n"
    "`sprat run --initrd FILE`.  `sprat run --initrd FOLDER` does it by\n"
    "itself.  Equal folders give equal archives.\n";

int
pack_main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(pack_help, stdout);
		return 0;
	}
	if (argc != 2 || argv[1][0] == '-') {
		util_report("name one folder, as in `sprat pack root "
			    ">root.cpio`");
		return EXIT_USAGE;
	}
	if (isatty(STDOUT_FILENO)) {
		util_report("will not write an archive to a terminal; "
			    "add >FILE");
		return EXIT_USAGE;
	}
	return cpio_pack(argv[1], STDOUT_FILENO) ? 0 : EXIT_FAILED;
}
