// sources: tests/unit/net_host.c guest/net/lwip/*.c $(BUILD)/lwip/core/def.c $(BUILD)/lwip/core/inet_chksum.c $(BUILD)/lwip/core/init.c $(BUILD)/lwip/core/ip.c
// sources: $(BUILD)/lwip/core/mem*.c $(BUILD)/lwip/core/netif.c $(BUILD)/lwip/core/pbuf.c $(BUILD)/lwip/core/stats.c
// sources: $(BUILD)/lwip/core/tcp*.c $(BUILD)/lwip/core/ipv4/[eip]*.c $(BUILD)/lwip/core/ipv6/[eimn]*.c $(BUILD)/lwip/netif/ethernet.c
// cflags: -w -isystem $(BUILD)/lwip/include -isystem guest/net/lwip -fno-sanitize=alignment,shift
// libs: -Wl,--wrap=pbuf_alloc,--wrap=tcp_netif_ip_addr_changed,--wrap=nd6_get_destination_mtu
/*
 * test_net_stack.c - the IP stack against a peer that sends anything: frames of every protocol with fields of chance, cut
 * and split anywhere, and segments that fit the connections there are, with sequence numbers, windows and SACK blocks that
 * nearly do. Buffers have the frame's exact size, so the address sanitizer sees a byte read too far. Time passes by leaps.
 * In the end every connection is ended and no memory may be left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/etharp.h"
#include "lib/err.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/tcp.h"
#include "lwip_hooks.h"
#include "net/abi.h"
#include "net/lwip/route.h"
#include "tests/unit/net_host.h"

#define ROUNDS	    60000
#define LISTEN_PORT 80

static struct tcp_pcb *listener;

struct tcp_pcb_listen *tcp_listener_hook(const ip_addr_t *l, u16 lport, const ip_addr_t *r,
					 u16 rport)
{
	return lport == LISTEN_PORT ? (void *)listener : NULL;
}

/* ---- the device ---- */

static unsigned sent, gso;

static int transmit(struct net_device *d, struct pbuf *p, const struct net_offload *o)
{
	u32 n = 0;

	for (struct pbuf *q = p; q; q = q->next) {
		if (q->tot_len != p->tot_len - n)
			panic("a frame's lengths are wrong");
		n += q->len;
	}
	if (n != p->tot_len || (o->needs_csum && o->csum_start + o->csum_offset + 2u > n) ||
	    (o->gso_type && (o->hdr_len >= n || !o->gso_size)))
		panic("a frame for the device is wrong");
	sent++;
	gso += !!o->gso_type;
	return below(50) ? 0 : -ENOBUFS;
}

static bool has_room(struct net_device *d)
{
	return below(30);
}

static const struct net_device_ops ops = { .transmit = transmit, .has_room = has_room };
static struct net_device dev = {
	.dev = { .name = "eth0", .mtu = 1500, .hwaddr = { 2, 0, 0, 0, 0, 1 }, .flags = IFF_UP },
	.ops = &ops,
	.features = NETF_CSUM | NETF_TSO4 | NETF_TSO6,
};

/* ---- the sockets ---- */

#define CONNS 12
static struct tcp_pcb *conn[CONNS];
static unsigned nconn, accepted, received, ended;

static void forget(struct tcp_pcb *p)
{
	for (unsigned i = 0; i < nconn; i++)
		if (conn[i] == p)
			conn[i--] = conn[--nconn];
}

/* It is about to be freed, for whatever reason. */
static void on_destroy(u8_t id, void *data)
{
	ended += !!data;
	forget(data);
}

static const struct tcp_ext_arg_callbacks callbacks = { on_destroy };

static err_t on_recv(void *arg, struct tcp_pcb *p, struct pbuf *q, err_t e)
{
	if (q) {
		received += q->tot_len;
		if (below(4))
			tcp_recved(p, q->tot_len);
		pbuf_free(q);
	}
	return ERR_OK;
}

static void adopt(struct tcp_pcb *p)
{
	tcp_ext_arg_set_callbacks(p, 0, &callbacks);
	tcp_ext_arg_set(p, 0, p);
	tcp_recv(p, on_recv);
	conn[nconn++] = p;
}

static err_t on_accept(void *arg, struct tcp_pcb *p, err_t e)
{
	if (!p || nconn == CONNS)
		return ERR_MEM;
	accepted++;
	adopt(p);
	return ERR_OK;
}

static void end(struct tcp_pcb *p, bool abort)
{
	forget(p);
	tcp_ext_arg_set(p, 0, NULL);
	tcp_recv(p, NULL);
	if (abort || tcp_close(p) != ERR_OK)
		tcp_abort(p);
}

static void connect_out(void)
{
	struct tcp_pcb *p = nconn < CONNS ? tcp_new_ip_type(IPADDR_TYPE_V4) : NULL;
	ip_addr_t to = IPADDR4_INIT_BYTES(10, 0, 0, 2);

	if (!p)
		return;
	IP_ADDR4(&p->local_ip, 10, 0, 0, 1);
	p->local_port = (u16)(1024 + below(60000));
	TCP_REG(&tcp_bound_pcbs, p);
	adopt(p);
	if (tcp_connect(p, &to, (u16)(1 + below(1000)), NULL) != ERR_OK)
		end(p, true);
}

