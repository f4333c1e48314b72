/*
 * io.c - device queues: doorbells are eventfds that the host polls; completions come as eventfds, too. An idle worker takes
 * them itself (one at a time: io_watch), so that who waits for one is woken by nobody else. While none is idle they come to
 * the I/O thread, which is a CPU without a run queue. Whoever it is runs the queue's upcall.
 *
 * Both sleep in epoll sets of the same eventfds, with EPOLLEXCLUSIVE: the host wakes the first set in which somebody sleeps,
 * and the worker's was there first. No two run the upcall of one queue at the same time.
 */
#include "platform/systrap/systrap.h"

#include "abi/ring.h"
#include "host/systrap_fds.h"

#define EPOLLIN	       1
#define EPOLLEXCLUSIVE (1U << 28)
#define EPOLL_CTL_ADD  1
#define WAKE	       RING_QUEUES /* in place of a queue: io_wake */

static u32 watched; /* there is a worker in io_watch */
static u32 running
	[RING_QUEUES]; /* how many have come for this queue's upcall; the first runs it for all */

void doorbell_ring(unsigned queue)
{
	u64 one = 1;

	hc3(HC_write, SYSTRAP_FD_KICK + queue, &one, sizeof(one));
}

static void run_upcall(unsigned queue)
{
	u32 seen;

	if (atomic_add(&running[queue], 1) > 1)
		return;
	do {
		seen = atomic_load(&running[queue]);
		if (upcalls)
			upcalls->queue(queue);
	} while (atomic_sub(&running[queue], seen));
}

static void complete(const struct io_events *e)
{
	u64 count;

	for (long i = 0; i < e->n; i++) {
		unsigned queue = e->ev[i].data;

		/* Taken back before the upcall looks at the ring, so that no later completion is lost. */
		if (queue == WAKE) {
			hc3(HC_read, SYSTRAP_FD_WAKE, &count, sizeof(count));
			continue;
		}
		hc3(HC_read, SYSTRAP_FD_CALL + queue, &count, sizeof(count));
		run_upcall(queue);
	}
}

static void io_main(void)
{
	struct io_events e;

	for (;;) {
		e.n = hc_epoll_wait(SYSTRAP_FD_EPOLL, e.ev, ARRAY_SIZE(e.ev), ~0ULL);
		complete(&e);
	}
}

bool io_watch_begin(void)
{
	return !atomic_xchg(&watched, 1);
}

void io_watch(struct io_events *e, u64 wait)
{
	e->n = hc_epoll_wait(SYSTRAP_FD_WATCH, e->ev, ARRAY_SIZE(e->ev), wait);
}

void io_watch_end(const struct io_events *e)
{
	atomic_store(&watched, 0);
	complete(e);
}

void io_wake(void)
{
	u64 one = 1;

	hc3(HC_write, SYSTRAP_FD_WAKE, &one, sizeof(one));
}

static void add(int set, int fd, unsigned queue)
{
	struct hc_epoll_event ev = { EPOLLIN | EPOLLEXCLUSIVE, queue };

	if (hc4(HC_epoll_ctl, set, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("a completion eventfd is missing");
}

/* Give a new descriptor its number. */
static void place(long fd, int number)
{
	if (fd < 0 || (fd != number && hc3(HC_dup3, fd, number, 0) < 0))
		die("no epoll");
	if (fd != number)
		hc1(HC_close, fd);
}

void io_start(void)
{
	struct sys_cpu *c = &sys_cpus[sys_ncpus];

	place(hc1(HC_epoll_create1, 0), SYSTRAP_FD_EPOLL);
	place(hc1(HC_epoll_create1, 0), SYSTRAP_FD_WATCH);
	place(hc2(HC_eventfd2, 0, HC_EFD_NONBLOCK), SYSTRAP_FD_WAKE);
	for (unsigned q = 0; q < RING_QUEUES; q++)
		add(SYSTRAP_FD_WATCH, SYSTRAP_FD_CALL + (int)q, q); /* the host asks it first */
	for (unsigned q = 0; q < RING_QUEUES; q++)
		add(SYSTRAP_FD_EPOLL, SYSTRAP_FD_CALL + (int)q, q);
	add(SYSTRAP_FD_WATCH, SYSTRAP_FD_WAKE, WAKE);
	c->c.io = true;
	if (thread_start(c, io_main) < 0)
		die("cannot start the I/O thread");
}
