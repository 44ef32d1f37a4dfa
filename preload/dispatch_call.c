/* SPDX-License-Identifier: MIT */
/*
 * The handler of a caught call makes it, with the program's arguments, from within this library, and puts the result where the kernel would
 * have. Handlers of the program may interrupt it and leave by longjmp, and a cancelled thread is unwound through it: nothing is held meanwhile.
 * What a call changes that the end of a handler would change back (the signal mask, the alternate stack: rt_sigreturn) is put into the handler's
 * context as well.
 */
#include "dispatch.h"

#include <errno.h>
#include <sched.h>

#include "call_counts.h"
#include "instrument.h"
#include "log.h"
#include "traffic.h"

#define SUD_CODE 2                      /* SYS_USER_DISPATCH */

/* The stub that returns to the site's next instruction; NULL: all are taken. */
static const char *stub_for(uint64_t returns_to)
{
	for (unsigned i = 0; i < DISPATCH_STUBS; i++) {
		uint64_t there = 0;

		if (__atomic_compare_exchange_n(&dispatch_stub_returns[i], &there, returns_to, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
		    there == returns_to)
			return dispatch_stubs + i * DISPATCH_STUB_BYTES;
	}
	return NULL;
}

static void count_result(unsigned long number, uint64_t begun, const long a[6], long result)
{
	uint64_t ticks = call_count((unsigned)min_u64(number, CAPTURE_NUMBERS - 1), begun, sys_failed(result) ? (int)-result : 0,
		   result > 0 ? (uint64_t)result : 0);

	traffic_count((unsigned)number, a, result, ticks);
}

static long make(long number, const long a[6])
{
	return sys_enter(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* pselect6's mask comes with its size: select(2), "C library/kernel differences". */
struct sized_mask {
	const void *mask;
	size_t bytes;
};

static long make_with_mask(long number, long a[6])
{
	unsigned at = number == SYS_rt_sigsuspend ? 0 : number == SYS_ppoll ? 3 : 4;
	struct sized_mask sized;
	uint64_t copy;

	if (number != SYS_pselect6) {
		a[at] = SYS_A(dispatch_mask((const void *)a[at], &copy));
	} else if (a[5] && sys_read_memory(sys_gettid(), (uint64_t)a[5], &sized, sizeof(sized)) == sizeof(sized)) {
		sized.mask = dispatch_mask(sized.mask, &copy);
		return sys_enter(number, a[0], a[1], a[2], a[3], a[4], SYS_A(&sized));
	}
	return make(number, a);
}

static long make_exec(long number, const long a[6])
{
	long result;

	call_count((unsigned)number, 0, 0, 0);
	if (log_file)
		log_leave();
	dispatch_before_exec();
	result = make(number, a);
	dispatch_after_exec();
	call_made_failed((unsigned)number, (int)-result);
	return result;
}

/* Makes a call; what needs more than that is here. */
static long answer(long number, long a[6], ucontext_t *context)
{
	uint64_t begun = call_ticks();
	long result;

	switch (number) {
	case SYS_execve:
	case SYS_execveat:
		return make_exec(number, a);
	case SYS_exit:
	case SYS_exit_group:
		call_count((unsigned)number, 0, 0, 0);
		if (log_file)
			log_leave();
		return make(number, a);
	case SYS_rt_sigaction:
		result = dispatch_sigaction(a[0], (const void *)a[1], (void *)a[2], a[3]);
		break;
	case SYS_rt_sigprocmask:
		result = dispatch_sigprocmask(a[0], (const void *)a[1], (void *)a[2], a[3]);
		sys_call4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &context->uc_sigmask, sizeof(uint64_t));
		break;
	case SYS_ptrace:
		result = make(number, a);
		if (!a[0] && !result) /* PTRACE_TRACEME */
			dispatch_traced();
		break;
	case SYS_rt_sigpending:
		result = dispatch_sigpending((void *)a[0], a[1]);
		break;
	case SYS_sigaltstack:
		result = make(number, a);
		sys_call2(SYS_sigaltstack, NULL, &context->uc_stack);
		break;
	case SYS_rt_sigsuspend:
	case SYS_ppoll:
	case SYS_pselect6:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
		result = make_with_mask(number, a);
		break;
	case SYS_mmap:
		if (a[3] & MAP_FIXED)
			dispatch_unmapped((uint64_t)a[0], (uint64_t)a[0] + (uint64_t)a[1]);
		result = make(number, a);
		break;
	case SYS_munmap:
	case SYS_mremap:
	case SYS_mprotect:
	case SYS_pkey_mprotect:
		if (number != SYS_mprotect || !(a[2] & PROT_EXEC) || a[2] & PROT_WRITE)
			dispatch_unmapped((uint64_t)a[0], (uint64_t)a[0] + (uint64_t)a[1]);
		result = make(number, a);
		break;
	default:
		result = make(number, a);
	}
	count_result((unsigned long)number, begun, a, result);
	return result;
}

void dispatch_caught(int signal, siginfo_t *info, void *pointer)
{
	ucontext_t *context = pointer;
	greg_t *r = context->uc_mcontext.gregs;
	long number = r[REG_RAX], arguments[6] = { r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9] };
	struct log_entry entry = { 0 };
	const char *stub;

	if (info->si_code != SUD_CODE) {
		dispatch_forward(signal, info, pointer);
		return;
	}
	__atomic_fetch_add(&capture->caught_calls, 1, __ATOMIC_RELAXED);
	switch (number) {
	case SYS_rt_sigreturn:
		call_count(SYS_rt_sigreturn, 0, 0, 0);
		if (log_file)
			log_call(&entry, SYS_rt_sigreturn, arguments);
		r[REG_RIP] = (greg_t)dispatch_restore_call;
		return;
	case SYS_clone:
	case SYS_clone3:
	case SYS_fork:
	case SYS_vfork:
		call_count((unsigned)number, 0, 0, 0);
		stub = stub_for((uint64_t)r[REG_RIP]);
		if (stub) {
			if (log_file)
				log_birth((unsigned)number, arguments);
			r[REG_RIP] = (greg_t)stub;
			return;
		}
		instrument_note(NOTE_NO_DISPATCH, ENOSPC);
	}
	if (log_file)
		log_call(&entry, (unsigned)min_u64((uint64_t)number, LOG_NUMBERS - 1), arguments);
	r[REG_RAX] = answer(number, arguments, context);
	if (log_file)
		log_result(&entry, (unsigned)min_u64((uint64_t)number, LOG_NUMBERS - 1), arguments, r[REG_RAX]);
	if (!dispatch_is_special((unsigned)number))
		dispatch_site_seen((uint64_t)r[REG_RIP] - 2, (uint32_t)number);
}
