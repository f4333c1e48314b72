/*
 * Control groups (cgroup v2): making and removing, membership, news, killing, freezing, namespaces, CLONE_INTO_CGROUP.
 */
#include "cgroup.h"
#include <poll.h>
#include <sys/inotify.h>

TEST_FORK(make_remove)
{
	char buf[64];
	int fd;

	CG_BEGIN();
	CHECK_STR(cg_read("", "cgroup.type"), "domain\n");
	CHECK_EQ(cg_value("", "cgroup.events", "populated "), 0);
	CHECK_EQ(cg_value("", "cgroup.events", "frozen "), 0);
	CHECK_STR(cg_read("", "cgroup.max.depth"), "max\n");
	CHECK_STR(cg_read("", "cgroup.max.descendants"), "max\n");
	CHECK_STR(cg_read("", "cgroup.procs"), "");
	CHECK_OK(cg_mkdir("a"));
	CHECK_OK(cg_mkdir("a/b"));
	CHECK_ERRNO(cg_mkdir("a"), EEXIST);
	CHECK_ERRNO(cg_mkdir("x\ny"), EINVAL);
	CHECK_EQ(cg_value("", "cgroup.stat", "nr_descendants "), 2);
	CHECK_ERRNO(cg_rmdir("a"), EBUSY);
	CHECK_ERRNO(unlink(cg_path("a", "cgroup.procs")), EPERM);
	CHECK_ERRNO(open(cg_path("a", "file"), O_CREAT | O_RDWR, 0600), EACCES);
	fd = CHECK_OK(open(cg_path("a", "cgroup.events"), O_WRONLY | O_CLOEXEC));
	CHECK_ERRNO(write(fd, "0", 1), EINVAL);
	close(fd);
	fd = CHECK_OK(open(cg_path("a", "cgroup.kill"), O_RDONLY | O_CLOEXEC));
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), EINVAL);
	close(fd);
	fd = CHECK_OK(open(cg_path("a/b", "cgroup.procs"), O_RDWR | O_CLOEXEC));
	CHECK_OK(cg_rmdir("a/b"));
	CHECK_ERRNO(read(fd, buf, sizeof(buf)), ENODEV);
	CHECK_ERRNO(write(fd, "0", 1), ENODEV);
	close(fd);
	CHECK_EQ(cg_value("", "cgroup.stat", "nr_descendants "), 1);
	CHECK_OK(cg_rmdir("a"));
	CHECK_ERRNO(cg_rmdir("a"), ENOENT);
	cg_end();
}

TEST_FORK(limits_of_the_tree)
{
	CG_BEGIN();
	CHECK_ERRNO(cg_write("", "cgroup.max.depth", "-1"), ERANGE);
	CHECK_ERRNO(cg_write("", "cgroup.max.depth", "two"), EINVAL);
	CHECK_OK(cg_write("", "cgroup.max.depth", "1\n"));
	CHECK_STR(cg_read("", "cgroup.max.depth"), "1\n");
	CHECK_OK(cg_mkdir("a"));
	CHECK_ERRNO(cg_mkdir("a/b"), EAGAIN);
	CHECK_OK(cg_write("", "cgroup.max.depth", "max"));
	CHECK_OK(cg_write("", "cgroup.max.descendants", "2"));
	CHECK_OK(cg_mkdir("a/b"));
	CHECK_ERRNO(cg_mkdir("a/c"), EAGAIN);
	CHECK_ERRNO(cg_mkdir("d"), EAGAIN);
	CHECK_OK(cg_rmdir("a/b"));
	CHECK_OK(cg_rmdir("a"));
	cg_end();
}

