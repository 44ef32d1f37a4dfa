/* SPDX-License-Identifier: MIT */
/*
 * The page that people read: its width, its order, what it says when something is not known.
 * links: report
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>

#include "../../report/complain.h"
#include "../../report/escape.h"
#include "../../report/report.h"
#include "../../report/table.h"
#include "report_synthetic.h"

#define PID(n) (5000000u + (n)) /* above the largest that the kernel gives */

static struct capture captures[3];

static const struct capture *from_memory(const char *file)
{
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		char name[64];

		snprintf(name, sizeof(name), "%u.%u.capture", captures[i].pid, captures[i].image_number);
		if (!strcmp(name, file))
			return &captures[i];
	}
	return NULL;
}

/* The report of what is in captures, as far as their pid is set. To be freed. */
static char *report(const struct report_options *options)
{
	struct recording *recording = recording_new("memory");
	struct capture *copy = malloc(sizeof(*copy));
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	recording->memory = from_memory;
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		char name[64];

		if (!captures[i].pid)
			continue;
		memcpy(copy, &captures[i], sizeof(*copy));
		snprintf(name, sizeof(name), "%u.%u.capture", captures[i].pid, captures[i].image_number);
		assert_true(recording_add(recording, name, copy));
	}
	recording_link(recording);
	assert_int_equal(report_write(recording, options, to), STATUS_GOOD);
	fclose(to);
	free(copy);
	recording_close(recording);
	return text;
}

static int begin(void **state)
{
	(void)state;
	memset(captures, 0, sizeof(captures));
	synthetic_capture(&captures[0], PID(1), 1, 0, BORN_START, 100 * SECOND);
	return 0;
}

static void assert_80_columns(char *text)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (text_columns(line) > PAGE_COLUMNS)
			fail_msg("%zu columns: %s", text_columns(line), line);
}

static void assert_no_controls(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' && *text != '\n')
			fail_msg("a control character: %d", *text);
}

/* Does the page say this? However its words are spaced and wrapped. */
static bool says(const char *text, const char *words)
{
	while (*text) {
		const char *at = text, *word = words;

		while (*word && (*word == ' ' ? *at == ' ' || *at == '\n' : *at == *word)) {
			at++;
			if (*word == ' ')
				at += strspn(at, " \n");
			word++;
		}
		if (!*word)
			return true;
		text++;
	}
	return false;
}

static void assert_in_order(const char *text, const char *const *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *at = strstr(text, parts[i]);

		if (!at)
			fail_msg("not there, or out of order: %s", parts[i]);
		text = at;
	}
}

static void a_page_reads_in_its_order(void **state)
{
	static const char *const parts[] = {
		"/usr/bin/program --with 'an argument'",
		"exit 0",
		"asked for 1.00 MiB, mapped",
		"Where the pages are, at exit",
		"heap, live",
		"heap, slack",
		"heap, free",
		"reserve",
		"own mappings",
		"files",
		"images",
		"stacks",
		"pagegap",
		"kernel",
		"sum",
		"kernel says",
		"unexplained",
		"below the line",
		"Why mapped",
		"Pages by fill",
		"Largest mappings",
		"Heap",
		"Faults",
		"Time",
		"Over time",
		"System calls",
		"Cost of pagegap",
	};
	char *text = report(&(struct report_options){ 0 });

	(void)state;
	assert_in_order(text, parts, sizeof(parts) / sizeof(parts[0]));
	assert_80_columns(text);
	free(text);
}

static void time_adds_up_on_one_line_of_thought(void **state)
{
	char *text = report(&(struct report_options){ 0 });

	(void)state;
	assert_true(says(text, "wall 1.00 s = user 500 ms + system 250 ms + waiting for a CPU 125 ms"));
	assert_true(says(text, "asleep 125 ms"));
	free(text);
}

static void threads_make_the_sum_exceed_the_wall_time_and_the_page_says_so(void **state)
{
	char *text;

	(void)state;
	captures[0].user_ns = 3 * SECOND;
	captures[0].counters[2] = captures[0].counters[1];
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "its threads together: user 3.00 s"));
	assert_false(says(text, "asleep"));
	free(text);
}