static void use_one(void)
{
	struct tcp_pcb *p = nconn ? conn[below(nconn)] : NULL;
	struct net_chunk *c;

	if (!p || !below(6)) {
		connect_out();
		return;
	}
	switch (below(12)) {
	case 0: end(p, below(2)); break;
	case 1: tcp_shutdown(p, 0, 1); break;
	case 2:
		ip_set_option(p, SOF_KEEPALIVE);
		p->keep_idle = below(3000);
		break;
	default:
		if (p->state != ESTABLISHED && p->state != CLOSE_WAIT)
			break;
		c = chunk_alloc(1 + below(CHUNK_MAX));
		if (!c)
			break;
		memset(c->data, 7, c->size);
		chunk_writing = c;
		tcp_write(p, c->data, (u16)c->size, 0);
		chunk_writing = NULL;
		chunk_put(c);
		tcp_write(p, "small", 5, TCP_WRITE_FLAG_COPY);
		tcp_output(p);
	}
}

/* ---- the peer ---- */

static u8 frame[4096];

static u32 put_ip4(u8 *at, u8 proto, u32 len)
{
	u8 h[20] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, proto, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1 };
	u16 n = lwip_htons((u16)(20 + len));

	memcpy(h + 2, &n, 2);
	if (!below(8)) {
		n = lwip_htons((u16)(below(2) << 13 | below(200))); /* a fragment */
		memcpy(h + 6, &n, 2);
		h[5] = (u8)below(3);
	}
	if (!below(40))
		h[below(20)] = (u8)dice();
	n = inet_chksum(h, 20);
	memcpy(h + 10, &n, 2);
	memcpy(at, h, 20);
	return 20;
}

static u32 put_ip6(u8 *at, u8 proto, u32 len)
{
	u8 h[40] = { 0x60, 0,	 0,    0,	 (u8)(len >> 8), (u8)len, proto,
		     255,  0xfe, 0x80, [23] = 2, [24] = 0xfe,	 0x80,	  [39] = 1 };

	if (!below(10))
		h[6] = (u8[]){ 0, 43, 44, 60, 59 }[below(5)]; /* extensions, of whatever follows */
	if (!below(30))
		h[below(40)] = (u8)dice();
	memcpy(at, h, 40);
	return 40;
}

static u32 near(u32 n)
{
	static const s32 off[] = { 0, 0, 0, 0, 1, -1, 1448, 2896, -1448, 100000, 0x7fffffff };

	return n + (u32)off[below(ARRAY_SIZE(off))];
}

/* One of all connections, those that are about to come or to go as well. */
static const struct tcp_pcb *any(void)
{
	const struct tcp_pcb *p = tcp_active_pcbs;

	if (nconn && below(3))
		return conn[below(nconn)];
	for (u32 n = below(8); p && p->next && n; n--)
		p = p->next;
	return p;
}

/* A segment for one of the connections, or for the listener. */
static u32 put_tcp(u8 *at)
{
	const struct tcp_pcb *p = any();
	struct tcp_hdr *h = (void *)at;
	u32 data = below(3) ? below(1460) : 0, opts = 0, span;
	u8 *o = at + 20;
	u8 flags = TCP_ACK;

	memset(h, 0, 20);
	if (p && below(10)) {
		h->src = lwip_htons(p->remote_port);
		h->dest = lwip_htons(p->local_port);
		h->seqno = lwip_htonl(near(p->rcv_nxt));
		span = p->snd_nxt - p->lastack;
		h->ackno = lwip_htonl(below(3) ? p->lastack + (span ? below(span + 1) : 0)
					       : near(p->snd_nxt));
		if (p->state == SYN_SENT) {
			flags |= TCP_SYN;
			h->ackno = lwip_htonl(p->snd_nxt);
		}
		if (below(2) && span) {
			*o++ = 1;
			*o++ = 1;
			*o++ = 5;
			*o++ = 18;
			for (unsigned i = 0; i < 4; i++, o += 4) {
				u32 n = lwip_htonl(p->lastack + below(span + 2));

				memcpy(o, &n, 4);
			}
			opts = 20;
		}
	} else {
		h->src = lwip_htons((u16)(1 + below(65535)));
		h->dest = lwip_htons(below(4) ? LISTEN_PORT : (u16)dice());
		h->seqno = (u32)dice();
		flags = TCP_SYN;
	}
	if (flags & TCP_SYN) {
		static const u8 syn[] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
					  0, 1, 0, 0,	 0, 0, 3, 3,  7, 1 };

		opts = sizeof(syn);
		memcpy(at + 20, syn, opts);
		data = 0;
	}
	if (!below(20))
		at[20 + below(opts + 1)] = (u8)dice();
	if (!below(12))
		flags = (u8)dice() & 0x3f;
	if (!below(30))
		flags |= TCP_FIN;
	TCPH_HDRLEN_FLAGS_SET(h, below(50) ? 5 + opts / 4 : below(16), flags);
	h->wnd = lwip_htons(below(8) ? 2000 : (u16)dice());
	h->urgp = (u16)dice();
	return 20 + opts + data;
}

