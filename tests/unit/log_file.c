/* SPDX-License-Identifier: MIT */
/*
 * Reading call logs: threads are merged by time, results find their calls, and whatever stands in the file is read without harm.
 * links: report/log_file.c report/log_record.c report/log_stream.c report/log_call.c report/memory.c report/complain.c report/escape.c report/progress.c
 * links: report/figures.c report/units.c report/calls.c report/syscalls.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../report/complain.h"
#include "../../report/log_stream.h"
#include "log_synthetic.h"
#include "random.h"

#define AT(ns) (SYNTHETIC_BEGUN_NS + (ns))

static struct synthetic_log made;
static struct log_file *file;
static struct log_stream stream;

static int begin(void **state)
{
	(void)state;
	synthetic_log_begin(&made, 16);
	return 0;
}

static int end(void **state)
{
	(void)state;
	if (file) {
		log_stream_close(&stream);
		log_file_close(file);
	}
	file = NULL;
	synthetic_log_end(&made);
	return 0;
}

static void open_it(void)
{
	file = log_file_read(synthetic_log_file(&made), "log");
	assert_non_null(file);
	log_stream_open(&stream, file);
}

static struct log_call next(void)
{
	struct log_call call;

	assert_true(log_stream_next(&stream, &call));
	return call;
}

static void expect_end(void)
{
	struct log_call call;

	assert_false(log_stream_next(&stream, &call));
}

static void threads_are_merged_by_time(void **state)
{
	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "first");
	for (uint32_t i = 0; i < 10; i++) {
		synthetic_call(&made, SYS_read, i, 100 * i, 3, 0, 0);
		synthetic_result(&made, SYS_read, i, 100 * i + 50, i);
	}
	synthetic_chunk(&made, 10, 11, 0, "second");
	for (uint32_t i = 0; i < 10; i++) {
		synthetic_call(&made, SYS_write, i, 100 * i + 25, 1, 0, 0);
		synthetic_result(&made, SYS_write, i, 100 * i + 90, i);
	}
	open_it();
	for (uint32_t i = 0; i < 20; i++) {
		struct log_call call = next();

		assert_int_equal(call.tid, i % 2 ? 11 : 10);
		assert_string_equal(call.comm, i % 2 ? "second" : "first");
		assert_int_equal(call.number, i % 2 ? SYS_write : SYS_read);
		assert_int_equal(call.begun_ns, AT(100 * (i / 2) + (i % 2 ? 25 : 0)));
		assert_int_equal(call.ended_ns - call.begun_ns, i % 2 ? 65 : 50);
		assert_int_equal(call.result, i / 2);
		assert_int_equal(call.arguments[0], i % 2 ? 1 : 3);
	}
	expect_end();
	assert_int_equal(file->counts.calls, 20);
	assert_int_equal(file->counts.unfinished, 0);
}

static void a_handlers_calls_are_within_the_call_that_waits(void **state)
{
	struct log_call call;

	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_pause, 1, 0, 0, 0, 0);
	for (uint32_t i = 2; i < 100; i++) {
		synthetic_call(&made, SYS_getpid, i, 10 * i, 0, 0, 0);
		synthetic_result(&made, SYS_getpid, i, 10 * i + 1, 7);
	}
	synthetic_result(&made, SYS_pause, 1, 5000, -EINTR);
	open_it();
	call = next();
	assert_int_equal(call.number, SYS_pause);
	assert_int_equal(call.result, -EINTR);
	assert_int_equal(call.ended_ns, AT(5000));
	for (uint32_t i = 2; i < 100; i++)
		assert_int_equal(next().ended_ns, AT(10 * i + 1));
	expect_end();
}

static void a_result_may_be_in_another_chunk(void **state)
{
	struct log_call call;

	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_read, 1, 0, 0, 0, 0);
	synthetic_chunk(&made, 20, 20, 0, "y");
	synthetic_call(&made, SYS_getpid, 1, 10, 0, 0, 0);
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_result(&made, SYS_read, 1, 20, 4);
	synthetic_piece(&made, 0x1000, "abcd", 4, false);
	open_it();
	call = next();
	assert_int_equal(call.result, 4);
	assert_int_equal(call.after.bytes, sizeof(struct log_piece) + 8);
	assert_memory_equal(call.after.pieces + sizeof(struct log_piece), "abcd", 4);
	call = next();
	assert_int_equal(call.tid, 20);
	assert_int_equal(call.ended_ns, 0);
	expect_end();
	assert_int_equal(file->counts.unfinished, 1);
	assert_int_equal(file->counts.orphans, 0);
}

static void calls_that_a_longjmp_left_are_unfinished(void **state)
{
	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	for (uint32_t i = 0; i < 100; i++) {
		synthetic_call(&made, SYS_pause, 2 * i, 10 * i, 0, 0, 0);
		synthetic_call(&made, SYS_getpid, 2 * i + 1, 10 * i + 1, 0, 0, 0);
		synthetic_result(&made, SYS_getpid, 2 * i + 1, 10 * i + 2, 1);
	}
	open_it();
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(next().ended_ns, 0);
		assert_int_equal(next().ended_ns, AT(10 * i + 2));
	}
	expect_end();
	assert_int_equal(file->counts.unfinished, 100);
}

static void what_was_withdrawn_is_left_out(void **state)
{
	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_read, 1, 0, 0, 0, 0)->state = LOG_WITHDRAWN;
	synthetic_result(&made, SYS_read, 1, 10, 0);
	synthetic_call(&made, SYS_write, 2, 20, 0, 0, 0);
	synthetic_result(&made, SYS_write, 2, 30, 0);
	synthetic_call(&made, SYS_close, 3, 40, 0, 0, 0)->state = LOG_UNFINISHED;
	open_it();
	assert_int_equal(next().number, SYS_write);
	expect_end();
	assert_int_equal(file->counts.calls, 1);
	assert_int_equal(file->counts.orphans, 0);
	assert_int_equal(file->counts.bad_records, 0);
}

static void a_result_may_withdraw_its_call(void **state)
{
	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_read, 1, 0, 0, 0, 0);
	synthetic_result(&made, SYS_read, 1, 10, 0)->state = LOG_WITHDRAWN;
	synthetic_call(&made, SYS_write, 2, 20, 0, 0, 0);
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_close, 3, 30, 0, 0, 0);
	synthetic_result(&made, SYS_close, 3, 40, 0);
	synthetic_result(&made, SYS_write, 2, 50, 0)->state = LOG_WITHDRAWN;
	synthetic_result(&made, SYS_openat, 9, 60, 0)->state = LOG_WITHDRAWN;
	open_it();
	assert_int_equal(next().number, SYS_close);
	expect_end();
	assert_int_equal(file->counts.calls, 1);
	assert_int_equal(file->counts.unfinished, 0);
	assert_int_equal(file->counts.orphans, 0);
}

static void a_result_whose_call_is_lost_is_told(void **state)
{
	struct log_call call;

	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_result(&made, SYS_read, 7, 10, 5);
	synthetic_call(&made, SYS_write, 8, 20, 0, 0, 0);
	synthetic_result(&made, SYS_write, 8, 30, 0);
	synthetic_chunk(&made, 20, 20, 0, "child");
	synthetic_result(&made, SYS_clone, 9, 12, 0); /* a fork's return in the child */
	open_it();
	call = next();
	assert_int_equal(call.begun_ns, 0);
	assert_int_equal(call.ended_ns, AT(10));
	assert_int_equal(call.result, 5);
	assert_int_equal(next().number, SYS_write);
	expect_end();
	assert_int_equal(file->counts.orphans, 1);
	assert_int_equal(file->counts.calls, 1);
}

