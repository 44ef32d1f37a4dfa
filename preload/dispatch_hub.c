/* SPDX-License-Identifier: MIT */
/*
 * What a patched site's call does: the same as its handler, without the signal. It comes from anywhere in a program's code, where vector
 * registers hold the program's values: general registers alone (the Makefile sees to that), and whatever is not of every day is left to the handler.
 */
#include "call_counts.h"
#include "dispatch.h"
#include "log.h"
#include "rewrite.h"
#include "traffic.h"

/* The same with two records in the log. In a sandbox, a call of our own is not made by few instructions: left to the handler. */
static COLD bool logged(struct rewrite_frame *frame, struct capture_call *cell, struct capture_traffic *traffic)
{
	const long arguments[6] = { (long)frame->rdi, (long)frame->rsi, (long)frame->rdx, (long)frame->r10, (long)frame->r8, (long)frame->r9 };
	unsigned number = (unsigned)frame->rax;
	struct log_entry entry;
	uint64_t begun, ticks;
	long result;

	if (sandbox_active)
		return false;
	log_call(&entry, number, arguments);
	begun = likely(call_clock == CALL_CLOCK_TSC) ? __rdtsc() : 0;
	result = sys_enter(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
	ticks = begun && call_clock ? __rdtsc() - begun : 0;
	frame->rax = (uint64_t)result;
	if (sys_failed(result))
		call_failed(cell, (int)-result);
	call_add(cell, ticks, result > 0 ? (uint64_t)result : 0);
	traffic_done(traffic, number, (uint64_t)arguments[0], (uint64_t)arguments[1], result, ticks);
	log_result(&entry, number, arguments, result);
	return true;
}

bool dispatch_hub(struct rewrite_frame *frame)
{
	struct thread *thread = &this_thread;
	uint64_t number = frame->rax, begun;
	struct capture_traffic *traffic;
	struct capture_call *cell;
	long result;
	unsigned at;

	if (number >= CAPTURE_NUMBERS || dispatch_is_special((unsigned)number) || !thread->counters || !fork_sentinel[0])
		return false;
	at = __atomic_load_n(&thread->counters->cells[number], __ATOMIC_ACQUIRE);
	if (!at || !traffic_ready(thread, number, frame->rdi, &traffic))
		return false;
	if (unlikely(log_file))
		return logged(frame, &capture->calls[at - 1], traffic);
	begun = likely(call_clock == CALL_CLOCK_TSC) ? __rdtsc() : 0;
	result = sys_enter((long)number, (long)frame->rdi, (long)frame->rsi, (long)frame->rdx, (long)frame->r10, (long)frame->r8, (long)frame->r9);
	frame->rax = (uint64_t)result;
	cell = &capture->calls[at - 1];
	if (unlikely(sys_failed(result)))
		call_failed(cell, (int)-result);
	begun = begun && call_clock ? __rdtsc() - begun : 0;
	call_add(cell, begun, result > 0 ? (uint64_t)result : 0);
	traffic_done(traffic, number, frame->rdi, frame->rsi, result, begun);
	return true;
}
