/* SPDX-License-Identifier: MIT */
/*
 * Which call site each live block came from, and what each has asked for. A site is a stack (unwind.h), kept once in the image's
 * table (capture_sites.h). A block's site is remembered beside the block map: a byte for each granule there, in leaves of the same shape,
 * so a block of two granules, the smallest of glibc's, has the 16 bits of a site's number; where a block has one granule, the
 * byte names one of 255 sites that ask for such blocks, and the surplus is the others'.
 * Or of few blocks, which are drawn at random: sites_sampled.c.
 */
#ifndef PAGEGAP_SITES_H
#define PAGEGAP_SITES_H

#include "blockmap.h"
#include "capture_sites.h"
#include "instrument.h"

/* NULL: no stacks are taken, or no block has been sampled yet. */
extern struct capture_sites *sites HIDDEN;
extern bool sites_each HIDDEN;          /* each block has its site */
extern uint64_t sites_mean HIDDEN;      /* bytes for each that is sampled; 0: none are */

void sites_begin(void) COLD;            /* where the option asks for it; once per image, before its first block */

/*
 * sites_note - a block has just been entered into the block map: it is one of the site from which the allocator was called
 * sites_note_untracked - one that the block map could not hold: it is among the others, and not live
 * sites_release - a block has left the block map, or is about to: @site as sites_of said while it was there
 * sites_amend - a block's site is told that fewer bytes had been asked for
 *
 * By the owner of the block, as the block map's own functions. Async-signal-safe; the only lock is for a new site, with signals blocked.
 */
void sites_note(const struct block *block);
void sites_note_untracked(uint64_t requested) COLD;
void sites_release(uint32_t site, const struct block *block);
void sites_amend(const struct block *block, uint64_t requested);
uint32_t sites_of(const struct block *block);

/*
 * sites_draw - bytes until the thread's next sample
 * sites_sample - a block that has just been entered into the block map is one
 * sites_is_sample - may it be one? @byte: of the block map
 * sites_sample_take - it is about to leave the block map: what it was, 0 if it is no sample
 * sites_sample_release - it has left for good
 * sites_sample_return - it is in the block map again, for it could not be moved
 * sites_sample_amend - fewer bytes had been asked for; the block map has these
 *
 * By the owner of the block. Async-signal-safe, as those above.
 */
uint64_t sites_draw(struct thread *thread) COLD;
void sites_sample(const struct block *block) COLD;
uint64_t sites_sample_take(const struct block *block) COLD;
void sites_sample_release(const struct block *block, uint64_t taken) COLD;
void sites_sample_return(const struct block *block, uint64_t taken) COLD;
void sites_sample_amend(const struct block *block, uint64_t requested) COLD;

static inline bool sites_is_sample(const uint8_t *byte, const struct block *block)
{
	return unlikely(*byte == CODE_MARKED) || (unlikely(block->usable <= 16) && sites_mean);
}

/* sites_sampled.c, for sites.c: options, and a child's own random numbers */
void sites_sampling_begin(void) COLD;
void sites_sampling_forks(void);        /* in the parent, before it does */
void sites_sampling_forked(void) COLD;

uint16_t sites_here(void);              /* the number of the site from which the library was called; 0: the others' */
bool sites_open(void) COLD;             /* the table, with the first sample. False: there is none */

void sites_before_lock(void) COLD;      /* memory will be locked: no tables that are not there yet, for they would count (mlockall(2)) */
bool sites_have(void);                  /* is there one, or a parent's to begin it with? */

/* Around a fork: no site is added meanwhile, and what is live then is the child's inheritance. */
void sites_prepare_fork(void);
void sites_fork_done(void);             /* on both sides */
void sites_forked(void) COLD;           /* in the child, when it has its capture */

/* sites_open.c: the table of the calling image; NULL: there is none, which a note says. */
struct capture_sites *sites_map(void) COLD;
void sites_unmap(const struct capture_sites *table) COLD;
extern uint32_t sites_most, sites_frames_most;  /* that have room in it */
bool sites_back(const void *start, const void *end) COLD; /* disk blocks for a part of it */

/* sites_modules.c: has the table know what an address lies in. Under the lock of whoever adds a site. */
void sites_note_module(uint64_t address) COLD;
extern bool sites_any_gone HIDDEN;      /* objects that sites lie in have been unloaded, … */
uint64_t sites_times_gone(uint64_t address) COLD; /* … and so often those at an address */

/* sites_pages.c: has ledgers sum what each site holds. In the one thread of an image that begins, when it has its table, or has none any more. */
void sites_pages_begin(void) COLD;
/* What the ledger has summed that was just taken, at @at_ns: it becomes snapshot @number of the capture. Under the lock of ledgers. */
void sites_pages_write(uint32_t number, uint64_t at_ns) COLD;

/* tags.c: the number of the tag that the calling thread works under; 0: none. Where there is a table. Async-signal-safe. */
uint32_t tags_now(void);

/* Around what only one thread may do with the table; signals are blocked meanwhile. */
void sites_lock(void);
void sites_unlock(void);

#endif
