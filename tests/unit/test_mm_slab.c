// sources: guest/mm/frame.c guest/mm/account.c guest/mm/charge.c guest/mm/report.c guest/mm/slab.c guest/lib/spinlock.c guest/lib/lockcheck.c guest/lib/log.c guest/lib/printf.c tests/unit/platform_host.c
// cflags: -DMOAT_UNIT=1 -DMOAT_DEBUG=1 -pthread
// libs: -pthread
/*
 * test_mm_slab.c - the Sentry's heap: random sizes keep their content, two CPUs free each other's objects, and all
 * memory comes home.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/boot.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "tests/unit/platform_host.h"

#define OBJECTS 4000

struct object {
	u8 *p;
	size_t size;
	u8 fill;
};

static void check(const struct object *o)
{
	for (size_t i = 0; i < o->size; i++)
		if (o->p[i] != o->fill) {
			fprintf(stderr, "object of %zu damaged at %zu\n", o->size, i);
			exit(1);
		}
}

static size_t some_size(unsigned *seed)
{
	switch (rand_r(seed) % 8) {
	case 0: return 2000 + rand_r(seed) % 100;
	case 1: return rand_r(seed) % 20000;
	default: return rand_r(seed) % 700;
	}
}

static void random_ops(struct object *obj, unsigned seed, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct object *o = &obj[rand_r(&seed) % OBJECTS];

		if (!o->p) {
			o->size = some_size(&seed);
			o->p = kmalloc(o->size);
			CHECK(o->p && !((unsigned long)o->p & 15));
			o->fill = (u8)rand_r(&seed);
			memset(o->p, o->fill, o->size);
		} else if (rand_r(&seed) % 4 == 0) {
			size_t size = some_size(&seed);

			check(o);
			o->p = krealloc(o->p, size);
			CHECK(o->p);
			if (size > o->size)
				memset(o->p + o->size, o->fill, size - o->size);
			o->size = size;
			check(o);
		} else {
			check(o);
			kfree(o->p);
			o->p = NULL;
		}
	}
}

static void *second_cpu(void *arg)
{
	struct object *obj = arg;

	unit_cpu_init(1);
	random_ops(obj, 77, 100000);
	/* What CPU 0 allocated is freed here, and the other way round. */
	for (unsigned i = 0; i < OBJECTS; i++) {
		if (obj[OBJECTS + i].p) {
			check(&obj[OBJECTS + i]);
			kfree(obj[OBJECTS + i].p);
			obj[OBJECTS + i].p = NULL;
		}
	}
	slab_trim();
	return NULL;
}

int main(void)
{
	static struct object obj[3 * OBJECTS];
	struct frame_stats before, after;
	pthread_t t;
	char *s;

	unit_platform_init(256UL << 20, 1UL << 20);
	frame_init(platform_ram_free(), 256UL << 20, ARENA_PADDR + (1UL << 20), 1UL << 20);
	frame_stats(&before);
	for (size_t size = 0; size < 5000; size++) {
		u8 *p = kzalloc(size);

		CHECK(p);
		for (size_t i = 0; i < size; i++)
			CHECK(!p[i]);
		memset(p, 0xff, size);
		kfree(p);
	}
	s = kstrdup("a string");
	CHECK(!strcmp(s, "a string"));
	kfree(s);
	kfree(NULL);
	CHECK(!kmalloc(3UL << 20));
	random_ops(obj + OBJECTS, 5, 100000);
	pthread_create(&t, NULL, second_cpu, obj);
	random_ops(obj + 2 * OBJECTS, 9, 100000);
	pthread_join(t, NULL);
	for (unsigned i = 0; i < 3 * OBJECTS; i++)
		kfree(obj[i].p);
	CHECK_EQ(slab_bytes(), 0);
	slab_trim();
	frame_stats(&after);
	CHECK_EQ(after.free, before.free);
	CHECK_EQ(after.charged, before.charged);
	printf("slab: ok\n");
	return 0;
}
