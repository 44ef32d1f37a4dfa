/* SPDX-License-Identifier: MIT */
/*
 * The ledger: every mapped and every resident byte of a process in exactly one row, on evidence.
 *
 * One pass over smaps. A mapping that belongs to one row as a whole is taken with the kernel's own figures. The others are cut into
 * segments, because the kernel merges neighbours of different owners; the residency of a segment comes from pagemap. In heap
 * segments the block map tells which bytes of which resident page are live. What no evidence claims is in no row and shows as the
 * difference to VmSize and Rss: unexplained.
 *
 * The evidence, in this order: access (no access: reserve), the set of ranges (ranges.h), the loader's program headers (bss), the
 * break, glibc's arena headers, chunks that glibc mapped for one block, live blocks, thread descriptors.
 */
#include "capture.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "blockmap.h"
#include "ledger_internal.h"

/* One at a time: the work space is static because the caller may stand on the smallest of stacks. */
static struct ledger work;
static uint32_t busy;
const struct ledger_observer *ledger_observer;
const struct ledger_sites *ledger_sites;

/* Adds an amount that can be unknown; unknown stays unknown. */
static void add(uint64_t *sum, uint64_t bytes, bool known)
{
	if (!known)
		*sum = CAPTURE_UNKNOWN;
	else if (*sum != CAPTURE_UNKNOWN)
		*sum += bytes;
}

static void add_amounts(struct capture_amounts *sum, const struct capture_amounts *more)
{
	sum->mapped_bytes += more->mapped_bytes;
	sum->resident_bytes += more->resident_bytes;
	add(&sum->dirty_bytes, more->dirty_bytes, more->dirty_bytes != CAPTURE_UNKNOWN);
	add(&sum->shared_bytes, more->shared_bytes, more->shared_bytes != CAPTURE_UNKNOWN);
	add(&sum->swap_bytes, more->swap_bytes, more->swap_bytes != CAPTURE_UNKNOWN);
	add(&sum->huge_bytes, more->huge_bytes, more->huge_bytes != CAPTURE_UNKNOWN);
}

/* A part of the address space belongs to a row, and that is all that the caller wants to know. False: it wants the amounts. */
static bool only_claimed(const struct ledger *l, uint64_t start, uint64_t end, int row, enum ledger_backing backing)
{
	if (l->claimed && row != CAPTURE_ROWS && start < end)
		l->claimed(l->claimed_context, start, end, (enum capture_row)row, backing);
	return l->claimed != NULL;
}

/* Whatever has a name is a file, shared memory or an anonymous inode, unless the kernel has named it; a private /dev/zero is none. */
static enum ledger_backing backing_of(const struct mapping *m)
{
	if (m->name[0] == '[' && m->name[1] == 'v')
		return BACKING_KERNEL;
	if (m->shared)
		return BACKING_SHARED;
	return m->name[0] && m->name[0] != '[' && strcmp(m->name, "/dev/zero") ? BACKING_PRIVATE_FILE : BACKING_ANONYMOUS;
}

static void observe(const struct ledger *l, uint64_t start, uint64_t end, uint32_t row, const struct capture_amounts *amounts)
{
	if (l->observer)
		l->observer->part(start, end, (enum capture_row)row, amounts);
}

/* A whole mapping: the kernel's own figures. */
static struct capture_amounts amounts_of(const struct mapping *m)
{
	return (struct capture_amounts){
		.mapped_bytes = m->end - m->start, .resident_bytes = m->resident, .dirty_bytes = m->dirty,
		.shared_bytes = m->shared_resident, .swap_bytes = m->swap, .huge_bytes = m->huge,
	};
}

/* Bytes of a run of pages. What the source of the run cannot tell is unknown, unless smaps says that there is none of it. */
void add_run(struct ledger *l, struct capture_amounts *row, uint64_t bytes, uint32_t flags)
{
	const struct mapping *m = &l->mapping;
	bool entries = l->pages.source <= PAGES_BY_PAGEMAP;

	if (flags & PAGES_RESIDENT) {
		row->resident_bytes += bytes;
		add(&row->dirty_bytes, m->dirty ? bytes : 0, m->dirty == m->resident || !m->dirty);
		add(&row->shared_bytes, flags & PAGES_SHARED ? bytes : 0, entries || !m->shared_resident);
		add(&row->huge_bytes, flags & PAGES_HUGE ? bytes : 0, l->pages.source == PAGES_BY_SCAN || !m->huge);
	}
	add(&row->swap_bytes, flags & PAGES_SWAPPED ? bytes : 0, entries || !m->swap);
}

