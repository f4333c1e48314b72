/*
 * utask.c - application threads on KVM: registers, the way into ring 3, switching.
 *
 * FPU state, FS and GS base stay in the hardware while the thread is on a CPU; they are saved when the scheduler takes
 * it off. FSGSBASE is on, so the application changes its bases without a trap: utask_regs reads them back.
 *
 * SYSRET only restores a state that SYSCALL can have left: RIP = RCX, RFLAGS = R11, neither TF nor RF, and RIP far
 * enough below the canonical hole that no SYSRET faults in ring 0. All else goes through IRETQ.
 */
#include <string.h>

#include "lib/atomic.h"
#include "lib/err.h"
#include "mm/frame.h"
#include "platform/kvm/kvm.h"
#include "platform/kvm/utask.h"
#include "platform/kvm/x86.h"

#define CANONICAL_END (1ULL << 47)

/* Page-fault error code. */
#define PF_PRESENT 1
#define PF_WRITE   2
#define PF_USER	   4
#define PF_INSTR   16

static void regs_init(struct utask *u)
{
	memset(&u->regs, 0, sizeof(u->regs));
	u->regs.rflags = 0x202;
	u->regs.cs = KVM_SEL_UCODE;
	u->regs.ss = KVM_SEL_UDATA;
	u->regs.orig_rax = -1;
	u->step = u->user_tf = false;
	fpu_area_init(u->fpu);
}

struct utask *utask_create(struct pmap *pmap)
{
	size_t size = sizeof(struct utask) + fpu_size();
	unsigned order = 0;
	struct utask *u;
	paddr_t pa;

	while (PAGE_SIZE << order < size)
		order++;
	pa = frame_alloc(ZONE_SMALL, order, FRAME_ZERO);
	if (!pa)
		return ERR_PTR(-ENOMEM);
	u = paddr_to_ptr(pa);
	u->order = order;
	u->pmap = pmap;
	u->bases_fresh = true;
	regs_init(u);
	return u;
}

struct utask *utask_clone(struct pmap *pmap, struct utask *from)
{
	struct utask *u = utask_create(pmap);

	if (IS_ERR(u))
		return u;
	u->regs = *utask_regs(from);
	u->user_tf = from->user_tf;
	utask_fpu_save(from, u->fpu);
	return u;
}

static bool is_live(const struct utask *u)
{
	return kvm_cpu_this()->utask == u;
}

void utask_destroy(struct utask *u)
{
	struct kvm_cpu *k = kvm_cpu_this();

	if (is_live(u)) {
		k->utask = NULL;
		k->c.utask = NULL;
	}
	frame_put(ptr_to_paddr(u));
}

int utask_exec(struct utask *u, struct pmap *pmap)
{
	regs_init(u);
	u->pmap = pmap;
	u->bases_fresh = true;
	if (is_live(u)) {
		pmap_switch(pmap);
		fpu_restore(u->fpu);
	}
	return 0;
}

static void bases_read(struct utask *u)
{
	u->regs.fs_base = u->live_fs = rdfsbase();
	u->regs.gs_base = u->live_gs = read_user_gs();
	u->bases_fresh = true;
}

struct user_regs *utask_regs(struct utask *u)
{
	if (!u->bases_fresh && is_live(u))
		bases_read(u);
	return &u->regs;
}

/* ---- FPU state ---- */

void utask_fpu_save(struct utask *u, void *buf)
{
	if (is_live(u))
		fpu_save(u->fpu);
	memcpy(buf, u->fpu, fpu_size());
}

int utask_fpu_load(struct utask *u, const void *buf)
{
	int err = fpu_check(buf);

	if (err)
		return err;
	memcpy(u->fpu, buf, fpu_size());
	fpu_sanitize(u->fpu);
	if (is_live(u))
		fpu_restore(u->fpu);
	return 0;
}

void utask_fpu_reset(struct utask *u)
{
	fpu_area_init(u->fpu);
	if (is_live(u))
		fpu_restore(u->fpu);
}

/* ---- switching ---- */

/* Selectors do nothing in 64-bit mode but tell one thread what another left in them. */
static void selectors_clear(void)
{
	u16 ds, es, fs, gs;

	__asm__ volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\tmov %%gs, %3"
			 : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	if (likely(!(ds | es | fs | gs)))
		return;
	/* Loading GS changes the base that is active: do it behind SWAPGS. */
	__asm__ volatile("mov %w0, %%ds\n\tmov %w0, %%es\n\tmov %w0, %%fs\n\t"
			 "swapgs\n\tmov %w0, %%gs\n\tswapgs"
			 :
			 : "r"(0)
			 : "memory");
}

void utask_switch_out(struct utask *u)
{
	struct kvm_cpu *k = kvm_cpu_this();

	if (!u || k->utask != u)
		return;
	if (!u->bases_fresh)
		bases_read(u);
	fpu_save(u->fpu);
	selectors_clear();
	k->utask = NULL;
	k->c.utask = NULL;
}

static inline bool canonical(u64 va)
{
	return (s64)(va << 16) >> 16 == (s64)va;
}

/* The processor refuses other bases, in ring 0 and behind SWAPGS: whoever sets one from outside gets 0 instead. */
static void fs_load(struct utask *u)
{
	u->live_fs = u->regs.fs_base = canonical(u->regs.fs_base) ? u->regs.fs_base : 0;
	wrfsbase(u->live_fs);
}

