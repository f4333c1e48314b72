/*
 * mqueue.c - one POSIX message queue: messages in order of priority, sleepers, notification, and its file.
 *
 * A message for a queue on which somebody waits goes straight to him, and so does room: no sleeper has to try again, and a
 * notification is sent only for a message that nobody waits for. Differs from Linux: sleepers are served in the order in
 * which they came, whatever their scheduling priority.
 */
#include "fs/seq.h"
#include "ipc/mqueue.h"
#include "fs/poll_bits.h"
#include "mm/slab.h"
#include "task/task.h"

const struct mq_cookie_ops *mq_cookie;

void mqueue_init(struct mqueue *q, u64 maxmsg, u64 msgsize)
{
	spin_init(&q->lock);
	list_init(&q->messages);
	list_init(&q->receivers);
	list_init(&q->senders);
	waitq_init(&q->poll);
	q->maxmsg = maxmsg;
	q->msgsize = msgsize;
}

static void notify_drop(struct mq_notify *n)
{
	if (n->owner)
		process_put(n->owner);
	if (n->sock)
		file_put(n->sock);
}

void mqueue_drain(struct mqueue *q)
{
	struct mq_msg *m, *next;

	list_for_each_safe(m, next, &q->messages, node)
		kfree(m);
	notify_drop(&q->notify);
}

/* ---- notification ---- */

static void send_cookie(const struct mq_notify *n, u8 what)
{
	u8 cookie[MQ_COOKIE_LEN];

	for (unsigned i = 0; i < sizeof(cookie); i++)
		cookie[i] = n->cookie[i];
	cookie[MQ_COOKIE_LEN - 1] = what;
	mq_cookie->send(n->sock, cookie, sizeof(cookie));
}

/* Locked: take the registration out; the caller acts on it without the lock. */
static void take_notify(struct mqueue *q, struct mq_notify *out)
{
	*out = q->notify;
	q->notify = (struct mq_notify){ 0 };
}

static void fire(struct mq_notify *n)
{
	struct task *self = task_current();
	struct siginfo info = { .signo = n->signo, .code = SI_MESGQ };

	info.rt.pid = self->process->pid;
	info.rt.uid = self->cred->uid;
	info.rt.value = n->value;
	if (n->kind == SIGEV_SIGNAL && n->signo)
		signal_process(n->owner, n->signo, &info);
	else if (n->kind == SIGEV_THREAD)
		send_cookie(n, MQ_COOKIE_WOKEN);
	notify_drop(n);
}

int mqueue_notify(struct mqueue *q, const struct mq_notify *how)
{
	struct process *p = task_current()->process;
	struct mq_notify old = { 0 };
	int err = 0;

	spin_lock(&q->lock);
	if (!how) {
		if (q->notify.owner == p)
			take_notify(q, &old);
	} else if (q->notify.owner) {
		err = -EBUSY;
	} else {
		q->notify = *how;
	}
	spin_unlock(&q->lock);
	if (old.kind == SIGEV_THREAD)
		send_cookie(&old, MQ_COOKIE_CANCEL);
	notify_drop(&old);
	inode_touch(&q->i, ATTR_ATIME | ATTR_CTIME);
	return err;
}

/* ---- messages; locked ---- */

static void insert(struct mqueue *q, struct mq_msg *m)
{
	struct list *at = q->messages.prev; /* most are of one priority: from the end */

	while (at != &q->messages && list_entry(at, struct mq_msg, node)->prio < m->prio)
		at = at->prev;
	list_add(at, &m->node);
	q->curmsgs++;
	q->bytes += m->size;
}

static struct mq_msg *remove_first(struct mqueue *q)
{
	struct mq_msg *m = list_first(&q->messages, struct mq_msg, node);

	list_del(&m->node);
	q->curmsgs--;
	q->bytes -= m->size;
	return m;
}

/* Wakes the sleeper; its wait is on its stack and may be gone afterwards. */
static void finish(struct mq_wait *w)
{
	struct task *t = w->task;

	list_del(&w->node);
	task_get(t);
	atomic_store(&w->done, 1);
	sched_wake(t);
	task_put(t);
}

