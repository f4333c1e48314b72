// landlock_create_ruleset(2), landlock_add_rule(2), landlock_restrict_self(2): descriptors, layers, and what they forbid.
#include "abi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>

#define EXECUTE	    (1ULL << 0)
#define WRITE_FILE  (1ULL << 1)
#define READ_FILE   (1ULL << 2)
#define READ_DIR    (1ULL << 3)
#define REMOVE_DIR  (1ULL << 4)
#define REMOVE_FILE (1ULL << 5)
#define MAKE_CHAR   (1ULL << 6)
#define MAKE_DIR    (1ULL << 7)
#define MAKE_REG    (1ULL << 8)
#define MAKE_SOCK   (1ULL << 9)
#define MAKE_FIFO   (1ULL << 10)
#define MAKE_SYM    (1ULL << 12)
#define REFER	    (1ULL << 13)
#define TRUNCATE    (1ULL << 14)
#define IOCTL_DEV   (1ULL << 15)
#define ALL_FS	    0xffffULL

#define BIND_TCP    1
#define CONNECT_TCP 2

enum { PATH_BENEATH = 1, NET_PORT = 2 };

struct ruleset {
	uint64_t fs, net, scoped, more[2];
};

struct beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

struct port {
	uint64_t allowed, port;
};

static int make(uint64_t fs, uint64_t net, uint64_t scoped)
{
	struct ruleset r = { fs, net, scoped, { 0 } };

	return syscall(SYS_landlock_create_ruleset, &r, 24, 0);
}

static int add(int ruleset, int type, const void *attr, unsigned int flags)
{
	return syscall(SYS_landlock_add_rule, ruleset, type, attr, flags);
}

static int allow(int ruleset, const char *path, uint64_t access)
{
	struct beneath b = { access, open(path, O_PATH | O_CLOEXEC) };
	int r = add(ruleset, PATH_BENEATH, &b, 0);

	close(b.fd);
	return r;
}

static int allow_port(int ruleset, uint16_t port, uint64_t access)
{
	struct port p = { access, port };

	return add(ruleset, NET_PORT, &p, 0);
}

static int restrict_self(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0);
}

static void enforce(int ruleset)
{
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_OK(restrict_self(ruleset));
	close(ruleset);
}

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags, 0644), e = errno;

	if (fd >= 0)
		close(fd);
	errno = e;
	return fd < 0 ? -1 : 0;
}

/* dir/sub/file, dir/file, other/ */
static void tree(void)
{
	abi_tmpdir();
	mkdir("dir", 0755);
	mkdir("dir/sub", 0755);
	mkdir("other", 0755);
	close(abi_file("dir/file", "text", 0644));
	close(abi_file("dir/sub/file", "text", 0644));
	close(abi_file("other/file", "text", 0644));
}

TEST(version)
{
	CHECK(syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 6);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, NULL, 8, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, bad_ptr(), 0, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, NULL, 0, 1 << 30), EINVAL);
}

TEST(create_ruleset)
{
	struct ruleset r = { READ_FILE, 0, 0, { 0 } };
	char b;
	int fd;

	fd = CHECK_OK(syscall(SYS_landlock_create_ruleset, &r, 8, 0));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(read(fd, &b, 1), EINVAL);
	CHECK_ERRNO(write(fd, &b, 1), EINVAL);
	close(fd);
	fd = CHECK_OK(
		syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0)); /* longer, and zero */
	close(fd);
	r.more[1] = 1;
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0), E2BIG);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, &r, PAGE + 1, 0), E2BIG);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, NULL, 8, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, NULL, 0, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, bad_ptr(), 8, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_landlock_create_ruleset, bad_ptr(), 7, 0), EINVAL);
	CHECK_ERRNO(make(1ULL << 40, 0, 0), EINVAL);
	CHECK_ERRNO(make(0, 1ULL << 40, 0), EINVAL);
	CHECK_ERRNO(make(0, 0, 1ULL << 40), EINVAL);
	CHECK_ERRNO(make(0, 0, 0), ENOMSG);
}

