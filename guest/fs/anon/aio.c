/*
 * aio.c - Linux AIO's contexts: a ring of completions that the application maps and may consume by itself.
 *
 * The ring is the pages of an anonymous file; the mapping holds the file, so that a context ends with its address
 * space or io_destroy(2). Contexts are found by (address space, process, address): a child does not inherit them. Of
 * what lies in the ring only `head` is read back, and brought into range. Locks: aio_lock (spin: the list of
 * contexts, the count against aio-max-nr), ctx->lock (spin: the ring).
 */
#include <linux/mman.h>
#include <string.h>

#include "fs/abi.h"
#include "fs/anon/aio.h"
#include "fs/vfs.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/pagecache.h"
#include "mm/slab.h"
#include "task/task.h"

#define RING_MAGIC   0xa10a10a1u
#define RING_PROT    (PROT_READ | PROT_WRITE)
#define MIN_REQUESTS 32u

struct aio_header { /* what libaio and others look at */
	u32 id, nr, head, tail;
	u32 magic, compat, incompat, header_length;
};
_Static_assert(sizeof(struct aio_header) == 32, "struct aio_ring of Linux");

struct aio_ctx {
	struct list node;
	struct mm *mm; /* compared, never used */
	int pid;
	u64 start_time, id, size;
	u32 asked; /* counts against aio_max_nr */
	struct pagecache pc;
	void **pages;
	unsigned nr_pages;
	struct file *file; /* borrowed */
	struct spinlock lock;
	u32 nr, tail, reserved;
	bool dead;
	struct waitq q;
	struct list polls;
};

static struct spinlock aio_lock = SPINLOCK_INIT;
static struct list contexts = LIST_INIT(contexts);
static u32 total;

u32 aio_max_nr = 65536;

u32 aio_count(void)
{
	return READ_ONCE(total);
}

static struct aio_header *header(struct aio_ctx *ctx)
{
	return ctx->pages[0];
}

static struct io_event *event(struct aio_ctx *ctx, u32 i)
{
	u64 off = sizeof(struct aio_header) + (u64)i * sizeof(struct io_event);

	return (void *)((char *)ctx->pages[off / PAGE_SIZE] + off % PAGE_SIZE);
}

static u32 head(struct aio_ctx *ctx)
{
	return READ_ONCE(header(ctx)->head) % ctx->nr;
}

static u32 filled(struct aio_ctx *ctx)
{
	return (ctx->tail + ctx->nr - head(ctx)) % ctx->nr;
}

static void aio_release(struct file *f)
{
	struct aio_ctx *ctx = f->priv;

	aio_poll_forget(ctx);
	spin_lock(&aio_lock);
	list_del(&ctx->node);
	total -= ctx->asked;
	spin_unlock(&aio_lock);
	for (unsigned i = 0; i < ctx->nr_pages; i++)
		frame_put(ptr_to_paddr(ctx->pages[i]));
	kfree(ctx->pages);
	pagecache_destroy(&ctx->pc);
	kfree(ctx);
}

static int aio_mmap(struct file *f, struct mmap_request *req)
{
	struct aio_ctx *ctx = f->priv;

	if (req->off || req->len > ctx->size)
		return -EINVAL;
	req->pc = &ctx->pc;
	return 0;
}

static const struct file_ops aio_fops = {
	.name = "[aio]",
	.seek = stream_seek,
	.mmap = aio_mmap,
	.release = aio_release,
};

static const struct pagecache_ops ring_pages;

static int pin(struct aio_ctx *ctx, unsigned n)
{
	ctx->pages = kzalloc(n * sizeof(*ctx->pages));
	if (!ctx->pages)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		paddr_t pa;

		if (pagecache_get(&ctx->pc, i, true, &pa))
			return -ENOMEM;
		ctx->pages[ctx->nr_pages++] = paddr_to_ptr(pa);
	}
	return 0;
}

/* A file around a fresh context; from then on its release frees everything. */
static struct file *make(u32 nr)
{
	u32 slots = MAX(nr, MIN_REQUESTS) * 2 + 2;
	struct aio_ctx *ctx = kzalloc(sizeof(*ctx));
	struct task *t = task_current();
	struct file *f;

