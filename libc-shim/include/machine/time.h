/* SPDX-License-Identifier: ISC */
/* clock() counts microseconds, as X/Open requires. */
#ifndef _MACHTIME_H_
#define _MACHTIME_H_

#define _CLOCKS_PER_SEC_ 1000000

#endif
