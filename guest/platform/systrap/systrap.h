/*
 * systrap.h - inside the systrap platform: its CPUs, helpers, stubs and address spaces.
 *
 * A Sentry CPU is a host thread ("worker"). An application address space (struct pmap) is a host process with one
 * helper task, which runs memory commands, and one host task per application thread ("stub", struct utask), which runs
 * only while a worker is inside enter_user for it.
 *
 * Locks, outermost first: pmap.lock (a helper's command page), template lock (process creation and the result
 * register), slot lock. They are spinlocks with a futex slow path, and are held while a helper works.
 */
#ifndef MOAT_SYSTRAP_SYSTRAP_H
#define MOAT_SYSTRAP_SYSTRAP_H

#include "abi/boot.h"
#include "abi/ring.h"
#include "lib/err.h"
#include "lib/list.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "platform/platform.h"
#include "platform/systrap/hostcall.h"
#include "platform/systrap/layout.h"
#include "platform/x86/pagetable.h"

struct sys_cpu {
	struct cpu c; /* first: %gs:0 */
	u32 tid;
	u32 host_cpu;	    /* that this worker is bound to, or ~0 */
	u64 stub;	    /* host task that runs for this CPU in enter_user, or 0 */
	u64 deadline;	    /* cpu_timer_set, 0 none */
	bool watches;	    /* while idle: in io_watch, not on its futex */
	struct utask *last; /* that ran here, for comparison only */
	void (*entry)(void);
};

static inline struct sys_cpu *this_cpu(void)
{
	return (struct sys_cpu *)cpu_this();
}

extern struct sys_cpu sys_cpus[MAX_CPUS + 1];
extern unsigned sys_ncpus;
extern char *ctl_map; /* the control memfd */
extern const struct platform_upcalls *upcalls;

/* One host process that holds an application address space. */
struct helper {
	u32 index; /* of its command page */
	u32 tid;
	u32 host_cpu; /* affinity, or ~0 */
	struct stub_cmds *cmds;
	unsigned queued; /* commands filled in, not yet sent */
};

struct pmap {
	struct pagetable pt;
	struct spinlock lock;
	struct helper h;
	struct list idle; /* stubs without a utask */
	struct list lost; /* stubs whose host task is gone but whose slot could not be unmapped */
	struct patch *patch; /* or NULL */
	u64 gen;
	bool raw; /* PMAP_RAW: no text that has not trapped here is patched */
	u64 owner; /* whose copies of patched text are used: a user's number, or one of its own above all of those */
	bool shoot;	/* an older translation may be in use: the commit must wait for copies */
	bool failed;	/* a batch was refused before the commit */
	bool window;	/* a DAX window was mapped since the last commit */
	bool unpatched; /* no site is patched here any more */
	bool broken;	/* the helper failed: every thread in it must die */
};

/* A host task of a pmap; parked in pmap.idle when no utask owns it. */
struct stub {
	struct list link;
	u32 tid;
	u32 slot;
	u32 host_cpu; /* affinity, or ~0 */
	struct stub_ctx *ctx;
	char *base; /* of the slot */
	u64 gs;	    /* control block in the stub: GS base while the application's is 0 */
};

struct utask {
	struct user_regs regs;
	struct pmap *pmap;
	struct stub *stub;
	u32 fpu_off;	    /* where in the slot the FPU image lies; 0: live in the host task */
	bool bases_unknown; /* the host task's FS and GS base must be set */
	bool step;
	bool dead;	  /* the host task is gone or no longer obeys */
	bool split;	  /* its host task has a host CPU of its own and both sides spin; split.c */
	u32 streak, need; /* short rounds in a row; how many it takes to split */
	u32 missed;	  /* the streak at the last round of a split that took too long */
	u64 entered, left;    /* TSC of the last enter_user and of its end */
	u64 seen_fs, seen_gs; /* as the host task has them */
};

