/* SPDX-License-Identifier: MIT */
/*
 * The instrument's variables: learnt and taken out when an image begins, put back for what it executes. Each case is a
 * process of its own, because what is looked at is what the kernel put on its stack: this program executes itself with
 * the environment of the case and says on standard output what it found.
 *
 * links: preload/environment.c preload/sandbox.c preload/kept.c
 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../preload/capture.h"
#include "../../preload/environment.h"
#include "../../preload/object.h"

/* The loader's word, which the library asks for its own path. */
static const char *object_path = "";

bool object_of(const void *address, struct object *object)
{
	(void)address;
	object->path = object_path;
	return true;
}

/* In the executed program */

static void print_list(const char *title, char **list)
{
	printf("%s:", title);
	for (; list && *list; list++)
		printf(" [%s]", *list);
	printf("%s\n", list ? "" : " none");
}

/* Builds in memory that ends where the room that was asked for does, before a page without access. */
static char **build(char **from, const char *how)
{
	size_t bytes = environment_room(from), mapped = (bytes + 4095) & ~4095UL;
	char *place = mmap(NULL, mapped + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!bytes || place == MAP_FAILED || mprotect(place + mapped, 4096, PROT_NONE))
		return NULL;
	return environment_build(from, place + mapped - bytes, bytes, how, 4711, 3);
}

/* Bytes of /proc/self/environ that name the instrument. */
static size_t left_behind(void)
{
	static char text[1 << 20];
	int fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
	ssize_t length = read(fd, text, sizeof(text) - 1);
	size_t found = 0;

	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(text + at) + 1)
		found += strstr(text + at, "PAGEGAP") || strstr(text + at, "libpagegap") ? strlen(text + at) : 0;
	close(fd);
	return found;
}

/* argv: --look LIBRARY OPTION-NAME... */
static int look(int argc, char **argv)
{
	static const char *const born[CAPTURE_BORN] = { "unknown", "start", "fork", "vfork", "spawn", "exec" };
	char value[16];
	char **arguments;
	int count;

	object_path = argv[2];
	environment_begin();
	arguments = environment_arguments(&count);
	printf("recording: %s\nbroker: %s\n", environment_recording(), environment_broker());
	printf("born: %s %u\n", born[environment_born()], environment_image_number());
	for (int i = 3; i < argc; i++)
		printf("%s: %s\n", argv[i], environment_option(argv[i], value, sizeof(value)) ? value : "(none)");
	printf("arguments: %s %d\n", arguments == argv ? "mine" : "others", count);
	printf("left: %zu\n", left_behind());
	print_list("program", environ);
	print_list("handed on", build(environ, "exec"));
	fflush(stdout);
	return 0;
}

/* In the test */

static char output[1 << 16];

/* Executes this program with that environment, "@" in it replaced by the process's id. */
static void execute(const char *library, char *const *options, char *const *environment)
{
	char *argv[16] = { (char *)(uintptr_t)"environment", (char *)(uintptr_t)"--look", (char *)(uintptr_t)library };
	static char replaced[64][64];
	char *entries[64];
	size_t n = 0;

	for (int i = 0; options && options[i]; i++)
		argv[3 + i] = options[i];
	for (; environment[n]; n++) {
		const char *at = strchr(environment[n], '@');

		entries[n] = environment[n];
		if (!at)
			continue;
		snprintf(replaced[n], sizeof(replaced[n]), "%.*s%d%s", (int)(at - environment[n]), environment[n],
			 (int)getpid(), at + 1);
		entries[n] = replaced[n];
	}
	entries[n] = NULL;
	execve("/proc/self/exe", argv, entries);
	_exit(127);
}

#define LIST(...) ((char *[]){ __VA_ARGS__, NULL })

static void run(const char *library, char *const *options, char *const *environment)
{
	size_t used = 0;
	int ends[2], status, errors = memfd_create("errors", MFD_CLOEXEC);
	char text[1024] = "";
	ssize_t got;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(errors, STDERR_FILENO); /* the loader complains of libraries that are not there */
		execute(library, options, environment);
	}
	close(ends[1]);
	while ((got = read(ends[0], output + used, sizeof(output) - 1 - used)) > 0)
		used += (size_t)got;
	output[used] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	got = pread(errors, text, sizeof(text) - 1, 0);
	close(errors);
	if (status)
		fail_msg("the executed program ended with status %#x and %zd bytes of complaints: %s", status, got,
			 text);
}

