// sources: host/gofer/*.c host/error.c host/ring_dev.c tests/unit/p9_client.c
// libs: -lseccomp -lpthread
/*
 * test_gofer_ring.c - the device side of a ring: order, wrap of the indices, notifications,
 * malformed chains; and a gofer whose driver breaks the ring, is slow, or sends many requests at
 * once.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/ring_dev.h"
#include "tests/unit/p9_client.h"

#define ARENA (1u << 20)
#define QUEUE 3

static char *arena;
static struct ring_mem *q;
static struct ring_dev rd;
static struct ring_chain chain;

static void reset(uint16_t idx)
{
	memset(arena, 0, ARENA);
	q->avail.idx = q->used.idx = idx;
	ring_dev_init(&rd, arena, ARENA, QUEUE);
}

static void desc(unsigned i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	q->desc[i] = (struct ring_desc){ addr, len, flags, next };
}

static void offer(uint16_t head)
{
	q->avail.ring[q->avail.idx % RING_ENTRIES] = head;
	q->avail.idx++;
}

/* A chain that must be refused and returned at once, without harm to the next. */
static void refused(const char *what)
{
	uint16_t used = q->used.idx;

	offer(0);
	if (ring_dev_pop(&rd, &chain) != -EINVAL) {
		printf("%s: not refused\n", what);
		p9c_failed++;
	}
	ring_dev_publish(&rd);
	CHECK_EQ((uint16_t)(q->used.idx - used), 1);
	CHECK_EQ(q->used.ring[used % RING_ENTRIES].len, 0);
	desc(9, 0x8000, 1, 0, 0);
	offer(9);
	CHECK_EQ(ring_dev_pop(&rd, &chain), 1);
	ring_dev_push(&rd, chain.head, 0);
	ring_dev_publish(&rd);
}

static void chains(void)
{
	reset(0);
	CHECK_EQ(ring_dev_pop(&rd, &chain), 0);
	CHECK(!ring_dev_ready(&rd));
	desc(5, 0x9000, 10, RING_DESC_F_NEXT, 2);
	desc(2, 0xa000, 0, RING_DESC_F_NEXT, 7); /* an empty buffer is dropped */
	desc(7, 0xb000, 20, RING_DESC_F_NEXT | RING_DESC_F_WRITE, 1);
	desc(1, ARENA - 30, 30, RING_DESC_F_WRITE, 99);
	offer(5);
	CHECK(ring_dev_ready(&rd));
	CHECK_EQ(ring_dev_peek(&rd, &chain), 1);
	CHECK_EQ(ring_dev_peek(&rd, &chain), 1); /* still there */
	ring_dev_accept(&rd);
	CHECK_EQ(ring_dev_pop(&rd, &chain), 0);
	CHECK_EQ(chain.head, 5);
	CHECK_EQ(chain.nout, 1);
	CHECK_EQ(chain.nin, 2);
	CHECK_EQ(chain.out_len, 10);
	CHECK_EQ(chain.in_len, 50);
	CHECK(chain.iov[2].iov_base == arena + ARENA - 30);
	ring_dev_push(&rd, 5, 33);
	CHECK_EQ(q->used.idx, 0); /* not before publish */
	ring_dev_publish(&rd);
	CHECK_EQ(q->used.idx, 1);
	CHECK_EQ(q->used.ring[0].id, 5);
	CHECK_EQ(q->used.ring[0].len, 33);

	desc(0, ARENA, 1, 0, 0), refused("buffer behind the arena");
	desc(0, ARENA - 1, 2, 0, 0), refused("buffer across the arena's end");
	desc(0, UINT64_MAX, 2, 0, 0), refused("address overflow");
	desc(0, UINT64_MAX - 1, UINT32_MAX, 0, 0), refused("length overflow");
	desc(0, 0, 1, RING_DESC_F_NEXT, RING_ENTRIES), refused("next out of range");
	desc(0, 0, 1, RING_DESC_F_NEXT, 0), refused("loop of one");
	desc(0, 0, 1, RING_DESC_F_NEXT, 1), desc(1, 0, 1, RING_DESC_F_NEXT, 0),
		refused("loop of two");
	desc(0, 0, 1, 4, 0), refused("indirect");
	desc(0, 0, 1, RING_DESC_F_NEXT | RING_DESC_F_WRITE, 1), desc(1, 0, 1, 0, 0),
		refused("readable behind writable");

	for (unsigned i = 0; i < RING_ENTRIES; i++) /* the longest chain */
		desc(i, i, 1, i < RING_ENTRIES - 1 ? RING_DESC_F_NEXT : 0, i + 1);
	offer(0);
	CHECK_EQ(ring_dev_pop(&rd, &chain), 1);
	CHECK_EQ(chain.nout, RING_ENTRIES);

	reset(0);
	offer(RING_ENTRIES);
	CHECK_EQ(ring_dev_pop(&rd, &chain), -EPROTO);
	CHECK_EQ(ring_dev_pop(&rd, &chain), -EPROTO); /* for good */
	reset(0);
	q->avail.idx = RING_ENTRIES + 1;
	CHECK_EQ(ring_dev_pop(&rd, &chain), -EPROTO);
	reset(0);
	q->avail.idx = UINT16_MAX;
	CHECK_EQ(ring_dev_pop(&rd, &chain), -EPROTO);
}

