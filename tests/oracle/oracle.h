/* SPDX-License-Identifier: MIT */
/*
 * What every oracle program needs: it knows, by construction or from somebody else's books, what pagegap must report
 * about it, and says so on standard output, one JSON object a line, for judge.sh to compare. Nothing here allocates or
 * uses stdio's buffers, because the heap under observation must hold the blocks of the experiment alone.
 *
 * An expectation names the snapshot (`at`: "exit", "peak", "highest", "mark:NAME", or "process" for figures of the
 * whole process), optionally an earlier one to subtract (`since`), the figure (see judge.jq), and the closed interval
 * that it must lie in.
 */
#ifndef PAGEGAP_TESTS_ORACLE_H
#define PAGEGAP_TESTS_ORACLE_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pagegap.h"

#define PAGE   4096UL
#define KIB    1024UL
#define MIB    (1024UL * 1024UL)

static char oracle_text[128 * KIB];
static size_t oracle_used;

/* Ends the program when the experiment could not be set up: that is a failure of the test, not a finding. */
__attribute__((noreturn)) static inline void oracle_give_up(const char *what)
{
	dprintf(2, "oracle: %s does not hold\n", what);
	_exit(99);
}
#define REQUIRE(condition) do { if (!(condition)) oracle_give_up(#condition); } while (0)

static inline void oracle_flush(void)
{
	size_t done = 0;

	while (done < oracle_used) {
		ssize_t written = write(1, oracle_text + done, oracle_used - done);

		if (written <= 0)
			_exit(98);
		done += (size_t)written;
	}
	oracle_used = 0;
}

__attribute__((format(printf, 1, 2)))
static inline void oracle_print(const char *format, ...)
{
	va_list arguments;
	int length;

	if (oracle_used > sizeof(oracle_text) - 1024)
		oracle_flush();
	va_start(arguments, format);
	length = vsnprintf(oracle_text + oracle_used, sizeof(oracle_text) - oracle_used, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(oracle_text) - oracle_used)
		_exit(97);
	oracle_used += (size_t)length;
}

/*
 * expect - say what a figure of the report must be
 * @since: NULL, or the snapshot whose figure is subtracted
 * @what: the sentence of the check, without characters that JSON escapes
 */
static inline void expect(const char *at, const char *since, const char *figure, int64_t low, int64_t high,
			  const char *what)
{
	const char *quote = since ? "\"" : "";

	oracle_print("{\"pid\":%d,\"at\":\"%s\",\"since\":%s%s%s,\"figure\":\"%s\",", getpid(), at, quote,
		     since ? since : "null", quote, figure);
	oracle_print("\"low\":%lld,\"high\":%lld,\"what\":\"%s\"}\n", (long long)low, (long long)high, what);
}

static inline void expect_exact(const char *at, const char *since, const char *figure, uint64_t value, const char *what)
{
	expect(at, since, figure, (int64_t)value, (int64_t)value, what);
}

/* @slack: how far off the figure may be, on either side */
static inline void expect_near(const char *at, const char *since, const char *figure, uint64_t value, uint64_t slack,
			       const char *what)
{
	expect(at, since, figure, (int64_t)value - (int64_t)slack, (int64_t)value + (int64_t)slack, what);
}

/* What the program can judge itself. */
static inline void hold_true(int holds, const char *what)
{
	oracle_print("{\"pid\":%d,\"holds\":%s,\"what\":\"%s\"}\n", getpid(), holds ? "true" : "false", what);
}

/* A number that the script itself compares, as {"fact": name, "value": number}. */
static inline void fact(const char *name, uint64_t value)
{
	oracle_print("{\"pid\":%d,\"fact\":\"%s\",\"value\":%llu}\n", getpid(), name, (unsigned long long)value);
}

/*
 * Reads a whole file of /proc into @buffer, NUL-terminated. Its pages are touched beforehand, so that reading changes
 * nothing.
 */
static inline size_t proc_read(const char *path, char *buffer, size_t size)
{
	size_t used = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	REQUIRE(fd >= 0);
	while ((got = read(fd, buffer + used, size - 1 - used)) > 0)
		used += (size_t)got;
	REQUIRE(got == 0);
	close(fd);
	buffer[used] = 0;
	return used;
}

