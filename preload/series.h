/* SPDX-License-Identifier: MIT */
/*
 * Samples over time, of which there is room for some: when it is full, every second one stays, and the next come half
 * as often.
 */
#ifndef PAGEGAP_SERIES_H
#define PAGEGAP_SERIES_H

#include <stdint.h>
#include <string.h>

/*
 * series_make_room - for one more sample at samples[*used]
 * @sample_bytes: size of a sample
 * @room: samples, an even number
 * @interval_ns: between two samples
 */
static inline void series_make_room(void *samples, size_t sample_bytes, uint32_t room, uint32_t *used,
				    uint64_t *interval_ns)
{
	char *first = samples;

	if (*used < room)
		return;
	for (uint32_t i = 0; i < room / 2; i++)
		memcpy(first + i * sample_bytes, first + (2 * i + 1) * sample_bytes, sample_bytes);
	*used = room / 2;
	*interval_ns *= 2;
}

#endif
