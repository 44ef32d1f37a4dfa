/* SPDX-License-Identifier: MIT */
/*
 * How certain it is what a process copied and what it re-used. The samples leave some writes open; others they did not
 * see, for system calls made them: of those, the process's own are missing among its figures, and a relative's make
 * what it copied look as if it had still been shared.
 */
#ifndef PAGEGAP_COW_ORDER_H
#define PAGEGAP_COW_ORDER_H

#include <stdbool.h>

#include "figures.h"

/* The order of the image's own writes is known, of those that samples saw. */
bool cow_order_known(const struct image *image);

/* The rows of a side and what was not placed. */
struct capture_order_row cow_order_sum(const struct capture_order_side *side);

/* Of pages that were known to be there. */
uint64_t cow_order_sampled(const struct capture_order_row *row);

/* All that an image wrote, by write protection; CAPTURE_UNKNOWN. */
uint64_t cow_order_written(const struct image *image);

/*
 * cow_order_unseen - pages of those that an image has written, at most, that were judged by no sample
 * @written: pages that it wrote, by write protection; CAPTURE_UNKNOWN
 * @seen: its samples of these
 *
 * Those never seen before its fork may have been there: they count, as far as @seen has them.
 */
uint64_t cow_order_unseen(const struct image *image, uint64_t written, const struct capture_order_row *seen);

/*
 * cow_order_stale - pages that were judged although they were new memory, since the image had let them go before its
 * fork, or after it without saying so, at most; without those that samples saw beyond all that was written
 */
uint64_t cow_order_stale(const struct image *image, uint64_t written, const struct capture_order_row *seen);

/* Writes of an image that may be judged wrongly for what is not known of its relatives, at most; CAPTURE_UNKNOWN. */
uint64_t cow_order_relatives(const struct recording *recording, size_t index);

#endif
