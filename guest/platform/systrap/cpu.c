/*
 * cpu.c - Sentry CPUs as host threads: kicks, idling, the timer, host affinity, lock slow paths.
 *
 * A worker and the stub that it runs are bound to one host CPU: handing over on one CPU costs 4 us, waking an idle one
 * 20 to 60. The worker takes the host CPU that it finds itself on when it first has something to run, and lets go
 * before it sleeps idle, so that the host's scheduler places it anew when it wakes.
 */
#include "platform/systrap/systrap.h"

#include <string.h>

struct sys_cpu sys_cpus[MAX_CPUS + 1];
unsigned sys_ncpus;
const struct platform_upcalls *upcalls;

unsigned cpu_count(void)
{
	return sys_ncpus;
}

struct cpu *cpu_get(unsigned id)
{
	return &sys_cpus[id].c;
}

void platform_set_upcalls(const struct platform_upcalls *up)
{
	upcalls = up;
}

void cpu_kick(struct cpu *target)
{
	struct sys_cpu *t = (struct sys_cpu *)target;
	u64 tid;

	if (atomic_xchg(&t->c.kicked, 1))
		return;
	switch (atomic_load(&t->c.mode)) {
	case CPU_IDLE:
		if (READ_ONCE(t->watches))
			io_wake();
		else
			hc_futex_wake(&t->c.kicked, 1);
		break;
	case CPU_USER:
		/* It may leave now; then the sticky flag does, and a late signal costs its stub one round. */
		tid = atomic_load(&t->stub);
		if (tid)
			hc3(HC_tgkill, tid, tid, HC_SIGUSR1);
		break;
	}
}

void cpu_timer_set(u64 deadline)
{
	this_cpu()->deadline = deadline;
}

void platform_poll(void)
{
	struct sys_cpu *c = this_cpu();

	if (!c->c.io)
		systrap_timer_run(c);
}

unsigned host_cpus;
u32 cpus_busy;
static u64 host_mask[16];

static void affinity(u32 tid, u32 cpu)
{
	u64 mask[16];

	if (cpu == ~0U) {
		memcpy(mask, host_mask, sizeof(mask));
	} else {
		memset(mask, 0, sizeof(mask));
		mask[cpu / 64] = 1UL << (cpu % 64);
	}
	hc3(HC_sched_setaffinity, tid, sizeof(mask), mask);
}

void host_cpus_init(void)
{
	unsigned i;

	hc3(HC_sched_getaffinity, 0, sizeof(host_mask), host_mask);
	for (i = 0; i < ARRAY_SIZE(host_mask); i++)
		for (u64 w = host_mask[i]; w; w &= w - 1)
			host_cpus++;
	cpus_busy = sys_ncpus;
}

u32 host_cpu_other(u32 cpu)
{
	unsigned i, next;

	for (i = 1; i < 1024; i++) {
		next = (cpu + i) % 1024;
		if (host_mask[next / 64] >> (next % 64) & 1)
			return next;
	}
	return cpu;
}

void cpu_bind_task(u32 tid, u32 *bound, u32 host_cpu)
{
	if (*bound == host_cpu)
		return;
	*bound = host_cpu;
	affinity(tid, host_cpu);
}

/* Does another of our workers run on this host CPU? */
static bool host_cpu_taken(struct sys_cpu *c, u32 host_cpu)
{
	for (unsigned i = 0; i < sys_ncpus; i++)
		if (&sys_cpus[i] != c && READ_ONCE(sys_cpus[i].host_cpu) == host_cpu)
			return true;
	return false;
}

void cpu_bind(struct sys_cpu *c)
{
	u32 cpu, other;

	if (c->host_cpu != ~0U)
		return;
	__asm__ volatile("rdtscp" : "=c"(cpu) : : "eax", "edx");
	cpu &= 0xfff;
	if (cpu >= 1024)
		cpu = 0;
	/* The host wakes a worker where the waker runs; two busy ones on one CPU would stay there. */
	if (host_cpu_taken(c, cpu)) {
		for (other = host_cpu_other(cpu); other != cpu; other = host_cpu_other(other)) {
			if (!host_cpu_taken(c, other)) {
				cpu = other;
				break;
			}
		}
	}
	cpu_bind_task(0, &c->host_cpu, cpu);
}

void cpu_unbind(struct sys_cpu *c, struct stub *s)
{
	if (c->host_cpu != ~0U)
		cpu_bind_task(0, &c->host_cpu, ~0U);
	if (s)
		cpu_bind_task(s->tid, &s->host_cpu, ~0U);
}

void cpu_idle(void)
{
	struct sys_cpu *c = this_cpu();
	u64 now, wait = ~0ULL;
	struct io_events e = { 0 };

	if (timer_due(c)) {
		systrap_timer_run(c);
		return;
	}
	if (c->deadline) {
		now = clock_mono();
		wait = now < c->deadline ? c->deadline - now : 0;
	}
	cpu_unbind(c, NULL);
	c->watches = io_watch_begin();
	atomic_sub(&cpus_busy, 1);
	atomic_xchg(&c->c.mode, CPU_IDLE);
	if (c->watches && !atomic_load(&c->c.kicked))
		io_watch(&e, wait);
	while (!c->watches && !atomic_load(&c->c.kicked))
		if (hc_futex_wait(&c->c.kicked, 0, wait) == -ETIMEDOUT)
			break;
	atomic_store(&c->c.mode, CPU_KERNEL);
	atomic_add(&cpus_busy, 1);
	if (c->watches)
		io_watch_end(&e);
	atomic_xchg(&c->c.kicked, 0);
	systrap_timer_run(c);
}

void lock_wait(u32 *word, u32 seen)
{
	hc4(HC_futex, word, HC_FUTEX_WAIT | HC_FUTEX_PRIVATE, seen, NULL);
}

void lock_wake(u32 *word)
{
	hc3(HC_futex, word, HC_FUTEX_WAKE | HC_FUTEX_PRIVATE, 1);
}
