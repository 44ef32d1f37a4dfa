/* SPDX-License-Identifier: MIT */
/* What the two halves of the ledger share: ledger.c decides whose a page is, ledger_blocks.c what of the heap is live on it. */
#ifndef PAGEGAP_LEDGER_INTERNAL_H
#define PAGEGAP_LEDGER_INTERNAL_H

#include "blockmap.h"
#include "capture.h"
#include "capture_sites.h"
#include "pages.h"
#include "ranges.h"
#include "smaps.h"

#define LEDGER_EMBEDDED_RANGES 128

/* Mappings of one file that follow each other. */
struct group {
	bool     open, executable, instrument, at_header, bss_known;
	uint64_t device, inode;
	uint64_t start, end;
	uint64_t bss_start, bss_end;            /* stays valid after the group has ended */
	struct { uint64_t start, end; enum ledger_backing backing; } piece[8]; /* what of it is to be claimed: other memory may lie in between */
	uint32_t pieces;
	struct capture_amounts amounts;
};

/* A glibc arena heap whose header was read; size 0: there is none at base. */
struct arena {
	uint64_t base;
	uint64_t size;                          /* bytes that malloc_info counts */
	uint64_t accessible;                    /* bytes that were made accessible once; beyond size they are given back */
};

/* The leaf of the block map that is being walked. */
struct leaf_view {
	uint64_t key;                           /* address >> LEAF_SHIFT */
	const uint8_t *bytes;                   /* NULL: no leaf there */
	uint64_t touched[LEAF_BYTES / PAGE_BYTES / 64 + 1]; /* pages of the leaf that were ever written */
};

/* Who wants to hear, beside the rows, of each part as it is accounted. Ascending, but for files, which come when their group ends. */
struct ledger_observer {
	int tid;                                /* the thread whose ledgers it wants to hear of */
	void (*begin)(void);                    /* an attempt begins: what was told before is void */
	/* @row: ROW_HEAP_FREE for the heap as a whole. @amounts: of just this part; NULL: of a file, and not known apart */
	void (*part)(uint64_t start, uint64_t end, enum capture_row row, const struct capture_amounts *amounts);
	/* Before the part that is a segment of the heap: its runs of pages that are alike, and bytes of live blocks on pages. */
	void (*heap_begin)(uint64_t start, uint64_t end);
	void (*heap_run)(uint64_t start, uint64_t end, uint32_t flags); /* PAGES_… */
	void (*heap_pages)(uint64_t page, uint64_t pages, uint64_t requested_bytes, uint64_t slack_bytes); /* on each of them */
};

/* For ledgers that a process takes of itself; NULL: nobody. */
extern const struct ledger_observer *ledger_observer HIDDEN;

/* Of a process whose blocks have call sites: what each site holds. */
struct ledger_sites {
	struct capture_site_moment *(*begin)(void); /* an attempt begins: all of them are 0 */
	uint32_t (*find)(const struct block *block); /* its site's number */
};

/* For ledgers that a process takes of itself; NULL: there are no sites. */
extern const struct ledger_sites *ledger_sites HIDDEN;

#define LEDGER_PAGE_SITES 256           /* blocks of 16 bytes on a page */

struct ledger {
	const struct capture *capture;
	const struct ledger_observer *observer;
	int      pid;
	bool     self;
	struct capture_snapshot *out;
	struct smaps   smaps;
	uint64_t resident_bytes;        /* VmRSS of /proc/PID/status: about what there is to walk */
	struct mapping mapping;                 /* the one being accounted */
	struct pages   pages;

	struct range  *ranges;                  /* copy of the set of ranges, as raw nodes */
	uint64_t ranges_used, ranges_bytes;     /* nodes; bytes mapped for the copy, 0: embedded */
	struct range   embedded[LEDGER_EMBEDDED_RANGES];

	struct group   group;
	struct arena   arena;
	uint64_t       descriptor[PAGE_BYTES / sizeof(uint64_t)]; /* what may be a thread's */
	uint64_t       guard_end;               /* of the last mapping without access */
	uint64_t break_start, break_end;        /* page-aligned */

	/* ledger_blocks.c */
	struct leaf_view leaf;
	struct pages   leaf_pages;
	const struct blockmap *map;             /* its first part in another process: a copy, without the root */
	uint8_t *leaf_copy;                     /* of another process: LEAF_BYTES */
	struct block   carried;                 /* the last block seen: it may reach into the next segment */
	struct page_run run;                    /* the run of backed pages at hand */
	bool     have_run, all_resident;        /* the latter: the whole mapping is, and nothing else is to be told of its pages */
	uint64_t run_live, run_slack;           /* bytes of the run that are requested, and slack, ones */
	struct capture_amounts heap;            /* of the whole segment */
	uint64_t fill_page, fill_bytes, fill_slack; /* the page at hand, and the requested and slack bytes on it */
	bool     fill_touched;
	uint64_t filled_pages, touched_pages;   /* of the segment: with requested bytes; with blocks */

	const struct ledger_sites *sites;       /* NULL: nobody wants to know */
	struct capture_site_moment *site_sums;  /* by number */
	uint32_t site;                          /* of the block at hand */
	uint32_t page_sites[LEDGER_PAGE_SITES]; /* which have blocks on the page at hand */
	uint32_t page_sites_used;

	enum ledger_backing heap_part;          /* of the part of anonymous memory that has been claimed last */
	ledger_claimed *claimed;                /* NULL: the amounts are wanted, not whose each address is */
	void    *claimed_context;

	struct capture_mapping *mappings;
	uint32_t mappings_used;
	uint64_t mappings_dropped, least_resident;
};

/* Adds a page-aligned part of the mapping at hand to a row. */
void segment(struct ledger *l, struct capture_amounts *row, uint64_t start, uint64_t end);

/* Adds bytes of a run of pages that are alike to a row: all its columns but the mapped one. */
void add_run(struct ledger *l, struct capture_amounts *row, uint64_t bytes, uint32_t flags);

/* Adds a page-aligned part of the mapping at hand to the three heap rows and to the page fill. */
void heap_segment(struct ledger *l, uint64_t start, uint64_t end);

/* The first block that starts in [from, limit). */
bool blocks_next(struct ledger *l, uint64_t from, uint64_t limit, struct block *block);

void blocks_open(struct ledger *l);
void blocks_close(struct ledger *l);

/* By the evidence of a range: enum range_kind; ROW_HEAP_FREE for the heap as a whole, CAPTURE_ROWS for none. */
int ledger_row_of(uint32_t kind);

/* Only in the one thread of a forked child. */
void ledger_forked(void);

#endif