TEST_FORK(members)
{
	char want[64], path[400];
	pid_t pid, dead;

	CG_BEGIN();
	CHECK_OK(cg_mkdir("a"));
	CHECK_OK(cg_mkdir("b"));
	pid = cg_sleeper();
	CHECK_OK(cg_put("a", pid));
	snprintf(want, sizeof(want), "%d\n", pid);
	CHECK_STR(cg_read("a", "cgroup.procs"), want);
	CHECK_STR(cg_read("a", "cgroup.threads"), want);
	CHECK_STR(cg_read("", "cgroup.procs"), "");
	CHECK_EQ(cg_value("", "cgroup.events", "populated "), 1);
	snprintf(path, sizeof(path), "%s/a", cg_group + strlen(cg_top));
	CHECK(strlen(cg_of(pid)) >= strlen(path));
	CHECK_STR(cg_of(pid) + strlen(cg_of(pid)) - strlen(path), path);
	CHECK_ERRNO(cg_rmdir("a"), EBUSY);
	CHECK_OK(cg_put("b", pid));
	CHECK_EQ(cg_value("a", "cgroup.events", "populated "), 0);
	CHECK_STR(cg_read("b", "cgroup.procs"), want);
	CHECK_ERRNO(cg_write("a", "cgroup.procs", "4194304"), ESRCH);
	CHECK_ERRNO(cg_write("a", "cgroup.procs", "-1"), EINVAL);
	CHECK_ERRNO(cg_write("a", "cgroup.procs", "x"), EINVAL);
	CHECK_ERRNO(cg_write("a", "cgroup.threads", want), EOPNOTSUPP); /* not between domains */
	CHECK_OK(cg_write("b", "cgroup.threads", want));
	cg_end_child(pid);
	CHECK_EQ(cg_value("", "cgroup.events", "populated "), 0);

	/* What is born in a group is in it; a zombie does not keep it. */
	pid = abi_fork();
	if (!pid) {
		CHECK_OK(cg_write("a", "cgroup.procs", "0"));
		dead = abi_fork();
		if (!dead)
			_exit(!strstr(cg_of(getpid()), "/a"));
		CHECK_EQ(abi_wait(dead), 0);
		_exit(abi_status());
	}
	CHECK_EQ(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT), 0);
	CHECK_EQ(cg_value("a", "cgroup.events", "populated "), 0);
	CHECK_OK(cg_rmdir("a"));
	CHECK(strstr(cg_of(pid), "/a (deleted)") != NULL);
	abi_reap(pid);
	CHECK_OK(cg_rmdir("b"));
	cg_end();
}

