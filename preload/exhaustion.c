/* SPDX-License-Identifier: MIT */
/*
 * A request that fails is rare and slow, so each is noted at once and by itself. What there was and which limits
 * there were is read the first time alone: programs that run into a limit often try again and again. Which limit it
 * was is for the reporter to say.
 */
#include "exhaustion.h"

#include <errno.h>
#include <string.h>

#include "signals.h"
#include "smaps.h"

/* Of a file of /proc: not on a stack, which may be small. The first time comes once. */
static char text[4096];

static void keep_least(uint64_t *least, uint64_t value)
{
	uint64_t now = __atomic_load_n(least, __ATOMIC_RELAXED);

	while ((!now || value < now) &&
	       !__atomic_compare_exchange_n(least, &now, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void keep_most(uint64_t *most, uint64_t value)
{
	uint64_t now = __atomic_load_n(most, __ATOMIC_RELAXED);

	while (value > now && !__atomic_compare_exchange_n(most, &now, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* Reads the beginning of a file of /proc. False: it cannot be read. */
static bool read_text(const char *path)
{
	int fd = sys_open(path, O_RDONLY, 0);
	long got;

	if (fd < 0)
		return false;
	got = sys_read(fd, text, sizeof(text) - 1);
	sys_close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* "Key:  123 kB"; CAPTURE_UNKNOWN: it is not there. */
static uint64_t bytes_of(const char *key)
{
	const char *found = strstr(text, key);

	if (!found)
		return CAPTURE_UNKNOWN;
	found += strlen(key);
	return scan_decimal(&found) << 10;
}

static uint64_t number_in(const char *path)
{
	const char *at = text;

	return read_text(path) ? scan_decimal(&at) : CAPTURE_UNKNOWN;
}

static uint64_t limit_of(int resource)
{
	struct rlimit limit;

	return sys_failed(sys_call4(SYS_prlimit64, 0, resource, NULL, &limit)) ? CAPTURE_UNKNOWN : limit.rlim_cur;
}

/* One line each. */
static uint64_t count_mappings(void)
{
	int fd = proc_open(0, "maps");
	uint64_t lines = 0;
	long got;

	if (fd < 0)
		return CAPTURE_UNKNOWN;
	while ((got = sys_read(fd, text, sizeof(text))) > 0)
		for (long i = 0; i < got; i++)
			lines += text[i] == '\n';
	sys_close(fd);
	return lines;
}

static void read_limits(struct capture_exhaustion *e)
{
	bool known = read_text("/proc/self/status");

	e->mapped_bytes = known ? bytes_of("\nVmSize:") : CAPTURE_UNKNOWN;
	e->data_bytes = known ? bytes_of("\nVmData:") : CAPTURE_UNKNOWN;
	e->address_limit_bytes = limit_of(RLIMIT_AS);
	e->data_limit_bytes = limit_of(RLIMIT_DATA);
	known = read_text("/proc/meminfo");
	e->commit_limit_bytes = known ? bytes_of("\nCommitLimit:") : CAPTURE_UNKNOWN;
	e->committed_bytes = known ? bytes_of("\nCommitted_AS:") : CAPTURE_UNKNOWN;
	e->memory_bytes = known ? bytes_of("MemTotal:") : CAPTURE_UNKNOWN;
	if (known && bytes_of("\nSwapTotal:") != CAPTURE_UNKNOWN)
		e->memory_bytes += bytes_of("\nSwapTotal:");
	e->overcommit = number_in("/proc/sys/vm/overcommit_memory");
	e->mappings_limit = number_in("/proc/sys/vm/max_map_count");
	e->mappings = count_mappings();
}

#define ADDRESSES (1UL << 47)           /* of a process, with four levels of page tables */

/*
 * More than there can ever be, or huge pages that nobody has set aside: no limit of the process is in its way, and
 * there may be memory in plenty. Until another request is refused.
 */
static void note_not_limited(enum capture_request request, uint64_t bytes)
{
	struct capture_exhaustion *e = &capture->exhaustion;

	if (__atomic_load_n(&e->noted, __ATOMIC_ACQUIRE))
		return;
	memset(&e->mapped_bytes, 0xff, sizeof(*e) - offsetof(struct capture_exhaustion, mapped_bytes)); /* unknown */
	e->first_request = request;
	e->first_bytes = bytes;
	__atomic_store_n(&e->noted, 1, __ATOMIC_RELEASE);
}

/* The ledger last: it may fail, and takes longest. */
static void note_first(enum capture_request request, uint64_t bytes)
{
	struct capture_exhaustion *e = &capture->exhaustion;

	signals_block();
	e->first_request = request;
	e->first_bytes = bytes;
	read_limits(e);
	__atomic_store_n(&e->noted, 1, __ATOMIC_RELEASE);
	snapshot_take(WHY_REFUSED, NULL);
	signals_restore();
}

void exhaustion_note(enum capture_request request, uint64_t bytes)
{
	static uint32_t first_for;      /* the process whose first time has come: a forked child has one of its own */
	uint32_t pid = (uint32_t)sys_getpid();
	struct capture_refused *refused;
	uint64_t now, none = 0;
	int error = errno;

	if (instrument_state != INSTRUMENT_ON || !instrument_is_own_process())
		return;
	refused = &capture->exhaustion.refused[request];
	bytes = min_u64(bytes, CAPTURE_MOST_BYTES);
	now = sys_now_ns(CLOCK_MONOTONIC);
	keep_least(&refused->least_bytes, bytes);
	keep_most(&refused->most_bytes, bytes);
	__atomic_compare_exchange_n(&refused->first_ns, &none, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	keep_most(&refused->last_ns, now);
	__atomic_fetch_add(&refused->count, 1, __ATOMIC_RELEASE);
	if (bytes >= ADDRESSES || request == REQUEST_HUGE_PAGES)
		note_not_limited(request, bytes);
	else if (__atomic_exchange_n(&first_for, pid, __ATOMIC_ACQUIRE) != pid)
		note_first(request, bytes);
	errno = error;
}

void exhaustion_note_errno(enum capture_request request, uint64_t bytes)
{
	if (errno == ENOMEM)
		exhaustion_note(request, bytes);
}
