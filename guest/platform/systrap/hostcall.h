/*
 * hostcall.h - raw system calls of the host, for a Sentry that has no C library.
 *
 * Every call returns the kernel's value: 0 or positive, or -errno. The list of numbers is the list of what the Sentry's
 * process may ever use; filter.c says which of them stay allowed after start.
 */
#ifndef MOAT_SYSTRAP_HOSTCALL_H
#define MOAT_SYSTRAP_HOSTCALL_H

#include "lib/types.h"

#define HC_read		     0
#define HC_write	     1
#define HC_close	     3
#define HC_fstat	     5
#define HC_lseek	     8
#define HC_mmap		     9
#define HC_mprotect	     10
#define HC_munmap	     11
#define HC_rt_sigaction	     13
#define HC_rt_sigprocmask    14
#define HC_rt_sigreturn	     15
#define HC_pwrite64	     18
#define HC_sched_yield	     24
#define HC_madvise	     28
#define HC_recvmsg	     47
#define HC_clone	     56
#define HC_exit		     60
#define HC_wait4	     61
#define HC_kill		     62
#define HC_ftruncate	     77
#define HC_sigaltstack	     131
#define HC_prctl	     157
#define HC_arch_prctl	     158
#define HC_gettid	     186
#define HC_futex	     202
#define HC_sched_setaffinity 203
#define HC_sched_getaffinity 204
#define HC_clock_gettime     228
#define HC_exit_group	     231
#define HC_epoll_wait	     232
#define HC_epoll_ctl	     233
/* the host makes it itself, when a timed wait is stopped and continued */
#define HC_restart_syscall 219
#define HC_tgkill	   234
#define HC_fallocate	   285
#define HC_eventfd2	   290
#define HC_epoll_create1   291
#define HC_dup3		   292
#define HC_getrandom	   318
#define HC_seccomp	   317
#define HC_memfd_create	   319
#define HC_close_range	   436
#define HC_epoll_pwait2	   441

#define HC_PROT_NONE	 0
#define HC_PROT_READ	 1
#define HC_PROT_WRITE	 2
#define HC_PROT_EXEC	 4
#define HC_MAP_SHARED	 1
#define HC_MAP_PRIVATE	 2
#define HC_MAP_FIXED	 0x10
#define HC_MAP_ANON	 0x20
#define HC_MAP_NORESERVE 0x4000
#define HC_MAP_POPULATE	 0x8000

#define HC_EFD_NONBLOCK	 04000
#define HC_FUTEX_WAIT	 0
#define HC_FUTEX_WAKE	 1
#define HC_FUTEX_PRIVATE 128

#define HC_CLONE_VM		0x100
#define HC_CLONE_FS		0x200
#define HC_CLONE_FILES		0x400
#define HC_CLONE_SIGHAND	0x800
#define HC_CLONE_PARENT		0x8000
#define HC_CLONE_THREAD		0x10000
#define HC_CLONE_SYSVSEM	0x40000
#define HC_CLONE_CHILD_CLEARTID 0x200000

#define HC_SIGILL  4
#define HC_SIGTRAP 5
#define HC_SIGBUS  7
#define HC_SIGFPE  8
#define HC_SIGKILL 9
#define HC_SIGUSR1 10
#define HC_SIGSEGV 11
#define HC_SIGCHLD 17
#define HC_SIGSYS  31

struct hc_timespec {
	s64 sec, nsec;
};

static inline long hc6(long nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	register u64 r10 __asm__("r10") = d;
	register u64 r8 __asm__("r8") = e;
	register u64 r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define HC_ARG(x)	       ((u64)(x))
#define hc0(nr)		       hc6(nr, 0, 0, 0, 0, 0, 0)
#define hc1(nr, a)	       hc6(nr, HC_ARG(a), 0, 0, 0, 0, 0)
#define hc2(nr, a, b)	       hc6(nr, HC_ARG(a), HC_ARG(b), 0, 0, 0, 0)
#define hc3(nr, a, b, c)       hc6(nr, HC_ARG(a), HC_ARG(b), HC_ARG(c), 0, 0, 0)
#define hc4(nr, a, b, c, d)    hc6(nr, HC_ARG(a), HC_ARG(b), HC_ARG(c), HC_ARG(d), 0, 0)
#define hc5(nr, a, b, c, d, e) hc6(nr, HC_ARG(a), HC_ARG(b), HC_ARG(c), HC_ARG(d), HC_ARG(e), 0)

static inline void *hc_mmap(void *addr, u64 len, unsigned prot, unsigned flags, int fd, u64 off)
{
	return (void *)hc6(HC_mmap, HC_ARG(addr), len, prot, flags, (u64)(s64)fd, off);
}

static inline bool hc_failed(const void *p)
{
	return (u64)p >= (u64)-4095L;
}

/* ns: relative timeout, or ~0 for none. The word may lie in memory shared with stubs. */
static inline long hc_futex_wait(u32 *word, u32 seen, u64 ns)
{
	struct hc_timespec ts = { (s64)(ns / 1000000000), (s64)(ns % 1000000000) };

	return hc4(HC_futex, word, HC_FUTEX_WAIT, seen, ns == ~0ULL ? NULL : &ts);
}

struct hc_epoll_event {
	u32 events;
	u64 data;
} __attribute__((packed));

/* ns: relative timeout, or ~0 for none. */
static inline long hc_epoll_wait(int fd, struct hc_epoll_event *ev, unsigned n, u64 ns)
{
	struct hc_timespec ts = { (s64)(ns / 1000000000), (s64)(ns % 1000000000) };

	return hc6(HC_epoll_pwait2, (u64)fd, HC_ARG(ev), n, HC_ARG(ns == ~0ULL ? NULL : &ts), 0, 0);
}

/* CPU time that the process has used, ns; 0 if there is none with this id. */
static inline u64 hc_cpu_time(u32 pid)
{
	struct hc_timespec ts = { 0, 0 };

	/* A negative clock id: the complement of the process's, and CPUCLOCK_SCHED. */
	hc2(HC_clock_gettime, (s32)(~pid << 3 | 2), &ts);
	return (u64)ts.sec * 1000000000 + (u64)ts.nsec;
}

static inline long hc_futex_wake(u32 *word, unsigned n)
{
	return hc3(HC_futex, word, HC_FUTEX_WAKE, n);
}

#endif
