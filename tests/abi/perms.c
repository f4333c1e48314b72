/* Permission bits for ordinary users, umask, sticky directories, chmod and chown and what they clear. */
#include "abi.h"

static struct stat st_of(const char *path)
{
	struct stat st = { 0 };

	CHECK_OK(lstat(path, &st));
	return st;
}

#define MODE(path) (st_of(path).st_mode & 07777)

TEST(rwx_for_files)
{
	char name[8];
	int fd;

	abi_tmpdir();
	for (int mode = 0; mode < 8; mode++) {
		snprintf(name, sizeof(name), "m%d", mode);
		close(abi_file(name, "", 0600));
		/* run by root, nobody is one of the others; run by nobody, the owner */
		CHECK_OK(chmod(name, geteuid() ? mode << 6 : mode));
	}
	IN_CHILD_AS(NOBODY)
	{
		for (int mode = 0; mode < 8; mode++) {
			snprintf(name, sizeof(name), "m%d", mode);
			errno = 0;
			fd = open(name, O_RDONLY);
			CHECK_EQ(fd >= 0, !!(mode & 4));
			CHECK(fd >= 0 || errno == EACCES);
			close(fd);
			fd = open(name, O_WRONLY);
			CHECK_EQ(fd >= 0, !!(mode & 2));
			close(fd);
			fd = open(name, O_RDWR);
			CHECK_EQ(fd >= 0, (mode & 6) == 6);
			close(fd);
			CHECK_EQ(access(name, X_OK) == 0, mode & 1);
		}
	}
	for (int mode = 0; mode < 8; mode++) {
		snprintf(name, sizeof(name), "m%d", mode);
		unlink(name);
	}
}

TEST(first_matching_class_decides)
{
	NEED_ROOT();
	abi_tmpdir();
	close(abi_file("o", "", 0077)); /* the owner has the least */
	close(abi_file("g", "", 0707));
	CHECK_OK(chown("o", NOBODY, 0));
	CHECK_OK(chown("g", 0, NOBODY));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(open("o", O_RDONLY), EACCES);
		CHECK_ERRNO(open("g", O_RDONLY), EACCES);
	}
	IN_CHILD_AS(1234)
	{
		CHECK_OK(close(CHECK_OK(open("o", O_RDONLY))));
		CHECK_OK(close(CHECK_OK(open("g", O_RDONLY))));
	}
	unlink("o"), unlink("g");
}

TEST(directories)
{
	int fd;

	NEED_ROOT();
	abi_tmpdir();
	CHECK_OK(mkdir("d", 0777));
	CHECK_OK(chmod("d", 0777));
	close(abi_file("d/f", "", 0666));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_OK(close(CHECK_OK(open("d/mine", O_CREAT | O_RDWR, 0600))));
		CHECK_OK(unlink("d/f")); /* the directory decides, not the file */
	}
	close(abi_file("d/f", "", 0666));
	CHECK_OK(chmod("d", 0755));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_OK(close(CHECK_OK(open("d/f", O_RDWR))));
		CHECK_ERRNO(open("d/new", O_CREAT | O_RDWR, 0600), EACCES);
		CHECK_ERRNO(unlink("d/f"), EACCES);
		CHECK_ERRNO(rename("d/f", "d/g"), EACCES);
		CHECK_ERRNO(mkdir("d/sub", 0700), EACCES);
		CHECK_ERRNO(symlink("x", "d/l"), EACCES);
		CHECK_ERRNO(open("d/f", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	}
	CHECK_OK(chmod("d", 0744)); /* readable, not searchable */
	IN_CHILD_AS(NOBODY)
	{
		fd = CHECK_OK(open("d", O_RDONLY));
		CHECK_ERRNO(open("d/f", O_RDONLY), EACCES);
		CHECK_ERRNO(access("d/f", F_OK), EACCES);
		CHECK_ERRNO(chdir("d"), EACCES);
		CHECK_ERRNO(fchdir(fd), EACCES);
		CHECK_ERRNO(openat(fd, "f", O_RDONLY), EACCES);
		CHECK_ERRNO(access("d/none", F_OK), EACCES); /* not even that it is missing */
	}
	CHECK_OK(chmod("d", 0711)); /* searchable, not readable */
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(open("d", O_RDONLY), EACCES);
		CHECK_OK(close(CHECK_OK(open("d/f", O_RDONLY))));
		CHECK_OK(chdir("d"));
	}
	unlink("d/f"), unlink("d/mine"), rmdir("d");
}