TEST(add_rule)
{
	struct beneath b = { READ_FILE, -1 };
	struct port p = { BIND_TCP, 80 };
	int set = CHECK_OK(make(READ_FILE | READ_DIR, BIND_TCP, 0)), file, pipe_fd[2], dir;

	abi_tmpdir();
	file = abi_file("f", "", 0644);
	dir = open(".", O_PATH);
	CHECK_OK(pipe(pipe_fd));
	CHECK_ERRNO(add(set, PATH_BENEATH, &b, 1), EINVAL);
	CHECK_ERRNO(add(-1, PATH_BENEATH, &b, 1), EINVAL);
	CHECK_ERRNO(add(-1, PATH_BENEATH, &b, 0), EBADF);
	CHECK_ERRNO(add(dir, PATH_BENEATH, &b, 0), EBADF); /* an O_PATH descriptor is none here */
	CHECK_ERRNO(add(file, PATH_BENEATH, &b, 0), EBADFD);
	CHECK_ERRNO(add(file, 99, &b, 0), EBADFD);
	CHECK_ERRNO(add(set, 99, &b, 0), EINVAL);
	CHECK_ERRNO(add(set, 0, &b, 0), EINVAL);
	CHECK_ERRNO(add(set, PATH_BENEATH, bad_ptr(), 0), EFAULT);
	CHECK_ERRNO(add(set, PATH_BENEATH, &b, 0), EBADF);
	b.allowed = 0;
	CHECK_ERRNO(add(set, PATH_BENEATH, &b, 0), ENOMSG);
	b.allowed = WRITE_FILE;
	CHECK_ERRNO(add(set, PATH_BENEATH, &b, 0), EINVAL);
	b.allowed = READ_FILE;
	b.fd = set;
	CHECK_ERRNO(add(set, PATH_BENEATH, &b, 0), EBADFD);
	b.fd = pipe_fd[0];
	CHECK_ERRNO(add(set, PATH_BENEATH, &b, 0), EBADFD);
	b.fd = file;
	CHECK_OK(add(set, PATH_BENEATH, &b, 0));
	CHECK_OK(add(set, PATH_BENEATH, &b, 0)); /* the same again */
	b.allowed = READ_DIR;
	CHECK_ERRNO(add(set, PATH_BENEATH, &b, 0), EINVAL);
	b.fd = dir;
	CHECK_OK(add(set, PATH_BENEATH, &b, 0));
	CHECK_OK(add(set, NET_PORT, &p, 0));
	p.port = 65536;
	CHECK_ERRNO(add(set, NET_PORT, &p, 0), EINVAL);
	p = (struct port){ CONNECT_TCP, 1 };
	CHECK_ERRNO(add(set, NET_PORT, &p, 0), EINVAL);
	p.allowed = 0;
	CHECK_ERRNO(add(set, NET_PORT, &p, 0), ENOMSG);
	CHECK_ERRNO(add(set, NET_PORT, bad_ptr(), 0), EFAULT);
	close(set);
	close(file);
	close(dir);
	unlink("f");
}

TEST_FORK(restrict_errors)
{
	int set = CHECK_OK(make(READ_FILE, 0, 0)), file;

	abi_tmpdir();
	file = abi_file("f", "", 0644);
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_ERRNO(syscall(SYS_landlock_restrict_self, set, 1 << 30), EINVAL);
	CHECK_ERRNO(restrict_self(-1), EBADF);
	CHECK_ERRNO(restrict_self(file), EBADFD);
	for (int k = 0; k < 16; k++)
		CHECK_OK(restrict_self(set));
	CHECK_ERRNO(restrict_self(set), E2BIG);
	IN_CHILD
	CHECK_ERRNO(restrict_self(set), E2BIG);
}

TEST_FORK(needs_no_new_privs)
{
	int set = CHECK_OK(make(READ_FILE, 0, 0));

	IN_CHILD_AS(NOBODY)
	{
		CHECK_ERRNO(restrict_self(set), EPERM);
		CHECK_ERRNO(restrict_self(-1), EPERM);
		enforce(set);
		CHECK_ERRNO(try_open("/etc/passwd", O_RDONLY), EACCES);
	}
}

