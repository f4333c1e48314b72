/*
 * helper.c - the helper tasks: one per application address space, the only task there that may change mappings and
 * make threads.
 *
 * A helper runs stub.S's command loop. The Sentry fills the helper's command page (read-only in the stub), raises seq
 * and waits for `done`, which the helper writes with pwrite() into the control memfd: the application has the page
 * mapped read-only and no descriptors, so a completion cannot be forged, and a frame may be used again once the batch
 * that unmapped it is done. Thread ids come back as the file offset of the control memfd, under template_lock.
 *
 * The first helper is the template: a fork of the Sentry, before it seals itself, that unmaps everything. It makes all
 * others, so they start out empty. They share the Sentry's descriptors, so that a file of a DAX window has the same number
 * there. All that a helper can do with them is what filter.c lets it do, at the Sentry's command; no thread of an
 * application has any.
 */
#include "platform/systrap/systrap.h"

#include <string.h>

#include "host/systrap_fds.h"

static struct helper template;
static struct spinlock template_lock = SPINLOCK_INIT;

/* Free command pages. */
static struct spinlock index_lock = SPINLOCK_INIT;
static u64 index_used[HELPER_MAX / 64];
static unsigned index_hint;

static int index_alloc(void)
{
	unsigned i, w;

	spin_lock(&index_lock);
	for (i = 0; i < ARRAY_SIZE(index_used); i++) {
		w = (index_hint + i) % ARRAY_SIZE(index_used);
		if (~index_used[w]) {
			unsigned bit = __builtin_ctzl(~index_used[w]);

			index_used[w] |= 1UL << bit;
			index_hint = w;
			spin_unlock(&index_lock);
			return w * 64 + bit;
		}
	}
	spin_unlock(&index_lock);
	return -EAGAIN;
}

static void index_free(unsigned i)
{
	spin_lock(&index_lock);
	index_used[i / 64] &= ~(1UL << (i % 64));
	index_hint = i / 64;
	spin_unlock(&index_lock);
}

static void cmds_prepare(struct helper *h, unsigned index)
{
	u64 off = CTL_CMD + index * PAGE_SIZE;

	h->index = index;
	h->queued = 0;
	h->cmds = (struct stub_cmds *)(ctl_map + off);
	h->cmds->seq = 0;
	h->cmds->done = 0;
	h->cmds->done_off = off + CMDS_DONE;
	h->cmds->fprog.insns = STUB_CMD + CMDS_FILTER;
	h->cmds->stack.flags = 0;
	h->cmds->stack.size = SLOT_SIZE;
}

/* Is the host task there? Its tid may have been taken by another stub since, which only delays the answer. */
static bool task_alive(u32 tid)
{
	return hc2(HC_kill, tid, 0) != -ESRCH;
}

int helper_flush(struct helper *h)
{
	struct stub_cmds *c = h->cmds;
	u32 seq, done;

	if (!h->queued)
		return 0;
	seq = (c->seq + 1) & ~CMDS_FAILED;
	if (!seq)
		seq = 1;
	done = READ_ONCE(c->done);
	c->ok = seq;
	c->fail = seq | CMDS_FAILED;
	c->count = h->queued;
	h->queued = 0;
	/* On this worker's host CPU: a hand-over there costs 4 us, waking an idle CPU 20 to 60. */
	cpu_bind(this_cpu());
	cpu_bind_task(h->tid, &h->host_cpu, this_cpu()->host_cpu);
	atomic_store(&c->seq, seq);
	hc_futex_wake(&c->seq, 1);
	for (;;) {
		u32 now = atomic_load(&c->done);

		if ((now & ~CMDS_FAILED) == seq)
			return now & CMDS_FAILED ? -ENOMEM : 0;
		if (hc_futex_wait(&c->done, done, 1000000000) == -ETIMEDOUT && !task_alive(h->tid))
			return -ESRCH;
		done = atomic_load(&c->done);
		if ((done & ~CMDS_FAILED) == seq)
			return done & CMDS_FAILED ? -ENOMEM : 0;
	}
}

int helper_queue(struct helper *h, u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	int ret = 0;

	if (h->queued == CMD_MAX)
		ret = helper_flush(h);
	h->cmds->cmd[h->queued++] = (struct stub_cmd){ nr, { a, b, c, d, e, f } };
	return ret;
}

