/*
 * gc.c - sockets in flight, and freeing cycles of them.
 *
 * A socket whose file only queues hold can be read by nobody unless it is reached from a queue of a socket that somebody
 * holds. When a socket is closed while others are in flight: candidates are those whose file has no reference but the
 * ones in flight; each reference that lies in a candidate's own queue is taken off; candidates with references left, and
 * all that is reached from their queues, live; what the queues of the rest hold is dropped.
 *
 * Lock: unix_gc_lock. A receiver that takes descriptors out of a queue counts them off under it only after it unlinked the
 * buffer, so a socket on its way to a receiver looks referenced from outside.
 */
#include <linux/capability.h>

#include "fs/abi.h"
#include "net/unix/unix.h"
#include "task/task.h"

struct spinlock unix_gc_lock = SPINLOCK_INIT;

static struct list in_flight = LIST_INIT(in_flight); /* sockets with inflight > 0 */
static u64 nr_flying;				     /* files in flight, sockets or not */

enum mark { MARK_NONE, MARK_CANDIDATE, MARK_ALIVE };

static struct unix_sock *unix_of(struct file *f)
{
	struct socket *s = sock_of_file(f);

	return s && s->family == AF_UNIX ? unix_sk(s) : NULL;
}

int unix_flight_enter(struct scm_fds *fds)
{
	int err = 0;

	spin_lock(&unix_gc_lock);
	if (nr_flying > task_rlimit(RLIMIT_NOFILE) && !capable(CAP_SYS_RESOURCE) &&
	    !capable(CAP_SYS_ADMIN)) {
		err = -ETOOMANYREFS;
		goto out;
	}
	nr_flying += fds->n;
	for (unsigned k = 0; fds->sockets && k < fds->n; k++) {
		struct unix_sock *u = unix_of(fds->file[k]);

		if (u && u->inflight++ == 0)
			list_add_tail(&in_flight, &u->flight_node);
	}
out:
	spin_unlock(&unix_gc_lock);
	return err;
}

void unix_flight_leave(struct scm_fds *fds)
{
	spin_lock(&unix_gc_lock);
	nr_flying -= fds->n;
	for (unsigned k = 0; fds->sockets && k < fds->n; k++) {
		struct unix_sock *u = unix_of(fds->file[k]);

		if (u && --u->inflight == 0)
			list_del(&u->flight_node);
	}
	spin_unlock(&unix_gc_lock);
}

/* fn for each socket in flight in the queue of u, or in those of the connections on its backlog. unix_lock held. */
static void each_queued(struct unix_sock *u, void (*fn)(struct unix_sock *child))
{
	struct unix_buf *b;

	spin_lock(&u->rx_lock);
	list_for_each(b, &u->rx, node) {
		for (unsigned k = 0; b->fds && b->fds->sockets && k < b->fds->n; k++) {
			struct unix_sock *c = unix_of(b->fds->file[k]);

			if (c)
				fn(c);
		}
	}
	spin_unlock(&u->rx_lock);
}

static void each_reached(struct unix_sock *u, void (*fn)(struct unix_sock *child))
{
	struct unix_sock *c;

	each_queued(u, fn);
	if (u->state != UNIX_LISTENING)
		return;
	list_for_each(c, &u->backlog, backlog)
		each_queued(c, fn);
}

static void take_off(struct unix_sock *c)
{
	if (c->mark == MARK_CANDIDATE)
		c->outside--;
}

static bool revived;

static void revive(struct unix_sock *c)
{
	if (c->mark == MARK_CANDIDATE && !c->outside) {
		c->outside = 1;
		revived = true;
		/* Behind the present place: this pass still gets to it, so a chain takes two passes, not one a link. */
		list_del(&c->flight_node);
		list_add_tail(&in_flight, &c->flight_node);
	}
}

/* Move the buffers with descriptors out of the queue of u. They keep their senders. */
static void strip(struct unix_sock *u, struct list *out)
{
	struct unix_buf *b, *tmp;

	spin_lock(&u->rx_lock);
	list_for_each_safe(b, tmp, &u->rx, node) {
		if (!b->fds)
			continue;
		list_del(&b->node);
		u->rx_count--;
		u->rx_bytes -= b->len - b->off;
		if (u->oob == b)
			u->oob = NULL;
		if (!b->owns_from)
			sock_get(&b->from->s);
		b->owns_from = true;
		list_add_tail(out, &b->node);
	}
	spin_unlock(&u->rx_lock);
}

/* Both locks held. closing: a reference of its file is about to go; or NULL. */
static void find_garbage(struct unix_sock *closing, struct list *out)
{
	struct unix_sock *u, *c;

	list_for_each(u, &in_flight, flight_node) {
		u32 held = u->s.file ? atomic_load(&u->s.file->ref.n) - (u == closing) : ~0u;

		u->mark = held == u->inflight ? MARK_CANDIDATE : MARK_NONE;
		u->outside = u->inflight;
	}
	list_for_each(u, &in_flight, flight_node)
		if (u->mark == MARK_CANDIDATE)
			each_reached(u, take_off);
	do {
		revived = false;
		list_for_each(u, &in_flight, flight_node) {
			if (u->mark != MARK_CANDIDATE || !u->outside)
				continue;
			u->mark = MARK_ALIVE;
			each_reached(u, revive);
		}
	} while (revived);
	list_for_each(u, &in_flight, flight_node) {
		if (u->mark != MARK_CANDIDATE)
			continue;
		strip(u, out);
		if (u->state == UNIX_LISTENING)
			list_for_each(c, &u->backlog, backlog)
				strip(c, out);
	}
}

static void collect(struct unix_sock *closing)
{
	struct list garbage;

	if (list_empty(&in_flight))
		return;
	list_init(&garbage);
	spin_lock(&unix_gc_lock);
	spin_lock(&unix_lock);
	find_garbage(closing, &garbage);
	spin_unlock(&unix_lock);
	spin_unlock(&unix_gc_lock);
	while (!list_empty(&garbage)) {
		struct unix_buf *b = list_first(&garbage, struct unix_buf, node);

		list_del(&b->node);
		unix_buf_free(b);
	}
}

void unix_collect(void)
{
	collect(NULL);
}

/* The last descriptor of a socket that lies in a queue as well: it is not released now, but may be garbage. */
void unix_closing(struct socket *s)
{
	if (READ_ONCE(unix_sk(s)->inflight))
		collect(unix_sk(s));
}
