/*
 * poll.c - poll(2), ppoll(2), select(2), pselect6(2).
 *
 * One engine: a set of (file, events) is polled once with a table that hooks a waiter on every wait queue it names; if
 * nothing is ready the task sleeps and polls again, now without hooking. Small sets live on the stack. Cost of a call
 * that finds something ready at once: one file reference and one poll op per descriptor, no hook beyond the first hit.
 */
#include <string.h>

#include "fs/abi.h"
#include "fs/file.h"
#include "fs/poll_bits.h"
#include "mm/slab.h"
#include "sys/poll.h"
#include "sys/sys.h"
#include "sys/timespec.h"
#include "task/task.h"

#define NFDS_STACK 16
#define FDS_MAX	   1048576

struct pollfd {
	s32 fd;
	u16 events, revents;
};

struct hook {
	struct waiter w;
	struct hook *next;
};

/* Hooks come in chunks; the first are part of the struct. */
struct sleeper {
	struct poll_table pt;
	struct task *task;
	u32 woken;
	unsigned nfixed;
	struct hook fixed[NFDS_STACK];
	struct hook *more;
	bool failed;
};

static void on_wake(struct waiter *w, u32 key)
{
	sched_wake(w->task);
}

static void add_hook(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct sleeper *s = container_of(pt, struct sleeper, pt);
	struct hook *h;

	if (s->nfixed < NFDS_STACK) {
		h = &s->fixed[s->nfixed++];
	} else {
		h = kmalloc(sizeof(*h));
		if (!h) {
			s->failed = true;
			return;
		}
		h->next = s->more;
		s->more = h;
	}
	waiter_init(&h->w);
	h->w.task = s->task;
	h->w.fn = on_wake;
	waitq_add(q, &h->w);
}

static void sleeper_init(struct sleeper *s)
{
	s->pt = (struct poll_table){ add_hook, 0 };
	s->task = task_current();
	s->nfixed = 0;
	s->more = NULL;
	s->failed = false;
}

static void sleeper_done(struct sleeper *s)
{
	for (unsigned i = 0; i < s->nfixed; i++)
		waitq_del(&s->fixed[i].w);
	while (s->more) {
		struct hook *h = s->more;

		s->more = h->next;
		waitq_del(&h->w);
		kfree(h);
	}
}

/* One file to watch; file NULL: an invalid descriptor (or a negative one, with events 0). */
struct watch {
	struct file *file;
	u32 events, revents;
};

/* Poll all; hook while nothing was found and hook is set. Returns how many have events. */
static int scan(struct watch *w, unsigned n, struct sleeper *hook)
{
	int found = 0;

	for (unsigned i = 0; i < n; i++) {
		struct poll_table *pt = hook && !found ? &hook->pt : NULL;

		if (!w[i].file)
			continue;
		w[i].revents = file_poll(w[i].file, pt) & (w[i].events | POLL_ALWAYS);
		found += w[i].revents != 0;
	}
	return found;
}

/* Sleep until something is ready or the deadline (0: do not sleep). Count, -EINTR, -ENOMEM. */
static int wait_ready(struct watch *w, unsigned n, u64 deadline)
{
	struct sleeper s;
	int found, err = 0;

	if (!deadline)
		return scan(w, n, NULL);
	sleeper_init(&s);
	sched_prepare(SLEEP_INTERRUPTIBLE);
	found = scan(w, n, &s);
	while (!found && !s.failed) {
		err = sched_sleep(deadline);
		sched_prepare(SLEEP_INTERRUPTIBLE);
		found = scan(w, n, NULL);
		if (err)
			break;
	}
	sched_awake();
	sleeper_done(&s);
	if (found)
		return found;
	if (s.failed)
		return -ENOMEM;
	return err == -ETIMEDOUT ? 0 : -EINTR;
}

static void put_all(struct watch *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (w[i].file)
			file_put(w[i].file);
}

