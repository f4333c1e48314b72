/*
 * misc_refused.c - calls of the administrator that a sandbox never grants: EPERM without the capability, as on Linux;
 * with it an honest error and a line in dmesg.
 */
#include <linux/capability.h>

#include "lib/err.h"
#include "sys/sys.h"
#include "task/task.h"

static s64 refuse(int cap, const char *what, int err)
{
	if (!capable(cap))
		return -EPERM;
	unsupported(what, 0);
	return err;
}

s64 sys_acct(path_a path)
{
	return refuse(CAP_SYS_PACCT, "process accounting", -ENOSYS);
}

s64 sys_vhangup(void)
{
	return refuse(CAP_SYS_TTY_CONFIG, "vhangup", -ENOSYS);
}

s64 sys_swapon(path_a path, flags_a flags)
{
	return refuse(CAP_SYS_ADMIN, "swap", -EPERM);
}

s64 sys_swapoff(path_a path)
{
	return refuse(CAP_SYS_ADMIN, "swap", -EINVAL);
}
