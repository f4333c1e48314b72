// sources: host/ctl.c host/mount_table.c host/overlay_dir.c host/size.c host/windows.c host/printable.c host/net/*.c host/channels.c host/channel.c host/streams.c host/crash.c host/ring_dev.c host/error.c host/child.c host/jail.c host/label.c host/boottree.c host/timing.c tests/unit/p9_client.c host/gofer/*.c
// libs: -lfdt -lseccomp -lpthread -lcap
/*
 * test_launcher_ring.c - the launcher's side of the control, balloon and stream queues against a hostile Sentry: indices,
 * loops, lengths that overflow, addresses outside, unknown flags, texts and ranges that lie; and a crash record of noise.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/boot.h"
#include "host/channels.h"
#include "host/crash.h"
#include "host/error.h"
#include "host/streams.h"
#include "tests/unit/p9_client.h"

#define ARENA (4u << 20)
#define RAM   (2u << 20)
#define DATA  0x200000u

static struct platform_ops ops;
static struct sandbox sb;
static struct streams streams;
static struct channels ch;
static struct ctl *const ctl = &ch.ctl;
static int cli = -1; /* the command line's end */

static struct ring_mem *ring(unsigned q)
{
	return (struct ring_mem *)(sb.arena + (size_t)q * RING_STRIDE);
}

static void fresh(void)
{
	struct error err;
	int pair[2];

	memset(sb.arena, 0, ARENA);
	if (cli >= 0)
		close(cli);
	free(ch.conns);
	free(streams.table);
	close(ch.epoll);
	close(streams.epoll);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
	cli = pair[0];
	CHECK(streams_init(&streams, &sb, epoll_create1(0), 1, &err) == 0);
	CHECK(channels_init(&ch, &sb, &streams, pair[1], -1, "first", &err) == 0);
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

/* A message of the Sentry's; what the command line got of it: 0 if nothing. */
static uint32_t say(const struct ctl_msg *m, struct chan_msg *got)
{
	memcpy(sb.arena + DATA, m, sizeof(*m));
	desc(RING_Q_CTL_OUT, 0, DATA, sizeof(*m), 0, 0);
	offer(RING_Q_CTL_OUT, 0);
	CHECK(!ctl_drain(ctl));
	memset(got, 0, sizeof(*got));
	return chan_recv(cli, got, NULL, NULL, MSG_DONTWAIT, &(struct error){ 0 }) == 1 ? got->type
											: 0;
}

static void messages(void)
{
	struct ctl_msg m = { .type = CTL_LOG, .len = 0xffffffff };
	struct chan_msg got;

	fresh();
	memset(m.data, '\033', sizeof(m.data));
	sb.debug = false;
	CHECK_EQ(say(&m, &got), 0); /* nobody asked for it */
	sb.debug = true;
	CHECK_EQ(say(&m, &got), CHAN_LOG);
	CHECK_EQ(got.len, sizeof(m.data));
	for (size_t i = 0; i < sizeof(m.data); i++)
		CHECK(got.data[i] == '?');
	sb.debug = false;
	for (uint32_t type = 0; type < 80; type++) {
		m.type = type;
		if (type >= CTL_EXIT && type <= CTL_NOTE)
			continue;
		CHECK_EQ(say(&m, &got), 0);
	}
	m.type = CTL_LIST;
	CHECK_EQ(say(&m, &got), CHAN_LIST);
	CHECK_EQ(got.len, sizeof(m.data));
	for (m.handle = 1; m.handle; m.handle *= 2) { /* nobody's */
		CHECK_EQ(say(&m, &got), 0);
	}
	m.type = CTL_FAILED;
	m.a = 0;
	m.b = ESRCH;
	CHECK_EQ(say(&m, &got), CHAN_FAILED); /* a request's end, no more */
	CHECK(!ch.ended && got.a == ESRCH);
	m.a = 127;
	m.len = 9;
	memcpy(m.data, "a\nb\033c\177\xc3\xa4\tx", 10);
	CHECK_EQ(say(&m, &got), CHAN_FAILED);
	CHECK(!memcmp(got.data, "a?b?c?\xc3\xa4\t", 9));
	CHECK_EQ(got.b, 127);
	m.type = CTL_EXIT;
	CHECK_EQ(say(&m, &got), 0); /* it has ended already */
	CHECK(ch.ended && !ctl_broken(ctl));
}

/* Each of these comes back unused, and the next good message is heard. */
static void bad_chains(void)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
		unsigned flags, next;
	} bad[] = {
		{ ARENA, 512, 0, 0 },
		{ ARENA - 511, 512, 0, 0 },
		{ UINT64_MAX, 512, 0, 0 },
		{ UINT64_MAX - 511, 512, 0, 0 },
		{ 1ULL << 63, UINT32_MAX, 0, 0 },
		{ DATA, UINT32_MAX, 0, 0 },
		{ DATA, 512, 4, 0 },	  /* indirect */
		{ DATA, 512, 0x8000, 0 }, /* unknown */
		{ DATA, 512, RING_DESC_F_NEXT, 3 },
		{ DATA, 512, RING_DESC_F_NEXT, RING_ENTRIES },
		{ DATA, 512, RING_DESC_F_NEXT, UINT16_MAX },
		{ DATA, 511, 0, 0 },		     /* too short to be one */
		{ DATA, 512, RING_DESC_F_WRITE, 0 }, /* in the wrong direction */
		{ DATA, 0, 0, 0 },
	};
	struct ctl_msg m = { .type = CTL_STARTED };
	struct chan_msg got;

	fresh();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unsigned queue[] = { RING_Q_CTL_OUT, RING_Q_BALLOON };

		for (unsigned k = 0; k < 2; k++) {
			uint16_t used = ring(queue[k])->used.idx;

			memcpy(sb.arena + DATA, &m, sizeof(m));
			desc(queue[k], 3, bad[i].addr, bad[i].len, bad[i].flags, bad[i].next);
			offer(queue[k], 3);
			CHECK(!(k ? ctl_drain_balloon(ctl) : ctl_drain(ctl)));
			CHECK_EQ((uint16_t)(ring(queue[k])->used.idx - used), 1);
			CHECK_EQ(ring(queue[k])->used.ring[used % RING_ENTRIES].id, 3);
			CHECK_EQ(ring(queue[k])->used.ring[used % RING_ENTRIES].len, 0);
		}
		CHECK(recv(cli, &got, sizeof(got), MSG_DONTWAIT) < 0);
		CHECK_EQ(say(&m, &got), CHAN_STARTED);
	}
	CHECK(!ctl_broken(ctl));
}