/* Through the wrap of the 16-bit indices, and who is told when. */
static void events(void)
{
	unsigned bells = 0;

	reset(UINT16_MAX - 100);
	desc(0, 0x8000, 1, 0, 0);
	for (int i = 0; i < 300; i++) {
		q->avail.used_event = q->used.idx; /* tell me of the next */
		CHECK(!ring_dev_arm(&rd));
		CHECK_EQ(q->used.avail_event, q->avail.idx);
		offer(0);
		CHECK(ring_dev_arm(&rd)); /* do not sleep now */
		CHECK_EQ(ring_dev_pop(&rd, &chain), 1);
		CHECK(!ring_dev_publish(&rd)); /* nothing pushed: no bell */
		ring_dev_push(&rd, 0, 0);
		bells += ring_dev_publish(&rd);
	}
	CHECK_EQ(bells, 300);
	CHECK_EQ(q->used.idx, (uint16_t)(UINT16_MAX - 100 + 300));

	/* a batch of 10, the driver waits for the eighth */
	q->avail.used_event = q->used.idx + 7;
	for (int i = 0; i < 10; i++) {
		offer(0);
		CHECK_EQ(ring_dev_pop(&rd, &chain), 1);
		ring_dev_push(&rd, 0, 0);
		CHECK_EQ(ring_dev_publish(&rd), i == 7);
	}
	/* disarmed: the driver's next chain rings no bell, by its own rule */
	ring_dev_disarm(&rd);
	CHECK(!ring_need_event(q->used.avail_event, q->avail.idx + 1, q->avail.idx));
	ring_dev_arm(&rd);
	CHECK(ring_need_event(q->used.avail_event, q->avail.idx + 1, q->avail.idx));
}

static struct ring_mem *gofer_ring(struct p9c *c)
{
	return (struct ring_mem *)(c->arena + c->queue[c->on].index * RING_STRIDE);
}

static void kick(struct p9c *c)
{
	uint64_t one = 1;

	if (write(c->queue[c->on].kick_fd, &one, 8) != 8)
		perror("kick");
}

static bool wait_used(struct p9c *c, uint16_t idx)
{
	for (int i = 0; i < 5000; i++) {
		if (__atomic_load_n(&gofer_ring(c)->used.idx, __ATOMIC_ACQUIRE) == idx)
			return true;
		usleep(1000);
	}
	return false;
}

/* 100 Tgetattr in flight with one bell; the answers come in order, each in its own buffer. */
static void in_flight(struct p9c *c)
{
	struct ring_mem *g = gofer_ring(c);
	uint16_t idx = g->avail.idx, used = g->used.idx;
	const unsigned n = RING_ENTRIES / 2;

	for (unsigned i = 0; i < n; i++) {
		uint64_t t = (1 << 20) + i * 4096, r = t + 2048;
		uint8_t msg[19] = { 19, 0, 0, 0, P9_TGETATTR, i, 0x55 };

		memcpy(c->arena + t, msg, sizeof(msg));
		g->desc[2 * i] = (struct ring_desc){ t, sizeof(msg), RING_DESC_F_NEXT, 2 * i + 1 };
		g->desc[2 * i + 1] = (struct ring_desc){ r, 2048, RING_DESC_F_WRITE, 0 };
		g->avail.ring[(uint16_t)(idx + i) % RING_ENTRIES] = 2 * i;
	}
	__atomic_store_n(&g->avail.idx, idx + n, __ATOMIC_RELEASE);
	kick(c);
	CHECK(wait_used(c, used + n));
	for (unsigned i = 0; i < n; i++) {
		struct ring_used_elem *e = &g->used.ring[(uint16_t)(used + i) % RING_ENTRIES];
		uint8_t *r = (uint8_t *)c->arena + (1 << 20) + i * 4096 + 2048;

		CHECK_EQ(e->id, 2 * i);
		CHECK_EQ(e->len, P9_HDR + sizeof(struct p9_attr));
		CHECK_EQ(r[4], P9_RGETATTR);
		CHECK_EQ(r[5], i);
	}
}

/*
 * Requests without a body, without room, or malformed cost the sandbox its answer and nobody
 * anything else.
 */
