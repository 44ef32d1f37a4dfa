/* SPDX-License-Identifier: MIT */
/*
 * What is asked of the kernel, and how much of its memory is held. The calls are libc's, so that a library which stands
 * in front of them sees them. None of them changes errno.
 */
#ifndef PAGEPOOL_OS_H
#define PAGEPOOL_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* Bytes mapped with access, now; changed by the functions below. */
extern uint64_t os_mapped_bytes;

/* Fresh zero pages at a multiple of @alignment (a power of two, at least a page), or NULL. */
void *os_map(size_t bytes, size_t alignment);

/* Fresh zero pages between two guard pages that nobody may touch, or NULL. */
void *os_map_guarded(size_t bytes);

/* False where the kernel refuses, for want of a mapping to split: the pages are returned, the addresses stay. */
bool os_unmap(void *address, size_t bytes);

/* Grows a mapping, moving it when it must and may, or returns NULL and leaves it as it was. */
void *os_grow(void *address, size_t bytes, size_t new_bytes, bool may_move);

/*
 * Moves a mapping over a fresh one of @new_bytes that came from os_map. False where that cannot be: the mapping is as it was,
 * the fresh one is gone, and what others have mapped in its place meanwhile is theirs.
 */
bool os_move(void *address, size_t bytes, void *target, size_t new_bytes);

/* Returns the pages; the addresses stay and read zero. */
bool os_return_pages(void *address, size_t bytes);

void os_ask_huge_pages(void *address, size_t bytes);

/* Whether most pages of a range are backed, judged by some of them. */
bool os_looks_resident(const void *address, size_t bytes);

/* Milliseconds of a clock that costs no system call and ticks every few milliseconds. */
uint64_t os_now_ms(void);

#endif
