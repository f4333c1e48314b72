/*
 * priv.h - what the files of mm/ share: struct mm, struct vma, the anon table, page-cache internals.
 *
 * Lock order: mm->lock (mutex) > pc->lock (mutex) > spinlocks (pagecache list, frame zones). Nothing that may fault in
 * user memory runs under any of them. Reclaim and truncation, which come from the other side, take pc->lock first only
 * to detach pages and drop it before they lock an mm.
 */
#ifndef MOAT_MM_PRIV_H
#define MOAT_MM_PRIV_H

#include "lib/atomic.h"
#include "lib/avl.h"
#include "lib/err.h"
#include "lib/list.h"
#include "lib/random.h"
#include "lib/types.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/pagecache.h"
#include "mm/uffd.h"
#include "task/wait.h"

/* ---- Linux's numbers ---- */

#define PROT_READ      1
#define PROT_WRITE     2
#define PROT_EXEC      4
#define PROT_SEM       8
#define PROT_GROWSDOWN 0x01000000
#define PROT_GROWSUP   0x02000000
#define PROT_RWX       7

#define MAP_SHARED	    0x01
#define MAP_PRIVATE	    0x02
#define MAP_SHARED_VALIDATE 0x03
#define MAP_TYPE	    0x0f
#define MAP_FIXED	    0x10
#define MAP_ANONYMOUS	    0x20
#define MAP_32BIT	    0x40
#define MAP_GROWSDOWN	    0x0100
#define MAP_DENYWRITE	    0x0800
#define MAP_LOCKED	    0x2000
#define MAP_NORESERVE	    0x4000
#define MAP_POPULATE	    0x8000
#define MAP_NONBLOCK	    0x10000
#define MAP_STACK	    0x20000
#define MAP_HUGETLB	    0x40000
#define MAP_SYNC	    0x80000
#define MAP_FIXED_NOREPLACE 0x100000

#define MREMAP_MAYMOVE	 1
#define MREMAP_FIXED	 2
#define MREMAP_DONTUNMAP 4

#define RLIMIT_DATA    2
#define RLIMIT_STACK   3
#define RLIMIT_MEMLOCK 8
#define RLIMIT_AS      9

#define HUGE_SIZE  (2UL << 20)
#define HUGE_PAGES 512u
#define STACK_GAP  (256 * PAGE_SIZE) /* kept free below a stack that grows */

/* ---- areas ---- */

enum vma_flag {
	VMA_SHARED = 1,
	VMA_GROWSDOWN = 2,
	VMA_LOCKED = 4,
	VMA_LOCKONFAULT = 8,
	VMA_DONTFORK = 0x10,
	VMA_WIPEONFORK = 0x20,
	VMA_DONTDUMP = 0x40,
	VMA_HUGE = 0x80,
	VMA_NOHUGE = 0x100,
	VMA_SEQ = 0x200,
	VMA_RAND = 0x400,
	VMA_NORESERVE = 0x800,
	VMA_PHYS = 0x1000, /* fixed frames from vma->phys on: vDSO; not expanded, not merged */
	VMA_STACK = 0x2000,
	VMA_HEAP = 0x4000,
	VMA_SEALED = 0x8000,
	VMA_UFFD_MISSING = 1 << 22,
	VMA_UFFD_WP = 1 << 23,
};
/* The memory policy (policy.c), a number below 64. */
#define VMA_POLICY_SHIFT 16
#define VMA_POLICY_MASK	 (63u << VMA_POLICY_SHIFT)
/* Two neighbours that differ in one of these do not merge. */
#define VMA_MERGE_MASK (~0u)

/* Shared anonymous memory: a page cache with a count of areas. */
struct shm_object {
	struct pagecache pc;
	struct ref ref;
};

struct vma {
	struct avl_node node; /* by start */
	struct list list;     /* mm->vma_list, in address order */
	u64 gap;	      /* free bytes between the previous area and this one */
	u64 max_gap;	      /* largest gap in this subtree */
	struct mm *mm;
	uaddr_t start, end;
	u8 prot, max_prot;
	u8 window; /* order of the last anonymous window */
	u8 faults; /* that made private pages, up to 255 */
	u32 flags;
	uaddr_t next_fault; /* where the last window ended: a fault here is sequential */
	u64 off; /* of start, bytes: in the page cache, or paddr for VMA_PHYS; 0 for private anonymous */
	struct pagecache *pc;
	struct file *file;	/* keeps pc alive; or */
	struct shm_object *shm; /* does */
	const char *name;	/* VMA_PHYS: "[vdso]", "[vvar]" */
	struct uffd *uffd;	/* who is told of faults, with VMA_UFFD_*; or NULL. Borrowed */
	struct list pc_node;	/* pc->mappings, under mappings_lock */
	u32 pc_pass;
	u64 pc_mapped; /* pages of pc that faults gave to pmap: an upper bound */
};

