/*
 * atomic.h - the few atomics the Sentry uses, over the compiler's builtins. All are sequentially consistent: on x86-64
 * a locked instruction is a full barrier anyway.
 */
#ifndef MOAT_LIB_ATOMIC_H
#define MOAT_LIB_ATOMIC_H

#include "lib/types.h"

#define atomic_load(p)	       __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_store(p, v)     __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_xchg(p, v)      __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define atomic_add(p, v)       __atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
#define atomic_sub(p, v)       __atomic_sub_fetch((p), (v), __ATOMIC_SEQ_CST)
#define atomic_or(p, v)	       __atomic_or_fetch((p), (v), __ATOMIC_SEQ_CST)
#define atomic_and(p, v)       __atomic_and_fetch((p), (v), __ATOMIC_SEQ_CST)
#define atomic_fetch_or(p, v)  __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define atomic_fetch_and(p, v) __atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)
#define atomic_cas(p, old, new)                                                         \
	({                                                                              \
		__typeof__(*(p)) _old = (old);                                          \
		__atomic_compare_exchange_n((p), &_old, (new), false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST);                          \
	})
#define atomic_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define cpu_relax()    __builtin_ia32_pause()

/* A reference count. ref_get on a dead object is a bug in the caller and asserts in debug builds. */
struct ref {
	u32 n;
};

static inline void ref_init(struct ref *r)
{
	r->n = 1;
}

static inline void ref_get(struct ref *r)
{
	atomic_add(&r->n, 1);
}

/* Take a reference unless the count is already 0. */
static inline bool ref_tryget(struct ref *r)
{
	u32 n = atomic_load(&r->n);

	while (n && !__atomic_compare_exchange_n(&r->n, &n, n + 1, false, __ATOMIC_SEQ_CST,
						 __ATOMIC_SEQ_CST))
		;
	return n != 0;
}

/* Drop one; true if it was the last, and the caller now frees the object. */
static inline bool ref_put(struct ref *r)
{
	return atomic_sub(&r->n, 1) == 0;
}

#endif
