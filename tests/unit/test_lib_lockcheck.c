// sources: guest/lib/lockcheck.c guest/lib/spinlock.c
// cflags: -DMOAT_UNIT=1 -DMOAT_DEBUG=1
/*
 * test_lib_lockcheck.c - the lock order checker: a circle of two and of three classes is found although nothing
 * deadlocks, a mutex or a sleep under a spinlock too; orders without a circle, trylocks and locks of one class are not
 * complained about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/spinlock.h"
#include "platform/platform.h"

_Thread_local struct cpu *unit_cpu;

static struct spinlock a, b, c, many[3], in_image = SPINLOCK_INIT;

static jmp_buf caught;
static char why[200], told[2000];
static struct locks_held mutexes;

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	longjmp(caught, 1);
}

void klog(const char *fmt, ...)
{
	size_t n = strlen(told);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(told + n, sizeof(told) - n, fmt, ap);
	va_end(ap);
}

void lock_wait(u32 *word, u32 seen)
{
	abort();
}

void lock_wake(u32 *word)
{
	abort();
}

static struct locks_held *task_held(void)
{
	return &mutexes;
}

#define NONE ""

/* Does fn end in a panic that says `expected`, or in none? */
static void expect(const char *name, void (*fn)(void), const char *expected)
{
	static struct cpu cpus[16];
	static unsigned next;

	/* What a panic leaves held belongs to nobody: free it, and go on on a fresh CPU. */
	memset(&mutexes, 0, sizeof(mutexes));
	a.word = b.word = c.word = in_image.word = 0;
	unit_cpu = &cpus[next];
	unit_cpu->id = next++;
	why[0] = told[0] = 0;
	if (!setjmp(caught))
		fn();
	if (*expected ? !strstr(why, expected) : *why) {
		fprintf(stderr, "%s: panic \"%s\", expected \"%s\"\n%s", name, why, expected, told);
		exit(1);
	}
}

static void two(struct spinlock *x, struct spinlock *y)
{
	spin_lock(x);
	spin_lock(y);
	spin_unlock(x); /* in any order */
	spin_unlock(y);
}

static void ordered(void)
{
	two(&a, &b);
	two(&b, &c);
	two(&a, &in_image);
}

static void circle_of_three(void)
{
	two(&c, &a);
}

static void circle_of_two(void)
{
	two(&in_image, &a);
}

static void trylock(void)
{
	spin_lock(&c);
	if (!spin_trylock(&a))
		abort();
	spin_unlock(&a);
	spin_unlock(&c);
}

static void one_class(void)
{
	two(&many[0], &many[1]);
	two(&many[1], &many[0]);
}

static void mutex_under_spinlock(void)
{
	spin_lock(&a);
	lockcheck_order(&mutexes, NULL, true, NULL);
}

static void sleep_under_spinlock(void)
{
	spin_lock(&a);
	lockcheck_sleep("a nap");
}

static void spinlock_under_mutex(void)
{
	static struct lock_class class = { "a mutex" };

	lockcheck_order(&class, &class, true, NULL);
	lockcheck_taken(&class, &class, true, NULL);
	spin_lock(&a);
	spin_unlock(&a);
	lockcheck_released(&class, true);
	if (mutexes.n)
		abort();
}

int main(void)
{
	lockcheck_task = task_held;
	spin_init(&a);
	spin_init(&b);
	spin_init(&c);
	for (int i = 0; i < 3; i++)
		spin_init(&many[i]);
	expect("ordered", ordered, NONE);
	expect("circle of three", circle_of_three, "both orders: &c");
	if (!strstr(told, "&b")) {
		fprintf(stderr, "the way round is not told:\n%s", told);
		return 1;
	}
	expect("circle of two", circle_of_two, "both orders: a static lock");
	expect("trylock", trylock, NONE);
	expect("one class", one_class, NONE);
	expect("mutex under spinlock", mutex_under_spinlock, "under spinlock &a");
	expect("sleep under spinlock", sleep_under_spinlock, "a nap under spinlock &a");
	expect("spinlock under mutex", spinlock_under_mutex, NONE);
	return 0;
}
