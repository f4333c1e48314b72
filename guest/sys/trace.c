/*
 * trace.c - the lines of `moat do --trace` and `moat trace`: when they are made, and how they leave the sandbox (trace.h).
 *
 * Locks: trace_lock, who begins and ends it; making lines takes none but the control queue's. A line is lost only while the host takes none; the count of lost lines is told when
 * it does again.
 */
#include <string.h>

#include "dev/control.h"
#include "lib/err.h"
#include "lib/log.h"
#include "sys/sys.h"
#include "sys/trace.h"
#include "task/info.h"
#include "task/ptrace/ptrace.h"
#include "task/task.h"
#include "task/watch.h"

#define PATIENCE_NS 1000000000ULL

/* clang-format off */
#define ARG(t, a) { K_##t, #a }
#define SYSCALL0(nr, name, level, note) [nr] = { #name, { { 0 } } },
#define SYSCALL1(nr, name, level, note, t1, a1) [nr] = { #name, { ARG(t1, a1) } },
#define SYSCALL2(nr, name, level, note, t1, a1, t2, a2) [nr] = { #name, { ARG(t1, a1), ARG(t2, a2) } },
#define SYSCALL3(nr, name, level, note, t1, a1, t2, a2, t3, a3) \
	[nr] = { #name, { ARG(t1, a1), ARG(t2, a2), ARG(t3, a3) } },
#define SYSCALL4(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4) \
	[nr] = { #name, { ARG(t1, a1), ARG(t2, a2), ARG(t3, a3), ARG(t4, a4) } },
#define SYSCALL5(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5) \
	[nr] = { #name, { ARG(t1, a1), ARG(t2, a2), ARG(t3, a3), ARG(t4, a4), ARG(t5, a5) } },
#define SYSCALL6(nr, name, level, note, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6) \
	[nr] = { #name, { ARG(t1, a1), ARG(t2, a2), ARG(t3, a3), ARG(t4, a4), ARG(t5, a5), ARG(t6, a6) } },

static const struct trace_row rows[TRACE_CALLS] = {
#include "sys/syscalls.def"
};
/* clang-format on */

static u8 wanted[TRACE_CALLS / 8];
static u32 lost;
static struct spinlock trace_lock = SPINLOCK_INIT;
static bool tracing;	       /* trace_lock, for writing */
static u32 listener;	       /* whose lines they are: a handle of the control queue */
static struct container *only; /* whose tasks are shown; NULL: all. Only compared: it may be gone */

void trace_printf(struct trace_line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, ap);
	va_end(ap);
	l->len = MIN(l->len + (unsigned)n, (unsigned)sizeof(l->text) - 1);
}

static void begin(struct trace_line *l)
{
	l->len = 0;
	trace_printf(l, "%d ", task_current()->tid);
}

/* The end of the line: room for it is made, whatever was cut. */
static void finish(struct trace_line *l, const char *end)
{
	unsigned n = (unsigned)strlen(end);

	if (l->len + n + 2 > sizeof(l->text))
		l->len = (unsigned)sizeof(l->text) - n - 2;
	memcpy(l->text + l->len, end, n);
	l->len += n;
	l->text[l->len++] = '\n';
}

static bool shows(const struct task *t)
{
	const struct container *c = READ_ONCE(only);

	return READ_ONCE(tracing) && (!c || t->process->container == c);
}

static void send(const struct trace_line *l)
{
	char note[64];
	u32 n = READ_ONCE(lost);

	if (!READ_ONCE(tracing)) /* it ended while the call ran */
		return;
	if (n) {
		ksnprintf(note, sizeof(note), "--- %u lines lost ---\n", n);
		if (!control_send(CTL_NOTE, READ_ONCE(listener), 0, 0, note, strlen(note))) {
			atomic_add(&lost, 1);
			return;
		}
		atomic_sub(&lost, n);
	}
	if (!control_send_until(CTL_NOTE, READ_ONCE(listener), l->text, l->len,
				clock_mono() + PATIENCE_NS))
		atomic_add(&lost, 1);
}

void trace_enter(struct trace_call *c, const struct user_regs *r)
{
	const struct trace_row *row;

	c->nr = r->orig_rax;
	c->shown = c->nr < TRACE_CALLS && wanted[c->nr / 8] >> (c->nr % 8) & 1 &&
		   shows(task_current());
	if (!c->shown)
		return;
	c->arg[0] = r->rdi;
	c->arg[1] = r->rsi;
	c->arg[2] = r->rdx;
	c->arg[3] = r->r10;
	c->arg[4] = r->r8;
	c->arg[5] = r->r9;
	begin(&c->line);
	row = &rows[c->nr];
	trace_printf(&c->line, "%s(", row->name ? row->name : "?");
	c->next = 0;
	while (c->next < 6 && row->arg[c->next].kind) {
		unsigned at = c->line.len;

		if (c->next)
			trace_printf(&c->line, ", ");
		if (!trace_arg(&c->line, row, c, c->next, NULL)) {
			c->line.len = at;
			break;
		}
		c->next++;
	}
	if (c->nr != 60 && c->nr != 231) /* exit and exit_group do not come back */
		return;
	finish(&c->line, ") = ?");
	send(&c->line);
}

static void result_text(char *out, size_t size, u64 nr, u64 result)
{
	s64 r = (s64)result;
	const char *name = trace_errno((int)-r);

	if (r < 0 && r >= -MAX_ERRNO && r <= -ERESTARTSYS)
		ksnprintf(out, size, ") = ? ERESTART (interrupted)");
	else if (r < 0 && r >= -MAX_ERRNO && name)
		ksnprintf(out, size, ") = -1 %s", name);
	else if (nr == 9 || nr == 12 || nr == 25 ||
		 nr == 30) /* addresses: mmap, brk, mremap, shmat */
		ksnprintf(out, size, ") = %#llx", (unsigned long long)result);
	else
		ksnprintf(out, size, ") = %lld", (long long)r);
}

void trace_leave(struct trace_call *c, u64 result)
{
	const struct trace_row *row;
	s64 r = (s64)result;
	char end[48];

	if (!c->shown)
		return;
	row = &rows[c->nr];
	for (; c->next < 6 && row->arg[c->next].kind; c->next++) {
		if (c->next)
			trace_printf(&c->line, ", ");
		trace_arg(&c->line, row, c, c->next, &r);
	}
	result_text(end, sizeof(end), c->nr, result);
	finish(&c->line, end);
	send(&c->line);
}

/* ---- what happens to a task besides its calls ---- */

static void on_signal(struct task *t, int signo, const struct siginfo *info)
{
	struct trace_line l;
	const char *name = trace_signal_name(signo);

	if (!shows(t))
		return;
	begin(&l);
	trace_printf(&l, "--- ");
	if (name)
		trace_printf(&l, "%s", name);
	else
		trace_printf(&l, "signal %d", signo);
	trace_printf(&l, " {si_code=%d", info->code);
	if (info->code > 0 && info->code != SI_KERNEL &&
	    (signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE))
		trace_printf(&l, ", si_addr=%#llx", (unsigned long long)info->fault.addr);
	else if (info->code <= 0)
		trace_printf(&l, ", si_pid=%d", info->kill.pid);
	finish(&l, "} ---");
	send(&l);
}

static void on_end(struct process *p, int status)
{
	const char *name = trace_signal_name(status & 0x7f);
	struct trace_line l;

	if (!shows(task_current()))
		return;
	begin(&l);
	if (!(status & 0x7f))
		trace_printf(&l, "+++ exited with %d", status >> 8 & 0xff);
	else if (name)
		trace_printf(&l, "+++ killed by %s", name);
	else
		trace_printf(&l, "+++ killed by signal %d", status & 0x7f);
	finish(&l, " +++");
	send(&l);
}

/* trace_lock is held, or nothing runs yet. New tasks are born with the flag; set_flag gives it to the others. */
static void begin_trace(const u8 *calls)
{
	static struct task_watch watch = { .signal = on_signal, .ended = on_end };
	static bool watching;

	memcpy(wanted, calls, sizeof(wanted));
	task_syscall_work = SYSCALL_WORK_LOG;
	if (!watching)
		task_watch_add(&watch);
	watching = true;
	atomic_store(&tracing, true);
}

void trace_init(const u8 *calls)
{
	u8 any = 0;

	for (unsigned i = 0; i < sizeof(wanted); i++)
		any |= calls[i];
	if (any)
		begin_trace(calls);
}

static void set_flag(bool on)
{
	for (int tid = 1; (tid = task_next(tid)) > 0; tid++) {
		struct task *t = task_find(tid);

		if (t && on)
			atomic_or(&t->syscall_work, SYSCALL_WORK_LOG);
		else if (t)
			atomic_and(&t->syscall_work, ~SYSCALL_WORK_LOG);
		task_put(t);
	}
}

int trace_attach(struct container *c, u32 handle, const u8 *calls)
{
	bool busy;

	spin_lock(&trace_lock);
	busy = tracing;
	if (!busy) {
		listener = handle;
		only = c;
		begin_trace(calls);
	}
	spin_unlock(&trace_lock);
	if (busy)
		return -EBUSY;
	set_flag(true);
	return 0;
}

void trace_detach(u32 handle)
{
	bool ours;

	spin_lock(&trace_lock);
	ours = tracing && handle && listener == handle;
	if (ours) {
		tracing = false;
		task_syscall_work = 0;
	}
	spin_unlock(&trace_lock);
	if (ours)
		set_flag(false);
}