static void everything_is_within_80_columns_whatever_the_program_is_called(void **state)
{
	static const char *const names[] = {
		"\033[31mred\033[0m\a\n\r", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
		"\xff\xfe\x80 latin \xe9",  "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81 combining",
		"\xe2\x80\xae reversed",
	};
	struct report_options options = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (int variant = 0; variant < 4; variant++) {
			struct capture *c = &captures[0];
			char *text;

			begin(NULL);
			for (c->argv_bytes = 0; c->argv_bytes + strlen(names[i]) + 1 < sizeof(c->argv);)
				c->argv_bytes += (uint32_t)strlen(strcpy(c->argv + c->argv_bytes, names[i])) + 1;
			snprintf(c->exe, sizeof(c->exe), "/%s", names[i]);
			snprintf(c->allocator, sizeof(c->allocator), "/usr/lib/%s", names[i]);
			snprintf(c->mappings[0].name, sizeof(c->mappings[0].name), "/%s", names[i]);
			snprintf(c->snapshots[SNAPSHOT_END].name, CAPTURE_NAME_BYTES, "%s", names[i]);
			c->snapshots[SNAPSHOT_END].why = WHY_MARK;
			for (uint32_t note = 1; note < CAPTURE_NOTE_KINDS && note <= CAPTURE_NOTES; note++)
				c->notes[note - 1] = (struct capture_noted){ note, 12, 3 };
			options.exact = variant & 1;
			options.all = variant & 2;
			text = report(&options);
			assert_no_controls(text);
			assert_80_columns(text);
			free(text);
		}
}

static void figures_of_any_size_stay_within_80_columns(void **state)
{
	struct capture_snapshot *s = &captures[0].snapshots[SNAPSHOT_END];
	char *text;

	(void)state;
	for (size_t i = 0; i < CAPTURE_ROWS; i++)
		for (size_t j = 0; j < sizeof(s->rows[i]) / sizeof(uint64_t); j++)
			((uint64_t *)&s->rows[i])[j] = 1ULL << 57;
	s->vm_size_bytes = s->rss_bytes = 1ULL << 61;
	s->unexplained_mapped_bytes = -(1LL << 53);
	captures[0].counters[1].requested_bytes = captures[0].counters[1].frees = 1ULL << 61;
	captures[0].calls[0].calls = captures[0].calls[0].errors = captures[0].calls[0].error_counts[0] = 1ULL << 61;
	captures[0].calls[0].timed = captures[0].calls[0].ticks = captures[0].calls[0].latencies[3] = 1ULL << 61;
	text = report(&(struct report_options){ .exact = true });
	assert_true(says(text, "144,115,188,075,855,872"));
	assert_80_columns(text);
	free(text);
}

static void a_heap_that_was_not_seen_is_unknown_not_zero(void **state)
{
	char *text;

	(void)state;
	captures[0].has_heap = 0;
	captures[0].notes[0] = (struct capture_noted){ NOTE_OWN_MALLOC, 0, 1 };
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "brings its own malloc"));
	assert_true(says(text, " heap, live ? ?"));
	assert_false(says(text, "allocations"));
	assert_false(says(text, "asked for 0"));
	free(text);
}

static void without_a_ledger_the_page_says_so(void **state)
{
	char *text;

	(void)state;
	memset(captures[0].snapshots, 0, sizeof(captures[0].snapshots));
	captures[0].ended = ENDED_SIGNAL;
	captures[0].end_code = 9;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "no ledger: it ended before one could be taken"));
	assert_true(says(text, "signal 9 (SIGKILL)"));
	assert_false(says(text, "Where the pages are"));
	free(text);
}

static void an_older_ledger_says_how_old_it_is(void **state)
{
	char *text;

	(void)state;
	memset(&captures[0].snapshots[SNAPSHOT_END], 0, sizeof(captures[0].snapshots[0]));
	captures[0].ended = ENDED_SIGNAL;
	captures[0].end_code = 9;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "at its highest recorded, 500 ms before the end"));
	free(text);
}

static void what_is_unexplained_is_printed(void **state)
{
	char *text;

	(void)state;
	captures[0].snapshots[SNAPSHOT_END].unexplained_mapped_bytes = 8192;
	captures[0].snapshots[SNAPSHOT_END].unexplained_resident_bytes = -4096;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "8.00 KiB -4.00 KiB"));
	assert_true(says(text, "-4.00 KiB resident and 8.00 KiB mapped are in no row"));
	free(text);
}

