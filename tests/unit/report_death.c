/* SPDX-License-Identifier: MIT */
/*
 * What killed a process, by evidence made by hand: what was mapped, which faults were served, limits, counts of the
 * OOM killer.
 * links: report
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/mman.h>

#include "../../report/address_map.h"
#include "../../report/check.h"
#include "../../report/death.h"
#include "../../report/invalid_access.h"
#include "../../report/oom_watch.h"
#include "../../report/refusals.h"
#include "report_synthetic.h"

#define PAGE 4096UL
#define AT   0x7f0000000000UL
#define CODE 0x400000UL
#define RW   (PROT_READ | PROT_WRITE)

/* Mappings */

static void map(struct address_map **maps, uint64_t page, uint64_t pages, uint64_t protection, const char *name)
{
	struct fault_event event = {
		.kind = FAULT_MAP, .address = AT + page * PAGE, .size = pages * PAGE, .protection = protection,
		.offset = 10 * PAGE, .inode = name[0] == '/' && name[1] != '/' ? 7 : 0, .name = (char *)(uintptr_t)name,
	};

	address_map_note(maps, &event);
}

static void assert_piece(const struct address_piece *piece, uint64_t start, uint64_t end, uint64_t protection,
			 const char *name)
{
	assert_non_null(piece);
	assert_int_equal((piece->start - AT) / PAGE, start);
	assert_int_equal((piece->end - AT) / PAGE, end);
	assert_int_equal(piece->protection, protection);
	assert_string_equal(address_piece_name(piece), name);
}

static void what_is_mapped_last_is_what_is_there(void **state)
{
	struct address_map *maps = address_map_new();

	(void)state;
	map(&maps, 0, 100, RW, "/tmp/file");
	map(&maps, 40, 10, PROT_READ, "//anon");
	assert_piece(address_map_at(maps, AT), 0, 40, RW, "/tmp/file");
	assert_piece(address_map_at(maps, AT + 45 * PAGE), 40, 50, PROT_READ, "");
	assert_piece(address_map_at(maps, AT + 50 * PAGE), 50, 100, RW, "/tmp/file");
	assert_int_equal(address_map_at(maps, AT + 50 * PAGE)->offset, 60 * PAGE);
	map(&maps, 30, 80, PROT_NONE, "//anon");
	assert_piece(address_map_at(maps, AT + 109 * PAGE), 30, 110, PROT_NONE, "");
	assert_piece(address_map_below(maps, AT + 30 * PAGE), 0, 30, RW, "/tmp/file");
	assert_null(address_map_at(maps, AT + 110 * PAGE));
	assert_piece(address_map_below(maps, AT + 200 * PAGE), 30, 110, PROT_NONE, "");
	assert_piece(address_map_above(maps, 0), 0, 30, RW, "/tmp/file");
	assert_null(address_map_above(maps, AT + 40 * PAGE));
	assert_null(address_map_below(maps, AT));
	address_map_drop(maps);
}

static void relatives_map_each_for_itself(void **state)
{
	struct address_map *parent = address_map_new(), *child;

	(void)state;
	map(&parent, 0, 10, RW, "[heap]");
	child = address_map_share(parent);
	map(&child, 0, 5, PROT_READ, "//anon");
	assert_piece(address_map_at(parent, AT), 0, 10, RW, "[heap]");
	assert_piece(address_map_at(child, AT), 0, 5, PROT_READ, "");
	address_map_drop(parent);
	assert_piece(address_map_at(child, AT + 6 * PAGE), 5, 10, RW, "[heap]");
	address_map_drop(child);
}

static void too_many_mappings_are_said_to_be(void **state)
{
	struct address_map *maps = address_map_new();

	(void)state;
	assert_true(address_map_complete(maps));
	assert_false(address_map_complete(NULL));
	for (uint64_t i = 0; i < 10000; i++)
		map(&maps, 2 * i, 1, RW, "//anon");
	assert_false(address_map_complete(maps));
	address_map_drop(maps);
}

/* Accesses */

static struct access_attempt attempt(uint64_t address, enum access_served served, enum fault_access access)
{
	return (struct access_attempt){ .event = { .address = address, .ip = CODE, .time_ns = 5 },
					.served = served,
					.access = access };
}

