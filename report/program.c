/* SPDX-License-Identifier: MIT */
/*
 * Looking at executables. ld.so(8) ignores LD_PRELOAD where the kernel says "secure execution" (set-uid, set-gid and
 * capabilities that change who the process is), and there is no ld.so to read it in a static executable.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "complain.h"
#include "memory.h"

#define LIBRARY "libpagegap.so"
#define SCRIPTS 4 /* interpreters that are scripts: the kernel's limit (binfmt_script, BINPRM recursion depth) */
#define LOADER  "ld-linux"      /* glibc's; musl's is ld-musl-ARCH.so.1 */

const char *note_text(enum capture_note note)
{
#define SENTENCE(constant, sentence) [constant] = sentence,
	static const char *const sentences[] = { CAPTURE_NOTES_TABLE(SENTENCE) };
#undef SENTENCE

	return note < CAPTURE_NOTE_KINDS ? sentences[note] : "";
}

static bool is_executable_file(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		return false;
	if (S_ISREG(status.st_mode) && !eaccess(path, X_OK))
		return true;
	errno = EACCES;
	return false;
}

char *program_find(const char *name)
{
	const char *path = getenv("PATH");
	int error = ENOENT;

	if (strchr(name, '/') || !*name) {
		if (is_executable_file(name))
			return strdup(name);
		return NULL;
	}
	for (path = path ? path : "/bin:/usr/bin";; path++) {
		size_t length = strcspn(path, ":");
		char *candidate = memory_format("%.*s%s%s", (int)length, path, length ? "/" : "./", name);

		if (is_executable_file(candidate))
			return candidate;
		if (errno == EACCES)
			error = EACCES;
		free(candidate);
		path += length;
		if (!*path)
			break;
	}
	errno = error;
	return NULL;
}

int program_look_for(const char *name)
{
	char *found = program_find(name);
	int error = errno;

	if (found) {
		free(found);
		return -1;
	}
	complain("%s: %s", name, error == ENOENT && !strchr(name, '/') ? "not found on PATH" : strerror(error));
	return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

/* "#! interpreter [argument]": execve(2), "Interpreter scripts". Returns the interpreter, to be freed, or NULL. */
static char *script_interpreter(int fd)
{
	char line[257];
	ssize_t got = pread(fd, line, sizeof(line) - 1, 0);
	char *start, *end;

	if (got < 3 || line[0] != '#' || line[1] != '!')
		return NULL;
	line[got] = '\0';
	start = line + 2 + strspn(line + 2, " \t");
	end = start + strcspn(start, " \t\n");
	return end == start ? NULL : memory_copy(start, (size_t)(end - start));
}

/* The process that executes it would be somebody else, or more powerful, than it was. */
static bool changes_identity(int fd)
{
	struct stat status;
	struct statvfs filesystem;
	char capability[64];

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
	    (!fstatvfs(fd, &filesystem) && filesystem.f_flag & ST_NOSUID))
		return false; /* nothing does */
	if (fstat(fd, &status))
		return false;
	if ((status.st_mode & S_ISUID) && status.st_uid != getuid())
		return true;
	if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && status.st_gid != getgid())
		return true;
	return getuid() != 0 && fgetxattr(fd, "security.capability", capability, sizeof(capability)) > 0;
}

/*
 * What the program headers say: the loader's path in @loader, empty if there is none. False: not an ELF file that can
 * be read.
 */
static bool read_elf(int fd, Elf *elf, GElf_Ehdr *header, char *loader, size_t room)
{
	size_t count;

	loader[0] = '\0';
	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, header) || elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count && i < 65536; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_INTERP)
			continue;
		if (segment.p_filesz >= room || segment.p_offset > INT64_MAX ||
		    pread(fd, loader, segment.p_filesz, (off_t)segment.p_offset) != (ssize_t)segment.p_filesz)
			return false;
		loader[segment.p_filesz] = '\0';
		break;
	}
	return true;
}

