/* SPDX-License-Identifier: MIT */
/* Starting, and going on in a forked child. What must be ready before anything can be counted is made ready here, in order. */
#include "instrument.h"

#include <string.h>

#include "blockmap.h"
#include "environment.h"
#include "heap.h"
#include "ledger_internal.h"
#include "process.h"
#include "ranges.h"
#include "smaps.h"

__thread struct thread this_thread;
struct capture *capture;
uint32_t instrument_state;
_Alignas(4096) unsigned char fork_sentinel[4096];

extern char __bss_start[], _end[]; /* of this library: ld(1) */

/*
 * The anonymous mappings that are there before any code of the program ran are the loader's: the initial thread's TLS, the loader's
 * own data, the bss of the objects it loaded. The break and the stack have names of their own.
 */
static void find_loader_mappings(void)
{
	static struct smaps smaps;
	static struct mapping mapping;
	struct range range;
	int fd = sys_open("/proc/self/maps", O_RDONLY, 0);

	if (fd < 0)
		return;
	smaps_begin(&smaps, fd, false);
	while (smaps_next(&smaps, &mapping)) {
		uint64_t at = mapping.start;

		if (mapping.name[0] || !mapping.protection)
			continue;
		while (at < mapping.end) { /* leave out what is known already */
			bool known = ranges_find(at, &range) && range.start < mapping.end;

			if (!known)
				range.start = range.end = mapping.end;
			if (range.start > at)
				ranges_claim(at, range.start, RANGE_LOADER, 0);
			at = range.end;
		}
	}
	sys_close(fd);
}

/* Field 47 of /proc/self/stat; 0 when it is not told: proc(5), PTRACE_MODE_READ_FSCREDS */
static uint64_t find_break_start(void)
{
	char text[1024];
	const char *at = text;
	int fd = sys_open("/proc/self/stat", O_RDONLY, 0);
	long got;

	if (fd < 0)
		return 0;
	got = sys_read(fd, text, sizeof(text) - 1);
	sys_close(fd);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	at = strrchr(text, ')'); /* the name, field 2, can hold anything */
	for (int field = 2; at && field < 47; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return 0;
	at++;
	return scan_decimal(&at);
}

void instrument_start(void)
{
	uint32_t new = INSTRUMENT_NEW;
	uint64_t mask;

	if (!__atomic_compare_exchange_n(&instrument_state, &new, INSTRUMENT_STARTING, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	mask = sys_block_signals();
	heap_next_ready();
	ranges_claim_instrument(page_up((uint64_t)__bss_start), page_up((uint64_t)_end));
	environment_begin();
	capture = recording_begin(environment_born(), environment_image_number());
	if (!capture || sys_failed(sys_call3(SYS_madvise, fork_sentinel, sizeof(fork_sentinel), MADV_WIPEONFORK))) {
		instrument_state = INSTRUMENT_OFF;
		sys_restore_signals(mask);
		return;
	}
	fork_sentinel[0] = 1;
	find_loader_mappings();
	capture->anatomy.blockmap_address = (uint64_t)&blockmap;
	capture->anatomy.ranges_address = ranges_address();
	capture->anatomy.start_brk = find_break_start();
	capture->anatomy.code_address = (uint64_t)instrument_start;
	capture->has_heap = heap_is_interposed();
	capture->anatomy.glibc = allocator.glibc && capture->has_heap;
	if (!capture->has_heap)
		instrument_note(NOTE_OWN_MALLOC, 0);
	strncpy(capture->allocator, allocator.glibc ? "glibc" : allocator.path ? allocator.path : "", sizeof(capture->allocator) - 1);
	heap_header_trusted = allocator.glibc && allocator.usable_known;
	ending_register();
	process_register();
	__atomic_store_n(&instrument_state, INSTRUMENT_ON, __ATOMIC_RELEASE);
	sys_restore_signals(mask);
}

__attribute__((constructor)) static void construct(void)
{
	instrument_attend(&this_thread);
}

bool instrument_attend(struct thread *thread)
{
	if (instrument_state == INSTRUMENT_NEW)
		instrument_start();
	if (instrument_state != INSTRUMENT_ON)
		return false;
	if (!fork_sentinel[0])
		instrument_forked();
	return thread->counters || thread_attach(thread);
}

void instrument_note(enum capture_note kind, int error)
{
	struct capture_noted *note;

	if (!capture)
		return;
	for (note = capture->notes; note < capture->notes + CAPTURE_NOTES; note++) {
		uint32_t none = NOTE_NONE;

		if (note->kind == kind || __atomic_compare_exchange_n(&note->kind, &none, kind, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
		    none == kind) {
			if (!__atomic_fetch_add(&note->count, 1, __ATOMIC_RELAXED))
				note->error = error;
			return;
		}
	}
}

bool instrument_is_own_process(void)
{
	return capture && fork_sentinel[0] && (uint32_t)sys_getpid() == capture->pid;
}

/* In the only thread of a child. Locks that other threads of the parent held are held by nobody here. */
void instrument_forked(void)
{
	uint64_t mask = sys_block_signals();
	uint32_t parent = capture->pid;

	fork_sentinel[0] = 1;
	ranges_forked();
	blockmap_forked();
	ledger_forked();
	threads_forked();
	this_thread.counters = this_thread.fast = NULL;
	recording_begin_child(parent);
	snapshot_forked();
	if (instrument_state == INSTRUMENT_ON)
		thread_attach(&this_thread);
	sys_restore_signals(mask);
}
