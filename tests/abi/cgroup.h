/*
 * cgroup.h - tests of control groups: a mount of cgroup2 of our own, groups in it, children to put there. For TEST_FORK.
 */
#ifndef ABI_CGROUP_H
#define ABI_CGROUP_H

#include "own_ns.h"
#include <linux/sched.h>

static char cg_top[128];   /* the mount */
static char cg_group[160]; /* a group of this test's own, which cg_end removes */

/* The path of a file of a group: "" is our own one. */
static inline const char *cg_path(const char *group, const char *file)
{
	static char buf[4][512];
	static int turn;
	char *p = buf[turn++ & 3];

	snprintf(p, sizeof(buf[0]), "%s%s%s/%s", cg_group, *group ? "/" : "", group, file);
	return p;
}

/* write(2) to a file: 0 or -1 with errno. */
static inline int cg_write_path(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	errno = err;
	return n < 0 ? -1 : 0;
}

static inline int cg_write(const char *group, const char *file, const char *text)
{
	return cg_write_path(cg_path(group, file), text);
}

static inline const char *cg_read_path(const char *path)
{
	static char buf[2][4096];
	static int turn;
	char *p = buf[turn++ & 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, p, sizeof(buf[0]) - 1);

	if (fd >= 0)
		close(fd);
	p[n < 0 ? 0 : n] = 0;
	return p;
}

static inline const char *cg_read(const char *group, const char *file)
{
	return cg_read_path(cg_path(group, file));
}

/* The number behind a word of a file; -1: it is not there. */
static inline long cg_value(const char *group, const char *file, const char *word)
{
	const char *text = cg_read(group, file), *at = strstr(text, word);

	return at ? strtol(at + strlen(word), NULL, 10) : -1;
}

/*
 * Wait a while for it; seen once is enough: where the groups below a group are empty, Linux calls it frozen at once, and again
 * not frozen until the last of its own tasks is.
 */
static inline int cg_becomes(const char *group, const char *file, const char *word, long want)
{
	for (int i = 0; i < 2000; i++) {
		if (cg_value(group, file, word) == want)
			return 1;
		usleep(5000);
	}
	return 0;
}

static inline int cg_put(const char *group, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return cg_write(group, "cgroup.procs", text);
}

static inline int cg_mkdir(const char *group)
{
	return mkdir(cg_path(group, ""), 0755);
}

static inline int cg_rmdir(const char *group)
{
	return rmdir(cg_path(group, ""));
}

/* A child that sleeps until it is killed. */
static inline pid_t cg_sleeper(void)
{
	pid_t pid = abi_fork();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

static inline void cg_end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The group of a process as /proc shows it, without the newline. */
static inline const char *cg_of(pid_t pid)
{
	static char line[512];
	const char *text;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	text = strstr(cg_read_path(path), "0::");
	snprintf(line, sizeof(line), "%s", text ? text + 3 : "?");
	line[strcspn(line, "\n")] = 0;
	return line;
}

/* CLONE_INTO_CGROUP: a child that exits, with 0 if it is in a group "a". */
static inline long clone_into(int fd)
{
	struct clone_args a = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	long pid;

	a.cgroup = (unsigned long long)fd;
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (!pid)
		_exit(!strstr(cg_of(getpid()), "/a"));
	return pid;
}

#define CG_BEGIN()                                                                       \
	do {                                                                             \
		OWN_MOUNTS();                                                            \
		snprintf(cg_top, sizeof(cg_top), "%.100s/cg", abi_tmp);                  \
		CHECK_OK(mkdir(cg_top, 0755));                                           \
		if (mount("cgroup2", cg_top, "cgroup2", 0, NULL))                        \
			SKIP("cannot mount cgroup2 (%s)", abi_errname(errno));           \
		snprintf(cg_group, sizeof(cg_group), "%.110s/abi-%d", cg_top, getpid()); \
		if (mkdir(cg_group, 0755))                                               \
			SKIP("cannot make a group (%s)", abi_errname(errno));            \
	} while (0)

/* Have a controller in our group; CG_END_WITH undoes it. */
static int cg_given ABI_UNUSED; /* by us, to the mount's groups */

static inline const char *cg_top_control(void)
{
	static char file[160];

	snprintf(file, sizeof(file), "%s/cgroup.subtree_control", cg_top);
	return file;
}

#define CG_BEGIN_WITH(controller)                                                        \
	do {                                                                             \
		CG_BEGIN();                                                              \
		cg_given = !strstr(cg_read_path(cg_top_control()), controller);          \
		if (cg_given && cg_write_path(cg_top_control(), "+" controller)) {       \
			cg_end();                                                        \
			SKIP("this cgroup2 hierarchy has no " controller " controller"); \
		}                                                                        \
	} while (0)

#define CG_END_WITH(controller)                                                    \
	do {                                                                       \
		if (cg_given)                                                      \
			CHECK_OK(cg_write_path(cg_top_control(), "-" controller)); \
		cg_end();                                                          \
	} while (0)

static inline void cg_end(void)
{
	CHECK_OK(rmdir(cg_group));
	CHECK_OK(umount(cg_top));
}

#endif
