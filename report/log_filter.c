/* SPDX-License-Identifier: MIT */
/* Reads an expression into a wish, and holds calls against it. Names, services and classes of calls are those of every list of calls. */
#include "log_filter.h"

#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "memory.h"
#include "syscalls.h"
#include "trace.h"

#define PATH_MOST 4096          /* PATH_MAX of the kernel */

_Static_assert(LOG_NUMBERS == CAPTURE_NUMBERS, "a wish has a bit for every number that is counted");

void log_filter_all(struct log_wish *wish)
{
	memset(wish, 0, sizeof(*wish));
	memset(wish->wanted, 0xff, sizeof(wish->wanted));
}

/* A time with its unit, which may have a fraction; false: it is none. */
static bool parse_time(const char *text, uint64_t *ns)
{
	static const struct { const char *name; uint64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	size_t whole = strspn(text, "0123456789"), part = 0;
	uint64_t number, fraction = 0, of = 1;
	const char *unit;

	if (!whole || whole > 9)
		return false;
	number = strtoull(text, NULL, 10);
	if (text[whole] == '.') {
		part = strspn(text + whole + 1, "0123456789");
		if (!part || part > 9)
			return false;
		fraction = strtoull(text + whole + 1, NULL, 10);
		for (size_t i = 0; i < part; i++)
			of *= 10;
		part++;
	}
	unit = text + whole + part;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(unit, units[i].name)) {
			*ns = number * units[i].ns + fraction * units[i].ns / of;
			return true;
		}
	return false;
}

static char *known(const char *item)
{
	char *escaped = escape_text(item, strlen(item));
	char *text = memory_format("'%s': neither a call nor a condition; give names of calls, all, %%", escaped);

	for (size_t i = 0; i < SYSCALL_CATEGORIES; i++)
		memory_append(&text, "%s%s", i ? " %" : "", syscall_category_names[i]);
	memory_append(&text, " %%path %%desc %%stat %%statfs, each with ! for without, and failed, slower=10ms, path=/etc");
	free(escaped);
	return text;
}

/* A condition: 1; nothing of the kind: 0; a bad one: -1, and @wrong says why. */
static int parse_condition(const char *item, struct log_wish *wish, char **wrong)
{
	size_t length;

	if (!strcmp(item, "failed")) {
		wish->failed = 1;
		return 1;
	}
	if (!strncmp(item, "slower=", 7)) {
		if (parse_time(item + 7, &wish->slower_ns))
			return 1;
		*wrong = memory_format("'%s': not a time; give a number and its unit, ns, us, ms or s, as in slower=10ms", item);
		return -1;
	}
	if (strncmp(item, "path=", 5))
		return 0;
	length = strlen(item + 5);
	if (!length || length > LOG_PATH_BYTES) {
		*wrong = memory_format("'%.60s%s': %s", item, length > 55 ? "..." : "",
				       length ? "longer than 256 bytes" : "no path; give how it begins, as in path=/etc");
		return -1;
	}
	memset(wish->path, 0, sizeof(wish->path));
	memcpy(wish->path, item + 5, length);
	wish->path_length = (uint32_t)length;
	return 1;
}

/* Calls that the expression begins with: none as soon as it names some. */
struct parsing {
	struct trace_set set;
	bool named;
};

static char *parse_item(const char *item, struct parsing *parsing, struct log_wish *wish)
{
	char *wrong = NULL;

	if (parse_condition(item, wish, &wrong))
		return wrong;
	if (!parsing->named)
		memset(parsing->set.wanted, *item == '!', sizeof(parsing->set.wanted));
	parsing->named = true;
	return trace_list_item(item, &parsing->set) ? NULL : known(item);
}

char *log_filter_wish(const char *expression, struct log_wish *wish)
{
	struct parsing parsing = { .named = false };
	const char *next = expression;

	memset(wish, 0, sizeof(*wish));
	memset(parsing.set.wanted, true, sizeof(parsing.set.wanted));
	while (next) {
		const char *at = next, *comma = strchr(at, ',');
		char *item = memory_copy(at, comma ? (size_t)(comma - at) : strlen(at));
		char *wrong = parse_item(item, &parsing, wish);

		free(item);
		if (wrong)
			return wrong;
		next = comma ? comma + 1 : NULL;
	}
	for (unsigned number = 0; number < LOG_NUMBERS; number++)
		if (parsing.set.wanted[number])
			wish->wanted[number / 64] |= 1ULL << number % 64;
	return NULL;
}

