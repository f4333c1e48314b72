/*
 * program.c - the programs that bpf(2) made, by id (device.h).
 */
#include "lib/err.h"
#include "mm/slab.h"
#include "task/cgroup/device.h"

#define PROGRAMS 4096 /* bounds the Sentry's memory, and the walks below */

static struct spinlock programs_lock = SPINLOCK_INIT;
static struct list programs = LIST_INIT(programs);
static unsigned nr_programs;
static u32 last_id;

struct bpf_prog *bpf_prog_alloc(unsigned len)
{
	struct bpf_prog *p = kzalloc(sizeof(*p) + len * sizeof(p->insn[0]));

	if (!p)
		return ERR_PTR(-ENOMEM);
	ref_init(&p->ref);
	list_init(&p->node);
	p->len = len;
	return p;
}

int bpf_prog_publish(struct bpf_prog *p)
{
	int err = -ENOMEM;

	spin_lock(&programs_lock);
	if (nr_programs < PROGRAMS && last_id < ~0u) {
		nr_programs++;
		p->id = ++last_id;
		list_add_tail(&programs, &p->node);
		err = 0;
	}
	spin_unlock(&programs_lock);
	return err;
}

void bpf_prog_put(struct bpf_prog *p)
{
	if (!p || !ref_put(&p->ref))
		return;
	if (p->id) {
		spin_lock(&programs_lock);
		list_del(&p->node);
		nr_programs--;
		spin_unlock(&programs_lock);
	}
	kfree(p);
}

struct bpf_prog *bpf_prog_find(u32 id)
{
	struct bpf_prog *p, *found = NULL;

	spin_lock(&programs_lock);
	list_for_each(p, &programs, node) {
		if (p->id == id && ref_tryget(&p->ref))
			found = p;
		if (p->id >= id)
			break;
	}
	spin_unlock(&programs_lock);
	return found;
}

u32 bpf_prog_next(u32 id)
{
	struct bpf_prog *p;
	u32 next = 0;

	spin_lock(&programs_lock);
	list_for_each(p, &programs, node) {
		if (p->id > id) {
			next = p->id;
			break;
		}
	}
	spin_unlock(&programs_lock);
	return next;
}
