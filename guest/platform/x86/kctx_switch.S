/*
 * kctx_switch.S - switch between kernel threads of execution: void kctx_switch(struct kctx *from, struct kctx *to).
 *
 * Only the registers that the C ABI preserves are kept; the Sentry has no floating point state of its own, and
 * interrupts are not seen inside kernel code (platform.h).
 */
	.text
	.globl kctx_switch
	.type kctx_switch, @function
kctx_switch:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	(%rsi), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
	.size kctx_switch, . - kctx_switch

/* First frame of a context, made by kctx_init: fn in rbx, arg in r12. The backtrace ends here. */
	.globl kctx_start
	.type kctx_start, @function
kctx_start:
	xorl	%ebp, %ebp
	movq	%r12, %rdi
	call	*%rbx
	ud2
	.size kctx_start, . - kctx_start

	.section .note.GNU-stack, "", @progbits
