// sources: host/net/check.c
/*
 * test_net_check.c - which frames a sandbox may send: its own MAC and addresses, lengths and offloads that hold. Each rule
 * is shown by a good frame with one field changed; then noise, cut at every length.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/net/check.h"

#define CHECK(cond)                                                                \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			exit(1);                                                   \
		}                                                                  \
	} while (0)

static struct net_config config = {
	.pairs = 1,
	.flags = NET_UP | NET_CSUM | NET_GSO,
	.mtu = 1500,
	.mac = { 2, 0, 0, 0, 0, 1 },
	.naddrs = 2,
	.addrs = { { .family = 4, .prefix = 24, .addr = { 10, 0, 0, 2 } },
		   { .family = 6, .prefix = 64, .addr = { 0xfd, [15] = 2 } } },
};
static unsigned char frame[65600];
static struct net_hdr hdr;

static void put16(size_t at, unsigned v)
{
	frame[at] = (unsigned char)(v >> 8);
	frame[at + 1] = (unsigned char)v;
}

static void ethernet(unsigned type)
{
	memset(frame, 0, sizeof(frame));
	memset(&hdr, 0, sizeof(hdr));
	memset(frame, 0xff, 6);
	memcpy(frame + 6, config.mac, 6);
	put16(12, type);
}

/* The header at `at`, its checksum left to others; the frame's length. */
static size_t tcp_at(size_t at, size_t data)
{
	frame[at + 12] = 5 << 4;
	hdr.flags = NET_HDR_NEEDS_CSUM;
	hdr.csum_start = at;
	hdr.csum_offset = 16;
	return at + 20 + data;
}

/* TCP over IPv4 with this much data. */
static size_t tcp4(size_t data)
{
	ethernet(0x0800);
	frame[14] = 0x45;
	put16(16, (unsigned)(40 + data));
	frame[23] = 6;
	memcpy(frame + 26, config.addrs[0].addr, 4);
	return tcp_at(34, data);
}

/* The same over IPv6. */
static size_t tcp6(size_t data)
{
	ethernet(0x86dd);
	frame[14] = 0x60;
	put16(18, (unsigned)(20 + data));
	frame[20] = 6;
	memcpy(frame + 22, config.addrs[1].addr, 16);
	return tcp_at(54, data);
}

static size_t gso4(size_t data)
{
	size_t len = tcp4(data);

	hdr.gso_type = NET_GSO_TCPV4;
	hdr.hdr_len = 54;
	hdr.gso_size = 1460;
	return len;
}

static size_t arp(void)
{
	static const unsigned char head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	ethernet(0x0806);
	memcpy(frame + 14, head, sizeof(head));
	memcpy(frame + 22, config.mac, 6);
	memcpy(frame + 28, config.addrs[0].addr, 4);
	return 42;
}

/* An ICMPv6 message of len bytes. */
static size_t icmp6(unsigned type, size_t len)
{
	ethernet(0x86dd);
	frame[14] = 0x60;
	put16(18, (unsigned)len);
	frame[20] = 58;
	memcpy(frame + 22, config.addrs[1].addr, 16);
	frame[54] = (unsigned char)type;
	return 54 + len;
}

static bool ok(size_t len)
{
	size_t head = len < NET_HEAD_MAX ? len : NET_HEAD_MAX;
	unsigned char *copy = malloc(head ? head : 1); /* the sanitizer sees a read behind it */
	bool good;

	memcpy(copy, frame, head);
	good = net_check_frame(&config, &hdr, copy, head, len);
	free(copy);
	return good;
}

#define REFUSED(make, change)      \
	do {                       \
		size_t len = make; \
		CHECK(ok(len));    \
		change;            \
		CHECK(!ok(len));   \
	} while (0)

static void sources(void)
{
	REFUSED(tcp4(100), frame[11] ^= 1);
	REFUSED(tcp4(100), frame[29]++);
	REFUSED(arp(), frame[27] ^= 1);
	REFUSED(arp(), frame[31]++);
	REFUSED(arp(), frame[17] = 7);
	REFUSED(icmp6(128, 8), frame[37]++);
	arp();
	memset(frame + 28, 0, 4); /* a probe */
	CHECK(ok(42));
	ethernet(0x88cc);
	CHECK(!ok(60));
	config.flags |= NET_SPOOF;
	CHECK(ok(60));
	tcp4(0);
	frame[29]++;
	CHECK(ok(54));
	frame[11] ^= 1; /* never another's MAC */
	CHECK(!ok(54));
	config.flags &= ~(uint32_t)NET_SPOOF;
}

