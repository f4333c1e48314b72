/*
 * rtnl.h - rtnetlink requests for ABI tests: interfaces up and down, addresses, veth pairs. Each gives 0 or -errno.
 */
#ifndef RTNL_H
#define RTNL_H

#include "own_ns.h"
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

struct request {
	struct nlmsghdr h;
	char body[256];
};

ABI_UNUSED static void attr(struct request *q, int type, const void *v, int len)
{
	struct nlattr a = { (u_int16_t)(NLA_HDRLEN + len), (u_int16_t)type };

	memcpy((char *)q + q->h.nlmsg_len, &a, sizeof(a));
	memcpy((char *)q + q->h.nlmsg_len + NLA_HDRLEN, v, len);
	q->h.nlmsg_len += NLA_ALIGN(NLA_HDRLEN + len);
}

/* 0 or -errno, as the kernel answers. */
ABI_UNUSED static int ask(struct request *q)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[512];
	} a = { 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), n;

	q->h.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	n = send(fd, q, q->h.nlmsg_len, 0) == (int)q->h.nlmsg_len ? recv(fd, &a, sizeof(a), 0) : -1;
	close(fd);
	CHECK(n >= (int)(sizeof(a.h) + sizeof(a.e)) && a.h.nlmsg_type == NLMSG_ERROR);
	return a.e.error;
}

ABI_UNUSED static int set_up(int index, int up)
{
	struct ifinfomsg i = { .ifi_index = index,
			       .ifi_flags = up ? IFF_UP : 0,
			       .ifi_change = IFF_UP };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(i)), RTM_NEWLINK, 0, 1, 0 } };

	memcpy(q.body, &i, sizeof(i));
	return ask(&q);
}

ABI_UNUSED static int change_addr(int type, int flags, int index, const char *addr, int prefix)
{
	struct ifaddrmsg m = { .ifa_family = AF_INET,
			       .ifa_prefixlen = prefix,
			       .ifa_scope = RT_SCOPE_HOST,
			       .ifa_index = index };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(m)), type, flags, 1, 0 } };
	struct in_addr a;

	inet_aton(addr, &a);
	memcpy(q.body, &m, sizeof(m));
	attr(&q, IFA_LOCAL, &a, sizeof(a));
	attr(&q, IFA_ADDRESS, &a, sizeof(a));
	return ask(&q);
}

ABI_UNUSED static int nest(struct request *q, int type)
{
	int at = q->h.nlmsg_len;

	attr(q, type, "", 0);
	return at;
}

ABI_UNUSED static void end_nest(struct request *q, int at)
{
	u_int16_t len = q->h.nlmsg_len - at;

	memcpy((char *)q + at, &len, sizeof(len));
}

/* What makes a pair has made it, or this kernel knows none. */
#define NEED_VETH(made)                       \
	do {                                  \
		int made_ = (made);           \
		if (made_ == -EOPNOTSUPP)     \
			SKIP("no veth here"); \
		CHECK_EQ(made_, 0);           \
	} while (0)

/* `ip link add NAME type veth peer name PEER netns PID` */
ABI_UNUSED static int add_veth(const char *name, const char *peer, int pid)
{
	struct ifinfomsg i = { .ifi_index = 0 };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(i)), RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
				    1, 0 } };
	int info, data, other;

	memcpy(q.body, &i, sizeof(i));
	attr(&q, IFLA_IFNAME, name, strlen(name) + 1);
	info = nest(&q, IFLA_LINKINFO);
	attr(&q, IFLA_INFO_KIND, "veth", 4);
	data = nest(&q, IFLA_INFO_DATA);
	other = nest(&q, 1 /* VETH_INFO_PEER */);
	memcpy((char *)&q + q.h.nlmsg_len, &i, sizeof(i));
	q.h.nlmsg_len += sizeof(i);
	attr(&q, IFLA_IFNAME, peer, strlen(peer) + 1);
	if (pid)
		attr(&q, IFLA_NET_NS_PID, &pid, sizeof(pid));
	end_nest(&q, other);
	end_nest(&q, data);
	end_nest(&q, info);
	return ask(&q);
}

ABI_UNUSED static int with_name(int type, const char *name, int attr_type, int value)
{
	struct ifinfomsg i = { .ifi_index = if_nametoindex(name) };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(i)), type, 0, 1, 0 } };

	memcpy(q.body, &i, sizeof(i));
	if (attr_type)
		attr(&q, attr_type, &value, sizeof(value));
	return i.ifi_index ? ask(&q) : -ENODEV;
}

ABI_UNUSED static int configure(const char *name, const char *addr)
{
	int index = if_nametoindex(name), err;

	err = change_addr(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, addr, 24);
	return err ? err : set_up(index, 1);
}

/* How many interfaces does /proc/net/dev show? */
ABI_UNUSED static int interfaces(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/net/dev", "r");
	int n = -2;

	while (f && fgets(line, sizeof(line), f))
		n++;
	if (f)
		fclose(f);
	return n;
}

/* A child in a network namespace of its own, to which a pair of interfaces leads: "outside" here, "inside" there. */
struct far_end {
	pid_t pid;
	int ready, go;
};

/* Runs fn there once "inside" is its; `go` ends when the parent calls far_end_stop. 0 or -errno, then there is nobody. */
ABI_UNUSED static int far_end_start(struct far_end *f, void (*fn)(int ready, int go))
{
	int ready[2], go[2], err;
	char b;

	CHECK_OK(pipe(ready));
	CHECK_OK(pipe(go));
	f->pid = fork();
	if (!f->pid) {
		close(go[1]);
		CHECK_OK(unshare(CLONE_NEWNET));
		CHECK_EQ(write(ready[1], "x", 1), 1);
		CHECK_EQ(read(go[0], &b, 1), 1);
		CHECK_EQ(configure("inside", "10.7.7.2"), 0);
		fn(ready[1], go[0]);
		_exit(abi_fails ? 1 : 0);
	}
	close(ready[1]);
	close(go[0]);
	f->ready = ready[0];
	f->go = go[1];
	CHECK_EQ(read(f->ready, &b, 1), 1);
	err = add_veth("outside", "inside", f->pid);
	if (err) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	} else {
		CHECK_EQ(write(f->go, "x", 1), 1);
		CHECK_EQ(read(f->ready, &b, 1), 1); /* fn is ready */
		CHECK_EQ(configure("outside", "10.7.7.1"), 0);
	}
	return err;
}

ABI_UNUSED static void far_end_stop(struct far_end *f)
{
	int st = -1;

	close(f->go);
	close(f->ready);
	waitpid(f->pid, &st, 0);
	CHECK_EQ(st, 0);
}

#endif