static int sleep_on(struct mqueue *q, struct list *queue, struct mq_wait *w, u64 deadline)
{
	int err = 0;

	w->task = task_current();
	list_add_tail(queue, &w->node);
	spin_unlock(&q->lock);
	while (!err) {
		sched_prepare(SLEEP_INTERRUPTIBLE);
		if (atomic_load(&w->done))
			break;
		err = sched_sleep(deadline);
	}
	sched_awake();
	spin_lock(&q->lock);
	if (w->done)
		err = 0;
	else
		list_del(&w->node);
	spin_unlock(&q->lock);
	return err;
}

int mqueue_send(struct mqueue *q, struct mq_msg *m, bool nonblock, u64 deadline)
{
	struct mq_notify n = { 0 };
	struct mq_wait *r, w = { .msg = m };

	spin_lock(&q->lock);
	if (q->curmsgs == q->maxmsg) {
		if (nonblock) {
			spin_unlock(&q->lock);
			return -EAGAIN;
		}
		return sleep_on(q, &q->senders, &w, deadline);
	}
	if (!list_empty(&q->receivers)) {
		r = list_first(&q->receivers, struct mq_wait, node);
		r->msg = m;
		finish(r);
	} else {
		insert(q, m);
		if (q->curmsgs == 1 && q->notify.owner)
			take_notify(q, &n);
	}
	spin_unlock(&q->lock);
	if (n.owner)
		fire(&n);
	poll_wake(&q->poll, POLL_READABLE);
	inode_touch(&q->i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	return 0;
}

struct mq_msg *mqueue_receive(struct mqueue *q, bool nonblock, u64 deadline)
{
	struct mq_wait *s, w = { 0 };
	struct mq_msg *m;
	int err;

	spin_lock(&q->lock);
	if (!q->curmsgs) {
		if (nonblock) {
			spin_unlock(&q->lock);
			return ERR_PTR(-EAGAIN);
		}
		err = sleep_on(q, &q->receivers, &w, deadline);
		return err ? ERR_PTR(err) : w.msg;
	}
	m = remove_first(q);
	if (!list_empty(&q->senders)) {
		s = list_first(&q->senders, struct mq_wait, node);
		insert(q, s->msg);
		finish(s);
	}
	spin_unlock(&q->lock);
	poll_wake(&q->poll, POLL_WRITABLE);
	inode_touch(&q->i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	return m;
}

void mqueue_get_attr(struct mqueue *q, const struct file *f, struct mq_attr *out)
{
	*out = (struct mq_attr){ .flags = f->flags & O_NONBLOCK,
				 .maxmsg = (s64)q->maxmsg,
				 .msgsize = (s64)q->msgsize };
	spin_lock(&q->lock);
	out->curmsgs = (s64)q->curmsgs;
	spin_unlock(&q->lock);
}

/* ---- the file ---- */

static s64 mqueue_read(struct file *f, struct iov *to, u64 *pos)
{
	struct mqueue *q = mqueue_of(f);
	struct seq s = { 0 };
	s64 ret = 0;

	spin_lock(&q->lock);
	seq_printf(&s, "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
		   (unsigned long long)q->bytes, q->notify.owner ? (int)q->notify.kind : 0,
		   q->notify.owner && q->notify.kind == SIGEV_SIGNAL ? q->notify.signo : 0,
		   q->notify.owner ? q->notify.owner->pid : 0);
	spin_unlock(&q->lock);
	if (s.failed)
		ret = -ENOMEM;
	else if (*pos < s.len)
		ret = (s64)iov_to(to, s.buf + *pos, MIN(to->left, s.len - (size_t)*pos)) ?: -EFAULT;
	if (ret > 0)
		*pos += (u64)ret;
	seq_free(&s);
	return ret;
}

static u32 mqueue_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *q = mqueue_of(f);
	u64 n;

	poll_wait(f, &q->poll, pt);
	n = READ_ONCE(q->curmsgs);
	return (n ? POLL_READABLE : 0) | (n < q->maxmsg ? POLL_WRITABLE : 0);
}

/* A process that closes any descriptor of the queue is not told any more. */
static int mqueue_flush(struct file *f)
{
	return mqueue_notify(mqueue_of(f), NULL);
}

const struct file_ops mqueue_fops = {
	.read = mqueue_read,
	.seek = generic_seek,
	.poll = mqueue_poll,
	.flush = mqueue_flush,
};

struct mqueue *mqueue_of(struct file *f)
{
	return f->ops == &mqueue_fops ? container_of(f->inode, struct mqueue, i) : NULL;
}
