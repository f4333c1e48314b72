// sources: tests/unit/net_host.c guest/net/lwip/*.c $(BUILD)/lwip/core/def.c $(BUILD)/lwip/core/inet_chksum.c $(BUILD)/lwip/core/init.c $(BUILD)/lwip/core/ip.c
// sources: $(BUILD)/lwip/core/mem*.c $(BUILD)/lwip/core/netif.c $(BUILD)/lwip/core/pbuf.c $(BUILD)/lwip/core/stats.c
// sources: $(BUILD)/lwip/core/tcp*.c $(BUILD)/lwip/core/ipv4/[eip]*.c $(BUILD)/lwip/core/ipv6/[eimn]*.c $(BUILD)/lwip/netif/ethernet.c
// cflags: -w -isystem $(BUILD)/lwip/include -isystem guest/net/lwip -fno-sanitize=alignment,shift
// libs: -Wl,--wrap=pbuf_alloc,--wrap=tcp_netif_ip_addr_changed,--wrap=nd6_get_destination_mtu
/*
 * test_net_path.c - a TCP sender on bad paths: what is larger than the path takes vanishes there, with or without a word by ICMP,
 * segments are lost and overtake each other, the path changes, and the peer's window opens, closes and is small. The peer is
 * a right one, with or without SACK, timestamps and window scaling, but for some that offer any window at all. Every byte must
 * arrive as it was written, and what waits must have something to wait for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/tcp.h"
#include "lwip_hooks.h"
#include "net/abi.h"
#include "net/lwip/pmtu.h"
#include "tests/unit/net_host.h"

#define MS	 1000000ULL
#define SECOND	 (1000 * MS)
#define CONNS	 2500
#define MOST	 400000u	/* bytes of a connection */
#define PATIENCE (900 * SECOND) /* virtual */

struct tcp_pcb_listen *tcp_listener_hook(const ip_addr_t *l, u16 lport, const ip_addr_t *r,
					 u16 rport)
{
	return NULL;
}

static u8 byte_at(u32 pos)
{
	return (u8)(pos * 31 + (pos >> 8) * 7);
}

/* ---- what will happen ---- */

static struct event {
	u64 when;
	void (*fn)(u8 *frame, u32 len);
	u8 *frame;
	u32 len;
} events[65536];
static unsigned nevents;

static void later(u64 in, void (*fn)(u8 *frame, u32 len), const u8 *frame, u32 len)
{
	struct event e = { unit_now + in, fn, malloc(len + 1), len };

	if (nevents == ARRAY_SIZE(events))
		panic("too many events");
	memcpy(e.frame, frame, len);
	events[nevents++] = e;
}

/* ---- the path ---- */

static struct {
	u32 mtu, lost, delay, jitter; /* bytes; one in so many; ms */
	bool icmp;
} path;

static struct tcp_pcb *conn;
static unsigned holes, told;

static void deliver(u8 *f, u32 len);
static void arrive(u8 *f, u32 len);

static void icmp_comes(u8 *f, u32 len)
{
	ip_addr_t to = IPADDR4_INIT_BYTES(10, 0, 0, 2);
	u32 mtu;

	memcpy(&mtu, f, sizeof(mtu));
	net_enter(&net_first);
	for (struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next) {
		path_learn(tcp_route_hook(p, &p->local_ip, &p->remote_ip), &to, mtu);
		tcp_mss_sync(p);
		tcp_output(p);
		told++;
	}
	net_leave();
}

static void travel(const u8 *f, u32 len)
{
	u64 in = path.delay * MS + (path.jitter ? below(path.jitter) * MS : 0);
	u32 mtu = path.mtu;

	if (path.lost && !below(path.lost))
		return;
	if (len - 14 > mtu) {
		holes++;
		if (path.icmp)
			later(path.delay * MS, icmp_comes, (u8 *)&mtu, sizeof(mtu));
		return;
	}
	later(in, deliver, f, len);
}

/* ---- the peer; positions count bytes from 0 ---- */

#define SYN_LEN 20

