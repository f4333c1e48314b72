/* Who is at the other end: SCM_CREDENTIALS, SO_PASSCRED, SO_PEERCRED, SO_PEERGROUPS, pidfds of peers. */
#include "abi.h"
#include <grp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

union control {
	char space[256];
	struct cmsghdr align;
};

static ssize_t send_creds(int s, const struct ucred *u, size_t len)
{
	union control c;
	struct iovec v = { "x", 1 };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = CMSG_SPACE(len)
	};

	memset(&c, 0, sizeof(c));
	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = SCM_CREDENTIALS;
	c.align.cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(&c.align), u, len < sizeof(*u) ? len : sizeof(*u));
	return sendmsg(s, &m, 0);
}

/* The control messages that came, as a string: C credentials (to *u), P pidfd (to *fd), ? others. */
static const char *recv_control(int s, struct ucred *u, int *fd, size_t *n)
{
	static char kinds[8];
	union control c;
	char b[16];
	struct iovec v = { b, sizeof(b) };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)
	};
	int k = 0;

	*n = (size_t)CHECK_OK(recvmsg(s, &m, 0));
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h && k < 7; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_type == SCM_CREDENTIALS) {
			kinds[k++] = 'C';
			memcpy(u, CMSG_DATA(h), sizeof(*u));
		} else if (h->cmsg_type == SCM_PIDFD) {
			kinds[k++] = 'P';
			memcpy(fd, CMSG_DATA(h), sizeof(*fd));
		} else {
			kinds[k++] = '?';
		}
	}
	kinds[k] = 0;
	return kinds;
}

static int on = 1, off;

TEST(passcred)
{
	struct ucred u;
	int s[2], fd, v;
	socklen_t len = 4;
	size_t n;

	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	CHECK_EQ(write(s[0], "x", 1), 1);
	CHECK_STR(recv_control(s[1], &u, &fd, &n), "");
	CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, 4));
	CHECK_OK(getsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &v, &len));
	CHECK_EQ(v, 1);
	CHECK_EQ(write(s[0], "x", 1), 1);
	CHECK_STR(recv_control(s[1], &u, &fd, &n), "C");
	CHECK_EQ(u.pid, getpid());
	CHECK_EQ(u.uid, getuid());
	CHECK_EQ(u.gid, getgid());
	/* Sent before anybody asked: nobody. */
	CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &off, 4));
	CHECK_EQ(write(s[0], "x", 1), 1);
	CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, 4));
	CHECK_STR(recv_control(s[1], &u, &fd, &n), "C");
	CHECK_EQ(u.pid, 0);
	CHECK_EQ(u.uid, 65534);
	/* No room for them, or nowhere to put them. */
	struct iovec iv = { &v, 1 };
	struct msghdr m = { .msg_iov = &iv, .msg_iovlen = 1 };
	CHECK_EQ(write(s[0], "x", 1), 1);
	CHECK_EQ(recvmsg(s[1], &m, 0), 1);
	CHECK_EQ(m.msg_flags, MSG_CTRUNC);
	union control c;
	m.msg_control = &c;
	m.msg_controllen = CMSG_LEN(4);
	CHECK_EQ(write(s[0], "x", 1), 1);
	CHECK_EQ(recvmsg(s[1], &m, 0), 1);
	CHECK_EQ(m.msg_flags, MSG_CTRUNC);
	CHECK_EQ(c.align.cmsg_len, CMSG_LEN(4));
	CHECK_EQ(m.msg_controllen, CMSG_LEN(4));
	close(s[0]);
	close(s[1]);
	s[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERRNO(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, 3), EINVAL);
	close(s[0]);
}

/* A stream is not read past a change of who wrote. */
TEST(stream_boundaries)
{
	struct ucred u;
	int s[2], fd;
	size_t n;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, 4));
	CHECK_EQ(write(s[0], "ab", 2), 2);
	CHECK_EQ(write(s[0], "cd", 2), 2);
	pid_t p = abi_fork();
	if (p == 0) {
		CHECK_EQ(write(s[0], "e", 1), 1);
		abi_exit();
	}
	abi_reap(p);
	CHECK_STR(recv_control(s[1], &u, &fd, &n), "C");
	CHECK_EQ(n, 4);
	CHECK_EQ(u.pid, getpid());
	CHECK_STR(recv_control(s[1], &u, &fd, &n), "C");
	CHECK_EQ(n, 1);
	CHECK_EQ(u.pid, p);
	close(s[0]);
	close(s[1]);
}

