/*
 * copy.S - the instructions that touch user memory from ring 0, each with an entry in the exception table. All return the
 * bytes that were not done, or -1 for the compare-exchange.
 */
#include "platform/kvm/kvm.h"

	.macro extable at, to
	.pushsection .extable, "a"
	.quad \at, \to
	.popsection
	.endm

	.macro smap insn
99:	\insn
	.pushsection .smap_sites, "a"
	.quad 99b
	.popsection
	.endm

	.text
	.balign 16
/* size_t copy_user(void *dst, const void *src, size_t n) */
	.globl copy_user
	.type copy_user, @function
copy_user:
	mov %rdx, %rcx
	shr $3, %rcx
	and $7, %edx
	smap stac
1:	rep movsq
	mov %rdx, %rcx
2:	rep movsb
7:	smap clac
	mov %rcx, %rax
	ret
8:	lea (%rdx, %rcx, 8), %rcx /* the bytes of a word before the fault are done one by one */
	jmp 2b
	extable 1b, 8b
	extable 2b, 7b

/* size_t zero_user(void *dst, size_t n) */
	.globl zero_user
	.type zero_user, @function
zero_user:
	mov %rsi, %rcx
	xor %eax, %eax
	smap stac
3:	rep stosb
4:	smap clac
	mov %rcx, %rax
	ret
	extable 3b, 4b

/* int cmpxchg_user32(u32 *p, u32 old, u32 new, u32 *prev) */
	.globl cmpxchg_user32
	.type cmpxchg_user32, @function
cmpxchg_user32:
	mov %rcx, %r8
	mov %esi, %eax
	smap stac
5:	lock cmpxchg %edx, (%rdi)
	smap clac
	mov %eax, (%r8)
	xor %eax, %eax
	ret
6:	smap clac
	mov $-1, %eax
	ret
	extable 5b, 6b
	.section .note.GNU-stack, "", @progbits
