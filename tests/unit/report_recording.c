/* SPDX-License-Identifier: MIT */
/*
 * The reader of recordings against directories that hold everything but what they should.
 * links: report
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../report/complain.h"
#include "../../report/figures.h"
#include "../../report/recording.h"
#include "report_synthetic.h"

/* A directory of its own for each test, and what was complained about. */
struct place {
	char directory[64];
	char complaints[8192];
};

static int begin(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	strcpy(place->directory, "/tmp/pagegap-unit-XXXXXX");
	complain_fd = memfd_create("complaints", MFD_CLOEXEC);
	*state = place;
	return mkdtemp(place->directory) && complain_fd >= 0 ? 0 : -1;
}

static int end(void **state)
{
	struct place *place = *state;
	DIR *directory = opendir(place->directory);
	struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(place->directory);
	close(complain_fd);
	free(place);
	return 0;
}

static char *path_in(const struct place *place, const char *file)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", place->directory, file) > 0);
	return path;
}

static void put_bytes(const struct place *place, const char *file, const void *bytes, size_t size)
{
	char *path = path_in(place, file);
	FILE *to = fopen(path, "wb");

	assert_non_null(to);
	assert_int_equal(fwrite(bytes, 1, size, to), size);
	assert_int_equal(fclose(to), 0);
	free(path);
}

static struct capture *new_capture(uint32_t pid)
{
	struct capture *c = malloc(sizeof(*c));

	assert_non_null(c);
	synthetic_capture(c, pid, 1, 0, BORN_START, 100 * SECOND);
	return c;
}

static void put_good(const struct place *place, uint32_t pid)
{
	struct capture *c = new_capture(pid);
	char name[64];

	snprintf(name, sizeof(name), "%u.0.capture", pid);
	put_bytes(place, name, c, sizeof(*c));
	free(c);
}

/*
 * Opens the recording; what it complained about is in place->complaints then, one line each. Returns the number of
 * lines.
 */
static size_t open_place(struct place *place, struct recording **recording)
{
	size_t lines = 0;
	ssize_t got;

	*recording = recording_open(place->directory);
	got = pread(complain_fd, place->complaints, sizeof(place->complaints) - 1, 0);
	assert_true(got >= 0);
	place->complaints[got] = '\0';
	for (const char *c = place->complaints; *c; c++)
		lines += *c == '\n';
	return lines;
}

/*
 * A directory with one good capture and a bad one: the good one is there, one line says what is wrong with the other.
 */
static void assert_one_bad(struct place *place, const char *says)
{
	struct recording *recording;

	put_good(place, 4711);
	assert_int_equal(open_place(place, &recording), 1);
	assert_non_null(recording);
	assert_int_equal(recording->count, 1);
	assert_int_equal(recording->bad, 1);
	assert_int_equal(recording->images[0].pid, 4711);
	assert_non_null(strstr(place->complaints, says));
	recording_close(recording);
}

static void a_good_capture_is_read_without_a_word(void **state)
{
	struct place *place = *state;
	struct recording *recording;
	struct image *image;

	put_good(place, 4711);
	assert_int_equal(open_place(place, &recording), 0);
	assert_int_equal(recording->count, 1);
	assert_int_equal(recording->bad, 0);
	image = &recording->images[recording->root];
	assert_int_equal(image->end, END_EXIT);
	assert_int_equal(image->code, 0);
	assert_string_equal(image->command, "/usr/bin/program --with 'an argument'");
	assert_int_equal(figures_wall(image), SECOND);
	assert_int_equal(image->own.user_ns, SECOND / 2);
	recording_close(recording);
}

static void an_empty_file_is_bad(void **state)
{
	put_bytes(*state, "12.0.capture", "", 0);
	assert_one_bad(*state, "12.0.capture: empty");
}

