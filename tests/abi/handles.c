/* File handles: name_to_handle_at and open_by_handle_at on a tmpfs, on what we stand on, on kernfs; and the errors. */
#include "abi.h"
#include <sys/mount.h>

#define FID		 0x200
#define NUMBER_IS_UNIQUE 1
#define DAC_READ_SEARCH	 2
#define SYS_ADMIN	 21

struct handle {
	uint32_t bytes;
	int32_t type;
	unsigned char data[128];
};

static int handle_of(int dfd, const char *name, struct handle *h, int flags)
{
	int mnt = -1;

	*h = (struct handle){ .bytes = sizeof(h->data) };
	return (int)syscall(SYS_name_to_handle_at, dfd, name, h, &mnt, flags);
}

static int open_handle(int mnt, const struct handle *h, int flags)
{
	return (int)syscall(SYS_open_by_handle_at, mnt, h, flags);
}

/* A tmpfs of our own, entered. */
static void setup(void)
{
	abi_tmpdir();
	if (!abi_cap(SYS_ADMIN) || !abi_cap(DAC_READ_SEARCH))
		SKIP("needs CAP_SYS_ADMIN and CAP_DAC_READ_SEARCH");
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		SKIP("cannot make a mount namespace");
	CHECK_OK(mkdir("t", 0755));
	CHECK_OK(mount("none", "t", "tmpfs", 0, NULL));
	CHECK_OK(chdir("t"));
}

TEST_FORK(there_and_back)
{
	char b[8] = "", name[64], link[PATH_MAX];
	struct handle h, same, other;
	struct stat st, st2;
	ssize_t n;
	int fd;

	setup();
	close(abi_file("f", "text", 0644));
	close(abi_file("g", "", 0644));
	CHECK_OK(handle_of(AT_FDCWD, "f", &h, 0));
	CHECK_EQ(h.bytes, 12);
	CHECK_EQ(h.type, 1);
	CHECK_OK(handle_of(AT_FDCWD, "f", &same, 0));
	CHECK_OK(handle_of(AT_FDCWD, "g", &other, 0));
	CHECK(!memcmp(&h, &same, 20));
	CHECK(memcmp(&h, &other, 20) != 0);
	fd = CHECK_OK(open_handle(AT_FDCWD, &h, O_RDONLY));
	CHECK_EQ(read(fd, b, sizeof(b)), 4);
	CHECK(!memcmp(b, "text", 4));
	CHECK_ERRNO(write(fd, "x", 1), EBADF);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = CHECK_OK(readlink(name, link, sizeof(link) - 1));
	link[n] = 0;
	CHECK(n > 4 && !strcmp(link + n - 4, "/t/f"));
	close(fd);
	/* By another name it is the same; by a descriptor, too. */
	CHECK_OK(rename("f", "renamed"));
	fd = CHECK_OK(open_handle(AT_FDCWD, &h, O_RDWR | O_CLOEXEC));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_OK(handle_of(fd, "", &same, AT_EMPTY_PATH));
	CHECK(!memcmp(&h, &same, 20));
	/* Without a name as long as somebody has it. */
	CHECK_OK(unlink("renamed"));
	CHECK_OK(fstat(fd, &st));
	int again = CHECK_OK(open_handle(AT_FDCWD, &h, O_RDONLY));
	CHECK_OK(fstat(again, &st2));
	CHECK_EQ(st.st_ino, st2.st_ino);
	CHECK_EQ(st2.st_nlink, 0);
	close(again);
	close(fd);
	CHECK_ERRNO(open_handle(AT_FDCWD, &h, O_RDONLY), ESTALE);
	/* Its number is not given again. */
	for (int i = 0; i < 100; i++) {
		close(abi_file("f", "", 0644));
		CHECK_ERRNO(open_handle(AT_FDCWD, &h, O_RDONLY), ESTALE);
		CHECK_OK(unlink("f"));
	}
}