/* Of a map with pages 0-9 to be read and written, 10-11 without access, 12-19 only to be read, and code. */
static struct capture_invalid_access find(const struct access_attempt *attempts, size_t count)
{
	struct address_map *maps = address_map_new();
	struct fault_event code = {
		.address = CODE,
		.size = PAGE,
		.protection = PROT_READ | PROT_EXEC,
		.offset = PAGE,
		.inode = 3,
		.name = (char *)"/bin/program",
	};
	struct capture_invalid_access found;

	map(&maps, 0, 10, RW, "//anon");
	map(&maps, 10, 2, PROT_NONE, "//anon");
	map(&maps, 12, 8, PROT_READ, "/tmp/file");
	address_map_note(&maps, &code);
	invalid_access_find(attempts, count, maps, &found);
	address_map_drop(maps);
	return found;
}

static void the_last_access_that_was_not_served_is_found(void **state)
{
	struct access_attempt attempts[] = {
		attempt(AT, SERVED, ACCESS_UNKNOWN),
		attempt(AT + 13 * PAGE, SERVED_NOT, ACCESS_WRITE),
		attempt(0, SERVED_NOT, ACCESS_WRITE),
	};
	struct capture_invalid_access found = find(attempts, 3);

	(void)state;
	assert_int_equal(found.state, ACCESS_REFUSED);
	assert_int_equal(found.address, AT + 13 * PAGE);
	assert_int_equal(found.kind, TOUCH_WRITE);
	assert_int_equal(found.faults_after, 1);
	assert_string_equal(found.at.name, "/tmp/file");
	assert_int_equal(found.file_offset, 11 * PAGE);
	assert_int_equal(found.file_bytes, CAPTURE_UNKNOWN);
	assert_string_equal(found.code.name, "/bin/program");
	assert_int_equal(found.code_offset, PAGE);
	assert_int_equal(found.below.end, AT + 12 * PAGE);
	assert_int_equal(find(attempts, 1).state, ACCESS_ALL_SERVED);
}

/* A thread that is in the middle of a fault when another one is killed has done nothing wrong. */
static void one_that_the_map_forbids_comes_first(void **state)
{
	struct access_attempt attempts[] = {
		attempt(AT, SERVED_NOT, ACCESS_WRITE),
		attempt(AT + PAGE, SERVED_NOT, ACCESS_READ),
		attempt(24, SERVED_NOT, ACCESS_READ),
	};

	(void)state;
	assert_int_equal(find(attempts, 3).address, 24);
	assert_int_equal(find(attempts, 2).address, AT);
}

static void what_is_not_known_to_be_served_counts_only_at_the_end(void **state)
{
	struct access_attempt attempts[] = {
		attempt(AT, SERVED, ACCESS_UNKNOWN),
		attempt(0, SERVED_UNKNOWN, ACCESS_READ),
		attempt(0, SERVED_NOT, ACCESS_READ),
	};

	(void)state;
	assert_int_equal(find(attempts, 3).state, ACCESS_NOT_WATCHED);
	assert_int_equal(find(attempts + 1, 1).state, ACCESS_REFUSED);
	attempts[1] = attempt(AT, SERVED_UNKNOWN, ACCESS_WRITE);
	assert_int_equal(find(attempts + 1, 2).state, ACCESS_NOT_WATCHED);
	attempts[1] = attempt(AT + 13 * PAGE, SERVED_UNKNOWN, ACCESS_UNKNOWN);
	assert_int_equal(find(attempts + 1, 2).state, ACCESS_NOT_WATCHED);
}

/* Findings */

static struct capture capture;

static enum access_finding finding(int signal_number)
{
	struct image image = { .end = END_SIGNAL, .code = signal_number, .page_size = 4096 };

	return death_access(&image, &capture.invalid_access);
}

static enum access_finding finding_at(uint64_t address, enum fault_access access)
{
	struct access_attempt one = attempt(address, SERVED_NOT, access);

	capture.invalid_access = find(&one, 1);
	return finding(SIGSEGV);
}

