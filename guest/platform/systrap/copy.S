/*
 * copy.S - the accesses to application memory that may meet a page without a file behind it any more (SIGBUS: a file
 * that the host truncated, or a host out of memory). crash.c's handler goes on at the fixup of the instruction.
 */
	.text
/* size_t copy_safe(void *dst, const void *src, size_t n): bytes not copied. */
	.globl copy_safe, copy_safe_insn, copy_safe_fixup
copy_safe:
	movq	%rdx, %rcx
copy_safe_insn:
	rep movsb
copy_safe_fixup:
	movq	%rcx, %rax
	ret

/* size_t zero_safe(void *dst, size_t n): bytes not zeroed. */
	.globl zero_safe, zero_safe_insn, zero_safe_fixup
zero_safe:
	movq	%rsi, %rcx
	xorl	%eax, %eax
zero_safe_insn:
	rep stosb
zero_safe_fixup:
	movq	%rcx, %rax
	ret

/* int cmpxchg_safe(u32 *p, u32 old, u32 new, u32 *prev): 0, or 1 if the access failed. */
	.globl cmpxchg_safe, cmpxchg_safe_insn, cmpxchg_safe_fixup
cmpxchg_safe:
	movl	%esi, %eax
cmpxchg_safe_insn:
	lock cmpxchgl %edx, (%rdi)
	movl	%eax, (%rcx)
	xorl	%eax, %eax
	ret
cmpxchg_safe_fixup:
	movl	$1, %eax
	ret
	.section .note.GNU-stack, "", @progbits
