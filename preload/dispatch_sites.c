/* SPDX-License-Identifier: MIT */
/*
 * Which sites come often, and patching them. A look at the mappings and four system calls cost as much as some thirty signals, so that is how
 * often a site must have been seen. Code is never writable: it is written through /proc/self/mem, which goes past protections and leaves a
 * private copy of the page (mm/gup.c, FOLL_FORCE), and trampolines are mapped without write access to begin with.
 */
#include "dispatch.h"

#include <string.h>

#include "instrument.h"
#include "ranges.h"
#include "rewrite.h"
#include "smaps.h"

#define OFTEN       32
#define SITES       1024                /* a power of two */
#define RANGES_MOST 1024
#define PAGES_MOST  512

/* Mapped when calls are caught, for locked memory counts what is mapped (mlockall(2)). */
static struct state {
	struct {
		uint64_t address;       /* 0: free; never freed */
		uint32_t hits;
		uint32_t number;        /* of the first call */
	} sites[SITES];
	struct rewrite_room room;       /* from here on, under the lock */
	struct address_range mapped[RANGES_MOST];
	uint64_t pages[PAGES_MOST];     /* that patching mapped: trampolines, copies of code */
	uint64_t pages_used;
	uint64_t pages_claimed;         /* of these; by whoever takes a ledger */
} *state;

static uint32_t lock;
static uint64_t lowest_site = UINT64_MAX, highest_site; /* of the room */

struct look {
	struct rewrite_space space;
	struct rewrite_site site;
	bool complete;
};

static void note_mapping(struct look *look, const struct mapping *m)
{
	uint64_t address = look->site.address, *used = &look->space.ranges;

	if (address >= m->start && address < m->end) {
		look->site.code = (const uint8_t *)address;
		look->site.before = (uint32_t)min_u64(address - m->start, 4096);
		look->site.after = (uint32_t)min_u64(m->end - address, 4096);
		look->site.facts = (m->name[0] == '/' ? SITE_FILE : 0) | (m->protection & PROT_WRITE ? SITE_WRITABLE : 0) |
				   (m->protection & CAPTURE_SHARED ? SITE_SHARED : 0);
	}
	if (*used && state->mapped[*used - 1].end == m->start) {
		state->mapped[*used - 1].end = m->end;
		return;
	}
	if (*used == RANGES_MOST)
		return;
	state->mapped[*used] = (struct address_range){ m->start, m->end };
	++*used;
}

static bool look_around(struct look *look)
{
	static struct smaps smaps;
	static struct mapping mapping;
	uint64_t now = (uint64_t)sys_call1(SYS_brk, 0), stack = 0;
	int fd = proc_open(0, "maps");

	if (fd < 0)
		return false;
	look->space = (struct rewrite_space){ .mapped = state->mapped };
	smaps_begin(&smaps, fd, false);
	while (smaps_next(&smaps, &mapping)) {
		note_mapping(look, &mapping);
		if (!strcmp(mapping.name, "[stack]"))
			stack = mapping.end;
	}
	sys_close(fd);
	look->space.break_zone = room_break_zone(capture->anatomy.start_brk, now);
	look->space.stack_zone = room_stack_zone(stack, capture->anatomy.thread_stack_bytes);
	return look->space.ranges < RANGES_MOST && look->site.code;
}

/*
 * Does a mov of the call's number stand before it? Its bytes say so, and so do the calls: each of them came with that number, which an instruction
 * that only ends alike (mov $n, %r8d; mov n(%r8), %edi) would not have put there. None but nonsense could jump into it: its last two bytes are 0.
 */
static bool follows_mov(const struct rewrite_site *site, uint32_t number)
{
	uint32_t there;

	if (site->before < 6 || site->code[-5] != 0xb8 || (site->code[-6] & 0xf1) == 0x41)
		return false; /* 0x41 … 0x4f, odd: a prefix that makes it another register */
	memcpy(&there, site->code - 4, sizeof(there));
	return there == number && number < CAPTURE_NUMBERS;
}

/*
 * No lock but our own may be waited for in here: whoever makes a call may hold a lock of libc's, and a fork takes those while it holds the lock of
 * the ranges. So what is mapped is noted, and claimed later.
 */
static void note_page(uint64_t page)
{
	state->pages[state->pages_used] = page;
	__atomic_store_n(&state->pages_used, state->pages_used + 1, __ATOMIC_RELEASE);
}

static bool is_ours(uint64_t page)
{
	for (uint64_t i = 0; i < state->pages_used; i++)
		if (state->pages[i] == page)
			return true;
	return false;
}

void dispatch_claim(void)
{
	uint64_t used;

	if (!state)
		return;
	used = __atomic_load_n(&state->pages_used, __ATOMIC_ACQUIRE);
	for (uint64_t i = __atomic_exchange_n(&state->pages_claimed, used, __ATOMIC_RELAXED); i < used; i++)
		ranges_claim_instrument(state->pages[i], state->pages[i] + PAGE_BYTES);
}

