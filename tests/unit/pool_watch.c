/* SPDX-License-Identifier: MIT */
/*
 * The page by which the pooled allocator notices a child that was born without handlers (MADV_WIPEONFORK): it is asked for
 * once, also where it is refused, again where memory was short; and a child that is born just then has one too.
 *
 * links: alloc/cache.c alloc/canary.c alloc/fault.c alloc/fork.c alloc/heap.c alloc/holes.c alloc/large.c
 * links: alloc/lock.c alloc/metadata.c alloc/options.c alloc/os.c alloc/pagemap.c alloc/pages.c alloc/pool.c
 * links: alloc/quarantine.c alloc/random.c alloc/runs.c alloc/slab.c alloc/statistics.c alloc/text.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "../../alloc/fork.h"
#include "../../alloc/heap.h"
#include "../../alloc/pages.h"
#include "child.h"

#define BLOCKS 200000

static int refusal;             /* errno of a call that is refused; 0: none is */
static int refusals_left;
static enum { NO_FORK, FORK_BEFORE, FORK_AFTER, FORK_BARE_BEFORE, FORK_BARE_AFTER } when;
static unsigned asked;
static void *asked_for;
static pid_t born = -1;

/* As a signal's handler might, right before or after the call. */
static void fork_now(bool bare)
{
	when = NO_FORK;
	born = bare ? (pid_t)syscall(SYS_fork) : fork();
}

/* In place of libc's. */
int madvise(void *address, size_t bytes, int advice)
{
	int result;

	if (advice != MADV_WIPEONFORK)
		return (int)syscall(SYS_madvise, address, bytes, advice);
	asked++;
	must(!asked_for || asked_for == address);
	asked_for = address;
	if (refusal && refusals_left-- > 0) {
		errno = refusal;
		return -1;
	}
	if (when == FORK_BEFORE || when == FORK_BARE_BEFORE)
		fork_now(when == FORK_BARE_BEFORE);
	result = (int)syscall(SYS_madvise, address, bytes, advice);
	if (when == FORK_AFTER || when == FORK_BARE_AFTER)
		fork_now(when == FORK_BARE_AFTER);
	return result;
}

static void fill(void)
{
	static char *blocks[BLOCKS];

	errno = 0;
	for (size_t i = 0; i < BLOCKS; i++)
		must((blocks[i] = heap_allocate(16 + i % 150)) != NULL);
	must(errno == 0);
	must(main_arena.chunks > 5);
}

/* Of this process, by a bare system call. */
static bool notices_a_child(void)
{
	int status = -1;
	pid_t child = (pid_t)syscall(SYS_fork);

	if (!child) {
		uint32_t before = fork_epoch;

		for (size_t size = 16; size < 3000; size += 16)
			for (size_t i = 0; i < 20; i++)
				must(heap_allocate(size));
		_exit(fork_epoch != before ? 0 : 9);
	}
	must(child > 0 && waitpid(child, &status, 0) == child);
	must(status == 0 || status == 9 << 8);
	return status == 0;
}

static void be_granted(void)
{
	fill();
	must(asked == 1);
	must(notices_a_child());
}

static void be_refused(void)
{
	refusal = EINVAL;
	refusals_left = 1000;
	fill();
	must(asked == 1);
	must(!notices_a_child());
}

static void be_refused_by_a_filter(void)
{
	refusal = EPERM;
	refusals_left = 1000;
	fill();
	must(asked == 1);
}

static void be_short_of_memory(void)
{
	refusal = ENOMEM;
	refusals_left = 2;
	fill();
	must(asked == 3);
	must(notices_a_child());
}

/* In the parent and in the child that was born. */
static void fork_meanwhile(int how)
{
	int status = -1;

	when = how;
	fill();
	if (born > 0)
		must(waitpid(born, &status, 0) == born && status == 0);
	must(born >= 0);
	must(asked == 1);
	must(notices_a_child());
}

static void fork_before(void)
{
	fork_meanwhile(FORK_BEFORE);
}

static void fork_after(void)
{
	fork_meanwhile(FORK_AFTER);
}

static void fork_bare_before(void)
{
	fork_meanwhile(FORK_BARE_BEFORE);
}

static void fork_bare_after(void)
{
	fork_meanwhile(FORK_BARE_AFTER);
}

static void it_is_asked_for_once(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(be_granted), 0);
}

static void it_is_asked_for_once_where_it_is_refused(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(be_refused), 0);
	assert_int_equal(status_of_child(be_refused_by_a_filter), 0);
}

static void it_is_asked_for_again_where_memory_was_short(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(be_short_of_memory), 0);
}

static void a_child_that_is_born_meanwhile_has_one_too(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(fork_before), 0);
	assert_int_equal(status_of_child(fork_after), 0);
	assert_int_equal(status_of_child(fork_bare_before), 0);
	assert_int_equal(status_of_child(fork_bare_after), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_asked_for_once),
		cmocka_unit_test(it_is_asked_for_once_where_it_is_refused),
		cmocka_unit_test(it_is_asked_for_again_where_memory_was_short),
		cmocka_unit_test(a_child_that_is_born_meanwhile_has_one_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
