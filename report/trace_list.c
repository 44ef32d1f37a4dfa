/* SPDX-License-Identifier: MIT */
/*
 * Which calls a list asks for: of --trace=LIST and of every other option that names calls. Beside names and services there are classes,
 * by what a call takes, as strace(1) has them; which calls these are, the table of calls says.
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "syscalls.h"
#include "trace.h"

static const uint8_t paths[] = { KIND_PATH, KIND_NONE };
static const uint8_t descriptors[] = { KIND_FD, KIND_AT_FD, KIND_POLLFDS, KIND_FD_SET, KIND_FDS, KIND_NONE };
static const uint8_t stats[] = { KIND_STAT, KIND_STATX, KIND_NONE };
static const uint8_t statfs[] = { KIND_STATFS, KIND_NONE };

static const struct {
	const char *name;
	const uint8_t *kinds;           /* one of them is an argument */
	int result;                     /* or this is the result; -1: none */
} classes[] = {
	{ "path", paths, -1 },
	{ "desc", descriptors, RESULT_FD },
	{ "stat", stats, -1 },
	{ "statfs", statfs, -1 },
};

static bool is_in_class(const struct syscall_row *row, const char *name)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strcmp(name, classes[i].name))
			continue;
		if (row->result == classes[i].result)
			return true;
		for (size_t argument = 0; argument < SYSCALL_ARGUMENTS; argument++)
			if (row->kinds[argument] && strchr((const char *)classes[i].kinds, row->kinds[argument]))
				return true;
	}
	return false;
}

static bool is_meant(unsigned number, const char *item)
{
	const struct syscall_row *row = &syscall_rows[number];

	if (!strcmp(item, "all"))
		return true;
	if (number >= SYSCALL_NUMBERS || !row->name)
		return false;
	if (*item != '%')
		return !strcmp(item, row->name);
	return !strcmp(item + 1, syscall_category_names[row->category]) || is_in_class(row, item + 1);
}

bool trace_list_item(const char *item, struct trace_set *set)
{
	bool out = *item == '!', found = false;

	item += out;
	for (unsigned number = 0; number < CAPTURE_NUMBERS; number++) {
		if (!is_meant(number, item))
			continue;
		set->wanted[number] = !out;
		found = true;
	}
	return found;
}

const char *trace_list(const char *list, struct trace_set *set)
{
	const char *next = list;

	memset(set->wanted, *list == '!', sizeof(set->wanted));
	while (next) {
		const char *at = next, *comma = strchr(at, ',');
		char *item = memory_copy(at, comma ? (size_t)(comma - at) : strlen(at));
		bool good = trace_list_item(item, set);

		free(item);
		if (!good)
			return at;
		next = comma ? comma + 1 : NULL;
	}
	set->all = true;
	for (unsigned number = 0; number < CAPTURE_NUMBERS; number++)
		set->all &= set->wanted[number];
	return NULL;
}
