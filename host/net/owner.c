/*
 * owner.c - has a sandbox this interface? Sandboxes of one network namespace would speak with one address, each ending the
 * others' connections.
 *
 * A record of owners would outlive one that was killed, as the ingress filter does (netlink.c). Their packet sockets do not,
 * and those with a virtio header are ours: tcpdump's have none.
 */
#include <linux/packet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/net/net.h"

#define ANSWER_MAX 32768

struct question {
	struct nlmsghdr h;
	struct packet_diag_req req;
};

static bool is_sandbox(const struct nlmsghdr *h, int ifindex)
{
	const struct packet_diag_msg *m = NLMSG_DATA(h);
	const struct rtattr *a = (const struct rtattr *)(m + 1);
	int len = (int)NLMSG_PAYLOAD(h, sizeof(*m));

	for (; RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		const struct packet_diag_info *info = RTA_DATA(a);

		if (a->rta_type == PACKET_DIAG_INFO && RTA_PAYLOAD(a) >= sizeof(*info))
			return (int)info->pdi_index == ifindex && info->pdi_flags & PDI_VNETHDR;
	}
	return false;
}

static unsigned count(int fd, char *buf, int ifindex)
{
	unsigned n = 0;

	for (;;) {
		ssize_t len = recv(fd, buf, ANSWER_MAX, 0);
		const struct nlmsghdr *h = (struct nlmsghdr *)buf;

		if (len <= 0)
			return n;
		for (; NLMSG_OK(h, (unsigned)len); h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
				return n;
			n += is_sandbox(h, ifindex);
		}
	}
}

unsigned net_count_sandbox_sockets(int ifindex)
{
	const struct question q = {
		.h = { .nlmsg_len = sizeof(q),
		       .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.req = { .sdiag_family = AF_PACKET, .pdiag_show = PACKET_SHOW_INFO },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	char *buf = malloc(ANSWER_MAX);
	unsigned n = 0;

	if (fd >= 0 && buf && send(fd, &q, sizeof(q), 0) == sizeof(q))
		n = count(fd, buf, ifindex);
	free(buf);
	if (fd >= 0)
		close(fd);
	return n;
}