static void numbers_of_calls_begin_again_with_an_image(void **state)
{
	struct log_call call;

	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_read, 1, 0, 0, 0, 0); /* left by a longjmp */
	synthetic_call(&made, SYS_execve, 5, 10, 0, 0, 0);
	synthetic_chunk(&made, 10, 10, 1, "y");
	synthetic_result(&made, SYS_execve, 5, 20, 0);
	synthetic_call(&made, SYS_brk, 1, 30, 0, 0, 0);
	synthetic_result(&made, SYS_brk, 1, 40, 77);
	open_it();
	assert_int_equal(next().ended_ns, 0);
	assert_false(log_stream_is_last(&stream));
	call = next();
	assert_int_equal(call.number, SYS_execve);
	assert_int_equal(call.ended_ns, AT(20));
	assert_true(log_stream_is_last(&stream));
	call = next();
	assert_int_equal(call.image_number, 1);
	assert_int_equal(call.result, 77);
	assert_true(log_stream_is_last(&stream));
	expect_end();
}

static void signals_stand_between_calls(void **state)
{
	struct log_call call;

	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_read, 1, 0, 0, 0, 0);
	synthetic_record(&made, LOG_SIGNAL, 17, 0, AT(5));
	synthetic_result(&made, SYS_read, 1, 10, 0);
	open_it();
	assert_int_equal(next().ended_ns, AT(10));
	call = next();
	assert_int_equal(call.kind, LOG_SIGNAL);
	assert_int_equal(call.number, 17);
	assert_int_equal(call.begun_ns, AT(5));
	expect_end();
	assert_int_equal(file->counts.signals, 1);
}

