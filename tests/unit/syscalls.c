/* SPDX-License-Identifier: MIT */
/*
 * The table of system calls against everybody else who has one: libseccomp, the kernel's header, the running kernel. Calls that
 * are younger than the table are said, not held against it.
 *
 * links: report/syscalls.c
 * build: -lseccomp
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>
#include <seccomp.h>

#include "../../report/syscalls.h"

static unsigned last_number(void)
{
	unsigned number = SYSCALL_NUMBERS - 1;

	while (!syscall_rows[number].name)
		number--;
	return number;
}

static const struct syscall_row *row_of(const char *name)
{
	for (unsigned number = 0; number < SYSCALL_NUMBERS; number++)
		if (syscall_rows[number].name && !strcmp(syscall_rows[number].name, name))
			return &syscall_rows[number];
	return NULL;
}

static unsigned arity(const struct syscall_row *row)
{
	unsigned arguments = 0;

	while (arguments < SYSCALL_ARGUMENTS && row->kinds[arguments] != KIND_NONE)
		arguments++;
	return arguments;
}

/* Somebody says that this call has this number. Returns whether the table is old enough to know. */
static bool agrees(unsigned number, const char *name)
{
	if (number > last_number()) {
		print_message("%s (%u) is younger than the table\n", name, number);
		return false;
	}
	if (!syscall_rows[number].name)
		fail_msg("the table does not have %s (%u)", name, number);
	assert_string_equal(syscall_rows[number].name, name);
	return true;
}

static void every_name_has_one_number(void **state)
{
	(void)state;
	for (unsigned number = 0; number < SYSCALL_NUMBERS; number++)
		if (syscall_rows[number].name)
			assert_ptr_equal(row_of(syscall_rows[number].name), &syscall_rows[number]);
}

static void names_and_numbers_are_those_of_libseccomp(void **state)
{
	unsigned known = 0;

	(void)state;
	for (unsigned number = 0; number < SYSCALL_NUMBERS; number++) {
		const char *ours = syscall_rows[number].name;
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)number);
		int theirs = ours ? seccomp_syscall_resolve_name_arch(SCMP_ARCH_NATIVE, ours) : __NR_SCMP_ERROR;

		if (name)
			known += agrees(number, name);
		if (theirs != __NR_SCMP_ERROR)
			assert_int_equal(theirs, number);
		free(name);
	}
	assert_true(known > 300);
}

