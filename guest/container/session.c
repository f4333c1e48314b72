/*
 * session.c - see session.h.
 */
#include "container/session.h"
#include "dev/control.h"
#include "dev/stream.h"
#include "dev/tty/tty.h"
#include "fs/boot.h"
#include "fs/cgroup/cgroupfs.h"
#include "fs/p9/clients.h"
#include "fs/vfs.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/pagecache.h"
#include "mm/slab.h"
#include "net/end.h"
#include "platform/platform.h"
#include "ring/ring.h"
#include "task/ns/ns.h"

#define DRAIN_KILLED 200000000ULL /* ns that a killed program's terminal output is given */

static struct spinlock sessions_lock = SPINLOCK_INIT;
static struct list sessions = LIST_INIT(sessions);
static u32 containers; /* that have not ended */

/* ---- the table ---- */

struct session *session_create(u32 handle, enum session_kind kind, struct container *c)
{
	struct session *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	ref_init(&s->ref);
	session_get(s);
	s->handle = handle;
	s->kind = kind;
	container_get(c);
	s->container = c;
	if (kind == SESSION_CONTAINER) {
		c->owner = s;
		session_get(s);
		atomic_add(&containers, 1);
	}
	list_init(&s->node);
	if (kind == SESSION_HOOK) {
		session_put(s); /* the table's */
		return s;
	}
	spin_lock(&sessions_lock);
	list_add_tail(&sessions, &s->node);
	spin_unlock(&sessions_lock);
	return s;
}

void session_get(struct session *s)
{
	ref_get(&s->ref);
}

void session_put(struct session *s)
{
	if (!s || !ref_put(&s->ref))
		return;
	session_put(s->starter);
	forward_free(s->forward);
	spec_free(s->spec);
	ns_put(s->uts);
	ns_put(s->ipc);
	container_put(s->container);
	kfree(s);
}

struct session *session_find(u32 handle)
{
	struct session *s, *found = NULL;

	spin_lock(&sessions_lock);
	list_for_each(s, &sessions, node)
		if (s->handle == handle) {
			session_get(s);
			found = s;
			break;
		}
	spin_unlock(&sessions_lock);
	return found;
}

/* ---- its process ---- */

struct process *session_process(struct session *s)
{
	struct session *owner = session_owner(s);
	struct process *p;

	spin_lock(&sessions_lock);
	p = owner ? owner->process : NULL;
	if (p)
		ref_get(&p->ref);
	spin_unlock(&sessions_lock);
	return p;
}

static void signal_early(struct session *s, struct process *p)
{
	u64 set;

	spin_lock(&sessions_lock);
	set = s->early;
	s->early = 0;
	spin_unlock(&sessions_lock);
	for (int signo = 1; signo <= 64; signo++)
		if (set >> (signo - 1) & 1)
			signal_process(p, signo, NULL);
}

int session_spawn(struct session *s, int (*setup)(void *))
{
	struct process *p;

	session_get(s); /* the process's */
	p = task_spawn(s->container, s, s->kind == SESSION_CONTAINER, setup, s);
	if (IS_ERR(p)) {
		session_put(s);
		return PTR_ERR(p);
	}
	spin_lock(&sessions_lock);
	if (s->failed || p->zombie) { /* it was quicker */
		spin_unlock(&sessions_lock);
		process_put(p);
		return 0;
	}
	s->process = p;
	if (s->closed)
		s->early |= 1ULL << (SIGKILL - 1);
	spin_unlock(&sessions_lock);
	signal_early(s, p);
	return 0;
}

void session_fail(struct session *s, int status, int err, const char *line, size_t len)
{
	s->failed = true;
	session_tell(s, CTL_FAILED, (u64)status, (u64)-err, line, len);
}

void session_tell(struct session *s, enum ctl_type type, u64 a, u64 b, const char *line, size_t len)
{
	if (s->starter)
		control_send_sync(type, s->starter->handle, a, b, line, len);
	control_send_sync(type, s->handle, a, b, line, len);
}

struct session *session_owner(struct session *s)
{
	return s->kind == SESSION_ATTACHED ? s->container->owner : s;
}

int session_start(struct session *s, struct session *starter)
{
	int err = 0;

	spin_lock(&sessions_lock);
	if (s->state == SESSION_READY)
		s->state = SESSION_RUNNING;
	else
		err = s->state == SESSION_GONE ? -ESRCH : -EBUSY;
	if (!err && starter && starter != s) {
		session_get(starter);
		s->starter = starter;
	}
	spin_unlock(&sessions_lock);
	return err ? err : session_spawn(s, launch_first);
}

/* ---- signals and sizes ---- */

static struct tty *tty_of(struct session *s)
{
	return s->tty ? s->tty : s->kind == SESSION_EXEC ? NULL : s->container->console;
}

static void signal_target(struct session *s, struct process *p, int signo, enum ctl_target target)
{
	struct tty *t = tty_of(s);

	if (target == CTL_TO_ALL && s->kind != SESSION_EXEC)
		container_signal(s->container, signo, NULL);
	else if (target == CTL_TO_FOREGROUND && t)
		console_signal(t, signo);
	else if (target == CTL_TO_FOREGROUND)
		signal_pgrp(p->pid, signo, NULL);
	else
		signal_process(p, signo, NULL);
}

