/*
 * kvm_smp.c - several CPUs at once: kicks that must never get lost, a page that is taken away from running application
 * code again and again, and user memory copied while its page comes and goes.
 */
#include <string.h>

#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "mm/frame.h"
#include "platform/kvm/kvm.h"
#include "platform/platform.h"
#include "tests/guest/kvm_test.h"

#define CODE 0x400000UL
#define DATA 0x600000UL

u32 smp_rounds;

static struct pmap *pm;
static struct spinlock pm_lock = SPINLOCK_INIT;
static paddr_t code_pa, data_pa[2];
static u32 online, stop_all, exited;
static u32
	value; /* what DATA's present page holds; the application must never see an older one after a commit */
static u64 seen[MAX_CPUS], kicks_got[MAX_CPUS], faults[MAX_CPUS];
static u32 mailbox[MAX_CPUS];

/* Give the page of the moment at DATA. Runs on any CPU. */
static void map_current(void)
{
	spin_lock(&pm_lock);
	CHECK(pmap_map(pm, DATA, PAGE_SIZE, data_pa[value & 1], PMAP_R) == 0);
	spin_unlock(&pm_lock);
}

/* An application that reads DATA until it changes; it must never go back. */
static void worker(void)
{
	unsigned id = cpu_this()->id;
	struct utask *u = utask_create(pm);
	struct user_regs *r = utask_regs(u);
	struct stop s;

	r->rip = CODE;
	r->rdi = DATA;
	r->rsi = 0;
	utask_switch_in(u);
	while (!atomic_load(&stop_all)) {
		enter_user(u, &s);
		if (s.kind == STOP_INTERRUPT) {
			kicks_got[id]++;
		} else if (s.kind == STOP_FAULT) {
			CHECK(s.addr == DATA);
			faults[id]++;
			map_current();
		} else {
			CHECK(s.kind == STOP_SYSCALL && r->orig_rax == 9);
			seen[id]++;
			CHECK(r->rbx > r->rsi);
			r->rsi = r->rbx;
			/* Whoever that hits: at work in ring 3 or here, asleep, or waiting for us in a commit. */
			cpu_kick(cpu_get((id + seen[id]) % cpu_count()));
		}
		if (atomic_xchg(&mailbox[id], 0))
			kicks_got[id]++;
	}
	utask_switch_out(u);
	utask_destroy(u);
}

/* A CPU that idles until there is mail: a kick that got lost would leave it asleep and the sender waiting for ever. */
static void sleeper(void)
{
	unsigned id = cpu_this()->id;

	while (!atomic_load(&stop_all)) {
		if (atomic_xchg(&mailbox[id], 0))
			kicks_got[id]++;
		else
			cpu_idle();
	}
}

static bool is_sleeper(unsigned id)
{
	return cpu_count() > 2 && id == cpu_count() - 1;
}

static void cpu_entry(void)
{
	atomic_add(&online, 1);
	if (is_sleeper(cpu_this()->id))
		sleeper();
	else
		worker();
	pmap_switch(NULL);
	atomic_add(&exited, 1);
	for (;;)
		cpu_idle();
}

static u32 random(void)
{
	static u64 state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void send_mail(unsigned id)
{
	u64 t0 = clock_mono();

	atomic_store(&mailbox[id], 1);
	cpu_kick(cpu_get(id));
	while (atomic_load(&mailbox[id])) {
		cpu_relax();
		if (clock_mono() - t0 > 5000000000ULL)
			panic("kick to CPU %u lost, mode %u", id, cpu_get(id)->mode);
	}
}

/* Replace DATA's page by one with a larger value. After the commit nobody may read the old one: it is overwritten at once. */
static void replace_page(void)
{
	u32 next = value + 1;
	u64 *old = paddr_to_ptr(data_pa[value & 1]), *new = paddr_to_ptr(data_pa[next & 1]);

	*new = next;
	spin_lock(&pm_lock);
	value = next;
	pmap_unmap(pm, DATA, PAGE_SIZE);
	pmap_commit(pm);
	/* A stale translation would show this. */
	*old = 0;
	spin_unlock(&pm_lock);
}

static void test_kstacks(void)
{
	void *a = kstack_alloc(), *b = kstack_alloc();

	memset((char *)a - KSTACK_SIZE, 0x55, KSTACK_SIZE);
	memset((char *)b - KSTACK_SIZE, 0x66, KSTACK_SIZE);
	kstack_free(a);
	CHECK(kstack_alloc() == a);
	kstack_free(a);
	kstack_free(b);
	say("ok kernel stacks");
}

/* A kick of the own CPU ends its next sleep, however often it came. */
static void test_own_kicks(void)
{
	unsigned i;

	for (i = 0; i < smp_rounds; i++) {
		cpu_kick(cpu_this());
		if (random() % 2)
			cpu_kick(cpu_this());
		if (random() % 2)
			platform_poll();
		cpu_idle();
		CHECK(!cpu_this()->kicked);
	}
	say("ok %u kicks of itself", smp_rounds);
}

void test_smp(void)
{
	unsigned i, n = cpu_count();
	u64 t0;

	test_kstacks();
	if (n == 1) {
		test_own_kicks();
		return;
	}
	pm = pmap_create();
	code_pa = frame_alloc(ZONE_SMALL, 0, FRAME_ZERO);
	data_pa[0] = frame_alloc(ZONE_SMALL, 0, FRAME_ZERO);
	data_pa[1] = frame_alloc(ZONE_SMALL, 0, FRAME_ZERO);
	memcpy(paddr_to_ptr(code_pa), blob_touch, blob_touch_end - blob_touch);
	CHECK(pmap_map(pm, CODE, PAGE_SIZE, code_pa, PMAP_R | PMAP_X) == 0);
	value = 1;
	*(u64 *)paddr_to_ptr(data_pa[1]) = 1;
	cpu_start_all(cpu_entry);
	t0 = clock_mono();
	while (atomic_load(&online) != n - 1) {
		CHECK(clock_mono() - t0 < 10000000000ULL);
		cpu_relax();
	}
	say("ok %u CPUs after %lu us", n, (unsigned long)((clock_mono() - t0) / 1000));
	t0 = clock_mono();
	for (i = 0; i < smp_rounds; i++) {
		if (random() % 2)
			replace_page();
		else
			send_mail(1 + random() % (n - 1));
	}
	say("ok %u random kicks and shootdowns, %lu us each", smp_rounds,
	    (unsigned long)((clock_mono() - t0) / 1000 / smp_rounds));
	atomic_store(&stop_all, 1);
	t0 = clock_mono();
	while (atomic_load(&exited) != n - 1) {
		CHECK(clock_mono() - t0 < 10000000000ULL);
		for (i = 1; i < n; i++)
			cpu_kick(cpu_get(i));
		cpu_relax();
	}
	for (i = 1; i < n; i++) {
		say("cpu %u: %lu values, %lu faults, %lu kicks", i, (unsigned long)seen[i],
		    (unsigned long)faults[i], (unsigned long)kicks_got[i]);
		CHECK(kicks_got[i] && (is_sleeper(i) || (seen[i] && faults[i])));
	}
	pmap_destroy(pm);
	say("ok SMP");
}