TEST_FORK(news)
{
	char buf[256];
	struct pollfd p[2];
	pid_t pid;

	CG_BEGIN();
	CHECK_OK(cg_mkdir("a"));
	p[0].fd = CHECK_OK(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
	CHECK_OK(inotify_add_watch(p[0].fd, cg_path("", "cgroup.events"), IN_MODIFY));
	p[1].fd = CHECK_OK(open(cg_path("", "cgroup.events"), O_RDONLY | O_CLOEXEC));
	p[0].events = POLLIN;
	p[1].events = POLLPRI;
	CHECK(read(p[1].fd, buf, sizeof(buf)) > 0);
	CHECK_EQ(poll(p, 2, 0), 0);
	pid = cg_sleeper();
	CHECK_OK(cg_put("a", pid));
	CHECK_EQ(poll(p, 1, 5000), 1); /* Linux tells later, by a worker */
	CHECK_EQ(poll(p + 1, 1, 5000), 1);
	CHECK_EQ(p[1].revents & (POLLPRI | POLLERR), POLLPRI | POLLERR);
	CHECK(read(p[0].fd, buf, sizeof(buf)) > 0);
	CHECK(pread(p[1].fd, buf, sizeof(buf), 0) > 0);
	CHECK_EQ(poll(p, 2, 0), 0);
	usleep(20000); /* Linux tells about one file at most every 10 ms */
	cg_end_child(pid);
	p[0].revents = p[1].revents = 0;
	CHECK(poll(p, 1, 5000) == 1 && p[0].revents & POLLIN);
	CHECK(poll(p + 1, 1, 5000) == 1 && p[1].revents & POLLPRI);
	CHECK(pread(p[1].fd, buf, sizeof(buf), 0) > 0 && !strncmp(buf, "populated 0", 11));
	close(p[0].fd);
	close(p[1].fd);
	CHECK_OK(cg_rmdir("a"));
	cg_end();
}

TEST_FORK(kill_group)
{
	pid_t a, b;
	int status;

	CG_BEGIN();
	CHECK_OK(cg_mkdir("a"));
	CHECK_OK(cg_mkdir("a/b"));
	a = cg_sleeper();
	b = cg_sleeper();
	CHECK_OK(cg_put("a", a));
	CHECK_OK(cg_put("a/b", b));
	CHECK_ERRNO(cg_write("a", "cgroup.kill", "2"), ERANGE);
	CHECK_ERRNO(cg_write("a", "cgroup.kill", "all"), EINVAL);
	CHECK_OK(cg_write("a", "cgroup.kill", "1"));
	CHECK_EQ(waitpid(a, &status, 0), a);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK_EQ(waitpid(b, &status, 0), b);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(cg_becomes("a", "cgroup.events", "populated ", 0));
	CHECK_OK(cg_rmdir("a/b"));
	CHECK_OK(cg_rmdir("a"));
	cg_end();
}

/* ---- freezing ---- */

static volatile unsigned long *ticks;

static void end_7(int signo)
{
	(void)signo;
	_exit(7);
}

/* Counts; SIGTERM ends it, as its default action or with status 7. */
static pid_t ticker(void (*on_term)(int))
{
	pid_t pid = abi_fork();

	if (!pid)
		signal(SIGTERM, on_term);
	while (!pid)
		(*ticks)++;
	return pid;
}

static int ticks_on(void)
{
	unsigned long before = *ticks;

	for (int i = 0; i < 400 && *ticks == before; i++)
		usleep(5000);
	return *ticks != before;
}

static int ticks_stand(void)
{
	unsigned long before = *ticks;

	usleep(50000);
	return *ticks == before;
}

TEST_FORK(freeze)
{
	pid_t runs, sleeps, child;
	int status;

	CG_BEGIN();
	ticks = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK_OK(cg_mkdir("a"));
	CHECK_ERRNO(cg_write("a", "cgroup.freeze", "2"), ERANGE);
	CHECK_ERRNO(cg_write("a", "cgroup.freeze", "on"), EINVAL);
	CHECK_OK(cg_write("a", "cgroup.freeze", "1")); /* an empty one is frozen at once */
	CHECK_EQ(cg_value("a", "cgroup.events", "frozen "), 1);
	CHECK_EQ(cg_value("", "cgroup.events", "frozen "), 0);
	CHECK_OK(cg_write("a", "cgroup.freeze", "0"));
	CHECK_EQ(cg_value("a", "cgroup.events", "frozen "), 0);

	runs = ticker(end_7);
	sleeps = cg_sleeper();
	CHECK_OK(cg_mkdir("a/b"));
	CHECK_OK(cg_put("a/b", runs));
	CHECK_OK(cg_put("a", sleeps));
	CHECK(ticks_on());
	CHECK_OK(cg_write("a", "cgroup.freeze", "1\n"));
	CHECK(cg_becomes("a", "cgroup.events", "frozen ", 1));
	CHECK(cg_becomes("a/b", "cgroup.events", "frozen ",
			 1)); /* on Linux perhaps after its parent */
	CHECK_STR(cg_read("a/b", "cgroup.freeze"), "0\n");
	CHECK(ticks_stand());
	kill(runs, SIGTERM); /* its handler waits */
	CHECK(ticks_stand());
	CHECK_EQ(waitpid(runs, &status, WNOHANG), 0);

	/* Out of the group it runs on, and takes its signal. */
	CHECK_OK(cg_put("", runs));
	CHECK_EQ(waitpid(runs, &status, 0), runs);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);

	/* A signal that ends it for certain is not held up. */
	runs = ticker(SIG_DFL);
	CHECK(ticks_on());
	CHECK_OK(cg_put("a", runs));
	CHECK(cg_becomes("a", "cgroup.events", "frozen ", 1));
	kill(runs, SIGTERM);
	CHECK_EQ(waitpid(runs, &status, 0), runs);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);

	/* Into it, it stands still. SIGKILL is not held up. */
	child = ticker(SIG_DFL);
	CHECK(ticks_on());
	CHECK_OK(cg_put("a", child));
	CHECK(cg_becomes("a", "cgroup.events", "frozen ", 1));
	CHECK(ticks_stand());
	CHECK_OK(cg_write("a", "cgroup.freeze", "0"));
	CHECK(ticks_on());
	CHECK_EQ(cg_value("a/b", "cgroup.events", "frozen "), 0);
	CHECK_OK(cg_write("a", "cgroup.freeze", "1"));
	CHECK(cg_becomes("a", "cgroup.events", "frozen ", 1));
	cg_end_child(child);
	cg_end_child(sleeps);
	CHECK_OK(cg_rmdir("a/b"));
	CHECK_OK(cg_rmdir("a"));
	cg_end();
}

/* ---- clone3 ---- */

