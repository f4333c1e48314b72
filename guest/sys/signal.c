/*
 * signal.c - system calls about a task's own signals: actions, masks, stacks, waiting.
 */
#include "lib/err.h"
#include "sys/sys.h"
#include "sys/timespec.h"
#include "task/task.h"

#define SETSIZE 8

s64 sys_rt_sigaction(sig_a sig, uptr_a act, uptr_a oact, size_a setsize)
{
	struct sigaction new, old;
	int err;

	if (setsize != SETSIZE)
		return -EINVAL;
	if (act && user_read(&new, act, sizeof(new)))
		return -EFAULT;
	err = signal_action(sig, act ? &new : NULL, oact ? &old : NULL);
	if (!err && oact && user_write(oact, &old, sizeof(old)))
		err = -EFAULT;
	return err;
}

s64 sys_rt_sigprocmask(int_a how, uptr_a set, uptr_a oset, size_a setsize)
{
	struct task *t = task_current();
	u64 mask, old = t->sigmask;

	if (setsize != SETSIZE)
		return -EINVAL;
	if (set) {
		if (user_read(&mask, set, sizeof(mask)))
			return -EFAULT;
		switch (how) {
		case 0: /* SIG_BLOCK */ mask = old | mask; break;
		case 1: /* SIG_UNBLOCK */ mask = old & ~mask; break;
		case 2: /* SIG_SETMASK */ break;
		default: return -EINVAL;
		}
		signal_set_mask(mask);
	}
	return oset && user_write(oset, &old, sizeof(old)) ? -EFAULT : 0;
}

s64 sys_rt_sigreturn(void)
{
	return signal_return();
}

s64 sys_rt_sigpending(uptr_a set, size_a setsize)
{
	u64 pending = signal_pending_set() & task_current()->sigmask;

	if (setsize > SETSIZE)
		return -EINVAL;
	return user_write(set, &pending, setsize) ? -EFAULT : 0;
}

s64 sys_rt_sigtimedwait(uptr_a set, uptr_a info, uptr_a timeout, size_a setsize)
{
	u64 mask, deadline;
	struct siginfo si;
	int n, err;

	if (setsize != SETSIZE)
		return -EINVAL;
	if (user_read(&mask, set, sizeof(mask)))
		return -EFAULT;
	err = timeout_read(timeout, &deadline);
	if (err)
		return err;
	n = signal_wait(mask, &si, deadline);
	if (n > 0 && info && user_write(info, &si, sizeof(si)))
		return -EFAULT;
	return n;
}

static s64 sleep_for_signal(void)
{
	int err;

	do {
		sched_prepare(SLEEP_INTERRUPTIBLE);
		err = sched_sleep(NO_DEADLINE);
	} while (!err);
	sched_awake();
	return -ERESTARTNOHAND;
}

s64 sys_rt_sigsuspend(uptr_a set, size_a setsize)
{
	u64 mask;

	if (setsize != SETSIZE)
		return -EINVAL;
	if (user_read(&mask, set, sizeof(mask)))
		return -EFAULT;
	signal_suspend_mask(mask);
	return sleep_for_signal();
}

s64 sys_pause(void)
{
	return sleep_for_signal();
}

struct abi_stack {
	u64 sp;
	u32 flags, pad;
	u64 size;
};

s64 sys_sigaltstack(uptr_a ss, uptr_a oss)
{
	struct abi_stack new, old = { 0 };
	struct task *t = task_current();
	int err = 0;

	if (ss && user_read(&new, ss, sizeof(new)))
		return -EFAULT;
	sigaltstack_get(t, &old.sp, &old.flags, &old.size);
	if (ss)
		err = sigaltstack_set(t, new.sp, new.flags, new.size);
	if (!err && oss && user_write(oss, &old, sizeof(old)))
		err = -EFAULT;
	return err;
}