bool log_filter_is_within(const struct log_wish *wish, const struct log_wish *other)
{
	for (size_t i = 0; i < LOG_NUMBERS / 64; i++)
		if (wish->wanted[i] & ~other->wanted[i])
			return false;
	if (other->slower_ns > wish->slower_ns || (other->failed && !wish->failed))
		return false;
	return other->path_length <= wish->path_length && other->path_length <= LOG_PATH_BYTES &&
	       !memcmp(other->path, wish->path, other->path_length);
}

static const struct syscall_row *row_of(const struct log_call *call)
{
	return call->number < SYSCALL_NUMBERS && syscall_rows[call->number].name ? &syscall_rows[call->number] : NULL;
}

bool log_never_returns(unsigned number)
{
	return number < SYSCALL_NUMBERS && syscall_rows[number].name && syscall_rows[number].result == RESULT_NONE;
}

static bool has_failed(const struct log_call *call)
{
	const struct syscall_row *row = row_of(call);

	if (row && (row->result == RESULT_NEVER_FAILS || row->result == RESULT_NONE))
		return false;
	return call->ended_ns && call->result_known && call->result < 0 && call->result >= -4095;
}

static bool is_slow(const struct log_call *call, uint64_t slower_ns)
{
	if (!call->begun_ns)
		return false;
	if (!call->ended_ns)
		return !log_never_returns(call->number);
	return call->ended_ns - call->begun_ns >= slower_ns;
}

static bool begins(const struct log_wish *wish, const char *path, size_t length)
{
	return length >= wish->path_length && !memcmp(path, wish->path, wish->path_length);
}

static bool descriptor_begins(const struct log_wish *wish, const struct log_call *call, int descriptor)
{
	size_t length;
	const char *path = log_descriptor_path(&call->before, descriptor, &length);

	if (path && begins(wish, path, length))
		return true;
	path = log_descriptor_path(&call->after, descriptor, &length);
	return path && begins(wish, path, length);
}

/* A path argument as it stands, and a relative one behind the directory of the descriptor before it. */
static bool path_begins(const struct log_wish *wish, const struct log_call *call, const struct syscall_row *row, size_t argument)
{
	char path[2 * PATH_MOST + 1];
	size_t length = log_memory_read(&call->before, call->arguments[argument], path, PATH_MOST, NULL), base;
	const char *directory;

	length = strnlen(path, length);
	if (length && begins(wish, path, length))
		return true;
	if (!length || *path == '/' || !argument || row->kinds[argument - 1] != KIND_AT_FD)
		return false;
	directory = log_descriptor_path(&call->before, (int)call->arguments[argument - 1], &base);
	if (!directory || base > PATH_MOST)
		return false;
	memmove(path + base + 1, path, length);
	memcpy(path, directory, base);
	path[base] = '/';
	return begins(wish, path, base + 1 + length);
}

static bool has_path(const struct log_wish *wish, const struct log_call *call)
{
	const struct syscall_row *row = row_of(call);

	if (!row)
		return false;
	if (call->begun_ns)
		for (size_t i = 0; i < SYSCALL_ARGUMENTS; i++)
			if ((row->kinds[i] == KIND_PATH && path_begins(wish, call, row, i)) ||
			    ((row->kinds[i] == KIND_FD || row->kinds[i] == KIND_AT_FD) &&
			     descriptor_begins(wish, call, (int)call->arguments[i])))
				return true;
	return row->result == RESULT_FD && call->result_known && call->result >= 0 &&
	       descriptor_begins(wish, call, (int)call->result);
}

bool log_filter_matches(const struct log_wish *wish, const struct log_call *call)
{
	if (call->kind == LOG_SIGNAL)
		return !wish->failed && !wish->slower_ns && !wish->path_length;
	return log_wanted(wish, call->number) && (!wish->failed || has_failed(call)) &&
	       (!wish->slower_ns || is_slow(call, wish->slower_ns)) && (!wish->path_length || has_path(wish, call));
}
