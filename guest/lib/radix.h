/*
 * radix.h - a sparse array of non-zero u64 by u64 index, for page indices. Fan-out 64; an array that holds index 0 alone
 * needs no node. The caller holds whatever lock guards it. Memory comes from kmalloc.
 */
#ifndef MOAT_LIB_RADIX_H
#define MOAT_LIB_RADIX_H

#include "lib/types.h"

struct radix {
	u64 root;   /* height 0: the value at index 0; else a pointer to the top node */
	u32 height; /* levels of nodes */
};

u64 radix_get(const struct radix *r, u64 index); /* 0: absent */
/* The place of the value, to read or overwrite with another non-zero value; NULL if absent. */
u64 *radix_slot(const struct radix *r, u64 index);
/* Set a non-zero value. 0 or -ENOMEM. */
int radix_set(struct radix *r, u64 index, u64 value);
/* Remove; returns what was there, or 0. Never fails; frees empty nodes. */
u64 radix_del(struct radix *r, u64 index);
/* The first present index >= *index and <= last: its value, and *index; 0 if there is none. */
u64 radix_next(const struct radix *r, u64 *index, u64 last);

#endif
