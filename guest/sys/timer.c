/*
 * timer.c - setitimer(2), alarm(2) and POSIX timers: decoding only.
 */
#include "lib/err.h"
#include "sys/sys.h"
#include "sys/timespec.h"
#include "task/time/itimer.h"

/* A running timer never shows zero. */
static struct timeval64 to_timeval(u64 ns)
{
	return timeval_of(ns && ns < 1000 ? 1000 : ns);
}

s64 sys_getitimer(int_a which, uptr_a value)
{
	struct itimerval64 v;
	u64 val, interval;
	int err = itimer_get(which, &val, &interval);

	if (err)
		return err;
	v.value = to_timeval(val);
	v.interval = to_timeval(interval);
	return user_write(value, &v, sizeof(v)) ? -EFAULT : 0;
}

s64 sys_setitimer(int_a which, uptr_a value, uptr_a ovalue)
{
	struct itimerval64 v = { 0 };
	u64 val, interval, oval, ointerval;
	int err;

	if (value && user_read(&v, value, sizeof(v)))
		return -EFAULT;
	err = timeval_ns(&v.value, &val);
	if (!err)
		err = timeval_ns(&v.interval, &interval);
	if (!err)
		err = itimer_set(which, val, interval, &oval, &ointerval);
	if (err)
		return err;
	v.value = to_timeval(oval);
	v.interval = to_timeval(ointerval);
	return ovalue && user_write(ovalue, &v, sizeof(v)) ? -EFAULT : 0;
}

s64 sys_alarm(uint_a seconds)
{
	u64 old, interval;
	int err = itimer_set(ITIMER_REAL, seconds * 1000000000ULL, 0, &old, &interval);

	if (err)
		return err;
	if (!old)
		return 0;
	/* Rounded as Linux does, but never to "none". */
	return (s64)MAX((old + 500000000) / 1000000000, 1ULL);
}

struct abi_sigevent {
	u64 value;
	s32 signo, notify, tid;
	u8 pad[44];
};
_Static_assert(sizeof(struct abi_sigevent) == 64, "sigevent");

s64 sys_timer_create(int_a clock, uptr_a event, uptr_a id)
{
	struct ptimer_event ev = { .notify = SIGEV_SIGNAL, .signo = SIGALRM, .value_is_id = true };
	struct abi_sigevent a;
	int n;

	if (event) {
		if (user_read(&a, event, sizeof(a)))
			return -EFAULT;
		ev = (struct ptimer_event){ a.notify, a.signo, a.tid, a.value, false };
	}
	n = ptimer_create(clock, &ev);
	if (n < 0)
		return n;
	if (user_write(id, &n, sizeof(n))) {
		ptimer_delete(n);
		return -EFAULT;
	}
	return 0;
}

static int put_spec(uaddr_t dst, u64 value, u64 interval)
{
	struct itimerspec64 s = { timespec_of(interval), timespec_of(value) };

	return user_write(dst, &s, sizeof(s)) ? -EFAULT : 0;
}

s64 sys_timer_settime(int_a id, flags_a flags, uptr_a value, uptr_a ovalue)
{
	struct itimerspec64 s;
	u64 val, interval, oval, ointerval;
	int err;

	if (!value)
		return -EINVAL;
	if (user_read(&s, value, sizeof(s)))
		return -EFAULT;
	if (timespec_ns(&s.value, &val) || timespec_ns(&s.interval, &interval))
		return -EINVAL;
	err = ptimer_set(id, flags & 1, val, interval, &oval, &ointerval);
	if (!err && ovalue)
		err = put_spec(ovalue, oval, ointerval);
	return err;
}

s64 sys_timer_gettime(int_a id, uptr_a value)
{
	u64 val, interval;
	int err = ptimer_get(id, &val, &interval);

	return err ? err : put_spec(value, val, interval);
}

s64 sys_timer_getoverrun(int_a id)
{
	return ptimer_overrun(id);
}

s64 sys_timer_delete(int_a id)
{
	return ptimer_delete(id);
}
