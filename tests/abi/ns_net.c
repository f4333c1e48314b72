/* Network namespaces: a loopback of its own, ports, names, sockets that stay where they were made, rights, ends. */
#include "rtnl.h"
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/un.h>

static ino_t ino_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

static struct sockaddr_in loop4(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A listener on 127.0.0.1, *port 0: any. */
static int listener(int *port)
{
	struct sockaddr_in a = loop4(*port);
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (void *)&a, sizeof(a)) || listen(fd, 5) || getsockname(fd, (void *)&a, &len)) {
		len = errno;
		close(fd);
		return -(int)len;
	}
	*port = ntohs(a.sin_port);
	return fd;
}

static int connect_to(int port)
{
	struct sockaddr_in a = loop4(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), err = 0;

	if (connect(fd, (void *)&a, sizeof(a)))
		err = -errno;
	close(fd);
	return err;
}

static int bind_any(int family)
{
	struct sockaddr_in a4 = loop4(0);
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family, SOCK_DGRAM, 0), err = 0;

	if (family == AF_INET ? bind(fd, (void *)&a4, sizeof(a4))
			      : bind(fd, (void *)&a6, sizeof(a6)))
		err = -errno;
	close(fd);
	return err;
}

static int flags_of_lo(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), err = ioctl(fd, SIOCGIFFLAGS, &r);

	close(fd);
	return err ? -1 : r.ifr_flags & 0xffff;
}

static int in_child(int (*fn)(void *), void *arg)
{
	int st = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int r = fn(arg);

		_exit(abi_fails ? 99 : r);
	}
	waitpid(pid, &st, 0);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

/* ---- a new one ---- */

TEST_FORK(a_new_one_has_a_loopback_that_is_down)
{
	ino_t before = ino_of("/proc/self/ns/net");

	OWN_NETWORK();
	CHECK(ino_of("/proc/self/ns/net") != before);
	CHECK_EQ(interfaces(), 1);
	CHECK_EQ(if_nametoindex("lo"), 1);
	CHECK_EQ(flags_of_lo(), IFF_LOOPBACK);
	CHECK_EQ(bind_any(AF_INET), 0); /* nothing is foreign before there is an address */
	CHECK_EQ(bind_any(AF_INET6), -EADDRNOTAVAIL);
	CHECK_EQ(connect_to(80), -ENETUNREACH);
}

TEST_FORK(it_goes_up_with_its_addresses)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int port = 0, l, c, s;
	char b[8] = "";

	OWN_NETWORK();
	CHECK_EQ(set_up(1, 1), 0);
	CHECK_EQ(flags_of_lo(), IFF_LOOPBACK | IFF_UP | IFF_RUNNING);
	CHECK_EQ(bind_any(AF_INET), 0);
	CHECK_EQ(bind_any(AF_INET6), 0);
	l = listener(&port);
	CHECK(l >= 0);
	c = socket(AF_INET, SOCK_STREAM, 0);
	a = loop4(port);
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	s = accept(l, (void *)&a, &len);
	CHECK(s >= 0);
	CHECK_EQ(write(c, "hello", 5), 5);
	CHECK_EQ(read(s, b, sizeof(b)), 5);
	CHECK_EQ(write(s, b, 5), 5);
	CHECK_EQ(read(c, b, sizeof(b)), 5);
	CHECK(!memcmp(b, "hello", 5));
	CHECK_EQ(connect_to(port == 1 ? 2 : 1), -ECONNREFUSED);
	CHECK_EQ(set_up(1, 0), 0);
	CHECK_EQ(flags_of_lo(), IFF_LOOPBACK);
	CHECK_EQ(bind_any(AF_INET), 0);
	CHECK_EQ(bind_any(AF_INET6), -EADDRNOTAVAIL);
	CHECK_EQ(set_up(1, 1), 0);
	CHECK_EQ(bind_any(AF_INET), 0);
	CHECK_EQ(bind_any(AF_INET6), 0);
}

TEST_FORK(by_ioctl_too)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	OWN_NETWORK();
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &r));
	CHECK_EQ(bind_any(AF_INET), 0);
	strcpy(r.ifr_name, "none");
	CHECK_ERRNO(ioctl(fd, SIOCSIFFLAGS, &r), ENODEV);
	close(fd);
}

