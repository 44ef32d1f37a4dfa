/* SPDX-License-Identifier: MIT */
/*
 * exec and spawn: the program's own environment goes on, with the instrument's variables added, unless the target could not load the
 * library: then the loader would complain or fail, so the target gets exactly what the program wanted and is not followed.
 */
#include <errno.h>
#include <elf.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "call_counts.h"
#include "environment.h"
#include "heap.h"
#include "instrument.h"
#include "next.h"
#include "process.h"
#include "ranges.h"
#include "text.h"

#define LOADER "ld-linux-x86-64.so.2"

/* Reads the beginning of a file; 0 when that cannot be. O_NONBLOCK: it may be a FIFO, and the exec is what should fail. */
static size_t read_head(int directory, const char *path, int flags, char *head, size_t room)
{
	long fd = sys_call4(SYS_openat, directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0), got;

	if (sys_failed(fd) && (flags & AT_EMPTY_PATH) && !*path)
		got = sys_pread(directory, head, room, 0);
	else if (sys_failed(fd))
		return 0;
	else
		got = sys_pread((int)fd, head, room, 0);
	if (!sys_failed(fd))
		sys_close((int)fd);
	return sys_failed(got) ? 0 : (size_t)got;
}

/* An ELF file that this library can be loaded into: same class and machine, and the loader it was built for. */
static bool elf_follows(const char *head, size_t length)
{
	const Elf64_Ehdr *file = (const Elf64_Ehdr *)(const void *)head;
	const Elf64_Phdr *segment;

	if (length < sizeof(*file) || file->e_ident[EI_CLASS] != ELFCLASS64 || file->e_machine != EM_X86_64)
		return false;
	for (size_t i = 0; i < file->e_phnum; i++) {
		size_t at = file->e_phoff + i * sizeof(*segment);

		if (at > length || length - at < sizeof(*segment))
			return true; /* unusual, but nothing speaks against it */
		segment = (const Elf64_Phdr *)(const void *)(head + at);
		if (segment->p_type != PT_INTERP)
			continue;
		if (segment->p_offset > length || length - segment->p_offset < segment->p_filesz)
			return true;
		return memmem(head + segment->p_offset, segment->p_filesz, LOADER, strlen(LOADER)) != NULL;
	}
	return false; /* static */
}

static bool follows(int directory, const char *path, int flags)
{
	_Alignas(8) char head[2048];
	char interpreter[256];

	for (int depth = 0; depth < 4; depth++) {
		size_t length = read_head(directory, path, flags, head, sizeof(head) - 1), start, end;

		head[length] = '\0';
		if (length >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG))
			return elf_follows(head, length);
		if (length < 3 || head[0] != '#' || head[1] != '!')
			return true; /* unreadable, or run by a shell */
		start = 2 + strspn(head + 2, " \t");
		end = start + strcspn(head + start, " \t\n");
		if (end - start >= sizeof(interpreter))
			return true;
		memcpy(interpreter, head + start, end - start);
		interpreter[end - start] = '\0';
		path = interpreter;
		directory = AT_FDCWD;
		flags = 0;
	}
	return true;
}

/*
 * Headers declare these arguments non-null, but the program may pass anything, and EFAULT is the kernel's to say. (The empty statement
 * hides the declaration from the compiler.)
 */
static bool is_string(const char *pointer)
{
	__asm__("" : "+r"(pointer));
	return sys_call4(SYS_faccessat, AT_FDCWD, pointer, F_OK, 0) != -EFAULT;
}

/* The value of a variable of the program's; getenv may be a function of its own. */
static const char *variable(const char *name)
{
	size_t length = strlen(name);

	for (char **entry = environ; entry && *entry; entry++)
		if (!strncmp(*entry, name, length) && (*entry)[length] == '=')
			return *entry + length + 1;
	return NULL;
}

static const char *search_path(void)
{
	const char *path = variable("PATH");

	return path ? path : "/bin:/usr/bin"; /* exec(3) */
}

/* Bytes that search needs. */
static size_t search_room(const char *file)
{
	return is_string(file) ? strlen(search_path()) + strlen(file) + 2 : 1;
}

