/*
 * kvmcheck.c - is /dev/kvm here a true one? Runs a guest of a few real-mode instructions that adds two numbers, writes
 * the sum to a port and halts, and says how long that took. Exit 0: works; 1: does not (the reason is printed).
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PORT 0x3f8

static const uint8_t code[] = {
	0xba, PORT & 0xff, PORT >> 8, /* mov dx, PORT */
	0x00, 0xd8,		      /* add al, bl */
	0xee,			      /* out dx, al */
	0xf4,			      /* hlt */
};

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int call(int fd, unsigned long req, void *arg, const char *what)
{
	int r = ioctl(fd, req, arg);

	if (r < 0)
		err(1, "%s", what);
	return r;
}

int main(void)
{
	double start = now_ms();
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct kvm_regs regs = { .rax = 19, .rbx = 23, .rip = 0x1000, .rflags = 2 };
	struct kvm_userspace_memory_region region = { .guest_phys_addr = 0x1000,
						      .memory_size = 0x1000 };
	struct kvm_sregs sregs;
	struct kvm_run *run;
	int vm, vcpu, size, sum = -1;
	void *mem;

	if (kvm < 0)
		err(1, "/dev/kvm");
	vm = call(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
	mem = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		err(1, "mmap");
	memcpy(mem, code, sizeof(code));
	region.userspace_addr = (uintptr_t)mem;
	call(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
	vcpu = call(vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
	size = call(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		err(1, "mmap of the vCPU");
	call(vcpu, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	sregs.cs.base = sregs.cs.selector = 0;
	call(vcpu, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
	call(vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
	for (;;) {
		call(vcpu, KVM_RUN, NULL, "KVM_RUN");
		if (run->exit_reason == KVM_EXIT_HLT)
			break;
		if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT)
			errx(1, "unexpected exit %u", run->exit_reason);
		sum = ((uint8_t *)run)[run->io.data_offset];
	}
	if (sum != 42)
		errx(1, "the guest says 19 + 23 = %d", sum);
	printf("kvm works: the guest halted, %.1f ms\n", now_ms() - start);
	return 0;
}
