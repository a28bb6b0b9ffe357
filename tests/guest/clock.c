/* SPDX-License-Identifier: ISC */
/*
 * Clocks, sleeps and timers in a guest: they agree, they are on time, and
 * waiting costs no processor time.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <unistd.h>

#include "check.h"

static void
monotonic(void)
{
	struct timespec a, b;
	int i;

	CHECK(clock_getres(CLOCK_MONOTONIC, &a) == 0);
	CHECK(a.tv_sec == 0 && a.tv_nsec > 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
	for (i = 0; i < 10000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &b);
		CHECK(b.tv_nsec >= 0 && b.tv_nsec < 1000000000);
		CHECK(b.tv_sec > a.tv_sec ||
		      (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
		a = b;
	}
	CHECK(clock_gettime(12, &a) == -1 && errno == EINVAL);
	CHECK(clock_settime(CLOCK_REALTIME, &a) == -1 && errno == EPERM);
}

static void
wall(void)
{
	struct timespec ts;
	struct timeval tv;
	time_t now = time(NULL);

	CHECK(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	CHECK(gettimeofday(&tv, NULL) == 0);
	CHECK(ts.tv_sec - now <= 1 && tv.tv_sec - now <= 1);
	CHECK(timespec_get(&ts, TIME_UTC) == TIME_UTC);
	CHECK(timespec_get(&ts, 99) == 0);
	printf("# seconds since 1970: %ld\n", (long)now);
}

/* Bounds are wide: the host may be busy, and what it takes counts as ours.
 * Sleeps by `fn`; late by less than 250 ms, and without computing. */
static void
sleep_by(void (*fn)(long), long ms)
{
	double from = check_ms(CLOCK_MONOTONIC), cpu, took;

	cpu = check_ms(CLOCK_PROCESS_CPUTIME_ID);
	fn(ms);
	took = check_ms(CLOCK_MONOTONIC) - from;
	cpu = check_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	CHECK(took >= (double)ms && took < (double)ms + 250);
	CHECK(cpu < 10 + (double)ms / 4);
}

static void
by_usleep(long ms)
{
	CHECK(usleep((useconds_t)ms * 1000) == 0);
}

static void
by_clock(long ms)
{
	struct timespec ts = check_after_ms(CLOCK_MONOTONIC, ms);

	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0);
}

static void
by_wall_clock(long ms)
{
	struct timespec ts = check_after_ms(CLOCK_REALTIME, ms);

	CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL) == 0);
}

static void
by_sleep(long ms)
{
	CHECK(sleep((unsigned)ms / 1000) == 0);
}

static void
sleeping(void)
{
	struct timespec bad = {0, -1}, past = {0, 1};

	sleep_by(check_sleep_ms, 1);
	sleep_by(check_sleep_ms, 100);
	sleep_by(by_usleep, 30);
	sleep_by(by_clock, 50);
	sleep_by(by_wall_clock, 50);
	sleep_by(by_sleep, 1000);
	CHECK(nanosleep(&bad, NULL) == -1 && errno == EINVAL);
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL) == EINVAL);
	CHECK(clock_nanosleep(99, 0, &past, NULL) == EINVAL);
	CHECK(
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL) == 0);
}

static volatile double sink;

static void
compute_ms(double ms)
{
	double until = check_ms(CLOCK_THREAD_CPUTIME_ID) + ms;

	while (check_ms(CLOCK_THREAD_CPUTIME_ID) < until)
		sink += 1;
}

static void *
computes(void *arg)
{
	compute_ms(60);
	return arg;
}

/* The host may take the processor away at any moment, and whoever had it pays;
 * so one good reading out of a few is asked for. */
