/*
 * buf.c - the buffers that messages lie in between send and receive, and who pays for them.
 *
 * Small messages lie behind their struct (one allocation); larger ones in frames of their own that are charged to the
 * container. A sender may have SO_SNDBUF in buffers that nobody has read, counted with the overhead that Linux counts, so
 * that as many messages fit as there.
 */
#include <string.h>

#include "fs/poll_bits.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "net/unix/unix.h"
#include "task/task.h"

#define INLINE_MAX 1800UL /* above: whole frames */

/* The struct, and the data with its trailer in a power of two. */
static u32 charge_linear(size_t len)
{
	u32 size = 512;

	while (size < len + 320)
		size *= 2;
	return 256 + size;
}

/* What Linux counts for an sk_buff: of streams all but the last odd part lies in pages, of messages what is above 16 KiB. */
static u32 unix_charge(size_t len, bool stream)
{
	size_t linear = MIN(len, (size_t)16064);

	if (stream) {
		linear = len % PAGE_SIZE;
		if (linear > 3776)
			linear = 0;
	}
	return charge_linear(linear) + (u32)ALIGN_UP(len - linear, PAGE_SIZE);
}

static bool alloc_frames(struct unix_buf *b, size_t len)
{
	unsigned order = 0;

	while (PAGE_SIZE << order < len)
		order++;
	b->frames = 1u << order;
	if (frame_charge(b->frames))
		return false;
	b->block = frame_alloc(ZONE_SMALL, order, FRAME_CHARGED);
	if (!b->block) {
		frame_uncharge(b->frames);
		return false;
	}
	b->data = paddr_to_ptr(b->block);
	return true;
}

struct unix_buf *unix_buf_alloc(struct unix_sock *from, size_t len)
{
	bool inside = len <= INLINE_MAX;
	struct unix_buf *b = kmalloc(sizeof(*b) + (inside ? len : 0));

	if (!b)
		return ERR_PTR(-ENOBUFS);
	*b = (struct unix_buf){ .data = (u8 *)(b + 1), .len = (u32)len, .from = from };
	list_init(&b->node);
	if (!inside && !alloc_frames(b, len)) {
		kfree(b);
		return ERR_PTR(-ENOBUFS);
	}
	b->charge = unix_charge(len, unix_is_stream(from));
	atomic_add(&from->wmem, b->charge);
	return b;
}

void unix_buf_free(struct unix_buf *b)
{
	struct unix_sock *from = b->from;

	if (b->fds) {
		unix_flight_leave(b->fds);
		scm_fds_free(b->fds);
	}
	if (b->process)
		process_put(b->process);
	if (b->block)
		frame_put(b->block);
	atomic_sub(&from->wmem, b->charge);
	if (unix_writable(from))
		sock_wake_writable(&from->s);
	if (b->owns_from)
		sock_put(&from->s);
	kfree(b);
}

static bool wants_creds(const struct unix_sock *u)
{
	return sock_opt(&u->s, SOPT_PASSCRED | SOPT_PASSPIDFD);
}

static void sign(struct unix_buf *b, const struct scm *scm, const struct unix_sock *from,
		 const struct unix_sock *to)
{
	bool embryo = !READ_ONCE(to->s.file);

	b->has_creds = scm->has_creds || wants_creds(from) || wants_creds(to) || embryo;
	if (!b->has_creds)
		return;
	if (scm->has_creds)
		b->creds = scm->creds;
	else
		scm_self(&b->creds);
	if (sock_opt(&from->s, SOPT_PASSPIDFD) || sock_opt(&to->s, SOPT_PASSPIDFD) || embryo) {
		b->process = scm->process ? scm->process : task_current()->process;
		ref_get(&b->process->ref);
	}
}

void unix_buf_creds(struct unix_buf *b, struct scm *scm)
{
	scm->has_creds = b->has_creds;
	scm->creds = b->creds;
	if (b->process && !scm->process) {
		scm->process = b->process;
		ref_get(&b->process->ref);
	}
}

static int attach(struct unix_buf *b, struct scm *scm)
{
	int err;

	if (!scm->fds)
		return 0;
	err = unix_flight_enter(scm->fds);
	if (err)
		return err;
	b->fds = scm->fds;
	scm->fds = NULL;
	return 0;
}

int unix_buf_fill(struct unix_buf *b, struct sock_msg *m, const struct unix_sock *from,
		  const struct unix_sock *to)
{
	if (iov_from(m->iov, b->data, b->len) != b->len)
		return -EFAULT;
	sign(b, m->scm, from, to);
	return attach(b, m->scm);
}

int unix_buf_detach(struct unix_buf *b, struct scm *scm, bool peek)
{
	if (!b->fds)
		return 0;
	if (peek) {
		/* Not while the collector counts references. */
		spin_lock(&unix_gc_lock);
		scm->fds = scm_fds_dup(b->fds);
		spin_unlock(&unix_gc_lock);
		return scm->fds ? 0 : -ENOMEM;
	}
	scm->fds = b->fds;
	b->fds = NULL;
	unix_flight_leave(scm->fds);
	return 0;
}

static bool take_all(struct unix_sock *u, struct list *out)
{
	bool unread = u->rx_bytes || u->rx_count;

	list_init(out);
	while (!list_empty(&u->rx)) {
		struct unix_buf *b = list_first(&u->rx, struct unix_buf, node);

		list_del(&b->node);
		list_add_tail(out, &b->node);
	}
	u->rx_count = 0;
	u->rx_bytes = 0;
	u->oob = NULL;
	return unread;
}

static void free_all(struct list *l)
{
	while (!list_empty(l)) {
		struct unix_buf *b = list_first(l, struct unix_buf, node);

		list_del(&b->node);
		unix_buf_free(b);
	}
}

bool unix_rx_close(struct unix_sock *u)
{
	struct list l;
	bool unread;

	spin_lock(&u->rx_lock);
	u->rx_closed = true;
	unread = take_all(u, &l);
	spin_unlock(&u->rx_lock);
	free_all(&l);
	return unread;
}

void unix_rx_purge(struct unix_sock *u)
{
	struct list l;

	mutex_lock(&u->read_lock); /* a peek may be copying */
	spin_lock(&u->rx_lock);
	take_all(u, &l);
	spin_unlock(&u->rx_lock);
	mutex_unlock(&u->read_lock);
	free_all(&l);
	waitq_wake_all(&u->room_q, POLL_WRITABLE);
	waitq_wake_all(&unix_room, POLL_WRITABLE);
}
