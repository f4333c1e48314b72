/*
 * vm.c - one KVM virtual machine: split irqchip (the LAPIC in the kernel, no PIC, IOAPIC or PIT), memory slots, the
 * doorbells as ioeventfds and the interrupts as irqfds with MSI routes, and the MSR filter.
 *
 * Everything is made here, before the launcher seals itself; nothing is added to the machine later.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/kvm/kvm.h"

/* Capabilities without which the Sentry cannot run. */
static const struct {
	int cap;
	const char *name;
} needed[] = {
	{ KVM_CAP_USER_MEMORY, "user memory" },
	{ KVM_CAP_SPLIT_IRQCHIP, "split irqchip" },
	{ KVM_CAP_TSC_DEADLINE_TIMER, "TSC-deadline timer" },
	{ KVM_CAP_IRQFD, "irqfd" },
	{ KVM_CAP_IOEVENTFD, "ioeventfd" },
	{ KVM_CAP_SIGNAL_MSI, "MSI" },
	{ KVM_CAP_EXT_CPUID, "CPUID" },
	{ KVM_CAP_XCRS, "XCR0" },
	{ KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
};

/*
 * Deny everything but what the Sentry uses: the counters, the syscall MSRs and the segment bases. The x2APIC range is
 * outside of what the filter covers. One bit a register; a set bit allows.
 */
static int msr_filter(struct kvm_vm *vm, struct error *err)
{
	static uint8_t low[2] = { 0, 0 }, deadline = 1, high[1] = { 0x1f }, bases[1] = { 0x07 };
	struct kvm_msr_filter f = { .flags = KVM_MSR_FILTER_DEFAULT_DENY };

	low[0] = 1;
	f.ranges[0] = (struct kvm_msr_filter_range){
		.flags = KVM_MSR_FILTER_READ, .base = 0x10, .nmsrs = 1, .bitmap = low
	};
	f.ranges[1] =
		(struct kvm_msr_filter_range){ .flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
					       .base = 0x6e0,
					       .nmsrs = 1,
					       .bitmap = &deadline };
	/* EFER STAR LSTAR CSTAR FMASK */
	f.ranges[2] =
		(struct kvm_msr_filter_range){ .flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
					       .base = 0xc0000080,
					       .nmsrs = 5,
					       .bitmap = high };
	/* FS, GS, kernel GS base */
	f.ranges[3] =
		(struct kvm_msr_filter_range){ .flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
					       .base = 0xc0000100,
					       .nmsrs = 3,
					       .bitmap = bases };
	if (ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_MSR_FILTER) > 0 &&
	    ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &f) < 0)
		return error_errno(err, "KVM: MSR filter");
	return 0;
}

static int enable_cap(struct kvm_vm *vm, unsigned cap, uint64_t arg)
{
	struct kvm_enable_cap c = { .cap = cap, .args = { arg } };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &c);
}

int kvm_vm_open(struct kvm_vm *vm, struct error *err)
{
	unsigned i;
	int n;

	vm->fd = vm->start_fd = vm->exit_fd = -1;
	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		return error_errno(err, "/dev/kvm");
	n = ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0);
	if (n != KVM_API_VERSION)
		return error_set(err, ENODEV, "/dev/kvm: API version %d, not %d", n,
				 KVM_API_VERSION);
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return error_set(err, ENODEV, "/dev/kvm: no %s", needed[i].name);
	n = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (n < (int)sizeof(struct kvm_run))
		return error_set(err, ENODEV, "/dev/kvm: bad vCPU area size %d", n);
	vm->run_size = n;
	do {
		vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	} while (vm->fd < 0 && errno == EINTR);
	if (vm->fd < 0)
		return error_errno(err, "/dev/kvm: cannot create a VM");
	/* Only Intel CPUs without unrestricted guest use them, but then they must lie somewhere: in the hole of RAM. */
	{
		uint64_t identity = RAM_HOLE;

		ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
		ioctl(vm->fd, KVM_SET_TSS_ADDR, (unsigned long)RAM_HOLE + 0x1000);
	}
	if (enable_cap(vm, KVM_CAP_SPLIT_IRQCHIP, 0) < 0)
		return error_errno(err, "KVM: split irqchip");
	/* No virtual PMU, no patching of VMCALL against VMMCALL in guest text; older hosts lack the switches. */
	enable_cap(vm, KVM_CAP_PMU_CAPABILITY, KVM_PMU_CAP_DISABLE);
#ifdef KVM_CAP_DISABLE_QUIRKS2
	enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_FIX_HYPERCALL_INSN);