/* Remembers a mapping, or the part of it that is one row's, if it is among the largest by resident, then by mapped bytes. */
static void note_part(struct ledger *l, uint64_t start, uint64_t end, uint32_t row, const struct capture_amounts *amounts)
{
	const struct mapping *m = &l->mapping;
	struct capture_mapping *entry;
	uint32_t least = 0;
	size_t length = strlen(m->name);

	if (!l->mappings)
		return;
	if (l->mappings_used < CAPTURE_MAPPINGS) {
		least = l->mappings_used++;
	} else {
		l->mappings_dropped++;
		if (amounts->resident_bytes <= l->least_resident)
			return;
		for (uint32_t i = 1; i < CAPTURE_MAPPINGS; i++)
			if (l->mappings[i].resident_bytes < l->mappings[least].resident_bytes)
				least = i;
		if (amounts->resident_bytes <= l->mappings[least].resident_bytes) {
			l->least_resident = l->mappings[least].resident_bytes;
			return;
		}
	}
	entry = &l->mappings[least];
	memset(entry, 0, sizeof(*entry));
	entry->start = start;
	entry->end = end;
	entry->row = row;
	entry->protection = m->protection | (m->shared ? CAPTURE_SHARED : 0) | (m->locked ? CAPTURE_LOCKED : 0);
	entry->resident_bytes = amounts->resident_bytes;
	entry->dirty_bytes = amounts->dirty_bytes;
	entry->shared_bytes = amounts->shared_bytes;
	entry->swap_bytes = amounts->swap_bytes;
	entry->huge_bytes = amounts->huge_bytes;
	entry->hugetlb_bytes = m->hugetlb_bytes;
	if (length >= sizeof(entry->name))
		memcpy(entry->name, m->name + length - (sizeof(entry->name) - 1), sizeof(entry->name) - 1);
	else
		memcpy(entry->name, m->name, length);
}

/* Files. Mappings of one file that follow each other are one group; it is an image when the loader mapped part of it to execute. */

static void claim_pieces(struct ledger *l, int row)
{
	struct group *g = &l->group;

	for (uint32_t i = 0; i < g->pieces; i++)
		if (!only_claimed(l, g->piece[i].start, g->piece[i].end, row, g->piece[i].backing))
			observe(l, g->piece[i].start, g->piece[i].end, (uint32_t)row, NULL);
	g->pieces = 0;
}

/* Remembers a mapping of the group until it is known whose the group is; of many, the first ones as far as that is known now. */
static void add_piece(struct ledger *l, uint64_t start, uint64_t end)
{
	enum ledger_backing backing = backing_of(&l->mapping);
	struct group *g = &l->group;

	if (g->pieces && g->piece[g->pieces - 1].end == start && g->piece[g->pieces - 1].backing == backing) {
		g->piece[g->pieces - 1].end = end;
		return;
	}
	if (g->pieces == sizeof(g->piece) / sizeof(g->piece[0]))
		claim_pieces(l, g->instrument ? ROW_INSTRUMENT : g->executable ? ROW_IMAGE : ROW_FILE);
	g->piece[g->pieces].backing = backing;
	g->piece[g->pieces].start = start;
	g->piece[g->pieces++].end = end;
}

static void group_end(struct ledger *l)
{
	struct group *g = &l->group;
	bool image = g->executable;
	uint32_t row = !g->open ? ROW_FILE : g->instrument ? ROW_INSTRUMENT : image ? ROW_IMAGE : ROW_FILE;

	if (!g->open)
		return;
	g->open = false;
	claim_pieces(l, (int)row);
	if (l->claimed)
		return;
	add_amounts(&l->out->rows[row], &g->amounts);
	for (uint32_t i = 0; i < l->mappings_used && l->mappings; i++)
		if (l->mappings[i].start >= g->start && l->mappings[i].end <= g->end && l->mappings[i].name[0])
			l->mappings[i].row = row;
}

