/*
 * vdso.c - the code that the Sentry maps into every process: clock_gettime and its kin without a system call.
 *
 * Built as a shared object of its own (mk/vdso.mk). The time page (platform/vdso.h) is mapped directly below the image;
 * the linker script puts its symbol there. What the page cannot answer goes to the system call. getcpu is always a
 * system call: the CPU it must name is the Sentry's, which RDPID does not know.
 */
#include "platform/vdso.h"

#define CLOCK_REALTIME	       0
#define CLOCK_MONOTONIC	       1
#define CLOCK_MONOTONIC_RAW    4
#define CLOCK_REALTIME_COARSE  5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME	       7

#define NR_gettimeofday	 96
#define NR_time		 201
#define NR_clock_gettime 228
#define NR_clock_getres	 229
#define NR_getcpu	 309

#define NS 1000000000UL

extern const struct vdso_data vdso_time_page __attribute__((visibility("hidden")));

struct timespec {
	s64 sec, nsec;
};
struct timeval {
	s64 sec, usec;
};
struct timezone {
	int minuteswest, dsttime;
};

int __vdso_clock_gettime(int clock, struct timespec *ts);
int __vdso_clock_getres(int clock, struct timespec *ts);
int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz);
s64 __vdso_time(s64 *t);
int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

#define ALIAS(name, target) extern __typeof__(target) name __attribute__((weak, alias(#target)))
ALIAS(clock_gettime, __vdso_clock_gettime);
ALIAS(clock_getres, __vdso_clock_getres);
ALIAS(gettimeofday, __vdso_gettimeofday);
ALIAS(time, __vdso_time);
ALIAS(getcpu, __vdso_getcpu);

static long syscall3(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}

/* False until the Sentry has calibrated the clock. */
static bool now(bool real, u64 *ns)
{
	const volatile struct vdso_data *d = &vdso_time_page;
	u64 tsc, base, delta, mult;
	u32 seq, shift, lo, hi;

	do {
		while ((seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE)) & 1)
			__builtin_ia32_pause();
		__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
		mult = d->mult;
		shift = d->shift;
		tsc = d->tsc;
		base = real ? d->real : d->mono;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (d->seq != seq);
	if (!mult)
		return false;
	delta = (u64)hi << 32 | lo;
	delta = delta > tsc ? delta - tsc : 0;
	*ns = base + (u64)((unsigned __int128)delta * mult >> shift);
	return true;
}

int __vdso_clock_gettime(int clock, struct timespec *ts)
{
	u64 ns;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		if (!now(true, &ns))
			break;
		ts->sec = (s64)(ns / NS);
		ts->nsec = (s64)(ns % NS);
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		if (!now(false, &ns))
			break;
		ts->sec = (s64)(ns / NS);
		ts->nsec = (s64)(ns % NS);
		return 0;
	default: break;
	}
	return (int)syscall3(NR_clock_gettime, clock, (long)ts, 0);
}

int __vdso_clock_getres(int clock, struct timespec *ts)
{
	return (int)syscall3(NR_clock_getres, clock, (long)ts, 0);
}

int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz)
{
	u64 ns;

	if (!now(true, &ns))
		return (int)syscall3(NR_gettimeofday, (long)tv, (long)tz, 0);
	if (tv) {
		tv->sec = (s64)(ns / NS);
		tv->usec = (s64)(ns % NS / 1000);
	}
	if (tz)
		tz->minuteswest = tz->dsttime = 0;
	return 0;
}

s64 __vdso_time(s64 *t)
{
	u64 ns;

	if (!now(true, &ns))
		return syscall3(NR_time, (long)t, 0, 0);
	if (t)
		*t = (s64)(ns / NS);
	return (s64)(ns / NS);
}

int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	return (int)syscall3(NR_getcpu, (long)cpu, (long)node, (long)unused);
}