/* helper.c */
void template_start(void);
int helper_create(struct helper *h);
/* Its task is gone: another may have its command page. */
void helper_free(struct helper *h);
/* End a host task of ours; then wait until it has left its memory and descriptors. */
void task_kill(u32 tid);
void task_await(u32 tid);
/* Queue one command; sends the batch first when the page is full. Lock of the owner held. */
int helper_queue(struct helper *h, u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
int helper_flush(struct helper *h);
/* A new host task in the helper's address space; returns its tid. The slot's control block is prepared. */
long helper_thread(struct helper *h, u32 slot);

/* dax.c: the host file behind guest-physical memory, and the offset in it. A descriptor; helpers have the same ones. */
int ram_file(paddr_t pa, u64 *off);

/* stub.c */
struct stub *stub_get(struct pmap *p);
void stub_put(struct pmap *p, struct stub *s);
/* End a stub that no longer obeys, and take its slot away from the address space. */
void stub_kill(struct pmap *p, struct stub *s);
/* The end of an address space: all its host tasks die at once, then their slots are free. */
void stubs_kill(struct pmap *p);
void stubs_await(struct pmap *p);
void stubs_free(struct pmap *p);

/* pmap.c: queue a command, locked. One that is refused makes the next commit build the address space anew. */
void pmap_queue(struct pmap *p, u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

/* fpu.c */
u32 fpu_frame_offset(struct stub *s, u64 fpstate);
extern u64 stub_fpu_mask;
void fpu_init(void);

/* enter.c */
bool timer_due(struct sys_cpu *c);
void systrap_timer_run(struct sys_cpu *c); /* the timer upcall, if its time has come */

void enter_save_fpu(struct utask *u);

/* patch.c: system call sites of one address space; pmap.lock held unless said otherwise. */
struct patch;
void patch_try(struct utask *u); /* takes pmap.lock: the thread stopped at a trapped system call */
/* An event whose address lies in our own code: make it what the application would have seen. Takes pmap.lock. */
void patch_adjust(struct utask *u, struct stop *stop);
/* The shadow of [va, va + len) is about to change: forget the patches there. */
void patch_forget(struct pmap *p, uaddr_t va, u64 len);
bool patch_covers(struct pmap *p, uaddr_t va,
		  u64 len); /* is a page of the range patched, or the region in it? */
/* May pages be patched that are mapped so? Then, behind their mapping: those with sites that are known. */
static inline bool patch_may(paddr_t pa, u64 pte_flags)
{
	return pa >= ARENA_PADDR && !(pte_flags & (PTE_W | PTE_NX));
}
void patch_map(struct pmap *p, uaddr_t va, u64 len, paddr_t pa);
/* The batch that replaced forgotten patches is done: free their frames. */
void patch_reap(struct pmap *p);
void patch_end(struct pmap *p); /* no more of it in this address space; takes pmap.lock */
/* The host's mappings are all gone, but for the region. */
void patch_dropped(struct pmap *p);
void patch_destroy(struct pmap *p);
#define PATCH_BASE 0x7f600000ULL
#define PATCH_SIZE 0x10000ULL

/* cpu.c */
void host_cpus_init(void);
u32 host_cpu_other(u32 cpu);	  /* another host CPU that we may use, or cpu itself */
extern unsigned host_cpus;	  /* how many we may use */
extern u32 cpus_busy;		  /* workers that are not idle */
void cpu_bind(struct sys_cpu *c); /* this worker to the host CPU that it is on */
void cpu_unbind(struct sys_cpu *c, struct stub *s);    /* s may be NULL */
void cpu_bind_task(u32 tid, u32 *bound, u32 host_cpu); /* *bound: where it is bound to now */

/* split.c */
#define SPLIT_SPIN_CYCLES 80000 /* about 30 us: what a missed wake-up costs */
extern u32 split_pauses;
void split_init(void);
bool split_decide(struct sys_cpu *c, struct utask *u); /* binds worker and stub; true: spin */
void split_missed(struct utask *u); /* the thread's side did not answer while the worker spun */
void split_left(struct utask *u);
void split_end(struct utask *u);

/* filter.c */
void filter_helper_install(void);
unsigned filter_thread(struct bpf_insn *out, u64 state_addr);
void filter_sentry_install(void);

/* crash.c */
void signals_init(struct sys_cpu *c);
void die(const char *why) __attribute__((noreturn));

/* io.c */
struct io_events {
	long n;
	/* all there can be: what was left would wake nobody */
	struct hc_epoll_event ev[RING_QUEUES + 1];
};
void io_start(void);
/* An idle worker: may it take completions until io_watch_end? One at a time may. */
bool io_watch_begin(void);
/* Sleep until one comes, somebody calls io_wake, or for so many ns. */
void io_watch(struct io_events *e, u64 wait);
/* Run the upcalls of what came, as an ordinary CPU. */
void io_watch_end(const struct io_events *e);
/* Wake who is in io_watch. */
void io_wake(void);

/* boot.c */
long thread_start(struct sys_cpu *c, void (*entry)(void));

/* copy.S */
size_t copy_safe(void *dst, const void *src, size_t n);
size_t zero_safe(void *dst, size_t n);
int cmpxchg_safe(u32 *p, u32 old, u32 new, u32 *prev);
extern const char copy_safe_insn[], copy_safe_fixup[], zero_safe_insn[], zero_safe_fixup[];
extern const char cmpxchg_safe_insn[], cmpxchg_safe_fixup[];

/* stub.S */
extern const char stub_text[], stub_text_end[], stub_helper[], stub_signal[], stub_tramp[],
	stub_tramp_try[];

#endif
