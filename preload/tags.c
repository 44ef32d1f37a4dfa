/* SPDX-License-Identifier: MIT */
/*
 * Names for what a thread does at the moment: the public header's other end, and the numbers that sites know them by. A name becomes a number
 * when a stack is taken under it for the first time, so that a program of which none are taken pays two stores.
 */
#include <string.h>

#include "instrument.h"
#include "pagegap.h"
#include "sites.h"

#define TAG_DEPTH 16                    /* names that a thread may have one inside the other; of more, the last of these counts */
#define INDEX     (2 * SITES_TAGS)
#define NO_PLACE  UINT16_MAX

/* A handler may push and pop at any moment: slots from `depth` on have no name, and one below has none while it is being filled. */
static __thread struct {
	uint32_t depth;
	uint16_t number[TAG_DEPTH];     /* 0: not known yet */
	const char *name[TAG_DEPTH];
} now __attribute__((tls_model("initial-exec")));

static uint16_t by_hash[INDEX];         /* 0: none */

EXPORT void pagegap_tag_push_now(const char *name)
{
	uint32_t at = now.depth;

	now.depth = at + 1;
	if (at >= TAG_DEPTH)
		return;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	now.number[at] = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	now.name[at] = name ? name : "";
}

EXPORT void pagegap_tag_pop_now(void)
{
	uint32_t at = now.depth - 1;

	if (!now.depth)
		return;
	if (at < TAG_DEPTH)
		now.name[at] = NULL;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	now.depth = at;
}

/* What is kept of a name, NUL-terminated. */
static uint32_t copy_name(char kept[SITES_TAG_BYTES], const char *name)
{
	uint32_t hash = 2166136261U; /* FNV-1a */
	size_t i;

	for (i = 0; i < SITES_TAG_BYTES - 1 && name[i]; i++)
		hash = (hash ^ (unsigned char)(kept[i] = name[i])) * 16777619U;
	memset(kept + i, 0, SITES_TAG_BYTES - i);
	return hash;
}

/* The place of a name in the index, or the free one where it belongs. There are twice as many places as names. */
static uint16_t *find(const char *kept, uint32_t hash)
{
	for (uint32_t at = hash % INDEX;; at = (at + 1) % INDEX) {
		uint16_t there = __atomic_load_n(&by_hash[at], __ATOMIC_ACQUIRE);

		if (!there || !memcmp(sites->tags[there], kept, SITES_TAG_BYTES))
			return &by_hash[at];
	}
}

static COLD uint16_t add(const char *kept, uint32_t hash)
{
	uint16_t *place, number;

	sites_lock();
	place = find(kept, hash);
	number = *place;
	if (!number && sites->head.tags_used + 1 < SITES_TAGS) {
		number = (uint16_t)(sites->head.tags_used + 1);
		memcpy(sites->tags[number], kept, SITES_TAG_BYTES);
		__atomic_store_n(&sites->head.tags_used, number, __ATOMIC_RELEASE);
		__atomic_store_n(place, number, __ATOMIC_RELEASE);
	} else if (!number) {
		sites->head.tags_dropped++;
	}
	sites_unlock();
	return number ? number : NO_PLACE;
}

static uint16_t number_of(const char *name)
{
	char kept[SITES_TAG_BYTES];
	uint32_t hash = copy_name(kept, name);
	uint16_t number = __atomic_load_n(find(kept, hash), __ATOMIC_ACQUIRE);

	return number ? number : add(kept, hash);
}

uint32_t tags_now(void)
{
	uint32_t at = now.depth < TAG_DEPTH ? now.depth : TAG_DEPTH;

	while (at--) {
		const char *name = now.name[at];
		uint16_t number = now.number[at];

		if (!name)
			continue;
		if (unlikely(!number))
			number = now.number[at] = number_of(name);
		return number == NO_PLACE ? 0 : number;
	}
	return 0;
}