/* The file that execvp and its like will find: the first on PATH that may be executed. */
static const char *search(const char *file, char *place, size_t room)
{
	if (!is_string(file) || strchr(file, '/'))
		return file;
	for (const char *path = search_path(); *path;) {
		size_t length = strcspn(path, ":");
		struct text text = text_begin(place, room);

		memcpy(place, path, length);
		place[length] = '\0';
		text.length = length;
		if (length)
			text_add(&text, "/");
		text_add(&text, file);
		if (!text.cut && !sys_failed(sys_call3(SYS_faccessat, AT_FDCWD, place, X_OK)))
			return place;
		path += length + (path[length] == ':');
	}
	return file;
}

/* exec */

struct target {
	unsigned number;                /* of the system call */
	int directory, flags;           /* openat's */
	const char *path;               /* to the file itself */
	const char *given;              /* what the program said, for the report */
};

#define STACK_ROOM 8192                 /* bytes; a larger environment is mapped */

/* What is handed over: room for the new environment, on the stack of the wrapper if it is small. */
#define HANDOVER(over, environment) \
	const size_t over##_needed = instrument_ready(&this_thread) ? environment_room(environment) : 0; \
	_Alignas(16) char over##_stack[over##_needed && over##_needed <= STACK_ROOM ? over##_needed : 16]; \
	struct handover over = { over##_needed <= STACK_ROOM ? over##_stack : sys_reserve(over##_needed), over##_needed, \
				 over##_needed > STACK_ROOM }

struct handover {
	void  *room;
	size_t bytes;                   /* 0: the program's environment cannot be read */
	bool   mapped;
};

static char **hand_over(const struct handover *over, const struct target *target, char *const *environment, const char *how, int pid)
{
	char **built = NULL;

	if (sandbox_active) /* the new image would know nothing of the filter, and be killed by it */
		instrument_note(NOTE_NO_EXEC_FOLLOW, EPERM);
	else if (over->bytes && over->room && follows(target->directory, target->path, target->flags)) {
		if (!strcmp(how, "exec") && recording_is_first())
			how = "first";
		built = environment_build(environment, over->room, over->bytes, how, pid, capture ? capture->image_number + 1 : 0);
		if (!built)
			instrument_note(NOTE_NO_EXEC_FOLLOW, 0);
	}
	return built ? built : (char **)(uintptr_t)environment;
}

static void take_back(const struct handover *over)
{
	if (over->mapped && over->room)
		sys_unmap(over->room, over->bytes);
}

static char **begin_exec(const struct handover *over, const struct target *target, char *const *environment)
{
	bool own;

	if (!instrument_ready(&this_thread) || !is_string(target->given) || !is_string(target->path))
		return (char **)(uintptr_t)environment;
	own = instrument_is_own_process();
	call_made(target->number, 0);
	if (own && (target->flags || !sys_failed(sys_call3(SYS_faccessat, target->directory, target->path, X_OK)))) {
		strncpy(capture->exec_path, target->given, sizeof(capture->exec_path) - 1);
		ending(ENDED_EXEC, 0);
	}
	return hand_over(over, target, environment, own ? "exec" : "vfork", sys_getpid());
}

/* Only a failed exec comes back. errno is the exec's. */
static int failed_exec(const struct handover *over, const struct target *target)
{
	int error = errno;

	take_back(over);
	if (instrument_state == INSTRUMENT_ON && this_thread.counters) {
		ending_undone();
		if (!dispatch_on)
			call_made_failed(target->number, error);
	}
	errno = error;
	return -1;
}

EXPORT int execve(const char *path, char *const arguments[], char *const environment[])
{
	struct target target = { SYS_execve, AT_FDCWD, 0, path, path };
	HANDOVER(over, environment);

	heap_next_ready();
	next.execve(path, arguments, begin_exec(&over, &target, environment));
	if (errno == E2BIG) /* for want of the room that our variables take? */
		next.execve(path, arguments, environment);
	return failed_exec(&over, &target);
}

EXPORT int execveat(int directory, const char *path, char *const arguments[], char *const environment[], int flags)
{
	struct target target = { SYS_execveat, directory, flags, path, path };
	HANDOVER(over, environment);

	heap_next_ready();
	next.execveat(directory, path, arguments, begin_exec(&over, &target, environment), flags);
	if (errno == E2BIG) /* for want of the room that our variables take? */
		next.execveat(directory, path, arguments, environment, flags);
	return failed_exec(&over, &target);
}

EXPORT int fexecve(int fd, char *const arguments[], char *const environment[])
{
	struct target target = { SYS_execveat, fd, AT_EMPTY_PATH, "", "(a descriptor)" };
	HANDOVER(over, environment);

	heap_next_ready();
	next.fexecve(fd, arguments, begin_exec(&over, &target, environment));
	if (errno == E2BIG) /* for want of the room that our variables take? */
		next.fexecve(fd, arguments, environment);
	return failed_exec(&over, &target);
}

EXPORT int execvpe(const char *file, char *const arguments[], char *const environment[])
{
	char place[search_room(file)];
	struct target target = { SYS_execve, AT_FDCWD, 0, search(file, place, sizeof(place)), file };
	HANDOVER(over, environment);

	heap_next_ready();
	next.execvpe(file, arguments, begin_exec(&over, &target, environment));
	if (errno == E2BIG) /* for want of the room that our variables take? */
		next.execvpe(file, arguments, environment);
	return failed_exec(&over, &target);
}

EXPORT int execv(const char *path, char *const arguments[])
{
	return execve(path, arguments, environ);
}

EXPORT int execvp(const char *file, char *const arguments[])
{
	return execvpe(file, arguments, environ);
}

/* Arguments of the list forms, from the first to the NULL that ends them. */
#define COLLECT(arguments, first) \
	va_list list; \
	size_t number = 0; \
\
	va_start(list, first); \
	for (const char *argument = first; argument; argument = va_arg(list, char *)) \
		number++; \
	va_end(list); \
	char *arguments[number + 1]; \
	va_start(list, first); \
	arguments[0] = (char *)(uintptr_t)first; \
	for (size_t i = 1; i <= number; i++) \
		arguments[i] = va_arg(list, char *)

EXPORT int execl(const char *path, const char *first, ...)
{
	COLLECT(arguments, first);
	va_end(list);
	return execve(path, arguments, environ);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	COLLECT(arguments, first);
	va_end(list);
	return execvpe(file, arguments, environ);
}

EXPORT int execle(const char *path, const char *first, ...)
{
	char **environment;

	COLLECT(arguments, first);
	environment = va_arg(list, char **);
	va_end(list);
	return execve(path, arguments, environment);
}

/* spawn */

static int spawn(int (*function)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
				 char *const[]),
		 pid_t *pid, const struct target *target, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
	HANDOVER(over, environment);
	pid_t own = 0;
	uint64_t begun;
	int error;

	if (!instrument_ready(&this_thread) || !is_string(target->path))
		return function(pid, target->given, actions, attributes, arguments, environment);
	environment = hand_over(&over, target, environment, "spawn", sys_getpid());
	begun = call_begins();
	error = function(&own, target->given, actions, attributes, arguments, environment);
	take_back(&over);
	call_ends(SYS_clone3, begun, error, 0);
	if (!error) {
		process_born(own, BORN_SPAWN);
		if (pid)
			*pid = own;
	}
	return error;
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
		       char *const arguments[], char *const environment[])
{
	struct target target = { SYS_clone3, AT_FDCWD, 0, path, path };

	heap_next_ready();
	return spawn(next.posix_spawn, pid, &target, actions, attributes, arguments, environment);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
			char *const arguments[], char *const environment[])
{
	char place[search_room(file)];
	struct target target = { SYS_execve, AT_FDCWD, 0, search(file, place, sizeof(place)), file };

	heap_next_ready();
	return spawn(next.posix_spawnp, pid, &target, actions, attributes, arguments, environment);
}

