/* SPDX-License-Identifier: MIT */
/*
 * The forms of exec, spawn, system and popen: nothing but the environment is changed, and the instrument is told what
 * happened.
 *
 * links: preload/exec.c preload/call_counts.c preload/environment.c preload/ranges.c preload/sandbox.c preload/kept.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exec_played.h"

static FILE *played_popen(const char *command, const char *mode)
{
	(void)mode;
	keep(command, NULL, environ);
	return NULL;
}

/* A child that ends with status 7. */
static int played_shell(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const *list, char *const *environment)
{
	(void)actions;
	(void)attributes;
	if (strcmp(list[0], "sh") || strcmp(list[1], "-c") || strcmp(list[2], "the command") || list[3])
		return EINVAL;
	keep(path, list, environment);
	*pid = fork();
	if (*pid == 0)
		_exit(7);
	return *pid < 0 ? errno : 0;
}

static int prepare(void **state)
{
	(void)state;
	next.popen = played_popen;
	return begin_playing() ? 0 : -1;
}

static int clean_up(void **state)
{
	(void)state;
	return end_playing() ? 0 : -1;
}

/* The forms of exec */

static void the_list_forms_hand_on_all_arguments_and_the_right_environment(void **state)
{
	char **mine = environ;

	(void)state;
	environ = programs;
	execl("dynamic", "a", "b", "c", (char *)NULL);
	assert_followed("exec");
	execl("static", "a", (char *)NULL);
	assert_not_followed();
	execlp("./static", "a", (char *)NULL);
	assert_not_followed();
	execv("static", arguments);
	assert_not_followed();
	execvp("./dynamic", arguments);
	assert_followed("exec");
	assert_ptr_equal(given.arguments, arguments);
	environ = mine;
	execle("static", "a", "b", (char *)NULL, programs);
	assert_not_followed();
	execle("dynamic", "a", (char *)NULL, programs);
	assert_followed("exec");
}

char *seen[40];

static int keep_arguments(const char *path, char *const *list, char *const *environment)
{
	size_t i;

	for (i = 0; list[i]; i++)
		seen[i] = list[i];
	seen[i] = NULL;
	return keep(path, list, environment);
}

static void a_long_list_of_arguments_arrives_whole(void **state)
{
	(void)state;
	next.execve = keep_arguments;
	execl("static", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
	      "17", "18", "19", "20", (char *)NULL);
	next.execve = keep;
	for (int i = 0; i <= 20; i++)
		assert_int_equal(atoi(seen[i]), i);
	assert_null(seen[21]);
}

/* What the instrument is told */

static void a_failed_exec_is_counted_and_undone(void **state)
{
	struct capture_call *cell = call_cell_make(&this_thread, SYS_execve);
	uint64_t calls = cell->calls, errors = cell->errors;
	int before = endings, undone = endings_undone;

	(void)state;
	errno = 0;
	assert_int_equal(execve("dynamic", arguments, programs), -1);
	assert_int_equal(errno, ENOEXEC);
	assert_int_equal(cell->calls - calls, 1);
	assert_int_equal(cell->errors - errors, 1);
	assert_int_equal(cell->errnos[0], ENOEXEC);
	assert_int_equal(endings - before, 1);
	assert_int_equal(endings_undone - undone, 1);
	assert_string_equal(image.exec_path, "dynamic");
}

static void a_vfork_child_leaves_its_parents_story_alone(void **state)
{
	int before = endings;

	(void)state;
	own_process = false;
	execve("dynamic", arguments, programs);
	own_process = true;
	assert_followed("vfork");
	assert_int_equal(endings, before);
}

static void a_library_out_of_reach_is_noted_and_nothing_is_changed(void **state)
{
	int before = notes;

	(void)state;
	library = "/nowhere/libpagegap.so";
	environment_begin();
	execve("dynamic", arguments, programs);
	library = "/dev/null";
	environment_begin();
	assert_not_followed();
	assert_int_equal(notes - before, 1);
}

/* Pages of this process's address space: proc(5), /proc/pid/statm. */
static unsigned long mapped_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	return pages;
}

