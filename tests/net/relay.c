/*
 * relay.c - relay [OPTION...] NETNS-A NETNS-B: a wire between two TAP devices "eth0" that it makes in two network namespaces
 * (files), with what can happen to frames on the way. Runs until it is killed; says "ready" when the devices are there.
 *
 *	--loss P	percent of frames that vanish		--dup P		percent that come twice
 *	--reorder P	percent that come 1-5 ms late		--delay MS	all of them, each way
 *	--rate MBIT	each way, with a queue of 200 frames	--mtu BYTES	longer frames vanish (a black hole)
 *	--icmp MTU	longer packets come back as ICMP's "fragmentation needed" or ICMPv6's "packet too big", for that MTU
 *	--seed N	of the generator: the same frames meet the same fate
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX  9216
#define QUEUE_MAX  16384
#define RATE_QUEUE 200

struct frame {
	uint64_t due; /* ns */
	uint16_t len;
	unsigned char data[FRAME_MAX];
};

struct way {
	int from, to;
	struct frame *queue[QUEUE_MAX]; /* by due, the first at head */
	unsigned head, count;
	uint64_t busy_until; /* --rate */
	unsigned long frames, lost;
};

static struct {
	double loss, dup, reorder;
	unsigned delay_ms, rate_mbit, mtu, icmp;
} opt;
static uint64_t seed = 1;
static struct frame *spare[QUEUE_MAX];
static unsigned nspare;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static double chance(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (double)(seed >> 11) / (double)(1ULL << 53) * 100;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int make_tap(const char *netns)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;

	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		fail(netns);
	close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	strcpy(ifr.ifr_name, "eth0");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		fail("/dev/net/tun");
	return fd;
}

static void put_frame(struct frame *f)
{
	if (nspare < QUEUE_MAX)
		spare[nspare++] = f;
	else
		free(f);
}

static struct frame *get_frame(void)
{
	struct frame *f = nspare ? spare[--nspare] : malloc(sizeof(*f));

	if (!f)
		fail("malloc");
	return f;
}

static struct frame **slot(struct way *w, unsigned i)
{
	return &w->queue[(w->head + i) % QUEUE_MAX];
}

static void enqueue(struct way *w, struct frame *f)
{
	unsigned at = w->count;

	if (w->count == QUEUE_MAX) {
		w->lost++;
		put_frame(f);
		return;
	}
	for (; at && (*slot(w, at - 1))->due > f->due; at--)
		*slot(w, at) = *slot(w, at - 1);
	*slot(w, at) = f;
	w->count++;
}

/* ---- a router's answer to a packet that is too large ---- */

#define ETH_LEN 14

