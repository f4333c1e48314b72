/*
 * regs.c - a stopped tracee's registers, as the regsets and struct user lay them out.
 *
 * Values are checked as Linux's putreg() does; what enter_user makes of the rest hurts the tracee alone. A changed
 * orig_rax or rax decides anew whether the system call that a signal has interrupted is restarted.
 */
#include <string.h>

#include "lib/err.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"

/* CF PF AF ZF SF TF DF OF RF AC */
#define RFLAGS_TRACER 0x50dd5ULL
#define DEBUG_OFFSET  848 /* struct user u_debugreg */
#define XCR0_OFFSET   464
#define LEGACY_SIZE   512

enum { W_ORIG_RAX = 15, W_RIP, W_CS, W_FLAGS, W_RSP, W_SS, W_FS_BASE, W_GS_BASE, W_DS };

_Static_assert(offsetof(struct user_regs, gs_base) == W_GS_BASE * 8, "user_regs_struct");

int ptrace_get_regs(struct task *t, u64 *words, unsigned first, unsigned n)
{
	u64 all[PT_REGS_WORDS] = { 0 };
	int err = ptrace_lock(t);

	if (err)
		return err;
	memcpy(all, utask_regs(t->utask), sizeof(struct user_regs));
	ptrace_unlock(t);
	memcpy(words, all + first, n * 8);
	return 0;
}

/* 0 or -EIO; *v is made what the register takes. */
static int check_word(const struct user_regs *r, unsigned w, u64 *v)
{
	u64 old;

	memcpy(&old, (const u64 *)r + MIN(w, (unsigned)W_GS_BASE), 8);
	switch (w) {
	case W_CS:
	case W_SS:
		/* A selector must name ring 3; there is but one of each. */
		if ((*v & 0xffff) == 0 || (*v & 3) != 3)
			return -EIO;
		*v = old;
		return 0;
	case W_FLAGS: *v = (*v & RFLAGS_TRACER) | (old & ~RFLAGS_TRACER); return 0;
	case W_FS_BASE:
	case W_GS_BASE: return *v < USER_END ? 0 : -EIO;
	default: return 0;
	}
}

int ptrace_set_regs(struct task *t, const u64 *words, unsigned first, unsigned n)
{
	struct tracee *tr;
	struct user_regs *r;
	int err = ptrace_lock(t);

	if (err)
		return err;
	tr = t->ptrace;
	r = utask_regs(t->utask);
	for (unsigned i = 0; i < n && !err; i++) {
		u64 v = words[i];

		if (first + i >=
		    W_DS) { /* ds, es, fs, gs: null selectors, as 64-bit code has them */
			err = v & 0xffff && (v & 3) != 3 ? -EIO : 0;
			continue;
		}
		err = check_word(r, first + i, &v);
		if (!err)
			((u64 *)r)[first + i] = v;
	}
	if (t->syscall_nr < 0 && !(tr->info_valid && tr->info.code >> 8 == PT_EVENT_EXEC))
		t->restart_pending = (s32)r->orig_rax != -1 && (s64)r->rax <= -ERESTARTSYS &&
				     (s64)r->rax >= -ERESTART_RESTARTBLOCK;
	ptrace_unlock(t);
	return err;
}

int ptrace_get_fpu(struct task *t, void *buf)
{
	const u16 fcw = 0x37f;
	u64 xcr0 = fpu_features(), bv;
	u8 *b = buf;
	int err;

	err = ptrace_lock(t);
	if (err)
		return err;
	utask_fpu_save(t->utask, buf);
	ptrace_unlock(t);
	memcpy(&bv, b + LEGACY_SIZE, sizeof(bv));
	if (!(bv & 1)) {
		memset(b, 0, 24);
		memcpy(b, &fcw, sizeof(fcw));
		memset(b + 32, 0, 128);
	}
	if (!(bv & 2))
		memset(b + 160, 0, 256);
	memset(b + 416, 0, 96);
	memcpy(b + XCR0_OFFSET, &xcr0, sizeof(xcr0));
	return 0;
}

int ptrace_set_fpu(struct task *t, const void *buf)
{
	int err = ptrace_lock(t);

	if (err)
		return err;
	err = utask_fpu_load(t->utask, buf);
	ptrace_unlock(t);
	return err;
}

int ptrace_peek_user(struct task *t, u64 off, u64 *out)
{
	struct tracee *tr = t->ptrace;
	int err;

	if (off & 7 || off >= PT_USER_SIZE)
		return -EIO;
	if (off < PT_REGS_WORDS * 8)
		return ptrace_get_regs(t, out, (unsigned)off / 8, 1);
	err = ptrace_lock(t);
	if (err)
		return err;
	*out = off - DEBUG_OFFSET < sizeof(tr->dr) ? tr->dr[(off - DEBUG_OFFSET) / 8] : 0;
	ptrace_unlock(t);
	return 0;
}

int ptrace_poke_user(struct task *t, u64 off, u64 value)
{
	int err;

	if (off & 7 || off >= PT_USER_SIZE)
		return -EIO;
	if (off < PT_REGS_WORDS * 8)
		return ptrace_set_regs(t, &value, (unsigned)off / 8, 1);
	if (off - DEBUG_OFFSET >= PT_DEBUG_REGS * 8)
		return -EIO;
	err = ptrace_lock(t);
	if (err)
		return err;
	err = ptrace_watch_set(t->ptrace, (unsigned)(off - DEBUG_OFFSET) / 8, value);
	ptrace_unlock(t);
	return err;
}