static void each_finding_has_its_evidence(void **state)
{
	struct access_attempt jump = attempt(AT, SERVED_NOT, ACCESS_UNKNOWN);

	(void)state;
	assert_int_equal(finding_at(8, ACCESS_READ), FINDING_NULL);
	assert_int_equal(finding_at(AT + 30 * PAGE, ACCESS_READ), FINDING_NOTHING);
	assert_int_equal(finding_at(AT, ACCESS_WRITE), FINDING_UNMAPPED);
	assert_int_equal(finding_at(AT + 10 * PAGE, ACCESS_READ), FINDING_GUARD);
	assert_int_equal(finding_at(AT + 12 * PAGE, ACCESS_WRITE), FINDING_READ_ONLY);
	assert_int_equal(finding_at(AT + 12 * PAGE, ACCESS_READ), FINDING_UNMAPPED);
	assert_int_equal(finding_at(AT + 12 * PAGE, ACCESS_UNKNOWN), FINDING_UNKNOWN);
	jump.event.ip = AT;
	capture.invalid_access = find(&jump, 1);
	assert_int_equal(finding(SIGSEGV), FINDING_NOT_EXECUTABLE);
	assert_int_equal(finding(SIGKILL), FINDING_NONE);
	assert_int_equal(finding(SIGBUS), FINDING_UNKNOWN);
	capture.invalid_access.state = ACCESS_ALL_SERVED;
	assert_int_equal(finding(SIGSEGV), FINDING_NO_FAULT);
	capture.invalid_access.state = ACCESS_NOT_WATCHED;
	assert_int_equal(finding(SIGSEGV), FINDING_UNKNOWN);
}

static void a_file_ends_with_its_last_page(void **state)
{
	struct access_attempt one = attempt(AT + 13 * PAGE, SERVED_NOT, ACCESS_READ);

	(void)state;
	capture.invalid_access = find(&one, 1);
	assert_int_equal(finding(SIGBUS), FINDING_FILE_ERROR);
	capture.invalid_access.file_bytes = 11 * PAGE;
	assert_int_equal(finding(SIGBUS), FINDING_PAST_END);
	capture.invalid_access.file_bytes = 11 * PAGE + 1;
	assert_int_equal(finding(SIGBUS), FINDING_FILE_ERROR);
}

static void below_the_stack_it_is_an_overflow_near_the_stack_pointer(void **state)
{
	struct capture_invalid_access *a = &capture.invalid_access;

	(void)state;
	*a = (struct capture_invalid_access){ .state = ACCESS_REFUSED,
					      .kind = TOUCH_WRITE,
					      .map_known = 1,
					      .address = AT - 100,
					      .stack_pointer = AT - 100,
					      .above = { AT, AT + PAGE, RW, "[stack]" } };
	assert_int_equal(finding(SIGSEGV), FINDING_STACK);
	a->stack_pointer = AT + 2000;
	assert_int_equal(finding(SIGSEGV), FINDING_NOTHING);
	a->map_known = 0;
	assert_int_equal(finding(SIGSEGV), FINDING_UNKNOWN);
}

/* Refusals */

static void a_limit_is_named_when_the_request_did_not_fit(void **state)
{
	struct capture_exhaustion e = {
		.noted = 1,
		.first_request = REQUEST_MMAP,
		.first_bytes = 10 * MIB,
		.mapped_bytes = 95 * MIB,
		.data_bytes = 60 * MIB,
		.address_limit_bytes = 100 * MIB,
		.data_limit_bytes = CAPTURE_UNKNOWN,
		.overcommit = 0,
		.commit_limit_bytes = 500 * MIB,
		.committed_bytes = 400 * MIB,
		.memory_bytes = 1000 * MIB,
		.mappings = 100,
		.mappings_limit = 65530,
	};

	(void)state;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_ADDRESS_SPACE);
	assert_int_equal(refusal_of(&e).limit, 100 * MIB);
	assert_int_equal(refusal_of(&e).used, 95 * MIB);
	e.address_limit_bytes = 200 * MIB;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_UNKNOWN);
	e.data_limit_bytes = 65 * MIB;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_DATA);
	e.data_limit_bytes = CAPTURE_UNKNOWN;
	e.overcommit = 2;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_UNKNOWN);
	e.committed_bytes = 485 * MIB;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_COMMIT);
	e.overcommit = 0;
	e.address_limit_bytes = CAPTURE_UNKNOWN;
	e.first_bytes = 1001 * MIB;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_MEMORY);
	e.overcommit = 1;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_UNKNOWN);
	e.mappings = 65530;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_MAPPINGS);
	e.first_bytes = CAPTURE_MOST_BYTES;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_SIZE);
}

