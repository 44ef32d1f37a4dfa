/* SPDX-License-Identifier: MIT */
/*
 * How figures are said and how foreign bytes are made fit to print.
 * links: report/units.c report/escape.c report/memory.c report/complain.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../report/escape.h"
#include "../../report/units.h"
#include "../../preload/capture.h"

static void bytes_have_three_significant_digits_and_the_largest_unit(void **state)
{
	static const struct { uint64_t bytes; const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1,023 B" },
		{ 1024, "1.00 KiB" },
		{ 1536, "1.50 KiB" },
		{ 10229, "9.99 KiB" },
		{ 10239, "10.0 KiB" },
		{ 102348, "99.9 KiB" },
		{ 102399, "100 KiB" },
		{ 1047000, "1022 KiB" },
		{ 1048575, "1.00 MiB" },
		{ 1048576, "1.00 MiB" },
		{ 1503238553, "1.40 GiB" },
		{ 1ULL << 40, "1.00 TiB" },
		{ 1ULL << 47, "128 TiB" },
		{ 1ULL << 62, "4.00 EiB" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(figure_bytes(cases[i].bytes, false).text, cases[i].text);
}

static void exact_figures_have_all_digits(void **state)
{
	(void)state;
	assert_string_equal(figure_bytes(1503238553, true).text, "1,503,238,553 bytes");
	assert_string_equal(figure_bytes(1, true).text, "1 byte");
	assert_string_equal(figure_bytes(0, true).text, "0 bytes");
	assert_string_equal(figure_time(12402113020, true).text, "12.402113020 s");
	assert_string_equal(figure_cell(1503238553, true).text, "1,503,238,553");
	assert_string_equal(figure_cell(-4096, true).text, "-4,096");
}

static void what_is_unknown_is_a_question_mark_and_never_zero(void **state)
{
	(void)state;
	assert_string_equal(figure_bytes(CAPTURE_UNKNOWN, false).text, "?");
	assert_string_equal(figure_bytes(CAPTURE_UNKNOWN, true).text, "?");
	assert_string_equal(figure_cell((int64_t)CAPTURE_UNKNOWN, false).text, "?");
	assert_string_equal(figure_cell(0, false).text, "-");
	assert_string_equal(figure_count(CAPTURE_UNKNOWN).text, "?");
	assert_string_equal(figure_time(CAPTURE_UNKNOWN, false).text, "?");
	assert_string_equal(figure_rate(CAPTURE_UNKNOWN, 1000000000).text, "?");
	assert_string_equal(figure_rate(7, CAPTURE_UNKNOWN).text, "?");
	assert_string_equal(figure_percent(CAPTURE_UNKNOWN, 1).text, "?");
	assert_string_equal(figure_percent(0, 0).text, "?");
}

static void counts_are_grouped_by_thousands(void **state)
{
	(void)state;
	assert_string_equal(figure_count(0).text, "0");
	assert_string_equal(figure_count(999).text, "999");
	assert_string_equal(figure_count(1000).text, "1,000");
	assert_string_equal(figure_count(1204331).text, "1,204,331");
	assert_string_equal(figure_count(UINT64_MAX - 1).text, "18,446,744,073,709,551,614");
	assert_string_equal(figure_rate(96000, 1000000000).text, "96,000/s");
}

static void times_are_said_in_the_unit_that_people_use(void **state)
{
	static const struct { uint64_t ns; const char *text;
	} cases[] = {
		{ 0, "0 s" },
		{ 1, "1 ns" },
		{ 999, "999 ns" },
		{ 1000, "1.00 us" },
		{ 999499, "999 us" },
		{ 999500, "1.00 ms" },
		{ 12400000, "12.4 ms" },
		{ 999600000, "1.00 s" },
		{ 12402113020, "12.4 s" },
		{ 119900000000, "120 s" },
		{ 125000000000, "2 min 5 s" },
		{ 7200000000000, "2 h 0 min" },
		{ 200000000000000, "2 days 7 h" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(figure_time(cases[i].ns, false).text, cases[i].text);
}

static void a_share_is_zero_or_all_only_when_it_is(void **state)
{
	(void)state;
	assert_string_equal(figure_percent(0, 1000).text, "0 %");
	assert_string_equal(figure_percent(1, 1000).text, "<1 %");
	assert_string_equal(figure_percent(500, 1000).text, "50 %");
	assert_string_equal(figure_percent(999, 1000).text, ">99 %");
	assert_string_equal(figure_percent(1000, 1000).text, "100 %");
}

static void assert_escaped(const char *bytes, size_t length, const char *expected)
{
	char *text = escape_text(bytes, length);

	assert_string_equal(text, expected);
	free(text);
}
#define ESCAPED(bytes, expected) assert_escaped(bytes, sizeof(bytes) - 1, expected)

static void a_terminal_cannot_be_steered_by_a_name(void **state)
{
	(void)state;
	ESCAPED("plain name", "plain name");
	ESCAPED("\033]0;title\a\033[31m", "\\x1b]0;title\\x07\\x1b[31m");
	ESCAPED("line\nline\r\t", "line\\x0aline\\x0d\\x09");
	ESCAPED("\x7f", "\\x7f");
	ESCAPED("zero\0byte", "zero\\x00byte");
	ESCAPED("\xc2\x9b" "31m", "\\xc2\\x9b31m");                     /* CSI as one C1 character */
	ESCAPED("a\xe2\x80\xae" "b", "a\\xe2\\x80\\xaeb");              /* right-to-left override */
	ESCAPED("a\xe2\x80\x8b" "b", "a\\xe2\\x80\\x8bb");              /* zero width space */
}

