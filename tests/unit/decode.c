/* SPDX-License-Identifier: MIT */
/*
 * Calls in words, from memory that a log would have kept: what strace's tracees cannot show, which is what is missing, cut, or nonsense.
 * links: report/decode*.c report/log_call.c report/log_argument.c report/syscalls.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "../../report/decode.h"
#include "../../report/log_take.h"
#include "../../report/syscalls.h"
#include "random.h"

#define AT 0x7f0000001000UL

static unsigned char pieces[4096];

static size_t add(size_t at, uint64_t address, const void *bytes, uint32_t length, bool cut)
{
	struct log_piece piece = { .address = address, .bytes = length, .cut = cut };

	memcpy(pieces + at, &piece, sizeof(piece));
	memcpy(pieces + at + sizeof(piece), bytes, length);
	return at + sizeof(piece) + ((length + 7) & ~7U);
}

static void reads(const struct log_call *call, const char *expected)
{
	char *words = decode_call(call, NULL);

	assert_string_equal(words, expected);
	free(words);
}

static struct log_call returned(unsigned number, int64_t result)
{
	return (struct log_call){ .kind = LOG_CALL, .number = (uint16_t)number, .begun_ns = 1, .ended_ns = 2, .result_known = true, .result = result };
}

static void a_call_reads_as_strace_has_it(void **state)
{
	struct log_call call = returned(SYS_openat, 3);

	(void)state;
	call.arguments[0] = (uint64_t)-100;
	call.arguments[1] = AT;
	call.arguments[2] = 02000000;
	call.before = (struct log_memory){ pieces, add(0, AT, "/etc/passwd", 12, false) };
	reads(&call, "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC) = 3");
	call.result = -2;
	reads(&call, "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)");
	call.result = -512;
	reads(&call, "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)");
}

static void what_was_not_kept_is_shown_as_the_register_had_it(void **state)
{
	struct log_call call = returned(SYS_openat, 3);

	(void)state;
	call.arguments[1] = AT;
	reads(&call, "openat(0, 0x7f0000001000, O_RDONLY) = 3");
	call.ended_ns = 0;
	reads(&call, "openat(0, 0x7f0000001000, O_RDONLY) = ?");
	call.begun_ns = 0;
	call.ended_ns = 2;
	reads(&call, "openat(...) = 3");
}

static void everything_of_the_program_is_escaped(void **state)
{
	struct log_call call = returned(SYS_write, 12);

	(void)state;
	call.arguments[0] = 1;
	call.arguments[1] = AT;
	call.arguments[2] = 12;
	call.before = (struct log_memory){ pieces, add(0, AT, "\033[2J\"\\\n\001" "8\0017\377", 12, false) };
	reads(&call, "write(1, \"\\33[2J\\\"\\\\\\n\\18\\0017\\377\", 12) = 12");
}

static void what_is_cut_ends_with_dots(void **state)
{
	struct log_call call = returned(SYS_write, 100);
	struct decode_options options = { .string_bytes = 3 };
	char *words;

	(void)state;
	call.arguments[1] = AT;
	call.arguments[2] = 100;
	call.before = (struct log_memory){ pieces, add(0, AT, "abcdefgh", 8, true) };
	reads(&call, "write(0, \"abcdefgh\"..., 100) = 100");
	words = decode_argument(&call, 1, &options);
	assert_string_equal(words, "\"abc\"...");
	free(words);
	assert_null(decode_argument(&call, 3, NULL));
	assert_null(decode_argument(&call, 17, NULL));
}

static void descriptors_have_their_paths(void **state)
{
	struct decode_options options = { .descriptors = true };
	struct log_call call = returned(SYS_dup2, 4);
	size_t bytes = add(0, LOG_DESCRIPTOR + 3, "/a>\n", 4, false);
	char *words;

	(void)state;
	call.arguments[0] = 3;
	call.arguments[1] = 4;
	call.before = (struct log_memory){ pieces, bytes };
	words = decode_call(&call, &options);
	assert_string_equal(words, "dup2(3</a\\076\\012>, 4) = 4");
	free(words);
}

static void calls_without_a_name_have_a_number(void **state)
{
	char *name = decode_name(500);

	(void)state;
	assert_string_equal(name, "syscall_500");
	free(name);
	name = decode_name(SYS_openat);
	assert_string_equal(name, "openat");
	free(name);
}

static void a_signal_says_who_sent_it(void **state)
{
	struct log_call call = { .kind = LOG_SIGNAL, .number = 17 };
	unsigned char info[128] = { 0 };
	char *words = decode_signal(&call);

	(void)state;
	assert_string_equal(words, "SIGCHLD");
	free(words);
	memcpy(info, &(int[]){ 17, 0, 1, 0, 12, 1000, 3 }, 28);
	call.before = (struct log_memory){ pieces, add(0, LOG_SIGINFO, info, sizeof(info), false) };
	words = decode_signal(&call);
	assert_string_equal(words, "SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=12, si_uid=1000, si_status=3, si_utime=0, si_stime=0}");
	free(words);
}

/* Whatever the log holds: nothing but letters comes out, and nothing is read that is not there (as `make sanitize` sees it). */
static void nonsense_is_survived(void **state)
{
	struct random seed = { 7 };

	(void)state;
	for (int round = 0; round < 40000; round++) {
		struct log_call call = returned((unsigned)(random_next(&seed) % SYSCALL_NUMBERS), (int64_t)(random_next(&seed) % 5000) - 600);
		size_t bytes = 0, length = 1 + random_next(&seed) % 400;
		unsigned char *exact;
		char *words;

		for (int piece = 0; piece < 4; piece++) {
			unsigned char junk[400];

			for (size_t i = 0; i < sizeof(junk); i++)
				junk[i] = (unsigned char)(random_next(&seed) % 3 ? 0 : random_next(&seed));
			/* Pointers of structures lead into other pieces now and then. */
			memcpy(junk + random_next(&seed) % 40 / 8 * 8, &(uint64_t){ AT + 4096 * (random_next(&seed) % 4) }, 8);
			bytes = add(bytes, piece == 3 ? LOG_COUNT + random_next(&seed) % 6 : AT + 4096 * (uint64_t)piece, junk, (uint32_t)length, random_next(&seed) & 1);
		}
		exact = malloc(bytes);
		memcpy(exact, pieces, bytes);
		for (int i = 0; i < 6; i++)
			call.arguments[i] = random_next(&seed) % 3 ? AT + 4096 * (random_next(&seed) % 4) : random_next(&seed) % 100;
		call.before = (struct log_memory){ exact, bytes - random_next(&seed) % 2 * 13 };
		call.after = call.before;
		words = decode_call(&call, NULL);
		assert_non_null(words);
		for (const char *c = words; *c; c++)
			assert_true(*c >= ' ' && *c < 0x7f);
		free(words);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_reads_as_strace_has_it),
		cmocka_unit_test(what_was_not_kept_is_shown_as_the_register_had_it),
		cmocka_unit_test(everything_of_the_program_is_escaped),
		cmocka_unit_test(what_is_cut_ends_with_dots),
		cmocka_unit_test(descriptors_have_their_paths),
		cmocka_unit_test(calls_without_a_name_have_a_number),
		cmocka_unit_test(a_signal_says_who_sent_it),
		cmocka_unit_test(nonsense_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