static bool map_pages(const struct trampoline *t)
{
	for (uint64_t page = page_down(t->start); page < t->start + t->bytes; page += PAGE_BYTES) {
		long got;

		if (room_has_page(&state->room, page))
			continue;
		got = sys_call6(SYS_mmap, (long)page, PAGE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (sys_failed(got))
			return false;
		if ((uint64_t)got != page) { /* a kernel before 4.17 takes the flag for a wish */
			sys_unmap((void *)got, PAGE_BYTES);
			return false;
		}
		note_page(page);
	}
	return true;
}

static bool write_code(int memory, uint64_t address, const uint8_t *code, uint32_t bytes)
{
	return sys_pwrite(memory, code, bytes, address) == (long)bytes;
}

/* Several bytes are not written at once, so they are written where nobody executes them: in a copy of the page, which takes its place. */
static bool replace_page(const struct rewrite_write *write)
{
	uint64_t page = page_down(write->address);
	char *copy = sys_reserve(PAGE_BYTES);
	long moved;

	if (!copy)
		return false;
	memcpy(copy, (const void *)page, PAGE_BYTES);
	memcpy(copy + write->address % PAGE_BYTES, write->code, write->bytes);
	if (!sys_failed(sys_call3(SYS_mprotect, copy, PAGE_BYTES, PROT_READ | PROT_EXEC))) {
		moved = sys_call5(SYS_mremap, copy, PAGE_BYTES, PAGE_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, page);
		if (!sys_failed(moved)) {
			if (!is_ours(page))
				note_page(page);
			return true;
		}
	}
	sys_unmap(copy, PAGE_BYTES);
	return false;
}

static bool write_one(int memory, const struct rewrite_write *write)
{
	return !write->bytes || (write->bytes == 1 ? write_code(memory, write->address, write->code, 1) : replace_page(write));
}

static bool carry_out(const struct rewrite_plan *plan, int memory)
{
	uint8_t code[TRAMPOLINE_BYTES_MOST];
	uint32_t bytes = rewrite_trampoline(plan, (uint64_t)rewrite_enter, code);

	if (!map_pages(&plan->trampoline) || !write_code(memory, plan->trampoline.start, code, bytes))
		return false;
	room_enter(&state->room, plan->trampoline);
	lowest_site = min_u64(lowest_site, plan->trampoline.site);
	highest_site = max_u64(highest_site, plan->trampoline.site);
	return write_one(memory, &plan->first) && write_one(memory, &plan->last);
}

static bool patch(uint64_t address, uint32_t number)
{
	struct look look = { .site.address = address };
	int8_t hops[DISPATCH_HOPS];
	uint32_t wanted = (1u << TRAMPOLINE_FORMS) - 1;
	struct rewrite_plan plan;
	int memory;
	bool done;

	if (!look_around(&look) || state->pages_used + 4 > PAGES_MOST)
		return false;
	look.site.hops = hops;
	look.site.hop_count = dispatch_padding(&look.site, hops);
	if (is_ours(page_down(address))) /* a copy of a page of a file */
		look.site.facts |= SITE_FILE;
	if (number && follows_mov(&look.site, number))
		look.site.facts |= SITE_PROVEN;
	memory = sys_open("/proc/self/mem", O_RDWR, 0);
	if (memory < 0)
		return false;
	do { /* a place may have been taken meanwhile: then the other forms */
		plan = rewrite_plan(&look.site, &look.space, &state->room, wanted);
		done = !rewrite_refused(&plan) && carry_out(&plan, memory);
		wanted &= ~(1u << plan.trampoline.form);
	} while (!done && !rewrite_refused(&plan));
	sys_close(memory);
	return done;
}

static void consider(uint64_t address, uint32_t number, uint32_t *hits)
{
	uint64_t mask;

	if (sandbox_active || !instrument_is_own_process()) /* a vfork child's site is its parent's as well, and will come again there */
		return;
	mask = sys_block_signals();
	if (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(hits, 0, __ATOMIC_RELAXED); /* another time */
	} else {
		/* A trampoline's own call is one that the hub would not make: there is nothing more to be had. */
		if (!room_has_page(&state->room, page_down(address)))
			__atomic_fetch_add(patch(address, number) ? &capture->patched_sites : &capture->refused_sites, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	}
	sys_restore_signals(mask);
}

void dispatch_site_seen(uint64_t address, uint32_t number)
{
	uint64_t at = address * 0x9e3779b97f4a7c15ULL >> 54;

	for (unsigned tries = 0; tries < 16; tries++, at = (at + 1) % SITES) {
		uint64_t there = __atomic_load_n(&state->sites[at].address, __ATOMIC_RELAXED);

		if (!there && __atomic_compare_exchange_n(&state->sites[at].address, &there, address, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			state->sites[at].number = number, there = address;
		if (there != address)
			continue;
		if (state->sites[at].number != number)
			state->sites[at].number = 0; /* of several */
		if (__atomic_add_fetch(&state->sites[at].hits, 1, __ATOMIC_RELAXED) == OFTEN)
			consider(address, state->sites[at].number, &state->sites[at].hits);
		return;
	}
}

void dispatch_unmapped(uint64_t start, uint64_t end)
{
	uint32_t tries = 0;
	uint64_t mask;

	if (start > __atomic_load_n(&highest_site, __ATOMIC_RELAXED) || end <= __atomic_load_n(&lowest_site, __ATOMIC_RELAXED))
		return;
	mask = sys_block_signals();
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		sys_wait(&tries);
	room_forget(&state->room, start, end);
	for (unsigned i = 0; i < SITES; i++)
		if (state->sites[i].address >= start && state->sites[i].address < end)
			state->sites[i].hits = 0;
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	sys_restore_signals(mask);
}

void dispatch_forked(void)
{
	lock = 0;
}

bool dispatch_sites_begin(void)
{
	state = sys_reserve(sizeof(*state));
	if (!state)
		return false;
	ranges_claim_instrument((uint64_t)state, (uint64_t)state + page_up(sizeof(*state)));
	rewrite_hub = dispatch_hub;
	return true;
}
