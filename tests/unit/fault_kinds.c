/* SPDX-License-Identifier: MIT */
/*
 * What is known of pages from the faults on them, and what instructions do to memory: samples made by hand.
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_what_the_last_fault_made_it),
		cmocka_unit_test(each_page_is_fresh_once),
		cmocka_unit_test(those_who_share_pages_do_not_see_each_others_faults),
		cmocka_unit_test(a_full_table_says_so),
		cmocka_unit_test(an_instruction_tells_reads_from_writes),
		cmocka_unit_test(an_instruction_that_does_both_is_told_by_its_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
