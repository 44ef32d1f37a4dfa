/* SPDX-License-Identifier: MIT */
/*
 * The rules. A note is worth reading where the habit is a tenth of all calls and so many calls that removing them can be felt: a
 * call costs from 0.1 us to some us, so a thousand are about a millisecond. What is said by time needs a tenth of the time in calls.
 */
#include "call_patterns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "figures.h"
#include "units.h"

#define MANY       1000                 /* calls: about a millisecond */
#define SHARE      10                   /* a tenth */
#define TINY       64                   /* bytes: moving them costs less than entering the kernel; stdio moves 4,096 */
#define AT_ONCE    2000                 /* ns: a poll that found nothing and did not sleep; sleeping and waking take more */
#define FORKS      100                  /* births: each costs some hundred microseconds with its exec and its end */
#define SYNC_LEAST 10000000             /* ns: below, a disk's wait is not felt */

#define COUNT(count) figure_count(count).text
#define TIME(ns)     figure_time(ns, false).text

struct figures_of {
	const struct call_figures *calls;
	size_t count;
	struct call_figures sum;
};

static const struct call_figures *find(const struct figures_of *of, long number)
{
	for (size_t i = 0; i < of->count; i++)
		if (of->calls[i].number == (unsigned)number)
			return &of->calls[i];
	return NULL;
}

#define LIST_END (-1L)

/* Calls, errors and time of a few of them. */
static struct call_figures sum_of(const struct figures_of *of, const long *numbers)
{
	struct call_figures found[16];
	size_t used = 0;

	for (; *numbers != LIST_END && used < 16; numbers++) {
		const struct call_figures *call = find(of, *numbers);

		if (call)
			found[used++] = *call;
	}
	return calls_sum(found, used);
}

static uint64_t errors_named(const struct call_figures *call, unsigned error)
{
	for (size_t i = 0; call && i < CALL_ERRORS && call->by_error[i].count; i++)
		if (call->by_error[i].error == error)
			return call->by_error[i].count;
	return 0;
}

static uint64_t errors_of(const struct figures_of *of, const long *numbers, unsigned error)
{
	uint64_t sum = 0;

	for (; *numbers != LIST_END; numbers++)
		sum = figure_sum(sum, errors_named(find(of, *numbers), error));
	return sum;
}

static bool worth(const struct figures_of *of, uint64_t calls)
{
	return calls >= MANY && calls >= of->sum.calls / SHARE;
}

static bool much_time(const struct figures_of *of, uint64_t time_ns)
{
	return time_ns != CAPTURE_UNKNOWN && of->sum.time_ns != CAPTURE_UNKNOWN && time_ns >= of->sum.time_ns / SHARE;
}

#define SAY(...) snprintf(pattern->text, sizeof(pattern->text), __VA_ARGS__)

/* Of the calls that succeeded: a failed one moves nothing, and is another rule's. */
static uint64_t tiny(const struct figures_of *of, const long *numbers, struct call_pattern *pattern, const char *what, const char *way)
{
	uint64_t calls = 0, bytes = 0;

	for (; *numbers != LIST_END; numbers++) {
		const struct call_figures *call = find(of, *numbers);
		uint64_t good = call && call->calls > call->errors ? call->calls - call->errors : 0;

		if (!good || call->bytes == CAPTURE_UNKNOWN || call->bytes / good >= TINY)
			continue;
		calls = figure_sum(calls, good);
		bytes = figure_sum(bytes, call->bytes);
	}
	if (!worth(of, calls))
		return 0;
	SAY("%s %s of %.1f bytes on average: %s", COUNT(calls), what, (double)bytes / (double)calls, way);
	return calls;
}

static uint64_t tiny_reads(const struct figures_of *of, struct call_pattern *pattern)
{
	static const long numbers[] = { SYS_read, SYS_pread64, SYS_recvfrom, LIST_END };

	return tiny(of, numbers, pattern, "reads", "a buffer would need fewer");
}

static uint64_t tiny_writes(const struct figures_of *of, struct call_pattern *pattern)
{
	static const long numbers[] = { SYS_write, SYS_pwrite64, SYS_sendto, LIST_END };

	return tiny(of, numbers, pattern, "writes", "a buffer, or writev, would need fewer");
}