TEST_FORK(directories_and_links)
{
	struct handle h, l;
	struct stat st;
	int fd, root;

	setup();
	CHECK_OK(mkdir("d", 0755));
	close(abi_file("d/in", "", 0644));
	CHECK_OK(symlink("d", "l"));
	root = CHECK_OK(open(".", O_RDONLY | O_DIRECTORY));
	CHECK_OK(handle_of(root, "d", &h, 0));
	CHECK_OK(handle_of(root, "l", &l, 0));
	CHECK(memcmp(&h, &l, 20) != 0);
	CHECK_ERRNO(open_handle(root, &l, O_RDONLY), ELOOP);
	fd = CHECK_OK(open_handle(root, &l, O_PATH));
	CHECK_OK(fstat(fd, &st));
	CHECK(S_ISLNK(st.st_mode));
	close(fd);
	CHECK_OK(handle_of(root, "l", &l, AT_SYMLINK_FOLLOW));
	CHECK(!memcmp(&h, &l, 20));
	CHECK_OK(chdir("/"));
	fd = CHECK_OK(open_handle(root, &h, O_RDONLY | O_DIRECTORY));
	CHECK_OK(faccessat(fd, "in", F_OK, 0));
	CHECK_OK(faccessat(fd, "../d/in", F_OK, 0));
	CHECK_ERRNO(open_handle(root, &h, O_RDWR), EISDIR);
	close(fd);
	CHECK_OK(handle_of(root, "", &h, AT_EMPTY_PATH));
	fd = CHECK_OK(open_handle(root, &h, O_RDONLY));
	CHECK_OK(faccessat(fd, "d/in", F_OK, 0));
}

TEST_FORK(another_file_system)
{
	struct handle h;
	int fd;

	setup();
	close(abi_file("f", "", 0644));
	CHECK_OK(handle_of(AT_FDCWD, "f", &h, 0));
	CHECK_OK(mkdir("u", 0755));
	CHECK_OK(mount("none", "u", "tmpfs", 0, NULL));
	fd = CHECK_OK(open("u", O_RDONLY | O_DIRECTORY));
	CHECK_ERRNO(open_handle(fd, &h, O_RDONLY), ESTALE);
	/* Another view of the same one will do. */
	CHECK_OK(mkdir("v", 0755));
	CHECK_OK(mkdir("w", 0755));
	CHECK_OK(mount("v", "w", NULL, MS_BIND, NULL));
	fd = CHECK_OK(open("w", O_RDONLY | O_DIRECTORY));
	CHECK_OK(open_handle(fd, &h, O_RDONLY));
	/* Nor a file that is somewhere else by now. */
	h.data[4] ^= 0x55;
	CHECK_ERRNO(open_handle(fd, &h, O_RDONLY), ESTALE);
	h.data[4] ^= 0x55;
	h.bytes = 4;
	CHECK_ERRNO(open_handle(fd, &h, O_RDONLY), ESTALE);
}

