/* SPDX-License-Identifier: MIT */
/*
 * Lines "START SIZE name", numbers in hexadecimal (Linux, tools/perf/Documentation/jit-interface.txt). Anybody can put such a file into
 * /tmp, so it counts only where its owner is the user or root, as for perf itself. Code moves and its place is taken by other code: the
 * last line that has an address is right.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "symbols_internal.h"

#define MAP_BYTES ((size_t)64 << 20)   /* what is behind is not read */
#define NAME_BYTES 4096

/* As much as there is now of a file that may grow while it is read; terminated. */
static void read_all(struct symbol_perf_map *map, int fd)
{
	size_t room = 65536;

	map->text = memory_get(room);
	for (;;) {
		ssize_t got = read(fd, map->text + map->text_bytes, room - 1 - map->text_bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		map->text_bytes += (size_t)got;
		if (room - 1 - map->text_bytes)
			continue;
		if (room >= MAP_BYTES)
			break;
		map->text = memory_more(map->text, room *= 2);
	}
	map->text[map->text_bytes] = '\0';
}

/* Leaves *@at behind the digits; false: there are none, or too many. */
static bool read_hex(const char **at, uint64_t *number)
{
	unsigned count = 0;

	if (!strncmp(*at, "0x", 2))
		*at += 2;
	for (*number = 0; isxdigit((unsigned char)**at); ++*at, count++)
		*number = *number << 4 | (uint64_t)(isdigit((unsigned char)**at) ? **at - '0' : (**at | 0x20) - 'a' + 10);
	return count && count <= 16;
}

static void read_line(struct symbol_perf_map *map, char *line)
{
	const char *at = line;
	uint64_t start, size;
	char *name;

	if (!read_hex(&at, &start) || *at++ != ' ' || !read_hex(&at, &size) || *at++ != ' ' || !*at || size > UINT64_MAX - start)
		return;
	name = line + (at - line);
	if (strlen(name) > NAME_BYTES)
		name[NAME_BYTES] = '\0';
	symbol_ranges_add(&map->functions, start, start + size, (uint32_t)(name - map->text));
}

static void read_lines(struct symbol_perf_map *map)
{
	char *end = map->text + map->text_bytes;

	for (char *line = map->text, *next; line < end; line = next) {
		char *newline = memchr(line, '\n', (size_t)(end - line));

		next = newline ? newline + 1 : end;
		if (newline)
			*newline = '\0';
		read_line(map, line);
	}
	symbol_ranges_settle(&map->functions);
}

static enum symbol_file judge(const struct stat *status, const struct symbol_module *module)
{
	uint64_t written = (uint64_t)status->st_mtim.tv_sec * 1000000000 + (uint64_t)status->st_mtim.tv_nsec;

	if (status->st_uid && status->st_uid != geteuid())
		return SYMBOL_FILE_UNREADABLE;
	return written < module->since_ns ? SYMBOL_FILE_REPLACED : SYMBOL_FILE_SAME;
}

enum symbol_file symbol_perf_map_read(struct symbol_perf_map *map, const struct symbol_module *module)
{
	int fd = symbol_file_descriptor(module->path);
	enum symbol_file file = SYMBOL_FILE_UNREADABLE;
	struct stat status;

	*map = (struct symbol_perf_map){ 0 };
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? SYMBOL_FILE_DELETED : SYMBOL_FILE_UNREADABLE;
	if (!fstat(fd, &status))
		file = judge(&status, module);
	if (file == SYMBOL_FILE_SAME) {
		read_all(map, fd);
		read_lines(map);
	}
	close(fd);
	return file;
}

const char *symbol_perf_map_at(const struct symbol_perf_map *map, uint64_t address)
{
	const struct symbol_range *found = symbol_ranges_find(&map->functions, address);

	return found ? map->text + found->value : NULL;
}

void symbol_perf_map_free(struct symbol_perf_map *map)
{
	free(map->text);
	symbol_ranges_free(&map->functions);
	*map = (struct symbol_perf_map){ 0 };
}
