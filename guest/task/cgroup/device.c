/*
 * device.c - the device programs of control groups: attaching them, and asking them (device.h).
 *
 * A device may be used if all programs allow it that hold for a group: its own, and those of groups above that were attached
 * with BPF_ALLOW_MULTI, or that are the first above a group without any. A group's list is under task_lock; programs run
 * without it, and are held meanwhile. Differs from Linux: a question walks up the tree, there is no ready list.
 */
#include <string.h>

#include "fs/vfs.h"
#include "lib/err.h"
#include "mm/slab.h"
#include "task/cgroup/device.h"
#include "task/private.h"

struct cgroup_programs {
	u32 flags; /* BPF_ALLOW_OVERRIDE, BPF_ALLOW_MULTI, or none */
	unsigned n;
	struct bpf_prog *prog[CGROUP_PROGRAMS];
};

u32 cgroup_device_programs;

static unsigned count(const struct cgroup *g)
{
	return g->devices ? g->devices->n : 0;
}

/* ---- attaching ---- */

/* The nearest group above with programs decides. */
static bool parents_allow(const struct cgroup *g)
{
	while ((g = g->parent))
		if (count(g))
			return g->devices->flags;
	return true;
}

/* Where prog is in the list; NULL. */
static struct bpf_prog **slot_of(struct cgroup_programs *c, const struct bpf_prog *prog)
{
	for (unsigned k = 0; k < c->n; k++)
		if (c->prog[k] == prog)
			return &c->prog[k];
	return NULL;
}

/* Put prog into its place: what was there is in *out. task_lock held. */
static int place(struct cgroup_programs *c, struct bpf_prog *prog, const struct bpf_prog *old,
		 struct bpf_prog **out)
{
	struct bpf_prog **slot = NULL;

	if (!(c->flags & BPF_ALLOW_MULTI))
		slot = c->n ? &c->prog[0] : NULL;
	else if (slot_of(c, prog) && prog != old)
		return -EINVAL;
	else if (old && !(slot = slot_of(c, old)))
		return -ENOENT;
	if (slot) {
		*out = *slot;
		*slot = prog;
		return 0;
	}
	c->prog[c->n++] = prog;
	atomic_add(&cgroup_device_programs, 1);
	return 0;
}

int cgroup_device_attach(struct cgroup *g, struct bpf_prog *prog, u32 flags, struct bpf_prog *old)
{
	u32 kept = flags & (BPF_ALLOW_OVERRIDE | BPF_ALLOW_MULTI);
	struct cgroup_programs *fresh;
	struct bpf_prog *out = NULL;
	int err = 0;

	if (kept == (BPF_ALLOW_OVERRIDE | BPF_ALLOW_MULTI) ||
	    ((flags & BPF_REPLACE) && !(flags & BPF_ALLOW_MULTI)))
		return -EINVAL;
	fresh = kzalloc(sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	spin_lock(&task_lock);
	if (g->dead)
		err = -EBADF;
	else if (!parents_allow(g) || (count(g) && g->devices->flags != kept))
		err = -EPERM;
	else if (count(g) == CGROUP_PROGRAMS)
		err = -E2BIG;
	if (!err) {
		if (!g->devices) {
			g->devices = fresh;
			fresh = NULL;
		}
		if (!g->devices->n)
			g->devices->flags = kept;
		ref_get(&prog->ref);
		err = place(g->devices, prog, old, &out);
		if (err)
			out = prog;
	}
	spin_unlock(&task_lock);
	bpf_prog_put(out);
	kfree(fresh);
	return err;
}

int cgroup_device_detach(struct cgroup *g, struct bpf_prog *prog)
{
	struct bpf_prog **slot = NULL, *out = NULL;
	struct cgroup_programs *c;
	int err = -ENOENT;

	spin_lock(&task_lock);
	c = g->devices;
	if (!count(g))
		slot = NULL;
	else if (!(c->flags & BPF_ALLOW_MULTI))
		slot = &c->prog[0];
	else if (prog)
		slot = slot_of(c, prog);
	else
		err = -EINVAL;
	if (slot) {
		out = *slot;
		c->n--;
		memmove(slot, slot + 1, (size_t)(&c->prog[c->n] - slot) * sizeof(*slot));
		atomic_sub(&cgroup_device_programs, 1);
		err = 0;
	}
	spin_unlock(&task_lock);
	bpf_prog_put(out);
	return err;
}

void cgroup_device_free(struct cgroup *g)
{
	for (unsigned k = 0; k < count(g); k++)
		bpf_prog_put(g->devices->prog[k]);
	if (count(g))
		atomic_sub(&cgroup_device_programs, count(g));
	kfree(g->devices);
}

/* ---- asking ---- */

/* Do the programs of g hold below it, where `seen` programs hold already? task_lock held. */
static bool holds(const struct cgroup *g, unsigned seen)
{
	return count(g) && (!seen || (g->devices->flags & BPF_ALLOW_MULTI));
}

unsigned cgroup_device_list(struct cgroup *g, bool effective, u32 *flags, u32 *id, unsigned room)
{
	unsigned n = 0;

	spin_lock(&task_lock);
	*flags = !effective && count(g) ? g->devices->flags : 0;
	for (struct cgroup *at = g; at; at = effective ? at->parent : NULL) {
		if (!holds(at, n))
			continue;
		for (unsigned k = 0; k < count(at); k++, n++)
			if (n < room)
				id[n] = at->devices->prog[k]->id;
	}
	spin_unlock(&task_lock);
	return n;
}

/* References to what holds of g's own; how many. */
static unsigned hold(struct cgroup *g, unsigned seen, struct bpf_prog **prog)
{
	unsigned n = 0;

	spin_lock(&task_lock);
	if (holds(g, seen))
		for (; n < count(g); n++) {
			prog[n] = g->devices->prog[n];
			ref_get(&prog[n]->ref);
		}
	spin_unlock(&task_lock);
	return n;
}

int cgroup_device_ask(u32 mode, u32 rdev, u32 access)
{
	u32 type = S_ISBLK(mode) ? DEVICE_BLOCK : DEVICE_CHAR;
	u32 context[3] = { access << 16 | type, DEV_MAJOR(rdev), DEV_MINOR(rdev) };
	struct bpf_prog *prog[CGROUP_PROGRAMS];
	struct cgroup *g, *top;
	unsigned seen = 0;
	int err = 0;

	spin_lock(&task_lock);
	top = task_current()->process->cgroup;
	if (top)
		cgroup_get(top);
	spin_unlock(&task_lock);
	for (g = top; g; g = g->parent) { /* top holds those above it */
		unsigned n = hold(g, seen, prog);

		for (unsigned k = 0; k < n; k++) {
			if (!ebpf_run(prog[k]->insn, context))
				err = -EPERM;
			bpf_prog_put(prog[k]);
		}
		seen += n;
		if (n)
			task_poll();
	}
	cgroup_put(top);
	return err;
}
