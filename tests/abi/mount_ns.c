/* Mount namespaces: unshare and clone with CLONE_NEWNS, what each side sees, pivot_root over itself, and the errors. As root. */
#include "own_ns.h"
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

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
	OWN_MOUNTS();
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
	OWN_MOUNTS();
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
	OWN_MOUNTS();
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

	OWN_MOUNTS();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	fd = open("m/f", O_CREAT | O_RDWR, 0644);
	CHECK(fd >= 0);
	CHECK_EQ(in_child(CLONE_NEWNS, busy_inside), 0);
	CHECK_ERRNO(umount2("m", 0), EBUSY);
	close(fd);
	CHECK_OK(umount2("m", 0));
}

/* Reads a byte when the other side is where it has to be; 0: it ended. */
static int wait_for(int fd)
{
	char c;

	return read(fd, &c, 1) == 1;
}

/* Has mounts on d, e/1, f and in of its own while the parent removes and replaces those names. */
static int mounted_inside(int out, int in)
{
	int top = open(".", O_RDONLY | O_DIRECTORY);

	if (mount("none", "d", "tmpfs", 0, NULL) || mount("none", "e/1", "tmpfs", 0, NULL) ||
	    mount("g", "f", NULL, MS_BIND, NULL) || mount("none", "moved", "tmpfs", 0, NULL))
		return 1;
	close(abi_file("d/inside", "", 0644));
	close(abi_file("moved/inside", "", 0644));
	if (rmdir("d") != -1 || errno != EBUSY || unlink("f") != -1 || errno != EBUSY ||
	    rename("moved", "x") != -1 || errno != EBUSY)
		return 2;
	if (chdir("d"))
		return 2;
	if (write(out, "r", 1) != 1 || !wait_for(in))
		return 3;
	/* The names are gone, and the mounts with them; who is in there stays there. */
	if (access("inside", F_OK) || !faccessat(top, "d", F_OK, 0) ||
	    !faccessat(top, "f", F_OK, 0))
		return 4;
	return faccessat(top, "elsewhere/inside", F_OK, 0) ? 5 : 0;
}

/* A mount point of another namespace alone can be removed and replaced, and what is mounted on it there goes. */
TEST_FORK(mount_point_of_another_is_removed)
{
	int to[2], from[2], status;
	pid_t pid;

	OWN_MOUNTS();
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(mkdir("e", 0755));
	CHECK_OK(mkdir("e/1", 0755));
	CHECK_OK(mkdir("moved", 0755));
	CHECK_OK(mkdir("other", 0755));
	close(abi_file("f", "", 0644));
	close(abi_file("g", "", 0644));
	CHECK_OK(pipe(to));
	CHECK_OK(pipe(from));
	pid = fork();
	if (pid == 0) {
		close(to[1]);
		_exit(unshare(CLONE_NEWNS) ? 9 : mounted_inside(from[1], to[0]));
	}
	close(from[1]);
	CHECK(wait_for(from[0]));
	CHECK_OK(rmdir("d"));
	CHECK_OK(unlink("f"));
	CHECK_OK(rename("other", "e/1"));
	CHECK_OK(rename("moved", "elsewhere"));
	CHECK_EQ(write(to[1], "g", 1), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_OK(rmdir("e/1"));
	CHECK_OK(rmdir("elsewhere"));
}

TEST_FORK(errors)
{
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
	OWN_MOUNTS();
	CHECK_OK(setuid(65534));
	CHECK_ERRNO(unshare(CLONE_NEWNS), EPERM);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0), EPERM);
	CHECK_ERRNO(mount("none", ".", "tmpfs", 0, NULL), EPERM);
	CHECK_ERRNO(umount2("/", 0), EPERM);
}

static ino_t mnt_ino(void)
{
	struct stat st;

	return stat("/proc/self/ns/mnt", &st) ? 0 : st.st_ino;
}