static struct {
	bool sack, stamps, scale, rude; /* rude: it takes back what it offered */
	u16 port, own_port, mss;
	u32 irs, iss, ts_recent;
	u32 next, edge, read,
		room; /* next byte; end of the window; given to the reader; bytes of buffer */
	u32 fin;      /* where the end is; ~0: unknown */
	bool ended, ack_waits, reads;
	u32 recent; /* where the last one that was out of order began */
	u8 got[MOST + 2];
	u32 last; /* behind the highest that came */
} peer;

static struct net_device dev;

/* Headers before a frame's TCP header, and in it goes. */
static void send_frame(u8 *f, u32 len)
{
	static const u8 eth[14] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0 };
	u8 h[20] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1 };
	u16 n = lwip_htons((u16)(len - 14));

	memcpy(h + 2, &n, 2);
	n = inet_chksum(h, 20);
	memcpy(h + 10, &n, 2);
	memcpy(f, eth, 14);
	memcpy(f + 14, h, 20);
	if (!path.lost || below(path.lost))
		later(path.delay * MS + (path.jitter ? below(path.jitter) * MS : 0), arrive, f,
		      len);
}

static u32 put32(u8 *at, u32 v)
{
	v = lwip_htonl(v);
	memcpy(at, &v, 4);
	return 4;
}

/* What came beyond next: the block with `recent` first. */
static u32 put_blocks(u8 *o, u32 most)
{
	u32 n = 0, first = peer.irs + 1, at = 4;

	for (u32 pass = 0; pass < 2; pass++)
		for (u32 a = peer.next; a < peer.last && n < most;) {
			u32 b = a;

			if (!peer.got[a]) {
				a++;
				continue;
			}
			while (b < peer.last && peer.got[b])
				b++;
			if ((a <= peer.recent && peer.recent < b) == !pass) {
				at += put32(o + at, first + a);
				at += put32(o + at, first + b);
				n++;
			}
			a = b;
		}
	if (!n)
		return 0;
	o[0] = o[1] = 1;
	o[2] = 5;
	o[3] = (u8)(at - 2);
	return at;
}

static void answer(u8 flags)
{
	static const u32 offers[] = { 0, 0, 1, 100, 128, 1000, 3000, 65535, 65536, 131072 };
	u8 f[14 + 20 + 60] = { 0 };
	struct tcp_hdr *h = (void *)(f + 34);
	u8 *o = f + 54;
	u32 n = 0, window;

	if (peer.rude)
		peer.edge = peer.next + offers[below(ARRAY_SIZE(offers))];
	else
		peer.edge = MAX(peer.edge, peer.read + peer.room);
	window = peer.edge - peer.next;
	h->src = lwip_htons(peer.port);
	h->dest = lwip_htons(peer.own_port);
	h->seqno = lwip_htonl(peer.iss + !(flags & TCP_SYN));
	h->ackno = lwip_htonl(peer.irs + 1 + peer.next + peer.ended);
	if (flags & TCP_SYN) {
		memcpy(o, (u8[]){ 2, 4, (u8)(peer.mss >> 8), (u8)peer.mss }, 4);
		n = 4;
		if (peer.sack)
			memcpy(o + n, (u8[]){ 1, 1, 4, 2 }, 4), n += 4;
		if (peer.scale)
			memcpy(o + n, (u8[]){ 1, 3, 3, 7 }, 4), n += 4;
	}
	if (peer.stamps) {
		memcpy(o + n, (u8[]){ 1, 1, 8, 10 }, 4);
		put32(o + n + 4, (u32)(unit_now / MS));
		put32(o + n + 8, peer.ts_recent);
		n += 12;
	}
	if (peer.sack && !(flags & TCP_SYN))
		n += put_blocks(o + n, peer.stamps ? 3 : 4);
	if (peer.scale && !(flags & TCP_SYN)) {
		window >>= 7;
		peer.edge = peer.next + MIN(window, 0xffffu) * 128;
	}
	h->wnd = lwip_htons((u16)MIN(window, 0xffffu));
	TCPH_HDRLEN_FLAGS_SET(h, 5 + n / 4, flags | TCP_ACK);
	send_frame(f, 54 + n);
}

