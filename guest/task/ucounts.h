/*
 * ucounts.h - what a user uses of the things that RLIMIT_NPROC, SIGPENDING, MSGQUEUE and MEMLOCK bound (setrlimit(2)).
 *
 * One object for each user of each user namespace, shared by its credentials; it holds its namespace. Whatever is counted
 * is counted for the makers of the namespaces above too: each namespace keeps the limits that its maker had, so that a
 * namespace is no way around them.
 */
#ifndef MOAT_TASK_UCOUNTS_H
#define MOAT_TASK_UCOUNTS_H

#include "lib/types.h"

enum ucount {
	UCOUNT_NPROC, /* tasks */
	UCOUNT_SIGPENDING,
	UCOUNT_MSGQUEUE, /* bytes */
	UCOUNT_MEMLOCK,	 /* pages, of shmctl(SHM_LOCK) alone: mlock(2) counts for each mm */
	UCOUNTS
};

struct ucounts;
struct user_ns;

/* With a reference; NULL: out of memory. */
struct ucounts *ucounts_find(struct user_ns *ns, u32 kuid);
/* All of these take NULL for something that is not counted. */
struct ucounts *ucounts_get(struct ucounts *u);
void ucounts_put(struct ucounts *u);

void ucounts_add(struct ucounts *u, enum ucount kind, u64 n);
void ucounts_sub(struct ucounts *u, enum ucount kind, u64 n);
/* Is there more than limit at u, or more at a maker above than its namespace has for a limit? */
bool ucounts_over(const struct ucounts *u, enum ucount kind, u64 limit);
/* Add unless it would be over then. */
bool ucounts_charge(struct ucounts *u, enum ucount kind, u64 n, u64 limit);
u64 ucounts_read(const struct ucounts *u, enum ucount kind);

#endif