static void the_tree_shows_every_image(void **state)
{
	char *text;

	(void)state;
	synthetic_child(&captures[0], 0, PID(2), BORN_FORK, 101 * SECOND, 103 * SECOND, 9);
	synthetic_capture(&captures[1], PID(2), PID(1), 0, BORN_FORK, 101 * SECOND);
	captures[1].ended = ENDED_EXEC;
	synthetic_capture(&captures[2], PID(2), PID(1), 1, BORN_EXEC, 102 * SECOND);
	captures[2].ended = ENDED_NOT;
	captures[2].user_ns += SECOND;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "2 in 3 images"));
	assert_true(says(text, " 5000002 fork 1.00 s 1.00 s 750 ms exec program --with"));
	assert_true(says(text, " 5000002 exec 2.00 s 1.00 s 1.00 s SIGKILL program --with"));
	assert_80_columns(text);
	free(text);
}

static void another_process_has_its_own_page(void **state)
{
	char *text;

	(void)state;
	synthetic_capture(&captures[1], PID(2), PID(1), 0, BORN_FORK, 101 * SECOND);
	text = report(&(struct report_options){ .process = PID(2) });
	assert_true(says(text, "pid 5000002, exit 0"));
	assert_false(says(text, "pid 5000001, exit 0"));
	free(text);
	text = report(&(struct report_options){ .all = true });
	assert_true(says(text, "pid 5000002, exit 0"));
	assert_true(says(text, "pid 5000001, exit 0"));
	free(text);
}

static void faults_are_named_by_whose_memory_they_were_in(void **state)
{
	char *text;

	(void)state;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "Faults minor 4,001, major 2; the minor ones took about 4.80 ms, estimated at 1.20 us each"));
	assert_true(says(text, "heap 3,000, images 900, files 2, in system calls 93, memory that was gone too soon to tell 5, "
			       "before it was executed 3"));
	free(text);
	captures[0].faults.partial = 1;
	captures[0].faults.lost = 7;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "of 3,910 that were sampled: heap 3,000"));
	assert_true(says(text, "those in system calls are not told apart"));
	assert_true(says(text, "7 samples were lost"));
	assert_80_columns(text);
	free(text);
	captures[0].faults.method = FAULTS_NOT_SAMPLED;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "Faults minor 4,000, major 2 "));
	assert_false(says(text, "sampled"));
	free(text);
}

static void faults_are_told_by_what_they_did(void **state)
{
	char *text = report(&(struct report_options){ 0 });

	(void)state;
	assert_true(says(text, "by kind: fresh memory 2,800, file pages 1,100, unknown 5, read from files 2"));
	assert_false(says(text, "churn"));
	free(text);
	captures[0].faults.kinds[KIND_FIRST_TOUCH] = CAPTURE_UNKNOWN;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "by kind: file pages 1,100, unknown 5"));
	assert_false(says(text, "fresh memory"));
	free(text);
	captures[0].faults.method = FAULTS_NOT_SAMPLED;
	text = report(&(struct report_options){ 0 });
	assert_false(says(text, "by kind"));
	free(text);
}

/* 1,000 pages of the heap that came again 20 times, all of them on the break. */
static void churn_on_the_break(struct capture *c)
{
	memset(c->counters[1].size_class, 0, sizeof(c->counters[1].size_class));
	c->counters[1].size_class[12] = 3500;
	c->faults.churn_pages[ROW_HEAP_LIVE] = 1000;
	c->faults.churn_faults[ROW_HEAP_LIVE] = c->faults.churn_break_faults = 20000;
	c->faults.churn_break_bytes = 96 * MIB;
	c->faults.unplaced_minor = 0;
}

