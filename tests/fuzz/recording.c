/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer on the reader of recordings: captures that are damaged in some places go through the check, the tree, the
 * text and the JSON report. A capture is 150 kB of mostly zeros, which mutation at random would hardly ever touch where
 * it matters, so an input is a list of damages to three good captures that are relatives of each other:
 *
 *   byte 0     0x01, 0x02, 0x04: which of the captures are there; 0x08: exact; 0x10: all; 0x20: JSON;
 *              0x80: the rest is a file as it stands
 *   then       one damage after the other: capture, region, offset in it (2 bytes), length, so many bytes
 *
 * Beside crashes it looks for lines of more than 80 columns, for control characters in the text, and for JSON that is
 * none. An empty corpus directory on the command line is filled with seeds: each capture alone and together, and one
 * damage for each region.
 *
 * links: report
 */
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "../../report/check.h"
#include "../../report/complain.h"
#include "../../report/escape.h"
#include "../../report/report.h"
#include "../unit/report_synthetic.h"

#define CAPTURES 3
#define PID(n)   (5000000u + (n))       /* above the largest that the kernel gives */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define REGION(first, after) { offsetof(struct capture, first), offsetof(struct capture, after) }
static const struct { size_t first, after;
} regions[] = {
	REGION(magic, exe),
	REGION(exe, argv),
	REGION(argv, ended),
	REGION(ended, anatomy),
	REGION(anatomy, marks),
	REGION(marks, samples),
	REGION(samples, mappings),
	REGION(mappings, children_born),
	REGION(children_born, counters[0]),
	REGION(counters[0], counters[3]),
	{ offsetof(struct capture, counters[3]), sizeof(struct capture) },
};
#define REGIONS (sizeof(regions) / sizeof(regions[0]))

static struct capture good[CAPTURES], damaged[CAPTURES], buffer;
static char names[CAPTURES][32] = { "5000001.0.capture", "5000002.0.capture", "5000002.1.capture" };

static const struct capture *from_memory(const char *file)
{
	for (size_t i = 0; i < CAPTURES; i++)
		if (!strcmp(file, names[i]))
			return &damaged[i];
	abort();
}

/* A parent, its child, and what the child executed. */
static void make_good(void)
{
	synthetic_capture(&good[0], PID(1), 1, 0, BORN_START, 100 * SECOND);
	synthetic_child(&good[0], 0, PID(2), BORN_FORK, 101 * SECOND, 104 * SECOND, 9);
	synthetic_child(&good[0], 1, PID(3), BORN_VFORK, 102 * SECOND, 103 * SECOND, 0x300);
	strcpy(good[0].exec_path, "/bin/true");
	synthetic_capture(&good[1], PID(2), PID(1), 0, BORN_FORK, 101 * SECOND);
	good[1].ended = ENDED_EXEC;
	synthetic_capture(&good[2], PID(2), PID(1), 1, BORN_EXEC, 102 * SECOND);
	good[2].ended = ENDED_NOT;
	good[2].notes[0] = (struct capture_noted){ NOTE_PEAK_BOUND, 0, 1 };
}

static void put_seed(const char *directory, size_t number, const uint8_t *bytes, size_t size)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/seed-%02zu", directory, number);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		perror(path);
	if (fd >= 0)
		close(fd);
}

static void put_seeds(const char *directory)
{
	size_t number = 0;

	for (uint8_t which = 1; which < 1 << (CAPTURES + 3); which++)
		put_seed(directory, number++, &which, 1);
	for (uint8_t region = 0; region < REGIONS; region++) {
		const uint8_t damage[] = {
			region & 1 ? 0x3f : 0x1f, region % CAPTURES, region, region, 0, 4, 0xff, 0xff, 0xff, 0x7f
		};

		put_seed(directory, number++, damage, sizeof(damage));
	}
	put_seed(directory, number, (const uint8_t *)"\x80" CAPTURE_MAGIC "\x01\0\0", 12);
}

static bool is_empty(const char *path)
{
	DIR *directory = opendir(path);
	int entries = 0;

	while (directory && readdir(directory))
		entries++;
	if (directory)
		closedir(directory);
	return directory && entries == 2; /* . and .. */
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	complain_fd = -1;
	make_good();
	for (int i = 1; i < *argc; i++)
		if ((*argv)[i][0] != '-' && is_empty((*argv)[i]))
			put_seeds((*argv)[i]);
	return 0;
}

static void damage(const uint8_t *data, size_t size)
{
	while (size >= 5) {
		char *capture = (char *)&damaged[data[0] % CAPTURES];
		size_t region = data[1] % REGIONS, extent = regions[region].after - regions[region].first;
		size_t at = (data[2] | (size_t)data[3] << 8) * 4 % extent, length = data[4];

		data += 5;
		size -= 5;
		length = length > size ? size : length;
		if (length > extent - at)
			length = extent - at;
		memcpy(capture + regions[region].first + at, data, length);
		data += length;
		size -= length;
	}
}

static void expect(bool good_so_far, const char *what)
{
	if (good_so_far)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void look_at_text(char *text)
{
	char *line, *rest = text;

	for (const char *c = text; *c; c++)
		expect((unsigned char)*c >= ' ' || *c == '\n', "a control character in the text");
	while ((line = strsep(&rest, "\n")))
		expect(text_columns(line) <= PAGE_COLUMNS, line);
}

static char *render(const struct recording *recording, struct report_options options)
{
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	report_write(recording, &options, to);
	fclose(to);
	expect(strlen(text) == length, "a zero byte in the report");
	return text;
}

static void report_once(const struct recording *recording, uint8_t how)
{
	struct report_options options = { .format = how & 0x20 ? FORMAT_JSON : FORMAT_TEXT,
					  .exact = how & 0x08,
					  .all = how & 0x10 };
	char *text = render(recording, options);
	json_t *document;

	if (options.format == FORMAT_TEXT) {
		look_at_text(text);
	} else {
		document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		expect(document != NULL, "JSON that is none");
		json_decref(document);
	}
	free(text);
}

/* A file of any size and content. */
static void check_raw(const uint8_t *data, size_t size)
{
	char defect[160] = "";
	size_t read = size < sizeof(buffer) ? size : sizeof(buffer);

	memset(&buffer, 0, sizeof(buffer));
	memcpy(&buffer, data, read);
	check_capture(&buffer, read, size, defect, sizeof(defect));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording *recording;

	if (!size)
		return 0;
	if (data[0] & 0x80) {
		check_raw(data + 1, size - 1);
		return 0;
	}
	memcpy(damaged, good, sizeof(damaged));
	damage(data + 1, size - 1);
	recording = recording_new("fuzz");
	recording->memory = from_memory;
	for (size_t i = 0; i < CAPTURES; i++)
		if (data[0] & 1 << i) {
			memcpy(&buffer, &damaged[i], sizeof(buffer));
			recording_add(recording, names[i], &buffer);
		}
	if (recording->count) {
		recording_link(recording);
		report_once(recording, data[0]);
	}
	recording_close(recording);
	return 0;
}