TEST(sticky)
{
	NEED_ROOT();
	abi_tmpdir();
	CHECK_OK(mkdir("s", 0777));
	CHECK_OK(chmod("s", 01777));
	close(abi_file("s/roots", "", 0666));
	IN_CHILD_AS(1234)
	{
		close(abi_file("s/theirs", "", 0666));
	}
	IN_CHILD_AS(NOBODY)
	{
		close(abi_file("s/mine", "", 0644));
		CHECK_ERRNO(unlink("s/roots"), EPERM);
		CHECK_ERRNO(rename("s/theirs", "s/x"), EPERM);
		CHECK_ERRNO(rename("s/mine", "s/theirs"), EPERM);
		CHECK_OK(rename("s/mine", "s/mine2"));
		CHECK_OK(unlink("s/mine2"));
	}
	CHECK_OK(chown("s", NOBODY, NOBODY));
	IN_CHILD_AS(NOBODY) /* the directory's owner may */
	{
		CHECK_OK(unlink("s/roots"));
		CHECK_OK(unlink("s/theirs"));
	}
	CHECK_OK(rmdir("s"));
}

TEST(umask)
{
	abi_tmpdir();
	IN_CHILD
	{
		umask(027);
		CHECK_EQ(umask(0xffff), 027);
		CHECK_EQ(umask(027), 0777);
		close(open("f", O_CREAT | O_RDWR, 0777));
		CHECK_EQ(MODE("f"), 0750);
		CHECK_OK(mkdir("d", 01777));
		CHECK_EQ(MODE("d"), 01750);
		CHECK_OK(mkfifo("p", 0666));
		CHECK_EQ(MODE("p"), 0640);
		CHECK_OK(chmod("f", 0777)); /* chmod does not care */
		CHECK_EQ(MODE("f"), 0777);
		unlink("f"), unlink("p"), rmdir("d");
	}
}

TEST(chmod_rules)
{
	int fd;

	abi_tmpdir();
	fd = abi_file("f", "", 0600);
	CHECK_OK(chmod("f", 07777));
	CHECK_EQ(MODE("f") & 0777, 0777);
	CHECK_OK(fchmod(fd, 0170644)); /* type bits are ignored */
	CHECK_EQ(st_of("f").st_mode, S_IFREG | 0644);
	CHECK_OK(syscall(SYS_fchmodat, AT_FDCWD, "f", 0600));
	CHECK_EQ(MODE("f"), 0600);
	CHECK_OK(symlink("f", "l"));
	CHECK_OK(chmod("l", 0640)); /* follows */
	CHECK_EQ(MODE("f"), 0640);
	CHECK_ERRNO(chmod("none", 0600), ENOENT);
	CHECK_ERRNO(chmod("f/x", 0600), ENOTDIR);
	CHECK_ERRNO(fchmod(-1, 0600), EBADF);
	CHECK_ERRNO(syscall(SYS_chmod, bad_ptr(), 0600), EFAULT);
	if (geteuid() == 0) {
		IN_CHILD_AS(NOBODY)
		{
			CHECK_ERRNO(chmod("f", 0666), EPERM);
			CHECK_ERRNO(chown("f", NOBODY, -1), EPERM);
		}
		/* set-group-ID goes when the owner is not in the group */
		CHECK_OK(chown("f", NOBODY, 0));
		IN_CHILD_AS(NOBODY)
		{
			CHECK_OK(chmod("f", 02755));
			CHECK_EQ(MODE("f"), 0755);
		}
	}
	close(fd);
	unlink("f"), unlink("l");
}

