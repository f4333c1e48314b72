/*
 * oom.c - who dies when memory is out: the process with the most resident memory, weighted by oom_score_adj as
 * Linux's oom_badness; where the limit of a container or a control group is the reason, one of its processes. The sandbox
 * itself never dies of it.
 */
#include <string.h>

#include "lib/log.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "task/container.h"
#include "task/private.h"

struct candidate {
	struct process *p;
	char comm[TASK_COMM_LEN]; /* of its leader, which may be reaped any moment */
	s64 score;
	bool dying;
	unsigned within; /* only processes that charge to this group of mm/frame.h or below; 0: any */
};

static void consider(struct process *p, struct candidate *best)
{
	struct task *t = p->leader;
	s64 score;

	if (best->within && !frame_group_within(p->mem_group, best->within))
		return;
	if (p->zombie || !t || !t->mm || p->oom_score_adj == -1000)
		return;
	if (p->exiting)
		best->dying = true;
	score = (s64)mm_rss(t->mm);
	score += score / 1000 * p->oom_score_adj;
	if (p->container && p == p->container->init)
		score /= 2;
	if (!best->p || score > best->score) {
		best->p = p;
		best->score = score;
		memcpy(best->comm, t->comm, sizeof(best->comm));
	}
}

/* task_lock held. */
static void kill(struct process *p)
{
	p->oom_score_adj = MAX(p->oom_score_adj, 0);
	if (p->container)
		container_oom(p->container, p);
	cgroup_memory_oom_kill(p);
	signal_process(p, SIGKILL, NULL);
}

/* The chosen one, or all of the group that is to die as a whole; task_lock held. */
static void kill_chosen(const struct candidate *c)
{
	struct cgroup *together = cgroup_memory_oom(c->within, c->p);
	struct process *p;

	if (!together) {
		kill(c->p);
		return;
	}
	list_for_each(p, &all_processes, all_node)
		if (p->cgroup && !p->zombie && p->oom_score_adj != -1000 &&
		    cgroup_is_below(p->cgroup, together))
			kill(p);
}

bool oom_kill_in(unsigned account)
{
	struct candidate best = { .within = account };
	struct task *self = task_current();
	struct process *p;

	spin_lock(&task_lock);
	list_for_each(p, &all_processes, all_node)
		consider(p, &best);
	if (best.p && !best.dying)
		kill_chosen(&best);
	if (best.p)
		ref_get(&best.p->ref);
	spin_unlock(&task_lock);
	cgroup_tell();
	if (!best.p)
		return false;
	if (!best.dying)
		klog("Out of memory: killed process %d (%s), %llu KiB resident", best.p->pid,
		     best.comm, (unsigned long long)best.score / 1024);
	/* The victim needs a moment to let its memory go; ask again after that. */
	if (self && self->process != best.p) {
		sched_prepare(SLEEP_KILLABLE);
		sched_sleep(clock_mono() + 20000000ULL);
		sched_awake();
	}
	process_put(best.p);
	return true;
}

void oom_kill(u64 frames_wanted)
{
	struct task *self = task_current();
	unsigned full = 0;

	if (self && signal_fatal_pending(self))
		return;
	if (self) {
		full = self->payer.refused;
		self->payer.refused = 0;
	}
	/* Somebody's end may have made room since. */
	if (!full || frame_group_full(full, MAX(frames_wanted, 1ULL)))
		oom_kill_in(full);
}
