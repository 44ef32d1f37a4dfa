/* SPDX-License-Identifier: MIT */
/* Starting, and going on in a forked child. What must be ready before anything can be counted is made ready here, in order. */
#include "instrument.h"

#include <string.h>
#include <sys/auxv.h>

#include "blockmap.h"
#include "call_counts.h"
#include "cow.h"
#include "dispatch.h"
#include "environment.h"
#include "heap.h"
#include "ledger_internal.h"
#include "log.h"
#include "process.h"
#include "ranges.h"
#include "signals.h"
#include "smaps.h"
#include "traffic.h"
#include "times.h"
#include "vdso.h"

__thread struct thread this_thread;
struct capture *capture;
uint32_t instrument_state;
static int inner_pid;                   /* getpid() of the process that this memory belongs to */
_Alignas(4096) unsigned char fork_sentinel[4096];

extern char __bss_start[], _end[]; /* of this library: ld(1) */

/* Claims the parts of an anonymous mapping that are not known yet. */
static void claim_for_loader(const struct mapping *mapping)
{
	struct range range;
	uint64_t at = mapping->start;

	while (at < mapping->end) {
		if (!ranges_find(at, &range) || range.start >= mapping->end)
			range.start = range.end = mapping->end;
		if (range.start > at)
			ranges_claim(at, range.start, RANGE_LOADER, 0);
		at = range.end;
	}
}

/*
 * What is mapped before any code of the program ran. Anonymous mappings are the loader's: the initial thread's TLS, the loader's own
 * data, the bss of the objects it loaded. The executable is the file that holds the program headers the kernel told of (getauxval(3),
 * AT_PHDR). The break begins where [heap] does, or where it stands as long as there is no [heap].
 */
static void look_around(void)
{
	static struct smaps smaps;
	static struct mapping mapping;
	uint64_t headers = getauxval(AT_PHDR);
	int fd = proc_open(0, "maps");

	if (fd < 0)
		return;
	capture->anatomy.start_brk = (uint64_t)sys_call1(SYS_brk, 0);
	smaps_begin(&smaps, fd, false);
	while (smaps_next(&smaps, &mapping)) {
		if (!mapping.name[0] && mapping.protection)
			claim_for_loader(&mapping);
		else if (!strcmp(mapping.name, "[heap]"))
			capture->anatomy.start_brk = mapping.start;
		else if (headers >= mapping.start && headers < mapping.end)
			strncpy(capture->exe, mapping.name, sizeof(capture->exe) - 1);
	}
	sys_close(fd);
}

void instrument_start(void)
{
	uint32_t new = INSTRUMENT_NEW;
	struct rlimit stack;
	char syscalls[16];

	if (!__atomic_compare_exchange_n(&instrument_state, &new, INSTRUMENT_STARTING, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	signals_block();
	heap_next_ready();
	ranges_claim_instrument(page_up((uint64_t)__bss_start), page_up((uint64_t)_end));
	environment_begin();
	capture = recording_begin(environment_born(), environment_image_number());
	if (!capture || sys_failed(sys_call3(SYS_madvise, fork_sentinel, sizeof(fork_sentinel), MADV_WIPEONFORK))) {
		instrument_state = INSTRUMENT_OFF;
		signals_restore();
		return;
	}
	fork_sentinel[0] = 1;
	inner_pid = sys_getpid();
	vdso_begin();
	times_begin();
	call_counts_begin(!environment_option("syscalls", syscalls, sizeof(syscalls)) || strcmp(syscalls, "counts"));
	look_around();
	capture->anatomy.blockmap_address = (uint64_t)&blockmap;
	capture->anatomy.ranges_address = ranges_address();
	if (!sys_failed(sys_call4(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &stack)))
		capture->anatomy.thread_stack_bytes = stack.rlim_cur; /* pthread_create(3) */
	capture->anatomy.code_address = (uint64_t)instrument_start;
	capture->has_heap = heap_is_interposed();
	capture->anatomy.glibc = capture->has_heap; /* it may lie behind another allocator, or a shim */
	if (!capture->has_heap)
		instrument_note(NOTE_OWN_MALLOC, 0);
	strncpy(capture->allocator, allocator.glibc ? "glibc" : allocator.path ? allocator.path : "", sizeof(capture->allocator) - 1);
	heap_header_trusted = allocator.glibc && allocator.usable_known;
	sites_begin();
	ending_register();
	process_register();
	__atomic_store_n(&instrument_state, INSTRUMENT_ON, __ATOMIC_RELEASE);
	signals_restore();
	log_begin();
	dispatch_begin();
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
	if (!fork_sentinel[0] && !process_child_begins())
		return false;
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

GENERAL_REGISTERS bool instrument_is_own_process(void)
{
	return capture && fork_sentinel[0] && sys_getpid() == inner_pid;
}

GENERAL_REGISTERS bool instrument_sees_outer_pids(void)
{
	return (uint32_t)inner_pid == capture->pid;
}

/* In the only thread of a child. Locks that other threads of the parent held are held by nobody here. */
void instrument_forked(void)
{
	uint32_t parent = capture->pid;

	signals_block();
	fork_sentinel[0] = 1;
	sys_own_reads = sys_own_writes = 0;
	inner_pid = sys_getpid();
	kept_forked();
	ranges_forked();
	blockmap_forked();
	ledger_forked();
	threads_forked();
	this_thread.counters = this_thread.fast = NULL;
	recording_begin_child(parent);
	sites_forked();
	snapshot_forked();
	times_begin();
	vdso_forked();
	call_counts_forked();
	dispatch_forked();
	traffic_looks_left = TRAFFIC_LOOKS;
	log_forked();
	if (instrument_state == INSTRUMENT_ON) {
		thread_attach(&this_thread);
		cow_forked();
	}
	ending_forked();
	signals_restore();
}
