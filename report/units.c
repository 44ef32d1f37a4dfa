/* SPDX-License-Identifier: MIT */
/* Three significant digits in the largest unit that leaves a figure of at least 1; or all of them. */
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../preload/capture.h"

static const struct figure unknown = { "?" };

/* 1234567 -> "1,234,567" */
static void grouped(char *to, size_t room, uint64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t used = 0;

	for (int i = 0; i < length && used + 2 < room; i++) {
		if (i && (length - i) % 3 == 0)
			to[used++] = ',';
		to[used++] = digits[i];
	}
	to[used] = '\0';
}

struct figure figure_count(uint64_t count)
{
	struct figure figure = { "" };

	if (count == CAPTURE_UNKNOWN)
		return unknown;
	grouped(figure.text, sizeof(figure.text), count);
	return figure;
}

/* Three significant digits. The limits are where rounding would add a fourth. */
static void significant(char *to, size_t room, double value, const char *unit)
{
	snprintf(to, room, "%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, unit);
}

struct figure figure_bytes(uint64_t bytes, bool exact)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	struct figure figure = { "" };
	size_t unit = 0;

	if (bytes == CAPTURE_UNKNOWN)
		return unknown;
	if (exact || bytes < 1024) {
		grouped(figure.text, sizeof(figure.text) - 8, bytes);
		strcat(figure.text, exact ? bytes == 1 ? " byte" : " bytes" : " B");
		return figure;
	}
	while (value >= 1023.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	significant(figure.text, sizeof(figure.text), value, units[unit]);
	return figure;
}

struct figure figure_cell(int64_t bytes, bool exact)
{
	uint64_t size = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
	struct figure figure = figure_bytes(size, exact), result;

	if ((uint64_t)bytes == CAPTURE_UNKNOWN)
		return unknown;
	if (!bytes)
		strcpy(figure.text, "-");
	if (exact && bytes)
		figure.text[strcspn(figure.text, " ")] = '\0';
	if (bytes >= 0)
		return figure;
	snprintf(result.text, sizeof(result.text), "-%.46s", figure.text);
	return result;
}

struct figure figure_rate(uint64_t count, uint64_t over_ns)
{
	struct figure figure = { "" };

	if (count == CAPTURE_UNKNOWN || over_ns == CAPTURE_UNKNOWN || over_ns < 1000000)
		return unknown;
	grouped(figure.text, sizeof(figure.text) - 4, (uint64_t)((double)count * 1e9 / (double)over_ns + 0.5));
	strcat(figure.text, "/s");
	return figure;
}

struct figure figure_time(uint64_t ns, bool exact)
{
	struct figure figure = { "" };
	uint64_t seconds = ns / 1000000000;

	if (ns == CAPTURE_UNKNOWN)
		return unknown;
	if (exact)
		snprintf(figure.text, sizeof(figure.text), "%" PRIu64 ".%09" PRIu64 " s", seconds, ns % 1000000000);
	else if (!ns)
		strcpy(figure.text, "0 s");
	else if (ns < 1000)
		snprintf(figure.text, sizeof(figure.text), "%" PRIu64 " ns", ns);
	else if (ns < 999500)
		significant(figure.text, sizeof(figure.text), (double)ns / 1e3, "us");
	else if (ns < 999500000)
		significant(figure.text, sizeof(figure.text), (double)ns / 1e6, "ms");
	else if (seconds < 120)
		significant(figure.text, sizeof(figure.text), (double)ns / 1e9, "s");
	else if (seconds < 7200)
		snprintf(figure.text, sizeof(figure.text), "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
	else if (seconds < 172800)
		snprintf(figure.text, sizeof(figure.text), "%" PRIu64 " h %" PRIu64 " min", seconds / 3600,
			 seconds / 60 % 60);
	else
		snprintf(figure.text, sizeof(figure.text), "%" PRIu64 " days %" PRIu64 " h", seconds / 86400,
			 seconds / 3600 % 24);
	return figure;
}

struct figure figure_percent(uint64_t part, uint64_t whole)
{
	struct figure figure = { "" };
	double percent = whole ? 100.0 * (double)part / (double)whole : 0;

	if (part == CAPTURE_UNKNOWN || whole == CAPTURE_UNKNOWN || !whole)
		return unknown;
	if (part && percent < 1)
		strcpy(figure.text, "<1 %");
	else if (part < whole && percent > 99)
		strcpy(figure.text, ">99 %");
	else
		snprintf(figure.text, sizeof(figure.text), "%.0f %%", percent);
	return figure;
}

bool size_parse(const char *text, uint64_t least, uint64_t most, uint64_t *bytes)
{
	static const char suffixes[] = "KMGkmg";
	const char *suffix;
	char *end;

	errno = 0;
	*bytes = strtoull(text, &end, 10);
	suffix = *end ? strchr(suffixes, *end) : NULL;
	if (errno || end == text || *text < '0' || *text > '9' || (*end && (!suffix || end[1])) || *bytes > most)
		return false;
	if (suffix)
		*bytes <<= 10 * (1 + (suffix - suffixes) % 3);
	return *bytes >= least && *bytes <= most;
}