/* Many threads in a ring that goes round: what is left comes out by time, each call with its result. */
static void a_ring_comes_out_in_order(void **state)
{
	enum { THREADS = 9, CALLS = 40000 };
	struct log_chunk *chunks[THREADS] = { NULL };
	uint32_t calls[THREADS] = { 0 };
	uint64_t last = 0, shown = 0, orphans = 0;
	struct random random = { FIXED_SEED };
	struct log_call call;

	(void)state;
	for (uint64_t i = 0; i < CALLS; i++) {
		size_t thread = random_below(&random, THREADS);
		uint32_t number = ++calls[thread];

		for (int result = 0; result < 2; result++) {
			made.chunk = chunks[thread];
			/* One of the others may have got its chunk meanwhile. */
			if (!made.chunk || made.chunk->tid != 100 + thread || synthetic_is_full(made.chunk))
				chunks[thread] = synthetic_chunk(&made, 100, 100 + (uint32_t)thread, 0, "ring");
			if (result)
				synthetic_result(&made, SYS_read, number, 10 * i + 5, (int64_t)i);
			else
				synthetic_call(&made, SYS_read, number, 10 * i, i, 0, 0);
		}
	}
	open_it();
	while (log_stream_next(&stream, &call)) {
		uint64_t at = call.begun_ns ? call.begun_ns : call.ended_ns;

		assert_true(at > last);
		last = at;
		if (!call.begun_ns) {
			orphans++;
			continue;
		}
		shown++;
		assert_int_equal(call.begun_ns, AT(10 * call.arguments[0]));
		assert_int_equal(call.result, call.arguments[0]);
		assert_int_equal(call.ended_ns, call.begun_ns + 5);
	}
	assert_int_equal(last, AT(10 * (CALLS - 1)));
	assert_int_equal(shown, file->counts.calls);
	assert_int_equal(orphans, file->counts.orphans);
	assert_int_equal(shown + file->counts.lost, CALLS);
	assert_true(file->counts.lost > CALLS / 2);
}

static void a_chunk_that_is_used_again_meanwhile_is_counted_as_lost(void **state)
{
	struct log_chunk changed;
	int fd;

	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_read, 1, 0, 0, 0, 0);
	synthetic_call(&made, SYS_read, 2, 1, 0, 0, 0);
	synthetic_chunk(&made, 20, 20, 0, "y");
	synthetic_call(&made, SYS_write, 1, 5, 0, 0, 0);
	fd = synthetic_log_file(&made);
	file = log_file_read(fd, "log");
	assert_non_null(file);
	log_stream_open(&stream, file);
	changed = *synthetic_chunk_at(&made, 0);
	changed.order += made.header->chunks;
	assert_int_equal(pwrite(fd, &changed, sizeof(changed), LOG_HEADER_BYTES), sizeof(changed));
	assert_int_equal(next().number, SYS_write);
	expect_end();
	assert_int_equal(stream.overwritten, 2);
}

static bool always_lives(uint32_t tid)
{
	(void)tid;
	return true;
}

static struct log_chunk *reach(void *context, uint64_t offset)
{
	return (struct log_chunk *)((char *)context + offset);
}

/* Pieces that look like records, so that whoever takes them for some is found out. */
static unsigned char *put_pieces(struct log_record *record, uint64_t bytes)
{
	struct log_room room = log_record_room(record);
	struct log_piece *piece = (void *)room.at;
	struct log_record *lure = (void *)(piece + 1);

	*piece = (struct log_piece){ 0x1000, (uint32_t)bytes, 0 };
	for (uint64_t i = 0; i < bytes / sizeof(*lure); i++)
		lure[i] = (struct log_record){ .bytes = sizeof(*lure), .kind = LOG_CALL, .state = LOG_COMPLETE, .number = 1, .at_ns = AT(7) };
	return room.at + sizeof(*piece) + ((bytes + 7) & ~7ULL);
}

