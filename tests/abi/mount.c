/* mount and umount of tmpfs: contents, flags, size limit, busy, nesting, and the errors. As root. */
#include "own_ns.h"
#include <sys/fsuid.h>
#include <sys/statfs.h>

/* A directory m; with options, a tmpfs on it. */
static void make_point(const char *options)
{
	CHECK_OK(mkdir("m", 0755));
	if (options)
		CHECK_OK(mount("none", "m", "tmpfs", 0, options));
}

#define SETUP(options)               \
	do {                         \
		OWN_MOUNTS();        \
		make_point(options); \
	} while (0)

TEST_FORK(hides_and_reveals)
{
	struct stat a, b;

	SETUP(NULL);
	close(abi_file("m/below", "", 0644));
	CHECK_OK(stat("m", &a));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_OK(stat("m", &b));
	CHECK(a.st_dev != b.st_dev);
	CHECK_ERRNO(access("m/below", F_OK), ENOENT);
	close(abi_file("m/above", "x", 0644));
	CHECK_ERRNO(rmdir("m"), EBUSY);
	CHECK_ERRNO(rename("m", "n"), EBUSY);
	CHECK_ERRNO(rename("m/above", "above"), EXDEV);
	CHECK_OK(stat("m/..", &b));
	CHECK_OK(stat(".", &a));
	CHECK_EQ(a.st_ino, b.st_ino); /* .. leaves the mount */
	CHECK_OK(umount("m"));
	CHECK_OK(access("m/below", F_OK));
	CHECK_ERRNO(access("m/above", F_OK), ENOENT);
	CHECK_ERRNO(umount("m"), EINVAL);
}

TEST_FORK(options)
{
	struct statfs s;
	struct stat st;
	char b[8192] = "";
	int fd, n = 0;

	SETUP("size=16384,mode=750,uid=12,gid=34,nr_inodes=10");
	CHECK_OK(stat("m", &st));
	CHECK_EQ(st.st_mode, S_IFDIR | 0750);
	CHECK_EQ(st.st_uid, 12);
	CHECK_EQ(st.st_gid, 34);
	CHECK_OK(statfs("m", &s));
	CHECK_EQ(s.f_type, 0x01021994);
	CHECK_EQ(s.f_blocks, 4);
	CHECK_EQ(s.f_bsize, PAGE);
	fd = CHECK_OK(open("m/big", O_CREAT | O_RDWR, 0600));
	CHECK_EQ(write(fd, b, 8192), 8192);
	CHECK_EQ(write(fd, b, 8192), 8192);
	CHECK_ERRNO(write(fd, b, 1), ENOSPC);
	CHECK_OK(ftruncate(fd, 8192)); /* gives room back */
	CHECK_EQ(pwrite(fd, b, 4096, 8192), 4096);
	close(fd);
	while (n < 20) {
		char name[16];

		snprintf(name, sizeof(name), "m/%d", n);
		if (mknod(name, S_IFREG | 0600, 0))
			break;
		n++;
	}
	CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(n, 8); /* the root and m/big make ten */
	CHECK_OK(umount("m"));
	CHECK_ERRNO(mount("none", "m", "tmpfs", 0, "size=junk"), EINVAL);
	CHECK_ERRNO(mount("none", "m", "tmpfs", 0, "nosuchoption=1"), EINVAL);
}

TEST_FORK(read_only)
{
	int fd;

	SETUP("");
	close(abi_file("m/f", "x", 0644));
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	CHECK_ERRNO(open("m/f", O_RDWR), EROFS);
	CHECK_ERRNO(open("m/new", O_CREAT | O_RDWR, 0600), EROFS);
	CHECK_ERRNO(unlink("m/f"), EROFS);
	CHECK_ERRNO(mkdir("m/d", 0755), EROFS);
	CHECK_ERRNO(chmod("m/f", 0600), EROFS);
	CHECK_ERRNO(access("m/f", W_OK), EROFS);
	fd = CHECK_OK(open("m/f", O_RDONLY));
	close(fd);
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT, NULL));
	fd = CHECK_OK(open("m/f", O_RDWR));
	CHECK_ERRNO(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL),
		    EBUSY); /* open for writing */
	close(fd);
}

TEST_FORK(noexec_nosuid_nodev)
{
	struct statfs s;

	SETUP(NULL);
	CHECK_OK(mount("none", "m", "tmpfs", MS_NOEXEC | MS_NOSUID | MS_NODEV, NULL));
	close(abi_file("m/script", "#!/bin/sh\n", 0755));
	CHECK_ERRNO(execve("m/script", (char *[]){ "x", NULL }, environ), EACCES);
	CHECK_OK(statfs("m", &s));
	CHECK_EQ(s.f_flags & (MS_NOEXEC | MS_NOSUID | MS_NODEV), MS_NOEXEC | MS_NOSUID | MS_NODEV);
	if (mknod("m/null", S_IFCHR | 0666, 0x103) == 0)
		CHECK_ERRNO(open("m/null", O_RDONLY), EACCES);
	int fd = open("m/script", O_RDONLY);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), EPERM);
	close(fd);
}

