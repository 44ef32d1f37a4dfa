/* SPDX-License-Identifier: MIT */
/*
 * Which calls an expression means, as it is recorded and as it is shown.
 * links: report/log_filter.c report/log_call.c report/trace_list.c report/syscalls.c report/memory.c report/complain.c report/escape.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "../../report/log_filter.h"
#include "log_synthetic.h"

static struct log_wish wish;

static void wanted(const char *expression)
{
	char *wrong = log_filter_wish(expression, &wish);

	assert_null(wrong);
}

static void refused(const char *expression, const char *why)
{
	char *wrong = log_filter_wish(expression, &wish);

	assert_non_null(wrong);
	assert_non_null(strstr(wrong, why));
	assert_null(strchr(wrong, '\n'));
	free(wrong);
}

static void calls_are_named_one_by_one_by_service_and_by_class(void **state)
{
	(void)state;
	wanted("openat,%memory");
	assert_true(log_wanted(&wish, SYS_openat) && log_wanted(&wish, SYS_mmap));
	assert_false(log_wanted(&wish, SYS_read) || log_wanted(&wish, 100000));
	wanted("%path");
	assert_true(log_wanted(&wish, SYS_openat) && log_wanted(&wish, SYS_stat) && log_wanted(&wish, SYS_execve));
	assert_false(log_wanted(&wish, SYS_read) || log_wanted(&wish, SYS_getcwd));
	wanted("%desc");
	assert_true(log_wanted(&wish, SYS_read) && log_wanted(&wish, SYS_socket) && log_wanted(&wish, SYS_poll) && log_wanted(&wish, SYS_pipe2));
	assert_false(log_wanted(&wish, SYS_stat) || log_wanted(&wish, SYS_getpid));
	wanted("%stat,%statfs");
	assert_true(log_wanted(&wish, SYS_statx) && log_wanted(&wish, SYS_newfstatat) && log_wanted(&wish, SYS_fstatfs));
	assert_false(log_wanted(&wish, SYS_access));
}

static void what_is_taken_out_is_taken_out_of_all(void **state)
{
	(void)state;
	wanted("!futex,!%time");
	assert_true(log_wanted(&wish, SYS_read) && log_wanted(&wish, 100000));
	assert_false(log_wanted(&wish, SYS_futex) || log_wanted(&wish, SYS_nanosleep));
	wanted("%file,!read");
	assert_true(log_wanted(&wish, SYS_write));
	assert_false(log_wanted(&wish, SYS_read) || log_wanted(&wish, SYS_mmap));
	wanted("failed,!read");
	assert_true(log_wanted(&wish, SYS_write) && wish.failed);
	assert_false(log_wanted(&wish, SYS_read));
}

static void conditions_alone_are_for_all_calls(void **state)
{
	(void)state;
	wanted("failed");
	assert_true(log_wanted(&wish, SYS_read) && log_wanted(&wish, 100000));
	wanted("slower=10ms,path=/etc");
	assert_true(log_wanted(&wish, SYS_read));
	assert_int_equal(wish.slower_ns, 10000000);
	assert_int_equal(wish.path_length, 4);
	assert_memory_equal(wish.path, "/etc", 4);
}

static void times_have_units(void **state)
{
	(void)state;
	wanted("slower=7ns");
	assert_int_equal(wish.slower_ns, 7);
	wanted("slower=1.5us");
	assert_int_equal(wish.slower_ns, 1500);
	wanted("slower=2s");
	assert_int_equal(wish.slower_ns, 2000000000);
	refused("slower=10", "not a time");
	refused("slower=", "not a time");
	refused("slower=ms", "not a time");
	refused("slower=1.ms", "not a time");
	refused("slower=-1ms", "not a time");
	refused("slower=99999999999s", "not a time");
}

static void what_means_nothing_is_told_with_what_does(void **state)
{
	char path[400] = "path=";

	(void)state;
	refused("openat,nonsense,read", "'nonsense'");
	refused("%nonsense", "%network");
	refused("!", "%path");
	refused("", "''");
	refused("read,", "''");
	refused("a\nb", "'a\\x0ab'");
	refused("path=", "no path");
	memset(path + 5, 'x', 300);
	refused(path, "longer than 256 bytes");
}

static void failures_are_those_of_the_table(void **state)
{
	struct log_call call = { .kind = LOG_CALL, .number = SYS_read, .begun_ns = 1, .ended_ns = 2, .result_known = true, .result = -EBADF };

	(void)state;
	wanted("failed");
	assert_true(log_filter_matches(&wish, &call));
	call.result = 3;
	assert_false(log_filter_matches(&wish, &call));
	call.result = -5000;
	assert_false(log_filter_matches(&wish, &call));
	call.result = -1;
	call.result_known = false;
	assert_false(log_filter_matches(&wish, &call));
	call.result_known = true;
	call.number = SYS_getpid;
	assert_false(log_filter_matches(&wish, &call));
	call.number = 511;
	assert_true(log_filter_matches(&wish, &call));
	call.ended_ns = 0;
	assert_false(log_filter_matches(&wish, &call));
}

static void what_did_not_return_was_slow(void **state)
{
	struct log_call call = { .kind = LOG_CALL, .number = SYS_read, .begun_ns = 1000, .ended_ns = 2000, .result_known = true };

	(void)state;
	wanted("slower=1us");
	assert_true(log_filter_matches(&wish, &call));
	call.ended_ns = 1999;
	assert_false(log_filter_matches(&wish, &call));
	call.ended_ns = 0;
	assert_true(log_filter_matches(&wish, &call));
	call.number = SYS_exit_group;
	assert_false(log_filter_matches(&wish, &call));
	call = (struct log_call){ .kind = LOG_CALL, .number = SYS_read, .ended_ns = 2000, .result_known = true };
	assert_false(log_filter_matches(&wish, &call));
}

static void signals_are_no_calls(void **state)
{
	struct log_call call = { .kind = LOG_SIGNAL, .number = SYS_write, .begun_ns = 1 };

	(void)state;
	wanted("read");
	assert_true(log_filter_matches(&wish, &call));
	wanted("failed");
	assert_false(log_filter_matches(&wish, &call));
}

static struct synthetic_log made;

/* A call with what was kept of it. */
static struct log_call call_of(struct log_record *before, struct log_record *after)
{
	struct log_call call = { .kind = LOG_CALL, .number = before->number, .begun_ns = 1 };

