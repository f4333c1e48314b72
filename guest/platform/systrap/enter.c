/*
 * enter.c - run application code: hand the CPU to a stub, wait for its next event, make a struct stop of it.
 *
 * Everything in a context slot is application memory: the frame's place, the siginfo and the registers are each read
 * once, into private copies. A forged event does to the thread what the application could have done to itself by real
 * instructions; it cannot name memory or tasks of others.
 */
#include "platform/systrap/systrap.h"

#include <string.h>

#define RFLAGS_USER 0x244dd5ULL /* CF PF AF ZF SF TF DF OF AC ID: what an application may set */
#define RFLAGS_ON   0x202ULL
#define RFLAGS_TF   0x100ULL

#define VEC_DB 1
#define VEC_GP 13
#define VEC_PF 14
#define VEC_MC 18

#define SYSCALL_ARCH 0xc000003eU

/* A kick that seems to lead to nothing is repeated after this time, and again after the double, up to the maximum. */
#define KICK_RETRY_NS	  1000000ULL
#define KICK_RETRY_MAX_NS 50000000ULL
/*
 * A stub that has used this much CPU time since it was kicked has an application in its code that does not let it stop.
 * Honest ones need microseconds, however long the host lets them wait for a CPU; the rest is for the host's kernel.
 */
#define KICK_CPU_NS 250000000ULL
/* An FPU save that takes longer meets a stub that has no CPU, or one that runs application code instead. */
#define SAVE_NS 5000000ULL
/*
 * Application code that runs this long without a stop may be moved by the host's scheduler; and after each such time the
 * worker looks for a kick whose wake-up the application has suppressed by writing to its slot.
 */
#define LONG_NS 20000000ULL

/* The host kernel's ucontext up to the FPU pointer, and the parts of siginfo that are used. */
struct host_ucontext {
	u64 flags, link, stack[3];
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip,
		rflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2, fpstate;
};

struct host_siginfo {
	s32 signo, err, code, pad;
	u64 addr;    /* SIGSYS: address behind the call */
	s32 syscall; /* SIGSYS */
	u32 arch;
};

_Static_assert(offsetof(struct host_ucontext, fpstate) == 224, "ucontext");

static void stop_exception(struct stop *stop, u32 vector, u64 code)
{
	stop->kind = STOP_EXCEPTION;
	stop->vector = vector;
	stop->code = code;
}

/* The host task died or hangs: the application can do that to itself. It ends like a fault of that thread. */
static void stop_dead(struct utask *u, struct stop *stop)
{
	u->dead = true;
	memset(stop, 0, sizeof(*stop));
	stop_exception(stop, VEC_GP, 0);
}

static void load_regs(struct utask *u, const struct host_ucontext *uc)
{
	struct user_regs *r = &u->regs;

	r->r15 = uc->r15;
	r->r14 = uc->r14;
	r->r13 = uc->r13;
	r->r12 = uc->r12;
	r->rbp = uc->rbp;
	r->rbx = uc->rbx;
	r->r11 = uc->r11;
	r->r10 = uc->r10;
	r->r9 = uc->r9;
	r->r8 = uc->r8;
	r->rax = uc->rax;
	r->rcx = uc->rcx;
	r->rdx = uc->rdx;
	r->rsi = uc->rsi;
	r->rdi = uc->rdi;
	r->rip = uc->rip;
	r->rflags = (uc->rflags & RFLAGS_USER) | RFLAGS_ON;
	if (u->step)
		r->rflags &= ~RFLAGS_TF;
	r->rsp = uc->rsp;
	r->orig_rax = -1;
	r->cs = 0x33;
	r->ss = 0x2b;
}

