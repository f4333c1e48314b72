/* NETLINK_SOCK_DIAG: dumps of TCP, UDP and AF_UNIX sockets, filters, and asking for one. */
#include "own_ns.h"
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/un.h>

#define ESTABLISHED 1
#define CLOSE	    7
#define LISTEN	    10

static char buf[65536];

struct inet_request {
	struct nlmsghdr h;
	struct inet_diag_req_v2 q;
	char more[64];
};

struct found {
	unsigned short port; /* the one that is looked for */
	unsigned count;
	struct inet_diag_msg m; /* the last one */
	struct tcp_info info;
	unsigned char shutdown;
	char cong[16];
	bool meminfo;
};

static unsigned inode_of(int fd)
{
	struct stat st;

	CHECK_OK(fstat(fd, &st));
	return (unsigned)st.st_ino;
}

static void parse(const struct nlmsghdr *h, void *arg)
{
	struct found *f = arg;
	struct inet_diag_msg m;
	const struct rtattr *a = (void *)((char *)h + NLMSG_SPACE(sizeof(m)));
	int left = (int)(h->nlmsg_len - NLMSG_SPACE(sizeof(m)));

	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	if (ntohs(m.id.idiag_sport) != f->port)
		return;
	f->count++;
	f->m = m;
	for (; left >= 4 && a->rta_len >= 4 && a->rta_len <= left; a = RTA_NEXT(a, left)) {
		size_t n = a->rta_len - 4u;

		if (a->rta_type == INET_DIAG_INFO)
			memcpy(&f->info, RTA_DATA(a), n < sizeof(f->info) ? n : sizeof(f->info));
		if (a->rta_type == INET_DIAG_SHUTDOWN)
			memcpy(&f->shutdown, RTA_DATA(a), 1);
		if (a->rta_type == INET_DIAG_CONG)
			snprintf(f->cong, sizeof(f->cong), "%s", (char *)RTA_DATA(a));
		if (a->rta_type == INET_DIAG_SKMEMINFO)
			f->meminfo = n >= 8 * 4;
	}
}

/* Sends a request; each socket of the answer goes to `each`. 0 or the answer's -errno. */
static int exchange(struct nlmsghdr *r, void (*each)(const struct nlmsghdr *, void *), void *arg)
{
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
	bool more = true;
	int err = 0;

	r->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	r->nlmsg_flags |= NLM_F_REQUEST;
	CHECK_EQ(send(fd, r, r->nlmsg_len, 0), (ssize_t)r->nlmsg_len);
	while (more) {
		ssize_t n = CHECK_OK(recv(fd, buf, sizeof(buf), 0));
		unsigned left = (unsigned)n;

		if (n <= 0)
			break;
		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_type == NLMSG_ERROR)
				err = ((struct nlmsgerr *)NLMSG_DATA(h))->error;
			if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY)
				each(h, arg);
			if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || !(r->nlmsg_flags & NLM_F_DUMP))
				more = false;
		}
	}
	close(fd);
	return err;
}

/* What comes back for the sockets on this local port. */
static int ask(struct inet_request *r, unsigned short port, struct found *f)
{
	*f = (struct found){ .port = port };
	if (!r->h.nlmsg_len)
		r->h.nlmsg_len = NLMSG_LENGTH(sizeof(r->q));
	return exchange(&r->h, parse, f);
}

static struct inet_request dump_of(int family, int protocol, unsigned states)
{
	return (struct inet_request){
		.h.nlmsg_flags = NLM_F_DUMP,
		.q = { .sdiag_family = (unsigned char)family,
		       .sdiag_protocol = (unsigned char)protocol,
		       .idiag_states = states },
	};
}

static int bound(int type, unsigned short *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = CHECK_OK(socket(AF_INET, type, 0));

	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(fd, (void *)&a, &len));
	*port = ntohs(a.sin_port);
	return fd;
}

static int connected_to(unsigned short port, unsigned short *own)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	socklen_t len = sizeof(a);
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_OK(connect(fd, (void *)&a, sizeof(a)));
	CHECK_OK(getsockname(fd, (void *)&a, &len));
	*own = ntohs(a.sin_port);
	return fd;
}