	if (!ctx)
		return ERR_PTR(-ENOMEM);
	list_init(&ctx->node);
	list_init(&ctx->polls);
	spin_init(&ctx->lock);
	waitq_init(&ctx->q);
	ctx->size = ALIGN_UP(sizeof(struct aio_header) + (u64)slots * sizeof(struct io_event),
			     PAGE_SIZE);
	ctx->nr = (u32)((ctx->size - sizeof(struct aio_header)) / sizeof(struct io_event));
	ctx->mm = t->mm;
	ctx->pid = t->process->pid;
	ctx->start_time = t->process->start_time;
	pagecache_init(&ctx->pc, &ring_pages, ctx, ctx->size);
	f = file_alloc_anon(&aio_fops, O_RDWR, ctx);
	if (IS_ERR(f)) {
		pagecache_destroy(&ctx->pc);
		kfree(ctx);
		return f;
	}
	f->mode |= FMODE_READ | FMODE_WRITE;
	ctx->file = f;
	if (pin(ctx, (unsigned)(ctx->size / PAGE_SIZE))) {
		file_put(f);
		return ERR_PTR(-ENOMEM);
	}
	*header(ctx) = (struct aio_header){
		.nr = ctx->nr, .magic = RING_MAGIC, .compat = 1, .header_length = 32
	};
	return f;
}

int aio_create(u32 nr, u64 *id)
{
	struct mm *mm = task_current()->mm;
	struct aio_ctx *ctx;
	struct file *f;
	s64 at;
	int err = 0;

	if (nr > 0x10000000 / sizeof(struct io_event) / 2)
		return -EINVAL;
	if (nr > aio_max_nr)
		return -EAGAIN;
	f = make(nr);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	ctx = f->priv;
	spin_lock(&aio_lock);
	if (total + nr > aio_max_nr) {
		err = -EAGAIN;
	} else {
		total += nr;
		ctx->asked = nr;
	}
	spin_unlock(&aio_lock);
	at = err ? err : mm_mmap(mm, 0, ctx->size, RING_PROT, MAP_SHARED, f, 0);
	if (at > 0) {
		*id = ctx->id = (u64)at;
		spin_lock(&aio_lock);
		list_add_tail(&contexts, &ctx->node);
		spin_unlock(&aio_lock);
	}
	file_put(f); /* the mapping has its own reference */
	return at < 0 ? (int)at : 0;
}

struct aio_ctx *aio_find(u64 id, struct file **f)
{
	struct task *t = task_current();
	struct aio_ctx *it, *found = NULL;

	spin_lock(&aio_lock);
	list_for_each(it, &contexts, node) {
		if (it->id == id && it->mm == t->mm && it->pid == t->process->pid &&
		    it->start_time == t->process->start_time && !it->dead &&
		    ref_tryget(&it->file->ref)) {
			found = it;
			*f = it->file;
			break;
		}
	}
	spin_unlock(&aio_lock);
	return found;
}

int aio_destroy(struct aio_ctx *ctx)
{
	bool first;

	spin_lock(&aio_lock);
	first = !ctx->dead;
	ctx->dead = true;
	spin_unlock(&aio_lock);
	if (!first)
		return -EINVAL;
	aio_poll_forget(ctx);
	waitq_wake_all(&ctx->q, 0);
	mm_munmap(task_current()->mm, ctx->id, ctx->size);
	return 0;
}

/* ---- the ring ---- */

bool aio_reserve(struct aio_ctx *ctx)
{
	bool ok;

	spin_lock(&ctx->lock);
	ok = filled(ctx) + ctx->reserved + 1 < ctx->nr;
	ctx->reserved += ok;
	spin_unlock(&ctx->lock);
	return ok;
}

void aio_unreserve(struct aio_ctx *ctx)
{
	spin_lock(&ctx->lock);
	ctx->reserved--;
	spin_unlock(&ctx->lock);
}

void aio_post(struct aio_ctx *ctx, const struct io_event *ev)
{
	spin_lock(&ctx->lock);
	ctx->reserved--;
	memcpy(event(ctx, ctx->tail), ev, sizeof(*ev));
	ctx->tail = (ctx->tail + 1) % ctx->nr;
	atomic_store(&header(ctx)->tail, ctx->tail);
	spin_unlock(&ctx->lock);
	waitq_wake_all(&ctx->q, 0);
}

u32 aio_take(struct aio_ctx *ctx, struct io_event *ev, u32 n)
{
	u32 at, done = 0;

	spin_lock(&ctx->lock);
	for (at = head(ctx); done < n && at != ctx->tail; done++) {
		memcpy(&ev[done], event(ctx, at), sizeof(*ev));
		at = (at + 1) % ctx->nr;
	}
	if (done)
		atomic_store(&header(ctx)->head, at);
	spin_unlock(&ctx->lock);
	return done;
}

int aio_wait(struct aio_ctx *ctx, u64 deadline)
{
	return wait_event(&ctx->q, SLEEP_INTERRUPTIBLE, deadline,
			  ctx->dead || head(ctx) != READ_ONCE(ctx->tail));
}

struct list *aio_polls(struct aio_ctx *ctx)
{
	return &ctx->polls;
}

bool aio_alive(const struct aio_ctx *ctx)
{
	return !READ_ONCE(ctx->dead);
}
