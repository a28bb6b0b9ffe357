/* SPDX-License-Identifier: ISC */
/* Random bytes from the machine's entropy, as Linux and the BSDs have it. */
#ifndef _SYS_RANDOM_H
#define _SYS_RANDOM_H

#include <sys/cdefs.h>
#include <sys/types.h>

#define GRND_NONBLOCK 1
#define GRND_RANDOM   2
#define GRND_INSECURE 4

__BEGIN_DECLS

/* The number of bytes, all that were asked for; -1 with ENOSYS if the machine
 * offers no entropy, EINVAL for unknown flags. */
ssize_t getrandom(void *, size_t, unsigned);
/* At most 256 bytes, else EIO; ENOSYS as above. */
int getentropy(void *, size_t);

__END_DECLS

#endif
