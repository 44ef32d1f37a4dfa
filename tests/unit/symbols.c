/* SPDX-License-Identifier: MIT */
/*
 * Names and lines of addresses in this program and in libc; files that are not what they were; maps of compiled code; names demangled.
 * links: report/symbols*.c report/memory.c report/complain.c report/escape.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../report/symbols_internal.h"

#define SELF "/proc/self/exe"

/* An address as the program has it, and what the loader knows of the object that it lies in. */
struct place {
	uintptr_t in_process;
	struct symbol_module module;
	char     path[PATH_MAX];
	uint8_t  build_id[64];
	uint64_t address, offset;
};

static struct symbols *symbols;
static char directory[] = "/tmp/pagegap-unit-XXXXXX";

static int begin(void **state)
{
	(void)state;
	symbols = symbols_open(NULL);
	return symbols ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	symbols_close(symbols);
	return 0;
}

static int begin_all(void **state)
{
	(void)state;
	unsetenv("DEBUGINFOD_URLS");
	return mkdtemp(directory) ? 0 : -1;
}

static int end_all(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf -- '%s'", directory);
	return system(command);
}

/* --- places --- */

static void read_build_id(struct place *place, const char *note, size_t bytes)
{
	while (bytes >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *header = (const void *)note;
		size_t name = (header->n_namesz + 3u) & ~3u, value = (header->n_descsz + 3u) & ~3u;

		if (header->n_type == NT_GNU_BUILD_ID && header->n_namesz == 4 && header->n_descsz <= sizeof(place->build_id)) {
			memcpy(place->build_id, note + sizeof(*header) + name, header->n_descsz);
			place->module.build_id_bytes = header->n_descsz;
			return;
		}
		note += sizeof(*header) + name + value;
		bytes -= sizeof(*header) + name + value;
	}
}

static int look(struct dl_phdr_info *object, size_t size, void *argument)
{
	struct place *place = argument;
	bool here = false;

	(void)size;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && place->in_process - object->dlpi_addr - segment->p_vaddr < segment->p_memsz) {
			here = true;
			place->address = place->in_process - object->dlpi_addr;
			place->offset = place->address - segment->p_vaddr + segment->p_offset;
		}
	}
	for (int i = 0; here && i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_NOTE && !place->module.build_id_bytes)
			read_build_id(place, (const char *)object->dlpi_addr + object->dlpi_phdr[i].p_vaddr, object->dlpi_phdr[i].p_memsz);
	if (here)
		snprintf(place->path, sizeof(place->path), "%s", *object->dlpi_name ? object->dlpi_name : SELF);
	return here;
}

static struct place *place_of(uintptr_t in_process)
{
	static struct place place;

	place = (struct place){ .in_process = in_process };
	assert_int_equal(dl_iterate_phdr(look, &place), 1);
	place.module.path = place.path;
	place.module.build_id = place.build_id;
	return &place;
}

/* Leaves out tests of build IDs where the linker writes none. */
static struct place *place_with_build_id(uintptr_t in_process)
{
	struct place *place = place_of(in_process);

	if (!place->module.build_id_bytes)
		skip();
	return place;
}

/* --- functions with known lines --- */

static __attribute__((noinline)) uintptr_t return_address(void)
{
	__asm__ volatile("");
	return (uintptr_t)__builtin_return_address(0);
}

#define NOT_A_TAIL(variable) __asm__ volatile("" : "+r"(variable))

enum { LINE_INLINED = __LINE__ + 4 };
static inline __attribute__((always_inline)) uintptr_t inlined_into_its_caller(void)
{
	uintptr_t at =
		return_address();

	NOT_A_TAIL(at);
	return at;
}

enum { LINE_OUTER = __LINE__ + 4, LINE_PLAIN = __LINE__ + 13 };
static __attribute__((noinline)) uintptr_t outer(void)
{
	uintptr_t at =
		inlined_into_its_caller();

	NOT_A_TAIL(at);
	return at;
}

static __attribute__((noinline)) uintptr_t plain(void)
{
	uintptr_t at =
		return_address();

	NOT_A_TAIL(at);
	return at;
}

