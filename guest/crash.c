/*
 * crash.c - the Sentry's end by its own fault: fill the crash record, stop everything.
 */
#include <string.h>

#include "abi/boot.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "platform/platform.h"
#include "task/task.h"

static u32 crashing;

static void backtrace(struct crash_record *r)
{
	const u64 *fp = __builtin_frame_address(0);

	/* Frames lie upwards on one stack: stop where that breaks. */
	while (r->depth < 32 && fp && !((u64)(uintptr_t)fp & 7)) {
		const u64 *next = (const u64 *)(uintptr_t)fp[0];

		r->backtrace[r->depth++] = fp[1];
		if (next <= fp || (const char *)next - (const char *)fp > (s64)KSTACK_SIZE)
			break;
		fp = next;
	}
}

static void dmesg_tail(struct crash_record *r)
{
	u64 end = klog_end_seq(), from = end > 1500 ? end - 1500 : klog_first_seq();

	klog_read(&from, r->dmesg_tail, sizeof(r->dmesg_tail) - 1);
}

void panic(const char *fmt, ...)
{
	struct crash_record *r = paddr_to_ptr(ARENA_PADDR + ARENA_CRASH);
	struct cpu *cpu = cpu_this();
	va_list ap;

	if (atomic_xchg(&crashing, 1))
		platform_crash(); /* a second CPU, or a fault while we report */

	klog_logged = NULL; /* it takes locks */
	va_start(ap, fmt);
	kvsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	va_end(ap);
	r->syscall_nr = -1;
	if (cpu) {
		r->cpu = cpu->id;
		if (cpu->task) {
			memcpy(r->task, cpu->task->comm, TASK_COMM_LEN);
			r->pid = (u32)cpu->task->tid;
			r->syscall_nr = cpu->task->syscall_nr;
		}
	}
	backtrace(r);
	dmesg_tail(r);
	atomic_store(&r->magic, CRASH_MAGIC);
	platform_crash();
}

/* libfdt comes compiled with stack protection; its canary is a word of the boot CPU's FS page. */
void __stack_chk_fail(void) __attribute__((noreturn));
void __stack_chk_fail(void)
{
	panic("stack smashed while the device tree was read");
}
