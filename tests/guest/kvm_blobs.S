/*
 * kvm_blobs.S - application code of the KVM platform's test. Mapped at 0x400000, stack at 0x500000 to 0x501000.
 */
	.macro blob name
	.globl blob_\name, blob_\name\()_end
blob_\name:
	.endm
	.macro end name
blob_\name\()_end:
	.endm
	.section .rodata
blob getpid
	mov $39, %eax
	mov $0x1111, %edi
	mov $0x2222, %esi
	mov $0x3333, %edx
	mov $0x4444, %r10d
	mov $0x5555, %r8d
	mov $0x6666, %r9d
	mov $0x7777, %ebx
	mov $0x8888, %r15d
	syscall
	mov %rax, %rdi
	mov $60, %eax
	syscall
end getpid
blob fault
	movabs $0x700000, %rbx
	mov (%rbx), %rax
	movl $7, 8(%rbx)
	jmp *%rbx
end fault
blob ud2
	ud2
end ud2
blob int3
	int3
	syscall
end int3
blob div0
	xor %edx, %edx
	mov $1, %eax
	xor %ecx, %ecx
	div %ecx
end div0
blob hlt
	hlt
end hlt
blob int80
	int $0x80
end int80
blob sysenter
	sysenter
end sysenter
blob noncanonical
	movabs $0x800000000000, %rax
	jmp *%rax
end noncanonical
/* With TF set the pending #DB of MOV SS would hit the first instruction of the SYSCALL handler. */
blob movss
	pushf
	orq $0x100, (%rsp)
	mov %ss, %ecx
	popf
	mov %ecx, %ss
	syscall
	nop
	syscall
end movss
blob movss_int3
	mov %ss, %ecx
	mov %ecx, %ss
	int3
end movss_int3
/* NT, AC, DF, ID set at a system call: the Sentry must not run with them, and the application gets them back. */
blob popf
	pushf
	orq $0x244400, (%rsp)
	popf
	mov $1, %eax
	syscall
	pushf
	pop %rdi
	syscall
end popf
blob trapflag
	pushf
	orq $0x100, (%rsp)
	popf
	nop
	nop
end trapflag
blob align
	pushf
	orq $0x40000, (%rsp)
	popf
	mov -7(%rsp), %eax
end align
/* A GS base in the Sentry's half, then an exception and a system call. */
blob badgs
	movabs $0xffffffff80200000, %rax
	wrgsbase %rax
	wrfsbase %rax
	int3
	mov $2, %eax
	syscall
	rdgsbase %rdi
	rdfsbase %rsi
	syscall
end badgs
blob clearfs
	mov $0x1234, %eax
	wrfsbase %rax
	xor %eax, %eax
	mov %eax, %fs
	mov $0x2b, %eax
	mov %eax, %ds
	mov %eax, %gs
	mov %ds, %edi
	syscall
end clearfs
blob farjmp32
	movl $0x23, -4(%rsp)
	lea 1f(%rip), %rax
	mov %eax, -8(%rsp)
	ljmp *-8(%rsp)
1:	syscall
end farjmp32
blob spin
1:	inc %rbx
	jmp 1b
end spin
blob fpu
	movq %rdi, %xmm0
	movq %rdi, %xmm15
	movq %rdi, %mm3
1:	mov $5, %eax
	syscall
	movq %xmm0, %rsi
	movq %xmm15, %rdx
	movq %mm3, %r10
	jmp 1b
end fpu
blob kernel_read
	movabs $0xffffffff80200000, %rax
	mov (%rax), %rax
end kernel_read
blob loop
	mov $39, %eax
1:	syscall
	dec %rbx
	jnz 1b
	mov $60, %eax
	syscall
end loop
/* Read the word at rdi until it differs from rsi; then a system call with it in rbx. */
blob touch
1:	mov (%rdi), %rbx
	cmp %rsi, %rbx
	je 1b
	mov $9, %eax
	syscall
	jmp 1b
end touch
blob bases
	rdfsbase %rdi
	rdgsbase %rsi
	mov $3, %eax
	syscall
	mov $0x1000, %eax
	wrfsbase %rax
	mov $0x2000, %eax
	wrgsbase %rax
	syscall
	rdfsbase %rdi
	rdgsbase %rsi
	syscall
end bases
	.section .note.GNU-stack, "", @progbits
