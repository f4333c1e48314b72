/*
 * utask.h - the KVM platform's part of an application thread. One page holds it and the XSAVE image (two or more where
 * the image is large).
 */
#ifndef MOAT_KVM_UTASK_H
#define MOAT_KVM_UTASK_H

#include "platform/platform.h"

struct utask {
	/*
	 * Room for one more frame below regs (entry.S, trap_impossible); odd, because the end of the hardware frame,
	 * regs.fs_base, must be a multiple of 16.
	 */
	u64 pad[9];
	struct user_regs regs;
	struct pmap *pmap;
	u64 live_fs,
		live_gs; /* what the hardware holds while this utask is on a CPU, as far as we know */
	bool bases_fresh; /* regs.fs_base and gs_base were read since the application last ran */
	bool step;	  /* utask_single_step */
	bool user_tf;	  /* TF was the application's own */
	u8 order;
	u8 fpu[] __attribute__((aligned(64)));
};

_Static_assert((offsetof(struct utask, regs) + offsetof(struct user_regs, fs_base)) % 16 == 0,
	       "hardware frame");

#endif
