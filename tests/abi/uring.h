/* A ring by hand, for the tests of io_uring: no liburing, so that every step is seen. */
#ifndef ABI_URING_H
#define ABI_URING_H

#include "abi.h"
#include <linux/io_uring.h>

/* A completion without its flexible end. */
struct cqe {
	uint64_t user_data;
	int32_t res;
	uint32_t flags;
};

struct ring {
	int fd;
	unsigned *sq_head, *sq_tail, *sq_flags, *sq_array, *cq_head, *cq_tail;
	unsigned sq_mask, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	void *rings;
	size_t rings_size, sqes_size;
};

static int ring_open(struct ring *r, unsigned entries, struct io_uring_params *p)
{
	char *m;

	r->fd = syscall(SYS_io_uring_setup, entries, p);
	if (r->fd < 0)
		return -1;
	r->rings_size = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	if (p->sq_off.array + p->sq_entries * 4 > r->rings_size)
		r->rings_size = p->sq_off.array + p->sq_entries * 4;
	r->sqes_size = p->sq_entries * sizeof(struct io_uring_sqe);
	m = r->rings = mmap(NULL, r->rings_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			    r->fd, IORING_OFF_SQ_RING);
	r->sqes = mmap(NULL, r->sqes_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		       IORING_OFF_SQES);
	if (m == MAP_FAILED || (void *)r->sqes == MAP_FAILED)
		return -1;
	r->sq_head = (unsigned *)(m + p->sq_off.head);
	r->sq_tail = (unsigned *)(m + p->sq_off.tail);
	r->sq_flags = (unsigned *)(m + p->sq_off.flags);
	r->sq_array = (unsigned *)(m + p->sq_off.array);
	r->cq_head = (unsigned *)(m + p->cq_off.head);
	r->cq_tail = (unsigned *)(m + p->cq_off.tail);
	r->sq_mask = *(unsigned *)(m + p->sq_off.ring_mask);
	r->cq_mask = *(unsigned *)(m + p->cq_off.ring_mask);
	r->cqes = (struct io_uring_cqe *)(m + p->cq_off.cqes);
	return 0;
}

/* The test is skipped where the kernel refuses rings to this user. */
#define RING(r, entries, fl)                                                        \
	do {                                                                        \
		struct io_uring_params p_ = { .flags = (fl) };                      \
		if (ring_open(&(r), (entries), &p_)) {                              \
			if (errno == EPERM || errno == ENOSYS)                      \
				SKIP("io_uring_setup says %s", abi_errname(errno)); \
			ABI_FAIL("no ring: %s", abi_errname(errno));                \
			return;                                                     \
		}                                                                   \
	} while (0)

ABI_UNUSED static void ring_close(struct ring *r)
{
	munmap(r->rings, r->rings_size);
	munmap(r->sqes, r->sqes_size);
	close(r->fd);
}

/* The next entry, filled and already published. */
ABI_UNUSED static struct io_uring_sqe *sqe(struct ring *r, int op, int fd, const void *addr,
					   unsigned len, uint64_t off)
{
	unsigned tail = *r->sq_tail, i = tail & r->sq_mask;
	struct io_uring_sqe *s = &r->sqes[i];

	memset(s, 0, sizeof(*s));
	s->opcode = op;
	s->fd = fd;
	s->addr = (uintptr_t)addr;
	s->len = len;
	s->off = off;
	r->sq_array[i] = i;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
	return s;
}

ABI_UNUSED static long enter(struct ring *r, unsigned submit, unsigned wait)
{
	return syscall(SYS_io_uring_enter, r->fd, submit, wait, wait ? IORING_ENTER_GETEVENTS : 0,
		       NULL, 8);
}

ABI_UNUSED static unsigned ready(struct ring *r)
{
	return __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) - *r->cq_head;
}

/* The next completion, which must be there. */
ABI_UNUSED static struct cqe reap(struct ring *r)
{
	struct cqe c;

	memset(&c, 0, sizeof(c));
	c.res = -9999;
	if (CHECK(ready(r))) {
		memcpy(&c, &r->cqes[*r->cq_head & r->cq_mask], sizeof(c));
		__atomic_store_n(r->cq_head, *r->cq_head + 1, __ATOMIC_RELEASE);
	}
	return c;
}

/* Submit the one entry that was filled and give its result. */
ABI_UNUSED static int done1(struct ring *r)
{
	CHECK_EQ(enter(r, 1, 1), 1);
	return reap(r).res;
}

ABI_UNUSED static int count_res(struct ring *r, int n, int res)
{
	int k = 0;

	while (n--)
		k += reap(r).res == res;
	return k;
}

#endif
