// cc: musl
/* A static musl program: its start-up and its stdio make other calls than glibc's. */
#include "abi.h"
#include <pthread.h>
#include <sys/uio.h>

static void *thread(void *arg)
{
	*(int *)arg = 42;
	return arg;
}

TEST(stdio)
{
	char b[64];

	CHECK_EQ(snprintf(b, sizeof(b), "%d %s %.2f", 7, "seven", 7.25), 12);
	CHECK_STR(b, "7 seven 7.25");
	CHECK(fflush(stdout) == 0);
}

TEST(heap)
{
	char *p[64];

	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		p[i] = malloc(1 << (i % 20));
		REQUIRE(p[i]);
		memset(p[i], i, 1 << (i % 20));
	}
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		CHECK_EQ(p[i][0], (int)i);
		free(p[i]);
	}
}

TEST(pthread)
{
	pthread_t t;
	int v = 0;

	REQUIRE(pthread_create(&t, NULL, thread, &v) == 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK_EQ(v, 42);
}

TEST(posix_spawn_like)
{
	pid_t p = vfork();
	int st;

	if (p == 0)
		_exit(3);
	REQUIRE(p > 0);
	st = abi_wait(p);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 3);
}
