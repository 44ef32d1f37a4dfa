/* SPDX-License-Identifier: MIT */
/*
 * From a stack to the number of its site, and from a block to that number. Sites are found by the hash of their frames in an index that
 * all threads read; a new one is entered under a lock. That two of a program's stacks have the same 64 bits is left out of account.
 */
#include "sites.h"

#include <errno.h>
#include <stddef.h>

#include "environment.h"
#include "heap.h"
#include "ranges.h"
#include "signals.h"
#include "text.h"
#include "unwind.h"

#define INDEX      (1U << 16)           /* twice SITES_MOST */
#define SMALL      256
#define DEPTH      64                   /* of stacks, where nobody asked for another */
#define RULES_BITS 14                   /* 256 KiB of rules to walk by; a tenth of that does where few stacks are taken */

/* Samples come from few sites, and a process that is hardly worth one should not pay for tables. */
#define SAMPLED_SITES      4096
#define SAMPLED_FRAMES     (1U << 17)
#define SAMPLED_INDEX      (2 * SAMPLED_SITES)
#define SAMPLED_RULES_BITS 12

extern const char __ehdr_start[] HIDDEN, etext[] HIDDEN; /* of this library: ld(1) */

struct capture_sites *sites;
bool sites_each;
uint32_t sites_most = SITES_MOST, sites_frames_most = SITES_FRAMES;

/* Mapped when sites are wanted, as the rules of unwind.c are. */
static struct tables {
	uint16_t by_hash[INDEX];        /* 0: none */
	uint16_t small_sites[SMALL];    /* from 1 on */
	uint8_t  small_of[SITES_MOST];  /* where in these; 0: nowhere */
	uint8_t *leaves[LEAVES_MAX];    /* by the block map's index */
} *tables;
static uint32_t index_used = INDEX;     /* of by_hash */
static uint32_t small_used;
static uint32_t lock;
static uint32_t depth;

static __thread uint64_t last_block __attribute__((tls_model("initial-exec"))); /* that this thread has allocated */

/*
 * Whose fork has been announced: it has the lock, and stands above what was live. A handler of the program's that stands before this library's
 * may still ask for blocks (pthread_atfork(3)). Another thread may fork meanwhile without a word: to its child this is not its own.
 */
static const struct thread *announced;

