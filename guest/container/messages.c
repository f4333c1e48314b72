/*
 * messages.c - what arrives on the control queue, in its order: copied by the upcall, handled by a kernel thread, which
 * may sleep.
 */
#include <string.h>

#include "container/session.h"
#include "dev/control.h"
#include "dev/stream.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "net/lwip/names.h"
#include "net/virtio.h"
#include "ring/ring.h"
#include "sys/trace.h"

struct message {
	struct list node;
	struct ctl_msg m;
};

static struct spinlock lock = SPINLOCK_INIT;
static struct list queue = LIST_INIT(queue);
static struct waitq news = WAITQ_INIT(news);

static void on_message(const struct ctl_msg *m)
{
	struct message *q;

	if (m->type == CTL_GOFER_GONE) { /* whoever handles messages may be waiting for it */
		klog("gofer of queue %u is gone; its files answer EIO from now on", (unsigned)m->a);
		if (m->a >= RING_Q_9P && m->a < RING_Q_9P + RING_Q_9P_COUNT)
			ring_break_queue((unsigned)m->a);
		return;
	}
	q = kmalloc(sizeof(*q));
	if (!q) {
		klog("control: no memory for a message of type %u", m->type);
		return;
	}
	q->m = *m;
	spin_lock(&lock);
	list_add_tail(&queue, &q->node);
	spin_unlock(&lock);
	waitq_wake_all(&news, 0);
}

static struct message *next(void)
{
	struct message *q = NULL;

	spin_lock(&lock);
	if (!list_empty(&queue)) {
		q = list_first(&queue, struct message, node);
		list_del(&q->node);
	}
	spin_unlock(&lock);
	return q;
}

static void refuse(u32 handle, int err, const char *why)
{
	control_send_wait(CTL_FAILED, handle, 125, (u64)-err, why, strlen(why));
}

static void on_exec(const struct ctl_msg *m)
{
	struct ctl_spec streams;
	struct session *to, *s = NULL;
	int err = -ESRCH;

	memcpy(&streams, m->data, sizeof(streams));
	to = session_find(streams.container);
	if (to && to->container->init && to->container->fs) {
		err = -ENOMEM;
		s = session_create(m->handle, SESSION_EXEC, to->container);
	}
	if (s) {
		s->streams = streams;
		err = session_spawn(s, launch_exec);
	}
	if (err) {
		stream_discard(streams.spec);
		for (int i = 0; i < 3; i++)
			stream_discard(streams.stdio[i]);
		refuse(m->handle, err,
		       err == -ESRCH ? "the container does not run" : "out of memory");
	}
	session_put(s);
	session_put(to);
}

static void on_forward(const struct ctl_msg *m)
{
	struct ctl_forward what;
	struct session *to, *s = NULL;
	int err;

	memcpy(&what, m->data, sizeof(what));
	to = session_find(what.container);
	if (to)
		s = session_create(m->handle, SESSION_FORWARD, to->container);
	if (s) {
		err = forward_start(s, to, &what);
	} else {
		stream_discard(what.in);
		stream_discard(what.out);
		err = to ? -ENOMEM : -ESRCH;
	}
	if (err)
		refuse(m->handle, err,
		       err == -ESRCH ? "the container does not run" : "out of memory");
	session_put(s);
	session_put(to);
}

static void on_create(const struct ctl_msg *m)
{
	struct container *c = container_create(m->handle);
	struct session *s = c ? session_create(m->handle, SESSION_CONTAINER, c) : NULL;
	struct ctl_spec streams;

	memcpy(&streams, m->data, sizeof(streams));
	container_put(c);
	if (s) {
		s->streams = streams;
		create_container(s);
		return;
	}
	stream_discard(streams.spec);
	for (int i = 0; i < 3; i++)
		stream_discard(streams.stdio[i]);
	refuse(m->handle, -ENOMEM, "out of memory");
}

