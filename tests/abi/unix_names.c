/* Names of AF_UNIX sockets: files, abstract names, autobind; rights; /proc/net/unix. */
#include "abi.h"
#include <sys/socket.h>
#include <sys/un.h>

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

static struct sockaddr_un *file_name(const char *path)
{
	static struct sockaddr_un a;

	memset(&a, 0, sizeof(a));
	a.sun_family = AF_UNIX;
	strcpy(a.sun_path, path);
	return &a;
}

static int bind_to(int fd, const char *path)
{
	return bind(fd, (void *)file_name(path), (socklen_t)(PATH_AT + strlen(path) + 1));
}

static int connect_to(int fd, const char *path)
{
	return connect(fd, (void *)file_name(path), (socklen_t)(PATH_AT + strlen(path) + 1));
}

static int sock(int type)
{
	return CHECK_OK(socket(AF_UNIX, type, 0));
}

TEST(file_names)
{
	struct sockaddr_un got;
	socklen_t n = sizeof(got);
	struct stat st;
	int s, c;

	abi_tmpdir();
	s = sock(SOCK_STREAM);
	umask(022);
	CHECK_OK(bind_to(s, "sock"));
	CHECK_OK(getsockname(s, (void *)&got, &n));
	CHECK_EQ(n, PATH_AT + 5);
	CHECK_STR(got.sun_path, "sock");
	CHECK_OK(stat("sock", &st));
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_EQ(st.st_mode & 07777, 0755);
	CHECK_ERRNO(open("sock", O_RDWR), ENXIO);
	CHECK_ERRNO(bind_to(s, "other"), EINVAL);
	CHECK_ERRNO(bind_to(s, "sock"), EADDRINUSE);
	c = sock(SOCK_STREAM);
	CHECK_ERRNO(bind_to(c, "sock"), EADDRINUSE);
	CHECK_ERRNO(bind_to(c, "no/where"), ENOENT);
	close(abi_file("plain", "", 0644));
	CHECK_ERRNO(bind_to(c, "plain/x"), ENOTDIR);
	CHECK_ERRNO(bind_to(c, "plain"), EADDRINUSE);
	CHECK_ERRNO(connect_to(c, "sock"), ECONNREFUSED); /* it does not listen */
	CHECK_ERRNO(connect_to(c, "plain"), ECONNREFUSED);
	CHECK_ERRNO(connect_to(c, "missing"), ENOENT);
	CHECK_ERRNO(connect_to(c, "plain/x"), ENOTDIR);
	CHECK_OK(listen(s, 3));
	CHECK_OK(symlink("sock", "link"));
	CHECK_OK(connect_to(c, "link"));
	n = sizeof(got);
	CHECK_OK(getpeername(c, (void *)&got, &n));
	CHECK_STR(got.sun_path, "sock");
	close(c);
	int d = sock(SOCK_DGRAM);
	CHECK_ERRNO(connect_to(d, "sock"), EPROTOTYPE);
	CHECK_ERRNO(sendto(d, "x", 1, 0, (void *)file_name("sock"), PATH_AT + 5), EPROTOTYPE);
	close(d);
	/* The name moves with the file. */
	CHECK_OK(rename("sock", "moved"));
	c = sock(SOCK_STREAM);
	CHECK_ERRNO(connect_to(c, "sock"), ENOENT);
	CHECK_OK(connect_to(c, "moved"));
	close(c);
	CHECK_OK(unlink("moved"));
	c = sock(SOCK_STREAM);
	CHECK_ERRNO(connect_to(c, "moved"), ENOENT);
	CHECK_OK(bind_to(c, "moved"));
	close(s);
	CHECK_EQ(access("moved", F_OK), 0);
	close(c);
	c = sock(SOCK_STREAM);
	CHECK_EQ(access("moved", F_OK), 0); /* the file stays */
	CHECK_ERRNO(connect_to(c, "moved"), ECONNREFUSED);
	close(c);
	CHECK_OK(mknod("node", S_IFSOCK | 0666, 0));
	c = sock(SOCK_STREAM);
	CHECK_ERRNO(connect_to(c, "node"), ECONNREFUSED);
	close(c);
}

TEST(mode_of_the_file)
{
	struct stat st;
	int s = sock(SOCK_STREAM);

	abi_tmpdir();
	umask(027);
	CHECK_OK(fchmod(s, 0666));
	CHECK_OK(bind_to(s, "moded"));
	umask(022);
	CHECK_OK(stat("moded", &st));
	CHECK_EQ(st.st_mode & 0777, 0640);
	close(s);
}

