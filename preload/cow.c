/* SPDX-License-Identifier: MIT */
/* Runs of inherited pages, in ascending order, in memory of their own; and a second look at each of their pages. */
#include "cow.h"

#include <string.h>

#include "capture.h"
#include "instrument.h"
#include "pages.h"
#include "ranges.h"
#include "smaps.h"

#define EMBEDDED   224                  /* runs; a shell has about a hundred */
#define MOST       65536                /* runs; more are not kept, and then nothing is known */
#define LARGE      (16UL << 20)         /* resident bytes: reading maps costs less than looking at that many pages */
#define MAPPINGS   1000                 /* of a process that has more, the others are scanned as one */
#define LOOK_NS    50000000ULL          /* at least between two looks at a living child's pages, … */
#define LOOK_SHARE 200                  /* … which may take 1/200 of its time */
#define ENTRIES    512                  /* of pagemap, read at a time */
#define USER_END   0x7ffffffff000UL     /* of the address space, with four levels of page tables */

struct run { uint64_t start, end; };

static struct {
	struct run embedded[EMBEDDED];
	struct run *more;               /* MOST of them, mapped when they are needed */
	uint32_t used;
	bool     known;
	uint64_t due_ns;                /* the next look while the child lives */
	uint32_t busy;                  /* a thread is looking */
} inherited;

static uint64_t entries[ENTRIES];

static struct run *run_at(uint32_t index)
{
	return index < EMBEDDED ? &inherited.embedded[index] : &inherited.more[index - EMBEDDED];
}

static bool keep(uint64_t start, uint64_t end)
{
	struct run *last = inherited.used ? run_at(inherited.used - 1) : NULL;

	if (last && last->end == start) { /* they only differ in what is of no interest here */
		last->end = end;
		return true;
	}
	if (inherited.used == EMBEDDED && !inherited.more) {
		inherited.more = sys_reserve(MOST * sizeof(struct run));
		if (!inherited.more)
			return false;
		ranges_claim_instrument((uint64_t)inherited.more, (uint64_t)inherited.more + MOST * sizeof(struct run));
	}
	if (inherited.used == EMBEDDED + MOST)
		return false;
	*run_at(inherited.used++) = (struct run){ start, end };
	return true;
}

/* Notes the pages of a part of the address space. False: this kernel cannot tell, or there are too many runs. */
static bool note_part(int fd, uint64_t start, uint64_t end, bool files)
{
	static struct page_region regions[64]; /* the child may stand on the smallest of stacks */

	while (start < end) {
		long found = pages_scan_anonymous(fd, &start, end, files, regions, 64);

		if (found < 0)
			return false;
		for (long i = 0; i < found; i++) {
			if (!keep(regions[i].start, regions[i].end))
				return false;
			capture->cow.inherited_pages += (regions[i].end - regions[i].start) / PAGE_BYTES;
		}
	}
	return true;
}

/* Mapping by mapping: of anonymous memory, which is most of a large process, no page needs to be looked at. */
static bool note_mappings(int fd)
{
	static struct smaps smaps;
	static struct mapping mapping;
	int maps = proc_open(0, "maps");
	bool good = maps >= 0;
	uint32_t seen = 0;

	if (!good)
		return false;
	smaps_begin(&smaps, maps, false);
	while (good && smaps_next(&smaps, &mapping)) {
		if (++seen > MAPPINGS) { /* asking for each would take longer than looking at their pages */
			good = note_part(fd, mapping.start, USER_END, true);
			break;
		}
		if (!mapping.shared && mapping.start < USER_END && strncmp(mapping.name, "[v", 2)) /* vdso, vvar, vsyscall */
			good = note_part(fd, mapping.start, mapping.end, mapping.inode != 0);
	}
	sys_close(maps);
	return good && !smaps.error;
}

