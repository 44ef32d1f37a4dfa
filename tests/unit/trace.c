/* SPDX-License-Identifier: MIT */
/*
 * Which calls a list asks for, and that the filter asks the tracer about these and no others.
 * links: report/trace_list.c report/trace_filter.c report/syscalls.c report/memory.c report/complain.c report/escape.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../../report/trace.h"

/* What the kernel would make of it: the instructions that it is made of, and no others. */
static unsigned answer(const struct sock_filter *filter, unsigned used, unsigned architecture, unsigned number, unsigned argument)
{
	struct seccomp_data data = { .nr = (int)number, .arch = architecture, .args = { argument } };
	unsigned a = 0;

	for (unsigned i = 0; i < used; i++) {
		bool yes;

		switch (filter[i].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)&data + filter[i].k, sizeof(a));
			continue;
		case BPF_RET | BPF_K:
			return filter[i].k;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == filter[i].k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= filter[i].k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > filter[i].k;
			break;
		default:
			fail();
			return 0;
		}
		i += yes ? filter[i].jt : filter[i].jf;
	}
	fail();
	return 0;
}

static void check_filter(const char *list)
{
	struct trace_set set = { 0 };
	unsigned short used;
	struct sock_filter *filter;

	assert_null(trace_list(list, &set));
	filter = trace_filter(&set, &used);
	for (unsigned number = 0; number < CAPTURE_NUMBERS; number++) {
		bool wanted = set.wanted[number] || number == SYS_seccomp;

		assert_int_equal(answer(filter, used, AUDIT_ARCH_X86_64, number, 0),
				 wanted ? SECCOMP_RET_TRACE : SECCOMP_RET_ALLOW);
		assert_int_equal(answer(filter, used, AUDIT_ARCH_I386, number, 0), SECCOMP_RET_ALLOW);
	}
	assert_int_equal(answer(filter, used, AUDIT_ARCH_X86_64, SYS_prctl, PR_SET_SECCOMP), SECCOMP_RET_TRACE);
	assert_int_equal(answer(filter, used, AUDIT_ARCH_X86_64, 1U << 30, 0), SECCOMP_RET_ALLOW);
	free(filter);
}

static void the_filter_asks_about_what_is_wanted(void **state)
{
	(void)state;
	check_filter("read");
	check_filter("getpid,%time,openat");
	check_filter("!%file");
	check_filter("prctl,seccomp");
	check_filter("all,!read,!close");
}

static void a_list_is_taken_in_order(void **state)
{
	struct trace_set set = { 0 };

	(void)state;
	assert_null(trace_list("%file,!read", &set));
	assert_true(set.wanted[SYS_openat] && set.wanted[SYS_write]);
	assert_false(set.wanted[SYS_read] || set.wanted[SYS_mmap] || set.all);
	assert_null(trace_list("!mmap", &set));
	assert_true(set.wanted[SYS_read] && set.wanted[CAPTURE_NUMBERS - 1] && !set.wanted[SYS_mmap]);
	assert_null(trace_list("all", &set));
	assert_true(set.all);
}

static void what_means_nothing_is_told(void **state)
{
	struct trace_set set = { 0 };

	(void)state;
	assert_string_equal(trace_list("read,nonsense,write", &set), "nonsense,write");
	assert_string_equal(trace_list("%nonsense", &set), "%nonsense");
	assert_string_equal(trace_list("", &set), "");
	assert_string_equal(trace_list("read,", &set), "");
	assert_string_equal(trace_list("!", &set), "!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_filter_asks_about_what_is_wanted),
		cmocka_unit_test(a_list_is_taken_in_order),
		cmocka_unit_test(what_means_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
