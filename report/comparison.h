/* SPDX-License-Identifier: MIT */
/* A comparison of allocators on one program: what was asked for, what the runs gave, and what follows from that. */
#ifndef PAGEGAP_COMPARISON_H
#define PAGEGAP_COMPARISON_H

#include <stdio.h>

#include "../preload/capture.h"
#include "allocators.h"
#include "contrast.h"
#include "trial.h"

/* What is measured in every run. */
enum measure { MEASURE_WALL, MEASURE_CPU, MEASURE_PEAK, MEASURE_MINOR_FAULTS, MEASURE_MAJOR_FAULTS, MEASURES };

/* The measures that decide whether an allocator makes a difference: CONTRAST_MISS counts on two. */
#define JUDGED(measure) ((measure) == MEASURE_WALL || (measure) == MEASURE_PEAK)

/* Where an observed process's memory was at one moment. Figures may be CAPTURE_UNKNOWN. */
struct observed_ledger {
	bool   known;
	uint64_t rss_bytes;                             /* without pagegap's own */
	struct capture_amounts rows[CAPTURE_ROWS];
	uint64_t fill_pages[CAPTURE_FILL_BUCKETS];      /* as in capture.h */
};

/* Programs are compared at the same moment of their lives: where most of what they asked for was live, or at the end. */
enum moment { MOMENT_PEAK, MOMENT_END, MOMENTS };

/* What a recording says of the one run that was observed. pagegap's own memory is in none of its figures. */
struct observed {
	bool   known;           /* there was a process with a ledger; of the one with the largest heap: */
	char  *exe;
	char  *malloc;          /* what defined malloc in it: "glibc" or a path; NULL: it is unknown */
	bool   has_heap;        /* the heap's rows are known */
	struct observed_ledger ledgers[MOMENTS];
	enum capture_note note; /* why it could not be preloaded; NOTE_NONE: it was */
	/* Of all processes: */
	size_t processes;
	size_t forks, unknown_forks;            /* the latter have no figures */
	uint64_t inherited_pages, copied_pages; /* after them, by either side */
	bool   copies_exact;
};

struct candidate {
	struct allocator *allocator;
	struct trial_result warm_up, *rounds;
	struct trial_result under_pagegap;
	struct observed observed;
	struct median medians[MEASURES];        /* of the rounds that are done */
	struct contrast contrasts[MEASURES];    /* to the first candidate */
	size_t differing_ends, differing_outputs[TRIAL_OUTPUTS]; /* of all its runs, from the reference */
	size_t runs_done, left_behind, immortal;
};

struct comparison {
	char **arguments;                       /* of the program */
	const char *input;                      /* as asked for; NULL: /dev/null */
	size_t runs;                            /* rounds asked for */
	size_t rounds;                          /* that are done for all */
	bool   only_warm_ups;                   /* no other run is done: figures are those of the warm-ups */
	struct allocators allocators;
	struct candidate *candidates;           /* one for each that is there; the first is what the others are compared to */
	enum capture_note reach;                /* why LD_PRELOAD can have no effect on the program; NOTE_NONE: it can */
	enum moment moment;                     /* of which the observed runs' ledgers can be compared */
	const struct trial_result *reference;   /* the run that outputs and ends are compared to; NULL: there was none */
	int interrupted;                        /* by this signal; 0: not */
};

/* A figure of a run in its unit: nanoseconds, bytes, faults. */
double measure_of(const struct trial_result *result, enum measure measure);

/*
 * All runs of a candidate: its warm-up, its rounds, the one under pagegap. RUN_UNDER_PAGEGAP is its number, and how many
 * the others are.
 */
#define RUN_UNDER_PAGEGAP(comparison) ((comparison)->runs + 1)
const struct trial_result *candidate_run(const struct comparison *comparison, const struct candidate *candidate, size_t number);

/* It ended otherwise than the reference, or wrote something else to one of the outputs. */
bool end_differs(const struct comparison *comparison, const struct trial_result *result);
bool output_differs(const struct comparison *comparison, const struct trial_result *result, size_t output);

/* Fills in what follows from the runs. */
void comparison_conclude(struct comparison *comparison);

/* In all that is judged. */
bool candidate_is_same(const struct candidate *candidate);

/* Whether the allocator was the program's; false too where that is unknown. @ineffective: it is known that it was not. */
bool candidate_took_effect(const struct candidate *candidate, bool *ineffective);

/* The results; allocators are their own. */
void comparison_free(struct comparison *comparison);

/* All runs ended alike and wrote the same. */
bool comparison_ends_agree(const struct comparison *comparison);
bool comparison_outputs_agree(const struct comparison *comparison, size_t output);

/* compare_observed.c: reads a recording, in silence. */
struct observed observed_of(const char *recording);
void observed_free(struct observed *observed);
/* The heap's three rows together, resident. */
uint64_t ledger_heap(const struct observed_ledger *ledger);

/* Each writes the whole report. */
void compare_text(const struct comparison *comparison, FILE *to);
bool compare_json(const struct comparison *comparison, FILE *to); /* false: out of memory */
void compare_csv(const struct comparison *comparison, FILE *to);

#endif
