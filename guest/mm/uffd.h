/*
 * uffd.h - userfaultfd(2), the part below its descriptor: ranges that are registered, tasks that wait for a page, and the
 * pages that a monitor gives them. fs/anon/userfaultfd.c is the descriptor.
 *
 * A registered range is one of private anonymous memory. A fault on a missing page of it (UFFD_MISSING), or a write to a
 * page with its AE_WP bit set (UFFD_WP), makes the task wait until the monitor wakes the range; then it faults again.
 *
 * Locks: areas and pages under mm->lock; who waits under uffd->lock (spin), inside of it. An instance holds no reference
 * on its address space: that it is gone is told under a spinlock of uffd.c.
 */
#ifndef MOAT_MM_UFFD_H
#define MOAT_MM_UFFD_H

#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "task/wait.h"

struct fault_error;
struct mm;
struct vma;

#define UFFD_MISSING 1u
#define UFFD_WP	     2u

struct uffd {
	struct ref ref; /* the descriptor's, and one for each task that waits */
	struct mm *mm;	/* NULL: gone */
	struct list mm_node;
	bool user_only; /* faults of the Sentry's copies fail instead of waiting */
	bool sigbus;	/* UFFD_FEATURE_SIGBUS: nobody waits */
	struct spinlock lock;
	struct list pending, told; /* tasks that wait, before and after the monitor read of them */
	struct waitq q;		   /* readers and pollers */
	struct waitq fault_q;	   /* tasks that wait */
};

/* What the monitor reads of a fault. */
struct uffd_fault_info {
	uaddr_t addr;
	bool write, wp;
	int tid;
};

/* Of the current task's address space. NULL: no memory. */
struct uffd *uffd_create(bool user_only);
/* The descriptor is closed: all ranges become ordinary, all tasks go on. */
void uffd_close(struct uffd *u);

/* Ranges are page-aligned and below USER_END. When the address space is gone: -ESRCH, from the first two -ENOMEM. */
/* mode: UFFD_*. -EBUSY: of another instance; -EINVAL: nothing or memory of another kind is there; -EPERM: never writable. */
int uffd_register(struct uffd *u, uaddr_t start, u64 len, unsigned mode);
int uffd_unregister(struct uffd *u, uaddr_t start, u64 len);
/* Put the frame at va, which is in [start, end): takes it over on success. -ENOENT: not registered; -EEXIST; -EINVAL. */
int uffd_give(struct uffd *u, uaddr_t start, uaddr_t end, uaddr_t va, paddr_t frame, bool wp);
int uffd_write_protect(struct uffd *u, uaddr_t start, u64 len, bool on);
bool uffd_alive(struct uffd *u);
void uffd_wake(struct uffd *u, uaddr_t start, u64 len);
/* The next fault that nobody has read; false: none. */
bool uffd_next(struct uffd *u, struct uffd_fault_info *info);

/* ---- for the rest of mm; mm->lock held ---- */

/* Must this fault wait for a monitor? v->uffd is set. */
bool uffd_blocks(const struct vma *v, uaddr_t va, unsigned access);
/* Wait. Drops mm->lock. 0: try again; -EFAULT with *e filled. */
int uffd_wait(struct mm *mm, uaddr_t va, unsigned access, struct fault_error *e);
/* An area of a new place (fork, mremap) is not registered; it is in no tree yet. */
void uffd_forget(struct vma *v);
void uffd_mm_gone(struct mm *mm);

#endif