static const struct target shell = { SYS_clone3, AT_FDCWD, 0, "/bin/sh", "/bin/sh" };

/*
 * system(3) as libc does it (sysdeps/posix/system.c), but with posix_spawn's environment: environ belongs to the whole program, other
 * threads read it meanwhile, and this call may be left by longjmp or cancelled.
 */
static struct {
	pthread_mutex_t lock;
	unsigned users;
	struct sigaction interrupt, quit;       /* the program's, while there are users */
} shells = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct shell_call {
	sigset_t mask;                          /* the caller's */
	pid_t pid;
};

static void shell_begin(struct shell_call *call)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pthread_mutex_lock(&shells.lock);
	if (!shells.users++) {
		sigaction(SIGINT, &ignore, &shells.interrupt);
		sigaction(SIGQUIT, &ignore, &shells.quit);
	}
	pthread_sigmask(SIG_BLOCK, &child, &call->mask);
	pthread_mutex_unlock(&shells.lock);
}

static void shell_end(const struct shell_call *call)
{
	pthread_mutex_lock(&shells.lock);
	if (!--shells.users) {
		sigaction(SIGINT, &shells.interrupt, NULL);
		sigaction(SIGQUIT, &shells.quit, NULL);
	}
	pthread_sigmask(SIG_SETMASK, &call->mask, NULL);
	pthread_mutex_unlock(&shells.lock);
}