static void assert_frame(const struct symbol_frame *frame, const char *function, unsigned line, bool inlined)
{
	assert_non_null(frame->function);
	assert_string_equal(frame->function, function);
	assert_non_null(frame->file);
	assert_string_equal(strrchr(frame->file, '/'), "/symbols.c");
	assert_int_equal(frame->line, line);
	assert_int_equal(frame->inlined, inlined);
}

static void assert_nothing(const struct symbol_module *module, uint64_t address, const char *why)
{
	const struct symbol_frame *frames;

	assert_int_equal(symbols_resolve(symbols, module, address, &frames), 1);
	assert_null(frames[0].function);
	assert_null(frames[0].file);
	assert_int_equal(frames[0].line, 0);
	assert_false(frames[0].inlined);
	assert_string_equal(symbol_state_words(symbols_state(symbols, module)), why);
}

static void a_call_is_in_its_function_and_on_its_line(void **state)
{
	struct place *place = place_of(plain());
	const struct symbol_frame *frames;

	(void)state;
	assert_int_equal(symbols_resolve(symbols, &place->module, place->address - 1, &frames), 1);
	assert_frame(&frames[0], "plain", LINE_PLAIN, false);
	assert_null(symbol_state_words(symbols_state(symbols, &place->module)));
	assert_int_equal(symbols_state(symbols, &place->module).names, SYMBOL_NAMES_DEBUG);
}

static void a_call_in_an_inlined_function_has_its_caller_too(void **state)
{
	struct place *place = place_of(outer());
	const struct symbol_frame *frames;

	(void)state;
	assert_int_equal(symbols_resolve(symbols, &place->module, place->address - 1, &frames), 2);
	assert_frame(&frames[0], "inlined_into_its_caller", LINE_INLINED, true);
	assert_frame(&frames[1], "outer", LINE_OUTER, false);
}

static void what_was_found_once_is_the_same_again(void **state)
{
	struct place *place = place_of(outer());
	const struct symbol_frame *first, *again;

	(void)state;
	symbols_resolve(symbols, &place->module, place->address - 1, &first);
	for (uint64_t i = 0; i < 5000; i++)
		symbols_resolve(symbols, &place->module, i, &again);
	symbols_resolve(symbols, &place->module, place->address - 1, &again);
	assert_ptr_equal(first, again);
	assert_string_equal(first[1].function, "outer");
}

static void an_offset_in_the_file_is_an_address(void **state)
{
	struct place *place = place_of(plain());
	uint64_t address;

	(void)state;
	assert_true(symbols_address(symbols, &place->module, place->offset, &address));
	assert_int_equal(address, place->address);
	assert_false(symbols_address(symbols, &place->module, UINT64_MAX / 2, &address));
}

/* With libc's debug information or without it, the name that programs use. */
static void a_function_of_libc_is_called_as_programs_call_it(void **state)
{
	void *libc = dlopen("libc.so.6", RTLD_NOLOAD | RTLD_LAZY);
	struct place *place = place_of((uintptr_t)dlsym(libc, "malloc"));
	const struct symbol_frame *frames;

	(void)state;
	assert_int_equal(symbols_resolve(symbols, &place->module, place->address, &frames), 1);
	assert_string_equal(frames[0].function, "malloc");
	dlclose(libc);
}

static void an_unknown_module_has_one_frame_that_says_nothing(void **state)
{
	const struct symbol_frame *frames;

	(void)state;
	assert_int_equal(symbols_resolve(symbols, NULL, 4096, &frames), 1);
	assert_null(frames[0].function);
}

static void an_address_outside_any_function_has_no_name(void **state)
{
	struct place *place = place_of((uintptr_t)&symbols);
	const struct symbol_frame *frames;

	(void)state;
	assert_int_equal(symbols_resolve(symbols, &place->module, place->address, &frames), 1);
	assert_null(frames[0].function);
	assert_int_equal(symbols_resolve(symbols, &place->module, UINT64_MAX, &frames), 1);
	assert_null(frames[0].function);
}

/* --- files that are not what they were --- */

