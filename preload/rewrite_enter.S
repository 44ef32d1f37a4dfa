/* SPDX-License-Identifier: MIT */
/*
 * From a trampoline to the hub and back. To the program this is the `syscall` instruction: but for rax, rcx and r11 it finds every
 * register, every flag and the 128 bytes below its stack pointer as they were (red zone: System V ABI, AMD64, 3.2.2). The hub is C that
 * uses general registers alone, so that no vector is saved. To an unwinder this is a function called at the site:
 * older C libraries cancel a thread by unwinding from the signal that interrupted its call.
 *
 * In: rcx: the trampoline's own `syscall` (rewrite.c says what lies around it). r11 is free.
 */
	.macro	save register
	pushq	%\register
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \register, 0
	.endm

	.macro	restore register
	popq	%\register
	.cfi_adjust_cfa_offset -8
	.cfi_restore \register
	.endm

	.text
	.globl	rewrite_enter
	.hidden	rewrite_enter
	.type	rewrite_enter, @function
rewrite_enter:
	.cfi_startproc
	.cfi_def_cfa rsp, 0		/* the caller's stack pointer, since nothing was pushed to call us */
	.cfi_undefined rip
	leaq	-128(%rsp), %rsp
	.cfi_adjust_cfa_offset 128
	pushfq				/* flags */
	.cfi_adjust_cfa_offset 8
	movslq	5(%rcx), %r11
	leaq	9(%rcx, %r11), %r11
	pushq	%r11			/* site_after */
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rip, 0
	pushq	%rcx			/* tail */
	.cfi_adjust_cfa_offset 8
	save	rax
	save	rdi
	save	rsi
	save	rdx
	save	r10
	save	r8
	save	r9
	save	rbp
	movq	%rsp, %rdi
	movq	%rsp, %rbp
	.cfi_def_cfa_register rbp
	andq	$-16, %rsp
	cld
	call	*rewrite_hub(%rip)
	movq	%rbp, %rsp
	.cfi_def_cfa_register rsp
	movzbl	%al, %eax
	addl	%eax, %eax		/* made: behind the trampoline's own `syscall` */
	addq	%rax, 64(%rsp)
	restore	rbp
	restore	r9
	restore	r8
	restore	r10
	restore	rdx
	restore	rsi
	restore	rdi
	restore	rax
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	popq	%r11
	.cfi_adjust_cfa_offset -8
	.cfi_undefined rip
	movq	(%rsp), %r11
	popfq
	.cfi_adjust_cfa_offset -8
	leaq	128(%rsp), %rsp
	.cfi_adjust_cfa_offset -128
	jmp	*%rcx
	.cfi_endproc
	.size	rewrite_enter, . - rewrite_enter

	.section .note.GNU-stack, "", @progbits
