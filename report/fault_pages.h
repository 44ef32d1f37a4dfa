/* SPDX-License-Identifier: MIT */
/*
 * The pages that a process image has faulted in so far, as far as samples tell: a few bits for each page that was ever touched, in a
 * sparse table. A forked child begins with its parent's.
 */
#ifndef PAGEGAP_FAULT_PAGES_H
#define PAGEGAP_FAULT_PAGES_H

#include <stdbool.h>
#include <stdint.h>

struct fault_pages;

enum fault_access { ACCESS_UNKNOWN, ACCESS_READ, ACCESS_WRITE };

enum fault_seen {
	SEEN_NEVER,
	SEEN_READ,              /* read faults alone, since the last fork … */
	SEEN_READ_BEFORE,       /* … or before it */
	SEEN_WRITTEN,           /* written to, since the last fork */
	SEEN_SHARED,            /* written to before the last fork, and not since */
	SEEN_UNKNOWN,           /* the table is full */
};

/* What was known of a page before a fault on it. */
struct fault_page {
	enum fault_seen seen;
	uint32_t fresh;         /* pages that this fault is the first to bring in again: see fault_pages_note */
};

/* @reads_own: a read brings a page of its own, and not the shared one of zeros */
struct fault_pages *fault_pages_new(bool reads_own);
struct fault_pages *fault_pages_share(struct fault_pages *pages);
void fault_pages_drop(struct fault_pages *pages);

/*
 * fault_pages_note - takes a fault in
 * @pages: replaced by a copy of its own when somebody else holds it too
 * @bytes: of the page that was brought in; a huge one stands for all its pages
 */
struct fault_page fault_pages_note(struct fault_pages **pages, uint64_t address, uint64_t bytes, enum fault_access access);

/* What is known of a page. */
enum fault_seen fault_pages_seen(const struct fault_pages *pages, uint64_t address);

/* From here on what was written is shared with a relative. */
void fault_pages_forked(struct fault_pages **pages);

/* The table was full once: not all is known. */
bool fault_pages_cut(const struct fault_pages *pages);

#endif