static void a_vast_environment_is_handed_over_and_leaves_no_mapping_behind(void **state)
{
	enum { MANY = 30000 };
	char **vast = calloc(MANY + 1, sizeof(char *));
	unsigned long before;

	(void)state;
	for (int i = 0; i < MANY; i++)
		vast[i] = programs[0];
	execve("dynamic", arguments, vast);
	before = mapped_pages();
	for (int i = 0; i < 50; i++) {
		execve("dynamic", arguments, vast);
		assert_followed("exec");
		assert_int_equal(given.entries, MANY + 4);
		execve("static", arguments, vast);
		assert_ptr_equal(given.environment, vast);
	}
	assert_int_equal(mapped_pages(), before);
	free(vast);
}

/* spawn, system, popen */

static void a_spawned_child_is_followed_and_known(void **state)
{
	pid_t child = 0;

	(void)state;
	assert_int_equal(posix_spawn(&child, "dynamic", NULL, NULL, arguments, programs), 0);
	assert_followed("spawn");
	assert_int_equal(child, 4321);
	assert_int_equal(born_child, 4321);
	assert_int_equal(born_how, BORN_SPAWN);
	assert_int_equal(posix_spawn(NULL, "static", NULL, NULL, arguments, programs), 0);
	assert_not_followed();
	born_child = child = 0;
	assert_int_equal(posix_spawn(&child, "failing", NULL, NULL, arguments, programs), ENOENT);
	assert_int_equal(born_child, 0);
	assert_int_equal(child, 0);
	assert_int_equal(posix_spawnp(&child, "./static", NULL, NULL, arguments, programs), 0);
	assert_not_followed();
}

static void on_signal(int signal)
{
	(void)signal;
}

static void system_runs_a_followed_shell_and_leaves_signals_as_they_were(void **state)
{
	struct sigaction mine = { .sa_handler = on_signal }, now;
	sigset_t before, after;
	char **environment = environ;

	(void)state;
	sigaction(SIGINT, &mine, NULL);
	sigprocmask(SIG_SETMASK, NULL, &before);
	next.posix_spawn = played_shell;
	environ = programs;
	assert_int_equal(system("the command"), 7 << 8);
	assert_ptr_equal(environ, programs);
	environ = environment;
	assert_followed("spawn");
	assert_string_equal(given.path, "/bin/sh");
	assert_int_equal(system("another"), 127 << 8); /* as if the shell could not be executed: system(3) */
	next.posix_spawn = played_spawn;
	sigaction(SIGINT, NULL, &now);
	assert_ptr_equal(now.sa_handler, on_signal);
	sigaction(SIGQUIT, NULL, &now);
	assert_ptr_equal(now.sa_handler, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigprocmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&before, SIGCHLD), 0);
	assert_int_equal(sigismember(&after, SIGCHLD), 0);
}

static void popen_lends_its_environment_to_the_shell_alone(void **state)
{
	char **environment = environ;

	(void)state;
	environ = programs;
	assert_null(popen("true", "r"));
	assert_ptr_equal(environ, programs);
	environ = environment;
	assert_followed("spawn");
	assert_string_equal(given.path, "true");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_forms_hand_on_all_arguments_and_the_right_environment),
		cmocka_unit_test(a_long_list_of_arguments_arrives_whole),
		cmocka_unit_test(a_failed_exec_is_counted_and_undone),
		cmocka_unit_test(a_vfork_child_leaves_its_parents_story_alone),
		cmocka_unit_test(a_library_out_of_reach_is_noted_and_nothing_is_changed),
		cmocka_unit_test(a_vast_environment_is_handed_over_and_leaves_no_mapping_behind),
		cmocka_unit_test(a_spawned_child_is_followed_and_known),
		cmocka_unit_test(system_runs_a_followed_shell_and_leaves_signals_as_they_were),
		cmocka_unit_test(popen_lends_its_environment_to_the_shell_alone),
	};

	return cmocka_run_group_tests_name("exec_calls", tests, prepare, clean_up);
}