TEST_FORK(addresses)
{
	struct sockaddr_in a = loop4(0);
	int fd;

	OWN_NETWORK();
	/* As bubblewrap does it: the address first. */
	CHECK_EQ(change_addr(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, 1, "127.0.0.1", 8), 0);
	CHECK_EQ(change_addr(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, 1, "127.0.0.1", 8), -EEXIST);
	CHECK_EQ(change_addr(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, 1, "127.0.0.1", 8), 0);
	CHECK_EQ(set_up(1, 1), 0);
	CHECK_EQ(bind_any(AF_INET), 0);
	CHECK_EQ(change_addr(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, 1, "10.1.2.3", 32), 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	inet_aton("10.1.2.3", &a.sin_addr);
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	close(fd);
	CHECK_EQ(change_addr(RTM_DELADDR, 0, 1, "10.1.2.3", 32), 0);
	CHECK_EQ(change_addr(RTM_DELADDR, 0, 1, "10.1.2.3", 32), -EADDRNOTAVAIL);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_ERRNO(bind(fd, (void *)&a, sizeof(a)), EADDRNOTAVAIL);
	close(fd);
	CHECK_EQ(change_addr(RTM_NEWADDR, NLM_F_CREATE, 77, "10.1.2.3", 32), -ENODEV);
	CHECK_EQ(set_up(77, 1), -ENODEV);
}

/* ---- apart ---- */

static int other_side(void *arg)
{
	int *port = arg, fd;

	CHECK_OK(unshare(CLONE_NEWNET));
	CHECK_EQ(set_up(1, 1), 0);
	CHECK_EQ(connect_to(*port), -ECONNREFUSED);
	fd = listener(port); /* the same number, beside the other's */
	CHECK(fd >= 0);
	CHECK_EQ(connect_to(*port), 0);
	return 0;
}

TEST_FORK(ports_are_its_own)
{
	int port = 0, l;

	OWN_NETWORK();
	CHECK_EQ(set_up(1, 1), 0);
	l = listener(&port);
	CHECK(l >= 0);
	CHECK_EQ(in_child(other_side, &port), 0);
	CHECK_EQ(connect_to(port), 0);
	close(l);
}

static int name_abstract(int fd, const char *name,
			 int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path + 1, name);
	return call(fd, (void *)&a, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))
		       ? -errno
		       : 0;
}

static int other_names(void *arg)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	CHECK_OK(unshare(CLONE_NEWNET));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(name_abstract(fd, "ns_net", connect), -ECONNREFUSED);
	CHECK_EQ(name_abstract(fd, "ns_net", bind), 0);
	close(fd);
	/* A file's name is everybody's who sees the file. */
	strcpy(a.sun_path, arg);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_OK(connect(fd, (void *)&a, sizeof(a)));
	close(fd);
	return 0;
}

TEST_FORK(abstract_names_are_its_own)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, file;

	abi_tmpdir();
	OWN_NETWORK();
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(name_abstract(fd, "ns_net", bind), 0);
	CHECK_OK(listen(fd, 1));
	CHECK_OK(chdir(abi_tmp));
	strcpy(a.sun_path, "s");
	file = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_OK(bind(file, (void *)&a, sizeof(a)));
	CHECK_OK(listen(file, 1));
	CHECK_EQ(in_child(other_names, a.sun_path), 0);
	close(fd);
	close(file);
}

static int lines_of(const char *path)
{
	char line[512];
	FILE *f = fopen(path, "r");
	int n = -1;

	while (f && fgets(line, sizeof(line), f))
		n++;
	if (f)
		fclose(f);
	return n;
}

