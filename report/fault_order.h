/* SPDX-License-Identifier: MIT */
/* The order of writes after a fork, as counts by row (struct capture_order); and where there ever were huge pages. */
#ifndef PAGEGAP_FAULT_ORDER_H
#define PAGEGAP_FAULT_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "../preload/capture.h"
#include "fault_space.h"
#include "sharing.h"

/* Counts a write, whose memory is known now; row CAPTURE_ROWS: it will never be. Shared memory has no part in it. */
void fault_order_count(struct capture_order *order, const struct sharing_write *write, const struct fault_part *part);

struct huge_places;

struct huge_places *huge_places_new(void);
void huge_places_add(struct huge_places *places, uint64_t address);
bool huge_places_have(const struct huge_places *places, uint64_t address);
void huge_places_free(struct huge_places *places);

#endif