TEST(tcp)
{
	struct inet_request r = dump_of(AF_INET, IPPROTO_TCP, ~0u);
	unsigned short port, own;
	struct found f;
	int l = bound(SOCK_STREAM, &port), c, a;

	CHECK_EQ(ask(&r, port, &f), 0);
	CHECK_OK(listen(l, 5));
	CHECK_EQ(ask(&r, port, &f), 0);
	CHECK_EQ(f.count, 1);
	CHECK_EQ(f.m.idiag_state, LISTEN);
	CHECK_EQ(f.m.idiag_family, AF_INET);
	CHECK_EQ(f.m.id.idiag_src[0], htonl(INADDR_LOOPBACK));
	CHECK_EQ(f.m.id.idiag_dport, 0);
	CHECK_EQ(f.m.idiag_inode, inode_of(l));
	CHECK_EQ(f.m.idiag_rqueue, 0);
	CHECK_EQ(f.m.idiag_wqueue, 5);
	CHECK_EQ(f.m.idiag_uid, getuid());

	c = connected_to(port, &own);
	r.q.idiag_states = 1 << LISTEN;
	CHECK_EQ(ask(&r, port, &f), 0);
	CHECK_EQ(f.m.idiag_rqueue, 1); /* waits to be accepted */
	CHECK_EQ(ask(&r, own, &f), 0);
	CHECK_EQ(f.count, 0);

	a = CHECK_OK(accept(l, NULL, NULL));
	CHECK_EQ(write(c, "hello", 5), 5);
	r.q.idiag_states = 1 << ESTABLISHED;
	CHECK_EQ(ask(&r, own, &f), 0);
	CHECK_EQ(f.count, 1);
	CHECK_EQ(f.m.idiag_inode, inode_of(c));
	CHECK_EQ(ntohs(f.m.id.idiag_dport), port);
	CHECK_EQ(f.m.id.idiag_dst[0], htonl(INADDR_LOOPBACK));
	CHECK_EQ(ask(&r, port, &f), 0);
	CHECK_EQ(f.count, 1); /* the listener is not asked for */
	CHECK_EQ(f.m.idiag_inode, inode_of(a));
	CHECK_EQ(f.m.idiag_rqueue, 5);
	CHECK_EQ(f.info.tcpi_state, 0); /* not asked for */

	r.q.idiag_ext = 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1) |
			1 << (INET_DIAG_SKMEMINFO - 1);
	CHECK_OK(shutdown(a, SHUT_RD));
	CHECK_EQ(ask(&r, port, &f), 0);
	CHECK_EQ(f.info.tcpi_state, ESTABLISHED);
	CHECK(f.info.tcpi_snd_mss > 500);
	CHECK(f.cong[0]);
	CHECK(f.meminfo);
	CHECK_EQ(f.shutdown, 1);
	close(c);
	close(a);
	close(l);
}

/* Ports that no other program has; who is not privileged shares them. */
static void own_network(void)
{
	if (!unshare(CLONE_NEWNET))
		loopback_up();
}

TEST_FORK(ports_and_programs)
{
	struct inet_request r = dump_of(AF_INET, IPPROTO_TCP, ~0u);
	struct {
		struct rtattr a;
		struct inet_diag_bc_op op[2];
	} code = { { sizeof(code), INET_DIAG_REQ_BYTECODE }, { { INET_DIAG_BC_S_GE, 8, 12 } } };
	unsigned short port, own;
	struct found f;
	int l, c;

	own_network();
	l = bound(SOCK_STREAM, &port);
	CHECK_OK(listen(l, 5));
	c = connected_to(port, &own);
	r.q.id.idiag_sport = htons(own);
	CHECK_EQ(ask(&r, port, &f), 0);
	CHECK_EQ(f.count, 0);
	CHECK_EQ(ask(&r, own, &f), 0);
	CHECK_EQ(f.count, 1);
	r.q.id.idiag_sport = 0;
	r.q.id.idiag_dport = htons(port);
	CHECK_EQ(ask(&r, own, &f), 0);
	CHECK_EQ(f.count, 1);
	r.q.id.idiag_dport = 0;

	/* sport >= N */
	r.h.nlmsg_len = NLMSG_LENGTH(sizeof(r.q)) + sizeof(code);
	code.op[1].no = own;
	memcpy(r.more, &code, sizeof(code));
	CHECK_EQ(ask(&r, own, &f), 0);
	CHECK_EQ(f.count, 1);
	code.op[1].no = (unsigned short)(own + 1);
	memcpy(r.more, &code, sizeof(code));
	CHECK_EQ(ask(&r, own, &f), 0);
	CHECK_EQ(f.count, 0);
	close(c);
	close(l);
}

