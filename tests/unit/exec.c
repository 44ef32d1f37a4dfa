/* SPDX-License-Identifier: MIT */
/*
 * The wrappers of exec and spawn over a kernel that is played here: what the target would get as its environment, for every kind of
 * file it may be; what is counted; that nothing but the environment is changed. The instrument around them is played, too.
 *
 * links: preload/exec.c preload/environment.c preload/sandbox.c preload/kept.c
 */
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../preload/environment.h"
#include "../../preload/heap.h"
#include "../../preload/object.h"
#include "../../preload/process.h"

/*
 * The instrument. What its functions read and write is not static: libc's headers declare execve and its like as functions that do not
 * come back into this file (__attribute__((leaf))), and the compiler would take static variables to be the same before and after.
 */

struct capture image;
int endings, endings_undone, notes;
pid_t born_child;
enum capture_born born_how;
bool own_process = true;

struct next next;
struct allocator allocator;
struct capture *capture = &image;
uint32_t instrument_state = INSTRUMENT_ON;
unsigned char fork_sentinel[4096] = { 1 };
__thread struct thread this_thread;

bool heap_next_ready(void)
{
	return true;
}

bool instrument_attend(struct thread *thread)
{
	thread->counters = &image.counters[1];
	return true;
}

bool instrument_is_own_process(void)
{
	return own_process;
}

void instrument_note(enum capture_note kind, int error)
{
	(void)error;
	notes += kind == NOTE_NO_EXEC_FOLLOW;
}

void ending(enum capture_ended kind, int code)
{
	endings += kind == ENDED_EXEC && code == 0;
}

void ending_undone(void)
{
	endings_undone++;
}

void process_born(pid_t child, enum capture_born how)
{
	born_child = child;
	born_how = how;
}

const char *library = "/dev/null";

bool object_of(const void *address, struct object *object)
{
	(void)address;
	object->path = library;
	return true;
}

/* The kernel, as far as it is played: it keeps what it was given, and fails. */

struct {
	int calls, directory, flags;
	const char *path;
	char *const *arguments, *const *environment;
	char how[64];                   /* the value of PAGEGAP_BORN in that environment; empty: not followed */
	size_t entries;
	char *found[8];                 /* the first entries */
} given;

static int keep(const char *path, char *const *arguments, char *const *environment)
{
	given.calls++;
	given.path = path;
	given.arguments = arguments;
	given.environment = environment;
	given.how[0] = '\0';
	given.entries = 0;
	for (size_t i = 0; environment && environment != (char **)8 && environment[i]; i++, given.entries++) {
		if (i < 8)
			given.found[i] = environment[i];
		if (!strncmp(environment[i], "PAGEGAP_BORN=", 13))
			snprintf(given.how, sizeof(given.how), "%s", environment[i] + 13);
	}
	errno = ENOEXEC;
	return -1;
}

static int played_execveat(int directory, const char *path, char *const *arguments, char *const *environment, int flags)
{
	given.directory = directory;
	given.flags = flags;
	return keep(path, arguments, environment);
}

static int played_fexecve(int fd, char *const *arguments, char *const *environment)
{
	given.directory = fd;
	return keep(NULL, arguments, environment);
}

static int played_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
			char *const *arguments, char *const *environment)
{
	(void)actions;
	(void)attributes;
	keep(path, arguments, environment);
	*pid = 4321;
	return path && strstr(path, "failing") ? ENOENT : 0;
}

static int played_system(const char *command)
{
	keep(command, NULL, environ);
	return 7;
}

static FILE *played_popen(const char *command, const char *mode)
{
	(void)mode;
	keep(command, NULL, environ);
	return NULL;
}

/* Files to execute */

static char directory[] = "/tmp/pagegap-exec.XXXXXX";

static void write_file(const char *name, const void *bytes, size_t length, mode_t mode)
{
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}

struct elf_file {
	Elf64_Ehdr file;
	Elf64_Phdr segment[4];
	char interpreter[64];
};

/* An executable for the loader of that path; NULL: static. */
static struct elf_file elf_for(const char *loader)
{
	struct elf_file elf = { .file = { .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_phoff = offsetof(struct elf_file, segment),
					  .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3 } };

	memcpy(elf.file.e_ident, ELFMAG, SELFMAG);
	elf.file.e_ident[EI_CLASS] = ELFCLASS64;
	elf.segment[0].p_type = PT_PHDR;
	elf.segment[1].p_type = PT_LOAD;
	elf.segment[2].p_type = loader ? PT_INTERP : PT_GNU_STACK;
	elf.segment[2].p_offset = offsetof(struct elf_file, interpreter);
	elf.segment[2].p_filesz = loader ? strlen(loader) + 1 : 0;
	snprintf(elf.interpreter, sizeof(elf.interpreter), "%s", loader ? loader : "");
	return elf;
}

static void write_elf(const char *name, const struct elf_file *elf)
{
	write_file(name, elf, sizeof(*elf), 0700);
}

static void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text), 0700);
}

