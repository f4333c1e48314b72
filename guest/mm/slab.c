/*
 * slab.c - the Sentry's heap.
 *
 * A slab is one page: a header, then objects of one class. Free objects of a slab form a list through their first two
 * bytes. Above the largest class an object is a whole block of pages, and page-aligned, which no slab object is: that
 * tells kfree which is which. Each CPU keeps a stack of free objects per class, so the usual kmalloc and kfree take no
 * lock and no atomic; a batch of MAG_FILL takes the class's spinlock once.
 *
 * MOAT_DEBUG: fresh objects are filled with 0xa5, freed ones with 0x6b, and a write after free is found at reuse.
 */
#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include <string.h>

#define MAG_MAX	 24
#define MAG_FILL 12
#define NONE	 0xffff
#define POISON	 0xa5
#define FREED	 0x6b

struct slab {
	struct list node; /* in class->partial while an object is free */
	u16 free;	  /* offset of the first free object, NONE */
	u16 used;
	u16 class;
	u16 magic;
};
#define SLAB_MAGIC 0x51ab

/* Cached inodes are of 144 to 192 bytes, and many: finer steps there. */
static const u16 class_size[] = { 16,  32,  48,	 64,  80,  96,	128, 144, 160,	176,  192,
				  224, 256, 288, 320, 368, 448, 576, 800, 1008, 1344, 2032 };
#define CLASSES ARRAY_SIZE(class_size)

static struct slab_class {
	struct spinlock lock;
	struct list partial;
	u32 empty; /* slabs in partial without a used object: one is kept */
} classes[CLASSES];

struct magazine {
	unsigned n;
	void *obj[MAG_MAX];
};

static struct slab_cpu {
	s64 bytes; /* allocated less freed on this CPU */
	struct magazine mag[CLASSES];
} __attribute__((aligned(64))) cpus[MAX_CPUS + 1];

static u8 class_of[2048 / 16 + 1]; /* by (size + 15) / 16 */
static bool ready;

static void slab_init(void)
{
	unsigned c = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(class_of); i++) {
		while (c < CLASSES - 1 && class_size[c] < i * 16)
			c++;
		class_of[i] = (u8)c;
	}
	for (c = 0; c < CLASSES; c++)
		list_init(&classes[c].partial);
	ready = true; /* the first call is CPU 0's, before the others start */
}

static struct slab *slab_create(unsigned class)
{
	struct slab *s = page_alloc();
	unsigned size = class_size[class], off = ALIGN_UP(sizeof(*s), 16UL);

	if (!s)
		return NULL;
	s->class = (u16) class;
	s->magic = SLAB_MAGIC;
	s->free = (u16)off;
	for (; off + 2 * size <= PAGE_SIZE; off += size)
		*(u16 *)((char *)s + off) = (u16)(off + size);
	*(u16 *)((char *)s + off) = NONE;
	list_init(&s->node);
	return s;
}

/* Fill a magazine. Under no lock; page_alloc runs outside the class's lock. */
static bool magazine_fill(unsigned class, struct magazine *m)
{
	struct slab_class *c = &classes[class];

	spin_lock(&c->lock);
	while (m->n < MAG_FILL) {
		struct slab *s;

		if (list_empty(&c->partial)) {
			spin_unlock(&c->lock);
			if (m->n)
				return true;
			s = slab_create(class);
			if (!s)
				return false;
			spin_lock(&c->lock);
			c->empty++;
			list_add(&c->partial, &s->node);
		}
		s = list_first(&c->partial, struct slab, node);
		if (!s->used)
			c->empty--;
		while (m->n < MAG_FILL && s->free != NONE) {
			void *obj = (char *)s + s->free;

			s->free = *(u16 *)obj;
			s->used++;
			m->obj[m->n++] = obj;
		}
		if (s->free == NONE)
			list_del(&s->node);
	}
	spin_unlock(&c->lock);
	return true;
}

static void magazine_drain(unsigned class, struct magazine *m, unsigned n)
{
	struct slab_class *c = &classes[class];
	void *pages = NULL; /* freed below, outside the lock; linked through their first word */

	spin_lock(&c->lock);
	for (unsigned i = 0; i < n; i++) {
		char *obj = m->obj[i];
		struct slab *s = (struct slab *)((unsigned long)obj & PAGE_MASK);

		if (s->free == NONE)
			list_add(&c->partial, &s->node);
		*(u16 *)obj = s->free;
		s->free = (u16)(obj - (char *)s);
		if (--s->used)
			continue;
		if (c->empty) {
			list_del(&s->node);
			*(void **)s = pages;
			pages = s;
		} else {
			c->empty++;
		}
	}
	spin_unlock(&c->lock);
	m->n -= n;
	memmove(&m->obj[0], &m->obj[n], m->n * sizeof(m->obj[0]));
	while (pages) {
		void *next = *(void **)pages;

		page_free(pages);
		pages = next;
	}
}

