/* unshare, clone, setns with user, UTS and IPC namespaces: ids, maps, capabilities, /proc/PID/ns and its ioctls. */
#include "abi.h"
#include <linux/capability.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/utsname.h>

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err;

	if (fd < 0)
		return -errno;
	err = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
	close(fd);
	return err;
}

static ino_t ns_ino(const char *name)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return stat(path, &st) ? 0 : st.st_ino;
}

static u_int64_t effective(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 0 } };

	syscall(SYS_capget, &h, d);
	return d[0].effective | (u_int64_t)d[1].effective << 32;
}

/* A new user namespace, if this system gives one. */
#define ENTER()                                         \
	do {                                            \
		if (unshare(CLONE_NEWUSER))             \
			SKIP("no user namespace here"); \
	} while (0)

/* Map the present ids to 0. */
static void map_root(unsigned uid, unsigned gid)
{
	char line[32];

	snprintf(line, sizeof(line), "0 %u 1", uid);
	CHECK_EQ(put("/proc/self/uid_map", line), 0);
	CHECK_EQ(put("/proc/self/setgroups", "deny"), 0);
	snprintf(line, sizeof(line), "0 %u 1\n", gid);
	CHECK_EQ(put("/proc/self/gid_map", line), 0);
}

TEST_FORK(overflow_ids_until_mapped)
{
	ino_t before = ns_ino("user");

	ENTER();
	CHECK(ns_ino("user") != before);
	CHECK_EQ(getuid(), 65534);
	CHECK_EQ(getegid(), 65534);
	CHECK(effective() >> CAP_SYS_ADMIN & 1);
	CHECK_ERRNO(setuid(0), EINVAL);
	CHECK_ERRNO(setgroups(0, NULL), EPERM);
}

TEST_FORK(own_id_becomes_root)
{
	unsigned uid = geteuid(), gid = getegid();
	struct stat st;
	int fd;

	abi_tmpdir();
	CHECK_OK(chdir(abi_tmp));
	ENTER();
	map_root(uid, gid);
	CHECK_EQ(getuid(), 0);
	CHECK_EQ(getgid(), 0);
	CHECK_OK(setuid(0));
	CHECK_ERRNO(setuid(1), EINVAL);
	CHECK_ERRNO(setgroups(0, NULL), EPERM); /* denied for good */
	CHECK_EQ(put("/proc/self/setgroups", "allow"), -EPERM);
	CHECK_EQ(put("/proc/self/uid_map", "0 0 1"), -EPERM); /* once */
	fd = CHECK_OK(open("made", O_CREAT | O_WRONLY, 0600));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_uid, 0);
	CHECK_OK(fchown(fd, 0, 0));
	CHECK_ERRNO(fchown(fd, 1, 0), EINVAL);
	close(fd);
}

TEST_FORK(map_text)
{
	char line[64], want[64];
	unsigned uid = geteuid();
	int fd;
	ssize_t n;

	ENTER();
	CHECK_EQ(put("/proc/self/uid_map", "0 0"), -EINVAL);
	CHECK_EQ(put("/proc/self/uid_map", "0 x 1"), -EINVAL);
	CHECK_EQ(put("/proc/self/uid_map", "0 0 0"), -EINVAL);
	CHECK_EQ(put("/proc/self/uid_map", "0 0 1 2"), -EINVAL);
	CHECK_EQ(put("/proc/self/uid_map", "0 0 2\n1 5 1"), -EINVAL); /* overlap */
	snprintf(line, sizeof(line), "%u %u 1", 7, uid);
	CHECK_EQ(put("/proc/self/uid_map", line), 0);
	CHECK_EQ(getuid(), 7);
	fd = CHECK_OK(open("/proc/self/uid_map", O_RDONLY));
	n = CHECK_OK(read(fd, line, sizeof(line) - 1));
	line[n < 0 ? 0 : n] = 0;
	snprintf(want, sizeof(want), "%10u %10u %10u\n", 7, uid, 1);
	CHECK(strcmp(line, want) == 0);
	close(fd);
}

