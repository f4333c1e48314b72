/*
 * hostile.c - a Sentry that was taken over: what it puts into the rings is garbage of many kinds. The container's
 * environment says which and with which seed: HOSTILE=KIND:SEED, found in the boot tree by looking for its bytes.
 *
 * Host processes must outlive all of it: tests/apps/hostile.sh looks at how they end.
 */
#include <string.h>

#include "abi/boot.h"
#include "abi/control.h"
#include "abi/net.h"
#include "abi/p9.h"
#include "abi/ring.h"
#include "tests/guest/hostile/hostile.h"

#define DATA	 0x200000u /* where our buffers lie in the arena */
#define DATA_LEN 0x10000u

static const struct machine *m;
static uint64_t state;	/* of rnd() */
static unsigned number; /* the seed as it was written */

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void noise(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)(rnd() >> 24);
}

static struct ring_mem *ring(unsigned q)
{
	return (struct ring_mem *)(m->arena + ARENA_RINGS + q * RING_STRIDE);
}

static void wait_a_little(void)
{
	for (unsigned i = 0; i < 20000; i++)
		__asm__ volatile("pause");
}

static void ring_all(void)
{
	for (unsigned q = 0; q < RING_QUEUES; q++)
		m->bell(q);
	wait_a_little();
}

static void desc(unsigned q, unsigned i, uint64_t addr, uint32_t len, unsigned flags, unsigned next)
{
	ring(q)->desc[i] = (struct ring_desc){ addr, len, (uint16_t)flags, (uint16_t)next };
}

static void offer(unsigned q, unsigned head)
{
	struct ring_avail *a = &ring(q)->avail;

	a->ring[a->idx % RING_ENTRIES] = (uint16_t)head;
	__atomic_store_n(&a->idx, (uint16_t)(a->idx + 1), __ATOMIC_RELEASE);
}

/* The host has answered enough of what lies in the queue for another chain; its patience is not what is tested. */
static int room(unsigned q)
{
	for (unsigned i = 0; i < 200; i++) {
		uint16_t used = __atomic_load_n(&ring(q)->used.idx, __ATOMIC_ACQUIRE);

		if ((uint16_t)(ring(q)->avail.idx - used) < RING_ENTRIES / 2)
			return 1;
		m->bell(q);
		wait_a_little();
	}
	return 0;
}

/* Every byte of every queue. */
static void do_noise(void)
{
	for (unsigned round = 0; round < 8; round++) {
		for (unsigned q = 0; q < RING_QUEUES; q++)
			noise(ring(q), sizeof(struct ring_mem));
		ring_all();
	}
}

/* Good descriptors, a bad index. */
static void do_index(void)
{
	for (unsigned q = 0; q < RING_QUEUES; q++) {
		for (unsigned i = 0; i < RING_ENTRIES; i++)
			desc(q, i, DATA, 512, 0, 0);
		ring(q)->avail.idx = (uint16_t)(RING_ENTRIES + 1 + rnd() % 30000);
	}
	ring_all();
}

/* Chains that come back to themselves. */
static void do_loop(void)
{
	for (unsigned round = 0; round < 64; round++) {
		for (unsigned q = 0; q < RING_QUEUES; q++) {
			unsigned n = 1 + (unsigned)rnd() % RING_ENTRIES;

			for (unsigned i = 0; i < n; i++)
				desc(q, i, DATA, 16,
				     RING_DESC_F_NEXT | (i > rnd() % n ? RING_DESC_F_WRITE : 0),
				     (i + 1) % n);
			offer(q, (unsigned)rnd() % n);
		}
		ring_all();
	}
}

