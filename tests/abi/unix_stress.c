/* AF_UNIX under load: threads and processes that connect, send, pass sockets, close, all at once. ABI_ROUNDS: how long. */
#include "abi.h"
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#define THREADS 4
#define SLOTS	24

static int slot[SLOTS]; /* descriptors that all threads use and close, or -1 */
static volatile int stop;
static struct sockaddr_un where;
static socklen_t where_len;

static unsigned next(unsigned *seed)
{
	return *seed = *seed * 1103515245u + 12345u;
}

/* Put a descriptor into a slot; what was there is closed by us alone. */
static void put(unsigned at, int fd)
{
	int old = __atomic_exchange_n(&slot[at % SLOTS], fd, __ATOMIC_SEQ_CST);

	if (old >= 0)
		close(old);
}

static void pass(int over, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} c;
	struct iovec v = { "p", 1 };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)
	};

	memset(&c, 0, sizeof(c));
	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = SCM_RIGHTS;
	c.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.align), &fd, sizeof(fd));
	sendmsg(over, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void take(int from, unsigned at, int flags)
{
	union {
		char space[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} c;
	char b[64];
	struct iovec v = { b, sizeof(b) };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)
	};
	int fd;

	if (recvmsg(from, &m, MSG_DONTWAIT | flags) < 0 ||
	    m.msg_controllen < sizeof(struct cmsghdr))
		return;
	if (c.align.cmsg_type != SCM_RIGHTS)
		return;
	memcpy(&fd, CMSG_DATA(&c.align), sizeof(fd));
	put(at, fd);
}

static void *hammer(void *arg)
{
	unsigned seed = (unsigned)(size_t)arg;
	static const char text[3000];
	char b[4096];
	int fd[2];

	while (!stop) {
		unsigned r = next(&seed) >> 8, at = next(&seed) >> 8;
		int a = slot[r % SLOTS], s = slot[at % SLOTS];

		switch (r / SLOTS % 12) {
		case 0:
		case 1:
			if (!socketpair(AF_UNIX, r & 1 ? SOCK_STREAM : SOCK_DGRAM, 0, fd)) {
				put(r, fd[0]);
				put(at, fd[1]);
			}
			break;
		case 2: put(r, -1); break;
		case 3: send(a, text, at % sizeof(text), MSG_DONTWAIT | MSG_NOSIGNAL); break;
		case 4: recv(a, b, at % sizeof(b), MSG_DONTWAIT | (at & 1 ? MSG_PEEK : 0)); break;
		case 5:
		case 6: pass(a, s); break;
		case 7: take(a, at, at & 1 ? MSG_PEEK : 0); break;
		case 8:
			fd[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
			connect(fd[0], (void *)&where, where_len);
			put(r, fd[0]);
			break;
		case 9: shutdown(a, (int)(at % 3)); break;
		case 10: {
			struct pollfd p = { a, POLLIN | POLLOUT, 0 };

			poll(&p, 1, 0);
			break;
		}
		case 11: connect(a, (void *)&where, where_len); break;
		}
	}
	return NULL;
}

/* Whatever became of the sockets: nothing crashes, nothing hangs, and what was dropped is closed. */
TEST_FORK(hammer)
{
	const char *rounds = getenv("ABI_ROUNDS");
	pthread_t t[THREADS];
	int l = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), p[2], s;
	int64_t end = abi_now_ns() + (rounds ? atoi(rounds) : 1) * 1000000000LL;
	struct pollfd w;

	where.sun_family = AF_UNIX;
	where_len = (socklen_t)(3 + sprintf(where.sun_path + 1, "moat%dhammer", (int)getpid()));
	CHECK_OK(bind(l, (void *)&where, where_len));
	CHECK_OK(listen(l, 4));
	CHECK_OK(pipe(p));
	for (int i = 0; i < SLOTS; i++)
		slot[i] = -1;
	for (size_t i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&t[i], NULL, hammer, (void *)(i + 1)) == 0);
	while (abi_now_ns() < end) {
		s = accept(l, NULL, NULL);
		if (s >= 0)
			put((unsigned)s, s);
		else
			abi_sleep_ms(1);
		for (int i = 0; i < SLOTS; i += 5)
			pass(slot[i], p[1]);
	}
	stop = 1;
	close(l); /* ends a connect that waits for room */
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	close(p[1]);
	for (int i = 3; i < 1024; i++)
		if (i != p[0])
			close(i);
	w = (struct pollfd){ p[0], POLLIN, 0 };
	CHECK_EQ(poll(&w, 1, 10000), 1); /* no copy of the write end is left in any queue */
	CHECK_EQ(w.revents, POLLHUP);
}

/* Many pairs at once, each with its own stream of numbers. */
TEST(streams)
{
	enum { PAIRS = 8, COUNT = 20000 };
	pid_t p[PAIRS];
	int fd[PAIRS][2];

	for (int i = 0; i < PAIRS; i++) {
		CHECK_OK(socketpair(AF_UNIX, i & 1 ? SOCK_STREAM : SOCK_SEQPACKET, 0, fd[i]));
		p[i] = abi_fork();
		if (p[i] == 0) {
			for (int n = 0; n < COUNT; n++)
				if (write(fd[i][0], &n, sizeof(n)) != sizeof(n))
					_exit(1);
			abi_exit();
		}
		close(fd[i][0]);
	}
	for (int i = 0; i < PAIRS; i++) {
		int n = 0, got, bad = 0;

		while (recv(fd[i][1], &got, sizeof(got), MSG_WAITALL) == sizeof(got))
			bad += got != n++;
		CHECK_EQ(n, COUNT);
		CHECK_EQ(bad, 0);
		abi_reap(p[i]);
		close(fd[i][1]);
	}
}
