/*
 * seccomp.c - modes, chains of filters, and what their answers do (seccomp.h).
 *
 * Differs from Linux: there is no audit, so LOG and logged actions go to dmesg, once per program, call and action. TSYNC
 * makes other threads' execve ignore set-id bits, but their PR_GET_NO_NEW_PRIVS stays what it was.
 */
#include <linux/audit.h>
#include <linux/capability.h>
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "mm/slab.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"
#include "task/seccomp/seccomp.h"
#include "task/ns/userns.h"

#define PATH_MAX_LEN 32768u /* instructions of a chain, with 4 for each filter */
#define ERRNO_MAX    4095u

const char *const seccomp_action_names[8] = { "kill_process", "kill_thread", "trap", "errno",
					      "user_notif",   "trace",	     "log",  "allow" };
static const u32 actions[8] = { SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
				SECCOMP_RET_TRAP,	  SECCOMP_RET_ERRNO,
				SECCOMP_RET_USER_NOTIF,	  SECCOMP_RET_TRACE,
				SECCOMP_RET_LOG,	  SECCOMP_RET_ALLOW };
u32 seccomp_logged = 0x7f;

static int action_index(u32 action)
{
	for (unsigned i = 0; i < ARRAY_SIZE(actions); i++)
		if (actions[i] == action)
			return (int)i;
	return -1;
}

bool seccomp_action_known(u32 action)
{
	return action_index(action) >= 0;
}

/* ---- filters ---- */

struct seccomp_filter *seccomp_create(const struct bpf_insn *insn, unsigned len, u32 flags)
{
	struct seccomp_filter *f;
	int err;

	if (!task_current()->cred->no_new_privs && !capable_here(CAP_SYS_ADMIN))
		return ERR_PTR(-EACCES);
	err = seccomp_bpf_check(insn, len);
	if (err)
		return ERR_PTR(err);
	f = kzalloc(sizeof(*f) + len * sizeof(*insn));
	if (!f)
		return ERR_PTR(-ENOMEM);
	ref_init(&f->ref);
	ref_init(&f->users);
	f->log = flags & SECCOMP_F_LOG;
	f->wait_killable = flags & SECCOMP_F_WAIT_KILLABLE;
	f->no_new_privs = task_current()->cred->no_new_privs;
	f->len = len;
	memcpy(f->insn, insn, len * sizeof(*insn));
	for (u32 nr = 0; nr < SECCOMP_CALLS; nr++)
		if (seccomp_bpf_allows(insn, nr))
			f->allow[nr / 64] |= 1ULL << nr % 64;
	return f;
}

void seccomp_put(struct seccomp_filter *f)
{
	if (!ref_put(&f->ref))
		return;
	kfree(f->listener);
	kfree(f);
}

/* A task or a filter above lets go of f. */
static void users_put(struct seccomp_filter *f)
{
	while (f && ref_put(&f->users)) {
		struct seccomp_filter *prev = f->prev;

		if (f->listener)
			seccomp_listener_hangup(f->listener);
		seccomp_put(f);
		f = prev;
	}
}

static bool is_ancestor(const struct seccomp_filter *of, const struct seccomp_filter *f)
{
	for (; of; of = of->prev)
		if (of == f)
			return true;
	return !f;
}

/* sig_lock held. Takes over one user of f; the one of the old filter is the caller's. */
static void set_filter(struct task *t, struct seccomp_filter *f)
{
	t->seccomp = f;
	t->seccomp_mode = SECCOMP_FILTER;
	atomic_or(&t->syscall_work, SYSCALL_WORK_SECCOMP);
}

/* A thread that cannot be synchronized, or 0. sig_lock held. */
static int other_thread(struct task *t)
{
	struct task *o;

	list_for_each(o, &t->process->threads, thread_node)
		if (o != t && !o->exiting && o->seccomp_mode != SECCOMP_DISABLED &&
		    (o->seccomp_mode != SECCOMP_FILTER || !is_ancestor(t->seccomp, o->seccomp)))
			return o->nr;
	return 0;
}