static void on_start(struct session *s)
{
	struct session *owner = session_owner(s);
	const char *why;
	int err;

	/* The network may have come just before, by another queue (net_attach). */
	virtio_net_settle();
	err = owner && owner->kind == SESSION_CONTAINER ? session_start(owner, s) : -ESRCH;
	why = err == -EBUSY   ? "the container was started already, or is not ready"
	      : err == -ESRCH ? "there is no container to start"
			      : "cannot start a process";

	if (err)
		control_send_wait(CTL_FAILED, s->handle, 0, (u64)-err, why, strlen(why));
}

static void on_attach(const struct ctl_msg *m)
{
	struct session *to = session_find((u32)m->a);

	if (to)
		session_put(session_create(m->handle, SESSION_ATTACHED, to->container));
	session_put(to);
}

static void on_trace(struct session *s, const struct ctl_msg *m)
{
	static const char why[] = "the sandbox is traced already";

	if (m->len < CTL_TRACE_BYTES || trace_attach(s->container, s->handle, m->data) < 0)
		control_send_wait(CTL_FAILED, s->handle, 0, EBUSY, why, sizeof(why) - 1);
	else
		control_send_wait(CTL_DONE, s->handle, 0, 0, "", 0);
}

static void about_session(const struct ctl_msg *m)
{
	struct session *s = session_find(m->handle);

	if (!s) {
		if (m->type != CTL_CLOSED)
			refuse(m->handle, -ESRCH, "no such container or process");
		return;
	}
	switch (m->type) {
	case CTL_SIGNAL: session_signal(s, (int)m->a, (enum ctl_target)m->b); break;
	case CTL_WINSIZE: session_winsize(s, (u16)m->a, (u16)m->b); break;
	case CTL_CLOSED:
		trace_detach(s->handle);
		session_closed(s);
		break;
	case CTL_START: on_start(s); break;
	case CTL_PIDS: info_pids(s); break;
	case CTL_STATS: info_stats(s); break;
	case CTL_DMESG: info_dmesg(s, m->a); break;
	case CTL_STACKS: info_stacks(s); break;
	case CTL_TRACE: on_trace(s, m); break;
	case CTL_CRASH: panic("somebody asked for it (moat debug --crash)");
	case CTL_LIMITS:
		_Static_assert(LIMIT_NONE == CGROUP_MAX, "no limit is the same on both sides");
		if (m->a != LIMIT_SAME)
			frame_group_set_limit(s->container->mem_group, m->a);
		if (m->b != LIMIT_SAME)
			WRITE_ONCE(s->container->cgroup->pids_max, m->b);
		control_send_wait(CTL_DONE, m->handle, 0, 0, "", 0);
		break;
	default:
		klog("control: message of unknown type %u", m->type);
		control_send_wait(CTL_FAILED, m->handle, 0, ENOSYS, "not known", 9);
	}
	session_put(s);
}

/* Under the lock of the IP stack; what finds no buffer is lost, and asked again. */
static void ask_names(const void *query, size_t len)
{
	control_send(CTL_NAMES_QUERY, 0, 0, 0, query, len);
}

static void handle(const struct ctl_msg *m)
{
	switch (m->type) {
	case CTL_NAMES: names_answer(m->data, m->len); break;
	case CTL_EXEC: on_exec(m); break;
	case CTL_CREATE: on_create(m); break;
	case CTL_FORWARD: on_forward(m); break;
	case CTL_ATTACH: on_attach(m); break;
	default: about_session(m);
	}
}

static void thread(void *arg)
{
	for (;;) {
		struct message *q;

		wait_event(&news, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, (q = next()) != NULL);
		handle(&q->m);
		kfree(q);
	}
}

void messages_start(void)
{
	session_init();
	names_init(ask_names);
	control_start(on_message);
	if (IS_ERR(kthread_start("control", thread, NULL)))
		panic("out of memory at boot");
}