static void write_elf_files(void)
{
	struct elf_file elf = elf_for("/lib64/ld-linux-x86-64.so.2");

	write_elf("dynamic", &elf);
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
	write_elf("static", &elf);
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

static char home[PATH_MAX];

static int prepare(void **state)
{
	(void)state;
	next.execve = keep;
	next.execvpe = keep;
	next.execveat = played_execveat;
	next.fexecve = played_fexecve;
	next.posix_spawn = next.posix_spawnp = played_spawn;
	next.system = played_system;
	next.popen = played_popen;
	image.image_number = 4;
	environment_begin();
	environment_set_recording("/recording");
	if (!getcwd(home, sizeof(home)) || !mkdtemp(directory) || chdir(directory))
		return -1;
	write_elf_files();
	write_scripts();
	return 0;
}

static int clean_up(void **state)
{
	static const char *const files[] = {
		"dynamic", "static-pie", "far-headers", "wild-headers", "far-interpreter", "wild-interpreter", "arm", "32-bit", "musl", "x32",
		"static", "short", "script", "script-spaces", "script-no-newline", "script-musl", "script-static", "script-of-script",
		"script-of-itself", "script-nowhere", "script-empty", "script-long", "text", "empty", "fifo", "locked",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	rmdir("directory");
	return chdir(home) || rmdir(directory);
}

/* Targets */

static char *programs[] = { (char *)(uintptr_t)"A=1", NULL };
static char *arguments[] = { (char *)(uintptr_t)"name", (char *)(uintptr_t)"argument", NULL };

static void assert_followed(const char *how)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "%s.%d.5", how, (int)getpid());
	assert_string_equal(given.how, expected);
	assert_string_equal(given.found[0], "A=1");
	assert_ptr_not_equal(given.environment, programs);
}

static void assert_not_followed(void)
{
	assert_ptr_equal(given.environment, programs);
}

static void a_target_that_can_load_the_library_is_followed(void **state)
{
	static const char *const files[] = {
		"dynamic", "far-headers", "far-interpreter", "wild-interpreter", "script", "script-spaces", "script-no-newline", "text",
		"empty", "script-empty", "script-nowhere", "script-long", "script-of-itself", "nowhere",
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
		"static", "static-pie", "musl", "x32", "arm", "32-bit", "short", "script-musl", "script-static", "script-of-script",
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
	execl("static", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20",
	      (char *)NULL);
	next.execve = keep;
	for (int i = 0; i <= 20; i++)
		assert_int_equal(atoi(seen[i]), i);
	assert_null(seen[21]);
}

/* What the instrument is told */

static void a_failed_exec_is_counted_and_undone(void **state)
{
	uint64_t calls = image.counters[1].calls[CALL_EXECVE], errors = image.counters[1].call_errors[CALL_EXECVE];
	int before = endings, undone = endings_undone;

	(void)state;
	errno = 0;
	assert_int_equal(execve("dynamic", arguments, programs), -1);
	assert_int_equal(errno, ENOEXEC);
	assert_int_equal(image.counters[1].calls[CALL_EXECVE] - calls, 1);
	assert_int_equal(image.counters[1].call_errors[CALL_EXECVE] - errors, 1);
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

static size_t mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	size_t lines = 0;

	assert_non_null(file);
	for (int c; (c = getc(file)) != EOF;)
		lines += c == '\n';
	fclose(file);
	return lines;
}

static void a_vast_environment_is_handed_over_and_leaves_no_mapping_behind(void **state)
{
	enum { MANY = 30000 };
	char **vast = calloc(MANY + 1, sizeof(char *));
	size_t before;

	(void)state;
	for (int i = 0; i < MANY; i++)
		vast[i] = programs[0];
	execve("dynamic", arguments, vast);
	before = mappings();
	for (int i = 0; i < 50; i++) {
		execve("dynamic", arguments, vast);
		assert_followed("exec");
		assert_int_equal(given.entries, MANY + 3);
		execve("static", arguments, vast);
		assert_ptr_equal(given.environment, vast);
	}
	assert_int_equal(mappings(), before);
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
	assert_int_equal(posix_spawnp(&child, "./musl", NULL, NULL, arguments, programs), 0);
	assert_not_followed();
}

static void system_and_popen_lend_their_environment_to_the_shell_alone(void **state)
{
	char **mine = environ;

	(void)state;
	environ = programs;
	assert_int_equal(system("true"), 7);
	assert_followed("spawn");
	assert_ptr_equal(environ, programs);
	assert_string_equal(given.path, "true");
	assert_null(popen("true", "r"));
	assert_followed("spawn");
	assert_ptr_equal(environ, programs);
	environ = mine;
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
		cmocka_unit_test(the_list_forms_hand_on_all_arguments_and_the_right_environment),
		cmocka_unit_test(a_long_list_of_arguments_arrives_whole),
		cmocka_unit_test(a_failed_exec_is_counted_and_undone),
		cmocka_unit_test(a_vfork_child_leaves_its_parents_story_alone),
		cmocka_unit_test(a_library_out_of_reach_is_noted_and_nothing_is_changed),
		cmocka_unit_test(a_vast_environment_is_handed_over_and_leaves_no_mapping_behind),
		cmocka_unit_test(a_spawned_child_is_followed_and_known),
		cmocka_unit_test(system_and_popen_lend_their_environment_to_the_shell_alone),
	};

	return cmocka_run_group_tests_name("exec", tests, prepare, clean_up);
}
