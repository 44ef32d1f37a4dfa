/* SPDX-License-Identifier: MIT */
/*
 * What of a call's memory is kept, by its kinds: here the program is the test itself, or an address range that is nowhere.
 * links: report/log_take.c report/log_argument.c report/log_call.c report/syscalls.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../report/log_call.h"
#include "../../report/log_take.h"
#include "random.h"

#define GUARD 64

static unsigned char record[LOG_RECORD_BYTES + GUARD];
static struct log_room room;

long log_take_memory(int tid, uint64_t address, void *to, size_t bytes)
{
	struct iovec here = { to, bytes }, there = { (void *)address, bytes };
	ssize_t got;

	(void)tid;
	assert_true((unsigned char *)to < record || (unsigned char *)to >= record + sizeof(record) || (unsigned char *)to + bytes <= room.end);
	got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
	return got < 0 ? -errno : got;
}

long log_take_descriptor(int tid, int descriptor, char *to, size_t bytes)
{
	(void)tid;
	if (descriptor != 5 || bytes < 4)
		return -EBADF;
	memcpy(to, "five", 4);
	return 4;
}

static struct log_memory before(unsigned number, const uint64_t *arguments, size_t bytes)
{
	memset(record, 0xaa, sizeof(record));
	room = (struct log_room){ record, record + bytes };
	log_take_before(0, syscall_rows[number].kinds, arguments, 32, &room);
	assert_true(room.at <= room.end);
	return (struct log_memory){ record, (size_t)(room.at - record) };
}

static struct log_memory after(unsigned number, const uint64_t *arguments, long result, size_t bytes)
{
	memset(record, 0xaa, sizeof(record));
	room = (struct log_room){ record, record + bytes };
	log_take_after(0, syscall_rows[number].kinds, syscall_rows[number].result, arguments, result, 32, &room);
	assert_true(room.at <= room.end);
	return (struct log_memory){ record, (size_t)(room.at - record) };
}

static uint64_t at(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void a_path_is_kept_with_its_end_and_a_text_is_cut(void **state)
{
	const char *text = "a text that is longer than thirty-two bytes are", *exact = "exactly thirty-two bytes of text";
	struct log_memory m = before(SYS_open, (uint64_t[6]){ at(text) }, LOG_RECORD_BYTES);
	size_t bytes;
	bool cut;

	(void)state;
	assert_string_equal(log_memory_at(&m, at(text), &bytes, &cut), text);
	assert_int_equal(bytes, strlen(text) + 1);
	assert_false(cut);
	m = before(SYS_memfd_create, (uint64_t[6]){ at(text) }, LOG_RECORD_BYTES);
	log_memory_at(&m, at(text), &bytes, &cut);
	assert_int_equal(bytes, 32);
	assert_true(cut);
	m = before(SYS_memfd_create, (uint64_t[6]){ at(exact) }, LOG_RECORD_BYTES);
	log_memory_at(&m, at(exact), &bytes, &cut);
	assert_int_equal(bytes, 33);
	assert_false(cut);
}

static void what_leads_nowhere_is_not_kept(void **state)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	munmap(page + 4096, 4096);
	memset(page, 'x', 4096);
	assert_int_equal(before(SYS_open, (uint64_t[6]){ at(page + 4000) }, LOG_RECORD_BYTES).bytes, 0);
	assert_int_equal(before(SYS_open, (uint64_t[6]){ 1 }, LOG_RECORD_BYTES).bytes, 0);
	assert_int_equal(before(SYS_open, (uint64_t[6]){ 0 }, LOG_RECORD_BYTES).bytes, 0);
	assert_int_equal(before(SYS_write, (uint64_t[6]){ 1, at(page + 4090), 20 }, LOG_RECORD_BYTES).bytes, 0);
	munmap(page, 4096);
}

static void what_the_kernel_wrote_is_kept_when_it_did(void **state)
{
	char text[] = "what was read";
	uint64_t arguments[6] = { 5, at(text), 100 };
	struct log_memory m = after(SYS_read, arguments, 4, LOG_RECORD_BYTES);
	size_t bytes;

	(void)state;
	assert_memory_equal(log_memory_at(&m, at(text), &bytes, NULL), "what", 4);
	assert_int_equal(bytes, 4);
	assert_int_equal(after(SYS_read, arguments, 0, LOG_RECORD_BYTES).bytes, 0);
	assert_int_equal(after(SYS_read, arguments, -EIO, LOG_RECORD_BYTES).bytes, 0);
	arguments[0] = at(text);
	assert_int_equal(after(SYS_nanosleep, arguments, 0, LOG_RECORD_BYTES).bytes, 0);
	assert_int_not_equal(after(SYS_nanosleep, arguments, -EINTR, LOG_RECORD_BYTES).bytes, 0);
	assert_int_not_equal(after(SYS_nanosleep, arguments, -516, LOG_RECORD_BYTES).bytes, 0);
}

static void an_environment_is_counted(void **state)
{
	const char *variables[301] = { NULL };
	uint64_t n = 0;
	struct log_memory m;

	(void)state;
	for (int i = 0; i < 300; i++)
		variables[i] = "A=1";
	m = before(SYS_execve, (uint64_t[6]){ 0, 0, at(variables) }, LOG_RECORD_BYTES);
	assert_int_equal(log_memory_read(&m, LOG_COUNT + 2, &n, sizeof(n), NULL), sizeof(n));
	assert_int_equal(n, 300);
}

static void a_message_is_kept_with_its_parts(void **state)
{
	char one[] = "one", two[] = "two";
	struct iovec parts[] = { { one, 3 }, { two, 3 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	struct log_memory m = before(SYS_sendmsg, (uint64_t[6]){ 5, at(&message) }, LOG_RECORD_BYTES);
	size_t bytes;

	(void)state;
	assert_memory_equal(log_memory_at(&m, at(two), &bytes, NULL), "two", 3);
	assert_int_equal(bytes, 3);
	assert_memory_equal(log_descriptor_path(&m, 5, &bytes), "five", 4);
	assert_int_equal(bytes, 4);
	assert_null(log_descriptor_path(&m, 6, &bytes));
}

/* Each call, with pointers to structures and to nonsense, in every size of room: what is behind its end stays as it was. */
static void no_room_is_written_beyond(void **state)
{
	static unsigned char junk[4096];
	struct random seed = { 3 };

	(void)state;
	for (int round = 0; round < 60000; round++) {
		unsigned number = (unsigned)(random_next(&seed) % SYSCALL_NUMBERS);
		size_t bytes = random_next(&seed) % 2 ? random_next(&seed) % 200 / 8 * 8 : random_next(&seed) % LOG_RECORD_BYTES;
		uint64_t arguments[6];
		struct log_memory m;

		for (size_t i = 0; i < 64; i++)
			junk[random_next(&seed) % sizeof(junk)] = (unsigned char)random_next(&seed);
		memcpy(junk + random_next(&seed) % 4000 / 8 * 8, &(uint64_t){ at(junk) + random_next(&seed) % 4096 }, 8);
		for (int i = 0; i < 6; i++)
			arguments[i] = random_next(&seed) % 3 ? at(junk) + random_next(&seed) % 4096 / 8 * 8 : random_next(&seed) % 2 ? random_next(&seed) % 300 : random_next(&seed);
		m = random_next(&seed) & 1 ? before(number, arguments, bytes) : after(number, arguments, (long)(random_next(&seed) % 9000) - 600, bytes);
		assert_int_equal(m.bytes % 8, 0);
		for (size_t i = bytes; i < bytes + GUARD; i++)
			assert_int_equal(record[i], 0xaa);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_kept_with_its_end_and_a_text_is_cut),
		cmocka_unit_test(what_leads_nowhere_is_not_kept),
		cmocka_unit_test(what_the_kernel_wrote_is_kept_when_it_did),
		cmocka_unit_test(an_environment_is_counted),
		cmocka_unit_test(a_message_is_kept_with_its_parts),
		cmocka_unit_test(no_room_is_written_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
