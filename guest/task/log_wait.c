/*
 * log_wait.c - the queue of who waits for lines of the kernel log (log_wait.h).
 *
 * Lines are logged in every context, under any lock, where nobody can be woken. So the one who logs starts a timer that is
 * due at once, and only if somebody waits; the timer wakes. A timer base's lock and a run queue's are innermost, and nothing
 * is logged under them.
 */
#include "fs/poll_bits.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "task/log_wait.h"
#include "task/time/timer.h"

struct waitq log_waitq = WAITQ_INIT(log_waitq);

static struct ktimer timer;
static u32 pending; /* the timer is started; one start at a time */

static void wake_readers(struct ktimer *t)
{
	atomic_store(&pending, 0);
	waitq_wake_all(&log_waitq, POLL_READABLE);
}

static void line_logged(void)
{
	atomic_fence(); /* the line, then the look at the queue; who waits queues, then looks for lines */
	if (waitq_active(&log_waitq) && !atomic_xchg(&pending, 1))
		ktimer_start(&timer, 0);
}

void log_wait_init(void)
{
	ktimer_init(&timer, wake_readers);
	klog_logged = line_logged;
}
