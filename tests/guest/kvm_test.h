/*
 * kvm_test.h - what the files of the KVM platform's test image share. struct report lies at the start of the arena's
 * frames and is read by the launcher of the test.
 */
#ifndef MOAT_TESTS_GUEST_KVM_TEST_H
#define MOAT_TESTS_GUEST_KVM_TEST_H

#include <stdbool.h>
#include <stdint.h>

struct report {
	uint32_t mode; /* set by the launcher: 0 = the tests, else enum crash_mode */
	uint32_t len, failed;
	uint32_t rounds; /* of kicks and shootdowns; set by the launcher */
	char text[65536 - 16];
};

/* Ways to die; each must end in a crash record with the right reason. */
enum crash_mode {
	CRASH_TEXT_ALIAS = 1, /* write to the image's text through the direct map */
	CRASH_TEXT,	      /* write to the text */
	CRASH_EXEC_DATA,      /* execute a page of the direct map */
	CRASH_NULL,
	CRASH_USER_ACCESS, /* touch an application's page without the copy routines */
	CRASH_USER_EXEC,   /* execute an application's page */
	CRASH_STACK,	   /* run into the guard page */
	CRASH_PORT,	   /* an unknown port */
	CRASH_NO_MEMORY,   /* an address behind RAM */
	CRASH_TRIPLE,
	CRASH_MSR, /* a register that the filter denies */
	CRASH_MODES,
};

#ifdef MOAT_KVM

#include "lib/types.h"

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void check_at(bool ok, const char *what, int line);
#define CHECK(cond) check_at(cond, #cond, __LINE__)

extern u32 timer_count[], smp_rounds;
int test_fault(uaddr_t addr, unsigned access);
void test_user(void);
void test_smp(void);
void test_crash(uint32_t mode);

/* kvm_blobs.S: application code, position-independent. */
#define BLOB(name) extern const char blob_##name[], blob_##name##_end[]
BLOB(getpid);
BLOB(fault);
BLOB(ud2);
BLOB(int3);
BLOB(div0);
BLOB(hlt);
BLOB(int80);
BLOB(sysenter);
BLOB(noncanonical);
BLOB(movss);
BLOB(movss_int3);
BLOB(popf);
BLOB(trapflag);
BLOB(align);
BLOB(badgs);
BLOB(clearfs);
BLOB(farjmp32);
BLOB(spin);
BLOB(fpu);
BLOB(kernel_read);
BLOB(loop);
BLOB(touch);
BLOB(bases);

#endif
#endif