static void broken(void)
{
	static const unsigned queue[] = { RING_Q_CTL_OUT, RING_Q_BALLOON };

	for (unsigned k = 0; k < 2; k++) {
		fresh();
		offer(queue[k], RING_ENTRIES);
		k ? ctl_drain_balloon(ctl) : ctl_drain(ctl);
		CHECK(ctl_broken(ctl));
		fresh();
		ring(queue[k])->avail.idx = RING_ENTRIES + 1;
		CHECK(!(k ? ctl_drain_balloon(ctl) : ctl_drain(ctl)));
		CHECK(!strcmp(ctl_broken(ctl), k ? "balloon" : "control"));
	}
	/* A full ring is no lie, and no reason to stay with it either. */
	fresh();
	for (unsigned i = 0; i < RING_ENTRIES; i++) {
		desc(RING_Q_CTL_OUT, i, DATA, 512, 0, 0);
		offer(RING_Q_CTL_OUT, i);
	}
	CHECK(!ctl_drain(ctl));
	CHECK(!ctl_broken(ctl));
}

/* What a connection says waits for a buffer; what is no buffer takes none of it away. */
static void held(void)
{
	struct chan_msg m = { .type = CHAN_SIGNAL, .a = 15 };
	struct ctl_msg *got = (struct ctl_msg *)(sb.arena + DATA);
	struct error err;

	fresh();
	CHECK(chan_send(cli, &m, NULL, 0, &err) == 0);
	CHECK(channels_serve(&ch) && ctl->holds);
	desc(RING_Q_CTL_IN, 0, ARENA - 1, 512, RING_DESC_F_WRITE, 0);
	offer(RING_Q_CTL_IN, 0);
	CHECK(!ctl_flush(ctl));
	CHECK_EQ(ring(RING_Q_CTL_IN)->used.idx, 1);
	desc(RING_Q_CTL_IN, 1, DATA, 512, RING_DESC_F_WRITE, 0);
	offer(RING_Q_CTL_IN, 1);
	CHECK(ctl_flush(ctl) && !ctl->holds);
	CHECK(got->type == CTL_SIGNAL && got->a == 15 && got->handle == 0);
	CHECK(channels_serve(&ch) && !ctl->holds);
	close(cli);
	cli = -1;
	CHECK(!channels_serve(&ch));
}

