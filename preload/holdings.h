/* SPDX-License-Identifier: MIT */
/* What the allocator says of itself, as far as it can be asked at any moment. */
#ifndef PAGEGAP_HOLDINGS_H
#define PAGEGAP_HOLDINGS_H

#include "capture.h"

/*
 * holdings_ask - fill in what the allocator holds; all CAPTURE_UNKNOWN where it has no answer that we understand
 *
 * May be called wherever a ledger is taken: from a signal handler, in a forked child, inside of the allocator itself.
 */
void holdings_ask(struct capture_holdings *holdings);

#endif