/* The rest of the line of the output that begins with this; one line at a time. */
static const char *said(const char *what)
{
	static char line[1 << 15];
	size_t length = strlen(what);
	const char *at = output;

	while (at && strncmp(at, what, length))
		at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
	if (!at)
		fail_msg("no line '%s' in: %s", what, output);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(at + length, "\n"), at + length);
	return line + (*line == ' ');
}

static void the_programs_own_variables_stay_as_they_are_and_ours_are_gone(void **state)
{
	(void)state;
	run("/lib/libpagegap.so", NULL,
	    LIST("A=1", "PAGEGAP_RECORDING=/tmp/r", "B=PAGEGAP_RECORDING=x", "LD_PRELOAD=/lib/libpagegap.so",
		 "PAGEGAP_OPTIONS=a=b", "C", "PAGEGAP_BROKER=name:token", "PAGEGAP_BORN=start.0", "PAGEGAP_MINE=2",
		 "=odd", "A=2", "LD_PRELOAD_X=3"));
	assert_string_equal(said("program:"),
			    "[A=1] [B=PAGEGAP_RECORDING=x] [C] [PAGEGAP_MINE=2] [=odd] [A=2] [LD_PRELOAD_X=3]");
	assert_string_equal(said("recording:"), "/tmp/r");
	assert_string_equal(said("broker:"), "name:token");
	assert_string_equal(said("arguments:"), "mine 3");
	assert_int_equal(strtoul(said("left:"), NULL, 10), strlen("B=PAGEGAP_RECORDING=x") + strlen("PAGEGAP_MINE=2"));
}

static void without_our_variables_nothing_is_known_and_nothing_changes(void **state)
{
	(void)state;
	run("", NULL, LIST("A=1", "PATH=/bin"));
	assert_string_equal(said("program:"), "[A=1] [PATH=/bin]");
	assert_string_equal(said("recording:"), "");
	assert_string_equal(said("broker:"), "");
	assert_string_equal(said("born:"), "start 0");
	assert_string_equal(said("handed on:"), "none"); /* no library to hand on */
	run("", NULL, LIST(NULL));
	assert_string_equal(said("program:"), "");
}

static void the_newest_of_several_values_counts(void **state)
{
	(void)state; /* a program that hands on what it read in its parent's /proc/PID/environ */
	run("/lib/x", NULL,
	    LIST("PAGEGAP_RECORDING=/old", "PAGEGAP_BORN=exec.@.1", "PAGEGAP_RECORDING=/new", "PAGEGAP_BORN=exec.@.2"));
	assert_string_equal(said("recording:"), "/new");
	assert_string_equal(said("born:"), "exec 2");
	assert_string_equal(said("program:"), "");
}

static void our_library_leaves_the_programs_list_of_preloaded_ones(void **state)
{
	static const struct { const char *given, *left; } lists[] = {
		{ "/x/libpagegap.so", "" },
		{ "/x/libpagegap.so:", "[LD_PRELOAD=]" }, /* the program had the variable, but empty */
		{ "/x/libpagegap.so:/y/a.so", "[LD_PRELOAD=/y/a.so]" },
		{ "/y/a.so:/x/libpagegap.so", "[LD_PRELOAD=/y/a.so]" },
		{ "/y/a.so /x/libpagegap.so b.so", "[LD_PRELOAD=/y/a.so:b.so]" },
		{ "libpagegap.so:libpagegap.so", "[LD_PRELOAD=]" },
		{ "/y/a.so", "[LD_PRELOAD=/y/a.so]" },
		{ "", "[LD_PRELOAD=]" },
		{ "/renamed/our.so:z.so", "[LD_PRELOAD=z.so]" },
		{ "/x/libpagegap.so.bak:/x/libpagegap.so", "[LD_PRELOAD=/x/libpagegap.so.bak]" },
		{ "/x/notlibpagegap.so:/x/libpagegap.so", "[LD_PRELOAD=/x/notlibpagegap.so]" },
	};
	char entry[256];

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		snprintf(entry, sizeof(entry), "LD_PRELOAD=%s", lists[i].given);
		run("/renamed/our.so", NULL, LIST(entry));
		assert_string_equal(said("program:"), lists[i].left);
	}
}

