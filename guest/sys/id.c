/*
 * id.c - process numbers, groups and sessions.
 */
#include "lib/err.h"
#include "sys/sys.h"
#include "task/group.h"
#include "task/task.h"

s64 sys_getpid(void)
{
	return task_current()->process->pid;
}

s64 sys_gettid(void)
{
	return task_current()->tid;
}

s64 sys_getppid(void)
{
	return process_ppid(task_current()->process);
}

s64 sys_getpgrp(void)
{
	return task_current()->process->pgid;
}

s64 sys_getpgid(pid_a pid)
{
	return process_getpgid(pid);
}

s64 sys_getsid(pid_a pid)
{
	return process_getsid(pid);
}

s64 sys_setpgid(pid_a pid, pid_a pgid)
{
	return process_setpgid(pid, pgid);
}

s64 sys_setsid(void)
{
	return process_setsid();
}
