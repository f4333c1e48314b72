/*
 * timerfd.c - the object behind a timerfd: counts expiries, wakes readers and pollers.
 *
 * A periodic timer is set again when its ticks are read, as on Linux: until then nobody can see more than that there are
 * some, and how many is counted when someone looks. So hundreds of timers with tiny intervals cost nothing.
 */
#include "task/time/clock.h"
#include "task/private.h"

#define POLLIN 1

/* Count what has expired by now; returns whether it is still armed. Locked. */
static bool catch_up(struct timerfd *t, u64 now)
{
	u64 n;

	if (!t->armed || now < t->expires)
		return t->armed;
	n = t->interval ? 1 + (now - t->expires) / t->interval : 1;
	t->ticks += n;
	if (t->interval)
		t->expires += n * t->interval;
	else
		t->armed = false;
	return t->armed;
}

static void expired(struct ktimer *k)
{
	struct timerfd *t = container_of(k, struct timerfd, timer);
	u64 now = clock_mono();
	bool wake;

	spin_lock(&t->lock);
	if (catch_up(t, now) && !t->ticks) /* what it was set for has been read already */
		ktimer_start(&t->timer, t->expires);
	wake = t->ticks != 0;
	spin_unlock(&t->lock);
	if (wake)
		waitq_wake_all(&t->q, POLLIN);
}

void timerfd_init(struct timerfd *t, int clock)
{
	*t = (struct timerfd){ .clock = clock };
	spin_init(&t->lock);
	waitq_init(&t->q);
	ktimer_init(&t->timer, expired);
}

void timerfd_destroy(struct timerfd *t)
{
	spin_lock(&t->lock);
	t->armed = false;
	spin_unlock(&t->lock);
	ktimer_cancel(&t->timer);
}

static void read_locked(struct timerfd *t, u64 *value, u64 *interval)
{
	u64 now = clock_mono();

	catch_up(t, now);
	if (value)
		*value = t->armed ? MAX(t->expires - now, 1ULL) : 0;
	if (interval)
		*interval = t->interval;
}

void timerfd_settime(struct timerfd *t, bool absolute, u64 value, u64 interval, u64 *old_value,
		     u64 *old_interval)
{
	u64 now;

	spin_lock(&t->lock);
	read_locked(t, old_value, old_interval);
	t->armed = false;
	spin_unlock(&t->lock);
	ktimer_cancel(&t->timer);
	spin_lock(&t->lock);
	now = clock_mono();
	t->ticks = 0;
	t->interval = interval;
	t->realtime_abs = absolute && clock_is_realtime(t->clock);
	t->armed = value != 0;
	if (value) {
		t->expires = absolute ? clock_deadline(t->clock, value)
				      : now + MIN(value, NO_DEADLINE - 1 - now);
		ktimer_start(&t->timer, t->expires);
	}
	spin_unlock(&t->lock);
}

void timerfd_gettime(struct timerfd *t, u64 *value, u64 *interval)
{
	spin_lock(&t->lock);
	read_locked(t, value, interval);
	spin_unlock(&t->lock);
}

u64 timerfd_read(struct timerfd *t)
{
	u64 n;

	spin_lock(&t->lock);
	catch_up(t, clock_mono());
	n = t->ticks;
	t->ticks = 0;
	if (n && t->armed)
		ktimer_start(&t->timer, t->expires);
	spin_unlock(&t->lock);
	return n;
}
