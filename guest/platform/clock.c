/*
 * clock.c - time from the TSC, and the page from which the vDSO computes the same.
 *
 * One calibration record under a sequence lock; readers never block and never trap. CLOCK_MONOTONIC never steps back: a
 * new calibration continues from the largest value that the old one can have given. Writers are serialized by a lock.
 */
#include "lib/log.h"
#include "lib/spinlock.h"
#include "platform/platform.h"
#include "platform/vdso.h"

/* Products fit 128 bits; 2^32 keeps the rounding below 1 ns in 4 s at any frequency up to 4 GHz. */
#define SHIFT 32

/* A frequency is taken from two samples only when they lie so far apart that their error is below 1 ppm or so. */
#define SAMPLE_MIN_NS 1000000000ULL

static struct spinlock write_lock = SPINLOCK_INIT;
static u64 sample_tsc, sample_mono; /* the first sample as it came; under write_lock */

/* Each field is read and written whole; seq tells whether they belong together. */
static struct vdso_data *page(void)
{
	return paddr_to_ptr(VDSO_PADDR);
}

static u64 scale(u64 delta, u64 mult, u32 shift)
{
	return (u64)((unsigned __int128)delta * mult >> shift);
}

static void snapshot(struct vdso_data *out)
{
	struct vdso_data *d = page();
	u32 seq;

	for (;;) {
		seq = atomic_load(&d->seq);
		if (seq & 1) {
			cpu_relax();
			continue;
		}
		out->shift = READ_ONCE(d->shift);
		out->mult = READ_ONCE(d->mult);
		out->tsc = READ_ONCE(d->tsc);
		out->mono = READ_ONCE(d->mono);
		out->real = READ_ONCE(d->real);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (READ_ONCE(d->seq) == seq)
			return;
	}
}

u64 clock_mono(void)
{
	struct vdso_data d;
	u64 now = clock_cycles();

	snapshot(&d);
	return d.mono + (now > d.tsc ? scale(now - d.tsc, d.mult, d.shift) : 0);
}

s64 clock_real_offset(void)
{
	struct vdso_data d;

	snapshot(&d);
	return (s64)(d.real - d.mono);
}

paddr_t clock_vdso_page(void)
{
	return VDSO_PADDR;
}

/* (ns << SHIFT) / cycles, where ns < cycles << SHIFT: any counter above 1 Hz. There is no library for 128 bits here. */
static u64 ratio(u64 ns, u64 cycles)
{
	u64 q, rest;

	__asm__("divq %4"
		: "=a"(q), "=d"(rest)
		: "0"(ns << SHIFT), "1"(ns >> (64 - SHIFT)), "r"(cycles)
		: "cc");
	return q;
}

void clock_calibrate(u64 tsc, u64 mono, u64 real, u64 hz)
{
	struct vdso_data *d = page();
	u64 was, mult;

	spin_lock(&write_lock);
	if (hz)
		mult = ratio(1000000000, hz);
	else if (tsc > sample_tsc && mono >= sample_mono + SAMPLE_MIN_NS)
		mult = ratio(mono - sample_mono, tsc - sample_tsc);
	else
		mult = d->mult;
	BUG_ON(!mult);
	if (!sample_tsc) {
		sample_tsc = tsc;
		sample_mono = mono;
	}
	if (d->mult && tsc >= d->tsc) {
		was = d->mono + scale(tsc - d->tsc, d->mult, d->shift);
		if (mono < was)
			mono = was;
	}
	atomic_store(&d->seq, d->seq + 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	WRITE_ONCE(d->shift, SHIFT);
	WRITE_ONCE(d->mult, mult);
	WRITE_ONCE(d->tsc, tsc);
	WRITE_ONCE(d->mono, mono);
	WRITE_ONCE(d->real, real);
	atomic_store(&d->seq, d->seq + 1);
	spin_unlock(&write_lock);
}
