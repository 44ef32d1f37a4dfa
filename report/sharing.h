/* SPDX-License-Identifier: MIT */
/*
 * In which order the processes of a family wrote the pages that their forks shared: whether a write copied a page,
 * because somebody else still had it, or took it over in place, because nobody had any more. Told by the sampled first
 * writes, the forks and the ends of processes, in the order in which they happened.
 *
 * Nothing is kept for a page that nobody writes. Of each process only what has become different since its birth is
 * known: a page that it wrote, or let go, is its own since then. Who shares a page is searched from the process whose
 * copy it is downwards, and the first one found will do. A process that has ended is kept only while descendants of it
 * must be told apart, and the last one of a family begins anew.
 */
#ifndef PAGEGAP_SHARING_H
#define PAGEGAP_SHARING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../preload/capture.h"

struct sharing;         /* all families */
struct sharer;          /* an image, from its birth by fork or from its first fork on */

/* What the parent's side of one fork did. Held by whoever may still count in it. */
struct sharing_fork {
	uint32_t holders;
	pid_t    child;
	uint64_t at_ns;
	struct capture_order_side by_parent;
};

enum sharing_verdict {
	SHARING_NONE,           /* not the first write since a fork, or nobody ever shared it */
	SHARING_COPIED,
	SHARING_REUSED,
	SHARING_AMBIGUOUS,
};

struct sharing_write {
	uint8_t  verdict;       /* enum sharing_verdict */
	bool     known;         /* samples had seen the page before the fork; else the verdict holds if it was there */
	uint16_t pages;
	struct sharing_fork *fork; /* held: its parent's side it is. NULL: the child's, of the image's own birth */
};

/* What a child has of its parent's memory: a copy (fork), or that memory itself (vfork). */
enum sharing_birth { SHARING_BY_COPY, SHARING_OF_ALL, SHARING_NOT_KNOWN };

/* What else the outside knows and does. */
struct sharing_means {
	void *context;
	enum sharing_birth (*birth_of)(void *context, void *image);
	void (*refresh)(void *context, void *image);    /* tells of what an image has let go so far: sharing_left */
	void (*finished)(void *context, const struct sharing_fork *fork); /* nobody will count in it any more */
	uint64_t fault_ns;      /* what a fault takes at most, of which a sample tells the end */
	bool  pieces_are_copied; /* the kernel copies a piece of a huge page whoever else has it: before Linux 6.15 */
};

struct sharing *sharing_new(const struct sharing_means *means);
void sharing_free(struct sharing *sharing);

/*
 * sharing_fork - a process was born
 * @parent: of the image that forked; NULL, and then set, when it had shared nothing so far
 * @parent_image, @image: for the means, until sharing_end
 *
 * Returns the child's.
 */
struct sharer *sharing_fork(struct sharer **parent, void *parent_image, void *image, pid_t pid, uint64_t at_ns);

/* Right after that: so many writes of the parent may have come after the fork, although their samples came before it. */
void sharing_doubt(struct sharer *child, uint64_t writes);

/* The image has ended, or executed another program. */
void sharing_end(struct sharing *sharing, struct sharer *sharer, uint64_t at_ns);

/*
 * sharing_doubtful - writes by others that were judged by what this one had, when that is not certain
 * @since_ns: since when it has been ending: its pages go before its end is seen
 */
uint64_t sharing_doubtful(const struct sharer *sharer, uint64_t since_ns);

/*
 * sharing_write - a write fault
 * @bytes: of the page that is there now
 * @known: samples had seen the page written before the last fork, and not since
 * @huge: the page may be a piece of a huge one
 */
struct sharing_write sharing_write(struct sharing *sharing, struct sharer *sharer, uint64_t address, uint64_t bytes,
				   bool known, bool huge, uint64_t at_ns);

/*
 * sharing_write_unjudged - a write fault that brought the page from a file or from swap space
 *
 * It neither copied what was there nor re-used it. But what is there is the process's own since then, or shared memory,
 * of which nobody has a copy; and others' writes are judged by that.
 */
void sharing_write_unjudged(struct sharing *sharing, struct sharer *sharer, uint64_t address, uint64_t bytes, uint64_t at_ns);

void sharing_release(struct sharing *sharing, struct sharing_fork *fork);

/* Memory was let go: unmapped, moved away, given back. Not in the order of time. */
void sharing_left(struct sharer *sharer, uint64_t start, uint64_t end, uint64_t at_ns, bool moved);
/* What it let go is not all known. */
void sharing_left_unknown(struct sharer *sharer);
/* From here on there may be more of it: each is to be asked again. */
void sharing_next_round(struct sharing *sharing);

/* Samples are missing until a time, UINT64_MAX: from now on. Of families that lived meanwhile, all is ambiguous. */
void sharing_missing(struct sharing *sharing, uint64_t until_ns);

/* Of its family, something is missing. */
bool sharing_is_unsure(const struct sharing *sharing, const struct sharer *sharer);

/* Changes of pages that are kept, of all processes. For tests. */
uint64_t sharing_kept(const struct sharing *sharing);

#endif
