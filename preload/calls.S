/* SPDX-License-Identifier: MIT */
/*
 * The two wrappers that cannot be C functions. vfork's child returns from here on the parent's stack and may overwrite it, so the
 * return address is kept in a register that the kernel preserves, as libc does (sysdeps/unix/sysv/linux/x86_64/vfork.S). syscall()
 * may make a process that returns on another stack, so whatever is not of interest jumps on without a frame.
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
	jz	2f
	pushq	%rax
	movq	%rax, %rdi
	call	vfork_noted
	popq	%rax
2:	ret
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
	cmpq	$SYS_mmap, %rdi
	je	3f
	cmpq	$SYS_munmap, %rdi
	je	3f
	cmpq	$SYS_mremap, %rdi
	je	3f
	cmpq	$SYS_fork, %rdi
	je	3f
	cmpq	$SYS_exit_group, %rdi
	je	3f
	cmpq	$SYS_prctl, %rdi
	je	3f
	cmpq	$SYS_seccomp, %rdi
	je	3f
	cmpq	$SYS_userfaultfd, %rdi
	je	3f
	cmpq	$SYS_clone, %rdi
	jne	4f
	testq	%rdx, %rdx		/* a stack of its own: it will not return through our frame */
	jz	3f
4:	jmp	*next_syscall(%rip)
3:	jmp	syscall_of_interest
	.size	syscall, . - syscall

	.section .note.GNU-stack, "", @progbits