TEST_FORK(opening)
{
	int set, before, pipe_fd[2];
	char name[40];

	tree();
	before = open("other/file", O_RDWR);
	set = CHECK_OK(make(ALL_FS & ~(EXECUTE | IOCTL_DEV), 0, 0));
	CHECK_OK(allow(set, "dir", READ_FILE | READ_DIR));
	CHECK_OK(allow(set, "dir/sub", WRITE_FILE | MAKE_REG));
	CHECK_OK(allow(set, "other/file", READ_FILE));
	enforce(set);
	CHECK_OK(try_open("dir/file", O_RDONLY));
	CHECK_ERRNO(try_open("dir/file", O_RDWR), EACCES);
	CHECK_ERRNO(try_open("dir/new", O_WRONLY | O_CREAT), EACCES);
	CHECK_OK(try_open("dir/sub/file", O_RDWR));
	CHECK_OK(try_open("dir/sub/new", O_RDWR | O_CREAT));
	CHECK_ERRNO(try_open("dir/sub/file", O_RDWR | O_TRUNC), EACCES);
	CHECK_STR(abi_content("dir/sub/file"), "text");
	CHECK_OK(try_open("dir", O_RDONLY | O_DIRECTORY));
	CHECK_ERRNO(try_open("other", O_RDONLY | O_DIRECTORY), EACCES);
	CHECK_OK(try_open("other", O_PATH));
	CHECK_OK(try_open("other/file", O_RDONLY));
	CHECK_ERRNO(try_open("/", O_RDONLY), EACCES);
	CHECK_ERRNO(try_open("/nothing", O_RDONLY), ENOENT);
	/* What was opened before stays open, as do objects without a path. */
	CHECK_EQ(write(before, "x", 1), 1);
	CHECK_OK(ftruncate(before, 0));
	CHECK_OK(pipe(pipe_fd));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", pipe_fd[0]);
	CHECK_OK(try_open(name, O_RDONLY | O_NONBLOCK));
	before = CHECK_OK(memfd_create("m", 0));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", before);
	CHECK_OK(try_open(name, O_RDWR));
	/* Attributes are not its business. */
	CHECK_OK(chmod("other/file", 0600));
	CHECK_OK(chdir("other"));
}

TEST_FORK(exec_needs_both)
{
	char *argv[] = { abi_self, "@exit7", NULL };
	int set, st;
	pid_t p;

	set = CHECK_OK(make(EXECUTE | READ_FILE, 0, 0));
	CHECK_OK(allow(set, abi_self, READ_FILE));
	IN_CHILD
	{
		enforce(dup(set));
		CHECK_ERRNO(execv(abi_self, argv), EACCES);
	}
	CHECK_OK(allow(set, abi_self, EXECUTE));
	p = abi_fork();
	if (!p) {
		enforce(set);
		execv(abi_self, argv);
		_exit(1);
	}
	st = abi_wait(p);
	CHECK_EQ(WEXITSTATUS(st), 7); /* the domain goes along */
}

HELPER(exit7)
{
	return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? 7 : 1;
}

TEST_FORK(making_and_removing)
{
	int set;

	tree();
	close(abi_file("dir/victim", "", 0644));
	mkdir("dir/empty", 0755);
	set = CHECK_OK(make(ALL_FS, 0, 0));
	CHECK_OK(allow(set, "dir", MAKE_DIR | MAKE_REG | REMOVE_FILE));
	CHECK_OK(allow(set, "other", REMOVE_DIR | MAKE_SYM | MAKE_FIFO));
	enforce(set);
	CHECK_OK(mkdir("dir/d", 0755));
	CHECK_OK(mknod("dir/r", S_IFREG | 0644, 0));
	CHECK_ERRNO(mknod("dir/p", S_IFIFO | 0644, 0), EACCES);
	CHECK_ERRNO(symlink("x", "dir/s"), EACCES);
	CHECK_OK(unlink("dir/victim"));
	CHECK_ERRNO(rmdir("dir/empty"), EACCES);
	CHECK_ERRNO(unlink("dir/none"), ENOENT);
	CHECK_ERRNO(mkdir("dir/sub", 0755), EEXIST);
	CHECK_ERRNO(mkdir("other/d", 0755), EACCES);
	CHECK_OK(symlink("x", "other/s"));
	CHECK_OK(mkfifo("other/p", 0644));
	CHECK_ERRNO(unlink("other/s"), EACCES);
}

TEST_FORK(truncating)
{
	int set, fd;

	tree();
	set = CHECK_OK(make(TRUNCATE | WRITE_FILE, 0, 0));
	CHECK_OK(allow(set, "dir", WRITE_FILE));
	CHECK_OK(allow(set, "dir/sub", TRUNCATE));
	enforce(set);
	CHECK_ERRNO(truncate("dir/file", 1), EACCES);
	CHECK_ERRNO(truncate("dir", 1), EISDIR);
	CHECK_OK(truncate("dir/sub/file", 1));
	fd = CHECK_OK(open("dir/file", O_RDWR));
	CHECK_ERRNO(ftruncate(fd, 1), EACCES);
	close(fd);
	fd = CHECK_OK(open("dir/sub/file", O_RDWR));
	CHECK_OK(ftruncate(fd, 0));
	CHECK_ERRNO(try_open("other/file", O_WRONLY), EACCES);
	CHECK_OK(try_open("other/file", O_RDONLY));
}

