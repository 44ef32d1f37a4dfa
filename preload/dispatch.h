/* SPDX-License-Identifier: MIT */
/*
 * Every system call, --syscalls=all. The kernel's Syscall User Dispatch (Documentation/admin-guide/syscall-user-dispatch.rst, Linux
 * 5.11) turns each call that does not come from this library into SIGSYS. The handler makes the call, counts it, and has its site patched
 * when it comes often: from then on the site jumps to the hub (rewrite.h), which does the same without a signal.
 *
 *   dispatch.c          switching it on, for the image, its threads and its children
 *   dispatch_call.c     the handler: what each call needs
 *   dispatch_signals.c  the program's own SIGSYS, which must never be blocked while calls are caught
 *   dispatch_sites.c    which sites come often, and patching them
 *   dispatch_padding.c  bytes that nobody executes, for their jumps
 *   dispatch_hub.c      what a patched site's call does
 *   dispatch_enter.S    where a child comes to life, and the way back from a signal
 */
#ifndef PAGEGAP_DISPATCH_H
#define PAGEGAP_DISPATCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "capture.h"
#include "sys.h"

#define GENERAL_REGISTERS __attribute__((target("general-regs-only")))

extern uint32_t dispatch_on HIDDEN;     /* calls are caught where they are made: wrappers do not count them */

/* Switches it on where the option asks for it. Once per image, in its first thread. */
void dispatch_begin(void) COLD;

/* The calling process will be traced, by its own wish: from now on wrappers count. */
void dispatch_traced(void) COLD;

/* In a thread or process that has just been born: the kernel does not pass it on (kernel/fork.c). */
void dispatch_again(void);
void dispatch_child_begins(void);       /* the same, from dispatch_enter.S: general registers alone */

/* dispatch_call.c */
void dispatch_caught(int signal, siginfo_t *info, void *context);

/* What the hub leaves to the handler. */
static inline GENERAL_REGISTERS bool dispatch_is_special(unsigned number)
{
	switch (number) {
	case SYS_clone: case SYS_clone3: case SYS_fork: case SYS_vfork: case SYS_execve: case SYS_execveat: case SYS_exit: case SYS_exit_group:
	case SYS_rt_sigreturn: case SYS_rt_sigaction: case SYS_rt_sigprocmask: case SYS_sigaltstack: case SYS_rt_sigsuspend: case SYS_rt_sigpending: case SYS_ptrace:
	case SYS_ppoll: case SYS_pselect6: case SYS_epoll_pwait: case SYS_epoll_pwait2:
	case SYS_munmap: case SYS_mremap: case SYS_mprotect: case SYS_pkey_mprotect: case SYS_mmap:
		return true;
	}
	return false;
}

/* dispatch_signals.c: the program's handler of SIGSYS and its view of the mask. Results as the kernel's. */
long dispatch_signals_begin(void);      /* takes SIGSYS; a negated errno: could not */
long dispatch_sigaction(long signal, const void *new, void *old, long bytes);
long dispatch_sigprocmask(long how, const void *set, void *old, long bytes);
long dispatch_sigpending(void *set, long bytes);
void dispatch_forward(int signal, siginfo_t *info, void *context);
void dispatch_before_exec(void);        /* a mask outlives exec: what the program blocked is blocked then … */
void dispatch_after_exec(void);         /* … or, since it failed, not after all */

/*
 * A mask that the kernel sets for the time of a call, without SIGSYS.
 * @mask: the program's pointer; NULL, or not to be read: passed on as it is
 */
const void *dispatch_mask(const void *mask, uint64_t *copy);

/* dispatch_sites.c */
struct rewrite_frame;
void dispatch_site_seen(uint64_t site, uint32_t number);
void dispatch_unmapped(uint64_t start, uint64_t end); /* before code may go, or be written to */
bool dispatch_sites_begin(void); /* false: no memory */
void dispatch_forked(void);
void dispatch_claim(void);              /* tells whose the pages are that were mapped meanwhile, before a ledger */

/* dispatch_padding.c: where a site may hop to (rewrite.h). Returns how many places it found. */
#define DISPATCH_HOPS 1
struct rewrite_site;
uint32_t dispatch_padding(const struct rewrite_site *site, int8_t hops[DISPATCH_HOPS]);
bool dispatch_hub(struct rewrite_frame *frame); /* dispatch_hub.c */

/* dispatch_enter.S */
#define DISPATCH_STUBS 64
#define DISPATCH_STUB_BYTES 32
extern const char dispatch_restore[] __asm__("__restore_rt") HIDDEN;    /* sa_restorer of our handler */
extern const char dispatch_restore_call[] HIDDEN; /* the `syscall` in it */
extern const char dispatch_stubs[] HIDDEN;      /* code that makes a child and returns on both sides to … */
extern uint64_t dispatch_stub_returns[DISPATCH_STUBS] HIDDEN; /* … here */

/* kernel_sigaction of arch/x86/include/uapi/asm/signal.h */
struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	const char *restorer;
	uint64_t mask;
};

#define SIGSYS_BIT (1ULL << (SIGSYS - 1))

#endif