#endif
	return msr_filter(vm, err);
}

int kvm_vm_memory(struct kvm_vm *vm, unsigned slot, uint64_t paddr, uint64_t len, void *addr,
		  unsigned flags, struct error *err)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = paddr,
		.memory_size = len,
		.userspace_addr = (uintptr_t)addr,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r) < 0)
		return error_errno(err, "KVM: memory slot %u of %llu bytes", slot,
				   (unsigned long long)len);
	return 0;
}

static int doorbell(struct kvm_vm *vm, unsigned port, int fd, struct error *err)
{
	struct kvm_ioeventfd e = {
		.addr = port, .len = 1, .fd = fd, .flags = KVM_IOEVENTFD_FLAG_PIO
	};

	if (ioctl(vm->fd, KVM_IOEVENTFD, &e) < 0)
		return error_errno(err, "KVM: ioeventfd for port 0x%x", port);
	return 0;
}

int kvm_vm_queues(struct kvm_vm *vm, struct error *err)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[RING_QUEUES];
	} routes = { .head.nr = RING_QUEUES };
	struct kvm_irqfd irqfd = { 0 };
	unsigned q;

	vm->start_fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	vm->exit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->start_fd < 0 || vm->exit_fd < 0)
		return error_errno(err, "eventfd");
	if (doorbell(vm, PORT_START, vm->start_fd, err) < 0)
		return -1;
	for (q = 0; q < RING_QUEUES; q++) {
		struct kvm_irq_routing_entry *e = &routes.entry[q];

		/* Fixed delivery, edge, physical destination 0: the Sentry hands work on by its own wake-ups. */
		e->gsi = q;
		e->type = KVM_IRQ_ROUTING_MSI;
		e->u.msi.address_lo = 0xfee00000;
		e->u.msi.data = RING_VECTOR_BASE + q;
		/* Each doorbell costs the host a grace period: a queue that the sandbox will never have gets none. */
		if (vm->sb->kick_fd[q] < 0)
			continue;
		if (doorbell(vm, RING_PORT_BASE + q, vm->sb->kick_fd[q], err) < 0)
			return -1;
	}
	if (ioctl(vm->fd, KVM_SET_GSI_ROUTING, &routes) < 0)
		return error_errno(err, "KVM: interrupt routes");
	for (q = 0; q < RING_QUEUES; q++) {
		if (vm->sb->call_fd[q] < 0)
			continue;
		irqfd.fd = vm->sb->call_fd[q];
		irqfd.gsi = q;
		if (ioctl(vm->fd, KVM_IRQFD, &irqfd) < 0)
			return error_errno(err, "KVM: irqfd %u", q);
	}
	return 0;
}

/*
 * The boot tree and the launcher's time messages speak of the host's TSC: let the guest's be the same. Hosts before 5.16
 * cannot say so exactly; writing the counter's present value is a microsecond off.
 */
static int tsc_same(struct kvm_vcpu *v, struct error *err)
{
	uint64_t zero = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&zero,
	};
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry tsc;
	} m = { .head.nmsrs = 1, .tsc.index = 0x10 };

	if (ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr) == 0)
		return 0;
	m.tsc.data = __builtin_ia32_rdtsc();
	if (ioctl(v->fd, KVM_SET_MSRS, &m) != 1)
		return error_errno(err, "KVM: TSC of vCPU %u", v->id);
	return 0;
}

int kvm_vm_vcpu(struct kvm_vm *vm, unsigned id, struct error *err)
{
	struct kvm_vcpu *v = &vm->vcpu[id];

	v->vm = vm;
	v->id = id;
	v->stats_fd = -1;
	v->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)id);
	if (v->fd < 0)
		return error_errno(err, "KVM: vCPU %u", id);
	v->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED) {
		v->run = NULL;
		return error_errno(err, "KVM: vCPU %u", id);
	}
	vm->cpus = id + 1;
	return kvm_cpuid_set(v, err) < 0 ? -1 : tsc_same(v, err);
}

void kvm_vm_close(struct kvm_vm *vm)
{
	unsigned i;

	for (i = 0; i < vm->cpus; i++) {
		if (vm->vcpu[i].run)
			munmap(vm->vcpu[i].run, vm->run_size);
		close(vm->vcpu[i].fd);
	}
	vm->cpus = 0;
	if (vm->start_fd >= 0)
		close(vm->start_fd);
	if (vm->exit_fd >= 0)
		close(vm->exit_fd);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	free(vm->cpuid);
	vm->cpuid = NULL;
}