/* An allocator asks for more at once than it is asked for. */
static void a_small_block_is_refused_by_a_limit_that_is_nearly_reached(void **state)
{
	struct capture_exhaustion e = {
		.noted = 1, .first_request = REQUEST_MALLOC, .first_bytes = 100, .mapped_bytes = 99 * MIB,
		.address_limit_bytes = 100 * MIB, .data_limit_bytes = CAPTURE_UNKNOWN, .memory_bytes = CAPTURE_UNKNOWN,
		.mappings = CAPTURE_UNKNOWN, .mappings_limit = CAPTURE_UNKNOWN,
	};

	(void)state;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_ADDRESS_SPACE);
	e.mapped_bytes = 90 * MIB;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_UNKNOWN);
	e.mapped_bytes = CAPTURE_UNKNOWN;
	assert_int_equal(refusal_of(&e).cause, REFUSAL_UNKNOWN);
}

/* The OOM killer */

static const char two[] = "29 22 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
static const char one[] = "21 1 8:1 / / rw - ext4 /dev/root rw\n"
			  "30 25 0:27 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu\n"
			  "31 25 0:28 / /sys/fs/cgroup/mem\\040ory rw shared:9 master:3 - cgroup cgroup rw,memory\n";
static const char bound[] = "31 25 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";

static void assert_directory(const char *cgroups, const char *mounts, const char *expected)
{
	int unified;
	char *directory = oom_directory(cgroups, mounts, &unified);

	if (!expected) {
		assert_null(directory);
		return;
	}
	assert_non_null(directory);
	assert_string_equal(directory, expected);
	assert_int_equal(unified, mounts == two);
	free(directory);
}

static void a_cgroup_is_found_where_it_is_mounted(void **state)
{
	(void)state;
	assert_directory("0::/user.slice/a b\n", two, "/sys/fs/cgroup/user.slice/a b");
	assert_directory("0::/\n", two, "/sys/fs/cgroup");
	assert_directory("9:cpu,memory:/x\n4:pids:/y\n0::/z\n", one, "/sys/fs/cgroup/mem ory/x");
	assert_directory("9:memory:/docker/abc/d\n", bound, "/sys/fs/cgroup/memory/d");
	assert_directory("9:memory:/docker/abc\n", bound, "/sys/fs/cgroup/memory");
	assert_directory("9:memory:/elsewhere\n", bound, NULL);
	assert_directory("0::/../other\n", two, NULL);
	assert_directory("9:memories:/x\n", one, NULL);
	assert_directory("", "", NULL);
	assert_directory("no colon\n:\n::\n", "garbage\n- - -\n", NULL);
}