static const long stats[] = {
#ifdef SYS_stat
	SYS_stat, SYS_lstat, SYS_access,
#endif
	SYS_newfstatat, SYS_fstat, SYS_statx, SYS_faccessat, SYS_faccessat2, LIST_END
};

static uint64_t stat_storm(const struct figures_of *of, struct call_pattern *pattern)
{
	struct call_figures sum = sum_of(of, stats);

	if (!worth(of, sum.calls))
		return 0;
	SAY("%s calls asked what a file is, not for its contents (stat, access), %s in vain", COUNT(sum.calls), COUNT(sum.errors));
	return sum.calls;
}

/* Half of all opens: a search that finds at its first place never fails, one along a path of n fails n - 1 times. */
static uint64_t failed_opens(const struct figures_of *of, struct call_pattern *pattern)
{
	static const long numbers[] = {
#ifdef SYS_open
		SYS_open,
#endif
		SYS_openat, SYS_openat2, LIST_END
	};
	struct call_figures sum = sum_of(of, numbers);
	uint64_t missing = errors_of(of, numbers, ENOENT);

	if (missing < MANY || missing < sum.calls / 2)
		return 0;
	SAY("%s of %s opens found no file (ENOENT), as a search along a path does", COUNT(missing), COUNT(sum.calls));
	return missing;
}

static uint64_t clock_calls(const struct figures_of *of, struct call_pattern *pattern)
{
	static const long numbers[] = {
#ifdef SYS_time
		SYS_time,
#endif
		SYS_gettimeofday, SYS_clock_gettime, LIST_END
	};
	struct call_figures sum = sum_of(of, numbers);

	if (!worth(of, sum.calls))
		return 0;
	SAY("%s readings of a clock entered the kernel: a clock or clock source that the vDSO does not serve", COUNT(sum.calls));
	return sum.calls;
}

/* As many taken as given back, within a half: memory that goes to and fro. */
static uint64_t memory_pairs(const struct figures_of *of, struct call_pattern *pattern)
{
	const struct call_figures *map = find(of, SYS_mmap), *unmap = find(of, SYS_munmap), *brk = find(of, SYS_brk);
	uint64_t pairs = map && unmap ? (map->calls < unmap->calls ? map->calls : unmap->calls) : 0;
	uint64_t moves = brk ? brk->calls : 0;

	if (!worth(of, figure_sum(2 * pairs, moves)))
		return 0;
	SAY("memory went to and fro: %s pairs of mmap and munmap, %s moves of the break; see M_MMAP_THRESHOLD, M_TRIM_THRESHOLD in mallopt(3)",
	    COUNT(pairs), COUNT(moves));
	return figure_sum(2 * pairs, moves);
}

/* A futex that was changed before the thread slept is one that others fight for. */
static uint64_t futex_contention(const struct figures_of *of, struct call_pattern *pattern)
{
	const struct call_figures *futex = find(of, SYS_futex);
	uint64_t again = errors_named(futex, EAGAIN);

	if (!futex || futex->calls < MANY || (again < futex->calls / 20 && !much_time(of, futex->time_ns)))
		return 0;
	SAY("threads wait for each other: %s futex calls, %s of them too late to sleep (EAGAIN), %s", COUNT(futex->calls), COUNT(again),
	    TIME(futex->time_ns));
	return futex->calls;
}

static uint64_t busy_polls(const struct figures_of *of, struct call_pattern *pattern)
{
	static const long numbers[] = {
#ifdef SYS_poll
		SYS_poll, SYS_select, SYS_epoll_wait,
#endif
		SYS_ppoll, SYS_pselect6, SYS_epoll_pwait, SYS_epoll_pwait2, LIST_END
	};
	uint64_t calls = 0;

	for (const long *number = numbers; *number != LIST_END; number++) {
		const struct call_figures *call = find(of, *number);

		if (call && call->timed && call->half_ns <= AT_ONCE)
			calls = figure_sum(calls, call->calls);
	}
	if (!worth(of, calls))
		return 0;
	SAY("%s polls, half of which returned within 2 us: a timeout of 0, or a descriptor that is always ready", COUNT(calls));
	return calls;
}

