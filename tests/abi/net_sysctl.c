/* Numbers below /proc/sys/net: what may be written, and what sockets make of them. In a network namespace of its own. */
#include "own_ns.h"
#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

static char *get(const char *name)
{
	static char buf[128];
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = CHECK_OK(open(path, O_RDONLY));
	n = CHECK_OK(read(fd, buf, sizeof(buf) - 1));
	buf[n > 0 ? n : 0] = 0;
	buf[strcspn(buf, "\n")] = 0;
	close(fd);
	return buf;
}

static int set(const char *name, const char *value)
{
	char path[128];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = CHECK_OK(open(path, O_WRONLY));
	err = write(fd, value, strlen(value)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static int option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int n = -1;

	CHECK_OK(getsockopt(fd, level, name, &n, &len));
	return n;
}

TEST_FORK(numbers)
{
	OWN_NETWORK();
	loopback_up();
	CHECK_EQ(set("ipv4/tcp_keepalive_time", "1234\n"), 0);
	CHECK(!strcmp(get("ipv4/tcp_keepalive_time"), "1234"));
	CHECK_EQ(set("ipv4/tcp_keepalive_time", "many"), EINVAL);
	CHECK_EQ(set("ipv4/tcp_keepalive_probes", "256"), EINVAL);
	CHECK_EQ(set("ipv4/tcp_syn_retries", "0"), EINVAL);
	CHECK_EQ(set("ipv4/ip_local_port_range", "40000 40009"), 0);
	CHECK(!strcmp(get("ipv4/ip_local_port_range"), "40000\t40009"));
	CHECK_EQ(set("ipv4/ip_local_port_range", "50000 49999"), EINVAL);
	CHECK_EQ(set("ipv4/ip_local_port_range", "0 70000"), EINVAL);
	CHECK(!strcmp(get("ipv4/ip_local_port_range"), "40000\t40009"));
	CHECK_EQ(set("ipv4/tcp_rmem", "4096 50000 100000"), 0);
	CHECK(!strcmp(get("ipv4/tcp_rmem"), "4096\t50000\t100000"));
	CHECK_EQ(set("ipv4/tcp_fin_timeout", "30"), 0);
	CHECK_EQ(set("core/somaxconn", "-1"), EINVAL);
}

TEST_FORK(effects)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd, n = 1 << 20;

	OWN_NETWORK();
	loopback_up();
	fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 75);
	set("ipv4/tcp_keepalive_time", "1000");
	set("ipv4/tcp_keepalive_intvl", "12");
	set("ipv4/tcp_keepalive_probes", "3");
	set("ipv4/tcp_syn_retries", "2");
	set("ipv4/ip_default_ttl", "77");
	CHECK_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 1000);
	CHECK_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 12);
	CHECK_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
	CHECK_EQ(option(fd, IPPROTO_TCP, TCP_SYNCNT), 2);
	CHECK_EQ(option(fd, IPPROTO_IP, IP_TTL), 77);
	n = 55;
	CHECK_OK(setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &n, sizeof(n)));
	CHECK_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 55);
	close(fd);

	set("ipv4/tcp_rmem", "4096 50000 100000");
	fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_EQ(option(fd, SOL_SOCKET, SO_RCVBUF), 50000);

	set("ipv4/ip_local_port_range", "40000 40001");
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(fd, (void *)&a, &len));
	CHECK(ntohs(a.sin_port) == 40000 || ntohs(a.sin_port) == 40001);
	close(fd);

	fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	a.sin_port = 0;
	a.sin_addr.s_addr = inet_addr("192.0.2.1");
	CHECK_ERRNO(bind(fd, (void *)&a, sizeof(a)), EADDRNOTAVAIL);
	set("ipv4/ip_nonlocal_bind", "1");
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	close(fd);

	set("ipv6/bindv6only", "1");
	fd = CHECK_OK(socket(AF_INET6, SOCK_STREAM, 0));
	CHECK_EQ(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	close(fd);
}

TEST_FORK(privileges)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(80) };
	int fd;

	NEED_ROOT();
	OWN_NETWORK();
	loopback_up();
	CHECK_EQ(set("ipv4/ip_unprivileged_port_start", "80"), 0);
	CHECK_EQ(set("ipv4/ping_group_range", "1000 2000"), 0);
	CHECK_OK(setgroups(0, NULL));
	CHECK_OK(setresgid(5000, 5000, 5000));
	CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	CHECK_ERRNO(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), EACCES);
	fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	close(fd);
	a.sin_port = htons(79);
	fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_ERRNO(bind(fd, (void *)&a, sizeof(a)), EACCES);
	close(fd);
}

/* A connection that its socket has left ends in FIN_WAIT_2 after a time that the program chooses. */
TEST_FORK(fin_timeout)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	char line[256];
	int l, c, s, n = 1, found = 1;
	FILE *f;

	OWN_NETWORK();
	loopback_up();
	set("ipv4/tcp_fin_timeout", "1");
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(l, (void *)&a, sizeof(a)));
	CHECK_OK(listen(l, 1));
	CHECK_OK(getsockname(l, (void *)&a, &len));
	c = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(c, (void *)&a, sizeof(a)));
	s = CHECK_OK(accept(l, NULL, NULL));
	CHECK_OK(setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &n, sizeof(n)));
	close(c);
	/* The side that stays open gets a reset once the other one has forgotten. */
	for (int k = 0; k < 60 && found; k++) {
		found = 0;
		f = fopen("/proc/net/tcp", "r");
		while (f && fgets(line, sizeof(line), f))
			found |= !!strstr(line, " 05 ");
		if (f)
			fclose(f);
		if (found)
			usleep(100000);
	}
	CHECK_EQ(found, 0);
	usleep(found ? 0 : 1500000);
	CHECK_EQ(send(s, "x", 1, MSG_NOSIGNAL), 1);
	for (int k = 0; k < 100 && send(s, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1; k++)
		usleep(10000);
	CHECK_ERRNO(send(s, "x", 1, MSG_NOSIGNAL), EPIPE);
	close(s);
	close(l);
}

static const char *congestion(int fd)
{
	static char name[16];
	socklen_t len = sizeof(name);

	CHECK_OK(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	return name;
}

/* The algorithm of new sockets; those that are there keep theirs. */
TEST_FORK(congestion_control)
{
	char was[16];
	int before, after;

	OWN_NETWORK();
	snprintf(was, sizeof(was), "%s", get("ipv4/tcp_congestion_control"));
	before = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_EQ(set("ipv4/tcp_congestion_control", "reno\n"), 0);
	CHECK(!strcmp(get("ipv4/tcp_congestion_control"), "reno"));
	after = CHECK_OK(socket(AF_INET6, SOCK_STREAM, 0));
	CHECK_STR(congestion(before), was);
	CHECK_STR(congestion(after), "reno");
	CHECK_EQ(set("ipv4/tcp_congestion_control", "nobody's"), ENOENT);
	CHECK(!strcmp(get("ipv4/tcp_congestion_control"), "reno"));
	CHECK_EQ(set("ipv4/tcp_base_mss", "512"), 0);
	CHECK(!strcmp(get("ipv4/tcp_base_mss"), "512"));
	CHECK_EQ(set("ipv4/tcp_mtu_probing", "2"), 0);
	CHECK(!strcmp(get("ipv4/tcp_mtu_probing"), "2"));
	close(before);
	close(after);
}
