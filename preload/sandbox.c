/* SPDX-License-Identifier: MIT */
/*
 * The filter language is classic BPF over struct seccomp_data (seccomp(2); Documentation/networking/filter.rst; kernel/seccomp.c,
 * seccomp_check_filter, lists the instructions that a filter may use). The most restrictive answer of all filters counts.
 */
#include "sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

#include "kept.h"
#include "sys.h"

#define FILTERS_MAX      32
#define INSTRUCTIONS_MAX 4096           /* BPF_MAXINSNS of one program; here: of all together */

uint32_t sandbox_active;
uint64_t sys_own_reads, sys_own_writes;

static int clock_by_call(clockid_t clock, struct timespec *now)
{
	return sys_call2(SYS_clock_gettime, clock, now) ? -1 : 0;
}
int (*sys_clock)(clockid_t, struct timespec *) = clock_by_call;

static struct {
	struct sock_filter code[INSTRUCTIONS_MAX];
	uint32_t start[FILTERS_MAX + 1]; /* of each filter; the last is where the next one will begin */
	uint32_t filters;
	uint32_t candidate;             /* instructions of the filter that is going in */
	bool     strict, unknown;       /* strict mode; a filter that could not be kept: allow nothing */
	bool     candidate_strict, candidate_unknown;
} box;

void sandbox_prepare(const struct sock_fprog *program)
{
	kept_open();
	box.candidate_strict = !program;
	box.candidate_unknown = false;
	box.candidate = 0;
	if (!program)
		return;
	if (box.filters == FILTERS_MAX || program->len > INSTRUCTIONS_MAX - box.start[box.filters] ||
	    sys_read_memory(sys_gettid(), (uint64_t)program->filter, &box.code[box.start[box.filters]],
			    program->len * sizeof(struct sock_filter)) != (long)(program->len * sizeof(struct sock_filter)))
		box.candidate_unknown = true;
	else
		box.candidate = program->len;
}

void sandbox_enter(bool installed)
{
	if (!installed)
		return;
	box.strict |= box.candidate_strict;
	box.unknown |= box.candidate_unknown;
	if (box.candidate) {
		box.start[box.filters + 1] = box.start[box.filters] + box.candidate;
		box.filters++;
	}
	sandbox_active = 1;
}

static uint32_t alu(uint16_t operation, uint32_t a, uint32_t operand)
{
	switch (operation) {
	case BPF_ADD: return a + operand;
	case BPF_SUB: return a - operand;
	case BPF_MUL: return a * operand;
	case BPF_DIV: return operand ? a / operand : 0;
	case BPF_OR:  return a | operand;
	case BPF_AND: return a & operand;
	case BPF_LSH: return operand < 32 ? a << operand : 0;
	case BPF_RSH: return operand < 32 ? a >> operand : 0;
	case BPF_XOR: return a ^ operand;
	case BPF_NEG: return -a;
	}
	return 0;
}

static bool holds(uint16_t operation, uint32_t a, uint32_t operand)
{
	return operation == BPF_JEQ ? a == operand : operation == BPF_JGT ? a > operand :
	       operation == BPF_JGE ? a >= operand : (a & operand) != 0;
}

/* Runs one filter. The kernel has checked it: jumps go forward and stay inside, loads are aligned. */
static uint32_t run(const struct sock_filter *code, uint32_t length, const struct seccomp_data *data)
{
	uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = { 0 };

	for (uint32_t at = 0; at < length; at++) {
		const struct sock_filter *i = &code[at];
		uint32_t operand = BPF_SRC(i->code) == BPF_X ? x : i->k;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			if (BPF_MODE(i->code) == BPF_ABS && i->k <= sizeof(*data) - 4)
				memcpy(&a, (const char *)data + i->k, 4);
			else
				a = BPF_MODE(i->code) == BPF_MEM ? memory[i->k % BPF_MEMWORDS] :
				    BPF_MODE(i->code) == BPF_LEN ? (uint32_t)sizeof(*data) : i->k;
			break;
		case BPF_LDX:
			x = BPF_MODE(i->code) == BPF_MEM ? memory[i->k % BPF_MEMWORDS] :
			    BPF_MODE(i->code) == BPF_LEN ? (uint32_t)sizeof(*data) : i->k;
			break;
		case BPF_ST:
			memory[i->k % BPF_MEMWORDS] = a;
			break;
		case BPF_STX:
			memory[i->k % BPF_MEMWORDS] = x;
			break;
		case BPF_ALU:
			a = alu(BPF_OP(i->code), a, operand);
			break;
		case BPF_JMP:
			at += BPF_OP(i->code) == BPF_JA ? i->k : holds(BPF_OP(i->code), a, operand) ? i->jt : i->jf;
			break;
		case BPF_RET:
			return BPF_RVAL(i->code) == BPF_A ? a : i->k;
		case BPF_MISC:
			if (BPF_MISCOP(i->code) == BPF_TAX)
				x = a;
			else
				a = x;
			break;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

long sandbox_call(long number, long a, long b, long c, long d, long e, long f)
{
	struct seccomp_data data = {
		.nr = (int)number, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = (uint64_t)sandbox_call,
		.args = { (uint64_t)a, (uint64_t)b, (uint64_t)c, (uint64_t)d, (uint64_t)e, (uint64_t)f },
	};

	if (box.unknown || (box.strict && number != SYS_read && number != SYS_write))
		return -EPERM;
	for (uint32_t i = 0; i < box.filters; i++) {
		uint32_t answer = run(&box.code[box.start[i]], box.start[i + 1] - box.start[i], &data);

		if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO && (answer & SECCOMP_RET_DATA))
			return -(long)(answer & SECCOMP_RET_DATA);
		if ((answer & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ALLOW && (answer & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_LOG)
			return -EPERM;
	}
	return sys_enter(number, a, b, c, d, e, f);
}
