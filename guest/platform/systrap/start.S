/*
 * start.S - entry of the Sentry's process and of its other threads.
 */
#define HC_NR_CLONE 56
#define HC_NR_RT_SIGRETURN 15

	.text
	.globl _start
_start:
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	leaq	boot_stack_end(%rip), %rsp
	andq	$-16, %rsp
	call	systrap_start
	ud2

/* long thread_clone(u64 flags, void *stack_top, void (*fn)(void *), void *arg): returns the tid in the caller. */
	.globl thread_clone
thread_clone:
	movq	%rdx, %r8
	movq	%rcx, %r9
	movq	%r8, -8(%rsi)
	movq	%r9, -16(%rsi)
	subq	$16, %rsi
	xorl	%edx, %edx
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	movl	$HC_NR_CLONE, %eax
	syscall
	testq	%rax, %rax
	jz	1f
	ret
1:	xorl	%ebp, %ebp
	popq	%rdi
	popq	%rax
	call	*%rax
	ud2

/* Restorer of the Sentry's own signal handlers. */
	.globl sentry_sigreturn
sentry_sigreturn:
	movl	$HC_NR_RT_SIGRETURN, %eax
	syscall

	.bss
	.balign 4096
	.skip	65536
boot_stack_end:
	.section .note.GNU-stack, "", @progbits
