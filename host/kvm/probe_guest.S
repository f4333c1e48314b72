/*
 * probe_guest.S - the probe guest's code, copied to PROBE_CODE of its memory (host/kvm/probe.h has the map; virtual
 * = physical, all pages open to ring 3). Position-independent; rbx holds the result structure throughout.
 *
 * Steps: time a loop in ring 0; enter ring 3 by SYSRET and come back by SYSCALL, several times, checking CS on both sides;
 * take one interrupt of the TSC-deadline timer in HLT; write to PORT_HALT.
 */
#include "host/kvm/probe.h"

	.section .rodata
	.globl kvm_probe_code, kvm_probe_code_end, kvm_probe_timer
kvm_probe_code:
	mov $PROBE_RESULT, %ebx
	movl $PROBE_LOOP, PR_STAGE(%rbx)
	mov $-1, %r9
	mov $PROBE_BATCHES, %r8d
1:	rdtsc
	shl $32, %rdx
	lea (%rax, %rdx), %rsi
	mov $PROBE_ITERATIONS, %ecx
2:	dec %ecx
	jnz 2b
	rdtsc
	shl $32, %rdx
	add %rdx, %rax
	sub %rsi, %rax
	cmp %r9, %rax
	cmovb %rax, %r9
	dec %r8d
	jnz 1b
	mov %r9, PR_CYCLES(%rbx)

	movl $PROBE_SYSCALL, PR_STAGE(%rbx)
	mov $0xc0000081, %ecx		/* STAR */
	xor %eax, %eax
	mov $(0x23 << 16 | 0x10), %edx
	wrmsr
	mov $0xc0000082, %ecx		/* LSTAR */
	lea from_user(%rip), %rax
	mov %rax, %rdx
	shr $32, %rdx
	wrmsr
	mov $0xc0000084, %ecx		/* FMASK */
	mov $0x200, %eax
	xor %edx, %edx
	wrmsr
to_user:
	lea user(%rip), %rcx
	mov $0x2, %r11d
	sysretq
user:	mov %cs, PR_USER_CS(%rbx)
	syscall
	ud2
from_user:
	mov %cs, PR_KERNEL_CS(%rbx)
	testw $3, PR_KERNEL_CS(%rbx)
	jnz done
	incl PR_ROUNDS(%rbx)
	cmpl $PROBE_ROUNDS, PR_ROUNDS(%rbx)
	jb to_user

	movl $PROBE_TIMER, PR_STAGE(%rbx)
	mov $0x80f, %ecx		/* x2APIC: spurious vector, enable */
	mov $0x1ff, %eax
	xor %edx, %edx
	wrmsr
	mov $0x832, %ecx		/* LVT timer: TSC deadline */
	mov $(2 << 17 | PROBE_VECTOR), %eax
	wrmsr
	mfence
	rdtsc
	add $100000, %eax
	adc $0, %edx
	mov $0x6e0, %ecx
	wrmsr
3:	sti
	hlt
	cli
	cmpl $0, PR_TICKS(%rbx)
	je 3b
	movl $PROBE_DONE, PR_STAGE(%rbx)
done:	mov $PROBE_PORT, %edx
	out %al, %dx
	jmp done

	.balign 16
kvm_probe_timer:
	incl PR_TICKS(%rbx)
	push %rax
	push %rcx
	push %rdx
	mov $0x80b, %ecx		/* end of interrupt */
	xor %eax, %eax
	xor %edx, %edx
	wrmsr
	pop %rdx
	pop %rcx
	pop %rax
	iretq
kvm_probe_code_end:
	.section .note.GNU-stack, "", @progbits
