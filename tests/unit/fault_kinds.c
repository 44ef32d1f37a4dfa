/* SPDX-License-Identifier: MIT */
/*
 * What faults did and what came again, by samples made by hand: what is known of pages, what instructions do to memory, and on
 * machines that tell more or less than this one.
 * links: report
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../report/fault_code.h"
#include "../../report/fault_kinds.h"
#include "report_synthetic.h"

#define PAGE 4096UL
#define AT   0x7f0000000000UL

static enum fault_seen note(struct fault_pages **pages, uint64_t page, enum fault_access access)
{
	return fault_pages_note(pages, AT + page * PAGE, PAGE, access).seen;
}

static void a_page_is_what_the_last_fault_made_it(void **state)
{
	struct fault_pages *pages = fault_pages_new(false);

	(void)state;
	assert_int_equal(note(&pages, 7, ACCESS_READ), SEEN_NEVER);
	assert_int_equal(note(&pages, 7, ACCESS_WRITE), SEEN_READ);
	assert_int_equal(note(&pages, 7, ACCESS_READ), SEEN_WRITTEN);
	assert_int_equal(note(&pages, 7, ACCESS_READ), SEEN_READ);
	assert_int_equal(note(&pages, 7, ACCESS_UNKNOWN), SEEN_READ);
	assert_int_equal(note(&pages, 8, ACCESS_WRITE), SEEN_NEVER);
	fault_pages_forked(&pages);
	assert_int_equal(fault_pages_seen(pages, AT + 8 * PAGE), SEEN_SHARED);
	assert_int_equal(note(&pages, 7, ACCESS_WRITE), SEEN_READ_BEFORE);
	assert_int_equal(note(&pages, 8, ACCESS_WRITE), SEEN_SHARED);
	assert_int_equal(note(&pages, 8, ACCESS_WRITE), SEEN_WRITTEN);
	fault_pages_drop(pages);
}

static void each_page_is_fresh_once(void **state)
{
	struct fault_pages *pages = fault_pages_new(false);
	uint64_t fresh = 0;

	(void)state;
	for (int round = 0; round < 5; round++)
		for (uint64_t page = 0; page < 1000; page++)
			fresh += fault_pages_note(&pages, AT + page * PAGE, PAGE, ACCESS_WRITE).fresh;
	assert_int_equal(fresh, 1000);
	assert_int_equal(fault_pages_note(&pages, AT, 2 * MIB, ACCESS_WRITE).fresh, 0);
	assert_int_equal(fault_pages_note(&pages, AT + 64 * MIB, 2 * MIB, ACCESS_WRITE).fresh, 0);
	assert_int_equal(fault_pages_note(&pages, AT + 64 * MIB, 2 * MIB, ACCESS_WRITE).fresh, 512);
	fault_pages_drop(pages);
}

static void those_who_share_pages_do_not_see_each_others_faults(void **state)
{
	struct fault_pages *one = fault_pages_new(false), *other;

	(void)state;
	note(&one, 1, ACCESS_WRITE);
	other = fault_pages_share(one);
	note(&other, 2, ACCESS_WRITE);
	assert_int_equal(note(&one, 2, ACCESS_WRITE), SEEN_NEVER);
	assert_int_equal(note(&other, 1, ACCESS_WRITE), SEEN_WRITTEN);
	fault_pages_drop(one);
	fault_pages_drop(other);
}

static void a_full_table_says_so(void **state)
{
	struct fault_pages *pages = fault_pages_new(false);

	(void)state;
	for (uint64_t i = 0; i < 32768; i++)
		assert_int_equal(note(&pages, i * 512, ACCESS_WRITE), SEEN_NEVER);
	assert_false(fault_pages_cut(pages));
	assert_int_equal(note(&pages, 32768 * 512, ACCESS_WRITE), SEEN_UNKNOWN);
	assert_true(fault_pages_cut(pages));
	assert_int_equal(note(&pages, 5 * 512, ACCESS_WRITE), SEEN_WRITTEN);
	fault_pages_drop(pages);
}

/* What an instruction in a file of its own does, with what its registers point to. */
static enum fault_access access_of(const char *bytes, size_t length, uint64_t address, uint64_t source, uint64_t target, uint64_t stack)
{
	char name[] = "/tmp/fault_kinds.XXXXXX";
	int fd = mkstemp(name);
	struct fault_modules *modules = fault_modules_new();
	struct fault_code *code = fault_code_new();
	struct fault_event event = { .kind = FAULT_MAP, .address = AT, .size = PAGE, .executable = true, .name = name };
	enum fault_access access, again;
	struct stat status;