/* By its link, also into one that the caller left; with the root of that one. */
TEST_FORK(setns_mnt)
{
	int first, second, shared;
	ino_t a, b;

	OWN_MOUNTS();
	first = open("/proc/self/ns/mnt", O_RDONLY);
	CHECK_OK(first);
	a = mnt_ino();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(unshare(CLONE_NEWNS));
	b = mnt_ino();
	CHECK(a && b && a != b);
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("m/seen", 0755));
	second = open("/proc/self/ns/mnt", O_RDONLY);
	CHECK_ERRNO(syscall(SYS_setns, first, CLONE_NEWUTS), EINVAL);
	CHECK_OK(syscall(SYS_setns, first, CLONE_NEWNS));
	CHECK_EQ(mnt_ino(), a);
	CHECK_OK(chdir(abi_tmp)); /* it was "/" */
	CHECK_ERRNO(access("m/seen", F_OK), ENOENT);
	CHECK_OK(syscall(SYS_setns, second, 0));
	CHECK_OK(chdir(abi_tmp));
	CHECK_OK(access("m/seen", F_OK));
	/* Nobody takes a working directory away from whoever shares it. */
	shared = (int)syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
	if (shared == 0) {
		pause();
		_exit(0);
	}
	CHECK_ERRNO(syscall(SYS_setns, first, CLONE_NEWNS), EINVAL);
	CHECK_OK(kill(shared, SIGKILL));
	CHECK_EQ(waitpid(shared, NULL, 0), shared);
	CHECK_OK(umount2("m", 0));
	CHECK_OK(syscall(SYS_setns, first, CLONE_NEWNS));
}

static int become(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err = fd < 0 || write(fd, text, strlen(text)) < 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static int with_less_right(void)
{
	struct stat st;

	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY) ||
	    prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 99;
	if (become("/proc/self/uid_map", "0 65534 1") || become("/proc/self/setgroups", "deny") ||
	    become("/proc/self/gid_map", "0 65534 1"))
		return 1;
	/* What was there covers something, and its flags protect something. */
	if (!umount2("hide", MNT_DETACH) || errno != EINVAL)
		return 2;
	if (!mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND, NULL) || errno != EPERM)
		return 3;
	if (mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC, NULL))
		return 4;
	if (!mount(abi_tmp, "m", NULL, MS_BIND, NULL) || errno != EINVAL)
		return 5;
	if (mount(abi_tmp, "m", NULL, MS_BIND | MS_REC, NULL))
		return 6;
	if (!access("m/hide/secret", F_OK) || !umount2("m/hide", MNT_DETACH) || errno != EINVAL)
		return 7;
	if (umount2("m", MNT_DETACH))
		return 8;
	/* A file system of one's own, with its options; not those that are the machine's. */
	if (mount("none", "m", "tmpfs", 0, "mode=750") || mkdir("m/d", 0700) || stat("m", &st) ||
	    st.st_uid != 0)
		return 9;
	if (!mknod("m/null", S_IFCHR | 0666, 0x103) || errno != EPERM)
		return 12;
	if (mount(NULL, "m", NULL, MS_REMOUNT, "size=1m") || umount2("m", 0))
		return 10;
	if (!mount("none", "m", "devtmpfs", 0, NULL) || errno != EPERM)
		return 11;
	return 0;
}

/* A namespace that belongs to a user's own user namespace: he mounts there, and uncovers nothing. */
TEST_FORK(less_privileged_owner)
{
	int status;

	OWN_MOUNTS();
	CHECK_OK(chmod(".", 0777));
	CHECK_OK(mkdir("m", 0777));
	CHECK_OK(mkdir("hide", 0777));
	close(abi_file("hide/secret", "", 0644));
	CHECK_OK(mkdir("ro", 0777));
	CHECK_OK(mount("none", "hide", "tmpfs", 0, NULL));
	CHECK_OK(mount("none", "ro", "tmpfs", MS_RDONLY, NULL));
	status = in_child(0, with_less_right);
	CHECK_OK(umount2("ro", 0));
	CHECK_OK(umount2("hide", 0));
	if (status == 99)
		SKIP("no user namespace for others than root");
	CHECK_EQ(status, 0);
}

