/*
 * unsupported.c - see unsupported.h.
 */
#include "lib/log.h"
#include "task/task.h"
#include "task/unsupported.h"

void unsupported(const char *what, u64 value)
{
	struct task *t = task_current();

	klog_once((u64)(uintptr_t)what ^ value << 40 ^ *(const u64 *)t->comm,
		  "%s: %s (0x%llx) is not supported", t->comm, what, (unsigned long long)value);
}
