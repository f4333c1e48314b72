/*
 * ptimer.c - POSIX timers: timer_create(2) and its kin.
 *
 * A timer has one queue entry of its own for its signal: while that is still pending further expiries are overruns,
 * counted in the entry, which is what timer_getoverrun(2) reports.
 */
#include <string.h>

#include "lib/err.h"
#include "mm/slab.h"
#include "task/time/itimer_priv.h"
#include "task/ns/pidns.h"
#include "task/ucounts.h"

/* n expiries at once. */
static void fire(struct ptimer *t, u64 n)
{
	struct process *p = t->owner->process;

	if (t->ev.notify == SIGEV_NONE)
		return;
	n = MIN(n - 1, 0x7fffffffULL);
	if (signal_send_timer(p, t->target, t->ev.signo, t->q))
		t->overrun = (s32)n;
	else
		t->overrun = (s32)MIN((u64)(u32)t->overrun + n + 1, 0x7fffffffULL);
	sigqueue_set_overrun(t->q, t->overrun);
}

/* Move expires past now by whole intervals; returns how many expiries that were. */
static u64 advance(struct ptimer *t, u64 now)
{
	u64 n = 1;

	if (!t->interval) {
		t->expires = 0;
		return 1;
	}
	if (now > t->expires)
		n += (now - t->expires) / t->interval;
	t->expires += n * t->interval;
	return n;
}

static void wall_expired(struct ktimer *k)
{
	struct ptimer *t = container_of(k, struct ptimer, timer);
	u64 n, now = clock_mono();

	spin_lock(&t->owner->lock);
	if (t->expires) {
		n = advance(t, now);
		if (t->expires)
			ktimer_start(&t->timer, MAX(t->expires, now + MIN_INTERVAL));
		fire(t, n);
	}
	spin_unlock(&t->owner->lock);
}

static u64 cpu_now(const struct ptimer *t)
{
	return t->cpu_task ? task_cpu_time(t->cpu_task, t->kind)
			   : process_cpu_time(t->cpu_process, t->kind);
}

u64 ptimer_cpu_check(struct ptimer *t)
{
	u64 now = cpu_now(t);

	if (now >= t->expires)
		fire(t, advance(t, now));
	return t->expires ? t->expires - now : ~0ULL;
}

/* ---- the calls ---- */

static struct ptimer *find(struct itimers *it, int id)
{
	struct ptimer *t;

	list_for_each(t, &it->timers, node)
		if (t->id == id)
			return t;
	return NULL;
}

static void destroy(struct ptimer *t)
{
	spin_lock(&t->owner->lock);
	t->expires = t->interval = 0;
	if (!list_empty(&t->node))
		t->owner->nr_timers--;
	list_del(&t->node);
	spin_unlock(&t->owner->lock);
	ktimer_cancel(&t->timer);
	if (t->q)
		sigqueue_destroy(t->q);
	task_put(t->target);
	task_put(t->cpu_task);
	process_put(t->cpu_process);
	ucounts_sub(t->ucounts, UCOUNT_SIGPENDING, 1);
	ucounts_put(t->ucounts);
	kfree(t);
}

void ptimers_clear(struct itimers *it)
{
	mutex_lock(&it->mutex);
	while (!list_empty(&it->timers))
		destroy(list_first(&it->timers, struct ptimer, node));
	mutex_unlock(&it->mutex);
}

static int setup_event(struct ptimer *t, const struct ptimer_event *ev)
{
	struct siginfo info = { 0 };

	t->ev = *ev;
	switch (ev->notify) {
	case SIGEV_NONE: return 0;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD: /* the library's matter: a signal */ break;
	case SIGEV_THREAD_ID:
		t->target = task_find_vpid(ev->tid);
		if (!t->target || t->target->process != task_current()->process)
			return -EINVAL;
		break;
	default: return -EINVAL;
	}
	if (ev->signo < 1 || ev->signo > NSIG)
		return -EINVAL;
	info.signo = ev->signo;
	info.code = SI_TIMER;
	info.timer.tid = t->id;
	info.timer.value = ev->value_is_id ? (u64)t->id : ev->value;
	t->q = sigqueue_create(&info);
	return t->q ? 0 : -EAGAIN;
}