static int second_view(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 99;
	if (mount("none", "m", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return 99; /* something covers part of it */
	if (!mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND, NULL) || errno != EPERM)
		return 1;
	return 0;
}

/* What a user may mount as he sees it elsewhere keeps the flags it has there. */
TEST_FORK(flags_of_a_second_view)
{
	int status;

	OWN_MOUNTS();
	CHECK_OK(mkdir("m", 0777));
	CHECK_OK(mkdir("s", 0777));
	if (umount2("/sys", MNT_DETACH) || mount("none", "s", "sysfs", MS_RDONLY, NULL))
		SKIP("no sysfs of our own");
	status = in_child(0, second_view);
	CHECK_OK(umount2("s", 0));
	CHECK_OK(mount("none", "/sys", "sysfs", MS_RDONLY, NULL));
	if (status == 99)
		SKIP("no user namespace, or no sysfs in it");
	CHECK_EQ(status, 0);
}

static int through_descriptor(void)
{
	int fd = open("m", O_PATH | O_DIRECTORY);
	char m[64], sub[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return 99;
	snprintf(m, sizeof(m), "/proc/self/fd/%d", fd);
	snprintf(sub, sizeof(sub), "/proc/self/fd/%d/sub", fd);
	if (!mount("none", sub, "tmpfs", 0, NULL) || errno != EINVAL)
		return 1;
	if (!mount(NULL, m, NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL) || errno != EINVAL)
		return 2;
	if (!mount(m, "n", NULL, MS_BIND, NULL) || errno != EINVAL)
		return 3;
	if (!mount("n", sub, NULL, MS_BIND, NULL) || errno != EINVAL)
		return 4;
	if (!mount(m, "n", NULL, MS_MOVE, NULL) || errno != EINVAL)
		return 5;
	if (fchdir(fd) || !umount2(".", MNT_DETACH) || errno != EINVAL)
		return 6;
	return 0;
}

/* The file of a namespace can be bound, but not that of a mount namespace within itself. */
TEST_FORK(bind_namespace)
{
	struct stat a, b;

	OWN_MOUNTS();
	close(abi_file("f", "", 0644));
	CHECK_OK(mount("/proc/self/ns/uts", "f", NULL, MS_BIND, NULL));
	CHECK_OK(stat("/proc/self/ns/uts", &a));
	CHECK_OK(stat("f", &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_OK(umount2("f", 0));
	CHECK_ERRNO(mount("/proc/self/ns/mnt", "f", NULL, MS_BIND, NULL), EINVAL);
}

/* A descriptor from before leads to mounts of the old namespace: the rights over the new one are not for them. */
TEST_FORK(mounts_of_another_namespace)
{
	int status;

	OWN_MOUNTS();
	CHECK_OK(mkdir("m", 0777));
	CHECK_OK(mkdir("n", 0777));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("m/sub", 0777));
	status = in_child(0, through_descriptor);
	CHECK_OK(umount2("m", 0));
	if (status == 99)
		SKIP("no user namespace");
	CHECK_EQ(status, 0);
}

/* A recursive bind has what is mounted on mounts, too. */
TEST_FORK(recursive_bind_is_deep)
{
	OWN_MOUNTS();
	CHECK_OK(mkdir("a", 0755));
	CHECK_OK(mkdir("b", 0755));
	CHECK_OK(mount("none", "a", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("a/1", 0755));
	CHECK_OK(mount("none", "a/1", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("a/1/2", 0755));
	CHECK_OK(mount("none", "a/1/2", "tmpfs", 0, NULL));
	close(abi_file("a/1/2/f", "", 0644));
	CHECK_OK(mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
	CHECK_OK(access("b/1/2/f", F_OK));
	CHECK_OK(umount2("b", MNT_DETACH));
	CHECK_OK(access("a/1/2/f", F_OK));
	CHECK_OK(umount2("a", MNT_DETACH));
}

/* Long enough that no reader, and no kernel, has it in one piece: each mount's line is there once. */
TEST_FORK(mountinfo_of_many)
{
	enum { MOUNTS = 2000, DEEP = 14 };
	char path[3000] = "", line[8192], where[4096];
	unsigned char seen[MOUNTS] = { 0 };
	int lines = 0, n;
	FILE *f;

	OWN_MOUNTS();
	for (int i = 0; i < DEEP; i++) {
		memset(path + strlen(path), 'x', 200);
		CHECK_OK(mkdir(path, 0755));
		strcat(path, "/");
	}
	CHECK_OK(mount("none", path, "tmpfs", 0, NULL));
	for (int i = 0; i < MOUNTS; i++) {
		snprintf(where, sizeof(where), "%s%d", path, i);
		CHECK_OK(mkdir(where, 0755));
		CHECK_OK(mount(where, where, NULL, MS_BIND, NULL));
	}
	f = fopen("/proc/self/mountinfo", "r");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		lines++;
		if (sscanf(line, "%*d %*d %*s %*s %4095s", where) != 1 || !strstr(where, "xxx/") ||
		    strrchr(where, '/')[1] == 'x')
			continue;
		n = atoi(strrchr(where, '/') + 1);
		CHECK(n >= 0 && n < MOUNTS);
		seen[n]++;
	}
	fclose(f);
	CHECK(lines > MOUNTS);
	for (int i = 0; i < MOUNTS; i++)
		CHECK_EQ(seen[i], 1);
	CHECK_OK(umount2(path, MNT_DETACH));
}
