/* SPDX-License-Identifier: ISC */
/*
 * [RTC]: Motorola MC146818A data sheet, 1984.  Whole seconds, read without
 * waiting for the next one; taken as UTC, as hypervisors set it.
 */
#include "kernel/cpu.h"
#include "kernel/kernel.h"
#include "kernel/rtc.h"

#define INDEX 0x70
#define DATA  0x71

enum { SECONDS = 0, MINUTES = 2, HOURS = 4, DAY = 7, MONTH = 8, YEAR = 9 };
#define STATUS_A   10
#define STATUS_B   11
#define STATUS_D   13
#define A_UPDATING 0x80
#define B_BINARY   0x04
#define B_24_HOURS 0x02
#define D_VALID    0x80
#define HOUR_PM    0x80
#define TRIES      1000 /* of 244 us the longest update takes, [RTC] */

static const uint8_t fields[6] = {SECONDS, MINUTES, HOURS, DAY, MONTH, YEAR};

static uint8_t
get(uint8_t index)
{
	cpu_outb(INDEX, index);
	return cpu_inb(DATA);
}

static void
get_all(uint8_t *v)
{
	unsigned i, tries = TRIES;

	while ((get(STATUS_A) & A_UPDATING) && --tries > 0)
		cpu_pause();
	for (i = 0; i < 6; i++)
		v[i] = get(fields[i]);
}

/* Two readings that agree were not torn by an update. */
static void
get_stable(uint8_t *v)
{
	uint8_t again[6];
	unsigned i, tries = 4;
	bool same;

	get_all(v);
	do {
		get_all(again);
		for (same = true, i = 0; i < 6; i++) {
			same = same && v[i] == again[i];
			v[i] = again[i];
		}
	} while (!same && --tries > 0);
}

static unsigned
from_bcd(uint8_t v)
{
	return (v >> 4) * 10 + (v & 15);
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar; March
 * counts as the first month, so that a leap day ends its year. */
static uint64_t
days_since_1970(unsigned year, unsigned month, unsigned day)
{
	if (month <= 2) {
		month += 12;
		year--;
	}
	return 365UL * year + year / 4 - year / 100 + year / 400 +
	       (153 * (month - 3) + 2) / 5 + day - 1 - 719468;
}

uint64_t
rtc_read_s(void)
{
	uint8_t v[6], status = get(STATUS_B);
	unsigned i, t[6];
	bool pm;

	if (get(STATUS_D) != D_VALID)
		return 0;
	get_stable(v);
	pm = !(status & B_24_HOURS) && (v[2] & HOUR_PM);
	if (!(status & B_24_HOURS))
		v[2] &= ~HOUR_PM;
	for (i = 0; i < 6; i++)
		t[i] = status & B_BINARY ? v[i] : from_bcd(v[i]);
	if (!(status & B_24_HOURS))
		t[2] = t[2] % 12 + (pm ? 12 : 0);
	return ((days_since_1970(2000 + t[5], t[4], t[3]) * 24 + t[2]) * 60 +
		   t[1]) *
		   60 +
	       t[0];
}
