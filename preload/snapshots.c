/* SPDX-License-Identifier: MIT */
/*
 * When ledgers and samples are taken. There is no thread and no timer of ours in the program: the moments are those at which it calls
 * a wrapper's slow path. A peak of resident memory always ends with memory being given back, so the place to look for one is just
 * before a release, and every so often while memory grows. Ledgers at peaks are spaced so that all of them together stay under 0.5 %
 * of the run: a new one waits until its expected cost fits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call_counts.h"
#include "cow.h"
#include "heap.h"
#include "holdings.h"
#include "instrument.h"
#include "ledger_internal.h"
#include "series.h"
#include "signals.h"
#include "sites.h"
#include "smaps.h"
#include "text.h"
#include "times.h"

#define WAIT_NS       2000000000ULL     /* for another thread's ledger */
#define LOOK_NS       1000000ULL        /* at least between two looks at the time series and the peak */
#define PEAK_WAIT_NS  50000000ULL       /* at most, before memory is released whose ledger another thread is taking */
#define COST_SHARE    200               /* ledgers may take 1/200 of the run */
#define PEAK_SHARE    3                 /* one at a peak that was held, 1/3 of the time for which it was */
#define BASE_COST_NS  300000ULL         /* expected of a ledger: a small process's smaps, … */
#define PAGE_COST_NS  60ULL             /* … each resident page, … */
#define BLOCK_COST_NS 5ULL              /* … and each live block; corrected by what the last one did cost */
#define PEAK_STEP     32                /* a peak is new when it is 1/32 higher than the last one recorded */

static struct {
	uint64_t next_look_ns, last_sample_ns;
	uint64_t cost_ns;               /* spent on ledgers so far */
	uint64_t last_cost_ns, last_modelled_ns;
	uint64_t peak_rss_bytes;        /* of the best peak ledger */
	uint32_t lock, reading_peak;
	int64_t  fork_blocks, fork_live, fork_usable; /* the parent's sums, for the child */
	bool     fork_announced;
} state;

/* What all threads together hold now; slots are taken in order, so the first never used one ends the list. */
static void sum_live(const struct capture *c, int64_t *blocks, int64_t *live, int64_t *usable)
{
	*blocks = *live = *usable = 0;
	for (const struct capture_counters *slot = c->counters; slot < c->counters + threads_slots(); slot++) {
		if (slot - c->counters >= CAPTURE_COUNTERS_EAGER && !slot->tid && !slot->frees && !slot->requested_bytes)
			break;
		for (int i = 0; i < CAPTURE_SIZE_CLASSES; i++)
			*blocks += (int64_t)slot->size_class[i];
		*blocks -= (int64_t)(slot->frees + slot->untracked);
		*live += slot->live_bytes;
		*usable += slot->usable_live_bytes;
	}
}

/* Runs in the parent, before the fork: afterwards its counters move on. */
void snapshot_prepare_fork(void)
{
	uint32_t tries = 0;

	signals_block();
	while (__atomic_exchange_n(&state.lock, 1, __ATOMIC_ACQUIRE))
		sys_wait(&tries);
	sum_live(capture, &state.fork_blocks, &state.fork_live, &state.fork_usable);
	state.fork_announced = true;
}

void snapshot_inherit(struct capture *child)
{
	const struct capture *parent = capture;

	if (!state.fork_announced || parent->inherited_blocks == CAPTURE_UNKNOWN) {
		child->inherited_blocks = child->inherited_live_bytes = child->inherited_usable_bytes = CAPTURE_UNKNOWN;
		return;
	}
	child->inherited_blocks = parent->inherited_blocks + (uint64_t)state.fork_blocks;
	child->inherited_live_bytes = parent->inherited_live_bytes + (uint64_t)state.fork_live;
	child->inherited_usable_bytes = parent->inherited_usable_bytes + (uint64_t)state.fork_usable;
	child->live_bytes = child->peak_live_bytes = (int64_t)child->inherited_live_bytes;
}