static void another_build_gives_no_names(void **state)
{
	struct place *place = place_with_build_id(plain());
	uint64_t address;

	(void)state;
	place->build_id[7] ^= 1;
	assert_nothing(&place->module, place->address - 1, "replaced");
	assert_false(symbols_address(symbols, &place->module, place->offset, &address));
	place->build_id[7] ^= 1;
	place->module.build_id_bytes--;
	assert_nothing(&place->module, place->address - 1, "replaced");
}

static void a_file_that_has_gone_gives_no_names(void **state)
{
	struct place *place = place_of(plain());

	(void)state;
	place->module.path = "/nothing/there";
	assert_nothing(&place->module, place->address - 1, "deleted");
	place->module.build_id_bytes = 0;
	assert_nothing(&place->module, place->address - 1, "deleted");
}

static void a_deleted_file_that_is_there_again_is_known_by_its_build_id(void **state)
{
	struct place *place = place_with_build_id(plain());
	const struct symbol_frame *frames;

	(void)state;
	strcat(place->path, " (deleted)");
	symbols_resolve(symbols, &place->module, place->address - 1, &frames);
	assert_frame(&frames[0], "plain", LINE_PLAIN, false);
	place->module.build_id_bytes = 0;
	assert_nothing(&place->module, place->address - 1, "deleted");
}

