/* SPDX-License-Identifier: MIT */
/* The flags of a page are found by its number among all pages of the list. */
#include "run_flags.h"

#include "ranges.h"

#define EACH       0x1111111111111111ULL /* a flag of each of the pages in a word, when multiplied by the flag */
#define PAGE_BITS  4
#define PAGES_WORD 16

bool run_flags_make(struct run_flags *flags, const struct page_runs *runs)
{
	const uint64_t used = *runs->used;
	uint64_t pages = 0, bytes;
	uint64_t *memory;

	if (flags->words)
		return true;
	for (uint64_t i = 0; i < used; i++)
		pages += run_pages(*page_runs_at(runs, i));
	bytes = page_up((used + pages / PAGES_WORD + 1) * sizeof(*memory));
	memory = sys_reserve(bytes);
	if (!memory)
		return false;
	ranges_claim_instrument((uint64_t)memory, (uint64_t)memory + bytes);
	pages = 0;
	for (uint64_t i = 0; i < used; i++) {
		memory[i] = pages;
		pages += run_pages(*page_runs_at(runs, i));
	}
	*flags = (struct run_flags){ memory, memory + used, bytes };
	return true;
}

void run_flags_clear(struct run_flags *flags)
{
	if (!flags->words)
		return;
	ranges_drop((uint64_t)flags->before, (uint64_t)flags->before + flags->bytes);
	sys_unmap(flags->before, flags->bytes);
	*flags = (struct run_flags){ 0 };
}

static void set_numbers(uint64_t *words, uint64_t from, uint64_t to, unsigned which)
{
	while (from < to) {
		uint64_t *word = &words[from / PAGES_WORD], first = from % PAGES_WORD;
		uint64_t pages = min_u64(PAGES_WORD - first, to - from);
		uint64_t some = pages == PAGES_WORD ? EACH : EACH & ((1ULL << PAGE_BITS * pages) - 1);
		uint64_t mask = some << PAGE_BITS * first, left = (*word / RUN_LEFT) & EACH;

		*word |= (mask & ~left) * (which & RUN_WRITTEN) | mask * (which & ~(unsigned)RUN_WRITTEN);
		from += pages;
	}
}

void run_flags_set(struct run_flags *flags, const struct page_runs *runs, uint64_t start, uint64_t end, unsigned which)
{
	for (uint64_t i = page_runs_above(runs, start); i < *runs->used; i++) {
		uint64_t run = *page_runs_at(runs, i), from = max_u64(start, run_start(run));
		uint64_t number = flags->before[i] + (from - run_start(run)) / PAGE_BYTES;

		if (run_start(run) >= end)
			break;
		set_numbers(flags->words, number, number + (min_u64(end, run_end(run)) - from) / PAGE_BYTES, which);
	}
}

static unsigned flags_of(const uint64_t *words, uint64_t number)
{
	return words[number / PAGES_WORD] >> PAGE_BITS * (number % PAGES_WORD) & RUN_FLAGS;
}

/* The number after the last one in a row, below @limit, that has the same flags. */
static uint64_t alike(const uint64_t *words, uint64_t number, uint64_t limit)
{
	unsigned flags = flags_of(words, number);

	while (number < limit && flags_of(words, number) == flags) {
		if (number % PAGES_WORD == 0 && words[number / PAGES_WORD] == EACH * flags)
			number += PAGES_WORD;
		else
			number++;
	}
	return min_u64(number, limit);
}

void run_flags_within(const struct run_flags *flags, const struct page_runs *runs, uint64_t start, uint64_t end,
		      void (*each)(void *context, uint64_t start, uint64_t end, unsigned flags), void *context)
{
	for (uint64_t i = page_runs_above(runs, start); i < *runs->used; i++) {
		uint64_t run = *page_runs_at(runs, i);
		uint64_t at = max_u64(start, run_start(run)), until = min_u64(end, run_end(run));

		if (run_start(run) >= end)
			break;
		if (!flags->words) {
			each(context, at, until, 0);
			continue;
		}
		while (at < until) {
			uint64_t number = flags->before[i] + (at - run_start(run)) / PAGE_BYTES;
			uint64_t next = alike(flags->words, number, number + (until - at) / PAGE_BYTES);

			each(context, at, at + (next - number) * PAGE_BYTES, flags_of(flags->words, number));
			at += (next - number) * PAGE_BYTES;
		}
	}
}

static void find_kept(void *found, uint64_t start, uint64_t end, unsigned flags)
{
	(void)start;
	(void)end;
	*(bool *)found |= !(flags & RUN_LEFT);
}

bool run_flags_any_kept(const struct run_flags *flags, const struct page_runs *runs, uint64_t start, uint64_t end)
{
	bool found = false;

	run_flags_within(flags, runs, start, end, find_kept, &found);
	return found;
}

uint64_t run_flags_count(const struct run_flags *flags, const struct page_runs *runs, unsigned which)
{
	uint64_t used = *runs->used, pages = 0, last;

	if (!flags->words || !used)
		return 0;
	last = flags->before[used - 1] + run_pages(*page_runs_at(runs, used - 1));
	for (uint64_t i = 0; i <= last / PAGES_WORD; i++) {
		uint64_t word = flags->words[i], all = EACH;

		for (unsigned flag = RUN_WRITTEN; flag <= RUN_SETTLED; flag *= 2)
			if (which & flag)
				all &= word / flag;
		pages += (uint64_t)__builtin_popcountll(all & EACH);
	}
	return pages;
}