void sites_lock(void)
{
	uint32_t tries = 0;

	signals_block();
	while (announced != &this_thread && __atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		sys_wait(&tries);
}

void sites_unlock(void)
{
	if (announced != &this_thread)
		__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	signals_restore();
}

static inline uint64_t key_of(const uint64_t *frames, unsigned used, uint32_t tag)
{
	uint64_t key = used + ((uint64_t)tag << 32);

	for (unsigned i = 0; i < used; i++) {
		key = (key ^ frames[i]) * 0x9e3779b97f4a7c15ULL;
		key ^= key >> 29;
		if (unlikely(sites_any_gone))
			key += sites_times_gone(frames[i]);
	}
	return key * 0xbf58476d1ce4e5b9ULL | 1;
}

/* The place in the index of a key, or the free one where it belongs; NULL: neither. */
static inline uint16_t *find(uint64_t key)
{
	uint32_t at = (uint32_t)(key >> 48) % index_used;

	for (unsigned tries = 0; tries < 256; tries++, at = (at + 1) % index_used) {
		uint16_t there = __atomic_load_n(&tables->by_hash[at], __ATOMIC_ACQUIRE);

		if (!there || sites->sites[there].key == key)
			return &tables->by_hash[at];
	}
	return NULL;
}

/* Under the lock. 0: no room. */
static uint16_t enter(uint64_t key, const uint64_t *frames, unsigned used, enum unwind_end end, uint32_t tag)
{
	uint32_t number = sites->head.sites_used, at = sites->head.frames_used;
	struct capture_site *site = &sites->sites[number];

	if (number == sites_most || used > sites_frames_most - at || !sites_back(site, site + 1) ||
	    (!sites_each && !sites_back(&sites->samples[number], &sites->samples[number + 1])) || !sites_back(&sites->frames[at], &sites->frames[at + used])) {
		sites->head.sites_dropped++;
		return 0;
	}
	for (unsigned i = 0; i < used; i++) {
		sites->frames[at + i] = frames[i];
		sites_note_module(frames[i]);
	}
	site->key = key;
	site->frames_at = at;
	site->depth = (uint16_t)used;
	site->end = (uint8_t)end;
	site->kind = SITE_HEAP;
	site->tag = tag;
	site->modules_at = sites->head.modules_used;
	sites->head.frames_used = at + used;
	__atomic_store_n(&sites->head.sites_used, number + 1, __ATOMIC_RELEASE);
	return (uint16_t)number;
}

static COLD uint16_t add(uint64_t key, const uint64_t *frames, unsigned used, enum unwind_end end, uint32_t tag)
{
	uint16_t *place, number = 0;

	sites_lock();
	place = find(key);
	if (place && *place)
		number = *place;
	else if (place && (number = enter(key, frames, used, end, tag)))
		__atomic_store_n(place, number, __ATOMIC_RELEASE);
	sites_unlock();
	return number;
}

static inline uint16_t site_of_stack(uint64_t *frames)
{
	uint64_t key;
	uint32_t tag;
	enum unwind_end end;
	unsigned used = unwind(frames, depth, &end);
	const uint16_t *place;

	if (!used)
		return 0;
	tag = tags_now();
	key = key_of(frames, used, tag);
	place = find(key);
	return likely(place && *place) ? *place : add(key, frames, used, end, tag);
}

static __attribute__((noinline)) uint16_t deep_here(void)
{
	uint64_t frames[SITES_DEPTH_MOST];

	return site_of_stack(frames);
}

/* A handler's stack may have no more than 2 KiB (sigaltstack(2), MINSIGSTKSZ). */
uint16_t sites_here(void)
{
	uint64_t frames[DEPTH];

	return unlikely(depth > DEPTH) ? deep_here() : site_of_stack(frames);
}

/* Where a block's site is written; NULL: no memory for a leaf. */
static uint8_t *place_of(uint64_t address)
{
	uint16_t index = __atomic_load_n(&blockmap.root[address >> LEAF_SHIFT], __ATOMIC_ACQUIRE);
	uint8_t *leaf = __atomic_load_n(&tables->leaves[index], __ATOMIC_ACQUIRE);

	return likely(leaf) ? leaf + blockmap_granule(address) : NULL;
}

static COLD uint8_t *make_place(uint64_t address)
{
	uint16_t index = __atomic_load_n(&blockmap.root[address >> LEAF_SHIFT], __ATOMIC_ACQUIRE);

	sites_lock();
	if (index && !tables->leaves[index]) {
		uint8_t *leaf = sys_reserve(LEAF_BYTES);

		if (leaf) {
			sys_call3(SYS_madvise, leaf, LEAF_BYTES, MADV_DONTDUMP);
			ranges_claim_instrument((uint64_t)leaf, (uint64_t)leaf + LEAF_BYTES);
			__atomic_store_n(&tables->leaves[index], leaf, __ATOMIC_RELEASE);
		}
	}
	sites_unlock();
	return place_of(address);
}

/* A byte for a site; 0: all are taken. */
static COLD uint8_t make_small(uint16_t number)
{
	sites_lock();
	if (!tables->small_of[number] && small_used < SMALL - 1) {
		tables->small_sites[++small_used] = number;
		__atomic_store_n(&tables->small_of[number], (uint8_t)small_used, __ATOMIC_RELEASE);
	}
	sites_unlock();
	return tables->small_of[number];
}

/* Remembers the site of a block; returns the one that is remembered. */
static uint16_t put(const struct block *block, uint16_t number)
{
	uint8_t *place = place_of(block->address), byte;

	if (unlikely(!place) && (!number || !(place = make_place(block->address))))
		return 0;
	if (likely(block->usable > 16)) {
		blockmap_store16(place, number);
		return number;
	}
	if (block->usable <= 8) /* two share a granule */
		return 0;
	byte = number ? __atomic_load_n(&tables->small_of[number], __ATOMIC_ACQUIRE) : 0;
	if (number && !byte)
		byte = make_small(number);
	*place = byte;
	return byte ? number : 0;
}

uint32_t sites_of(const struct block *block)
{
	const uint8_t *place = place_of(block->address);
	uint16_t number;

	if (!place || block->usable <= 8)
		return 0;
	number = likely(block->usable > 16) ? blockmap_load16(place) : tables->small_sites[*place];
	return number < __atomic_load_n(&sites->head.sites_used, __ATOMIC_RELAXED) ? number : 0;
}

static void add_to(uint64_t *count, uint64_t amount)
{
	__atomic_fetch_add(count, amount, __ATOMIC_RELAXED);
}

void sites_note(const struct block *block)
{
	struct capture_site *site = &sites->sites[put(block, sites_here())];

	add_to(&site->allocations, 1);
	add_to(&site->requested_bytes, block->requested);
	__atomic_fetch_add(&site->usable_live_bytes, (int64_t)block->usable, __ATOMIC_RELAXED);
	last_block = block->address;
}

/* As if it had been freed already: the block map does not know it, nor will it its release. */
void sites_note_untracked(uint64_t requested)
{
	add_to(&sites->sites[0].allocations, 1);
	add_to(&sites->sites[0].requested_bytes, requested);
	add_to(&sites->sites[0].frees, 1);
	add_to(&sites->sites[0].freed_bytes, requested);
}

void sites_release(uint32_t number, const struct block *block)
{
	struct capture_site *site = &sites->sites[number];

	add_to(&site->frees, 1);
	add_to(&site->freed_bytes, block->requested);
	__atomic_fetch_sub(&site->usable_live_bytes, (int64_t)block->usable, __ATOMIC_RELAXED);
	if (last_block == block->address) {
		add_to(&site->temporary, 1);
		last_block = 0;
	}
}

void sites_amend(const struct block *block, uint64_t requested)
{
	add_to(&sites->sites[sites_of(block)].requested_bytes, requested - block->requested);
}

/* Forks */

struct inheritance {
	uint64_t blocks, bytes, usable;
	int64_t  samples, sampled_bytes, variance;
};
static struct inheritance *inheritance; /* of each site */

/* Where blocks are sampled, a child has no table before it needs one: until then, its parent's, and how much of that there was at the fork. */
static const struct capture_sites *parents;
static struct { uint32_t sites, frames, modules, tags; bool known; } at_fork;

/* What one side has of another, unless that is not known. */
static uint64_t live(uint64_t inherited_part, uint64_t come, uint64_t gone)
{
	return inherited_part == CAPTURE_UNKNOWN ? CAPTURE_UNKNOWN : inherited_part + come - gone;
}

static void note_live(const struct capture_sites *table)
{
	if (!inheritance) {
		inheritance = sys_reserve(sites_most * sizeof(*inheritance));
		if (inheritance)
			ranges_claim_instrument((uint64_t)inheritance, (uint64_t)inheritance + sites_most * sizeof(*inheritance));
	}
	for (uint32_t i = 0; inheritance && i < table->head.sites_used; i++) {
		const struct capture_site *s = &table->sites[i];

		inheritance[i] = (struct inheritance){
			live(s->inherited_blocks, s->allocations, s->frees),
			live(s->inherited_bytes, s->requested_bytes, s->freed_bytes),
			live(s->inherited_usable_bytes, (uint64_t)s->usable_live_bytes, 0),
			.samples = sites_each ? 0 : table->samples[i].live_samples,
			.sampled_bytes = sites_each ? 0 : table->samples[i].live_bytes,
			.variance = sites_each ? 0 : table->samples[i].live_variance,
		};
	}
}

static void note_size(const struct capture_sites *table, bool known)
{
	at_fork.sites = table->head.sites_used;
	at_fork.frames = table->head.frames_used;
	at_fork.modules = table->head.modules_used;
	at_fork.tags = table->head.tags_used;
	at_fork.known = known;
}

void sites_prepare_fork(void)
{
	if (!sites && !sites_mean)
		return;
	sites_lock();
	announced = &this_thread;
	sites_sampling_forks();
	if (!sites)
		return;
	note_live(sites);
	note_size(sites, true);
}

void sites_fork_done(void)
{
	if (announced != &this_thread)
		return;
	announced = NULL;
	sites_unlock();
}

/* The child's own table has the parent's sites under the parent's numbers, which its blocks carry. */
static bool inherit(const struct capture_sites *from, struct capture_sites *to)
{
	uint32_t used = at_fork.sites, frames = at_fork.frames, modules = at_fork.modules;

	if (!sites_back(to->modules, to->modules + modules) || !sites_back(to->sites, to->sites + used) ||
	    (!sites_each && !sites_back(to->samples, to->samples + used)) || !sites_back(to->frames, to->frames + frames))
		return false;
	memcpy(to->modules, from->modules, modules * sizeof(to->modules[0]));
	memcpy(to->frames, from->frames, frames * sizeof(to->frames[0]));
	for (uint32_t i = 0; i < used; i++) {
		const struct capture_site *old = &from->sites[i];
		struct capture_site *new = &to->sites[i];

		*new = (struct capture_site){ .frames_at = old->frames_at, .depth = old->depth, .end = old->end, .kind = old->kind, .key = old->key,
			.modules_at = old->modules_at, .tag = old->tag };
		new->inherited_blocks = new->inherited_bytes = new->inherited_usable_bytes = CAPTURE_UNKNOWN;
		if (!at_fork.known || !inheritance)
			continue;
		new->inherited_blocks = inheritance[i].blocks;
		new->inherited_bytes = inheritance[i].bytes;
		new->inherited_usable_bytes = inheritance[i].usable;
		if (!sites_each)
			to->samples[i] = (struct capture_site_samples){ .live_samples = inheritance[i].samples, .live_bytes = inheritance[i].sampled_bytes,
				.live_variance = inheritance[i].variance };
	}
	memcpy(to->tags, from->tags, (at_fork.tags + 1) * sizeof(to->tags[0]));
	to->head.tags_used = at_fork.tags;
	to->head.modules_used = modules;
	to->head.frames_used = frames;
	to->head.depth_most = depth;
	to->head.sites_used = used;
	return true;
}

void sites_forked(void)
{
	const struct capture_sites *old = sites ? sites : parents;

	if (announced != &this_thread) {
		announced = NULL;
		lock = 0;
	}
	if (sites_mean)
		sites_sampling_forked();
	if (!old)
		return;
	if (!announced && sites)
		note_size(sites, false);
	sites = NULL;
	if (sites_mean && at_fork.sites) {
		parents = old;
		return;
	}
	sites = instrument_state == INSTRUMENT_ON && sites_each ? sites_map() : NULL;
	if (sites && !inherit(old, sites))
		sites = NULL;
	sites_each = sites != NULL;
	sites_unmap(old);
	sites_pages_begin();
}

static uint32_t wanted_depth(void)
{
	char value[16];
	uint64_t wanted = environment_option("depth", value, sizeof(value)) ? scan_decimal_text(value) : DEPTH;

	return wanted < 1 ? 1 : wanted > SITES_DEPTH_MOST ? SITES_DEPTH_MOST : (uint32_t)wanted;
}

/* What walks and sites need of memory, but for the table. */
static bool make_tables(void)
{
	struct tables *new = tables ? tables : sys_reserve(sizeof(*tables));

	if (!new || (!tables && !unwind_begin(__ehdr_start, etext, sites_each ? RULES_BITS : SAMPLED_RULES_BITS))) {
		instrument_note(NOTE_NO_SITES, ENOMEM);
		return false;
	}
	if (!tables)
		ranges_claim_instrument((uint64_t)new, (uint64_t)(new + 1));
	tables = new;
	return true;
}

/* The table that begins with this image, or goes on from its parent's. */
static struct capture_sites *begin_table(void)
{
	struct capture_sites *table = sites_map();
	bool good;

	if (!table)
		return NULL;
	table->head.depth_most = depth;
	table->head.sample_bytes = sites_mean;
	if (parents)
		good = inherit(parents, table);
	else
		good = sites_back(table->sites, table->sites + 1) && (sites_each || sites_back(table->samples, table->samples + 1));
	if (!good)
		return NULL;
	if (!parents)
		table->head.sites_used = 1; /* the others */
	if (parents)
		sites_unmap(parents);
	parents = NULL;
	return table;
}

bool sites_open(void)
{
	static bool failed;

	if (likely(__atomic_load_n(&sites, __ATOMIC_ACQUIRE)))
		return true;
	sites_lock();
	if (!sites && !failed && sites_mean) {
		struct capture_sites *table = make_tables() ? begin_table() : NULL;

		failed = !table;
		__atomic_store_n(&sites, table, __ATOMIC_RELEASE);
	}
	sites_unlock();
	return sites;
}

void sites_before_lock(void)
{
	if (!__atomic_load_n(&sites, __ATOMIC_ACQUIRE))
		sites_mean = 0;
}

bool sites_have(void)
{
	return sites || (parents && sites_open());
}

void sites_begin(void)
{
	char how[16];

	if (!environment_option("stacks", how, sizeof(how)))
		return;
	sites_each = !strcmp(how, "all");
	if (!sites_each && strcmp(how, "sampled"))
		return;
	depth = wanted_depth();
	if (sites_each) {
		sites = make_tables() ? begin_table() : NULL;
		sites_each = sites != NULL;
		sites_pages_begin();
		return;
	}
	sites_most = SAMPLED_SITES;
	sites_frames_most = SAMPLED_FRAMES;
	index_used = SAMPLED_INDEX;
	sites_sampling_begin();
}
