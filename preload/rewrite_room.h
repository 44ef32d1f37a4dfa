/* SPDX-License-Identifier: MIT */
/*
 * Where trampolines are, and where one more may be. A trampoline stays where it was put as long as its site exists, for a thread may
 * be in it at any time. There is no list of pages: a page is a page of trampolines when one of them lies on it.
 *
 * Nothing here maps, allocates or locks; the caller holds a lock around a plan and its entering.
 */
#ifndef PAGEGAP_REWRITE_ROOM_H
#define PAGEGAP_REWRITE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "rewrite_refusals.h"

#define ROOM_MOST  1024                 /* trampolines; libc has 500 sites, and few programs use a hundred of them */
#define ROOM_PAGE  4096ULL
#define ROOM_REACH 0x7ffff000ULL        /* of a jump's 32 bits, less what the length of a trampoline may take */
#define USER_START 0x10000ULL           /* vm.mmap_min_addr */
#define USER_END   0x7ffffffff000ULL    /* TASK_SIZE_MAX with four levels of page tables, whatever the processor has */

struct address_range { uint64_t start, end; }; /* end excluded */

/* What is known of the address space. */
struct rewrite_space {
	const struct address_range *mapped;     /* page-aligned, ascending, disjoint */
	uint64_t ranges;
	struct address_range break_zone, stack_zone; /* where these may still grow; page-aligned; they may be mapped in part */
};

enum trampoline_form { TRAMPOLINE_ONE_BYTE, TRAMPOLINE_MOV, TRAMPOLINE_HOP, TRAMPOLINE_FORMS }; /* rewrite.h */

struct trampoline {
	uint64_t start, site;                   /* of it, and of the `syscall` instruction that it replaces */
	uint32_t bytes;
	uint16_t form;                          /* enum trampoline_form */
	int16_t  hop;                           /* from behind the site to the bytes that lead here; hop form alone */
};

struct rewrite_room {
	uint64_t used;
	struct trampoline trampolines[ROOM_MOST]; /* ascending by start, disjoint */
};

/* The break moves upwards from where it is. Large heaps live there, and malloc copes badly with a break that cannot move. */
static inline struct address_range room_break_zone(uint64_t break_start, uint64_t break_now)
{
	return (struct address_range){ break_start & ~(ROOM_PAGE - 1), ((break_now + ROOM_PAGE - 1) & ~(ROOM_PAGE - 1)) + (16ULL << 30) };
}

/*
 * The main stack grows downwards to its limit (setrlimit(2), RLIMIT_STACK), and a gap of 256 pages is kept free below it. The kernel
 * itself leaves 128 MiB at least for both (mmap_base in arch/x86/mm/mmap.c).
 */
static inline struct address_range room_stack_zone(uint64_t stack_top, uint64_t limit)
{
	uint64_t most = (limit > 16ULL << 30 ? 16ULL << 30 : limit) + 256 * ROOM_PAGE;

	return (struct address_range){ (stack_top - (most < 128ULL << 20 ? 128ULL << 20 : most)) & ~(ROOM_PAGE - 1),
				       (stack_top + ROOM_PAGE - 1) & ~(ROOM_PAGE - 1) };
}

/* Does a trampoline lie on this page? */
bool room_has_page(const struct rewrite_room *room, uint64_t page);

/* May a trampoline of so many bytes be there? */
enum rewrite_refusal room_refuses(const struct rewrite_room *room, const struct rewrite_space *space, uint64_t start, uint64_t bytes);

/* A place within reach of a site: behind another trampoline, or the nearest page that is free. 0: there is none. */
uint64_t room_near(const struct rewrite_room *room, const struct rewrite_space *space, uint64_t site, uint64_t bytes);

/* Enters one that room_refuses accepted. */
void room_enter(struct rewrite_room *room, struct trampoline trampoline);

/* Forgets trampolines whose sites are gone, as those of a library that was unmapped. */
void room_forget(struct rewrite_room *room, uint64_t start, uint64_t end);

#endif
