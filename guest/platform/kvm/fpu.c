/*
 * fpu.c - extended processor state: standard-format XSAVE images, saved and restored at a switch of tasks and never at a
 * system call. XCR0 is the launcher's choice (no AMX, no PKRU yet).
 */
#include <string.h>

#include "lib/err.h"
#include "platform/kvm/kvm.h"
#include "platform/kvm/x86.h"

#define LEGACY_SIZE 512
#define HEADER_SIZE 64
#define MXCSR_INIT  0x1f80

static u32 mxcsr_mask;

size_t fpu_size(void)
{
	return kvm_boot.xsave_size;
}

u64 fpu_features(void)
{
	return kvm_boot.xfeatures;
}

void fpu_save(void *area)
{
	__asm__ volatile("xsave64 (%0)"
			 :
			 : "r"(area), "a"((u32)kvm_boot.xfeatures),
			   "d"((u32)(kvm_boot.xfeatures >> 32))
			 : "memory");
}

void fpu_restore(const void *area)
{
	__asm__ volatile("xrstor64 (%0)"
			 :
			 : "r"(area), "a"((u32)kvm_boot.xfeatures),
			   "d"((u32)(kvm_boot.xfeatures >> 32))
			 : "memory");
}

/* The ABI's initial state: everything in its initial configuration, FCW 0x37f, MXCSR 0x1f80. */
void fpu_area_init(void *area)
{
	memset(area, 0, kvm_boot.xsave_size);
	*(u16 *)area = 0x37f;
	*(u32 *)((char *)area + 24) = MXCSR_INIT;
	*(u32 *)((char *)area + 28) = mxcsr_mask;
}

void fpu_init_cpu(void)
{
	static u8 image[LEGACY_SIZE] __attribute__((aligned(64)));
	u32 mxcsr = MXCSR_INIT;

	__asm__ volatile("fninit\n\tldmxcsr %0" : : "m"(mxcsr));
	if (mxcsr_mask)
		return;
	__asm__ volatile("fxsave64 %0" : "=m"(image));
	mxcsr_mask = *(u32 *)&image[28];
	if (!mxcsr_mask)
		mxcsr_mask = 0xffbf;
}

u32 fpu_exceptions(bool simd)
{
	u16 status, control;
	u32 mxcsr;

	if (simd) {
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		return mxcsr & ~(mxcsr >> 7) & 0x3f;
	}
	__asm__ volatile("fnstsw %0\n\tfnstcw %1" : "=m"(status), "=m"(control));
	return status & ~control & 0x3f;
}

/*
 * May XRSTOR take this image? Linux's rule for signal frames: standard format, no feature that the sandbox has not,
 * reserved header bytes zero, no reserved MXCSR bit.
 */
int fpu_check(const void *area)
{
	const u8 *a = area;
	u64 header[HEADER_SIZE / 8];
	u32 mxcsr;
	unsigned i;

	memcpy(header, a + LEGACY_SIZE, sizeof(header));
	memcpy(&mxcsr, a + 24, sizeof(mxcsr));
	if (header[0] & ~kvm_boot.xfeatures)
		return -EINVAL;
	for (i = 1; i < ARRAY_SIZE(header); i++)
		if (header[i])
			return -EINVAL;
	return mxcsr & ~mxcsr_mask ? -EINVAL : 0;
}

/* Components that xstate_bv does not name read as their initial state: keep no old bytes of theirs. */
void fpu_sanitize(void *area)
{
	u8 *a = area;
	u64 bv;

	memcpy(&bv, a + LEGACY_SIZE, sizeof(bv));
	if (!(bv & 1)) {
		memset(a, 0, 24);
		*(u16 *)a = 0x37f;
		memset(a + 32, 0, 128);
	}
	if (!(bv & 2))
		memset(a + 160, 0, 256);
	if (!(bv >> 2))
		memset(a + LEGACY_SIZE + HEADER_SIZE, 0,
		       kvm_boot.xsave_size - LEGACY_SIZE - HEADER_SIZE);
}
