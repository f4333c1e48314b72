/*
 * cpuid.c - what CPUID shows inside the sandbox: an allow-list over what the host's KVM supports. Instruction sets
 * that applications use, the few features that the Sentry needs, topology of one flat package; nothing that would bring
 * an MSR interface, nested virtualization, a PMU, AMX, or a paravirtual clock along.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "host/kvm/kvm.h"

#define BIT(n) (1U << (n))

/* Leaf 1 ECX: SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND; x2APIC, deadline below. */
#define L1_ECX                                                                                  \
	(BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | \
	 BIT(25) | BIT(26) | BIT(28) | BIT(29) | BIT(30))
#define L1_ECX_SET (BIT(21) | BIT(24) | BIT(31)) /* x2APIC, TSC-deadline, hypervisor */
/* Leaf 1 EDX: FPU DE PSE TSC MSR PAE MCE CX8 APIC SEP PGE MCA CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2 HTT */
#define L1_EDX                                                                                     \
	(BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(9) |          \
	 BIT(11) | BIT(13) | BIT(14) | BIT(15) | BIT(16) | BIT(17) | BIT(19) | BIT(23) | BIT(24) | \
	 BIT(25) | BIT(26) | BIT(28))
/* Leaf 7 EBX: FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS AVX512F DQ RDSEED ADX SMAP IFMA CLFLUSHOPT CLWB CD SHA BW VL */
#define L7_EBX                                                                               \
	(BIT(0) | BIT(3) | BIT(5) | BIT(7) | BIT(8) | BIT(9) | BIT(16) | BIT(17) | BIT(18) | \
	 BIT(19) | BIT(20) | BIT(21) | BIT(23) | BIT(24) | BIT(28) | BIT(29) | BIT(30) | BIT(31))
/* Leaf 7 ECX: VBMI UMIP VBMI2 GFNI VAES VPCLMULQDQ VNNI BITALG VPOPCNTDQ RDPID. PKU is off until it has been tested. */
#define L7_ECX                                                                                \
	(BIT(1) | BIT(2) | BIT(6) | BIT(8) | BIT(9) | BIT(10) | BIT(11) | BIT(12) | BIT(14) | \
	 BIT(22))
/* Leaf 7 EDX: FSRM VP2INTERSECT AVX512_FP16 */
#define L7_EDX (BIT(4) | BIT(8) | BIT(23))
/* 0x80000001 ECX: LAHF ABM SSE4A misaligned SSE, 3DNOW prefetch; EDX: SYSCALL NX 1-GiB pages RDTSCP LM, AMD's copies */
#define E1_ECX (BIT(0) | BIT(5) | BIT(6) | BIT(7) | BIT(8))
#define E1_EDX (0x0183f3ff | BIT(11) | BIT(20) | BIT(25) | BIT(26) | BIT(27) | BIT(29))

/* x87, SSE, AVX, AVX-512: no AMX, no PKRU yet, no supervisor states. */
#define XFEATURES 0xe7ULL

static void filter(struct kvm_cpuid_entry2 *e)
{
	switch (e->function) {
	case 0: e->eax = e->eax < 0x16 ? e->eax : 0x16; break;
	case 1:
		e->ecx = (e->ecx & L1_ECX) | L1_ECX_SET;
		e->edx &= L1_EDX;
		e->ebx &= 0x0000ff00; /* CLFLUSH size; the rest is per vCPU */
		break;
	case 4: /* Intel's cache leaves, less the sharing counts */
	case 0x8000001d: e->eax &= 0x3fff; break;
	case 7:
		if (e->index) {
			e->eax &= BIT(4) | BIT(5); /* AVX_VNNI, AVX512_BF16 */
			e->ebx = e->ecx = e->edx = 0;
			break;
		}
		e->eax = e->eax ? 1 : 0;
		e->ebx &= L7_EBX;
		e->ecx &= L7_ECX;
		e->edx &= L7_EDX;
		break;
	case 0xd:
		if (e->index == 0) {
			e->eax &= XFEATURES;
			e->edx = 0;
		} else if (e->index == 1) {
			e->eax &= 7; /* XSAVEOPT, XSAVEC, XGETBV 1; no XSAVES */
			e->ecx = e->edx = 0;
		}
		break;
	case 0x80000000: e->eax = e->eax < 0x80000008 ? e->eax : 0x8000001d; break;
	case 0x80000001:
		e->ecx &= E1_ECX;
		e->edx &= E1_EDX;
		break;
	case 0x80000007:
		e->eax = e->ebx = e->ecx = 0;
		e->edx &= BIT(8);
		break;
	case 0x80000008: e->ebx = e->ecx = e->edx = 0; break;
	}
}

