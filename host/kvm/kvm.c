/*
 * kvm.c - the KVM platform as the launcher sees it (host/sandbox.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/kvm/kvm.h"
#include "host/windows.h"

/*
 * RAM in one slot, or two around the hole; then the arena. The hole's part of the file is simply never used. Huge pages
 * only where the Sentry keeps its large blocks (guest/mm/frame.h, frame_large_start), so that an idle one stays small.
 */
static int memory(struct kvm_vm *vm, struct sandbox *sb, struct error *err)
{
	uint64_t low = sb->ram_size < RAM_HOLE ? sb->ram_size : RAM_HOLE;
	uint64_t large = sb->ram_size / 4 & ~((2ULL << 20) - 1);

	/* A host without huge pages in this file system refuses; that costs speed only. */
	madvise(sb->ram + large, sb->ram_size - large, MADV_HUGEPAGE);

	if (kvm_vm_memory(vm, 0, RAM_PADDR, low, sb->ram, 0, err) < 0)
		return -1;
	if (sb->ram_size > RAM_HOLE_END &&
	    kvm_vm_memory(vm, 1, RAM_HOLE_END, sb->ram_size - RAM_HOLE_END, sb->ram + RAM_HOLE_END,
			  0, err) < 0)
		return -1;
	if (kvm_vm_memory(vm, 2, ARENA_PADDR, sb->arena_size, sb->arena, 0, err) < 0)
		return -1;
	if (!sb->dax)
		return 0;
	if (windows_reserve(sb, KVM_WINDOWS_SIZE, err) < 0)
		return -1;
	return kvm_vm_memory(vm, 3, DAX_RO_PADDR, sb->windows_size, sb->windows, KVM_MEM_READONLY,
			     err);
}

static int vcpus(struct kvm_vm *vm, struct sandbox *sb, struct error *err)
{
	unsigned i;

	for (i = 0; i < sb->cpus; i++) {
		struct kvm_vcpu *v = &vm->vcpu[i];

		if (kvm_vm_vcpu(vm, i, err) < 0)
			return -1;
		v->stack = mmap(NULL, KVM_STACK_SIZE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
		if (v->stack == MAP_FAILED)
			return error_errno(err, "stack of vCPU %u", i);
		if (sb->debug)
			v->stats_fd = ioctl(v->fd, KVM_GET_STATS_FD, 0);
	}
	return 0;
}

static int kvm_create(struct sandbox *sb, struct error *err)
{
	struct kvm_vm *vm = calloc(1, sizeof(*vm));
	uint64_t entry;
	unsigned i;

	if (!vm)
		return error_errno(err, "KVM");
	vm->sb = sb;
	if (sb->cpus < 1 || sb->cpus > KVM_CPUS_MAX) {
		error_set(err, EINVAL, "--cpus must be between 1 and %d", KVM_CPUS_MAX);
		goto free_vm;
	}
	if (kvm_vm_open(vm, err) < 0 || memory(vm, sb, err) < 0 || kvm_cpuid_build(vm, err) < 0 ||
	    vcpus(vm, sb, err) < 0 || kvm_vm_queues(vm, err) < 0 ||
	    kvm_crash_prepare(vm, err) < 0 || kvm_boot_load(vm, &entry, err) < 0)
		goto close_vm;
	for (i = 0; i < sb->cpus; i++)
		if (kvm_boot_registers(&vm->vcpu[i], entry, err) < 0)
			goto close_vm;
	sb->priv = vm;
	return 0;

close_vm:
	kvm_vm_close(vm);
free_vm:
	free(vm);
	return -1;
}

static int kvm_run(struct sandbox *sb, int *exit_fd, struct error *err)
{
	struct kvm_vm *vm = sb->priv;
	unsigned i;

	for (i = 0; i < vm->cpus; i++)
		if (kvm_vcpu_start(&vm->vcpu[i], err) < 0)
			return -1;
	*exit_fd = vm->exit_fd;
	return 0;
}

static void kvm_stats(struct sandbox *sb)
{
	uint64_t exits, irqs, halts;

	if (kvm_vcpu_exits(sb->priv, &exits, &irqs, &halts))
		fprintf(stderr, "moat: kvm: %llu exits, %llu of them host interrupts, %llu halts\n",
			(unsigned long long)exits, (unsigned long long)irqs,
			(unsigned long long)halts);
}

static int kvm_reap(struct sandbox *sb, struct error *err)
{
	struct kvm_vm *vm = sb->priv;

	switch ((enum kvm_end)__atomic_load_n(&vm->end, __ATOMIC_SEQ_CST)) {
	case KVM_END_HALT: return 0;
	case KVM_END_CRASH: return 1;
	case KVM_END_ERROR:
		error_set(err, EPERM, "KVM: a vCPU thread could not install its seccomp filter");
		return 2;
	case KVM_END_NONE: break;
	}
	error_set(err, EINVAL, "KVM: the sandbox has not ended");
	return 2;
}

/*
 * The vCPU threads exist before the launcher's seal and are sealed tighter by themselves (kvm/vcpu.c, seven calls); what
 * remains of this platform on the launcher's own thread is the mapping of windows, in the two forms that jail.c allows.
 */
static const char *const syscalls[] = { "mmap", NULL };

const struct platform_ops platform_kvm = {
	.name = "kvm",
	.windows = true,
	.probe = kvm_probe,
	.create = kvm_create,
	.run = kvm_run,
	.reap = kvm_reap,
	.stats = kvm_stats,
	.describe = kvm_crash_describe,
	.syscalls = syscalls,
};
