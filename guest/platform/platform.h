/*
 * platform.h - the platform contract: everything the Sentry asks of the machine it runs on.
 *
 * Two implementations: kvm/ (the Sentry in ring 0 of a VM) and systrap/ (the Sentry as a host process, applications in
 * stub processes). Code above this header is plain portable C and does not know which one it is on. A third, for unit
 * tests on the host, is tests/unit/platform_host.c.
 *
 * Execution model. There are cpu_count() CPUs. Kernel code is never preempted: it runs until it sleeps (kctx_switch),
 * enters user mode or calls platform_poll(). Interrupts (queue completions, the timer, kicks) are therefore seen only
 * inside cpu_idle(), platform_poll() and enter_user(); their upcalls run on that CPU with no lock held below them. On
 * systrap one more CPU without a run queue (cpu->id == cpu_count(), cpu->io true) runs queue upcalls concurrently: so
 * upcalls take spinlocks, never sleep, and may run at the same time as anything else.
 */
#ifndef MOAT_PLATFORM_H
#define MOAT_PLATFORM_H

#include "abi/control.h"
#include "lib/types.h"

/* ---- CPUs ---- */

#define MAX_CPUS 64

enum cpu_mode {
	CPU_KERNEL,
	CPU_USER,    /* inside enter_user, application code may be running */
	CPU_IDLE,    /* inside cpu_idle */
	CPU_COPYING, /* inside one chunk of a user copy: pmap_commit waits for it */
};

struct task;
struct utask;
struct pmap;

/* Per-CPU data; %gs:0 points at it on both platforms. The platform allocates it, larger than this. */
struct cpu {
	struct cpu *self;
	unsigned id;
	bool io;	     /* systrap's I/O thread: runs upcalls only */
	u32 kicked;	     /* cpu_kick happened and was not yet consumed */
	u32 need_resched;    /* the scheduler's: look at the run queue before user mode */
	struct task *task;   /* running task; NULL in the idle loop */
	struct utask *utask; /* its platform part */
	void *sched;	     /* the scheduler's per-CPU part */
	/* Shootdown protocol, kvm/pmap.c */
	u32 mode;	   /* enum cpu_mode */
	struct pmap *pmap; /* active address space */
	u64 pmap_gen;	   /* generation of pmap that this CPU has seen */
};

#ifdef MOAT_UNIT
extern _Thread_local struct cpu *unit_cpu;
static inline struct cpu *cpu_this(void)
{
	return unit_cpu;
}
#else
/* Valid until the caller sleeps. */
static inline struct cpu *cpu_this(void)
{
	struct cpu *c;

	__asm__ volatile("mov %%gs:0, %0" : "=r"(c));
	return c;
}
#endif

unsigned cpu_count(void);
struct cpu *cpu_get(unsigned id);

/*
 * Start CPUs 1..n-1; each calls entry() on a stack of its own and never returns from it. Called once, by CPU 0, after
 * the upcalls are set.
 */
void cpu_start_all(void (*entry)(void));

/*
 * Make the target leave cpu_idle or enter_user soon (or not enter it, if it is about to). Cheap when the target is in
 * the kernel: a store. The kick is sticky until cpu_idle or enter_user consumes it, so a wake-up that enqueues first
 * and kicks then is never lost.
 */
void cpu_kick(struct cpu *target);

/* Sleep until a kick, an interrupt or this CPU's timer; upcalls ran before it returns. May return early. No lock held. */
void cpu_idle(void);

/* One-shot timer of this CPU: at monotonic time `deadline` (ns) the timer upcall runs on it. 0 disarms. */
void cpu_timer_set(u64 deadline);

/* Let pending interrupts in and run their upcalls; call it on long paths at least every 64 pages, no lock held. */
void platform_poll(void);

/* ---- Time ---- */

/* CLOCK_MONOTONIC of the sandbox in ns, and the raw counter (TSC). Neither traps. */
u64 clock_mono(void);
static inline u64 clock_cycles(void)
{
	return __builtin_ia32_rdtsc();
}
/*
 * Set by the control device (CTL_TIME) and at boot: at counter value tsc it was mono and real (ns). hz is the counter's
 * frequency, or 0: taken from this sample and the first one. clock_mono never steps back.
 */
void clock_calibrate(u64 tsc, u64 mono, u64 real, u64 hz);
/* CLOCK_REALTIME less clock_mono(), in ns. */
s64 clock_real_offset(void);
/* The page that the vDSO reads (layout: platform/vdso.h); its frame is mapped read-only into every address space. */
paddr_t clock_vdso_page(void);

/* ---- Threads of application code ---- */

/* In the order of Linux's struct user_regs_struct, without the selectors that long mode ignores. */
struct user_regs {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax; /* system call number at STOP_SYSCALL, else -1 */
	u64 rip, cs, rflags, rsp, ss;
	u64 fs_base, gs_base;
};