static uint64_t yields(const struct figures_of *of, struct call_pattern *pattern)
{
	const struct call_figures *yield = find(of, SYS_sched_yield);

	if (!yield || !worth(of, yield->calls))
		return 0;
	SAY("%s sched_yield: a loop that waits without sleeping", COUNT(yield->calls));
	return yield->calls;
}

/* EAGAIN of a futex is the rule above. */
static uint64_t retries(const struct figures_of *of, struct call_pattern *pattern)
{
	uint64_t again = 0, interrupted = 0;

	for (size_t i = 0; i < of->count; i++) {
		interrupted = figure_sum(interrupted, errors_named(&of->calls[i], EINTR));
		if (of->calls[i].number != SYS_futex)
			again = figure_sum(again, errors_named(&of->calls[i], EAGAIN));
	}
	if (!worth(of, figure_sum(again, interrupted)))
		return 0;
	SAY("%s calls were not ready (EAGAIN), %s interrupted (EINTR): made in vain, and again", COUNT(again), COUNT(interrupted));
	return figure_sum(again, interrupted);
}

static uint64_t syncs(const struct figures_of *of, struct call_pattern *pattern)
{
	static const long numbers[] = { SYS_fsync, SYS_fdatasync, SYS_sync, SYS_syncfs, SYS_sync_file_range, SYS_msync, LIST_END };
	struct call_figures sum = sum_of(of, numbers);

	if (!sum.calls || !much_time(of, sum.time_ns) || sum.time_ns < SYNC_LEAST)
		return 0;
	SAY("%s of %s in calls were spent waiting for the disk in %s syncs", TIME(sum.time_ns), TIME(of->sum.time_ns), COUNT(sum.calls));
	return sum.calls;
}

/* The children's lives are not in the figures; that as many were waited for is. */
static uint64_t forks(const struct figures_of *of, struct call_pattern *pattern)
{
	static const long births[] = {
#ifdef SYS_fork
		SYS_fork, SYS_vfork,
#endif
		SYS_clone, SYS_clone3, LIST_END
	};
	static const long waits[] = { SYS_wait4, SYS_waitid, LIST_END };
	struct call_figures born = sum_of(of, births), waited = sum_of(of, waits);

	if (born.calls < FORKS || waited.calls - waited.errors < born.calls / 2)
		return 0;
	SAY("%s births and %s waits for their ends: many short processes", COUNT(born.calls), COUNT(waited.calls - waited.errors));
	return born.calls;
}

/* Each fills in the text and returns the calls that it is about; 0: nothing to say. */
static const struct rule {
	const char *name;
	uint64_t (*find)(const struct figures_of *of, struct call_pattern *pattern);
} rules[] = {
	{ "tiny reads", tiny_reads }, { "tiny writes", tiny_writes }, { "stat storm", stat_storm }, { "failed opens", failed_opens },
	{ "clock calls", clock_calls }, { "memory pairs", memory_pairs }, { "futex contention", futex_contention },
	{ "busy polls", busy_polls }, { "yields", yields }, { "retries", retries }, { "syncs", syncs }, { "forks", forks },
};
_Static_assert(sizeof(rules) / sizeof(rules[0]) <= CALL_PATTERNS, "room for all");

static int heavier(const void *a, const void *b)
{
	const struct call_pattern *first = a, *second = b;

	return first->weight > second->weight ? -1 : first->weight < second->weight;
}

size_t call_patterns(const struct call_figures *figures, size_t count, struct call_pattern patterns[CALL_PATTERNS])
{
	struct figures_of of = { figures, count, calls_sum(figures, count) };
	size_t used = 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		patterns[used].name = rules[i].name;
		patterns[used].weight = rules[i].find(&of, &patterns[used]);
		used += patterns[used].weight > 0;
	}
	qsort(patterns, used, sizeof(patterns[0]), heavier);
	return used;
}

void text_call_patterns(struct page *page, const struct call_figures *figures, size_t count, size_t most)
{
	struct call_pattern patterns[CALL_PATTERNS];
	size_t used = call_patterns(figures, count, patterns);

	for (size_t i = 0; i < used && i < most; i++)
		page_unusual_paragraph(page, 2, 4, "%s", patterns[i].text);
}