int seccomp_install(struct seccomp_filter *f, u32 flags)
{
	struct task *t = task_current(), *o;
	struct process *p = t->process;
	struct seccomp_filter *i;
	unsigned total = f->len;
	int other = 0;

	/* Only this task and its threads' TSYNC change it; the latter under sig_lock. */
	spin_lock(&p->sig_lock);
	if (t->seccomp_mode == SECCOMP_STRICT) {
		spin_unlock(&p->sig_lock);
		return -EINVAL;
	}
	for (i = t->seccomp; i; i = i->prev) {
		total += i->len + 4;
		if (f->listener && i->listener) {
			spin_unlock(&p->sig_lock);
			return -EBUSY;
		}
	}
	if (flags & SECCOMP_F_TSYNC)
		other = other_thread(t);
	if (total > PATH_MAX_LEN || other) {
		spin_unlock(&p->sig_lock);
		return !other ? -ENOMEM : flags & SECCOMP_F_TSYNC_ESRCH ? -ESRCH : other;
	}
	f->prev = t->seccomp; /* the task's use of it becomes the filter's */
	for (unsigned n = 0; f->prev && n < ARRAY_SIZE(f->allow); n++)
		f->allow[n] &= f->prev->allow[n];
	set_filter(t, f);
	if (flags & SECCOMP_F_TSYNC) {
		list_for_each(o, &p->threads, thread_node) {
			if (o == t || o->exiting || o->seccomp == f)
				continue;
			/* An old filter is an ancestor of f: its user count cannot end here. */
			if (o->seccomp)
				(void)ref_put(&((struct seccomp_filter *)o->seccomp)->users);
			ref_get(&f->users);
			set_filter(o, f);
		}
	}
	spin_unlock(&p->sig_lock);
	return 0;
}

int seccomp_set_strict(void)
{
	struct task *t = task_current();
	int err = 0;

	spin_lock(&t->process->sig_lock);
	if (t->seccomp_mode == SECCOMP_FILTER) {
		err = -EINVAL;
	} else {
		t->seccomp_mode = SECCOMP_STRICT;
		atomic_or(&t->syscall_work, SYSCALL_WORK_SECCOMP);
	}
	spin_unlock(&t->process->sig_lock);
	return err;
}

void seccomp_inherit(struct task *c, struct task *t)
{
	struct seccomp_filter *f = t->seccomp;

	if (t->seccomp_mode == SECCOMP_DISABLED)
		return;
	if (f)
		ref_get(&f->users);
	c->seccomp = f;
	c->seccomp_mode = t->seccomp_mode;
	atomic_or(&c->syscall_work, SYSCALL_WORK_SECCOMP);
}

void seccomp_exit(struct task *t)
{
	struct seccomp_filter *f;

	if (likely(!t->seccomp))
		return;
	spin_lock(&t->process->sig_lock);
	f = t->seccomp;
	t->seccomp = NULL;
	spin_unlock(&t->process->sig_lock);
	users_put(f);
}

unsigned seccomp_filter_count(const struct task *t)
{
	const struct seccomp_filter *f;
	unsigned n = 0;

	spin_lock(&t->process->sig_lock);
	for (f = t->seccomp; f; f = f->prev)
		n++;
	spin_unlock(&t->process->sig_lock);
	return n;
}

struct seccomp_filter *seccomp_nth(struct task *t, u64 n)
{
	struct seccomp_filter *f;
	u64 count = 0;

	spin_lock(&t->process->sig_lock);
	for (f = t->seccomp; f; f = f->prev)
		count++;
	f = NULL;
	if (n < count) {
		f = t->seccomp;
		for (count -= n; count > 1; count--)
			f = f->prev;
		ref_get(&f->ref);
	}
	spin_unlock(&t->process->sig_lock);
	if (f)
		return f;
	return ERR_PTR(count ? -ENOENT : -EINVAL);
}

/* ---- deciding ---- */

static void log_action(struct task *t, u32 action, s32 nr, const struct seccomp_filter *f)
{
	int n = action_index(action);

	if (n < 0 || !(seccomp_logged >> n & 1))
		return;
	if (action == SECCOMP_RET_LOG || action == SECCOMP_RET_KILL_THREAD ||
	    action == SECCOMP_RET_KILL_PROCESS || (f && f->log))
		klog_once((u64)nr << 40 ^ (u64)action << 8 ^ *(const u64 *)t->comm,
			  "%s[%d]: seccomp: system call %d: %s", t->comm, t->tid, nr,
			  seccomp_action_names[n]);
}