static void group_add(struct ledger *l)
{
	const struct mapping *m = &l->mapping;
	struct capture_amounts amounts;
	struct group *g = &l->group;

	if (!g->open || g->inode != m->inode || g->device != m->device) {
		group_end(l);
		memset(g, 0, sizeof(*g));
		g->open = true;
		g->inode = m->inode;
		g->device = m->device;
		g->start = m->start;
		g->at_header = m->offset == 0;
	}
	g->end = m->end;
	g->executable |= m->protection & PROT_EXEC;
	g->instrument |= l->capture->anatomy.code_address >= m->start && l->capture->anatomy.code_address < m->end;
	if (l->claimed || l->observer)
		add_piece(l, m->start, m->end);
	if (l->claimed)
		return;
	amounts = amounts_of(m);
	add_amounts(&g->amounts, &amounts);
	note_part(l, m->start, m->end, ROW_FILE, &amounts);
}

/* Reads the program headers of the image before this anonymous mapping: its bss is what they ask for beyond the file (elf(5)). */
static void group_find_bss(struct ledger *l)
{
	struct group *g = &l->group;
	struct { Elf64_Ehdr file; Elf64_Phdr segment[16]; } header;
	uint64_t bias = 0, wanted;
	bool based = false;

	g->bss_known = true;
	if (!g->at_header || sys_read_memory(l->pid, g->start, &header.file, sizeof(header.file)) != sizeof(header.file))
		return;
	if (memcmp(header.file.e_ident, ELFMAG, SELFMAG) || header.file.e_phentsize != sizeof(Elf64_Phdr))
		return;
	wanted = min_u64(header.file.e_phnum, 16);
	if (sys_read_memory(l->pid, g->start + header.file.e_phoff, header.segment, wanted * sizeof(Elf64_Phdr)) <
	    (long)(wanted * sizeof(Elf64_Phdr)))
		return;
	for (uint64_t i = 0; i < wanted; i++) {
		const Elf64_Phdr *segment = &header.segment[i];

		if (segment->p_type != PT_LOAD)
			continue;
		if (!based)
			bias = g->start - page_down(segment->p_vaddr);
		based = true;
		if (segment->p_memsz > segment->p_filesz) {
			g->bss_start = page_up(bias + segment->p_vaddr + segment->p_filesz);
			g->bss_end = page_up(bias + segment->p_vaddr + segment->p_memsz);
		}
	}
}

/* Evidence */

/* The first range of the copied set that ends above an address. */
static const struct range *range_after(const struct ledger *l, uint64_t address)
{
	const struct range *found = NULL;
	uint32_t index = l->ranges_used ? l->ranges[0].left : 0;

	for (uint64_t steps = 0; index && index < l->ranges_used && steps < l->ranges_used; steps++) {
		if (l->ranges[index].end > address) {
			found = &l->ranges[index];
			index = found->left;
		} else {
			index = l->ranges[index].right;
		}
	}
	return found;
}

/* Looking for evidence must bring no page in. */
static bool is_backed(struct ledger *l, uint64_t page)
{
	struct page_run run;

	if (!l->mapping.resident && !l->mapping.swap)
		return false;
	pages_begin(&l->leaf_pages, page, page + PAGE_BYTES, false);
	return pages_next(&l->leaf_pages, &run);
}

#define DESCRIPTOR_PAGES 3              /* thread-local storage lies above a descriptor, and what is larger is seldom */

/*
 * A stack that libc mapped for a thread, running, or gone and cached, or left behind in a forked child. The thread's descriptor lies
 * at its upper end and holds, side by side, the address and the size of the block (struct pthread: stackblock, stackblock_size;
 * nptl/descr.h): two words that name exactly this end. Where in the descriptor they are differs between versions, so they are looked
 * for. The block begins with the guard, which has no access and is no part of [at, end).
 */
static bool is_stack(struct ledger *l, uint64_t at, uint64_t end)
{
	uint64_t *words = l->descriptor;

	for (uint64_t page = end - PAGE_BYTES; page >= at && end - page <= DESCRIPTOR_PAGES * PAGE_BYTES; page -= PAGE_BYTES) {
		if (!is_backed(l, page) || sys_read_memory(l->pid, page, words, PAGE_BYTES) != (long)PAGE_BYTES)
			continue;
		for (uint64_t i = 0; i + 1 < PAGE_BYTES / sizeof(*words); i++)
			if (words[i] + words[i + 1] == end && words[i] % PAGE_BYTES == 0 && words[i] <= at && words[i + 1] >= 4 * PAGE_BYTES)
				return true;
	}
	/* One that a fork caught before its descriptor was written: as long as libc makes them, untouched, above its guard. */
	return at == l->mapping.start && at == l->guard_end && !l->mapping.resident &&
	       end - at == l->capture->anatomy.thread_stack_bytes;
}