static void a_truncated_file_is_bad(void **state)
{
	struct capture *c = new_capture(12);

	put_bytes(*state, "12.0.capture", c, sizeof(*c) / 2);
	free(c);
	assert_one_bad(*state, "12.0.capture: truncated");
}

static void a_file_of_a_few_bytes_is_bad(void **state)
{
	put_bytes(*state, "12.0.capture", CAPTURE_MAGIC, 8);
	assert_one_bad(*state, "12.0.capture: not a capture");
}

static void a_file_with_more_at_its_end_is_bad(void **state)
{
	char *bytes = calloc(1, sizeof(struct capture) + 1);
	struct capture *c = new_capture(12);

	memcpy(bytes, c, sizeof(*c));
	put_bytes(*state, "12.0.capture", bytes, sizeof(*c) + 1);
	free(c);
	free(bytes);
	assert_one_bad(*state, "12.0.capture: damaged");
}

static void a_foreign_file_is_bad(void **state)
{
	put_bytes(*state, "12.0.capture", "\177ELF and so on, at some length, but nothing of ours", 50);
	assert_one_bad(*state, "12.0.capture: not a capture of pagegap");
}

static void a_future_version_is_named(void **state)
{
	char *bytes = calloc(1, 3 * sizeof(struct capture));
	struct capture *c = new_capture(12);

	c->version = 7;
	c->header_bytes = 3 * sizeof(*c);
	memcpy(bytes, c, sizeof(*c));
	put_bytes(*state, "12.0.capture", bytes, 3 * sizeof(*c)); /* it may well have another size */
	free(c);
	free(bytes);
	assert_one_bad(*state, "made by a newer pagegap (format 7), this one reads 2");
}

static void a_past_version_is_named(void **state)
{
	struct capture *c = new_capture(12);

	c->version = 1;
	put_bytes(*state, "12.0.capture", c, sizeof(*c) / 2);
	free(c);
	assert_one_bad(*state, "made by an older pagegap (format 1), this one reads 2");
}

static void a_symbolic_link_is_not_followed(void **state)
{
	struct place *place = *state;
	char *path = path_in(place, "12.0.capture"), *target = path_in(place, "elsewhere");
	struct capture *c = new_capture(12);

	put_bytes(place, "elsewhere", c, sizeof(*c));
	assert_int_equal(symlink(target, path), 0);
	free(c);
	free(path);
	free(target);
	assert_one_bad(place, "12.0.capture: a symbolic link");
}

static void a_fifo_does_not_block_the_reader(void **state)
{
	char *path = path_in(*state, "12.0.capture");

	assert_int_equal(mkfifo(path, 0600), 0);
	free(path);
	assert_one_bad(*state, "12.0.capture: not a regular file");
}

static void a_socket_and_a_directory_are_bad(void **state)
{
	struct place *place = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *path = path_in(place, "12.0.capture");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_one_bad(place, "12.0.capture: ");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(ftruncate(complain_fd, 0), 0);
	assert_int_equal(lseek(complain_fd, 0, SEEK_SET), 0);
	assert_one_bad(place, "12.0.capture: not a regular file");
	rmdir(path);
	free(path);
}

static void a_renamed_capture_is_bad(void **state)
{
	struct capture *c = new_capture(12);

	put_bytes(*state, "13.0.capture", c, sizeof(*c));
	free(c);
	assert_one_bad(*state, "13.0.capture: damaged: it is named after another process");
}

