/*
 * stub.S - all code that runs in a stub address space besides the application: the helper's command loop, and the
 * signal entry and resume path of application threads.
 *
 * It is copied to STUB_TEXT of the control memfd, so it is position independent and self-contained. It holds no secret
 * and no authority: an application may jump anywhere in it with any registers. What it may do is decided by the
 * seccomp filters alone (filter.c): a thread's host task can do nothing but FUTEX_WAIT and FUTEX_WAKE on its own state
 * word; the helper is another host task, which touches registers and its read-only command page, never application
 * memory.
 *
 * There is no rt_sigreturn anywhere (it would let an application block the kick signal): control goes back by XRSTOR
 * and IRETQ, or by a jump. The signal mask is therefore always empty and handlers nest: a kick that arrives inside this code only
 * sets CTX_KICK and continues; the resume path tests that last, and a kick between the test and the end restarts the path
 * from its beginning, which reads only memory.
 */
#include "platform/systrap/layout.h"

/* struct rt_sigframe's ucontext, offsets fixed by the host's ABI */
#define UC_R8	40
#define UC_R9	48
#define UC_R10	56
#define UC_R11	64
#define UC_R12	72
#define UC_R13	80
#define UC_R14	88
#define UC_R15	96
#define UC_RDI	104
#define UC_RSI	112
#define UC_RBP	120
#define UC_RBX	128
#define UC_RDX	136
#define UC_RAX	144
#define UC_RCX	152
#define UC_RSP	160
#define UC_RIP	168
#define UC_EFL	176
#define UC_FP	224

#define NR_MUNMAP	11
#define NR_MMAP		9
#define NR_LSEEK	8
#define NR_PWRITE64	18
#define NR_CLONE	56
#define NR_EXIT		60
#define NR_SIGALTSTACK	131
#define NR_FUTEX	202
#define NR_SECCOMP	317
#define NR_CLOSE_RANGE	436

#define CTL_FD		5
#define SIG_KICK	10

	.section .stub, "ax", @progbits
	.globl stub_text, stub_text_end, stub_helper, stub_signal, stub_tramp, stub_tramp_try
	.balign 64
stub_text:

/* ---- the helper: r15 command page, r14 last sequence number, r13 commands left, rbx next command ---- */

stub_helper:
	/* First entry, in a copy of the Sentry: drop all of it. */
	xorl	%edi, %edi
	movabsq	$STUB_BASE, %rsi
	movl	$NR_MUNMAP, %eax
	syscall
	movabsq	$STUB_BASE, %rdi
	movabsq	$(STUB_CMD - STUB_BASE), %rsi
	movl	$NR_MUNMAP, %eax
	syscall
	movabsq	$(STUB_CMD + 0x1000), %rdi
	movl	$(STUB_TEXT - STUB_CMD - 0x1000), %esi
	movl	$NR_MUNMAP, %eax
	syscall
	movabsq	$(STUB_TEXT + STUB_TEXT_SIZE), %rdi
	movabsq	$(0x7ffffffff000 - STUB_TEXT - STUB_TEXT_SIZE), %rsi
	movl	$NR_MUNMAP, %eax
	syscall
helper_fresh:
	/* There is no stack: a signal that gets here by mistake kills, instead of finding memory of the application. */
	xorl	%esp, %esp
	movabsq	$STUB_CMD, %r15
	xorl	%r14d, %r14d
helper_loop:
	movl	CMDS_SEQ(%r15), %eax
	cmpl	%eax, %r14d
	jne	helper_batch
	movq	%r15, %rdi
	xorl	%esi, %esi
	movl	%r14d, %edx
	xorl	%r10d, %r10d
	movl	$NR_FUTEX, %eax
	syscall
	jmp	helper_loop
helper_batch:
	movl	%eax, %r14d
	movl	CMDS_COUNT(%r15), %r13d
	leaq	CMDS_CMD(%r15), %rbx
helper_next:
	testl	%r13d, %r13d
	jz	helper_ok
	decl	%r13d
	movq	(%rbx), %rax
	movq	8(%rbx), %rdi
	movq	16(%rbx), %rsi
	movq	24(%rbx), %rdx
	movq	32(%rbx), %r10
	movq	40(%rbx), %r8
	movq	48(%rbx), %r9
	addq	$CMD_SIZE, %rbx
	cmpq	$CMD_THREAD, %rax
	je	helper_thread
	cmpq	$CMD_PROCESS, %rax
	je	helper_process
	syscall
	cmpq	$-4095, %rax
	jb	helper_next
helper_fail:
	leaq	CMDS_FAIL(%r15), %rsi
	jmp	helper_report
helper_ok:
	leaq	CMDS_OK(%r15), %rsi
