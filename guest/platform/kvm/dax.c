/*
 * dax.c - windows of host files: the launcher maps them into a memory slot that the direct map shows read-only. A page that
 * the host has taken away is a machine check (trap.c).
 */
#include "lib/err.h"
#include "platform/kvm/kvm.h"

bool platform_dax_refused;
int (*platform_dax_ask)(paddr_t pa, u64 len, u64 cookie);

u64 platform_dax_size(void)
{
	return platform_dax_ask ? kvm_boot.windows_size : 0;
}

int platform_dax_map(paddr_t pa, u64 len, u64 cookie)
{
	return platform_dax_ask(pa, len, cookie);
}

void platform_dax_unmap(paddr_t pa, u64 len)
{
	/* At worst the file stays open there until another takes its place. */
	platform_dax_ask(pa, len, 0);
}

size_t copy_mapped(void *dst, const void *src, size_t n)
{
	size_t left = copy_user(dst, src, n);

	trap_machine_check_seen();
	return left;
}
