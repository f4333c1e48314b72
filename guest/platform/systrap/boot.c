/*
 * boot.c - from the process's first instruction to sentry_main: memory, the stub template, threads, the seal.
 *
 * argv: the image's name, the number of CPUs. Descriptors: host/systrap_fds.h. Nothing here is allocated from RAM:
 * the frame allocator starts later, in sentry_main.
 */
#include "platform/systrap/systrap.h"

#include <string.h>

#include "abi/boot.h"
#include "host/systrap_fds.h"
#include "mm/frame.h"

#define DIRECT_MAP_LOW 0x100000000000ULL
#define GIB	       (1ULL << 30)

char *direct_map;
char *ctl_map;

void systrap_start(u64 *sp) __attribute__((noreturn));
long thread_clone(u64 flags, void *stack, void (*fn)(void *), void *arg);

static u32 go;	    /* workers wait for it */
static u32 started; /* threads that have done their part before the seal */
static void (*worker_entry)(void);

/* libfdt in its Debian build reads a stack canary at %fs:0x28. */
static u64 fs_block[16];

struct host_stat {
	u64 dev, ino, nlink;
	u32 mode, uid, gid, pad;
	u64 rdev;
	s64 size;
	u64 rest[11];
};

_Static_assert(sizeof(struct host_stat) == 144, "stat");

static u64 map_file(int fd, u64 paddr, u64 max)
{
	struct host_stat st;
	void *at = direct_map + paddr;

	if (hc2(HC_fstat, fd, &st) < 0 || st.size <= 0 || (u64)st.size > max)
		die("a memory descriptor is missing or has a bad size");
	if (hc_failed(hc_mmap(at, st.size, HC_PROT_READ | HC_PROT_WRITE,
			      HC_MAP_SHARED | HC_MAP_FIXED | HC_MAP_NORESERVE, fd, 0)))
		die("cannot map the sandbox's memory");
	return st.size;
}

static void map_memory(void)
{
	u64 random = 0, size, large;
	long fd;

	hc3(HC_getrandom, &random, sizeof(random), 0);
	direct_map = (char *)(DIRECT_MAP_LOW + (random & 0x7fff) * GIB);
	size = map_file(SYSTRAP_FD_RAM, RAM_PADDR, RAM_MAX);
	large = frame_large_start(size);
	/* Only a hint, and without effect where the file cannot have huge pages. */
	hc3(HC_madvise, direct_map + RAM_PADDR + large, size - large, 14 /* MADV_HUGEPAGE */);
	map_file(SYSTRAP_FD_ARENA, ARENA_PADDR, ARENA_MAX);
	fd = hc2(HC_memfd_create, "moat-stubs", 0);
	if (fd < 0 || (fd != SYSTRAP_FD_CTL && hc3(HC_dup3, fd, SYSTRAP_FD_CTL, 0) < 0))
		die("cannot make the stub memory");
	if (fd != SYSTRAP_FD_CTL)
		hc1(HC_close, fd);
	if (hc2(HC_ftruncate, SYSTRAP_FD_CTL, CTL_SIZE) < 0)
		die("cannot size the stub memory");
	ctl_map = hc_mmap(NULL, CTL_SIZE, HC_PROT_READ | HC_PROT_WRITE,
			  HC_MAP_SHARED | HC_MAP_NORESERVE, SYSTRAP_FD_CTL, 0);
	if (hc_failed(ctl_map))
		die("cannot map the stub memory");
}

static void thread_init(struct sys_cpu *c)
{
	c->c.self = &c->c;
	c->c.mode = CPU_KERNEL;
	c->host_cpu = ~0U;
	if (hc2(HC_arch_prctl, 0x1001 /* ARCH_SET_GS */, c) < 0 ||
	    hc2(HC_arch_prctl, 0x1002, fs_block) < 0)
		die("cannot set the thread's base");
	c->tid = hc0(HC_gettid);
	signals_init(c);
}

static void thread_main(void *arg)
{
	struct sys_cpu *c = arg;

	thread_init(c);
	atomic_add(&started, 1);
	hc_futex_wake(&started, 1);
	c->entry();
	die("a CPU returned");
}

/* A host thread for c that calls entry on a stack of its own. */
long thread_start(struct sys_cpu *c, void (*entry)(void))
{
	void *top = kstack_alloc();

	if (!top)
		return -ENOMEM;
	c->entry = entry;
	return thread_clone(HC_CLONE_VM | HC_CLONE_FS | HC_CLONE_FILES | HC_CLONE_SIGHAND |
				    HC_CLONE_THREAD | HC_CLONE_SYSVSEM,
			    top, thread_main, c);
}

/* Workers exist before the seal, which allows no more threads, and wait. */
static void worker_main(void)
{
	while (!atomic_load(&go))
		hc_futex_wait(&go, 0, ~0ULL);
	worker_entry();
}

void cpu_start_all(void (*entry)(void))
{
	worker_entry = entry;
	atomic_store(&go, 1);
	hc_futex_wake(&go, MAX_CPUS);
}

static unsigned parse_count(const char *s)
{
	unsigned n = 0;

	while (*s >= '0' && *s <= '9' && n < 1000)
		n = n * 10 + *s++ - '0';
	return n;
}

void systrap_start(u64 *sp)
{
	char **argv = (char **)(sp + 1);
	u64 word;
	u32 n;
	unsigned i;

	if (sp[0] < 2)
		die("this program is started by moat");
	sys_ncpus = parse_count(argv[1]);
	if (sys_ncpus < 1 || sys_ncpus > MAX_CPUS)
		die("bad number of CPUs");
	for (i = 0; i <= sys_ncpus; i++)
		sys_cpus[i].c.id = i;
	thread_init(&sys_cpus[0]);
	fpu_init();
	host_cpus_init();
	split_init();
	map_memory();
	template_start();
	for (i = 1; i < sys_ncpus; i++)
		if (thread_start(&sys_cpus[i], worker_main) < 0)
			die("cannot start a CPU");
	io_start();
	while ((n = atomic_load(&started)) != sys_ncpus)
		hc_futex_wait(&started, n, ~0ULL);
	filter_sentry_install();
	if (hc3(HC_read, SYSTRAP_FD_START, &word, sizeof(word)) != sizeof(word))
		die("the launcher went away");
	sentry_main(direct_map + BOOT_FDT_PADDR);
}
