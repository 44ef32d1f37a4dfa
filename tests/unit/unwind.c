/* SPDX-License-Identifier: MIT */
/*
 * Walks of stacks as libunwind finds them: through plain functions, frames on a stack that was aligned anew, signals, alternate stacks, contexts
 * of the program's own, threads with small stacks, C library code that calls back; and of stacks that are damaged or end in nothing,
 * from which nobody may die.
 *
 * links: preload/unwind.c preload/unwind_rules.c preload/ranges.c preload/sandbox.c preload/kept.c
 * build: -lunwind
 */
#define UNW_LOCAL_ONLY
#include <alloca.h>
#include <dlfcn.h>
#include <libunwind.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cmocka.h>

#include "../../preload/unwind.h"
#include "../../preload/unwind_rules.h"

#define MOST  512

const char dispatch_restore[1] __asm__("__restore_rt");         /* the library's; nothing returns there */

static struct walk {
	uint64_t ours[MOST];
	void *theirs[MOST];
	unsigned used;
	int their_used;
	enum unwind_end end;
} walk;

/* Of a signal's frame, which their address is behind a call or not; of ours it is known. */
static bool same_place(uint64_t ours, const void *theirs)
{
	return ours == (uint64_t)theirs || ours + 1 == (uint64_t)theirs;
}

static __attribute__((noinline)) void take(void)
{
	walk.their_used = unw_backtrace(walk.theirs, MOST);
	walk.used = unwind(walk.ours, MOST, &walk.end);
}

/* From the caller of take on; before that, ours has the frames of unwind and take. */
static void assert_same(enum unwind_end end)
{
	unsigned at = 0;

	while (at < 4 && !same_place(walk.ours[at], walk.theirs[1]))
		at++;
	assert_true(at < 4);
	assert_int_equal(walk.end, end);
	assert_true(walk.used > at + 2);
	for (int i = 1; i < walk.their_used && at + (unsigned)i <= walk.used; i++)
		if (!same_place(walk.ours[at + (unsigned)i - 1], walk.theirs[i]))
			fail_msg("frame %d: %#lx, libunwind has %p", i, (unsigned long)walk.ours[at + (unsigned)i - 1], walk.theirs[i]);
	if (walk.used < MOST)
		assert_int_equal(walk.used - at, walk.their_used - 1);
}

static __attribute__((noinline)) int nested(int depth)
{
	volatile char space[64];

	space[0] = (char)depth;
	if (depth)
		return nested(depth - 1) + space[0];
	take();
	return space[0];
}

static void plain_functions(void **state)
{
	(void)state;
	nested(0);
	assert_same(UNWIND_COMPLETE);
	nested(40);
	assert_same(UNWIND_COMPLETE);
	assert_true(walk.used > 40);
}

static __attribute__((noinline, optimize("no-omit-frame-pointer"))) int with_alloca(int bytes)
{
	volatile char *space = alloca((size_t)bytes);

	space[0] = 1;
	return nested(3) + space[0];
}

static __attribute__((noinline)) int aligned_anew(int bytes)
{
	_Alignas(128) volatile char wide[128];
	volatile char *space = alloca((size_t)bytes);

	wide[0] = space[0] = 2;
	return with_alloca(bytes) + wide[0] + space[0];
}

static void frames_by_the_base_pointer_and_aligned_anew(void **state)
{
	(void)state;
	for (int bytes = 1; bytes < 4000; bytes += 777) {
		aligned_anew(bytes);
		assert_same(UNWIND_COMPLETE);
	}
}

static int ascending(const void *a, const void *b)
{
	if (!walk.used)
		nested(2);
	return *(const int *)a - *(const int *)b;
}

static void through_libc(void **state)
{
	int numbers[] = { 3, 1, 2, 9, 5 };

	(void)state;
	walk.used = 0;
	qsort(numbers, 5, sizeof(numbers[0]), ascending);
	assert_same(UNWIND_COMPLETE);
}

static void handler(int signal)
{
	(void)signal;
	nested(4);
}

static __attribute__((noinline)) void raised(int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
	nested(0);
	walk.used = 0;
	raise(SIGUSR1);
	assert_same(UNWIND_COMPLETE);
	signal(SIGUSR1, SIG_DFL);
}

static void a_handler(void **state)
{
	(void)state;
	raised(0);
}

static void a_handler_on_a_stack_of_its_own(void **state)
{
	stack_t own = { .ss_size = 64 << 10 }, none = { .ss_flags = SS_DISABLE };

	(void)state;
	own.ss_sp = malloc(own.ss_size);
	assert_int_equal(sigaltstack(&own, NULL), 0);
	raised(SA_ONSTACK);
	assert_int_equal(sigaltstack(&none, NULL), 0);
	free(own.ss_sp);
}

static sigjmp_buf back;

static void leaves(int signal)
{
	(void)signal;
	nested(1);
	siglongjmp(back, 1);
}

static void after_a_longjmp_from_a_handler(void **state)
{
	(void)state;
	signal(SIGUSR1, leaves);
	for (volatile int i = 0; i < 3; i++) {
		if (!sigsetjmp(back, 1))
			raise(SIGUSR1);
		nested(5);
		assert_same(UNWIND_COMPLETE);
	}
	signal(SIGUSR1, SIG_DFL);
}

static ucontext_t main_context, coroutine;

static void in_coroutine(void)
{
	nested(6);
	swapcontext(&coroutine, &main_context);
}