static void churn_names_the_setting_that_is_known_to_help(void **state)
{
	static const struct { const char *allocator, *advice; } others[] = {
		{ "/usr/lib/libjemalloc.so.2", "MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1 in" },
		{ "/usr/lib/libmimalloc.so.2.0", "MIMALLOC_PAGE_RESET=0 MIMALLOC_ALLOW_DECOMMIT=0 in" },
		{ "/usr/lib/libmimalloc.so.2.1", "MIMALLOC_PURGE_DELAY=-1 in" },
		{ "/usr/lib/libtcmalloc_minimal.so.4", "TCMALLOC_RELEASE_RATE=0 in" },
		{ "/home/user/libown.so", NULL },
	};
	char *text;

	(void)state;
	churn_on_the_break(&captures[0]);
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "churn: 3.91 MiB of heap given back and faulted in again 20 times, 20,000 faults; "
			       "MALLOC_TRIM_THRESHOLD_=101711872 in its environment removes 20,000 of them"));
	assert_80_columns(text);
	free(text);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		strcpy(captures[0].allocator, others[i].allocator);
		text = report(&(struct report_options){ 0 });
		assert_true(says(text, "again 20 times, 20,000 faults"));
		assert_int_equal(says(text, " in its environment removes"), others[i].advice != NULL);
		assert_true(!others[i].advice || says(text, others[i].advice));
		free(text);
	}
}

/* Freed blocks raise glibc's thresholds, unless one of them is set. */
static void churn_of_large_blocks_names_both_thresholds(void **state)
{
	char *text;

	(void)state;
	churn_on_the_break(&captures[0]);
	captures[0].counters[1].size_class[20] = 1;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "MALLOC_TRIM_THRESHOLD_=103809024 MALLOC_MMAP_THRESHOLD_=1052672 in"));
	free(text);
	captures[0].counters[1].size_class[27] = 1;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "MALLOC_MMAP_MAX_=0 in"));
	free(text);
}

static void churn_that_no_setting_helps_has_no_advice(void **state)
{
	struct capture_faults *faults = &captures[0].faults;
	char *text;

	(void)state;
	churn_on_the_break(&captures[0]);
	captures[0].trims = 1;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "churn: 3.91 MiB of heap"));
	assert_false(says(text, "MALLOC_TRIM_THRESHOLD_"));
	free(text);
	captures[0].trims = 0;
	faults->churn_break_faults = 10; /* it is not known how the others came about */
	faults->churn_faults[ROW_ANON] = 400;
	faults->churn_pages[ROW_ANON] = 300;
	faults->partial = 1;
	text = report(&(struct report_options){ 0 });
	assert_false(says(text, "MALLOC_TRIM_THRESHOLD_"));
	assert_true(says(text, "at least 20,000 faults churn:"));
	assert_true(says(text, "1.17 MiB of own mappings given back and faulted in again, at least 400 faults; the program gives"));
	free(text);
	faults->churn_faults[ROW_HEAP_LIVE] = CAPTURE_UNKNOWN;
	text = report(&(struct report_options){ 0 });
	assert_false(says(text, "churn"));
	free(text);
}

/* 5,000 inherited pages: 900 and 10 are no longer shared, 100 given back and 100 more unmapped. */
static void a_fork_says_what_stayed_shared(void **state)
{
	char *text;

	(void)state;
	captures[0].end_ns = 105 * SECOND;
	synthetic_capture(&captures[1], PID(2), PID(1), 0, BORN_FORK, 101 * SECOND);
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "Forks 1; of 1 it is known what stayed shared 5000002 inherited 19.5 MiB, still shared at the end "
			       "15.2 MiB, given back 800 KiB, copied by it or by this process 3.55 MiB: 3.52 MiB heap, 40.0 KiB "
			       "own mappings"));
	assert_80_columns(text);
	free(text);
	text = report(&(struct report_options){ .process = PID(2) });
	assert_true(says(text, "Copy-on-write inherited 19.5 MiB"));
	assert_true(says(text, "copied by it or by its parent 3.55 MiB"));
	free(text);
}