/* Each timer may have one signal on its way: it counts as one. */
static int charge(struct ptimer *t)
{
	struct ucounts *u = task_current()->ucounts;

	if (!ucounts_charge(u, UCOUNT_SIGPENDING, 1, task_rlimit(RLIMIT_SIGPENDING)))
		return -EAGAIN;
	t->ucounts = ucounts_get(u);
	return 0;
}

int ptimer_create(int clock, const struct ptimer_event *ev)
{
	struct itimers *it = itimers_get();
	struct ptimer *t;
	int err = 0;

	if (!it)
		return -EAGAIN;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -EAGAIN;
	t->owner = it;
	t->clock = clock;
	t->wall = clock_is_wall(clock);
	list_init(&t->node);
	ktimer_init(&t->timer, wall_expired);
	if (!t->wall)
		err = clock_cpu_target(clock, &t->cpu_process, &t->cpu_task, &t->kind);
	mutex_lock(&it->mutex);
	t->id = it->next_id++;
	if (!err)
		err = charge(t);
	if (!err)
		err = setup_event(t, ev);
	if (!err) {
		spin_lock(&it->lock);
		list_add_tail(&it->timers, &t->node);
		it->nr_timers++;
		spin_unlock(&it->lock);
		err = t->id;
	} else {
		destroy(t);
	}
	mutex_unlock(&it->mutex);
	return err;
}

int ptimer_delete(int id)
{
	struct itimers *it = task_current()->process->timers;
	struct ptimer *t;

	if (!it)
		return -EINVAL;
	mutex_lock(&it->mutex);
	t = find(it, id);
	if (t)
		destroy(t);
	mutex_unlock(&it->mutex);
	return t ? 0 : -EINVAL;
}

static void read_locked(struct ptimer *t, u64 *value, u64 *interval)
{
	u64 now;

	*interval = t->interval;
	*value = 0;
	if (!t->expires)
		return;
	now = t->wall ? clock_mono() : cpu_now(t);
	/* SIGEV_NONE timers are never fired: they are moved when someone looks. */
	if (t->ev.notify == SIGEV_NONE && now >= t->expires)
		advance(t, now);
	if (t->expires)
		*value = t->expires > now ? t->expires - now : 1;
}

int ptimer_get(int id, u64 *value, u64 *interval)
{
	struct itimers *it = task_current()->process->timers;
	struct ptimer *t;

	if (!it)
		return -EINVAL;
	mutex_lock(&it->mutex);
	t = find(it, id);
	if (t) {
		spin_lock(&it->lock);
		read_locked(t, value, interval);
		spin_unlock(&it->lock);
	}
	mutex_unlock(&it->mutex);
	return t ? 0 : -EINVAL;
}

static void arm(struct ptimer *t, bool absolute, u64 value, u64 interval)
{
	u64 now = t->wall ? clock_mono() : cpu_now(t);

	t->interval = value ? interval : 0;
	t->overrun = 0;
	if (!value) {
		t->expires = 0;
		return;
	}
	if (absolute)
		t->expires = t->wall ? clock_deadline(t->clock, value) : value;
	else
		t->expires = now + MIN(value, NO_DEADLINE - 1 - now);
	if (t->wall)
		ktimer_start(&t->timer, t->expires);
	else
		itimers_cpu_start(t->owner);
}

int ptimer_set(int id, bool absolute, u64 value, u64 interval, u64 *old_value, u64 *old_interval)
{
	struct itimers *it = task_current()->process->timers;
	struct ptimer *t;

	if (!it)
		return -EINVAL;
	mutex_lock(&it->mutex);
	t = find(it, id);
	if (t) {
		spin_lock(&it->lock);
		read_locked(t, old_value, old_interval);
		t->expires = 0; /* a running function does nothing */
		spin_unlock(&it->lock);
		ktimer_cancel(&t->timer);
		spin_lock(&it->lock);
		arm(t, absolute, value, interval);
		spin_unlock(&it->lock);
	}
	mutex_unlock(&it->mutex);
	return t ? 0 : -EINVAL;
}

int ptimer_overrun(int id)
{
	struct itimers *it = task_current()->process->timers;
	struct ptimer *t;
	int n = -EINVAL;

	if (!it)
		return -EINVAL;
	mutex_lock(&it->mutex);
	t = find(it, id);
	if (t)
		n = t->overrun;
	mutex_unlock(&it->mutex);
	return n;
}
