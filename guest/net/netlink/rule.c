/*
 * rule.c - rtnetlink(7): the rules by which a table of routes is chosen, to read. There are Linux's first ones and no others.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "net/netlink/netlink.h"

struct rule {
	u8 family, table;
	u32 priority;
};
static const struct rule rules[] = {
	{ AF_INET, RT_TABLE_LOCAL, 0 },	      { AF_INET, RT_TABLE_MAIN, 32766 },
	{ AF_INET, RT_TABLE_DEFAULT, 32767 }, { AF_INET6, RT_TABLE_LOCAL, 0 },
	{ AF_INET6, RT_TABLE_MAIN, 32766 },
};

static void put(struct nl_request *r, const struct rule *rule)
{
	struct fib_rule_hdr *m = nl_begin(r, RTM_NEWRULE, sizeof(*m), true);

	if (!m)
		return;
	m->family = rule->family;
	m->table = rule->table;
	m->action = FR_ACT_TO_TBL;
	nl_attr_u32(r, FRA_TABLE, rule->table);
	nl_attr_u32(r, FRA_SUPPRESS_PREFIXLEN, ~0u);
	nl_attr_u8(r, FRA_PROTOCOL, RTPROT_KERNEL);
	if (rule->priority)
		nl_attr_u32(r, FRA_PRIORITY, rule->priority);
	nl_end(r);
}

int rtnetlink_get_rules(struct nl_request *r, bool dump)
{
	struct rtgenmsg g = { 0 };

	if (!dump)
		return -EOPNOTSUPP;
	memcpy(&g, r->body, MIN(r->len, (u32)sizeof(g)));
	if (g.rtgen_family && g.rtgen_family != AF_INET && g.rtgen_family != AF_INET6)
		return -EAFNOSUPPORT;
	for (unsigned i = 0; i < ARRAY_SIZE(rules); i++)
		if (!g.rtgen_family || g.rtgen_family == rules[i].family)
			put(r, &rules[i]);
	return 0;
}
