/* SPDX-License-Identifier: MIT */
/* The table of allocators, and reading --alloc. */
#include "allocators.h"

#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "escape.h"
#include "library.h"
#include "memory.h"
#include "program.h"

#define POOL "libpagepool.so"
#define MOST 16 /* more cannot be told apart in a table */

/* The names of libraries, the newest first; packages as of Debian 12 and 13. */
static const struct known {
	const char *name;
	const char *sonames[4];
	const char *package;
} known[] = {
	{ "glibc", { NULL }, NULL },
	{ "pool", { POOL }, "part of pagegap; it is looked for beside the command and in ../lib" },
	{ "jemalloc", { "libjemalloc.so.2", "libjemalloc.so.1" }, "Debian package libjemalloc2" },
	{ "mimalloc", { "libmimalloc.so.3", "libmimalloc.so.2" }, "Debian package libmimalloc2.0 or libmimalloc3" },
	{ "tcmalloc", { "libtcmalloc_minimal.so.4", "libtcmalloc.so.4" },
	  "Debian package libtcmalloc-minimal4 or libtcmalloc-minimal4t64" },
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

static const struct known *find_known(const char *name)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (!strcmp(known[i].name, name))
			return &known[i];
	return NULL;
}

static char *find_library(const struct known *of)
{
	const size_t most = sizeof(of->sonames) / sizeof(of->sonames[0]);
	char *found = of->sonames[0] && !strcmp(of->sonames[0], POOL) ? program_beside(POOL, NULL) : NULL;

	for (size_t i = 0; !found && i < most && of->sonames[i]; i++)
		found = library_find(of->sonames[i]);
	return found;
}

/* A path is called by its file's name without what all libraries have in theirs: "libx.so.2" is "x". */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path;
	size_t prefix = strncmp(start, "lib", 3) ? 0 : 3, length = strlen(start) - prefix;
	const char *suffix = strstr(start + prefix, ".so");

	if (suffix && suffix != start + prefix)
		length = (size_t)(suffix - start) - prefix;
	return length ? escape_text(start + prefix, length) : escape_text(start, strlen(start));
}

static bool is_taken(const struct allocators *allocators, const char *name)
{
	for (size_t i = 0; i < allocators->count + allocators->missing; i++)
		if (!strcmp(allocators->list[i].name, name))
			return true;
	return false;
}

/* Takes the name over; the second of a name is told apart by a number. */
static char *unique(const struct allocators *allocators, char *name)
{
	char *numbered = memory_copy(name, strlen(name));

	for (int number = 2; is_taken(allocators, numbered); number++) {
		free(numbered);
		numbered = memory_format("%s#%d", name, number);
	}
	free(name);
	return numbered;
}

static bool read_word(const struct allocators *allocators, const char *word, struct allocator *allocator)
{
	bool is_path = strchr(word, '/') != NULL;
	const struct known *of = is_path ? NULL : find_known(word);
	const char *fault = is_path ? library_fault(word) : NULL;

	if (fault)
		complain("--alloc=%s: %s", word, fault);
	else if (!is_path && !of)
		complain("--alloc=%s: not an allocator that is known by name; give " ALLOCATORS_KNOWN
			 " or the path of a library", word);
	if (fault || (!is_path && !of))
		return false;
	allocator->name = unique(allocators, is_path ? name_of(word) : memory_copy(word, strlen(word)));
	allocator->path = is_path ? realpath(word, NULL) : find_library(of);
	allocator->missing = of && of->sonames[0] && !allocator->path;
	allocator->package = of ? of->package : NULL;
	return true;
}

/* Those that are missing go behind the others. */
static void insert(struct allocators *allocators, const struct allocator *allocator)
{
	size_t at = allocator->missing ? allocators->count + allocators->missing : allocators->count;

	memmove(&allocators->list[at + 1], &allocators->list[at],
		(allocators->count + allocators->missing - at) * sizeof(*allocator));
	allocators->list[at] = *allocator;
	*(allocator->missing ? &allocators->missing : &allocators->count) += 1;
}

bool allocators_find(const char *list, struct allocators *allocators)
{
	char *words = memory_copy(list, strlen(list)), *rest = words, *word;
	bool good = true;

	*allocators = (struct allocators){ .list = memory_get((MOST + 1) * sizeof(struct allocator)) };
	while (good && (word = strsep(&rest, ","))) {
		struct allocator allocator = { 0 };

		if (allocators->count + allocators->missing == MOST) {
			complain("--alloc: %d at most", MOST);
			good = false;
		} else if (!*word) {
			complain("--alloc=%s: a name is missing", list);
			good = false;
		} else if ((good = read_word(allocators, word, &allocator))) {
			insert(allocators, &allocator);
		}
	}
	free(words);
	if (good && !allocators->count)
		complain("--alloc=%s: not installed: %s", list, allocators->list[0].package);
	return good && allocators->count;
}

void allocators_free(struct allocators *allocators)
{
	for (size_t i = 0; i < allocators->count + allocators->missing; i++) {
		free(allocators->list[i].name);
		free(allocators->list[i].path);
	}
	free(allocators->list);
}