static void decode(struct utask *u, struct stop *stop, const struct host_ucontext *uc,
		   const struct host_siginfo *si)
{
	struct user_regs *r = &u->regs;

	if (uc->cs != 0x33) {
		/* A far jump to 32-bit code, which this kernel does not have. */
		stop_exception(stop, VEC_GP, 0);
		return;
	}
	switch (si->signo) {
	case HC_SIGSYS:
		if (si->arch != SYSCALL_ARCH) {
			/* INT 0x80 is a gate that we do not have: #GP with the IDT selector, at the instruction. */
			r->rip -= 2;
			stop_exception(stop, VEC_GP, 0x80 << 3 | 2);
			return;
		}
		stop->kind = STOP_SYSCALL;
		r->orig_rax = (u32)si->syscall;
		return;
	case HC_SIGUSR1: stop->kind = STOP_INTERRUPT; return;
	case HC_SIGSEGV:
		if (uc->trapno == VEC_PF) {
			stop->kind = STOP_FAULT;
			stop->vector = VEC_PF;
			stop->code = uc->err;
			stop->addr = uc->cr2;
			stop->access = uc->err & 2    ? ACCESS_WRITE
				       : uc->err & 16 ? ACCESS_EXEC
						      : ACCESS_READ;
			return;
		}
		break;
	case HC_SIGBUS:
		if (uc->trapno == VEC_PF) {
			/* The file behind the page is shorter now: as a machine check, which KVM has for it. */
			stop_exception(stop, VEC_MC, 0);
			stop->addr = uc->cr2;
			return;
		}
		break;
	}
	stop_exception(stop, (u32)uc->trapno & 31, uc->err);
	stop->addr = uc->cr2;
}

/* The stub may be anywhere in its resume path, or the application have changed its GS base: then tell the real one. */
static void load_bases(struct utask *u)
{
	struct stub *s = u->stub;

	u->regs.fs_base = u->seen_fs = READ_ONCE(s->ctx->fs);
	u->seen_gs = READ_ONCE(s->ctx->gs);
	u->regs.gs_base = u->seen_gs == s->gs ? 0 : u->seen_gs;
	u->bases_unknown = false;
}

/* A patched site's event: all registers are in the control block, the FPU state in the stub's registers. */
static void event_syscall(struct utask *u, struct stop *stop)
{
	struct stub_ctx *x = u->stub->ctx;
	struct user_regs *r = &u->regs;

	memcpy(r, x->gregs, 15 * 8);
	r->rip = r->rcx;
	r->rflags = r->r11 = (r->r11 & RFLAGS_USER) | RFLAGS_ON;
	r->rsp = READ_ONCE(x->iret[3]);
	r->orig_rax = (u32)r->rax;
	r->cs = 0x33;
	r->ss = 0x2b;
	u->fpu_off = 0;
	load_bases(u);
	stop->kind = STOP_SYSCALL;
}

/* Take over an event. False if the stub has written nonsense. */
static bool event_read(struct utask *u, struct stop *stop)
{
	struct stub *s = u->stub;
	struct host_ucontext uc;
	struct host_siginfo si;
	u32 uc_off, si_off, fpu;

	memset(stop, 0, sizeof(*stop));
	switch (READ_ONCE(s->ctx->event)) {
	case EVENT_KICK:
		u->bases_unknown = true;
		stop->kind = STOP_INTERRUPT;
		return true;
	case EVENT_SYSCALL: event_syscall(u, stop); return true;
	case EVENT_SIGNAL: break;
	default: return false;
	}
	uc_off = READ_ONCE(s->ctx->uc);
	si_off = READ_ONCE(s->ctx->si);
	if (uc_off > SLOT_SIZE - sizeof(uc) || si_off > SLOT_SIZE - sizeof(si))
		return false;
	memcpy(&uc, s->base + uc_off, sizeof(uc));
	memcpy(&si, s->base + si_off, sizeof(si));
	fpu = fpu_frame_offset(s, uc.fpstate);
	if (!fpu)
		return false;
	u->fpu_off = fpu;
	load_regs(u, &uc);
	load_bases(u);
	decode(u, stop, &uc, &si);
	patch_adjust(u, stop);
	return true;
}

static bool canonical_user(u64 addr)
{
	return addr < 1UL << 47;
}

/*
 * Write what is not there yet: a line of the control block that nobody writes stays in the caches of both host CPUs.
 * What the comparison reads decides nothing else.
 */
static void put64(u64 *to, u64 v)
{
	if (READ_ONCE(*to) != v)
		WRITE_ONCE(*to, v);
}

static void put32(u32 *to, u32 v)
{
	if (READ_ONCE(*to) != v)
		WRITE_ONCE(*to, v);
}

