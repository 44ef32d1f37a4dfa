/* SPDX-License-Identifier: MIT */
/*
 * How many calls were seen: as far as the kernel tells, and never more than that.
 * links: report
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <string.h>
#include <sys/syscall.h>

#include "../../report/coverage.h"
#include "report_synthetic.h"

static struct capture image;

static void cell(unsigned number, uint64_t calls, uint64_t errors)
{
	image.calls[image.cells_used++] = (struct capture_call){ .number = (uint16_t)number, .calls = calls, .errors = errors };
}

static int begin(void **state)
{
	(void)state;
	memset(&image, 0, sizeof(image));
	image.kernel_reads = 100;
	image.kernel_writes = 50;
	return 0;
}

static void what_the_kernel_counted_beyond_the_seen_was_not_seen(void **state)
{
	struct coverage c;

	(void)state;
	cell(SYS_read, 60, 0);
	cell(SYS_pread64, 30, 0);
	cell(SYS_writev, 45, 0);
	cell(SYS_openat, 1000, 0);
	c = coverage_of(&image);
	assert_int_equal(c.kernel_reads, 100);
	assert_int_equal(c.seen_reads, 90);
	assert_int_equal(c.seen_writes, 45);
	assert_int_equal(c.unseen_least, 15);
}

static void what_failed_may_or_may_not_be_among_them(void **state)
{
	struct coverage c;

	(void)state;
	cell(SYS_read, 120, 30);
	cell(SYS_write, 50, 0);
	c = coverage_of(&image);
	assert_int_equal(c.seen_reads, 90);
	assert_int_equal(c.unseen_least, 0);
}

static void what_the_kernel_counts_in_more_than_one_way_proves_nothing(void **state)
{
	(void)state;
	cell(SYS_read, 90, 0);
	cell(SYS_write, 50, 0);
	cell(SYS_sendfile, 5, 0);
	assert_int_equal(coverage_of(&image).unseen_least, 0);
}

static void without_the_kernels_count_nothing_is_known(void **state)
{
	struct coverage c;

	(void)state;
	image.kernel_reads = CAPTURE_UNKNOWN;
	cell(SYS_read, 90, 0);
	c = coverage_of(&image);
	assert_true(c.kernel_reads == CAPTURE_UNKNOWN && c.unseen_least == CAPTURE_UNKNOWN);
	assert_int_equal(c.seen_reads, 90);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(what_the_kernel_counted_beyond_the_seen_was_not_seen),
		TEST(what_failed_may_or_may_not_be_among_them),
		TEST(what_the_kernel_counts_in_more_than_one_way_proves_nothing),
		TEST(without_the_kernels_count_nothing_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
