/* SPDX-License-Identifier: ISC */
/* Linux's numbers and newlib's; see linux_abi.h.  Both cannot be included in
 * one file, so Linux's (asm-generic/errno.h, fcntl.h, x86-64) stand here. */
#include "libc-shim/linux_abi.h"

#include <errno.h>
#include <fcntl.h>

#define SAME_UP_TO 34U /* EPERM to ERANGE, as in the first Unixes */

static const struct {
	uint16_t linux_number;
	uint16_t ours;
} errors[] = {
    {35, EDEADLK},
    {36, ENAMETOOLONG},
    {37, ENOLCK},
    {38, ENOSYS},
    {39, ENOTEMPTY},
    {40, ELOOP},
    {61, ENODATA},
    {62, ETIME},
    {71, EPROTO},
    {75, EOVERFLOW},
    {84, EILSEQ},
    {90, EMSGSIZE},
    {95, EOPNOTSUPP},
    {103, ECONNABORTED},
    {104, ECONNRESET},
    {105, ENOBUFS},
    {106, EISCONN},
    {107, ENOTCONN},
    {110, ETIMEDOUT},
    {111, ECONNREFUSED},
    {113, EHOSTUNREACH},
    {116, ESTALE},
    {122, EDQUOT},
    {125, ECANCELED},
};

int
linux_error(uint32_t number)
{
	unsigned i;

	if (number > 0 && number <= SAME_UP_TO)
		return -(int)number;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].linux_number == number)
			return -errors[i].ours;
	return -EIO;
}

uint32_t
linux_open_flags(int flags)
{
	uint32_t out = flags & O_ACCMODE; /* 0, 1, 2 in both */

	out |= flags & O_APPEND ? 00002000U : 0;
	out |= flags & O_TRUNC ? 00001000U : 0;
	out |= flags & O_SYNC ? 04010000U : 0;
	return out;
}
