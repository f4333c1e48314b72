/*
 * fdobjects.c - timerfd_create(2) and its kin, signalfd(2).
 */
#include <linux/capability.h>

#include "fs/abi.h"
#include "fs/anon/signalfd.h"
#include "fs/anon/timerfd.h"
#include "sys/sys.h"
#include "sys/timespec.h"
#include "task/task.h"

#define TFD_TIMER_ABSTIME	1
#define TFD_TIMER_CANCEL_ON_SET 2
#define SIGKILL			9
#define SIGSTOP			19

static struct file *get_timerfd(int fd)
{
	struct file *f = fd_get(fd);

	if (!IS_ERR(f) && !timerfd_of(f)) {
		file_put(f);
		return ERR_PTR(-EINVAL);
	}
	return f;
}

s64 sys_timerfd_create(int_a clock, flags_a flags)
{
	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	/* REALTIME, MONOTONIC, BOOTTIME and the two alarm clocks, which need CAP_WAKE_ALARM. */
	if (clock != 0 && clock != 1 && clock != 7 && clock != 8 && clock != 9)
		return -EINVAL;
	if ((clock == 8 || clock == 9) && !capable(CAP_WAKE_ALARM))
		return -EPERM;
	return fd_install_new(timerfd_create_file(clock, flags), flags & O_CLOEXEC);
}

s64 sys_timerfd_settime(fd_a fd, flags_a flags, uptr_a value, uptr_a ovalue)
{
	struct itimerspec64 it;
	u64 v, i, old_v, old_i;
	struct file *f;

	if (user_read(&it, value, sizeof(it)))
		return -EFAULT;
	if (flags & ~(u32)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	if (timespec_ns(&it.value, &v) || timespec_ns(&it.interval, &i))
		return -EINVAL;
	f = get_timerfd(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	timerfd_settime(timerfd_of(f), flags & TFD_TIMER_ABSTIME, v, i, &old_v, &old_i);
	file_put(f);
	it = (struct itimerspec64){ timespec_of(old_i), timespec_of(old_v) };
	return ovalue && user_write(ovalue, &it, sizeof(it)) ? -EFAULT : 0;
}

s64 sys_timerfd_gettime(fd_a fd, uptr_a value)
{
	struct itimerspec64 it;
	struct file *f = get_timerfd(fd);
	u64 v, i;

	if (IS_ERR(f))
		return PTR_ERR(f);
	timerfd_gettime(timerfd_of(f), &v, &i);
	file_put(f);
	it = (struct itimerspec64){ timespec_of(i), timespec_of(v) };
	return user_write(value, &it, sizeof(it)) ? -EFAULT : 0;
}

static s64 do_signalfd(int fd, uaddr_t mask, u64 size, u32 flags)
{
	struct file *f;
	u64 set;
	int err;

	if (flags & ~(u32)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (size != sizeof(set))
		return -EINVAL;
	if (user_read(&set, mask, sizeof(set)))
		return -EFAULT;
	set &= ~(SIGSET(SIGKILL) | SIGSET(SIGSTOP));
	if (fd == -1)
		return fd_install_new(signalfd_create(set, flags), flags & O_CLOEXEC);
	f = fd_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	err = signalfd_set_mask(f, set);
	file_put(f);
	return err ? err : fd;
}

s64 sys_signalfd4(fd_a fd, uptr_a mask, size_a size, flags_a flags)
{
	return do_signalfd(fd, mask, size, flags);
}

s64 sys_signalfd(fd_a fd, uptr_a mask, size_a size)
{
	return do_signalfd(fd, mask, size, 0);
}