/* One region that stands for its row says nothing new; of two, each is worth a line, if more than a little was copied. */
static void regions_of_a_fork_are_told_apart(void **state)
{
	struct capture_cow_course *course = &captures[1].cow_course;
	char *text;

	(void)state;
	captures[0].end_ns = 105 * SECOND;
	synthetic_capture(&captures[1], PID(2), PID(1), 0, BORN_FORK, 101 * SECOND);
	course->samples_used = course->regions_used = 1;
	course->samples[0] = (struct capture_cow_sample){ 102 * SECOND, { 5000, 3890, 910, 200, CAPTURE_UNKNOWN, 0 } };
	course->regions[0] = (struct capture_cow_region){ 0x1000000, 0x1100000, ROW_HEAP_LIVE, 0,
							  { 4000, 3000, 900, 100, CAPTURE_UNKNOWN, 0 } };
	text = report(&(struct report_options){ .process = PID(2) });
	assert_false(says(text, "at 1000000"));
	free(text);
	course->regions_used = 3;
	course->regions[1] = (struct capture_cow_region){ 0x2000000, 0x2100000, ROW_IMAGE, 0,
							  { 200, 100, 100, 0, CAPTURE_UNKNOWN, 0 } };
	course->regions[2] = (struct capture_cow_region){ 0x3000000, 0x3100000, ROW_ANON, 0,
							  { 900, 890, 10, 0, CAPTURE_UNKNOWN, 0 } };
	text = report(&(struct report_options){ .process = PID(2) });
	assert_true(says(text, "heap at 1000000: copied 3.52 MiB of 15.6 MiB"));
	assert_true(says(text, "libexample.so at 2000000: copied 400 KiB of 800 KiB"));
	assert_false(says(text, "at 3000000"));
	assert_80_columns(text);
	free(text);
}

static void a_child_that_outlives_its_parent_leaves_open_what_was_copied(void **state)
{
	char *text;

	(void)state;
	captures[0].end_ns = 101 * SECOND + SECOND / 2;
	synthetic_capture(&captures[1], PID(2), PID(1), 0, BORN_FORK, 101 * SECOND);
	text = report(&(struct report_options){ .process = PID(2) });
	assert_true(says(text, "still shared at the end 15.2 MiB; what was copied is not known, for its parent ended before it"));
	free(text);
	captures[1].cow.looked = 0;
	text = report(&(struct report_options){ 0 });
	assert_true(says(text, "Forks 1; of 0 it is known what stayed shared"));
	free(text);
}

static void the_json_document_is_one_whatever_the_strings_hold(void **state)
{
	static const char argv[] = "\xff\xfe\0quote\"back\\slash\0\033\n";
	json_t *document, *process;
	char *text;

	(void)state;
	memcpy(captures[0].argv, argv, sizeof(argv));
	captures[0].argv_bytes = sizeof(argv);
	captures[0].max_rss_bytes = 0; /* nothing is known of its time */
	text = report(&(struct report_options){ .format = FORMAT_JSON });
	document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(document);
	process = json_array_get(json_object_get(document, "processes"), 0);
	assert_string_equal(json_string_value(json_array_get(json_object_get(process, "argv"), 0)), "\\xff\\xfe");
	assert_string_equal(json_string_value(json_array_get(json_object_get(process, "argv"), 1)),
			    "quote\"back\\slash");
	assert_string_equal(json_string_value(json_array_get(json_object_get(process, "argv"), 2)), "\033\n");
	assert_true(json_is_null(json_object_get(json_object_get(process, "time"), "user_ns")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(process, "heap"), "allocations")), 3500);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(process, "heap"), "peak_live_requested_bytes")),
		2 * MIB);
	json_decref(document);
	free(text);
}

static void the_page_fill_has_ten_buckets(void **state)
{
	json_t *document, *fill;
	char *text = report(&(struct report_options){ .format = FORMAT_JSON });

	(void)state;
	document = json_loads(text, 0, NULL);
	fill = json_object_get(
		json_array_get(json_object_get(json_array_get(json_object_get(document, "processes"), 0), "snapshots"),
			       1),
		"page_fill");
	assert_int_equal(json_array_size(fill), 10);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(json_integer_value(json_object_get(json_array_get(fill, i), "from_percent")), 10 * i);
		assert_int_equal(json_integer_value(json_object_get(json_array_get(fill, i), "pages")), 10 * (i + 1));
	}
	json_decref(document);
	free(text);
}

