/* stat, lstat, fstat, newfstatat, statx, access, faccessat2, statfs: fields, flags and errors. */
#include "abi.h"
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

static time_t tick(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* The clock of file times may tick each 10 ms, or later. */
static void wait_for_tick(void)
{
	time_t before = tick();

	abi_sleep_ms(12);
	WAIT_UNTIL(tick() != before);
}

TEST(regular_file)
{
	struct stat st, st2;
	struct timespec now;
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "hello", 0640);
	CHECK_OK(fstat(fd, &st));
	clock_gettime(CLOCK_REALTIME, &now);
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(st.st_size, 5);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_uid, geteuid());
	CHECK_EQ(st.st_gid, getegid());
	CHECK(st.st_blksize >= 512);
	CHECK(st.st_ino != 0);
	CHECK(labs(now.tv_sec - st.st_mtime) <= 5);
	CHECK(st.st_ctim.tv_nsec >= 0 && st.st_ctim.tv_nsec < 1000000000);
	CHECK_OK(stat("f", &st2));
	CHECK_EQ(st2.st_ino, st.st_ino);
	CHECK_EQ(st2.st_dev, st.st_dev);
	wait_for_tick();
	CHECK_EQ(write(fd, "more!!", 6), 6);
	CHECK_OK(fstat(fd, &st2));
	CHECK_EQ(st2.st_size, 6);
	CHECK(st2.st_mtim.tv_sec > st.st_mtim.tv_sec || (st2.st_mtim.tv_sec == st.st_mtim.tv_sec &&
							 st2.st_mtim.tv_nsec > st.st_mtim.tv_nsec));
	CHECK_EQ(st2.st_mtim.tv_nsec, st2.st_ctim.tv_nsec);
	wait_for_tick();
	CHECK_OK(fchmod(fd, 0600));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mtim.tv_nsec, st2.st_mtim.tv_nsec);
	CHECK(st.st_ctim.tv_nsec != st2.st_ctim.tv_nsec || st.st_ctim.tv_sec != st2.st_ctim.tv_sec);
	CHECK_OK(ftruncate(fd, 1 << 20));
	CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 1 << 20);
	CHECK(st.st_blocks * 512 <= 1 << 20);
	close(fd);
	unlink("f");
}

