/*
 * entry.S - the first instruction, the ways into ring 0 and the way to ring 3.
 *
 * While an application runs, TSS.rsp0 points behind the hardware frame inside its struct user_regs: an exception or
 * interrupt pushes its frame straight into the right place, SYSCALL's entry pushes the same by hand, and both then
 * return from user_enter on the Sentry's stack. Nothing of the Sentry ever runs on that frame.
 *
 * #DB, NMI, #DF and #MC have stacks of their own (IST) and never guess whose GS is loaded: #DB can arrive at
 * syscall_entry (MOV SS; SYSCALL) with the application's.
 */
#include "abi/kvm.h"
#include "platform/kvm/kvm.h"

	.section .text.entry, "ax"
	.globl kvm_start
	.type kvm_start, @function
kvm_start:
	xor %ebp, %ebp
	test %edi, %edi
	jnz 1f
	lea boot_stack_top(%rip), %rsp
	call kvm_main
1:	mov %edi, %eax
	mov ap_stack(, %rax, 8), %rsp
	call kvm_cpu_main

	.text
	.globl stack_call
	.type stack_call, @function
stack_call:
	mov %rdi, %rsp
	mov %rdx, %rdi
	xor %ebp, %ebp
	call *%rsi
	ud2

/*
 * void cpu_halt(void): let interrupts in and wait for one. STI takes effect behind the next instruction, so one that is
 * pending ends the HLT at once. QEMU (7.2, TCG) forgets that when KVM leaves and enters the guest in between: the
 * interrupt is then handled before the HLT, which would sleep through what it announced. trap_kernel steps over it.
 */
	.globl cpu_halt
	.globl cpu_halt_hlt
	.type cpu_halt, @function
cpu_halt:
	sti
cpu_halt_hlt:
	hlt
	cli
	ret

/* ---- struct user_regs on the stack: what an entry pushes above rdi, and back ---- */

	.macro push_rest
	push %rsi
	push %rdx
	push %rcx
	push %rax
	push %r8
	push %r9
	push %r10
	push %r11
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	.endm

	.macro pop_callee_saved
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	.endm

	.macro pop_caller_saved
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rax
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
	.endm

/* ---- to ring 3 and back: u64 user_enter(struct user_regs *r, bool sysret), the vector ---- */

	.globl user_enter
	.type user_enter, @function
user_enter:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %gs:KC_KSP
	mov %rdi, %rsp
	pop_callee_saved
	test %sil, %sil
	jz 2f
	pop_caller_saved
	mov 32(%rsp), %rsp	/* orig_rax rip cs rflags rsp */
	swapgs
	sysretq
2:	pop_caller_saved
	add $8, %rsp
	swapgs
	iretq

	.macro return_from_user_enter
	mov %gs:KC_KSP, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
	.endm

	.balign 64
	.globl syscall_entry
	.type syscall_entry, @function
syscall_entry:
	swapgs
	mov %rsp, %gs:KC_USER_SP
	mov %gs:KC_UFRAME, %rsp
	push $KVM_SEL_UDATA
	push %gs:KC_USER_SP
	push %r11
	push $KVM_SEL_UCODE
	push %rcx
	push %rax
	push %rdi
	push_rest
	mov $STOP_VEC_SYSCALL, %eax
	return_from_user_enter

/* ---- exceptions and interrupts: rdi saved in its place, the vector in edi ---- */

	.macro error_code vector
	.if \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21 || \vector == 29 || \vector == 30
	.else
	push $0
	.endif
	.endm

	.balign 16
	.globl trap_stubs
	.type trap_stubs, @function
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	error_code vector
	push %rdi
	mov $vector, %edi
	jmp trap_common
	.set vector, vector + 1
	.endr

	.type trap_common, @function
trap_common:
	cld
smap_clac_trap:
	clac
	testb $3, 24(%rsp)	/* rdi error rip cs */
	jz trap_ring0
	swapgs
	lfence
trap_user:
	push_rest
	mov 15 * 8(%rsp), %rax
	mov %rax, %gs:KC_ERROR
	movq $-1, 15 * 8(%rsp)
	mov %edi, %eax
	return_from_user_enter

/* rdi and rbx: the frame. A return address and rbp below it let a backtrace go on into the interrupted code. */
	.macro link_frame
	mov %rsp, %rdi
	mov %rsp, %rbx
	and $-16, %rsp
	push 16 * 8(%rdi)
	push %rbp
	mov %rsp, %rbp
	.endm

/*
 * An interrupt that arrives while interrupts are off does not exist, but QEMU (7.2, TCG) makes some: it remembers a
 * vector that KVM injected with VMRUN, and delivers it once more, wherever we are by then, when another thread tells its
 * loop to look around. So here GS may be the application's and the stack a utask's frame: touch neither, go back.
 */
trap_ring0:
	cmp $32, %edi
	jb 1f
	testb $RFLAGS_IF >> 8, 33(%rsp)
	jz trap_impossible
1:	push_rest
	mov %edi, %esi
	link_frame
	call trap_kernel
	mov %rbx, %rsp
	pop_callee_saved
	pop_caller_saved
	add $8, %rsp
	iretq

trap_impossible:
	lock incl irq_impossible(%rip)
	pop %rdi
	add $8, %rsp
	iretq

/* From ring 3 an IST entry moves its frame to where an ordinary exception would have pushed it. */
	.macro ist_from_user vector
	cld
	swapgs
	lfence
	mov %rsp, %rdi
	mov %gs:KC_UFRAME, %rsp
	push 48(%rdi)
	push 40(%rdi)
	push 32(%rdi)
	push 24(%rdi)
	push 16(%rdi)
	push 8(%rdi)
	push (%rdi)
	mov $\vector, %edi
	jmp trap_user
	.endm

/* In ring 0 only MOV SS; SYSCALL raises #DB: the application's breakpoint, already past; go on. */
	.globl trap_stub_db
	.type trap_stub_db, @function
trap_stub_db:
	push $0
	push %rdi
	testb $3, 24(%rsp)
	jnz 1f
	pop %rdi
	add $8, %rsp
	iretq
1:	ist_from_user VEC_DB

/* Nobody sends one; a stray one is dropped. */
	.globl trap_stub_nmi
	.type trap_stub_nmi, @function
trap_stub_nmi:
	iretq

	.globl trap_stub_mc
	.type trap_stub_mc, @function
trap_stub_mc:
	push $0
	push %rdi
	testb $3, 24(%rsp)
	jz 1f
	ist_from_user VEC_MC
1:	cld
	push_rest
	link_frame
	call trap_machine_check
	mov %rbx, %rsp
	test %al, %al
	pop_callee_saved
	pop_caller_saved
	jz 2f
	add $8, %rsp
	iretq
2:	push %rdi
	mov $VEC_MC, %edi
	jmp ist_fatal

	.globl trap_stub_df
	.type trap_stub_df, @function
trap_stub_df:
	push %rdi
	mov $VEC_DF, %edi

/* The word behind the hardware frame is this CPU's struct: rdi error rip cs rflags rsp ss, then it. */
ist_fatal:
	cld
	push_rest
	mov 21 * 8(%rsp), %rax
	wrgsbase %rax
	mov %edi, %esi
	link_frame
	call trap_fatal
	ud2

	.section .smap_sites, "a"
	.quad smap_clac_trap

	.bss
	.balign 16
	.space 8192
boot_stack_top:
	.globl irq_impossible
irq_impossible:
	.long 0
	.globl ap_stack
	.balign 8
ap_stack:
	.space 64 * 8
	.section .note.GNU-stack, "", @progbits