static void kills_are_counted_by_the_line_of_that_name(void **state)
{
	(void)state;
	assert_int_equal(oom_kills("low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 1\n"), 2);
	assert_int_equal(oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"), 5);
	assert_int_equal(oom_kills("oom_kill_disable 0\nunder_oom 0\n"), CAPTURE_UNKNOWN);
	assert_int_equal(oom_kills(""), CAPTURE_UNKNOWN);
	assert_int_equal(oom_kills(NULL), CAPTURE_UNKNOWN);
}

static void who_was_killed_is_judged_by_the_counts(void **state)
{
	struct image images[3] = {
		{ .end = END_SIGNAL, .code = SIGKILL }, { .end = END_SIGNAL, .code = SIGKILL }, { .end = END_EXIT },
	};
	struct recording recording = { .images = images,
				       .count = 3,
				       .oom = { .watched = 1, .cgroup_kills = 2, .machine_kills = 2 } };
	const struct image *image = &images[0];

	(void)state;
	assert_int_equal(death_oom(&recording, image), OOM_KILLED);
	recording.oom.cgroup_kills = 1;
	assert_int_equal(death_oom(&recording, image), OOM_PERHAPS);
	recording.oom.cgroup_kills = 0;
	assert_int_equal(death_oom(&recording, image), OOM_PERHAPS);
	recording.oom.machine_kills = 0;
	assert_int_equal(death_oom(&recording, image), OOM_NOT);
	recording.oom.machine_kills = CAPTURE_UNKNOWN;
	assert_int_equal(death_oom(&recording, image), OOM_UNKNOWN);
	recording.oom.watched = 0;
	assert_int_equal(death_oom(&recording, image), OOM_UNKNOWN);
	image = &images[2];
	assert_int_equal(death_oom(&recording, image), OOM_NONE);
}

/* Captures */

static enum check_result check(char defect[160])
{
	return check_capture(&capture, sizeof(capture), sizeof(capture), defect, 160);
}

static void evidence_that_makes_no_sense_is_none(void **state)
{
	char defect[160];

	(void)state;
	synthetic_capture(&capture, 5000001, 1, 0, BORN_START, SECOND);
	assert_int_equal(check(defect), CHECK_GOOD);
	capture.invalid_access.state = ACCESS_REFUSED;
	memset(capture.invalid_access.above.name, 'x', sizeof(capture.invalid_access.above.name));
	assert_int_equal(check(defect), CHECK_CLEANED);
	assert_int_equal(capture.invalid_access.state, ACCESS_NOT_WATCHED);
	capture.invalid_access.kind = CAPTURE_ACCESS_KINDS;
	assert_int_equal(check(defect), CHECK_CLEANED);
	assert_int_equal(capture.invalid_access.kind, TOUCH_UNKNOWN);
	capture.exhaustion = (struct capture_exhaustion){ .noted = 1, .first_request = CAPTURE_REQUESTS };
	assert_int_equal(check(defect), CHECK_CLEANED);
	assert_int_equal(capture.exhaustion.noted, 0);
	capture.exhaustion = (struct capture_exhaustion){ .noted = 1, .address_limit_bytes = UINT64_MAX - 4095 };
	assert_int_equal(check(defect), CHECK_GOOD);
	capture.exhaustion.refused[REQUEST_MMAP].last_ns = UINT64_MAX - 1;
	assert_int_equal(check(defect), CHECK_CLEANED);
	capture.oom = (struct capture_oom){ .watched = 1, .cgroup_kills = UINT64_MAX - 1 };
	assert_int_equal(check(defect), CHECK_CLEANED);
	assert_int_equal(capture.oom.watched, 0);
	capture.snapshots[SNAPSHOT_END].hugetlb_bytes = UINT64_MAX - 1;
	assert_int_equal(check(defect), CHECK_CLEANED);
	assert_int_equal(capture.snapshots[SNAPSHOT_END].sequence, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mapped_last_is_what_is_there),
		cmocka_unit_test(relatives_map_each_for_itself),
		cmocka_unit_test(too_many_mappings_are_said_to_be),
		cmocka_unit_test(the_last_access_that_was_not_served_is_found),
		cmocka_unit_test(one_that_the_map_forbids_comes_first),
		cmocka_unit_test(what_is_not_known_to_be_served_counts_only_at_the_end),
		cmocka_unit_test(each_finding_has_its_evidence),
		cmocka_unit_test(a_file_ends_with_its_last_page),
		cmocka_unit_test(below_the_stack_it_is_an_overflow_near_the_stack_pointer),
		cmocka_unit_test(a_limit_is_named_when_the_request_did_not_fit),
		cmocka_unit_test(a_small_block_is_refused_by_a_limit_that_is_nearly_reached),
		cmocka_unit_test(a_cgroup_is_found_where_it_is_mounted),
		cmocka_unit_test(kills_are_counted_by_the_line_of_that_name),
		cmocka_unit_test(who_was_killed_is_judged_by_the_counts),
		cmocka_unit_test(evidence_that_makes_no_sense_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
