/* SPDX-License-Identifier: MIT */
/*
 * What all hostile programs share. Each of them does one legal thing that instruments are known to break, and prints a
 * transcript of what it observed: return values, errno names, counts; never an address, a pid or a time. The same
 * program is run bare and under pagegap, and the two transcripts must be the same bytes.
 *
 * The first comment of each program says what could go wrong, and has lines that tests/e2e/hostile.sh reads:
 *   run: ARGUMENTS => ENDING[|ENDING][; ENDING[ xN], ...]
 *                  one run: how the program ends (after the bar: as known when no runner saw it end), then how each of
 *                  its descendants does, in any order: exit N, signal N, lost
 *   needs: root    has nothing to show to an ordinary user
 *   ledger: threaded | churning | torn | none
 *                  other threads live at exit; they also map without pause, so that no moment has one answer; its
 *                  children are forked in the middle of an allocation, so that they inherit what was mapped and not
 *                  yet handed out; or it ends in a way that leaves no ledger
 *   says: WHY      pagegap may say a line of its own on standard error
 *   heap: unknown  the heap rows must be unknown
 *   traced: ENDINGS  those of descendants that only a tracer sees, one and more as above
 *   untraced: WHY  cannot be the same under any tracer
 *   preload: LIBRARY  runs with this LD_PRELOAD, set by the user
 * In ARGUMENTS, %W stands for the folder with the libraries and programs built from special/.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRANSCRIPT_LOST = 99 }; /* exit status when standard output cannot be written */

/* One line of the transcript, in one write: no buffer that a fork could double, little stack, safe in a handler. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
	char line[512];
	int errno_kept = errno;
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length > sizeof(line) - 2)
		length = (int)sizeof(line) - 2;
	line[length++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)length) != length)
		_exit(TRANSCRIPT_LOST);
	errno = errno_kept;
}

/* The outcome of a call: its value when it is small enough to mean something, else "ok"; errno by name if it failed. */
static inline void say_result(const char *what, long result)
{
	if (result == -1)
		say("%s: %s", what, strerrorname_np(errno));
	else if (result >= -4096 && result <= 4096)
		say("%s: %ld", what, result);
	else
		say("%s: ok", what);
}

static inline void say_pointer(const char *what, const void *pointer)
{
	if (pointer == MAP_FAILED || !pointer)
		say("%s: %s %s", what, pointer ? "failed" : "null", strerrorname_np(errno));
	else
		say("%s: ok", what);
}

/* Waits for one child of ours and says how it ended. */
static inline int reap(const char *who, pid_t pid)
{
	int status = 0;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got == -1 && errno == EINTR);
	if (got != pid)
		say("%s: waitpid: %s", who, got == -1 ? strerrorname_np(errno) : "another child");
	else if (WIFSIGNALED(status))
		say("%s: signal %d", who, WTERMSIG(status));
	else
		say("%s: exit %d", who, WEXITSTATUS(status));
	return status;
}

/*
 * Allocates, fills, moves, checks and frees blocks of all sizes, mapped ones among them. The same for the same seed.
 * Returns how many blocks held what was written to them: always 4 of 4 rounds of 48.
 */
__attribute__((noinline)) static unsigned heap_work(unsigned seed)
{
	enum { BLOCKS = 48, ROUNDS = 4 };
	unsigned char *blocks[BLOCKS];
	size_t sizes[BLOCKS];
	unsigned whole = 0, state = seed * 2654435761u + 1;

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < BLOCKS; i++) {
			state = state * 1664525u + 1013904223u;
			sizes[i] = 1 + (state >> 8) % (i % 16 == 15 ? 300000u : 2000u);
			blocks[i] = i % 3 ? (unsigned char *)malloc(sizes[i]) : (unsigned char *)calloc(sizes[i], 1);
			if (!blocks[i])
				return whole;
			memset(blocks[i], i, sizes[i]);
			if (i % 5 == 4) {
				unsigned char *moved = (unsigned char *)realloc(blocks[i], sizes[i] * 2);
				if (!moved)
					return whole;
				blocks[i] = moved;
			}
		}
		for (int i = 0; i < BLOCKS; i++) {
			size_t same = 0;
			while (same < sizes[i] && blocks[i][same] == (unsigned char)i)
				same++;
			whole += same == sizes[i];
			free(blocks[i]);
		}
	}
	return whole;
}

static inline void say_heap(const char *who)
{
	say("%s: %u blocks of 192 whole", who, heap_work(1));
}

/* Keeps the compiler from removing an allocation that nobody looks at. */
static inline void *kept(void *pointer)
{
	__asm__ volatile("" : "+r"(pointer) : : "memory");
	return pointer;
}

#endif
