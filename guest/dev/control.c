/*
 * control.c - see control.h. Eight message slots each way, in one arena page per direction; nothing is allocated later.
 */
#include <string.h>

#include "dev/control.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "mm/frame.h"
#include "platform/platform.h"
#include "ring/ring.h"
#include "task/wait.h"

#define SLOTS (PAGE_SIZE / sizeof(struct ctl_msg))

struct slot {
	struct ring_request req;
	struct ctl_msg *msg; /* in the arena: the host may change it at any time */
	bool busy;
};

static struct ring *in, *out;
static struct slot in_slots[SLOTS], out_slots[SLOTS];
static struct spinlock out_lock = SPINLOCK_INIT;
static struct waitq out_q = WAITQ_INIT(out_q);
static void (*on_message)(const struct ctl_msg *m);

static void post(struct slot *s)
{
	struct ring_buf b = { s->msg, sizeof(*s->msg) };

	ring_add(in, &s->req, &b, 0, 1);
	ring_kick(in); /* rings only if the host holds a message for want of a buffer */
}

static void received(struct ring_request *r, s32 written)
{
	struct slot *s = container_of(r, struct slot, req);
	struct ctl_msg m;

	if (written < 0)
		return;
	memcpy(&m, s->msg, sizeof(m));
	if (written == sizeof(m) && m.type == CTL_TIME)
		clock_calibrate(m.a, m.b, m.c, m.d);
	else if (written == sizeof(m) && m.len <= sizeof(m.data))
		on_message(&m);
	post(s);
}

static void sent(struct ring_request *r, s32 written)
{
	struct slot *s = container_of(r, struct slot, req);

	spin_lock(&out_lock);
	s->busy = false;
	spin_unlock(&out_lock);
	waitq_wake_all(&out_q, 0);
}

static struct slot *claim(void)
{
	struct slot *s = NULL;

	spin_lock(&out_lock);
	for (unsigned i = 0; i < SLOTS && !s; i++)
		if (!out_slots[i].busy)
			s = &out_slots[i];
	if (s)
		s->busy = true;
	spin_unlock(&out_lock);
	return s;
}

static void submit(struct slot *s, const struct ctl_msg *head, const void *data, size_t len)
{
	struct ring_buf b = { s->msg, sizeof(*s->msg) };

	*s->msg = *head;
	s->msg->len = (u32)MIN(len, sizeof(s->msg->data));
	memcpy(s->msg->data, data, s->msg->len);
	if (ring_add(out, &s->req, &b, 1, 0) < 0)
		sent(&s->req, -EIO);
	ring_kick(out);
}

bool control_send(enum ctl_type type, u32 handle, u64 a, u64 b, const void *data, size_t len)
{
	struct ctl_msg head = { .type = type, .handle = handle, .a = a, .b = b };
	struct slot *s = out ? claim() : NULL;

	if (s)
		submit(s, &head, data, len);
	return s;
}

bool control_send_until(enum ctl_type type, u32 handle, const void *data, size_t len, u64 deadline)
{
	struct ctl_msg head = { .type = type, .handle = handle };
	struct slot *s = NULL;

	wait_event(&out_q, SLEEP_UNINTERRUPTIBLE, deadline, (s = claim()) != NULL);
	if (s)
		submit(s, &head, data, len);
	return s;
}

static struct slot *send_wait(const struct ctl_msg *head, const void *data, size_t len)
{
	struct slot *s;

	wait_event(&out_q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, (s = claim()) != NULL);
	submit(s, head, data, len);
	return s;
}

void control_send_wait(enum ctl_type type, u32 handle, u64 a, u64 b, const void *data, size_t len)
{
	struct ctl_msg head = { .type = type, .handle = handle, .a = a, .b = b };

	send_wait(&head, data, len);
}

void control_send_sync(enum ctl_type type, u32 handle, u64 a, u64 b, const void *data, size_t len)
{
	struct ctl_msg head = { .type = type, .handle = handle, .a = a, .b = b };
	struct slot *s = send_wait(&head, data, len);

	wait_event(&out_q, SLEEP_UNINTERRUPTIBLE, NO_DEADLINE, !READ_ONCE(s->busy));
}

void control_start(void (*fn)(const struct ctl_msg *m))
{
	paddr_t a = frame_alloc(ZONE_ARENA, 0, FRAME_ZERO),
		b = frame_alloc(ZONE_ARENA, 0, FRAME_ZERO);

	if (!a || !b)
		panic("control: no memory");
	on_message = fn;
	in = ring_open(RING_Q_CTL_IN);
	for (unsigned i = 0; i < SLOTS; i++) {
		in_slots[i].msg = (struct ctl_msg *)paddr_to_ptr(a) + i;
		in_slots[i].req.done = received;
		out_slots[i].msg = (struct ctl_msg *)paddr_to_ptr(b) + i;
		out_slots[i].req.done = sent;
		post(&in_slots[i]);
	}
	out = ring_open(RING_Q_CTL_OUT);
}
