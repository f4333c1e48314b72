/*
 * irq.c - the local APIC (x2APIC mode), the one-shot timer (TSC deadline), inter-processor interrupts, idle and poll.
 *
 * An interrupt only leaves a mark (irq_note); its upcall runs when the code that opened the window has closed it again,
 * so upcalls never nest and never interrupt anything.
 *
 * The timer is lazy: a deadline that moves back or goes away leaves the hardware alone (a WRMSR is a VM exit); it fires
 * early, and is set again then. Only before the CPU halts is it made exact, so that an idle sandbox has no wake-ups.
 */
#include "lib/atomic.h"
#include "lib/log.h"
#include "platform/kvm/kvm.h"
#include "platform/kvm/x86.h"

#define LVT_TSC_DEADLINE (2U << 17)
#define NSEC		 1000000000ULL
#define ICR_ASSERT	 (1U << 14)

#define BREATHS_PER_SEC 20000
#define ARMED_BREATH	1 /* kvm_cpu.armed in irq_breathe: a monotonic time before all deadlines */

void irq_init_cpu(void)
{
	wrmsr(MSR_X2APIC_SVR, 0x100 | VEC_SPURIOUS);
	wrmsr(MSR_X2APIC_TIMER, LVT_TSC_DEADLINE | VEC_TIMER);
	/* The mode switch must be seen before the first deadline (SDM 10.5.4.1). */
	__asm__ volatile("mfence" : : : "memory");
}

void irq_note(unsigned vector)
{
	struct kvm_cpu *k = kvm_cpu_this();

	if (vector >= RING_VECTOR_BASE && vector < RING_VECTOR_BASE + RING_QUEUES) {
		k->pending_queues |= 1U << (vector - RING_VECTOR_BASE);
	} else if (vector == VEC_TIMER) {
		k->pending_timer = true;
		k->armed = 0;
	}
	if (vector != VEC_SPURIOUS)
		wrmsr(MSR_X2APIC_EOI, 0);
}

void irq_ipi(struct cpu *target)
{
	/* An x2APIC write is not a store: whatever the target must see has to be visible first (SDM 10.12.3). */
	__asm__ volatile("mfence\n\tlfence" : : : "memory");
	wrmsr(MSR_X2APIC_ICR, (u64)target->id << 32 | ICR_ASSERT | VEC_IPI);
}

/* The counter's value at monotonic time t. */
static u64 tsc_at(u64 t)
{
	u64 now = clock_mono(), tsc = clock_cycles(), delta = t > now ? t - now : 0;

	/* Beyond an hour an early wake-up is as good. */
	if (delta > 3600 * NSEC)
		delta = 3600 * NSEC;
	return tsc + delta / NSEC * kvm_boot.tsc_hz + delta % NSEC * kvm_boot.tsc_hz / NSEC + 1;
}

static void timer_arm(struct kvm_cpu *k, u64 deadline)
{
	wrmsr(MSR_TSC_DEADLINE, deadline ? tsc_at(deadline) : 0);
	k->armed = deadline;
}

void cpu_timer_set(u64 deadline)
{
	struct kvm_cpu *k = kvm_cpu_this();

	k->deadline = deadline;
	if (deadline && (!k->armed || deadline < k->armed))
		timer_arm(k, deadline);
}

static void timer_fired(struct kvm_cpu *k)
{
	k->pending_timer = false;
	if (!k->deadline)
		return;
	if (clock_mono() >= k->deadline) {
		k->deadline = 0;
		kvm_upcalls.timer();
	} else if (!k->armed) {
		timer_arm(k, k->deadline);
	}
}

/* Whoever emulates our processor badly is told so, once. */
static void note_impossible(void)
{
	static u32 told;

	if (!atomic_xchg(&told, 1))
		klog("kvm: dropped an interrupt that came while interrupts were off");
}

void irq_upcalls(void)
{
	struct kvm_cpu *k = kvm_cpu_this();

	if (unlikely(READ_ONCE(irq_impossible)))
		note_impossible();
	while (k->pending_queues) {
		unsigned q = __builtin_ctz(k->pending_queues);

		k->pending_queues &= k->pending_queues - 1;
		if (kvm_upcalls.queue)
			kvm_upcalls.queue(q);
	}
	if (k->pending_timer)
		timer_fired(k);
}

void platform_poll(void)
{
	__asm__ volatile("sti\n\tnop\n\tcli" : : : "memory");
	irq_upcalls();
}

void cpu_idle(void)
{
	struct kvm_cpu *k = kvm_cpu_this();

	pmap_drop_dead(&k->c);
	atomic_xchg(&k->c.mode, CPU_IDLE);
	if (!READ_ONCE(k->c.kicked)) {
		if (k->armed && k->armed != k->deadline)
			timer_arm(k, k->deadline);
		/*
		 * What arrives from here on ends the HLT. If a deadline is wanted the timer is armed for it or for an earlier
		 * time: only irq_note clears `armed`, and timer_fired ran since. One in the past fires at once.
		 */
		cpu_halt();
	} else {
		__asm__ volatile("sti\n\tnop\n\tcli" : : : "memory");
	}
	atomic_store(&k->c.mode, CPU_KERNEL);
	atomic_xchg(&k->c.kicked, 0);
	irq_upcalls();
}

/*
 * An interrupt that comes in here is only noted: locks may be held. The kick makes the next cpu_idle or enter_user run
 * its upcall. The timer counts as armed for a time before any deadline: it goes off early and is then set right.
 */
void irq_breathe(void)
{
	struct kvm_cpu *k = kvm_cpu_this();

	if (k->armed != ARMED_BREATH) {
		wrmsr(MSR_TSC_DEADLINE, clock_cycles() + kvm_boot.tsc_hz / BREATHS_PER_SEC);
		k->armed = ARMED_BREATH;
	}
	cpu_halt();
	if (k->pending_queues || k->pending_timer)
		atomic_xchg(&k->c.kicked, 1);
}

/*
 * Not lost: the caller made its work visible before, and the exchange and the target's own (cpu_idle, enter_user:
 * publish the mode, then look at kicked) are in one order. Either we see the target asleep or in ring 3 and interrupt
 * it, or it sees the kick. The interrupt stays pending while the target still has interrupts off, and STI; HLT leaves no
 * gap. A target in the kernel consumes the flag only behind setting its mode, and looks for work after that.
 */
void cpu_kick(struct cpu *target)
{
	/* If it was set already, that kick's IPI is on its way, or the target looks before it sleeps or enters ring 3. */
	if (atomic_xchg(&target->kicked, 1))
		return;
	if (target != cpu_this() && READ_ONCE(target->mode) != CPU_KERNEL &&
	    READ_ONCE(target->mode) != CPU_COPYING)
		irq_ipi(target);
}
