/*
 * usercopy.c - user memory, touched directly under the exception table.
 *
 * A copy goes in chunks that do not cross a page. Around each the CPU is in mode COPYING, so that a shootdown waits for
 * it, and before each it catches up with the address space's generation. A fault ends the chunk; it is resolved as
 * ordinary task code, which may sleep and wake up on another CPU.
 */
#include <string.h>

#include "lib/atomic.h"
#include "lib/err.h"
#include "platform/kvm/kvm.h"

size_t zero_user(void *dst, size_t n);
int cmpxchg_user32(u32 *p, u32 old, u32 new, u32 *prev);

#define STRING_CHUNK 128

static inline void chunk_begin(void)
{
	struct cpu *c = cpu_this();

	atomic_xchg(&c->mode, CPU_COPYING);
	pmap_catch_up(c);
}

static inline void chunk_end(void)
{
	atomic_store(&cpu_this()->mode, CPU_KERNEL);
}

static inline bool range_ok(uaddr_t va, size_t n)
{
	return cpu_this()->utask && n <= USER_END && va <= USER_END - n;
}

static inline size_t chunk_size(uaddr_t va, size_t n)
{
	return MIN(n, PAGE_SIZE - (va & (PAGE_SIZE - 1)));
}

enum copy_kind { COPY_IN, COPY_OUT, ZERO_OUT };

/* Bytes not done. kbuf is unused for ZERO_OUT. */
static inline __attribute__((always_inline)) size_t user_copy(enum copy_kind kind, char *kbuf,
							      uaddr_t va, size_t n)
{
	if (!range_ok(va, n))
		return n;
	while (n) {
		size_t chunk = chunk_size(va, n), left;

		chunk_begin();
		if (kind == COPY_IN)
			left = copy_user(kbuf, (const void *)va, chunk);
		else if (kind == COPY_OUT)
			left = copy_user((void *)va, kbuf, chunk);
		else
			left = zero_user((void *)va, chunk);
		chunk_end();
		va += chunk - left;
		kbuf += chunk - left;
		n -= chunk - left;
		/* The page has gone: asking mm again would give the same one. */
		if (left && trap_machine_check_seen())
			break;
		if (left && kvm_upcalls.fault(va, kind == COPY_IN ? ACCESS_READ : ACCESS_WRITE) < 0)
			break;
	}
	return n;
}

size_t user_read(void *dst, uaddr_t src, size_t n)
{
	return user_copy(COPY_IN, dst, src, n);
}

size_t user_write(uaddr_t dst, const void *src, size_t n)
{
	return user_copy(COPY_OUT, (char *)src, dst, n);
}

size_t user_zero(uaddr_t dst, size_t n)
{
	return user_copy(ZERO_OUT, NULL, dst, n);
}

long user_string(char *dst, uaddr_t src, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t n = MIN(chunk_size(src + done, size - done), (size_t)STRING_CHUNK), got;
		char *nul;

		got = n - user_read(dst + done, src + done, n);
		nul = memchr(dst + done, 0, got);
		if (nul)
			return nul - dst;
		if (got < n)
			return -EFAULT;
		done += n;
	}
	return -ENAMETOOLONG;
}

int user_cmpxchg32(uaddr_t addr, u32 old, u32 new, u32 *prev)
{
	int ret;

	if (!range_ok(addr, sizeof(u32)) || (addr & 3))
		return -EFAULT;
	for (;;) {
		chunk_begin();
		ret = cmpxchg_user32((u32 *)addr, old, new, prev);
		chunk_end();
		if (!ret)
			return 0;
		if (trap_machine_check_seen() || kvm_upcalls.fault(addr, ACCESS_WRITE) < 0)
			return -EFAULT;
	}
}