/*
 * Run one command whose result is a thread id, behind what is queued. The lock covers all of it: the template's page has
 * no other owner, and nobody else may set the file offset before it is read.
 */
static long result_command(struct helper *h, u64 nr, u64 arg)
{
	long tid = 0;
	int ret;

	spin_lock(&template_lock);
	ret = helper_queue(h, nr, arg, 0, 0, 0, 0, 0);
	if (ret == 0)
		ret = helper_flush(h);
	else
		h->queued = 0; /* the batch before it was refused: no thread */
	if (ret == 0)
		tid = hc3(HC_lseek, SYSTRAP_FD_CTL, 0, 1);
	spin_unlock(&template_lock);
	return ret < 0 ? -EAGAIN : tid;
}

int helper_create(struct helper *h)
{
	int index = index_alloc();
	long tid;

	if (index < 0)
		return index;
	cmds_prepare(h, index);
	tid = result_command(&template, CMD_PROCESS, CTL_CMD + index * PAGE_SIZE);
	if (tid < 0) {
		index_free(index);
		return tid;
	}
	h->tid = tid;
	h->host_cpu = template.host_cpu; /* inherited */
	return 0;
}

void task_kill(u32 tid)
{
	hc2(HC_kill, tid, HC_SIGKILL);
}

void task_await(u32 tid)
{
	/* The host reaps (SIGCHLD is ignored), so this only sleeps, until there is no such child. */
	while (hc4(HC_wait4, tid, NULL, 0, NULL) == -EINTR)
		;
}

void helper_free(struct helper *h)
{
	index_free(h->index);
}

long helper_thread(struct helper *h, u32 slot)
{
	u64 ctx = STUB_BASE + (u64)slot * SLOT_SIZE + SLOT_CTX;

	h->cmds->stack.sp = STUB_BASE + (u64)slot * SLOT_SIZE;
	h->cmds->fprog.len = filter_thread(h->cmds->filter, ctx + CTX_STATE);
	return result_command(h, CMD_THREAD, ctx);
}

struct host_sigaction {
	u64 handler, flags, restorer, mask;
};

/* In the forked child: become the template. Runs on the Sentry's memory until stub_helper drops it. */
static void template_main(void)
{
	static const u8 signals[] = { HC_SIGILL,  HC_SIGTRAP, HC_SIGBUS, HC_SIGFPE,
				      HC_SIGUSR1, HC_SIGSEGV, HC_SIGSYS };
	struct host_sigaction sa = {
		.handler = STUB_TEXT + (stub_signal - stub_text),
		/* SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER; the restorer is required but never used. */
		.flags = 0x4 | 0x08000000 | 0x40000000 | 0x04000000,
		.restorer = STUB_TEXT,
	};
	unsigned i;

	if (hc_failed(hc_mmap((void *)STUB_CMD, PAGE_SIZE, HC_PROT_READ,
			      HC_MAP_SHARED | HC_MAP_FIXED, SYSTRAP_FD_CTL,
			      CTL_CMD + template.index * PAGE_SIZE)) ||
	    hc_failed(hc_mmap((void *)STUB_TEXT, STUB_TEXT_SIZE, HC_PROT_READ | HC_PROT_EXEC,
			      HC_MAP_SHARED | HC_MAP_FIXED, SYSTRAP_FD_CTL, CTL_TEXT)))
		hc1(HC_exit_group, 70);
	for (i = 0; i < sizeof(signals); i++)
		if (hc4(HC_rt_sigaction, signals[i], &sa, NULL, 8) < 0)
			hc1(HC_exit_group, 71);
	filter_helper_install();
	((void (*)(void))(STUB_TEXT + (stub_helper - stub_text)))();
}

void template_start(void)
{
	long pid;
	int ret;

	BUG_ON(stub_text_end - stub_text > STUB_TEXT_SIZE);
	memcpy(ctl_map + CTL_TEXT, stub_text, stub_text_end - stub_text);
	cmds_prepare(&template, index_alloc());
	pid = hc5(HC_clone, HC_CLONE_FILES | HC_SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		die("cannot fork the stub template");
	if (pid == 0)
		template_main();
	template.tid = pid;
	template.host_cpu = ~0U;
	/* An empty system call shows that it has come up (madvise of nothing). */
	ret = helper_queue(&template, HC_madvise, STUB_CMD, 0, 0, 0, 0, 0);
	if (ret < 0 || helper_flush(&template) < 0)
		die("the stub template does not answer");
}
