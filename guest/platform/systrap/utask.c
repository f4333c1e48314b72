/*
 * utask.c - the platform's part of application threads: creation, registers, restart. Running them is enter.c.
 */
#include "platform/systrap/systrap.h"

#include <string.h>

#include "mm/slab.h"

#define RFLAGS_INIT 0x202
#define RFLAGS_TF   0x100

static void regs_reset(struct utask *u)
{
	memset(&u->regs, 0, sizeof(u->regs));
	u->regs.rflags = RFLAGS_INIT;
	u->regs.cs = 0x33;
	u->regs.ss = 0x2b;
	u->regs.orig_rax = -1;
}

static struct utask *utask_new(struct pmap *pmap)
{
	struct utask *u = kzalloc(sizeof(*u));
	struct stub *s;

	if (!u)
		return ERR_PTR(-ENOMEM);
	s = stub_get(pmap);
	if (IS_ERR(s)) {
		kfree(u);
		return (void *)s;
	}
	u->pmap = pmap;
	u->stub = s;
	u->bases_unknown = true;
	return u;
}

struct utask *utask_create(struct pmap *pmap)
{
	struct utask *u = utask_new(pmap);

	if (IS_ERR(u))
		return u;
	regs_reset(u);
	utask_fpu_reset(u);
	return u;
}

struct utask *utask_clone(struct pmap *pmap, struct utask *from)
{
	struct utask *u = utask_new(pmap);

	if (IS_ERR(u))
		return u;
	u->regs = from->regs;
	utask_fpu_save(from, u->stub->base + SLOT_FPU);
	u->fpu_off = SLOT_FPU;
	return u;
}

static void stub_leave(struct utask *u)
{
	split_end(u);
	if (u->dead)
		stub_kill(u->pmap, u->stub);
	else
		stub_put(u->pmap, u->stub);
}

void utask_destroy(struct utask *u)
{
	stub_leave(u);
	kfree(u);
}

int utask_exec(struct utask *u, struct pmap *pmap)
{
	struct stub *s = stub_get(pmap);

	if (IS_ERR(s))
		return PTR_ERR(s);
	stub_leave(u);
	u->stub = s;
	u->pmap = pmap;
	u->dead = false;
	u->step = false;
	u->bases_unknown = true;
	regs_reset(u);
	utask_fpu_reset(u);
	if (cpu_this()->utask == u)
		cpu_this()->pmap = pmap;
	return 0;
}

struct user_regs *utask_regs(struct utask *u)
{
	return &u->regs;
}

void utask_restart(struct utask *u)
{
	u->regs.rip -= 2;
	u->regs.rax = u->regs.orig_rax;
	u->regs.orig_rax = -1;
}

void utask_single_step(struct utask *u, bool on)
{
	u->step = on;
	if (!on)
		u->regs.rflags &= ~RFLAGS_TF;
}

void utask_switch_out(struct utask *u)
{
	if (u)
		split_end(u);
}

void utask_switch_in(struct utask *u)
{
	struct cpu *c = cpu_this();

	c->utask = u;
	c->pmap = u ? u->pmap : NULL;
}
