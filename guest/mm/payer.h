/*
 * payer.h - who pays for memory (mm/frame.h): a part of each task, which it alone uses, so that what it charged and then
 * allocates goes to one account.
 */
#ifndef MOAT_MM_PAYER_H
#define MOAT_MM_PAYER_H

#include "lib/types.h"

struct frame_payer {
	u32 group;
	u32 refused; /* the group that was too full for its last refused charge; 0: the sandbox was, or none */
	u32 over;	 /* one that it charged above `high`; 0: none */
	u32 over_frames; /* what it charged so, until it has answered for that */
};

#endif
