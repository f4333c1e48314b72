/* link, symlink, readlink, unlink, rename, renameat2 and what each says of directories and flags. */
#include "abi.h"

static void put(const char *path, const char *text)
{
	close(abi_file(path, text, 0644));
}

static ino_t inode(const char *path)
{
	struct stat st = { 0 };

	CHECK_OK(lstat(path, &st));
	return st.st_ino;
}

TEST(hard_links)
{
	struct stat st;
	int fd;

	abi_tmpdir();
	put("a", "text");
	CHECK_OK(link("a", "b"));
	CHECK_OK(stat("b", &st));
	CHECK_EQ(st.st_nlink, 2);
	CHECK_EQ(inode("a"), inode("b"));
	CHECK_ERRNO(link("a", "b"), EEXIST);
	CHECK_ERRNO(link("none", "c"), ENOENT);
	CHECK_ERRNO(link("a", "none/c"), ENOENT);
	CHECK_ERRNO(link("a", "b/c"), ENOTDIR);
	CHECK_ERRNO(link(".", "c"), EPERM); /* a directory */
	CHECK_ERRNO(link("a", ""), ENOENT);
	CHECK_ERRNO(link("", "c"), ENOENT);
	CHECK_ERRNO(link("a", "/dev/null/x"), ENOTDIR);
	CHECK_OK(symlink("a", "sym"));
	CHECK_OK(link("sym", "sym2")); /* the link itself, not its target */
	CHECK_OK(lstat("sym2", &st));
	CHECK(S_ISLNK(st.st_mode));
	CHECK_OK(linkat(AT_FDCWD, "sym", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
	CHECK_EQ(inode("followed"), inode("a"));
	CHECK_ERRNO(linkat(AT_FDCWD, "a", AT_FDCWD, "z", 0x4000), EINVAL);
	CHECK_ERRNO(linkat(-1, "a", AT_FDCWD, "z", 0), EBADF);
	fd = open("a", O_RDONLY);
	if (abi_cap(2)) { /* CAP_DAC_READ_SEARCH */
		CHECK_OK(linkat(fd, "", AT_FDCWD, "empty", AT_EMPTY_PATH));
		CHECK_EQ(inode("empty"), inode("a"));
		CHECK_OK(unlink("empty"));
	}
	close(fd);
	CHECK_OK(unlink("a"));
	CHECK_STR(abi_content("b"), "text");
	CHECK_OK(unlink("b"));
	CHECK_OK(unlink("followed"));
	CHECK_ERRNO(unlink("b"), ENOENT);
	unlink("sym"), unlink("sym2");
}

TEST(symbolic_links)
{
	char b[PATH_MAX + 16], big[PATH_MAX + 1];

	abi_tmpdir();
	CHECK_OK(symlink("some target", "l"));
	CHECK_EQ(readlink("l", b, sizeof(b)), 11);
	CHECK(!memcmp(b, "some target", 11));
	CHECK_EQ(readlink("l", b, 4), 4); /* cut short, silently */
	CHECK_ERRNO(readlink("l", b, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_readlink, "l", b, -1), EINVAL);
	CHECK_ERRNO(readlink(".", b, 10), EINVAL);
	CHECK_ERRNO(readlink("none", b, 10), ENOENT);
	CHECK_ERRNO(syscall(SYS_readlink, "l", bad_ptr(), 10), EFAULT);
	CHECK_ERRNO(symlink("x", "l"), EEXIST);
	CHECK_ERRNO(symlink("", "m"), ENOENT);
	CHECK_ERRNO(symlink("x", ""), ENOENT);
	CHECK_ERRNO(symlink("x", "none/l"), ENOENT);
	memset(big, 'x', PATH_MAX);
	big[PATH_MAX] = 0;
	CHECK_ERRNO(symlink(big, "m"), ENAMETOOLONG);
	big[1000] = 0;
	CHECK_OK(symlink(big, "m"));
	CHECK_EQ(readlink("m", b, sizeof(b)), 1000);
	struct stat st;
	CHECK_OK(lstat("m", &st));
	CHECK_EQ(st.st_size, 1000);
	CHECK_EQ(st.st_mode, S_IFLNK | 0777);
	unlink("l"), unlink("m");
}

TEST(open_file_survives_unlink)
{
	char b[8] = "";
	struct stat st;
	int fd;

	abi_tmpdir();
	fd = abi_file("gone", "alive", 0644);
	CHECK_OK(unlink("gone"));
	CHECK_ERRNO(open("gone", O_RDONLY), ENOENT);
	CHECK_EQ(read(fd, b, 8), 5);
	CHECK_STR(b, "alive");
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(write(fd, "more", 4), 4);
	CHECK_OK(ftruncate(fd, 100));
	put("gone", "new"); /* the name is free */
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 100);
	CHECK_STR(abi_content("gone"), "new");
	close(fd);
	unlink("gone");
}

TEST(rename_files)
{
	ino_t i;

	abi_tmpdir();
	put("a", "A");
	put("b", "B");
	i = inode("a");
	int fd = open("b", O_RDONLY);
	CHECK_OK(rename("a", "b")); /* replaces atomically */
	CHECK_EQ(inode("b"), i);
	CHECK_ERRNO(access("a", F_OK), ENOENT);
	struct stat st;
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	close(fd);
	CHECK_OK(rename("b", "b"));
	CHECK_OK(link("b", "c"));
	CHECK_OK(rename("b", "c")); /* two names of one file: nothing happens */
	CHECK_OK(access("b", F_OK));
	CHECK_ERRNO(rename("none", "x"), ENOENT);
	CHECK_ERRNO(rename("b", "none/x"), ENOENT);
	CHECK_ERRNO(rename("b", "c/x"), ENOTDIR);
	CHECK_ERRNO(rename("b", ""), ENOENT);
	CHECK_ERRNO(rename("b", "x/"), ENOTDIR);
	CHECK_ERRNO(syscall(SYS_rename, bad_ptr(), "x"), EFAULT);
	CHECK_OK(symlink("b", "l"));
	CHECK_OK(rename("l", "l2")); /* the link, not its target */
	CHECK_EQ(readlink("l2", (char[8]){ 0 }, 8), 1);
	unlink("b"), unlink("c"), unlink("l2");
}

TEST(rename_directories)
{
	abi_tmpdir();
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(mkdir("e", 0755));
	CHECK_OK(mkdir("full", 0755));
	put("full/x", "x");
	put("f", "f");
	CHECK_ERRNO(rename("d", "f"), ENOTDIR);
	CHECK_ERRNO(rename("f", "d"), EISDIR);
	CHECK_ERRNO(rename("d", "full"), ENOTEMPTY);
	CHECK_ERRNO(rename("full", "full/sub"), EINVAL); /* into itself */
	CHECK_ERRNO(rename(".", "x"), EBUSY);
	CHECK_ERRNO(rename("d/..", "x"), EBUSY);
	CHECK_ERRNO(rename("d", "."), EBUSY);
	CHECK_OK(rename("full", "d")); /* over an empty one */
	CHECK_STR(abi_content("d/x"), "x");
	CHECK_OK(rename("d", "e/inner"));
	CHECK_STR(abi_content("e/inner/x"), "x");
	CHECK_OK(rename("e/inner/", "back/"));
	CHECK_STR(abi_content("back/x"), "x");
	char cwd[PATH_MAX];
	IN_CHILD
	{
		CHECK_OK(chdir("back"));
		CHECK_OK(rename("../back", "../moved"));
		CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
		CHECK_STR(strrchr(cwd, '/'), "/moved"); /* a working directory follows */
		CHECK_OK(access("../e", F_OK));
	}
	unlink("moved/x"), rmdir("moved"), rmdir("e"), unlink("f");
}

static int renameat2_(const char *a, const char *b, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

TEST(renameat2_flags)
{
	abi_tmpdir();
	put("a", "A");
	put("b", "B");
	CHECK_ERRNO(renameat2_("a", "b", RENAME_NOREPLACE), EEXIST);
	CHECK_OK(renameat2_("a", "c", RENAME_NOREPLACE));
	CHECK_OK(renameat2_("c", "a", 0));
	CHECK_OK(renameat2_("a", "b", RENAME_EXCHANGE));
	CHECK_STR(abi_content("a"), "B");
	CHECK_STR(abi_content("b"), "A");
	CHECK_ERRNO(renameat2_("a", "none", RENAME_EXCHANGE), ENOENT);
	CHECK_OK(mkdir("d", 0755));
	put("d/x", "x");
	CHECK_OK(renameat2_("a", "d", RENAME_EXCHANGE)); /* kinds may differ */
	CHECK_STR(abi_content("a/x"), "x");
	CHECK_STR(abi_content("d"), "B");
	CHECK_ERRNO(renameat2_("a", "a/y", RENAME_EXCHANGE), ENOENT);
	CHECK_OK(mkdir("a/sub", 0755));
	CHECK_ERRNO(renameat2_("a", "a/sub", RENAME_EXCHANGE), EINVAL);
	CHECK_ERRNO(renameat2_("a/sub", "a", RENAME_EXCHANGE), EINVAL);
	CHECK_ERRNO(renameat2_("a", "b", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
	CHECK_ERRNO(renameat2_("a", "b", 0x100), EINVAL);
	CHECK_ERRNO(syscall(SYS_renameat2, -1, "a", AT_FDCWD, "b", 0), EBADF);
	int f = open("b", O_RDONLY);
	CHECK_ERRNO(syscall(SYS_renameat2, f, "a", AT_FDCWD, "b", 0), ENOTDIR);
	close(f);
	rmdir("a/sub"), unlink("a/x"), rmdir("a"), unlink("b"), unlink("d");
}

TEST(cross_device)
{
	struct stat a, b;

	abi_tmpdir();
	if (stat(".", &a) || stat("/dev/shm", &b) || a.st_dev == b.st_dev ||
	    access("/dev/shm", W_OK))
		SKIP("no second file system to write to");
	put("a", "A");
	char to[64];
	snprintf(to, sizeof(to), "/dev/shm/abi-%d", getpid());
	CHECK_ERRNO(rename("a", to), EXDEV);
	CHECK_ERRNO(link("a", to), EXDEV);
	unlink("a");
}
