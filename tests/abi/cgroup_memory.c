/*
 * The memory controller of control groups: what counts, limits and their events, who is killed.
 */
#include "cgroup.h"
#include <poll.h>
#include <sys/mman.h>

#define MB (1L << 20)

/* A group "a" with the controller. */
#define MEMORY_BEGIN()                                                       \
	do {                                                                 \
		CG_BEGIN_WITH("memory");                                     \
		CHECK_OK(cg_mkdir("a"));                                     \
		CHECK_OK(cg_write("", "cgroup.subtree_control", "+memory")); \
	} while (0)

static void memory_end(void)
{
	CHECK_OK(cg_rmdir("a"));
	CHECK_OK(cg_write("", "cgroup.subtree_control", "-memory"));
	CG_END_WITH("memory");
}

static long cg_bytes(const char *group, const char *file)
{
	return strtol(cg_read(group, file), NULL, 10);
}

static char *touch(long bytes)
{
	char *p = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	for (long i = 0; i < bytes; i += 4096)
		p[i] = 1;
	return p;
}

/* A child in a group that uses that much and sleeps. */
static pid_t user_of(const char *group, long bytes)
{
	int fd[2];
	pid_t pid;
	char c;

	CHECK_OK(pipe(fd));
	pid = abi_fork();
	if (!pid) {
		if (cg_write(group, "cgroup.procs", "0"))
			_exit(100);
		touch(bytes);
		if (write(fd[1], "x", 1) != 1)
			_exit(101);
		for (;;)
			pause();
	}
	close(fd[1]);
	c = 0;
	if (read(fd[0], &c, 1) < 0)
		c = 0;
	close(fd[0]);
	return pid;
}

