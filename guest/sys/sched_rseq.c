/*
 * sched_rseq.c - registration of restartable sequences, and membarrier(2).
 */
#include "lib/err.h"
#include "mm/mm.h"
#include "sys/sys.h"
#include "task/sched/sched.h"

#define RSEQ_FLAG_UNREGISTER 1

s64 sys_rseq(uptr_a area, uint_a len, flags_a flags, uint_a sig)
{
	struct task *t = task_current();
	u64 zero = 0;
	u32 none[2] = { 0, ~0u };

	if (flags & RSEQ_FLAG_UNREGISTER) {
		if (flags != RSEQ_FLAG_UNREGISTER || t->rseq != area || !area || len != t->rseq_len)
			return -EINVAL;
		if (sig != t->rseq_sig)
			return -EPERM;
		/* cpu_id_start 0, cpu_id RSEQ_CPU_ID_UNINITIALIZED */
		if (user_write(area, none, sizeof(none)))
			return -EFAULT;
		t->rseq = 0;
		t->rseq_len = t->rseq_sig = t->rseq_cpu = 0;
		return 0;
	}
	if (flags)
		return -EINVAL;
	if (t->rseq) {
		if (t->rseq != area || t->rseq_len != len)
			return -EINVAL;
		return t->rseq_sig != sig ? -EPERM : -EBUSY;
	}
	if (len < 32 || area & 31)
		return -EINVAL;
	if (area >= USER_END)
		return -EFAULT;
	if (user_write(area + 8, &zero, sizeof(zero)))
		return -EFAULT;
	t->rseq_len = len;
	t->rseq_sig = sig;
	t->rseq_cpu = 0;
	t->rseq = area;
	t->rseq_event = true;
	return 0;
}

enum {
	MB_QUERY = 0,
	MB_GLOBAL = 1,
	MB_GLOBAL_EXPEDITED = 2,
	MB_REGISTER_GLOBAL_EXPEDITED = 4,
	MB_PRIVATE_EXPEDITED = 8,
	MB_REGISTER_PRIVATE_EXPEDITED = 16,
	MB_PRIVATE_EXPEDITED_SYNC_CORE = 32,
	MB_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64,
	MB_PRIVATE_EXPEDITED_RSEQ = 128,
	MB_REGISTER_PRIVATE_EXPEDITED_RSEQ = 256,
	MB_GET_REGISTRATIONS = 512,
};
#define MB_ALL 1023

#define SPINS  200
#define NAP_NS 20000

/*
 * Every CPU that runs application code of the address space (NULL: of any) passes through the Sentry once: entering it
 * is a full barrier and serializes.
 */
static void barrier(const struct pmap *only, int cpu)
{
	struct task *self = task_current();
	const struct pmap *p;
	unsigned i, spins;

	atomic_fence();
	for (i = 0; i < cpu_count(); i++) {
		struct cpu *c = cpu_get(i);

		if (c == cpu_this() || (cpu >= 0 && (unsigned)cpu != i))
			continue;
		p = atomic_load(&c->pmap);
		if (!p || (only && p != only))
			continue;
		cpu_kick(c);
		/*
		 * Until it has taken the kick, left user mode, or switched to another space. On systrap it may need the very
		 * host CPU that this one runs on: so a short spin, then naps.
		 */
		for (spins = 0; atomic_load(&c->mode) == CPU_USER && atomic_load(&c->kicked) &&
				atomic_load(&c->pmap) == p && !signal_fatal_pending(self);
		     spins++) {
			if (spins < SPINS) {
				cpu_relax();
				continue;
			}
			sched_prepare(SLEEP_KILLABLE);
			sched_sleep(clock_mono() + NAP_NS);
			sched_awake();
		}
	}
	atomic_fence();
}

/* Sequences under way in threads of this process are aborted when they next enter user mode. */
static void abort_sequences(struct process *p)
{
	struct task *t;

	spin_lock(&p->sig_lock);
	list_for_each(t, &p->threads, thread_node)
		t->rseq_event = true;
	spin_unlock(&p->sig_lock);
}

s64 sys_membarrier(int_a cmd, flags_a flags, int_a cpu)
{
	struct process *p = task_current()->process;

	if (flags && !(cmd == MB_PRIVATE_EXPEDITED_RSEQ && flags == 1))
		return -EINVAL;
	if (!flags)
		cpu = -1;
	switch (cmd) {
	case MB_QUERY: return MB_ALL;
	case MB_GLOBAL:
	case MB_GLOBAL_EXPEDITED: barrier(NULL, -1); return 0;
	case MB_REGISTER_GLOBAL_EXPEDITED:
	case MB_REGISTER_PRIVATE_EXPEDITED:
	case MB_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MB_REGISTER_PRIVATE_EXPEDITED_RSEQ: atomic_or(&p->membarrier, (u32)cmd); return 0;
	case MB_PRIVATE_EXPEDITED:
	case MB_PRIVATE_EXPEDITED_SYNC_CORE:
	case MB_PRIVATE_EXPEDITED_RSEQ:
		if (!(p->membarrier & (u32)cmd << 1))
			return -EPERM;
		if (cmd == MB_PRIVATE_EXPEDITED_RSEQ)
			abort_sequences(p);
		barrier(mm_pmap(task_current()->mm), cpu);
		return 0;
	case MB_GET_REGISTRATIONS: return p->membarrier;
	default: return -EINVAL;
	}
}
