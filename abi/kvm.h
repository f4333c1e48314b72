/*
 * kvm.h - what the launcher leaves in guest memory for the Sentry on the KVM platform, besides abi/boot.h.
 *
 * Every vCPU starts in 64-bit mode at the image's entry point with edi = its number, rsi = the direct-map address of
 * struct kvm_boot, interrupts off, no stack. CPU 0 runs at once; the others wait in the launcher until the Sentry has
 * written one byte to PORT_START for each of them.
 *
 * Address space at the first instruction (the launcher builds these tables for good; the lower half is empty):
 *   direct_map                  PADDR_END bytes: RAM and arena, NX, writable but for the image's text and rodata; the
 *                               windows of files, read-only
 *   KVM_KVA_BASE (512 GiB)      empty: kernel stacks
 *   KVM_IMAGE_BASE              the image's segments, W^X, 4 KiB pages
 *
 * BOOT_TABLES_PADDR: struct kvm_boot; + 4 KiB: GDT and a zeroed TSS of the launcher; + 8 KiB: the PML4; then tables.
 */
#ifndef MOAT_ABI_KVM_H
#define MOAT_ABI_KVM_H

#ifndef __ASSEMBLY__
#include <stdint.h>
#endif

/* the image is linked at KVM_IMAGE_BASE + BOOT_IMAGE_PADDR */
#define KVM_IMAGE_BASE 0xffffffff80000000ULL
#define KVM_KVA_BASE   0xfffffe8000000000ULL
#define KVM_BOOT_GDT   0x1000ULL /* offsets in the tables area */
#define KVM_BOOT_TSS   0x1800ULL
#define KVM_BOOT_PML4  0x2000ULL

#define PORT_START 0xe0fd /* OUT al: let one more vCPU run (an ioeventfd) */

/* Selectors, the same as Linux's: programs see the user ones. */
#define KVM_SEL_KCODE	0x10
#define KVM_SEL_KDATA	0x18
#define KVM_SEL_UCODE32 0x20 /* never present */
#define KVM_SEL_UDATA	0x2b
#define KVM_SEL_UCODE	0x33
#define KVM_SEL_TSS	0x40

#define KVM_BOOT_MAGIC 0x62746f6f6d6d766bULL

#ifndef __ASSEMBLY__

struct kvm_boot {
	uint64_t magic;
	uint64_t direct_map; /* its virtual base */
	uint64_t ram_size;   /* as a file offset: the hole counts */
	uint64_t arena_size;
	uint64_t windows_size; /* from DAX_RO_PADDR on; 0: there are none */
	uint64_t free_paddr;   /* first byte of RAM behind image and tables */
	uint64_t image_slide;
	uint64_t tsc_hz;
	uint64_t xfeatures;  /* XCR0, already set */
	uint32_t xsave_size; /* standard format */
	uint32_t cpus;
};

#endif
#endif
