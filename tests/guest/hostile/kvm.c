/*
 * kvm.c - the hostile image on KVM: ring 0, the launcher's page tables, no interrupts.
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

/* Pointers in data: the launcher moves this image as it moves the Sentry's, and wants relocations to apply. */
static struct machine machine = { .bell = bell, .halt = halt, .crash = crash };

void hostile_start(const struct kvm_boot *boot)
{
	machine.arena = (uint8_t *)(boot->direct_map + ARENA_PADDR);
	machine.arena_size = boot->arena_size;
	machine.boot_tree = (const uint8_t *)(boot->direct_map + BOOT_FDT_PADDR);
	hostile_main(&machine);
}