	memcpy(call.arguments, before->values, sizeof(call.arguments));
	call.before = (struct log_memory){ (const unsigned char *)(before + 1), before->piece_bytes };
	if (after) {
		call.ended_ns = 2;
		call.result_known = true;
		call.result = (int64_t)after->values[0];
		call.after = (struct log_memory){ (const unsigned char *)(after + 1), after->piece_bytes };
	}
	return call;
}

static void paths_begin_so(void **state)
{
	struct log_record *before, *after;
	struct log_call call;

	(void)state;
	synthetic_log_begin(&made, 16);
	synthetic_chunk(&made, 10, 10, 0, "x");
	before = synthetic_call(&made, SYS_openat, 1, 0, (uint64_t)AT_FDCWD, 0x1000, 0);
	synthetic_path(&made, 0x1000, "/etc/passwd");
	call = call_of(before, NULL);
	wanted("path=/etc");
	assert_true(log_filter_matches(&wish, &call));
	wanted("path=/etc/passwd");
	assert_true(log_filter_matches(&wish, &call));
	wanted("path=/etc/passwd-");
	assert_false(log_filter_matches(&wish, &call));
	wanted("path=/usr");
	assert_false(log_filter_matches(&wish, &call));

	before = synthetic_call(&made, SYS_openat, 2, 0, 5, 0x1000, 0);
	synthetic_path(&made, 0x1000, "ssl/certs");
	synthetic_descriptor(&made, 5, "/etc");
	call = call_of(before, NULL);
	wanted("path=/etc/ssl");
	assert_true(log_filter_matches(&wish, &call));
	wanted("path=ssl");
	assert_true(log_filter_matches(&wish, &call));
	wanted("path=/ssl");
	assert_false(log_filter_matches(&wish, &call));

	before = synthetic_call(&made, SYS_read, 3, 0, 3, 0x1000, 10);
	synthetic_descriptor(&made, 3, "/etc/passwd");
	call = call_of(before, NULL);
	wanted("path=/etc");
	assert_true(log_filter_matches(&wish, &call));
	call.arguments[0] = 4;
	assert_false(log_filter_matches(&wish, &call));

	before = synthetic_call(&made, SYS_openat, 4, 0, (uint64_t)AT_FDCWD, 0x1000, 0);
	synthetic_path(&made, 0x1000, "passwd");
	after = synthetic_result(&made, SYS_openat, 4, 1, 7);
	synthetic_descriptor(&made, 7, "/etc/passwd");
	call = call_of(before, after);
	assert_true(log_filter_matches(&wish, &call));
	synthetic_log_end(&made);
}

static void a_filter_is_within_one_that_is_wider(void **state)
{
	struct log_wish all, some;

	(void)state;
	log_filter_all(&all);
	wanted("openat,failed,path=/etc/ssl");
	assert_true(log_filter_is_within(&wish, &all));
	assert_false(log_filter_is_within(&all, &wish));
	some = wish;
	wanted("openat,path=/etc");
	assert_true(log_filter_is_within(&some, &wish));
	assert_false(log_filter_is_within(&wish, &some));
	wanted("slower=1ms");
	some = wish;
	wanted("slower=2ms");
	assert_true(log_filter_is_within(&wish, &some));
	assert_false(log_filter_is_within(&some, &wish));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_named_one_by_one_by_service_and_by_class),
		cmocka_unit_test(what_is_taken_out_is_taken_out_of_all),
		cmocka_unit_test(conditions_alone_are_for_all_calls),
		cmocka_unit_test(times_have_units),
		cmocka_unit_test(what_means_nothing_is_told_with_what_does),
		cmocka_unit_test(failures_are_those_of_the_table),
		cmocka_unit_test(what_did_not_return_was_slow),
		cmocka_unit_test(signals_are_no_calls),
		cmocka_unit_test(paths_begin_so),
		cmocka_unit_test(a_filter_is_within_one_that_is_wider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