TEST_FORK(busy_and_lazy)
{
	int fd;

	SETUP("");
	fd = abi_file("m/f", "text", 0644);
	CHECK_ERRNO(umount("m"), EBUSY);
	CHECK_OK(umount2("m", MNT_DETACH));
	CHECK_ERRNO(access("m/f", F_OK), ENOENT);
	char b[8] = "";
	CHECK_EQ(read(fd, b, 8), 4); /* lives as long as it is open */
	close(fd);
}

TEST_FORK(stacked_and_nested)
{
	SETUP("");
	close(abi_file("m/one", "", 0644));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_ERRNO(access("m/one", F_OK), ENOENT);
	CHECK_OK(mkdir("m/in", 0755));
	CHECK_OK(mount("none", "m/in", "tmpfs", 0, NULL));
	CHECK_ERRNO(umount("m"), EBUSY); /* a mount inside */
	CHECK_OK(umount("m/in"));
	CHECK_OK(umount("m"));
	CHECK_OK(access("m/one", F_OK));
}

TEST_FORK(bind)
{
	struct stat a, b;

	SETUP(NULL);
	CHECK_OK(mkdir("src", 0755));
	close(abi_file("src/f", "x", 0644));
	close(abi_file("target", "", 0644));
	CHECK_OK(mount("src", "m", NULL, MS_BIND, NULL));
	CHECK_OK(stat("src/f", &a));
	CHECK_OK(stat("m/f", &b));
	CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	CHECK_OK(mount("src/f", "target", NULL, MS_BIND, NULL)); /* files as well */
	CHECK_OK(stat("target", &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_ERRNO(unlink("target"), EBUSY);
	CHECK_ERRNO(mount("src", "target", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_ERRNO(mount("src/f", "m", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_OK(umount("target"));
	CHECK_OK(umount("m"));
}

TEST_FORK(move)
{
	SETUP("");
	CHECK_OK(mkdir("n", 0755));
	close(abi_file("m/f", "", 0644));
	CHECK_OK(mount("m", "n", NULL, MS_MOVE, NULL));
	CHECK_OK(access("n/f", F_OK));
	CHECK_ERRNO(access("m/f", F_OK), ENOENT);
	CHECK_ERRNO(mount("m", "n", NULL, MS_MOVE, NULL), EINVAL); /* not a mount */
	CHECK_OK(umount("n"));
}

TEST_FORK(errors)
{
	SETUP(NULL);
	close(abi_file("f", "", 0644));
	CHECK_ERRNO(mount("none", "missing", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERRNO(mount("none", "f", "tmpfs", 0, NULL), ENOTDIR);
	CHECK_ERRNO(mount("none", "m", "nosuchfs", 0, NULL), ENODEV);
	CHECK_ERRNO(mount("none", "m", NULL, 0, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_mount, "none", bad_ptr(), "tmpfs", 0, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_mount, "none", "m", bad_ptr(), 0, NULL), EFAULT);
	CHECK_ERRNO(mount(NULL, "m", NULL, MS_REMOUNT, NULL), EINVAL); /* not a mount point */
	CHECK_ERRNO(umount("m"), EINVAL);
	CHECK_ERRNO(umount("missing"), ENOENT);
	CHECK_ERRNO(umount2("m", 0x100), EINVAL);
	CHECK_ERRNO(umount2("m", MNT_EXPIRE | MNT_FORCE), EINVAL);
}

/* Who may mount needs the rights over the path like anybody. */
TEST_FORK(paths)
{
	static char name[5000];

	SETUP(NULL);
	memset(name, 'n', 300);
	CHECK_ERRNO(mount("none", name, "tmpfs", 0, NULL), ENAMETOOLONG);
	memset(name, 'n', sizeof(name) - 1);
	CHECK_ERRNO(mount("none", name, "tmpfs", 0, NULL), ENAMETOOLONG);
	NEED_ROOT();
	CHECK_OK(mkdir("closed", 0700));
	CHECK_OK(mkdir("closed/d", 0755));
	setfsuid(NOBODY);
	CHECK_ERRNO(mount("none", "closed/d", "tmpfs", 0, NULL), EACCES);
	setfsuid(0);
	CHECK_OK(mount("none", "closed/d", "tmpfs", 0, NULL));
}

TEST(unprivileged)
{
	abi_tmpdir();
	mkdir("m", 0777);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(mount("none", "m", "tmpfs", 0, NULL), EPERM);
		CHECK_ERRNO(umount("/proc"), EPERM);
	}
}
