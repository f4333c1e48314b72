/*
 * Touches memory that may fault, for tests of mappings: the access is made under handlers for
 * SIGSEGV and SIGBUS, and the caller learns which signal it raised (0: none) and, in abi_fault_info,
 * what siginfo said. One thread at a time.
 */
#ifndef ABI_FAULT_H
#define ABI_FAULT_H

#include "abi.h"
#include <setjmp.h>

static sigjmp_buf abi_fault_env;
static siginfo_t abi_fault_info;

static void abi_fault_handler(int sig, siginfo_t *si, void *uc ABI_UNUSED)
{
	abi_fault_info = *si;
	siglongjmp(abi_fault_env, sig);
}

ABI_UNUSED static int abi_fault(void (*fn)(void *), void *arg)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct sigaction sa = { .sa_sigaction = abi_fault_handler, .sa_flags = SA_SIGINFO };
	struct sigaction old[ARRAY_LEN(sigs)];
	int got;

	for (size_t i = 0; i < ARRAY_LEN(sigs); i++)
		sigaction(sigs[i], &sa, &old[i]);
	memset(&abi_fault_info, 0, sizeof(abi_fault_info));
	got = sigsetjmp(abi_fault_env, 1);
	if (!got)
		fn(arg);
	for (size_t i = 0; i < ARRAY_LEN(sigs); i++)
		sigaction(sigs[i], &old[i], NULL);
	return got;
}

ABI_UNUSED static void abi_do_read(void *p)
{
	(void)*(volatile char *)p;
}

ABI_UNUSED static void abi_do_write(void *p)
{
	*(volatile char *)p = 1;
}

ABI_UNUSED static void abi_do_call(void *p)
{
	((void (*)(void))(uintptr_t)p)();
}

/* Signal that the access raises, 0 for none. FAULT_EXEC wants a `ret` there when it should work. */
#define FAULT_READ(p)  abi_fault(abi_do_read, (void *)(p))
#define FAULT_WRITE(p) abi_fault(abi_do_write, (void *)(p))
#define FAULT_EXEC(p)  abi_fault(abi_do_call, (void *)(p))

ABI_UNUSED static void abi_divide_floats(void *arg)
{
	uint32_t mxcsr = 0x1f80 & ~0x200; /* division by zero unmasked */
	float one = 1, zero = 0;

	__asm__ volatile("ldmxcsr %1\n\tmovss %2, %%xmm0\n\tdivss %3, %%xmm0\n\tstmxcsr %0"
			 : "=m"(*(uint32_t *)arg)
			 : "m"(mxcsr), "m"(one), "m"(zero)
			 : "xmm0");
}

/*
 * Whether the CPU is QEMU's emulation: it sets the flag of an unmasked SSE exception and raises
 * none, which no kernel can bring about. Its IRETQ and far returns within ring 3 are wrong as well:
 * Linux itself crashes of them there.
 */
ABI_UNUSED static int abi_cpu_emulated(void)
{
	uint32_t after = 0, normal = 0x1f80;
	int sig = abi_fault(abi_divide_floats, &after);

	__asm__ volatile("ldmxcsr %0" : : "m"(normal));
	return sig == 0 && (after & 0x204) == 4;
}

#endif