void cow_forked(void)
{
	int fd = proc_open(0, "pagemap");
	uint64_t mapped, resident;

	inherited.used = inherited.busy = 0; /* another thread of the parent may have been looking */
	inherited.known = false;
	if (fd < 0)
		return;
	if (snapshot_read_statm(&mapped, &resident) && resident > LARGE)
		inherited.known = note_mappings(fd);
	else
		inherited.known = note_part(fd, 0, USER_END, true);
	sys_close(fd);
	inherited.due_ns = sys_now_ns(CLOCK_MONOTONIC) + LOOK_NS;
	if (inherited.known)
		capture->cow.method = COW_PAGEMAP;
	else
		capture->cow.inherited_pages = 0;
}

/* The first run that ends above an address. */
static uint32_t first_above(uint64_t address)
{
	uint32_t low = 0, high = inherited.used;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (run_at(middle)->end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct look { int fd; struct capture_cow *out; bool failed; };

/* Looks at pages that were inherited and that belong to one row. */
static void look_at(struct look *look, uint64_t start, uint64_t end, enum capture_row row)
{
	struct capture_cow_row *out = &look->out->rows[row == ROW_HEAP_FREE ? ROW_HEAP_LIVE : row];

	while (start < end && !look->failed) {
		uint64_t wanted = min_u64(ENTRIES, (end - start) / PAGE_BYTES);
		long got = sys_pread(look->fd, entries, wanted * sizeof(entries[0]), start / PAGE_BYTES * sizeof(entries[0]));

		look->failed = got != (long)(wanted * sizeof(entries[0]));
		for (uint64_t i = 0; i < wanted && !look->failed; i++) {
			out->inherited_pages++;
			if (!pages_entry_is_anonymous(entries[i]))
				out->gone_pages++;
			else if (pages_entry_is_shared(entries[i]))
				out->shared_pages++;
			else
				out->unshared_pages++;
		}
		start += wanted * PAGE_BYTES;
	}
}

static void claimed(void *context, uint64_t start, uint64_t end, enum capture_row row, enum ledger_backing backing)
{
	(void)backing;
	for (uint32_t i = first_above(start); i < inherited.used && run_at(i)->start < end; i++)
		look_at(context, max_u64(start, run_at(i)->start), min_u64(end, run_at(i)->end), row);
}

/* One at a time; the other thread's look is as good. */
static void look_again(void)
{
	static struct capture_cow seen;
	struct look look = { .out = &seen };

	if (__atomic_exchange_n(&inherited.busy, 1, __ATOMIC_ACQUIRE))
		return;
	memset(&seen, 0, sizeof(seen));
	seen.method = COW_PAGEMAP;
	seen.inherited_pages = capture->cow.inherited_pages;
	seen.looked_at_ns = sys_now_ns(CLOCK_MONOTONIC);
	look.fd = proc_open(0, "pagemap");
	if (look.fd >= 0) {
		seen.looked = !ledger_claims(capture, 0, claimed, &look) && !look.failed;
		sys_close(look.fd);
	}
	if (seen.looked) { /* whoever is killed in between has none: that is better than half of one */
		__atomic_store_n(&capture->cow.looked, 0, __ATOMIC_RELEASE);
		memcpy(capture->cow.rows, seen.rows, sizeof(seen.rows));
		capture->cow.looked_at_ns = seen.looked_at_ns;
		__atomic_store_n(&capture->cow.looked, 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&inherited.busy, 0, __ATOMIC_RELEASE);
}

void cow_tick(uint64_t now)
{
	uint64_t due = __atomic_load_n(&inherited.due_ns, __ATOMIC_RELAXED), spent;

	if (likely(!inherited.known) || now < due || !__atomic_compare_exchange_n(&inherited.due_ns, &due, UINT64_MAX, false,
										    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return;
	look_again();
	spent = sys_now_ns(CLOCK_MONOTONIC) - now;
	__atomic_store_n(&inherited.due_ns, now + spent + max_u64(LOOK_NS, spent * LOOK_SHARE), __ATOMIC_RELAXED);
}

void cow_ending(void)
{
	if (inherited.known)
		look_again();
}
