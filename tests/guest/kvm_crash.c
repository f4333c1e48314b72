/*
 * kvm_crash.c - the ways in which a broken Sentry ends. None of these functions comes back.
 */
#include "lib/atomic.h"
#include "lib/err.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "platform/kvm/kvm.h"
#include "platform/kvm/x86.h"
#include "platform/platform.h"
#include "tests/guest/kvm_test.h"

/* Never ends before the stack does. */
static unsigned __attribute__((noinline)) recurse(unsigned depth)
{
	volatile char room[512];

	room[depth % sizeof(room)] = depth;
	return depth == ~0U ? 0 : recurse(depth + 1) + room[depth % 7];
}

static void touch_user(bool exec)
{
	struct pmap *p = pmap_create();

	CHECK(pmap_map(p, 0x400000, PAGE_SIZE, frame_alloc(ZONE_SMALL, 0, FRAME_ZERO),
		       PMAP_R | PMAP_W | PMAP_X) == 0);
	pmap_switch(p);
	if (exec)
		((void (*)(void))0x400000)();
	*(volatile u64 *)0x400000 = 1;
}

static u32 spinning;

static void spin(void)
{
	for (;;)
		atomic_store(&spinning, 1);
}

/* With another CPU at work, whose registers and backtrace the launcher then looks for. */
static void triple_fault(void)
{
	cpu_start_all(spin);
	while (cpu_count() > 1 && !atomic_load(&spinning))
		cpu_relax();
	__asm__ volatile("lidt %0\n\tud2" : : "m"((struct { u8 b[10]; }){ 0 }));
}

void test_crash(uint32_t mode)
{
	u64 text = (u64)test_crash;
	volatile u8 *null = (u8 *)(kvm_boot.arena_size & 8);

	switch ((enum crash_mode)mode) {
	case CRASH_TEXT_ALIAS:
		text = (u64)paddr_to_ptr(text - KVM_IMAGE_BASE - kvm_boot.image_slide);
		CHECK(*(volatile u8 *)text == *(volatile u8 *)test_crash);
		*(volatile u8 *)text = 0;
		break;
	case CRASH_TEXT: *(volatile u8 *)text = 0; break;
	case CRASH_EXEC_DATA: ((void (*)(void))page_alloc())(); break;
	case CRASH_NULL: *null = 0; break;
	case CRASH_USER_ACCESS:
	case CRASH_USER_EXEC: touch_user(mode == CRASH_USER_EXEC); break;
	case CRASH_STACK: recurse(1); break;
	case CRASH_PORT: outb(0x80, 1); break;
	case CRASH_NO_MEMORY: *(volatile u8 *)paddr_to_ptr(kvm_boot.ram_size) = 0; break;
	case CRASH_TRIPLE: triple_fault(); break;
	case CRASH_MSR: wrmsr(0x1a0, 0); break;
	case CRASH_MODES: break;
	}
	panic("crash mode %u did nothing", mode);
}
