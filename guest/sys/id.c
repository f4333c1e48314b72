/*
 * id.c - process numbers, groups and sessions.
 */
#include "lib/err.h"
#include "sys/sys.h"
#include "task/group.h"
#include "task/ns/pidns.h"
#include "task/task.h"

s64 sys_getpid(void)
{
	return task_current()->process->nr;
}

s64 sys_gettid(void)
{
	return task_current()->nr;
}

s64 sys_getppid(void)
{
	return pid_vnr(process_ppid(task_current()->process));
}

s64 sys_getpgrp(void)
{
	return pid_vnr(task_current()->process->pgid);
}

/* A number of the caller's namespace: 0 stays 0; -ESRCH. */
static int by_number(int pid)
{
	int found = pid > 0 ? pid_from_vnr(pid) : 0;

	return found || !pid ? found : -ESRCH;
}

s64 sys_getpgid(pid_a pid)
{
	int ret = by_number(pid);

	ret = ret < 0 ? ret : process_getpgid(ret);
	return ret < 0 ? ret : pid_vnr(ret);
}

s64 sys_getsid(pid_a pid)
{
	int ret = by_number(pid);

	ret = ret < 0 ? ret : process_getsid(ret);
	return ret < 0 ? ret : pid_vnr(ret);
}

s64 sys_setpgid(pid_a pid, pid_a pgid)
{
	int of, to;

	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	of = by_number(pid);
	to = by_number(pgid);
	if (of < 0 || to < 0)
		return of < 0 ? of : -EPERM; /* no such group */
	return process_setpgid(of, to);
}

s64 sys_setsid(void)
{
	int ret = process_setsid();

	return ret < 0 ? ret : pid_vnr(ret);
}
