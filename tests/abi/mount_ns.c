/* Mount namespaces: unshare and clone with CLONE_NEWNS, what each side sees, pivot_root over itself, and the errors. As root. */
#include "abi.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* In a directory of our own, in a namespace of our own. */
static const char *setup(void)
{
	abi_tmpdir();
	if (!abi_cap(21))
		return "needs CAP_SYS_ADMIN";
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return "cannot make a mount namespace";
	return NULL;
}

#define SETUP()                                                    \
	do {                                                       \
		const char *why_ = setup();                        \
		if (why_)                                          \
			SKIP("%s (%s)", why_, abi_errname(errno)); \
	} while (0)

/* Runs fn in a child made with those flags; its exit status. */
static int in_child(unsigned long flags, int (*fn)(void))
{
	int status = -1;
	pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(fn());
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int mount_inside(void)
{
	if (access("m/mark", F_OK) || mount("none", "m/in", "tmpfs", 0, NULL))
		return 1;
	if (mkdir("m/in/made", 0755) || umount2("n", 0))
		return 2;
	return access("m/in/made", F_OK) || !access("n/mark", F_OK) ? 3 : 0;
}

/* What a child mounts or unmounts in its namespace stays there; files are the same ones. */
TEST_FORK(clone_newns)
{
	SETUP();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mkdir("n", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("m/in", 0755));
	close(abi_file("m/mark", "", 0644));
	CHECK_OK(mount("m", "n", NULL, MS_BIND, NULL));
	CHECK_EQ(in_child(CLONE_NEWNS, mount_inside), 0);
	CHECK_ERRNO(access("m/in/made", F_OK), ENOENT);
	CHECK_OK(access("n/mark", F_OK));
	CHECK_OK(umount2("n", 0));
	CHECK_OK(umount2("m", 0));
}

static int unshare_inside(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 1;
	if (mount("none", "m", "tmpfs", 0, "size=64k") || mkdir("m/d", 0755) || chdir("m/d"))
		return 2;
	return access("../../m/d", F_OK) ? 3 : 0;
}

/* The working directory is the same place in the copy; a relative name from it leads to the copy's mounts. */
TEST_FORK(unshare_newns)
{
	SETUP();
	CHECK_OK(mkdir("m", 0755));
	CHECK_EQ(in_child(0, unshare_inside), 0);
	CHECK_ERRNO(access("m/d", F_OK), ENOENT);
	CHECK_ERRNO(umount2("m", 0), EINVAL);
}

static int pivot_inside(void)
{
	struct stat st;
	int old;

	if (mount("new", "new", NULL, MS_BIND | MS_REC, NULL) || chdir("new"))
		return 1;
	old = open("/", O_RDONLY | O_DIRECTORY);
	if (old < 0 || syscall(SYS_pivot_root, ".", "."))
		return 2;
	if (fchdir(old) || umount2(".", MNT_DETACH) || chdir("/"))
		return 3;
	if (stat("/marker", &st) || !access("/proc/self", F_OK))
		return 4;
	return stat("/../../marker", &st) ? 5 : 0;
}

/* The way of runc and bwrap: the old root over the new one, then taken away. */
TEST_FORK(pivot_root_on_itself)
{
	SETUP();
	CHECK_OK(mkdir("new", 0755));
	close(abi_file("new/marker", "", 0644));
	CHECK_EQ(in_child(CLONE_NEWNS, pivot_inside), 0);
	CHECK_OK(access("new/marker", F_OK));
	CHECK_OK(access("/proc/self", F_OK));
}

static int busy_inside(void)
{
	return umount2("m", 0) ? 1 : 0;
}

/* A file that is open in one namespace does not hold the mount of another. */
TEST_FORK(busy_is_for_a_namespace)
{
	int fd;

	SETUP();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	fd = open("m/f", O_CREAT | O_RDWR, 0644);
	CHECK(fd >= 0);
	CHECK_EQ(in_child(CLONE_NEWNS, busy_inside), 0);
	CHECK_ERRNO(umount2("m", 0), EBUSY);
	close(fd);
	CHECK_OK(umount2("m", 0));
}

TEST_FORK(errors)
{
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
	SETUP();
	CHECK_OK(setuid(65534));
	CHECK_ERRNO(unshare(CLONE_NEWNS), EPERM);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0), EPERM);
	CHECK_ERRNO(mount("none", ".", "tmpfs", 0, NULL), EPERM);
	CHECK_ERRNO(umount2("/", 0), EPERM);
}
