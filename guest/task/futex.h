/*
 * futex.h - fast user-space locks: the object side of futex(2), and what exit does with robust lists.
 */
#ifndef MOAT_TASK_FUTEX_H
#define MOAT_TASK_FUTEX_H

#include "lib/types.h"

#define FUTEX_BITSET_ANY 0xffffffffu

/* 0, -EAGAIN (the word is not val), -EFAULT, -ETIMEDOUT, -ERESTARTSYS. deadline: clock_mono() or NO_DEADLINE. */
s64 futex_wait(uaddr_t addr, bool shared, u32 val, u64 deadline, u32 bitset);
/* Number woken, or -EFAULT. */
s64 futex_wake(uaddr_t addr, bool shared, u32 nr, u32 bitset);

#endif
