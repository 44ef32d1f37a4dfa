/* SPDX-License-Identifier: MIT */
/*
 * The edges of the allocation functions: no size, too much, overflow, odd alignments, errno before and after, usable
 * sizes. What libc says, a wrapper must hand through, and errno must be touched only by failure.
 *
 * run: => exit 0
 */
#include "hostile.h"

#include <malloc.h>

static volatile size_t huge = PTRDIFF_MAX, most = SIZE_MAX, none = 0, odd = 24;

static void say_block(const char *what, void *block)
{
	int number = errno;

	errno = 777;
	say("%s: %s, errno %d, usable %zu", what, block ? "block" : "null", number, malloc_usable_size(block));
	free(block);
	if (errno != 777)
		say("errno after free: %d", errno);
	errno = 0;
}

static void aligned(const char *what, size_t alignment, size_t size)
{
	void *block = (void *)1;

	errno = 555;
	int result = posix_memalign(&block, alignment, size);
	say("posix_memalign %s: %s, errno %d, aligned %d", what, result ? strerrorname_np(result) : "ok", errno,
	    !result && alignment && !((uintptr_t)block % alignment));
	if (!result)
		free(block);
	errno = 0;
	block = kept(aligned_alloc(alignment, size));
	say("aligned_alloc %s: %s, errno %d", what, block ? "block" : "null", errno);
	free(block);
	errno = 0;
}

static void reallocations(void)
{
	char *block = (char *)malloc(100);

	strcpy(block, "content");
	errno = 0;
	say_pointer("realloc to too much", realloc(kept(block), huge + 1));
	say("the old block has: %s", block);
	errno = 0;
	say_pointer("reallocarray overflow", reallocarray(kept(block), most / 2, 3));
	say("the old block has: %s", block);
	errno = 444;
	block = (char *)realloc(kept(block), 1 << 20);
	block = (char *)realloc(kept(block), 50);
	say("moved twice: %s, errno %d", block, errno);
	errno = 0;
	void *gone = realloc(kept(block), none);
	say("realloc to nothing: %s, errno %d", gone ? "block" : "null", errno);
	free(gone);
	say_block("realloc of nothing", realloc(NULL, 100));
	say_block("realloc of nothing to nothing", realloc(NULL, none));
	say_block("reallocarray of nothing", reallocarray(NULL, 10, 10));
}

int main(void)
{
	errno = 333;
	say_block("malloc", malloc(24));
	say_block("malloc of nothing", malloc(none));
	say_block("malloc of too much", malloc(huge + 1));
	say_block("malloc of most", malloc(most));
	say_block("malloc of nearly too much", malloc(huge - 100));
	say_block("malloc that is mapped", malloc(1 << 20));
	say_block("calloc", calloc(3, 100));
	say_block("calloc of nothing", calloc(none, 100));
	say_block("calloc of no size", calloc(100, none));
	say_block("calloc overflow", calloc(most / 2, 3));
	say_block("calloc of too much", calloc(huge, 1));
	say_block("nothing", NULL);
	reallocations();
	aligned("16", 16, 100);
	aligned("64", 64, 1);
	aligned("a page", 4096, 0);
	aligned("2 MiB", 2 << 20, 100);
	aligned("no alignment", 0, 100);
	aligned("odd", odd, 100);
	aligned("below a pointer", 2, 100);
	aligned("too much", 64, most - 10);
	aligned("alignment too large", (size_t)1 << 63, 10);
	say_block("memalign", memalign(256, 1000));
	say_block("memalign odd", memalign(odd, 10));
	say_block("valloc", valloc(100));
	say_block("valloc of too much", valloc(most - 10));
	say_block("pvalloc", pvalloc(100));
	say_block("pvalloc of nothing", pvalloc(none));
	say_block("pvalloc of too much", pvalloc(most - 10));
	say("malloc_trim: %d", malloc_trim(0) >= 0);
	char *copy = strdup("by strdup"), *printed = NULL, *line = NULL;
	say("asprintf: %d", asprintf(&printed, "%s and %d", copy, 42));
	size_t room = 0;
	FILE *memory = fmemopen(printed, strlen(printed), "r");
	say("getline: %zd of %zu", getline(&line, &room, memory), room);
	fclose(memory);
	free(copy);
	free(printed);
	free(line);
	return 0;
}