void snapshot_forked(void)
{
	memset(&state, 0, sizeof(state));
}

void snapshot_fork_done(void)
{
	state.fork_announced = false;
	__atomic_store_n(&state.lock, 0, __ATOMIC_RELEASE);
	signals_restore();
}

bool snapshot_read_statm(uint64_t *mapped, uint64_t *resident)
{
	char buffer[128];
	const char *at = buffer;

	if (!times_read_proc("/proc/self/statm", buffer, sizeof(buffer)))
		return false;
	*mapped = scan_decimal(&at) * PAGE_BYTES;
	*resident = scan_decimal(&at) * PAGE_BYTES;
	return true;
}

uint64_t snapshot_read_page_tables(void)
{
	static char buffer[4096];       /* a forked child may stand on a small stack */
	const char *found = times_read_proc("/proc/self/status", buffer, sizeof(buffer)) ? strstr(buffer, "\nVmPTE:") : NULL;

	if (!found)
		return CAPTURE_UNKNOWN;
	found += strlen("\nVmPTE:");
	return scan_decimal(&found) << 10;
}

/* Ledgers */

static struct capture_snapshot *place_for(enum capture_why why)
{
	struct capture_snapshot *peaks = &capture->snapshots[SNAPSHOT_PEAK];

	if (why == WHY_PEAK)
		return peaks[0].rss_bytes <= peaks[1].rss_bytes ? &peaks[0] : &peaks[1];
	if (why == WHY_MARK)
		return &capture->snapshots[SNAPSHOT_MARK + capture->marks++ % (CAPTURE_SNAPSHOTS - SNAPSHOT_MARK)];
	return &capture->snapshots[why == WHY_REFUSED ? SNAPSHOT_REFUSED : SNAPSHOT_END];
}

/* More than a thousandth is without evidence: other threads were too busy for one answer. */
static bool is_blurred(const struct capture_snapshot *s)
{
	uint64_t mapped = (uint64_t)llabs(s->unexplained_mapped_bytes), resident = (uint64_t)llabs(s->unexplained_resident_bytes);

	return mapped > s->vm_size_bytes / 1000 || resident > s->rss_bytes / 1000;
}

/*
 * The clock for what ledgers cost: the thread's processor time, for a wait for the processor is no cost of theirs (clock_gettime(2)).
 * Not through libc, since this clock is a system call, which the program's seccomp filter may forbid.
 */
