/* SPDX-License-Identifier: ISC */
/*
 * Signals in a guest: sending, masks, waiting, and what they do to sleeps.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t got[NSIG], depth, deepest;
static siginfo_t last;
static sigset_t mask_inside;

static void
count(int signo)
{
	got[signo]++;
}

static void
tell(int signo, siginfo_t *info, void *uc)
{
	CHECK(uc != NULL);
	got[signo]++;
	last = *info;
	sigprocmask(SIG_BLOCK, NULL, &mask_inside);
}

static void
handle(int signo, void (*fn)(int), int flags)
{
	struct sigaction act = {.sa_flags = flags};

	act.sa_handler = fn;
	sigemptyset(&act.sa_mask);
	CHECK(sigaction(signo, &act, NULL) == 0);
	got[signo] = 0;
}

static sigset_t
set_of(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	return set;
}

static void
raising(void)
{
	CHECK(signal(SIGUSR1, count) == SIG_DFL);
	CHECK(raise(SIGUSR1) == 0 && got[SIGUSR1] == 1);
	CHECK(kill(getpid(), SIGUSR1) == 0 && got[SIGUSR1] == 2);
	CHECK(kill(0, SIGUSR1) == 0 && got[SIGUSR1] == 3);
	CHECK(pthread_kill(pthread_self(), SIGUSR1) == 0 && got[SIGUSR1] == 4);
	CHECK(kill(getpid(), 0) == 0);
	CHECK(kill(4711, SIGUSR1) == -1 && errno == ESRCH);
	CHECK(raise(99) == -1 && errno == EINVAL);
	CHECK(signal(SIGKILL, count) == SIG_ERR && errno == EINVAL);
	CHECK(signal(SIGUSR1, SIG_IGN) == count);
	CHECK(raise(SIGUSR1) == 0 && got[SIGUSR1] == 4);
	CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
	CHECK(raise(SIGCHLD) == 0); /* ignored by default */
}

static void
information(void)
{
	struct sigaction act = {.sa_flags = SA_SIGINFO};
	union sigval value = {.sival_int = 77};

	act.sa_sigaction = tell;
	act.sa_mask = set_of(SIGUSR2);
	CHECK(sigaction(SIGUSR1, &act, NULL) == 0);
	got[SIGUSR1] = 0;
	CHECK(sigqueue(getpid(), SIGUSR1, value) == 0);
	CHECK(got[SIGUSR1] == 1);
	CHECK(last.si_signo == SIGUSR1 && last.si_code == SI_QUEUE);
	CHECK(last.si_value.sival_int == 77 && last.si_pid == getpid());
	CHECK(sigismember(&mask_inside, SIGUSR1) == 1);
	CHECK(sigismember(&mask_inside, SIGUSR2) == 1);
	CHECK(sigismember(&mask_inside, SIGTERM) == 0);
	sigprocmask(SIG_BLOCK, NULL, &mask_inside);
	CHECK(mask_inside == 0);
}

static void
masks(void)
{
	sigset_t set = set_of(SIGUSR1), old, pending;

	handle(SIGUSR1, count, 0);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0 && old == 0);
	CHECK(raise(SIGUSR1) == 0 && raise(SIGUSR1) == 0);
	CHECK(got[SIGUSR1] == 0);
	CHECK(sigpending(&pending) == 0);
	CHECK(sigismember(&pending, SIGUSR1) == 1);
	CHECK(sigprocmask(SIG_SETMASK, &old, &set) == 0);
	CHECK(got[SIGUSR1] == 1); /* not queued twice */
	CHECK(sigpending(&pending) == 0 && pending == 0);
	CHECK(sigprocmask(9, &set, NULL) == -1 && errno == EINVAL);
	CHECK(sigaddset(&set, 0) == -1 && errno == EINVAL);
	sigfillset(&set);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0 && got[SIGUSR1] == 1);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	CHECK(got[SIGUSR1] == 2);
}

static void
nested(int signo)
{
	if (++depth > deepest)
		deepest = depth;
	if (got[signo]++ < 3)
		raise(signo);
	depth--;
}

static void
nesting(void)
{
	handle(SIGUSR1, nested, 0);
	raise(SIGUSR1);
	CHECK(got[SIGUSR1] == 4 && deepest == 1);
	handle(SIGUSR1, nested, SA_NODEFER);
	raise(SIGUSR1);
	CHECK(got[SIGUSR1] == 4 && deepest == 4);
	handle(SIGUSR1, count, SA_RESETHAND);
	raise(SIGUSR1);
	CHECK(got[SIGUSR1] == 1);
	CHECK(signal(SIGUSR1, SIG_IGN) == SIG_DFL);
}

static pthread_t main_thread;
static int send_signo;

static void *
send_later(void *arg)
{
	check_sleep_ms(20);
	CHECK(pthread_kill(main_thread, send_signo) == 0);
	return arg;
}

/* Sends signo to the main thread in 20 ms. */
static pthread_t
later(int signo)
{
	pthread_t t;

	main_thread = pthread_self();
	send_signo = signo;
	CHECK(pthread_create(&t, NULL, send_later, NULL) == 0);
	return t;
}

