/*
 * rseq.c - restartable sequences: keeps the CPU number in the thread's area and aborts critical sections.
 *
 * Looked at before user mode when the task was switched, migrated or signalled since it last ran (task->rseq_event).
 * Anything wrong in the area is the application's fault: SIGSEGV, as on Linux.
 */
#include "lib/err.h"
#include "task/private.h"

struct rseq_area { /* the part of the ABI that is used: 32 bytes */
	u32 cpu_id_start, cpu_id;
	u64 rseq_cs;
	u32 flags, node_id, mm_cid, pad;
};
_Static_assert(sizeof(struct rseq_area) == 32, "rseq");

struct rseq_cs {
	u32 version, flags;
	u64 start, len, abort;
};

static int fixup(struct task *t, struct user_regs *regs)
{
	struct rseq_area a;
	struct rseq_cs cs;
	u32 sig, cpu = cpu_this()->id, ids[2] = { cpu, cpu }, cid[2] = { 0, cpu };
	u64 zero = 0;

	if (user_read(&a, t->rseq, sizeof(a)))
		return -EFAULT;
	if (a.rseq_cs) {
		if (a.rseq_cs >= USER_END || user_read(&cs, a.rseq_cs, sizeof(cs)))
			return -EFAULT;
		if (cs.version || cs.start >= USER_END || cs.start + cs.len < cs.start ||
		    cs.abort >= USER_END || cs.abort - cs.start < cs.len)
			return -EINVAL;
		if (user_write(t->rseq + offsetof(struct rseq_area, rseq_cs), &zero, sizeof(zero)))
			return -EFAULT;
		if (regs->rip - cs.start < cs.len) {
			if (user_read(&sig, cs.abort - 4, sizeof(sig)) || sig != t->rseq_sig)
				return -EINVAL;
			regs->rip = cs.abort;
		}
	}
	if (t->rseq_cpu == cpu + 1)
		return 0;
	if (user_write(t->rseq, ids, sizeof(ids)) ||
	    user_write(t->rseq + offsetof(struct rseq_area, node_id), cid, sizeof(cid)))
		return -EFAULT;
	t->rseq_cpu = cpu + 1;
	return 0;
}

void rseq_fixup(struct task *t, struct user_regs *regs)
{
	struct siginfo info = { .signo = SIGSEGV, .code = SI_KERNEL };

	/* A user copy may sleep and move the task to another CPU: then the event is set again. */
	do {
		t->rseq_event = false;
		if (fixup(t, regs)) {
			t->rseq = 0;
			signal_force(SIGSEGV, &info);
			return;
		}
	} while (t->rseq_event);
}