/* A chunk that glibc has mapped for a block which a fork caught before malloc returned it: its header (malloc.c) spans it. */
static bool is_lost_chunk(struct ledger *l, uint64_t at, uint64_t *until)
{
	uint64_t header[2];

	if (!l->capture->anatomy.glibc || !is_backed(l, at) ||
	    sys_read_memory(l->pid, at, header, sizeof(header)) != (long)sizeof(header))
		return false;
	if (header[0] || (header[1] & 7) != 2 || (header[1] & ~7UL) % PAGE_BYTES || header[1] < PAGE_BYTES ||
	    header[1] > *until - at + 2)
		return false;
	*until = at + (header[1] & ~7UL);
	l->heap_part = BACKING_BLOCK;
	return true;
}

/*
 * A glibc arena beyond the first is a chain of heaps, each at a multiple of HEAP_MAX_SIZE with this header (malloc/arena.c).
 * The first heap of an arena has the arena's state behind its header; later ones point to their predecessor.
 */
#define ARENA_BYTES (64UL << 20)
struct arena_header { uint64_t state, previous, size, accessible; };

static bool arena_at(struct ledger *l, uint64_t base)
{
	struct arena_header header;

	if (l->arena.base == base)
		return l->arena.size != 0;
	l->arena.base = base;
	l->arena.size = 0;
	if (!is_backed(l, base) || sys_read_memory(l->pid, base, &header, sizeof(header)) != sizeof(header))
		return false;
	if (l->mapping.start == base && !header.state && !header.size && !header.accessible && l->mapping.end - base <= ARENA_BYTES) {
		/* mapped, and about to be written, by a thread that a fork has left behind */
		l->arena.size = l->arena.accessible = l->mapping.end - base;
		return true;
	}
	if (!header.size || header.size > header.accessible || header.accessible > ARENA_BYTES ||
	    (header.accessible & (PAGE_BYTES - 1)) || header.previous % ARENA_BYTES ||
	    header.state % ARENA_BYTES < sizeof(header) || header.state % ARENA_BYTES > 256 ||
	    (!header.previous && header.state / ARENA_BYTES != base / ARENA_BYTES))
		return false;
	l->arena.size = page_up(header.size);
	l->arena.accessible = header.accessible;
	return true;
}

/* The mapping that glibc made for this block alone: its usable size is then a multiple of 16 that ends with a page (malloc.c, sysmalloc). */
static bool chunk_mapping(struct ledger *l, const struct block *b, uint64_t *start, uint64_t *end)
{
	uint64_t lead = 0;

	if (!l->capture->anatomy.glibc || b->usable % 16 || (b->address + b->usable) % PAGE_BYTES)
		return false;
	*start = b->address - 16;
	*end = b->address + b->usable;
	if (*start % PAGE_BYTES) { /* aligned: the first word of its header says how far the mapping's start lies below */
		if (sys_read_memory(l->pid, *start, &lead, sizeof(lead)) != sizeof(lead) || lead > *start ||
		    (*start - lead) % PAGE_BYTES)
			return false;
		*start -= lead;
	}
	return true;
}

/* What lies between the claims: a mapping of glibc's for one block, an allocator's mapping with live blocks, or nothing known. */
static int claim_by_blocks(struct ledger *l, uint64_t at, uint64_t *until)
{
	struct block b;
	uint64_t start, end;

	if (!l->capture->has_heap || !blocks_next(l, at, *until, &b))
		return CAPTURE_ROWS;
	if (!chunk_mapping(l, &b, &start, &end))
		return ROW_HEAP_FREE;
	if (start > at) {
		*until = min_u64(*until, start);
		return CAPTURE_ROWS;
	}
	*until = min_u64(*until, end);
	l->heap_part = BACKING_BLOCK;
	if (l->claimed) /* where amounts are wanted, the walk over the blocks of the part keeps it */
		l->carried = b;
	return ROW_HEAP_FREE;
}

