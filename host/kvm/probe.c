/*
 * probe.c - is this host's KVM usable? That /dev/kvm opens proves nothing: some machines interpret an ordinary guest's
 * ring 0, or let SYSCALL stay in ring 3. So a tiny guest is run, in a child process that can be killed if it
 * hangs, and judged by what it left in shared memory.
 *
 * The verdict is kept in VERDICT_FILE, which only root can have written, together with what it depends on: this boot, the
 * kernel, our binary. What may pass (EAGAIN: a guest that took too long, a failed ioctl) is tried twice and believed for
 * DOUBT_S only, so that one moment of load does not decide for all sandboxes to come.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/kvm/kvm.h"
#include "host/kvm/probe.h"

#define VERDICT_DIR  "/run/moat"
#define VERDICT_FILE VERDICT_DIR "/kvm-verdict"
#define TIMEOUT_MS   3000
#define DOUBT_S	     60
/* for one round of the loop; hardware takes 1 or 2, an interpreter thousands */
#define CYCLES_MAX 100

struct probe_result {
	uint32_t stage, rounds, ticks;
	uint16_t user_cs, kernel_cs;
	uint64_t cycles;
	char error[256]; /* of the host side */
};

_Static_assert(offsetof(struct probe_result, rounds) == PR_ROUNDS &&
		       offsetof(struct probe_result, ticks) == PR_TICKS &&
		       offsetof(struct probe_result, user_cs) == PR_USER_CS &&
		       offsetof(struct probe_result, kernel_cs) == PR_KERNEL_CS &&
		       offsetof(struct probe_result, cycles) == PR_CYCLES,
	       "kvm/probe_guest.S");

extern const char kvm_probe_code[], kvm_probe_code_end[], kvm_probe_timer[];

/* ---- the guest ---- */

static void fill(char *mem)
{
	uint64_t *pml4 = (uint64_t *)(mem + PROBE_PML4),
		 timer = PROBE_CODE + (kvm_probe_timer - kvm_probe_code);
	uint16_t *gate = (uint16_t *)(mem + PROBE_IDT + PROBE_VECTOR * 16);
	unsigned i;

	pml4[0] = (PROBE_PML4 + 0x1000) | 7;
	pml4[512] = (PROBE_PML4 + 0x2000) | 7;
	pml4[1024] = (PROBE_PML4 + 0x3000) | 7;
	for (i = 0; i < PROBE_MEMORY / 4096; i++)
		pml4[1536 + i] = i * 4096ULL | 7;
	kvm_boot_gdt((uint64_t *)(mem + PROBE_GDT));
	gate[0] = timer;
	gate[1] = KVM_SEL_KCODE;
	gate[2] = 0x8e00;
	memcpy(mem + PROBE_CODE, kvm_probe_code, kvm_probe_code_end - kvm_probe_code);
}

static int run(struct kvm_vm *vm, char *mem, struct error *err)
{
	struct kvm_regs r = { .rip = PROBE_CODE, .rsp = PROBE_STACK, .rflags = 2 };
	struct kvm_vcpu *v = &vm->vcpu[0];
	struct kvm_sregs s;

	if (kvm_vm_open(vm, err) < 0 || kvm_vm_memory(vm, 0, 0, PROBE_MEMORY, mem, 0, err) < 0 ||
	    kvm_cpuid_build(vm, err) < 0 || kvm_vm_vcpu(vm, 0, err) < 0)
		return -1;
	/* All of its memory belongs to ring 3 too. */
	vm->features &= ~(uint64_t)(KVM_CPU_SMEP | KVM_CPU_SMAP);
	if (kvm_boot_sregs(v, PROBE_PML4, PROBE_GDT, PROBE_TSS, err) < 0)
		return -1;
	if (ioctl(v->fd, KVM_GET_SREGS, &s) < 0)
		return error_errno(err, "KVM: system registers");
	s.idt.base = PROBE_IDT;
	s.idt.limit = 0xfff;
	if (ioctl(v->fd, KVM_SET_SREGS, &s) < 0 || ioctl(v->fd, KVM_SET_REGS, &r) < 0)
		return error_errno(err, "KVM: registers");
	while (ioctl(v->fd, KVM_RUN, 0) < 0)
		if (errno != EINTR && errno != EAGAIN)
			return error_errno(err, "KVM_RUN");
	if (v->run->exit_reason != KVM_EXIT_IO || v->run->io.port != PROBE_PORT)
		return error_set(err, ENODEV, "the probe guest stopped with KVM exit %u",
				 v->run->exit_reason);
	return 0;
}

static void child(char *mem)
{
	struct probe_result *r = (struct probe_result *)(mem + PROBE_RESULT);
	struct error err = { 0 };
	struct kvm_vm vm = { 0 };

	fill(mem);
	if (run(&vm, mem, &err) < 0)
		snprintf(r->error, sizeof(r->error), "%.250s", err.msg);
	_exit(0);
}

