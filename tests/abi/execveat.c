/* execveat: by directory descriptor, by descriptor alone (AT_EMPTY_PATH), its flags and errors. */
#include "abi.h"
#include <sys/sendfile.h>

HELPER(seven)
{
	return 7;
}

static char *helper_argv[] = { "x", "@seven", NULL };

static int run_at(int dirfd, const char *path, int flags)
{
	pid_t pid = abi_fork();
	int st;

	if (pid == 0) {
		syscall(SYS_execveat, dirfd, path, helper_argv, environ, flags);
		_exit(100 + errno);
	}
	st = abi_wait(pid);
	if (!WIFEXITED(st))
		return -1000;
	return WEXITSTATUS(st) >= 100 ? -(WEXITSTATUS(st) - 100) : WEXITSTATUS(st);
}

static char dir_of_self[PATH_MAX], *base_of_self;

static int open_dir_of_self(void)
{
	strcpy(dir_of_self, abi_self);
	base_of_self = strrchr(dir_of_self, '/');
	*base_of_self++ = 0;
	return open(dir_of_self, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

TEST(relative_to_directory)
{
	int d = open_dir_of_self();

	REQUIRE(d >= 0);
	CHECK_EQ(run_at(d, base_of_self, 0), 7);
	CHECK_EQ(run_at(AT_FDCWD, abi_self, 0), 7);
	CHECK_EQ(run_at(-1, abi_self, 0), 7); /* absolute: descriptor unused */
	CHECK_EQ(run_at(-1, "relative", 0), -EBADF);
	CHECK_EQ(run_at(d, "missing", 0), -ENOENT);
	CHECK_EQ(run_at(d, "", 0), -ENOENT);
	CHECK_EQ(run_at(d, "", AT_EMPTY_PATH), -EACCES); /* a directory */
	CHECK_OK(close(d));
}

TEST(by_descriptor)
{
	int fd = open(abi_self, O_RDONLY | O_CLOEXEC), p = open(abi_self, O_PATH);

	REQUIRE(fd >= 0 && p >= 0);
	CHECK_EQ(run_at(fd, "", AT_EMPTY_PATH), 7);
	CHECK_EQ(run_at(p, "", AT_EMPTY_PATH), 7);
	CHECK_EQ(run_at(fd, "x", 0), -ENOTDIR);
	CHECK_OK(close(fd));
	CHECK_OK(close(p));
	CHECK_EQ(run_at(fd, "", AT_EMPTY_PATH), -EBADF);
}

TEST(flags)
{
	abi_tmpdir();
	CHECK_OK(symlink(abi_self, "link"));
	CHECK_EQ(run_at(AT_FDCWD, "link", 0), 7);
	CHECK_EQ(run_at(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW), -ELOOP);
	CHECK_EQ(run_at(AT_FDCWD, abi_self, AT_SYMLINK_NOFOLLOW), 7);
	CHECK_ERRNO(syscall(SYS_execveat, AT_FDCWD, abi_self, helper_argv, environ, 0x40000),
		    EINVAL);
	CHECK_ERRNO(syscall(SYS_execveat, AT_FDCWD, bad_ptr(), helper_argv, environ, 0), EFAULT);
}

TEST(script_by_descriptor)
{
	char text[PATH_MAX + 16];
	int fd;

	abi_tmpdir();
	snprintf(text, sizeof(text), "#!%s @seven\n", abi_self);
	if (strlen(text) > 250)
		SKIP("path of the build folder is too long for a #! line");
	close(abi_file("s", text, 0755));
	fd = open("s", O_RDONLY);
	REQUIRE(fd >= 0);
	CHECK_EQ(run_at(fd, "", AT_EMPTY_PATH), 7); /* the interpreter gets /dev/fd/N */
	CHECK_OK(fcntl(fd, F_SETFD, FD_CLOEXEC));
	CHECK_EQ(run_at(fd, "", AT_EMPTY_PATH), -ENOENT); /* which it could not open */
	CHECK_OK(close(fd));
}

/* As container runtimes run a copy of themselves: the descriptor of memfd_create(2) is no writer, a second one is. */
TEST(memory_by_its_own_descriptor)
{
	int m = CHECK_OK(memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING)), w;
	int self = CHECK_OK(open(abi_self, O_RDONLY | O_CLOEXEC));
	char path[64];

	while (sendfile(m, self, NULL, 1 << 20) > 0)
		;
	CHECK_EQ(run_at(m, "", AT_EMPTY_PATH), 7);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", m);
	w = CHECK_OK(open(path, O_WRONLY | O_CLOEXEC));
	CHECK_EQ(run_at(m, "", AT_EMPTY_PATH), -ETXTBSY);
	close(w);
	CHECK_OK(fcntl(m, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	CHECK_EQ(run_at(m, "", AT_EMPTY_PATH), 7);
	close(m);
	close(self);
}
