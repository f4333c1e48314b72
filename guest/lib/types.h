/*
 * types.h - the Sentry's basic types.
 *
 * A user address has a type of its own, which cannot be dereferenced by mistake: struct uaddr is not needed, an integer
 * that is never cast to a pointer outside platform/ is enough, and sparse-like discipline is kept by the names.
 */
#ifndef MOAT_LIB_TYPES_H
#define MOAT_LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef u64
	uaddr_t; /* an address in an application's address space; only user_* functions touch it */
typedef u64 paddr_t; /* guest-physical address, abi/boot.h */

/* libfdt brings in a <limits.h> that has its own. */
#undef PAGE_SIZE
#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define ARRAY_SIZE(a)	      (sizeof(a) / sizeof((a)[0]))
#define ALIGN_DOWN(x, a)      ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN_UP(x, a)	      ALIGN_DOWN((x) + (__typeof__(x))(a)-1, a)
#define container_of(p, t, m) ((t *)((char *)(p)-offsetof(t, m)))
#define MIN(a, b)                       \
	({                              \
		__typeof__(a) _a = (a); \
		__typeof__(b) _b = (b); \
		_a < _b ? _a : _b;      \
	})
#define MAX(a, b)                       \
	({                              \
		__typeof__(a) _a = (a); \
		__typeof__(b) _b = (b); \
		_a > _b ? _a : _b;      \
	})
#define likely(x)	 __builtin_expect(!!(x), 1)
#define unlikely(x)	 __builtin_expect(!!(x), 0)
#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#endif
