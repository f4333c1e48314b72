// futex_wake(2), futex_wait(2), futex_requeue(2) of the futex2 family, futex_waitv(2). Skipped before Linux 6.7 / 5.16.
#include "abi.h"
#include <pthread.h>

#define SYS_FUTEX_WAITV	  449
#define SYS_FUTEX_WAKE	  454
#define SYS_FUTEX_WAIT	  455
#define SYS_FUTEX_REQUEUE 456
#define U32		  2
#define PRIVATE		  128

struct waitv {
	uint64_t val, addr;
	uint32_t flags, reserved;
};

static uint32_t word, word2;
static int woken;

static void *waiter(void *arg ABI_UNUSED)
{
	if (!syscall(SYS_FUTEX_WAIT, &word, 0UL, 0xffffffffUL, U32 | PRIVATE, NULL, 0))
		__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static int missing(void)
{
	return syscall(SYS_FUTEX_WAKE, &word, 1UL, 0, U32) && errno == ENOSYS;
}

TEST(requeue)
{
	struct waitv v[2] = { { 0, (uintptr_t)&word, U32 | PRIVATE, 0 },
			      { 0, (uintptr_t)&word2, U32 | PRIVATE, 0 } };
	pthread_t t[3];
	long moved = 0;

	if (missing())
		SKIP("no futex_wake");
	for (int i = 0; i < 3; i++)
		REQUIRE(!pthread_create(&t[i], NULL, waiter, NULL));
	abi_sleep_ms(30);
	WAIT_UNTIL((moved += syscall(SYS_FUTEX_REQUEUE, v, 0, 0, 3)) == 3);
	CHECK_EQ(syscall(SYS_FUTEX_WAKE, &word, 0xffffffffUL, 3, U32 | PRIVATE), 0);
	CHECK_EQ(syscall(SYS_FUTEX_WAKE, &word2, 0xffffffffUL, 3, U32 | PRIVATE), 3);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(woken, 3);
	v[0].val = 1;
	CHECK_ERRNO(syscall(SYS_FUTEX_REQUEUE, v, 0, 0, 1), EAGAIN);
}

TEST(errors)
{
	struct waitv v[2] = { { 0, (uintptr_t)&word, U32, 0 }, { 0, (uintptr_t)&word2, U32, 0 } };

	if (missing())
		SKIP("no futex_wake");
	CHECK_ERRNO(syscall(SYS_FUTEX_REQUEUE, NULL, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_FUTEX_REQUEUE, v, 1, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_FUTEX_REQUEUE, bad_ptr(), 0, 0, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_FUTEX_REQUEUE, v, 0, -1, 0), EINVAL);
	v[1].flags = 0;
	CHECK_ERRNO(syscall(SYS_FUTEX_REQUEUE, v, 0, 0, 0), EINVAL);
	v[1].flags = U32;
	v[1].reserved = 1;
	CHECK_ERRNO(syscall(SYS_FUTEX_REQUEUE, v, 0, 0, 0), EINVAL);
	v[1].reserved = 0;
	v[0].val = 1UL << 32;
	CHECK_ERRNO(syscall(SYS_FUTEX_REQUEUE, v, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_FUTEX_WAKE, &word, 1UL, 1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_FUTEX_WAKE, (char *)&word + 1, 1UL, 1, U32), EINVAL);
	CHECK_ERRNO(syscall(SYS_FUTEX_WAIT, &word, 1UL, 1UL, U32, NULL, 0), EAGAIN);
	CHECK_ERRNO(syscall(SYS_FUTEX_WAIT, &word, 0UL, 1UL, 0, NULL, 0), EINVAL);
}