static int
time_is_whose(void)
{
	double own = check_ms(CLOCK_THREAD_CPUTIME_ID), all;
	pthread_t t;

	all = check_ms(CLOCK_PROCESS_CPUTIME_ID);
	CHECK(pthread_create(&t, NULL, computes, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	own = check_ms(CLOCK_THREAD_CPUTIME_ID) - own;
	all = check_ms(CLOCK_PROCESS_CPUTIME_ID) - all;
	return own < 55 && all >= 55 && all < 600;
}

static void
cpu_time(void)
{
	int tries = 5;
	double other;
	clock_t before = clock();
	struct timespec ts;
	struct rusage use;
	struct tms tms;
	clockid_t id;
	pthread_t t;

	CHECK(pthread_create(&t, NULL, computes, NULL) == 0);
	CHECK(pthread_getcpuclockid(t, &id) == 0);
	check_sleep_ms(10);
	CHECK(clock_gettime(id, &ts) == 0);
	other = (double)ts.tv_nsec / 1e6;
	CHECK(ts.tv_sec == 0 && other > 1);
	CHECK(pthread_join(t, NULL) == 0);
	while (!time_is_whose() && --tries > 0)
		;
	CHECK(tries > 0);
	CHECK(clock() - before >= 55 * (CLOCKS_PER_SEC / 1000));
	CHECK(getrusage(RUSAGE_SELF, &use) == 0);
	CHECK(use.ru_utime.tv_sec > 0 || use.ru_utime.tv_usec >= 55000);
	CHECK(times(&tms) != (clock_t)-1 && tms.tms_utime > 0);
}

static void
calendar(void)
{
	/* computed by hand from the Gregorian rules */
	static const struct {
		int year, month, day;
		time_t t;
	} days[] = {{1970, 1, 1, 0}, {2000, 2, 29, 951782400},
	    {2000, 3, 1, 951868800}, {2038, 1, 19, 2147472000},
	    {1969, 12, 31, -86400}, {2100, 3, 1, 4107542400}};
	struct tm tm;
	time_t t;
	size_t i;

	for (i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		memset(&tm, 0, sizeof(tm));
		tm.tm_year = days[i].year - 1900;
		tm.tm_mon = days[i].month - 1;
		tm.tm_mday = days[i].day;
		CHECK(timegm(&tm) == days[i].t);
	}
	for (t = -3000000000; t < 8000000000; t += 86399 * 37) {
		CHECK(gmtime_r(&t, &tm) != NULL);
		CHECK(timegm(&tm) == t);
	}
	memset(&tm, 0, sizeof(tm));
	tm.tm_year = 100;
	tm.tm_mon = 25; /* February 2002 */
	tm.tm_mday = 31;
	tm.tm_sec = -1;
	CHECK(timegm(&tm) != -1);
	CHECK(tm.tm_year == 102 && tm.tm_mon == 2 && tm.tm_mday == 2);
	CHECK(tm.tm_hour == 23 && tm.tm_sec == 59);
}

/* --- timers --- */

static volatile sig_atomic_t alarms;
static atomic_int notices;

static void
on_alarm(int signo)
{
	(void)signo;
	alarms++;
}

static void
one_alarm(void)
{
	double from = check_ms(CLOCK_MONOTONIC);

	alarms = 0;
	signal(SIGALRM, on_alarm);
	CHECK(alarm(100) == 0);
	CHECK(alarm(1) == 100);
	CHECK(sleep(10) >= 8 && alarms == 1);
	from = check_ms(CLOCK_MONOTONIC) - from;
	CHECK(from >= 999 && from < 1400);
	CHECK(alarm(0) == 0);
}

static void
alarm_while_computing(void)
{
	struct itimerval one = {{0, 0}, {0, 50000}};
	double from = check_ms(CLOCK_MONOTONIC);

	alarms = 0;
	CHECK(setitimer(ITIMER_REAL, &one, NULL) == 0);
	while (alarms == 0 && check_ms(CLOCK_MONOTONIC) < from + 2000)
		sink += 1;
	from = check_ms(CLOCK_MONOTONIC) - from;
	CHECK(alarms == 1 && from >= 50 && from < 400);
}

static void
interval(void)
{
	struct itimerval every = {{0, 20000}, {0, 20000}}, off, old;
	double from = check_ms(CLOCK_MONOTONIC);

	memset(&off, 0, sizeof(off));
	alarms = 0;
	CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
	while (alarms < 10 && check_ms(CLOCK_MONOTONIC) < from + 3000)
		check_sleep_ms(500);
	from = check_ms(CLOCK_MONOTONIC) - from;
	CHECK(from >= 199 && from < 700);
	CHECK(setitimer(ITIMER_REAL, &off, &old) == 0);
	CHECK(old.it_interval.tv_usec == 20000);
	CHECK(getitimer(ITIMER_REAL, &old) == 0);
	CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0);
	CHECK(setitimer(ITIMER_PROF, &off, NULL) == -1 && errno == EINVAL);
}

static void
on_notice(union sigval value)
{
	notices += value.sival_int;
}

static void
posix_timers(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD};
	struct itimerspec spec = {{0, 0}, {0, 20000000}}, now;
	timer_t id;
	double from = check_ms(CLOCK_MONOTONIC);

	ev.sigev_notify_function = on_notice;
	ev.sigev_value.sival_int = 7;
	CHECK(timer_create(CLOCK_MONOTONIC, &ev, &id) == 0);
	CHECK(timer_settime(id, 0, &spec, NULL) == 0);
	CHECK(timer_gettime(id, &now) == 0);
	CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_nsec > 0 &&
	      now.it_value.tv_nsec <= 20000000);
	while (notices == 0 && check_ms(CLOCK_MONOTONIC) < from + 2000)
		check_sleep_ms(1);
	CHECK(notices == 7);
	CHECK(timer_gettime(id, &now) == 0 && now.it_value.tv_nsec == 0);
	spec.it_value = check_after_ms(CLOCK_MONOTONIC, 30);
	CHECK(timer_settime(id, TIMER_ABSTIME, &spec, NULL) == 0);
	check_sleep_ms(10);
	CHECK(timer_delete(id) == 0);
	check_sleep_ms(40);
	CHECK(notices == 7);
	CHECK(timer_create(77, &ev, &id) == -1 && errno == EINVAL);
}

int
main(void)
{
	CHECK_RUN(monotonic);
	CHECK_RUN(wall);
	CHECK_RUN(sleeping);
	CHECK_RUN(cpu_time);
	CHECK_RUN(calendar);
	CHECK_RUN(one_alarm);
	CHECK_RUN(alarm_while_computing);
	CHECK_RUN(interval);
	CHECK_RUN(posix_timers);
	return check_failures != 0;
}
