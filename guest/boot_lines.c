/*
 * boot_lines.c - the Sentry's boot messages. Facts first, then a deterministic choice of remarks: a sandbox that was
 * started with the same seed says the same.
 */
#include "boot_lines.h"
#include "lib/log.h"
#include "platform/platform.h"

#ifdef MOAT_KVM
#define PLATFORM "kvm"
#else
#define PLATFORM "systrap"
#endif

#define REMARKS 4

static const char *const remarks[] = {
	"Filling the moat... mind the alligators.",
	"Raising the drawbridge; the host is on the other side of it.",
	"Checking for kernel modules: none, and none are welcome.",
	"Asking the gofer to fetch only what it was told to.",
	"Counting system calls on all fingers; borrowing toes.",
	"Feeding the scheduler a balanced diet of tasks.",
	"Hanging a 'no ptrace' sign on the stubs.",
	"Teaching old binaries that this really is Linux.",
	"Polishing the vDSO until the time shows.",
	"Turning off the lights in unused page frames.",
	"Locking the door behind every file descriptor.",
	"Rehearsing errno values in front of the mirror.",
	"Looking for firmware: found none, slept better.",
	"Sharpening copy-on-write; duplicates beware.",
	"Promising init that nobody else will be pid 1.",
	"Practising to say EINVAL with a straight face.",
};

void boot_lines(u32 seed, unsigned cpus, u64 ram)
{
	u32 used = 0;

	klog("moat: Sentry " MOAT_VERSION " on %s, %u CPU%s, %llu MiB of address space", PLATFORM,
	     cpus, cpus == 1 ? "" : "s", (unsigned long long)(ram >> 20));
	for (int i = 0; i < REMARKS; i++) {
		u32 k;

		do {
			seed = seed * 1664525 + 1013904223;
			k = (seed >> 16) % ARRAY_SIZE(remarks);
		} while (used >> k & 1);
		used |= 1u << k;
		klog("%s", remarks[k]);
	}
	klog("Ready. Init is on its own now.");
}