static const char *in_directory(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void what_is_no_elf_file_gives_no_names_and_is_not_waited_for(void **state)
{
	struct symbol_module module = { .path = in_directory("fifo") };

	(void)state;
	assert_int_equal(mkfifo(module.path, 0600), 0);
	assert_nothing(&module, 4096, "unreadable");
	module.perf_map = true;
	assert_nothing(&module, 4096, "unreadable");
	module = (struct symbol_module){ .path = "/dev/zero" };
	assert_nothing(&module, 4096, "unreadable");
	module.path = "[vdso]";
	assert_nothing(&module, 4096, "unreadable");
	module.path = "proc/../../../../../../../../../proc/self/exe";
	assert_nothing(&module, 4096, "unreadable");
	module.path = directory;
	assert_nothing(&module, 4096, "unreadable");
	module.path = in_directory("text");
	write_file(module.path, "text");
	assert_nothing(&module, 4096, "unreadable");
	write_file(in_directory("empty"), "");
	module.path = in_directory("empty");
	assert_nothing(&module, 4096, "unreadable");
	write_file(in_directory("cut"), "\x7f" "ELF\2\1\1");
	module.path = in_directory("cut");
	assert_nothing(&module, 4096, "unreadable");
}

static size_t descriptors(void)
{
	DIR *all = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(all);
	while (readdir(all))
		count++;
	closedir(all);
	return count;
}

static void many_modules_do_not_use_up_the_descriptors(void **state)
{
	struct place *place = place_of(plain());
	size_t before = descriptors();
	const struct symbol_frame *frames;

	(void)state;
	for (int round = 0; round < 2; round++)
		for (uint64_t i = 0; i < 200; i++) {
			char path[PATH_MAX];

			snprintf(path, sizeof(path), "%s/link.%d", directory, (int)i);
			assert_true(round || !symlink(SELF, path));
			place->module.path = path;
			symbols_resolve(symbols, &place->module, place->address - 1, &frames);
			assert_frame(&frames[0], "plain", LINE_PLAIN, false);
			symbols_resolve(symbols, &place->module, (uint64_t)round, &frames);
		}
	assert_true(descriptors() < before + 200);
	symbols_close(symbols);
	symbols = symbols_open(NULL);
	assert_int_equal(descriptors(), before);
}

/* --- maps of compiled code --- */

static const char *function_at(const struct symbol_module *module, uint64_t address)
{
	const struct symbol_frame *frames;

	assert_int_equal(symbols_resolve(symbols, module, address, &frames), 1);
	assert_null(frames[0].file);
	return frames[0].function ? frames[0].function : "nothing";
}

static void compiled_code_is_known_by_its_map(void **state)
{
	struct symbol_module module = { .path = in_directory("perf-1.map"), .perf_map = true };

	(void)state;
	write_file(module.path, "7f0000001000 20 LazyCompile:*sum /tmp/a b.js:1:2\n"
				"0x7F0000002000 0x10 second\n"
				"7f0000001000 8 moved\n"
				"7f0000003000 10 last without an end");
	assert_string_equal(function_at(&module, 0x7f0000000fff), "nothing");
	assert_string_equal(function_at(&module, 0x7f0000001000), "moved");
	assert_string_equal(function_at(&module, 0x7f0000001008), "LazyCompile:*sum /tmp/a b.js:1:2");
	assert_string_equal(function_at(&module, 0x7f000000101f), "LazyCompile:*sum /tmp/a b.js:1:2");
	assert_string_equal(function_at(&module, 0x7f0000001020), "nothing");
	assert_string_equal(function_at(&module, 0x7f000000200f), "second");
	assert_string_equal(function_at(&module, 0x7f0000003001), "last without an end");
	assert_null(symbol_state_words(symbols_state(symbols, &module)));
}

static void nonsense_in_a_map_is_left_out(void **state)
{
	struct symbol_module module = { .path = in_directory("perf-2.map"), .perf_map = true };

	(void)state;
	write_file(module.path, "\n \n10\n10 \n10 10\n10 10 \nx 10 name\n10 y name\n-10 10 name\n 10 10 name\n10  10 name\n10\t10\tname\n"
				"100000000000000010 10 name\nffffffffffffffff 10 name\n10 ffffffffffffffff name\n20 0 empty\n"
				"\x10\x11 10 name\n0x 10 name\n"
				"30 10 right\n");
	assert_string_equal(function_at(&module, 0x10), "nothing");
	assert_string_equal(function_at(&module, 0x20), "nothing");
	assert_string_equal(function_at(&module, 0x30), "right");
	assert_string_equal(function_at(&module, UINT64_MAX), "nothing");
	assert_string_equal(function_at(&module, 0), "nothing");
}

static void an_empty_map_has_no_symbols(void **state)
{
	struct symbol_module module = { .path = in_directory("perf-3.map"), .perf_map = true };

	(void)state;
	write_file(module.path, "");
	assert_nothing(&module, 4096, "no symbols");
}

static void a_map_of_somebody_else_or_of_an_earlier_process_is_not_believed(void **state)
{
	struct symbol_module module = { .path = in_directory("perf-4.map"), .perf_map = true };
	struct stat status;

	(void)state;
	write_file(module.path, "1000 10 name\n");
	assert_int_equal(stat(module.path, &status), 0);
	module.since_ns = (uint64_t)(status.st_mtim.tv_sec + 1) * 1000000000;
	assert_nothing(&module, 0x1000, "replaced");
	module.since_ns -= 2000000000;
	assert_string_equal(function_at(&module, 0x1000), "name");
	module.since_ns = 0;
	if (geteuid() || chown(module.path, 65534, 65534))
		skip();
	assert_nothing(&module, 0x1000, "unreadable");
}

/* --- names --- */

static void names_are_demangled(void **state)
{
	static const struct { const char *mangled, *name;
	} cases[] = {
		{ "main", "main" },
		{ "_start", "_start" },
		{ "_Zebra", "_Zebra" },
		{ "_Ready", "_Ready" },
		{ "", "" },
		{ "@", "@" },
		{ "memcpy@@GLIBC_2.14", "memcpy" },
		{ "_ZNSs6appendEPKc@@GLIBCXX_3.4", "std::string::append(char const*)" },
		{ "_ZN3foo3barIiEEvT_", "foo::bar<int>(int)" },
		{ "_ZN3fooC4Ev", "foo::foo()" },
		{ "_ZN12_GLOBAL__N_14workEv.cold", "(anonymous namespace)::work() [clone .cold]" },
		{ "_ZN3std2io5Write9write_fmt17h0123456789abcdefE", "std::io::Write::write_fmt" },
		{ "_ZN4core3ptr42drop_in_place$LT$alloc..string..String$GT$17h0123456789abcdefE",
		  "core::ptr::drop_in_place<alloc::string::String>" },
		{ "_RNvNtCs6UWHhOQ6y7j_5inner4deep4main", "inner::deep::main" },
	};
	struct symbol_texts texts = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(symbol_name(&texts, cases[i].mangled), cases[i].name);
	symbol_texts_free(&texts);
}

/* Each of its arguments is a pair of the one before: 2^33 times the first one. */
static void a_name_that_grows_without_end_stays_mangled(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char name[1024] = "_Z1f1aIiiE", deep[8192] = "_Z1f";
	struct symbol_texts texts = { 0 };

	(void)state;
	for (int i = 0; i < 33; i++) {
		size_t length = strlen(name);

		snprintf(name + length, sizeof(name) - length, "S_IS%c_S%c_E", digits[i], digits[i]);
		if (i == 4)
			assert_memory_equal(symbol_name(&texts, name), "f(a<int, int>, a<a<int, int>,", 29);
	}
	assert_string_equal(symbol_name(&texts, name), name);
	memset(deep + 4, 'P', 4000);
	strcpy(deep + 4004, "i");
	assert_non_null(symbol_name(&texts, deep));
	memset(deep + 4, 'P', 8000);
	strcpy(deep + 8004, "i");
	assert_string_equal(symbol_name(&texts, deep), deep);
	symbol_texts_free(&texts);
}

/* --- ranges --- */

#define WIDTH 300

static void the_range_that_was_added_last_wins(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 500; round++) {
		struct symbol_ranges ranges = { 0 };
		uint32_t model[WIDTH] = { 0 };

		for (uint32_t i = 1; i <= (uint32_t)(round % 60); i++) {
			uint64_t start = (uint64_t)rand() % WIDTH, end = start + (uint64_t)rand() % (round % 3 ? 80 : 4);

			end = end > WIDTH ? WIDTH : end;
			symbol_ranges_add(&ranges, start, end, i);
			for (uint64_t at = start; at < end; at++)
				model[at] = i;
		}
		symbol_ranges_settle(&ranges);
		for (uint64_t at = 0; at < WIDTH; at++) {
			const struct symbol_range *found = symbol_ranges_find(&ranges, at);

			assert_int_equal(found ? found->value : 0, model[at]);
		}
		symbol_ranges_free(&ranges);
	}
}