static void put16(unsigned char *p, unsigned v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

/* One's complement sum of n bytes, an even number, on top of `sum`. */
static uint32_t add_up(uint32_t sum, const unsigned char *p, unsigned n)
{
	for (unsigned i = 0; i < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

static unsigned folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* "Too large" with what it quotes. sum: of what its checksum covers besides. */
static void fill_icmp(unsigned char *icmp, int type, int code, const unsigned char *ip,
		      unsigned quote, uint32_t sum)
{
	memset(icmp, 0, 8);
	icmp[0] = (unsigned char)type;
	icmp[1] = (unsigned char)code;
	put16(icmp + 6, opt.icmp);
	memcpy(icmp + 8, ip, quote);
	put16(icmp + 2, folded(add_up(sum, icmp, 8 + quote)));
}

/* ICMP of type 3, code 4, that quotes the packet at `ip`; it comes from where that was to go. Its length. */
static unsigned make_icmp(unsigned char *out, const unsigned char *ip, unsigned quote)
{
	memset(out, 0, 20);
	out[0] = 0x45;
	put16(out + 2, 28 + quote);
	out[8] = 64;
	out[9] = 1;
	memcpy(out + 12, ip + 16, 4);
	memcpy(out + 16, ip + 12, 4);
	put16(out + 10, folded(add_up(0, out, 20)));
	fill_icmp(out + 20, 3, 4, ip, quote, 0);
	return 28 + quote;
}

static unsigned make_icmp6(unsigned char *out, const unsigned char *ip, unsigned quote)
{
	memset(out, 0, 40);
	out[0] = 0x60;
	put16(out + 4, 8 + quote);
	out[6] = 58;
	out[7] = 64;
	memcpy(out + 8, ip + 24, 16);
	memcpy(out + 24, ip + 8, 16);
	fill_icmp(out + 40, 2, 0, ip, quote, add_up(58 + 8 + quote, out + 8, 32));
	return 48 + quote;
}

/* True: f is too large for --icmp, and is the answer now, to go back where it came from. */
static int too_big(struct frame *f)
{
	unsigned char out[ETH_LEN + 48 + 512];
	const unsigned char *ip = f->data + ETH_LEN;
	unsigned n, v6 = f->data[12] == 0x86;

	if (!opt.icmp || f->len <= opt.icmp + ETH_LEN ||
	    (!v6 && (f->data[12] != 8 || !(ip[6] & 0x40))))
		return 0; /* what routers may cut is left to --mtu */
	memcpy(out, f->data + 6, 6);
	memcpy(out + 6, f->data, 6);
	memcpy(out + 12, f->data + 12, 2);
	n = v6 ? make_icmp6(out + ETH_LEN, ip, 512) : make_icmp(out + ETH_LEN, ip, 512);
	f->len = (uint16_t)(ETH_LEN + n);
	memcpy(f->data, out, f->len);
	return 1;
}

/* What becomes of a frame that has just come. */
static void meet_fate(struct way *w, struct frame *f, uint64_t now)
{
	w->frames++;
	if (too_big(f)) {
		if (write(w->from, f->data, f->len) < 0)
			w->lost++;
		put_frame(f);
		return;
	}
	if (chance() < opt.loss || (opt.mtu && f->len > opt.mtu + 14)) {
		w->lost++;
		put_frame(f);
		return;
	}
	f->due = now + opt.delay_ms * 1000000ULL;
	if (opt.rate_mbit) {
		uint64_t takes = f->len * 8000ULL / opt.rate_mbit;

		if (w->busy_until > now + RATE_QUEUE * 1514 * 8000ULL / opt.rate_mbit) {
			w->lost++;
			put_frame(f);
			return;
		}
		w->busy_until = (w->busy_until > now ? w->busy_until : now) + takes;
		f->due += w->busy_until - now;
	}
	if (chance() < opt.reorder)
		f->due += 1000000 + (uint64_t)(chance() * 40000);
	if (chance() < opt.dup) {
		struct frame *twin = get_frame();

		memcpy(twin, f, offsetof(struct frame, data) + f->len);
		enqueue(w, twin);
	}
	enqueue(w, f);
}

static void move(struct way *w)
{
	uint64_t now = now_ns();
	struct frame *f;

	for (unsigned i = 0; i < 64; i++) {
		ssize_t n;

		f = get_frame();
		n = read(w->from, f->data, sizeof(f->data));
		if (n <= 0) {
			put_frame(f);
			break;
		}
		f->len = (uint16_t)n;
		meet_fate(w, f, now);
	}
	while (w->count && (*slot(w, 0))->due <= now) {
		f = *slot(w, 0);
		if (write(w->to, f->data, f->len) < 0 && errno == EAGAIN)
			break;
		put_frame(f);
		w->head = (w->head + 1) % QUEUE_MAX;
		w->count--;
	}
}

static void usage(void)
{
	fprintf(stderr,
		"usage: relay [--loss P] [--dup P] [--reorder P] [--delay MS] [--rate MBIT] "
		"[--mtu BYTES] [--icmp MTU] [--seed N] NETNS-A NETNS-B\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static struct way way[2];
	int a, b, i;

	for (i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		double v = atof(argv[i + 1]);

		if (!strcmp(argv[i], "--loss"))
			opt.loss = v;
		else if (!strcmp(argv[i], "--dup"))
			opt.dup = v;
		else if (!strcmp(argv[i], "--reorder"))
			opt.reorder = v;
		else if (!strcmp(argv[i], "--delay"))
			opt.delay_ms = (unsigned)v;
		else if (!strcmp(argv[i], "--rate"))
			opt.rate_mbit = (unsigned)v;
		else if (!strcmp(argv[i], "--mtu"))
			opt.mtu = (unsigned)v;
		else if (!strcmp(argv[i], "--icmp"))
			opt.icmp = (unsigned)v;
		else if (!strcmp(argv[i], "--seed"))
			seed = (uint64_t)v * 2 + 1;
		else
			usage();
	}
	if (argc - i != 2)
		usage();
	for (int k = 0; k < 64; k++) /* a small seed's first numbers are small */
		chance();
	a = make_tap(argv[i]);
	b = make_tap(argv[i + 1]);
	way[0] = (struct way){ .from = a, .to = b };
	way[1] = (struct way){ .from = b, .to = a };
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd p[2] = { { a, POLLIN, 0 }, { b, POLLIN, 0 } };
		struct timespec ts = { 3600, 0 };
		uint64_t now = now_ns();

		for (unsigned k = 0; k < 2; k++) {
			uint64_t due, left;

			if (!way[k].count)
				continue;
			due = (*slot(&way[k], 0))->due;
			left = due > now ? due - now : 0;
			if (left < (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec)
				ts = (struct timespec){ (time_t)(left / 1000000000),
							(long)(left % 1000000000) };
		}
		if (ppoll(p, 2, &ts, NULL) < 0 && errno != EINTR)
			fail("ppoll");
		move(&way[0]);
		move(&way[1]);
	}
}
