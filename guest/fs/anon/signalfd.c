/*
 * signalfd.c - signalfd(2): reads the reader's own pending signals, not those of whoever made the descriptor.
 */
#include <string.h>

#include "fs/abi.h"
#include "fs/poll_bits.h"
#include "fs/anon/signalfd.h"
#include "fs/vfs.h"
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
	memset(o, 0, sizeof(*o));
	o->signo = (u32)s->signo;
	o->err = s->err;
	o->code = s->code;
	if (s->code == SI_TIMER) {
		o->tid = (u32)s->timer.tid;
		o->overrun = (u32)s->timer.overrun;
		o->ptr = s->timer.value;
		o->value = (s32)s->timer.value;
	} else if (s->code > 0 && s->code != SI_KERNEL && s->signo == SIGCHLD) {
		o->pid = (u32)s->chld.pid;
		o->uid = s->chld.uid;
		o->status = s->chld.status;
		o->utime = (u64)s->chld.utime;
		o->stime = (u64)s->chld.stime;
	} else if (s->code > 0 && s->code != SI_KERNEL &&
		   (SIGSET(s->signo) & (SIGSET(SIGILL) | SIGSET(SIGTRAP) | SIGSET(SIGBUS) |
					SIGSET(SIGFPE) | SIGSET(SIGSEGV)))) {
		o->addr = s->fault.addr;
		o->addr_lsb = (u16)s->fault.addr_lsb;
	} else if (s->code > 0 && s->code != SI_KERNEL && s->signo == SIGPOLL) {
		o->band = (u32)s->poll.band;
		o->fd = s->poll.fd;
	} else if (s->code > 0 && s->code != SI_KERNEL && s->signo == SIGSYS) {
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

static u64 mask_of(const struct file *f)
{
	return (u64)(uintptr_t)READ_ONCE(f->priv);
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
	poll_wait(f, &task_current()->process->sig_wait, pt);
	return signal_pending_set() & mask_of(f) ? POLL_READABLE : 0;
}

static void signalfd_fdinfo(struct file *f, struct seq *s)
{
	seq_printf(s, "sigmask:\t%016llx\n", (unsigned long long)mask_of(f));
}

static const struct file_ops signalfd_fops = {
	.name = "[signalfd]",
	.read = signalfd_read,
	.seek = stream_seek,
	.poll = signalfd_poll,
	.show_fdinfo = signalfd_fdinfo,
};

struct file *signalfd_create(u64 mask, u32 flags)
{
	return file_alloc_anon(&signalfd_fops, O_RDWR | (flags & O_NONBLOCK),
			       (void *)(uintptr_t)mask);
}

int signalfd_set_mask(struct file *f, u64 mask)
{
	if (f->ops != &signalfd_fops)
		return -EINVAL;
	WRITE_ONCE(f->priv, (void *)(uintptr_t)mask);
	poll_wake(&task_current()->process->sig_wait, POLL_READABLE);
	return 0;
}
