/* SPDX-License-Identifier: MIT */
/*
 * The two wrappers that cannot be C functions. vfork's child returns from here on the parent's stack and may overwrite it, so the
 * return address is kept in a register that the kernel preserves, as libc does (sysdeps/unix/sysv/linux/x86_64/vfork.S). syscall()
 * may make a process that returns on another stack: that is counted beforehand, and jumps on without a frame.
 */
#include <sys/syscall.h>

	.text

	.globl	vfork
	.globl	__vfork
	.type	vfork, @function
	.type	__vfork, @function
vfork:
__vfork:
	endbr64
	subq	$8, %rsp
	call	vfork_begins
	addq	$8, %rsp
	popq	%rdi
	movl	$SYS_vfork, %eax
	syscall
	pushq	%rdi
	testq	%rax, %rax
	js	1f
	jz	5f
	pushq	%rax
	movq	%rax, %rdi
	call	vfork_noted
	popq	%rax
	ret
5:	subq	$8, %rsp
	call	dispatch_again
	addq	$8, %rsp
	xorl	%eax, %eax
	ret
1:	movq	%rax, %rdi
	negq	%rdi
	jmp	vfork_failed
	.size	vfork, . - vfork

	.globl	syscall
	.type	syscall, @function
syscall:
	endbr64
	cmpq	$0, next_syscall(%rip)
	je	3f
	cmpq	$SYS_vfork, %rdi
	je	4f
	cmpq	$SYS_clone3, %rdi
	je	4f
	cmpq	$SYS_rt_sigreturn, %rdi
	je	4f
	cmpq	$SYS_clone, %rdi
	jne	3f
	testq	%rdx, %rdx		/* a stack of its own: it will not return through our frame */
	jz	3f
4:	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%r8
	pushq	%r9
	subq	$8, %rsp
	call	syscall_leaves
	addq	$8, %rsp
	popq	%r9
	popq	%r8
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	jmp	*next_syscall(%rip)
3:	jmp	syscall_counted
	.size	syscall, . - syscall

	.section .note.GNU-stack, "", @progbits