TEST_FORK(clone_into_group)
{
	struct clone_args small = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	int fd, other, open_path;
	long pid;

	CG_BEGIN();
	CHECK_OK(cg_mkdir("a"));
	fd = CHECK_OK(open(cg_path("a", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	open_path = CHECK_OK(open(cg_path("a", ""), O_PATH | O_DIRECTORY | O_CLOEXEC));
	other = CHECK_OK(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	for (int i = 0; i < 2; i++) {
		pid = CHECK_OK(clone_into(i ? open_path : fd));
		CHECK_EQ(abi_wait((pid_t)pid), 0);
	}
	CHECK_ERRNO(clone_into(other), EBADF);
	CHECK_ERRNO(clone_into(-1), EINVAL);
	CHECK_ERRNO(clone_into(1000), EBADF);
	CHECK_ERRNO(syscall(SYS_clone3, &small, 80), EINVAL);
	CHECK_OK(cg_rmdir("a"));
	CHECK_ERRNO(clone_into(fd), ENOENT);
	close(fd);
	close(open_path);
	close(other);
	cg_end();
}

/* ---- namespaces ---- */

static int in_namespace(void)
{
	char inner[200], file[240];

	CHECK_OK(cg_put("a", getpid()));
	CHECK_OK(unshare(CLONE_NEWCGROUP | CLONE_NEWNS));
	CHECK_STR(cg_of(getpid()), "/");
	CHECK(!strncmp(cg_of(getppid()), "/..", 3));
	snprintf(inner, sizeof(inner), "%.100s/ns", abi_tmp);
	CHECK_OK(mkdir(inner, 0755));
	CHECK_OK(mount("cgroup2", inner, "cgroup2", 0, NULL));
	snprintf(file, sizeof(file), "%.200s/cgroup.procs", inner);
	CHECK_EQ(atoi(cg_read_path(file)), getpid());
	snprintf(file, sizeof(file), "%.200s/sub", inner);
	CHECK_OK(mkdir(file, 0755));
	CHECK_OK(access(cg_path("a/sub", "cgroup.procs"), F_OK));
	CHECK_OK(rmdir(file));
	CHECK_ERRNO(access(cg_path("a/sub", "cgroup.procs"), F_OK), ENOENT);
	CHECK_OK(umount(inner));
	CHECK_OK(rmdir(inner));
	return abi_status();
}

TEST_FORK(namespace)
{
	pid_t pid;

	CG_BEGIN();
	CHECK_OK(cg_mkdir("a"));
	pid = abi_fork();
	if (!pid)
		_exit(in_namespace());
	CHECK_EQ(abi_wait(pid), 0);
	CHECK_OK(cg_rmdir("a"));
	cg_end();
}

/* ---- who may ---- */

static int as_nobody(void)
{
	pid_t pid;
	int fd;

	CHECK_OK(cg_put("own/x", getpid()));
	CHECK_OK(setresgid(NOBODY, NOBODY, NOBODY));
	CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	pid = cg_sleeper();
	CHECK_OK(cg_put("own/y", pid)); /* all three groups are its own */
	CHECK_ERRNO(cg_put("foreign", pid), EACCES);
	fd = CHECK_OK(open(cg_path("foreign", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	CHECK_ERRNO(clone_into(fd), EACCES);
	close(fd);
	CHECK_ERRNO(cg_mkdir("z"), EACCES);
	CHECK_OK(cg_mkdir("own/z"));
	CHECK_OK(cg_put("own/z", pid)); /* so is what is made in there */
	cg_end_child(pid);
	CHECK_OK(cg_rmdir("own/z"));
	/* Its parent stands outside: the group that is common to both is not ours. */
	CHECK_ERRNO(cg_put("own/y", getppid()), EACCES);
	return abi_status();
}

TEST_FORK(delegation)
{
	static const char *const files[] = { "", "cgroup.procs", "cgroup.subtree_control" };
	static const char *const groups[] = { "own", "own/x", "own/y" };
	pid_t pid;

	CG_BEGIN();
	CHECK_OK(chmod(abi_tmp, 0755));
	CHECK_OK(cg_mkdir("foreign"));
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		CHECK_OK(cg_mkdir(groups[g]));
		for (size_t f = 0; f < ARRAY_LEN(files); f++)
			CHECK_OK(chown(cg_path(groups[g], files[f]), NOBODY, NOBODY));
	}
	pid = abi_fork();
	if (!pid)
		_exit(as_nobody());
	CHECK_EQ(abi_wait(pid), 0);
	CHECK_OK(cg_rmdir("own/x"));
	CHECK_OK(cg_rmdir("own/y"));
	CHECK_OK(cg_rmdir("own"));
	CHECK_OK(cg_rmdir("foreign"));
	cg_end();
}

/* ---- time ---- */

TEST_FORK(cpu_time)
{
	long used;
	pid_t pid;

	CG_BEGIN();
	CHECK_OK(cg_mkdir("a"));
	pid = abi_fork();
	if (!pid) {
		CHECK_OK(cg_write("a", "cgroup.procs", "0"));
		while (clock() < CLOCKS_PER_SEC / 10)
			;
		_exit(abi_status());
	}
	CHECK_EQ(abi_wait(pid), 0);
	used = cg_value("a", "cpu.stat", "usage_usec ");
	CHECK(used >= 20000);
	CHECK(used < 60000000);
	CHECK(cg_value("", "cpu.stat", "usage_usec ") >= used);
	CHECK_OK(cg_rmdir("a"));
	CHECK(cg_value("", "cpu.stat", "usage_usec ") >= used); /* it stays with the parent */
	cg_end();
}
