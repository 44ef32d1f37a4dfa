/* SPDX-License-Identifier: MIT */
/*
 * The sections of a process's page, in the order in which they are printed. A section that has nothing to say prints
 * nothing.
 */
#ifndef PAGEGAP_REPORT_TEXT_H
#define PAGEGAP_REPORT_TEXT_H

#include "report.h"
#include "units.h"

void text_what_happened(struct page *page, const struct subject *subject);      /* text_head.c */
void text_death(struct page *page, const struct subject *subject);              /* text_death.c */
void text_notes(struct page *page, const struct subject *subject);
void text_ledger(struct page *page, const struct subject *subject);             /* text_ledger.c */
void text_ledger_of(struct page *page, const struct subject *subject, const struct capture_snapshot *s); /* another */
void text_page_tables(struct page *page, const struct subject *subject);        /* text_page_tables.c */
void text_refused(struct page *page, const struct subject *subject);            /* text_refused.c */
void text_why(struct page *page, const struct subject *subject);                /* text_why.c */
void text_fill(struct page *page, const struct subject *subject);
void text_mappings(struct page *page, const struct subject *subject);           /* text_mappings.c */
void text_heap(struct page *page, const struct subject *subject);               /* text_heap.c */
void text_sites(struct page *page, const struct subject *subject);              /* text_sites.c */
void text_cow(struct page *page, const struct subject *subject);                /* text_cow.c */
/* What the fork that bore an image shared, and what of that the child copied, in a few words; NULL where that is not known. */
char *text_birth(const struct page *page, const struct subject *subject, size_t index);
void text_faults(struct page *page, const struct subject *subject);             /* text_faults.c */
void text_churn(struct page *page, const struct subject *subject);              /* text_churn.c, goes on where text_faults ends */
void text_processes(struct page *page, const struct subject *subject);          /* text_processes.c */
void text_time(struct page *page, const struct subject *subject);               /* text_time.c */
void text_series(struct page *page, const struct subject *subject);             /* text_series.c */
void text_calls(struct page *page, const struct subject *subject);              /* text_calls.c */
void text_threads(struct page *page, const struct image *image, const struct capture *capture); /* text_threads.c, of --syscalls */
struct traffic;
void text_traffic(struct page *page, struct traffic *traffic, size_t most); /* text_traffic.c, of --syscalls */
void text_cost(struct page *page, const struct subject *subject);               /* text_time.c */

/* What killed an image, where it was its memory and is known, else NULL. To be freed. text_death.c */
char *text_death_reason(const struct page *page, const struct recording *recording, const struct image *image);

/* "exit 0", "signal 9 (killed)", "running", … */
struct figure text_end(const struct image *image);

/* "fork", "exec", …; "?" */
const char *text_born(uint32_t born);

/* Bytes and times as this page shows them. */
#define BYTES(bytes) figure_bytes(bytes, page->exact).text
#define TIME(ns)     figure_time(ns, page->exact).text
#define COUNT(count) figure_count(count).text

#endif
