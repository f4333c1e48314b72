/*
 * work.c - kernel threads that run requests for an application: workers, and the submission thread of SQPOLL.
 *
 * A thread borrows address space, descriptors, directories and credentials of a task of the process that submitted,
 * all found and referenced under task_lock. The address space stays borrowed while the thread has work for the same
 * one; the rest is given back after each stretch of work, so that a process that ends takes its descriptors (and with
 * them its rings) along. A worker ends when it had nothing to do for a second or the ring goes.
 */
#include "mm/mm.h"
#include "task/task.h"
#include "uring/uring.h"

#define IDLE_NS 1000000000ULL

static struct task *pick(struct process *p, int tid, u64 id)
{
	struct task *it, *found = NULL;

	list_for_each(it, &p->threads, thread_node) {
		if (!it->mm || !it->files || mm_id(it->mm) != id)
			continue;
		if (!found || it->tid == tid)
			found = it;
	}
	return found;
}

static void memory_return(struct task *t)
{
	struct mm *mm = t->mm;

	if (!mm)
		return;
	utask_switch_out(t->utask);
	utask_switch_in(NULL);
	cpu_this()->utask = NULL;
	utask_destroy(t->utask);
	t->utask = NULL;
	t->mm = NULL;
	mm_put(mm);
}

static int memory_borrow(struct task *t, struct mm *mm)
{
	struct utask *u;

	if (t->mm == mm) {
		mm_put(mm);
		return 0;
	}
	memory_return(t);
	u = utask_create(mm_pmap(mm));
	if (IS_ERR(u)) {
		mm_put(mm);
		return -ENOMEM;
	}
	t->mm = mm;
	t->utask = u;
	utask_switch_in(u);
	return 0;
}

static void rest_return(struct task *t)
{
	struct fdtable *files = t->files;
	struct fs_context *fs = t->fs;
	struct nsproxy *ns = t->ns;

	t->files = NULL;
	t->fs = NULL;
	t->ns = NULL;
	if (files)
		task_res.files_put(files);
	if (fs)
		task_res.fs_put(fs);
	if (ns)
		task_res.ns_put(ns);
}

/* Become like a task of process pid, tid by preference, with this address space. -ESRCH, -ENOMEM. */
static int borrow(int pid, int tid, u64 want)
{
	struct task *t = task_current(), *from;
	struct process *p = process_find(pid);
	struct mm *mm = NULL;
	struct cred *old;

	if (!p)
		return -ESRCH;
	rest_return(t);
	spin_lock(&task_lock);
	from = pick(p, tid, want);
	if (from) {
		mm = from->mm;
		mm_get(mm);
		t->files = from->files;
		task_res.files_get(t->files);
		t->fs = from->fs;
		if (t->fs)
			task_res.fs_get(t->fs);
		t->ns = from->ns ? task_res.ns_get(from->ns) : NULL;
		old = t->cred;
		t->cred = from->cred;
		cred_get(t->cred);
	}
	spin_unlock(&task_lock);
	process_put(p);
	if (!from)
		return -ESRCH;
	cred_put(old);
	if (memory_borrow(t, mm)) {
		rest_return(t);
		return -ENOMEM;
	}
	return 0;
}

/* The owner of the first ready request that is not ours to run yet; false: none. */
static bool next_owner(struct uring_ctx *ctx, int *pid, int *tid, u64 *mm)
{
	bool found = false;

	spin_lock(&ctx->lock);
	if (!list_empty(&ctx->ready)) {
		struct uring_req *req = list_first(&ctx->ready, struct uring_req, node);

		found = true;
		*pid = req->pid;
		*tid = req->tid;
		*mm = req->mm_id;
	}
	spin_unlock(&ctx->lock);
	return found;
}

/* Nobody is left for whom these could run. */
static void drop_ready(struct uring_ctx *ctx, int pid, u64 mm)
{
	struct uring_req *it;

	spin_lock(&ctx->lock);
	list_for_each(it, &ctx->ready, node)
		if (it->pid == pid && it->mm_id == mm)
			it->cancelled = true;
	spin_unlock(&ctx->lock);
}

static void work(struct uring_ctx *ctx)
{
	int pid, tid;
	u64 mm;

	while (next_owner(ctx, &pid, &tid, &mm)) {
		if (borrow(pid, tid, mm))
			drop_ready(ctx, pid, mm);
		uring_run_ready(ctx);
		rest_return(task_current());
	}
}