static void odd_chains(struct p9c *c)
{
	struct ring_mem *g = gofer_ring(c);
	uint16_t idx = g->avail.idx, used = g->used.idx;
	static const struct ring_desc odd[] = {
		{ 1 << 20, 0, 0, 0 },			 /* nothing at all */
		{ 1 << 20, 11, 0, 0 },			 /* no room for an answer */
		{ 1 << 20, 4096, RING_DESC_F_WRITE, 0 }, /* no message: an error comes */
		{ P9C_ARENA, 1, 0, 0 },			 /* outside */
		{ 1 << 20, 1, RING_DESC_F_NEXT, 4 },	 /* a loop */
	};
	const unsigned n = sizeof(odd) / sizeof(odd[0]);

	for (unsigned i = 0; i < n; i++) {
		g->desc[i] = odd[i];
		g->avail.ring[(uint16_t)(idx + i) % RING_ENTRIES] = i;
	}
	__atomic_store_n(&g->avail.idx, idx + n, __ATOMIC_RELEASE);
	kick(c);
	CHECK(wait_used(c, used + n));
	for (unsigned i = 0; i < n; i++)
		CHECK_EQ(g->used.ring[(uint16_t)(used + i) % RING_ENTRIES].len,
			 i == 2 ? P9_HDR + 4 : 0);
	CHECK_EQ(p9c_call(c, P9_TGETATTR, "dq", 0, 0ULL), 0); /* the service goes on */
}

static uint64_t cpu_ns(pid_t pid)
{
	struct timespec ts = { 0 };
	clockid_t clock;

	if (!clock_getcpuclockid(pid, &clock))
		clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void gofer(void)
{
	struct gofer_config flags = { 0 };
	char *dir = p9c_tmpdir();
	uint64_t used = ~0ULL;
	struct p9c c;

	p9c_start(&c, P9C_RING, dir, &flags);
	CHECK_EQ(p9c_version(&c, P9_VERSION_L, P9_MSIZE_MAX), 0);
	CHECK_EQ(p9c_attach(&c, 0, 0), 0);
	in_flight(&c);
	odd_chains(&c);
	for (int i = 0; i < 70000; i++) /* past the wrap of the indices */
		if (p9c_call(&c, P9_TFLUSH, "w", 1)) {
			CHECK(!"Tflush");
			break;
		}
	/* Idle means idle, soon: where it hardly gets a CPU it still looks for more for a while. */
	for (int i = 0; i < 10 && used >= 1000000; i++) {
		uint64_t before = cpu_ns(c.pid);

		usleep(300000);
		used = cpu_ns(c.pid) - before;
	}
	CHECK(used < 1000000);
	CHECK_EQ(p9c_stop(&c), 0);

	/* a driver that breaks the ring loses its gofer, with a message and no crash */
	p9c_start(&c, P9C_RING, dir, &flags);
	CHECK_EQ(p9c_version(&c, P9_VERSION_L, P9_MSIZE_MAX), 0);
	printf("expected: ");
	fflush(stdout);
	__atomic_store_n(&gofer_ring(&c)->avail.idx, 5000, __ATOMIC_RELEASE);
	kick(&c);
	CHECK(poll(&(struct pollfd){ c.fd, POLLIN, 0 }, 1, 10000) == 1); /* until it has ended */
	CHECK_EQ(p9c_stop(&c), 1);
	p9c_rmtree(dir);
	free(dir);
}

/*
 * Two connections of one gofer know nothing of each other's fids, and one that breaks its ring
 * leaves the other alone.
 */
static void two_queues(void)
{
	struct gofer_config flags = { .nqueues = 2 };
	char *dir = p9c_tmpdir();
	struct p9c c;

	p9c_start(&c, P9C_RING, dir, &flags);
	for (c.on = 0; c.on < 2; c.on++) {
		CHECK_EQ(p9c_version(&c, P9_VERSION_L, P9_MSIZE_MAX), 0);
		CHECK_EQ(p9c_attach(&c, 7 + c.on, 0), 0);
		CHECK_EQ(p9c_call(&c, P9_TGETATTR, "dq", 7 + c.on, 0ULL), 0);
		CHECK_EQ(p9c_call(&c, P9_TGETATTR, "dq", 8 - c.on, 0ULL), EBADF);
	}
	c.on = 0;
	CHECK_EQ(p9c_call(&c, P9_TMKDIR, "dsdd", 7, "made", 0755, getgid()), 0);
	c.on = 1;
	CHECK_EQ(p9c_walk(&c, 8, 1, "made"), 0);
	c.on = 0;
	printf("expected: ");
	fflush(stdout);
	__atomic_store_n(&gofer_ring(&c)->avail.idx, 5000, __ATOMIC_RELEASE);
	kick(&c);
	usleep(50000);
	c.on = 1;
	CHECK_EQ(p9c_call(&c, P9_TGETATTR, "dq", 1, 0ULL), 0);
	CHECK_EQ(p9c_stop(&c), 0);
	p9c_rmtree(dir);
	free(dir);
}

int main(void)
{
	arena = aligned_alloc(4096, ARENA);
	q = (struct ring_mem *)(arena + QUEUE * RING_STRIDE);
	chains();
	events();
	gofer();
	two_queues();
	free(arena);
	return p9c_failed ? 1 : 0;
}