TEST(explicit)
{
	struct ucred u = { getpid(), getuid(), getgid() }, got;
	int s[2], fd;
	size_t n;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, 4));
	CHECK_EQ(send_creds(s[0], &u, sizeof(u)), 1);
	CHECK_STR(recv_control(s[1], &got, &fd, &n), "C");
	CHECK_EQ(memcmp(&u, &got, sizeof(u)), 0);
	CHECK_ERRNO(send_creds(s[0], &u, 4), EINVAL);
	if (abi_cap(21)) { /* CAP_SYS_ADMIN */
		u.pid = 1;
		CHECK_EQ(send_creds(s[0], &u, sizeof(u)), 1);
		u.pid = 0x3ffffff;
		CHECK_ERRNO(send_creds(s[0], &u, sizeof(u)), ESRCH);
	}
	if (getuid() == 0) {
		IN_CHILD_AS(NOBODY)
		{
			struct ucred c = { getpid(), NOBODY, NOBODY };

			CHECK_EQ(send_creds(s[0], &c, sizeof(c)), 1);
			c.uid = 0;
			CHECK_ERRNO(send_creds(s[0], &c, sizeof(c)), EPERM);
			c.uid = NOBODY;
			c.gid = 0;
			CHECK_ERRNO(send_creds(s[0], &c, sizeof(c)), EPERM);
			c.gid = NOBODY;
			c.pid = 1;
			CHECK_ERRNO(send_creds(s[0], &c, sizeof(c)), EPERM);
		}
	}
	close(s[0]);
	close(s[1]);
}

TEST(peercred)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t alen = (socklen_t)(3 + sprintf(a.sun_path + 1, "moat%dpeer", (int)getpid())), len;
	int s[2], l = socket(AF_UNIX, SOCK_STREAM, 0), c;
	struct ucred u = { 1, 1, 1 };
	pid_t p;

	len = sizeof(u);
	CHECK_OK(getsockopt(l, SOL_SOCKET, SO_PEERCRED, &u, &len));
	CHECK_EQ(u.pid, 0);
	CHECK_EQ(u.uid, -1U);
	CHECK_EQ(u.gid, -1U);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	len = 100;
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &len));
	CHECK_EQ(len, sizeof(u));
	CHECK_EQ(u.pid, getpid());
	CHECK_EQ(u.uid, geteuid());
	len = 4;
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &len));
	CHECK_EQ(len, 4);
	CHECK_ERRNO(setsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, sizeof(u)), ENOPROTOOPT);
	close(s[0]);
	close(s[1]);
	CHECK_OK(bind(l, (void *)&a, alen));
	CHECK_OK(listen(l, 1));
	p = abi_fork();
	if (p == 0) {
		c = socket(AF_UNIX, SOCK_STREAM, 0);
		CHECK_OK(connect(c, (void *)&a, alen));
		len = sizeof(u);
		CHECK_OK(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &len));
		CHECK_EQ(u.pid, getppid()); /* who called listen */
		abi_exit();
	}
	c = CHECK_OK(accept(l, NULL, NULL));
	len = sizeof(u);
	CHECK_OK(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &len));
	CHECK_EQ(u.pid, p);
	abi_reap(p);
	close(c);
	close(l);
}

TEST(peergroups)
{
	gid_t mine[64], theirs[64];
	int s[2], n = getgroups(64, mine);
	socklen_t len = sizeof(theirs);

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, theirs, &len));
	CHECK_EQ(len, n * sizeof(gid_t));
	CHECK_EQ(memcmp(mine, theirs, len), 0);
	if (getuid() == 0) {
		IN_CHILD
		{
			gid_t three[3] = { 11, 22, 33 };

			CHECK_OK(setgroups(3, three));
			CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
			len = 4;
			CHECK_ERRNO(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, theirs, &len),
				    ERANGE);
			CHECK_EQ(len, 12);
			CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, theirs, &len));
			CHECK_EQ(theirs[2], 33);
		}
	}
	close(s[0]);
	close(s[1]);
	s[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERRNO(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, theirs, &len), ENODATA);
	close(s[0]);
}

static int pid_of(int pidfd)
{
	char path[64], line[128];
	int pid = -1;
	FILE *f;

	sprintf(path, "/proc/self/fdinfo/%d", pidfd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "Pid: %d", &pid);
	if (f)
		fclose(f);
	return pid;
}