helper_report:
	/* The application shares this memory but not this descriptor table: it cannot forge the write. */
	movl	$CTL_FD, %edi
	movl	$4, %edx
	movq	CMDS_DONE_OFF(%r15), %r10
	movl	$NR_PWRITE64, %eax
	syscall
	leaq	CMDS_DONE(%r15), %rdi
	movl	$1, %esi
	movl	$1, %edx
	movl	$NR_FUTEX, %eax
	syscall
	jmp	helper_loop

helper_result:
	/* A register goes to the Sentry as the file offset of the shared description; it holds a lock around that. */
	movl	$CTL_FD, %edi
	movq	%rax, %rsi
	xorl	%edx, %edx
	movl	$NR_LSEEK, %eax
	syscall
	jmp	helper_next

helper_process:
	movq	%rdi, %r12
	movl	$PROCESS_FLAGS, %edi
	xorl	%esi, %esi
	xorl	%edx, %edx
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	movl	$NR_CLONE, %eax
	syscall
	testq	%rax, %rax
	js	helper_fail
	jnz	helper_result
	/* The new helper: its own command page in place of the template's. */
	movabsq	$STUB_CMD, %rdi
	movl	$0x1000, %esi
	movl	$1, %edx	/* PROT_READ */
	movl	$0x11, %r10d	/* MAP_SHARED | MAP_FIXED */
	movl	$CTL_FD, %r8d
	movq	%r12, %r9
	movl	$NR_MMAP, %eax
	syscall
	cmpq	$-4095, %rax
	jb	helper_fresh
	jmp	die

helper_thread:
	movq	%rdi, %r12
	movl	$THREAD_FLAGS, %edi
	xorl	%esi, %esi
	xorl	%edx, %edx
	leaq	CTX_STATE(%r12), %r10
	xorl	%r8d, %r8d
	movl	$NR_CLONE, %eax
	syscall
	testq	%rax, %rax
	js	helper_fail
	jnz	helper_result
	/* A thread of the application: no descriptors, its filter, its alternate stack. No memory is trusted here but the
	   command page. */
	xorl	%edi, %edi
	movl	$-1, %esi
	movl	$2, %edx	/* CLOSE_RANGE_UNSHARE */
	movl	$NR_CLOSE_RANGE, %eax
	syscall
	testq	%rax, %rax
	jnz	die
	movl	$1, %edi	/* SECCOMP_SET_MODE_FILTER */
	xorl	%esi, %esi
	leaq	CMDS_FPROG(%r15), %rdx
	movl	$NR_SECCOMP, %eax
	syscall
	testq	%rax, %rax
	jnz	die
	/* Only now: with a stack of the application's memory, a signal before the seal would run what that holds. */
	leaq	CMDS_STACK(%r15), %rdi
	xorl	%esi, %esi
	movl	$NR_SIGALTSTACK, %eax
	syscall
	testq	%rax, %rax
	jnz	die
	movq	%r12, %rbx
	movq	%rbx, %rsp
	movl	$EVENT_BORN, CTX_EVENT(%rbx)
	jmp	event_post
die:
	movl	$1, %edi
	movl	$NR_EXIT, %eax
	syscall
	hlt

/* ---- application threads: rbx the control block ---- */

	.balign 64
stub_signal:
	movq	%rsp, %rbx
	andq	$-SLOT_SIZE, %rbx
	addq	$SLOT_CTX, %rbx
	movabsq	$STUB_TEXT, %rcx
	movq	UC_RIP(%rdx), %rax
	subq	%rcx, %rax
	cmpq	$STUB_TEXT_SIZE, %rax
	jb	nested
event_signal:
	rdfsbase %rax
	movq	%rax, CTX_FS(%rbx)
	rdgsbase %rax
	movq	%rax, CTX_GS(%rbx)
	subl	%ebx, %edx
	addl	$SLOT_CTX, %edx
	movl	%edx, CTX_UC(%rbx)
	subl	%ebx, %esi
	addl	$SLOT_CTX, %esi
	movl	%esi, CTX_SI(%rbx)
	movl	$EVENT_SIGNAL, CTX_EVENT(%rbx)
event_post:
	/* XCHG is also the barrier between the new state and the look at the other side's sleep flag. */
	movl	$STATE_EVENT, %eax
	xchgl	%eax, CTX_STATE(%rbx)
	cmpl	$0, CTX_SENTRY_SLEEP(%rbx)
	je	event_spin
	leaq	CTX_STATE(%rbx), %rdi
	movl	$STUB_FUTEX_WAKE, %esi
	movl	$1, %edx
	movl	$NR_FUTEX, %eax
	syscall
