/*
 * stub.c - host tasks of application threads and their context slots.
 *
 * A stub is made by its address space's helper and stays with that address space: when its thread is gone it is parked
 * and serves the next thread of the same process. It never serves another process: a hostile application may have
 * left its host task anywhere, so reuse across a boundary would carry its registers over.
 */
#include "platform/systrap/systrap.h"

#include "host/systrap_fds.h"
#include "mm/slab.h"

/* A new host task that needs so many waits of BORN_NS has no CPU at all, or is meddled with. */
#define BORN_TRIES 20
#define BORN_NS	   100000000ULL

static struct spinlock slot_lock = SPINLOCK_INIT;
static u64 slot_used[SLOT_MAX / 64];
static unsigned slot_hint;

static int slot_alloc(void)
{
	unsigned i, w;

	spin_lock(&slot_lock);
	for (i = 0; i < ARRAY_SIZE(slot_used); i++) {
		w = (slot_hint + i) % ARRAY_SIZE(slot_used);
		if (~slot_used[w]) {
			unsigned bit = __builtin_ctzl(~slot_used[w]);

			slot_used[w] |= 1UL << bit;
			slot_hint = w;
			spin_unlock(&slot_lock);
			return w * 64 + bit;
		}
	}
	spin_unlock(&slot_lock);
	return -EAGAIN;
}

/* The next owner, perhaps another process, must find zeroes; the hole also gives the memory back. */
static void slot_free(unsigned slot)
{
	/* FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */
	hc4(HC_fallocate, SYSTRAP_FD_CTL, 3, CTL_SLOTS + (u64)slot * SLOT_SIZE, SLOT_SIZE);
	spin_lock(&slot_lock);
	slot_used[slot / 64] &= ~(1UL << (slot % 64));
	slot_hint = slot / 64;
	spin_unlock(&slot_lock);
}

/*
 * Wait until the new host task is sealed and waits. The slot is mapped for the process's other threads already: one that
 * meddles with it gets no thread, or one that dies of its first kick.
 */
static bool stub_born(struct stub *s)
{
	u32 seen;

	for (unsigned i = 0; i < BORN_TRIES; i++) {
		seen = atomic_load(&s->ctx->state);
		if (seen == STATE_EVENT)
			return true;
		if (seen != STATE_DEAD || hc2(HC_kill, s->tid, 0) == -ESRCH)
			return false;
		hc_futex_wait(&s->ctx->state, seen, BORN_NS);
	}
	return false;
}

/*
 * Locked; the host task is gone. The next owner of the slot may be another process, so this one must have lost the
 * mapping before; if it cannot, the slot stays taken as long as the address space lives.
 */
static void stub_unmap(struct pmap *p, struct stub *s)
{
	pmap_queue(p, HC_munmap, STUB_BASE + (u64)s->slot * SLOT_SIZE, SLOT_SIZE, 0, 0, 0, 0);
	if (helper_flush(&p->h) < 0) {
		p->failed = true;
		list_add(&p->lost, &s->link);
		return;
	}
	slot_free(s->slot);
	kfree(s);
}

/* A stub of this address space that waits to be resumed for the first time. ERR_PTR on failure. */
struct stub *stub_get(struct pmap *p)
{
	struct stub *s;
	long tid;
	int slot;

	spin_lock(&p->lock);
	if (!list_empty(&p->idle)) {
		s = list_first(&p->idle, struct stub, link);
		list_del(&s->link);
		spin_unlock(&p->lock);
		return s;
	}
	spin_unlock(&p->lock);
	slot = slot_alloc();
	if (slot < 0)
		return ERR_PTR(slot);
	s = kzalloc(sizeof(*s));
	if (!s) {
		slot_free(slot);
		return ERR_PTR(-ENOMEM);
	}
	list_init(&s->link);
	s->slot = slot;
	s->host_cpu = ~0U;
	s->base = ctl_map + CTL_SLOTS + (u64)slot * SLOT_SIZE;
	s->ctx = (struct stub_ctx *)(s->base + SLOT_CTX);
	s->gs = STUB_BASE + (u64)slot * SLOT_SIZE + SLOT_CTX;
	s->ctx->xmask = stub_fpu_mask;
	s->ctx->sentry_sleep = 1;
	s->ctx->state = STATE_DEAD;
	spin_lock(&p->lock);
	pmap_queue(p, HC_mmap, STUB_BASE + (u64)slot * SLOT_SIZE, SLOT_SIZE,
		   HC_PROT_READ | HC_PROT_WRITE, HC_MAP_SHARED | HC_MAP_FIXED, SYSTRAP_FD_CTL,
		   CTL_SLOTS + (u64)slot * SLOT_SIZE);
	tid = helper_thread(&p->h, slot);
	if (tid > 0) {
		s->tid = tid;
		s->host_cpu = p->h.host_cpu; /* inherited */
		if (stub_born(s)) {
			spin_unlock(&p->lock);
			return s;
		}
		task_kill(tid);
		task_await(tid);
	} else {
		p->failed = true; /* the refused batch may have held mappings as well */
	}
	stub_unmap(p, s);
	spin_unlock(&p->lock);
	return ERR_PTR(-EAGAIN);
}

void stub_put(struct pmap *p, struct stub *s)
{
	spin_lock(&p->lock);
	list_add(&p->idle, &s->link);
	spin_unlock(&p->lock);
}

void stub_kill(struct pmap *p, struct stub *s)
{
	task_kill(s->tid);
	task_await(s->tid);
	spin_lock(&p->lock);
	stub_unmap(p, s);
	spin_unlock(&p->lock);
}

void stubs_kill(struct pmap *p)
{
	struct stub *s;

	list_for_each(s, &p->idle, link)
		task_kill(s->tid);
}

void stubs_await(struct pmap *p)
{
	struct stub *s;

	list_for_each(s, &p->idle, link)
		task_await(s->tid);
}

static void slots_free(struct list *stubs)
{
	struct stub *s, *tmp;

	list_for_each_safe(s, tmp, stubs, link) {
		list_del(&s->link);
		slot_free(s->slot);
		kfree(s);
	}
}

void stubs_free(struct pmap *p)
{
	slots_free(&p->idle);
	slots_free(&p->lost);
}
