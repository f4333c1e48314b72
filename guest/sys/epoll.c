/*
 * epoll.c - the epoll(7) calls; the object is fs/anon/epoll.c.
 */
#include "fs/anon/epoll.h"
#include "fs/anon/eventfd.h"
#include "fs/abi.h"
#include "mm/slab.h"
#include "sys/poll.h"
#include "sys/sys.h"
#include "sys/timespec.h"

#define EPOLL_CLOEXEC O_CLOEXEC
#define EVENTS_STACK  16
#define EP_MAX_EVENTS (0x7fffffff / (int)sizeof(struct epoll_event))

s64 sys_epoll_create1(flags_a flags)
{
	if (flags & ~(u32)EPOLL_CLOEXEC)
		return -EINVAL;
	return fd_install_new(epoll_create(), flags & EPOLL_CLOEXEC);
}

s64 sys_epoll_create(int_a size)
{
	return size <= 0 ? -EINVAL : fd_install_new(epoll_create(), false);
}

s64 sys_epoll_ctl(fd_a epfd, int_a op, fd_a fd, uptr_a event)
{
	struct epoll_event ev = { 0, 0 };
	struct file *ep, *f;
	s64 ret;

	if (op != EPOLL_CTL_DEL && user_read(&ev, event, sizeof(ev)))
		return -EFAULT;
	ep = fd_get(epfd);
	if (IS_ERR(ep))
		return PTR_ERR(ep);
	f = fd_get(fd);
	if (IS_ERR(f)) {
		file_put(ep);
		return PTR_ERR(f);
	}
	ret = epoll_control(ep, op, fd, f, &ev);
	file_put(f);
	file_put(ep);
	return ret;
}

static s64 collect_to_user(struct file *ep, struct epoll_event *buf, uaddr_t events, int max,
			   u64 deadline)
{
	s64 n = epoll_collect(ep, buf, max, deadline);

	return n > 0 && user_write(events, buf, (size_t)n * sizeof(*buf)) ? -EFAULT : n;
}

/* Few events go through the stack; room for many is taken when there are some, not while the task sleeps. */
static s64 wait_events(struct file *ep, uaddr_t events, int max, u64 deadline)
{
	struct epoll_event stack[EVENTS_STACK], *buf;
	s64 n;

	do {
		/* An item gives one event at most; what is added from here on is for the next call. */
		int room = MIN(max, (int)MAX(epoll_items(ep), (unsigned)EVENTS_STACK));

		if (room <= EVENTS_STACK)
			return collect_to_user(ep, stack, events, room, deadline);
		n = epoll_sleep(ep, deadline);
		if (n <= 0)
			return n;
		while (!(buf = kmalloc((size_t)room * sizeof(*buf))) && room / 2 > EVENTS_STACK)
			room /= 2;
		if (!buf)
			return -ENOMEM;
		n = collect_to_user(ep, buf, events, room, 0);
		kfree(buf);
	} while (!n && deadline);
	return n;
}

static s64 do_wait(int epfd, uaddr_t events, int max, u64 deadline)
{
	struct file *ep;
	s64 n;

	if (max <= 0 || max > EP_MAX_EVENTS)
		return -EINVAL;
	/* Linux checks the address range here, so that a bad pointer fails before events are consumed. */
	if (events > USER_END || (u64)max * sizeof(struct epoll_event) > USER_END - events)
		return -EFAULT;
	ep = fd_get(epfd);
	if (IS_ERR(ep))
		return PTR_ERR(ep);
	n = is_epoll(ep) ? wait_events(ep, events, max, deadline) : -EINVAL;
	file_put(ep);
	return n;
}

s64 sys_epoll_wait(fd_a epfd, uptr_a events, int_a max, int_a timeout)
{
	return do_wait(epfd, events, max, deadline_ms(timeout));
}

s64 sys_epoll_pwait(fd_a epfd, uptr_a events, int_a max, int_a timeout, uptr_a sigmask, size_a size)
{
	int err = sigmask_user(sigmask, size);

	return err ? err : do_wait(epfd, events, max, deadline_ms(timeout));
}

s64 sys_epoll_pwait2(fd_a epfd, uptr_a events, int_a max, uptr_a timeout, uptr_a sigmask,
		     size_a size)
{
	u64 deadline;
	int err = timeout_read(timeout, &deadline);

	if (!err)
		err = sigmask_user(sigmask, size);
	return err ? err : do_wait(epfd, events, max, deadline);
}

s64 sys_eventfd2(uint_a count, flags_a flags)
{
	if (flags & ~(u32)(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	return fd_install_new(eventfd_create(count, flags), flags & O_CLOEXEC);
}

s64 sys_eventfd(uint_a count)
{
	return fd_install_new(eventfd_create(count, 0), false);
}
