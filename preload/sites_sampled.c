/* SPDX-License-Identifier: MIT */
/*
 * Sampled call sites. Each thread counts bytes down to its next sample (heap.h); the block in which the count runs out has its stack taken, stands
 * for others like it (sampling.h), and is marked in the block map, so that the release of any other block costs nothing. Which site a sample has is kept
 * by its address in tables that take no lock: a place is claimed by compare-and-swap by the owner of the block, and none but that looks for it.
 */
#include "sampling.h"
#include "sites.h"

#include <stddef.h>
#include <sys/auxv.h>

#include "environment.h"
#include "ranges.h"
#include "text.h"

#define MEAN_DEFAULT  (512UL << 10)
#define SEGMENTS      4                 /* of tables, each eight times as large as the one before */
#define SEGMENT_FIRST 4096UL            /* with places for 2 GiB of live blocks, by the default mean */
#define WINDOW        16                /* places where an address may be */
#define CLAIMED       1UL               /* no address of a block */

uint64_t sites_mean;

struct sample {
	uint64_t address;               /* 0: free */
	uint64_t what;                  /* the bytes that it was drawn by, its site above them: not 0 */
};
#define SITE_SHIFT 48

static struct sample *segments[SEGMENTS];

static uint64_t seed, seeded;           /* and how many threads have taken theirs from it */
static bool seed_is_given;
static uint64_t forks;

/* This thread's last sample, and what it had asked for then. */
static __thread struct { uint64_t address, requested; } last_sample __attribute__((tls_model("initial-exec")));

static inline uint64_t segment_places(unsigned number)
{
	return SEGMENT_FIRST << 3 * number;
}

static COLD struct sample *add_segment(unsigned number)
{
	uint64_t bytes = segment_places(number) * sizeof(struct sample);

	sites_lock();
	if (!segments[number]) {
		struct sample *segment = sys_reserve(bytes);

		if (segment) {
			sys_call3(SYS_madvise, segment, bytes, MADV_DONTDUMP);
			ranges_claim_instrument((uint64_t)segment, (uint64_t)segment + bytes);
			__atomic_store_n(&segments[number], segment, __ATOMIC_RELEASE);
		}
	}
	sites_unlock();
	return segments[number];
}

/* The places of an address in a segment are @first, and so many behind it. */
static inline struct sample *place(struct sample *segment, unsigned number, uint64_t address, unsigned at)
{
	uint64_t hash = (address >> 3) * 0x9e3779b97f4a7c15ULL >> 32;

	return &segment[(hash + at) & (segment_places(number) - 1)];
}