TEST(one)
{
	struct inet_request r = dump_of(AF_INET, IPPROTO_TCP, ~0u);
	unsigned long long cookie;
	unsigned short port, own;
	socklen_t len = sizeof(cookie);
	struct found f;
	int l = bound(SOCK_STREAM, &port), c;

	CHECK_OK(listen(l, 5));
	c = connected_to(port, &own);
	r.h.nlmsg_flags = 0;
	r.q.id.idiag_sport = htons(own);
	r.q.id.idiag_dport = htons(port);
	r.q.id.idiag_src[0] = r.q.id.idiag_dst[0] = htonl(INADDR_LOOPBACK);
	r.q.id.idiag_cookie[0] = r.q.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	CHECK_EQ(ask(&r, own, &f), 0);
	CHECK_EQ(f.count, 1);
	CHECK_EQ(f.m.idiag_inode, inode_of(c));
	CHECK_OK(getsockopt(c, SOL_SOCKET, SO_COOKIE, &cookie, &len));
	CHECK_EQ(len, sizeof(cookie));
	CHECK_EQ(f.m.id.idiag_cookie[0], (unsigned)cookie);
	CHECK_EQ(f.m.id.idiag_cookie[1], (unsigned)(cookie >> 32));
	r.q.id.idiag_dport = htons(1);
	CHECK_EQ(ask(&r, own, &f), -ENOENT);
	close(c);
	close(l);
}

TEST(time_wait)
{
	struct inet_request r = dump_of(AF_INET, IPPROTO_TCP, 1 << 6);
	unsigned short port, own;
	struct found f;
	int l = bound(SOCK_STREAM, &port), c, a;
	char byte;

	CHECK_OK(listen(l, 5));
	c = connected_to(port, &own);
	a = CHECK_OK(accept(l, NULL, NULL));
	close(c);
	CHECK_EQ(read(a, &byte, 1), 0);
	close(a);
	for (int k = 0; k < 100; k++) {
		CHECK_EQ(ask(&r, own, &f), 0);
		if (f.count)
			break;
		usleep(10000);
	}
	CHECK_EQ(f.count, 1);
	CHECK_EQ(f.m.idiag_inode, 0);
	CHECK_EQ(f.m.idiag_timer, 3);
	CHECK(f.m.idiag_expires > 10000 && f.m.idiag_expires <= 60000);
	close(l);
}

TEST(udp)
{
	struct inet_request r = dump_of(AF_INET, IPPROTO_UDP, ~0u);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	unsigned short port, other;
	struct found f;
	int s = bound(SOCK_DGRAM, &port), t = bound(SOCK_DGRAM, &other);

	CHECK_EQ(ask(&r, port, &f), 0);
	CHECK_EQ(f.count, 1);
	CHECK_EQ(f.m.idiag_state, CLOSE);
	CHECK_EQ(f.m.idiag_inode, inode_of(s));
	a.sin_port = htons(other);
	CHECK_OK(connect(s, (void *)&a, sizeof(a)));
	CHECK_EQ(ask(&r, port, &f), 0);
	CHECK_EQ(f.m.idiag_state, ESTABLISHED);
	CHECK_EQ(ntohs(f.m.id.idiag_dport), other);
	r.q.idiag_states = 1 << CLOSE;
	CHECK_EQ(ask(&r, port, &f), 0);
	CHECK_EQ(f.count, 0);
	close(s);
	close(t);
}

TEST(six)
{
	struct inet_request r = dump_of(AF_INET6, IPPROTO_TCP, 1 << LISTEN);
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(a);
	struct found f;
	int l = CHECK_OK(socket(AF_INET6, SOCK_STREAM, 0));

	CHECK_OK(bind(l, (void *)&a, sizeof(a)));
	CHECK_OK(listen(l, 1));
	CHECK_OK(getsockname(l, (void *)&a, &len));
	CHECK_EQ(ask(&r, ntohs(a.sin6_port), &f), 0);
	CHECK_EQ(f.count, 1);
	CHECK(!memcmp(f.m.id.idiag_src, &a.sin6_addr, 16));
	r.q.sdiag_family = AF_INET;
	CHECK_EQ(ask(&r, ntohs(a.sin6_port), &f), 0);
	CHECK_EQ(f.count, 0);
	close(l);
}

struct unix_request {
	struct nlmsghdr h;
	struct unix_diag_req q;
};

