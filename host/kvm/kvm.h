/*
 * kvm.h - the KVM platform of the launcher, shared by its files:
 *
 *   kvm/kvm.c    platform_ops: create, run, reap
 *   kvm/vm.c     VM, memory slots, interrupt routing, doorbells, filters
 *   kvm/cpuid.c  the CPUID allow-list
 *   kvm/boot.c   image, page tables and GDT in guest memory; first registers
 *   kvm/reloc.c  the image moved to a random address
 *   kvm/vcpu.c   the threads that run KVM_RUN; what an exit means
 *   kvm/crash.c  the end by a fault: all vCPUs stopped, their registers and backtraces
 *   kvm/probe.c  is this host's KVM usable?
 */
#ifndef MOAT_HOST_KVM_H
#define MOAT_HOST_KVM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/kvm.h"
#include "host/error.h"
#include "host/sandbox.h"

#define KVM_CPUS_MAX   64
#define KVM_STACK_SIZE 65536 /* of a vCPU thread */
/* Address space for windows of files. The host may keep 8 bytes for each page of a slot: 32 MiB, if it shadows page tables. */
#define KVM_WINDOWS_SIZE (16ULL << 30)

#define KVM_TRACE 24

/* What a vCPU was doing when the sandbox crashed. */
struct kvm_look {
	uint32_t valid;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	unsigned depth;
	uint64_t trace[KVM_TRACE]; /* rip, then return addresses */
};

struct kvm_vcpu {
	struct kvm_vm *vm;
	unsigned id;
	int fd;
	int tid;      /* of its thread; 0 before it was started */
	int stats_fd; /* -1 unless --debug */
	struct kvm_run *run;
	char *stack; /* of its thread */
	struct kvm_look look;
};

enum kvm_end { KVM_END_NONE, KVM_END_HALT, KVM_END_CRASH, KVM_END_ERROR };

struct kvm_vm {
	struct sandbox *sb; /* NULL for the probe guest */
	int kvm_fd, fd;
	unsigned run_size;
	struct kvm_vcpu vcpu[KVM_CPUS_MAX];
	unsigned cpus;
	int start_fd;	   /* PORT_START: a semaphore that vCPU threads wait for */
	int exit_fd;	   /* readable: the sandbox ended */
	uint32_t end;	   /* enum kvm_end, set once */
	uint32_t dying;	   /* a crash is being reported: vCPU threads look and end */
	int pid;	   /* ours, as tgkill wants it */
	uint64_t slide;	   /* of the image: our word, not the guest's copy of it */
	uint64_t features; /* kvm_cpu_feature */
	struct kvm_cpuid2 *cpuid;
	struct kvm_boot *boot;
};

/* Facts about the CPU that boot needs, out of the filtered CPUID. */
enum kvm_cpu_feature {
	KVM_CPU_SMEP = 1,
	KVM_CPU_SMAP = 2,
	KVM_CPU_UMIP = 4,
	KVM_CPU_GIB_PAGES = 8,
};

/* kvm/vm.c: each -1 with *err filled. */
int kvm_vm_open(struct kvm_vm *vm,
		struct error *err); /* /dev/kvm, API version, VM, split irqchip, filters */
int kvm_vm_memory(struct kvm_vm *vm, unsigned slot, uint64_t paddr, uint64_t len, void *addr,
		  unsigned flags, struct error *err); /* KVM_MEM_* */
int kvm_vm_queues(struct kvm_vm *vm,
		  struct error *err); /* doorbells and interrupts of all queues, PORT_START */
int kvm_vm_vcpu(struct kvm_vm *vm, unsigned id, struct error *err);
void kvm_vm_close(struct kvm_vm *vm);

/* kvm/cpuid.c */
int kvm_cpuid_build(struct kvm_vm *vm, struct error *err); /* vm->cpuid, vm->features */
int kvm_cpuid_set(struct kvm_vcpu *v, struct error *err);
uint64_t kvm_cpuid_xfeatures(const struct kvm_vm *vm);
uint32_t kvm_cpuid_xsave_size(const struct kvm_vm *vm);

/* kvm/boot.c */
int kvm_boot_load(struct kvm_vm *vm, uint64_t *entry, struct error *err);
int kvm_boot_registers(struct kvm_vcpu *v, uint64_t entry, struct error *err);
/* 64-bit ring 0 with the given page tables, GDT and TSS (guest-physical pml4, virtual gdt and tss). */
int kvm_boot_sregs(struct kvm_vcpu *v, uint64_t pml4, uint64_t gdt, uint64_t tss,
		   struct error *err);
void kvm_boot_gdt(uint64_t *gdt);

/* kvm/reloc.c: add slide to every absolute address in the loaded image. */
int kvm_reloc_image(struct sandbox *sb, uint64_t slide, struct error *err);

/* kvm/vcpu.c */
int kvm_vcpu_start(struct kvm_vcpu *v, struct error *err);
/* A system call without libc, for the vCPU threads: they share the launcher's TLS, so nothing may touch errno. */
long kvm_vcpu_raw(long nr, long a, long b, long c);
/* The first vCPU that ends decides what the end was. */
void kvm_vcpu_finish(struct kvm_vm *vm, enum kvm_end end);
/* Sums over all vCPUs from KVM_GET_STATS_FD; false if the host has no such statistics. */
bool kvm_vcpu_exits(struct kvm_vm *vm, uint64_t *exits, uint64_t *irq_exits, uint64_t *halts);

/* kvm/crash.c */
int kvm_crash_prepare(struct kvm_vm *vm, struct error *err); /* before any vCPU thread starts */
/* On v's thread: end the sandbox; reason NULL: the Sentry has filled the record itself. */
void kvm_crash(struct kvm_vcpu *v, const char *reason, long code);
bool kvm_crash_called(struct kvm_vcpu *v);   /* after EINTR; true: this thread ends */
void kvm_crash_describe(struct sandbox *sb); /* platform_ops.describe */

/* kvm/probe.c: 0, or -1 with the reason in one line. Caches the verdict. */
int kvm_probe(struct error *err);

#endif