TEST_FORK(renaming)
{
	int set;

	tree();
	set = CHECK_OK(make(MAKE_REG | REMOVE_FILE | READ_FILE, 0, 0));
	CHECK_OK(allow(set, "dir", MAKE_REG | REMOVE_FILE));
	CHECK_OK(allow(set, "other", MAKE_REG));
	enforce(set);
	CHECK_OK(rename("dir/file", "dir/moved")); /* same directory */
	CHECK_OK(link("dir/moved", "dir/linked"));
	CHECK_ERRNO(rename("dir/moved", "dir/sub/x"), EXDEV); /* nobody allows REFER */
	CHECK_ERRNO(link("dir/moved", "dir/sub/x"), EXDEV);
	CHECK_ERRNO(link("dir/moved", "other/x"), EXDEV);
	CHECK_ERRNO(rename("other/file", "dir/x"), EACCES); /* it may not be removed there */
	CHECK_ERRNO(rename("other/file", "other/x"), EACCES);
	CHECK_ERRNO(rename("other/none", "dir/x"), ENOENT);
}

TEST_FORK(referring)
{
	int set;

	tree();
	mkdir("third", 0755);
	close(abi_file("dir/b", "", 0644));
	close(abi_file("other/b", "", 0644));
	set = CHECK_OK(make(MAKE_REG | REMOVE_FILE | READ_FILE | EXECUTE | REFER, 0, 0));
	CHECK_OK(allow(set, "dir", MAKE_REG | REMOVE_FILE | REFER | READ_FILE));
	CHECK_OK(allow(set, "other", MAKE_REG | REMOVE_FILE | REFER | READ_FILE | EXECUTE));
	CHECK_OK(allow(set, "third", MAKE_REG | REFER | READ_FILE));
	enforce(set);
	CHECK_ERRNO(rename("dir/file", "other/x"), EXDEV); /* it could be executed there */
	CHECK_ERRNO(link("dir/file", "other/x"), EXDEV);
	CHECK_OK(rename("other/file", "dir/x")); /* it may do less here */
	CHECK_OK(link("other/b", "dir/also"));
	CHECK_OK(link("dir/x", "third/x"));
	CHECK_ERRNO(rename("third/x", "dir/y"), EACCES);
	CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "dir/b", AT_FDCWD, "other/b", 2), EXDEV);
	CHECK_OK(syscall(SYS_renameat2, AT_FDCWD, "dir/b", AT_FDCWD, "dir/x", 2));
	CHECK_OK(rename("dir/x", "dir/sub/x"));
}

TEST_FORK(layers_add_up)
{
	int a, b;

	tree();
	a = CHECK_OK(make(READ_FILE | WRITE_FILE, 0, 0));
	CHECK_OK(allow(a, "dir", READ_FILE | WRITE_FILE));
	b = CHECK_OK(make(WRITE_FILE, 0, 0));
	CHECK_OK(allow(b, "dir/sub", WRITE_FILE));
	CHECK_OK(allow(b, "other", WRITE_FILE));
	enforce(a);
	CHECK_OK(try_open("dir/file", O_RDWR));
	enforce(b);
	CHECK_OK(try_open("dir/file", O_RDONLY)); /* the second does not handle it */
	CHECK_ERRNO(try_open("dir/file", O_RDWR), EACCES);
	CHECK_OK(try_open("dir/sub/file", O_RDWR));
	CHECK_ERRNO(try_open("other/file", O_WRONLY), EACCES);
	/* A rename is judged by a layer that has never heard of REFER too. */
	CHECK_ERRNO(rename("dir/file", "dir/sub/x"), EXDEV);
	IN_CHILD
	CHECK_ERRNO(try_open("other/file", O_WRONLY), EACCES);
}

TEST_FORK(rules_follow_the_directory)
{
	int set;

	tree();
	set = CHECK_OK(make(READ_FILE, 0, 0));
	CHECK_OK(allow(set, "dir", READ_FILE));
	IN_CHILD
	{
		enforce(dup(set));
		CHECK_OK(rename("dir", "moved"));
		CHECK_OK(try_open("moved/sub/file", O_RDONLY));
		CHECK_OK(mkdir("dir", 0755));
		CHECK_OK(try_open("dir/n", O_WRONLY | O_CREAT));
		CHECK_ERRNO(try_open("dir/n", O_RDONLY), EACCES);
	}
}

TEST_FORK(devices)
{
	int set, fd;

	set = CHECK_OK(make(IOCTL_DEV, 0, 0));
	enforce(set);
	fd = CHECK_OK(open("/dev/null", O_RDWR));
	CHECK_ERRNO(syscall(SYS_ioctl, fd, 0x5401, bad_ptr()), EACCES); /* TCGETS */
	CHECK_OK(syscall(SYS_ioctl, fd, 0x5451, 0));			/* FIOCLEX */
}