#define DEFER_MAX  16
#define RECENT_MAX 16

struct mm {
	struct ref ref;
	struct mutex lock;
	/* under lock */
	struct pmap *pmap;
	u64 owner; /* mm_set_owner */
	u64 id;	   /* mm_id */
	struct avl_tree vmas;
	struct list vma_list;
	unsigned nr_vmas;
	struct vma *cache;		      /* last area found */
	u64 *anon;			      /* top table of private pages, or NULL */
	u64 anon_tables;		      /* pages */
	u64 total, locked, rss_anon, hiwater; /* pages */
	u64 rss_pc;			      /* pages: the areas' pc_mapped */
	uaddr_t mmap_base;
	u32 lock_future;    /* VMA_LOCKED bits for new areas */
	unsigned nr_recent; /* parts of programs that no fault has mapped yet; fault.c */
	uaddr_t recent[RECENT_MAX];
	unsigned nr_deferred; /* frames that were replaced: put after the commit that removes their translations */
	paddr_t deferred[DEFER_MAX];
	bool sealed;	      /* some area is VMA_SEALED */
	bool idle;	      /* no thread yet: translations wait for the first, who commits them */
	struct list uffds;    /* struct uffd of this address space; uffd.c */
	struct mm *next_dead; /* without references, waiting for its end; mm.c */
	struct mm_layout layout;
};

extern struct mm_hooks mm_hooks;

static inline bool vma_private_anon(const struct vma *v)
{
	return !v->pc && !(v->flags & VMA_PHYS);
}

static inline bool vma_shared(const struct vma *v)
{
	return v->flags & VMA_SHARED;
}

static inline u64 vma_index(const struct vma *v, uaddr_t va)
{
	return (v->off + (va - v->start)) >> PAGE_SHIFT;
}

static inline struct vma *vma_next(const struct vma *v)
{
	return v->list.next == &v->mm->vma_list ? NULL : list_entry(v->list.next, struct vma, list);
}

static inline struct vma *vma_prev(const struct vma *v)
{
	return v->list.prev == &v->mm->vma_list ? NULL : list_entry(v->list.prev, struct vma, list);
}

static inline unsigned vma_pmap_prot(const struct vma *v)
{
	return (v->prot & PROT_RWX ? PMAP_R : 0) | (v->prot & PROT_WRITE ? PMAP_W : 0) |
	       (v->prot & PROT_EXEC ? PMAP_X : 0);
}

static inline u64 mm_random(void)
{
	return random_ready() ? random_u64() : 0;
}

/* vma.c: the tree. All under mm->lock. */
void vma_tree_init(struct mm *mm);
struct vma *vma_find(struct mm *mm, uaddr_t va); /* first area that ends above va, or NULL */
struct vma *vma_at(struct mm *mm, uaddr_t va);	 /* the area that contains va, or NULL */
struct vma *vma_alloc(struct mm *mm, uaddr_t start, uaddr_t end); /* not linked; NULL: no memory */
struct vma *vma_dup(struct mm *mm, const struct vma *from);	  /* with references; not linked */
void vma_insert(struct vma *v);					  /* counts and links it */
void vma_remove(struct vma *v);					  /* unlinks it */
void vma_free(struct vma *v); /* drops its references; may sleep */
void vma_set_flags(struct vma *v, u32 flags);
void vma_add_mapped(struct vma *v, u64 pages);		    /* of the page cache */
void vma_resize(struct vma *v, uaddr_t start, uaddr_t end); /* adjusts off; no overlap */
int vma_split_range(struct mm *mm, uaddr_t start, uaddr_t end);
struct vma *vma_merge(struct vma *v); /* with its neighbours; returns what it became */
/*
 * fn with arg on each area's part of [addr, end), until one fails; it may drop mm->lock. That error, or -ENOMEM if no area
 * covers some of the range (then fn was called for the rest).
 */
int vma_each(struct mm *mm, uaddr_t addr, uaddr_t end,
	     int (*fn)(struct vma *v, uaddr_t start, uaddr_t end, int arg), int arg);
/* Highest gap of len bytes in [low, high), aligned; 0 if there is none. */
uaddr_t vma_find_gap(struct mm *mm, u64 len, u64 align, uaddr_t low, uaddr_t high);
bool vma_range_free(struct mm *mm, uaddr_t start, uaddr_t end);

/*
 * anon.c: the table of private pages. An entry is a paddr and AE_ bits; a 2 MiB block is one entry in the third level.
 * All under mm->lock.
 */
#define AE_PRESENT 1ULL
#define AE_HUGE	   2ULL
#define AE_WP	   4ULL /* userfaultfd(2): a write waits; never on a block */
#define AE_ADDR	   0x000ffffffffff000ULL

