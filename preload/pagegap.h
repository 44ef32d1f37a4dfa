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

#ifdef __cplusplus
}
#endif

#endif