static void texts_are_kept_once(void **state)
{
	struct symbol_texts texts = { 0 };
	const char *first = symbol_texts_keep(&texts, "text", 4);
	char text[32];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		int length = snprintf(text, sizeof(text), "text.%d", i);
		uint64_t *number = symbol_texts_get(&texts, sizeof(*number));

		assert_int_equal((uintptr_t)number % sizeof(*number), 0);
		assert_int_equal(*number, 0);
		assert_string_equal(symbol_texts_keep(&texts, text, (size_t)length), text);
	}
	assert_ptr_equal(symbol_texts_keep(&texts, "text.more", 4), first);
	assert_string_equal(symbol_texts_keep(&texts, "", 0), "");
	symbol_texts_free(&texts);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_call_is_in_its_function_and_on_its_line),
		TEST(a_call_in_an_inlined_function_has_its_caller_too),
		TEST(what_was_found_once_is_the_same_again),
		TEST(an_offset_in_the_file_is_an_address),
		TEST(a_function_of_libc_is_called_as_programs_call_it),
		TEST(an_unknown_module_has_one_frame_that_says_nothing),
		TEST(an_address_outside_any_function_has_no_name),
		TEST(another_build_gives_no_names),
		TEST(a_file_that_has_gone_gives_no_names),
		TEST(a_deleted_file_that_is_there_again_is_known_by_its_build_id),
		TEST(what_is_no_elf_file_gives_no_names_and_is_not_waited_for),
		TEST(many_modules_do_not_use_up_the_descriptors),
		TEST(compiled_code_is_known_by_its_map),
		TEST(nonsense_in_a_map_is_left_out),
		TEST(an_empty_map_has_no_symbols),
		TEST(a_map_of_somebody_else_or_of_an_earlier_process_is_not_believed),
		cmocka_unit_test(names_are_demangled),
		cmocka_unit_test(a_name_that_grows_without_end_stays_mangled),
		cmocka_unit_test(the_range_that_was_added_last_wins),
		cmocka_unit_test(texts_are_kept_once),
	};

	return cmocka_run_group_tests(tests, begin_all, end_all);
}
