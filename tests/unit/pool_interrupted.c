/* SPDX-License-Identifier: MIT */
/*
 * Signals whose handlers were installed without SA_RESTART: what they interrupt in the pooled allocator is taken up again.
 * Of its system calls write(2) and futex(2) can end with EINTR (signal(7)). Those on mappings wait for the process's lock
 * such that only a deadly signal ends that (mm/mmap.c, mm/madvise.c: …_lock_killable), reads of /proc/self/pagemap too, and
 * getrandom(2) of 8 bytes is never interrupted.
 *
 * links: alloc/cache.c alloc/canary.c alloc/fault.c alloc/fork.c alloc/heap.c alloc/holes.c alloc/large.c
 * links: alloc/lock.c alloc/metadata.c alloc/options.c alloc/os.c alloc/pagemap.c alloc/pages.c alloc/pool.c
 * links: alloc/quarantine.c alloc/random.c alloc/runs.c alloc/slab.c alloc/statistics.c alloc/text.c
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../alloc/heap.h"
#include "../../alloc/lock.h"
#include "../../alloc/os.h"
#include "../../alloc/sizes.h"
#include "../../alloc/text.h"

#define THREADS   3
#define SIGNALS   300           /* of each test with real ones */
#define PIECE     3             /* bytes that an interrupted write has written */

static int futexes_to_interrupt, writes_to_interrupt;   /* simulated */
static unsigned futexes_interrupted;
static unsigned signals;
static bool moves_fail;

/* In place of libc's: the allocator's futex(2) calls come by here. */
long syscall(long number, ...)
{
	long a[6], result;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_futex && __atomic_load_n(&futexes_to_interrupt, __ATOMIC_RELAXED) > 0 && (a[1] & 0x7f) == 0) {
		__atomic_sub_fetch(&futexes_to_interrupt, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&futexes_interrupted, 1, __ATOMIC_RELAXED);
		errno = EINTR;
		return -1;
	}
	{
		register long r10 __asm__("r10") = a[3];
		register long r8 __asm__("r8") = a[4];
		register long r9 __asm__("r9") = a[5];

		__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
				 : "rcx", "r11", "memory");
	}
	if (result < 0 && result > -4096) {
		errno = (int)-result;
		return -1;
	}
	return result;
}

/* The same: every other one is interrupted before a byte is written, the ones between after a few. */
ssize_t write(int file, const void *bytes, size_t count)
{
	if (writes_to_interrupt > 0 && writes_to_interrupt-- % 2) {
		errno = EINTR;
		return -1;
	}
	return syscall(SYS_write, file, bytes, writes_to_interrupt && count > PIECE ? PIECE : count, 0, 0, 0);
}

void *mremap(void *address, size_t bytes, size_t new_bytes, int flags, ...)
{
	va_list list;
	void *target;

	va_start(list, flags);
	target = flags & MREMAP_FIXED ? va_arg(list, void *) : NULL;
	va_end(list);
	if (moves_fail) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mremap, address, bytes, new_bytes, (long)flags, target, 0);
}

static void handle(int signal)
{
	(void)signal;
	__atomic_add_fetch(&signals, 1, __ATOMIC_RELAXED);
}

static unsigned signals_now(void)
{
	return __atomic_load_n(&signals, __ATOMIC_RELAXED);
}

static void install(void)
{
	struct sigaction action = { .sa_handler = handle };

	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	__atomic_store_n(&signals, 0, __ATOMIC_RELAXED);
}

static void a_line_is_written_whole(void **state)
{
	struct text line = { 0 };
	char read_back[sizeof(line.bytes)] = "";
	int ends[2];

	(void)state;
	text_add(&line, "pagepool: a line that takes some calls to be written, of which half are interrupted\n");
	assert_int_equal(pipe(ends), 0);
	writes_to_interrupt = 41;
	text_write(&line, ends[1]);
	assert_int_equal(read(ends[0], read_back, sizeof(read_back)), line.length);
	assert_memory_equal(read_back, line.bytes, line.length);
	assert_true(writes_to_interrupt < 30);
	writes_to_interrupt = 0;
	close(ends[0]);
	close(ends[1]);
}

static struct text long_line;
static int full_pipe[2];