static struct log_record *begin_in(struct log_header *log, struct log_chunk **chunk, const struct log_record *as)
{
	struct log_writer writer = { reach, always_lives, log };
	struct log_record *record;

	while (!*chunk || !(record = log_record_begin(*chunk, as))) {
		if (*chunk)
			log_chunk_leave(*chunk, 10);
		*chunk = log_chunk_take(log, 10, &writer);
		(*chunk)->pid = (*chunk)->tid = 10;
	}
	return record;
}

/* As a program does it; some calls are withdrawn afterwards. */
static void write_for_ever(struct log_header *log)
{
	struct random random = { 5 };
	struct log_chunk *chunk = NULL;

	for (uint64_t i = 0;; i++) {
		struct log_record as = { .kind = LOG_CALL, .number = SYS_read, .call = (uint32_t)i, .at_ns = AT(2 * i), .values = { i } };
		struct log_record *record = begin_in(log, &chunk, &as);

		log_record_end(chunk, record, put_pieces(record, random_below(&random, 700)));
		if (random_percent(&random, 30)) {
			log_record_withdraw(chunk, record);
			continue;
		}
		as.kind = LOG_RESULT;
		as.at_ns++;
		as.result_known = 1;
		record = begin_in(log, &chunk, &as);
		log_record_end(chunk, record, put_pieces(record, random_below(&random, 300)));
		if (random_percent(&random, 5))
			usleep(20); /* else all is overwritten before it can be read */
	}
}

/* Returns how many calls it looked at. */
static uint64_t look_once(int fd)
{
	uint64_t seen = 0, last = 0;
	struct log_call call;

	file = log_file_read(dup(fd), "log");
	assert_non_null(file);
	log_stream_open(&stream, file);
	for (; log_stream_next(&stream, &call); seen++) {
		uint64_t at = call.begun_ns ? call.begun_ns : call.ended_ns;

		assert_true(at > last);
		last = at;
		assert_int_equal(call.number, SYS_read);
		assert_true(!call.begun_ns || call.begun_ns == AT(2 * call.arguments[0]));
		assert_true(!call.ended_ns || call.ended_ns == AT(2 * (uint64_t)call.result + 1));
		assert_true(!call.begun_ns || !call.ended_ns || (uint64_t)call.result == call.arguments[0]);
	}
	assert_int_equal(file->counts.bad_records, 0);
	log_stream_close(&stream);
	log_file_close(file);
	file = NULL;
	return seen;
}

static void a_log_can_be_read_while_it_is_written(void **state)
{
	int fd = synthetic_log_file(&made);
	struct log_header *shared = mmap(NULL, made.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint64_t seen = 0;
	pid_t writer;

	(void)state;
	assert_true(shared != MAP_FAILED);
	writer = fork();
	if (!writer) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		write_for_ever(shared);
	}
	for (int i = 0; i < 300; i++)
		seen += look_once(fd);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	assert_true(seen > 1000);
	assert_true(shared->lost_calls > 1000);
	munmap(shared, made.size);
	close(fd);
}