static bool remember(uint64_t address, uint64_t what)
{
	for (unsigned i = 0; i < SEGMENTS; i++) {
		struct sample *segment = __atomic_load_n(&segments[i], __ATOMIC_ACQUIRE);

		if (!segment && !(segment = add_segment(i)))
			return false;
		for (unsigned at = 0; at < WINDOW; at++) {
			struct sample *sample = place(segment, i, address, at);
			uint64_t none = 0;

			if (__atomic_load_n(&sample->address, __ATOMIC_RELAXED) ||
			    !__atomic_compare_exchange_n(&sample->address, &none, CLAIMED, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
				continue;
			sample->what = what;
			__atomic_store_n(&sample->address, address, __ATOMIC_RELEASE);
			return true;
		}
	}
	return false;
}

static struct sample *recall(uint64_t address)
{
	for (unsigned i = 0; i < SEGMENTS; i++) {
		struct sample *segment = __atomic_load_n(&segments[i], __ATOMIC_ACQUIRE);

		for (unsigned at = 0; segment && at < WINDOW; at++) {
			struct sample *sample = place(segment, i, address, at);

			if (__atomic_load_n(&sample->address, __ATOMIC_ACQUIRE) == address)
				return sample;
		}
	}
	return NULL;
}

static void forget(struct sample *sample)
{
	sample->what = 0;
	__atomic_store_n(&sample->address, 0, __ATOMIC_RELEASE);
}

static void add(uint64_t *count, uint64_t amount)
{
	__atomic_fetch_add(count, amount, __ATOMIC_RELAXED);
}

static void add_signed(int64_t *count, int64_t amount)
{
	__atomic_fetch_add(count, amount, __ATOMIC_RELAXED);
}

/* A sample and what it stands for. */
struct estimate {
	struct capture_site *site;
	struct capture_site_samples *samples;
	struct sampling_share share;
	int64_t usable;
	int64_t requested;
};

static struct estimate estimate(const struct block *block, uint64_t what)
{
	uint64_t number = what >> SITE_SHIFT, weight = sampling_weight(what & ((1UL << SITE_SHIFT) - 1), sites->head.sample_bytes);

	if (number >= __atomic_load_n(&sites->head.sites_used, __ATOMIC_ACQUIRE))
		number = 0;
	return (struct estimate){ &sites->sites[number], &sites->samples[number], sampling_share(block->requested, weight, sites->head.sample_bytes),
		(int64_t)sampling_share(block->usable, weight, sites->head.sample_bytes).bytes, (int64_t)block->requested };
}

static void add_live(const struct estimate *e, int64_t times)
{
	const int64_t variance = (int64_t)e->share.variance;

	add_signed(&e->site->usable_live_bytes, times * e->usable);
	add_signed(&e->samples->live_samples, times);
	add_signed(&e->samples->live_bytes, times * e->requested);
	add_signed(&e->samples->live_variance, times * variance);
}

static void add_release(const struct estimate *e)
{
	add(&e->site->frees, e->share.blocks);
	add(&e->site->freed_bytes, e->share.bytes);
	add_live(e, -1);
}

void sites_sample(const struct block *block)
{
	uint64_t what;
	struct block known;
	struct estimate e;
	uint8_t *byte;

	if (!sites_open()) {
		sites_mean = 0;
		return;
	}
	what = (block->requested + 1) | (uint64_t)sites_here() << SITE_SHIFT;
	e = estimate(block, what);
	add(&e.site->allocations, e.share.blocks);
	add(&e.site->requested_bytes, e.share.bytes);
	add(&e.samples->samples, 1);
	add(&e.samples->bytes, block->requested);
	add(&e.samples->variance, e.share.variance);
	add_live(&e, 1);
	byte = blockmap_find(block->address, &known);
	if (byte && remember(block->address, what)) {
		if (known.usable <= 16 || blockmap_mark(byte, &known)) {
			last_sample.address = block->address;
			last_sample.requested = this_thread.counters->requested_bytes;
			return;
		}
		forget(recall(block->address));
	}
	add(&sites->head.samples_dropped, 1);
	add_release(&e);
}

uint64_t sites_sample_take(const struct block *block)
{
	struct sample *sample = recall(block->address);
	uint64_t what = sample ? sample->what : 0;

	if (sample)
		forget(sample);
	return what;
}

void sites_sample_release(const struct block *block, uint64_t taken)
{
	struct estimate e;

	if (!sites_open())
		return;
	e = estimate(block, taken);
	add_release(&e);
	if (last_sample.address == block->address && last_sample.requested == this_thread.counters->requested_bytes) {
		add(&e.site->temporary, e.share.blocks);
		last_sample.address = 0;
	}
}

void sites_sample_return(const struct block *block, uint64_t taken)
{
	struct block known;
	uint8_t *byte = blockmap_find(block->address, &known);

	if (byte && remember(block->address, taken)) {
		if (known.usable > 16)
			blockmap_mark(byte, &known);
	} else if (sites_open()) {
		struct estimate e = estimate(block, taken);

		add(&sites->head.samples_dropped, 1);
		add_release(&e);
	}
}

void sites_sample_amend(const struct block *block, uint64_t requested)
{
	const struct block amended = { block->address, requested, block->usable };
	uint64_t taken = sites_sample_take(block);
	struct estimate old, new;

	if (!taken || !sites_open())
		return;
	old = estimate(block, taken);
	new = estimate(&amended, taken);
	add(&old.site->requested_bytes, new.share.bytes - old.share.bytes);
	add(&old.samples->bytes, requested - block->requested);
	add(&old.samples->variance, new.share.variance - old.share.variance);
	add_live(&old, -1);
	add_live(&new, 1);
	sites_sample_return(&amended, taken);
}

/* Random numbers */

uint64_t sites_draw(struct thread *thread)
{
	if (!sites_mean)
		return INT64_MAX;
	if (!thread->random)
		thread->random = sampling_seed(seed + __atomic_fetch_add(&seeded, 1, __ATOMIC_RELAXED));
	return sampling_gap(sites_mean, sampling_random(&thread->random));
}

static uint64_t seed_of_the_moment(void)
{
	const uint64_t *random = (const uint64_t *)getauxval(AT_RANDOM); /* 16 bytes: getauxval(3) */
	uint64_t moment = sys_now_ns(CLOCK_MONOTONIC) ^ (uint64_t)sys_getpid() << 40;

	return sampling_seed((random ? random[0] ^ random[1] : 0) ^ moment);
}

void sites_sampling_begin(void)
{
	char value[24];

	if (!environment_option("sample-bytes", value, sizeof(value)) || !scan_size(value, SITES_MEAN_LEAST, SITES_MEAN_MOST, &sites_mean))
		sites_mean = MEAN_DEFAULT;
	seed_is_given = environment_option("sample-seed", value, sizeof(value));
	seed = seed_is_given ? sampling_seed(scan_decimal_text(value)) : seed_of_the_moment();
}

void sites_sampling_forks(void)
{
	forks++;
}

/* A child draws other numbers than its parent, and than its siblings. */
void sites_sampling_forked(void)
{
	if (!seed_is_given)
		seed = seed_of_the_moment();
	else
		seed = sampling_seed(seed ^ forks << 32);
	seeded = 0;
	this_thread.random = 0;
}
