/*
 * desc.c - descriptor tables and the SYSCALL MSRs of each CPU.
 *
 * One IDT for all. Only #BP and #OF may be raised by an instruction of ring 3; so INT 0x80 is a general protection
 * fault. There is no 32-bit code segment, no LDT, and SYSENTER's MSRs stay 0: it faults too.
 */
#include "platform/kvm/kvm.h"
#include "platform/kvm/x86.h"

struct gate {
	u16 offset_lo, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_hi, reserved;
};

struct table_register {
	u16 limit;
	u64 base;
} __attribute__((packed));

static struct gate idt[256] __attribute__((aligned(16)));

static void gate_set(unsigned vector, u64 handler, unsigned ist, unsigned dpl)
{
	idt[vector] = (struct gate){
		.offset_lo = handler,
		.selector = KVM_SEL_KCODE,
		.ist = ist,
		.type = 0x8e | dpl << 5,
		.offset_mid = handler >> 16,
		.offset_hi = handler >> 32,
	};
}

static void idt_build(void)
{
	unsigned v;

	for (v = 0; v < 256; v++)
		gate_set(v, (u64)trap_stubs + v * TRAP_STUB_SIZE, IST_NONE,
			 v == 3 || v == 4 ? 3 : 0);
	gate_set(VEC_DB, (u64)trap_stub_db, IST_DB, 0);
	gate_set(VEC_NMI, (u64)trap_stub_nmi, IST_NMI, 0);
	gate_set(VEC_DF, (u64)trap_stub_df, IST_DF, 0);
	gate_set(VEC_MC, (u64)trap_stub_mc, IST_MC, 0);
}

static void gdt_build(struct kvm_cpu *k)
{
	u64 base = (u64)&k->tss, *tss = &k->gdt[KVM_SEL_TSS / 8];

	k->gdt[KVM_SEL_KCODE / 8] = 0x00af9b000000ffff;
	k->gdt[KVM_SEL_KDATA / 8] = 0x00cf93000000ffff;
	k->gdt[KVM_SEL_UDATA / 8] = 0x00cff3000000ffff;
	k->gdt[KVM_SEL_UCODE / 8] = 0x00affb000000ffff;
	tss[0] = (sizeof(k->tss) - 1) | (base & 0xffffff) << 16 | 0x89ULL << 40 |
		 (base >> 24 & 0xff) << 56;
	tss[1] = base >> 32;
}

static void ist_build(struct kvm_cpu *k)
{
	unsigned i;

	for (i = 0; i < IST_COUNT; i++) {
		u64 *top = &k->ist[i][IST_SIZE / 8 - 2];

		*top = (u64)k;
		k->tss.ist[i] = (u64)top;
	}
	k->tss.iomap = sizeof(k->tss);
}

void desc_init_cpu(struct kvm_cpu *k)
{
	struct table_register gdtr = { sizeof(k->gdt) - 1, (u64)k->gdt },
			      idtr = { sizeof(idt) - 1, (u64)idt };

	if (!idt[0].type)
		idt_build();
	gdt_build(k);
	ist_build(k);
	__asm__ volatile("lgdt %0\n\t"
			 "lidt %1\n\t"
			 "ltr %w2\n\t"
			 "lldt %w3\n\t"
			 "push %4\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "push %%rax\n\t"
			 "lretq\n"
			 "1:\tmov %w5, %%ss\n\t"
			 "mov %w3, %%ds\n\t"
			 "mov %w3, %%es\n\t"
			 "mov %w3, %%fs\n\t"
			 "mov %w3, %%gs\n\t"
			 :
			 : "m"(gdtr), "m"(idtr), "r"(KVM_SEL_TSS), "r"(0), "i"(KVM_SEL_KCODE),
			   "r"(KVM_SEL_KDATA)
			 : "rax", "memory");
	wrmsr(MSR_GS_BASE, (u64)k);
	wrmsr(MSR_KERNEL_GS, 0);
	wrmsr(MSR_STAR, (u64)(KVM_SEL_UDATA - 8) << 48 | (u64)KVM_SEL_KCODE << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_CSTAR, (u64)syscall_entry);
	wrmsr(MSR_FMASK,
	      RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_AC | RFLAGS_NT | RFLAGS_RF | 0x3000);
}
