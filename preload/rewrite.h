/* SPDX-License-Identifier: MIT */
/*
 * Planning how a `syscall` instruction becomes a jump to the counter, so that its calls need no signal. The instruction has two bytes
 * and a jump has five, so there are three forms, and none moves an instruction of the program:
 *
 *   one byte   0f 05 b0 b1 b2 → e9 05 b0 b1 b2. The four bytes from 05 on, the program's own, are taken as the distance of a jump, and
 *              the trampoline lies where that leads. One byte is written, which is atomic, and the next instruction stays whole.
 *   mov        b8 n n n n 0f 05 → e9 d d d d 0f 05. The mov of the call's number becomes a jump to a trampoline that does it. The
 *              `syscall` stays whole, so a thread between the two, or a jump to the second, still makes its call. Five bytes
 *              are written, which is not atomic: the page is to be replaced as a whole by a copy.
 *   hop        0f 05 → eb d. A short jump to five of the bytes that fill the space between functions, which become a jump to the
 *              trampoline. Those are never executed, so they may be written in place, before the two; for these the page is replaced.
 *
 * The kernel restarts an interrupted call two bytes before where it returned to, so at the hub's own instruction, or, of a call
 * that began before the site was patched, at the site.
 *
 * Nothing here calls, allocates or locks.
 */
#ifndef PAGEGAP_REWRITE_H
#define PAGEGAP_REWRITE_H

#include "rewrite_room.h"

enum {
	SITE_FILE = 1,                  /* in a private mapping of a file */
	SITE_WRITABLE = 2,
	SITE_SHARED = 4,
	SITE_CANCELLATION = 8,          /* between __cp_begin and __cp_end, or within __syscall_cancel_arch; known by its bytes as well */
	SITE_SMALL_STACK = 16,          /* in Go's code: a goroutine's stack has a few hundred bytes left for what does not ask */
	SITE_PROVEN = 32,               /* an instruction begins five bytes before it, and … */
	SITE_JUMP_INSIDE = 64,          /* … something jumps between its bytes: from decoding all of the code */
};

#define HOP_MOST 127                    /* bytes from behind the site */

/* A `syscall` instruction that was executed, or decoded from the beginning of its function. */
struct rewrite_site {
	uint64_t address;
	const uint8_t *code;            /* a view of it; of this mapping, so many bytes can be read … */
	uint32_t before, after;         /* … before it, and from it on */
	uint32_t facts;                 /* SITE_… */
	const int8_t *hops;             /* from behind the site to five bytes that are never executed; what is best first */
	uint32_t hop_count;
};

struct rewrite_write {
	uint64_t address;
	uint32_t bytes;                 /* 0: nothing is written; 1: in place; more: in a copy of the page, which then replaces it */
	uint8_t  code[5];
};

struct rewrite_plan {
	enum rewrite_refusal refusals[TRAMPOLINE_FORMS]; /* why not; when all are, nothing else is set */
	struct trampoline trampoline;
	struct rewrite_write first, last; /* to the bytes between functions, hop form alone; then to the site */
	uint32_t number;                /* that the replaced mov put in eax; mov form alone */
};

/*
 * rewrite_plan - how to patch a site
 * @wanted: the forms that may be used, a bit for each: 1 << TRAMPOLINE_…
 *
 * The first form that is not refused. The caller then maps the pages of the trampoline that the room does not have (a place that
 * is taken by now is ruled out by asking again without that form), writes the trampoline, enters it, and writes the code.
 */
struct rewrite_plan rewrite_plan(const struct rewrite_site *site, const struct rewrite_space *space, const struct rewrite_room *room, uint32_t wanted);

static inline bool rewrite_refused(const struct rewrite_plan *plan)
{
	return !plan->last.bytes;
}

#define TRAMPOLINE_BYTES_MOST 39

/* Writes a plan's trampoline, which goes to @enter: rewrite_enter. Returns its length. */
uint32_t rewrite_trampoline(const struct rewrite_plan *plan, uint64_t enter, uint8_t code[TRAMPOLINE_BYTES_MOST]);

/*
 * What the hub is given: the registers at the site, lowest address first as rewrite_enter pushes them. The six arguments are in rdi,
 * rsi, rdx, r10, r8, r9. The others are in the processor.
 */
struct rewrite_frame {
	uint64_t rbp, r9, r8, r10, rdx, rsi, rdi;
	uint64_t rax;                   /* the call's number; the hub puts the result here */
	uint64_t tail;                  /* the trampoline's own `syscall` instruction */
	uint64_t site_after;            /* where the call returns to */
	uint64_t flags;
};

/*
 * Makes the call and leaves the result in the frame: true. Or false: the trampoline shall make it, with stack and registers as at
 * the site, by an instruction that Syscall User Dispatch catches: for clone, vfork and rt_sigreturn, which do not return here.
 * The hub may use general registers alone (-mgeneral-regs-only): what the program has in vectors is in them still.
 */
typedef bool rewrite_hub_function(struct rewrite_frame *frame);
extern rewrite_hub_function *rewrite_hub;

/* Where trampolines go: rewrite_enter.S. */
extern const char rewrite_enter[];

#endif