static u32 put_noise(u8 *at, u32 most)
{
	u32 n = below(most);

	for (u32 i = 0; i < n; i++)
		at[i] = (u8)dice();
	return n;
}

static u32 make_frame(void)
{
	static const u8 eth[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	static const u8 icmp6[] = { 128, 129, 133, 134, 135, 136, 1, 2, 3, 4, 130, 131 };
	bool v6 = !below(4);
	u32 at = 14 + (v6 ? 40 : 20), len;
	u8 proto;

	memcpy(frame, eth, 12);
	frame[12] = v6 ? 0x86 : 8;
	frame[13] = v6 ? 0xdd : 0;
	switch (below(10)) {
	case 0: /* ARP, nearly right */
		frame[12] = 8;
		frame[13] = 6;
		memcpy(frame + 14, (u8[]){ 0,  1, 8, 0, 6, 4, 0,  (u8)(1 + below(2)),
					   2,  0, 0, 0, 0, 2, 10, 0,
					   0,  2, 2, 0, 0, 0, 0,  1,
					   10, 0, 0, 1 },
		       28);
		if (!below(3))
			frame[14 + below(28)] = (u8)dice();
		return 14 + 28 - (below(5) ? 0 : below(28));
	case 1:
		proto = v6 ? 58 : 1;
		len = put_noise(frame + at, 600);
		if (len > 8)
			frame[at] = v6 ? icmp6[below(sizeof(icmp6))]
				       : (u8[]){ 0, 3, 8, 11 }[below(4)];
		break;
	case 2:
		proto = (u8)dice();
		len = put_noise(frame + at, 1400);
		break;
	default: proto = 6; len = put_tcp(frame + at);
	}
	if (v6)
		put_ip6(frame + 14, proto, len);
	else
		put_ip4(frame + 14, proto, len);
	len += at;
	return below(20) ? len : below(len);
}

static void release(void *arg)
{
	free(arg);
}

static struct pbuf *wrap(const u8 *from, u32 len)
{
	u8 *copy = malloc(len ? len : 1);
	struct pbuf *p;

	memcpy(copy, from, len);
	p = net_pbuf_wrap(copy, len, release, copy);
	if (!p)
		free(copy);
	return p;
}

static void receive(void)
{
	u32 len = make_frame(), first;
	struct pbuf *p, *q;

	if (!len)
		return;
	first = below(6) ? len : MIN(len, below(20) ? 256 + below(1400) : 1 + below(len));
	p = wrap(frame, first);
	if (!p)
		return;
	q = first < len ? wrap(frame + first, len - first) : NULL;
	if (q)
		pbuf_cat(p, q);
	net_input(&dev, &p, 1, below(8) ? 1 : 0);
}

static void start(void)
{
	const u8 own4[] = { 10, 0, 0, 1 }, own6[16] = { 0xfe, 0x80, [15] = 1 };

	netdev_add(&net_first, &net_first.lo);
	stack_init();
	net_device_add(&net_first, &dev);
	net_addr_add(&dev.dev, AF_INET, own4, 24);
	net_addr_add(&dev.dev, AF_INET6, own6, 64);
	net_device_up(&dev, true);
	net_enter(&net_first);
	listener = tcp_new_ip_type(IPADDR_TYPE_ANY);
	listener->local_port = LISTEN_PORT;
	TCP_REG(&tcp_bound_pcbs, listener);
	listener = tcp_listen_with_backlog(listener, 255);
	tcp_accept(listener, on_accept);
	net_leave();
}

int main(void)
{
	long before;

	start();
	before = unit_live;
	for (unsigned i = 0; i < ROUNDS; i++) {
		unit_starve = i / 5000 % 4 == 3 ? 40 : 0;
		if (!below(5)) {
			net_enter(&net_first);
			use_one();
			net_leave();
		} else {
			receive();
		}
		if (!below(10))
			unit_pass(below(20) ? below(30) * 1000000ULL : below(100) * 1000000000ULL);
	}
	unit_starve = 0;
	printf("%u frames sent, %u of them joined; %u connections came, %u were ended; %u bytes\n",
	       sent, gso, accepted, ended, received);
	if (!accepted || !received || !ended || !gso)
		panic("the test reaches nothing any more");
	while (nconn) {
		net_enter(&net_first);
		end(conn[0], true);
		net_leave();
	}
	/* What was closed and is still on its way out, fragments, neighbours: all of it has an end. */
	for (unsigned i = 0; i < 100000; i++)
		unit_pass(25000000);
	if (tcp_active_pcbs || tcp_tw_pcbs || unit_live > before + 8) {
		printf("left: %ld objects\n", unit_live - before);
		for (const struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
			printf("state %d, flags %x, %s unsent, %s unacked, %s ooseq, %d probes, %d tries\n",
			       p->state, p->flags, p->unsent ? "with" : "no",
			       p->unacked ? "with" : "no", p->ooseq ? "with" : "no",
			       p->persist_probe, p->nrtx);
		return 1;
	}
	return 0;
}