enum stop_kind {
	STOP_SYSCALL, /* number in orig_rax, arguments in rdi rsi rdx r10 r8 r9; the result goes to rax */
	STOP_FAULT,	/* page fault: addr, access */
	STOP_EXCEPTION, /* any other exception: vector, code (and addr where it has one) */
	STOP_INTERRUPT, /* a kick or an interrupt; its upcalls have run */
};

enum access {
	ACCESS_READ = 1,
	ACCESS_WRITE = 2,
	ACCESS_EXEC = 4,
	ACCESS_KERNEL = 8, /* task says so to mm: a copy of the Sentry's */
};

struct stop {
	enum stop_kind kind;
	u32 access; /* enum access; ACCESS_READ alone, ACCESS_WRITE or ACCESS_EXEC */
	u32 vector; /* x86 exception vector */
	u64 code;   /* x86 error code */
	uaddr_t addr;
};

/*
 * A utask is the platform's part of one application thread. Created bound to an address space, with zeroed registers,
 * rflags = 0x202, the ABI's initial FPU state. Returns ERR_PTR. Only the owning task, or another while that task is
 * not on a CPU, may touch it.
 */
struct utask *utask_create(struct pmap *pmap);
/* As utask_create, with the registers, FPU image and TLS bases of `from` (clone, fork). */
struct utask *utask_clone(struct pmap *pmap, struct utask *from);
void utask_destroy(struct utask *u);
/* execve: leave the old address space for a new one; registers and FPU state are reset. */
int utask_exec(struct utask *u, struct pmap *pmap);

/* The registers; valid and writable whenever the thread is not inside enter_user. Bad values hurt only this thread. */
struct user_regs *utask_regs(struct utask *u);

/*
 * Bytes of the XSAVE image (standard format, with the legacy region first, as a signal frame carries it), and its
 * XCR0 mask. utask_fpu_load checks the image (-EINVAL) and zeroes what xstate_bv does not name.
 */
size_t fpu_size(void);
u64 fpu_features(void);
void utask_fpu_save(struct utask *u, void *buf);
int utask_fpu_load(struct utask *u, const void *buf);
void utask_fpu_reset(struct utask *u);

/* Arrange that the system call that just stopped is executed again with its original rax (rip back at SYSCALL). */
void utask_restart(struct utask *u);
void utask_single_step(struct utask *u, bool on);

/*
 * Run application code of the current task's utask until it stops; fills *stop. Returns at once with STOP_INTERRUPT if
 * this CPU was kicked. No lock held. KVM: no VM exit per system call; systrap: one futex hand-off.
 */
void enter_user(struct utask *u, struct stop *stop);

/* The scheduler calls these around kctx_switch: FPU, TLS bases, page tables (kvm); affinity (systrap). u may be NULL. */
void utask_switch_out(struct utask *u);
void utask_switch_in(struct utask *u);

/* ---- Kernel threads of execution ---- */

#define KSTACK_SIZE 16384UL

struct kctx {
	void *sp;
};

/* A stack with a guard page below it; returns its upper end, or NULL. */
void *kstack_alloc(void);
void kstack_free(void *top);
/* Prepare ctx so that the first switch to it calls fn(arg) on the stack; fn must not return. */
void kctx_init(struct kctx *ctx, void *stack_top, void (*fn)(void *), void *arg);
/* Save the present context in *from, continue *to. Returns when someone switches back. */
void kctx_switch(struct kctx *from, struct kctx *to);
/*
 * Return addresses of a context that does not run, innermost first; returns how many. Nothing outside of its stack, which
 * ends at stack_top, is read.
 */
unsigned kctx_backtrace(const struct kctx *ctx, const void *stack_top, u64 *at, unsigned max);

/* ---- Physical memory ---- */

/* Every paddr of abi/boot.h is mapped at this base. */
extern char *direct_map;

static inline void *paddr_to_ptr(paddr_t pa)
{
	return direct_map + pa;
}

static inline paddr_t ptr_to_paddr(const void *p)
{
	return (paddr_t)((const char *)p - direct_map);
}

/* The first RAM address that platform and image do not use. Asked once, at boot, before frame_init takes the rest. */
paddr_t platform_ram_free(void);

/*
 * Tell the host that the content of these whole free frames is not needed; they read as zero afterwards. Asynchronous
 * on KVM (balloon queue): the caller keeps the frames out of use until done(arg) runs.
 */
void ram_release(paddr_t pa, u64 len, void (*done)(void *), void *arg);
/* KVM: ram_release hands over to this when the balloon device has set it; until then it only zeroes the frames. */
extern void (*platform_balloon)(paddr_t pa, u64 len, void (*done)(void *), void *arg);

/* ---- Address spaces of applications: a cache of translations ---- */

enum pmap_prot {
	PMAP_R = 1,
	PMAP_W = 2,
	PMAP_X = 4,
	/* pmap_map only, a hint: the host has memory behind these frames, and all of them will be used soon. */
	PMAP_NOW = 8
};

/*
 * The application's half. 0x1000 (mmap_min_addr is mm's matter) to USER_END. On systrap the last 4 GiB of what Linux
 * offers hold the code and contexts of the stubs (systrap/layout.h).
 */