static void sigsys_info(struct siginfo *info, const struct seccomp_data *d, u32 data)
{
	memset(info, 0, sizeof(*info));
	info->signo = SIGSYS;
	info->code = 1; /* SYS_SECCOMP */
	info->err = (s32)data;
	info->sys.addr = d->ip;
	info->sys.syscall = d->nr;
	info->sys.arch = d->arch;
}

static void __attribute__((noreturn)) kill_by(struct task *t, u32 action)
{
	if (action == SECCOMP_RET_KILL_THREAD && t->process->nr_threads > 1)
		task_exit(SIGSYS);
	task_exit_group(SIGSYS);
}

static void fill_data(struct seccomp_data *d, const struct user_regs *r)
{
	d->nr = (s32)r->orig_rax;
	d->arch = AUDIT_ARCH_X86_64;
	d->ip = r->rip;
	d->args[0] = r->rdi;
	d->args[1] = r->rsi;
	d->args[2] = r->rdx;
	d->args[3] = r->r10;
	d->args[4] = r->r8;
	d->args[5] = r->r9;
}

/* The strictest answer of the chain and who gave it; of equal ones the newest filter's. */
static u32 run_filters(struct seccomp_filter *f, const struct seccomp_data *d,
		       struct seccomp_filter **match)
{
	u32 ret = SECCOMP_RET_ALLOW;

	for (*match = NULL; f; f = f->prev) {
		u32 now = seccomp_bpf_run(f->insn, d);

		if ((s32)(now & SECCOMP_RET_ACTION_FULL) < (s32)(ret & SECCOMP_RET_ACTION_FULL)) {
			ret = now;
			*match = f;
		}
	}
	return ret;
}

static bool check_filters(struct task *t, struct user_regs *regs, bool traced)
{
	struct seccomp_filter *f = t->seccomp, *match;
	struct seccomp_data d;
	struct siginfo info;
	u32 ret, action, nr = (u32)regs->orig_rax;

	if (nr < SECCOMP_CALLS && f->allow[nr / 64] >> nr % 64 & 1)
		return true;
	fill_data(&d, regs);
	ret = run_filters(f, &d, &match);
	action = ret & SECCOMP_RET_ACTION_FULL;
	if (action != SECCOMP_RET_ALLOW)
		log_action(t, action, d.nr, match);
	switch (action) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG: return true;
	case SECCOMP_RET_ERRNO:
		regs->rax = -(u64)MIN(ret & SECCOMP_RET_DATA, ERRNO_MAX);
		return false;
	case SECCOMP_RET_TRAP:
		regs->rax = regs->orig_rax; /* as the program made the call */
		sigsys_info(&info, &d, ret & SECCOMP_RET_DATA);
		signal_force(SIGSYS, &info);
		return false;
	case SECCOMP_RET_TRACE:
		if (traced)
			return true;
		if (!ptrace_seccomp(t, ret & SECCOMP_RET_DATA))
			return false; /* rax is -ENOSYS */
		if ((s32)regs->orig_rax < 0)
			return false;
		return check_filters(t, regs, true);
	case SECCOMP_RET_USER_NOTIF: return seccomp_notify(match, &d, regs);
	default: kill_by(t, action);
	}
}

bool seccomp_check(struct task *t, struct user_regs *regs)
{
	struct tracee *tr = ptrace_of(t);
	s32 nr = (s32)regs->orig_rax;

	if (tr && tr->options & PT_O_SUSPEND_SECCOMP)
		return true;
	if (t->seccomp_mode == SECCOMP_FILTER)
		return check_filters(t, regs, false);
	/* read, write, rt_sigreturn, exit */
	if (nr == 0 || nr == 1 || nr == 15 || nr == 60)
		return true;
	log_action(t, SECCOMP_RET_KILL_THREAD, nr, NULL);
	if (t->process->nr_threads > 1)
		task_exit(SIGKILL);
	task_exit_group(SIGKILL);
}
