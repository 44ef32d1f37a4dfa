/* SPDX-License-Identifier: MIT */
/* Is a call among those that are to be kept? Asked inside the program and in the tracer: no function of any library is called here. */
#ifndef PAGEGAP_LOG_WISH_H
#define PAGEGAP_LOG_WISH_H

#include "../preload/capture_log.h"
#include "syscalls.h"

static inline bool log_begins_with(const struct log_piece *piece, const struct log_wish *wish)
{
	const char *text = (const char *)(piece + 1);

	if (piece->bytes < wish->path_length)
		return false;
	for (uint32_t i = 0; i < wish->path_length; i++)
		if (text[i] != wish->path[i])
			return false;
	return true;
}

/* Of a record that has just been written, LOG_CALL: one of its paths, or of its descriptors' paths. */
static inline bool log_path_is_meant(const struct log_wish *wish, const struct log_record *record, const uint8_t kinds[SYSCALL_ARGUMENTS])
{
	const unsigned char *at = (const unsigned char *)(record + 1), *end = at + record->piece_bytes;

	while (at < end) {
		const struct log_piece *piece = (const struct log_piece *)(const void *)at;
		bool path = piece->address >= LOG_DESCRIPTOR;

		for (unsigned i = 0; i < SYSCALL_ARGUMENTS; i++)
			path |= kinds[i] == KIND_PATH && record->values[i] == piece->address;
		if (path && log_begins_with(piece, wish))
			return true;
		at += sizeof(*piece) + ((piece->bytes + 7) & ~7U);
	}
	return false;
}

static inline bool log_result_is_meant(const struct log_wish *wish, int64_t result, uint64_t took_ns)
{
	return (!wish->failed || (result < 0 && result >= -4095)) && took_ns >= wish->slower_ns;
}

#endif