static bool has_work(struct uring_ctx *ctx)
{
	return ctx->dying || !list_empty(&ctx->ready);
}

static void leave(struct uring_ctx *ctx)
{
	memory_return(task_current());
	uring_put(ctx);
}

static void worker(void *arg)
{
	struct uring_ctx *ctx = arg;
	bool stay = true;
	int err;

	task_current()->sigmask = ~0ULL; /* a broken pipe is told by the result */
	while (stay) {
		work(ctx);
		atomic_add(&ctx->idle_workers, 1);
		err = wait_event(&ctx->worker_q, SLEEP_UNINTERRUPTIBLE, clock_mono() + IDLE_NS,
				 has_work(ctx));
		atomic_sub(&ctx->idle_workers, 1);
		spin_lock(&ctx->lock);
		if (ctx->dying || (err == -ETIMEDOUT && list_empty(&ctx->ready) &&
				   (ctx->workers > 1 || list_empty(&ctx->all)))) {
			ctx->workers--;
			stay = false;
		}
		spin_unlock(&ctx->lock);
		/* Without work the application's memory is its own again. */
		if (stay && err == -ETIMEDOUT)
			memory_return(task_current());
	}
	work(ctx);
	leave(ctx);
}

int uring_worker_ensure(struct uring_ctx *ctx)
{
	bool start = false;

	if (likely(READ_ONCE(ctx->idle_workers) ||
		   (READ_ONCE(ctx->workers) && list_empty(&ctx->ready))))
		return 0;
	spin_lock(&ctx->lock);
	if (!ctx->dying && ctx->workers < URING_WORKERS) {
		ctx->workers++;
		start = true;
	}
	spin_unlock(&ctx->lock);
	if (!start)
		return 0;
	uring_get(ctx);
	if (!IS_ERR(kthread_start("iou-wrk", worker, ctx)))
		return 0;
	spin_lock(&ctx->lock);
	ctx->workers--;
	start = ctx->workers != 0;
	spin_unlock(&ctx->lock);
	uring_put(ctx);
	return start ? 0 : -ENOMEM;
}

/* ---- SQPOLL ---- */

static void sq_round(struct uring_ctx *ctx)
{
	if (borrow(ctx->owner_pid, ctx->owner_tid, ctx->owner_mm_id)) {
		/* Its process is gone, or memory is short: nothing to do that would not be the same next time. */
		wait_event(&ctx->worker_q, SLEEP_UNINTERRUPTIBLE, clock_mono() + IDLE_NS / 10,
			   READ_ONCE(ctx->dying));
		return;
	}
	mutex_lock(&ctx->submit_lock);
	if (!ctx->dying && !ctx->disabled)
		uring_submit(ctx, ctx->sq_entries);
	mutex_unlock(&ctx->submit_lock);
	rest_return(task_current());
	if (waitq_active(&ctx->work_q))
		waitq_wake_all(&ctx->work_q, 0);
}

static void sq_thread(void *arg)
{
	struct uring_ctx *ctx = arg;
	u64 last = clock_mono();

	task_current()->sigmask = ~0ULL;
	while (!READ_ONCE(ctx->dying)) {
		if (!ctx->disabled && uring_sq_pending(ctx)) {
			sq_round(ctx);
			last = clock_mono();
		} else if (clock_mono() - last < ctx->sq_idle) {
			/* Polling that leaves the CPU to whoever wants it. */
			sched_yield();
			task_poll();
			continue;
		}
		if (clock_mono() - last < ctx->sq_idle)
			continue;
		memory_return(task_current());
		uring_sq_flag(ctx, IORING_SQ_NEED_WAKEUP, true);
		atomic_fence();
		wait_event(&ctx->sq_q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE,
			   READ_ONCE(ctx->dying) || (!ctx->disabled && uring_sq_pending(ctx)));
		uring_sq_flag(ctx, IORING_SQ_NEED_WAKEUP, false);
		last = clock_mono();
	}
	leave(ctx);
}

int uring_sqpoll_start(struct uring_ctx *ctx)
{
	struct task *t = task_current(), *k;

	ctx->owner_tid = t->tid;
	ctx->owner_pid = t->process->pid;
	ctx->owner_mm_id = mm_id(t->mm);
	uring_get(ctx);
	k = kthread_start("iou-sqp", sq_thread, ctx);
	if (IS_ERR(k)) {
		uring_put(ctx);
		return (int)PTR_ERR(k);
	}
	return 0;
}