static void a_context_of_the_programs_own(void **state)
{
	const size_t bytes = 64 << 10;

	(void)state;
	for (volatile int round = 0; round < 3; round++) { /* on stacks that come and go at one place */
		char *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_ptr_not_equal(stack, MAP_FAILED);
		getcontext(&coroutine);
		coroutine.uc_stack.ss_sp = stack;
		coroutine.uc_stack.ss_size = bytes;
		coroutine.uc_link = &main_context;
		makecontext(&coroutine, in_coroutine, 0);
		swapcontext(&main_context, &coroutine);
		assert_same(UNWIND_LOST); /* libc's __start_context has no caller, which its table says or not */
		assert_true(walk.used >= 8);
		munmap(stack, bytes);
		unwind_forget_stacks();
		nested(3);
		assert_same(UNWIND_COMPLETE);
	}
}

static void *in_thread(void *unused)
{
	nested(10);
	return unused;
}

static void threads_with_little_stack(void **state)
{
	pthread_attr_t attributes;
	pthread_t thread;

	(void)state;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 << 10);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(pthread_create(&thread, &attributes, in_thread, NULL), 0);
		pthread_join(thread, NULL);
		assert_same(UNWIND_COMPLETE);
	}
	pthread_attr_destroy(&attributes);
}

static void deeper_than_there_is_room(void **state)
{
	(void)state;
	nested(10000);
	assert_int_equal(walk.used, MOST);
	assert_same(UNWIND_DEEP);
	nested(3); /* and near the top again */
	assert_same(UNWIND_COMPLETE);
}

/* What lies on the stack is nonsense: return addresses, saved registers, all of it. */
static __attribute__((noinline)) void damaged(uint64_t nonsense)
{
	volatile uint64_t *frame = __builtin_frame_address(0);
	uint64_t base = frame[0], returns = frame[1];

	frame[0] = nonsense; /* the caller's rbp */
	walk.used = unwind(walk.ours, MOST, &walk.end);
	frame[1] = nonsense; /* where this returns to */
	walk.used = unwind(walk.ours, MOST, &walk.end);
	frame[0] = base;
	frame[1] = returns;
}

static void nobody_dies_of_a_damaged_stack(void **state)
{
	static const uint64_t nonsense[] = { 0, 1, 8, 4096, 0x7fffffffffff, 0x7ffffffffff8, 0xffffffffffffffff, 0x8000000000000000, 0xdeadbeefdeadbeef };
	uint64_t random = 88172645463325252ULL;

	(void)state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		damaged(nonsense[i]);
		assert_true(walk.used <= 3);
		assert_int_equal(walk.end, UNWIND_LOST);
	}
	for (int i = 0; i < 2000; i++) {
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		damaged(random >> random % 20);
		damaged((uint64_t)qsort + random % 4096); /* code, but not what was called */
		damaged((uint64_t)&random + random % 65536);
	}
	nested(3);
	assert_same(UNWIND_COMPLETE);
}

/* Of a whole object, and what a sanitizer has put between its variables. */
static __attribute__((no_sanitize("address"))) void copy_object(volatile uint8_t *to, const volatile uint8_t *from, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes; i++)
		to[i] = from[i];
}

/* A copy of this program, with bytes changed in the unwind table: what comes of it does not matter, but nothing else is read. */
static void damaged_tables_lead_nowhere(void **state)
{
	struct dl_find_object found;
	struct unwind_table table;
	uint8_t *copy;
	uint64_t bytes, at, code;

	(void)state;
	assert_int_equal(_dl_find_object((void *)(uintptr_t)damaged_tables_lead_nowhere, &found), 0);
	bytes = (uint64_t)found.dlfo_map_end - (uint64_t)found.dlfo_map_start;
	copy = mmap(NULL, bytes + (1 << 16), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(copy, MAP_FAILED);
	mprotect(copy + ((bytes + 4095) & ~4095UL), 4096, PROT_NONE);
	copy += (4096 - bytes % 4096) % 4096; /* it ends where nothing can be read */
	copy_object(copy, found.dlfo_map_start, bytes);
	at = (uint64_t)found.dlfo_eh_frame - (uint64_t)found.dlfo_map_start;
	code = (uint64_t)nested - (uint64_t)found.dlfo_map_start;
	table = (struct unwind_table){ copy + at, copy, copy + bytes };
	assert_int_equal(unwind_rule_in(&table, (uint64_t)copy + code).frame, FRAME_BY_STACK);
	srandom(1);
	for (int i = 0; i < 300000; i++) {
		uint64_t where = at + (uint64_t)random() % (bytes - at < 8192 ? bytes - at : 8192);
		uint8_t before = copy[where];

		copy[where] = (uint8_t)random();
		unwind_rule_in(&table, (uint64_t)copy + code + (uint64_t)random() % 4096);
		if (i % 3)
			copy[where] = before;
	}
}

static void coroutine_at_the_end_of_memory(void **state)
{
	char *stack = mmap(NULL, 3 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(stack, MAP_FAILED);
	munmap(stack + (2 << 16), 1 << 16); /* what is above may not be read */
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = 2 << 16;
	coroutine.uc_link = &main_context;
	makecontext(&coroutine, in_coroutine, 0);
	swapcontext(&main_context, &coroutine);
	assert_true(walk.used >= 8);
	munmap(stack, 2 << 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_functions),
		cmocka_unit_test(frames_by_the_base_pointer_and_aligned_anew),
		cmocka_unit_test(through_libc),
		cmocka_unit_test(a_handler),
		cmocka_unit_test(a_handler_on_a_stack_of_its_own),
		cmocka_unit_test(after_a_longjmp_from_a_handler),
		cmocka_unit_test(a_context_of_the_programs_own),
		cmocka_unit_test(threads_with_little_stack),
		cmocka_unit_test(deeper_than_there_is_room),
		cmocka_unit_test(nobody_dies_of_a_damaged_stack),
		cmocka_unit_test(damaged_tables_lead_nowhere),
		cmocka_unit_test(coroutine_at_the_end_of_memory),
	};
	if (!unwind_begin(NULL, NULL, 14))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
