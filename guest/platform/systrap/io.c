/*
 * io.c - device queues: doorbells are eventfds that the host polls; completions come as eventfds to one I/O thread,
 * which is a CPU without a run queue and runs the queue upcalls itself.
 */
#include "platform/systrap/systrap.h"

#include "abi/ring.h"
#include "host/systrap_fds.h"

#define EPOLL_BATCH 16

struct host_epoll_event {
	u32 events;
	u64 data;
} __attribute__((packed));

void doorbell_ring(unsigned queue)
{
	u64 one = 1;

	hc3(HC_write, SYSTRAP_FD_KICK + queue, &one, sizeof(one));
}

static void io_main(void)
{
	struct host_epoll_event ev[EPOLL_BATCH];
	u64 count;
	long n, i;

	for (;;) {
		n = hc4(HC_epoll_wait, SYSTRAP_FD_EPOLL, ev, EPOLL_BATCH, -1);
		for (i = 0; i < n; i++) {
			unsigned queue = ev[i].data;

			/* Taken back before the upcall looks at the ring, so that no later completion is lost. */
			hc3(HC_read, SYSTRAP_FD_CALL + queue, &count, sizeof(count));
			if (upcalls)
				upcalls->queue(queue);
		}
	}
}

void io_start(void)
{
	struct sys_cpu *c = &sys_cpus[sys_ncpus];
	unsigned q;
	long fd = hc1(HC_epoll_create1, 0);

	if (fd < 0 || (fd != SYSTRAP_FD_EPOLL && hc3(HC_dup3, fd, SYSTRAP_FD_EPOLL, 0) < 0))
		die("no epoll");
	if (fd != SYSTRAP_FD_EPOLL)
		hc1(HC_close, fd);
	for (q = 0; q < RING_QUEUES; q++) {
		struct host_epoll_event ev = { 1 /* EPOLLIN */, q };

		if (hc4(HC_epoll_ctl, SYSTRAP_FD_EPOLL, 1 /* EPOLL_CTL_ADD */, SYSTRAP_FD_CALL + q,
			&ev) < 0)
			die("a completion eventfd is missing");
	}
	c->c.io = true;
	if (thread_start(c, io_main) < 0)
		die("cannot start the I/O thread");
}
