/*
 * layout.h - what the Sentry and its stubs share: addresses in a stub's address space, the control memfd, one thread's
 * context slot and one helper's command page. Read by C and by stub.S.
 *
 * A stub address space belongs to the application below STUB_BASE. Above it:
 *
 *   STUB_BASE   0x7fff00000000  context slots of the threads, 64 KiB each, at the slot's global number (2 GiB)
 *   STUB_CMD    0x7fff80000000  the helper's command page, read-only
 *   STUB_TEXT   0x7fff80010000  stub.S, read and execute only
 *
 * The control memfd: the stub's text, then a command page per helper, then the context slots. Everything that a stub
 * can write (its own context slots) is as hostile as the application itself, since both share one address space.
 */
#ifndef MOAT_SYSTRAP_LAYOUT_H
#define MOAT_SYSTRAP_LAYOUT_H

#define STUB_BASE      0x7fff00000000
#define STUB_CMD       0x7fff80000000
#define STUB_TEXT      0x7fff80010000
#define STUB_TEXT_SIZE 0x2000

#define CTL_TEXT  0x0
#define CTL_CMD	  0x100000   /* + helper * 4096 */
#define CTL_SLOTS 0x10000000 /* + slot * SLOT_SIZE */
#define CTL_SIZE  0x90000000

/* What a helper makes tasks with, and nothing else (filter.c): a thread of the application, another helper. */
/* CLONE_VM | CLONE_FILES | CLONE_PARENT | CLONE_CHILD_CLEARTID | SIGCHLD */
#define THREAD_FLAGS  0x208511
#define PROCESS_FLAGS 0x8411 /* CLONE_FILES | CLONE_PARENT | SIGCHLD */

#define HELPER_MAX 32768
#define SLOT_SIZE  0x10000
#define SLOT_MAX   32768

/*
 * A context slot. The whole slot is the thread's alternate signal stack: the kernel pushes the frame of an event at its
 * upper end. The control block lies in the middle. Its first words are what IRETQ pops, so that a kick between a
 * register load and IRETQ finds the stack pointer at the block's lower end: the frame goes below the block, and neither
 * overwrites it nor the frame above, which still holds the FPU state.
 */
#define SLOT_CTX     0x8000 /* control block */
#define SLOT_FPU     0x9000 /* FPU image that the Sentry or XSAVE wrote */
#define SLOT_FPU_MAX 0x4000

/* Offsets in struct stub_ctx, for assembly. */
#define CTX_IRET	 0x00
#define CTX_CLEAN	 0x28
#define CTX_GREGS	 0x40
#define CTX_STATE	 0xb8
#define CTX_STUB_SLEEP	 0xbc
#define CTX_SPIN	 0x100
#define CTX_SENTRY_SLEEP 0x104
#define CTX_KICK	 0x140
#define CTX_EVENT	 0x144
#define CTX_UC		 0x148
#define CTX_SI		 0x14c
#define CTX_FS		 0x150
#define CTX_GS		 0x158
#define CTX_RESTORE	 0x180
#define CTX_FPU		 0x184
#define CTX_XMASK	 0x188
#define CTX_SETFS	 0x190
#define CTX_SETGS	 0x198

/* CTX_STATE, the futex word. 0 means that the host task has died (CLONE_CHILD_CLEARTID). */
#define STATE_DEAD  0
#define STATE_EVENT 1
#define STATE_RUN   2

/* CTX_EVENT */
#define EVENT_BORN   1 /* the host task waits for its first resume */
#define EVENT_SIGNAL 2 /* CTX_UC and CTX_SI are offsets of the frame in the slot */
#define EVENT_KICK   3 /* a kick came before the resume was complete: registers are as they were */
/* from a patched site: registers in CTX_GREGS and CTX_IRET, FPU state live */
#define EVENT_SYSCALL 4
#define EVENT_SAVED   5 /* answer to RESTORE_SAVE */

/* CTX_RESTORE */
#define RESTORE_FS   1
#define RESTORE_GS   2
#define RESTORE_SAVE 4 /* only write the live FPU state to SLOT_FPU */
/* as SYSRET: to rcx with the flags of r11, FPU state live; CTX_IRET holds only rsp */
#define RESTORE_FAST 8

