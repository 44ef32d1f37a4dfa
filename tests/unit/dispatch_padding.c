/* SPDX-License-Identifier: MIT */
/*
 * Unused bytes are found behind the return that follows a site, and nowhere else. Each row is code from the `syscall` on; the code is glibc's, or
 * glibc's with one thing wrong.
 *
 * links: preload/dispatch_padding.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../../preload/dispatch.h"
#include "../../preload/rewrite.h"

#define NOP5  "\x0f\x1f\x44\x00\x00"
#define NOP7  "\x0f\x1f\x80\x00\x00\x00\x00"
#define NOP10 "\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00"
#define CMP   "\x48\x3d\x00\xf0\xff\xff"
#define REST  "\x48\x83\xec\x28\x89\x7c\x24\x08\x90\x90\x90\x90\x90\x90\x90\x90"

#define ROW(code, hop) { code REST, sizeof(code REST) - 1, hop }

static const struct {
	const char *code;
	uint32_t bytes;
	int hop;                        /* from behind the site; 0: none */
} rows[] = {
	ROW("\x0f\x05" CMP "\x77\x5b\xc3" NOP10, 9),            /* read */
	ROW("\x0f\x05" CMP "\x0f\x87\x10\x01\x00\x00\xc3" NOP7, 13),
	ROW("\x0f\x05\xc3" NOP5, 1),
	ROW("\x0f\x05\xc3\x66" NOP10, 1),                       /* two prefixes */
	ROW("\x0f\x05\xc3\x0f\x1f\x00\x66\x90", 1),             /* three bytes and two */
	ROW("\x0f\x05\x48\x83\xc4\x68\x5b\x5d\xc3" NOP10, 7),   /* what was pushed is popped */
	ROW("\x0f\x05" CMP "\x77\x5b\xc3\x0f\x1f\x40\x00", 0),  /* four are too few */
	ROW("\x0f\x05" CMP "\x77\x5b\x44\x89\xc7" NOP10, 0),    /* no return: mov %r8d, %edi */
	ROW("\x0f\x05\x89\xc3" NOP10, 0),                       /* c3 is the end of mov %eax, %ebx, and the nops align a loop */
	ROW("\x0f\x05" CMP "\x77\x5b\xc3\x48\x8b\x15\xc9\x5c\x0d\x00", 0), /* code follows */
	ROW("\x0f\x05\xc3\x66\x66\x66\x66\x66", 0),             /* prefixes of an instruction that is none of these */
	ROW("\x0f\x05\xe8\x00\x00\x00\x00\xc3" NOP10, 0),       /* a call: it may not come back */
};

static void only_nops_behind_a_return_are_unused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rewrite_site site = { .address = 0x1000, .code = (const uint8_t *)rows[i].code, .after = rows[i].bytes };
		int8_t hops[DISPATCH_HOPS] = { 0 };
		uint32_t found = dispatch_padding(&site, hops);

		if (found != (rows[i].hop != 0) || hops[0] != rows[i].hop)
			fail_msg("row %zu: %u places, the first at %d, expected %d", i, found, hops[0], rows[i].hop);
	}
}

/* A view that ends anywhere is not read beyond its end (under AddressSanitizer: the copy has just that size). */
static void nothing_is_read_beyond_the_view(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (uint32_t bytes = 2; bytes <= rows[i].bytes; bytes++) {
			uint8_t copy[bytes];
			struct rewrite_site site = { .address = 0x1000, .code = memcpy(copy, rows[i].code, bytes), .after = bytes };
			int8_t hops[DISPATCH_HOPS] = { 0 };

			if (dispatch_padding(&site, hops))
				assert_true(hops[0] == rows[i].hop && 2U + (uint32_t)hops[0] + 5 <= bytes);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_nops_behind_a_return_are_unused),
		cmocka_unit_test(nothing_is_read_beyond_the_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