/* The third-level slot of the 2 MiB around va: 0, a leaf table's paddr | AE_PRESENT, or a block | PRESENT | HUGE. */
u64 *anon_pmd(struct mm *mm, uaddr_t va, bool create);
/* The next non-empty slot at or above *va and below end; *va becomes the larger of *va and the slot's start. */
u64 *anon_next_pmd(struct mm *mm, uaddr_t *va, uaddr_t end);
/* The leaf table of a slot; creates it, and splits a block. NULL: no memory. */
u64 *anon_leaf(struct mm *mm, u64 *pmd);
/* Entry of one page: paddr | AE_PRESENT, or 0. Looks through blocks. */
u64 anon_lookup(struct mm *mm, uaddr_t va);
void anon_drop(struct mm *mm, uaddr_t start, uaddr_t end); /* after pmap_unmap and commit */
int anon_copy(struct mm *to, struct mm *from, uaddr_t start, uaddr_t end); /* fork */
int anon_move(struct mm *mm, uaddr_t from, uaddr_t to, u64 len);	   /* mremap */
u64 anon_count(struct mm *mm, uaddr_t start, uaddr_t end);
void anon_destroy(struct mm *mm);

static inline unsigned pte_index(uaddr_t va)
{
	return (va >> PAGE_SHIFT) & (HUGE_PAGES - 1);
}

static inline bool anon_exclusive(u64 entry)
{
	return READ_ONCE(frame_of(entry & AE_ADDR)->ref) == 1;
}

/* mm.c: commit the queued translations, then drop the frames that they replaced. */
void mm_commit(struct mm *mm);
void mm_defer_put(struct mm *mm, paddr_t pa);

/* anonfault.c; under mm->lock. They queue pmap commands; the caller does mm_commit. 0, -ENOMEM. */
int anon_fault(struct vma *v, uaddr_t va, unsigned access);
int anon_cow_file(struct vma *v,
		  uaddr_t va); /* first write to a private page of a file; also -EIO, -ENXIO */
#define FILE_AROUND  64u       /* the same for pages of a file that are in its cache */
#define FAULT_AROUND 16u       /* pages: resident neighbours are mapped by the same fault */

/* fault.c */
/* Under mm->lock. A part of a program is mapped at va: the next fault of the mm brings its pages too. */
void fault_expect(struct mm *mm, uaddr_t va);
/* Make the page present for the access; under mm->lock, commits. -EFAULT with *e, -ENOMEM. */
int fault_locked(struct mm *mm, uaddr_t va, unsigned access, bool force, struct fault_error *e);
/* Memory is out, no lock held: reclaim, else the OOM killer. 0: try again; -ENOMEM: the caller is to die or fail. */
int mm_out_of_memory(u64 frames, unsigned *tries);
/*
 * Fault in every page of the range (MAP_POPULATE, mlock). Takes mm->lock. Stops at the first error: -ENOMEM for a hole,
 * -EINVAL where the protection forbids, -EFAULT beyond a file's end, -EINTR when killed.
 */
int mm_populate(struct mm *mm, uaddr_t start, uaddr_t end, bool write_only);

/* munmap.c */
int munmap_locked(struct mm *mm, uaddr_t start, uaddr_t end, struct list *dead);
void vma_free_list(struct list *dead); /* after mm->lock was dropped */
/* Forget pages: translations and private pages of the range. Commits. */
void mm_zap(struct mm *mm, uaddr_t start, uaddr_t end);

/* mseal.c; under mm->lock */
bool mm_sealed(struct mm *mm, uaddr_t start, uaddr_t end);
bool vma_sealed_content(const struct vma *v); /* sealed, and not to be discarded */

/* mmap.c */
/* May the mm grow by len bytes, private writable ones (data) included? 0, -ENOMEM. */
int mm_may_expand(struct mm *mm, u64 len, bool data);
uaddr_t mmap_choose_base(void);
uaddr_t mmap_place(struct mm *mm, uaddr_t hint, u64 len, u64 align, int flags);

/* info.c: mm_counters under mm->lock, without rss of files */
void mm_count(struct mm *mm, struct mm_counters *c);

/* pagecache.c and its siblings */
void pagecache_attach(struct pagecache *pc, struct vma *v);
void pagecache_detach(struct vma *v);
/*
 * For a fault, under mm->lock: page `index` is made resident; pages of [first, first + n) that are resident as well are
 * reported: pa[i] (0: absent) and writable[i]. Frames stay valid while mm->lock is held. 0, -EIO, -ENXIO, -ENOMEM.
 */
int pagecache_fault(struct pagecache *pc, u64 index, bool write, u64 first, unsigned n, paddr_t *pa,
		    bool *writable);
struct shm_object *shm_create(u64 size);
void shm_put(struct shm_object *shm);

#endif
