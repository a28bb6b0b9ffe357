/* SPDX-License-Identifier: ISC */
/* The first serial port of a PC. */
#ifndef KERNEL_UART_H
#define KERNEL_UART_H

#include "kernel/console.h"

const struct console_dev *uart_console(void); /* NULL: not there */

#endif
