/* SPDX-License-Identifier: MIT */
/* The parts of the JSON document: each makes the value of one key of a process. */
#ifndef PAGEGAP_REPORT_JSON_H
#define PAGEGAP_REPORT_JSON_H

#include <jansson.h>

#include "report.h"

json_t *json_figure(uint64_t figure);                   /* an integer; null when unknown */
json_t *json_text(const char *bytes, size_t length);    /* a string; what is not UTF-8 in it as \xNN */
json_t *json_text_or_null(const char *text);            /* null when empty */
void json_put(json_t *object, const char *key, json_t *value); /* takes the value over */
void json_put_figure(json_t *object, const char *key, uint64_t figure);
json_t *json_argv(const struct capture *capture);       /* null when not known */

json_t *json_time(const struct subject *subject);       /* json_time.c */
json_t *json_heap(const struct subject *subject);       /* json_heap.c */
json_t *json_snapshots(const struct subject *subject);  /* json_ledger.c */
json_t *json_samples(const struct subject *subject);
json_t *json_mappings(const struct subject *subject);
json_t *json_faults(const struct subject *subject);     /* json_faults.c */
json_t *json_cow(const struct subject *subject);        /* json_cow.c */
json_t *json_invalid_access(const struct subject *subject); /* json_death.c */
json_t *json_oom(const struct subject *subject);
json_t *json_fork(const struct subject *subject);       /* json_below.c */
json_t *json_populated(const struct subject *subject);
json_t *json_refused(const struct subject *subject);
json_t *json_calls(const struct subject *subject);      /* json_calls.c */
bool json_write_sites(FILE *to, const struct subject *subject); /* json_sites.c: writes the value itself; false: out of memory */
json_t *json_traffic(const struct capture *capture);    /* json_traffic.c, likewise */
json_t *json_threads(const struct capture *capture);    /* json_threads.c, a part of it */

#endif
