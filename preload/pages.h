/* SPDX-License-Identifier: MIT */
/*
 * Which pages of a range are backed, as runs of pages that are alike. Three sources, the best that works: the ioctl PAGEMAP_SCAN
 * (Linux 6.7; tells the shared zero page, which smaps does not count, from memory), /proc/PID/pagemap (an entry of 8 bytes a page;
 * Documentation/admin-guide/mm/pagemap.rst), and mincore(2), which needs no descriptor but works on the caller alone and knows
 * neither swap nor sharing.
 */
#ifndef PAGEGAP_PAGES_H
#define PAGEGAP_PAGES_H

#include <stdbool.h>
#include <stdint.h>

enum { PAGES_RESIDENT = 1, PAGES_SWAPPED = 2, PAGES_HUGE = 4, PAGES_SHARED = 8, PAGES_WRITTEN = 16 };

struct page_run {
	uint64_t start, end;            /* addresses */
	uint32_t flags;                 /* PAGES_…; never 0 */
};

enum pages_source { PAGES_BY_SCAN, PAGES_BY_PAGEMAP, PAGES_BY_MINCORE, PAGES_BY_NOTHING };

struct page_region { uint64_t start, end, categories; }; /* struct page_region of <linux/fs.h>, newer than our headers */

struct pages {
	int      fd;                    /* pagemap, opened when it is first needed; -1: none */
	int      pid;
	bool     self, opened;
	bool     no_guards;             /* the kernel's scan does not tell guard markers from swapped pages */
	enum pages_source source;
	uint64_t next, end;             /* addresses: what is still to be read */
	bool     want_shared;           /* tell shared pages from exclusive ones: one entry read for each page */
	uint32_t regions, region;       /* filled and consumed */
	uint64_t entries_at;            /* address of entry 0; 0: none read */
	uint32_t entries;
	struct page_region buffer[128];
	uint64_t entry[256];
	uint8_t  core[1024];
};

/* @self: the caller's own memory, where mincore may stand in. Nothing is opened before a page is asked for. */
void pages_open(struct pages *pages, int pid, bool self);
void pages_close(struct pages *pages);

/* Starts on [start, end), page-aligned. */
void pages_begin(struct pages *pages, uint64_t start, uint64_t end, bool want_shared);

/* The next run of resident or swapped pages in ascending order. False: no more. */
bool pages_next(struct pages *pages, struct page_run *run);

/*
 * pages_scan_anonymous - anonymous pages of the caller, present or swapped, that are not the shared zero page
 * @fd: /proc/self/pagemap
 * @next: where to go on, moved on; done when it reaches @end
 * @files: there may be pages of files or of shared memory, to be left out: the kernel looks at each page then, 40 ns
 *
 * Returns how many regions it filled in, with PAGES_RESIDENT or PAGES_SWAPPED for categories, or a negated errno: ENOTTY before Linux 6.7.
 */
long pages_scan_anonymous(int fd, uint64_t *next, uint64_t end, bool files, struct page_region *regions,
			  uint32_t room);

/*
 * pages_scan_watched - anonymous pages, present or swapped, of mappings that a userfaultfd watches in its asynchronous mode
 * @which: all of them; those that have been written since they were protected; or all, and from now on they are protected
 * @files: as there
 *
 * Each region's categories: PAGES_RESIDENT; PAGES_WRITTEN, not protected until now; PAGES_HUGE. Returns as pages_scan_anonymous does.
 */
enum pages_watched { PAGES_ALL, PAGES_ONLY_WRITTEN, PAGES_PROTECT };
long pages_scan_watched(int fd, uint64_t *next, uint64_t end, enum pages_watched which, bool files,
			struct page_region *regions, uint32_t room);

/* Does a userfaultfd watch the mapping that lies here? */
bool pages_are_watched(int fd, uint64_t start, uint64_t end);

/* What an entry of pagemap says of its page. */
bool pages_entry_is_anonymous(uint64_t entry);  /* there, and not of a file or of shared memory */
bool pages_entry_is_shared(uint64_t entry);     /* another process maps it too */

#endif
