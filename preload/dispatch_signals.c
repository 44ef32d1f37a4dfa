/* SPDX-License-Identifier: MIT */
/*
 * SIGSYS is ours while calls are caught, and a caught call while it is blocked would kill the program (kernel/signal.c, force_sig_info). So the
 * kernel never learns that the program blocks it or catches it; what the program said is kept here, and told when it asks.
 */
#include "dispatch.h"

#include <errno.h>

#include "instrument.h"

static struct kernel_sigaction theirs;  /* of SIGSYS */
static uint64_t in_masks;               /* signals in whose sa_mask the program has SIGSYS */
#define OF_THREAD static __thread __attribute__((tls_model("initial-exec")))
OF_THREAD bool blocked;                 /* by the program, it thinks */
OF_THREAD bool held;                    /* one was sent meanwhile: */
OF_THREAD siginfo_t held_info;

/* A mask of the program's without SIGSYS in @copy. False: the kernel shall say what is wrong with it. */
static bool read_without(const void *mask, uint64_t *copy)
{
	if (!mask || sys_read_memory(sys_gettid(), (uint64_t)mask, copy, sizeof(*copy)) != sizeof(*copy))
		return false;
	*copy &= ~SIGSYS_BIT;
	return true;
}

const void *dispatch_mask(const void *mask, uint64_t *copy)
{
	return read_without(mask, copy) ? copy : mask;
}

static long own_action(const void *new, void *old, long bytes)
{
	struct kernel_sigaction action, before = theirs;

	if (bytes != sizeof(uint64_t))
		return -EINVAL;
	if (new && sys_read_memory(sys_gettid(), (uint64_t)new, &action, sizeof(action)) != sizeof(action))
		return -EFAULT;
	if (old) {
		struct iovec here = { &before, sizeof(before) }, there = { old, sizeof(before) };

		if (sys_call6(SYS_process_vm_writev, sys_gettid(), SYS_A(&here), 1, SYS_A(&there), 1, 0) != sizeof(before))
			return -EFAULT;
	}
	if (new)
		theirs = action;
	return 0;
}

long dispatch_sigaction(long signal, const void *new, void *old, long bytes)
{
	struct kernel_sigaction action;
	uint64_t bit = 1ULL << ((unsigned)(signal - 1) & 63);
	bool had = __atomic_load_n(&in_masks, __ATOMIC_RELAXED) & bit;
	long result;

	if (signal == SIGSYS)
		return own_action(new, old, bytes);
	if (!new || sys_read_memory(sys_gettid(), (uint64_t)new, &action, sizeof(action)) != sizeof(action)) {
		result = sys_call4(SYS_rt_sigaction, signal, new, old, bytes);
	} else {
		uint64_t mask = action.mask;

		action.mask &= ~SIGSYS_BIT;
		result = sys_call4(SYS_rt_sigaction, signal, &action, old, bytes);
		if (!result && mask & SIGSYS_BIT)
			__atomic_fetch_or(&in_masks, bit, __ATOMIC_RELAXED);
		else if (!result)
			__atomic_fetch_and(&in_masks, ~bit, __ATOMIC_RELAXED);
	}
	if (!result && old && had) /* the kernel has just written there */
		((struct kernel_sigaction *)old)->mask |= SIGSYS_BIT;
	return result;
}

static void set_really(int how)
{
	uint64_t set = SIGSYS_BIT;

	sys_call4(SYS_rt_sigprocmask, how, &set, NULL, sizeof(set));
}

long dispatch_signals_begin(void)
{
	struct kernel_sigaction action = { dispatch_caught, SA_SIGINFO | SA_NODEFER | 0x04000000 /* SA_RESTORER */, dispatch_restore, 0 };
	long error = sys_call4(SYS_rt_sigaction, SIGSYS, &action, &theirs, sizeof(uint64_t));
	uint64_t mask = 0;

	sys_call4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask));
	blocked = mask & SIGSYS_BIT; /* by whoever executed this program */
	if (blocked)
		set_really(SIG_UNBLOCK);
	return error;
}

/* For a moment in which no call is caught, the mask is as the program thinks that it is. */
long dispatch_sigprocmask(long how, const void *set, void *old, long bytes)
{
	uint64_t now = 0;
	long result;

	if (blocked)
		set_really(SIG_BLOCK);
	result = sys_call4(SYS_rt_sigprocmask, how, set, old, bytes);
	if (set)
		sys_call4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &now, sizeof(now));
	else
		now = blocked ? SIGSYS_BIT : 0;
	blocked = now & SIGSYS_BIT;
	if (blocked)
		set_really(SIG_UNBLOCK);
	if (!blocked && held) {
		held = false;
		sys_call4(SYS_rt_tgsigqueueinfo, sys_getpid(), sys_gettid(), SIGSYS, &held_info);
	}
	return result;
}

long dispatch_sigpending(void *set, long bytes)
{
	long result = sys_call2(SYS_rt_sigpending, set, bytes);

	if (!result && held) /* the kernel has just written there */
		*(uint64_t *)set |= SIGSYS_BIT;
	return result;
}

void dispatch_before_exec(void)
{
	if (blocked)
		set_really(SIG_BLOCK);
}

void dispatch_after_exec(void)
{
	if (blocked)
		set_really(SIG_UNBLOCK);
}

/* Neither blocked nor caught by anybody: what the kernel would have done. */
static void as_by_default(int signal)
{
	struct kernel_sigaction none = { .handler = NULL };

	sys_call4(SYS_rt_sigaction, signal, &none, NULL, sizeof(uint64_t));
	sys_call3(SYS_tgkill, sys_getpid(), sys_gettid(), signal);
}

void dispatch_forward(int signal, siginfo_t *info, void *context)
{
	struct kernel_sigaction action = theirs;
	uint64_t mask = action.mask & ~SIGSYS_BIT, before;

	if (blocked && info->si_code <= 0) {
		held_info = *info;
		held = true;
		return;
	}
	if ((void *)action.handler == (void *)SIG_IGN && info->si_code <= 0) /* somebody sent it; a filter's cannot be ignored */
		return;
	if ((void *)action.handler == (void *)SIG_DFL || (void *)action.handler == (void *)SIG_IGN) {
		as_by_default(signal);
		return;
	}
	if (action.flags & SA_RESETHAND)
		theirs.handler = NULL;
	sys_call4(SYS_rt_sigprocmask, SIG_BLOCK, &mask, &before, sizeof(mask));
	action.handler(signal, info, context);
	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
}
