/* SPDX-License-Identifier: MIT */
/*
 * Code of Syscall User Dispatch that cannot be C. Stubs: a call that makes a thread or a process comes back twice, the second time perhaps
 * on a stack of its own, so its way back must not lie on the stack; each site that makes such calls has a stub, which knows the one address
 * that it returns to. The child switches dispatch on for itself before it goes there.
 */
#define STUBS      64
#define STUB_BYTES 32

	.text
	/*
	 * gdb and libgcc know the way back from a signal by exactly these bytes, and only where there is no unwind table; gdb also
	 * wants it to have libc's name.
	 */
	.balign	16
	nop
	.globl	__restore_rt, dispatch_restore_call
	.hidden	__restore_rt, dispatch_restore_call
	.type	__restore_rt, @function
__restore_rt:
	movq	$15, %rax
dispatch_restore_call:
	syscall
	.size	__restore_rt, . - __restore_rt

	/* In: as at the site. Out: as the `syscall` instruction leaves it: rcx is the address returned to, no flag is touched. */
	.balign	STUB_BYTES
	.globl	dispatch_stubs
	.hidden	dispatch_stubs
	.type	dispatch_stubs, @function
dispatch_stubs:
	.set	i, 0
	.rept	STUBS
	.balign	STUB_BYTES
	syscall
	movq	%rax, %rcx
	jrcxz	1f
	movq	dispatch_stub_returns + 8 * i(%rip), %rcx
	jmp	parent
1:	movq	dispatch_stub_returns + 8 * i(%rip), %rcx
	jmp	child
	.set	i, i + 1
	.endr
	.size	dispatch_stubs, . - dispatch_stubs

	/* Calls C that uses general registers alone and leaves nothing changed. */
	.macro	call_quietly function
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbp
	movq	%rsp, %rbp
	andq	$-16, %rsp
	cld
	call	\function
	movq	%rbp, %rsp
	popq	%rbp
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rax
	.endm

	.type	child, @function
child:
	leaq	-128(%rsp), %rsp
	pushfq
	call_quietly dispatch_child_begins
	popfq
	leaq	128(%rsp), %rsp
	jmp	*%rcx
	.size	child, . - child

	.type	parent, @function
parent:
	leaq	-128(%rsp), %rsp
	pushfq
	cmpq	$0, log_file(%rip)
	je	2f
	pushq	%rdi
	movq	%rax, %rdi
	call_quietly log_born
	popq	%rdi
2:	popfq
	leaq	128(%rsp), %rsp
	jmp	*%rcx
	.size	parent, . - parent

	.bss
	.balign	8
	.globl	dispatch_stub_returns
	.hidden	dispatch_stub_returns
	.type	dispatch_stub_returns, @object
dispatch_stub_returns:
	.zero	8 * STUBS
	.size	dispatch_stub_returns, . - dispatch_stub_returns

	.section .note.GNU-stack, "", @progbits
