/* SPDX-License-Identifier: ISC */
/* Random bytes: getrandom and getentropy over the machine's entropy. */
#include <sys/random.h>

#include "kernel/kernel.h"
#include "libc-shim/shim.h"

#define ENTROPY_MAX 256 /* that getentropy gives in one call */

/* ENOSYS, not ENODEV: programs know it and turn to another source. */
static int
fill(void *p, size_t len)
{
	return random_fill(p, len) == 0 ? 0 : -ENOSYS;
}

PUBLIC ssize_t
getrandom(void *p, size_t len, unsigned flags)
{
	int err;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return posix_result(-EINVAL);
	err = fill(p, len);
	return posix_result(err != 0 ? err : (ssize_t)len);
}

PUBLIC int
getentropy(void *p, size_t len)
{
	return (int)posix_result(len > ENTROPY_MAX ? -EIO : fill(p, len));
}