/* Offsets in struct stub_cmds. */
#define CMDS_SEQ      0x00
#define CMDS_DONE     0x04
#define CMDS_OK	      0x08
#define CMDS_FAIL     0x0c
#define CMDS_COUNT    0x10
#define CMDS_DONE_OFF 0x18
#define CMDS_FPROG    0x20
#define CMDS_STACK    0x30
#define CMDS_FILTER   0x48
#define CMDS_CMD      0x200
#define CMD_SIZE      56
#define CMD_MAX	      64

/* Commands besides plain system calls. */
#define CMD_THREAD  0x1000 /* a0 = address of the context slot's control block */
#define CMD_PROCESS 0x1001 /* a0 = offset of the new helper's command page */

#define CMDS_FAILED 0x80000000

/* A host task with its sealed filter may do these two, on its own CTX_STATE. */
#define STUB_FUTEX_WAIT 0
#define STUB_FUTEX_WAKE 1

#ifndef __ASSEMBLY__

#include "lib/types.h"

struct stub_ctx {
	u64 iret[5]; /* rip cs rflags rsp ss */
	u64 clean;   /* flags for the stub's own instructions */
	u64 pad0[2];
	u64 gregs[15]; /* r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi, as struct user_regs */
	/* In the line of rax and the arguments, which change at each call. Who sleeps must be woken; else it spins. */
	u32 state, stub_sleep;
	u32 pad1[16];
	u32 spin, sentry_sleep; /* spin: PAUSEs before the stub sleeps */
	u32 pad2[14];
	u32 kick, event; /* kick: one came while the stub was in its own code */
	u32 uc, si;
	u64 fs, gs;
	u64 pad3[4];
	u32 restore, fpu; /* fpu: offset of the XSAVE image in the slot; 0: state is live */
	u64 xmask;
	u64 set_fs, set_gs;
};

_Static_assert(offsetof(struct stub_ctx, clean) == CTX_CLEAN, "ctx");
_Static_assert(offsetof(struct stub_ctx, gregs) == CTX_GREGS, "ctx");
_Static_assert(offsetof(struct stub_ctx, state) == CTX_STATE, "ctx");
_Static_assert(offsetof(struct stub_ctx, spin) == CTX_SPIN, "ctx");
_Static_assert(offsetof(struct stub_ctx, kick) == CTX_KICK, "ctx");
_Static_assert(offsetof(struct stub_ctx, fs) == CTX_FS, "ctx");
_Static_assert(offsetof(struct stub_ctx, restore) == CTX_RESTORE, "ctx");
_Static_assert(offsetof(struct stub_ctx, set_gs) == CTX_SETGS, "ctx");

struct stub_cmd {
	u64 nr, arg[6];
};

struct bpf_insn {
	u16 code;
	u8 jt, jf;
	u32 k;
};

struct stub_cmds {
	u32 seq;  /* Sentry: a new batch is there */
	u32 done; /* helper, by pwrite: ok or fail of the batch */
	u32 ok, fail;
	u32 count, pad;
	u64 done_off; /* of `done` in the control memfd */
	struct {
		u16 len;
		u64 insns;
	} fprog;
	struct {
		u64 sp;
		u32 flags, pad;
		u64 size;
	} stack;
	struct bpf_insn filter[54];
	struct bpf_insn filter_end; /* pads */
	struct stub_cmd cmd[CMD_MAX];
};

_Static_assert(offsetof(struct stub_cmds, done_off) == CMDS_DONE_OFF, "cmds");
_Static_assert(offsetof(struct stub_cmds, fprog) == CMDS_FPROG, "cmds");
_Static_assert(offsetof(struct stub_cmds, stack) == CMDS_STACK, "cmds");
_Static_assert(offsetof(struct stub_cmds, filter) == CMDS_FILTER, "cmds");
_Static_assert(offsetof(struct stub_cmds, cmd) == CMDS_CMD, "cmds");
_Static_assert(sizeof(struct stub_cmds) <= 4096, "cmds");

#endif
#endif