static FILE *kernel_header(void)
{
	FILE *header = fopen("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "r");

	if (!header)
		header = fopen("/usr/include/asm/unistd_64.h", "r");
	return header;
}

static void the_kernels_header_has_no_call_that_the_table_lacks(void **state)
{
	FILE *header = kernel_header();
	unsigned known = 0, number;
	char line[256], name[64];

	(void)state;
	if (!header)
		skip();
	while (fgets(line, sizeof(line), header))
		if (sscanf(line, "#define __NR_%63s %u", name, &number) == 2)
			known += agrees(number, name);
	assert_int_equal(fclose(header), 0);
	assert_true(known > 300);
}

/* Where nobody has mounted tracefs it is mounted in a name space of our own, which ends with the test. */
static bool tracefs_is_there(void)
{
	static const char *const calls = "/sys/kernel/tracing/events/syscalls";

	if (!access(calls, R_OK | X_OK))
		return true;
	return !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("nodev", "/sys/kernel/tracing", "tracefs", 0, NULL) && !access(calls, R_OK | X_OK);
}

/* Where the function in the kernel is called otherwise than the call. */
static const char *traced_name(const char *name)
{
	static const char *const others[][2] = {
		{ "fstat", "newfstat" }, { "lstat", "newlstat" },       { "sendfile", "sendfile64" },
		{ "stat", "newstat" },   { "umount2", "umount" },       { "uname", "newuname" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(name, others[i][0]))
			return others[i][1];
	return name;
}

/* How many fields follow that of the call's number. */
static unsigned traced_arity(FILE *format)
{
	unsigned arguments = 0;
	bool number_seen = false;
	char line[512];

	while (fgets(line, sizeof(line), format)) {
		arguments += number_seen && strstr(line, "field:");
		number_seen |= strstr(line, "__syscall_nr;") != NULL;
	}
	return arguments;
}

static void every_call_has_as_many_arguments_as_the_running_kernel_says(void **state)
{
	unsigned known = 0;

	(void)state;
	if (!tracefs_is_there())
		skip();
	for (unsigned number = 0; number < SYSCALL_NUMBERS; number++) {
		const struct syscall_row *row = &syscall_rows[number];
		char path[128];
		FILE *format;

		if (!row->name)
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/tracing/events/syscalls/sys_enter_%s/format", traced_name(row->name));
		format = fopen(path, "r");
		if (!format)
			continue;
		if (arity(row) != traced_arity(format))
			fail_msg("%s has %u arguments here", row->name, arity(row));
		assert_int_equal(fclose(format), 0);
		known++;
	}
	assert_true(known > 200);
}

static void every_word_of_a_row_is_in_its_range_and_its_arguments_have_no_gap(void **state)
{
	(void)state;
	for (unsigned number = 0; number < SYSCALL_NUMBERS; number++) {
		const struct syscall_row *row = &syscall_rows[number];

		assert_true(row->category < SYSCALL_CATEGORIES && row->result < SYSCALL_RESULTS);
		for (unsigned i = 0; i < SYSCALL_ARGUMENTS; i++) {
			assert_true(row->kinds[i] < ARGUMENT_KINDS);
			assert_true(i < arity(row) || row->kinds[i] == KIND_NONE);
		}
	}
}

static bool is_size(unsigned kind)
{
	return kind == KIND_SIZE || kind == KIND_LENGTH;
}

static bool is_address_of_size(unsigned kind)
{
	return kind == KIND_LENGTH_AT;
}

/* What the comments of argument_kind say of the arguments beside one: a decoder relies on it. */
static void sizes_stand_where_their_arrays_kind_says(void **state)
{
	static const struct { uint8_t kind; int8_t where; bool (*is)(unsigned kind); } rules[] = {
		{ KIND_BUFFER, 1, is_size },                    { KIND_IOVEC, 1, is_size },
		{ KIND_RANGES, 1, is_size },                    { KIND_SOCKADDR, 1, is_size },
		{ KIND_MSGBUF, 1, is_size },                    { KIND_GIDS, -1, is_size },
		{ KIND_SEMBUF, 1, is_size },                    { KIND_CPU_SET, -1, is_size },
		{ KIND_CLONE_ARGS, 1, is_size },                { KIND_OPEN_HOW, 1, is_size },
		{ KIND_FILE_ATTR, 1, is_size },                 { KIND_MOUNT_ATTR, 1, is_size },
		{ KIND_XATTR_ARGS, 1, is_size },                { KIND_LANDLOCK_RULESET, 1, is_size },
		{ KIND_POLLFDS, 1, is_size },                   { KIND_MMSGHDRS, 1, is_size },
		{ KIND_MMSGHDRS_FILLED, 1, is_size },           { KIND_IOVEC_FILLED, 1, is_size },
		{ KIND_XATTR_ARGS_FILLED, 1, is_size },         { KIND_BPF_ATTR, 1, is_size },
		{ KIND_BUFFER_FILLED, 1, is_size },             { KIND_PATH_FILLED, 1, is_size },
		{ KIND_DIRENTS, 1, is_size },                   { KIND_DIRENTS64, 1, is_size },
		{ KIND_MSGBUF_FILLED, 1, is_size },             { KIND_STATMOUNT, 1, is_size },
		{ KIND_MOUNTS, 1, is_size },                    { KIND_FILE_ATTR_FILLED, 1, is_size },
		{ KIND_RESIDENCY, -1, is_size },                { KIND_GIDS_FILLED, -1, is_size },
		{ KIND_EPOLL_EVENTS, 1, is_size },              { KIND_CPU_SET_FILLED, -1, is_size },
		{ KIND_NODE_MASK_FILLED, 1, is_size },          { KIND_SCHED_ATTR_FILLED, 1, is_size },
		{ KIND_BUFFER_FILLED_AT, 1, is_address_of_size },
		{ KIND_SOCKADDR_FILLED, 1, is_address_of_size },
	};

	(void)state;
	for (unsigned number = 0; number < SYSCALL_NUMBERS; number++) {
		const struct syscall_row *row = &syscall_rows[number];

		for (unsigned i = 0; i < SYSCALL_ARGUMENTS; i++)
			for (size_t rule = 0; rule < sizeof(rules) / sizeof(rules[0]); rule++) {
				unsigned beside = i + (unsigned)rules[rule].where;

				if (row->kinds[i] == rules[rule].kind &&
				    (beside >= SYSCALL_ARGUMENTS || !rules[rule].is(row->kinds[beside])))
					fail_msg("%s: what stands beside argument %u is no size", row->name, i);
			}
	}
}

static void bytes_that_come_in_are_written_somewhere_and_those_that_go_out_are_not(void **state)
{
	(void)state;
	for (unsigned number = 0; number < SYSCALL_NUMBERS; number++) {
		const struct syscall_row *row = &syscall_rows[number];
		bool written = false;

		for (unsigned i = 0; i < SYSCALL_ARGUMENTS; i++)
			written |= row->kinds[i] >= KIND_FIRST_BOTH;
		if (row->result == RESULT_BYTES_IN || row->result == RESULT_BYTES_OUT)
			assert_int_equal(written, row->result == RESULT_BYTES_IN);
	}
}

static void every_service_has_a_name_and_calls(void **state)
{
	unsigned calls[SYSCALL_CATEGORIES] = { 0 };

	(void)state;
	for (unsigned number = 0; number < SYSCALL_NUMBERS; number++)
		calls[syscall_rows[number].category] += syscall_rows[number].name != NULL;
	for (unsigned category = 0; category < SYSCALL_CATEGORIES; category++) {
		assert_non_null(syscall_category_names[category]);
		assert_true(calls[category] > 0);
		for (unsigned other = 0; other < category; other++)
			assert_string_not_equal(syscall_category_names[category], syscall_category_names[other]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_has_one_number),
		cmocka_unit_test(names_and_numbers_are_those_of_libseccomp),
		cmocka_unit_test(the_kernels_header_has_no_call_that_the_table_lacks),
		cmocka_unit_test(every_call_has_as_many_arguments_as_the_running_kernel_says),
		cmocka_unit_test(every_word_of_a_row_is_in_its_range_and_its_arguments_have_no_gap),
		cmocka_unit_test(sizes_stand_where_their_arrays_kind_says),
		cmocka_unit_test(bytes_that_come_in_are_written_somewhere_and_those_that_go_out_are_not),
		cmocka_unit_test(every_service_has_a_name_and_calls),
	};

	return cmocka_run_group_tests_name("syscalls", tests, NULL, NULL);
}
