/* SPDX-License-Identifier: ISC */
/*
 * Three ways to protect a word: for a POSIX shell, for the guest's command
 * line (kernel/cmdline.c reads it), and for the value of a QEMU option.
 */
#ifndef HOST_QUOTE_H
#define HOST_QUOTE_H

#include "host/text.h"

/* Appends `s` so that a shell reads it back as one word. */
void quote_shell(struct text *t, const char *s);

/* Appends `s` so that the guest reads it back as one word, whatever bytes it
 * holds, and never takes it for a word of the VMM's. */
void quote_guest(struct text *t, const char *s);

/* Appends `s` with its commas doubled, as in -drive file=a,,b. */
void quote_comma(struct text *t, const char *s);

/* The same with a backslash before each, as FUSE's servers have it in -o. */
void quote_fuse(struct text *t, const char *s);

#endif
