/*
 * fuzz_calls_args.c - plausible arguments: by their kinds in syscalls.def, then some made better for
 * single calls, whose commands a random number would never meet, or which would run too long.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/fuzz/fuzz_calls.h"

int random_fd(void)
{
	return FD_FIRST + (int)below(FDS);
}

int random_pid(void)
{
	return shared->pid[below(WORKERS)];
}

int random_tid(void)
{
	return shared->tid[below(WORKERS)][below(THREADS)];
}

static unsigned long random_pointer(void)
{
	switch (below(20)) {
	case 0: return 0;
	case 1: return below(PAGE);
	case 2: return 0xffff800000000000UL;
	case 3: return ARENA + below(ARENA_PAGES * PAGE);
	case 4: return DATA + DATA_SIZE - below(64);
	case 5: return random_name();
	case 6: return random_slot() + below(SLOT_SIZE);
	default: return random_slot();
	}
}

static unsigned long random_size(void)
{
	switch (below(8)) {
	case 0: return 0;
	case 1: return random_bits();
	case 2: return 1UL << below(64);
	case 3: return PAGE * below(64);
	default: return below(one_in(2) ? 70000 : 300);
	}
}

static unsigned long random_number(void)
{
	switch (below(6)) {
	case 0: return (uint32_t)random_bits();
	case 1: return -1UL;
	case 2: return 1UL << below(32);
	default: return below(40);
	}
}

static unsigned long random_ulong(void)
{
	switch (below(6)) {
	case 0: return random_bits();
	case 1: return 1UL << below(64);
	case 2:
	case 3: return random_pointer();
	default: return below(32);
	}
}

static unsigned long random_open_flags(void)
{
	unsigned long flags = O_CREAT | O_TRUNC | O_APPEND | O_NONBLOCK | O_DIRECTORY | O_PATH |
			      O_NOFOLLOW | O_CLOEXEC;

	if (one_in(4))
		flags |= O_TMPFILE;
	return below(3) | (random_bits() & flags);
}

static unsigned long random_map_flags(void)
{
	unsigned long flags = MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			      MAP_POPULATE | MAP_LOCKED | MAP_GROWSDOWN | MAP_STACK;

	return MAP_FIXED | (random_bits() & flags); /* fixed: in the arena */
}

static unsigned long random_descriptor(void)
{
	if (one_in(30))
		return one_in(2) ? -1UL : (unsigned long)AT_FDCWD;
	return (unsigned long)random_fd();
}

static unsigned long random_process(void)
{
	if (one_in(10))
		return 0;
	return (unsigned long)(one_in(3) ? random_pid() : random_tid());
}

static unsigned long random_arg(enum kind kind)
{
	switch (kind) {
	case fd_a: return random_descriptor();
	case path_a: return one_in(20) ? DATA + below(DATA_SIZE) : random_name();
	case ubuf_a:
	case uptr_a: return random_pointer();
	case addr_a: return ARENA + PAGE * below(ARENA_PAGES) + (one_in(10) ? below(PAGE) : 0);
	case size_a: return random_size();
	case off_a: return one_in(4) ? random_bits() : below(100000);
	case ulong_a: return random_ulong();
	case flags_a: return one_in(4) ? 0 : one_in(2) ? 1UL << below(32) : below(64);
	case oflags_a: return random_open_flags();
	case mode_a: return below(010000);
	case pid_a: return random_process();
	case sig_a: return below(65);
	case id_a: return one_in(3) ? -1UL : below(6);
	case prot_a: return below(8);
	case mflags_a: return random_map_flags();
	default: return random_number();
	}
}

/* Terminals, sockets, files, namespaces, user faults: those that we know. */
static void fix_ioctl(unsigned long *a)
{
	static const unsigned requests[] = {
		0x5401,	    0x5402,	0x5403,	    0x5409,	0x540b,	    0x540d,	0x540e,
		0x540f,	    0x5410,	0x5411,	    0x5412,	0x5413,	    0x5414,	0x5415,
		0x541b,	    0x5421,	0x5422,	    0x5425,	0x5429,	    0x5430,	0x5441,
		0x5450,	    0x5451,	0x5452,	    0x6601,	0x660b,	    0x8906,	0x890b,
		0x8910,	    0x8912,	0x8913,	    0x8915,	0x8927,	    0x8933,	0xb701,
		0xb702,	    0xb703,	0xb704,	    0x80045430, 0x40049409, 0x4020940d, 0xc0189436,
		0xc020660b, 0x8008b705, 0xc018aa3f, 0xc020aa00, 0x8010aa01, 0xc028aa03,
	};

	a[1] = one_in(10) ? random_bits() : requests[below(N_OF(requests))];
	a[2] = random_pointer();
}

static void fix_fcntl(unsigned long *a)
{
	a[1] = one_in(2) ? F_SETLEASE + below(20) : below(17);
	a[2] = one_in(2) ? random_number() : random_pointer();
}

static void fix_sockopt(unsigned long *a)
{
	static const unsigned levels[] = { 0, 1, 6, 17, 41, 58, 255, 263, 270 };

	a[1] = levels[below(N_OF(levels))];
	a[2] = below(85);
	a[3] = random_pointer();
}

static void fix_setsockopt(unsigned long *a)
{
	fix_sockopt(a);
	a[4] = one_in(4) ? below(64) : sizeof(int);
}

