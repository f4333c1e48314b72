/* syslog(2): the kernel log's actions, their errors and rights. */
#include "abi.h"
#include <sys/syscall.h>

enum { READ_ALL = 3, CLEAR = 5, CONSOLE_LEVEL = 8, SIZE_UNREAD, SIZE_BUFFER };

static long klog(int action, char *buf, int len)
{
	return syscall(SYS_syslog, action, buf, len);
}

TEST(arguments)
{
	char b[64];

	if (klog(SIZE_BUFFER, NULL, 0) < 0)
		SKIP("the log is not readable: %s", abi_errname(errno)); /* dmesg_restrict */
	CHECK_ERRNO(klog(READ_ALL, NULL, 10), EINVAL);
	CHECK_ERRNO(klog(READ_ALL, b, -1), EINVAL);
	if (geteuid() == 0 && klog(SIZE_UNREAD, NULL, 0) >= 0) {
		CHECK_EQ(klog(READ_ALL, b, 0), 0);
		CHECK_ERRNO(klog(11, b, 10), EINVAL);
		CHECK_ERRNO(klog(-1, b, 10), EINVAL);
		CHECK_ERRNO(klog(CONSOLE_LEVEL, NULL, 0), EINVAL);
		CHECK_ERRNO(klog(CONSOLE_LEVEL, NULL, 9), EINVAL);
	}
}

TEST(rights)
{
	if (geteuid())
		SKIP("not root");
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(klog(CLEAR, NULL, 0), EPERM);
		CHECK_ERRNO(klog(SIZE_UNREAD, NULL, 0), EPERM);
		CHECK_ERRNO(klog(CONSOLE_LEVEL, NULL, 7), EPERM);
	}
}

/* Whole lines, each with its level, the newest when not all of it fits. */
TEST(lines)
{
	static char all[1 << 20], part[300];
	long size = klog(SIZE_BUFFER, NULL, 0), n, m;

	if (size < 0)
		SKIP("the log is not readable: %s", abi_errname(errno));
	n = klog(READ_ALL, all, sizeof(all) - 1);
	if (n <= 0)
		SKIP("the log is empty");
	CHECK_EQ(all[n - 1], '\n');
	for (char *l = all; l < all + n; l = strchr(l, '\n') + 1)
		if (l[0] != '<' || l[2 + (l[2] != '>')] != '>') {
			ABI_FAIL("line \"%.40s\"", l);
			break;
		}
	m = klog(READ_ALL, part, sizeof(part));
	CHECK(m > 0 && m <= (long)sizeof(part));
	CHECK_EQ(part[0], '<');
	CHECK_EQ(part[m - 1], '\n');
}
