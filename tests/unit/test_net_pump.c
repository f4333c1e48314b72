// sources: host/net/attach.c host/net/pump.c host/net/send.c host/net/receive.c host/net/check.c host/net/pcap.c host/ring_dev.c host/error.c host/jail.c host/label.c
// libs: -lseccomp -lpthread
/*
 * test_net_pump.c - the launcher's network threads between a driver of our own and sockets in a backend's place:
 * frames of every size both ways arrive whole and in order, over datagrams (virtio-net headers) and over a stream (lengths),
 * on every pair of queues that there is; refused ones do not; a backend that ends is told, and a pair whose queues are broken
 * leaves the others working. Each transport runs in a process of its own, as the threads are sealed and never end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/boot.h"
#include "host/ctl.h"
#include "host/error.h"
#include "host/sandbox.h"

#define ARENA (8u << 20)
#define RAM   (2u << 20)
#define DATA  0x200000u
#define RX    (RING_Q_NET + 2 * pair)
#define TX    (RX + 1)
#define SLOTS 64

#define CHECK(cond)                                                                \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)

static struct sandbox sb;
static unsigned pair;	     /* that is being tested */
static int wires[NET_PAIRS]; /* the backend's other ends */
static int wire;	     /* this pair's */
static uint16_t rx_used, tx_used;
static unsigned char big[NET_FRAME_MAX + 64], got[NET_FRAME_MAX + 64];

/* Of host/ctl.c. */
void queue_notify(struct sandbox *s, unsigned queue)
{
	uint64_t one = 1;

	CHECK(write(s->call_fd[queue], &one, 8) == 8);
}

static struct ring_mem *ring(unsigned q)
{
	return (struct ring_mem *)(sb.arena + (size_t)q * RING_STRIDE);
}

static void desc(unsigned q, unsigned i, uint64_t addr, uint32_t len, unsigned flags, unsigned next)
{
	ring(q)->desc[i] = (struct ring_desc){ addr, len, (uint16_t)flags, (uint16_t)next };
}

static void offer(unsigned q, unsigned head)
{
	struct ring_avail *a = &ring(q)->avail;
	uint64_t one = 1;

	a->ring[a->idx % RING_ENTRIES] = (uint16_t)head;
	__atomic_store_n(&a->idx, (uint16_t)(a->idx + 1), __ATOMIC_SEQ_CST);
	CHECK(write(sb.kick_fd[q], &one, 8) == 8);
}

/* Wait, by looking, until the device used one more. */
static struct ring_used_elem used(unsigned q, uint16_t *at)
{
	struct ring_used *u = &ring(q)->used;

	for (unsigned ms = 0; __atomic_load_n(&u->idx, __ATOMIC_ACQUIRE) == *at; ms++) {
		CHECK(ms < 5000);
		usleep(1000);
	}
	return u->ring[(*at)++ % RING_ENTRIES];
}

static void post_rx(unsigned i)
{
	desc(RX, i, DATA + i * NET_RX_BUFFER, NET_RX_BUFFER, RING_DESC_F_WRITE, 0);
	offer(RX, i);
}

/* A frame of the sandbox's own, with `len` bytes in all and a pattern as its data. */
static void make_frame(unsigned char *f, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		f[i] = (unsigned char)(i * 7 + seed);
	memcpy(f + 6, sb.net.config.mac, 6);
	f[12] = 8;
	f[13] = 0;
	f[14] = 0x45;
	f[16] = (unsigned char)((len - 14) >> 8);
	f[17] = (unsigned char)(len - 14);
	f[20] = f[21] = 0;
	memcpy(f + 26, sb.net.config.addrs[0].addr, 4);
}

/* Its header in RAM, the frame in two pieces in the arena: all three kinds of place are read. */
static void send_chain(size_t len)
{
	struct net_hdr h = { 0 };
	uint64_t at = DATA + SLOTS * NET_RX_BUFFER, cut = len > 100 ? 77 : len / 2;

	memcpy(sb.ram + 0x1000, &h, sizeof(h));
	memcpy(sb.arena + at, big, len);
	desc(TX, 0, 0x1000 - ARENA_PADDR, sizeof(h), RING_DESC_F_NEXT, 1);
	desc(TX, 1, at, (uint32_t)cut, RING_DESC_F_NEXT, 2);
	desc(TX, 2, at + cut, (uint32_t)(len - cut), 0, 0);
	offer(TX, 0);
	used(TX, &tx_used);
}