static uint64_t cost_clock(void)
{
	struct timespec now;

	if (sys_failed(sys_call2(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &now)))
		return sys_now_ns(CLOCK_MONOTONIC);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

bool snapshot_take(enum capture_why why, const char *name)
{
	uint64_t start = sys_now_ns(CLOCK_MONOTONIC), spent;
	struct capture_snapshot *place;
	uint32_t sequence;
	int error;

	dispatch_claim();
	log_claim();
	signals_block();
	while (__atomic_exchange_n(&state.lock, 1, __ATOMIC_ACQUIRE)) { /* another thread is at it; a peak can do without, the others wait */
		if (why == WHY_PEAK || sys_now_ns(CLOCK_MONOTONIC) - start > WAIT_NS) {
			signals_restore();
			return false;
		}
		sys_call0(SYS_sched_yield);
	}
	if (why == WHY_PEAK && __atomic_load_n(&ending_begun, __ATOMIC_RELAXED)) { /* the last ledger is the last */
		__atomic_store_n(&state.lock, 0, __ATOMIC_RELEASE);
		signals_restore();
		return false;
	}
	start = sys_now_ns(CLOCK_MONOTONIC);
	spent = cost_clock();
	place = place_for(why);
	sequence = place->sequence;
	__atomic_store_n(&state.reading_peak, why == WHY_PEAK, __ATOMIC_RELAXED);
	error = ledger_of(capture, 0, place, capture->mappings, &capture->mappings_used, &capture->mappings_dropped);
	__atomic_store_n(&state.reading_peak, 0, __ATOMIC_RELAXED);
	if (error) {
		instrument_note(NOTE_NO_SNAPSHOT, error);
	} else if (why == WHY_PEAK && is_blurred(place)) {
		memset(place, 0, sizeof(*place)); /* the next look may find a calmer moment */
	} else {
		holdings_ask(&place->holdings);
		place->why = why;
		place->at_ns = start;
		if (name)
			strncpy(place->name, name, sizeof(place->name) - 1);
		sites_pages_write((uint32_t)(place - capture->snapshots), start);
		place->cost_ns = cost_clock() - spent;
		__atomic_store_n(&place->sequence, (sequence | 1) + 1, __ATOMIC_RELEASE);
		state.last_cost_ns = place->cost_ns;
		if (why == WHY_PEAK)
			state.peak_rss_bytes = place->rss_bytes;
	}
	state.cost_ns += cost_clock() - spent;
	capture->own_thread_ns_spent = state.cost_ns;
	__atomic_store_n(&state.lock, 0, __ATOMIC_RELEASE);
	signals_restore();
	return !error;
}

/* What a ledger would cost now, by the size of the process and by how the last one compared with that. */
static uint64_t modelled_cost(uint64_t resident)
{
	int64_t blocks, live, usable;

	sum_live(capture, &blocks, &live, &usable);
	if (capture->inherited_blocks != CAPTURE_UNKNOWN)
		blocks += (int64_t)capture->inherited_blocks;
	return BASE_COST_NS + resident / PAGE_BYTES * PAGE_COST_NS + (blocks > 0 ? (uint64_t)blocks : 0) * BLOCK_COST_NS;
}

/*
 * Is resident memory higher than at the best recorded peak, and can a ledger be afforded? All of them together may take a small
 * share of the run; and a peak that was held while nothing happened, a share of that time, since it will be asked for.
 */
static void look_for_peak(uint64_t now, uint64_t held_ns)
{
	uint64_t mapped, resident, highest, allowed = (now - capture->start_ns) / COST_SHARE, modelled;
	struct rusage usage;

	if (__atomic_load_n(&ending_begun, __ATOMIC_RELAXED)) /* other threads run on while the last ledger is read */
		return;
	sys_call2(SYS_getrusage, RUSAGE_SELF, &usage);
	highest = (uint64_t)usage.ru_maxrss << 10;
	if (highest <= state.peak_rss_bytes + state.peak_rss_bytes / PEAK_STEP + (256 << 10))
		return;
	allowed = allowed > state.cost_ns ? allowed - state.cost_ns : 0;
	allowed = max_u64(allowed, held_ns / PEAK_SHARE);
	if (allowed < BASE_COST_NS / 2 || !snapshot_read_statm(&mapped, &resident) || resident + resident / PEAK_STEP < highest)
		return; /* that peak is over */
	modelled = modelled_cost(resident);
	if (state.last_modelled_ns && state.last_cost_ns > state.last_modelled_ns)
		modelled = modelled * (state.last_cost_ns >> 10) / ((state.last_modelled_ns >> 10) + 1);
	if (modelled <= allowed) {
		state.last_modelled_ns = modelled_cost(resident);
		snapshot_take(WHY_PEAK, NULL);
	}
}

/* Samples */

static void sample(uint64_t now)
{
	int64_t blocks, live, usable;
	struct capture_sample *s;
	struct rusage usage;
	uint64_t mapped = CAPTURE_UNKNOWN, resident = CAPTURE_UNKNOWN;

	if (__atomic_exchange_n(&state.lock, 1, __ATOMIC_ACQUIRE))
		return;
	state.last_sample_ns = now;
	series_make_room(capture->samples, sizeof(capture->samples[0]), CAPTURE_SAMPLES, &capture->samples_used,
			 &capture->sample_interval_ns);
	sys_call2(SYS_getrusage, RUSAGE_SELF, &usage);
	snapshot_read_statm(&mapped, &resident);
	sum_live(capture, &blocks, &live, &usable);
	s = &capture->samples[capture->samples_used];
	s->at_ns = now;
	s->live_bytes = s->usable_bytes = CAPTURE_UNKNOWN;
	if (capture->inherited_blocks != CAPTURE_UNKNOWN) {
		s->live_bytes = capture->inherited_live_bytes + (uint64_t)live;
		s->usable_bytes = capture->inherited_usable_bytes + (uint64_t)usable;
	}
	s->mapped_bytes = mapped;
	s->resident_bytes = resident;
	s->minor_faults = (uint64_t)usage.ru_minflt;
	s->major_faults = (uint64_t)usage.ru_majflt;
	__atomic_store_n(&capture->samples_used, capture->samples_used + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&state.lock, 0, __ATOMIC_RELEASE);
}

/* The moments */

/* How long nothing was looked at, until now. */
static uint64_t begin_look(uint64_t now)
{
	uint64_t due = __atomic_exchange_n(&state.next_look_ns, now + LOOK_NS, __ATOMIC_RELAXED);

	return !due ? now - capture->start_ns : now > due ? now - due : 0;
}

static void look(void)
{
	uint64_t now = sys_now_ns(CLOCK_MONOTONIC), held;

	if (now < __atomic_load_n(&state.next_look_ns, __ATOMIC_RELAXED))
		return;
	held = begin_look(now);
	signals_block();
	if (now - state.last_sample_ns >= capture->sample_interval_ns)
		sample(now);
	look_for_peak(now, held);
	cow_tick(now);
	signals_restore();
}

/* Each thread's live bytes may be ahead of the process's, or behind, by as much when another one finds a peak. */
static void note_other_threads(uint64_t slot)
{
	if (!capture->peak_bound_bytes)
		instrument_note(NOTE_PEAK_BOUND, 0);
	if (capture->peak_bound_bytes < slot * PENDING_BYTES)
		capture->peak_bound_bytes = slot * PENDING_BYTES;
}

/* Brings the thread's live bytes to the process's account. Alone in the process, a thread keeps the peak exact. */
void snapshot_tick(struct thread *thread)
{
	struct capture_counters *c = thread->counters;
	int64_t ahead = c->live_bytes - c->published_bytes, highest = c->peak_bytes - c->published_bytes, before, peak;

	if (!thread->shared) {
		before = __atomic_fetch_add(&capture->live_bytes, ahead, __ATOMIC_RELAXED);
		peak = __atomic_load_n(&capture->peak_live_bytes, __ATOMIC_RELAXED);
		while (before + highest > peak && !__atomic_compare_exchange_n(&capture->peak_live_bytes, &peak, before + highest, true,
									       __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			;
		c->published_bytes += ahead;
		c->peak_bytes = c->live_bytes;
		if (c != &capture->counters[1])
			note_other_threads((uint64_t)(c - capture->counters));
	}
	look();
}

/* What another thread is reading at this moment may be the highest that memory ever is: it stays as it is for so long. */
static void wait_for_peak(void)
{
	uint64_t start = sys_now_ns(CLOCK_MONOTONIC);
	uint32_t tries = 0;

	while (__atomic_load_n(&state.reading_peak, __ATOMIC_RELAXED) && sys_now_ns(CLOCK_MONOTONIC) - start < PEAK_WAIT_NS)
		sys_wait(&tries);
}

void snapshot_before_release(uint64_t bytes)
{
	uint64_t now;

	if (instrument_state != INSTRUMENT_ON || !capture || !fork_sentinel[0])
		return;
	if (unlikely(__atomic_load_n(&state.reading_peak, __ATOMIC_RELAXED)))
		wait_for_peak();
	now = sys_now_ns(CLOCK_MONOTONIC);
	if (bytes < state.peak_rss_bytes / PEAK_STEP && now < __atomic_load_n(&state.next_look_ns, __ATOMIC_RELAXED))
		return;
	if (state.next_look_ns > now && bytes < (1 << 20))
		return;
	signals_block(); /* a handler may leave by longjmp, and leave our descriptors open */
	look_for_peak(now, begin_look(now));
	signals_restore();
}