#ifdef MOAT_SYSTRAP
#define USER_END 0x7fff00000000ULL
#else
#define USER_END 0x7ffffffff000ULL
#endif

/*
 * A pmap caches translations; the truth is mm's. It may drop any mapping at any time and mm gives it again at the next
 * fault. Changes are queued and visible at pmap_commit, which returns when no CPU and no stub uses an older
 * translation: only then may a frame be reused. All calls on one pmap are serialized by the caller (mm's lock);
 * pmap_commit may sleep on systrap. Errors: -ENOMEM only.
 */
struct pmap *pmap_create(void);
void pmap_destroy(struct pmap *p); /* no utask uses it any more */
/*
 * Whose programs run here, as a user's number in the first user namespace. They share what the platform learns of their
 * text, and all have what root's (0) taught it. PMAP_ALONE, as at first: this address space learns for itself. PMAP_RAW:
 * so it does, and nobody teaches it, since it may read text of others that it does not run.
 */
void pmap_set_owner(struct pmap *p, u64 owner);
#define PMAP_ALONE (~0ULL)
#define PMAP_RAW   (~0ULL - 1)
int pmap_map(struct pmap *p, uaddr_t va, u64 len, paddr_t pa, unsigned prot);
void pmap_unmap(struct pmap *p, uaddr_t va, u64 len);
/* Take rights away (or give them) where something is mapped. */
void pmap_protect(struct pmap *p, uaddr_t va, u64 len, unsigned prot);
void pmap_commit(struct pmap *p);
/* The cached translation, or false. Used by futex keys and by the systrap user copy. */
bool pmap_lookup(struct pmap *p, uaddr_t va, paddr_t *pa, unsigned *prot);
/* KiB of mappings per COW break and per anonymous fault that this platform likes best: 4 on kvm, 64 on systrap. */
unsigned pmap_window(void);

/* ---- Windows of host files (mm/dax.h), in the read-only DAX region of abi/boot.h ---- */

/*
 * The gofer has answered that it gave the host the file for [pa, pa + len), with this cookie: 0 when it lies there, in the
 * direct map too, or -errno. Calls are serialized by the caller. A window that pmaps show is unmapped after they let go.
 */
int platform_dax_map(paddr_t pa, u64 len, u64 cookie);
/* Bytes of the region that can be used, from its start; 0: there are no windows here. */
u64 platform_dax_size(void);
void platform_dax_unmap(paddr_t pa, u64 len);
/* Set when the host has refused to show a window to an application (a security module): then none may be shown any more. */
extern bool platform_dax_refused;
/* KVM: how the two ask the host, once its device has set it; cookie 0 unmaps. 0 or -errno; sleeps. */
extern int (*platform_dax_ask)(paddr_t pa, u64 len, u64 cookie);
/* As memcpy, from memory that the host can take away: bytes that were not copied. */
size_t copy_mapped(void *dst, const void *src, size_t n);

/* ---- User memory ---- */

/*
 * All act on the current task's address space, check the range against USER_END, resolve faults by the fault upcall
 * (which may sleep) and never trap. No spinlock and no lock that the fault path may take is held.
 */
size_t user_read(void *dst, uaddr_t src, size_t n);	   /* returns bytes NOT copied */
size_t user_write(uaddr_t dst, const void *src, size_t n); /* likewise */
size_t user_zero(uaddr_t dst, size_t n);		   /* likewise */
/* Length without the NUL; -EFAULT; -ENAMETOOLONG when no NUL within size bytes. */
long user_string(char *dst, uaddr_t src, size_t size);
/* *prev = *addr; if (*prev == old) *addr = new; one atomic step. 0 or -EFAULT. addr is 4-aligned. */
int user_cmpxchg32(uaddr_t addr, u32 old, u32 new, u32 *prev);

/* ---- Rings, end ---- */

void doorbell_ring(unsigned queue);
void platform_halt(void) __attribute__((noreturn));
/* The record at ARENA_CRASH is filled. */
void platform_crash(void) __attribute__((noreturn));

/* ---- Locks: a slow path for a CPU that lost its host CPU while it held a lock (lib/spinlock.h) ---- */

void lock_wait(u32 *word, u32 seen); /* until *word != seen, or spuriously */
void lock_wake(u32 *word);

/* ---- Upcalls, set once before cpu_start_all ---- */

struct platform_upcalls {
	void (*queue)(unsigned queue); /* the host used descriptors of this queue */
	void (*timer)(void);	       /* cpu_timer_set's deadline has passed on this CPU */
	/* Resolve a fault of the current task at addr; 0 if the access may be tried again, else -errno. May sleep. */
	int (*fault)(uaddr_t addr, unsigned access);
};

void platform_set_upcalls(const struct platform_upcalls *up);

/* Provided by guest/main.c: the platform calls it once on CPU 0 with the device tree mapped and %gs set. */
void sentry_main(const void *fdt) __attribute__((noreturn));

#endif
