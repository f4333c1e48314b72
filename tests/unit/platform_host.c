/*
 * platform_host.c - see platform_host.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mman.h>

#include "abi/boot.h"
#include "lib/err.h"
#include "lib/log.h"
#include "tests/unit/platform_host.h"

#define HUGE	(2UL << 20)
#define BUCKETS 1024

char *direct_map;
_Thread_local struct cpu *unit_cpu;
struct pmap *unit_pmap;
unsigned unit_pmap_window = 4;
u64 unit_commits, unit_released, unit_now = 1000;
unsigned unit_copy_budget;

static struct cpu cpus[MAX_CPUS + 1];
static u64 ram_size, arena_size;
static struct platform_upcalls upcalls;
static unsigned live_pmaps;

struct table {
	struct table *next;
	u64 base;
	u64 pte[512]; /* paddr | prot */
};
struct pmap {
	struct table *bucket[BUCKETS];
	u64 pages;
};

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "panic: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	abort();
}

/* ---- memory ---- */

void unit_ram_reset(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

	if (mmap(direct_map, ram_size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ||
	    (arena_size && mmap(direct_map + ARENA_PADDR, arena_size, PROT_READ | PROT_WRITE, flags,
				-1, 0) == MAP_FAILED)) {
		perror("mmap");
		exit(1);
	}
}

void unit_platform_init(u64 ram, u64 arena)
{
	ram_size = ram;
	arena_size = arena;
	direct_map = mmap(NULL, ARENA_PADDR + arena, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (direct_map == MAP_FAILED) {
		perror("mmap of the direct map");
		exit(1);
	}
	unit_ram_reset();
	unit_cpu_init(0);
}

paddr_t platform_ram_free(void)
{
	return BOOT_FDT_PADDR + BOOT_FDT_MAX;
}

void ram_release(paddr_t pa, u64 len, void (*done)(void *), void *arg)
{
	unit_released += len;
	memset(paddr_to_ptr(pa), 0, len);
	done(arg);
}

/* No gofer here gives files. */
bool platform_dax_refused;

u64 platform_dax_size(void)
{
	return 0;
}

int platform_dax_map(paddr_t pa, u64 len, u64 cookie)
{
	return -EOPNOTSUPP;
}

void platform_dax_unmap(paddr_t pa, u64 len)
{
}

size_t copy_mapped(void *dst, const void *src, size_t n)
{
	memcpy(dst, src, n);
	return 0;
}

/* ---- CPUs, time ---- */

void __attribute__((weak)) unit_task_init(struct cpu *c);
void __attribute__((weak)) unit_task_init(struct cpu *c)
{
}

void unit_cpu_init(unsigned id)
{
	unit_cpu = &cpus[id];
	cpus[id].self = &cpus[id];
	cpus[id].id = id;
	unit_task_init(&cpus[id]);
}

unsigned cpu_count(void)
{
	return 1;
}

struct cpu *cpu_get(unsigned id)
{
	return &cpus[id];
}

void platform_poll(void)
{
}

u64 clock_mono(void)
{
	return unit_now;
}

s64 clock_real_offset(void)
{
	return 1000000000000000000LL;
}

paddr_t clock_vdso_page(void)
{
	return 0x1000;
}

void lock_wait(u32 *word, u32 seen)
{
	if (__atomic_load_n(word, __ATOMIC_ACQUIRE) == seen)
		sched_yield();
}

void lock_wake(u32 *word)
{
}

void platform_set_upcalls(const struct platform_upcalls *up)
{
	upcalls = *up;
}

/* ---- pmap ---- */

static u64 *slot(struct pmap *p, uaddr_t va, bool create)
{
	u64 base = ALIGN_DOWN(va, HUGE);
	struct table **b = &p->bucket[(base / HUGE) % BUCKETS], *t;

	for (t = *b; t; t = t->next)
		if (t->base == base)
			return &t->pte[(va >> PAGE_SHIFT) & 511];
	if (!create)
		return NULL;
	t = calloc(1, sizeof(*t));
	t->base = base;
	t->next = *b;
	*b = t;
	return &t->pte[(va >> PAGE_SHIFT) & 511];
}

struct pmap *pmap_create(void)
{
	live_pmaps++;
	return calloc(1, sizeof(struct pmap));
}

void pmap_set_owner(struct pmap *p, u64 owner)
{
}

void pmap_destroy(struct pmap *p)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		while (p->bucket[i]) {
			struct table *t = p->bucket[i];

			p->bucket[i] = t->next;
			free(t);
		}
	}
	free(p);
	live_pmaps--;
}

unsigned unit_pmaps(void)
{
	return live_pmaps;
}