static void how_an_image_was_born_is_believed_only_by_the_process_it_speaks_of(void **state)
{
	static const struct { const char *given, *born; } births[] = {
		{ "start.0", "start 0" }, { "exec.@.7", "exec 7" }, { "exec.1.7", "spawn 0" },
		{ "vfork.@.2", "vfork 0" }, { "vfork.1.2", "spawn 0" }, { "spawn.1.4", "spawn 0" },
		{ "exec", "spawn 0" }, { "", "spawn 0" },
	};
	char entry[64];

	(void)state;
	for (size_t i = 0; i < sizeof(births) / sizeof(births[0]); i++) {
		snprintf(entry, sizeof(entry), "PAGEGAP_BORN=%s", births[i].given);
		run("/lib/x", NULL, LIST("PAGEGAP_RECORDING=/r", entry));
		assert_string_equal(said("born:"), births[i].born);
	}
	run("/lib/x", NULL, LIST("PAGEGAP_BORN=exec.@.5")); /* no recording: this begins one */
	assert_string_equal(said("born:"), "start 0");
}

static void options_are_found_by_their_whole_name(void **state)
{
	(void)state;
	run("/lib/x", LIST("peak", "pea", "eak", "sample", "empty", "last", "long", "full"),
	    LIST("PAGEGAP_OPTIONS=peak=10,sample,empty=,xeak=3,long=123456789012345678,full=123456789012345,last=z,"
		 "peak=11"));
	assert_string_equal(said("peak:"), "10");
	assert_string_equal(said("pea:"), "(none)");
	assert_string_equal(said("eak:"), "(none)");
	assert_string_equal(said("sample:"), "(none)");
	assert_string_equal(said("empty:"), "");
	assert_string_equal(said("last:"), "z");
	assert_string_equal(said("long:"), "(none)"); /* more than the caller has room for */
	assert_string_equal(said("full:"), "123456789012345");
}

static void what_is_executed_gets_the_programs_environment_and_ours(void **state)
{
	(void)state;
	run("/dev/null", NULL, LIST("A=1", "PAGEGAP_RECORDING=/tmp/r", "B=2"));
	assert_string_equal(said("handed on:"),
			    "[A=1] [B=2] [PAGEGAP_BORN=exec.4711.3] [LD_PRELOAD=/dev/null] [PAGEGAP_RECORDING=/tmp/r] "
			    "[PAGEGAP_PAD=]"); /* four will be taken out again */
	run("/dev/null", NULL,
	    LIST("PAGEGAP_BROKER=n:t", "PAGEGAP_OPTIONS=k=v", "PAGEGAP_RECORDING=/r", "LD_PRELOAD=/dev/null:/y/a.so"));
	assert_string_equal(said("handed on:"),
			    "[PAGEGAP_BORN=exec.4711.3] [LD_PRELOAD=/dev/null:/y/a.so] [PAGEGAP_RECORDING=/r] "
			    "[PAGEGAP_OPTIONS=k=v] [PAGEGAP_BROKER=n:t]");
	run("/dev/null", NULL, LIST("PAGEGAP_RECORDING=/r", "LD_PRELOAD="));
	assert_string_equal(said("handed on:"),
			    "[PAGEGAP_BORN=exec.4711.3] [LD_PRELOAD=/dev/null:] [PAGEGAP_RECORDING=/r]");
}

static void a_program_without_our_library_in_reach_gets_its_own_environment(void **state)
{
	(void)state;
	run("/nowhere/libpagegap.so", NULL,
	    LIST("A=1", "PAGEGAP_RECORDING=/r", "LD_PRELOAD=/nowhere/libpagegap.so:/y/a.so"));
	assert_string_equal(said("handed on:"), "none");
	assert_string_equal(said("program:"), "[A=1] [LD_PRELOAD=/y/a.so]");
}

