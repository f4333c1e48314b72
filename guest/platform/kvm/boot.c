/*
 * boot.c - each CPU from its first instruction to C code above the platform.
 *
 * The launcher has built the page tables (abi/kvm.h). Until mm asks for the free RAM, pages come from behind the image
 * and are never given back; from then on from mm's frames.
 */
#include <string.h>

#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "mm/frame.h"
#include "platform/kvm/kvm.h"
#include "platform/kvm/x86.h"

struct kvm_boot kvm_boot;
struct pagetable kernel_pt = { .alloc = kvm_page_alloc, .free = kvm_page_free };
char *direct_map;
struct platform_upcalls kvm_upcalls;

extern u64 ap_stack[MAX_CPUS]; /* entry.S takes them */

static struct kvm_cpu cpu0;
static struct kvm_cpu *cpus[MAX_CPUS] = { &cpu0 };
static void (*ap_entry)(void);
static paddr_t early_next; /* 0: mm has taken over */
static paddr_t ram_free;   /* where early_next stopped */
/* What the boot tree's parser reads as its canary, %fs:0x28. */
static u64 boot_tls[8];

paddr_t kvm_page_alloc(void *arg)
{
	paddr_t pa;

	if (!early_next)
		return frame_alloc(ZONE_SMALL, 0, FRAME_ZERO);
	pa = early_next;
	early_next += PAGE_SIZE;
	if (early_next > kvm_boot.ram_size)
		panic("no memory for the boot");
	return pa;
}

void kvm_page_free(void *arg, paddr_t pa)
{
	/* Pages of the boot stay with the platform. */
	if (pa >= ram_free)
		frame_put(pa);
}

paddr_t platform_ram_free(void)
{
	if (early_next) {
		ram_free = early_next;
		early_next = 0;
	}
	return ram_free;
}

unsigned cpu_count(void)
{
	return kvm_boot.cpus;
}

struct cpu *cpu_get(unsigned id)
{
	return cpus[id] ? &cpus[id]->c : NULL;
}

void platform_set_upcalls(const struct platform_upcalls *up)
{
	kvm_upcalls = *up;
}

static void cpu_init(struct kvm_cpu *k, unsigned id)
{
	k->c.self = &k->c;
	k->c.id = id;
	desc_init_cpu(k);
	fpu_init_cpu();
	irq_init_cpu();
}

/* CPUs without SMAP have no CLAC and STAC: make them no-ops. The text is read-only, so WP is off for the moment. */
static void patch_smap(void)
{
	extern u64 __smap_start[], __smap_end[];
	static const u8 nop[3] = { 0x0f, 0x1f, 0x00 };
	u64 *site;

	if (read_cr4() & 1 << 21)
		return;
	write_cr0(read_cr0() & ~0x10000ULL);
	for (site = __smap_start; site < __smap_end; site++)
		memcpy((void *)*site, nop, sizeof(nop));
	write_cr0(read_cr0() | 0x10000);
}

/* All CPUs' structs exist from the first line of sentry_main on. Memory of the boot is zero. */
static void cpus_alloc(void)
{
	u64 size = ALIGN_UP(sizeof(struct kvm_cpu), PAGE_SIZE);
	unsigned i;

	for (i = 1; i < kvm_boot.cpus; i++) {
		struct kvm_cpu *k = paddr_to_ptr(early_next);

		early_next += size;
		if (early_next > kvm_boot.ram_size)
			panic("no memory for CPU %u", i);
		k->c.self = &k->c;
		k->c.id = i;
		cpus[i] = k;
	}
}

static void boot_main(void *fdt)
{
	sentry_main(fdt);
}

void kvm_main(u32 cpu, const struct kvm_boot *boot)
{
	void *stack;

	if (boot->magic != KVM_BOOT_MAGIC)
		outb(PORT_CRASH, 0);
	kvm_boot = *boot;
	direct_map = (char *)kvm_boot.direct_map;
	early_next = kvm_boot.free_paddr;
	kernel_pt.root = BOOT_TABLES_PADDR + KVM_BOOT_PML4;
	patch_smap();
	cpu_init(&cpu0, cpu);
	wrfsbase((u64)boot_tls);
	cpus_alloc();
	stack = kstack_alloc();
	if (!stack)
		panic("no memory for the boot stack");
	stack_call(stack, boot_main, paddr_to_ptr(BOOT_FDT_PADDR));
}

static void ap_main(void *arg)
{
	struct kvm_cpu *k = arg;

	cpu_init(k, k->c.id);
	ap_entry();
	panic("CPU %u has nothing to do", k->c.id);
}

void kvm_cpu_main(u32 cpu)
{
	ap_main(cpus[cpu]);
	for (;;)
		;
}

void cpu_start_all(void (*entry)(void))
{
	unsigned i;

	ap_entry = entry;
	for (i = 1; i < kvm_boot.cpus; i++) {
		void *stack = kstack_alloc();

		if (!stack)
			panic("no memory for CPU %u", i);
		ap_stack[i] = (u64)stack;
	}
	atomic_fence();
	for (i = 1; i < kvm_boot.cpus; i++)
		outb(PORT_START, 0);
}
