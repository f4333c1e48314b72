/*
 * window.c - windows of files on platforms where the launcher maps them: one request at a time on the balloon queue, an
 * exit and a wake-up of the launcher for each file that is mapped for the first time.
 *
 * window_lock (mutex) guards the request and its memory, and is held while the host works; nothing is taken inside.
 */
#include "dev/window.h"

#include "abi/dax.h"
#include "abi/ring.h"
#include "lib/err.h"
#include "mm/frame.h"
#include "platform/platform.h"
#include "ring/ring.h"
#include "task/wait.h"

struct shared {
	struct dax_message m;
	s64 answer;
};

static struct mutex window_lock = MUTEX_INIT(window_lock);
static struct waitq answered = WAITQ_INIT(answered);
static struct shared *shared; /* in the arena */
static struct ring *ring;
static struct ring_request request;
static bool done;
static s32 written;

static void on_done(struct ring_request *req, s32 n)
{
	written = n;
	atomic_store(&done, true);
	waitq_wake_all(&answered, 0);
}

static int ask(paddr_t pa, u64 len, u64 cookie)
{
	struct ring_buf bufs[2] = { { &shared->m, sizeof(shared->m) },
				    { &shared->answer, sizeof(shared->answer) } };
	s64 ret;

	mutex_lock(&window_lock);
	shared->m = (struct dax_message){ .cookie = cookie, .window = pa, .len = len };
	request.done = on_done;
	done = false;
	ret = ring_add(ring, &request, bufs, 1, 1);
	if (!ret) {
		ring_kick(ring);
		wait_event(&answered, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, atomic_load(&done));
		ret = written == sizeof(shared->answer) ? READ_ONCE(shared->answer) : -EIO;
	}
	mutex_unlock(&window_lock);
	return ret < -4095 || ret > 0 ? -EIO : (int)ret;
}

void window_start(struct ring *balloon)
{
	paddr_t pa = frame_alloc(ZONE_ARENA, 0, FRAME_ZERO);

	if (!pa)
		return;
	shared = paddr_to_ptr(pa);
	ring = balloon;
	platform_dax_ask = ask;
}