static void every_index_that_is_out_of_bounds_is_told_and_cleaned(void **state)
{
	static const size_t fields[] = {
		offsetof(struct capture, argv_bytes),
		offsetof(struct capture, samples_used),
		offsetof(struct capture, mappings_used),
		offsetof(struct capture, born),
		offsetof(struct capture, ended),
		offsetof(struct capture, has_heap),
		offsetof(struct capture, mappings[0].row),
		offsetof(struct capture, notes[3].kind),
		offsetof(struct capture, children[5].born),
		offsetof(struct capture, snapshots[SNAPSHOT_END].why),
	};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct capture *c = new_capture(12), *loaded = malloc(sizeof(*loaded));
		struct recording *recording;

		memset((char *)c + fields[i], 0x7f, 4);
		put_bytes(place, "12.0.capture", c, sizeof(*c));
		assert_int_equal(ftruncate(complain_fd, 0), 0);
		assert_int_equal(lseek(complain_fd, 0, SEEK_SET), 0);
		assert_int_equal(open_place(place, &recording), 1);
		assert_non_null(strstr(place->complaints, "12.0.capture: damaged: "));
		assert_int_equal(recording->count, 1);
		assert_int_equal(recording->bad, 1);
		assert_true(recording_load(recording, 0, loaded));
		assert_true(loaded->argv_bytes <= CAPTURE_ARGV_BYTES && loaded->samples_used <= CAPTURE_SAMPLES);
		assert_true(loaded->mappings_used <= CAPTURE_MAPPINGS && loaded->mappings[0].row < CAPTURE_ROWS);
		recording_close(recording);
		free(loaded);
		free(c);
	}
}

static void strings_that_do_not_end_are_cut(void **state)
{
	struct place *place = *state;
	struct capture *c = new_capture(12);
	struct recording *recording;

	memset(c->exe, 'x', sizeof(c->exe));
	memset(c->allocator, 'x', sizeof(c->allocator));
	memset(c->exec_path, 'x', sizeof(c->exec_path));
	memset(c->argv, 'x', sizeof(c->argv));
	c->argv_bytes = sizeof(c->argv);
	put_bytes(place, "12.0.capture", c, sizeof(*c));
	free(c);
	assert_int_equal(open_place(place, &recording), 1);
	assert_int_equal(recording->count, 1);
	recording_close(recording);
}

static void a_ledger_that_was_being_written_is_none(void **state)
{
	struct place *place = *state;
	struct capture *c = new_capture(12), *loaded = malloc(sizeof(*loaded));
	struct recording *recording;

	c->snapshots[SNAPSHOT_END].sequence = 3;
	put_bytes(place, "12.0.capture", c, sizeof(*c));
	assert_int_equal(open_place(place, &recording), 0);
	assert_true(recording_load(recording, 0, loaded));
	assert_int_equal(figures_snapshot(loaded)->why, WHY_PEAK);
	recording_close(recording);
	free(loaded);
	free(c);
}

static void a_capture_that_was_never_begun_stands_for_its_process(void **state)
{
	struct place *place = *state;
	struct capture *nothing = calloc(1, sizeof(*nothing));
	struct recording *recording;

	put_bytes(place, "4.0.capture", nothing, sizeof(*nothing));
	nothing->version = CAPTURE_VERSION; /* killed while it wrote who it is */
	nothing->pid = 5;
	nothing->argc = 1U << 31;
	put_bytes(place, "5.0.capture", nothing, sizeof(*nothing));
	put_good(place, 4711);
	assert_int_equal(open_place(place, &recording), 0);
	assert_int_equal(recording->count, 3);
	assert_true(recording_load(recording, recording_find(recording, 5), nothing));
	assert_int_equal(nothing->argc, 0);
	assert_int_equal(recording->bad, 0);
	assert_int_equal(recording_find(recording, 4) != NO_IMAGE, 1);
	assert_int_equal(recording->images[recording_find(recording, 4)].end, END_LOST);
	assert_true(recording_load(recording, recording_find(recording, 4), nothing));
	assert_int_equal(nothing->pid, 4);
	recording_close(recording);
	free(nothing);
}

static void a_directory_without_captures_is_no_recording(void **state)
{
	struct place *place = *state;
	struct recording *recording;

	put_bytes(place, "notes.txt", "x", 1);
	assert_int_equal(open_place(place, &recording), 1);
	assert_null(recording);
	assert_non_null(strstr(place->complaints, "not a recording"));
}

