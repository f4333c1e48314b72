/*
 * rtnl_rules.c - rtnetlink's list of routing rules, in a network namespace that nobody has changed.
 */
#include "rtnl.h"
#include <linux/fib_rules.h>
#include <sched.h>

static u_int32_t number(struct nlmsghdr *h, int type)
{
	struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + sizeof(struct fib_rule_hdr));

	for (int left = NLMSG_PAYLOAD(h, sizeof(struct fib_rule_hdr)); RTA_OK(a, left);
	     a = RTA_NEXT(a, left))
		if (a->rta_type == type)
			return RTA_PAYLOAD(a) == 1 ? *(unsigned char *)RTA_DATA(a)
						   : *(u_int32_t *)RTA_DATA(a);
	return 0;
}

/* The rules of a family as text: TABLE@PRIORITY, and what else they must say. Or -errno. */
static int list(int family, char *text, size_t size)
{
	static char buf[16384];
	struct fib_rule_hdr m = { .family = family };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(m)), RTM_GETRULE,
				    NLM_F_REQUEST | NLM_F_DUMP, 7, 0 } };
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), err = 1;
	size_t used = 0;

	memcpy(q.body, &m, sizeof(m));
	CHECK_EQ(send(fd, &q, q.h.nlmsg_len, 0), q.h.nlmsg_len);
	*text = 0;
	while (err > 0) {
		int n = CHECK_OK(recv(fd, buf, sizeof(buf), 0));
		struct nlmsghdr *h = (void *)buf;

		if (n <= 0)
			err = -EPROTO;
		for (; NLMSG_OK(h, (unsigned)n) && err > 0; h = NLMSG_NEXT(h, n)) {
			struct fib_rule_hdr *f = NLMSG_DATA(h);

			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
				err = h->nlmsg_type == NLMSG_DONE ? 0
								  : ((struct nlmsgerr *)f)->error;
				break;
			}
			CHECK_EQ(h->nlmsg_type, RTM_NEWRULE);
			CHECK_EQ(h->nlmsg_flags & NLM_F_MULTI, NLM_F_MULTI);
			CHECK_EQ(f->action, FR_ACT_TO_TBL);
			CHECK_EQ(f->flags | f->src_len | f->dst_len | f->tos, 0);
			CHECK_EQ(number(h, FRA_TABLE), f->table);
			CHECK_EQ(number(h, FRA_PROTOCOL), RTPROT_KERNEL);
			CHECK_EQ(number(h, FRA_SUPPRESS_PREFIXLEN), ~0u);
			used += snprintf(text + used, size - used, "%d:%d@%d ",
					 f->family == AF_INET ? 4 : 6, f->table,
					 number(h, FRA_PRIORITY));
		}
	}
	close(fd);
	return err;
}

TEST_FORK(first_rules)
{
	char text[256];

	if (unshare(CLONE_NEWNET))
		SKIP("no network namespace of its own");
	CHECK_EQ(list(AF_INET, text, sizeof(text)), 0);
	CHECK_STR(text, "4:255@0 4:254@32766 4:253@32767 ");
	CHECK_EQ(list(AF_INET6, text, sizeof(text)), 0);
	CHECK_STR(text, "6:255@0 6:254@32766 ");
	CHECK_EQ(list(AF_UNSPEC, text, sizeof(text)), 0);
	CHECK(strstr(text, "4:254@32766 ") && strstr(text, "6:254@32766 "));
}

TEST(one_cannot_be_asked_for)
{
	struct fib_rule_hdr m = { .family = AF_INET };
	struct request q = { .h = { NLMSG_LENGTH(sizeof(m)), RTM_GETRULE, 0, 1, 0 } };

	memcpy(q.body, &m, sizeof(m));
	CHECK_EQ(ask(&q), -EOPNOTSUPP);
}
