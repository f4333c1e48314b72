/* ioctl(2) of files and directories: chattr's flags in both forms, and what a tmpfs says of extents. In /dev/shm, a tmpfs. */
#include "abi.h"
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

static char dir[64];

static int enter(void)
{
	int flags, fd;

	snprintf(dir, sizeof(dir), "/dev/shm/flags-%d", getpid());
	if (mkdir(dir, 0777) || chmod(dir, 0777) || chdir(dir))
		return -1;
	fd = open("f", O_RDWR | O_CREAT, 0666);
	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return fd;
	close(fd);
	return -1;
}

static void leave(void)
{
	static const char *const names[] = { "f", "g", "d/f", "d" };

	for (size_t k = 0; k < ARRAY_LEN(names); k++)
		if (unlink(names[k]) && errno != ENOENT)
			rmdir(names[k]);
	CHECK_OK(chdir("/"));
	CHECK_OK(rmdir(dir));
}

#define BEGIN(fd)                              \
	int fd = enter();                      \
	if (fd < 0) {                          \
		leave();                       \
		SKIP("/dev/shm has no flags"); \
	}

static int set(int fd, int flags)
{
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static int get(int fd)
{
	int flags = -1;

	CHECK_OK(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	return flags;
}

TEST(flags)
{
	BEGIN(fd);
	CHECK_EQ(get(fd), 0);
	CHECK_OK(set(fd, FS_NODUMP_FL | FS_NOATIME_FL));
	CHECK_EQ(get(fd), FS_NODUMP_FL | FS_NOATIME_FL);
	CHECK_OK(set(fd, 0));
	CHECK_ERRNO(set(fd, FS_COMPR_FL), EOPNOTSUPP);
	CHECK_ERRNO(ioctl(fd, FS_IOC_SETFLAGS, bad_ptr()), EFAULT);
	CHECK_ERRNO(ioctl(fd, FS_IOC_GETFLAGS, bad_ptr()), EFAULT);
	IN_CHILD_AS(NOBODY)
	{
		if (geteuid() == 0 || fchown(fd, NOBODY, -1))
			CHECK_ERRNO(set(fd, geteuid() == NOBODY ? FS_IMMUTABLE_FL : 0), EPERM);
	}
	close(fd);
	leave();
}

TEST(immutable)
{
	struct stat st;
	int d;

	NEED_CAP(9); /* CAP_LINUX_IMMUTABLE */
	BEGIN(fd);
	CHECK_OK(set(fd, FS_IMMUTABLE_FL));
	CHECK_ERRNO(open("f", O_WRONLY), EPERM);
	CHECK_ERRNO(unlink("f"), EPERM);
	CHECK_ERRNO(rename("f", "g"), EPERM);
	CHECK_ERRNO(link("f", "g"), EPERM);
	CHECK_ERRNO(chmod("f", 0600), EPERM);
	CHECK_ERRNO(chown("f", 1, 1), EPERM);
	CHECK_ERRNO(truncate("f", 1), EPERM);
	CHECK_ERRNO(utimensat(AT_FDCWD, "f", NULL, 0), EPERM);
	CHECK_ERRNO(access("f", W_OK), EPERM);
	CHECK_ERRNO(fallocate(fd, 0, 0, 1), EPERM);
	CHECK_EQ(get(fd), FS_IMMUTABLE_FL);
	CHECK_OK(set(fd, 0));
	CHECK_OK(chmod("f", 0600));

	CHECK_OK(mkdir("d", 0777));
	close(open("d/f", O_CREAT | O_RDWR, 0600));
	d = open("d", O_RDONLY | O_DIRECTORY);
	CHECK_OK(set(d, FS_IMMUTABLE_FL));
	CHECK_ERRNO(open("d/g", O_CREAT | O_RDWR, 0600), EPERM);
	CHECK_ERRNO(unlink("d/f"), EPERM);
	CHECK_ERRNO(mkdir("d/g", 0700), EPERM);
	CHECK_OK(open("d/f", O_RDWR));
	CHECK_OK(set(d, 0));
	CHECK_OK(fstat(d, &st));
	close(d), close(fd);
	leave();
}

TEST(append)
{
	int a;

	NEED_CAP(9);
	BEGIN(fd);
	CHECK_OK(set(fd, FS_APPEND_FL));
	CHECK_ERRNO(open("f", O_WRONLY), EPERM);
	CHECK_ERRNO(open("f", O_WRONLY | O_APPEND | O_TRUNC), EPERM);
	a = CHECK_OK(open("f", O_WRONLY | O_APPEND));
	CHECK_EQ(write(a, "x", 1), 1);
	CHECK_ERRNO(fcntl(a, F_SETFL, 0), EPERM);
	CHECK_ERRNO(ftruncate(a, 0), EPERM);
	CHECK_ERRNO(unlink("f"), EPERM);
	CHECK_ERRNO(rename("f", "g"), EPERM);
	CHECK_OK(set(fd, 0));
	close(a), close(fd);
	leave();
}

TEST(who_makes_a_file_in_it_inherits)
{
	int d, f;

	BEGIN(fd);
	CHECK_OK(mkdir("d", 0777));
	d = open("d", O_RDONLY | O_DIRECTORY);
	CHECK_OK(set(d, FS_NODUMP_FL));
	f = open("d/f", O_CREAT | O_RDWR, 0600);
	CHECK_EQ(get(f), FS_NODUMP_FL);
	close(d), close(f), close(fd);
	leave();
}

TEST(extended_form)
{
	struct fsxattr x;

	BEGIN(fd);
	memset(&x, 0xff, sizeof(x));
	CHECK_OK(set(fd, FS_NODUMP_FL | FS_NOATIME_FL));
	CHECK_OK(ioctl(fd, FS_IOC_FSGETXATTR, &x));
	CHECK_EQ(x.fsx_xflags, FS_XFLAG_NODUMP | FS_XFLAG_NOATIME);
	CHECK_EQ(x.fsx_projid, 0);
	x.fsx_xflags = FS_XFLAG_NODUMP;
	CHECK_OK(ioctl(fd, FS_IOC_FSSETXATTR, &x));
	CHECK_EQ(get(fd), FS_NODUMP_FL);
	x.fsx_xflags = FS_XFLAG_REALTIME;
	CHECK_ERRNO(ioctl(fd, FS_IOC_FSSETXATTR, &x), EOPNOTSUPP);
	x = (struct fsxattr){ .fsx_projid = 5 };
	CHECK_ERRNO(ioctl(fd, FS_IOC_FSSETXATTR, &x), EOPNOTSUPP);
	CHECK_ERRNO(ioctl(fd, FS_IOC_FSSETXATTR, bad_ptr()), EFAULT);
	CHECK_EQ(get(fd), FS_NODUMP_FL);
	CHECK_ERRNO(ioctl(fd, FS_IOC_FSGETXATTR, bad_ptr()), EFAULT);
	close(fd);
	leave();
}

TEST(no_extents)
{
	struct fiemap m = { .fm_length = ~0ULL };
	int block = 0, size = 0;

	BEGIN(fd);
	CHECK_ERRNO(ioctl(fd, FS_IOC_FIEMAP, &m), EOPNOTSUPP);
	CHECK_ERRNO(ioctl(fd, FIBMAP, &block), abi_cap(17) ? EINVAL : EPERM);
	CHECK_ERRNO(ioctl(fd, FICLONE, fd), EOPNOTSUPP);
	CHECK_OK(ioctl(fd, FIGETBSZ, &size));
	CHECK_EQ(size, 4096);
	close(fd);
	leave();
}
