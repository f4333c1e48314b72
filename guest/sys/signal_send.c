/*
 * signal_send.c - system calls that signal other tasks: kill(2) and its kin.
 */
#include "lib/err.h"
#include "mm/slab.h"
#include "sys/signal_send.h"
#include "sys/sys.h"
#include "task/ns/pidns.h"

static void user_info(struct siginfo *info, int sig, int code)
{
	struct task *t = task_current();

	*info = (struct siginfo){ 0 };
	info->signo = sig;
	info->code = code;
	info->kill.pid = t->process->pid;
	info->kill.uid = t->cred->uid;
}

static s64 kill_process(int pid, int sig, const struct siginfo *info)
{
	struct process *p = process_find(pid);
	s64 err = 0;

	if (!p) { /* kill(2) also takes the number of a thread */
		struct task *t = task_find(pid);

		if (!t)
			return -ESRCH;
		p = t->process;
		ref_get(&p->ref);
		task_put(t);
	}
	if (!signal_may_send(p, sig))
		err = -EPERM;
	else if (sig)
		err = signal_process(p, sig, info);
	process_put(p);
	return err;
}

struct kill_many {
	int pgid; /* -1: everyone but init and the caller */
	int sig;
	const struct siginfo *info;
	int *pids;
	unsigned n, room;
};

static void collect_pid(struct process *p, void *arg)
{
	struct kill_many *k = arg;

	if (k->pgid == -1 ? (pid_vnr(p->pid) <= 1 || p == task_current()->process)
			  : p->pgid != k->pgid)
		return;
	if (k->n < k->room)
		k->pids[k->n] = p->pid;
	k->n++;
}

/* Numbers first, then one by one: permission and sending take the locks themselves. */
static s64 kill_many(int pgid, int sig, const struct siginfo *info)
{
	int few[128], *many = NULL;
	struct kill_many k = { .pgid = pgid, .sig = sig, .info = info, .pids = few, .room = 128 };
	s64 err = -ESRCH, ret;
	bool sent = false;
	unsigned i;

	process_for_each(collect_pid, &k);
	while (k.n > k.room) { /* there may be even more by then */
		kfree(many);
		k.room = k.n + k.n / 4;
		k.pids = many = kmalloc(k.room * sizeof(*many));
		if (!many)
			return -ENOMEM;
		k.n = 0;
		process_for_each(collect_pid, &k);
	}
	for (i = 0; i < k.n; i++) {
		ret = kill_process(k.pids[i], sig, info);
		if (ret == 0)
			sent = true;
		else if (ret != -ESRCH)
			err = ret;
	}
	kfree(many);
	return sent ? 0 : err;
}

s64 kill_group(int pgid, int sig, const struct siginfo *info)
{
	return kill_many(pgid, sig, info);
}

s64 sys_kill(pid_a pid, sig_a sig)
{
	struct siginfo info;

	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	user_info(&info, sig, SI_USER);
	if (pid > 0)
		return kill_process(pid_from_vnr(pid), sig, &info);
	if (pid == -1)
		return kill_many(-1, sig, &info);
	if (pid == (s32)0x80000000)
		return -ESRCH;
	return kill_many(pid ? pid_from_vnr(-pid) : task_current()->process->pgid, sig, &info);
}

static s64 kill_thread(int tgid, int tid, int sig, const struct siginfo *info)
{
	struct task *t = task_find_vpid(tid);
	s64 err = 0;

	if (!t)
		return -ESRCH;
	if (tgid > 0 && t->process->pid != pid_from_vnr(tgid))
		err = -ESRCH;
	else if (!signal_may_send(t->process, sig))
		err = -EPERM;
	else if (sig)
		err = signal_task(t, sig, info);
	task_put(t);
	return err;
}

s64 sys_tgkill(pid_a tgid, pid_a tid, sig_a sig)
{
	struct siginfo info;

	if (sig < 0 || sig > NSIG || tgid <= 0 || tid <= 0)
		return -EINVAL;
	user_info(&info, sig, SI_TKILL);
	return kill_thread(tgid, tid, sig, &info);
}

s64 sys_tkill(pid_a tid, sig_a sig)
{
	struct siginfo info;

	if (sig < 0 || sig > NSIG || tid <= 0)
		return -EINVAL;
	user_info(&info, sig, SI_TKILL);
	return kill_thread(0, tid, sig, &info);
}

/* Nobody may pretend to another process that the kernel or kill(2) sent it. */
static int read_info(struct siginfo *info, uaddr_t src, int pid, int sig)
{
	if (user_read(info, src, sizeof(*info)))
		return -EFAULT;
	if ((info->code >= 0 || info->code == SI_TKILL) && task_current()->process->nr != pid)
		return -EPERM;
	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	info->signo = sig;
	return 0;
}

s64 sys_rt_sigqueueinfo(pid_a pid, sig_a sig, uptr_a uinfo)
{
	struct siginfo info;
	int err = read_info(&info, uinfo, pid, sig);

	return err ? err : kill_process(pid_from_vnr(pid), sig, &info);
}

s64 sys_rt_tgsigqueueinfo(pid_a tgid, pid_a tid, sig_a sig, uptr_a uinfo)
{
	struct siginfo info;
	int err;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	err = read_info(&info, uinfo, tgid, sig);
	return err ? err : kill_thread(tgid, tid, sig, &info);
}