static s64 do_poll(uaddr_t ufds, u32 nfds, u64 deadline)
{
	struct watch small[NFDS_STACK], *w = small;
	struct pollfd small_fds[NFDS_STACK], *fds = small_fds;
	s64 ret = -ENOMEM;
	int invalid = 0;

	if (nfds > task_rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	if (nfds > NFDS_STACK) {
		w = kmalloc(nfds * sizeof(*w));
		fds = kmalloc(nfds * sizeof(*fds));
		if (!w || !fds)
			goto out;
	}
	ret = -EFAULT;
	if (user_read(fds, ufds, nfds * sizeof(*fds)))
		goto out;
	for (u32 i = 0; i < nfds; i++) {
		struct file *f = fds[i].fd < 0 ? NULL : fd_get(fds[i].fd);

		w[i] = (struct watch){ IS_ERR(f) ? NULL : f, fds[i].events, 0 };
		if (IS_ERR(f)) {
			w[i].revents = POLLNVAL;
			invalid++;
		}
	}
	ret = wait_ready(w, nfds, invalid ? 0 : deadline);
	if (ret >= 0)
		ret += invalid;
	for (u32 i = 0; ret >= 0 && i < nfds; i++) {
		u16 rev = (u16)w[i].revents;

		if (user_write(ufds + i * sizeof(*fds) + offsetof(struct pollfd, revents), &rev, 2))
			ret = -EFAULT;
	}
	put_all(w, nfds);
out:
	if (w != small)
		kfree(w);
	if (fds != small_fds)
		kfree(fds);
	return ret;
}

/* poll(2) restarts after a signal without a handler, with what is left of its time. */
static s64 poll_restart(struct restart_block *rb)
{
	s64 ret = do_poll(rb->arg[0], (u32)rb->arg[1], rb->arg[2]);

	return ret == -EINTR ? -ERESTART_RESTARTBLOCK : ret;
}

s64 sys_poll(uptr_a fds, uint_a nfds, int_a timeout)
{
	u64 deadline = deadline_ms(timeout);
	s64 ret = do_poll(fds, nfds, deadline);

	if (ret == -EINTR) {
		struct restart_block *rb = &task_current()->restart;

		rb->fn = poll_restart;
		rb->arg[0] = fds;
		rb->arg[1] = nfds;
		rb->arg[2] = deadline;
		return -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

/* What is left goes back to the caller's timespec, as Linux does; a read-only one is not an error. */
static void write_left(uaddr_t ts, u64 deadline)
{
	u64 now = clock_mono();

	if (ts && deadline != NO_DEADLINE)
		timespec_write(ts, deadline > now ? deadline - now : 0);
}

/* The temporary signal mask of ppoll, pselect6, epoll_pwait; put back at the return to user mode. */
int sigmask_user(uaddr_t mask, u64 size)
{
	u64 set;

	if (!mask)
		return 0;
	if (size != sizeof(set))
		return -EINVAL;
	if (user_read(&set, mask, sizeof(set)))
		return -EFAULT;
	signal_suspend_mask(set);
	return 0;
}

s64 sys_ppoll(uptr_a fds, uint_a nfds, uptr_a timeout, uptr_a sigmask, size_a setsize)
{
	u64 deadline;
	s64 ret = timeout_read(timeout, &deadline);

	if (!ret)
		ret = sigmask_user(sigmask, setsize);
	if (ret)
		return ret;
	ret = do_poll(fds, nfds, deadline);
	write_left(timeout, deadline);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

/* ---- select ---- */

#define IN_SET	(POLL_READABLE | POLLRDBAND | POLLHUP | POLLERR)
#define OUT_SET (POLL_WRITABLE | POLLWRBAND | POLLERR)
#define EX_SET	POLLPRI

struct sets {
	u64 *bits;    /* in, out, ex; then the three results */
	size_t words; /* per set */
};

static bool test(const struct sets *s, unsigned set, unsigned fd)
{
	return s->bits[set * s->words + fd / 64] >> (fd % 64) & 1;
}

static void mark(struct sets *s, unsigned set, unsigned fd)
{
	s->bits[(3 + set) * s->words + fd / 64] |= 1ULL << (fd % 64);
}

static u32 wanted(const struct sets *s, unsigned fd)
{
	return (test(s, 0, fd) ? IN_SET : 0) | (test(s, 1, fd) ? OUT_SET : 0) |
	       (test(s, 2, fd) ? EX_SET : 0);
}

/* Linux copies whole longs: bits above n in the last word are ignored and come back as 0. */
static int read_sets(struct sets *s, int n, const uaddr_t user[3])
{
	size_t bytes = (size_t)(n + 63) / 64 * 8;

	for (unsigned k = 0; k < 3; k++)
		if (user[k] && user_read(s->bits + k * s->words, user[k], bytes))
			return -EFAULT;
	return 0;
}

static int write_sets(struct sets *s, int n, const uaddr_t user[3])
{
	size_t bytes = (size_t)(n + 63) / 64 * 8;

	for (unsigned k = 0; k < 3; k++)
		if (user[k] && user_write(user[k], s->bits + (3 + k) * s->words, bytes))
			return -EFAULT;
	return 0;
}

/* Watches for the descriptors that are in some set; -EBADF if one is not open. */
static int collect(struct sets *s, int n, struct watch *w, unsigned *fds)
{
	int count = 0;

	for (unsigned fd = 0; fd < (unsigned)n; fd++) {
		u32 ev = wanted(s, fd);
		struct file *f;

		if (!ev)
			continue;
		f = fd_get((int)fd);
		if (IS_ERR(f)) {
			put_all(w, (unsigned)count);
			return -EBADF;
		}
		fds[count] = fd;
		w[count++] = (struct watch){ f, ev, 0 };
	}
	return count;
}

static s64 results(struct sets *s, const struct watch *w, const unsigned *fds, int count)
{
	static const u32 masks[3] = { IN_SET, OUT_SET, EX_SET };
	s64 total = 0;

	for (int i = 0; i < count; i++) {
		for (unsigned k = 0; k < 3; k++) {
			if (test(s, k, fds[i]) && (w[i].revents & masks[k])) {
				mark(s, k, fds[i]);
				total++;
			}
		}
	}
	return total;
}

static s64 do_select(int n, const uaddr_t user[3], u64 deadline)
{
	struct sets s;
	struct watch *w = NULL;
	unsigned *fds = NULL, bits = 0;
	int count;
	s64 ret;

	if (n < 0)
		return -EINVAL;
	n = MIN(n, FDS_MAX);
	s.words = (size_t)(n + 63) / 64;
	s.bits = kzalloc(6 * s.words * 8 + 8);
	if (!s.bits)
		return -ENOMEM;
	ret = read_sets(&s, n, user);
	if (ret)
		goto out;
	for (unsigned fd = 0; fd < (unsigned)n; fd++)
		bits += wanted(&s, fd) != 0;
	w = kmalloc((bits + 1) * sizeof(*w));
	fds = kmalloc((bits + 1) * sizeof(*fds));
	ret = -ENOMEM;
	if (!w || !fds)
		goto out;
	ret = count = collect(&s, n, w, fds);
	if (count < 0)
		goto out;
	ret = wait_ready(w, (unsigned)count, deadline);
	if (ret >= 0) {
		ret = results(&s, w, fds, count);
		if (write_sets(&s, n, user))
			ret = -EFAULT;
	}
	put_all(w, (unsigned)count);
out:
	kfree(fds);
	kfree(w);
	kfree(s.bits);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

s64 sys_select(int_a n, uptr_a in, uptr_a out, uptr_a ex, uptr_a timeout)
{
	const uaddr_t sets[3] = { in, out, ex };
	u64 deadline = NO_DEADLINE, now;
	struct timeval64 tv;
	s64 ret;

	if (timeout) {
		if (user_read(&tv, timeout, sizeof(tv)))
			return -EFAULT;
		if (tv.sec < 0 || tv.usec < 0)
			return -EINVAL;
		tv.sec = MIN(tv.sec, (s64)1 << 32);
		tv.usec = MIN(tv.usec, (s64)1 << 50);
		deadline = tv.sec || tv.usec ? deadline_after((u64)tv.sec * NSEC_PER_SEC +
							      (u64)tv.usec * 1000)
					     : 0;
	}
	ret = do_select(n, sets, deadline);
	if (timeout && deadline != NO_DEADLINE) {
		now = clock_mono();
		now = deadline > now ? deadline - now : 0;
		tv = timeval_of(now);
		if (user_write(timeout, &tv, sizeof(tv)) && ret == -ERESTARTNOHAND)
			ret = -EINTR;
	}
	return ret;
}

s64 sys_pselect6(int_a n, uptr_a in, uptr_a out, uptr_a ex, uptr_a timeout, uptr_a sig)
{
	const uaddr_t sets[3] = { in, out, ex };
	struct {
		u64 mask, size;
	} arg = { 0, 0 };
	u64 deadline;
	s64 ret;

	if (sig && user_read(&arg, sig, sizeof(arg)))
		return -EFAULT;
	ret = timeout_read(timeout, &deadline);
	if (!ret)
		ret = sigmask_user(arg.mask, arg.size);
	if (ret)
		return ret;
	ret = do_select(n, sets, deadline);
	write_left(timeout, deadline);
	return ret;
}