static void ack_now(u8 *f, u32 len)
{
	if (peer.ack_waits)
		answer(0);
	peer.ack_waits = false;
}

static void reader(u8 *f, u32 len)
{
	u32 was = peer.edge - peer.next, n = 1 + below(peer.room);

	if (peer.ended && peer.read == peer.next)
		return;
	peer.read += MIN(n, peer.next - peer.read);
	if (peer.read + peer.room - peer.next >= was + MIN(1448u, peer.room / 2) && !peer.ended)
		answer(0);
	later(below(below(10) ? 20 : 2000) * MS, reader, peer.got, 0);
}

/* A segment came to the peer. */
static void deliver(u8 *f, u32 len)
{
	struct tcp_hdr *h = (void *)(f + 34);
	u32 hlen = TCPH_HDRLEN_BYTES(h), n = len - 34 - hlen, pos, was = peer.next;
	const u8 *data = f + 34 + hlen;

	if (lwip_ntohs(h->src) != peer.own_port && !(TCPH_FLAGS(h) & TCP_SYN))
		return; /* of the last connection */
	if (lwip_ntohs(h->dest) != peer.port || (TCPH_FLAGS(h) & TCP_RST))
		return;
	if (TCPH_FLAGS(h) & TCP_SYN) {
		peer.own_port = lwip_ntohs(h->src);
		peer.irs = lwip_ntohl(h->seqno);
		peer.ts_recent = 0;
		answer(TCP_SYN);
		return;
	}
	pos = lwip_ntohl(h->seqno) - peer.irs - 1;
	if (peer.stamps && hlen >= 32)
		memcpy(&peer.ts_recent, f + 34 + 24, 4),
			peer.ts_recent = lwip_ntohl(peer.ts_recent);
	if (!n && !(TCPH_FLAGS(h) & TCP_FIN)) {
		if (pos != peer.next + peer.ended)
			answer(0);
		return;
	}
	for (u32 i = 0; i < n; i++) {
		if (pos + i >= MOST)
			panic("more comes than was written");
		if (data[i] != byte_at(pos + i))
			panic("a byte is wrong");
		if (pos + i < peer.edge || peer.rude)
			peer.got[pos + i] = 1;
	}
	peer.recent = pos;
	if ((pos + n <= peer.edge || peer.rude) && (TCPH_FLAGS(h) & TCP_FIN)) {
		if (peer.fin != ~0u && peer.fin != pos + n)
			panic("two ends");
		peer.fin = pos + n;
	}
	if (n)
		peer.last = MAX(peer.last, peer.rude ? pos + n : MIN(pos + n, peer.edge));
	while (peer.got[peer.next])
		peer.next++;
	if (!peer.reads)
		later(below(20) * MS, reader, peer.got, 0);
	peer.reads = true;
	if (peer.next == peer.fin && !peer.ended) {
		peer.ended = true;
		answer(TCP_FIN);
	} else if (peer.ended) {
		answer(TCP_FIN);
	} else if (peer.next == was || peer.last != peer.next || peer.ack_waits) {
		peer.ack_waits = false;
		answer(0);
	} else {
		peer.ack_waits = true;
		later(below(40) * MS, ack_now, peer.got, 0);
	}
}

/* ---- the device ---- */

static void arrive(u8 *f, u32 len)
{
	u8 *copy = malloc(len);
	struct pbuf *p;

	memcpy(copy, f, len);
	p = net_pbuf_wrap(copy, len, free, copy);
	if (p)
		net_input(&dev, &p, 1, 1);
	else
		free(copy);
}

static void arp(const u8 *f)
{
	u8 a[42] = { 2, 0, 0, 0, 0, 1, 2, 0,  0, 0, 0, 2, 8, 6, 0, 1, 8, 0,  6, 4, 0,
		     2, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1 };

	if (f[21] == 1 && below(5))
		later(below(30) * MS, arrive, a, sizeof(a));
}

static unsigned sent, joined, room_in = 30, fails_in = 50;

