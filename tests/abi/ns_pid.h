/* A child that is the first of a new pid namespace, and a pipe from it to the test. */
#ifndef MOAT_TESTS_NS_PID_H
#define MOAT_TESTS_NS_PID_H

#include "abi.h"

static int sync_pipe[2]; /* from the namespace's init to the test */

/* A child that is the first of a new pid namespace (and a user namespace, for those who are not root). */
ABI_UNUSED static pid_t start(void (*fn)(void))
{
	int flags = CLONE_NEWPID | SIGCHLD;
	pid_t pid;

	if (geteuid())
		flags |= CLONE_NEWUSER;
	CHECK_OK(pipe(sync_pipe));
	pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (pid < 0 && errno == EPERM)
		return 0;
	if (pid == 0) {
		close(sync_pipe[0]);
		fn();
		_exit(abi_fails ? 1 : 0);
	}
	CHECK(pid > 0);
	close(sync_pipe[1]);
	return pid;
}

ABI_UNUSED static int status_of(pid_t pid)
{
	int st = -1;

	CHECK_EQ(waitpid(pid, &st, 0), pid);
	close(sync_pipe[0]);
	return st;
}

#define RUN(fn)                                        \
	do {                                           \
		pid_t pid_ = start(fn);                \
                                                       \
		if (!pid_)                             \
			SKIP("no pid namespace here"); \
		CHECK_EQ(status_of(pid_), 0);          \
	} while (0)

ABI_UNUSED static void tell(void)
{
	CHECK_EQ(write(sync_pipe[1], "x", 1), 1);
}

ABI_UNUSED static void hear(void)
{
	char c;

	CHECK_EQ(read(sync_pipe[0], &c, 1), 1);
}

#endif
