/*
 * mm_reaper.c - the thread that ends address spaces whose last reference went where nobody may wait for that (mm_put_later).
 */
#include "lib/err.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "task/task.h"
#include "task/wait.h"

static struct waitq q = WAITQ_INIT(q);

static void wake(void)
{
	waitq_wake_all(&q, 0);
}

static void reaper(void *arg)
{
	for (;;) {
		(void)wait_event(&q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, mm_any_dead());
		mm_end_dead();
	}
}

void mm_reaper_start(void)
{
	static const struct mm_hooks hooks = { .dead = wake };

	if (IS_ERR(kthread_start("mm", reaper, NULL)))
		panic("out of memory at boot");
	mm_set_hooks(&hooks);
}