event_spin:
	movl	CTX_SPIN(%rbx), %ecx
	jrcxz	event_sleep
1:	cmpl	$STATE_EVENT, CTX_STATE(%rbx)
	jne	stub_resume
	pause
	cmpl	$0, CTX_SPIN(%rbx)	/* the Sentry may call it off */
	je	event_sleep
	decl	%ecx
	jnz	1b
event_sleep:
	movl	$1, %eax
	xchgl	%eax, CTX_STUB_SLEEP(%rbx)
event_wait:
	cmpl	$STATE_EVENT, CTX_STATE(%rbx)
	jne	event_woken
	leaq	CTX_STATE(%rbx), %rdi
	xorl	%esi, %esi
	movl	$STATE_EVENT, %edx
	xorl	%r10d, %r10d
	movl	$NR_FUTEX, %eax
	syscall
	jmp	event_wait
event_woken:
	movl	$0, CTX_STUB_SLEEP(%rbx)

	/* All but rsp, rip, the flags and rbx, which may be \ctx. */
	.macro load_gregs ctx
	movq	CTX_GREGS+0(\ctx), %r15
	movq	CTX_GREGS+8(\ctx), %r14
	movq	CTX_GREGS+16(\ctx), %r13
	movq	CTX_GREGS+24(\ctx), %r12
	movq	CTX_GREGS+32(\ctx), %rbp
	movq	CTX_GREGS+48(\ctx), %r11
	movq	CTX_GREGS+56(\ctx), %r10
	movq	CTX_GREGS+64(\ctx), %r9
	movq	CTX_GREGS+72(\ctx), %r8
	movq	CTX_GREGS+80(\ctx), %rax
	movq	CTX_GREGS+88(\ctx), %rcx
	movq	CTX_GREGS+96(\ctx), %rdx
	movq	CTX_GREGS+104(\ctx), %rsi
	movq	CTX_GREGS+112(\ctx), %rdi
	.endm

	/* From here to stub_resume_end a kick starts again at stub_resume. rsp stays inside the slot until IRETQ. */
stub_resume:
	movq	%rsp, %rbx
	andq	$-SLOT_SIZE, %rbx
	addq	$SLOT_CTX, %rbx
	movl	CTX_RESTORE(%rbx), %ecx
	testl	$RESTORE_SAVE, %ecx
	jnz	fpu_save
	testl	$RESTORE_FS, %ecx
	jz	1f
	movq	CTX_SETFS(%rbx), %rax
	wrfsbase %rax
1:	testl	$RESTORE_GS, %ecx
	jz	1f
	movq	CTX_SETGS(%rbx), %rax
	wrgsbase %rax
1:	movl	CTX_FPU(%rbx), %ecx
	testl	%ecx, %ecx
	jz	1f
	movl	CTX_XMASK(%rbx), %eax
	movl	CTX_XMASK+4(%rbx), %edx
	xrstor64 -SLOT_CTX(%rbx, %rcx)
1:	cmpl	$0, CTX_KICK(%rbx)
	jne	kicked
	testl	$RESTORE_FAST, CTX_RESTORE(%rbx)
	jnz	resume_fast
	/* The flags are still the application's: IRETQ faults with NT, whatever it would load. */
	leaq	CTX_CLEAN(%rbx), %rsp
	popfq
	movq	%rbx, %rsp	/* CTX_IRET is 0 */
	load_gregs %rsp
	movq	CTX_GREGS+40(%rsp), %rbx
	iretq
	/*
	 * Back from a system call without IRETQ, which takes 90 ns. A kick at the last instruction finds the application's
	 * rsp: its frame goes to the slot's upper end, where nothing is kept while the FPU state is live.
	 */
resume_fast:
	load_gregs %rbx
	leaq	CTX_GREGS+48(%rbx), %rsp
	movq	CTX_GREGS+40(%rbx), %rbx
	popfq
	movq	CTX_IRET+24-CTX_GREGS-56(%rsp), %rsp
	jmp	*%rcx
stub_resume_end:

kicked:
	movq	%rbx, %rsp
	movl	$EVENT_KICK, CTX_EVENT(%rbx)
	jmp	event_post

fpu_save:
	movq	%rbx, %rsp
	movl	CTX_XMASK(%rbx), %eax
	movl	CTX_XMASK+4(%rbx), %edx
	xsave64	(SLOT_FPU - SLOT_CTX)(%rbx)
	movl	$EVENT_SAVED, CTX_EVENT(%rbx)
	jmp	event_post

	/*
	 * From the thunk of a patched system call site (patch.c): the number in eax, the address behind the site in rcx, as
	 * SYSCALL would leave it; r11 is free. GS base is the control block: if it is not, the first store faults and
	 * the Sentry takes that for the system call. No flag changes before PUSHFQ.
	 */
	.balign 64