/* The mapping of a block that was asked for aligned begins before it: a multiple of 64 MiB may lie in between, at *until. */
static bool is_lead(struct ledger *l, uint64_t at, uint64_t whole, uint64_t *until)
{
	struct block b;
	uint64_t start, end;

	if (!l->capture->has_heap || !blocks_next(l, *until, min_u64(whole, *until + 4 * ARENA_BYTES), &b) ||
	    !chunk_mapping(l, &b, &start, &end) || start > at)
		return false;
	*until = min_u64(whole, end);
	l->heap_part = BACKING_BLOCK;
	if (l->claimed)
		l->carried = b;
	return true;
}

int ledger_row_of(uint32_t kind)
{
	static const uint8_t rows[RANGE_KINDS] = {
		[RANGE_OWN_ANON] = ROW_ANON, [RANGE_OWN_FILE] = ROW_FILE, [RANGE_ALLOCATOR] = ROW_HEAP_FREE,
		[RANGE_INSTRUMENT] = ROW_INSTRUMENT, [RANGE_LOADER] = ROW_IMAGE,
	};

	return kind < RANGE_KINDS && kind ? rows[kind] : CAPTURE_ROWS;
}

/* Whatever libc maps begins with a page that it has written: the multiple of 64 MiB below the first one from @at on, @end if none. */
static uint64_t next_written_part(struct ledger *l, uint64_t at, uint64_t end)
{
	struct page_run run;

	pages_begin(&l->leaf_pages, at, end, false);
	if (l->leaf_pages.source != PAGES_BY_SCAN) /* the others read an entry for each page */
		return at;
	if (!pages_next(&l->leaf_pages, &run))
		return end;
	return max_u64(at, run.start / ARENA_BYTES * ARENA_BYTES);
}

/*
 * The row of an accessible anonymous address; *until comes in as the mapping's end and goes out as the end of what that row claims.
 * ROW_HEAP_FREE stands for the heap as a whole; CAPTURE_ROWS for no evidence.
 */
static int claim(struct ledger *l, uint64_t at, uint64_t *until)
{
	const struct range *range = range_after(l, at);
	const struct group *g = &l->group;
	uint64_t base = at / ARENA_BYTES * ARENA_BYTES, whole;
	int row;

	l->heap_part = BACKING_ANONYMOUS;
	if (l->self && at - (uint64_t)l->ranges < l->ranges_bytes) { /* mapped for this very ledger */
		*until = min_u64(*until, (uint64_t)l->ranges + l->ranges_bytes);
		return ROW_INSTRUMENT;
	}
	if (l->self && at < (uint64_t)l->ranges && l->ranges_bytes)
		*until = min_u64(*until, (uint64_t)l->ranges);
	if (range && range->start <= at) {
		*until = min_u64(*until, range->end);
		return ledger_row_of(range->kind);
	}
	if (range)
		*until = min_u64(*until, range->start);
	if (g->open && g->executable && !g->bss_known && l->mapping.start == g->end)
		group_find_bss(l);
	if (at >= g->bss_start && at < g->bss_end) {
		*until = min_u64(*until, g->bss_end);
		return g->instrument ? ROW_INSTRUMENT : ROW_IMAGE;
	}
	if (at >= l->break_start && at < l->break_end) {
		*until = min_u64(*until, l->break_end);
		l->heap_part = BACKING_BREAK;
		return l->capture->anatomy.glibc ? ROW_HEAP_FREE : ROW_ANON;
	}
	if (at < l->break_start)
		*until = min_u64(*until, l->break_start);
	if (l->carried.address < at && l->carried.address + l->carried.usable > at) { /* a block that reaches over from the segment before */
		*until = min_u64(*until, page_up(l->carried.address + l->carried.usable));
		l->heap_part = BACKING_BLOCK;
		return ROW_HEAP_FREE;
	}
	if (l->capture->anatomy.glibc && (at == base || l->arena.base == base) && arena_at(l, base) && at < base + l->arena.accessible) {
		bool held = at < base + l->arena.size;

		l->heap_part = BACKING_ARENA;
		*until = min_u64(*until, base + (held ? l->arena.size : l->arena.accessible));
		return held ? ROW_HEAP_FREE : ROW_RESERVE;
	}
	whole = *until;
	if (l->capture->anatomy.glibc)
		*until = min_u64(*until, base + ARENA_BYTES);
	row = claim_by_blocks(l, at, until);
	if (row == CAPTURE_ROWS && is_stack(l, at, *until))
		return ROW_STACK;
	if (row == CAPTURE_ROWS && *until < whole && is_stack(l, at, whole)) { /* one that lies across a multiple of 64 MiB */
		*until = whole;
		return ROW_STACK;
	}
	if (row == CAPTURE_ROWS && is_lost_chunk(l, at, until))
		return ROW_HEAP_FREE;
	if (row == CAPTURE_ROWS && *until < whole && *until == base + ARENA_BYTES && is_lead(l, at, whole, until))
		return ROW_HEAP_FREE;
	if (row == CAPTURE_ROWS && *until < whole && *until == base + ARENA_BYTES) /* some programs map terabytes */
		*until = next_written_part(l, *until, whole);
	return row;
}

