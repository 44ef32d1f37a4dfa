/* SPDX-License-Identifier: MIT */
/*
 * Short texts without stdio: what fits is there, what does not is reported and changes nothing.
 *
 * links: preload/sandbox.c preload/kept.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../preload/sys.h"
#include "../../preload/text.h"
#include "random.h"

static void parts_are_put_together_in_order(void **state)
{
	char buffer[64];
	struct text text = text_begin(buffer, sizeof(buffer));

	(void)state;
	assert_string_equal(buffer, "");
	text_add(&text, "pagegap.");
	text_add(&text, "");
	text_add_number(&text, 0);
	text_add(&text, ".");
	text_add_number(&text, 4711);
	assert_string_equal(buffer, "pagegap.0.4711");
	assert_int_equal(text.length, strlen(buffer));
	assert_false(text.cut);
}

static void what_does_not_fit_is_left_out_whole_and_reported(void **state)
{
	(void)state;
	for (size_t room = 1; room < 24; room++) {
		const char *expected;
		char buffer[32];
		struct text text;

		memset(buffer, '#', sizeof(buffer));
		text = text_begin(buffer, room);
		text_add(&text, "0123456789");
		assert_int_equal(text.cut, room < 11);
		text_add(&text, "abc");
		assert_int_equal(text.cut, room < 14);
		expected = room < 4 ? "" : room < 11 ? "abc" : room < 14 ? "0123456789" : "0123456789abc";
		assert_string_equal(buffer, expected);
		assert_int_equal(text.length, strlen(buffer));
		for (size_t i = room; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], '#');
	}
}

static void numbers_are_written_and_read_like_those_of_printf(void **state)
{
	struct random random = { FIXED_SEED };

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint64_t number = i < 3 ? (uint64_t)i - 1 : random_next(&random) >> random_below(&random, 64);
		char expected[32], buffer[32];
		struct text text = text_begin(buffer, sizeof(buffer));

		snprintf(expected, sizeof(expected), "%lu", number);
		text_add_number(&text, number);
		assert_string_equal(buffer, expected);
		assert_true(scan_decimal_text(buffer) == number);
	}
	assert_true(scan_decimal_text("") == 0 && scan_decimal_text("x1") == 0 && scan_decimal_text("12.5") == 12);
}

static void a_number_of_twenty_digits_needs_room_for_twenty_one_bytes(void **state)
{
	char buffer[21];
	struct text text = text_begin(buffer, sizeof(buffer));

	(void)state;
	text_add_number(&text, UINT64_MAX);
	assert_false(text.cut);
	assert_string_equal(buffer, "18446744073709551615");
	text = text_begin(buffer, sizeof(buffer) - 1);
	text_add_number(&text, UINT64_MAX);
	assert_true(text.cut);
	assert_string_equal(buffer, "");
}

static void addresses_are_rounded_to_pages(void **state)
{
	(void)state;
	assert_true(page_down(0) == 0 && page_down(4095) == 0 && page_down(4096) == 4096 &&
		    page_down(UINT64_MAX) == ~4095UL);
	assert_true(page_up(0) == 0 && page_up(1) == 4096 && page_up(4096) == 4096 && page_up(4097) == 8192);
	assert_true(min_u64(1, UINT64_MAX) == 1 && max_u64(1, UINT64_MAX) == UINT64_MAX);
	assert_true(sys_failed(-1) && sys_failed(-4095) && !sys_failed(-4096) && !sys_failed(0) && !sys_failed(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_put_together_in_order),
		cmocka_unit_test(what_does_not_fit_is_left_out_whole_and_reported),
		cmocka_unit_test(numbers_are_written_and_read_like_those_of_printf),
		cmocka_unit_test(a_number_of_twenty_digits_needs_room_for_twenty_one_bytes),
		cmocka_unit_test(addresses_are_rounded_to_pages),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
