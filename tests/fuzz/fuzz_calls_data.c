/*
 * fuzz_calls_data.c - what pointers point to: names of files, and slots of 256 bytes that each hold
 * one of the structures that calls read. Any call may get any of them, and may find it half changed
 * by another thread.
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#include "tests/fuzz/fuzz_calls.h"

static const char *const names[] = {
	"/",
	"/tmp",
	"/tmp/a",
	"/tmp/b",
	"/tmp/d",
	"/tmp/d/x",
	"/tmp/d/y",
	"/tmp/fifo",
	"/tmp/link",
	"/tmp/m",
	"/tmp/sock",
	"",
	"a",
	"d/x",
	"../tmp/a",
	"q",
	"/q",
	"proc",
	"tmpfs",
	"user.x",
	"/dev/full",
	"/dev/mqueue",
	"/dev/mqueue/q",
	"/dev/null",
	"/dev/ptmx",
	"/dev/pts/0",
	"/dev/shm/s",
	"/dev/tty",
	"/dev/urandom",
	"/dev/zero",
	"/proc/1/fd",
	"/proc/key-users",
	"/proc/keys",
	"/proc/locks",
	"/proc/mounts",
	"/proc/net/tcp",
	"/proc/self/attr/current",
	"/proc/self/cgroup",
	"/proc/self/comm",
	"/proc/self/cwd",
	"/proc/self/environ",
	"/proc/self/exe",
	"/proc/self/fd/5",
	"/proc/self/limits",
	"/proc/self/maps",
	"/proc/self/mem",
	"/proc/self/mountinfo",
	"/proc/self/net/unix",
	"/proc/self/ns/mnt",
	"/proc/self/ns/net",
	"/proc/self/pagemap",
	"/proc/self/root",
	"/proc/self/sched",
	"/proc/self/smaps",
	"/proc/self/status",
	"/proc/self/task",
	"/proc/self/timers",
	"/proc/self/uid_map",
	"/proc/sys/kernel/hostname",
	"/proc/thread-self/fd",
	"/sys",
	"/sys/class/net",
	"/sys/fs/cgroup",
};

unsigned long random_slot(void)
{
	return SLOTS + SLOT_SIZE * below(SLOT_N);
}

unsigned long random_name(void)
{
	return DATA + NAME_SIZE * below(N_OF(names));
}

static unsigned long random_data(void)
{
	return DATA + below(DATA_SIZE);
}

static void slot_buffers(void *slot)
{
	struct iovec *iov = slot;

	for (size_t i = 0; i < 8; i++) {
		iov[i].iov_base = (void *)random_data();
		iov[i].iov_len = one_in(4) ? below(200000) : below(5000);
	}
}

static void slot_inet(void *slot)
{
	struct sockaddr_in *a = slot;

	*a = (struct sockaddr_in){ .sin_family = AF_INET };
	a->sin_port = htons(4000 + below(4));
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static void slot_inet6(void *slot)
{
	struct sockaddr_in6 *a = slot;

	*a = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	a->sin6_port = htons(4000 + below(4));
}

static void slot_unix(void *slot)
{
	struct sockaddr_un *a = slot;

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(a->sun_path + one_in(2), one_in(2) ? "/tmp/sock" : "abstract");
}

static void slot_message(void *slot)
{
	struct msghdr *m = slot;

	*m = (struct msghdr){ .msg_iov = (void *)random_slot(), .msg_iovlen = below(9) };
	if (one_in(2)) {
		m->msg_control = (void *)random_slot();
		m->msg_controllen = below(200);
	}
	if (one_in(3)) {
		m->msg_name = (void *)random_slot();
		m->msg_namelen = below(120);
	}
}

static void slot_control(void *slot)
{
	struct cmsghdr *c = slot;
	unsigned n = 1 + below(8);
	int *fd = (int *)CMSG_DATA(c);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = one_in(3) ? (int)below(8) : SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(*fd));
	for (unsigned i = 0; i < n; i++)
		fd[i] = random_fd();
}

/* Short ones, or the threads would only wait. */
static void slot_times(void *slot)
{
	struct timespec *t = slot;

	for (size_t i = 0; i < SLOT_SIZE / sizeof(*t); i++)
		t[i] = (struct timespec){ .tv_nsec = (long)below(3000000) };
}

static void slot_polls(void *slot)
{
	struct pollfd *p = slot;

	for (size_t i = 0; i < SLOT_SIZE / sizeof(*p); i++)
		p[i] = (struct pollfd){ .fd = random_fd(), .events = (short)below(0x4000) };
}

static void slot_fds(void *slot)
{
	for (size_t i = 0; i < SLOT_SIZE / sizeof(int); i++)
		((int *)slot)[i] = random_fd();
}

static void slot_small(void *slot)
{
	for (size_t i = 0; i < SLOT_SIZE / sizeof(int); i++)
		((int *)slot)[i] = (int)below(8);
}

static void slot_noise(void *slot)
{
	for (size_t i = 0; i < SLOT_SIZE / sizeof(uint64_t); i++)
		((uint64_t *)slot)[i] = random_bits();
}

static void slot_pointers(void *slot)
{
	for (size_t i = 0; i < SLOT_SIZE / sizeof(uint64_t); i++)
		((uint64_t *)slot)[i] = random_data();
}

static void slot_pages(void *slot)
{
	for (size_t i = 0; i < SLOT_SIZE / sizeof(uint64_t); i++)
		((uint64_t *)slot)[i] = ARENA + PAGE * below(ARENA_PAGES);
}

static void slot_zeroes(void *slot)
{
	memset(slot, 0, SLOT_SIZE);
}

static void fill_slot(unsigned long slot)
{
	static void (*const fills[])(void *) = {
		slot_buffers, slot_inet,     slot_inet6, slot_unix,   slot_message,
		slot_control, slot_times,    slot_polls, slot_fds,    slot_small,
		slot_noise,   slot_pointers, slot_pages, slot_zeroes,
	};

	fills[below(N_OF(fills))]((void *)slot);
}

void data_fill(void)
{
	for (size_t i = 0; i < N_OF(names); i++)
		snprintf((char *)(DATA + NAME_SIZE * i), NAME_SIZE, "%s", names[i]);
	for (size_t i = 0; i < SLOT_N; i++)
		fill_slot(SLOTS + SLOT_SIZE * i);
}

void data_change(void)
{
	fill_slot(random_slot());
}
