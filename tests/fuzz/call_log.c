/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer on the reader of call logs. A log is mostly room, which mutation at random would hardly ever touch where it matters, so an input
 * is a log in short, made whole here:
 *
 *   byte 0     how it is printed: 0x03 text, JSON, trace; 0x04 durations; 0x08 descriptors; 0x10 only the last calls; 0x20 a filter;
 *              0x40 with a recording; 0x80: the rest is a file as it stands
 *   then       records: how it differs from the one before (1 byte), kind, number, bytes of pieces that follow, and those:
 *              0x0f the thread; 0x10 a new chunk; 0x20 the number of the call goes on; 0x40 the record is not complete;
 *              0x80 the next 8 bytes are damage: an offset in the chunk, and what is written there
 *
 * Beside crashes it looks for calls out of order, for control characters in the text and for JSON that is none.
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

#include "../../report/complain.h"
#include "../../report/log_write.h"
#include "../unit/log_synthetic.h"
#include "../unit/report_synthetic.h"

#define PID(n)   (5000000u + (n))       /* above the largest that the kernel gives */
#define CHUNKS   4
#define THREADS  4
#define DAMAGES  16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct capture good[2], buffer;
static const char *const names[] = { "5000001.0.capture", "5000002.0.capture" };

static const struct capture *from_memory(const char *file)
{
	return &good[!strcmp(file, names[1])];
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
	/* An open with its path and result, calls within a call, a signal, an exec, a second thread. */
	static const uint8_t records[] = {
		0x10, LOG_CALL, 1, 28,
		0x00, 0x10, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, '/', 'e', 't', 'c', '/', 'p', 'a', 's', 's', 'w', 'd', 0,
		0x00, LOG_RESULT, 1, 0, 0x20, LOG_CALL, 34, 0, 0x20, LOG_CALL, 39, 0, 0x00, LOG_RESULT, 39, 0, 0x01, LOG_SIGNAL, 17, 0,
		0x11, LOG_CALL, 0, 0, 0x01, LOG_RESULT, 0, 0, 0x20, LOG_CALL, 59, 0, 0x80, 40, 0, 0xff, 0xff, 0, 0, 0, 0,
	};
	static struct synthetic_log whole;
	uint8_t seed[sizeof(records) + 1];
	unsigned char *raw;

	for (uint8_t how = 0; how < 0x80; how = (uint8_t)(how + 5)) {
		seed[0] = how;
		memcpy(seed + 1, records, sizeof(records));
		put_seed(directory, how, seed, sizeof(seed));
	}
	synthetic_log_begin(&whole, 1);
	synthetic_chunk(&whole, PID(1), PID(1), 0, "x");
	synthetic_call(&whole, 1, 1, 0, 0, 0, 0);
	raw = calloc(1, whole.size + 1);
	raw[0] = 0x80;
	memcpy(raw + 1, whole.bytes, whole.size);
	put_seed(directory, 0x80, raw, 1 + LOG_HEADER_BYTES + whole.chunk->used);
	free(raw);
	synthetic_log_end(&whole);
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
	synthetic_capture(&good[0], PID(1), 1, 0, BORN_START, SYNTHETIC_BEGUN_NS);
	synthetic_child(&good[0], 0, PID(2), BORN_FORK, SYNTHETIC_BEGUN_NS + 1000, 2 * SECOND, 9);
	synthetic_capture(&good[1], PID(2), PID(1), 0, BORN_FORK, SYNTHETIC_BEGUN_NS + 1000);
	good[1].ended = ENDED_EXEC;
	for (int i = 1; i < *argc; i++)
		if ((*argv)[i][0] != '-' && is_empty((*argv)[i]))
			put_seeds((*argv)[i]);
	return 0;
}

