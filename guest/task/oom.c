/*
 * oom.c - who dies when memory is out: the process with the most resident memory, weighted by oom_score_adj as
 * Linux's oom_badness; where a container's own limit is the reason, one of its processes. The sandbox itself never dies of it.
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
	const struct container *within; /* only its processes; NULL: any */
};

static void consider(struct process *p, void *arg)
{
	struct candidate *best = arg;
	struct task *t = p->leader;
	s64 score;

	if (best->within && p->container != best->within)
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

void oom_kill(u64 frames_wanted)
{
	struct candidate best = { 0 };
	struct task *self = task_current();
	u64 until;

	if (self && signal_fatal_pending(self))
		return;
	if (self && self->process->container &&
	    frame_group_full(self->process->container->mem_group, MAX(frames_wanted, 1ULL)))
		best.within = self->process->container;
	spin_lock(&task_lock);
	{
		struct process *p;

		list_for_each(p, &all_processes, all_node)
			consider(p, &best);
	}
	if (best.p)
		ref_get(&best.p->ref);
	spin_unlock(&task_lock);
	if (!best.p)
		return;
	if (!best.dying) {
		klog("Out of memory: killed process %d (%s), %llu KiB resident", best.p->pid,
		     best.comm, (unsigned long long)best.score / 1024);
		best.p->oom_score_adj = MAX(best.p->oom_score_adj, 0);
		if (best.p->container)
			container_oom(best.p->container, best.p);
		signal_process(best.p, SIGKILL, NULL);
	}
	/* The victim needs a moment to let its memory go; ask again after that. */
	until = clock_mono() + 20000000ULL;
	if (self && self->process != best.p) {
		sched_prepare(SLEEP_KILLABLE);
		sched_sleep(until);
		sched_awake();
	}
	process_put(best.p);
}