TEST_FORK(foreign_ids_are_refused)
{
	if (geteuid() == 0) {
		CHECK_OK(setresuid(1234, 1234, 1234));
		CHECK_OK(prctl(PR_SET_DUMPABLE, 1)); /* else its files are root's */
	}
	ENTER();
	CHECK_EQ(put("/proc/self/uid_map", "0 0 1"), -EPERM);
	CHECK_EQ(put("/proc/self/uid_map", "0 1233 1"), -EPERM);
	CHECK_EQ(put("/proc/self/gid_map", "0 0 1"), -EPERM); /* setgroups is still allowed */
}

TEST_FORK(capabilities_end_at_the_namespace)
{
	unsigned uid = geteuid(), gid = getegid();

	ENTER();
	map_root(uid, gid);
	CHECK_ERRNO(sethostname("x", 1), EPERM); /* the host name is not ours */
	CHECK_OK(unshare(CLONE_NEWUTS));
	CHECK_OK(sethostname("inner", 5));
}

TEST_FORK(flags)
{
	CHECK_ERRNO(unshare(0x10), EINVAL);
	if (geteuid() == 0)
		CHECK_OK(setresuid(1234, 1234, 1234));
	CHECK_ERRNO(unshare(CLONE_NEWUTS), EPERM);
	CHECK_ERRNO(unshare(CLONE_NEWIPC), EPERM);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0), EPERM);
}

static int tell(int fd, const void *p, size_t n)
{
	return write(fd, p, n) == (ssize_t)n;
}

TEST_FORK(clone_newuser)
{
	int p[2], st;
	unsigned id[2] = { 0 };
	pid_t pid;

	CHECK_OK(pipe(p));
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0) {
		SKIP("no user namespace here");
		return;
	}
	if (!pid) {
		id[0] = getuid();
		id[1] = sethostname("child", 5) == 0;
		_exit(tell(p[1], id, sizeof(id)) ? 0 : 1);
	}
	CHECK_EQ(read(p[0], id, sizeof(id)), (ssize_t)sizeof(id));
	CHECK_EQ(id[0], 65534);
	CHECK_EQ(id[1], 1);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
}

TEST_FORK(uts_and_setns)
{
	struct utsname a, b, c;
	int old;

	if (unshare(CLONE_NEWUSER | CLONE_NEWUTS)) {
		SKIP("no user namespace here");
		return;
	}
	CHECK_OK(uname(&a));
	old = CHECK_OK(open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC));
	CHECK_OK(unshare(CLONE_NEWUTS));
	CHECK_OK(uname(&b));
	CHECK(strcmp(a.nodename, b.nodename) == 0); /* a copy */
	CHECK_OK(sethostname("other", 5));
	CHECK_OK(setdomainname("dom", 3));
	CHECK_OK(uname(&c));
	CHECK(strcmp(c.nodename, "other") == 0);
	CHECK_ERRNO(setns(old, CLONE_NEWIPC), EINVAL);
	CHECK_OK(setns(old, CLONE_NEWUTS));
	CHECK_OK(uname(&c));
	CHECK(strcmp(c.nodename, a.nodename) == 0);
	close(old);
}

TEST_FORK(setns_errors)
{
	int fd = CHECK_OK(open("/dev/null", O_RDONLY)), own;

	CHECK_ERRNO(setns(fd, 0), EINVAL);
	CHECK_ERRNO(setns(-1, 0), EBADF);
	own = CHECK_OK(open("/proc/self/ns/user", O_RDONLY));
	CHECK_ERRNO(setns(own, CLONE_NEWUSER), EINVAL); /* we are in it */
	close(own);
	if (geteuid() == 0)
		CHECK_OK(setresuid(1234, 1234, 1234));
	own = open("/proc/self/ns/uts", O_RDONLY);
	if (own >= 0)
		CHECK_ERRNO(setns(own, CLONE_NEWUTS), EPERM);
	close(fd);
}

