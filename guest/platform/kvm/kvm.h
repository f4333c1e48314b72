/*
 * kvm.h - the KVM platform's inside: per-CPU data, the frame that entry.S builds, what its files offer each other.
 *
 *   entry.S     first instruction, system call entry, exception stubs, the way to ring 3
 *   boot.c      CPU 0 from the first instruction to sentry_main, the other CPUs to their idle loop
 *   desc.c      GDT, TSS, IDT, the MSRs of SYSCALL
 *   trap.c      exceptions in ring 0: exception table, crash reports
 *   irq.c       LAPIC, timer, IPIs, idle, poll
 *   utask.c     application threads: registers, enter_user, switching
 *   fpu.c       XSAVE state
 *   pmap.c      page tables of applications, shootdown
 *   usercopy.c  user memory
 *   kstack.c    kernel stacks with guard pages
 *   power.c     doorbells, halt, crash, memory given back
 *   dax.c       windows of host files
 *
 * Interrupts are off in ring 0 except in cpu_idle and platform_poll.
 */
#ifndef MOAT_KVM_KVM_H
#define MOAT_KVM_KVM_H

/* For entry.S; asserted below. */
#define KC_USER_SP	 256
#define KC_UFRAME	 264
#define KC_KSP		 272
#define KC_ERROR	 280
#define STOP_VEC_SYSCALL 256

#define IST_SIZE 4096

#define VEC_DB	     1
#define VEC_NMI	     2
#define VEC_UD	     6
#define VEC_DF	     8
#define VEC_GP	     13
#define VEC_PF	     14
#define VEC_MF	     16
#define VEC_MC	     18
#define VEC_XM	     19
#define VEC_TIMER    0x70
#define VEC_IPI	     0x71
#define VEC_SPURIOUS 0xff

#define RFLAGS_TF   0x100
#define RFLAGS_IF   0x200
#define RFLAGS_DF   0x400
#define RFLAGS_NT   0x4000
#define RFLAGS_RF   0x10000
#define RFLAGS_AC   0x40000
#define RFLAGS_USER 0x254dd5 /* CF PF AF ZF SF TF DF OF NT RF AC ID: what an application may set */

#ifndef __ASSEMBLY__

#include "abi/boot.h"
#include "abi/kvm.h"
#include "abi/ring.h"
#include "lib/types.h"
#include "platform/platform.h"
#include "platform/x86/pagetable.h"

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iomap;
} __attribute__((packed));

enum { IST_NONE, IST_DB, IST_NMI, IST_DF, IST_MC, IST_COUNT = IST_MC };

struct kvm_cpu {
	struct cpu c;
	/* entry.S */
	u64 user_sp __attribute__((aligned(256)));
	u64 uframe; /* end of the running utask's hardware frame; = tss.rsp[0] */
	u64 ksp;    /* enter_user's stack while the application runs */
	u64 error;  /* error code of the exception that ended enter_user */

	/* interrupts */
	u32 pending_queues;
	bool pending_timer;
	u64 deadline;	    /* what cpu_timer_set asked for, 0: nothing */
	u64 armed;	    /* what the LAPIC waits for; may be earlier than deadline */
	bool machine_check; /* the last copy met memory that has gone; trap.c */

	struct utask *utask;  /* whose FPU and TLS bases are live; NULL: nobody's */
	struct pmap *leaving; /* what CR3 may still hold while it changes to c.pmap; pmap.c */

	u64 gdt[KVM_SEL_TSS / 8 + 2];
	struct tss tss;
	/* The last word of each holds the address of this struct: entry.S finds it there when GS cannot be trusted. */
	u64 ist[IST_COUNT][IST_SIZE / 8] __attribute__((aligned(16)));
};

_Static_assert(sizeof(struct cpu) <= KC_USER_SP, "struct cpu has grown: move KC_*");
_Static_assert(offsetof(struct kvm_cpu, user_sp) == KC_USER_SP, "entry.S");
_Static_assert(offsetof(struct kvm_cpu, uframe) == KC_UFRAME, "entry.S");
_Static_assert(offsetof(struct kvm_cpu, ksp) == KC_KSP, "entry.S");
_Static_assert(offsetof(struct kvm_cpu, error) == KC_ERROR, "entry.S");

/* What an exception in ring 0 leaves on the stack: struct user_regs up to ss, with the error code in orig_rax. */
struct trap_frame {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 error, rip, cs, rflags, rsp, ss;
};

static inline struct kvm_cpu *kvm_cpu_this(void)
{
	return (struct kvm_cpu *)cpu_this();
}

static inline struct kvm_cpu *kvm_cpu_of(struct cpu *c)
{
	return (struct kvm_cpu *)c;
}

extern struct platform_upcalls kvm_upcalls;

/* boot.c */
extern struct kvm_boot kvm_boot; /* a copy */
extern struct pagetable kernel_pt;
paddr_t kvm_page_alloc(void *arg); /* zeroed; before mm is up, from behind the image */
void kvm_page_free(void *arg, paddr_t pa);

/* desc.c: GDT, IDT, TSS, GS and the SYSCALL MSRs of the CPU that runs. */
void desc_init_cpu(struct kvm_cpu *k);

/* irq.c */
void irq_init_cpu(void);
/* acknowledge and remember; from the stubs, or at enter_user's end */
void irq_note(unsigned vector);
void irq_upcalls(void); /* run what was remembered */
void irq_ipi(struct cpu *target);
/*
 * For whoever spins longer than another CPU can take unless it lost its host CPU: leave this one to the host for about
 * 50 us, or until an interrupt. Locks may be held.
 */
#define SPINS_PER_BREATH 1024
void irq_breathe(void);

/* fpu.c */
void fpu_init_cpu(void);
void fpu_save(void *area);
void fpu_restore(const void *area);
void fpu_area_init(void *area);
u32 fpu_exceptions(bool simd);	 /* unmasked ones that are raised: IE DE ZE OE UE PE from bit 0 */
int fpu_check(const void *area); /* 0 or -EINVAL */
void fpu_sanitize(void *area);

/* pmap.c */
/* make it the active one of this CPU; NULL: the Sentry's own tables */
void pmap_switch(struct pmap *p);
/* drop translations that are older than the address space's generation */
void pmap_catch_up(struct cpu *c);
void pmap_drop_dead(struct cpu *c); /* leave the active address space if it was destroyed */

/* entry.S */
void kvm_start(void);
void syscall_entry(void);
u64 user_enter(struct user_regs *r, bool sysret);
void stack_call(void *stack_top, void (*fn)(void *), void *arg) __attribute__((noreturn));
extern u32 irq_impossible; /* interrupts dropped because they came while interrupts were off */
void cpu_halt(void);
extern char cpu_halt_hlt[]; /* its HLT, one byte */
extern char trap_stubs[];
#define TRAP_STUB_SIZE 16
void trap_stub_db(void);
void trap_stub_nmi(void);
void trap_stub_df(void);
void trap_stub_mc(void);

/* Called by entry.S. */
void kvm_main(u32 cpu, const struct kvm_boot *boot) __attribute__((noreturn));
void kvm_cpu_main(u32 cpu) __attribute__((noreturn));
void trap_kernel(struct trap_frame *f, u32 vector);
bool trap_machine_check(struct trap_frame *f);
void trap_fatal(struct trap_frame *f, u32 vector) __attribute__((noreturn));
/* copy.S: bytes that were not copied. */
size_t copy_user(void *dst, const void *src, size_t n);
/* Did a copy on this CPU end by #MC since the last call? */
bool trap_machine_check_seen(void);

#endif
#endif
