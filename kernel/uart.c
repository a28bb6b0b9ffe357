/* SPDX-License-Identifier: ISC */
/*
 * 16550 serial port at COM1: the console of a machine that offers no better.
 * [16550]: National Semiconductor PC16550D data sheet, June 1995.
 *
 * Reading and writing never wait.  Interrupts are asked for one at a time:
 * each masks itself and tells the console to look again.
 */
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/uart.h"

#define COM1	 0x3f8
#define COM1_GSI 4

#define RBR_THR (COM1 + 0) /* with DLAB: divisor, low byte */
#define IER	(COM1 + 1) /* with DLAB: divisor, high byte */
#define IIR_FCR (COM1 + 2)
#define LCR	(COM1 + 3)
#define MCR	(COM1 + 4)
#define LSR	(COM1 + 5)
#define SCR	(COM1 + 7)

#define IER_ERBFI    0x01 /* received data available */
#define IER_ETBEI    0x02 /* transmitter holding register empty */
#define FCR_CLEAR    0x07 /* FIFOs on and cleared */
#define FCR_TRIGGER  0xc1 /* on, interrupt at 14 bytes or when no more come */
#define LCR_8N1	     0x03
#define LCR_DLAB     0x80
#define MCR_DTR_RTS  0x0b /* and OUT2, which gates the interrupt line */
#define LSR_DR	     0x01
#define LSR_THRE     0x20
#define FIFO_LEN     16

static struct spinlock uart_lock = SPINLOCK("uart");
static uint8_t ier;
static bool attached;

static size_t
uart_put(const uint8_t *p, size_t len)
{
	if (!(cpu_inb(LSR) & LSR_THRE))
		return 0;
	if (len > FIFO_LEN)
		len = FIFO_LEN;
	cpu_outsb(RBR_THR, p, len);
	return len;
}

static long
uart_get(uint8_t *p, size_t len)
{
	long n = 0;

	while ((size_t)n < len && (cpu_inb(LSR) & LSR_DR))
		p[n++] = cpu_inb(RBR_THR);
	return n;
}

static void
uart_irq(void *arg)
{
	uint64_t flags = spin_lock(&uart_lock);

	(void)arg;
	ier = 0;
	cpu_outb(IER, 0);
	spin_unlock(&uart_lock, flags);
	console_event();
}

/* Before the first wait.  The highest speed, for a virtual port's "no more
 * come" is four characters' time. */
static void
attach(void)
{
	cpu_outb(LCR, LCR_8N1 | LCR_DLAB);
	cpu_outb(RBR_THR, 1);
	cpu_outb(IER, 0);
	cpu_outb(LCR, LCR_8N1);
	cpu_outb(IIR_FCR, FCR_TRIGGER);
	if (irq_gsi_attach(COM1_GSI, uart_irq, NULL) < 0)
		panic("uart: no interrupt for COM1");
}

static void
want(uint8_t bit)
{
	uint64_t flags = spin_lock(&uart_lock);

	if (!attached)
		attach();
	attached = true;
	ier |= bit;
	cpu_outb(IER, ier);
	spin_unlock(&uart_lock, flags);
}

static bool
uart_want_get(void)
{
	want(IER_ERBFI);
	return false;
}

static bool
uart_want_put(void)
{
	want(IER_ETBEI);
	return false;
}

static const struct console_dev uart = {
    .name = "16550",
    .put = uart_put,
    .get = uart_get,
    .want_get = uart_want_get,
    .want_put = uart_want_put,
};

/* An absent port reads as all ones and keeps nothing. */
const struct console_dev *
uart_console(void)
{
	cpu_outb(SCR, 0x5a);
	if (cpu_inb(SCR) != 0x5a)
		return NULL;
	cpu_outb(IER, 0);
	cpu_outb(LCR, LCR_8N1);
	cpu_outb(IIR_FCR, FCR_CLEAR);
	cpu_outb(MCR, MCR_DTR_RTS);
	return &uart;
}
