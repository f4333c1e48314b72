/*
 * signalfd.c - signalfd(2): reads the reader's own pending signals, not those of whoever made the descriptor.
 *
 * So whoever polls is put on the queue of its own process, where an epoll or O_ASYNC leaves it when that process is gone.
 * The open file keeps such processes' memory, as long as somebody is on their queue: a poller goes before its file.
 */
#include <string.h>

#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "fs/anon/signalfd.h"
#include "fs/seq.h"
#include "fs/vfs.h"
#include "mm/slab.h"
#include "task/task.h"

/* linux/signalfd.h */
struct signalfd_siginfo {
	u32 signo;
	s32 err, code;
	u32 pid, uid;
	s32 fd;
	u32 tid, band, overrun, trapno;
	s32 status, value;
	u64 ptr, utime, stime, addr;
	u16 addr_lsb, pad2;
	s32 syscall;
	u64 call_addr;
	u32 arch;
	u8 pad[28];
};
_Static_assert(sizeof(struct signalfd_siginfo) == 128, "struct signalfd_siginfo");

#define SIGILL	4
#define SIGTRAP 5
#define SIGBUS	7
#define SIGFPE	8
#define SIGSEGV 11
#define SIGCHLD 17
#define SIGPOLL 29
#define SIGSYS	31

/* The union's member is chosen by signal and code, as Linux's siginfo_layout. */
static void convert(struct signalfd_siginfo *o, const struct siginfo *s)
{
	bool why = s->code > 0 && s->code != SI_KERNEL; /* the kernel says why it was sent */

	memset(o, 0, sizeof(*o));
	o->signo = (u32)s->signo;
	o->err = s->err;
	o->code = s->code;
	if (s->code == SI_TIMER) {
		o->tid = (u32)s->timer.tid;
		o->overrun = (u32)s->timer.overrun;
		o->ptr = s->timer.value;
		o->value = (s32)s->timer.value;
	} else if (why && s->signo == SIGCHLD) {
		o->pid = (u32)s->chld.pid;
		o->uid = s->chld.uid;
		o->status = s->chld.status;
		o->utime = (u64)s->chld.utime;
		o->stime = (u64)s->chld.stime;
	} else if (why && (SIGSET(s->signo) & (SIGSET(SIGILL) | SIGSET(SIGTRAP) | SIGSET(SIGBUS) |
					       SIGSET(SIGFPE) | SIGSET(SIGSEGV)))) {
		o->addr = s->fault.addr;
		o->addr_lsb = (u16)s->fault.addr_lsb;
	} else if (why && s->signo == SIGPOLL) {
		o->band = (u32)s->poll.band;
		o->fd = s->poll.fd;
	} else if (why && s->signo == SIGSYS) {
		o->call_addr = s->sys.addr;
		o->syscall = s->sys.syscall;
		o->arch = s->sys.arch;
	} else {
		o->pid = (u32)s->rt.pid;
		o->uid = s->rt.uid;
		if (s->code == SI_QUEUE || s->code == SI_MESGQ) {
			o->ptr = s->rt.value;
			o->value = (s32)s->rt.value;
		}
	}
}

struct signalfd {
	u64 mask;
	struct mutex lock;
	struct list polled; /* struct polled, under lock */
};

/* A process in whose name the file was polled. */
struct polled {
	struct list node;
	struct process *process; /* with a reference */
};

static u64 mask_of(const struct file *f)
{
	return READ_ONCE(((const struct signalfd *)f->priv)->mask);
}

static void forget(struct polled *p)
{
	list_del(&p->node);
	process_put(p->process);
	kfree(p);
}

/* False: out of memory. s->lock held. */
static bool keep(struct signalfd *s, struct process *process)
{
	struct polled *p, *next;
	bool kept = false;

	list_for_each_safe(p, next, &s->polled, node) {
		if (p->process == process)
			kept = true;
		else if (!waitq_in_use(&p->process->sig_wait))
			forget(p);
	}
	if (kept)
		return true;
	p = kzalloc(sizeof(*p));
	if (!p)
		return false;
	ref_get(&process->ref);
	p->process = process;
	list_add(&s->polled, &p->node);
	return true;
}

static s64 signalfd_read(struct file *f, struct iov *to, u64 *pos)
{
	struct signalfd_siginfo out;
	struct siginfo info;
	s64 done = 0;

	if (to->left < sizeof(out))
		return -EINVAL;
	while (to->left >= sizeof(out) && signal_dequeue(mask_of(f), &info)) {
		convert(&out, &info);
		if (iov_to(to, &out, sizeof(out)) < sizeof(out))
			return done ? done : -EFAULT;
		done += sizeof(out);
	}
	return done ? done : -EAGAIN;
}

static u32 signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct process *process = task_current()->process;
	struct signalfd *s = f->priv;
	bool kept = true;

	if (pt) {
		mutex_lock(&s->lock);
		kept = keep(s, process);
		if (kept)
			poll_wait(f, &process->sig_wait, pt);
		mutex_unlock(&s->lock);
	}
	if (!kept)
		return POLLERR; /* nobody would wake the caller */
	return signal_pending_set() & mask_of(f) ? POLL_READABLE : 0;
}

static void signalfd_fdinfo(struct file *f, struct seq *s)
{
	seq_printf(s, "sigmask:\t%016llx\n", (unsigned long long)mask_of(f));
}

static void signalfd_release(struct file *f)
{
	struct signalfd *s = f->priv;

	while (!list_empty(&s->polled))
		forget(list_first(&s->polled, struct polled, node));
	kfree(s);
}

static const struct file_ops signalfd_fops = {
	.name = "[signalfd]",
	.read = signalfd_read,
	.seek = stream_seek,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.show_fdinfo = signalfd_fdinfo,
};

struct file *signalfd_create(u64 mask, u32 flags)
{
	struct signalfd *s = kzalloc(sizeof(*s));
	struct file *f;

	if (!s)
		return ERR_PTR(-ENOMEM);
	s->mask = mask;
	mutex_init(&s->lock);
	list_init(&s->polled);
	f = file_alloc_anon(&signalfd_fops, O_RDWR | (flags & O_NONBLOCK), s);
	if (IS_ERR(f))
		kfree(s);
	return f;
}

int signalfd_set_mask(struct file *f, u64 mask)
{
	struct signalfd *s = f->priv;

	if (f->ops != &signalfd_fops)
		return -EINVAL;
	WRITE_ONCE(s->mask, mask);
	poll_wake(&task_current()->process->sig_wait, POLL_READABLE);
	return 0;
}
