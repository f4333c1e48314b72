/*
 * names.c - see names.h. Queries get a number of ours, so that the answer finds its way back; the last 64 are remembered.
 * All under net_lock.
 *
 * Differs from docker under runc: UDP alone, and a message holds up to 464 bytes. A longer answer comes cut, with the flag that
 * says so; a connection by TCP is refused.
 */
#include <string.h>

#include "abi/control.h"
#include "abi/net.h"
#include "lwip/ip4.h"
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/udp.h"
#include "net/lwip/names.h"
#include "net/lwip/stack.h"

#define ASKED	  64
#define HEAD	  12 /* of a message */
#define QUERY_MAX sizeof(((struct ctl_msg *)NULL)->data)

static struct {
	u16 id, number; /* theirs and ours, as on the wire */
	u16 port;	/* network order, like addr */
	u32 addr;
	bool open;
} asked[ASKED];
static u16 count;
static bool enabled;
static void (*ask)(const void *query, size_t len);

void names_init(void (*fn)(const void *query, size_t len))
{
	ask = fn;
}

void names_enable(void)
{
	enabled = true;
}

bool names_take(struct pbuf *p)
{
	struct {
		struct ip_hdr ip;
		struct udp_hdr udp;
		u8 data[QUERY_MAX];
	} q;
	size_t len;
	u16 slot;

	if (!enabled || p->tot_len < IP_HLEN + UDP_HLEN + HEAD || p->tot_len > sizeof(q))
		return false;
	pbuf_copy_partial(p, &q, p->tot_len, 0);
	len = p->tot_len - IP_HLEN - UDP_HLEN;
	if (q.ip.dest.addr != lwip_htonl(NET_NAMES_IP) || IPH_PROTO(&q.ip) != IP_PROTO_UDP ||
	    IPH_HL_BYTES(&q.ip) != IP_HLEN || q.udp.dest != lwip_htons(53) ||
	    IPH_OFFSET(&q.ip) & lwip_htons(IP_OFFMASK | IP_MF))
		return false;
	count++;
	slot = count % ASKED;
	memcpy(&asked[slot].id, q.data, 2);
	asked[slot].number = count;
	asked[slot].port = q.udp.src;
	asked[slot].addr = q.ip.src.addr;
	asked[slot].open = true;
	memcpy(q.data, &count, 2);
	ask(q.data, len);
	return true;
}

static struct pbuf *packet_for(unsigned slot, const u8 *answer, size_t len)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16)(IP_HLEN + UDP_HLEN + len), PBUF_RAM);
	struct ip_hdr ip = { 0 };
	struct udp_hdr udp = { lwip_htons(53), asked[slot].port, lwip_htons((u16)(UDP_HLEN + len)),
			       0 };

	if (!p)
		return NULL;
	IPH_VHL_SET(&ip, 4, IP_HLEN / 4);
	IPH_LEN_SET(&ip, lwip_htons(p->tot_len));
	IPH_TTL_SET(&ip, 64);
	IPH_PROTO_SET(&ip, IP_PROTO_UDP);
	ip.src.addr = lwip_htonl(NET_NAMES_IP);
	ip.dest.addr = asked[slot].addr;
	pbuf_take_at(p, &ip, IP_HLEN, 0);
	pbuf_take_at(p, &udp, UDP_HLEN, IP_HLEN);
	pbuf_take_at(p, answer, (u16)len, IP_HLEN + UDP_HLEN);
	pbuf_take_at(p, &asked[slot].id, 2, IP_HLEN + UDP_HLEN);
	return p;
}

void names_answer(const void *answer, size_t len)
{
	struct pbuf *p;
	ip4_addr_t to;
	unsigned slot;
	u16 number;

	if (len < HEAD || len > QUERY_MAX)
		return;
	memcpy(&number, answer, 2);
	slot = number % ASKED;
	net_enter(&net_first);
	if (asked[slot].open && asked[slot].number == number) {
		asked[slot].open = false;
		to.addr = asked[slot].addr;
		p = packet_for(slot, answer, len);
		if (p) {
			net_first.loop.output(&net_first.loop, p, &to);
			pbuf_free(p);
		}
	}
	net_leave();
}