TEST(kinds)
{
	struct stat st;
	int fds[2];

	abi_tmpdir();
	CHECK_OK(stat("/", &st));
	CHECK(S_ISDIR(st.st_mode));
	CHECK_OK(stat("/dev/null", &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_rdev, makedev(1, 3));
	CHECK_OK(symlink("/dev/null", "l"));
	CHECK_OK(lstat("l", &st));
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(st.st_size, 9);
	CHECK_OK(stat("l", &st));
	CHECK(S_ISCHR(st.st_mode));
	REQUIRE(pipe(fds) == 0);
	CHECK_OK(fstat(fds[0], &st));
	CHECK(S_ISFIFO(st.st_mode));
	close(fds[0]), close(fds[1]);
	CHECK_OK(mkdir("d", 0711));
	CHECK_OK(stat("d", &st));
	CHECK_EQ(st.st_mode, S_IFDIR | 0711);
	rmdir("d"), unlink("l");
}

TEST(fstatat_flags)
{
	struct stat st;
	int fd, dir;

	abi_tmpdir();
	fd = abi_file("f", "abc", 0644);
	CHECK_OK(symlink("f", "l"));
	dir = open(".", O_RDONLY);
	CHECK_OK(fstatat(dir, "f", &st, 0));
	CHECK_EQ(st.st_size, 3);
	CHECK_OK(fstatat(dir, "l", &st, AT_SYMLINK_NOFOLLOW));
	CHECK(S_ISLNK(st.st_mode));
	CHECK_OK(fstatat(fd, "", &st, AT_EMPTY_PATH));
	CHECK_EQ(st.st_size, 3);
	CHECK_OK(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
	CHECK(S_ISDIR(st.st_mode));
	CHECK_ERRNO(fstatat(fd, "", &st, 0), ENOENT);
	CHECK_ERRNO(fstatat(fd, "x", &st, 0), ENOTDIR);
	CHECK_ERRNO(fstatat(-1, "x", &st, 0), EBADF);
	CHECK_ERRNO(fstatat(dir, "f", &st, 0x40000000), EINVAL);
	CHECK_ERRNO(syscall(SYS_newfstatat, dir, bad_ptr(), &st, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_newfstatat, dir, "f", bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(stat("none", &st), ENOENT);
	CHECK_ERRNO(stat("f/x", &st), ENOTDIR);
	CHECK_ERRNO(stat("f/", &st), ENOTDIR);
	CHECK_ERRNO(fstat(-1, &st), EBADF);
	CHECK_ERRNO(syscall(SYS_fstat, fd, bad_ptr()), EFAULT);
	close(fd), close(dir);
	unlink("f"), unlink("l");
}

TEST(statx)
{
	struct statx x;
	struct stat st;
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "abcd", 0604);
	memset(&x, 0xff, sizeof(x));
	CHECK_OK(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
	CHECK_OK(stat("f", &st));
	CHECK_EQ(x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	CHECK_EQ(x.stx_mode, st.st_mode);
	CHECK_EQ(x.stx_size, 4);
	CHECK_EQ(x.stx_ino, st.st_ino);
	CHECK_EQ(x.stx_nlink, 1);
	CHECK_EQ(x.stx_uid, st.st_uid);
	CHECK_EQ(x.stx_blksize, st.st_blksize);
	CHECK_EQ(x.stx_blocks, st.st_blocks);
	CHECK_EQ(x.stx_mtime.tv_sec, st.st_mtim.tv_sec);
	CHECK_EQ(x.stx_mtime.tv_nsec, st.st_mtim.tv_nsec);
	CHECK_EQ(makedev(x.stx_dev_major, x.stx_dev_minor), st.st_dev);
	if (x.stx_mask & STATX_BTIME)
		CHECK(x.stx_btime.tv_sec <= x.stx_mtime.tv_sec + 1);
	CHECK_OK(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
	CHECK_EQ(x.stx_size, 4);
	CHECK_OK(statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC, 0, &x));
	CHECK_OK(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_ALL, &x));
	CHECK_ERRNO(statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC | AT_STATX_FORCE_SYNC, 0, &x), EINVAL);
	CHECK_ERRNO(statx(AT_FDCWD, "f", 0x40000000, 0, &x), EINVAL);
	CHECK_ERRNO(statx(AT_FDCWD, "f", 0, 0x80000000, &x), EINVAL);
	CHECK_ERRNO(statx(AT_FDCWD, "none", 0, 0, &x), ENOENT);
	CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, "f", 0, 0, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, bad_ptr(), 0, 0, &x), EFAULT);
	close(fd);
	unlink("f");
}

TEST(access)
{
	abi_tmpdir();
	close(abi_file("f", "", 0600));
	CHECK_OK(access("f", F_OK));
	CHECK_OK(access("f", R_OK | W_OK));
	CHECK_ERRNO(access("f", X_OK), EACCES); /* root too: no x bit at all */
	CHECK_ERRNO(access("f", 8), EINVAL);
	CHECK_ERRNO(access("none", F_OK), ENOENT);
	CHECK_ERRNO(access("f/x", F_OK), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_access, bad_ptr(), F_OK), EFAULT);
	CHECK_OK(symlink("none", "l"));
	CHECK_ERRNO(access("l", F_OK), ENOENT);
	errno = 0;
	if (syscall(SYS_faccessat2, AT_FDCWD, "l", F_OK, AT_SYMLINK_NOFOLLOW) == -1)
		CHECK_EQ(errno, ENOSYS);
	else
		CHECK_ERRNO(syscall(SYS_faccessat2, AT_FDCWD, "f", F_OK, 0x40000000), EINVAL);
	if (geteuid() == 0) {
		/* access asks with the real ids, AT_EACCESS with the effective ones */
		IN_CHILD
		{
			CHECK_OK(syscall(SYS_setresuid, NOBODY, 0, 0));
			CHECK_ERRNO(access("f", R_OK), EACCES);
			CHECK_OK(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
		}
		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(access("f", R_OK), EACCES);
			CHECK_OK(access("f", F_OK));
		}
	}
	unlink("f"), unlink("l");
}

TEST(statfs)
{
	struct statfs s;
	struct statvfs v;
	int fd;

	abi_tmpdir();
	CHECK_OK(statfs(".", &s));
	CHECK(s.f_bsize > 0 && s.f_namelen == 255);
	CHECK(s.f_bfree <= s.f_blocks);
	fd = open(".", O_RDONLY);
	CHECK_OK(fstatfs(fd, &s));
	close(fd);
	CHECK_OK(statvfs(".", &v));
	CHECK_OK(statfs("/proc", &s));
	CHECK_EQ(s.f_type, 0x9fa0);
	CHECK_ERRNO(statfs("none", &s), ENOENT);
	CHECK_ERRNO(fstatfs(-1, &s), EBADF);
	CHECK_ERRNO(syscall(SYS_statfs, ".", bad_ptr()), EFAULT);
}
