/*
 * power.c - doorbells, the end, locks' slow path, memory given back.
 */
#include <string.h>

#include "lib/atomic.h"
#include "platform/kvm/kvm.h"
#include "platform/kvm/x86.h"

void doorbell_ring(unsigned queue)
{
	outb(RING_PORT_BASE + queue, 0);
}

static void stop(u16 port)
{
	for (;;)
		outb(port, 0);
}

void platform_halt(void)
{
	stop(PORT_HALT);
	__builtin_unreachable();
}

void platform_crash(void)
{
	stop(PORT_CRASH);
	__builtin_unreachable();
}

/* Without PV_UNHALT (not offered to the sandbox) nobody can wake us: look again after a breath. */
void lock_wait(u32 *word, u32 seen)
{
	unsigned i;

	for (i = 0; i < SPINS_PER_BREATH; i++) {
		if (READ_ONCE(*word) != seen)
			return;
		cpu_relax();
	}
	irq_breathe();
}

void lock_wake(u32 *word)
{
}

void (*platform_balloon)(paddr_t pa, u64 len, void (*done)(void *), void *arg);

void ram_release(paddr_t pa, u64 len, void (*done)(void *), void *arg)
{
	if (platform_balloon) {
		platform_balloon(pa, len, done, arg);
		return;
	}
	/* No balloon device: the host keeps the memory, but the promise is zeroes. */
	memset(paddr_to_ptr(pa), 0, len);
	done(arg);
}