/* Buffers that lie outside, end outside, overflow, or claim to be tables of buffers. */
static void do_bounds(void)
{
	const uint64_t addr[] = { m->arena_size, m->arena_size - 1, ~0ULL,
				  ~0ULL - 4095,	 1ULL << 63,	    0,
				  DATA };
	const uint32_t len[] = { 1, 2, 4096, 0x7fffffff, 0xffffffff, 0 };

	for (unsigned round = 0; round < 64; round++) {
		for (unsigned q = 0; q < RING_QUEUES; q++) {
			unsigned flags = rnd() & 1 ? RING_DESC_F_WRITE : 0;

			if (q == RING_Q_STREAM) /* what comes out there is judged */
				continue;
			if (rnd() % 4 == 0)
				flags |= 4 | (unsigned)rnd() % 0x10000; /* indirect, unknown */
			desc(q, 0, addr[rnd() % 7], len[rnd() % 6], flags & ~1U, 0);
			offer(q, 0);
		}
		ring_all();
	}
}

/* A control message as random as it can be without ending the sandbox by the rules. */
static void ctl_noise(struct ctl_msg *c)
{
	static const uint32_t types[] = { 0,	     CTL_SIGNAL,       CTL_TIME,    CTL_GOFER_GONE,
					  CTL_LOG,   CTL_TIME_REQUEST, CTL_STARTED, CTL_LIST,
					  0xffffffff };

	noise(c, sizeof(*c));
	c->type = types[rnd() % 9];
	c->handle = rnd() & 1 ? 0 : (uint32_t)rnd() % 1000;
	if (rnd() & 1)
		c->len = (uint32_t)rnd() % 1000;
}

/* Version and attach, so that there is a fid 0, then anything. */
static void p9_noise(uint8_t *p, unsigned round)
{
	static const uint8_t version[] = "\x15\0\0\0\x64\xff\xff\0\0\1\0\x08\0"
					 "9P2000.L";
	static const uint8_t attach[] =
		"\x17\0\0\0\x68\1\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0";
	uint32_t size = 7 + (uint32_t)rnd() % 200;

	noise(p, size);
	memcpy(p, &size, 4);
	p[4] = (uint8_t)(6 + rnd() % 150);
	memset(p + 7, 0, rnd() % 9); /* fid 0 and its like */
	if (round % 100 == 0)
		memcpy(p, version, sizeof(version) - 1);
	else if (round % 100 == 1)
		memcpy(p, attach, sizeof(attach) - 1);
}

/* Well-formed chains with senseless content: every service's parser has its turn. */
static void do_messages(void)
{
	uint8_t *data = m->arena + DATA;

	for (unsigned round = 0; round < 1500; round++) {
		unsigned d = (unsigned)(round % 60) * 2;
		uint32_t at = DATA + d * 1024;
		struct balloon_range *b = (struct balloon_range *)(m->arena + at + 1024);

		ctl_noise((struct ctl_msg *)(m->arena + at));
		desc(RING_Q_CTL_OUT, d, at, (uint32_t)(rnd() & 7 ? 512 : rnd() % 600), 0, 0);
		if (room(RING_Q_CTL_OUT))
			offer(RING_Q_CTL_OUT, d);
		if (round <
		    RING_ENTRIES / 4) { /* few come back: the host uses them when it has news */
			desc(RING_Q_CTL_IN, d, at, (uint32_t)(rnd() & 1 ? 512 : rnd() % 512),
			     RING_DESC_F_WRITE, 0);
			offer(RING_Q_CTL_IN, d);
		}
		b->paddr = rnd() >> rnd() % 64;
		b->len = rnd() & 1 ? ~0ULL - b->paddr : (rnd() >> rnd() % 64) & ~4095ULL;
		if (b->paddr < 1 << 24) /* our own image */
			b->paddr |= 1;
		desc(RING_Q_BALLOON, d, at + 1024, (uint32_t)rnd() % 600, 0, 0);
		if (room(RING_Q_BALLOON))
			offer(RING_Q_BALLOON, d);
		p9_noise(data + 0x30000 + d * 256, round);
		desc(RING_Q_9P, d, DATA + 0x30000 + d * 256, 512, RING_DESC_F_NEXT, d + 1);
		desc(RING_Q_9P, d + 1, DATA + 0x50000, (uint32_t)rnd() % 9000, RING_DESC_F_WRITE,
		     0);
		if (room(RING_Q_9P))
			offer(RING_Q_9P, d);
		desc(RING_Q_STREAM, d, at, (uint32_t)rnd() % 40, rnd() & 1, d + 1);
		desc(RING_Q_STREAM, d + 1, at, (uint32_t)rnd() % 8, RING_DESC_F_WRITE, 0);
		if (room(RING_Q_STREAM))
			offer(RING_Q_STREAM, d);
		if (round % 16 == 0)
			ring_all();
	}
}