struct unix_found {
	unsigned ino; /* of the one that is looked for */
	struct unix_diag_msg m;
	bool found;
	char name[128];
	size_t name_len;
	unsigned peer, icon;
	struct unix_diag_rqlen rq;
};

static void unix_parse(const struct nlmsghdr *h, void *arg)
{
	struct unix_found *f = arg;
	struct unix_diag_msg m;
	const struct rtattr *a = (void *)((char *)h + NLMSG_SPACE(sizeof(m)));
	int left = (int)(h->nlmsg_len - NLMSG_SPACE(sizeof(m)));

	memcpy(&m, NLMSG_DATA(h), sizeof(m));
	if (m.udiag_ino != f->ino)
		return;
	f->found = true;
	f->m = m;
	for (; left >= 4 && a->rta_len >= 4 && a->rta_len <= left; a = RTA_NEXT(a, left)) {
		size_t n = a->rta_len - 4u;

		if (a->rta_type == UNIX_DIAG_NAME && n < sizeof(f->name)) {
			memcpy(f->name, RTA_DATA(a), n);
			f->name_len = n;
		}
		if (a->rta_type == UNIX_DIAG_PEER)
			memcpy(&f->peer, RTA_DATA(a), 4);
		if (a->rta_type == UNIX_DIAG_ICONS && n >= 4)
			memcpy(&f->icon, RTA_DATA(a), 4);
		if (a->rta_type == UNIX_DIAG_RQLEN)
			memcpy(&f->rq, RTA_DATA(a), sizeof(f->rq));
	}
}

static int unix_ask(int flags, unsigned states, unsigned asked, unsigned ino, struct unix_found *f)
{
	struct unix_request r = {
		{ .nlmsg_len = sizeof(r), .nlmsg_flags = (unsigned short)flags },
		{ AF_UNIX, 0, 0, states, asked, 0x7f, { ~0u, ~0u } },
	};

	*f = (struct unix_found){ .ino = ino };
	return exchange(&r.h, unix_parse, f);
}

TEST(local)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 12);
	int pair[2], l, c;
	struct unix_found f;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHECK_EQ(unix_ask(NLM_F_DUMP, ~0u, 0, inode_of(pair[0]), &f), 0);
	CHECK(f.found);
	CHECK_EQ(f.m.udiag_type, SOCK_STREAM);
	CHECK_EQ(f.m.udiag_state, ESTABLISHED);
	CHECK_EQ(f.peer, inode_of(pair[1]));
	CHECK_EQ(f.name_len, 0);
	CHECK_EQ(write(pair[1], "abc", 3), 3);
	CHECK_EQ(unix_ask(0, 0, inode_of(pair[0]), inode_of(pair[0]), &f), 0);
	CHECK(f.found);
	CHECK_EQ(f.rq.udiag_rqueue, 3);
	CHECK_EQ(unix_ask(0, 0, 0, 0, &f), -EINVAL);

	snprintf(a.sun_path + 1, 12, "di%09d", getpid());
	l = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(bind(l, (void *)&a, len));
	CHECK_OK(listen(l, 7));
	c = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_EQ(unix_ask(NLM_F_DUMP, 1 << CLOSE, 0, inode_of(c), &f), 0);
	CHECK(f.found);
	CHECK_OK(connect(c, (void *)&a, len));
	CHECK_EQ(unix_ask(NLM_F_DUMP, 1 << LISTEN, 0, inode_of(l), &f), 0);
	CHECK(f.found);
	CHECK_EQ(f.name_len, 12);
	CHECK(!memcmp(f.name, a.sun_path, 12));
	CHECK_EQ(f.rq.udiag_rqueue, 1);
	CHECK_EQ(f.rq.udiag_wqueue, 7);
	CHECK_EQ(f.icon, inode_of(c));
	CHECK_EQ(unix_ask(NLM_F_DUMP, 1 << LISTEN, 0, inode_of(c), &f), 0);
	CHECK(!f.found);
	close(c);
	close(l);
	close(pair[0]);
	close(pair[1]);
}

TEST(refused)
{
	struct inet_request r = dump_of(AF_INET, IPPROTO_TCP, ~0u);
	struct found f;

	r.q.sdiag_family = 250;
	CHECK_EQ(ask(&r, 1, &f), -EINVAL);
	r = dump_of(AF_INET, IPPROTO_TCP, ~0u);
	r.h.nlmsg_flags = 0;
	CHECK_EQ(ask(&r, 1, &f), -ENOENT);
}
