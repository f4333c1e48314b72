/* prctl: names, parent-death signal, dumpable, no_new_privs, timer slack, subreaper, seccomp mode. */
#include "abi.h"
#include <linux/prctl.h>
#include <linux/seccomp.h>

TEST_FORK(name)
{
	char b[17] = "";

	CHECK_OK(prctl(PR_SET_NAME, "short"));
	CHECK_OK(prctl(PR_GET_NAME, b));
	CHECK_STR(b, "short");
	CHECK_OK(prctl(PR_SET_NAME, "a name of more than sixteen bytes"));
	CHECK_OK(prctl(PR_GET_NAME, b));
	CHECK_STR(b, "a name of more "); /* fifteen and a NUL */
	CHECK_ERRNO(prctl(PR_SET_NAME, bad_ptr()), EFAULT);
	CHECK_ERRNO(prctl(PR_GET_NAME, bad_ptr()), EFAULT);
}

TEST_FORK(unknown)
{
	CHECK_ERRNO(prctl(123456, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(-1, 0, 0, 0, 0), EINVAL);
}

TEST_FORK(pdeathsig)
{
	int sig = -1, fds[2];
	pid_t p, g = 0;

	CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	CHECK_OK(prctl(PR_GET_PDEATHSIG, &sig));
	CHECK_EQ(sig, SIGUSR1);
	CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGKILL));
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	REQUIRE(pipe(fds) == 0);
	p = abi_fork();
	if (p == 0) {
		g = fork();
		if (g == 0) {
			prctl(PR_GET_PDEATHSIG, &sig);
			prctl(PR_SET_PDEATHSIG, SIGUSR2);
			g = sig == 0 ? getpid() : 0; /* cleared by fork */
			if (write(fds[1], &g, sizeof(g)) != sizeof(g))
				_exit(1);
			for (;;)
				pause();
		}
		for (;;)
			pause();
	}
	CHECK_EQ(read(fds[0], &g, sizeof(g)), (long)sizeof(g));
	CHECK(g > 0);
	kill(p, SIGKILL);
	abi_wait(p);
	CHECK_EQ(WTERMSIG(abi_wait(g)), SIGUSR2);
}

TEST_FORK(dumpable)
{
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	CHECK_OK(prctl(PR_SET_DUMPABLE, 0));
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
	CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 3), EINVAL);
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
	if (geteuid() == 0)
		IN_CHILD_AS(NOBODY)
		{
			CHECK_EQ(prctl(PR_GET_DUMPABLE) != 1, 1); /* an id change takes it away */
		}
}

TEST_FORK(no_new_privs)
{
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	CHECK_ERRNO(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), EINVAL);
	IN_CHILD
	{
		CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	}
}

TEST_FORK(timer_slack)
{
	long slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);

	CHECK(slack > 0);
	CHECK_OK(prctl(PR_SET_TIMERSLACK, 123456, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), 123456);
	IN_CHILD
	{
		CHECK_EQ(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), 123456);
	}
	CHECK_OK(prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0)); /* back to the default */
}

TEST_FORK(subreaper)
{
	int v = -1;

	CHECK_OK(prctl(PR_GET_CHILD_SUBREAPER, &v));
	CHECK_EQ(v, 0);
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 5));
	CHECK_OK(prctl(PR_GET_CHILD_SUBREAPER, &v));
	CHECK_EQ(v, 1);
	IN_CHILD
	{
		prctl(PR_GET_CHILD_SUBREAPER, &v);
		CHECK_EQ(v, 0);
	}
	CHECK_ERRNO(prctl(PR_GET_CHILD_SUBREAPER, bad_ptr()), EFAULT);
}

TEST_FORK(tid_address)
{
	int *w = NULL, mine;

	syscall(SYS_set_tid_address, &mine);
	errno = 0;
	if (prctl(PR_GET_TID_ADDRESS, &w) == 0)
		CHECK(w == &mine);
	else
		CHECK_EQ(errno, EINVAL); /* a kernel without checkpoint support */
}

TEST_FORK(thp_disable)
{
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
	CHECK_OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
	CHECK_ERRNO(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
}

TEST_FORK(keepcaps_lost_on_exec_flag)
{
	CHECK_EQ(prctl(PR_GET_KEEPCAPS), 0);
	CHECK_OK(prctl(PR_SET_KEEPCAPS, 1));
	CHECK_EQ(prctl(PR_GET_KEEPCAPS), 1);
	CHECK_ERRNO(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
}

TEST_FORK(seccomp_mode)
{
	CHECK_EQ(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
	CHECK_ERRNO(syscall(SYS_seccomp, 99, 0, NULL), EINVAL);
}