/* The same, which ends. Its wait status. */
static int use(const char *group, long bytes)
{
	pid_t pid = abi_fork();
	int status;

	if (!pid) {
		if (cg_write(group, "cgroup.procs", "0"))
			_exit(100);
		touch(bytes);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

TEST_FORK(files)
{
	MEMORY_BEGIN();
	CHECK_STR(cg_read("a", "cgroup.controllers"), "memory\n");
	CHECK_STR(cg_read("a", "memory.max"), "max\n");
	CHECK_STR(cg_read("a", "memory.high"), "max\n");
	CHECK_STR(cg_read("a", "memory.low"), "0\n");
	CHECK_STR(cg_read("a", "memory.min"), "0\n");
	CHECK_STR(cg_read("a", "memory.oom.group"), "0\n");
	CHECK_STR(cg_read("a", "memory.current"), "0\n");
	CHECK_EQ(cg_value("a", "memory.events", "oom_kill "), 0);
	CHECK_OK(cg_write("a", "memory.max", "64M\n"));
	CHECK_STR(cg_read("a", "memory.max"), "67108864\n");
	CHECK_OK(cg_write("a", "memory.max", "8191"));
	CHECK_STR(cg_read("a", "memory.max"), "4096\n");
	CHECK_ERRNO(cg_write("a", "memory.max", "-1"), EINVAL);
	CHECK_ERRNO(cg_write("a", "memory.max", "much"), EINVAL);
	CHECK_ERRNO(cg_write("a", "memory.max", "1Z"), EINVAL);
	CHECK_OK(cg_write("a", "memory.max", "max"));
	CHECK_STR(cg_read("a", "memory.max"), "max\n");
	CHECK_OK(cg_write("a", "memory.low", "1G"));
	CHECK_STR(cg_read("a", "memory.low"), "1073741824\n");
	CHECK_ERRNO(cg_write("a", "memory.oom.group", "2"), EINVAL);
	CHECK_OK(cg_write("a", "memory.oom.group", "1"));
	CHECK_STR(cg_read("a", "memory.oom.group"), "1\n");

	/* With the controller everything goes, and comes back as new. */
	CHECK_OK(cg_write("", "cgroup.subtree_control", "-memory"));
	CHECK_ERRNO(access(cg_path("a", "memory.max"), F_OK), ENOENT);
	CHECK_OK(cg_write("", "cgroup.subtree_control", "+memory"));
	CHECK_STR(cg_read("a", "memory.low"), "0\n");
	memory_end();
}

/* It compares the groups below one, so no process may stand beside them, whatever is below. */
TEST_FORK(no_inner_processes)
{
	pid_t pid;

	MEMORY_BEGIN();
	CHECK_OK(cg_mkdir("a/b"));
	pid = cg_sleeper();
	CHECK_OK(cg_put("a", pid));
	CHECK_ERRNO(cg_write("a", "cgroup.subtree_control", "+memory"), EBUSY);
	CHECK_OK(cg_put("a/b", pid));
	CHECK_OK(cg_write("a", "cgroup.subtree_control", "+memory"));
	CHECK_STR(cg_read("a", "cgroup.type"), "domain\n");
	CHECK_ERRNO(cg_put("a", pid), EBUSY);
	CHECK_ERRNO(cg_write("", "cgroup.subtree_control", "-memory"), EBUSY);
	CHECK_OK(cg_write("a", "cgroup.subtree_control", "-memory"));
	CHECK_OK(cg_put("a", pid));
	cg_end_child(pid);
	CHECK_OK(cg_rmdir("a/b"));
	memory_end();
}

TEST_FORK(counts)
{
	long before, peak;
	pid_t pid;
	char *p;
	int fd;

	MEMORY_BEGIN();
	CHECK_OK(cg_mkdir("a/b"));
	CHECK_OK(cg_write("a", "cgroup.subtree_control", "+memory"));
	pid = user_of("a/b", 16 * MB);
	CHECK(cg_bytes("a/b", "memory.current") >= 16 * MB);
	CHECK(cg_bytes("a/b", "memory.current") < 32 * MB);
	CHECK(cg_value("a/b", "memory.stat", "anon ") >= 16 * MB);
	CHECK(cg_bytes("a", "memory.current") >= cg_bytes("a/b", "memory.current"));
	cg_end_child(pid);
	for (int i = 0; i < 200 && cg_bytes("a/b", "memory.current") > 2 * MB; i++)
		usleep(10000);
	CHECK(cg_bytes("a/b", "memory.current") <= 2 * MB);
	peak = cg_bytes("a", "memory.peak");
	CHECK(peak >= 16 * MB);

	/* What is shared stays when its maker is gone, and the group, and counts above. */
	fd = CHECK_OK(memfd_create("shared", MFD_CLOEXEC));
	CHECK_OK(ftruncate(fd, 8 * MB));
	pid = abi_fork();
	if (!pid) {
		CHECK_OK(cg_write("a/b", "cgroup.procs", "0"));
		p = mmap(NULL, 8 * MB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		memset(p, 1, 8 * MB);
		_exit(abi_status());
	}
	CHECK_EQ(abi_wait(pid), 0);
	CHECK(cg_bytes("a/b", "memory.current") >= 8 * MB);
	CHECK(cg_value("a/b", "memory.stat", "shmem ") >= 8 * MB);
	CHECK(cg_value("a", "memory.stat", "file ") >= 8 * MB);
	CHECK_OK(cg_rmdir("a/b"));
	before = cg_bytes("a", "memory.current");
	CHECK(before >= 8 * MB);
	close(fd);
	for (int i = 0; i < 200 && cg_bytes("a", "memory.current") > before - 8 * MB; i++)
		usleep(10000);
	CHECK(cg_bytes("a", "memory.current") <= before - 8 * MB);
	CHECK_OK(cg_write("a", "cgroup.subtree_control", "-memory"));
	memory_end();
}

/* A process that comes brings nothing with it, and takes nothing along. */
TEST_FORK(moves)
{
	pid_t pid;
	long had;

	MEMORY_BEGIN();
	CHECK_OK(cg_mkdir("b"));
	pid = user_of("a", 8 * MB);
	had = cg_bytes("a", "memory.current");
	CHECK(had >= 8 * MB);
	CHECK_OK(cg_put("b", pid));
	CHECK(cg_bytes("a", "memory.current") > had - MB);
	CHECK(cg_bytes("b", "memory.current") < MB);
	cg_end_child(pid);
	CHECK_OK(cg_rmdir("b"));
	memory_end();
}

TEST_FORK(limit_kills)
{
	struct pollfd pfd = { .events = POLLPRI };
	char buf[256];
	int status;
	pid_t other;

	MEMORY_BEGIN();
	CHECK_OK(cg_mkdir("c"));
	other = user_of("c", 24 * MB); /* more than whom it is to hit */
	CHECK_OK(cg_write("a", "memory.max", "16M"));
	CHECK_OK(cg_write("a", "memory.swap.max", "0"));
	pfd.fd = CHECK_OK(open(cg_path("a", "memory.events"), O_RDONLY | O_CLOEXEC));
	CHECK(read(pfd.fd, buf, sizeof(buf)) > 0);
	CHECK_EQ(use("a", 4 * MB), 0);
	CHECK_EQ(cg_value("a", "memory.events", "oom_kill "), 0);
	status = use("a", 64 * MB);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGKILL);
	CHECK_EQ(poll(&pfd, 1, 1000), 1);
	close(pfd.fd);
	CHECK_EQ(cg_value("a", "memory.events", "oom_kill "), 1);
	CHECK(cg_value("a", "memory.events", "oom ") >= 1);
	CHECK(cg_value("a", "memory.events", "\nmax ") >= 1);
	CHECK_EQ(cg_value("a", "memory.events.local", "oom_kill "), 1);
	CHECK(cg_bytes("a", "memory.peak") <= 16 * MB);

	/* A limit above holds below; the kill counts where the victim was, and above. */
	CHECK_OK(cg_mkdir("a/b"));
	CHECK_OK(cg_write("a", "cgroup.subtree_control", "+memory"));
	status = use("a/b", 64 * MB);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(cg_value("a/b", "memory.events", "oom_kill "), 1);
	CHECK_EQ(cg_value("a/b", "memory.events", "oom "), 0);
	CHECK_EQ(cg_value("a", "memory.events", "oom_kill "), 2);
	CHECK_EQ(cg_value("a", "memory.events.local", "oom_kill "), 1);
	CHECK_OK(cg_write("a", "cgroup.subtree_control", "-memory"));
	CHECK_OK(cg_rmdir("a/b"));

	CHECK_EQ(kill(other, 0), 0);
	CHECK_EQ(waitpid(other, NULL, WNOHANG), 0);
	cg_end_child(other);
	CHECK_OK(cg_rmdir("c"));
	memory_end();
}

TEST_FORK(lowered_limit_kills)
{
	pid_t pid;
	int status;

	MEMORY_BEGIN();
	pid = user_of("a", 16 * MB);
	CHECK_OK(cg_write("a", "memory.max", "4M"));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(cg_value("a", "memory.events", "oom_kill "), 1);
	memory_end();
}

TEST_FORK(killed_together)
{
	pid_t pid;
	int status;

	MEMORY_BEGIN();
	CHECK_OK(cg_write("a", "memory.oom.group", "1"));
	CHECK_OK(cg_write("a", "memory.max", "16M"));
	pid = user_of("a", MB);
	CHECK(WIFSIGNALED(use("a", 64 * MB)));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(cg_value("a", "memory.events", "oom_group_kill "), 1);
	CHECK_EQ(cg_value("a", "memory.events", "oom_kill "), 2);
	memory_end();
}

/* What is above memory.high is told and slowed down, but not refused. */
TEST_FORK(high_slows)
{
	MEMORY_BEGIN();
	CHECK_OK(cg_write("a", "memory.high", "8M"));
	CHECK_EQ(use("a", 9 * MB), 0);
	CHECK(cg_value("a", "memory.events", "high ") > 0);
	CHECK_EQ(cg_value("a", "memory.events", "oom_kill "), 0);
	memory_end();
}