static void fix_socket(unsigned long *a)
{
	static const unsigned families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };

	a[0] = families[below(N_OF(families))];
	a[1] = 1 + below(5);
	a[2] = one_in(3) ? below(256) : 0;
}

static void fix_address_length(unsigned long *a)
{
	a[2] = one_in(4) ? below(200) : 16 + below(13);
}

static void fix_sendto(unsigned long *a)
{
	fix_address_length(a + 3);
}

static void fix_futex(unsigned long *a)
{
	a[0] &= ~3UL;
	a[1] = below(14) | (one_in(2) ? FUTEX_PRIVATE_FLAG : 0);
}

static void fix_prctl(unsigned long *a)
{
	a[0] = below(80);
	if (a[0] == PR_SET_SECCOMP)
		a[0] = PR_GET_SECCOMP;
}

static void fix_ptrace(unsigned long *a)
{
	a[0] = below(34);
	if (one_in(2))
		a[0] = 0x4200 + below(15); /* PTRACE_SETOPTIONS and on */
}

static void fix_length(unsigned long *a)
{
	a[1] %= 1UL << 20; /* within the arena, mostly */
}

static void fix_mremap(unsigned long *a)
{
	a[1] %= 1UL << 20;
	a[2] %= 1UL << 20;
}

static void fix_second_fd(unsigned long *a)
{
	a[1] = (unsigned long)random_fd();
}

/* A few: without any descriptor most calls would only say EBADF. */
static void fix_close_range(unsigned long *a)
{
	a[0] = (unsigned long)random_fd();
	a[1] = a[0] + below(8);
}

static void fix_signal(unsigned long *a)
{
	a[1] = one_in(2) ? SIGUSR1 : 0;
}

static void fix_thread_signal(unsigned long *a)
{
	a[2] = one_in(2) ? SIGUSR1 : 0;
}

static void fix_select(unsigned long *a)
{
	a[0] = below(FD_FIRST + FDS + 8);
}

static void fix_poll(unsigned long *a)
{
	a[1] = below(40);
	a[2] = below(5); /* ms */
}

static void fix_epoll_ctl(unsigned long *a)
{
	a[1] = 1 + below(3);
}

static void fix_epoll_wait(unsigned long *a)
{
	a[3] = below(5); /* ms */
}

/* rarely: one of so many is made; the worker can do less afterwards. */
static const struct special {
	int nr;
	void (*fix)(unsigned long *a);
	unsigned rarely;
} specials[] = {
	{ SYS_ioctl, fix_ioctl, 0 },
	{ SYS_fcntl, fix_fcntl, 0 },
	{ SYS_setsockopt, fix_setsockopt, 0 },
	{ SYS_getsockopt, fix_sockopt, 0 },
	{ SYS_socket, fix_socket, 0 },
	{ SYS_bind, fix_address_length, 0 },
	{ SYS_connect, fix_address_length, 0 },
	{ SYS_sendto, fix_sendto, 0 },
	{ SYS_futex, fix_futex, 0 },
	{ SYS_prctl, fix_prctl, 0 },
	{ SYS_ptrace, fix_ptrace, 0 },
	{ SYS_mmap, fix_length, 0 },
	{ SYS_munmap, fix_length, 0 },
	{ SYS_mprotect, fix_length, 0 },
	{ SYS_pkey_mprotect, fix_length, 0 },
	{ SYS_madvise, fix_length, 0 },
	{ SYS_mremap, fix_mremap, 0 },
	{ SYS_dup2, fix_second_fd, 0 },
	{ SYS_dup3, fix_second_fd, 0 },
	{ SYS_close_range, fix_close_range, 0 },
	{ SYS_pidfd_send_signal, fix_signal, 0 },
	{ SYS_rt_sigqueueinfo, fix_signal, 10 },
	{ SYS_rt_tgsigqueueinfo, fix_thread_signal, 10 },
	{ SYS_select, fix_select, 0 },
	{ SYS_pselect6, fix_select, 0 },
	{ SYS_poll, fix_poll, 0 },
	{ SYS_epoll_ctl, fix_epoll_ctl, 0 },
	{ SYS_epoll_wait, fix_epoll_wait, 0 },
	{ SYS_epoll_pwait, fix_epoll_wait, 0 },
	{ SYS_seccomp, NULL, 50 },
	{ SYS_chroot, NULL, 20 },
	{ SYS_pivot_root, NULL, 20 },
	{ SYS_mount, NULL, 20 },
	{ SYS_umount2, NULL, 20 },
	{ SYS_setns, NULL, 20 },
	{ SYS_unshare, NULL, 20 },
	{ SYS_capset, NULL, 30 },
	{ SYS_setuid, NULL, 30 },
	{ SYS_setreuid, NULL, 30 },
	{ SYS_setresuid, NULL, 30 },
	{ SYS_setfsuid, NULL, 30 },
	{ SYS_pause, NULL, 50 },
};

bool call_args(const struct call *c, unsigned long a[6])
{
	for (int i = 0; i < 6; i++)
		a[i] = c->args[i] == no_a ? 0 : random_arg(c->args[i]);
	for (size_t i = 0; i < N_OF(specials); i++) {
		if (specials[i].nr != c->nr)
			continue;
		if (specials[i].rarely && !one_in(specials[i].rarely))
			return false;
		if (specials[i].fix)
			specials[i].fix(a);
	}
	return true;
}