/* Wait for the child, at most TIMEOUT_MS. False: it had to be killed. */
static bool await(pid_t pid, int pipe_fd)
{
	struct pollfd p = { .fd = pipe_fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return n > 0;
}

/* 0, ENODEV for what this machine is, EAGAIN for what may have been the moment. */
static int judge(const struct probe_result *r, bool hung, struct error *err)
{
	static const char *const doing[] = { "starting", "running its loop", "making system calls",
					     "waiting for its timer" };
	uint64_t per_round = r->cycles / PROBE_ITERATIONS;

	/* The first sign of a machine that is not a real one decides, whatever came of the rest. */
	if (r->stage > PROBE_LOOP && per_round > CYCLES_MAX)
		return error_set(err, ENODEV,
				 "KVM here interprets ring 0 (%llu cycles for an instruction)",
				 (unsigned long long)per_round / 2);
	if (r->stage >= PROBE_SYSCALL && r->kernel_cs && (r->kernel_cs & 3))
		return error_set(err, ENODEV,
				 "KVM here does not change the privilege level at SYSCALL");
	if (r->error[0])
		return error_set(err, EAGAIN, "%.250s", r->error);
	if (hung || r->stage != PROBE_DONE)
		return error_set(err, EAGAIN, "KVM's probe guest hung while %s",
				 doing[r->stage & 3]);
	if ((r->user_cs & 3) != 3 || r->rounds != PROBE_ROUNDS || !r->ticks)
		return error_set(err, ENODEV, "KVM's probe guest ended early");
	return 0;
}

static int probe_now(struct error *err)
{
	char *mem =
		mmap(NULL, PROBE_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int p[2], ret;
	pid_t pid;

	if (mem == MAP_FAILED)
		return error_errno(err, "KVM probe");
	if (pipe2(p, O_CLOEXEC) < 0) {
		ret = error_errno(err, "KVM probe");
		goto unmap;
	}
	pid = fork();
	if (pid < 0) {
		ret = error_errno(err, "KVM probe");
		goto close_pipe;
	}
	if (pid == 0)
		child(mem);
	close(p[1]);
	p[1] = -1;
	/* The result is ours alone once the child is gone. */
	ret = !await(pid, p[0]);
	ret = judge((struct probe_result *)(mem + PROBE_RESULT), ret, err);
close_pipe:
	close(p[0]);
	if (p[1] >= 0)
		close(p[1]);
unmap:
	munmap(mem, PROBE_MEMORY);
	return ret;
}

/* ---- the remembered verdict ---- */

static int read_line(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return -1;
	buf[n] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return 0;
}

static int make_key(char *key, size_t size)
{
	char boot[64];
	struct utsname u;
	struct stat st;

	if (read_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) < 0 || uname(&u) < 0 ||
	    stat("/proc/self/exe", &st) < 0)
		return -1;
	snprintf(key, size, "%s %s %llx:%llx:%llx:%llx.%lx", boot, u.release,
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
		 (unsigned long long)st.st_size, (unsigned long long)st.st_mtim.tv_sec,
		 st.st_mtim.tv_nsec);
	return 0;
}

static bool is_past(const char *boottime)
{
	unsigned long long until = strtoull(boottime, NULL, 10);

	return until && until <= clock_now_ns(CLOCK_BOOTTIME) / 1000000000;
}

/* 1: *verdict is the line behind the key, "ok" or the reason; 0: none that we may believe. */
static int recall(const char *key, char *verdict, size_t size)
{
	int fd = open(VERDICT_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), found = 0;
	char buf[1024], *at = buf;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n > 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 &&
	    !(st.st_mode & 022)) {
		const char *its_key, *line;

		buf[n] = 0;
		its_key = strsep(&at, "\n");
		line = strsep(&at, "\n");
		found = line && *line && at && !strcmp(its_key, key) && !is_past(at);
		if (found)
			snprintf(verdict, size, "%s", line);
	}
	close(fd);
	return found;
}

/*
 * Only root keeps a verdict; that it cannot be written only costs the next start a probe. The last line says until when it
 * holds, in seconds of CLOCK_BOOTTIME; 0: until the machine boots.
 */
static void remember(const char *key, const char *verdict, bool lasts)
{
	uint64_t until = lasts ? 0 : clock_now_ns(CLOCK_BOOTTIME) / 1000000000 + DOUBT_S;
	char tmp[] = VERDICT_FILE ".XXXXXX";
	int fd;

	if (geteuid() != 0 || (mkdir(VERDICT_DIR, 0755) < 0 && errno != EEXIST))
		return;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return;
	if (dprintf(fd, "%s\n%s\n%llu\n", key, verdict, (unsigned long long)until) < 0 ||
	    fchmod(fd, 0644) < 0 || rename(tmp, VERDICT_FILE) < 0)
		unlink(tmp);
	close(fd);
}

int kvm_probe(struct error *err)
{
	char key[512], verdict[ERROR_MSG_MAX];
	struct error e = { 0 };
	bool keyed = make_key(key, sizeof(key)) == 0;
	int ret, fd;

	/* Who may not open it gets no verdict, and leaves none. */
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, "/dev/kvm");
	close(fd);
	if (keyed && recall(key, verdict, sizeof(verdict)))
		return strcmp(verdict, "ok") ? error_set(err, ENODEV, "%s", verdict) : 0;
	ret = probe_now(&e);
	if (ret < 0 && e.err == EAGAIN)
		ret = probe_now(&e);
	if (keyed)
		remember(key, ret < 0 ? e.msg : "ok", ret == 0 || e.err == ENODEV);
	return ret < 0 ? error_set(err, e.err, "%s", e.msg) : 0;
}
