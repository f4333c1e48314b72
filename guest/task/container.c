/*
 * container.c - see container.h.
 */
#include "lib/err.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "task/container.h"
#include "task/ns/pidns.h"
#include "task/private.h"

struct container *container_create(u32 handle)
{
	struct container *c = kzalloc(sizeof(*c));

	if (!c)
		return NULL;
	ref_init(&c->ref);
	c->handle = handle;
	c->cgroup = cgroup_create_root(handle);
	if (!c->cgroup) {
		kfree(c);
		return NULL;
	}
	waitq_init(&c->empty);
	return c;
}

void container_get(struct container *c)
{
	ref_get(&c->ref);
}

void container_put(struct container *c)
{
	if (!c || !ref_put(&c->ref))
		return;
	pid_ns_put(c->pid_ns);
	cgroup_put(c->cgroup);
	frame_group_drop(c->mem_group);
	kfree(c);
}

struct container *container_current(void)
{
	struct task *t = task_current();

	return t ? t->process->container : NULL;
}

void container_joined(struct container *c, struct process *p)
{
	container_get(c);
	p->container = c;
	c->nr++;
}

void container_left(struct container *c, struct process *p)
{
	c->nr--;
	if (c->init == p)
		c->init = NULL;
	waitq_wake_all(&c->empty, 0);
}

void container_signal(struct container *c, int signo, const struct process *except)
{
	struct process *p;

	spin_lock(&task_lock);
	list_for_each(p, &all_processes, all_node)
		if (p->container == c && p != except && !p->zombie)
			signal_process(p, signo, NULL);
	spin_unlock(&task_lock);
}

void container_end(struct container *c, const struct process *except)
{
	spin_lock(&task_lock);
	c->ended = true;
	spin_unlock(&task_lock);
	container_signal(c, SIGKILL, except);
}

void container_wait(struct container *c, unsigned n)
{
	wait_event(&c->empty, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, READ_ONCE(c->nr) <= n);
}

void container_oom(struct container *c, const struct process *p)
{
	atomic_add(&c->oom_kills, 1);
	c->oom |= c->init == p;
}
