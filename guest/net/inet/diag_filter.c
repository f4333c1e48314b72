/*
 * diag_filter.c - the programs by which ss(8) says which sockets it wants (INET_DIAG_REQ_BYTECODE).
 *
 * An instruction is four bytes and its operands; it goes on `yes` or `no` bytes further. The end is a match, four bytes
 * behind it none. Every step is checked as it is taken; each goes forward, so a program ends.
 */
#include <string.h>

#include "net/inet/diag.h"

struct step {
	const struct diag_entry *e;
	const u8 *operands;
	u32 len; /* of them */
};

static bool port_is(const struct step *s, u16 port, u8 code)
{
	struct inet_diag_bc_op next;

	if (s->len < sizeof(next))
		return false;
	memcpy(&next, s->operands, sizeof(next)); /* a whole instruction, whose `no` is the port */
	switch (code) {
	case INET_DIAG_BC_S_GE:
	case INET_DIAG_BC_D_GE: return port >= next.no;
	case INET_DIAG_BC_S_LE:
	case INET_DIAG_BC_D_LE: return port <= next.no;
	default: return port == next.no;
	}
}

static bool same_bits(const u32 *a, const u32 *b, unsigned bits)
{
	unsigned words = bits / 32, rest = bits % 32;

	if (memcmp(a, b, words * 4))
		return false;
	return !rest || !((a[words] ^ b[words]) & lwip_htonl(~0u << (32 - rest)));
}

static bool host_is(const struct step *s, const ip_addr_t *a, u16 port)
{
	struct inet_diag_hostcond c;
	u32 have[4], want[4] = { 0 }, n;

	if (s->len < sizeof(c))
		return false;
	memcpy(&c, s->operands, sizeof(c));
	n = c.family == AF_INET ? 4 : c.family == AF_INET6 ? 16 : 0;
	if (s->len < sizeof(c) + n || c.prefix_len > n * 8)
		return false;
	if (c.port != -1 && c.port != port)
		return false;
	if (!n)
		return true;
	memcpy(want, s->operands + sizeof(c), n);
	diag_addr(s->e, a, have);
	if (c.family == s->e->family)
		return same_bits(have, want, c.prefix_len);
	/* A mapped address matches an IPv4 condition. */
	if (c.family == AF_INET && !have[0] && !have[1] && have[2] == lwip_htonl(0xffff))
		return same_bits(have + 3, want, c.prefix_len);
	return false;
}

static bool word_is(const struct step *s, u32 have)
{
	u32 want;

	if (s->len < sizeof(want))
		return false;
	memcpy(&want, s->operands, sizeof(want));
	return have == want;
}

static bool mark_is(const struct step *s)
{
	struct inet_diag_markcond c;

	if (s->len < sizeof(c))
		return false;
	memcpy(&c, s->operands, sizeof(c));
	return (s->e->mark & c.mask) == c.mark;
}

static bool holds(const struct step *s, u8 code)
{
	const struct diag_entry *e = s->e;

	switch (code) {
	case INET_DIAG_BC_NOP: return true;
	case INET_DIAG_BC_S_GE:
	case INET_DIAG_BC_S_LE:
	case INET_DIAG_BC_S_EQ: return port_is(s, e->lport, code);
	case INET_DIAG_BC_D_GE:
	case INET_DIAG_BC_D_LE:
	case INET_DIAG_BC_D_EQ: return port_is(s, e->rport, code);
	case INET_DIAG_BC_AUTO: return e->autobound;
	case INET_DIAG_BC_S_COND: return host_is(s, &e->laddr, e->lport);
	case INET_DIAG_BC_D_COND: return host_is(s, &e->raddr, e->rport);
	case INET_DIAG_BC_DEV_COND: return word_is(s, (u32)e->ifindex);
	case INET_DIAG_BC_MARK_COND: return mark_is(s);
	default: return false; /* JMP, and conditions on cgroups, in none of which a socket is */
	}
}

bool diag_filter_takes(const u8 *code, u32 len, const struct diag_entry *e)
{
	struct inet_diag_bc_op op;

	while (len >= sizeof(op)) {
		struct step s = { e, code + sizeof(op), len - (u32)sizeof(op) };
		u32 jump;

		memcpy(&op, code, sizeof(op));
		jump = holds(&s, op.code) ? op.yes : op.no;
		if (jump < sizeof(op) || jump & 3 || jump > len)
			return false;
		code += jump;
		len -= jump;
	}
	return !len;
}