TEST_FORK(setns_by_pidfd)
{
	char name[65] = "";
	int p[2], st, fd;
	pid_t pid;
	char c;

	CHECK_OK(pipe(p));
	pid = CHECK_OK(fork());
	if (!pid) {
		st = unshare(CLONE_NEWUSER | CLONE_NEWUTS) || sethostname("there", 5);
		c = st ? 'n' : 'y';
		if (write(p[1], &c, 1) == 1)
			pause();
		_exit(0);
	}
	CHECK_EQ(read(p[0], &c, 1), 1);
	if (c == 'y') {
		fd = (int)CHECK_OK(syscall(SYS_pidfd_open, pid, 0));
		CHECK_ERRNO(setns(fd, 0), EINVAL);
		CHECK_OK(setns(fd, CLONE_NEWUSER | CLONE_NEWUTS));
		CHECK_OK(gethostname(name, sizeof(name)));
		CHECK(strcmp(name, "there") == 0);
		close(fd);
	} else {
		SKIP("no user namespace here");
	}
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, &st, 0), pid);
}

TEST_FORK(ipc)
{
	int id = CHECK_OK(msgget(IPC_PRIVATE, 0600 | IPC_CREAT));
	struct msqid_ds ds;

	if (unshare(CLONE_NEWUSER | CLONE_NEWIPC))
		SKIP("no user namespace here");
	else
		CHECK_ERRNO(msgctl(id, IPC_STAT, &ds), EINVAL);
}

TEST_FORK(ioctls)
{
	unsigned uid = geteuid(), gid = getegid(), owner = 77;
	int user = CHECK_OK(open("/proc/self/ns/user", O_RDONLY)), uts, fd;
	struct stat a, b;

	uts = CHECK_OK(open("/proc/self/ns/uts", O_RDONLY));
	CHECK_EQ(ioctl(user, NS_GET_NSTYPE), CLONE_NEWUSER);
	CHECK_EQ(ioctl(uts, NS_GET_NSTYPE), CLONE_NEWUTS);
	CHECK_ERRNO(ioctl(uts, NS_GET_PARENT), EINVAL);
	CHECK_ERRNO(ioctl(uts, NS_GET_OWNER_UID, &owner), EINVAL);
	CHECK_ERRNO(ioctl(uts, 0xb7ff), ENOTTY);
	CHECK_OK(fstat(user, &a));
	ENTER();
	CHECK_ERRNO(ioctl(user, NS_GET_USERNS), EPERM); /* above ours */
	fd = CHECK_OK(open("/proc/self/ns/user", O_RDONLY));
	CHECK_ERRNO(ioctl(fd, NS_GET_PARENT), EPERM);
	CHECK_OK(ioctl(fd, NS_GET_OWNER_UID, &owner));
	CHECK_EQ(owner, 65534);
	map_root(uid, gid);
	CHECK_OK(unshare(CLONE_NEWUTS));
	close(uts);
	uts = CHECK_OK(open("/proc/self/ns/uts", O_RDONLY));
	user = CHECK_OK(ioctl(uts, NS_GET_USERNS));
	CHECK_OK(fstat(user, &a));
	CHECK_OK(fstat(fd, &b));
	CHECK_EQ(a.st_ino, b.st_ino);
}

TEST_FORK(nested)
{
	unsigned uid = geteuid(), gid = getegid();

	ENTER();
	CHECK_ERRNO(unshare(CLONE_NEWUSER), EPERM); /* our id has no name here yet */
	map_root(uid, gid);
	CHECK_OK(unshare(CLONE_NEWUSER));
	CHECK_EQ(getuid(), 65534);
	map_root(0, 0);
	CHECK_EQ(getuid(), 0);
}