stub_tramp:
	rdgsbase %r11
stub_tramp_try:
	movq	%r15, CTX_GREGS+0(%r11)
	movq	%r14, CTX_GREGS+8(%r11)
	movq	%r13, CTX_GREGS+16(%r11)
	movq	%r12, CTX_GREGS+24(%r11)
	movq	%rbp, CTX_GREGS+32(%r11)
	movq	%rbx, CTX_GREGS+40(%r11)
	movq	%rsp, %rbx
	leaq	CTX_GREGS+56(%r11), %rsp
	pushfq			/* as r11 */
	/* What is there already is not written again, so that its line stays in both CPUs' caches. */
	cmpq	%rbx, CTX_IRET+24(%r11)
	je	1f
	movq	%rbx, CTX_IRET+24(%r11)
1:	movq	%r11, %rsp
	movq	%r11, %rbx
	movq	%r10, CTX_GREGS+56(%rbx)
	movq	%r9, CTX_GREGS+64(%rbx)
	movq	%r8, CTX_GREGS+72(%rbx)
	movq	%rax, CTX_GREGS+80(%rbx)
	movq	%rcx, CTX_GREGS+88(%rbx)
	movq	%rdx, CTX_GREGS+96(%rbx)
	movq	%rsi, CTX_GREGS+104(%rbx)
	movq	%rdi, CTX_GREGS+112(%rbx)
	rdfsbase %rax
	cmpq	%rax, CTX_FS(%rbx)
	je	1f
	movq	%rax, CTX_FS(%rbx)
1:	cmpq	%r11, CTX_GS(%rbx)
	je	1f
	movq	%r11, CTX_GS(%rbx)
1:	cmpl	$EVENT_SYSCALL, CTX_EVENT(%rbx)
	je	1f
	movl	$EVENT_SYSCALL, CTX_EVENT(%rbx)
1:	jmp	event_post

	/*
	 * A kick in this code (rax: where). Nobody is reported from here as from the application, whose registers would be
	 * lost; instead one kick ends every loop that there is, with what lies in the control block and not in registers,
	 * since the application may have jumped here with any:
	 *   - the helper's code: no thread of an application has business there; it is preempted like any code of it.
	 *   - waiting for the Sentry: wait on, or resume if it has said so.
	 *   - resuming: from the beginning, where CTX_KICK turns it into an event.
	 * All else is straight and ends in one of these or in an event, so it goes on where it was. Only a forged frame can
	 * lead from the IRETQ below back to here for ever: the Sentry kills a stub that uses up its time so (enter.c).
	 */
nested:
	cmpl	$SIG_KICK, %edi
	jne	event_signal
	cmpl	$(stub_signal - stub_text), %eax
	jb	event_signal
	movl	$1, CTX_KICK(%rbx)
	movq	%rax, %r8
	movq	%rdx, %rsi
	movq	UC_FP(%rsi), %rcx
	movl	CTX_XMASK(%rbx), %eax
	movl	CTX_XMASK+4(%rbx), %edx
	xrstor64 (%rcx)
	cmpl	$(event_spin - stub_text), %r8d
	jb	nested_return
	cmpl	$(stub_resume_end - stub_text), %r8d
	jae	nested_return
	movq	%rbx, %rsp
	cmpl	$(stub_resume - stub_text), %r8d
	jae	stub_resume
	cmpl	$STATE_EVENT, CTX_STATE(%rbx)
	je	event_sleep
	jmp	event_woken
nested_return:
	pushq	$2
	popfq
	pushq	$0x2b
	pushq	UC_RSP(%rsi)
	pushq	UC_EFL(%rsi)
	pushq	$0x33
	pushq	UC_RIP(%rsi)
	movq	UC_R15(%rsi), %r15
	movq	UC_R14(%rsi), %r14
	movq	UC_R13(%rsi), %r13
	movq	UC_R12(%rsi), %r12
	movq	UC_RBP(%rsi), %rbp
	movq	UC_RBX(%rsi), %rbx
	movq	UC_R11(%rsi), %r11
	movq	UC_R10(%rsi), %r10
	movq	UC_R9(%rsi), %r9
	movq	UC_R8(%rsi), %r8
	movq	UC_RAX(%rsi), %rax
	movq	UC_RCX(%rsi), %rcx
	movq	UC_RDX(%rsi), %rdx
	movq	UC_RDI(%rsi), %rdi
	movq	UC_RSI(%rsi), %rsi
	iretq

stub_text_end:
	.section .note.GNU-stack, "", @progbits