static void *write_line(void *ended)
{
	text_write(&long_line, full_pipe[1]);
	__atomic_store_n((bool *)ended, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Into a pipe that is full, so that the writer waits; the signals are real. */
static void a_line_waits_for_a_full_pipe_whatever_signals_come(void **state)
{
	static char filling[4096], last[sizeof(long_line.bytes)];
	bool ended = false;
	pthread_t writer;
	ssize_t got;
	size_t kept = 0;

	(void)state;
	install();
	text_add(&long_line, "pagepool: the last line\n");
	assert_int_equal(pipe(full_pipe), 0);
	fcntl(full_pipe[1], F_SETFL, O_NONBLOCK);
	while (write(full_pipe[1], filling, sizeof(filling)) > 0)
		;
	fcntl(full_pipe[1], F_SETFL, 0);
	assert_int_equal(pthread_create(&writer, NULL, write_line, &ended), 0);
	while (signals_now() < SIGNALS) {
		pthread_kill(writer, SIGUSR1);
		usleep(100);
	}
	assert_false(__atomic_load_n(&ended, __ATOMIC_ACQUIRE));
	fcntl(full_pipe[0], F_SETFL, O_NONBLOCK);
	while ((got = read(full_pipe[0], filling, sizeof(filling))) > 0)
		;
	pthread_join(writer, NULL);
	while ((got = read(full_pipe[0], last + kept, sizeof(last) - kept)) > 0)
		kept += (size_t)got;
	/* it may have gone with the last of the filling */
	assert_true(kept == long_line.length ? !memcmp(last, long_line.bytes, kept) : kept == 0);
	close(full_pipe[0]);
	close(full_pipe[1]);
}

static struct lock lock;
static bool is_held;

static void *take_lock(void *wrong)
{
	lock_take(&lock);
	*(bool *)wrong = __atomic_load_n(&is_held, __ATOMIC_ACQUIRE);
	lock_release(&lock);
	return NULL;
}

static void a_lock_is_waited_for_until_it_is_free(void **state)
{
	pthread_t waiter;
	bool wrong = false;

	(void)state;
	install();
	lock_take(&lock);
	is_held = true;
	futexes_interrupted = 0;
	futexes_to_interrupt = 100;
	assert_int_equal(pthread_create(&waiter, NULL, take_lock, &wrong), 0);
	while (signals_now() < SIGNALS) {
		pthread_kill(waiter, SIGUSR1);
		usleep(100);
	}
	__atomic_store_n(&is_held, false, __ATOMIC_RELEASE);
	lock_release(&lock);
	pthread_join(waiter, NULL);
	assert_false(wrong);
	assert_int_equal(futexes_interrupted, 100);
}

static void *wait_for_end(void *mutex)
{
	pthread_mutex_lock(mutex);
	pthread_mutex_unlock(mutex);
	return NULL;
}

/* Or it would stay mapped for ever: whose it is, is asked again. */
static void the_target_of_a_failed_move_goes(void **state)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	unsigned char resident;
	void *from = os_map(4 * PAGE_SIZE, PAGE_SIZE), *target = os_map(8 * PAGE_SIZE, PAGE_SIZE);
	pthread_t other;

	(void)state;
	pthread_mutex_lock(&mutex);
	assert_int_equal(pthread_create(&other, NULL, wait_for_end, &mutex), 0);
	moves_fail = true;
	futexes_interrupted = 0;
	futexes_to_interrupt = 5;
	assert_false(os_move(from, 4 * PAGE_SIZE, target, 8 * PAGE_SIZE));
	moves_fail = false;
	assert_true(futexes_interrupted);
	assert_int_equal(mincore(target, PAGE_SIZE, &resident), -1);
	os_unmap(from, 4 * PAGE_SIZE);
	futexes_to_interrupt = 0;
	pthread_mutex_unlock(&mutex);
	pthread_join(other, NULL);
}

static bool stop;

/* Blocks of all kinds; those of a size that others ask for as well. */
static void *allocate(void *wrong)
{
	for (size_t i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
		size_t bytes = i % 50 ? 16 + i % 9000 : i % 500 ? 100000 : (size_t)3 << 20;
		unsigned char *block = heap_allocate(bytes), *resized;

		if (!block) {
			*(bool *)wrong = true;
			break;
		}
		block[0] = block[bytes - 1] = (unsigned char)i;
		resized = heap_resize(block, bytes * 2);
		if (!resized || resized[0] != (unsigned char)i || resized[bytes - 1] != (unsigned char)i)
			*(bool *)wrong = true;
		heap_free(resized);
	}
	return NULL;
}

static void blocks_are_had_whatever_signals_come(void **state)
{
	pthread_t threads[THREADS];
	bool wrong = false;

	(void)state;
	install();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, allocate, &wrong), 0);
	while (signals_now() < 10 * SIGNALS) {
		for (int i = 0; i < THREADS; i++)
			pthread_kill(threads[i], SIGUSR1);
		usleep(100);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_false(wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_written_whole),
		cmocka_unit_test(a_line_waits_for_a_full_pipe_whatever_signals_come),
		cmocka_unit_test(a_lock_is_waited_for_until_it_is_free),
		cmocka_unit_test(the_target_of_a_failed_move_goes),
		cmocka_unit_test(blocks_are_had_whatever_signals_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
