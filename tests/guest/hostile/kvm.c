/*
 * kvm.c - the hostile image on KVM: ring 0, the launcher's page tables, no interrupts; and what ring 0 can do to its
 * virtual machine by itself. Each way ends by the launcher's crash report or, if it did nothing, without a word.
 */
#include "abi/boot.h"
#include "abi/kvm.h"
#include "abi/ring.h"
#include "tests/guest/hostile/hostile.h"

__asm__("	.section .text.entry, \"ax\"\n"
	"	.globl kvm_start\n"
	"kvm_start:\n"
	"	xor %ebp, %ebp\n"
	"	lea hostile_stack + 65536(%rip), %rsp\n"
	"	mov %rsi, %rdi\n"
	"	call hostile_start\n"
	"	ud2\n"
	"	.text\n");

char hostile_stack[65536] __attribute__((aligned(16)));
void hostile_start(const struct kvm_boot *boot);

static void outb(unsigned port)
{
	__asm__ volatile("outb %%al, %%dx" : : "a"(1), "d"(port) : "memory");
}

static void bell(unsigned queue)
{
	outb(RING_PORT_BASE + queue);
}

static void halt(void)
{
	outb(PORT_HALT);
	for (;;)
		__asm__ volatile("pause");
}

static void crash(void)
{
	outb(PORT_CRASH);
	for (;;)
		__asm__ volatile("pause");
}

/*
 * #GP and #UD step over the instruction that caused them, whose length is in skip_len: the processor may refuse, the
 * next abuse comes all the same.
 */
__asm__("	.text\n"
	"skip_gp:\n"
	"	add $8, %rsp\n"
	"skip_ud:\n"
	"	push %rax\n"
	"	mov skip_len(%rip), %rax\n"
	"	add %rax, 8(%rsp)\n"
	"	pop %rax\n"
	"	iretq\n");

extern const char skip_gp[], skip_ud[];
uint64_t skip_len;

static uint64_t idt[32][2];
static uint8_t *direct; /* the direct map */

static void gate(unsigned vector, const char *handler)
{
	uint64_t a = (uintptr_t)handler;

	idt[vector][0] = (a & 0xffff) | (uint64_t)KVM_SEL_KCODE << 16 | 0x8eULL << 40 |
			 (a >> 16 & 0xffff) << 48;
	idt[vector][1] = a >> 32;
}

static void idt_load(unsigned limit)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) r = { (uint16_t)limit, (uintptr_t)idt };

	gate(6, skip_ud);
	gate(13, skip_gp);
	__asm__ volatile("lidt %0" : : "m"(r));
}

static void hypercalls(void)
{
	skip_len = 3;
	for (uint64_t nr = 0; nr < 32; nr++) {
		uint64_t a = nr;

		__asm__ volatile("vmmcall"
				 : "+a"(a)
				 : "b"(~0ULL << nr), "c"(1ULL << 2 * nr), "d"(nr), "S"(~nr)
				 : "memory");
		a = nr;
		__asm__ volatile("vmcall"
				 : "+a"(a)
				 : "b"(0x100000 * nr), "c"(0), "d"(nr), "S"(nr)
				 : "memory");
	}
}

static void control_registers(void)
{
	skip_len = 3;
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t v;

		if (bit == 0 || bit == 31 || bit == 5) /* PE, PG, PAE: not to die of it */
			continue;
		__asm__ volatile("mov %%cr0, %0" : "=r"(v));
		__asm__ volatile("mov %0, %%cr0" : : "a"(v ^ 1ULL << bit));
		__asm__ volatile("mov %0, %%cr0" : : "a"(v));
		__asm__ volatile("mov %%cr4, %0" : "=r"(v));
		__asm__ volatile("mov %0, %%cr4" : : "a"(v ^ 1ULL << bit));
		__asm__ volatile("mov %0, %%cr4" : : "a"(v));
		__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)(1ULL << bit | 1)), "d"(0));
	}
}

/* A page of the hole, where there is no memory. Its tables lie in RAM that nobody uses. */
static volatile uint8_t *map_nowhere(void)
{
	const uint64_t pa = RAM_HOLE + 0x1000000, pdpt = 0x2000000, pd = 0x2001000;
	uint64_t *pml4 = (uint64_t *)(direct + BOOT_TABLES_PADDR + KVM_BOOT_PML4);

	((uint64_t *)(direct + pd))[pa >> 21 & 511] = pa | 0x83;
	((uint64_t *)(direct + pdpt))[pa >> 30] = pd | 3;
	pml4[0] = pdpt | 3;
	return (volatile uint8_t *)pa;
}

static void abuse(unsigned way)
{
	volatile uint8_t *nowhere = map_nowhere();

	idt_load(sizeof(idt) - 1);
	switch (way) {
	case 1: hypercalls(); break;
	case 2: control_registers(); break;
	case 3: /* more starts than vCPUs, more bells than anybody hears */
		for (unsigned i = 0; i < 20000; i++)
			outb(i & 1 ? PORT_START : RING_PORT_BASE + i % RING_QUEUES);
		break;
	case 4: /* a doorbell's port, not its size */
		__asm__ volatile("outl %%eax, %%dx" : : "a"(1), "d"(RING_PORT_BASE));
		break;
	case 5: __asm__ volatile("inb %%dx, %%al" : : "d"(PORT_CRASH) : "rax"); break;
	case 6: { /* the right port, many times at once */
		const void *from = idt;
		uint64_t n = 4096;

		__asm__ volatile("rep outsb" : "+S"(from), "+c"(n) : "d"(PORT_HALT) : "memory");
		break;
	}
	case 7: (void)*nowhere; break;
	case 8: *nowhere = 1; break;
	case 9: __asm__ volatile("lock cmpxchg16b %0" : "+m"(*nowhere) : : "rax", "rdx"); break;
	case 10: /* no handler: triple fault */
		idt_load(0);
		__asm__ volatile("ud2");
		break;
	}
}

/* Pointers in data: the launcher moves this image as it moves the Sentry's, and wants relocations to apply. */
static struct machine machine = { .bell = bell, .halt = halt, .crash = crash, .abuse = abuse };

void hostile_start(const struct kvm_boot *boot)
{
	direct = (uint8_t *)boot->direct_map;
	machine.arena = (uint8_t *)(boot->direct_map + ARENA_PADDR);
	machine.arena_size = boot->arena_size;
	machine.boot_tree = (const uint8_t *)(boot->direct_map + BOOT_FDT_PADDR);
	hostile_main(&machine);
}
