/* SPDX-License-Identifier: MIT */
/* Chunks that grow by one more, and a hash table with open addressing over the texts in them. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "symbols_internal.h"

#define CHUNK_BYTES ((size_t)256 << 10)

struct symbol_chunk {
	struct symbol_chunk *next;
	size_t used, room;
	_Alignas(max_align_t) char bytes[];
};

static char *take(struct symbol_texts *texts, size_t bytes)
{
	struct symbol_chunk *chunk = texts->chunks;

	if (!chunk || chunk->room - chunk->used < bytes) {
		size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;

		chunk = memory_get(sizeof(*chunk) + room);
		chunk->room = room;
		chunk->next = texts->chunks;
		texts->chunks = chunk;
	}
	chunk->used += bytes;
	return chunk->bytes + chunk->used - bytes;
}

void *symbol_texts_get(struct symbol_texts *texts, size_t bytes)
{
	size_t mask = sizeof(uint64_t) - 1, astray = texts->chunks ? -texts->chunks->used & mask : 0;
	char *at = take(texts, bytes + astray);

	return at + (-(uintptr_t)at & mask);
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash(const char *text, size_t length)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3;
	return h;
}

/* Where a text is, or where it would be. */
static char **slot_of(const struct symbol_texts *texts, const char *text, size_t length)
{
	size_t at = hash(text, length) & (texts->room - 1);

	while (texts->slots[at] && (strncmp(texts->slots[at], text, length) || texts->slots[at][length]))
		at = (at + 1) & (texts->room - 1);
	return &texts->slots[at];
}

static void make_room(struct symbol_texts *texts)
{
	struct symbol_texts old = *texts;

	if (texts->used < texts->room / 2)
		return;
	texts->room = old.room ? old.room * 2 : 1024;
	texts->slots = memory_get(texts->room * sizeof(texts->slots[0]));
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i])
			*slot_of(texts, old.slots[i], strlen(old.slots[i])) = old.slots[i];
	free(old.slots);
}

const char *symbol_texts_keep(struct symbol_texts *texts, const char *text, size_t length)
{
	char **slot;

	make_room(texts);
	slot = slot_of(texts, text, length);
	if (!*slot) {
		*slot = take(texts, length + 1);
		memcpy(*slot, text, length);
		(*slot)[length] = '\0';
		texts->used++;
	}
	return *slot;
}

void symbol_texts_free(struct symbol_texts *texts)
{
	while (texts->chunks) {
		struct symbol_chunk *next = texts->chunks->next;

		free(texts->chunks);
		texts->chunks = next;
	}
	free(texts->slots);
	*texts = (struct symbol_texts){ 0 };
}
