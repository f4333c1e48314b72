/*
 * create.c - further containers: the spec is read and the file tree made in a thread of their own, since both wait for the
 * host. The 9P queue may be that of a container that is on its way out: then it is awaited.
 */
#include <string.h>

#include "container/session.h"
#include "dev/control.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "ring/ring.h"

static u32 used[RING_Q_9P_COUNT]; /* by container */
static struct waitq freed = WAITQ_INIT(freed);

void create_release_queue(unsigned queue)
{
	ring_break_queue(queue);
	atomic_store(&used[queue - RING_Q_9P], 0);
	waitq_wake_all(&freed, 0);
}

static int make(struct session *s, char *why, size_t size)
{
	struct spec *spec = launch_read_spec(s);

	if (IS_ERR(spec)) {
		ksnprintf(why, size, "cannot read what to run");
		return (int)PTR_ERR(spec);
	}
	s->spec = spec;
	return launch_tree(s, why, size);
}

static void thread(void *arg)
{
	struct session *s = arg;
	u32 *mine = &used[s->streams.queue - RING_Q_9P];
	char why[300] = "", line[340];
	int err, n;

	wait_event(&freed, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, atomic_xchg(mine, 1) == 0);
	err = make(s, why, sizeof(why));
	if (err) {
		launch_discard_streams(s);
		n = ksnprintf(line, sizeof(line), "%s: %s", why, errno_text(err));
		session_fail(s, 125, err, line, MIN((size_t)n, sizeof(line) - 1));
	}
	session_made(s, !err);
	if (!err)
		session_tell(s, CTL_CREATED, 0, 0, "", 0);
	session_put(s);
}

void create_container(struct session *s)
{
	static const char why[] = "out of memory";
	u32 q = s->streams.queue;

	if (q > RING_Q_9P && q < RING_Q_9P + RING_Q_9P_COUNT &&
	    !IS_ERR(kthread_start("container", thread, s)))
		return;
	s->streams.queue = RING_Q_9P; /* none of its own */
	launch_discard_streams(s);
	session_fail(s, 125, -ENOMEM, why, sizeof(why) - 1);
	session_made(s, false);
	session_put(s);
}