void session_signal(struct session *s, int signo, enum ctl_target target)
{
	struct process *p = session_process(s);
	bool wait = false;

	if (signo < 0 || signo > 64) {
		control_send_wait(CTL_FAILED, s->handle, 0, EINVAL, "", 0);
		process_put(p);
		return;
	}
	if (p) {
		if (signo)
			signal_target(s, p, signo, target);
		process_put(p);
	} else {
		spin_lock(&sessions_lock);
		wait = s->kind != SESSION_ATTACHED && !s->failed && signo;
		if (wait)
			s->early |= 1ULL << (signo - 1);
		spin_unlock(&sessions_lock);
	}
	if (p || wait)
		control_send_wait(CTL_DONE, s->handle, 0, 0, "", 0);
	else
		control_send_wait(CTL_FAILED, s->handle, 0, ESRCH, "no such process", 15);
}

void session_winsize(struct session *s, u16 rows, u16 cols)
{
	struct tty *t = tty_of(s);

	if (t)
		console_winsize(t, (struct console_size){ rows, cols });
}

/* ---- the end ---- */

static void kill_session(struct process *p, void *arg)
{
	if (p->sid == *(int *)arg && !p->zombie)
		signal_process(p, SIGKILL, NULL);
}

/* What hangs on a container goes; nothing runs in it any more, or ever did. */
static void take_down(struct session *s)
{
	struct container *c = s->container;
	struct fs_context *fs = c->fs;

	c->owner = NULL;
	c->fs = NULL;
	if (fs)
		fs_container_drop(fs);
	cgroupfs_drop(c->cgroup);
	if (s->streams.queue != RING_Q_9P)
		create_release_queue(s->streams.queue);
	if (atomic_sub(&containers, 1) == 0)
		platform_halt();
	session_put(s); /* the container's */
}

void session_made(struct session *s, bool ok)
{
	bool gone;

	spin_lock(&sessions_lock);
	gone = !ok || s->closed;
	s->state = gone ? SESSION_GONE : SESSION_READY;
	spin_unlock(&sessions_lock);
	if (gone)
		take_down(s);
}

/* The owner of a container is gone. */
static void owner_closed(struct session *s)
{
	int state;

	spin_lock(&sessions_lock);
	state = s->state;
	if (state == SESSION_READY)
		s->state = SESSION_GONE;
	spin_unlock(&sessions_lock);
	/* Its gofer ends with it: whoever waits for an answer, to take the tree down or to make it, must not wait for ever. */
	if (s->streams.queue != RING_Q_9P)
		ring_break_queue(s->streams.queue);
	if (state == SESSION_READY)
		take_down(s);
	else if (state != SESSION_MAKING)
		container_end(s->container, NULL);
}

void session_closed(struct session *s)
{
	struct process *p;

	spin_lock(&sessions_lock);
	s->closed = true;
	p = s->process;
	if (p)
		ref_get(&p->ref);
	list_del(&s->node);
	list_init(&s->node);
	spin_unlock(&sessions_lock);
	if (s->kind == SESSION_CONTAINER) {
		owner_closed(s);
	} else if (s->kind == SESSION_FORWARD) {
		forward_closed(s->forward);
	} else if (p) {
		process_for_each(kill_session, &p->pid);
		signal_process(p, SIGKILL, NULL);
	}
	process_put(p);
	session_put(s);
}

static void close_tty(struct tty *t, int status)
{
	bool killed = status & 0x7f;

	if (!t)
		return;
	console_drain(t, killed ? clock_mono() + DRAIN_KILLED : NO_DEADLINE);
	console_close(t);
	tty_put(t);
}

/* The container's first process is gone; it takes the others along, which it can see no more than Linux's init. */
static void container_ended(struct session *s, struct process *p, int status)
{
	struct container *c = s->container;
	bool last = atomic_load(&containers) == 1;

	if (!last) {
		container_end(c, p);
		container_wait(c, 1);
	}
	if (c->console)
		console_drain(c->console,
			      status & 0x7f ? clock_mono() + DRAIN_KILLED : NO_DEADLINE);
	pagecache_sync_all(); /* write(2) has written through; this is what shared mappings changed */
	p9_settle_all();
	if (last) {
		net_end();
		p9_log_totals();
	}
	if (!s->failed)
		control_send_sync(CTL_EXIT, s->handle, (u64)status,
				  (c->oom ? CTL_OOM_INIT : 0) | (c->oom_kills ? CTL_OOM_ANY : 0),
				  "", 0);
	if (last)
		platform_halt();
	close_tty(c->console, status);
	c->console = NULL;
	spin_lock(&sessions_lock);
	s->state = SESSION_GONE;
	spin_unlock(&sessions_lock);
	take_down(s);
}

static void process_ended(struct process *p, int status)
{
	struct session *s = p->session;
	bool tell;

	p9_settle_all(); /* who waits for it on the host may look at its files */
	spin_lock(&sessions_lock);
	p->session = NULL;
	if (s->process)
		process_put(p);
	s->process = NULL;
	tell = !s->closed && !s->failed;
	s->failed = true;
	if (s->kind == SESSION_HOOK)
		hook_ended(s->hook, status);
	spin_unlock(&sessions_lock);
	if (s->kind == SESSION_HOOK) {
		/* Whoever waits for it goes on. */
	} else if (s->kind == SESSION_CONTAINER) {
		s->failed = !tell;
		container_ended(s, p, status);
	} else {
		close_tty(s->tty, status);
		s->tty = NULL;
		if (tell)
			control_send_wait(CTL_EXIT, s->handle, (u64)status, 0, "", 0);
	}
	session_put(s);
}

void session_init(void)
{
	task_session_ended = process_ended;
}
