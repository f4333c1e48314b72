/*
 * mm.h - address spaces: VMAs, demand paging, copy-on-write, and the memory system calls' object layer.
 *
 * The truth about a page is here, in VMAs and in the objects they map; pmap (platform) only caches translations. A
 * private page lives in the address space's anon table, a file or shared page in a struct pagecache.
 *
 * Locks: mm->lock (a sleeping mutex) guards the VMA tree, the anon table and all pmap calls. The fault
 * path takes it, so no lock that the fault path may need (page cache, fs) is taken before it and held around a user
 * copy. All sizes in bytes; all calls return -errno.
 */
#ifndef MOAT_MM_MM_H
#define MOAT_MM_MM_H

#include "lib/types.h"
#include "platform/platform.h"

struct mm;
struct file;
struct pagecache;

#define MMAP_MIN_ADDR 0x10000UL

extern u32 mm_max_map_count; /* vm.max_map_count: areas of an address space */
extern u32
	mm_overcommit; /* vm.overcommit_memory: 0 heuristic, 1 always; what is promised is not counted (2) */
/* Is there memory for that many pages, at best? */
bool mm_may_commit(u64 pages);

/*
 * Protections, flags and advice are Linux's numbers (asm-generic/mman.h), decoded by mm itself: sys/ passes them on.
 * Registered hooks (below) connect mm with files and tasks, which are layers above it.
 */

/* ---- life ---- */
struct mm *mm_create(void);	     /* empty; ERR_PTR; one reference */
struct mm *mm_fork(struct mm *from); /* copy-on-write duplicate */
/* No other had or will have it, as it may have the pointer. */
u64 mm_id(const struct mm *mm);
/*
 * Whose programs run here: a user, PMAP_ALONE (at first) for what must not depend on others, or, to the end, PMAP_RAW
 * (platform.h).
 */
void mm_set_owner(struct mm *mm, u64 owner);
void mm_get(struct mm *mm);
void mm_put(struct mm *mm); /* the last reference unmaps everything; may sleep */
/* Where one may not wait for that, as it puts files: the last reference leaves it to who calls mm_end_dead (task/mm_reaper.c). */
void mm_put_later(struct mm *mm);
bool mm_any_dead(void);
void mm_end_dead(void);
struct pmap *mm_pmap(struct mm *mm); /* for a thread to run there */

/* ---- the system calls' work; addresses and flags as Linux's, checked here, errors in Linux's order ---- */
s64 mm_mmap(struct mm *mm, uaddr_t addr, u64 len, int prot, int flags, struct file *file, u64 off);
int mm_munmap(struct mm *mm, uaddr_t addr, u64 len);
int mm_mprotect(struct mm *mm, uaddr_t addr, u64 len, int prot);
s64 mm_mremap(struct mm *mm, uaddr_t old, u64 old_len, u64 new_len, int flags, uaddr_t new_addr);
int mm_madvise(struct mm *mm, uaddr_t addr, u64 len, int advice);
int mm_mincore(struct mm *mm, uaddr_t addr, u64 len,
	       u8 *vec); /* vec: kernel buffer, a byte a page */
/* Is there memory at va for it now? *file: it is a file's page, or shared. */
bool mm_is_mapped(struct mm *mm, uaddr_t va, bool *file);
int mm_mlock(struct mm *mm, uaddr_t addr, u64 len, int flags);
int mm_munlock(struct mm *mm, uaddr_t addr, u64 len);
int mm_mlockall(struct mm *mm, int flags);
int mm_munlockall(struct mm *mm);
int mm_msync(struct mm *mm, uaddr_t addr, u64 len, int flags);
int mm_mseal(struct mm *mm, uaddr_t addr, u64 len);
/* remap_file_pages(2): page-aligned; the part of a shared mapping shows the object from page pgoff on. */
int mm_remap_file_pages(struct mm *mm, uaddr_t start, u64 len, u64 pgoff);
/*
 * Memory policies of areas: a number below 64 whose meaning is sys/numa.c's; 0: none. Page-aligned; -EFAULT for a hole.
 * mm_next_policy gives the first area that ends above *at: 1 and *at behind it, or 0.
 */
int mm_set_policy(struct mm *mm, uaddr_t start, uaddr_t end, unsigned policy);
int mm_get_policy(struct mm *mm, uaddr_t addr, unsigned *policy);
int mm_next_policy(struct mm *mm, uaddr_t *at, uaddr_t end, unsigned *policy);
uaddr_t mm_brk(struct mm *mm, uaddr_t brk);

