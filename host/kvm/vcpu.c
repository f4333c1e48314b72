/*
 * vcpu.c - the threads that do nothing but KVM_RUN.
 *
 * They are made by a bare clone(), no TLS of their own, no libc in them, every system call inline, so that each can
 * lock itself into a seccomp filter of seven calls before its first KVM_RUN. A vCPU leaves the kernel only at the end:
 * PORT_HALT, PORT_CRASH, or something that a correct Sentry never does, which becomes a crash record (crash.c).
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/kvm/kvm.h"

static long raw4(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
}

long kvm_vcpu_raw(long nr, long a, long b, long c)
{
	return raw4(nr, a, b, c, 0);
}

#define ALLOW(nr) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	ALLOW(__NR_ioctl),
	ALLOW(__NR_read),   /* the start semaphore */
	ALLOW(__NR_write),  /* the exit eventfd */
	ALLOW(__NR_tgkill), /* calls the other vCPUs out of KVM_RUN at a crash */
	ALLOW(__NR_rt_sigreturn),
	ALLOW(__NR_exit),
	ALLOW(__NR_exit_group),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

void kvm_vcpu_finish(struct kvm_vm *vm, enum kvm_end end)
{
	uint32_t none = KVM_END_NONE;
	uint64_t one = 1;

	__atomic_compare_exchange_n(&vm->end, &none, end, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	kvm_vcpu_raw(__NR_write, vm->exit_fd, (long)&one, sizeof(one));
}

static const char *const exit_name[] = {
	[KVM_EXIT_UNKNOWN] = "unknown exit",
	[KVM_EXIT_IO] = "access to an unknown port",
	[KVM_EXIT_MMIO] = "access to an address without memory",
	[KVM_EXIT_HLT] = "halt without a local APIC",
	[KVM_EXIT_SHUTDOWN] = "triple fault",
	[KVM_EXIT_FAIL_ENTRY] = "KVM cannot enter the guest",
	[KVM_EXIT_INTERNAL_ERROR] = "KVM internal error",
};

/* OUT to one of the two ports that end the sandbox. */
static bool port_exit(struct kvm_vcpu *v)
{
	const struct kvm_run *run = v->run;

	if (run->io.direction != KVM_EXIT_IO_OUT || run->io.size != 1 || run->io.count != 1)
		return false;
	if (run->io.port == PORT_HALT)
		kvm_vcpu_finish(v->vm, KVM_END_HALT);
	else if (run->io.port == PORT_CRASH)
		kvm_crash(v, NULL, 0);
	else
		return false;
	return true;
}

/*
 * The host has no page behind guest memory: a file in a window was cut short, or the host is out of memory. The guest sees
 * a machine check at the instruction that asked for it. False if that cannot be: it was just told of one.
 */
static bool machine_check(struct kvm_vcpu *v)
{
	struct kvm_vcpu_events e;

	if (kvm_vcpu_raw(__NR_ioctl, v->fd, KVM_GET_VCPU_EVENTS, (long)&e) < 0 ||
	    e.exception.injected || e.exception.pending)
		return false;
	e.exception.injected = 1;
	e.exception.nr = 18;
	e.exception.has_error_code = 0;
	return kvm_vcpu_raw(__NR_ioctl, v->fd, KVM_SET_VCPU_EVENTS, (long)&e) == 0;
}

static void run_loop(struct kvm_vcpu *v)
{
	uint64_t n;
	long ret;

	/* Looked at first: a crash on CPU 0 may be older than this thread. */
	do {
		if (kvm_crash_called(v))
			return;
	} while (v->id &&
		 kvm_vcpu_raw(__NR_read, v->vm->start_fd, (long)&n, sizeof(n)) != sizeof(n));
	for (;;) {
		ret = kvm_vcpu_raw(__NR_ioctl, v->fd, KVM_RUN, 0);
		if (ret == -EINTR || ret == -EAGAIN) {
			if (kvm_crash_called(v))
				return;
			continue;
		}
		if (ret == -EFAULT && machine_check(v))
			continue;
		if (ret < 0) {
			kvm_crash(v,
				  ret == -EFAULT ? "KVM: guest memory has gone" : "KVM_RUN failed",
				  ret);
			return;
		}
		n = v->run->exit_reason;
		if (n == KVM_EXIT_IO && port_exit(v))
			return;
		kvm_crash(v,
			  n < sizeof(exit_name) / sizeof(exit_name[0]) && exit_name[n]
				  ? exit_name[n]
				  : "unexpected VM exit",
			  n == KVM_EXIT_MMIO ? (long)v->run->mmio.phys_addr : (long)n);
		return;
	}
}

static int thread_main(void *arg)
{
	struct sock_fprog prog = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };
	struct kvm_vcpu *v = arg;
	uint64_t quit = 1ULL << (SIGQUIT - 1);

	raw4(__NR_rt_sigprocmask, SIG_UNBLOCK, (long)&quit, 0, sizeof(quit));
	kvm_vcpu_raw(__NR_prctl, PR_SET_NAME, (long)"moat-vcpu", 0);
	/* Needs no_new_privs or CAP_SYS_ADMIN: jail_enter has set the former. */
	if (kvm_vcpu_raw(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&prog) < 0)
		kvm_vcpu_finish(v->vm, KVM_END_ERROR);
	else
		run_loop(v);
	return 0; /* clone() calls exit */
}

int kvm_vcpu_start(struct kvm_vcpu *v, struct error *err)
{
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_PARENT_SETTID;

	v->vm->pid = getpid();
	if (clone(thread_main, v->stack + KVM_STACK_SIZE, flags, v, &v->tid) < 0)
		return error_errno(err, "KVM: thread of vCPU %u", v->id);
	return 0;
}

/* ---- statistics ---- */

/* One vCPU's statistics file as it stands after one read(2): header, descriptors, data. */
static uint64_t stat_of(const char *file, size_t size, const char *name)
{
	const struct kvm_stats_header *h = (const void *)file;
	size_t len = sizeof(struct kvm_stats_desc) + h->name_size, at;
	uint64_t value = 0;
	unsigned i;

	for (i = 0; size > sizeof(*h) && i < h->num_desc; i++) {
		const struct kvm_stats_desc *d = (const void *)(file + h->desc_offset + i * len);

		if (h->desc_offset + (i + 1) * len > size)
			break;
		at = h->data_offset + d->offset;
		if (strncmp(d->name, name, h->name_size) == 0 && at <= size - sizeof(value)) {
			memcpy(&value, file + at, sizeof(value));
			break;
		}
	}
	return value;
}

/* Called once: the files are not rewound, so that the seal need not allow another call. */
bool kvm_vcpu_exits(struct kvm_vm *vm, uint64_t *exits, uint64_t *irq_exits, uint64_t *halts)
{
	static char file[65536] __attribute__((aligned(8)));
	ssize_t n;
	unsigned i;

	*exits = *irq_exits = *halts = 0;
	for (i = 0; i < vm->cpus; i++) {
		if (vm->vcpu[i].stats_fd < 0)
			return false;
		n = read(vm->vcpu[i].stats_fd, file, sizeof(file));
		if (n < 0)
			return false;
		*exits += stat_of(file, n, "exits");
		*irq_exits += stat_of(file, n, "irq_exits");
		*halts += stat_of(file, n, "halt_exits");
	}
	return true;
}