static void gs_load(struct utask *u)
{
	u->live_gs = u->regs.gs_base = canonical(u->regs.gs_base) ? u->regs.gs_base : 0;
	write_user_gs(u->live_gs);
}

void utask_switch_in(struct utask *u)
{
	struct kvm_cpu *k = kvm_cpu_this();

	if (!u || k->utask == u)
		return;
	k->utask = u;
	k->c.utask = u;
	k->uframe = k->tss.rsp[0] = (u64)&u->regs.fs_base;
	if (k->c.pmap != u->pmap)
		pmap_switch(u->pmap);
	fpu_restore(u->fpu);
	fs_load(u);
	gs_load(u);
}

/* ---- registers that the thread cannot have by itself ---- */

void utask_restart(struct utask *u)
{
	u->regs.rip -= 2;
	u->regs.rax = u->regs.orig_rax;
}

void utask_single_step(struct utask *u, bool on)
{
	u->step = on;
}

/* Make the registers such that neither IRETQ nor SYSRET can fault. False: RIP is not canonical, the thread gets #GP. */
static bool regs_check(struct utask *u)
{
	struct user_regs *r = &u->regs;

	r->cs = KVM_SEL_UCODE;
	r->ss = KVM_SEL_UDATA;
	r->rflags = (r->rflags & RFLAGS_USER) | RFLAGS_IF | 2;
	u->user_tf = r->rflags & RFLAGS_TF;
	if (u->step)
		r->rflags |= RFLAGS_TF;
	if (unlikely(r->fs_base != u->live_fs))
		fs_load(u);
	if (unlikely(r->gs_base != u->live_gs))
		gs_load(u);
	return canonical(r->rip);
}

static inline bool sysret_ok(const struct user_regs *r)
{
	return r->rip == r->rcx && r->rflags == r->r11 &&
	       !(r->rflags & (RFLAGS_TF | RFLAGS_RF | RFLAGS_NT)) &&
	       r->rip < CANONICAL_END - PAGE_SIZE;
}

/* AMD has no SYSENTER in long mode (#UD), Intel's is off (#GP): the application sees the latter everywhere. */
static bool is_sysenter(uaddr_t rip)
{
	u16 op;

	return !user_read(&op, rip, sizeof(op)) && op == 0x340f;
}

/* What the vector means to the caller. */
static void describe(struct utask *u, unsigned vector, struct stop *stop)
{
	struct kvm_cpu *k = kvm_cpu_this();

	stop->vector = vector;
	stop->code = k->error;
	stop->addr = 0;
	stop->access = 0;
	if (vector == VEC_PF) {
		stop->addr = read_cr2();
		/*
		 * An access of the processor's own, in the name of ring 0, that the page denies: mm could map it for ever
		 * and it would not get through. QEMU pops the frames of IRET and far RET in ring 3 like that.
		 */
		if ((k->error & (PF_PRESENT | PF_USER)) == PF_PRESENT) {
			stop->kind = STOP_EXCEPTION;
			stop->vector = VEC_GP;
			stop->code = 0;
			return;
		}
		stop->kind = STOP_FAULT;
		stop->access = k->error & PF_INSTR   ? ACCESS_EXEC
			       : k->error & PF_WRITE ? ACCESS_WRITE
						     : ACCESS_READ;
		return;
	}
	stop->kind = STOP_EXCEPTION;
	if (vector == VEC_DB) {
		stop->code = read_dr6();
		write_dr6(0xffff0ff0);
	} else if (vector == VEC_MF || vector == VEC_XM) {
		stop->code = fpu_exceptions(vector == VEC_XM);
	} else if (vector == VEC_UD && is_sysenter(u->regs.rip)) {
		stop->vector = VEC_GP;
	}
}

void enter_user(struct utask *u, struct stop *stop)
{
	struct kvm_cpu *k = kvm_cpu_this();
	u64 vector;

again:
	if (unlikely(!regs_check(u))) {
		*stop = (struct stop){ .kind = STOP_EXCEPTION, .vector = VEC_GP };
		return;
	}
	/* Publish, then look: who kicks or shoots down does it the other way round. */
	atomic_xchg(&k->c.mode, CPU_USER);
	if (unlikely(READ_ONCE(k->c.kicked)))
		goto kicked;
	pmap_catch_up(&k->c);
	u->bases_fresh = false;
	vector = user_enter(&u->regs, sysret_ok(&u->regs));
	atomic_store(&k->c.mode, CPU_KERNEL);
	if (u->step && !u->user_tf)
		u->regs.rflags &= ~(u64)RFLAGS_TF;
	if (likely(vector == STOP_VEC_SYSCALL)) {
		/* Linux takes the number from eax. */
		u->regs.orig_rax = (s32)u->regs.orig_rax;
		stop->kind = STOP_SYSCALL;
		return;
	}
	if (vector < 32) {
		describe(u, vector, stop);
		return;
	}
	irq_note(vector);
	/* Only a shootdown: pmap_catch_up is all that it wanted. */
	if (vector == VEC_IPI && !READ_ONCE(k->c.kicked))
		goto again;
kicked:
	atomic_store(&k->c.mode, CPU_KERNEL);
	if (u->step &&
	    !u->user_tf) /* it was never in user mode: the flag must not stay as its own */
		u->regs.rflags &= ~(u64)RFLAGS_TF;
	atomic_xchg(&k->c.kicked, 0);
	irq_upcalls();
	stop->kind = STOP_INTERRUPT;
}
