/* SPDX-License-Identifier: MIT */
/*
 * The wrappers of exec and the file that is to be executed: what it would get as its environment, for every kind of
 * file it may be.
 *
 * links: preload/exec.c preload/call_counts.c preload/environment.c preload/ranges.c preload/sandbox.c preload/kept.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exec_played.h"

static void write_elf_files(void)
{
	struct elf_file elf = elf_for("/lib64/ld-linux-x86-64.so.2");

	elf.file.e_phnum = 2;
	elf.file.e_type = ET_DYN;
	write_elf("static-pie", &elf);
	elf.file.e_phnum = 3;
	elf.file.e_phoff = 4000;
	write_elf("far-headers", &elf);
	elf.file.e_phoff = UINT64_MAX - 40;
	write_elf("wild-headers", &elf);
	elf = elf_for("/lib64/ld-linux-x86-64.so.2");
	elf.segment[2].p_offset = 1 << 20;
	write_elf("far-interpreter", &elf);
	elf.segment[2].p_offset = 8;
	elf.segment[2].p_filesz = UINT64_MAX - 4;
	write_elf("wild-interpreter", &elf);
	elf = elf_for("/lib64/ld-linux-x86-64.so.2");
	elf.file.e_machine = EM_AARCH64;
	write_elf("arm", &elf);
	elf.file.e_machine = EM_386;
	elf.file.e_ident[EI_CLASS] = ELFCLASS32;
	write_elf("32-bit", &elf);
	elf = elf_for("/lib/ld-musl-x86_64.so.1");
	write_elf("musl", &elf);
	elf = elf_for("/libx32/ld-linux-x32.so.2");
	write_elf("x32", &elf);
	elf = elf_for(NULL);
	write_file("short", &elf, 20, 0700);
}

static void write_scripts(void)
{
	char text[512], path[400];
	int fd;

	write_text("script", "#!./dynamic\n");
	write_text("script-spaces", "#! \t ./dynamic -x y\n");
	write_text("script-no-newline", "#!./dynamic");
	write_text("script-musl", "#!./musl -e\n");
	write_text("script-static", "#!\t./static");
	write_text("script-of-script", "#!./script-musl\n");
	write_text("script-of-itself", "#!./script-of-itself\n");
	write_text("script-nowhere", "#!/nowhere/sh\n");
	write_text("script-empty", "#!\n");
	memset(path, 'p', sizeof(path));
	snprintf(text, sizeof(text), "#!/%.*s\n", 390, path);
	write_text("script-long", text);
	write_text("text", "echo hello\n");
	write_text("empty", "");
	assert_int_equal(mkfifo("fifo", 0700), 0);
	assert_int_equal(mkdir("directory", 0700), 0);
	fd = open("locked", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0100);
	assert_true(fd >= 0);
	close(fd);
}

static int prepare(void **state)
{
	(void)state;
	if (!begin_playing())
		return -1;
	write_elf_files();
	write_scripts();
	return 0;
}

static int clean_up(void **state)
{
	static const char *const files[] = {
		"static-pie", "far-headers", "wild-headers", "far-interpreter", "wild-interpreter", "arm", "32-bit",
		"musl", "x32", "short", "script", "script-spaces", "script-no-newline", "script-musl", "script-static",
		"script-of-script", "script-of-itself", "script-nowhere", "script-empty", "script-long", "text",
		"empty", "fifo", "locked",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	rmdir("directory");
	return end_playing() ? 0 : -1;
}

static void a_target_that_can_load_the_library_is_followed(void **state)
{
	static const char *const files[] = {
		"dynamic", "far-headers", "far-interpreter", "wild-interpreter", "script", "script-spaces",
		"script-no-newline", "text", "empty", "script-empty", "script-nowhere", "script-long",
		"script-of-itself", "nowhere",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		assert_int_equal(execve(files[i], arguments, programs), -1);
		if (!given.how[0])
			fail_msg("%s is not followed", files[i]);
		assert_followed("exec");
		assert_ptr_equal(given.path, files[i]);
		assert_ptr_equal(given.arguments, arguments);
	}
}

static void a_target_that_cannot_gets_exactly_what_the_program_wanted(void **state)
{
	static const char *const files[] = {
		"static", "static-pie", "musl", "x32", "arm", "32-bit", "short", "script-musl", "script-static",
		"script-of-script",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		assert_int_equal(execve(files[i], arguments, programs), -1);
		if (given.how[0])
			fail_msg("%s is followed", files[i]);
		assert_not_followed();
		assert_ptr_equal(given.arguments, arguments);
	}
}

/* Nothing waits for a writer, nothing is read beyond its end. */
static void targets_that_the_kernel_will_refuse_are_left_to_it(void **state)
{
	static const char *const files[] = { "fifo", "directory", "locked", "", "wild-headers" };
	int calls = given.calls;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		errno = 0;
		assert_int_equal(execve(files[i], arguments, programs), -1);
		assert_int_equal(errno, ENOEXEC);
		assert_int_equal(given.calls, ++calls);
		assert_string_equal(given.found[0], "A=1");
	}
}