/* What the sandbox's root is: a file of the host, or of a layer above it. */
TEST_FORK(where_we_are)
{
	struct handle h;
	struct stat st, st2;
	int fd;

	abi_tmpdir();
	if (!abi_cap(DAC_READ_SEARCH))
		SKIP("needs CAP_DAC_READ_SEARCH");
	close(abi_file("f", "text", 0644));
	if (handle_of(AT_FDCWD, "f", &h, 0) && errno == EOPNOTSUPP)
		SKIP("no handles here");
	fd = CHECK_OK(open_handle(AT_FDCWD, &h, O_RDONLY));
	CHECK_OK(fstat(fd, &st));
	CHECK_OK(stat("f", &st2));
	CHECK(st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(handle_of(AT_FDCWD, "d", &h, 0));
	CHECK_OK(open_handle(AT_FDCWD, &h, O_RDONLY | O_DIRECTORY));
}

TEST_FORK(numbers_of_mounts)
{
	struct statx x = { 0 };
	struct handle h = { .bytes = 128 };
	uint64_t unique = 0;
	int mnt[2] = { -1, 77 };

	setup();
	CHECK_OK(syscall(SYS_name_to_handle_at, AT_FDCWD, ".", &h, mnt, 0));
	CHECK_OK(statx(AT_FDCWD, ".", 0, 0x1000 /* STATX_MNT_ID */, &x));
	CHECK_EQ(*(uint64_t *)((char *)&x + 0x90), (uint64_t)mnt[0]);
	CHECK_EQ(mnt[1], 77);
	h.bytes = 128;
	if (syscall(SYS_name_to_handle_at, AT_FDCWD, ".", &h, &unique, NUMBER_IS_UNIQUE))
		SKIP("before Linux 6.12");
	CHECK_OK(statx(AT_FDCWD, ".", 0, 0x4000 /* STATX_MNT_ID_UNIQUE */, &x));
	CHECK_EQ(*(uint64_t *)((char *)&x + 0x90), unique);
	/* Without a handle of its own to be opened by, still one to compare. */
	h.bytes = 128;
	CHECK_ERRNO(syscall(SYS_name_to_handle_at, AT_FDCWD, "/proc/version", &h, mnt, 0),
		    EOPNOTSUPP);
	CHECK_OK(syscall(SYS_name_to_handle_at, AT_FDCWD, "/proc/version", &h, mnt, FID));
	CHECK_EQ(h.bytes, 12);
	CHECK_EQ(h.type, 0x81);
}

/* The handle of a control group is its number. */
TEST_FORK(kernfs)
{
	struct handle h;
	struct stat st;

	abi_tmpdir();
	if (handle_of(AT_FDCWD, "/sys/kernel", &h, 0))
		SKIP("no sysfs");
	CHECK_EQ(h.bytes, 8);
	CHECK_EQ(h.type, 0xfe);
	CHECK_OK(stat("/sys/kernel", &st));
	CHECK(!memcmp(h.data, &st.st_ino, 4));
	if (abi_cap(DAC_READ_SEARCH)) {
		int sys = CHECK_OK(open("/sys", O_RDONLY | O_DIRECTORY));

		CHECK_OK(open_handle(sys, &h, O_RDONLY | O_DIRECTORY));
	}
}

TEST_FORK(errors)
{
	struct handle h;
	int mnt;

	abi_tmpdir();
	CHECK_ERRNO(handle_of(AT_FDCWD, ".", &h, 0x4), EINVAL);
	CHECK_ERRNO(handle_of(AT_FDCWD, "not-there", &h, 0), ENOENT);
	CHECK_ERRNO(handle_of(AT_FDCWD, "", &h, 0), ENOENT);
	CHECK_ERRNO(handle_of(AT_FDCWD, bad_ptr(), &h, 0), EFAULT);
	CHECK_ERRNO(handle_of(-1, "x", &h, 0), EBADF);
	h = (struct handle){ .bytes = 0 };
	CHECK_ERRNO(syscall(SYS_name_to_handle_at, AT_FDCWD, ".", &h, &mnt, FID), EOVERFLOW);
	CHECK(h.bytes > 0);
	h.bytes--;
	CHECK_ERRNO(syscall(SYS_name_to_handle_at, AT_FDCWD, ".", &h, &mnt, FID), EOVERFLOW);
	h.bytes = 129;
	CHECK_ERRNO(syscall(SYS_name_to_handle_at, AT_FDCWD, ".", &h, &mnt, FID), EINVAL);
	h.bytes = 128;
	CHECK_ERRNO(syscall(SYS_name_to_handle_at, AT_FDCWD, ".", &h, bad_ptr(), FID), EFAULT);
	CHECK_ERRNO(syscall(SYS_name_to_handle_at, AT_FDCWD, ".", bad_ptr(), &mnt, FID), EFAULT);
	if (!abi_cap(DAC_READ_SEARCH)) {
		CHECK_ERRNO(open_handle(AT_FDCWD, &h, O_RDONLY), EPERM);
		return;
	}
	CHECK_ERRNO(open_handle(-1, &h, O_RDONLY), EBADF);
	CHECK_ERRNO(open_handle(AT_FDCWD, bad_ptr(), O_RDONLY), EFAULT);
	h.bytes = 0;
	CHECK_ERRNO(open_handle(AT_FDCWD, &h, O_RDONLY), EINVAL);
	h.bytes = 129;
	CHECK_ERRNO(open_handle(AT_FDCWD, &h, O_RDONLY), EINVAL);
	IN_CHILD_AS(NOBODY)
	{
		h.bytes = 12;
		CHECK_ERRNO(open_handle(AT_FDCWD, &h, O_RDONLY), EPERM);
	}
}
