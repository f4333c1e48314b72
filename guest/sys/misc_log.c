/*
 * misc_log.c - syslog(2): what dmesg(1) reads. The log is a stream of text lines; "clear" moves this call's start mark.
 */
#include "lib/err.h"
#include "lib/log.h"
#include "sys/sys.h"
#include "task/task.h"

#define CAP_SYSLOG 34
#define CAP_SYS_ADMIN 21

enum { READ = 2, READ_ALL, READ_CLEAR, CLEAR, CONSOLE_OFF, CONSOLE_ON, CONSOLE_LEVEL, SIZE_UNREAD, SIZE_BUFFER };

static u64 clear_mark, read_mark;

static bool privileged(void)
{
	return capable(CAP_SYSLOG) || capable(CAP_SYS_ADMIN);
}

/* The last len bytes since the mark, from the start of a line on if that is possible. */
static s64 read_all(uaddr_t buf, size_t len, bool clear)
{
	u64 end = klog_end_seq(), seq = MAX(klog_first_seq(), clear_mark);
	size_t done = 0, n;
	char chunk[512];

	if (end - seq > len)
		seq = end - len;
	while (done < len && seq < end) {
		n = klog_read(&seq, chunk, MIN(sizeof(chunk), len - done));
		if (!n)
			break;
		if (user_write(buf + done, chunk, n))
			return -EFAULT;
		done += n;
	}
	if (clear)
		clear_mark = end;
	return (s64)done;
}

s64 sys_syslog(int_a type, ubuf_a buf, int_a len)
{
	char chunk[512];
	size_t n;

	/* Reading all of it is open to everyone, as with kernel.dmesg_restrict=0. */
	if (type != READ_ALL && type != SIZE_BUFFER && !privileged())
		return -EPERM;
	switch (type) {
	case 0:
	case 1:
		return 0;
	case READ:
	case READ_ALL:
	case READ_CLEAR:
		if (!buf || len < 0)
			return -EINVAL;
		if (!len)
			return 0;
		if (type != READ)
			return read_all(buf, (size_t)len, type == READ_CLEAR);
		n = klog_read(&read_mark, chunk, MIN(sizeof(chunk), (size_t)len));
		return user_write(buf, chunk, n) ? -EFAULT : (s64)n;
	case CLEAR:
		clear_mark = klog_end_seq();
		return 0;
	case CONSOLE_OFF:
	case CONSOLE_ON:
		return 0;
	case CONSOLE_LEVEL:
		return len < 1 || len > 8 ? -EINVAL : 0;
	case SIZE_UNREAD:
		return (s64)(klog_end_seq() - MAX(read_mark, klog_first_seq()));
	case SIZE_BUFFER:
		return (s64)MAX(klog_end_seq() - klog_first_seq(), 16384ULL);
	default:
		return -EINVAL;
	}
}