/* ---- faults: 0, or what the task gets ---- */
struct fault_error {
	int signo; /* SIGSEGV or SIGBUS */
	int code;  /* SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR */
};
/* Resolve a fault of the current task. 0 = try again; -EFAULT with *e filled; -ENOMEM = the OOM killer chose us. Sleeps. */
int mm_fault(struct mm *mm, uaddr_t addr, unsigned access, struct fault_error *e);

/* ---- access to another task's memory (ptrace, /proc/PID/mem, cmdline): bytes done or -errno ---- */
s64 mm_peek(struct mm *mm, uaddr_t addr, void *buf, size_t n);
/* As mm_peek, but only what the areas' protections let the owner read (process_vm_readv(2)). */
s64 mm_peek_allowed(struct mm *mm, uaddr_t addr, void *buf, size_t n);
s64 mm_poke(struct mm *mm, uaddr_t addr, const void *buf, size_t n, bool force);

/* The identity of a futex word: private = (mm, va), shared = (object, offset). -EFAULT. May fault the page in. */
struct futex_key {
	const void *object;
	u64 offset;
};
int mm_futex_key(struct mm *mm, uaddr_t addr, bool shared, struct futex_key *key);

/* ---- exec's part ---- */
struct mm_layout { /* what /proc and prctl(PR_SET_MM) know */
	uaddr_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
	uaddr_t arg_start, arg_end, env_start, env_end, auxv, auxv_len, vdso;
	struct file *exe;
	bool loads_itself; /* no interpreter: what text it maps later is not the dynamic loader's doing */
};
struct mm_layout *mm_layout(struct mm *mm);
/* Map the stack VMA (grows down to the rlimit) and the vDSO; randomized. */
int mm_setup_stack(struct mm *mm, uaddr_t *top, bool executable);
int mm_map_vdso(struct mm *mm);
/* The vDSO of an address space that nobody runs in yet is to make system calls, as before the clock is calibrated. -ENOMEM. */
int mm_hide_clock(struct mm *mm);
void mm_set_brk(struct mm *mm, uaddr_t start);

/* ---- what /proc prints ---- */
struct vma_info {
	uaddr_t start, end;
	int prot;
	bool shared, grows_down, locked;
	u64 off;
	struct file *file; /* borrowed: valid inside the callback */
	const char *name;  /* "[heap]", "[stack]", "[vdso]" or NULL */
	u64 rss;	   /* bytes resident */
};
int mm_for_each_vma(struct mm *mm, int (*fn)(const struct vma_info *, void *), void *arg);
struct mm_counters {
	u64 total_vm, rss_anon, rss_file, rss_shmem, locked, data, stack, text, hiwater_rss,
		page_tables;
};
void mm_counters(struct mm *mm, struct mm_counters *out);
u64 mm_rss(struct mm *mm); /* bytes resident, for the OOM killer's choice; takes no lock */

/* ---- what the layers above register ---- */

/* mmap of a file: fs checks the file's mode and type and says where the pages come from. */
struct mm_file_map {
	u64 len, off;	      /* in */
	int prot, flags;      /* in: PROT_*, MAP_* */
	struct pagecache *pc; /* out: pages come from here; it lives as long as the file */
	bool zero;	      /* out: anonymous memory instead (/dev/zero) */
	int max_prot;	      /* out: what mprotect may give later; preset to R|W|X */
};

struct mm_hooks {
	u64 (*rlimit)(int resource); /* of the current task: RLIMIT_AS, STACK, DATA, MEMLOCK */
	struct mm *(*current_mm)(void);
	/* choose and kill a victim; returns when memory may be there */
	void (*oom)(u64 frames_wanted);
	/* Drop clean cache beyond mm's own page caches (dentries ...): frames given back. May sleep. */
	u64 (*reclaim)(u64 frames);
	/* 0 or -errno in Linux's order (EACCES, ENODEV, EPERM). mm holds no lock. */
	int (*file_map)(struct file *file, struct mm_file_map *m);
	void (*file_get)(struct file *file);
	void (*file_put)(struct file *file); /* may sleep */
	bool (*killed)(void);		     /* a fatal signal waits for the current task */
	bool (*may_lock)(void);		     /* CAP_IPC_LOCK */
	int (*tid)(void);   /* the current task's number as it sees it; 0: it is exiting */
	void (*dead)(void); /* there is something for mm_end_dead; may not sleep */
};
/* Copies the members that are set and keeps the others: each layer registers its own at boot. */
void mm_set_hooks(const struct mm_hooks *hooks);
/* Once at boot, after frame_init. */
void mm_init(void);

#endif