#define CONFIG 0x60000u /* from DATA on: where the host may write the device's description */
#define FRAMES 0x70000u
#define FRAME  0x2000u /* bytes from one to the next */

/* Ask what the device is, so that frames of ours get past the first checks. Without one, zeroes will do. */
static const struct net_config *ask_config(void)
{
	desc(RING_Q_NET_CFG, 0, DATA + CONFIG, 4096, RING_DESC_F_WRITE, 0);
	offer(RING_Q_NET_CFG, 0);
	for (unsigned i = 0; i < 20; i++)
		ring_all();
	return (const struct net_config *)(m->arena + DATA + CONFIG);
}

/* Some frame: its addresses mostly ours, its types and lengths anything. */
static void frame_noise(uint8_t *p, const struct net_config *c)
{
	static const uint8_t types[][2] = { { 8, 0 }, { 8, 6 }, { 0x86, 0xdd }, { 0x88, 0xa8 } };
	struct net_hdr *h = (struct net_hdr *)p;
	uint8_t *eth = p + sizeof(*h), *ip = eth + 14;

	noise(p, 512);
	*h = (struct net_hdr){ .flags = (uint8_t)rnd() & 1, .csum_start = 34, .csum_offset = 16 };
	if (rnd() & 1) {
		h->gso_type = rnd() & 1 ? NET_GSO_TCPV4 : (uint8_t)rnd();
		h->gso_size = (uint16_t)(rnd() >> rnd() % 16);
		h->hdr_len = rnd() & 1 ? 54 : (uint16_t)rnd();
	}
	if (rnd() % 8 == 0)
		noise(p, sizeof(*h));
	memcpy(eth + 6, c->mac, 6);
	memcpy(eth + 12, types[rnd() % 4], 2);
	ip[0] = rnd() & 1 ? 0x45 : (uint8_t)rnd();
	ip[6] = ip[7] = 0;
	ip[9] = 6;
	memcpy(ip + 12, c->addrs[0].addr, 4);
	ip[20 + 12] = rnd() & 1 ? 0x50 : (uint8_t)rnd();
}

/* Chains of one to six pieces, all told of a length that may be right. */
static void offer_frame(unsigned q, unsigned slot, uint32_t at)
{
	static const uint32_t lens[] = { 0, 11, 12, 26, 66, 500, 1526, 8191, 65535, 70000 };
	uint32_t len = lens[rnd() % 10];
	unsigned pieces = 1 + (unsigned)rnd() % 6;

	for (unsigned i = 0; i < pieces; i++) {
		uint32_t part = i + 1 < pieces ? len / 3 : len;

		desc(q, slot * 6 + i, at, part,
		     i + 1 < pieces    ? RING_DESC_F_NEXT
		     : rnd() % 16 == 0 ? RING_DESC_F_WRITE
				       : 0,
		     slot * 6 + i + 1);
		at += part;
		len -= part;
	}
	offer(q, slot * 6);
}

/* Frames of every kind from every pair's queue that is served, and receive buffers that are none. */
static void do_frames(void)
{
	const struct net_config *c = ask_config();
	unsigned dead = 0;

	for (unsigned round = 0; round < 3000; round++) {
		unsigned pair = (unsigned)rnd() % NET_PAIRS, q = RING_Q_NET + 2 * pair;
		unsigned slot = round % 20, i = round % RING_ENTRIES;
		uint32_t at = DATA + FRAMES + slot * FRAME;

		if (dead >> pair & 1)
			continue;
		frame_noise(m->arena + at, c);
		if (room(q + 1))
			offer_frame(q + 1, slot, at);
		else
			dead |= 1u << pair;
		desc(q, i, at, rnd() & 1 ? NET_RX_BUFFER : (uint32_t)rnd() % 9000,
		     rnd() % 8 ? RING_DESC_F_WRITE : 0, 0);
		if (rnd() % 4 == 0 &&
		    (uint16_t)(ring(q)->avail.idx - ring(q)->used.idx) < RING_ENTRIES)
			offer(q, i);
		if (round % 8 == 0)
			ring_all();
	}
}

