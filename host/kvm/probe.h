/*
 * probe.h - memory map and results of the probe guest, for kvm/probe.c and kvm/probe_guest.S.
 */
#ifndef MOAT_HOST_KVM_PROBE_H
#define MOAT_HOST_KVM_PROBE_H

#define PROBE_MEMORY 0x10000
#define PROBE_PML4   0x1000 /* then PDPT, PD, PT */
#define PROBE_GDT    0x5000
#define PROBE_TSS    0x5800
#define PROBE_IDT    0x6000
#define PROBE_CODE   0x8000
#define PROBE_RESULT 0x9000
#define PROBE_STACK  0xf000 /* its upper end */

#define PROBE_ITERATIONS 400
#define PROBE_BATCHES	 4
#define PROBE_ROUNDS	 8
#define PROBE_VECTOR	 0x70
#define PROBE_PORT	 0xe0fe

/* Stages: what the guest is doing. */
#define PROBE_START   0
#define PROBE_LOOP    1
#define PROBE_SYSCALL 2
#define PROBE_TIMER   3
#define PROBE_DONE    4

/* Offsets in struct probe_result. */
#define PR_STAGE     0
#define PR_ROUNDS    4
#define PR_TICKS     8
#define PR_USER_CS   12
#define PR_KERNEL_CS 14
#define PR_CYCLES    16

#endif
