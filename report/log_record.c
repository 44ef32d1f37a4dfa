/* SPDX-License-Identifier: MIT */
/* One record of a log, of which nothing is believed. */
#include "log_file.h"

#define TIME_MOST (1ULL << 62)

const struct log_record *log_record_at(const unsigned char *chunk, uint32_t used, uint32_t at, bool *bad)
{
	const struct log_record *record = (const void *)(chunk + at);

	if (at > used || used - at < sizeof(*record))
		return NULL;
	if (record->bytes >= sizeof(*record) && record->bytes <= LOG_RECORD_BYTES && record->bytes % 8 == 0 && record->bytes <= used - at)
		return record;
	/* Whoever wrote an unfinished one may have been killed before it had its length. */
	if (record->state != LOG_UNFINISHED)
		*bad = true;
	return NULL;
}

bool log_record_is_sound(const struct log_record *record)
{
	return record->kind >= LOG_CALL && record->kind < LOG_KINDS && record->state <= LOG_WITHDRAWN && record->number < LOG_NUMBERS &&
	       record->piece_bytes <= record->bytes - sizeof(*record) && record->at_ns && record->at_ns < TIME_MOST;
}

struct log_memory log_record_memory(const struct log_record *record, bool *bad)
{
	struct log_memory memory = { (const unsigned char *)(record + 1), 0 };

	while (memory.bytes < record->piece_bytes) {
		const struct log_piece *piece = (const void *)(memory.pieces + memory.bytes);
		size_t left = record->piece_bytes - memory.bytes, padded;

		if (left < sizeof(*piece))
			break;
		left -= sizeof(*piece);
		padded = ((size_t)piece->bytes + 7) & ~(size_t)7;
		if (padded > left)
			break;
		memory.bytes += sizeof(*piece) + padded;
	}
	if (memory.bytes != record->piece_bytes)
		*bad = true;
	if (!memory.bytes)
		memory.pieces = NULL;
	return memory;
}

bool log_record_ends(const struct log_record *result, const struct log_record *call)
{
	return log_record_is_sound(result) && result->kind == LOG_RESULT && result->state == LOG_COMPLETE && result->call == call->call &&
	       result->at_ns >= call->at_ns;
}