static void whole_mapping(struct ledger *l, int row)
{
	const struct mapping *m = &l->mapping;
	struct capture_amounts amounts = amounts_of(m);

	if (only_claimed(l, m->start, m->end, row, backing_of(m)))
		return;
	add_amounts(&l->out->rows[row], &amounts);
	note_part(l, m->start, m->end, (uint32_t)row, &amounts);
	observe(l, m->start, m->end, (uint32_t)row, m->inode ? NULL : &amounts);
}

/* A part of a mapping that is one row's, from its pages. */
static void add_part(struct ledger *l, uint64_t start, uint64_t end, int row)
{
	struct capture_amounts amounts = { 0 };

	if (only_claimed(l, start, end, row, l->heap_part) || row == CAPTURE_ROWS)
		return;
	if (row == ROW_HEAP_FREE) {
		heap_segment(l, start, end);
		note_part(l, start, end, ROW_HEAP_LIVE, &l->heap);
		observe(l, start, end, ROW_HEAP_FREE, &l->heap);
		return;
	}
	segment(l, &amounts, start, end);
	add_amounts(&l->out->rows[row], &amounts);
	note_part(l, start, end, (uint32_t)row, &amounts);
	observe(l, start, end, (uint32_t)row, &amounts);
}

/* Accessible anonymous memory, part by part. */
static void split_mapping(struct ledger *l)
{
	const struct mapping *m = &l->mapping;
	uint64_t at = m->start, until = m->end;
	int row = claim(l, at, &until);

	if (until == m->end && row != CAPTURE_ROWS && row != ROW_HEAP_FREE) {
		whole_mapping(l, row);
		return;
	}
	for (;;) {
		add_part(l, at, until, row);
		at = until;
		if (at >= m->end)
			return;
		until = m->end;
		row = claim(l, at, &until);
	}
}

void segment(struct ledger *l, struct capture_amounts *row, uint64_t start, uint64_t end)
{
	struct page_run run;

	row->mapped_bytes += end - start;
	pages_begin(&l->pages, start, end, l->mapping.shared_resident != 0);
	while (pages_next(&l->pages, &run))
		add_run(l, row, run.end - run.start, run.flags);
}

/* The row of a mapping that has a name of the kernel's, or -1. */
static int row_by_name(const char *name)
{
	if (!strncmp(name, "[stack", 6))
		return ROW_STACK;
	if (!strcmp(name, "[vdso]") || !strncmp(name, "[vvar", 5) || !strcmp(name, "[uprobes]"))
		return ROW_KERNEL;
	return -1;
}

static void account(struct ledger *l)
{
	const struct mapping *m = &l->mapping;
	const struct range *range;
	int row = m->name[0] == '[' ? row_by_name(m->name) : -1;

	l->out->rss_bytes += m->resident;
	if (m->thp_eligible)
		l->out->thp_eligible_bytes += m->end - m->start;
	if (m->locked)
		l->out->locked_resident_bytes += m->resident;
	if (m->hugetlb)
		l->out->hugetlb_mapped_bytes += m->end - m->start;
	if (row >= 0) {
		whole_mapping(l, row);
	} else if (m->name[0] && m->name[0] != '[') { /* a file, shared memory, an anonymous inode: all have a name */
		range = range_after(l, m->start);
		row = range && range->start <= m->start ? ledger_row_of(range->kind) : CAPTURE_ROWS;
		if (row == ROW_INSTRUMENT || row == ROW_ANON || row == ROW_FILE)
			whole_mapping(l, row);
		else
			group_add(l);
	} else if (!m->protection) {
		l->guard_end = m->end;
		whole_mapping(l, ROW_RESERVE);
	} else {
		if (!strcmp(m->name, "[heap]") && l->break_end < m->end)
			l->break_end = m->end;
		split_mapping(l);
	}
}