TEST_FORK(proc_shows_its_own)
{
	char path[64], b;
	int port = 0, l, to[2], from[2];
	pid_t pid;

	OWN_NETWORK();
	CHECK_EQ(set_up(1, 1), 0);
	l = listener(&port);
	CHECK(l >= 0);
	CHECK_EQ(lines_of("/proc/self/net/tcp"), 1);
	CHECK_OK(pipe(to));
	CHECK_OK(pipe(from));
	pid = fork();
	if (!pid) {
		CHECK_OK(unshare(CLONE_NEWNET));
		CHECK_EQ(lines_of("/proc/self/net/tcp"), 0);
		CHECK_EQ(lines_of("/proc/net/tcp"), 0);
		CHECK_EQ(lines_of("/proc/self/net/unix"), 0);
		CHECK_EQ(write(from[1], "x", 1), 1);
		CHECK_EQ(read(to[0], &b, 1), 1);
		_exit(abi_fails ? 1 : 0);
	}
	CHECK_EQ(read(from[0], &b, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/net/tcp", pid);
	CHECK_EQ(lines_of(path), 0);
	CHECK_EQ(lines_of("/proc/self/net/tcp"), 1);
	CHECK_EQ(write(to[1], "x", 1), 1);
	waitpid(pid, &port, 0);
	CHECK_EQ(port, 0);
}

static int read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY), n = -1;

	if (read(fd, text, sizeof(text) - 1) > 0)
		n = atoi(text);
	close(fd);
	return n;
}

#define FIRST_PORT "/proc/sys/net/ipv4/ip_unprivileged_port_start"

static int other_values(void *arg ABI_UNUSED)
{
	int fd;

	CHECK_OK(unshare(CLONE_NEWNET));
	CHECK_EQ(read_number(FIRST_PORT), 1024);
	fd = open(FIRST_PORT, O_WRONLY);
	CHECK_EQ(write(fd, "80", 2), 2);
	close(fd);
	CHECK_EQ(read_number(FIRST_PORT), 80);
	return 0;
}

TEST_FORK(values_are_its_own)
{
	OWN_NETWORK();
	CHECK_EQ(in_child(other_values, NULL), 0);
	CHECK_EQ(read_number(FIRST_PORT), 1024);
}

/* ---- sockets stay where they were made ---- */

TEST_FORK(a_socket_keeps_its_namespace)
{
	int port = 0, l, c, ns, fd, r;
	struct sockaddr_in a;
	ino_t first;

	OWN_NETWORK();
	CHECK_EQ(set_up(1, 1), 0);
	l = listener(&port);
	CHECK(l >= 0);
	c = socket(AF_INET, SOCK_STREAM, 0);
	first = ino_of("/proc/self/ns/net");
	ns = open("/proc/self/ns/net", O_RDONLY);
	CHECK_OK(unshare(CLONE_NEWNET));
	a = loop4(port);
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	fd = ioctl(c, SIOCGSKNS);
	CHECK(fd >= 0);
	if (fd >= 0) {
		struct stat st;

		CHECK_OK(fstat(fd, &st));
		CHECK_EQ(st.st_ino, first);
		CHECK_EQ(ioctl(fd, NS_GET_NSTYPE), CLONE_NEWNET);
		r = ioctl(fd, NS_GET_USERNS);
		CHECK(r >= 0);
		close(r);
		CHECK_ERRNO(ioctl(fd, NS_GET_PARENT), EINVAL);
		CHECK_ERRNO(setns(fd, CLONE_NEWUTS), EINVAL);
		close(fd);
	}
	CHECK_EQ(connect_to(port), -ENETUNREACH);
	CHECK_OK(setns(ns, CLONE_NEWNET));
	CHECK_EQ(ino_of("/proc/self/ns/net"), first);
	CHECK_EQ(connect_to(port), 0);
	close(ns);
	close(c);
	close(l);
}

/* A socket, and a file of the namespace, from a process that ends. */
static int send_fds(void *arg)
{
	int port = 0, fds[2];
	char buf[CMSG_SPACE(sizeof(fds))] = "";
	struct iovec v = { &port, sizeof(port) };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof(buf)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	CHECK_OK(unshare(CLONE_NEWNET));
	CHECK_EQ(set_up(1, 1), 0);
	fds[0] = listener(&port);
	fds[1] = open("/proc/self/ns/net", O_RDONLY);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	CHECK_EQ(sendmsg(*(int *)arg, &m, 0), sizeof(port));
	return 0;
}