static void expect(bool good_so_far, const char *what)
{
	if (good_so_far)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* Done when the rest is there, so that the rest can be made. */
struct damage {
	unsigned char *to;
	const uint8_t *bytes;
};

static struct damage damage_at(struct log_chunk *chunk, const uint8_t *data)
{
	return (struct damage){ (unsigned char *)chunk + (data[0] | (size_t)data[1] << 8) % (chunk->used - 6), data + 2 };
}

/* The log that an input is short for. */
static void make(struct synthetic_log *log, const uint8_t *data, size_t size)
{
	struct log_chunk *chunks[THREADS] = { NULL };
	struct damage damages[DAMAGES];
	size_t damaged = 0;
	uint32_t call = 0;
	uint64_t at_ns = 0;

	while (size >= 4) {
		size_t thread = data[0] % THREADS, pieces = data[3];
		struct log_record *record;

		if (!chunks[thread] || data[0] & 0x10 || synthetic_is_full(chunks[thread]))
			chunks[thread] = synthetic_chunk(log, PID(1 + thread % 2), PID(1 + thread), data[2] >> 7, "fuzz");
		log->chunk = chunks[thread];
		call += data[0] >> 5 & 1;
		record = synthetic_record(log, data[1], data[2] | (data[1] & 0x80 ? 256 : 0), call, SYNTHETIC_BEGUN_NS + at_ns);
		at_ns += 10;
		record->state = data[0] & 0x40 ? data[2] % 4 : LOG_COMPLETE;
		record->result_known = 1;
		record->values[0] = data[2] & 1 ? (uint64_t)-data[2] : data[2];
		record->values[1] = 0x1000;
		pieces = pieces < size - 4 ? pieces : size - 4;
		memcpy(record + 1, data + 4, pieces);
		record->piece_bytes = (uint16_t)((pieces + 7) & ~7U);
		record->bytes = (uint16_t)(record->bytes + record->piece_bytes);
		log->chunk->used += record->piece_bytes;
		if (data[0] & 0x80 && size - 4 - pieces >= 8) {
			if (damaged < DAMAGES)
				damages[damaged++] = damage_at(log->chunk, data + 4 + pieces);
			pieces += 8;
		}
		data += 4 + pieces;
		size -= 4 + pieces;
	}
	while (damaged--)
		memcpy(damages[damaged].to, damages[damaged].bytes, 6);
}

static int file_of(const uint8_t *data, size_t size)
{
	struct synthetic_log log;
	int fd;

	if (data[0] & 0x80) {
		fd = memfd_create("log", MFD_CLOEXEC);
		if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
			abort();
		return fd;
	}
	synthetic_log_begin(&log, CHUNKS);
	make(&log, data + 1, size - 1);
	fd = synthetic_log_file(&log);
	synthetic_log_end(&log);
	return fd;
}

static struct recording *make_recording(void)
{
	struct recording *recording = recording_new("fuzz");

	recording->memory = from_memory;
	for (size_t i = 0; i < 2; i++) {
		memcpy(&buffer, &good[i], sizeof(buffer));
		recording_add(recording, names[i], &buffer);
	}
	recording_link(recording);
	return recording;
}

/* All that stands in the log comes out once; of each thread in the order of its records. */
static void look_at_calls(const struct log_file *log)
{
	struct log_stream stream;
	struct log_call call;
	uint64_t calls = 0, signals = 0, orphans = 0, unfinished = 0;

	log_stream_open(&stream, log);
	while (log_stream_next(&stream, &call)) {
		calls += call.kind == LOG_CALL && call.begun_ns;
		signals += call.kind == LOG_SIGNAL;
		orphans += call.kind == LOG_CALL && !call.begun_ns;
		unfinished += call.kind == LOG_CALL && !call.ended_ns;
		expect(!call.begun_ns || !call.ended_ns || call.ended_ns >= call.begun_ns, "a call that ended before it began");
	}
	log_stream_close(&stream);
	expect(calls == log->counts.calls && signals == log->counts.signals && orphans == log->counts.orphans, "calls are not those that were counted");
	expect(unfinished == log->counts.unfinished, "results are not those that were counted");
}

static void look_at_text(const char *text)
{
	for (const char *c = text; *c; c++)
		expect((unsigned char)*c >= ' ' || *c == '\n', "a control character in the text");
}

static void look_at_json(char *text, bool lines)
{
	char *line, *rest = text;

	while ((line = lines ? strsep(&rest, "\n") : rest)) {
		json_t *document = *line ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : json_null();

		expect(document != NULL, "JSON that is none");
		json_decref(document);
		rest = lines ? rest : NULL;
	}
}

static void write_it(const struct log_file *log, uint8_t how)
{
	static const struct log_format *const formats[] = { &log_text, &log_json, &log_chrome, &log_text };
	struct log_options options = { .time = (enum log_time)(how % LOG_TIMES), .duration = how & 0x04, .descriptors = how & 0x08,
				       .last = how & 0x10 ? 3 : 0 };
	struct recording *recording = how & 0x40 ? make_recording() : NULL;
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (how & 0x20)
		free(log_filter_wish("%file,path=/etc", &options.filter));
	else
		log_filter_all(&options.filter);
	log_write(formats[how % 4], &options, log, recording, to);
	fclose(to);
	expect(strlen(text) == length, "a zero byte in it");
	if (how % 4 == 1 || how % 4 == 2)
		look_at_json(text, how % 4 == 1);
	else
		look_at_text(text);
	free(text);
	recording_close(recording);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log_file *log;

	if (!size)
		return 0;
	log = log_file_read(file_of(data, size), "fuzz");
	if (!log)
		return 0;
	look_at_calls(log);
	write_it(log, data[0] & 0x7f);
	log_file_close(log);
	return 0;
}