void slab_trim(void)
{
	struct slab_cpu *cpu = &cpus[cpu_this()->id];

	for (unsigned i = 0; ready && i < CLASSES; i++) {
		struct slab_class *c = &classes[i];
		struct slab *s, *next;
		struct list empty;

		magazine_drain(i, &cpu->mag[i], cpu->mag[i].n);
		list_init(&empty);
		spin_lock(&c->lock);
		list_for_each_safe(s, next, &c->partial, node) {
			if (s->used)
				continue;
			list_del(&s->node);
			list_add(&empty, &s->node);
			c->empty--;
		}
		spin_unlock(&c->lock);
		while (!list_empty(&empty)) {
			s = list_first(&empty, struct slab, node);
			list_del(&s->node);
			page_free(s);
		}
	}
}

static unsigned order_of(size_t size)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

static void *block_alloc(size_t size)
{
	unsigned order;
	paddr_t pa;

	if (size > PAGE_SIZE << FRAME_ORDER_MAX)
		return NULL;
	order = order_of(size);
	if (!order)
		return page_alloc();
	pa = frame_alloc(ZONE_SMALL, order, FRAME_OWN);
	if (!pa)
		return NULL;
	frame_charge_own(1UL << order);
	return paddr_to_ptr(pa);
}

static bool is_block(const void *p)
{
	return !((unsigned long)p & (PAGE_SIZE - 1));
}

static size_t object_size(const void *p)
{
	const struct slab *s = (const void *)((unsigned long)p & PAGE_MASK);

	if (is_block(p))
		return PAGE_SIZE << frame_of(ptr_to_paddr(p))->order;
	BUG_ON(s->magic != SLAB_MAGIC);
	return class_size[s->class];
}

void *kmalloc(size_t size)
{
	struct slab_cpu *cpu = &cpus[cpu_this()->id];
	struct magazine *m;
	unsigned class;
	void *obj;

	if (unlikely(!ready))
		slab_init();
	if (size > class_size[CLASSES - 1]) {
		obj = block_alloc(size);
		if (obj)
			cpu->bytes += (s64)object_size(obj);
		return obj;
	}
	class = class_of[(size + 15) / 16];
	if (unlikely(class_size[class] < size))
		class ++; /* 2017..2032 share their slot with smaller sizes */
	m = &cpu->mag[class];
	if (!m->n && !magazine_fill(class, m))
		return NULL;
	obj = m->obj[--m->n];
	cpu->bytes += class_size[class];
#ifdef MOAT_DEBUG
	/* Never used: zero; used before: the pattern, all but the list's two bytes. */
	for (size_t i = 2; i < class_size[class]; i++) {
		u8 want = ((u8 *)obj)[2];

		if (((u8 *)obj)[i] != want || (want != FREED && want != 0))
			panic("slab: %p of %u bytes written after kfree at %zu", obj,
			      class_size[class], i);
	}
	memset(obj, POISON, class_size[class]);
#endif
	return obj;
}

void *kzalloc(size_t size)
{
	void *p = kmalloc(size);

	if (p)
		memset(p, 0, size);
	return p;
}

void kfree(void *p)
{
	struct slab_cpu *cpu = &cpus[cpu_this()->id];
	struct magazine *m;
	struct slab *s;

	if (!p)
		return;
	cpu->bytes -= (s64)object_size(p);
	if (is_block(p)) {
		frame_put(ptr_to_paddr(p));
		return;
	}
	s = (struct slab *)((unsigned long)p & PAGE_MASK);
#ifdef MOAT_DEBUG
	memset(p, FREED, class_size[s->class]);
#endif
	m = &cpu->mag[s->class];
	if (m->n == MAG_MAX)
		magazine_drain(s->class, m, MAG_FILL);
	m->obj[m->n++] = p;
}

void *krealloc(void *p, size_t size)
{
	size_t old;
	void *q;

	if (!p)
		return kmalloc(size);
	old = object_size(p);
	if (size <= old && size * 2 >= old)
		return p;
	q = kmalloc(size);
	if (!q)
		return size <= old ? p : NULL;
	memcpy(q, p, MIN(old, size));
	kfree(p);
	return q;
}

char *kstrdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = kmalloc(n);

	return p ? memcpy(p, s, n) : NULL;
}

size_t slab_bytes(void)
{
	s64 n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(cpus); i++)
		n += READ_ONCE(cpus[i].bytes);
	return n > 0 ? (size_t)n : 0;
}
