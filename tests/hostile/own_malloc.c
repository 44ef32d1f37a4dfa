/* SPDX-License-Identifier: MIT */
/*
 * Brings its own malloc in the executable: a preloaded one is never called. An instrument must not hand its blocks to
 * libc's free, nor count what it cannot see: the heap rows are unknown.
 *
 * run: => exit 0; exit 30
 * heap: unknown
 */
#include "hostile.h"

#define PUBLIC __attribute__((visibility("default")))

static _Alignas(16) unsigned char arena[64 << 20];
static size_t used;
static unsigned long calls;

/* A bump allocator; each block has its size before it. Only what one thread of this program needs. */
static void *take(size_t align, size_t size)
{
	size_t at = (used + 16 + align - 1) / align * align;

	if (size > sizeof(arena) || at + size > sizeof(arena)) {
		errno = ENOMEM;
		return NULL;
	}
	calls++;
	memcpy(arena + at - 16, &size, sizeof(size));
	used = at + size;
	return arena + at;
}

PUBLIC void *malloc(size_t size) { return take(16, size); }
PUBLIC void free(void *block) { calls += block != NULL; }
PUBLIC void *aligned_alloc(size_t align, size_t size) { return take(align < 16 ? 16 : align, size); }
PUBLIC void *memalign(size_t align, size_t size);
PUBLIC void *memalign(size_t align, size_t size) { return aligned_alloc(align, size); }

PUBLIC int posix_memalign(void **out, size_t align, size_t size)
{
	*out = aligned_alloc(align, size);
	return *out ? 0 : ENOMEM;
}

PUBLIC void *calloc(size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return take(16, total); /* never re-used, so it is zero */
}

PUBLIC void *realloc(void *block, size_t size)
{
	size_t old = 0;
	void *moved = take(16, size);

	if (block && moved) {
		memcpy(&old, (unsigned char *)block - 16, sizeof(old));
		memcpy(moved, block, old < size ? old : size);
	}
	return moved;
}

int main(void)
{
	char *text = NULL;
	size_t length = 0;

	say_heap("own");
	FILE *memory = open_memstream(&text, &length);
	fprintf(memory, "%d bytes from libc", 42);
	fclose(memory);
	say("%s, %s", text,
	    (unsigned char *)text > arena && (unsigned char *)text < arena + sizeof(arena) ? "ours" : "not ours");
	free(text);
	free(strdup("another"));
	pid_t child = fork();
	if (!child) {
		say_heap("child");
		_exit(30);
	}
	reap("child", child);
	/* Whoever called these functions beside the program would change the count. */
	say("calls: %lu", calls);
	return 0;
}
