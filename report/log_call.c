/* SPDX-License-Identifier: MIT */
/* Memory that was kept with a call, found again by its address. Of several pieces that have it, the one that goes on the farthest is taken. */
#include <string.h>

#include "log_call.h"

#define NO_MEMORY (1ULL << 61)          /* and above: no address of a program */

/* The piece at an offset, and the offset behind it; false: there is none. */
static bool piece_at(const struct log_memory *memory, size_t *at, struct log_piece *piece, const unsigned char **bytes)
{
	size_t padded;

	if (!memory->pieces || memory->bytes < sizeof(*piece) || *at > memory->bytes - sizeof(*piece))
		return false;
	memcpy(piece, memory->pieces + *at, sizeof(*piece));
	*bytes = memory->pieces + *at + sizeof(*piece);
	padded = ((size_t)piece->bytes + 7) & ~(size_t)7;
	*at += sizeof(*piece);
	if (padded > memory->bytes - *at)
		return false;
	*at += padded;
	return true;
}

const unsigned char *log_memory_at(const struct log_memory *memory, uint64_t address, size_t *bytes, bool *cut)
{
	const unsigned char *kept, *found = NULL;
	struct log_piece piece;
	size_t at = 0;

	*bytes = 0;
	if (cut)
		*cut = false;
	while (piece_at(memory, &at, &piece, &kept)) {
		uint64_t in = address - piece.address;

		/* What is no memory has a name of its own, not an address that others are next to. */
		if (piece.address > address || in >= piece.bytes || piece.bytes - in <= *bytes || (in && piece.address >= NO_MEMORY))
			continue;
		*bytes = (size_t)(piece.bytes - in);
		found = kept + in;
		if (cut)
			*cut = piece.cut;
	}
	return found;
}

size_t log_memory_read(const struct log_memory *memory, uint64_t address, void *to, size_t bytes, bool *cut)
{
	size_t have;
	const unsigned char *at = log_memory_at(memory, address, &have, cut);

	have = have < bytes ? have : bytes;
	if (have)
		memcpy(to, at, have);
	return have;
}

const char *log_descriptor_path(const struct log_memory *memory, int descriptor, size_t *length)
{
	*length = 0;
	return descriptor < 0 ? NULL : (const char *)log_memory_at(memory, LOG_DESCRIPTOR + (unsigned)descriptor, length, NULL);
}
