/*
 * The pids controller of control groups, and how controllers are handed down the tree.
 */
#include "cgroup.h"
#include <pthread.h>

TEST_FORK(handing_down)
{
	pid_t pid;
	int fd;

	CG_BEGIN_WITH("pids");
	CHECK_OK(cg_mkdir("a"));
	CHECK_OK(cg_mkdir("a/b"));
	CHECK(strstr(cg_read("", "cgroup.controllers"), "pids") != NULL);
	CHECK_STR(cg_read("a", "cgroup.controllers"), "");
	CHECK_ERRNO(access(cg_path("a", "pids.max"), F_OK), ENOENT);
	CHECK_ERRNO(cg_write("a", "cgroup.subtree_control", "+pids"), ENOENT);
	CHECK_ERRNO(cg_write("", "cgroup.subtree_control", "+nothing"), EINVAL);
	CHECK_ERRNO(cg_write("", "cgroup.subtree_control", "pids"), EINVAL);
	CHECK_OK(cg_write("", "cgroup.subtree_control", "-pids"));
	CHECK_OK(cg_write("", "cgroup.subtree_control", "+pids\n"));
	CHECK_STR(cg_read("", "cgroup.subtree_control"), "pids\n");
	CHECK_STR(cg_read("a", "cgroup.controllers"), "pids\n");
	CHECK_OK(access(cg_path("a", "pids.max"), F_OK));
	CHECK_ERRNO(access(cg_path("a/b", "pids.max"), F_OK), ENOENT);
	CHECK_OK(cg_write("a", "cgroup.subtree_control", "+pids"));
	CHECK_OK(access(cg_path("a/b", "pids.max"), F_OK));
	CHECK_ERRNO(cg_write("", "cgroup.subtree_control", "-pids"), EBUSY);

	/* Processes beside children that have the controller: such a group is the root of a threaded subtree. */
	pid = cg_sleeper();
	CHECK_OK(cg_put("a", pid));
	CHECK_STR(cg_read("a", "cgroup.type"), "domain threaded\n");
	CHECK_STR(cg_read("a/b", "cgroup.type"), "domain invalid\n");
	CHECK_ERRNO(cg_put("a/b", pid), EOPNOTSUPP);
	fd = CHECK_OK(open(cg_path("a/b", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	CHECK_ERRNO(clone_into(fd), EOPNOTSUPP);
	close(fd);
	cg_end_child(pid);
	CHECK_STR(cg_read("a/b", "cgroup.type"), "domain\n");

	/* And where such children have processes, none may come beside them. */
	pid = cg_sleeper();
	CHECK_OK(cg_put("a/b", pid));
	CHECK_ERRNO(cg_write("a", "cgroup.procs", "0"), EBUSY);
	fd = CHECK_OK(open(cg_path("a", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	CHECK_ERRNO(clone_into(fd), EBUSY);
	close(fd);
	cg_end_child(pid);
	CHECK_OK(cg_write("a", "cgroup.subtree_control", "-pids"));
	CHECK_ERRNO(access(cg_path("a/b", "pids.max"), F_OK), ENOENT);
	CHECK_OK(cg_rmdir("a/b"));
	CHECK_OK(cg_rmdir("a"));
	CHECK_OK(cg_write("", "cgroup.subtree_control", "-pids"));
	CG_END_WITH("pids");
}

/* In group `in`: fork until it is refused. How many children there were, or -errno of another refusal. */
static int forks_until_refused(const char *in)
{
	pid_t kids[32], pid = abi_fork();
	int n, err = 0, status;

	if (pid) {
		waitpid(pid, &status, 0);
		return WEXITSTATUS(status);
	}
	if (cg_write(in, "cgroup.procs", "0"))
		_exit(100);
	for (n = 0; n < 32; n++) {
		kids[n] = fork();
		if (!kids[n])
			for (;;)
				pause();
		if (kids[n] < 0) {
			err = errno;
			break;
		}
	}
	for (int i = 0; i < n; i++) {
		kill(kids[i], SIGKILL);
		waitpid(kids[i], NULL, 0);
	}
	_exit(err == EAGAIN ? n : 101);
}

TEST_FORK(pids_max)
{
	pid_t a, b;
	int fd;

	CG_BEGIN_WITH("pids");
	CHECK_OK(cg_mkdir("a"));
	CHECK_OK(cg_write("", "cgroup.subtree_control", "+pids"));
	CHECK_STR(cg_read("a", "pids.max"), "max\n");
	CHECK_STR(cg_read("a", "pids.current"), "0\n");
	CHECK_ERRNO(cg_write("a", "pids.max", "-1"), EINVAL);
	CHECK_ERRNO(cg_write("a", "pids.max", "many"), EINVAL);
	CHECK_ERRNO(cg_write("a", "pids.max", "99999999"), EINVAL);
	CHECK_OK(cg_write("a", "pids.max", "3\n"));
	CHECK_STR(cg_read("a", "pids.max"), "3\n");
	CHECK_EQ(forks_until_refused("a"), 2);
	CHECK_EQ(cg_value("a", "pids.events", "max "), 1);
	CHECK_STR(cg_read("a", "pids.current"), "0\n");
	fd = CHECK_OK(open(cg_path("a", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	CHECK_EQ(abi_wait((pid_t)CHECK_OK(clone_into(fd))), 0);
	CHECK_OK(cg_write("a", "pids.max", "0"));
	CHECK_ERRNO(clone_into(fd), EAGAIN);
	CHECK_OK(cg_write("a", "pids.max", "3"));
	close(fd);

	/* A limit above holds below, and a move is never refused. */
	CHECK_OK(cg_mkdir("a/b"));
	CHECK_EQ(forks_until_refused("a/b"), 2);
	a = cg_sleeper();
	b = cg_sleeper();
	CHECK_OK(cg_write("a", "pids.max", "1"));
	CHECK_OK(cg_put("a/b", a));
	CHECK_OK(cg_put("a/b", b));
	CHECK_STR(cg_read("a", "pids.current"), "2\n");
	CHECK_EQ(forks_until_refused("a/b"), 0);
	CHECK_OK(cg_write("a", "pids.max", "max"));
	CHECK_STR(cg_read("a", "pids.current"), "2\n");
	kill(a, SIGKILL);
	CHECK_EQ(waitid(P_PID, (id_t)a, NULL, WEXITED | WNOWAIT), 0);
	CHECK_STR(cg_read("a", "pids.current"), "2\n"); /* a zombie counts */
	cg_end_child(a);
	CHECK_STR(cg_read("a", "pids.current"), "1\n");
	cg_end_child(b);
	CHECK_OK(cg_rmdir("a/b"));
	CHECK_OK(cg_rmdir("a"));
	CHECK_OK(cg_write("", "cgroup.subtree_control", "-pids"));
	CG_END_WITH("pids");
}

static void *sleep_on(void *arg ABI_UNUSED)
{
	pause();
	return NULL;
}

TEST_FORK(threads_count)
{
	pthread_t t;
	pid_t pid;
	int fd[2];
	char c;

	CG_BEGIN_WITH("pids");
	CHECK_OK(cg_mkdir("a"));
	CHECK_OK(cg_write("", "cgroup.subtree_control", "+pids"));
	CHECK_OK(pipe(fd));
	pid = abi_fork();
	if (!pid) {
		for (int i = 0; i < 3; i++)
			CHECK_EQ(pthread_create(&t, NULL, sleep_on, NULL), 0);
		CHECK_EQ(write(fd[1], "x", 1), 1);
		pause();
	}
	CHECK_EQ(read(fd[0], &c, 1), 1);
	CHECK_OK(cg_put("a", pid));
	CHECK_STR(cg_read("a", "pids.current"), "4\n");
	cg_end_child(pid);
	CHECK_STR(cg_read("a", "pids.current"), "0\n");
	close(fd[0]);
	close(fd[1]);
	CHECK_OK(cg_rmdir("a"));
	CHECK_OK(cg_write("", "cgroup.subtree_control", "-pids"));
	CG_END_WITH("pids");
}