/* Setting up */

/* "Key:  123 kB" of /proc/pid/status; CAPTURE_UNKNOWN: it is not there. */
static uint64_t status_bytes(const char *text, const char *key)
{
	const char *found = strstr(text, key);

	if (!found)
		return CAPTURE_UNKNOWN;
	found += strlen(key);
	return scan_decimal(&found) << 10;
}

/* What the process has as a whole: proc(5), /proc/pid/status. */
static int read_status(struct ledger *l)
{
	int fd = proc_open(l->self ? 0 : l->pid, "status");
	char *text = l->smaps.buffer;
	long got;

	if (fd < 0)
		return fd == -ENOENT ? ESRCH : -fd;
	got = sys_read(fd, text, sizeof(l->smaps.buffer) - 1);
	sys_close(fd);
	if (got <= 0)
		return got ? (int)-got : ESRCH;
	text[got] = '\0';
	l->resident_bytes = status_bytes(text, "\nVmRSS:");
	l->out->vm_size_bytes = status_bytes(text, "\nVmSize:");
	l->out->page_table_bytes = status_bytes(text, "\nVmPTE:");
	l->out->locked_bytes = status_bytes(text, "\nVmLck:");
	l->out->hugetlb_bytes = status_bytes(text, "\nHugetlbPages:");
	return l->out->vm_size_bytes == CAPTURE_UNKNOWN ? ESRCH : 0; /* a zombie, or a kernel thread */
}

static bool copy_memory(const struct ledger *l, uint64_t address, void *buffer, uint64_t bytes)
{
	if (!l->self)
		return sys_read_memory(l->pid, address, buffer, bytes) == (long)bytes;
	memcpy(buffer, (const void *)address, bytes); /* the instrument's own tables, which are never unmapped */
	return true;
}

/* A copy of the set of ranges as it is at the moment, perhaps in the middle of a change: its walk is bounded, see range_after. */
static int copy_ranges(struct ledger *l)
{
	uint64_t address = l->capture->anatomy.ranges_address, nodes;
	struct range head;

	if (!address || !copy_memory(l, address, &nodes, sizeof(nodes)) || !copy_memory(l, nodes, &head, sizeof(head)) ||
	    head.start > 1UL << 24)
		return 0;
	if (head.start > LEDGER_EMBEDDED_RANGES) {
		l->ranges_bytes = page_up(head.start * sizeof(head));
		l->ranges = sys_reserve(l->ranges_bytes);
		if (!l->ranges) {
			l->ranges_bytes = 0;
			if (!l->self)
				return ENOMEM;
			l->ranges = (struct range *)nodes; /* as it stands, where no memory is left for a copy */
			l->ranges_used = head.start;
			return 0;
		}
	}
	if (copy_memory(l, nodes, l->ranges, head.start * sizeof(head)))
		l->ranges_used = head.start;
	return 0;
}

static void free_work(struct ledger *l)
{
	if (l->ranges_bytes)
		sys_unmap(l->ranges, l->ranges_bytes);
	blocks_close(l);
}

#define MUCH_BYTES (64ULL << 20)         /* walking that costs more than a system call for each mapping */

static int take(struct ledger *l)
{
	int fd, error = l->claimed ? 0 : read_status(l);

	if (error)
		return error;
	fd = proc_open(l->self ? 0 : l->pid, l->claimed ? "maps" : "smaps");
	if (fd < 0)
		return -fd;
	smaps_begin(&l->smaps, fd, !l->claimed);
	if (!l->claimed && l->resident_bytes != CAPTURE_UNKNOWN && l->resident_bytes >= MUCH_BYTES)
		smaps_singly(&l->smaps);
	while (smaps_next(&l->smaps, &l->mapping)) {
		if (l->claimed)
			l->mapping.resident = PAGE_BYTES; /* maps does not say: there may be evidence on its pages */
		if (strcmp(l->mapping.name, "[vsyscall]")) /* not the process's: in no mm, not in VmSize */
			account(l);
	}
	group_end(l);
	sys_close(fd);
	return l->smaps.error ? -l->smaps.error : 0;
}

