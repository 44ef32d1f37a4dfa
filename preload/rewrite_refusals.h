/* SPDX-License-Identifier: MIT */
/* Why a `syscall` instruction is left as it is: one row for each reason, its name and what a report says. */
#ifndef PAGEGAP_REWRITE_REFUSALS_H
#define PAGEGAP_REWRITE_REFUSALS_H

#define REWRITE_REFUSALS(REFUSAL) \
	REFUSAL(ACCEPTED,     "accepted") \
	REFUSAL(NOT_WANTED,   "this form is not wanted") \
	/* The site, whatever the form. */ \
	REFUSAL(NOT_SYSCALL,  "no syscall instruction") \
	REFUSAL(NO_FILE,      "code of no file, which may change") \
	REFUSAL(WRITABLE,     "writable code") \
	REFUSAL(SHARED,       "code shared with other processes") \
	REFUSAL(CANCELLATION, "cancellation compares the instruction pointer with it") \
	REFUSAL(SIGNAL_RETURN, "unwinders know it by its bytes") \
	REFUSAL(SMALL_STACK,  "its stacks have no room for more frames") \
	/* What is written in the code, and what is read of it. */ \
	REFUSAL(CUT,          "the code ends before the jump would") \
	REFUSAL(NO_MOV,       "no mov of a number before it") \
	REFUSAL(UNPROVEN,     "where the instruction before it begins is not known") \
	REFUSAL(JUMP_INSIDE,  "something jumps into the instruction before it") \
	REFUSAL(STRADDLES,    "what would be written lies on two pages") \
	REFUSAL(NO_PADDING,   "no unused bytes near it") \
	REFUSAL(NEIGHBOUR,    "another site's jump is made of these bytes") \
	/* The trampoline's place. */ \
	REFUSAL(RANGE,        "no address that a program may map") \
	REFUSAL(TAKEN,        "something is mapped there") \
	REFUSAL(OVERLAP,      "another trampoline is there") \
	REFUSAL(BREAK,        "the break may grow there") \
	REFUSAL(STACK,        "the stack may grow there") \
	REFUSAL(FAR,          "no free page within reach") \
	REFUSAL(FULL,         "no more trampolines can be kept")

enum rewrite_refusal {
#define REFUSAL(name, sentence) REFUSE_##name,
	REWRITE_REFUSALS(REFUSAL)
#undef REFUSAL
	REWRITE_REFUSED         /* how many there are */
};

/* Of each, its name in the table and its sentence. */
extern const char *const rewrite_refusal_names[REWRITE_REFUSED];
extern const char *const rewrite_refusal_sentences[REWRITE_REFUSED];

#endif