static void expect_refused(const char *why)
{
	char said[200] = "";
	int pipes[2];

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	complain_fd = pipes[1];
	assert_null(log_file_read(synthetic_log_file(&made), "NAME"));
	complain_fd = STDERR_FILENO;
	assert_true(read(pipes[0], said, sizeof(said) - 1) > 0);
	close(pipes[0]);
	close(pipes[1]);
	assert_non_null(strstr(said, "NAME: "));
	assert_non_null(strstr(said, why));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void what_is_no_log_is_refused_with_a_line(void **state)
{
	(void)state;
	made.header->magic[0] = 'x';
	expect_refused("not a call log");
	made.header->magic[0] = 'p';
	made.header->version = 2;
	expect_refused("another version");
	made.header->version = LOG_VERSION;
	made.header->chunks = 0;
	expect_refused("its header makes no sense");
	made.header->chunks = 16;
	made.size = LOG_HEADER_BYTES;
	expect_refused("nothing behind its header");
	made.size = 100;
	expect_refused("too short");
	made.size = 0;
	expect_refused("empty");
}

static void only_a_plain_file_is_opened(void **state)
{
	char directory[] = "/tmp/log_file.XXXXXX", path[64];

	(void)state;
	complain_fd = -1;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/%s", directory, LOG_FILE);
	assert_null(log_file_open(directory));
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_null(log_file_open(directory));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(log_file_open(directory));
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(log_file_open(directory));
	rmdir(path);
	rmdir(directory);
	complain_fd = STDERR_FILENO;
}

static void bad_records_are_counted_and_the_others_shown(void **state)
{
	struct log_record *record;

	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_read, 1, 0, 0, 0, 0)->kind = 9;
	synthetic_call(&made, SYS_read, 2, 1, 0, 0, 0)->number = LOG_NUMBERS;
	synthetic_call(&made, SYS_read, 3, 2, 0, 0, 0)->at_ns = 0;
	synthetic_call(&made, SYS_read, 4, 3, 0, 0, 0)->piece_bytes = 8;
	synthetic_call(&made, SYS_read, 5, 4, 0, 0, 0);
	synthetic_result(&made, SYS_read, 5, 3, 0); /* before it began */
	record = synthetic_call(&made, SYS_write, 6, 6, 0, 0, 0);
	synthetic_piece(&made, 0x1000, "good", 4, false);
	synthetic_piece(&made, 0x2000, "bad", 3, false);
	((struct log_piece *)((char *)(record + 1) + sizeof(struct log_piece) + 8))->bytes = 4000000000;
	synthetic_call(&made, SYS_close, 7, 7, 0, 0, 0);
	synthetic_call(&made, SYS_close, 8, 8, 0, 0, 0)->bytes = 60000;
	open_it();
	assert_int_equal(next().begun_ns, AT(4));
	assert_int_equal(next().before.bytes, sizeof(struct log_piece) + 8);
	assert_int_equal(next().number, SYS_close);
	expect_end();
	assert_int_equal(file->counts.bad_records, 7);
	assert_int_equal(file->counts.calls, 3);
}

static void bad_chunks_are_counted(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 6; i++) {
		synthetic_chunk(&made, 10, 10, 0, "x");
		synthetic_call(&made, SYS_read, i, i, 0, 0, 0);
	}
	synthetic_chunk_at(&made, 0)->order = 2;
	synthetic_chunk_at(&made, 1)->used = LOG_CHUNK_BYTES + 1;
	synthetic_chunk_at(&made, 2)->used = 3;
	synthetic_chunk_at(&made, 3)->pid = 0;
	synthetic_chunk_at(&made, 4)->order = UINT64_MAX;
	open_it();
	assert_int_equal(next().begun_ns, AT(5));
	expect_end();
	assert_int_equal(file->counts.bad_chunks, 5);
}

/* It has been handed out, and its new owner has not said who that is. */
static void a_chunk_without_a_record_is_nobodys(void **state)
{
	(void)state;
	synthetic_chunk(&made, 0, 0, 0, "");
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_read, 1, 0, 0, 0, 0);
	open_it();
	assert_int_equal(next().tid, 10);
	expect_end();
	assert_int_equal(file->counts.bad_chunks, 0);
	assert_int_equal(file->threads_used, 1);
}

static void a_log_that_was_cut_short_is_read_as_far_as_it_goes(void **state)
{
	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_read, 1, 0, 0, 0, 0);
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_read, 2, 1, 0, 0, 0);
	made.size = LOG_HEADER_BYTES + LOG_CHUNK_BYTES + 1000;
	complain_fd = -1;
	open_it();
	complain_fd = STDERR_FILENO;
	assert_int_equal(next().begun_ns, AT(0));
	expect_end();
	assert_int_equal(file->counts.bad_chunks, 15);
}

/* Whatever is in it: no crash, no call out of bounds. */
static void noise_is_read_without_harm(void **state)
{
	struct random random = random_of_moment(__func__);

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct log_call call;

		synthetic_log_end(&made);
		synthetic_log_begin(&made, 4);
		for (uint32_t c = 0; c < 4; c++) {
			uint32_t used;

			synthetic_chunk(&made, 10, 10 + c % 2, 0, "noise");
			for (uint32_t i = 0; i < 20; i++) {
				synthetic_call(&made, SYS_openat, i, 10 * i, 0, 0x1000, 0);
				synthetic_path(&made, 0x1000, "/etc/passwd");
				synthetic_result(&made, SYS_openat, i, 10 * i + 1, 3);
			}
			used = made.chunk->used;
			for (int damage = 0; damage < 3; damage++)
				((unsigned char *)made.chunk)[random_below(&random, used)] = (unsigned char)random_below(&random, 256);
		}
		open_it();
		while (log_stream_next(&stream, &call)) {
			char path[300];

			assert_true(log_memory_read(&call.before, 0x1000, path, sizeof(path), NULL) <= sizeof(path));
		}
		log_stream_close(&stream);
		log_file_close(file);
		file = NULL;
	}
}