static int transmit(struct net_device *d, struct pbuf *p, const struct net_offload *o)
{
	static u8 f[65536];
	u32 n = p->tot_len, hlen = o->hdr_len, size = o->gso_size, seq;
	u8 part[14 + 1600];

	if (!below(fails_in))
		return -ENOBUFS;
	pbuf_copy_partial(p, f, p->tot_len, 0);
	if (f[12] == 8 && f[13] == 6)
		arp(f);
	if (f[12] != 8 || f[13] != 0 || f[23] != 6)
		return 0;
	sent++;
	if (!o->gso_type) {
		if (n > 1514)
			panic("a frame is too large for the device");
		travel(f, n);
		return 0;
	}
	joined++;
	memcpy(&seq, f + 38, 4);
	seq = lwip_ntohl(seq);
	for (u32 at = hlen; at < n; at += size) {
		u32 m = MIN(size, n - at);

		if (hlen + m > 1514)
			panic("a segment is too large for the device");
		memcpy(part, f, hlen);
		memcpy(part + hlen, f + at, m);
		put32(part + 38, seq + at - hlen);
		if (at + m < n)
			part[47] &= (u8) ~(TCP_FIN | TCP_PSH);
		travel(part, hlen + m);
	}
	return 0;
}

static bool has_room(struct net_device *d)
{
	return below(room_in);
}

static const struct net_device_ops ops = { .transmit = transmit, .has_room = has_room };
static struct net_device dev = {
	.dev = { .name = "eth0", .mtu = 1500, .hwaddr = { 2, 0, 0, 0, 0, 1 }, .flags = IFF_UP },
	.ops = &ops,
	.features = NETF_CSUM | NETF_TSO4,
};

/* ---- the sender ---- */

static u32 total, written;
static bool closed, up;

static void on_destroy(u8_t id, void *data)
{
	conn = NULL;
}

static const struct tcp_ext_arg_callbacks callbacks = { on_destroy };

static err_t on_connected(void *arg, struct tcp_pcb *p, err_t e)
{
	up = true;
	return ERR_OK;
}

static void connect_out(void)
{
	ip_addr_t to = IPADDR4_INIT_BYTES(10, 0, 0, 2);
	static u16 port = 20000;

	net_enter(&net_first);
	conn = tcp_new_ip_type(IPADDR_TYPE_V4);
	if (!conn) {
		net_leave();
		return;
	}
	IP_ADDR4(&conn->local_ip, 10, 0, 0, 1);
	conn->local_port = ++port;
	TCP_REG(&tcp_bound_pcbs, conn);
	tcp_ext_arg_set_callbacks(conn, 0, &callbacks);
	tcp_ext_arg_set(conn, 0, conn);
	if (!below(3))
		tcp_nagle_disable(conn);
	if (tcp_connect(conn, &to, peer.port, on_connected) != ERR_OK)
		tcp_abort(conn);
	net_leave();
}

static void write_some(void)
{
	u32 n = MIN(below(3) ? 1 + below(CHUNK_MAX) : 1 + below(below(2) * 100 + 1),
		    total - written);
	struct net_chunk *c = NULL;
	static u8 small[CHUNK_MAX];
	u8 *to = small;
	err_t e;

	net_enter(&net_first);
	if (written == total) {
		closed = true;
		if (tcp_close(conn) != ERR_OK)
			closed = false;
		net_leave();
		return;
	}
	if (conn->snd_lbb - conn->lastack > 300000)
		goto out;
	if (n > 512) {
		c = chunk_alloc(n);
		if (!c)
			goto out;
		to = c->data;
	}
	for (u32 i = 0; i < n; i++)
		to[i] = byte_at(written + i);
	tcp_mss_check(conn);
	chunk_writing = c;
	e = tcp_write(conn, to, (u16)n,
		      (c ? 0 : TCP_WRITE_FLAG_COPY) | (below(4) ? 0 : TCP_WRITE_FLAG_MORE));
	chunk_writing = NULL;
	if (e == ERR_OK)
		written += n;
	if (c)
		chunk_put(c);
	if (below(4))
		tcp_output(conn);
out:
	net_leave();
}

/* ---- a connection's life ---- */

