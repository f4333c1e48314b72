/*
 * kctx.c - the first frame of a kernel context; the switch itself is kctx_switch.S.
 */
#include "platform/platform.h"

void kctx_start(void);

void kctx_init(struct kctx *ctx, void *stack_top, void (*fn)(void *), void *arg)
{
	u64 *sp = stack_top;

	/* kctx_start calls fn, so it must itself be entered with rsp a multiple of 16. */
	*--sp = 0;
	*--sp = 0;
	*--sp = (u64)kctx_start;
	*--sp = 0;	  /* rbp */
	*--sp = (u64)fn;  /* rbx */
	*--sp = (u64)arg; /* r12 */
	*--sp = 0;	  /* r13 */
	*--sp = 0;	  /* r14 */
	*--sp = 0;	  /* r15 */
	ctx->sp = sp;
}
