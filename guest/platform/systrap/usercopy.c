/*
 * usercopy.c - access to application memory: by the shadow table and the direct map, in chunks of at most one page.
 *
 * A chunk runs in mode CPU_COPYING with the address space's generation published, so that pmap_commit waits for it
 * before a frame is used again; no lock is held. A miss leaves that mode, asks the fault upcall and tries again.
 */
#include "platform/systrap/systrap.h"

#include <string.h>

enum copy_op { COPY_READ, COPY_WRITE, COPY_ZERO };

#define STRING_CHUNK 256UL

static void copy_begin(struct cpu *c, struct pmap *p)
{
	c->pmap_gen = atomic_load(&p->gen);
	/* A full barrier: the lookup after it sees every change whose commit does not see this mode. */
	atomic_xchg(&c->mode, CPU_COPYING);
}

static void copy_end(struct cpu *c)
{
	atomic_store(&c->mode, CPU_KERNEL);
}

/* The direct-map address of one user byte, in copy mode; NULL (and out of copy mode) if it cannot be accessed. */
static char *copy_enter(uaddr_t va, unsigned access)
{
	for (;;) {
		struct cpu *c = cpu_this();
		struct pmap *p = c->pmap;
		unsigned prot;
		paddr_t pa;

		if (!p)
			return NULL;
		copy_begin(c, p);
		if (pmap_lookup(p, va, &pa, &prot) && (access != ACCESS_WRITE || (prot & PMAP_W)))
			return paddr_to_ptr(pa);
		copy_end(c);
		if (upcalls->fault(va, access) < 0)
			return NULL;
	}
}

static size_t copy(enum copy_op op, uaddr_t va, void *buf, size_t n)
{
	unsigned access = op == COPY_READ ? ACCESS_READ : ACCESS_WRITE;
	size_t chunk, left;
	char *p;

	if (n > USER_END || va > USER_END - n)
		return n;
	while (n) {
		chunk = MIN(n, PAGE_SIZE - (va & (PAGE_SIZE - 1)));
		p = copy_enter(va, access);
		if (!p)
			return n;
		if (op == COPY_READ)
			left = copy_safe(buf, p, chunk);
		else if (op == COPY_WRITE)
			left = copy_safe(p, buf, chunk);
		else
			left = zero_safe(p, chunk);
		copy_end(cpu_this());
		chunk -= left;
		if (buf)
			buf = (char *)buf + chunk;
		va += chunk;
		n -= chunk;
		if (left)
			return n; /* SIGBUS: asking mm again would give the same page */
	}
	return n;
}

size_t user_read(void *dst, uaddr_t src, size_t n)
{
	return copy(COPY_READ, src, dst, n);
}

size_t user_write(uaddr_t dst, const void *src, size_t n)
{
	return copy(COPY_WRITE, dst, (void *)src, n);
}

size_t user_zero(uaddr_t dst, size_t n)
{
	return copy(COPY_ZERO, dst, NULL, n);
}

long user_string(char *dst, uaddr_t src, size_t size)
{
	size_t done = 0, chunk, left;
	char *p, *nul;

	while (done < size) {
		if (src >= USER_END)
			return -EFAULT;
		chunk = MIN(MIN(size - done, STRING_CHUNK), PAGE_SIZE - (src & (PAGE_SIZE - 1)));
		p = copy_enter(src, ACCESS_READ);
		if (!p)
			return -EFAULT;
		left = copy_safe(dst + done, p, chunk);
		copy_end(cpu_this());
		if (left)
			return -EFAULT;
		/* Searched in the copy: the application may change its own meanwhile. */
		nul = memchr(dst + done, 0, chunk);
		if (nul)
			return nul - dst;
		done += chunk;
		src += chunk;
	}
	return -ENAMETOOLONG;
}

int user_cmpxchg32(uaddr_t addr, u32 old, u32 new, u32 *prev)
{
	int failed;
	u32 *p;

	if (addr >= USER_END || (addr & 3))
		return -EFAULT;
	p = (u32 *)copy_enter(addr, ACCESS_WRITE);
	if (!p)
		return -EFAULT;
	failed = cmpxchg_safe(p, old, new, prev);
	copy_end(cpu_this());
	return failed ? -EFAULT : 0;
}