static void discovery(void)
{
	/* An advertisement of our own address, with our own MAC as an option. */
	size_t len = icmp6(136, 32);

	memcpy(frame + 62, config.addrs[1].addr, 16);
	frame[78] = 2;
	frame[79] = 1;
	memcpy(frame + 80, config.mac, 6);
	CHECK(ok(len));
	frame[85] ^= 1;
	CHECK(!ok(len));
	frame[85] ^= 1;
	frame[79] = 0; /* an option without a length would never end */
	CHECK(!ok(len));
	frame[79] = 1;
	frame[77]++;
	CHECK(!ok(len));
	icmp6(134, 16);
	CHECK(!ok(70)); /* no router */
	icmp6(137, 40);
	CHECK(!ok(94));
	/* Duplicate address detection comes from no address. */
	len = icmp6(135, 24);
	memset(frame + 22, 0, 16);
	CHECK(ok(len));
	/* The same behind a hop-by-hop header that says more than there is. */
	frame[20] = 0;
	frame[54] = 58;
	frame[55] = 255;
	CHECK(!ok(len));
}

static void lengths(void)
{
	REFUSED(tcp4(100), frame[14] = 0x44);
	REFUSED(tcp4(100), frame[14] = 0x4f; put16(16, 30));
	REFUSED(tcp4(100), put16(16, 141));
	CHECK(ok(tcp4(1460)));
	CHECK(!ok(tcp4(1461))); /* the MTU */
	REFUSED(tcp4(0), hdr.csum_start = 50);
	REFUSED(tcp4(0), hdr.csum_start = 3);
	REFUSED(tcp4(0), hdr.csum_offset = 1000);
	REFUSED(tcp4(0), hdr.flags |= 4);
	REFUSED(tcp4(0), hdr.buffers = 2);
	REFUSED(gso4(30000), hdr.gso_size = 0);
	REFUSED(gso4(30000), hdr.gso_size = 1);
	REFUSED(gso4(30000), hdr.gso_size = NET_GSO_SIZE_MIN - 1);
	REFUSED(gso4(30000), hdr.gso_size = 1461);
	REFUSED(gso4(30000), hdr.hdr_len = 53);
	REFUSED(gso4(30000), hdr.hdr_len = 65535);
	REFUSED(gso4(30000), hdr.gso_type = NET_GSO_TCPV6);
	REFUSED(gso4(30000), hdr.gso_type = 3);
	REFUSED(gso4(30000), hdr.flags = 0);
	REFUSED(gso4(30000), frame[23] = 17);
	REFUSED(gso4(30000), frame[46] = 4 << 4);
	CHECK(ok(gso4(65495)));
	config.flags &= ~(uint32_t)NET_GSO;
	CHECK(!ok(gso4(30000)));
	config.flags &= ~(uint32_t)NET_CSUM;
	CHECK(!ok(tcp4(0)));
	config.flags |= NET_CSUM | NET_GSO;
}

/* Whoever fills a checksum in writes into the frame after it was looked at: only where TCP has one. */
static void checksums(void)
{
	REFUSED(tcp6(100), hdr.csum_start = 34; hdr.csum_offset = 2); /* the end of the source */
	REFUSED(tcp6(100), hdr.csum_offset = 14);
	REFUSED(tcp4(100), frame[23] = 17);
	/* An advertisement's target address. */
	REFUSED(icmp6(128, 32), hdr.flags = NET_HDR_NEEDS_CSUM; hdr.csum_start = 54;
		hdr.csum_offset = 8);
	/* The Sentry's ARP goes without. */
	REFUSED(arp(), hdr.flags = NET_HDR_NEEDS_CSUM; hdr.csum_start = 34; hdr.csum_offset = 4);
}

static void noise(void)
{
	static const unsigned types[] = { 0x0800, 0x0806, 0x86dd };

	srand(1);
	for (unsigned n = 0; n < 200000; n++) {
		size_t len = (size_t)rand() % 400;

		for (size_t i = 0; i < 400; i++)
			frame[i] = (unsigned char)rand();
		memcpy(frame + 6, config.mac, 6);
		put16(12, types[n % 3]);
		frame[14] = n % 3 == 2 ? 0x60 : 0x45;
		frame[20] = (unsigned char)(n & 1 ? 0 : 58);
		for (size_t i = 0; i < sizeof(hdr); i++)
			((unsigned char *)&hdr)[i] = (unsigned char)rand();
		ok(len);
	}
}

int main(void)
{
	sources();
	discovery();
	lengths();
	checksums();
	noise();
	return 0;
}
