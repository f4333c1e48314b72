/* A tracer's steps, for the tests of ptrace. */
#ifndef ABI_PTRACE_H
#define ABI_PTRACE_H

#include "abi.h"
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define pt(req, pid, addr, data) syscall(SYS_ptrace, (long)(req), pid, addr, data)

/* A child that is traced by us and has stopped by SIGSTOP; it then runs fn. */
ABI_UNUSED static pid_t traced(void (*fn)(void))
{
	pid_t pid = abi_fork();
	int st;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(98);
		raise(SIGSTOP);
		fn();
		_exit(0);
	}
	if (waitpid(pid, &st, 0) != pid || !WIFSTOPPED(st) || WSTOPSIG(st) != SIGSTOP)
		ABI_FAIL("no first stop: %#x", st);
	return pid;
}

ABI_UNUSED static int next_stop(pid_t pid, int req, long sig)
{
	int st = -1;

	if (pt(req, pid, 0, sig))
		return -1;
	if (waitpid(pid, &st, __WALL) != pid)
		return -1;
	return st;
}

ABI_UNUSED static void kill_it(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK(WIFSIGNALED(abi_wait(pid)));
}

#endif