TEST(longest)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char got[200];
	socklen_t n = sizeof(got);
	int s = sock(SOCK_STREAM), c = sock(SOCK_STREAM);

	abi_tmpdir();
	memset(a.sun_path, 'p', 108); /* no NUL */
	CHECK_OK(bind(s, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(s, (void *)got, &n));
	CHECK_EQ(n, PATH_AT + 109);
	CHECK_EQ(strlen(got + PATH_AT), 108);
	CHECK_OK(listen(s, 1));
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	close(s);
	close(c);
	s = sock(SOCK_STREAM);
	CHECK_ERRNO(bind(s, (void *)&a, sizeof(a) + 1), EINVAL);
	CHECK_ERRNO(bind(s, (void *)&a, 1), EINVAL);
	CHECK_ERRNO(bind(s, (void *)&a, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_bind, s, bad_ptr(), 10), EFAULT);
	a.sun_family = AF_INET;
	CHECK_ERRNO(bind(s, (void *)&a, 10), EINVAL);
	close(s);
}

TEST(rights)
{
	int s;

	NEED_ROOT();
	abi_tmpdir();
	s = sock(SOCK_STREAM);
	CHECK_OK(bind_to(s, "private"));
	CHECK_OK(listen(s, 5));
	CHECK_OK(chmod("private", 0700));
	CHECK_OK(mkdir("closed", 0700));
	IN_CHILD_AS(NOBODY)
	{
		int c = sock(SOCK_STREAM);

		CHECK_ERRNO(connect_to(c, "private"), EACCES);
		CHECK_ERRNO(connect_to(c, "closed/x"), EACCES);
		CHECK_ERRNO(bind_to(c, "new"), EACCES);
	}
	CHECK_OK(chmod("private", 0702));
	IN_CHILD_AS(NOBODY)
	{
		CHECK_OK(connect_to(sock(SOCK_STREAM), "private")); /* writing is enough */
	}
	close(s);
}

TEST(abstract)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX }, got;
	socklen_t len = (socklen_t)(PATH_AT + 1 + sprintf(a.sun_path + 1, "moat%d", (int)getpid()));
	socklen_t n = sizeof(got);
	int s = sock(SOCK_STREAM), c = sock(SOCK_STREAM);

	CHECK_OK(bind(s, (void *)&a, len));
	CHECK_OK(listen(s, 5));
	CHECK_ERRNO(bind(c, (void *)&a, len), EADDRINUSE);
	int d = sock(SOCK_DGRAM);
	CHECK_ERRNO(connect(d, (void *)&a, len), ECONNREFUSED);
	CHECK_OK(bind(d, (void *)&a, len)); /* each type has its own */
	close(d);
	CHECK_ERRNO(connect(c, (void *)&a, len + 1), ECONNREFUSED); /* NULs count */
	CHECK_OK(connect(c, (void *)&a, len));
	CHECK_OK(getpeername(c, (void *)&got, &n));
	CHECK_EQ(n, len);
	close(s);
	close(c);
	s = sock(SOCK_STREAM);
	CHECK_OK(bind(s, (void *)&a, len)); /* free again */
	close(s);
}

TEST(autobind)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX }, got;
	socklen_t n = sizeof(got);
	int s = sock(SOCK_STREAM), c = sock(SOCK_STREAM);

	CHECK_OK(bind(s, (void *)&a, 2));
	CHECK_OK(getsockname(s, (void *)&got, &n));
	CHECK_EQ(n, PATH_AT + 6);
	CHECK_EQ(got.sun_path[0], 0);
	CHECK_EQ(strspn(got.sun_path + 1, "0123456789abcdef") >= 5, 1);
	CHECK_OK(listen(s, 1));
	CHECK_OK(connect(c, (void *)&got, n));
	n = sizeof(got);
	CHECK_OK(getsockname(c, (void *)&got, &n));
	CHECK_EQ(n, 2);
	close(s);
	close(c);
}

TEST(listed)
{
	char line[256], want[64];
	int s = sock(SOCK_STREAM), found = 0;
	unsigned ino;
	struct stat st;
	FILE *f;

	abi_tmpdir();
	CHECK_OK(bind_to(s, "listed"));
	CHECK_OK(listen(s, 1));
	CHECK_OK(fstat(s, &st));
	f = fopen("/proc/net/unix", "r");
	REQUIRE(f);
	REQUIRE(fgets(line, sizeof(line), f));
	CHECK_STR(line, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, " listed\n"))
			continue;
		found++;
		CHECK_EQ(sscanf(line, "%*[^:]: %*x %*x 00010000 0001 01 %u %63s", &ino, want), 2);
		CHECK_EQ(ino, st.st_ino);
	}
	CHECK_EQ(found, 1);
	fclose(f);
	close(s);
}
