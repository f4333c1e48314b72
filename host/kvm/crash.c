/*
 * crash.c - the end of a KVM sandbox by a fault: every vCPU thread is called out of KVM_RUN, notes its registers and
 * where the Sentry's stack comes from, and ends; the first one writes the crash record if the Sentry could not.
 *
 * The call is SIGQUIT together with immediate_exit, so that it is not lost between a look at `dying` and KVM_RUN. The
 * launcher's other threads block the signal. Sent from outside to the launcher it asks for the same report: what a
 * sandbox that hangs was doing.
 *
 * Runs in the vCPU threads: inline system calls only (kvm/vcpu.c), no lock. The guest's memory is hostile: each address
 * of a backtrace goes through KVM's own translation and a check against the slots.
 */
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/crash.h"
#include "host/kvm/kvm.h"

#define PAGE	    4096ULL
#define FRAME_MAX   65536ULL	 /* of one function of the Sentry */
#define WAIT_CYCLES (4ULL << 30) /* for the other threads: a second or two */

static struct kvm_vm *the_vm; /* the launcher's only one, for the signal handler */
static uint32_t asked;

static void all_exit(struct kvm_vm *vm)
{
	unsigned i;

	for (i = 0; i < vm->cpus; i++)
		__atomic_store_n(&vm->vcpu[i].run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

static void on_quit(int sig)
{
	(void)sig;
	__atomic_store_n(&asked, 1, __ATOMIC_SEQ_CST);
	all_exit(the_vm);
}

int kvm_crash_prepare(struct kvm_vm *vm, struct error *err)
{
	struct sigaction sa = { .sa_handler = on_quit };
	sigset_t set;

	the_vm = vm;
	sigemptyset(&set);
	sigaddset(&set, SIGQUIT);
	if (sigaction(SIGQUIT, &sa, NULL) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, "SIGQUIT");
	return 0;
}

/* The 16 bytes at a guest-virtual address, which must not cross a page. */
static bool guest_read(const struct kvm_vcpu *v, uint64_t va, uint64_t out[2])
{
	const struct sandbox *sb = v->vm->sb;
	struct kvm_translation t = { .linear_address = va };
	const char *from;
	uint64_t pa;

	if (va % PAGE > PAGE - 16 || kvm_vcpu_raw(__NR_ioctl, v->fd, KVM_TRANSLATE, (long)&t) < 0 ||
	    !t.valid)
		return false;
	pa = t.physical_address;
	if (sb->ram_size >= 16 && pa <= sb->ram_size - 16 && (pa < RAM_HOLE || pa >= RAM_HOLE_END))
		from = sb->ram + pa;
	else if (sb->arena_size >= 16 && pa >= ARENA_PADDR &&
		 pa - ARENA_PADDR <= sb->arena_size - 16)
		from = sb->arena + (pa - ARENA_PADDR);
	else
		return false;
	memcpy(out, from, 16);
	return true;
}

/* This thread's own vCPU, which is not running. */
static void look(struct kvm_vcpu *v)
{
	struct kvm_look *l = &v->look;
	uint64_t fp, frame[2];

	if (kvm_vcpu_raw(__NR_ioctl, v->fd, KVM_GET_REGS, (long)&l->regs) < 0 ||
	    kvm_vcpu_raw(__NR_ioctl, v->fd, KVM_GET_SREGS, (long)&l->sregs) < 0)
		return;
	l->trace[l->depth++] = l->regs.rip;
	fp = l->regs.rbp;
	while (l->sregs.cr0 >> 31 && !(l->sregs.cs.selector & 3) && l->depth < KVM_TRACE &&
	       !(fp & 7) && guest_read(v, fp, frame)) {
		l->trace[l->depth++] = frame[1];
		if (frame[0] <= fp || frame[0] - fp > FRAME_MAX)
			break;
		fp = frame[0];
	}
	__atomic_store_n(&l->valid, 1, __ATOMIC_RELEASE);
}

static void record(struct kvm_vcpu *v, const char *reason, long code)
{
	struct crash_record *c = (struct crash_record *)(v->vm->sb->arena + ARENA_CRASH);
	const struct kvm_regs *r = &v->look.regs;
	size_t i;

	memset(c, 0, sizeof(*c));
	for (i = 0; i + 1 < sizeof(c->reason) && reason[i]; i++)
		c->reason[i] = reason[i];
	c->cpu = v->id;
	c->syscall_nr = -1;
	c->image_slide = v->vm->slide;
	memcpy(c->regs,
	       (uint64_t[]){ r->rax,
			     r->rbx,
			     r->rcx,
			     r->rdx,
			     r->rsi,
			     r->rdi,
			     r->rbp,
			     r->rsp,
			     r->r8,
			     r->r9,
			     r->r10,
			     r->r11,
			     r->r12,
			     r->r13,
			     r->r14,
			     r->r15,
			     r->rip,
			     r->rflags,
			     v->look.sregs.cr2,
			     code },
	       sizeof(c->regs));
	c->depth = v->look.depth;
	memcpy(c->backtrace, v->look.trace, v->look.depth * sizeof(c->backtrace[0]));
	c->magic = CRASH_MAGIC;
}

bool kvm_crash_called(struct kvm_vcpu *v)
{
	if (__atomic_load_n(&v->vm->dying, __ATOMIC_SEQ_CST)) {
		look(v);
		return true;
	}
	if (!__atomic_load_n(&asked, __ATOMIC_SEQ_CST))
		return false;
	kvm_crash(v, "stopped from outside by SIGQUIT", 0);
	return true;
}

void kvm_crash(struct kvm_vcpu *v, const char *reason, long code)
{
	struct kvm_vm *vm = v->vm;
	uint64_t until;
	unsigned i;

	/* The first to come here reports; what the others met is in their registers. */
	if (__atomic_exchange_n(&vm->dying, 1, __ATOMIC_SEQ_CST)) {
		look(v);
		return;
	}
	look(v);
	all_exit(vm);
	for (i = 0; i < vm->cpus; i++)
		if (i != v->id && vm->vcpu[i].tid)
			kvm_vcpu_raw(__NR_tgkill, vm->pid, vm->vcpu[i].tid, SIGQUIT);
	until = __builtin_ia32_rdtsc() + WAIT_CYCLES;
	for (i = 0; i < vm->cpus; i++)
		while (!__atomic_load_n(&vm->vcpu[i].look.valid, __ATOMIC_ACQUIRE) &&
		       __builtin_ia32_rdtsc() < until)
			__builtin_ia32_pause();
	if (reason)
		record(v, reason, code);
	kvm_vcpu_finish(vm, KVM_END_CRASH);
}

/* ---- on the launcher's own thread, after the end ---- */

static void print_look(const struct sandbox *sb, const struct kvm_vcpu *v)
{
	const struct kvm_look *l = &v->look;
	const struct kvm_regs *r = &l->regs;
	unsigned i;

	if (!__atomic_load_n(&l->valid, __ATOMIC_ACQUIRE)) {
		crash_print("  CPU %u: could not be stopped\n", v->id);
		return;
	}
	if (!(l->sregs.cr0 >> 31)) {
		crash_print(
			"  CPU %u: its registers are lost, this processor's shutdown resets them\n",
			v->id);
		return;
	}
	crash_print("  CPU %u in ring %u: rip %llx rsp %llx rbp %llx flags %llx cr2 %llx cr3 %llx\n"
		    "    rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx r8 %llx r9 %llx\n"
		    "    r10 %llx r11 %llx r12 %llx r13 %llx r14 %llx r15 %llx fs %llx gs %llx\n",
		    v->id, l->sregs.cs.selector & 3, r->rip, r->rsp, r->rbp, r->rflags,
		    l->sregs.cr2, l->sregs.cr3, r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi,
		    r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, l->sregs.fs.base,
		    l->sregs.gs.base);
	for (i = 0; !(l->sregs.cs.selector & 3) && i < l->depth; i++)
		crash_print_address(sb, v->vm->slide, l->trace[i]);
}

void kvm_crash_describe(struct sandbox *sb)
{
	const struct kvm_vm *vm = sb->priv;
	unsigned i;

	for (i = 0; i < vm->cpus; i++)
		print_look(sb, &vm->vcpu[i]);
}
