/*
 * syslog.c - syslog(2): the Sentry's log for dmesg and klogd.
 */
#include <linux/capability.h>

#include "fs/file.h"
#include "lib/logread.h"
#include "mm/slab.h"
#include "sys/sys.h"
#include "task/log_wait.h"
#include "task/task.h"

enum {
	ACTION_CLOSE,
	ACTION_OPEN,
	ACTION_READ,
	ACTION_READ_ALL,
	ACTION_READ_CLEAR,
	ACTION_CLEAR,
	ACTION_CONSOLE_OFF,
	ACTION_CONSOLE_ON,
	ACTION_CONSOLE_LEVEL,
	ACTION_SIZE_UNREAD,
	ACTION_SIZE_BUFFER,
};

#define LOG_SIZE (64 * 1024)

static s64 copy_out(uaddr_t buf, size_t len, size_t (*read)(char *, size_t))
{
	char *tmp;
	s64 n;

	len = MIN(len, (size_t)LOGREAD_MAX);
	tmp = kmalloc(len);
	if (!tmp)
		return -ENOMEM;
	n = (s64)read(tmp, len);
	if (n && user_write(buf, tmp, (size_t)n))
		n = -EFAULT;
	kfree(tmp);
	return n;
}

static s64 read_next(uaddr_t buf, size_t len)
{
	int err = wait_event(&log_waitq, SLEEP_INTERRUPTIBLE, NO_DEADLINE, logread_unread() != 0);

	if (err)
		return err;
	return copy_out(buf, len, logread_next);
}

s64 sys_syslog(int_a type, ubuf_a buf, int_a len)
{
	static int saved_level;
	s64 r;

	if (type != ACTION_READ_ALL && type != ACTION_SIZE_BUFFER && !capable(CAP_SYSLOG) &&
	    !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (type >= ACTION_READ && type <= ACTION_READ_CLEAR) {
		if (!buf || len < 0)
			return -EINVAL;
		if (!len)
			return 0;
		if (buf >= USER_END || (u64)len > USER_END - buf)
			return -EFAULT;
	}
	switch (type) {
	case ACTION_CLOSE:
	case ACTION_OPEN: return 0;
	case ACTION_READ: return read_next(buf, (size_t)len);
	case ACTION_READ_ALL:
	case ACTION_READ_CLEAR:
		r = copy_out(buf, (size_t)len, logread_all);
		if (type == ACTION_READ_CLEAR && r >= 0)
			logread_clear();
		return r;
	case ACTION_CLEAR: logread_clear(); return 0;
	case ACTION_CONSOLE_OFF:
		if (!saved_level)
			saved_level = logread_console_level;
		logread_console_level = 1;
		return 0;
	case ACTION_CONSOLE_ON:
		if (saved_level)
			logread_console_level = saved_level;
		saved_level = 0;
		return 0;
	case ACTION_CONSOLE_LEVEL:
		if (len < 1 || len > 8)
			return -EINVAL;
		logread_console_level = len;
		saved_level = 0;
		return 0;
	case ACTION_SIZE_UNREAD: return (s64)logread_unread();
	case ACTION_SIZE_BUFFER: return LOG_SIZE;
	default: return -EINVAL;
	}
}