TEST(chown_rules)
{
	int fd;

	NEED_ROOT();
	abi_tmpdir();
	fd = abi_file("f", "", 0644);
	CHECK_OK(chown("f", 1234, 5678));
	CHECK_EQ(st_of("f").st_uid, 1234);
	CHECK_EQ(st_of("f").st_gid, 5678);
	CHECK_OK(fchown(fd, -1, 99)); /* -1: leave alone */
	CHECK_EQ(st_of("f").st_uid, 1234);
	CHECK_EQ(st_of("f").st_gid, 99);
	CHECK_OK(symlink("f", "l"));
	CHECK_OK(lchown("l", 7, 8));
	CHECK_EQ(st_of("l").st_uid, 7);
	CHECK_EQ(st_of("f").st_uid, 1234);
	CHECK_OK(fchownat(fd, "", 1, 2, AT_EMPTY_PATH));
	CHECK_EQ(st_of("f").st_uid, 1);
	CHECK_ERRNO(fchownat(AT_FDCWD, "f", 1, 2, 0x4000), EINVAL);
	CHECK_ERRNO(chown("none", 0, 0), ENOENT);
	CHECK_ERRNO(fchown(-1, 0, 0), EBADF);
	/* an owner may give the file to a group of theirs, not away */
	CHECK_OK(chown("f", NOBODY, 0));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_OK(chown("f", -1, NOBODY));
		CHECK_ERRNO(chown("f", -1, 0), EPERM);
		CHECK_ERRNO(chown("f", 0, -1), EPERM);
		CHECK_OK(chown("f", NOBODY, -1));
	}
	close(fd);
	unlink("f"), unlink("l");
}

TEST(setuid_bits_are_cleared)
{
	int fd;

	NEED_ROOT();
	abi_tmpdir();
	close(abi_file("f", "x", 0644));
	CHECK_OK(chmod("f", 06755));
	CHECK_OK(chown("f", 1234, 1234)); /* by chown, root's as well */
	CHECK_EQ(MODE("f"), 0755);
	CHECK_OK(chmod("f", 02745)); /* without group execute it is not set-group-ID */
	CHECK_OK(chown("f", NOBODY, NOBODY));
	CHECK_EQ(MODE("f"), 02745);
	CHECK_OK(chmod("f", 06777));
	IN_CHILD_AS(1234) /* by a write of another */
	{
		fd = open("f", O_WRONLY);
		CHECK_EQ(write(fd, "y", 1), 1);
		CHECK_EQ(MODE("f"), 0777);
	}
	CHECK_OK(chmod("f", 06777));
	IN_CHILD_AS(1234)
	{
		CHECK_OK(truncate("f", 0));
		CHECK_EQ(MODE("f"), 0777);
	}
	CHECK_OK(chmod("f", 06777)); /* root with CAP_FSETID keeps them when it writes */
	fd = open("f", O_WRONLY);
	CHECK_EQ(write(fd, "y", 1), 1);
	CHECK_EQ(MODE("f"), 06777);
	close(fd);
	unlink("f");
}

TEST(setgid_directories)
{
	NEED_ROOT();
	abi_tmpdir();
	CHECK_OK(mkdir("g", 0777));
	CHECK_OK(chown("g", 0, 4242));
	CHECK_OK(chmod("g", 02777));
	IN_CHILD_AS(NOBODY)
	{
		close(abi_file("g/f", "", 0644));
		CHECK_EQ(st_of("g/f").st_gid, 4242);
		CHECK_OK(mkdir("g/d", 0755));
		CHECK_EQ(st_of("g/d").st_gid, 4242);
		CHECK_EQ(MODE("g/d") & 02000, 02000);
	}
	unlink("g/f"), rmdir("g/d"), rmdir("g");
}

TEST(mknod)
{
	struct stat st;

	abi_tmpdir();
	CHECK_OK(mknod("reg", S_IFREG | 0600, 0));
	CHECK_OK(mknod("plain", 0600, 0)); /* no type: regular */
	CHECK(S_ISREG(st_of("plain").st_mode));
	CHECK_OK(mknod("fifo", S_IFIFO | 0600, 0));
	CHECK_OK(mknod("sock", S_IFSOCK | 0600, 0));
	CHECK_ERRNO(mknod("reg", S_IFREG | 0600, 0), EEXIST);
	CHECK_ERRNO(mknod("dir", S_IFDIR | 0600, 0), EPERM);
	CHECK_ERRNO(mknod("bad", 0150000 | 0600, 0), EINVAL);
	CHECK_ERRNO(open("sock", O_RDONLY), ENXIO);
	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(mknod("/tmp/abi-dev", S_IFCHR | 0600, 0x103), EPERM);
	}
	if (abi_cap(27) && mknod("null", S_IFCHR | 0600, 0x103) == 0) {
		CHECK_OK(stat("null", &st));
		CHECK_EQ(st.st_rdev, 0x103);
		unlink("null");
	}
	unlink("reg"), unlink("plain"), unlink("fifo"), unlink("sock");
}