/* The value, in bytes, of a "Key:   N kB" line of /proc/self/status. */
static inline uint64_t status_bytes(const char *key)
{
	static char text[16 * KIB];
	const char *at;

	proc_read("/proc/self/status", text, sizeof(text));
	at = strstr(text, key);
	REQUIRE(at != NULL);
	return strtoull(at + strlen(key), NULL, 10) * KIB;
}

/* The sum of a field over /proc/self/smaps, in bytes. @key with its newline before and colon after it: "\nRss:". */
static inline uint64_t smaps_sum_bytes(const char *key)
{
	static char text[1024 * KIB];
	uint64_t sum = 0;

	memset(text, 1, sizeof(text));
	proc_read("/proc/self/smaps", text, sizeof(text));
	for (const char *at = text; (at = strstr(at, key)); at++)
		sum += strtoull(at + strlen(key), NULL, 10) * KIB;
	return sum;
}

/* ioctl PAGEMAP_SCAN, Linux 6.7: Documentation/admin-guide/mm/pagemap.rst. Debian 12's headers do not have it. */
struct oracle_scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define ORACLE_SCAN    _IOWR('f', 16, struct oracle_scan)
#define ORACLE_PRESENT (1UL << 3)
#define ORACLE_ZERO    (1UL << 5)

/*
 * Pages of a range that have anything behind them, or, with @own, a page of their own rather than the shared page of
 * zeros, which smaps does not count as resident. On kernels without the scan, pagemap's bit 63 is all there is.
 */
static inline size_t pages_present(const void *start, size_t bytes, int own)
{
	static int fd = -1;
	uint64_t regions[3 * 256], entry;
	size_t pages = 0;
	struct oracle_scan scan = {
		.size = sizeof(scan), .start = (uintptr_t)start, .end = (uintptr_t)start + bytes,
		.vec = (uintptr_t)regions, .vec_len = 256, .category_mask = ORACLE_PRESENT,
		.return_mask = ORACLE_PRESENT | ORACLE_ZERO,
	};

	if (fd < 0)
		fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	while (scan.start < scan.end) {
		int found = ioctl(fd, ORACLE_SCAN, &scan);

		if (found < 0)
			break;
		for (int i = 0; i < found; i++)
			if (!own || !(regions[3 * i + 2] & ORACLE_ZERO))
				pages += (regions[3 * i + 1] - regions[3 * i]) / PAGE;
		scan.start = scan.walk_end;
	}
	for (uintptr_t at = scan.start; at < scan.end; at += PAGE) {
		REQUIRE(pread(fd, &entry, sizeof(entry), (off_t)(at / PAGE * sizeof(entry))) == sizeof(entry));
		pages += entry >> 63;
	}
	return pages;
}

/*
 * Keeps the compiler from knowing where a pointer came from: it drops unused blocks and distrusts looks at their
 * headers.
 */
static inline void *opaque(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

/*
 * glibc's header of a block: its chunk's size with three flags below it, and before it, for a mapped chunk, the bytes
 * skipped.
 */
static inline size_t chunk_bytes(const void *block)
{
	return ((const size_t *)opaque((void *)(uintptr_t)block))[-1] & ~7UL;
}

static inline size_t chunk_skipped(const void *block)
{
	return ((const size_t *)opaque((void *)(uintptr_t)block))[-2];
}

static inline int chunk_is_mapped(const void *block)
{
	return (((const size_t *)opaque((void *)(uintptr_t)block))[-1] & 2) != 0;
}

/* Writes one byte to each page of a range. */
static inline void touch(void *start, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += PAGE)
		((volatile char *)start)[at] = 1;
}

/* A small generator with a fixed seed, so that a failure can be repeated: xorshift64*, Vigna 2016. */
struct dice {
	uint64_t state;
};

static inline uint64_t dice_roll(struct dice *dice, uint64_t below)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return (dice->state * 0x2545f4914f6cdd1dULL >> 33) % below;
}

#endif