TEST(pidfds)
{
	struct ucred u;
	int s[2], fd = -1;
	socklen_t len = sizeof(fd);
	size_t n;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	if (getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &len) && errno == ENOPROTOOPT)
		SKIP("no SO_PEERPIDFD here");
	CHECK_EQ(pid_of(fd), getpid());
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSPIDFD, &on, 4));
	CHECK_EQ(write(s[0], "x", 1), 1);
	CHECK_STR(recv_control(s[1], &u, &fd, &n), "P");
	CHECK_EQ(pid_of(fd), getpid());
	close(fd);
	CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, 4));
	CHECK_EQ(write(s[0], "x", 1), 1);
	CHECK_STR(recv_control(s[1], &u, &fd, &n), "CP");
	close(fd);
	close(s[0]);
	close(s[1]);
	s[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	len = sizeof(fd);
	CHECK_ERRNO(getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &len), ENODATA);
	close(s[0]);
}

/* Who wants credentials has a name, for the answers. */
TEST(autobind_for_answers)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t alen = (socklen_t)(3 + sprintf(a.sun_path + 1, "moat%dauto", (int)getpid())),
		  len = sizeof(a);
	int s = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0);

	CHECK_OK(bind(s, (void *)&a, alen));
	CHECK_OK(setsockopt(c, SOL_SOCKET, SO_PASSCRED, &on, 4));
	CHECK_EQ(sendto(c, "x", 1, 0, (void *)&a, alen), 1);
	CHECK_OK(getsockname(c, (void *)&a, &len));
	CHECK_EQ(len, 8);
	close(s);
	close(c);
}

static void put(const char *file, const char *line)
{
	int fd = CHECK_OK(open(file, O_WRONLY));

	CHECK_EQ(write(fd, line, strlen(line)), (ssize_t)strlen(line));
	close(fd);
}

/* Ids are those of whoever gives or gets them: 5 and 6 here are what 0 is outside. */
TEST_FORK(user_namespace)
{
	socklen_t len = sizeof(struct ucred);
	struct ucred u;
	int s[2], fd;
	size_t n;

	if (geteuid() != 0 || unshare(CLONE_NEWUSER) < 0)
		SKIP("cannot make a user namespace");
	put("/proc/self/uid_map", "5 0 1");
	put("/proc/self/setgroups", "deny");
	put("/proc/self/gid_map", "6 0 1");
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, 4));
	CHECK_EQ(write(s[0], "x", 1), 1);
	CHECK_STR(recv_control(s[1], &u, &fd, &n), "C");
	CHECK_EQ(u.uid, 5);
	CHECK_EQ(u.gid, 6);
	u = (struct ucred){ getpid(), 5, 6 };
	CHECK_EQ(send_creds(s[0], &u, sizeof(u)), 1);
	u.uid = 7; /* nobody's */
	CHECK_ERRNO(send_creds(s[0], &u, sizeof(u)), EINVAL);
	memset(&u, 0, sizeof(u));
	CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &len));
	CHECK_EQ(u.uid, 5);
	CHECK_EQ(u.gid, 6);
}

static void map_root(const char *map, unsigned id)
{
	FILE *f = fopen(map, "w");

	if (CHECK(f)) {
		fprintf(f, "0 %u 1", id);
		CHECK_EQ(fclose(f), 0);
	}
}

/* Who is root of a pid namespace may name any process in it. */
TEST_FORK(root_of_a_pid_namespace_names_another)
{
	unsigned uid = geteuid(), gid = getegid();
	int status, fd;
	pid_t first;

	if (unshare(CLONE_NEWUSER | CLONE_NEWPID))
		SKIP("no user namespace here");
	fd = CHECK_OK(open("/proc/self/setgroups", O_WRONLY));
	CHECK_EQ(write(fd, "deny", 4), 4);
	close(fd);
	map_root("/proc/self/uid_map", uid);
	map_root("/proc/self/gid_map", gid);
	first = CHECK_OK(fork());
	if (!first) {
		struct ucred u = { .uid = getuid(), .gid = getgid() };
		int s[2];

		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s))
			_exit(1);
		u.pid = fork();
		if (!u.pid)
			_exit(pause());
		status = send_creds(s[0], &u, sizeof(u)) == 1 ? 0 : errno;
		kill(u.pid, SIGKILL);
		_exit(status);
	}
	CHECK_EQ(waitpid(first, &status, 0), first);
	CHECK_EQ(status, 0);
}
