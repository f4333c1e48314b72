/* Device nodes: null, zero, full, random, urandom, tty; and the links that programs expect in /dev. */
#include "abi.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

static void is_char(const char *path, int major, int minor)
{
	struct stat st = { 0 };

	CHECK_OK(stat(path, &st));
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(major, minor))
		ABI_FAIL("%s: mode %o, device %u:%u", path, st.st_mode, major(st.st_rdev),
			 minor(st.st_rdev));
}

TEST(nodes)
{
	is_char("/dev/null", 1, 3);
	is_char("/dev/zero", 1, 5);
	is_char("/dev/full", 1, 7);
	is_char("/dev/random", 1, 8);
	is_char("/dev/urandom", 1, 9);
	is_char("/dev/tty", 5, 0);
}

TEST(null)
{
	char b[8] = "keep";
	int fd = open("/dev/null", O_RDWR);

	REQUIRE(fd >= 0);
	CHECK_EQ(read(fd, b, 8), 0);
	CHECK_STR(b, "keep");
	CHECK_EQ(write(fd, b, 8), 8);
	CHECK_EQ(syscall(SYS_write, fd, bad_ptr(), 8), 8); /* it does not even look */
	CHECK_EQ(lseek(fd, 100, SEEK_SET), 0);
	CHECK_EQ(pwrite(fd, b, 8, 1000), 8);
	CHECK_ERRNO(ioctl(fd, TCGETS, b), ENOTTY);
	CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), ENODEV);
	CHECK_ERRNO(ftruncate(fd, 10), EINVAL);
	close(fd);
}

TEST(zero)
{
	char b[64], *p;
	int fd = open("/dev/zero", O_RDWR), i, sum = 0;

	REQUIRE(fd >= 0);
	memset(b, 1, sizeof(b));
	CHECK_EQ(read(fd, b, sizeof(b)), sizeof(b));
	for (i = 0; i < 64; i++)
		sum += b[i];
	CHECK_EQ(sum, 0);
	CHECK_EQ(write(fd, b, 8), 8);
	CHECK_ERRNO(syscall(SYS_read, fd, bad_ptr(), 8), EFAULT);
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	REQUIRE(p != MAP_FAILED);
	CHECK_EQ(p[PAGE], 0);
	p[PAGE] = 1;
	CHECK_OK(munmap(p, 4 * PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 0); /* shared anonymous memory */
	REQUIRE(p != MAP_FAILED);
	IN_CHILD
	{
		p[0] = 7;
	}
	CHECK_EQ(p[0], 7);
	CHECK_OK(munmap(p, PAGE));
	p = malloc(1 << 20);
	memset(p, 1, 1 << 20);
	CHECK_EQ(read(fd, p, 1 << 20), 1 << 20);
	CHECK_EQ(p[0] + p[(1 << 20) - 1], 0);
	free(p);
	close(fd);
}

TEST(full)
{
	char b[8] = "abc";
	int fd = open("/dev/full", O_RDWR);

	REQUIRE(fd >= 0);
	CHECK_ERRNO(write(fd, b, 1), ENOSPC);
	CHECK_ERRNO(write(fd, b, 0), ENOSPC); /* even nothing */
	CHECK_EQ(read(fd, b, 8), 8);
	CHECK_EQ(b[0], 0);
	close(fd);
}

TEST(random)
{
	static const char *names[] = { "/dev/random", "/dev/urandom" };

	for (int i = 0; i < 2; i++) {
		unsigned char a[64] = { 0 }, b[64] = { 0 };
		struct pollfd p = { open(names[i], O_RDWR), POLLIN | POLLOUT, 0 };

		REQUIRE(p.fd >= 0);
		CHECK_EQ(read(p.fd, a, 64), 64);
		CHECK_EQ(read(p.fd, b, 64), 64);
		CHECK(memcmp(a, b, 64) != 0);
		CHECK_EQ(poll(&p, 1, -1), 1);
		CHECK_EQ(write(p.fd, "seed", 4), 4);
		close(p.fd);
	}
}

TEST_FORK(tty_without_terminal)
{
	CHECK_OK(setsid());
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
}

TEST(permissions_for_all)
{
	static const char *names[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
				       "/dev/urandom" };

	IN_CHILD_AS(NOBODY)
	{
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			CHECK_OK(close(CHECK_OK(open(names[i], O_RDWR))));
	}
}

TEST(links)
{
	char b[64] = "";
	int fds[2], fd;

	CHECK_EQ(readlink("/dev/fd", b, 63), 13);
	CHECK(!strncmp(b, "/proc/self/fd", 13));
	CHECK_OK(access("/dev/stdin", F_OK));
	CHECK_OK(access("/dev/stdout", F_OK));
	CHECK_OK(access("/dev/stderr", F_OK));
	REQUIRE(pipe(fds) == 0);
	snprintf(b, sizeof(b), "/dev/fd/%d", fds[0]);
	fd = CHECK_OK(open(b, O_RDONLY)); /* process substitution of shells */
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(read(fd, b, 1), 1);
	close(fd), close(fds[0]), close(fds[1]);
}

TEST(shm)
{
	struct stat st;
	char name[64];
	int fd;

	CHECK_OK(stat("/dev/shm", &st));
	CHECK_EQ(st.st_mode, S_IFDIR | 01777);
	snprintf(name, sizeof(name), "/dev/shm/abi-%d", getpid());
	fd = CHECK_OK(open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
	CHECK_OK(ftruncate(fd, PAGE));
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	IN_CHILD
	{
		strcpy(p, "shared");
	}
	CHECK_STR(p, "shared");
	CHECK_OK(munmap(p, PAGE));
	close(fd);
	CHECK_OK(unlink(name));
}

/* lsblk(8) and udev's library look there, and take a missing directory for an error. */
TEST(directories_of_devices)
{
	static const char *const dirs[] = { "/sys/block", "/sys/class/block", "/sys/dev/block",
					    "/sys/dev/char" };
	struct stat st;

	if (access("/sys/class", F_OK))
		SKIP("no sysfs");
	for (size_t k = 0; k < ARRAY_LEN(dirs); k++)
		if (CHECK_OK(stat(dirs[k], &st)) == 0)
			CHECK(S_ISDIR(st.st_mode));
}