/* Leaves that pass at all. 0x15 and 0x16 tell the TSC's frequency; 0x80000002..6 are the brand and the caches. */
static bool allowed(const struct kvm_cpuid_entry2 *e)
{
	switch (e->function) {
	case 0xd: return e->index < 2 || (e->index < 64 && (XFEATURES >> e->index & 1));
	case 7: return e->index < 2;
	case 0:
	case 1:
	case 2:
	case 4:
	case 0x15:
	case 0x16:
	case 0x80000000 ... 0x80000008:
	case 0x8000001d: return true;
	}
	return false;
}

static const struct kvm_cpuid_entry2 *find(const struct kvm_cpuid2 *c, uint32_t function,
					   uint32_t index)
{
	unsigned i;

	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == function && c->entries[i].index == index)
			return &c->entries[i];
	return NULL;
}

uint64_t kvm_cpuid_xfeatures(const struct kvm_vm *vm)
{
	const struct kvm_cpuid_entry2 *e = find(vm->cpuid, 0xd, 0);

	return e ? e->eax : 0;
}

/* Standard format: the end of the last enabled component. */
uint32_t kvm_cpuid_xsave_size(const struct kvm_vm *vm)
{
	uint64_t features = kvm_cpuid_xfeatures(vm);
	uint32_t size = 576, i;

	for (i = 2; i < 64; i++) {
		const struct kvm_cpuid_entry2 *e = features >> i & 1 ? find(vm->cpuid, 0xd, i)
								     : NULL;

		if (e && e->ebx + e->eax > size)
			size = e->ebx + e->eax;
	}
	return size;
}

static int check(struct kvm_vm *vm, struct error *err)
{
	const struct kvm_cpuid_entry2 *l1 = find(vm->cpuid, 1, 0), *l7 = find(vm->cpuid, 7, 0);
	const struct kvm_cpuid_entry2 *e1 = find(vm->cpuid, 0x80000001, 0);

	if (!l1 || !l7 || !e1 || !(kvm_cpuid_xfeatures(vm) & 3))
		return error_set(err, ENODEV, "KVM here shows its guests too old a CPU");
	if (!(l1->ecx & BIT(26)))
		return error_set(err, ENODEV, "KVM here offers its guests no XSAVE");
	if (!(l7->ebx & BIT(0)))
		return error_set(err, ENODEV, "KVM here offers its guests no FSGSBASE");
	if (!(e1->edx & BIT(20)) || !(e1->edx & BIT(29)))
		return error_set(err, ENODEV, "KVM here offers its guests no NX or no long mode");
	vm->features =
		(l7->ebx & BIT(7) ? KVM_CPU_SMEP : 0) | (l7->ebx & BIT(20) ? KVM_CPU_SMAP : 0) |
		(l7->ecx & BIT(2) ? KVM_CPU_UMIP : 0) | (e1->edx & BIT(26) ? KVM_CPU_GIB_PAGES : 0);
	return 0;
}

int kvm_cpuid_build(struct kvm_vm *vm, struct error *err)
{
	enum { MAX = 256 };
	struct kvm_cpuid2 *c;
	unsigned i, n = 0;

	c = vm->cpuid = calloc(1, sizeof(*c) + (MAX + 1) * sizeof(c->entries[0]));
	if (!c)
		return error_errno(err, "CPUID");
	c->nent = MAX;
	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, c) < 0)
		return error_errno(err, "KVM: CPUID");
	for (i = 0; i < c->nent; i++) {
		if (!allowed(&c->entries[i]))
			continue;
		c->entries[n] = c->entries[i];
		filter(&c->entries[n++]);
	}
	/* The extended topology leaf: one thread a core, all in one package; edx is the vCPU's number. */
	c->entries[n++] = (struct kvm_cpuid_entry2){ .function = 0xb,
						     .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
						     .eax = 0,
						     .ebx = 1,
						     .ecx = 0x100 };
	c->nent = n;
	return check(vm, err);
}

int kvm_cpuid_set(struct kvm_vcpu *v, struct error *err)
{
	struct kvm_cpuid2 *c = v->vm->cpuid;
	unsigned i;

	for (i = 0; i < c->nent; i++) {
		if (c->entries[i].function == 1)
			c->entries[i].ebx = (c->entries[i].ebx & 0x0000ff00) | v->id << 24 |
					    (v->vm->sb ? v->vm->sb->cpus : 1) << 16;
		if (c->entries[i].function == 0xb)
			c->entries[i].edx = v->id;
	}
	if (ioctl(v->fd, KVM_SET_CPUID2, c) < 0)
		return error_errno(err, "KVM: CPUID of vCPU %u", v->id);
	return 0;
}
