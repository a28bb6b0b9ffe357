/* SPDX-License-Identifier: ISC */
/*
 * Lets poll wait for the console together with other files: a thread of ours,
 * made when that is first wanted, sleeps until there is input.
 */
#include "libc-shim/console_file.h"
#include "libc-shim/poll.h"

static struct sleeplock lock;
static struct waitq asking;
static bool asked, started;

static void *
watch(void *arg)
{
	for (;;) {
		sleeplock_take(&lock);
		while (!asked)
			sleeplock_wait(&lock, &asking, NS_NEVER);
		asked = false;
		sleeplock_give(&lock);
		console_wait(NS_NEVER);
		poll_notify(&console_pollq);
	}
	return arg;
}

int
console_watch(void)
{
	struct thread *t;
	int err = 0;

	sleeplock_take(&lock);
	if (!started) {
		t = thread_create(watch, NULL, 0);
		started = t != NULL;
		if (started)
			thread_detach(t);
		else
			err = -ENOMEM;
	}
	asked = true;
	sleeplock_wake(&lock, &asking, 1);
	sleeplock_give(&lock);
	return err;
}
