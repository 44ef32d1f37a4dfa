/* SPDX-License-Identifier: MIT */
/*
 * What each sampled fault did (enum capture_kind), and which pages were given back and brought in again: churn. Told by the instruction
 * that took the fault, the size of the page that came, the image's earlier faults on the same page, and what the memory is backed by.
 * All but the last is noted when a sample comes, for order matters; what the memory is may be known only later.
 *
 * What cannot be seen: a page that a system call brought in (read(2) into fresh memory) has had no sample, so that a write to it after
 * a fork looks like a first touch. Such writes, to pages never seen, count as first touches only when the kernel's own count says that
 * few faults of the image and its parents went unseen; else their kind is unknown. A page that was given back after a fork shared it,
 * and is then written, counts as shared.
 */
#ifndef PAGEGAP_FAULT_KINDS_H
#define PAGEGAP_FAULT_KINDS_H

#include "../preload/capture.h"
#include "fault_pages.h"
#include "fault_rings.h"
#include "fault_space.h"

struct fault_eye;       /* what is the same for all images */

/* What it depends on. */
struct fault_machine {
	bool sizes;             /* samples tell how large a page is */
	bool zero_page;         /* a read of memory that was never written gets a shared page of zeros, … */
	bool huge_zero_page;    /* … a huge one where there are such */
	bool hints;             /* the kernel takes pages away from time to time to see who uses them: numa_balancing, proc(5) */
	uint64_t swapped_out;   /* pages, since it was started: any more, and those that come again may come from swap space */
};
struct fault_machine fault_machine_here(bool sizes);

struct fault_kinds;     /* of one image */

struct fault_traits {
	uint8_t access;         /* enum fault_access */
	uint8_t seen;           /* enum fault_seen, before this fault */
	uint8_t major, huge;
	uint8_t twice;          /* another thread has had the same fault at the same moment */
	uint8_t blind;          /* first write since a fork to a page that no sample was of */
	uint16_t fresh;         /* pages that this fault is the first to bring in again */
	uint8_t sharing;        /* enum sharing_verdict, of a write to a page that a fork had shared; from outside */
};

/* Minor faults of a process that is there no more, although its end has not been noted yet; CAPTURE_UNKNOWN. */
typedef uint64_t fault_recall(void *context, pid_t pid);

/* @recall: NULL: none can be told */
struct fault_eye *fault_eye_open(const struct fault_machine *machine, fault_recall *recall, void *context);
void fault_eye_close(struct fault_eye *eye);

/* Had samples seen the page before the last fork, as its process's own, and not written since? */
bool fault_eye_saw_shared(const struct fault_eye *eye, struct fault_traits traits, enum ledger_backing backing);

/*
 * fault_kinds_begin - for an image that begins by exec, or whose beginning was not seen
 * @before: of the image before it in the same process, or NULL
 * @unsampled: minor faults that the process had without samples, and that are known
 */
struct fault_kinds *fault_kinds_begin(const struct fault_eye *eye, pid_t pid, const struct fault_kinds *before, uint64_t unsampled);

/* For the child of a fork, of whatever sort; @parent: of the image that forked. */
struct fault_kinds *fault_kinds_fork(struct fault_kinds *parent, const struct fault_event *event);

void fault_kinds_end(struct fault_kinds *kinds);

/* Its pages are a copy of its parent's since it was forked; false: not known yet, or they are its parent's own. */
bool fault_kinds_is_copy(const struct fault_kinds *kinds);
/* That is known from elsewhere. */
void fault_kinds_prove_copy(struct fault_kinds *kinds);

/*
 * fault_kinds_unsampled - minor faults that no sample was of: those inside system calls
 * @minor_faults: of its process, by the kernel's count; CAPTURE_UNKNOWN
 */
uint64_t fault_kinds_unsampled(const struct fault_kinds *kinds, uint64_t minor_faults);

/* Whether a fault was a read or a write, by the code that the image has mapped. */
enum fault_access fault_kinds_access(struct fault_eye *eye, const struct fault_kinds *kinds,
				     const struct fault_event *event);

/* A sample, and a mapping, in the order in which they happened. */
struct fault_traits fault_kinds_note(struct fault_eye *eye, struct fault_kinds *kinds, const struct fault_event *event);
void fault_kinds_map(struct fault_eye *eye, struct fault_kinds *kinds, const struct fault_event *event);

/* When it is known what memory it was in; row CAPTURE_ROWS: it will never be. */
void fault_kinds_count(const struct fault_eye *eye, struct fault_kinds *kinds, struct fault_traits traits, uint64_t address,
		       const struct fault_part *part, struct capture_faults *counts);

/*
 * fault_kinds_finish - decides what was left open, before the counts of an image are written down
 * @minor_faults: of its process, by the kernel's count; CAPTURE_UNKNOWN
 */
void fault_kinds_finish(const struct fault_eye *eye, struct fault_kinds *kinds, uint64_t minor_faults,
			struct capture_faults *counts);

#endif