static void a_relative_path_of_the_library_is_handed_on_as_an_absolute_one(void **state)
{
	char directory[] = "/tmp/pagegap-environment.XXXXXX", home[PATH_MAX], expected[PATH_MAX + 128];

	(void)state;
	assert_non_null(getcwd(home, sizeof(home)));
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	close(open("x.so", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
	run("./x.so", NULL, LIST("PAGEGAP_RECORDING=/r", "LD_PRELOAD=./x.so:./y.so"));
	unlink("x.so");
	assert_int_equal(chdir(home), 0);
	assert_int_equal(rmdir(directory), 0);
	snprintf(expected, sizeof(expected),
		 "[PAGEGAP_BORN=exec.4711.3] [LD_PRELOAD=%s/./x.so:./y.so] [PAGEGAP_RECORDING=/r]", directory);
	assert_string_equal(said("handed on:"), expected);
}

/* In this very process: environments that no kernel would put on a stack. */

static void begin_here(void)
{
	object_path = "/dev/null";
	environment_begin();
	environment_set_recording("/set/later");
}

static size_t entries_of(char **list)
{
	size_t count = 0;

	while (list[count])
		count++;
	return count;
}

static void no_environment_and_a_vast_one_are_handed_on(void **state)
{
	enum { MANY = 20000 };
	char **vast = calloc(MANY + 1, sizeof(char *)), **built;

	(void)state;
	begin_here();
	built = build(NULL, "vfork");
	assert_non_null(built);
	assert_int_equal(entries_of(built), 4);
	assert_string_equal(built[0], "PAGEGAP_BORN=vfork.4711.3");
	assert_string_equal(built[1], "LD_PRELOAD=/dev/null");
	assert_string_equal(built[2], "PAGEGAP_RECORDING=/set/later");
	assert_string_equal(built[3], "PAGEGAP_PAD=");
	for (int i = 0; i < MANY; i++)
		vast[i] = (char *)(uintptr_t)(i % 1000 ? "NAME=value" : "LD_PRELOAD=a.so");
	built = build(vast, "spawn");
	assert_non_null(built);
	assert_int_equal(entries_of(built), MANY - MANY / 1000 + 3);
	assert_string_equal(built[MANY - MANY / 1000], "PAGEGAP_BORN=spawn.4711.3");
	assert_string_equal(built[MANY - MANY / 1000 + 1], "LD_PRELOAD=/dev/null:a.so");
	free(vast);
}

/* The kernel will say EFAULT; until it does, nobody may fault here. */
static void an_environment_that_cannot_be_read_needs_no_room(void **state)
{
	char *place = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char **list = (char **)(void *)(place + 4096), *bad = place + 2 * 4096;

	(void)state;
	begin_here();
	assert_true(place != MAP_FAILED && !mprotect(bad, 4096, PROT_NONE));
	assert_int_equal(environment_room((char **)(void *)bad), 0);
	assert_int_equal(environment_room((char **)1), 0);
	for (size_t i = 0; i < 4096 / sizeof(char *); i++)
		list[i] = (char *)(uintptr_t)"A=1";
	assert_int_equal(environment_room(list), 0); /* no end before the page that cannot be read */
	for (size_t length = 0; length < 200; length++) { /* the end right before that page */
		char **from = list + 4096 / sizeof(char *) - 1 - length;

		from[length] = NULL;
		assert_non_null(build(from, "exec"));
		assert_int_equal(entries_of(build(from, "exec")), length + 4);
		if (length) {
			char *good = from[length / 2];

			from[length / 2] = bad;
			assert_int_equal(environment_room(from), 0);
			from[length / 2] = (char *)8;
			assert_int_equal(environment_room(from), 0);
			from[length / 2] = good;
		}
	}
	munmap(place, 3 * 4096);
}

static void a_string_that_ends_with_its_page_is_readable(void **state)
{
	char *place = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), **built;

	(void)state;
	begin_here();
	assert_true(place != MAP_FAILED && !mprotect(place + 4096, 4096, PROT_NONE));
	strcpy(place + 4096 - 4, "A=1");
	built = build(LIST(place + 4096 - 4), "exec");
	assert_non_null(built);
	assert_ptr_equal(built[0], place + 4096 - 4);
	strcpy(place + 4096 - sizeof("LD_PRELOAD=q.so"), "LD_PRELOAD=q.so");
	built = build(LIST(place + 4096 - sizeof("LD_PRELOAD=q.so")), "exec");
	assert_non_null(built);
	assert_string_equal(built[1], "LD_PRELOAD=/dev/null:q.so");
	munmap(place, 2 * 4096);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_programs_own_variables_stay_as_they_are_and_ours_are_gone),
		cmocka_unit_test(without_our_variables_nothing_is_known_and_nothing_changes),
		cmocka_unit_test(the_newest_of_several_values_counts),
		cmocka_unit_test(our_library_leaves_the_programs_list_of_preloaded_ones),
		cmocka_unit_test(how_an_image_was_born_is_believed_only_by_the_process_it_speaks_of),
		cmocka_unit_test(options_are_found_by_their_whole_name),
		cmocka_unit_test(what_is_executed_gets_the_programs_environment_and_ours),
		cmocka_unit_test(a_program_without_our_library_in_reach_gets_its_own_environment),
		cmocka_unit_test(a_relative_path_of_the_library_is_handed_on_as_an_absolute_one),
		cmocka_unit_test(no_environment_and_a_vast_one_are_handed_on),
		cmocka_unit_test(an_environment_that_cannot_be_read_needs_no_room),
		cmocka_unit_test(a_string_that_ends_with_its_page_is_readable),
	};

	if (argc > 2 && !strcmp(argv[1], "--look"))
		return look(argc, argv);
	return cmocka_run_group_tests_name("environment", tests, NULL, NULL);
}
