/* Clocks: gettime by vDSO and by system call agree, monotony, resolution, settime rules, times. */
#include "abi.h"
#include "abi_fault.h"
#include <sys/auxv.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <elf.h>
#include <pthread.h>

static int64_t ns(struct timespec t)
{
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int64_t raw_clock(int id)
{
	struct timespec t = { 0, 0 };

	CHECK_OK(syscall(SYS_clock_gettime, id, &t));
	return ns(t);
}

static int64_t libc_clock(int id)
{
	struct timespec t = { 0, 0 };

	CHECK_OK(clock_gettime(id, &t));
	return ns(t);
}

/* A symbol of the vDSO, found as libc does it: by the dynamic section. */
static void *vdso_symbol(const char *name)
{
	char *base = (char *)getauxval(AT_SYSINFO_EHDR), *strings = NULL;
	Elf64_Ehdr *eh = (Elf64_Ehdr *)base;
	Elf64_Phdr *ph = (Elf64_Phdr *)(base + eh->e_phoff);
	Elf64_Sym *syms = NULL;
	Elf64_Dyn *dyn = NULL;
	uint32_t *hash = NULL;
	char *slide = base;

	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD)
			slide = base + ph[i].p_offset - ph[i].p_vaddr;
		else if (ph[i].p_type == PT_DYNAMIC)
			dyn = (Elf64_Dyn *)(base + ph[i].p_offset);
	}
	for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
		if (dyn->d_tag == DT_STRTAB)
			strings = slide + dyn->d_un.d_ptr;
		else if (dyn->d_tag == DT_SYMTAB)
			syms = (Elf64_Sym *)(slide + dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_HASH)
			hash = (uint32_t *)(slide + dyn->d_un.d_ptr);
	}
	if (!strings || !syms)
		return NULL;
	/* without DT_HASH the table ends where the strings begin, as linkers lay it out */
	size_t n = hash ? hash[1] : (size_t)(strings - (char *)syms) / sizeof(*syms);
	for (size_t i = 0; i < n; i++)
		if (syms[i].st_shndx && !strcmp(strings + syms[i].st_name, name))
			return slide + syms[i].st_value;
	return NULL;
}

TEST(vdso_functions)
{
	int (*vgettime)(int, struct timespec *) = vdso_symbol("__vdso_clock_gettime");
	int (*vtod)(struct timeval *, void *) = vdso_symbol("__vdso_gettimeofday");
	time_t (*vtime)(time_t *) = vdso_symbol("__vdso_time");
	int (*vgetcpu)(unsigned *, unsigned *, void *) = vdso_symbol("__vdso_getcpu");
	int (*vgetres)(int, struct timespec *) = vdso_symbol("__vdso_clock_getres");
	static const int ids[] = { CLOCK_REALTIME,	  CLOCK_MONOTONIC,
				   CLOCK_BOOTTIME,	  CLOCK_MONOTONIC_RAW,
				   CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE };

	REQUIRE(vgettime && vtod && vtime && vgetcpu);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct timespec t;
		int64_t before = raw_clock(ids[i]), v;

		CHECK_EQ(vgettime(ids[i], &t), 0);
		v = ns(t);
		CHECK(before <= v);
		CHECK(v <= raw_clock(ids[i]));
		CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
	}
	struct timespec t;
	CHECK_EQ(vgettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0); /* falls back to the system call */
	CHECK_EQ(vgettime(99, &t), -EINVAL);
	struct timeval tv;
	int64_t a = raw_clock(CLOCK_REALTIME) / 1000, b;
	CHECK_EQ(vtod(&tv, NULL), 0);
	b = tv.tv_sec * 1000000LL + tv.tv_usec;
	CHECK(a <= b && b <= raw_clock(CLOCK_REALTIME) / 1000);
	time_t s = 0, s1 = syscall(SYS_time, NULL);
	CHECK(vtime(&s) == s);
	CHECK(s >= s1 && s <= syscall(SYS_time, NULL) + 1);
	unsigned cpu = -1;
	CHECK_EQ(vgetcpu(&cpu, NULL, NULL), 0);
	CHECK(cpu < 1024);
	if (vgetres)
		CHECK_EQ(vgetres(CLOCK_MONOTONIC, &t), 0);
}

TEST(libc_and_raw_agree)
{
	static const int ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
				   CLOCK_MONOTONIC_RAW };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		for (int k = 0; k < 1000; k++) {
			int64_t a = raw_clock(ids[i]), b = libc_clock(ids[i]),
				c = raw_clock(ids[i]);

			if (!CHECK(a <= b) || !CHECK(b <= c))
				break;
		}
}

static void *monotone(void *arg)
{
	int64_t last = 0;

	for (int i = 0; i < 50000; i++) {
		int64_t now = libc_clock(CLOCK_MONOTONIC);

		if (now < last) {
			ABI_FAIL("monotonic clock went back by %ld ns", (long)(last - now));
			break;
		}
		last = now;
	}
	return arg;
}

TEST(monotonic_on_all_cpus)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		REQUIRE(pthread_create(&t[i], NULL, monotone, NULL) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static volatile int64_t shared_last;
static int64_t apart; /* ns that two CPUs' clocks may differ */

static void *crosscheck(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		int64_t seen = __atomic_load_n(&shared_last, __ATOMIC_SEQ_CST);
		int64_t now = libc_clock(CLOCK_MONOTONIC);

		if (now < seen - apart) {
			ABI_FAIL("another CPU's clock was %ld ns ahead", (long)(seen - now));
			break;
		}
		__atomic_store_n(&shared_last, now, __ATOMIC_SEQ_CST);
	}
	return arg;
}

