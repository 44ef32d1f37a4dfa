/* SPDX-License-Identifier: MIT */
/*
 * What the wrappers of exec and spawn stand between, played: the instrument on one side, and on the other a kernel that
 * keeps what it was given and fails. A directory of files to execute.
 */
#ifndef PAGEGAP_TEST_EXEC_PLAYED_H
#define PAGEGAP_TEST_EXEC_PLAYED_H

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../preload/call_counts.h"
#include "../../preload/environment.h"
#include "../../preload/heap.h"
#include "../../preload/object.h"
#include "../../preload/process.h"

/*
 * The instrument. What its functions read and write is not static: libc's headers declare execve and its like as
 * functions that do not come back into this file (__attribute__((leaf))), and the compiler would take static variables
 * to be the same before and after.
 */

struct capture image;
int endings, endings_undone, notes;
pid_t born_child;
enum capture_born born_how;
bool own_process = true;

uint32_t dispatch_on;
struct next next;
struct allocator allocator;
struct capture *capture = &image;
uint32_t instrument_state = INSTRUMENT_ON;
unsigned char fork_sentinel[4096] = { 1 };
__thread struct thread this_thread;

bool recording_back(uint64_t start, uint64_t end)
{
	(void)start, (void)end;
	return true;
}

bool heap_next_ready(void)
{
	return true;
}

bool instrument_attend(struct thread *thread)
{
	thread->counters = &image.counters[1];
	return true;
}

bool recording_is_first(void)
{
	return false;
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

static inline int keep(const char *path, char *const *arguments, char *const *environment)
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

static inline int played_execveat(int directory, const char *path, char *const *arguments, char *const *environment,
				  int flags)
{
	given.directory = directory;
	given.flags = flags;
	return keep(path, arguments, environment);
}

static inline int played_fexecve(int fd, char *const *arguments, char *const *environment)
{
	given.directory = fd;
	return keep(NULL, arguments, environment);
}

static inline int played_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
			       const posix_spawnattr_t *attributes, char *const *arguments, char *const *environment)
{
	(void)actions;
	(void)attributes;
	keep(path, arguments, environment);
	*pid = 4321;
	return path && strstr(path, "failing") ? ENOENT : 0;
}

/* Files to execute */

static char directory[] = "/tmp/pagegap-exec.XXXXXX";

static inline void write_file(const char *name, const void *bytes, size_t length, mode_t mode)
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
static inline struct elf_file elf_for(const char *loader)
{
	struct elf_file elf = {
		.file = {
			.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_phnum = 3, .e_phentsize = sizeof(Elf64_Phdr),
			.e_phoff = offsetof(struct elf_file, segment),
		},
	};

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

static inline void write_elf(const char *name, const struct elf_file *elf)
{
	write_file(name, elf, sizeof(*elf), 0700);
}

static inline void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text), 0700);
}

static char home[PATH_MAX];

/* A new directory with two files: "dynamic", which loads the library, and "static", which does not. */
static inline bool begin_playing(void)
{
	struct elf_file dynamic = elf_for("/lib64/ld-linux-x86-64.so.2"), fixed = elf_for(NULL);

	next.execve = keep;
	next.execvpe = keep;
	next.execveat = played_execveat;
	next.fexecve = played_fexecve;
	next.posix_spawn = next.posix_spawnp = played_spawn;
	image.image_number = 4;
	environment_begin();
	environment_set_recording("/recording");
	if (!getcwd(home, sizeof(home)) || !mkdtemp(directory) || chdir(directory))
		return false;
	write_elf("dynamic", &dynamic);
	write_elf("static", &fixed);
	return true;
}

static inline bool end_playing(void)
{
	return !unlink("dynamic") && !unlink("static") && !chdir(home) && !rmdir(directory);
}

static char *programs[] = { (char *)(uintptr_t)"A=1", NULL };
static char *arguments[] = { (char *)(uintptr_t)"name", (char *)(uintptr_t)"argument", NULL };

static inline void assert_followed(const char *how)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "%s.%d.5", how, (int)getpid());
	assert_string_equal(given.how, expected);
	assert_string_equal(given.found[0], "A=1");
	assert_ptr_not_equal(given.environment, programs);
}

static inline void assert_not_followed(void)
{
	assert_ptr_equal(given.environment, programs);
}

#endif
