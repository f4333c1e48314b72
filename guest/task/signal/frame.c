/*
 * frame.c - the frame that a handler finds on its stack, and rt_sigreturn's way back.
 *
 * The layout is Linux's struct rt_sigframe for x86-64: return address, ucontext, siginfo, and above them the FPU image
 * in XSAVE format with the software magic that tells its size. What comes back by rt_sigreturn is the application's
 * word: flags are masked, the selectors forced, the FPU image checked by the platform.
 */
#include <string.h>

#include "lib/err.h"
#include "mm/slab.h"
#include "task/signal/priv.h"

#define REDZONE		     128
#define UC_FP_XSTATE	     1
#define UC_SIGCONTEXT_SS     2
#define UC_STRICT_RESTORE_SS 4
#define FP_MAGIC1	     0x46505853u
#define FP_MAGIC2	     0x46505845u
#define FP_SW_OFFSET	     464
/* CF PF AF ZF SF TF DF OF RF AC: what an application may set */
#define RFLAGS_USER 0x50dd5ULL

struct sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
	u64 eflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2, fpstate, reserved[8];
};
_Static_assert(sizeof(struct sigcontext) == 256, "sigcontext");

struct sigstack {
	u64 sp;
	u32 flags, pad;
	u64 size;
};

struct ucontext {
	u64 flags, link;
	struct sigstack stack;
	struct sigcontext mc;
	u64 sigmask;
};
_Static_assert(sizeof(struct ucontext) == 304, "ucontext");

struct frame {
	u64 restorer;
	struct ucontext uc;
	struct siginfo info;
};

struct fp_sw {
	u32 magic1, extended_size;
	u64 features;
	u32 xstate_size, pad[7];
};
_Static_assert(sizeof(struct fp_sw) == 48, "fpx_sw_bytes");

static bool on_altstack(const struct task *t, u64 sp)
{
	if (t->altstack_flags & SS_AUTODISARM)
		return false;
	return sp > t->altstack && sp - t->altstack <= t->altstack_size;
}

/* Where the frame goes; 0 if the alternative stack is too small for it. */
static u64 frame_address(struct task *t, const struct sigaction *sa, u64 sp, u64 *fp)
{
	bool nested = on_altstack(t, sp), entering = false;
	u64 top = sp - REDZONE;

	if (sa->flags & SA_ONSTACK && t->altstack_size && !nested &&
	    !(t->altstack_flags & SS_DISABLE)) {
		top = t->altstack + t->altstack_size;
		entering = true;
	}
	*fp = ALIGN_DOWN(top - (fpu_size() + 4), 64);
	sp = ALIGN_DOWN(*fp - sizeof(struct frame), 16) - 8;
	if ((nested || entering) && !(sp > t->altstack && sp - t->altstack <= t->altstack_size))
		return 0;
	return sp;
}

static int push_fpu(struct task *t, u64 fp)
{
	size_t n = fpu_size();
	struct fp_sw sw = { .magic1 = FP_MAGIC1,
			    .extended_size = (u32)n + 4,
			    .features = fpu_features(),
			    .xstate_size = (u32)n };
	u32 magic2 = FP_MAGIC2;
	u8 *buf = kzalloc(n + 4);
	int err;

	if (!buf)
		return -ENOMEM;
	utask_fpu_save(t->utask, buf);
	memcpy(buf + FP_SW_OFFSET, &sw, sizeof(sw));
	memcpy(buf + n, &magic2, sizeof(magic2));
	err = user_write(fp, buf, n + 4) ? -EFAULT : 0;
	kfree(buf);
	return err;
}

static void save_context(const struct task *t, const struct user_regs *r, struct sigcontext *mc)
{
	mc->r8 = r->r8;
	mc->r9 = r->r9;
	mc->r10 = r->r10;
	mc->r11 = r->r11;
	mc->r12 = r->r12;
	mc->r13 = r->r13;
	mc->r14 = r->r14;
	mc->r15 = r->r15;
	mc->rdi = r->rdi;
	mc->rsi = r->rsi;
	mc->rbp = r->rbp;
	mc->rbx = r->rbx;
	mc->rdx = r->rdx;
	mc->rax = r->rax;
	mc->rcx = r->rcx;
	mc->rsp = r->rsp;
	mc->rip = r->rip;
	mc->eflags = r->rflags;
	mc->cs = 0x33;
	mc->ss = 0x2b;
	mc->err = t->fault_code;
	mc->trapno = t->fault_vector;
	mc->cr2 = t->fault_addr;
}