static void resume_write(struct utask *u)
{
	struct stub_ctx *x = u->stub->ctx;
	struct user_regs *r = &u->regs;
	const u64 *regs = (const u64 *)r;
	u64 gs = r->gs_base ? r->gs_base : u->stub->gs;
	u64 flags = (r->rflags & RFLAGS_USER) | RFLAGS_ON | (u->step ? RFLAGS_TF : 0);
	u32 restore = 0;

	_Static_assert(offsetof(struct user_regs, rdi) == 14 * 8,
		       "gregs are the head of user_regs");
	if (r->gs_base || u->step)
		patch_end(u->pmap);
	for (unsigned i = 0; i < 15; i++)
		put64(&x->gregs[i], regs[i]);
	put64(&x->iret[3], r->rsp);
	if (!u->fpu_off && r->rcx == r->rip && r->r11 == flags && !(flags & RFLAGS_TF)) {
		restore = RESTORE_FAST;
	} else {
		put64(&x->iret[0], r->rip);
		put64(&x->iret[1], 0x33);
		put64(&x->iret[2], flags);
		put64(&x->iret[4], 0x2b);
		put64(&x->clean, RFLAGS_ON);
	}
	if ((u->bases_unknown || r->fs_base != u->seen_fs) && canonical_user(r->fs_base)) {
		x->set_fs = r->fs_base;
		restore |= RESTORE_FS;
	}
	if ((u->bases_unknown || gs != u->seen_gs) && canonical_user(gs)) {
		x->set_gs = gs;
		restore |= RESTORE_GS;
	}
	put32(&x->restore, restore);
	put32(&x->fpu, u->fpu_off);
	put64(&x->xmask, stub_fpu_mask);
	put32(&x->kick, 0);
}

static void stub_run(struct stub *s)
{
	atomic_xchg(&s->ctx->state, STATE_RUN);
	if (atomic_load(&s->ctx->stub_sleep))
		hc_futex_wake(&s->ctx->state, 1);
}

/*
 * Kick a running stub until it stops. False: it is dead, or does not obey. The kick cannot be blocked, and ends whatever
 * the stub does, application code and its own (stub.S: nested), so more than one is needed only by hostile ones.
 */
static bool stub_stop(struct stub *s)
{
	u64 wait = KICK_RETRY_NS, start = hc_cpu_time(s->tid);
	u32 state;

	while ((state = atomic_load(&s->ctx->state)) == STATE_RUN) {
		if (hc3(HC_tgkill, s->tid, s->tid, HC_SIGUSR1) == -ESRCH)
			return false;
		hc_futex_wait(&s->ctx->state, STATE_RUN, wait);
		wait = MIN(wait * 2, KICK_RETRY_MAX_NS);
		if (atomic_load(&s->ctx->state) == STATE_RUN &&
		    hc_cpu_time(s->tid) - start > KICK_CPU_NS)
			return false;
	}
	return state == STATE_EVENT;
}

/*
 * Bring the live FPU state of a stopped thread into its slot. A stub that does not answer is dead or hostile: its thread
 * gets a fresh state, and the next enter_user finds out.
 */
void enter_save_fpu(struct utask *u)
{
	struct stub *s = u->stub;
	bool ok = true;

	if (u->fpu_off)
		return;
	s->ctx->restore = RESTORE_SAVE;
	s->ctx->sentry_sleep = 1;
	stub_run(s);
	while (ok && atomic_load(&s->ctx->state) == STATE_RUN)
		if (hc_futex_wait(&s->ctx->state, STATE_RUN, SAVE_NS) == -ETIMEDOUT)
			ok = stub_stop(s);
	u->fpu_off = SLOT_FPU;
	if (!ok || atomic_load(&s->ctx->state) != STATE_EVENT ||
	    READ_ONCE(s->ctx->event) != EVENT_SAVED) {
		u->dead = true;
		utask_fpu_reset(u);
	}
}