static void balloon(void)
{
	static const struct balloon_range bad[] = {
		{ 0, 0 },
		{ 1, 4096 },
		{ 4096, 1 },
		{ RAM, 4096 },
		{ RAM - 4096, 8192 },
		{ UINT64_MAX - 4095, 8192 },
		{ 4096, ~4095ULL },
		{ 1ULL << 63, 1ULL << 63 },
	};
	struct balloon_range r = { 8192, 4096 };

	fresh();
	memset(sb.ram, 'x', RAM);
	memcpy(sb.arena + DATA, bad, sizeof(bad));
	desc(RING_Q_BALLOON, 0, DATA, sizeof(bad), RING_DESC_F_NEXT, 1);
	desc(RING_Q_BALLOON, 1, DATA + 0x10000, sizeof(r) + 15, 0, 0);
	memcpy(sb.arena + DATA + 0x10000, &r, sizeof(r));
	offer(RING_Q_BALLOON, 0);
	CHECK(!ctl_drain_balloon(ctl));
	for (unsigned i = 0; i < RAM; i++)
		if (sb.ram[i] != (i >= 8192 && i < 12288 ? 0 : 'x'))
			p9c_failed++;
	/* All of the arena as ranges: its price is bounded. */
	memset(sb.arena + DATA, 0xff, ARENA - DATA);
	for (unsigned i = 0; i < RING_ENTRIES; i++)
		desc(RING_Q_BALLOON, i, DATA, ARENA - DATA, RING_DESC_F_NEXT, i + 1);
	ring(RING_Q_BALLOON)->desc[RING_ENTRIES - 1].flags = 0;
	for (unsigned i = 0; i < RING_ENTRIES; i++)
		offer(RING_Q_BALLOON, 0);
	CHECK(!ctl_drain_balloon(ctl));
}

static void noise(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((char *)p)[i] = (char)(rand() >> 7);
}

/* Every byte of the queues, again and again; and chains of noise between good indices. */
static void noise_rounds(void)
{
	srand(7);
	for (int round = 0; round < 3000; round++) {
		struct ctl_msg got;
		unsigned n = 0;

		if (round % 50 == 0)
			fresh();
		if (round % 2) {
			noise(ring(RING_Q_CTL_OUT)->desc, sizeof(struct ring_desc) * RING_ENTRIES);
			noise(ring(RING_Q_BALLOON)->desc, sizeof(struct ring_desc) * RING_ENTRIES);
			for (unsigned i = 0; i < RING_ENTRIES; i++) {
				struct ring_desc *d = &ring(RING_Q_CTL_OUT)->desc[i];

				d->flags &= 3;
				d->next %= RING_ENTRIES;
				d->addr %= 2 * ARENA;
				d->len %= 1024;
				ring(RING_Q_BALLOON)->desc[i] = *d;
			}
			offer(RING_Q_CTL_OUT, (unsigned)rand() % RING_ENTRIES);
			offer(RING_Q_BALLOON, (unsigned)rand() % RING_ENTRIES);
		} else if (round % 50 == 48) {
			noise(sb.arena, RING_QUEUES * RING_STRIDE);
		}
		noise(sb.arena + DATA, 4096);
		ctl_drain(ctl);
		ctl_drain_balloon(ctl);
		while (recv(cli, &got, sizeof(got), MSG_DONTWAIT) > 0 && n++ < 1000)
			;
	}
}