static void memory_is_found_by_address(void **state)
{
	struct log_call call;
	char bytes[16];
	size_t length = 0;
	bool cut;

	(void)state;
	synthetic_chunk(&made, 10, 10, 0, "x");
	synthetic_call(&made, SYS_write, 1, 0, 0, 0, 0);
	synthetic_piece(&made, 0x1000, "abcdefgh", 8, false);
	synthetic_piece(&made, 0x1008, "ijk", 3, true);
	synthetic_piece(&made, 0x2000, "", 0, true);
	synthetic_descriptor(&made, 3, "/etc/passwd");
	synthetic_piece(&made, 0x3004, "4567", 4, false);
	synthetic_piece(&made, 0x3000, "0123456789ab", 12, false);
	open_it();
	call = next();
	assert_int_equal(log_memory_read(&call.before, 0x1002, bytes, 4, &cut), 4);
	assert_memory_equal(bytes, "cdef", 4);
	assert_false(cut);
	assert_int_equal(log_memory_read(&call.before, 0x1009, bytes, sizeof(bytes), &cut), 2);
	assert_memory_equal(bytes, "jk", 2);
	assert_true(cut);
	assert_int_equal(log_memory_read(&call.before, 0x100b, bytes, sizeof(bytes), &cut), 0);
	assert_int_equal(log_memory_read(&call.before, 0xfff, bytes, sizeof(bytes), NULL), 0);
	assert_int_equal(log_memory_read(&call.before, 0x2000, bytes, sizeof(bytes), NULL), 0);
	assert_int_equal(log_memory_read(&call.after, 0x1000, bytes, sizeof(bytes), NULL), 0);
	assert_memory_equal(log_descriptor_path(&call.before, 3, &length), "/etc/passwd", 11);
	assert_int_equal(length, 11);
	assert_null(log_descriptor_path(&call.before, 4, &length));
	assert_null(log_descriptor_path(&call.after, 3, &length));
	/* A path is no memory, that one could be in the midst of. */
	assert_int_equal(log_memory_read(&call.before, LOG_DESCRIPTOR + 4, bytes, sizeof(bytes), NULL), 0);
	/* An array, and one of its elements again. */
	assert_int_equal(log_memory_read(&call.before, 0x3004, bytes, 8, NULL), 8);
	assert_memory_equal(bytes, "456789ab", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_are_merged_by_time, begin, end),
		cmocka_unit_test_setup_teardown(a_handlers_calls_are_within_the_call_that_waits, begin, end),
		cmocka_unit_test_setup_teardown(a_result_may_be_in_another_chunk, begin, end),
		cmocka_unit_test_setup_teardown(calls_that_a_longjmp_left_are_unfinished, begin, end),
		cmocka_unit_test_setup_teardown(what_was_withdrawn_is_left_out, begin, end),
		cmocka_unit_test_setup_teardown(a_result_may_withdraw_its_call, begin, end),
		cmocka_unit_test_setup_teardown(a_result_whose_call_is_lost_is_told, begin, end),
		cmocka_unit_test_setup_teardown(numbers_of_calls_begin_again_with_an_image, begin, end),
		cmocka_unit_test_setup_teardown(signals_stand_between_calls, begin, end),
		cmocka_unit_test_setup_teardown(a_ring_comes_out_in_order, begin, end),
		cmocka_unit_test_setup_teardown(a_chunk_that_is_used_again_meanwhile_is_counted_as_lost, begin, end),
		cmocka_unit_test_setup_teardown(a_log_can_be_read_while_it_is_written, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_log_is_refused_with_a_line, begin, end),
		cmocka_unit_test_setup_teardown(only_a_plain_file_is_opened, begin, end),
		cmocka_unit_test_setup_teardown(bad_records_are_counted_and_the_others_shown, begin, end),
		cmocka_unit_test_setup_teardown(bad_chunks_are_counted, begin, end),
		cmocka_unit_test_setup_teardown(a_chunk_without_a_record_is_nobodys, begin, end),
		cmocka_unit_test_setup_teardown(a_log_that_was_cut_short_is_read_as_far_as_it_goes, begin, end),
		cmocka_unit_test_setup_teardown(noise_is_read_without_harm, begin, end),
		cmocka_unit_test_setup_teardown(memory_is_found_by_address, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