static void what_is_not_a_directory_is_no_recording(void **state)
{
	struct place *place = *state;
	char *path = path_in(place, "file");

	put_bytes(place, "file", "x", 1);
	assert_null(recording_open(path));
	assert_null(recording_open("/nonexistent/anywhere"));
	free(path);
}

static void counters_that_make_no_sense_leave_the_heap_unknown(void **state)
{
	struct place *place = *state;
	struct capture *c = new_capture(12), *loaded = malloc(sizeof(*loaded));
	struct recording *recording;
	struct capture_totals heap;

	c->counters[77].frees = UINT64_MAX - 5;
	put_bytes(place, "12.0.capture", c, sizeof(*c));
	assert_int_equal(open_place(place, &recording), 1);
	assert_true(recording_load(recording, 0, loaded));
	figures_heap(loaded, &heap);
	assert_true(heap.frees == CAPTURE_UNKNOWN && heap.allocations == CAPTURE_UNKNOWN &&
		    heap.live_bytes == CAPTURE_UNKNOWN);
	recording_close(recording);
	free(loaded);
	free(c);
}

static void a_course_of_copy_on_write_that_makes_no_sense_is_none(void **state)
{
	struct place *place = *state;
	struct capture *c = new_capture(12), *loaded = malloc(sizeof(*loaded));
	struct recording *recording;

	for (int defect = 0; defect < 6; defect++) {
		struct capture_cow_course *course = &c->cow_course;

		*course = (struct capture_cow_course){ .interval_ns = 1, .samples_used = 2, .regions_used = 1 };
		course->samples[1].pages = (struct capture_cow_row){ 10, 5, 3, 2, 4, 1 };
		course->regions[0] = (struct capture_cow_region){ 4096, 8192, ROW_ANON, 0, { 10, 5, 3, 2, 4, 1 } };
		if (defect == 1)
			course->samples_used = CAPTURE_COW_SAMPLES + 1;
		else if (defect == 2)
			course->regions_used = UINT32_MAX;
		else if (defect == 3)
			course->regions[0].row = CAPTURE_ROWS;
		else if (defect == 4)
			course->samples[1].pages.written_gone_pages = 3;
		else if (defect == 5)
			course->regions[0].end = 0;
		put_bytes(place, "12.0.capture", c, sizeof(*c));
		assert_int_equal(open_place(place, &recording), defect); /* one more each time */
		assert_true(recording_load(recording, 0, loaded));
		assert_int_equal(loaded->cow_course.samples_used, defect ? 0 : 2);
		assert_int_equal(loaded->cow_course.regions_used, defect ? 0 : 1);
		recording_close(recording);
	}
	free(loaded);
	free(c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_good_capture_is_read_without_a_word),
		TEST(an_empty_file_is_bad),
		TEST(a_truncated_file_is_bad),
		TEST(a_file_of_a_few_bytes_is_bad),
		TEST(a_file_with_more_at_its_end_is_bad),
		TEST(a_foreign_file_is_bad),
		TEST(a_future_version_is_named),
		TEST(a_past_version_is_named),
		TEST(a_symbolic_link_is_not_followed),
		TEST(a_fifo_does_not_block_the_reader),
		TEST(a_socket_and_a_directory_are_bad),
		TEST(a_renamed_capture_is_bad),
		TEST(every_index_that_is_out_of_bounds_is_told_and_cleaned),
		TEST(strings_that_do_not_end_are_cut),
		TEST(a_ledger_that_was_being_written_is_none),
		TEST(a_capture_that_was_never_begun_stands_for_its_process),
		TEST(a_directory_without_captures_is_no_recording),
		TEST(what_is_not_a_directory_is_no_recording),
		TEST(counters_that_make_no_sense_leave_the_heap_unknown),
		TEST(a_course_of_copy_on_write_that_makes_no_sense_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