static void pointers_that_the_kernel_cannot_read_are_handed_to_it(void **state)
{
	char **volatile hidden = (char **)8; /* the compiler would warn */
	char **bad = hidden;

	(void)state;
	assert_int_equal(execve((const char *)bad, arguments, programs), -1);
	assert_ptr_equal(given.path, bad);
	assert_not_followed();
	assert_int_equal(execvpe((const char *)bad, arguments, programs), -1);
	assert_ptr_equal(given.path, bad);
	assert_int_equal(execve("dynamic", bad, programs), -1);
	assert_ptr_equal(given.arguments, bad);
	assert_int_equal(execve("dynamic", arguments, bad), -1);
	assert_ptr_equal(given.environment, bad);
	assert_int_equal(execve("dynamic", arguments, NULL), -1);
	assert_true(given.environment == NULL || given.how[0]);
}

static void a_descriptor_and_a_directory_lead_to_the_target(void **state)
{
	int dynamic = open("dynamic", O_RDONLY | O_CLOEXEC), musl = open("musl", O_PATH | O_CLOEXEC);
	int static_file = open("static", O_RDONLY | O_CLOEXEC), here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(fexecve(dynamic, arguments, programs), -1);
	assert_followed("exec");
	assert_int_equal(given.directory, dynamic);
	assert_int_equal(fexecve(static_file, arguments, programs), -1);
	assert_not_followed();
	assert_int_equal(execveat(static_file, "", arguments, programs, AT_EMPTY_PATH), -1);
	assert_not_followed();
	assert_int_equal(given.flags, AT_EMPTY_PATH);
	assert_int_equal(chdir("directory"), 0);
	assert_int_equal(execveat(here, "musl", arguments, programs, 0), -1);
	assert_not_followed();
	assert_int_equal(execveat(here, "dynamic", arguments, programs, 0), -1);
	assert_followed("exec");
	assert_int_equal(chdir(".."), 0);
	close(dynamic);
	close(musl);
	close(static_file);
	close(here);
}

/* The wrapper must look at the same file that libc will find, to know whether it can be followed. */
static void the_file_that_the_path_leads_to_is_the_one_looked_at(void **state)
{
	char path[1024], *old = getenv("PATH"), *keep_old = old ? strdup(old) : NULL;

	(void)state;
	assert_true(!mkdir("one", 0700) && !mkdir("two", 0700));
	assert_true(!link("musl", "one/tool") && !chmod("musl", 0600) && !link("dynamic", "two/tool"));
	snprintf(path, sizeof(path), "/nowhere:%s/one:%s/two:", directory, directory);
	setenv("PATH", path, 1);
	execvpe("tool", arguments, programs); /* one/tool may not be executed (by root neither): two/tool it is */
	assert_followed("exec");
	assert_string_equal(given.path, "tool");
	assert_int_equal(chmod("musl", 0700), 0);
	execvpe("tool", arguments, programs);
	assert_not_followed();
	execvpe("static", arguments, programs); /* the empty element is the directory at hand */
	assert_not_followed();
	execvpe("./dynamic", arguments, programs);
	assert_followed("exec");
	execvpe("./static", arguments, programs);
	assert_not_followed();
	unsetenv("PATH");
	execvpe("sh", arguments, programs);
	assert_followed("exec");
	unlink("one/tool");
	unlink("two/tool");
	rmdir("one");
	rmdir("two");
	if (keep_old)
		setenv("PATH", keep_old, 1);
	free(keep_old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_that_can_load_the_library_is_followed),
		cmocka_unit_test(a_target_that_cannot_gets_exactly_what_the_program_wanted),
		cmocka_unit_test(targets_that_the_kernel_will_refuse_are_left_to_it),
		cmocka_unit_test(pointers_that_the_kernel_cannot_read_are_handed_to_it),
		cmocka_unit_test(a_descriptor_and_a_directory_lead_to_the_target),
		cmocka_unit_test(the_file_that_the_path_leads_to_is_the_one_looked_at),
	};

	return cmocka_run_group_tests_name("exec", tests, prepare, clean_up);
}