/* In turn a bad chain and a good one, whose bytes come out; headers that lie. */
static void stream_requests(void)
{
	struct stream_req *req = (struct stream_req *)(sb.arena + DATA);
	struct stream_reply *reply = (struct stream_reply *)(sb.arena + DATA + 4096);
	uint32_t *ids = (uint32_t *)(req + 1);
	uint16_t want = 0;
	char text[4];
	int out[2];
	uint32_t id;

	fresh();
	CHECK(pipe2(out, O_NONBLOCK) == 0);
	id = streams_add(&streams, out[1]);
	for (unsigned i = 0; i < 40; i++) {
		desc(RING_Q_STREAM, 0, i % 2 ? ARENA - 2 : UINT64_MAX - i, 100 + i, i % 3 ? 0 : 4,
		     0);
		offer(RING_Q_STREAM, 0);
		*req = (struct stream_req){ id, STREAM_WRITE };
		memcpy(req + 1, "text", 4);
		desc(RING_Q_STREAM, 1, DATA, sizeof(*req) + 4, RING_DESC_F_NEXT, 2);
		desc(RING_Q_STREAM, 2, DATA + 4096, i % 12, RING_DESC_F_WRITE, 0);
		offer(RING_Q_STREAM, 1);
		want += 2;
		streams_drain(&streams);
		CHECK_EQ(ring(RING_Q_STREAM)->used.idx, want);
		CHECK((i % 12 >= sizeof(*reply)) == (read(out[0], text, 4) == 4));
	}
	/* Ids of nobody, operations that there are not, the wrong direction, no room for an answer. */
	for (unsigned i = 0; i < 2000; i++) {
		*req = (struct stream_req){ i % 3 ? id + i : (uint32_t)rand() | STREAMS_MAX,
					    (uint32_t)rand() % 3 };
		desc(RING_Q_STREAM, 1, DATA, (uint32_t)rand() % 40, RING_DESC_F_NEXT, 2);
		desc(RING_Q_STREAM, 2, DATA + 4096, (uint32_t)rand() % 40, RING_DESC_F_WRITE, 0);
		offer(RING_Q_STREAM, 1);
		streams_drain(&streams);
	}
	CHECK(!streams_broken(&streams));
	/* Full: EAGAIN, and one event when it has room again. Closed: its place is another's, its id nobody's. */
	*req = (struct stream_req){ id, STREAM_WRITE };
	desc(RING_Q_STREAM, 1, DATA, 1u << 20, RING_DESC_F_NEXT, 2);
	desc(RING_Q_STREAM, 2, DATA - 4096, sizeof(*reply), RING_DESC_F_WRITE, 0);
	offer(RING_Q_STREAM, 1);
	streams_drain(&streams);
	reply = (struct stream_reply *)(sb.arena + DATA - 4096);
	CHECK(reply->error == EAGAIN && reply->taken >= 4096);
	streams_ready(&streams, id + STREAMS_MAX, EPOLLOUT);
	CHECK_EQ(streams.told, STREAMS_MAX);
	streams_ready(&streams, id, EPOLLOUT);
	streams_ready(&streams, id, EPOLLOUT);
	CHECK_EQ(streams.told, id);
	req->op = STREAM_CLOSE;
	for (unsigned i = 0; i < 1000; i++)
		ids[i] = id;
	desc(RING_Q_STREAM, 1, DATA, sizeof(*req) + 4000, 0, 0);
	offer(RING_Q_STREAM, 1);
	streams_drain(&streams);
	CHECK_EQ(streams.told, STREAMS_MAX);
	CHECK_EQ(streams_add(&streams, out[0]), id + STREAMS_MAX);
}

static void crash_noise(void)
{
	static const char *self = "/proc/self/exe";
	FILE *f = fopen(self, "r");
	static char image[32 << 20];

	CHECK(f != NULL);
	sb.image_size = fread(image, 1, sizeof(image), f);
	fclose(f);
	sb.image = image;
	dup2(open("/dev/null", 1), 2);
	for (int round = 0; round < 30; round++) {
		struct crash_record *r = (struct crash_record *)(sb.arena + ARENA_CRASH);

		noise(r, sizeof(*r));
		if (round % 2)
			memset(r->reason, 'r', sizeof(r->reason) + sizeof(r->task));
		CHECK(!crash_report(&sb) || r->magic == CRASH_MAGIC);
		r->magic = CRASH_MAGIC;
		CHECK(crash_report(&sb));
	}
}

int main(void)
{
	int fd = memfd_create("ram", 0);

	sb.platform = &ops;
	sb.arena_size = ARENA;
	sb.ram_size = RAM;
	sb.ram_fd = fd;
	CHECK(ftruncate(fd, RAM) == 0);
	sb.ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sb.arena = aligned_alloc(4096, ARENA); /* ASan watches its ends */
	for (unsigned q = 0; q < RING_QUEUES; q++) {
		sb.kick_fd[q] = eventfd(0, EFD_NONBLOCK);
		sb.call_fd[q] = eventfd(0, EFD_NONBLOCK);
	}
	messages();
	bad_chains();
	broken();
	held();
	balloon();
	noise_rounds();
	stream_requests();
	crash_noise();
	if (p9c_failed)
		return 1;
	_exit(0); /* the stream threads never end */
}