static void words_wrap_and_lines_are_cut(void **state)
{
	char *text = NULL, *line;
	size_t length;
	FILE *to = open_memstream(&text, &length);
	struct page page = page_on(to, false);
	char long_word[300];

	(void)state;
	memset(long_word, 'x', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	page_paragraph(&page, 2, 4, "short %s words behind it", long_word);
	page_line(&page, "%s", long_word);
	page_section(&page, "A title that is longer than its column", "%s", "words");
	fclose(to);
	line = strdup(text);
	assert_80_columns(line);
	free(line);
	assert_non_null(strstr(text, "xxx...\n"));
	assert_non_null(strstr(text, "    xxx"));
	assert_true(says(text, "words behind it\n"));
	assert_null(strchr(text, 033));
	free(text);
}

/* What the page of a process that a signal killed says. */
static void assert_death(int number, const char *words)
{
	struct report_options options = { 0 };
	char *text;

	captures[0].ended = ENDED_SIGNAL;
	captures[0].end_code = number;
	text = report(&options);
	if (!says(text, words))
		fail_msg("not there: %s in %s", words, text);
	assert_no_controls(text);
	assert_80_columns(text);
	free(text);
}

static void a_death_has_its_reason(void **state)
{
	(void)state;
	assert_death(11, "killed by a write to 0x2100010, where nothing is mapped; the nearest mapping is anonymous "
			 "memory, 16 B below; by program+0x123; 750 ms before the end");
	assert_death(9, "killed by the kernel's OOM killer: the oom_kill count of its memory cgroup "
			"/sys/fs/cgroup/example rose by 1 during the run; the limit there is 64.0 MiB");
	captures[0].invalid_access.faults_after = 7;
	captures[0].invalid_access.at = (struct capture_place){ 0x2100000, 0x2200000, 1, "/usr/bin/pro\033gram" };
	assert_death(11, "the last access that was refused: a write to 0x2100010, read-only memory of pro\\x1bgram; by "
			 "program+0x123; 750 ms before the end; 7 page faults came after it, so it may have been "
			 "handled");
	captures[0].oom.cgroup_kills = 0;
	assert_death(9, "perhaps killed by the kernel's OOM killer, which killed 1 during the run, somewhere on the "
			"machine");
	captures[0].oom.machine_kills = 0;
	assert_death(9, "the signal was sent by a process: the OOM killer killed none during the run");
	captures[0].invalid_access.state = ACCESS_NOT_WATCHED;
	assert_death(11, "which access killed it is not known");
}

static void refused_memory_has_its_limit_and_its_ledger(void **state)
{
	struct report_options options = { 0 };
	char *text = report(&options);

	(void)state;
	assert_true(says(text, "Memory refused malloc 2 times, 5.00 MiB, at 250 ms, last at 250 ms; mmap 7 times, 1.00 "
			       "MiB to 8.00 MiB, at 250 ms, last at 250 ms the limit: RLIMIT_AS (ulimit -v), 64.0 MiB; "
			       "60.0 MiB were mapped when 8.00 MiB more were asked for first"));
	assert_true(says(text, "Where the pages are, when memory was refused, 750 ms before the end"));
	assert_true(says(text, "locked 2.00 MiB, 1.00 MiB of that resident; asked for with its pages at once "
			       "(MAP_POPULATE) 2.00 MiB in 3 calls"));
	assert_true(says(text, "explicit huge pages 2.00 MiB of 4.00 MiB mapped, beside what is resident"));
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(a_page_reads_in_its_order),
		TEST(time_adds_up_on_one_line_of_thought),
		TEST(threads_make_the_sum_exceed_the_wall_time_and_the_page_says_so),
		TEST(everything_is_within_80_columns_whatever_the_program_is_called),
		TEST(figures_of_any_size_stay_within_80_columns),
		TEST(a_heap_that_was_not_seen_is_unknown_not_zero),
		TEST(without_a_ledger_the_page_says_so),
		TEST(an_older_ledger_says_how_old_it_is),
		TEST(what_is_unexplained_is_printed),
		TEST(the_tree_shows_every_image),
		TEST(another_process_has_its_own_page),
		TEST(faults_are_named_by_whose_memory_they_were_in),
		TEST(faults_are_told_by_what_they_did),
		TEST(churn_names_the_setting_that_is_known_to_help),
		TEST(churn_of_large_blocks_names_both_thresholds),
		TEST(churn_that_no_setting_helps_has_no_advice),
		TEST(a_fork_says_what_stayed_shared),
		TEST(regions_of_a_fork_are_told_apart),
		TEST(a_child_that_outlives_its_parent_leaves_open_what_was_copied),
		TEST(a_death_has_its_reason),
		TEST(refused_memory_has_its_limit_and_its_ledger),
		TEST(the_json_document_is_one_whatever_the_strings_hold),
		TEST(the_page_fill_has_ten_buckets),
		TEST(words_wrap_and_lines_are_cut),
	};

	complain_fd = -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
