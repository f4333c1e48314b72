/*
 * kvm_main.c - an image that is nothing but the KVM platform and its test: boots like the Sentry, runs tiny pieces of
 * ring-3 code and looks at how each stops. One line per check goes to the arena's frames, where kvm_launch.c reads them;
 * the first failed check ends the run.
 */
#include <stdarg.h>
#include <string.h>

#include "abi/boot.h"
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "platform/kvm/kvm.h"
#include "platform/platform.h"
#include "tests/guest/kvm_test.h"

static struct report *report;

static void vsay(const char *fmt, va_list ap)
{
	char line[160];
	int n;

	n = kvsnprintf(line, sizeof(line), fmt, ap);
	if (n > (int)sizeof(line) - 1)
		n = sizeof(line) - 1;
	if (report->len + n + 1 > sizeof(report->text))
		return;
	memcpy(report->text + report->len, line, n);
	report->text[report->len + n] = '\n';
	report->len += n + 1;
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(fmt, ap);
	va_end(ap);
}

/* The platform's own words. */
void klog(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(fmt, ap);
	va_end(ap);
}

void check_at(bool ok, const char *what, int line)
{
	if (ok)
		return;
	say("FAILED line %d: %s", line, what);
	report->failed = 1;
	platform_halt();
}

void panic(const char *fmt, ...)
{
	struct crash_record *r = paddr_to_ptr(ARENA_PADDR + ARENA_CRASH);
	va_list ap;

	va_start(ap, fmt);
	kvsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	va_end(ap);
	r->magic = CRASH_MAGIC;
	platform_crash();
}

static unsigned queue_seen;

static void on_queue(unsigned q)
{
	atomic_or(&queue_seen, 1U << q);
}

u32 timer_count[MAX_CPUS];

static void on_timer(void)
{
	timer_count[cpu_this()->id]++;
}

/* Interrupts: an irqfd that the launcher fires when our doorbell rings, the timer, a halted CPU. */
static void test_irq(void)
{
	u64 t0;

	doorbell_ring(3);
	while (!atomic_load(&queue_seen))
		cpu_idle();
	CHECK(queue_seen == 1U << 3);
	say("ok doorbell and interrupt");
	t0 = clock_mono();
	cpu_timer_set(t0 + 2000000);
	while (!timer_count[0])
		cpu_idle();
	CHECK(clock_mono() - t0 >= 2000000);
	say("ok timer, 2 ms took %lu us", (unsigned long)((clock_mono() - t0) / 1000));
	cpu_timer_set(clock_mono() + 300000);
	cpu_timer_set(0);
	t0 = clock_mono();
	while (clock_mono() - t0 < 1000000)
		platform_poll();
	CHECK(timer_count[0] == 1);
	say("ok disarmed timer");
}

void sentry_main(const void *fdt)
{
	static const struct platform_upcalls up = { .queue = on_queue,
						    .timer = on_timer,
						    .fault = test_fault };

	report = paddr_to_ptr(ARENA_PADDR + ARENA_FRAMES);
	say("ok boot: direct map %p, %u CPUs, XSAVE %lu bytes", direct_map, cpu_count(),
	    (unsigned long)fpu_size());
	frame_init(platform_ram_free(), kvm_boot.ram_size,
		   ARENA_PADDR + ARENA_FRAMES + sizeof(*report), kvm_boot.arena_size);
	clock_calibrate(clock_cycles(), 1000, 1000, kvm_boot.tsc_hz);
	platform_set_upcalls(&up);
	smp_rounds = report->rounds;
	if (report->mode)
		test_crash(report->mode);
	test_irq();
	test_user();
	test_smp();
	say("PASSED");
	platform_halt();
}