static void read_all(unsigned char *to, size_t len)
{
	for (size_t n = 0; n < len;) {
		ssize_t r = read(wire, to + n, len - n);

		CHECK(r > 0);
		n += (size_t)r;
	}
}

static void sending(void)
{
	static const size_t lens[] = { 60, 64, 255, 256, 257, 1514, 4096, 9014 };

	for (unsigned i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		size_t len = lens[i], head = sb.net.config.transport == NET_STREAM ? 4 : 10;

		make_frame(big, len, i);
		send_chain(len);
		if (head == 4)
			read_all(got, len + head);
		else
			CHECK(read(wire, got, sizeof(got)) == (ssize_t)(len + head));
		if (head == 4)
			CHECK(got[0] == 0 && got[1] == 0 && (size_t)(got[2] << 8 | got[3]) == len);
		CHECK(memcmp(got + head, big, len) == 0);
	}
	CHECK(sb.net.pair[pair].tx.frames == sizeof(lens) / sizeof(*lens));
	make_frame(big, 100, 1);
	big[11] ^= 1;
	send_chain(100);
	desc(TX, 0, RAM - ARENA_PADDR, 64, 0, 0); /* outside of everything */
	offer(TX, 0);
	CHECK(used(TX, &tx_used).len == 0);
	while (__atomic_load_n(&sb.net.pair[pair].tx.refused, __ATOMIC_RELAXED) != 2)
		usleep(1000);
	CHECK(recv(wire, got, sizeof(got), MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

/* What lies in the next buffers must be a header and the first len bytes of big; they are posted again. */
static void expect_frame(size_t len)
{
	size_t left = len + sizeof(struct net_hdr), at = 0;
	unsigned count = (unsigned)((left + NET_RX_BUFFER - 1) / NET_RX_BUFFER);
	struct net_hdr h;

	for (unsigned i = 0; i < count; i++) {
		struct ring_used_elem e = used(RX, &rx_used);
		size_t part = left < NET_RX_BUFFER ? left : NET_RX_BUFFER;
		const char *p = sb.arena + DATA + e.id * NET_RX_BUFFER;

		CHECK(e.id < SLOTS && e.len == part);
		left -= part;
		if (i == 0) {
			memcpy(&h, p, sizeof(h));
			CHECK(h.buffers == count);
			p += sizeof(h);
			part -= sizeof(h);
		}
		CHECK(memcmp(p, big + at, part) == 0);
		at += part;
		post_rx(e.id);
	}
}

static void wire_send(size_t len, size_t cut)
{
	unsigned char prefix[10] = { 0 };
	struct iovec v[2] = { { prefix, 10 }, { big, len } };

	if (sb.net.config.transport == NET_STREAM) {
		prefix[2] = (unsigned char)(len >> 8);
		prefix[3] = (unsigned char)len;
		v[0].iov_len = 4;
		if (cut < len) { /* in three writes, with time between them */
			CHECK(write(wire, prefix, 3) == 3);
			usleep(2000);
			CHECK(write(wire, prefix + 3, 1) == 1);
			CHECK(write(wire, big, cut) == (ssize_t)cut);
			usleep(2000);
			CHECK(write(wire, big + cut, len - cut) == (ssize_t)(len - cut));
			return;
		}
	}
	CHECK(writev(wire, v, 2) == (ssize_t)(v[0].iov_len + len));
}

static void receiving(void)
{
	static const size_t lens[] = { 60, 4084, 4085, 1514, 65534, 8180, 8181, 14, 60000 };

	for (unsigned i = 0; i < 60; i++) {
		size_t len = lens[i % 9];

		for (size_t k = 0; k < len; k++)
			big[k] = (unsigned char)(k * 3 + i);
		wire_send(len, i & 1 ? len / 3 + 1 : len);
		expect_frame(len);
	}
	/* Two frames in one write of a stream, and many at once. */
	for (unsigned i = 0; i < 20; i++)
		wire_send(1514, 1514);
	for (unsigned i = 0; i < 20; i++)
		expect_frame(1514);
	CHECK(sb.net.pair[pair].rx.frames == 80);
}

static void ending(void)
{
	uint16_t cfg = 1;
	struct net_config c;

	desc(RING_Q_NET_CFG, 0, DATA + 0x100000, sizeof(c), RING_DESC_F_WRITE, 0);
	offer(RING_Q_NET_CFG, 0);
	shutdown(wires[0], SHUT_RDWR);
	CHECK(used(RING_Q_NET_CFG, &cfg).len == sizeof(c));
	memcpy(&c, sb.arena + DATA + 0x100000, sizeof(c));
	CHECK(!(c.flags & NET_UP));
}

/* Pair 1's queues become nonsense: its thread stops, pair 0's goes on. */
static void breaking(void)
{
	uint64_t one = 1;

	pair = 1;
	ring(TX)->avail.idx = (uint16_t)(ring(TX)->avail.idx + RING_ENTRIES + 1);
	CHECK(write(sb.kick_fd[TX], &one, 8) == 8);
	pair = 0;
	wire = wires[0];
	rx_used = ring(RX)->used.idx;
	wire_send(1514, 1514);
	expect_frame(1514);
}

static int child(unsigned transport, unsigned pairs)
{
	struct net_config c = { .pairs = pairs,
				.flags = NET_UP | NET_CSUM | NET_GSO,
				.transport = transport,
				.mtu = 9000,
				.mac = { 2, 0, 0, 0, 0, 9 },
				.name = "eth0",
				.naddrs = 1 };
	struct error err = { 0 };
	int fds[NET_PAIRS];
	uint16_t cfg = 0;

	c.addrs[0] = (struct net_addr){ .family = 4, .prefix = 24, .addr = { 192, 0, 2, 1 } };
	sb.arena_size = ARENA;
	sb.ram_size = RAM;
	sb.arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sb.ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (unsigned q = 0; q < RING_QUEUES; q++) {
		sb.kick_fd[q] = eventfd(0, EFD_NONBLOCK);
		sb.call_fd[q] = eventfd(0, EFD_NONBLOCK);
	}
	for (unsigned i = 0; i < pairs; i++) {
		int ends[2];

		CHECK(socketpair(AF_UNIX, transport == NET_STREAM ? SOCK_STREAM : SOCK_SEQPACKET, 0,
				 ends) == 0);
		wires[i] = ends[0];
		fds[i] = ends[1];
		CHECK(fcntl(fds[i], F_SETFL, O_NONBLOCK) == 0);
	}
	sb.net.pcap_fd = -1;
	CHECK(net_prepare(&sb.net, pairs, fds, &c, &err) == 0);
	CHECK(net_start(&sb, &err) == 0);
	CHECK(net_attach(&sb, fds, pairs, &c) == -EBUSY);
	desc(RING_Q_NET_CFG, 0, DATA + 0x100000, sizeof(c), RING_DESC_F_WRITE, 0);
	offer(RING_Q_NET_CFG, 0);
	CHECK(used(RING_Q_NET_CFG, &cfg).len == sizeof(c));
	CHECK(memcmp(sb.arena + DATA + 0x100000, &c, sizeof(c)) == 0);
	for (pair = 0; pair < pairs; pair++) {
		wire = wires[pair];
		rx_used = tx_used = 0;
		for (unsigned i = 0; i < SLOTS; i++)
			post_rx(i);
		sending();
		receiving();
	}
	if (pairs > 1)
		breaking();
	ending();
	return 0;
}

int main(void)
{
	static const struct {
		unsigned transport, pairs;
	} runs[] = { { NET_VNET, 1 }, { NET_STREAM, 1 }, { NET_VNET, NET_PAIRS } };

	for (unsigned i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		pid_t pid = fork();
		int st;

		if (pid == 0)
			_exit(child(runs[i].transport, runs[i].pairs));
		CHECK(waitpid(pid, &st, 0) == pid);
		if (st) {
			fprintf(stderr, "transport %u, %u pairs: wait status %x\n",
				runs[i].transport, runs[i].pairs, st);
			return 1;
		}
	}
	return 0;
}