TEST_FORK(mounting)
{
	int set;

	NEED_CAP(21);
	tree();
	set = CHECK_OK(make(READ_DIR, 0, 0));
	enforce(set);
	CHECK_ERRNO(syscall(SYS_mount, "none", "dir", "tmpfs", 0, NULL), EPERM);
	CHECK_ERRNO(syscall(SYS_umount2, "/proc", 0), EPERM);
}

static int tcp(int (*call)(int, const struct sockaddr *, socklen_t), int family, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = family,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM, 0), r = call(s, (void *)&a, sizeof(a)), e = errno;

	close(s);
	errno = e;
	return r;
}

TEST_FORK(ports)
{
	struct sockaddr_in any = { .sin_family = AF_UNSPEC };
	int set, s, udp;

	set = CHECK_OK(make(0, BIND_TCP | CONNECT_TCP, 0));
	CHECK_OK(allow_port(set, 40123, BIND_TCP));
	CHECK_OK(allow_port(set, 1, CONNECT_TCP));
	enforce(set);
	CHECK_OK(tcp(bind, AF_INET, 40123));
	CHECK_ERRNO(tcp(bind, AF_INET, 40124), EACCES);
	CHECK_ERRNO(tcp(bind, AF_INET, 0), EACCES);
	CHECK_ERRNO(tcp(bind, AF_UNSPEC, 40123), EAFNOSUPPORT);
	CHECK_ERRNO(tcp(connect, AF_INET, 40123), EACCES);
	CHECK_ERRNO(tcp(connect, AF_INET, 1), ECONNREFUSED);
	CHECK_OK(tcp(connect, AF_UNSPEC, 40123));
	CHECK_ERRNO(tcp(connect, AF_INET6, 40123), EINVAL);
	s = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(bind(s, (void *)&any, 1), EINVAL);
	CHECK_ERRNO(bind(s, (void *)&any, sizeof(any)), EACCES);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	any.sin_family = AF_INET;
	CHECK_OK(bind(udp, (void *)&any, sizeof(any)));
}

TEST_FORK(tracing)
{
	int set = CHECK_OK(make(READ_FILE, 0, 0)), up[2];
	pid_t outside = abi_sleeper(), inside;
	char b;

	CHECK_OK(pipe(up));
	enforce(set);
	inside = abi_fork();
	if (!inside) {
		struct ruleset r = { READ_FILE, 0, 0, { 0 } };

		restrict_self(syscall(SYS_landlock_create_ruleset, &r, 8, 0));
		CHECK_ERRNO(ptrace(PTRACE_ATTACH, getppid(), 0, 0), EPERM);
		if (write(up[1], "", 1) != 1 || abi_fails)
			_exit(1);
		pause();
	}
	CHECK_ERRNO(ptrace(PTRACE_ATTACH, outside, 0, 0), EPERM);
	CHECK_EQ(read(up[0], &b, 1), 1);
	CHECK_OK(ptrace(PTRACE_ATTACH, inside, 0, 0));
	kill(inside, SIGKILL);
	kill(outside, SIGKILL);
	abi_wait(inside);
	abi_wait(outside);
}

TEST_FORK(scopes)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 12;
	int set = CHECK_OK(make(0, 0, 3)), before = socket(AF_UNIX, SOCK_DGRAM, 0), s;
	int hold[2];
	pid_t outside, inside;
	char b;

	CHECK_OK(pipe(hold));
	outside = abi_fork(); /* nobody here may kill it later */
	if (!outside) {
		close(hold[1]);
		_exit(read(hold[0], &b, 1) ? 1 : 0);
	}
	snprintf(a.sun_path + 1, 12, "ll%09d", getpid());
	CHECK_OK(bind(before, (void *)&a, len));
	enforce(set);
	inside = abi_sleeper();
	CHECK_ERRNO(kill(outside, 0), EPERM);
	CHECK_ERRNO(kill(outside, SIGCONT), EPERM);
	CHECK_OK(kill(inside, 0));
	CHECK_OK(kill(getpid(), 0));
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_ERRNO(connect(s, (void *)&a, len), EPERM);
	CHECK_ERRNO(sendto(s, "x", 1, 0, (void *)&a, len), EPERM);
	a.sun_path[1] = 'k';
	CHECK_OK(bind(s, (void *)&a, len));
	CHECK_OK(connect(s, (void *)&a, len));
	kill(inside, SIGKILL);
	abi_wait(inside);
	close(hold[1]);
	abi_reap(outside);
}
