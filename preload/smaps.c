/* SPDX-License-Identifier: MIT */
/*
 * The kernel writes whole mappings into each read, at most a page of text at a time, so a line is never longer than the buffer
 * unless a path is: then its beginning is passed over. A mapping is complete when the next one's first line is seen.
 */
#include "smaps.h"

#include <string.h>

#include "sys.h"
#include "text.h"

#define LESS_THAN_A_MAPPING 512         /* the kernel's text of one has some 700 bytes: then it looks at no second one */

void smaps_begin(struct smaps *smaps, int fd, bool detailed)
{
	smaps->fd = fd;
	smaps->detailed = detailed;
	smaps->finished = false;
	smaps->used = smaps->next = 0;
	smaps->error = 0;
	smaps->most = sizeof(smaps->buffer);
}

void smaps_singly(struct smaps *smaps)
{
	smaps->most = LESS_THAN_A_MAPPING;
}

uint64_t scan_hex(const char **text)
{
	uint64_t value = 0;

	for (;; (*text)++) {
		char c = **text;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return value;
	}
}

uint64_t scan_decimal(const char **text)
{
	uint64_t value = 0;

	while (**text == ' ' || **text == '\t')
		(*text)++;
	for (; **text >= '0' && **text <= '9'; (*text)++)
		value = value * 10 + (uint64_t)(**text - '0');
	return value;
}

/* The next line, NUL in place of its newline; of one longer than the buffer, its beginning and its end. NULL: no more. */
static char *next_line(struct smaps *smaps)
{
	for (;;) {
		char *line = smaps->buffer + smaps->next;
		uint32_t rest = smaps->used - smaps->next;
		char *newline = memchr(line, '\n', rest);
		long got;

		if (newline) {
			*newline = '\0';
			smaps->next = (uint32_t)(newline - smaps->buffer) + 1;
			return line;
		}
		if (smaps->finished)
			return NULL;
		if (rest >= sizeof(smaps->buffer) - 256) { /* keep the first part, which has the numbers, and the newest bytes */
			memmove(smaps->buffer, line, 128);
			memmove(smaps->buffer + 128, line + rest - 1024, 1024);
			smaps->next = 0;
			smaps->used = 128 + 1024;
			continue;
		}
		memmove(smaps->buffer, line, rest);
		smaps->next = 0;
		smaps->used = rest;
		got = sys_read(smaps->fd, smaps->buffer + rest, min_u64(smaps->most, sizeof(smaps->buffer) - rest));
		if (got <= 0) {
			smaps->finished = true;
			smaps->error = (int)got;
			continue;
		}
		smaps->used += (uint32_t)got;
	}
}

static bool skip(const char **line, char expected)
{
	return **line == expected && *++*line;
}

/* "start-end rwxp offset major:minor inode   name": proc(5), /proc/pid/maps. What follows a character out of place is left 0. */
static void parse_first_line(const char *line, struct mapping *mapping)
{
	size_t length;

	memset(mapping, 0, offsetof(struct mapping, name) + 1);
	mapping->start = scan_hex(&line);
	if (!skip(&line, '-'))
		return;
	mapping->end = scan_hex(&line);
	if (!skip(&line, ' ') || strnlen(line, 5) < 5 || line[4] != ' ')
		return;
	mapping->protection = (line[0] == 'r' ? PROT_READ : 0U) | (line[1] == 'w' ? PROT_WRITE : 0U) | (line[2] == 'x' ? PROT_EXEC : 0U);
	mapping->shared = line[3] == 's';
	line += 5;
	mapping->offset = scan_hex(&line);
	if (!skip(&line, ' '))
		return;
	mapping->device = scan_hex(&line) << 32;
	if (!skip(&line, ':'))
		return;
	mapping->device |= scan_hex(&line);
	mapping->inode = scan_decimal(&line);
	while (*line == ' ')
		line++;
	length = strlen(line);
	if (length >= sizeof(mapping->name)) {
		line += length - (sizeof(mapping->name) - 1);
		length = sizeof(mapping->name) - 1;
	}
	memcpy(mapping->name, line, length + 1);
}

static bool is_first_line(const char *line)
{
	return (*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f');
}

/* "Key:   123 kB" */
static void parse_detail(const char *line, struct mapping *mapping)
{
	static const struct { const char *key; uint16_t length, field; } details[] = {
#define DETAIL(key, field) { key, sizeof(key) - 1, offsetof(struct mapping, field) }
		DETAIL("Rss:", resident), DETAIL("Shared_Clean:", shared_resident), DETAIL("Shared_Dirty:", shared_resident),
		DETAIL("Shared_Dirty:", dirty), DETAIL("Private_Dirty:", dirty), DETAIL("Swap:", swap),
		DETAIL("Anonymous:", anonymous), DETAIL("AnonHugePages:", huge), DETAIL("ShmemPmdMapped:", huge), DETAIL("FilePmdMapped:", huge),
		DETAIL("Shared_Hugetlb:", hugetlb_bytes), DETAIL("Private_Hugetlb:", hugetlb_bytes),
	};

	for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
		const char *number = line + details[i].length;

		if (*line == *details[i].key && !strncmp(line, details[i].key, details[i].length))
			*(uint64_t *)(void *)((char *)mapping + details[i].field) += scan_decimal(&number) << 10;
	}
	if (*line == 'T' && !strncmp(line, "THPeligible:", 12)) {
		line += 12;
		mapping->thp_eligible = scan_decimal(&line) == 1;
	}
	if (*line == 'V' && !strncmp(line, "VmFlags:", 8)) { /* two letters each, with a blank before */
		mapping->locked = strstr(line, " lo") != NULL;
		mapping->hugetlb = strstr(line, " ht") != NULL;
	}
}

bool smaps_next(struct smaps *smaps, struct mapping *mapping)
{
	char *line = next_line(smaps);

	if (!line)
		return false;
	parse_first_line(line, mapping);
	while (smaps->detailed && (line = next_line(smaps))) {
		if (is_first_line(line)) { /* the next mapping's: put it back */
			line[strlen(line)] = '\n';
			smaps->next = (uint32_t)(line - smaps->buffer);
			break;
		}
		parse_detail(line, mapping);
	}
	return true;
}

int proc_open(int pid, const char *name)
{
	char path[64];
	struct text text = text_begin(path, sizeof(path));
	int fd;

	text_add(&text, "/proc/");
	if (pid)
		text_add_number(&text, (uint64_t)pid);
	else /* the first thread may have left: its files are empty then (proc(5)) */
		text_add(&text, sys_gettid() == sys_getpid() ? "self" : "thread-self");
	text_add(&text, "/");
	text_add(&text, name);
	fd = sys_open(path, O_RDONLY, 0);
	return fd < 0 && !pid ? kept_file(name) : fd;
}
