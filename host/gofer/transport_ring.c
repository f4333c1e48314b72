/*
 * transport_ring.c - 9P over a queue of the arena: requests are served out of and into the arena,
 * without a copy of data.
 *
 * After traffic the ring is polled for a short while before we sleep, as long as polling has paid
 * off lately: half the time if it did not, the full time again when a request comes that such
 * polling would have met. An idle client costs no wake-up.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/error.h"
#include "host/gofer/conn.h"
#include "host/gofer/transport.h"

#define SPIN_MAX_NS 40000
#define SPIN_MIN_NS 2000 /* below, do not poll at all */

static uint64_t now_ns(void)
{
	return clock_now_ns(CLOCK_MONOTONIC);
}

static void ring_bell(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Serve everything that waits. >0: there was something, 0: nothing, -EPROTO. */
static int drain(struct conn *c, struct ring_dev *rd, int call)
{
	struct ring_chain chain;
	int ret, any = 0;

	while ((ret = ring_dev_pop(rd, &chain)) != 0) {
		if (ret == -EPROTO)
			return ret;
		if (ret > 0) {
			size_t len = conn_handle(c, chain.iov, chain.nout, chain.out_len,
						 chain.iov + chain.nout, chain.nin, chain.in_len);

			ring_dev_push(rd, chain.head, len);
		}
		if (ring_dev_publish(rd))
			ring_bell(call);
		any = 1;
	}
	return any;
}

/* Poll for up to ns. True: something came. */
static bool spin(const struct ring_dev *rd, uint64_t ns)
{
	uint64_t end;

	if (ns < SPIN_MIN_NS)
		return false;
	end = now_ns() + ns;
	do {
		for (int i = 0; i < 32; i++) {
			if (ring_dev_ready(rd))
				return true;
			__builtin_ia32_pause();
		}
	} while (now_ns() < end);
	return false;
}

int transport_ring_serve(struct conn *c, struct ring_dev *rd, const struct ring_bells *bells,
			 struct error *err)
{
	struct pollfd pfd[2] = { { .fd = bells->kick, .events = POLLIN },
				 { .fd = bells->lifeline, .events = 0 } };
	uint64_t spin_ns = 0;

	for (;;) {
		uint64_t idle_since, count;
		int ret = drain(c, rd, bells->call);

		if (ret < 0)
			return error_set(err, EPROTO, "the sandbox broke the ring");
		idle_since = now_ns();
		if (ret > 0 && spin(rd, spin_ns)) {
			spin_ns = SPIN_MAX_NS;
			continue;
		}
		spin_ns /= 2;
		if (ring_dev_arm(rd))
			continue;
		if (ppoll(pfd, 2, NULL, NULL) < 0 && errno != EINTR)
			return error_errno(err, "ppoll");
		if (pfd[1].revents)
			return 0;
		if (pfd[0].revents && read(bells->kick, &count, sizeof(count)) < 0 &&
		    errno != EAGAIN && errno != EINTR)
			return error_errno(err, "doorbell");
		if (bells->spin && now_ns() - idle_since < SPIN_MAX_NS)
			spin_ns = SPIN_MAX_NS; /* it would have paid off */
	}
}