static void *
post_later(void *sem)
{
	check_sleep_ms(60);
	sem_post(sem);
	return NULL;
}

static void
sleeps_end(void)
{
	struct timespec ts = {5, 0}, left = {0, 0};
	double from = check_ms(CLOCK_MONOTONIC);
	pthread_t t, poster;
	sem_t sem;

	handle(SIGUSR1, count, SA_RESTART);
	t = later(SIGUSR1);
	CHECK(nanosleep(&ts, &left) == -1 && errno == EINTR);
	CHECK(left.tv_sec == 4 && got[SIGUSR1] == 1);
	CHECK(check_ms(CLOCK_MONOTONIC) - from < 2000);
	pthread_join(t, NULL);

	sem_init(&sem, 0, 0);
	handle(SIGUSR1, count, 0);
	t = later(SIGUSR1);
	CHECK(sem_wait(&sem) == -1 && errno == EINTR);
	CHECK(got[SIGUSR1] == 1);
	pthread_join(t, NULL);

	handle(SIGUSR1, count, SA_RESTART);
	CHECK(pthread_create(&poster, NULL, post_later, &sem) == 0);
	t = later(SIGUSR1);
	CHECK(sem_wait(&sem) == 0 && got[SIGUSR1] == 1);
	pthread_join(t, NULL);
	pthread_join(poster, NULL);

	t = later(SIGUSR1);
	CHECK(pause() == -1 && errno == EINTR && got[SIGUSR1] == 2);
	pthread_join(t, NULL);
}

/* A mutex is not let go by a signal; the handler runs all the same. */
static void *
holds_mutex(void *m)
{
	pthread_mutex_lock(m);
	check_sleep_ms(60);
	CHECK(got[SIGUSR1] == 1);
	pthread_mutex_unlock(m);
	return NULL;
}

static void
mutex_waits_on(void)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	pthread_t holder, t;

	handle(SIGUSR1, count, 0);
	CHECK(pthread_create(&holder, NULL, holds_mutex, &m) == 0);
	check_sleep_ms(5);
	t = later(SIGUSR1);
	CHECK(pthread_mutex_lock(&m) == 0 && got[SIGUSR1] == 1);
	pthread_join(t, NULL);
	pthread_join(holder, NULL);
}

static void
waiting(void)
{
	sigset_t set = set_of(SIGUSR2), none, old;
	struct timespec ts = {0, 30000000};
	siginfo_t info;
	pthread_t t;
	double from;
	int signo = 0;

	sigemptyset(&none);
	handle(SIGUSR2, count, 0);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, &old) == 0);
	t = later(SIGUSR2);
	CHECK(sigwait(&set, &signo) == 0 && signo == SIGUSR2);
	CHECK(got[SIGUSR2] == 0);
	pthread_join(t, NULL);
	CHECK(kill(getpid(), SIGUSR2) == 0);
	CHECK(sigwaitinfo(&set, &info) == SIGUSR2);
	CHECK(info.si_signo == SIGUSR2 && info.si_code == SI_USER);
	from = check_ms(CLOCK_MONOTONIC);
	CHECK(sigtimedwait(&set, &info, &ts) == -1 && errno == EAGAIN);
	from = check_ms(CLOCK_MONOTONIC) - from;
	CHECK(from >= 29 && from < 330);
	t = later(SIGUSR2);
	CHECK(sigsuspend(&none) == -1 && errno == EINTR);
	CHECK(got[SIGUSR2] == 1);
	pthread_join(t, NULL);
	CHECK(pthread_sigmask(SIG_BLOCK, NULL, &none) == 0 && none == set);
	CHECK(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(pthread_kill(t + 64, 0) == ESRCH);
}

/* Sent to the process while its only other thread blocks everything. */
static void *
takes_it(void *arg)
{
	sigset_t set = set_of(SIGUSR2);
	int signo = 0;

	CHECK(sigwait(&set, &signo) == 0 && signo == SIGUSR2);
	return arg;
}

static void
to_the_process(void)
{
	sigset_t set = set_of(SIGUSR2);
	pthread_t t;

	handle(SIGUSR2, count, 0);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	CHECK(pthread_create(&t, NULL, takes_it, NULL) == 0);
	check_sleep_ms(10);
	CHECK(kill(getpid(), SIGUSR2) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	CHECK(got[SIGUSR2] == 0);
}

static sigjmp_buf env;

static void
jump(int signo)
{
	got[signo]++;
	siglongjmp(env, signo);
}

static void
jumping(void)
{
	volatile int round = 0;
	sigset_t now;

	handle(SIGUSR1, jump, 0);
	if (sigsetjmp(env, 1) == 0 || round < 3) {
		round++;
		raise(SIGUSR1);
		CHECK(!"raise returned");
	}
	CHECK(round == 3 && got[SIGUSR1] == 3);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && now == 0);
}

int
main(void)
{
	CHECK_RUN(raising);
	CHECK_RUN(information);
	CHECK_RUN(masks);
	CHECK_RUN(nesting);
	CHECK_RUN(sleeps_end);
	CHECK_RUN(mutex_waits_on);
	CHECK_RUN(waiting);
	CHECK_RUN(to_the_process);
	CHECK_RUN(jumping);
	return check_failures != 0;
}
