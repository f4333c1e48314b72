/* Process groups and sessions: setpgid, getpgid, setsid, getsid, their rules, orphaned groups. */
#include "abi.h"

static void end(pid_t p)
{
	kill(p, SIGKILL);
	abi_wait(p);
}

HELPER(sleep)
{
	pause();
	return 1;
}

TEST_FORK(queries)
{
	pid_t p = abi_sleeper();

	CHECK_EQ(getpgid(0), getpgrp());
	CHECK_EQ(getpgid(getpid()), getpgrp());
	CHECK_EQ(getpgid(p), getpgrp());
	CHECK_EQ(getsid(p), getsid(0));
	CHECK_ERRNO(getpgid(0x3ffffffe), ESRCH);
	CHECK_ERRNO(getpgid(-1), ESRCH);
	CHECK_ERRNO(getsid(0x3ffffffe), ESRCH);
	end(p);
}

TEST_FORK(setpgid_rules)
{
	pid_t a = abi_sleeper(), b = abi_sleeper(), parent = getppid();

	CHECK_ERRNO(setpgid(0, -1), EINVAL);
	CHECK_ERRNO(setpgid(-1, 0), EINVAL); /* the group defaults to the pid */
	CHECK_ERRNO(setpgid(-1, 1), ESRCH);
	CHECK_ERRNO(setpgid(parent, parent), ESRCH); /* not our child */
	CHECK_ERRNO(setpgid(a, b), EPERM);	     /* no such group */
	CHECK_OK(setpgid(a, 0));
	CHECK_EQ(getpgid(a), a);
	CHECK_OK(setpgid(b, a));
	CHECK_EQ(getpgid(b), a);
	CHECK_OK(setpgid(b, getpgrp()));
	CHECK_EQ(getpgid(b), getpgrp());
	CHECK_OK(setpgid(0, 0));
	CHECK_EQ(getpgrp(), getpid());
	CHECK_OK(setpgid(0, 0));
	end(a);
	CHECK_ERRNO(setpgid(a, 0), ESRCH);
	end(b);
}

TEST_FORK(setpgid_after_exec)
{
	int fds[2];
	pid_t p;
	char c;

	REQUIRE(pipe2(fds, O_CLOEXEC) == 0);
	p = abi_fork();
	if (p == 0) {
		execve(abi_self, (char *[]){ abi_self, "@sleep", NULL }, environ);
		_exit(1);
	}
	close(fds[1]);
	CHECK_EQ(read(fds[0], &c, 1), 0); /* the exec closed the other end */
	CHECK_ERRNO(setpgid(p, p), EACCES);
	end(p);
}

TEST_FORK(setsid)
{
	int to[2], from[2];
	pid_t p;
	char c;

	REQUIRE(pipe(to) == 0 && pipe(from) == 0);
	p = abi_fork();
	if (p == 0) {
		CHECK_OK(setsid());
		CHECK_EQ(getsid(0), getpid());
		CHECK_EQ(getpgrp(), getpid());
		CHECK_ERRNO(setsid(), EPERM);	   /* a group leader may not */
		CHECK_ERRNO(setpgid(0, 0), EPERM); /* nor a session leader move */
		CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
		CHECK_EQ(write(from[1], "r", 1), 1);
		CHECK_EQ(read(to[0], &c, 1), 1);
		abi_exit();
	}
	CHECK_EQ(read(from[0], &c, 1), 1);
	CHECK_ERRNO(setpgid(p, getpgrp()), EPERM); /* another session */
	CHECK_ERRNO(setpgid(0, p), EPERM);
	CHECK_EQ(getsid(p), p);
	CHECK_EQ(write(to[1], "g", 1), 1);
	abi_reap(p);
}

TEST_FORK(group_leader_gone_group_lives)
{
	pid_t a = abi_sleeper(), b = abi_sleeper();

	CHECK_OK(setpgid(a, a));
	CHECK_OK(setpgid(b, a));
	end(a);
	CHECK_EQ(getpgid(b), a); /* the number stays taken */
	CHECK_OK(kill(-a, 0));
	CHECK_OK(kill(-a, SIGTERM));
	CHECK_EQ(WTERMSIG(abi_wait(b)), SIGTERM);
	CHECK_ERRNO(kill(-a, 0), ESRCH);
}

TEST_FORK(orphaned_stopped_group_gets_hup_and_cont)
{
	/* we -> leader -> stopped member of the leader's group; the leader dies */
	int fds[2], st;
	pid_t p, m = 0;

	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	CHECK_OK(setsid());
	REQUIRE(pipe(fds) == 0);
	p = abi_fork();
	if (p == 0) {
		setpgid(0, 0);
		m = fork();
		if (m == 0) {
			signal(SIGHUP, SIG_DFL);
			raise(SIGSTOP);
			for (;;)
				pause();
		}
		waitpid(m, &st, WUNTRACED);
		_exit(write(fds[1], &m, sizeof(m)) != sizeof(m));
	}
	CHECK_EQ(read(fds[0], &m, sizeof(m)), (long)sizeof(m));
	CHECK_EQ(waitpid(p, &st, 0), p);
	/* the reaper is in the same session, another group: the member's group is not an orphan */
	CHECK_EQ(waitpid(m, &st, WUNTRACED | WNOHANG), 0);
	CHECK_OK(kill(m, SIGKILL));
	CHECK_EQ(waitpid(m, &st, 0), m);
	/* now with the reaper in another session */
	p = abi_fork();
	if (p == 0) {
		setsid();
		m = fork();
		if (m == 0) {
			setpgid(0, 0);
			raise(SIGSTOP);
			for (;;)
				pause();
		}
		waitpid(m, &st, WUNTRACED);
		_exit(write(fds[1], &m, sizeof(m)) != sizeof(m));
	}
	CHECK_EQ(read(fds[0], &m, sizeof(m)), (long)sizeof(m));
	CHECK_EQ(waitpid(p, &st, 0), p);
	CHECK_EQ(waitpid(m, &st, 0), m);
	CHECK(WIFSIGNALED(st));
	CHECK_EQ(WTERMSIG(st), SIGHUP);
}

TEST_FORK(kill_minus_one_spares_us)
{
	/* within a user of our own only: as root it would kill the machine's processes */
	NEED_ROOT();
	IN_CHILD_AS(64997)
	{
		pid_t a = abi_fork(), b;

		if (a == 0)
			for (;;)
				pause();
		b = abi_fork();
		if (b == 0)
			for (;;)
				pause();
		CHECK_OK(kill(-1, SIGTERM));
		CHECK_EQ(WTERMSIG(abi_wait(a)), SIGTERM);
		CHECK_EQ(WTERMSIG(abi_wait(b)), SIGTERM);
	}
}