static void change_path(void)
{
	static const u32 mtus[] = { 1500, 1400, 1400, 1280, 1000, 600, 576 };

	path.mtu = mtus[below(ARRAY_SIZE(mtus))];
	path.icmp = !below(3);
	path.lost = below(3) ? 0 : 5 + below(100);
	path.delay = below(4) ? below(5) : below(100);
	path.jitter = below(3) ? 0 : below(30);
}

static void begin(void)
{
	static const u32 rooms[] = { 700, 2000, 3000, 30000, 65535, 65536, 131072, 200000, 262144 };

	change_path();
	memset(&peer, 0, sizeof(peer));
	peer.sack = below(4);
	peer.stamps = below(3);
	peer.scale = below(4);
	peer.rude = !below(6);
	peer.mss = below(3) ? 1460 : 536 + (u16)below(900);
	peer.port = (u16)(1000 + below(60000));
	peer.iss = (u32)dice();
	peer.room = rooms[below(ARRAY_SIZE(rooms))];
	peer.fin = ~0u;
	total = 1 + below(below(4) ? 60000 : MOST - 1);
	written = 0;
	closed = up = false;
	unit_base_mss = below(3) ? 1024 : 48 + below(1400);
	unit_mtu_probing = below(8) ? 1 : 0;
	unit_starve = below(8) ? 0 : 20 + below(100);
	fails_in = below(4) ? 1000000 : 10 + below(100);
	room_in = below(4) ? 1000000 : 4 + below(100);
	connect_out();
}

static void run_next(u64 until)
{
	unsigned first = 0;
	struct event e;

	for (unsigned i = 1; i < nevents; i++)
		if (events[i].when < events[first].when)
			first = i;
	until = MIN(until, unit_next_timer());
	if (nevents && events[first].when <= until) {
		e = events[first];
		events[first] = events[--nevents];
		unit_now = MAX(unit_now, e.when);
		e.fn(e.frame, e.len);
		free(e.frame);
		return;
	}
	unit_pass(until > unit_now ? until - unit_now : 0);
}

static void forget_events(void)
{
	while (nevents)
		free(events[--nevents].frame);
}

static unsigned whole, cut_off;

static void one(unsigned n)
{
	u64 start, wake;

	begin();
	start = wake = unit_now;
	while (!peer.ended && conn && unit_now - start < PATIENCE) {
		if (unit_now >= wake) {
			if (up && conn && !closed)
				write_some();
			if (!below(400))
				change_path();
			wake = unit_now + (below(20) ? below(10) : below(1000)) * MS;
		}
		run_next(wake);
	}
	if (peer.ended && peer.next != total)
		panic("the end came too early");
	if (conn && conn->state >= ESTABLISHED && conn->unsent && !conn->unacked &&
	    conn->rtime < 0 && !conn->persist_backoff)
		panic("%u: nothing will ever send what waits", n);
	if (!unit_mtu_probing && conn && (conn->x.hole || conn->x.suspect))
		panic("%u: looks for black holes without being asked to", n);
	whole += peer.ended;
	cut_off += !peer.ended;
	unit_starve = 0;
	if (conn) {
		net_enter(&net_first);
		tcp_abort(conn);
		net_leave();
	}
	forget_events();
	net_first.paths_count = below(2) ? 0 : net_first.paths_count;
}

int main(void)
{
	const u8 own4[] = { 10, 0, 0, 1 };
	long before;

	netdev_add(&net_first, &net_first.lo);
	stack_init();
	net_device_add(&net_first, &dev);
	net_addr_add(&dev.dev, AF_INET, own4, 24);
	net_device_up(&dev, true);
	before = unit_live;
	for (unsigned i = 0; i < CONNS; i++)
		one(i);
	printf("%u connections were whole, %u cut off; %u frames, %u joined; %u vanished, %u told of\n",
	       whole, cut_off, sent, joined, holes, told);
	if (whole < CONNS / 10 * 9 || !joined || !holes || !told)
		panic("the test reaches nothing any more");
	unit_pass(600 * SECOND);
	return unit_live > before + 8;
}
