/* SPDX-License-Identifier: MIT */
/* The options and what they are when nothing is said. What means nothing is complained of, and ignored. */
#include "options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quarantine.h"
#include "text.h"

#define HARDENED_QUARANTINE 4096

struct pool_options options = {
	.huge_from_bytes = 3UL << 20,
	.large_kept_bytes = 64UL << 20,
	.return_after_ms = 1000,
	.fork_from_bytes = 8UL << 20,
	.fork_limit_percent = 100,
};

static const struct {
	const char *key;
	uint64_t *number;       /* one of the two */
	bool *flag;
	uint64_t unit;
} known[] = {
	{ "huge_from_mib", &options.huge_from_bytes, NULL, 1 << 20 },
	{ "large_kept_mib", &options.large_kept_bytes, NULL, 1 << 20 },
	{ "return_after_ms", &options.return_after_ms, NULL, 1 },
	{ "fork_from_mib", &options.fork_from_bytes, NULL, 1 << 20 },
	{ "fork_limit_percent", &options.fork_limit_percent, NULL, 1 },
	{ "random_slots", NULL, &options.random_slots, 1 },
	{ "zero_on_free", NULL, &options.zero_on_free, 1 },
	{ "canaries", NULL, &options.canaries, 1 },
	{ "quarantine", &options.quarantine, NULL, 1 },
	{ "hardened", NULL, &options.hardened, 1 },
	{ "statistics", NULL, &options.statistics_at_exit, 1 },
};

static void complain(const char *word, size_t length)
{
	struct text line = { 0 };

	text_add(&line, "pagepool: PAGEPOOL_OPTIONS: ");
	text_add_bytes(&line, word, length);
	text_add(&line, ": means nothing; known are");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		text_add(&line, i ? ", " : " ");
		text_add(&line, known[i].key);
	}
	text_add(&line, ", each =number\n");
	text_write(&line, STDERR_FILENO);
}

static bool read_number(const char *digits, size_t length, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < length; i++) {
		if (digits[i] < '0' || digits[i] > '9' || i > 12)
			return false;
		*number = *number * 10 + (uint64_t)(digits[i] - '0');
	}
	return length > 0;
}

/* One key=value. */
static bool take(const char *word, size_t length)
{
	const char *equals = memchr(word, '=', length);
	size_t key = equals ? (size_t)(equals - word) : length;
	uint64_t number;

	if (!equals || !read_number(equals + 1, length - key - 1, &number))
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].key) != key || memcmp(known[i].key, word, key) != 0)
			continue;
		if (known[i].number)
			*known[i].number = number * known[i].unit;
		else
			*known[i].flag = number != 0;
		return true;
	}
	return false;
}

/* Most processes have no such variable, and need not fault in the pages of libc that read it. */
static bool is_set(const char *assignment)
{
	for (char **variable = environ; variable && *variable; variable++)
		if (!strncmp(*variable, assignment, strlen(assignment)))
			return true;
	return false;
}

void options_read(void)
{
	const char *word = is_set("PAGEPOOL_OPTIONS=") ? secure_getenv("PAGEPOOL_OPTIONS") : NULL;

	while (word && *word) {
		size_t length = strcspn(word, ",");

		if (length && !take(word, length))
			complain(word, length);
		word += length + (word[length] == ',');
	}
	if (options.hardened) {
		options.random_slots = options.zero_on_free = options.canaries = true;
		if (!options.quarantine)
			options.quarantine = HARDENED_QUARANTINE;
	}
	if (options.quarantine > QUARANTINE_MAX)
		options.quarantine = QUARANTINE_MAX;
}
