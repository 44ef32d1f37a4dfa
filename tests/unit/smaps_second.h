/* SPDX-License-Identifier: MIT */
/* A second reader of smaps and maps, made of sscanf, and the comparison of the two over a text. */
#ifndef PAGEGAP_TEST_SMAPS_SECOND_H
#define PAGEGAP_TEST_SMAPS_SECOND_H

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../preload/smaps.h"
#include "../../preload/sys.h"

#define MAPPINGS_MAX 4096

static struct mapping expected[MAPPINGS_MAX];

/* The second reader. Only lines that end with a newline count. Returns the number of mappings put into `expected`. */

static inline bool scan_first_line(const char *line, struct mapping *m)
{
	unsigned long start, end, offset, inode;
	unsigned major, minor;
	char access[5];
	int name = 0;
	size_t length;

	if (sscanf(line, "%lx-%lx %4c %lx %x:%x %lu %n", &start, &end, access, &offset, &major, &minor, &inode,
		   &name) != 7)
		return false;
	memset(m, 0, sizeof(*m));
	m->start = start;
	m->end = end;
	m->protection = (access[0] == 'r' ? PROT_READ : 0U) | (access[1] == 'w' ? PROT_WRITE : 0U) |
			(access[2] == 'x' ? PROT_EXEC : 0U);
	m->shared = access[3] == 's';
	m->offset = offset;
	m->device = (uint64_t)major << 32 | minor;
	m->inode = inode;
	length = strlen(line + name);
	snprintf(m->name, sizeof(m->name), "%s",
		 line + name + (length >= sizeof(m->name) ? length - sizeof(m->name) + 1 : 0));
	return true;
}

static inline void scan_detail(const char *line, struct mapping *m)
{
	unsigned long kilobytes;
	char key[64];

	if (sscanf(line, "%63[^: ]: %lu", key, &kilobytes) != 2)
		return;
	m->resident += !strcmp(key, "Rss") ? kilobytes << 10 : 0;
	m->dirty += !strcmp(key, "Shared_Dirty") || !strcmp(key, "Private_Dirty") ? kilobytes << 10 : 0;
	m->shared_resident += !strcmp(key, "Shared_Dirty") || !strcmp(key, "Shared_Clean") ? kilobytes << 10 : 0;
	m->swap += !strcmp(key, "Swap") ? kilobytes << 10 : 0;
	if (!strcmp(key, "AnonHugePages") || !strcmp(key, "ShmemPmdMapped") || !strcmp(key, "FilePmdMapped"))
		m->huge += kilobytes << 10;
	m->thp_eligible = !strcmp(key, "THPeligible") ? kilobytes == 1 : m->thp_eligible;
}

static inline size_t scan_all(const char *text, size_t length, bool detailed)
{
	static char line[1 << 14];
	size_t count = 0;

	for (const char *newline; (newline = memchr(text, '\n', length)); text = newline + 1) {
		size_t bytes = (size_t)(newline - text);

		length -= bytes + 1;
		assert_true(bytes < sizeof(line) && count < MAPPINGS_MAX);
		memcpy(line, text, bytes);
		line[bytes] = '\0';
		if (scan_first_line(line, &expected[count]))
			count++;
		else if (detailed && count)
			scan_detail(line, &expected[count - 1]);
	}
	return count;
}

/* Comparing the two */

static inline void compare_mappings(int fd, size_t count, bool detailed, const char *where, size_t detail)
{
	struct smaps *smaps = test_malloc(sizeof(*smaps));
	struct mapping m;

	smaps_begin(smaps, fd, detailed);
	for (size_t i = 0; i < count; i++) {
		const struct mapping *e = &expected[i];

		memset(&m, 0xff, sizeof(m)); /* nothing may depend on what was there before */
		if (!smaps_next(smaps, &m))
			fail_msg("%s %zu: %zu mappings of %zu were read", where, detail, i, count);
		if (m.start != e->start || m.end != e->end || m.protection != e->protection || m.shared != e->shared ||
		    m.offset != e->offset || m.device != e->device || m.inode != e->inode || strcmp(m.name, e->name))
			fail_msg("%s %zu: mapping %zu: %#lx-%#lx, '%s', was read as %#lx-%#lx, '%s'", where, detail, i,
				 e->start, e->end, e->name, m.start, m.end, m.name);
		if (m.resident != e->resident || m.dirty != e->dirty || m.shared_resident != e->shared_resident ||
		    m.swap != e->swap || m.huge != e->huge || m.thp_eligible != e->thp_eligible)
			fail_msg("%s %zu: mapping %zu: a figure differs: resident %lu dirty %lu shared %lu swap %lu "
				 "huge %lu eligible %d",
				 where, detail, i, m.resident, m.dirty, m.shared_resident, m.swap, m.huge,
				 m.thp_eligible);
	}
	if (smaps_next(smaps, &m))
		fail_msg("%s %zu: more than %zu mappings were read", where, detail, count);
	assert_int_equal(smaps->error, 0);
	test_free(smaps);
}

/* The text as a file; its first @length bytes. */
static inline void compare_as_file(const char *text, size_t length, bool detailed, const char *where)
{
	int fd = memfd_create("smaps", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	lseek(fd, 0, SEEK_SET);
	compare_mappings(fd, scan_all(text, length, detailed), detailed, where, length);
	close(fd);
}

/*
 * The text in pieces of @piece bytes, the first one shorter: packets, because a read returns one of them and no more.
 */
static inline void compare_in_pieces(const char *text, size_t first, size_t piece, bool detailed, const char *where)
{
	size_t length = strlen(text);
	int room = 1 << 22, ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	for (size_t at = 0, bytes = first; at < length; at += bytes, bytes = piece) {
		bytes = bytes < length - at ? bytes : length - at;
		if (bytes && send(ends[1], text + at, bytes, MSG_DONTWAIT) != (ssize_t)bytes)
			fail_msg("the socket holds %zu bytes of %zu", at, length);
	}
	shutdown(ends[1], SHUT_WR);
	compare_mappings(ends[0], scan_all(text, length, detailed), detailed, where, first);
	close(ends[0]);
	close(ends[1]);
}

#endif