/* The queues change while the host reads them. Few bells: they are slow in an emulated machine, and the host reads on. */
static void do_race(void)
{
	for (unsigned round = 0; round < 3000; round++) {
		for (unsigned q = 0; q < RING_QUEUES; q++) {
			struct ring_mem *r = ring(q);
			unsigned i = (unsigned)rnd() % RING_ENTRIES;

			if (q == RING_Q_STREAM)
				continue;
			desc(q, i, rnd() & 1 ? DATA : rnd(), (uint32_t)rnd() % 4096,
			     (unsigned)rnd() & 3, (unsigned)rnd() % (RING_ENTRIES + 1));
			offer(q, i);
			if (round % 100 == 99)
				r->used.idx = (uint16_t)rnd();
			noise(m->arena + DATA + rnd() % 4096, 64);
		}
		if (round % 4 == 0)
			ring_all();
	}
}

/* A crash report made of noise. */
static void do_crash(void)
{
	struct crash_record *r = (struct crash_record *)(m->arena + ARENA_CRASH);

	noise(r, sizeof(*r));
	for (unsigned i = 0; i < 32; i += 2) /* some addresses that have names */
		r->backtrace[i] = r->image_slide + (uintptr_t)do_crash + i;
	r->magic = CRASH_MAGIC;
	m->crash();
}

/* One message by the rules, with the worst text. */
static void say(uint32_t type, uint64_t a)
{
	struct ctl_msg *c = (struct ctl_msg *)(m->arena + DATA);

	noise(c, sizeof(*c));
	memcpy(c->data, "one\ntwo\033[2J\nmoat: three\n", 25);
	c->type = type;
	c->handle = 0;
	c->len = 0xffffffff;
	c->a = a;
	desc(RING_Q_CTL_OUT, 0, DATA, sizeof(*c), 0, 0);
	offer(RING_Q_CTL_OUT, 0);
	ring_all();
}

static void do_exit(void)
{
	say(CTL_EXIT, rnd());
}

static void do_fatal(void)
{
	say(CTL_FAILED, rnd() | 1);
}

/* The processor's own doors: ports, MSRs, addresses without memory, hypercalls. */
static void do_machine(void)
{
	if (m->abuse)
		m->abuse(number);
}

/* Ends without a word. */
static void do_silence(void)
{
}

static const struct {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{ "noise", do_noise },	 { "index", do_index },	      { "loop", do_loop },
	{ "bounds", do_bounds }, { "messages", do_messages }, { "frames", do_frames },
	{ "race", do_race },	 { "crash", do_crash },	      { "exit", do_exit },
	{ "fatal", do_fatal },	 { "silence", do_silence },   { "machine", do_machine },
};

static const char *find_setting(void)
{
	static const char key[] = "HOSTILE=";

	for (size_t i = 0; i + 64 < BOOT_FDT_MAX; i++)
		if (!memcmp(m->boot_tree + i, key, sizeof(key) - 1))
			return (const char *)m->boot_tree + i + sizeof(key) - 1;
	return "";
}

void hostile_main(const struct machine *machine)
{
	const char *s;

	m = machine;
	s = find_setting();
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		size_t n = strlen(kinds[k].name);

		if (memcmp(s, kinds[k].name, n) || s[n] != ':')
			continue;
		state = 0x9e3779b97f4a7c15ULL;
		for (const char *p = s + n + 1; *p >= '0' && *p <= '9'; p++) {
			state = state * 31 + (uint64_t)*p;
			number = number * 10 + (unsigned)(*p - '0');
		}
		kinds[k].run();
		break;
	}
	m->halt();
	for (;;)
		;
}
