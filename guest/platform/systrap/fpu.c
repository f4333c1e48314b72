/*
 * fpu.c - FPU state of application threads.
 *
 * While a thread is stopped its state lies in its context slot: in the signal frame that the host kernel wrote
 * (standard XSAVE format), or at SLOT_FPU where the Sentry wrote it. Both are application memory, so whatever is taken
 * from there is made valid first; a resume from a bad image faults in the stub and kills that thread alone.
 */
#include "platform/systrap/systrap.h"

#include <string.h>

/* x87, SSE, AVX, AVX-512 (3), PKRU. Not AMX: its state needs a permission we do not take */
#define FPU_KNOWN  0x2e7ULL
#define FPU_LEGACY 512
#define FPU_MIN	   576

struct fpu_header {
	u64 xstate_bv, xcomp_bv, reserved[6];
};

static u32 stub_fpu_size;
u64 stub_fpu_mask;
static u32 mxcsr_mask;
/* Where each component lies: CPUID itself exits to the hypervisor where the host is a virtual machine. */
static struct {
	u32 size, off;
} component[63];

static void cpuid(u32 leaf, u32 sub, u32 *a, u32 *b, u32 *c, u32 *d)
{
	__asm__ volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(sub));
}

void fpu_init(void)
{
	static u8 area[512] __attribute__((aligned(64)));
	u32 lo, hi, a, b, c, d;
	unsigned i;

	cpuid(1, 0, &a, &b, &c, &d);
	if (!(c & (1U << 27)))
		die("the host has no XSAVE");
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	stub_fpu_mask = ((u64)hi << 32 | lo) & FPU_KNOWN;
	stub_fpu_size = FPU_MIN;
	for (i = 2; i < 63; i++) {
		if (!(stub_fpu_mask >> i & 1))
			continue;
		cpuid(0xd, i, &a, &b, &c, &d);
		component[i].size = a;
		component[i].off = b;
		stub_fpu_size = MAX(stub_fpu_size, a + b);
	}
	BUG_ON(stub_fpu_size > SLOT_FPU_MAX);
	__asm__ volatile("fxsave64 %0" : "=m"(area));
	memcpy(&mxcsr_mask, area + 28, 4);
	if (!mxcsr_mask)
		mxcsr_mask = 0xffbf;
}

size_t fpu_size(void)
{
	return stub_fpu_size;
}

u64 fpu_features(void)
{
	return stub_fpu_mask;
}

static void image_init(void *buf)
{
	const u16 fcw = 0x37f;
	const u32 mxcsr = 0x1f80;

	memset(buf, 0, FPU_MIN);
	memcpy(buf, &fcw, sizeof(fcw));
	memcpy((char *)buf + 24, &mxcsr, sizeof(mxcsr));
}

/* Make an image valid for XRSTOR whatever it holds. */
static void image_clean(void *buf)
{
	struct fpu_header *h = (struct fpu_header *)((char *)buf + FPU_LEGACY);
	u32 mxcsr;

	h->xstate_bv &= stub_fpu_mask;
	h->xcomp_bv = 0;
	memset(h->reserved, 0, sizeof(h->reserved));
	memcpy(&mxcsr, (char *)buf + 24, 4);
	mxcsr &= mxcsr_mask;
	memcpy((char *)buf + 24, &mxcsr, 4);
}

/* Where the kernel says that the frame's FPU state is; 0 if that is not inside the slot. */
u32 fpu_frame_offset(struct stub *s, u64 fpstate)
{
	u64 base = STUB_BASE + (u64)s->slot * SLOT_SIZE;

	if (fpstate < base || (fpstate & 63) || fpstate - base > SLOT_SIZE - stub_fpu_size)
		return 0;
	return fpstate - base;
}

void utask_fpu_save(struct utask *u, void *buf)
{
	enter_save_fpu(u);
	memcpy(buf, u->stub->base + u->fpu_off, stub_fpu_size);
	image_clean(buf);
}

int utask_fpu_load(struct utask *u, const void *buf)
{
	const struct fpu_header *h = (const struct fpu_header *)((const char *)buf + FPU_LEGACY);
	char *image = u->stub->base + SLOT_FPU;
	u32 mxcsr;
	unsigned i;

	memcpy(&mxcsr, (const char *)buf + 24, 4);
	if ((h->xstate_bv & ~stub_fpu_mask) || h->xcomp_bv || (mxcsr & ~mxcsr_mask))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(h->reserved); i++)
		if (h->reserved[i])
			return -EINVAL;
	memcpy(image, buf, stub_fpu_size);
	for (i = 2; i < 63; i++) {
		if (!(stub_fpu_mask >> i & 1) || (h->xstate_bv >> i & 1))
			continue;
		memset(image + component[i].off, 0, component[i].size);
	}
	u->fpu_off = SLOT_FPU;
	return 0;
}

void utask_fpu_reset(struct utask *u)
{
	image_init(u->stub->base + SLOT_FPU);
	u->fpu_off = SLOT_FPU;
}