static void only_utf8_passes(void **state)
{
	(void)state;
	ESCAPED("caf\xc3\xa9", "caf\xc3\xa9");
	ESCAPED("\xe6\x97\xa5\xf0\x9f\x98\x80", "\xe6\x97\xa5\xf0\x9f\x98\x80");
	ESCAPED("caf\xe9", "caf\\xe9");                                 /* Latin-1 */
	ESCAPED("\xc0\xaf", "\\xc0\\xaf");                              /* overlong */
	ESCAPED("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	ESCAPED("\xed\xa0\x80", "\\xed\\xa0\\x80");                     /* surrogate */
	ESCAPED("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");            /* above U+10FFFF */
	ESCAPED("\xff\xfe", "\\xff\\xfe");
	ESCAPED("cut \xe6\x97", "cut \\xe6\\x97");
}

static void json_keeps_what_it_can_escape_itself(void **state)
{
	char *text = escape_utf8("a\nb\xe9\xc3\xa9", 6);

	(void)state;
	assert_string_equal(text, "a\nb\\xe9\xc3\xa9");
	free(text);
}

static void arguments_are_quoted_when_a_shell_would_need_it(void **state)
{
	static const struct { const char *argument, *quoted;
	} cases[] = {
		{ "plain", "plain" },	    { "--a=b", "--a=b" },   { "", "''" },   { "two words", "'two words'" },
		{ "don't", "'don'\\''t'" }, { "$HOME", "'$HOME'" }, { "*", "'*'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *quoted = escape_argument(cases[i].argument, strlen(cases[i].argument));

		assert_string_equal(quoted, cases[i].quoted);
		free(quoted);
	}
}

static void columns_are_those_of_a_terminal(void **state)
{
	(void)state;
	assert_int_equal(text_columns("abc"), 3);
	assert_int_equal(text_columns("caf\xc3\xa9"), 4);
	assert_int_equal(text_columns("e\xcc\x81"), 1);                 /* combining acute accent */
	assert_int_equal(text_columns("\xe6\x97\xa5\xe6\x9c\xac"), 4);  /* two ideographs */
	assert_int_equal(text_columns("\xf0\x9f\x98\x80"), 2);
	assert_int_equal(text_columns("\xe9"), 1);
	assert_int_equal(text_fitting("\xe6\x97\xa5\xe6\x9c\xac", 3), 3);
	assert_int_equal(text_fitting("caf\xc3\xa9s", 4), 5);
	assert_int_equal(text_fitting("abc", 80), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_have_three_significant_digits_and_the_largest_unit),
		cmocka_unit_test(exact_figures_have_all_digits),
		cmocka_unit_test(what_is_unknown_is_a_question_mark_and_never_zero),
		cmocka_unit_test(counts_are_grouped_by_thousands),
		cmocka_unit_test(times_are_said_in_the_unit_that_people_use),
		cmocka_unit_test(a_share_is_zero_or_all_only_when_it_is),
		cmocka_unit_test(a_terminal_cannot_be_steered_by_a_name),
		cmocka_unit_test(only_utf8_passes),
		cmocka_unit_test(json_keeps_what_it_can_escape_itself),
		cmocka_unit_test(arguments_are_quoted_when_a_shell_would_need_it),
		cmocka_unit_test(columns_are_those_of_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