static void shell_cancelled(void *pointer)
{
	struct shell_call *call = pointer;
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	kill(call->pid, SIGKILL);
	while (next.waitpid(call->pid, NULL, 0) < 0 && errno == EINTR)
		;
	shell_end(call);
	pthread_setcancelstate(state, NULL);
}

static int shell_spawn(struct shell_call *call, const char *command)
{
	char *arguments[] = { "sh", "-c", (char *)(uintptr_t)command, NULL };
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int error;

	posix_spawnattr_init(&attributes);
	sigemptyset(&defaults);
	if (shells.interrupt.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGINT);
	if (shells.quit.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGQUIT);
	posix_spawnattr_setsigmask(&attributes, &call->mask);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	error = posix_spawn(&call->pid, shell.path, NULL, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
	return error;
}

EXPORT int system(const char *command)
{
	struct shell_call call;
	int status = 127 << 8, error;

	heap_next_ready();
	if (!instrument_ready(&this_thread))
		return next.system(command);
	if (!command) /* is there a shell? */
		return system("exit 0") == 0;
	shell_begin(&call);
	error = shell_spawn(&call, command);
	if (!error) {
		pthread_cleanup_push(shell_cancelled, &call);
		while (waitpid(call.pid, &status, 0) < 0)
			if (errno != EINTR) {
				status = -1;
				break;
			}
		pthread_cleanup_pop(0);
	}
	shell_end(&call);
	if (error)
		errno = error;
	return status;
}

/*
 * popen(3) keeps its children in a list of libc's own, and wordexp(3) is all libc's, so they must be libc's. They spawn with the
 * program's environ: for that moment it is one with our variables, in memory that stays. One caller at a time; one that comes
 * meanwhile, or after one that was left by longjmp, has its child go unrecorded.
 */
static struct {
	uint32_t busy;
	void  *room;
	size_t bytes;
	char **program, **ours;
} lent;

static bool lend_environment(void)
{
	struct handover over = { 0 };

	if (!instrument_ready(&this_thread) || __atomic_exchange_n(&lent.busy, 1, __ATOMIC_ACQUIRE))
		return false;
	over.bytes = environment_room(environ);
	if (lent.bytes < over.bytes) { /* the old room is never given back: another thread may still be reading it */
		lent.bytes = page_up(over.bytes * 2);
		lent.room = sys_reserve(lent.bytes);
		if (lent.room)
			ranges_claim_instrument((uint64_t)lent.room, (uint64_t)lent.room + lent.bytes);
		else
			lent.bytes = 0;
	}
	over.room = lent.room;
	lent.program = environ;
	environ = lent.ours = hand_over(&over, &shell, environ, "spawn", sys_getpid());
	return true;
}

static void take_environment_back(void)
{
	if (environ == lent.ours) /* else another thread has changed it meanwhile */
		environ = lent.program;
	__atomic_store_n(&lent.busy, 0, __ATOMIC_RELEASE);
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	FILE *result;
	bool lending;

	heap_next_ready();
	lending = lend_environment();
	result = next.popen(command, mode);
	if (lending)
		take_environment_back();
	return result;
}

EXPORT int wordexp(const char *words, wordexp_t *expanded, int flags)
{
	bool lending;
	int result;

	heap_next_ready();
	lending = lend_environment();
	result = next.wordexp(words, expanded, flags);
	if (lending)
		take_environment_back();
	return result;
}