/* What no row has claimed; and heap rows that mean nothing without a block map. */
static void finish(struct ledger *l)
{
	struct capture_snapshot *out = l->out;

	memset(&out->holdings, 0xff, sizeof(out->holdings)); /* CAPTURE_UNKNOWN */
	out->unexplained_mapped_bytes = (int64_t)out->vm_size_bytes;
	out->unexplained_resident_bytes = (int64_t)out->rss_bytes;
	for (int row = 0; row < CAPTURE_ROWS; row++) {
		out->unexplained_mapped_bytes -= (int64_t)out->rows[row].mapped_bytes;
		out->unexplained_resident_bytes -= (int64_t)out->rows[row].resident_bytes;
	}
	for (int row = ROW_HEAP_LIVE; row <= ROW_HEAP_FREE && !l->capture->has_heap; row++)
		memset(&out->rows[row], 0xff, sizeof(out->rows[row]));
}

/* One pass; what it needs to be set up for each. */
static int attempt_ledger(struct ledger *l)
{
	int error;

	memset(l->out, 0, sizeof(*l->out)); /* the caller's name and sequence with it: it sets them afterwards */
	if (l->observer)
		l->observer->begin();
	if (l->sites)
		l->site_sums = l->sites->begin();
	l->mappings_used = 0;
	l->mappings_dropped = l->least_resident = l->guard_end = 0;
	memset(&l->group, 0, sizeof(l->group));
	memset(&l->arena, 0, sizeof(l->arena));
	l->break_start = page_down(l->capture->anatomy.start_brk);
	l->break_end = l->self && l->break_start ? page_up((uint64_t)sys_call1(SYS_brk, 0)) : l->break_start;
	l->ranges = l->embedded;
	l->ranges_used = l->ranges_bytes = 0;
	pages_open(&l->pages, l->pid, l->self);
	pages_open(&l->leaf_pages, l->pid, l->self);
	blocks_open(l);
	error = copy_ranges(l);
	if (!error)
		error = take(l);
	if (!error)
		finish(l);
	free_work(l);
	pages_close(&l->pages);
	pages_close(&l->leaf_pages);
	return error;
}

/* Another thread mapped, or touched more than a little, while the pass was under way; or nobody did, and it will be the same again. */
static bool disturbed(const struct capture_snapshot *out)
{
	int64_t resident = out->unexplained_resident_bytes;

	return out->unexplained_mapped_bytes || (uint64_t)(resident < 0 ? -resident : resident) > out->rss_bytes / 1000;
}

/* The work space for one process, or NULL while another thread is in it. */
static struct ledger *begin_work(const struct capture *capture, pid_t pid, struct capture_snapshot *out)
{
	if (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
		return NULL;
	work.capture = capture;
	work.self = pid == 0;
	work.pid = work.self ? sys_gettid() : pid; /* the first thread may have left */
	work.out = out;
	work.mappings = NULL;
	work.claimed = NULL;
	work.observer = NULL;
	work.sites = NULL;
	return &work;
}

static void end_work(void)
{
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

int ledger_of(const struct capture *capture, pid_t pid, struct capture_snapshot *out,
	      struct capture_mapping *mappings, uint32_t *mappings_used, uint64_t *mappings_dropped)
{
	struct ledger *l = begin_work(capture, pid, out);
	int error;

	if (!l)
		return EBUSY;
	l->mappings = mappings;
	if (l->self && ledger_observer && ledger_observer->tid == sys_gettid())
		l->observer = ledger_observer;
	if (l->self)
		l->sites = ledger_sites;
	for (int attempt = 0; attempt < 3; attempt++) {
		error = attempt_ledger(l);
		if (error || !disturbed(out))
			break;
	}
	if (mappings) {
		*mappings_used = l->mappings_used;
		*mappings_dropped = l->mappings_dropped;
	}
	end_work();
	return error;
}

int ledger_claims(const struct capture *capture, pid_t pid, ledger_claimed *claimed, void *context)
{
	static struct capture_snapshot unused;
	struct ledger *l = begin_work(capture, pid, &unused);
	int error;

	if (!l)
		return EBUSY;
	l->claimed = claimed;
	l->claimed_context = context;
	error = attempt_ledger(l);
	end_work();
	return error;
}

void ledger_forked(void)
{
	busy = 0;
}
