/* Rules of landlock(7) for a file system that is unmounted before they go. As root. */
#include "own_ns.h"
#include <linux/landlock.h>

#define NEED_LANDLOCK()                                               \
	do {                                                          \
		if (syscall(SYS_landlock_create_ruleset, NULL, 0,     \
			    LANDLOCK_CREATE_RULESET_VERSION) < 0)     \
			SKIP("no landlock (%s)", abi_errname(errno)); \
	} while (0)

static int ruleset_for(const char *dir)
{
	struct landlock_ruleset_attr a = { .handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_DIR };
	struct landlock_path_beneath_attr p = { .allowed_access = LANDLOCK_ACCESS_FS_MAKE_DIR };
	int fd = CHECK_OK(syscall(SYS_landlock_create_ruleset, &a, sizeof(a), 0));

	p.parent_fd = CHECK_OK(open(dir, O_PATH | O_DIRECTORY));
	CHECK_OK(syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &p, 0));
	close(p.parent_fd);
	return fd;
}

/* A file system of our own on m, with a directory d. */
#define BEGIN()                                                 \
	do {                                                    \
		NEED_LANDLOCK();                                \
		OWN_MOUNTS();                                   \
		CHECK_OK(mkdir("m", 0755));                     \
		CHECK_OK(mount("none", "m", "tmpfs", 0, NULL)); \
		CHECK_OK(mkdir("m/d", 0755));                   \
	} while (0)

TEST_FORK(the_ruleset_goes_last)
{
	int fd;

	BEGIN();
	close(abi_file("m/d/f", "x", 0644));
	fd = ruleset_for("m/d");
	CHECK_OK(umount("m"));
	CHECK_OK(close(fd));
}

TEST_FORK(the_domain_goes_last)
{
	int fd, status;
	pid_t child;

	BEGIN();
	fd = ruleset_for("m/d");
	child = CHECK_OK(fork());
	if (!child) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(syscall(SYS_landlock_restrict_self, fd, 0) || mkdir("m/d/e", 0755) ||
		      pause() || 0);
	}
	while (access("m/d/e", F_OK))
		usleep(1000);
	close(fd);
	CHECK_OK(umount("m"));
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status));
}
