/*
 * clone.c - new tasks: fork, vfork, clone, clone3.
 *
 * The child is invisible (not in the pid table, on no list) until everything that can fail has succeeded. Namespaces: ns/ns.c.
 */
#include <linux/capability.h>
#include <string.h>

#include "lib/err.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "task/container.h"
#include "task/time/itimer.h"
#include "task/ns/ns.h"
#include "task/ns/pidns.h"
#include "task/private.h"
#include "task/ptrace/ptrace.h"
#include "task/seccomp/seccomp.h"
#include "task/ns/timens.h"
#include "task/ns/userns.h"

static int check_flags(const struct clone_request *r)
{
	u64 f = r->flags;

	if ((f & CLONE_SIGHAND && !(f & CLONE_VM)) || (f & CLONE_THREAD && !(f & CLONE_SIGHAND)))
		return -EINVAL;
	if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS))
		return -EINVAL;
	if ((f & (CLONE_NEWIPC | CLONE_SYSVSEM)) == (CLONE_NEWIPC | CLONE_SYSVSEM))
		return -EINVAL;
	if ((f & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
		return -EINVAL;
	if (f & CLONE_THREAD && f & (CLONE_NEWUSER | CLONE_NEWPID))
		return -EINVAL;
	if (f & CLONE_THREAD && pid_ns_for_children(task_current()) != pid_ns_current())
		return -EINVAL;
	if (f & CLONE_CLEAR_SIGHAND && f & CLONE_SIGHAND)
		return -EINVAL;
	if (f & CLONE_PARENT && (task_current()->process->parent == &kernel_process ||
				 task_current()->process->unkillable))
		return -EINVAL;
	if (f & CLONE_PIDFD && f & (CLONE_DETACHED | CLONE_THREAD))
		return -EINVAL;
	return ns_check_flags(f & ~CLONE_NEWNS);
}

static void drop_shared(struct task *c)
{
	if (c->fs)
		task_res.fs_put(c->fs);
	if (c->files)
		task_res.files_put(c->files);
	if (c->ns)
		task_res.ns_put(c->ns);
	if (c->sysvsem)
		task_res.sysvsem_put(c->sysvsem);
	c->sysvsem = NULL;
	c->fs = NULL;
	c->files = NULL;
	c->ns = NULL;
}

static int copy_shared(struct task *c, struct task *t, u64 flags)
{
	if (t->files) {
		if (flags & CLONE_FILES)
			task_res.files_get(t->files);
		c->files = flags & CLONE_FILES ? t->files : task_res.files_clone(t->files);
		if (IS_ERR(c->files) || !c->files)
			return c->files = NULL, -ENOMEM;
	}
	if (t->fs) {
		if (flags & CLONE_FS)
			task_res.fs_get(t->fs);
		c->fs = flags & CLONE_FS ? t->fs : task_res.fs_clone(t->fs);
		if (IS_ERR(c->fs) || !c->fs)
			return c->fs = NULL, -ENOMEM;
	}
	if (flags & CLONE_SYSVSEM) {
		c->sysvsem = task_res.sysvsem_share(&t->sysvsem);
		if (!c->sysvsem)
			return -ENOMEM;
	}
	if (t->ns)
		c->ns = task_res.ns_get(t->ns);
	return 0;
}

static int copy_mm(struct task *c, struct task *t, u64 flags)
{
	struct mm *mm = t->mm;

	if (flags & CLONE_VM)
		mm_get(mm);
	else
		mm = mm_fork(mm);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	c->utask = utask_clone(mm_pmap(mm), t->utask);
	if (IS_ERR(c->utask)) {
		int err = PTR_ERR(c->utask);

		c->utask = NULL;
		mm_put(mm);
		return err;
	}
	c->mm = mm;
	if (flags & CLONE_VM) {
		c->mm_shared = t->mm_shared = true;
		if (t->time_ns)
			ns_get(c->time_ns = t->time_ns);
		return 0;
	}
	return c->ns && time_ns_switch(c) ? mm_hide_clock(mm) : 0;
}

static int copy_process(struct task *c, struct task *t, const struct clone_request *r)
{
	struct process *p, *from = t->process;

	if (r->flags & CLONE_THREAD) {
		c->process = from;
		ref_get(&from->ref);
		return 0;
	}
	p = process_alloc();
	if (IS_ERR(p))
		return PTR_ERR(p);
	if (r->flags & CLONE_SIGHAND) {
		sighand_get(from->sighand);
		p->sighand = from->sighand;
	} else {
		p->sighand = sighand_clone(from->sighand, r->flags & CLONE_CLEAR_SIGHAND);
	}
	c->process = p;
	if (!p->sighand)
		return -ENOMEM;
	p->leader = c;
	memcpy(p->rlim, from->rlim, sizeof(p->rlim));
	p->exit_signal = r->flags & CLONE_PARENT ? from->exit_signal : r->exit_signal;
	p->oom_score_adj = from->oom_score_adj;
	p->dumpable = from->dumpable;
	p->personality = from->personality;
	p->membarrier = r->flags & CLONE_VM ? from->membarrier : 0;
	return 0;
}

static void copy_task(struct task *c, struct task *t, const struct clone_request *r)
{
	u64 f = r->flags;

	memcpy(c->comm, t->comm, sizeof(c->comm));
	cred_get(t->cred);
	c->cred = t->cred;
	c->sigmask = t->sigmask;
	c->timer_slack = t->timer_slack;
	c->loginuid = t->loginuid;
	c->sessionid = t->sessionid;
	c->mempolicy = t->mempolicy;
	if (!(f & CLONE_VM) || f & CLONE_VFORK) { /* a new stack has no alternative stack yet */
		c->altstack = t->altstack;
		c->altstack_size = t->altstack_size;
		c->altstack_flags = t->altstack_flags;
	}
	if (!(f & CLONE_VM)) {
		c->rseq = t->rseq;
		c->rseq_len = t->rseq_len;
		c->rseq_sig = t->rseq_sig;
	}
	c->clear_child_tid = f & CLONE_CHILD_CLEARTID ? r->child_tid : 0;
	sched_init_task(c, t);
}

static void set_registers(struct task *c, const struct clone_request *r)
{
	struct user_regs *regs = utask_regs(c->utask);

	regs->rax = 0;
	regs->orig_rax = ~0ULL;
	if (r->stack)
		regs->rsp = r->stack + r->stack_size;
	if (r->flags & CLONE_SETTLS)
		regs->fs_base = r->tls;
}

/* The event that the tracer of t wants for this; 0: none. */
static int clone_event(struct task *t, const struct clone_request *r)
{
	int event = r->flags & CLONE_VFORK	? PT_EVENT_VFORK
		    : r->exit_signal != SIGCHLD ? PT_EVENT_CLONE
						: PT_EVENT_FORK;

	return !(r->flags & CLONE_UNTRACED) && ptrace_event_enabled(t, event) ? event : 0;
}

/* Link a complete child into the tree. Fails if a fatal signal or an exit came first. task_lock held. */
static int publish(struct task *c, struct task *t, const struct clone_request *r)
{
	struct process *p = c->process, *from = t->process;
	struct process *parent = r->flags & CLONE_PARENT ? from->parent : from;
	int err = 0;

	if (task_pid_ns(c)->ended)
		return -ENOMEM;
	if (r->cgroup)
		err = cgroup_may_enter(r->cgroup);
	if (err)
		return err;
	if (from->cgroup && cgroup_full(r->cgroup ? r->cgroup : from->cgroup))
		return -EAGAIN;
	spin_lock(&from->sig_lock);
	if (from->exiting || signal_fatal_pending(t) ||
	    (from->execing && r->flags & CLONE_THREAD)) {
		spin_unlock(&from->sig_lock);
		return -ERESTARTNOINTR;
	}
	pid_set(c->tid, c);
	seccomp_inherit(c, t);
	if (r->flags & CLONE_THREAD) {
		list_add_tail(&from->threads, &c->thread_node);
		from->nr_threads++;
		from->nr_started++;
		cgroup_task_added(from);
		cgroup_task_settle(c, true);
		c->signal_wake = from->freeze;
		if (from->stop_signo && !from->stopped) {
			c->stop_pending = true;
			from->stop_count++;
			c->signal_wake = 1;
		}
		spin_unlock(&from->sig_lock);
		ptrace_child(c, t, r->flags & CLONE_PTRACE || clone_event(t, r));
		return 0;
	}
	spin_unlock(&from->sig_lock);
	p->pid = c->tid;
	p->pgid = from->pgid;
	p->sid = from->sid;
	p->ctty = from->ctty;
	pid_hold(p->pgid);
	pid_hold(p->sid);
	p->parent = parent;
	list_add_tail(&parent->children, &p->sibling);
	list_add_tail(&all_processes, &p->all_node);
	list_add_tail(&p->threads, &c->thread_node);
	p->nr_threads = p->nr_started = 1;
	pid_ns_joined(process_pid_ns(p), p);
	if (from->container) {
		container_joined(from->container, p);
		cgroup_joined(r->cgroup ? r->cgroup : from->cgroup, p);
		cgroup_task_settle(c, true);
	}
	ptrace_child(c, t, r->flags & CLONE_PTRACE || clone_event(t, r));
	return 0;
}

/* The child's numbers: for a thread in the namespace of its process, else in that for children. */
static int number(struct task *c, const struct clone_request *r)
{
	struct pid_ns *ns = r->flags & CLONE_THREAD ? pid_ns_current() : pid_ns_for_children(c);
	int tid;

	spin_lock(&task_lock);
	tid = pid_alloc(ns, r->set_tid, r->nr_set_tid);
	spin_unlock(&task_lock);
	if (tid < 0)
		return tid;
	c->tid = tid;
	c->nr = pid_nr_in(ns, tid);
	if (ns->level) {
		pid_ns_get(ns);
		c->pid_ns = ns;
	}
	if (r->flags & CLONE_THREAD)
		return 0;
	c->process->pid = tid;
	c->process->nr = c->nr;
	if (ns->level) {
		pid_ns_get(ns);
		c->process->pid_ns = ns;
	}
	return 0;
}

/* RLIMIT_NPROC bounds the tasks of the child's user; root and the capable are exempt. */
static int count_nproc(struct task *c, struct task *t)
{
	task_count(c);
	if (c->cred->uid && ucounts_over(c->ucounts, UCOUNT_NPROC, task_rlimit(RLIMIT_NPROC)) &&
	    !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
		return -EAGAIN;
	t->nproc_exceeded = false;
	return 0;
}

/* ---- one clone ---- */

struct cloning {
	const struct clone_request *r;
	struct task *t, *c; /* the caller, the child */
	int tid;	    /* the child's number, as the caller sees it */
	struct completion *vfork;
	int fd;
	struct file *pidfd; /* reserved for fd */
};

/* What the child has of its parent. What was made when it fails is the child's: drop_child. */
static int make_child(struct cloning *k)
{
	const struct clone_request *r = k->r;
	struct task *t = k->t, *c = k->c;
	int err = copy_process(c, t, r);

	if (err)
		return err;
	copy_task(c, t, r);
	err = ptrace_clone_prepare(c, t);
	if (!err)
		err = copy_shared(c, t, r->flags);
	if (!err)
		err = ns_clone(c, r->flags);
	if (!err)
		err = count_nproc(c, t);
	if (!err && r->flags & CLONE_NEWNS)
		err = c->fs ? task_res.fs_new_ns(c->fs, cred_user_ns(c->cred)) : -EINVAL;
	if (!err)
		err = copy_mm(c, t, r->flags);
	if (!err)
		set_registers(c, r);
	return err;
}

/* Its number, its pidfd, and what vfork(2) waits for. */
static int make_handles(struct cloning *k)
{
	const struct clone_request *r = k->r;
	s32 fd;
	int err;

	if (r->flags & CLONE_VFORK) {
		k->vfork = completion_create();
		if (!k->vfork)
			return -ENOMEM;
	}
	err = number(k->c, r);
	if (err)
		return err;
	k->tid = pid_vnr(k->c->tid); /* read now: it may end before we do */
	if (!(r->flags & CLONE_PIDFD))
		return 0;
	fd = task_res.pidfd_prepare(k->c->process, &k->pidfd);
	if (fd < 0) {
		k->pidfd = NULL;
		return fd;
	}
	k->fd = fd;
	return user_write(r->pidfd, &fd, sizeof(fd)) ? -EFAULT : 0;
}

/* As Linux: a bad address for a number is nobody's error. */
static void write_numbers(const struct cloning *k)
{
	const struct clone_request *r = k->r;
	struct task *c = k->c;
	u32 v = (u32)k->tid;

	if (r->flags & CLONE_PARENT_SETTID)
		(void)user_write(r->parent_tid, &v, sizeof(v));
	if (!(r->flags & CLONE_CHILD_SETTID))
		return;
	v = (u32)c->nr;
	if (c->mm == k->t->mm)
		(void)user_write(r->child_tid, &v, sizeof(v));
	else
		(void)mm_poke(c->mm, r->child_tid, &v, sizeof(v), false);
}

/* Link it into the tree: nothing fails from here. */
static int enter_tree(struct cloning *k)
{
	struct task *t = k->t, *c = k->c;
	int err;

	kctx_init(&c->kctx, c->kstack, task_main, c);
	spin_lock(&task_lock);
	err = publish(c, t, k->r);
	if (!err) {
		task_get(c); /* one reference is the pid table's, the other the context's own */
		if (k->vfork) {
			completion_get(k->vfork);
			c->vfork_done = k->vfork;
			t->frozen = true;
			if (unlikely(t->process->freeze))
				cgroup_freeze_check(t->process->cgroup);
		}
	}
	spin_unlock(&task_lock);
	cgroup_tell();
	return err;
}

/* Let it run, tell the tracer, wait as vfork(2) does. The child may be gone once it was started. */
static void start_child(struct cloning *k)
{
	struct task *t = k->t, *c = k->c;
	int event;

	if (k->pidfd)
		task_res.fd_commit(k->fd, k->pidfd);
	if (t->process->session_keyring && c->process != t->process)
		task_res.keys_fork(c->process, t->process);
	task_count_fork();
	if (unlikely(c->process->rlim[0].cur != ~0ULL) && !(k->r->flags & CLONE_THREAD))
		itimers_cpu_limit(c->process);
	event = clone_event(t, k->r);
	sched_start(c);
	if (event)
		ptrace_event(t, event, (u64)k->tid);
	if (!k->vfork)
		return;
	if (!completion_wait(k->vfork, SLEEP_KILLABLE) &&
	    ptrace_event_enabled(t, PT_EVENT_VFORK_DONE))
		ptrace_event(t, PT_EVENT_VFORK_DONE, (u64)k->tid);
	t->frozen = false;
	completion_put(k->vfork);
}

/* Undo a child that was never published, as far as it came. */
static void drop_child(struct cloning *k)
{
	struct task *c = k->c;

	if (k->pidfd) {
		task_res.fd_cancel(k->fd);
		task_res.file_put(k->pidfd);
	}
	if (k->tid) {
		spin_lock(&task_lock);
		pid_free(c->tid);
		spin_unlock(&task_lock);
	}
	completion_put(k->vfork);
	if (c->mm) {
		utask_destroy(c->utask);
		c->utask = NULL;
		mm_put(c->mm);
		c->mm = NULL;
	}
	drop_shared(c);
	task_put(c);
}

s64 task_clone(const struct clone_request *r)
{
	struct cloning k = { .r = r, .t = task_current() };
	int err = check_flags(r);

	if (err)
		return err;
	k.c = task_alloc();
	if (IS_ERR(k.c))
		return PTR_ERR(k.c);
	err = make_child(&k);
	if (!err)
		err = make_handles(&k);
	if (!err) {
		write_numbers(&k);
		err = enter_tree(&k);
	}
	if (err) {
		drop_child(&k);
		return err;
	}
	start_child(&k);
	return k.tid;
}