TEST(monotonic_between_cpus)
{
	pthread_t t[3];

	/* Linux in the emulated machine finds its CPUs' counters "unsynchronized", and the sandbox's are the same. */
	apart = abi_cpu_emulated() ? 100000 : 0;
	for (int i = 0; i < 3; i++)
		REQUIRE(pthread_create(&t[i], NULL, crosscheck, NULL) == 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

TEST(it_advances)
{
	int64_t a = libc_clock(CLOCK_MONOTONIC), r = libc_clock(CLOCK_REALTIME);

	abi_sleep_ms(5);
	CHECK(libc_clock(CLOCK_MONOTONIC) - a >= 5000000);
	CHECK(libc_clock(CLOCK_REALTIME) - r >= 4000000); /* may be slewed */
	CHECK(libc_clock(CLOCK_REALTIME) > 1500000000LL * 1000000000);
	CHECK(libc_clock(CLOCK_BOOTTIME) >= libc_clock(CLOCK_MONOTONIC) - 1000000);
}

static int asleep_for_nothing(void)
{
	int64_t before = raw_clock(CLOCK_THREAD_CPUTIME_ID);

	abi_sleep_ms(20);
	return raw_clock(CLOCK_THREAD_CPUTIME_ID) - before < 15000000;
}

TEST(cpu_clocks)
{
	int64_t p = raw_clock(CLOCK_PROCESS_CPUTIME_ID), t = raw_clock(CLOCK_THREAD_CPUTIME_ID);
	clockid_t id;
	struct timespec ts;

	for (volatile int i = 0; i < 5000000; i++)
		;
	CHECK(raw_clock(CLOCK_PROCESS_CPUTIME_ID) > p);
	CHECK(raw_clock(CLOCK_THREAD_CPUTIME_ID) > t);
	WAIT_UNTIL(asleep_for_nothing()); /* anew where the machine below us took its CPU away */
	CHECK_EQ(clock_getcpuclockid(getpid(), &id), 0);
	CHECK_OK(clock_gettime(id, &ts));
	CHECK(ns(ts) > 0);
}

TEST(errors)
{
	struct timespec t = { 0, 0 };

	CHECK_ERRNO(syscall(SYS_clock_gettime, 99, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_clock_getres, 99, &t), EINVAL);
	CHECK_OK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
	CHECK_OK(clock_getres(CLOCK_MONOTONIC, &t));
	CHECK_EQ(ns(t), 1);
	CHECK_OK(clock_getres(CLOCK_MONOTONIC_COARSE, &t));
	CHECK(ns(t) >= 1000000);
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_gettimeofday, bad_ptr(), NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_time, bad_ptr()), EFAULT);
	IN_CHILD_AS(NOBODY)
	{
		struct timeval tv;

		gettimeofday(&tv, NULL);
		clock_gettime(CLOCK_REALTIME, &t);
		CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, &t), EPERM);
		CHECK_ERRNO(syscall(SYS_settimeofday, &tv, NULL), EPERM);
	}
	t.tv_nsec = 1000000000;
	CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, &t), EINVAL);
}

TEST(times_and_rusage)
{
	struct rusage a, b, kids;
	struct tms t;
	clock_t c = times(&t);

	CHECK(c != -1);
	CHECK_OK(getrusage(RUSAGE_SELF, &a));
	for (volatile int i = 0; i < 20000000; i++)
		;
	CHECK_OK(getrusage(RUSAGE_SELF, &b));
	CHECK(b.ru_utime.tv_sec * 1000000 + b.ru_utime.tv_usec + b.ru_stime.tv_sec * 1000000 +
		      b.ru_stime.tv_usec >=
	      a.ru_utime.tv_sec * 1000000 + a.ru_utime.tv_usec + a.ru_stime.tv_sec * 1000000 +
		      a.ru_stime.tv_usec);
	CHECK(b.ru_maxrss > 0);
	CHECK(b.ru_minflt >= 0);
	IN_CHILD
	{
		CHECK_OK(getrusage(RUSAGE_CHILDREN, &kids));
		CHECK_EQ(kids.ru_utime.tv_sec, 0);
		CHECK_EQ(kids.ru_maxrss, 0);
	}
	CHECK_OK(getrusage(RUSAGE_CHILDREN, &kids));
	CHECK(kids.ru_maxrss > 0);
	CHECK_OK(getrusage(RUSAGE_THREAD, &b));
	CHECK_ERRNO(getrusage(99, &b), EINVAL);
	CHECK_ERRNO(syscall(SYS_getrusage, RUSAGE_SELF, bad_ptr()), EFAULT);
	CHECK_ERRNO(syscall(SYS_times, bad_ptr()), EFAULT);
	CHECK(syscall(SYS_times, NULL) != -1);
}

TEST(adjtimex_reads)
{
	struct timex t = { 0 };

	CHECK_OK(syscall(SYS_adjtimex, &t));
	CHECK(t.tick >= 9000 && t.tick <= 11000);
	CHECK_ERRNO(syscall(SYS_adjtimex, bad_ptr()), EFAULT);
}
