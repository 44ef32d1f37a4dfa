/* SPDX-License-Identifier: MIT */
/*
 * Looking functions up by the loader's own tables gives what dlsym gives. The test program stands for the library: what it defines
 * itself is not found, what comes after it is.
 *
 * links: preload/lookup.c preload/sandbox.c preload/kept.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include "../../preload/lookup.h"

__attribute__((visibility("default"))) int getppid_of_nobody(void);

int getppid_of_nobody(void)
{
	return 0;
}

static void it_finds_what_dlsym_finds(void **state)
{
	static const char *const names[] = {
		"read", "write", "open", "openat", "stat", "mmap", "malloc", "free", "pthread_create", "nanosleep", "poll", "getppid",
		"setxattr", "epoll_wait", "__read_chk", "sched_setaffinity", "sigaction", "_exit", "assert_never_there_at_all",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_ptr_equal(lookup(names[i]), dlsym(RTLD_NEXT, names[i]));
}

static void a_function_that_the_processor_chooses_is_called_for_its_address(void **state)
{
	void *(*copy)(void *, const void *, size_t) = (void *(*)(void *, const void *, size_t))(uintptr_t)lookup("memcpy");
	char there[6];

	(void)state;
	assert_non_null(copy);
	copy(there, "hello", 6);
	assert_string_equal(there, "hello");
}

static void a_symbol_for_old_programs_alone_is_found(void **state)
{
	(void)state;
	assert_ptr_equal(lookup("__xmknod"), dlvsym(RTLD_NEXT, "__xmknod", "GLIBC_2.2.5"));
	assert_non_null(lookup("__xmknod"));
}

static void a_default_version_goes_before_a_hidden_one(void **state)
{
	(void)state;
	assert_ptr_not_equal(dlvsym(RTLD_NEXT, "memcpy", "GLIBC_2.2.5"), dlvsym(RTLD_NEXT, "memcpy", "GLIBC_2.14"));
	assert_ptr_equal(lookup("pthread_cond_wait"), dlvsym(RTLD_NEXT, "pthread_cond_wait", "GLIBC_2.3.2"));
}

static void what_only_the_library_itself_has_is_not_found(void **state)
{
	(void)state;
	assert_null(lookup("getppid_of_nobody"));
	assert_null(lookup("__vdso_clock_gettime")); /* the vDSO's own table is not one to look into */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_finds_what_dlsym_finds),
		cmocka_unit_test(a_function_that_the_processor_chooses_is_called_for_its_address),
		cmocka_unit_test(a_symbol_for_old_programs_alone_is_found),
		cmocka_unit_test(a_default_version_goes_before_a_hidden_one),
		cmocka_unit_test(what_only_the_library_itself_has_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