	assert_true(fd >= 0 && pwrite(fd, bytes, length, 16) == (ssize_t)length && !fstat(fd, &status));
	event.device = status.st_dev;
	event.inode = status.st_ino;
	fault_code_map(modules, &code, &event);
	event = (struct fault_event){ .kind = FAULT_MINOR, .pid = 1 << 30, .ip = AT + 16, .address = address, .source = source,
				      .target = target, .stack = stack };
	access = fault_code_access(modules, code, &event);
	unlink(name);
	again = fault_code_access(modules, code, &event); /* from memory */
	assert_int_equal(access, again);
	event.ip += PAGE; /* nothing is known of code there, and nobody to ask */
	assert_int_equal(fault_code_access(modules, code, &event), ACCESS_UNKNOWN);
	fault_code_drop(code);
	fault_modules_free(modules);
	close(fd);
	return access;
}

static void an_instruction_tells_reads_from_writes(void **state)
{
	static const struct { char bytes[8]; enum fault_access access; } cases[] = {
		{ "\x8a\x00", ACCESS_READ },                    /* mov al, [rax] */
		{ "\x88\x00", ACCESS_WRITE },                   /* mov [rax], al */
		{ "\xc6\x00\x01", ACCESS_WRITE },               /* mov byte [rax], 1 */
		{ "\x83\x38\x07", ACCESS_READ },                /* cmp dword [rax], 7 */
		{ "\x83\x00\x01", ACCESS_WRITE },               /* add dword [rax], 1 */
		{ "\xf0\x0f\xb1\x10", ACCESS_WRITE },           /* lock cmpxchg [rax], edx */
		{ "\xf3\xaa", ACCESS_WRITE },                   /* rep stosb */
		{ "\xf3\xac", ACCESS_READ },                    /* rep lodsb */
		{ "\xc5\xfe\x6f\x00", ACCESS_READ },            /* vmovdqu ymm0, [rax] */
		{ "\xc5\xfe\x7f\x00", ACCESS_WRITE },           /* vmovdqu [rax], ymm0 */
		{ "\x62\xf1\xfe\x48\x7f\x07", ACCESS_WRITE },   /* vmovdqu64 [rdi], zmm0 */
		{ "\x50", ACCESS_WRITE },                       /* push rax */
		{ "\x58", ACCESS_READ },                        /* pop rax */
		{ "\xe8\x01\x01\x01\x01", ACCESS_WRITE },       /* call */
		{ "\xc3", ACCESS_READ },                        /* ret */
		{ "\x48\x8d\x04\x07", ACCESS_UNKNOWN },         /* lea: none at all */
		{ "\x06", ACCESS_UNKNOWN },                     /* no instruction here */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(access_of(cases[i].bytes, 8, 0x10000, 0x10000, 0x10000, 0x10000), cases[i].access);
	assert_int_equal(access_of("\x88\x00", 2, AT + 16, 0, 0, 0), ACCESS_READ); /* the code itself was not there */
}

static void an_instruction_that_does_both_is_told_by_its_registers(void **state)
{
	static const char move[] = "\xf3\xa4", push[] = "\xff\x30", call[] = "\xff\x10"; /* rep movsb, push [rax], call [rax] */

	(void)state;
	assert_int_equal(access_of(move, 2, 0x20000, 0x20000, 0x50123, 0x7000), ACCESS_READ);
	assert_int_equal(access_of(move, 2, 0x20000, 0x50123, 0x20000, 0x7000), ACCESS_WRITE);
	assert_int_equal(access_of(push, 2, 0x20000, 1, 1, 0x7000), ACCESS_READ);
	assert_int_equal(access_of(push, 2, 0x6ff8, 1, 1, 0x7000), ACCESS_WRITE);
	assert_int_equal(access_of(call, 2, 0x20000, 1, 1, 0x7000), ACCESS_READ);
}

/* A process of which the faults are made by hand: what its instructions are is known from a file of code. */
struct play {
	char name[32];
	struct fault_eye *eye;
	struct fault_kinds *kinds, *child;
	struct capture_faults counts, child_counts;
};

enum { LOAD, STORE };

static const struct fault_machine usual = { .sizes = true, .zero_page = true, .huge_zero_page = true };

static struct play begin(struct fault_machine machine)
{
	static const char code[] = { '\x8a', 0, '\x88', 0 }; /* mov al, [rax]; mov [rax], al */
	struct play play = { .name = "/tmp/fault_kinds.XXXXXX" };
	int fd = mkstemp(play.name);
	struct fault_event event = { .kind = FAULT_MAP, .address = AT, .size = PAGE, .executable = true, .name = play.name };
	struct stat status;

	assert_true(fd >= 0 && write(fd, code, sizeof(code)) == (ssize_t)sizeof(code) && !ftruncate(fd, 64) && !fstat(fd, &status));
	close(fd);
	event.device = status.st_dev;
	event.inode = status.st_ino;
	machine.swapped_out += fault_machine_here(true).swapped_out; /* no more, or more by what a test says */
	play.eye = fault_eye_open(&machine, NULL, NULL);
	play.kinds = fault_kinds_begin(play.eye, 1, NULL, 0);
	fault_kinds_map(play.eye, play.kinds, &event);
	return play;
}

static void fault_of(struct play *play, bool child, int what, uint64_t page, uint64_t bytes, enum ledger_backing backing)
{
	struct fault_kinds *kinds = child ? play->child : play->kinds;
	struct fault_event event = { .kind = FAULT_MINOR, .pid = 1, .tid = child ? 2 : 1, .address = 64 * MIB + page * PAGE,
				     .ip = AT + (what == STORE ? 2 : 0), .page_bytes = bytes };
	struct fault_traits traits = fault_kinds_note(play->eye, kinds, &event);
	struct fault_part part = { 0, UINT64_MAX, backing <= BACKING_BLOCK ? ROW_ANON : ROW_FILE, backing };

	fault_kinds_count(play->eye, kinds, traits, event.address, &part, child ? &play->child_counts : &play->counts);
}

static void fault(struct play *play, int what, uint64_t page, enum ledger_backing backing)
{
	fault_of(play, false, what, page, PAGE, backing);
}

static void fork_child(struct play *play)
{
	play->child = fault_kinds_fork(play->kinds, &(struct fault_event){ .kind = FAULT_FORK, .pid = 2, .parent = 1, .parent_tid = 1 });
}

static void finish(struct play *play, uint64_t minor_faults, uint64_t child_minor_faults)
{
	fault_kinds_finish(play->eye, play->kinds, minor_faults, &play->counts);
	fault_kinds_end(play->kinds);
	if (play->child) {
		fault_kinds_finish(play->eye, play->child, child_minor_faults, &play->child_counts);
		fault_kinds_end(play->child);
	}
	fault_eye_close(play->eye);
	unlink(play->name);
}

static void assert_kinds(const struct capture_faults *counts, enum capture_kind first, uint64_t faults, enum capture_kind second,
			 uint64_t more)
{
	uint64_t all = 0;

	for (size_t kind = 0; kind < CAPTURE_KINDS; kind++)
		all += counts->kinds[kind] == CAPTURE_UNKNOWN ? 0 : counts->kinds[kind];
	assert_int_equal(counts->kinds[first], faults);
	assert_int_equal(counts->kinds[second], more);
	assert_int_equal(all, faults + more);
}

static void a_read_gets_the_zero_page_and_a_write_memory(void **state)
{
	struct play play = begin(usual);

	(void)state;
	for (uint64_t page = 0; page < 10; page++)
		fault(&play, LOAD, page, BACKING_ANONYMOUS);
	for (uint64_t page = 0; page < 4; page++)
		fault(&play, STORE, page, BACKING_ANONYMOUS);
	finish(&play, 14, 0);
	assert_kinds(&play.counts, KIND_ZERO_PAGE, 10, KIND_FIRST_TOUCH, 4);
	assert_int_equal(play.counts.churn_faults[ROW_ANON], 0);
}

/* Read again, or written again: in between, both had been given back. */
static void what_comes_again_had_been_given_back(void **state)
{
	struct play play = begin(usual);

	(void)state;
	fault(&play, LOAD, 1, BACKING_ANONYMOUS);
	fault(&play, LOAD, 1, BACKING_ANONYMOUS);
	fault(&play, STORE, 2, BACKING_ANONYMOUS);
	fault(&play, STORE, 2, BACKING_ANONYMOUS);
	fault(&play, STORE, 2, BACKING_ANONYMOUS);
	finish(&play, 5, 0);
	assert_kinds(&play.counts, KIND_ZERO_PAGE, 2, KIND_FIRST_TOUCH, 3);
	assert_int_equal(play.counts.churn_faults[ROW_ANON], 3);
	assert_int_equal(play.counts.churn_pages[ROW_ANON], 2);
}

static void without_a_zero_page_a_read_brings_memory(void **state)
{
	struct play play = begin((struct fault_machine){ .sizes = true });

	(void)state;
	fault(&play, LOAD, 1, BACKING_ANONYMOUS);
	fault(&play, STORE, 1, BACKING_ANONYMOUS);
	finish(&play, 2, 0);
	assert_kinds(&play.counts, KIND_FIRST_TOUCH, 2, KIND_ZERO_PAGE, 0);
	assert_int_equal(play.counts.churn_faults[ROW_ANON], 1);
}

static void a_huge_page_is_one_fault_of_its_kind(void **state)
{
	struct play play = begin(usual);

	(void)state;
	fault_of(&play, false, LOAD, 512, 2 * MIB, BACKING_ANONYMOUS);
	fault_of(&play, false, STORE, 512, 2 * MIB, BACKING_ANONYMOUS);
	fault_of(&play, false, STORE, 1024, 2 * MIB, BACKING_ANONYMOUS);
	finish(&play, 3, 0);
	assert_kinds(&play.counts, KIND_HUGE, 2, KIND_ZERO_PAGE, 1);
}

static void files_are_touched_copied_and_made_dirty(void **state)
{
	struct play play = begin(usual);

	(void)state;
	fault(&play, LOAD, 1, BACKING_PRIVATE_FILE);
	fault(&play, STORE, 1, BACKING_PRIVATE_FILE);
	fault(&play, STORE, 2, BACKING_PRIVATE_FILE);
	finish(&play, 3, 0);
	assert_kinds(&play.counts, KIND_PRIVATE_FILE_WRITE, 2, KIND_FILE_TOUCH, 1);
	play = begin(usual);
	fault(&play, LOAD, 1, BACKING_SHARED);
	fault(&play, STORE, 1, BACKING_SHARED);
	fault(&play, STORE, 2, BACKING_SHARED);
	fault(&play, STORE, 2, BACKING_SHARED);
	finish(&play, 4, 0);
	assert_kinds(&play.counts, KIND_SHARED_FILE_WRITE, 2, KIND_FILE_TOUCH, 2);
	assert_int_equal(play.counts.churn_faults[ROW_FILE], 0);
}

static void a_write_after_a_fork_is_known_on_both_sides(void **state)
{
	struct play play = begin(usual);

	(void)state;
	for (uint64_t page = 0; page < 40; page++)
		fault(&play, STORE, page, BACKING_ANONYMOUS);
	fork_child(&play);
	for (uint64_t page = 0; page < 20; page++)
		fault_of(&play, true, STORE, page, PAGE, BACKING_ANONYMOUS);
	for (uint64_t page = 0; page < 10; page++)
		fault(&play, STORE, page, BACKING_ANONYMOUS);
	finish(&play, 50, 20);
	assert_kinds(&play.counts, KIND_FIRST_TOUCH, 40, KIND_AFTER_FORK, 10);
	assert_kinds(&play.child_counts, KIND_AFTER_FORK, 20, KIND_FIRST_TOUCH, 0);
	assert_int_equal(play.counts.churn_faults[ROW_ANON] + play.child_counts.churn_faults[ROW_ANON], 0);
}

/* A child that shares its parent's memory has no fault on what is there; afterwards, what comes again had been given back. */
static void a_vfork_shares_nothing(void **state)
{
	struct play play = begin(usual);

	(void)state;
	fault(&play, STORE, 1, BACKING_ANONYMOUS);
	fork_child(&play);
	fault_of(&play, true, STORE, 2, PAGE, BACKING_ANONYMOUS);
	fault_kinds_end(play.child);
	play.child = NULL;
	fault(&play, STORE, 1, BACKING_ANONYMOUS);
	finish(&play, 2, 0);
	assert_kinds(&play.counts, KIND_FIRST_TOUCH, 2, KIND_AFTER_FORK, 0);
	assert_int_equal(play.counts.churn_faults[ROW_ANON], 1);
}

/* 30 pages of the parent came without samples, and who counts faults says so: writes to what was never seen may be to them. */
static void what_a_system_call_brought_in_is_unknown_after_a_fork(void **state)
{
	for (int unseen = 0; unseen <= 30; unseen += 30) {
		struct play play = begin(usual);

		(void)state;
		fault(&play, STORE, 100, BACKING_ANONYMOUS);
		fork_child(&play);
		fault_of(&play, true, STORE, 100, PAGE, BACKING_ANONYMOUS);
		for (uint64_t page = 0; page < 30; page++)
			fault_of(&play, true, STORE, page, PAGE, BACKING_ANONYMOUS);
		finish(&play, 1 + (uint64_t)unseen, 31);
		assert_kinds(&play.child_counts, KIND_AFTER_FORK, 1, unseen ? KIND_UNKNOWN : KIND_FIRST_TOUCH, 30);
	}
}

static void what_a_machine_cannot_tell_is_unknown(void **state)
{
	struct play play = begin((struct fault_machine){ .zero_page = true });

	(void)state;
	fault(&play, STORE, 1, BACKING_ANONYMOUS);
	fault(&play, LOAD, 2, BACKING_SHARED);
	finish(&play, 2, 0);
	assert_int_equal(play.counts.kinds[KIND_HUGE], CAPTURE_UNKNOWN);
	assert_int_equal(play.counts.kinds[KIND_ZERO_PAGE], CAPTURE_UNKNOWN);
	assert_int_equal(play.counts.kinds[KIND_FIRST_TOUCH], CAPTURE_UNKNOWN);
	assert_kinds(&play.counts, KIND_UNKNOWN, 1, KIND_FILE_TOUCH, 1);
	play = begin((struct fault_machine){ .sizes = true, .zero_page = true, .hints = true });
	fault(&play, STORE, 1, BACKING_ANONYMOUS);
	fault(&play, STORE, 1, BACKING_ANONYMOUS); /* given back, or taken away for a while? */
	finish(&play, 2, 0);
	assert_kinds(&play.counts, KIND_FIRST_TOUCH, 1, KIND_UNKNOWN, 1);
	assert_int_equal(play.counts.churn_faults[ROW_ANON], CAPTURE_UNKNOWN);
	assert_int_equal(play.counts.churn_block_bytes, CAPTURE_UNKNOWN);
	play = begin((struct fault_machine){ .sizes = true, .zero_page = true, .swapped_out = UINT64_MAX }); /* one page since */
	fault(&play, STORE, 1, BACKING_ANONYMOUS);
	fault(&play, STORE, 1, BACKING_ANONYMOUS);
	finish(&play, 2, 0);
	assert_kinds(&play.counts, KIND_FIRST_TOUCH, 1, KIND_UNKNOWN, 1);
	assert_int_equal(play.counts.churn_faults[ROW_ANON], CAPTURE_UNKNOWN);
}

/* What is in swap space comes back by a major fault, and its neighbours by minor ones. */
static void with_swap_churn_is_unknown(void **state)
{
	struct play play = begin(usual);
	struct fault_event major = { .kind = FAULT_MAJOR, .pid = 1, .tid = 1, .address = 64 * MIB, .ip = AT, .page_bytes = PAGE };
	struct fault_part part = { 0, UINT64_MAX, ROW_ANON, BACKING_ANONYMOUS };

	(void)state;
	fault(&play, STORE, 0, BACKING_ANONYMOUS);
	fault(&play, STORE, 1, BACKING_ANONYMOUS);
	fault_kinds_count(play.eye, play.kinds, fault_kinds_note(play.eye, play.kinds, &major), major.address, &part, &play.counts);
	fault(&play, STORE, 1, BACKING_ANONYMOUS);
	finish(&play, 3, 0);
	assert_int_equal(play.counts.kinds[KIND_MAJOR_SWAP], 1);
	assert_int_equal(play.counts.kinds[KIND_FIRST_TOUCH], 2);
	assert_int_equal(play.counts.kinds[KIND_UNKNOWN], 1);
	assert_int_equal(play.counts.churn_faults[ROW_ANON], CAPTURE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_what_the_last_fault_made_it),
		cmocka_unit_test(each_page_is_fresh_once),
		cmocka_unit_test(those_who_share_pages_do_not_see_each_others_faults),
		cmocka_unit_test(a_full_table_says_so),
		cmocka_unit_test(an_instruction_tells_reads_from_writes),
		cmocka_unit_test(an_instruction_that_does_both_is_told_by_its_registers),
		cmocka_unit_test(a_read_gets_the_zero_page_and_a_write_memory),
		cmocka_unit_test(what_comes_again_had_been_given_back),
		cmocka_unit_test(without_a_zero_page_a_read_brings_memory),
		cmocka_unit_test(a_huge_page_is_one_fault_of_its_kind),
		cmocka_unit_test(files_are_touched_copied_and_made_dirty),
		cmocka_unit_test(a_write_after_a_fork_is_known_on_both_sides),
		cmocka_unit_test(a_vfork_shares_nothing),
		cmocka_unit_test(what_a_system_call_brought_in_is_unknown_after_a_fork),
		cmocka_unit_test(what_a_machine_cannot_tell_is_unknown),
		cmocka_unit_test(with_swap_churn_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