int signal_frame_push(struct task *t, int signo, const struct siginfo *info,
		      const struct sigaction *sa, u64 mask)
{
	struct user_regs *r = utask_regs(t->utask);
	struct frame f;
	u64 sp, fp;
	int err;

	sp = frame_address(t, sa, r->rsp, &fp);
	if (!sp || !(sa->flags & SA_RESTORER))
		return -EFAULT;
	memset(&f, 0, sizeof(f));
	f.restorer = sa->restorer;
	f.uc.flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	f.uc.stack.sp = t->altstack;
	f.uc.stack.flags = t->altstack_flags | (on_altstack(t, r->rsp) ? SS_ONSTACK : 0);
	f.uc.stack.size = t->altstack_size;
	save_context(t, r, &f.uc.mc);
	f.uc.mc.oldmask = mask;
	f.uc.mc.fpstate = fp;
	f.uc.sigmask = mask;
	f.info = *info;
	err = push_fpu(t, fp);
	if (err)
		return err;
	if (user_write(sp, &f, sizeof(f)))
		return -EFAULT;
	if (t->altstack_flags & SS_AUTODISARM) {
		t->altstack = t->altstack_size = 0;
		t->altstack_flags = SS_DISABLE;
	}
	r->rdi = (u64)signo;
	r->rsi = sp + offsetof(struct frame, info);
	r->rdx = sp + offsetof(struct frame, uc);
	r->rax = 0;
	r->rsp = sp;
	r->rip = sa->handler;
	r->rflags &= ~(0x100ULL | 0x400ULL | 0x10000ULL); /* TF, DF, RF */
	utask_fpu_reset(t->utask);
	return 0;
}

static int pop_fpu(struct task *t, u64 fp)
{
	size_t n = fpu_size();
	struct fp_sw sw;
	u8 *buf;
	int err;

	if (!fp) {
		utask_fpu_reset(t->utask);
		return 0;
	}
	buf = kzalloc(n);
	if (!buf)
		return -ENOMEM;
	err = user_read(buf, fp, 512) ? -EFAULT : 0;
	if (!err) {
		memcpy(&sw, buf + FP_SW_OFFSET, sizeof(sw));
		if (sw.magic1 == FP_MAGIC1 && sw.xstate_size == n) {
			if (user_read(buf + 512, fp + 512, n - 512))
				err = -EFAULT;
		} else { /* a bare FXSAVE image: x87 and SSE only */
			u64 bv = 3;

			memcpy(buf + 512, &bv, sizeof(bv));
		}
		memset(buf + FP_SW_OFFSET, 0, sizeof(sw));
	}
	if (!err)
		err = utask_fpu_load(t->utask, buf);
	kfree(buf);
	return err;
}

static void load_context(struct user_regs *r, const struct sigcontext *mc)
{
	r->r8 = mc->r8;
	r->r9 = mc->r9;
	r->r10 = mc->r10;
	r->r11 = mc->r11;
	r->r12 = mc->r12;
	r->r13 = mc->r13;
	r->r14 = mc->r14;
	r->r15 = mc->r15;
	r->rdi = mc->rdi;
	r->rsi = mc->rsi;
	r->rbp = mc->rbp;
	r->rbx = mc->rbx;
	r->rdx = mc->rdx;
	r->rax = mc->rax;
	r->rcx = mc->rcx;
	r->rsp = mc->rsp;
	r->rip = mc->rip;
	r->rflags = (mc->eflags & RFLAGS_USER) | (r->rflags & ~RFLAGS_USER);
	r->orig_rax = ~0ULL;
}

s64 signal_return(void)
{
	struct task *t = task_current();
	struct user_regs *r = utask_regs(t->utask);
	struct ucontext uc;

	/* The handler's return popped the restorer's address: the ucontext is where rsp points. */
	if (user_read(&uc, r->rsp, sizeof(uc)) || pop_fpu(t, uc.mc.fpstate)) {
		struct siginfo info = { .signo = SIGSEGV, .code = SI_KERNEL };

		signal_force(SIGSEGV, &info);
		return 0;
	}
	load_context(r, &uc.mc);
	signal_set_mask(uc.sigmask);
	/* As Linux: an error in what the frame says is nobody's business. */
	(void)sigaltstack_set(t, uc.stack.sp, uc.stack.flags, uc.stack.size);
	return (s64)r->rax;
}

int sigaltstack_set(struct task *t, u64 sp, u32 flags, u64 size)
{
	u32 mode = flags & ~SS_AUTODISARM;

	if (on_altstack(t, utask_regs(t->utask)->rsp))
		return -EPERM;
	if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		sp = size = 0;
	} else if (size < MINSIGSTKSZ) {
		return -ENOMEM;
	}
	t->altstack = sp;
	t->altstack_size = size;
	t->altstack_flags = flags & ~(u32)SS_ONSTACK;
	return 0;
}

void sigaltstack_get(struct task *t, u64 *sp, u32 *flags, u64 *size)
{
	*sp = t->altstack;
	*size = t->altstack_size;
	*flags = t->altstack_flags | (on_altstack(t, utask_regs(t->utask)->rsp) ? SS_ONSTACK : 0);
	if (!t->altstack_size)
		*flags = SS_DISABLE;
}

u64 signal_frame_max(void)
{
	return ALIGN_UP(sizeof(struct frame) + fpu_size() + 4 + 64 + 16 + REDZONE, 16);
}