/* Spin for the event of a split stub; past the limit say so, and sleep like everyone. */
static void spin_event(struct utask *u)
{
	struct stub_ctx *x = u->stub->ctx;

	for (unsigned n = 1; atomic_load(&x->state) == STATE_RUN; n++) {
		if (n % 16 == 0 && clock_cycles() - u->entered > SPLIT_SPIN_CYCLES) {
			split_missed(u);
			atomic_xchg(&x->sentry_sleep, 1);
			return;
		}
		cpu_relax();
	}
}

/* Wait until the stub stops running; at the CPU's deadline, or kicked, stop it. False if it is dead or does not obey. */
static bool wait_event(struct sys_cpu *c, struct stub *s)
{
	bool bound = true;
	u64 now, wait;
	u32 state;

	while ((state = atomic_load(&s->ctx->state)) == STATE_RUN) {
		wait = LONG_NS;
		if (c->deadline) {
			now = clock_mono();
			wait = now < c->deadline ? MIN(wait, c->deadline - now) : 0;
		}
		if (wait && hc_futex_wait(&s->ctx->state, STATE_RUN, wait) != -ETIMEDOUT)
			continue;
		if (timer_due(c) || atomic_load(&c->c.kicked))
			return stub_stop(s);
		if (bound)
			cpu_unbind(c, s);
		bound = false;
	}
	return state == STATE_EVENT;
}

bool timer_due(struct sys_cpu *c)
{
	return c->deadline && clock_mono() >= c->deadline;
}

void systrap_timer_run(struct sys_cpu *c)
{
	if (!timer_due(c))
		return;
	c->deadline = 0;
	upcalls->timer();
}

/*
 * Why a kick is never lost. The kicker sets `kicked`, then reads the mode; here the mode is set, then `kicked` is read,
 * each with a full barrier between: so either this returns at once, or the kicker signals the stub. By then
 * resume_write has cleared CTX_KICK, so the signal counts wherever it meets the stub:
 *   - still waiting, or on its way to IRETQ: CTX_KICK is set, and tested after the last moment at which that is enough;
 *   - between that test and the application's first instruction: the handler starts the way again (stub.S: nested);
 *   - in the application, or on its way here with an event: an event comes either way.
 * `kicked` stays set until a STOP_INTERRUPT is returned, and whoever gets that looks at need_resched and at its signals
 * afterwards. A second kicker that finds the flag set made its change before that. The timer is the same but without a
 * kicker: the deadline is this CPU's own, wait_event watches it, and the upcall runs before STOP_INTERRUPT is returned.
 * Mappings need no kick: the helper changes them under running stubs, and the host flushes their TLBs.
 * What an application does to its slot can delay the end of wait_event by LONG_NS, and not prevent it.
 */
void enter_user(struct utask *u, struct stop *stop)
{
	struct sys_cpu *c = this_cpu();
	struct stub *s = u->stub;
	bool ok, split;

	if (u->dead || u->pmap->broken) {
		stop_dead(u, stop);
		return;
	}
	if (timer_due(c)) {
		systrap_timer_run(c);
		memset(stop, 0, sizeof(*stop));
		stop->kind = STOP_INTERRUPT;
		return;
	}
	resume_write(u);
	split = split_decide(c, u);
	c->c.pmap = u->pmap;
	c->stub = s->tid;
	atomic_xchg(&c->c.mode, CPU_USER);
	if (atomic_load(&c->c.kicked)) {
		atomic_store(&c->c.mode, CPU_KERNEL);
		atomic_xchg(&c->c.kicked, 0);
		memset(stop, 0, sizeof(*stop));
		stop->kind = STOP_INTERRUPT;
		return;
	}
	put32(&s->ctx->spin, split ? split_pauses : 0);
	put32(&s->ctx->sentry_sleep, !split);
	stub_run(s);
	if (split)
		spin_event(u);
	ok = wait_event(c, s);
	atomic_store(&c->c.mode, CPU_KERNEL);
	c->stub = 0;
	split_left(u);
	if (!ok || !event_read(u, stop)) {
		stop_dead(u, stop);
		return;
	}
	if (stop->kind == STOP_SYSCALL && u->fpu_off)
		patch_try(u);
	if (stop->kind == STOP_INTERRUPT) {
		atomic_xchg(&c->c.kicked, 0);
		systrap_timer_run(c);
	}
}
