// sources: guest/lib/random.c guest/lib/spinlock.c guest/lib/lockcheck.c tests/unit/platform_host.c guest/lib/log.c guest/lib/printf.c
// cflags: -DMOAT_UNIT=1 -pthread
// libs: -pthread
/*
 * test_task_random.c - the generator: nothing repeats, both halves of a seed matter, sizes off the block length are
 * filled to the last byte, and bits are about half ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/random.h"

#define REQUIRE(c)                                                      \
	do {                                                            \
		if (!(c)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #c); \
			exit(1);                                        \
		}                                                       \
	} while (0)

int main(void)
{
	u8 seed[64] = { 1 }, a[1000], b[1000];
	unsigned long ones = 0;
	u64 words[1000];

	REQUIRE(!random_ready());
	random_seed(seed, sizeof(seed));
	REQUIRE(random_ready());
	for (size_t n = 1; n < 200; n++) {
		bool last_changes = false;

		for (int k = 0; k < 20; k++) {
			memset(a, 0x5a, sizeof(a));
			random_bytes(a, n);
			last_changes |= a[n - 1] != 0x5a;
			REQUIRE(a[n] == 0x5a);
		}
		REQUIRE(last_changes);
	}
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	REQUIRE(memcmp(a, b, sizeof(a)));
	for (int i = 0; i < 1000; i++) {
		words[i] = random_u64();
		ones += (unsigned)__builtin_popcountll(words[i]);
		for (int k = 0; k < i; k++)
			REQUIRE(words[k] != words[i]);
	}
	REQUIRE(ones > 31000 && ones < 33000);
	seed[63] = 9;
	random_seed(seed, sizeof(seed));
	random_bytes(b, 8);
	random_seed(seed, 32);
	random_bytes(a, 8);
	REQUIRE(memcmp(a, b, 8));
	return 0;
}