TEST_FORK(kept_by_sockets_and_files)
{
	int sv[2], port = 0, fds[2] = { -1, -1 }, s;
	char buf[CMSG_SPACE(sizeof(fds))] = "";
	struct iovec v = { &port, sizeof(port) };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof(buf)
	};

	OWN_NETWORK();
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	CHECK_EQ(in_child(send_fds, &sv[1]), 0);
	CHECK_EQ(recvmsg(sv[0], &m, 0), sizeof(port));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fds));
	/* Nobody is in it; the listener listens there. */
	CHECK_OK(setns(fds[1], CLONE_NEWNET));
	close(fds[1]);
	CHECK_EQ(interfaces(), 1);
	CHECK_EQ(connect_to(port), 0);
	s = accept(fds[0], NULL, NULL);
	CHECK(s >= 0);
	close(s);
	close(fds[0]);
	CHECK_EQ(connect_to(port), -ECONNREFUSED);
}

/* ---- rights ---- */

TEST_FORK(not_without_a_right)
{
	int fd;

	if (geteuid())
		SKIP("needs root");
	fd = open("/proc/self/ns/net", O_RDONLY);
	CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	CHECK_ERRNO(unshare(CLONE_NEWNET), EPERM);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0), EPERM);
	CHECK_ERRNO(setns(fd, CLONE_NEWNET), EPERM);
	CHECK_EQ(set_up(1, 0), -EPERM);
	close(fd);
}

TEST_FORK(rights_are_those_of_its_user_namespace)
{
	int outer, fd, port = 80;

	if (geteuid())
		SKIP("needs root");
	outer = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER))
		SKIP("no user namespace here");
	/* Mighty there, and nobody over the network that was. */
	CHECK_EQ(set_up(1, 0), -EPERM);
	CHECK_ERRNO(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
	CHECK_OK(unshare(CLONE_NEWNET));
	CHECK_EQ(set_up(1, 1), 0);
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	CHECK(fd >= 0);
	close(fd);
	fd = listener(&port);
	CHECK(fd >= 0);
	close(fd);
	CHECK_ERRNO(ioctl(outer, SIOCGSKNS), EPERM);
	close(outer);
}

/* ---- ways and ends ---- */

static int by_clone(void)
{
	int st = -1;
	ino_t before = ino_of("/proc/self/ns/net");
	pid_t pid = syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		_exit(ino_of("/proc/self/ns/net") == before || interfaces() != 1);
	CHECK(pid > 0);
	waitpid(pid, &st, 0);
	return st;
}

TEST_FORK(clone_makes_one)
{
	NEED_CAP(CAP_SYS_ADMIN);
	CHECK_EQ(by_clone(), 0);
}

/* Connections that nobody has any more end with it. */
static int leave_connections(void *arg ABI_UNUSED)
{
	int port = 0, l, c[8];
	struct sockaddr_in a;

	CHECK_OK(unshare(CLONE_NEWNET));
	CHECK_EQ(set_up(1, 1), 0);
	l = listener(&port);
	CHECK(l >= 0);
	a = loop4(port);
	for (int i = 0; i < 8; i++) {
		c[i] = socket(AF_INET, SOCK_STREAM, 0);
		CHECK_OK(connect(c[i], (void *)&a, sizeof(a)));
		CHECK_EQ(write(c[i], "unread", 6), 6);
		if (i & 1)
			close(accept(l, NULL, NULL));
		if (i & 2)
			close(c[i]);
	}
	return 0;
}

TEST_FORK(many_one_after_another)
{
	int fd[60];

	OWN_NETWORK();
	for (int i = 0; i < 40; i++)
		CHECK_EQ(in_child(leave_connections, NULL), 0);
	for (int i = 0; i < 60; i++) {
		CHECK_OK(unshare(CLONE_NEWNET));
		fd[i] = open("/proc/self/ns/net", O_RDONLY);
	}
	CHECK_OK(setns(fd[7], CLONE_NEWNET));
	CHECK_EQ(set_up(1, 1), 0);
	CHECK_OK(setns(fd[8], CLONE_NEWNET));
	CHECK_EQ(flags_of_lo(), IFF_LOOPBACK);
	CHECK_OK(setns(fd[7], CLONE_NEWNET));
	CHECK_EQ(flags_of_lo(), IFF_LOOPBACK | IFF_UP | IFF_RUNNING);
	for (int i = 0; i < 60; i++)
		close(fd[i]);
}
