/*
 * kctx.c - the first frame of a kernel context, and the frames of one that waits; the switch itself is kctx_switch.S.
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

unsigned kctx_backtrace(const struct kctx *ctx, const void *stack_top, u64 *at, unsigned max)
{
	const u64 *top = stack_top, *low = top - KSTACK_SIZE / sizeof(u64), *sp = ctx->sp, *fp;
	unsigned n = 0;

	/* What kctx_switch pushed: five registers, rbp, the return address. */
	if (sp < low || sp + 7 > top || !max)
		return 0;
	at[n++] = sp[6];
	for (fp = (const u64 *)sp[5]; n < max && fp > sp && fp + 2 <= top && !((u64)fp & 7); n++) {
		at[n] = fp[1];
		sp = fp;
		fp = (const u64 *)fp[0];
	}
	return n;
}