static enum capture_note elf_reach(int fd)
{
	enum capture_note note = NOTE_NONE;
	char loader[256];
	const char *name;
	GElf_Ehdr header;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return NOTE_NONE;
	elf = elf_begin(fd, ELF_C_READ, NULL); /* reads headers only, however large the file is */
	if (elf && read_elf(fd, elf, &header, loader, sizeof(loader))) {
		name = strrchr(loader, '/') ? strrchr(loader, '/') + 1 : loader;
		if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64)
			note = NOTE_ARCHITECTURE;
		else if (!*name)
			note = NOTE_STATIC;
		else if (strncmp(name, LOADER, strlen(LOADER)))
			note = NOTE_LIBC;
	}
	elf_end(elf);
	return note;
}

enum capture_note program_reach(const char *path, char **real)
{
	char *at = memory_copy(path, strlen(path));
	enum capture_note note = NOTE_NONE;

	*real = NULL;
	for (int depth = 0; depth <= SCRIPTS; depth++) {
		/* The path may come from a recording: a device is not even opened. */
		struct stat status;
		int fd = !stat(at, &status) && S_ISREG(status.st_mode) ? open(at, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
								       : -1;
		char *interpreter;

		if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode)) {
			/* Set-uid programs often cannot be read, but their mode can. */
			if (fd < 0 && !stat(at, &status) && (status.st_mode & S_ISUID) && status.st_uid != getuid())
				note = NOTE_SETUID;
			if (fd >= 0)
				close(fd);
			break;
		}
		interpreter = script_interpreter(fd);
		if (!interpreter) {
			note = changes_identity(fd) ? NOTE_SETUID : elf_reach(fd);
			close(fd);
			*real = realpath(at, NULL);
			break;
		}
		close(fd);
		free(at);
		at = interpreter;
	}
	free(at);
	return note;
}

static bool has_go_note(Elf *elf)
{
	size_t count;

	if (elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count && i < 65536; i++) {
		GElf_Phdr segment;
		Elf_Data *data = NULL;
		size_t at = 0, name, description;
		GElf_Nhdr note;

		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_NOTE && segment.p_offset <= INT64_MAX)
			data = elf_getdata_rawchunk(elf, (int64_t)segment.p_offset, segment.p_filesz, ELF_T_NHDR);
		while (data && (at = gelf_getnote(data, at, &note, &name, &description)))
			if (note.n_namesz == 4 && !memcmp((char *)data->d_buf + name, "Go\0", 4))
				return true;
	}
	return false;
}

bool program_is_go(const char *path)
{
	char *real;
	bool answer = false;
	int fd = -1;
	Elf *elf;

	program_reach(path, &real);
	if (real)
		fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	elf = fd >= 0 && elf_version(EV_CURRENT) != EV_NONE ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
	if (elf)
		answer = has_go_note(elf);
	elf_end(elf);
	if (fd >= 0)
		close(fd);
	free(real);
	return answer;
}

char *program_beside(const char *library, char **directory)
{
	static const char *const places[] = { "", "/../lib", "/../lib/pagegap" };
	char *self = realpath("/proc/self/exe", NULL), *slash = self ? strrchr(self, '/') : NULL, *found = NULL;

	if (slash)
		*slash = '\0';
	for (size_t i = 0; slash && !found && i < sizeof(places) / sizeof(places[0]); i++) {
		char *candidate = memory_format("%s%s/%s", self, places[i], library);

		found = realpath(candidate, NULL);
		free(candidate);
	}
	if (directory)
		*directory = self;
	else
		free(self);
	return found;
}

char *program_library(void)
{
	const char *given = getenv("PAGEGAP_LIBRARY");
	char *directory = NULL, *found;

	if (given && *given) {
		found = realpath(given, NULL);
		if (!found)
			complain("%s: %s (PAGEGAP_LIBRARY must be the path of " LIBRARY ")", given, strerror(errno));
		return found;
	}
	found = program_beside(LIBRARY, &directory);
	if (!found)
		complain(LIBRARY " is neither in %s nor in ../lib beside it: set PAGEGAP_LIBRARY to its path",
			 directory ? directory : "/proc/self/exe");
	free(directory);
	return found;
}
