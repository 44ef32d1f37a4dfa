/* SPDX-License-Identifier: MIT */
/*
 * pagegap.h - for programs that want to say something to pagegap while they run under it
 *
 * Needs no library: without pagegap the calls find nothing and do nothing. Usable from C and C++.
 */
#ifndef PAGEGAP_H
#define PAGEGAP_H

#ifdef __cplusplus
extern "C" {
#endif

/* Defined by libpagegap.so; not there otherwise. Not to be called directly. */
extern void pagegap_mark_now(const char *name) __attribute__((weak));
extern void pagegap_tag_push_now(const char *name) __attribute__((weak));
extern void pagegap_tag_pop_now(void) __attribute__((weak));

/*
 * pagegap_mark - have the ledger taken at this point
 * @name: shown in the report; at most 63 bytes of it
 *
 * Costs a ledger: some 0.2 ms in a small process, more with the number of mappings and live blocks. The newest 16 are kept.
 * Any thread; not in a signal handler that may interrupt another mark (that one is then left out). errno is unchanged.
 */
static inline void pagegap_mark(const char *name)
{
	if (pagegap_mark_now)
		pagegap_mark_now(name);
}

/*
 * pagegap_tag_push - from now on, the calling thread works on something of this name: a request, a phase
 * pagegap_tag_pop - no more, but on what it was before
 * @name: at most 63 bytes of it are kept; it must stay as it is until the pop. At most 127 names in a process: the report
 *        says how many more there were. One inside the other 16 deep: what is deeper counts under the sixteenth
 *
 * Call sites are kept apart by the tag under which they were reached (`pagegap run --stacks`). Costs a few stores. A pop without a push
 * does nothing; a push whose pop was jumped over (longjmp, an exception) stays. Any thread; async-signal-safe. A forked child has its
 * parent's, a new thread none. errno is unchanged.
 */
static inline void pagegap_tag_push(const char *name)
{
	if (pagegap_tag_push_now)
		pagegap_tag_push_now(name);
}

static inline void pagegap_tag_pop(void)
{
	if (pagegap_tag_pop_now)
		pagegap_tag_pop_now();
}

#ifdef __cplusplus
}
#endif

#endif