int pmap_map(struct pmap *p, uaddr_t va, u64 len, paddr_t pa, unsigned prot)
{
	BUG_ON((va | len | pa) & (PAGE_SIZE - 1) || va + len > USER_END || !len);
	for (u64 i = 0; i < len; i += PAGE_SIZE) {
		u64 *s = slot(p, va + i, true);

		p->pages += !*s;
		*s = (pa + i) | prot | 8;
	}
	return 0;
}

void pmap_unmap(struct pmap *p, uaddr_t va, u64 len)
{
	for (unsigned b = 0; b < BUCKETS; b++) {
		for (struct table *t = p->bucket[b]; t; t = t->next) {
			for (unsigned i = 0; i < 512; i++) {
				uaddr_t at = t->base + i * PAGE_SIZE;

				if (at >= va && at < va + len && t->pte[i]) {
					t->pte[i] = 0;
					p->pages--;
				}
			}
		}
	}
}

void pmap_protect(struct pmap *p, uaddr_t va, u64 len, unsigned prot)
{
	for (unsigned b = 0; b < BUCKETS; b++) {
		for (struct table *t = p->bucket[b]; t; t = t->next) {
			for (unsigned i = 0; i < 512; i++) {
				uaddr_t at = t->base + i * PAGE_SIZE;

				if (at >= va && at < va + len && t->pte[i])
					t->pte[i] = (t->pte[i] & PAGE_MASK) | prot | 8;
			}
		}
	}
}

void pmap_commit(struct pmap *p)
{
	unit_commits++;
}

bool pmap_lookup(struct pmap *p, uaddr_t va, paddr_t *pa, unsigned *prot)
{
	u64 *s = slot(p, va, false);

	if (!s || !*s)
		return false;
	*pa = (*s & PAGE_MASK) + (va & (PAGE_SIZE - 1));
	*prot = *s & 7;
	return true;
}

unsigned pmap_window(void)
{
	return unit_pmap_window;
}

u64 unit_pmap_pages(struct pmap *p)
{
	return p->pages;
}

void unit_pmap_for_each(struct pmap *p, void (*fn)(uaddr_t, paddr_t, unsigned, void *), void *arg)
{
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct table *t = p->bucket[b]; t; t = t->next)
			for (unsigned i = 0; i < 512; i++)
				if (t->pte[i])
					fn(t->base + i * PAGE_SIZE, t->pte[i] & PAGE_MASK,
					   t->pte[i] & 7, arg);
}

/* ---- user memory ---- */

/* The byte behind va, or NULL. */
static char *user_ptr(uaddr_t va, unsigned access)
{
	unsigned prot;
	paddr_t pa;

	if (va >= USER_END)
		return NULL;
	if (unit_copy_budget && --unit_copy_budget == 0)
		return NULL;
	for (unsigned tries = 0; tries < 10; tries++) {
		if (pmap_lookup(unit_pmap, va, &pa, &prot) &&
		    (access == ACCESS_READ || (prot & PMAP_W)))
			return paddr_to_ptr(pa);
		if (!upcalls.fault || upcalls.fault(va, access))
			return NULL;
	}
	panic("user copy: fault at %llx is not resolved", (unsigned long long)va);
}

static size_t user_copy(char *kernel, uaddr_t user, size_t n, bool write, bool zero)
{
	while (n) {
		size_t len = MIN(PAGE_SIZE - (user & (PAGE_SIZE - 1)), n);
		char *p = user_ptr(user, write ? ACCESS_WRITE : ACCESS_READ);

		if (!p)
			return n;
		if (zero)
			memset(p, 0, len);
		else if (write)
			memcpy(p, kernel, len);
		else
			memcpy(kernel, p, len);
		if (kernel)
			kernel += len;
		user += len;
		n -= len;
	}
	return 0;
}

size_t user_read(void *dst, uaddr_t src, size_t n)
{
	return user_copy(dst, src, n, false, false);
}

size_t user_write(uaddr_t dst, const void *src, size_t n)
{
	return user_copy((void *)src, dst, n, true, false);
}

size_t user_zero(uaddr_t dst, size_t n)
{
	return user_copy(NULL, dst, n, true, true);
}

long user_string(char *dst, uaddr_t src, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (user_read(dst + i, src + i, 1))
			return -EFAULT;
		if (!dst[i])
			return (long)i;
	}
	return -ENAMETOOLONG;
}

int user_cmpxchg32(uaddr_t addr, u32 old, u32 new, u32 *prev)
{
	u32 *p = (u32 *)user_ptr(addr, ACCESS_WRITE);

	if (!p)
		return -EFAULT;
	*prev = old;
	__atomic_compare_exchange_n(p, prev, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return 0;
}
