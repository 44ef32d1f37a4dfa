/* SPDX-License-Identifier: MIT */
/*
 * Paths come from a recording, and what lies there now may be anything: nothing but a regular ELF file gets to libdwfl, and none of another
 * build. Where the file has gone, its build ID may still lead to a copy of it or to its debug file. Each module has a Dwfl of its own,
 * and lies in it where the ELF file says.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>
#include <gelf.h>

#include "memory.h"
#include "symbols_internal.h"

#define GONE " (deleted)"               /* proc(5) */
#define BUILD_ID_BYTES 64               /* the most that libdwfl takes; they have 20, or 16, or 8 */

/* "[vdso]" is not a path, and "./library.so" was one from where the program was. */
int symbol_file_descriptor(const char *path)
{
	int fd;
	struct stat status;

	errno = 0;
	if (*path != '/')
		return -1;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0 && (fstat(fd, &status) || !S_ISREG(status.st_mode))) {
		close(fd);
		errno = 0;
		return -1;
	}
	return fd;
}

static bool has_build_id(Elf *elf, const struct symbol_module *module)
{
	const void *own;
	ssize_t bytes = dwelf_elf_gnu_build_id(elf, &own);

	return !module->build_id_bytes || (bytes > 0 && (size_t)bytes == module->build_id_bytes && !memcmp(own, module->build_id, (size_t)bytes));
}

static enum symbol_file judge(int fd, const struct symbol_module *module)
{
	enum symbol_file file = SYMBOL_FILE_UNREADABLE;
	GElf_Ehdr header;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return file;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) && (header.e_type == ET_EXEC || header.e_type == ET_DYN))
		file = has_build_id(elf, module) ? SYMBOL_FILE_SAME : SYMBOL_FILE_REPLACED;
	elf_end(elf);
	return file;
}

static bool report_file(struct symbol_file_open *file, int fd, const char *path)
{
	dwfl_report_begin(file->dwfl);
	file->module = dwfl_report_elf(file->dwfl, path, path, fd, 0, true);
	dwfl_report_end(file->dwfl, NULL, NULL);
	if (!file->module)
		close(fd);
	return file->module;
}

/* The module's file, if it is the one that was mapped. */
static enum symbol_file try_path(struct symbol_file_open *file, const char *path, const struct symbol_module *module)
{
	int fd = symbol_file_descriptor(path);
	enum symbol_file found;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? SYMBOL_FILE_DELETED : SYMBOL_FILE_UNREADABLE;
	found = judge(fd, module);
	if (found != SYMBOL_FILE_SAME)
		close(fd);
	else if (!report_file(file, fd, path))
		found = SYMBOL_FILE_UNREADABLE;
	return found;
}

/* A file that the kernel calls deleted may be there again, but only the build ID can tell. */
static enum symbol_file try_own_path(struct symbol_file_open *file, const struct symbol_module *module)
{
	size_t length = strlen(module->path), gone = strlen(GONE);
	enum symbol_file found = try_path(file, module->path, module);
	char *path;

	if (found != SYMBOL_FILE_DELETED || !module->build_id_bytes || length <= gone || strcmp(module->path + length - gone, GONE))
		return found;
	path = memory_copy(module->path, length - gone);
	found = try_path(file, path, module);
	free(path);
	return found;
}

/* The program or library itself, in a directory of build IDs or from a server. */
static bool try_build_id(struct symbol_file_open *file, const struct symbol_module *module)
{
	GElf_Addr bias;

	dwfl_report_begin(file->dwfl);
	file->module = dwfl_report_module(file->dwfl, module->path, 0, UINT64_MAX);
	if (file->module && dwfl_module_report_build_id(file->module, module->build_id, module->build_id_bytes, 0))
		file->module = NULL;
	dwfl_report_end(file->dwfl, NULL, NULL);
	if (file->module && !dwfl_module_getelf(file->module, &bias))
		file->module = NULL;
	return file->module;
}

/* What debug packages install: .build-id/ab/cdef….debug. It has the segments' addresses, so it can stand for the file itself. */
static bool try_debug_file(struct symbol_file_open *file, const char *directory, size_t length, const struct symbol_module *module)
{
	char *path = memory_format("%.*s/.build-id/%02x/", (int)length, directory, module->build_id[0]);
	int fd;

	for (size_t i = 1; i < module->build_id_bytes; i++)
		memory_append(&path, "%02x", module->build_id[i]);
	memory_append(&path, ".debug");
	fd = symbol_file_descriptor(path);
	if (fd >= 0 && judge(fd, module) == SYMBOL_FILE_SAME)
		report_file(file, fd, path);
	else if (fd >= 0)
		close(fd);
	free(path);
	return file->module;
}

static bool try_debug_files(struct symbol_file_open *file, const char *path, const struct symbol_module *module)
{
	for (size_t length; *path && module->build_id_bytes <= BUILD_ID_BYTES; path += length + (path[length] == ':')) {
		length = strcspn(path, ":");
		if (*path == '/' && length < PATH_MAX && try_debug_file(file, path, length, module))
			return true;
	}
	return false;
}

static void read_segments(struct symbol_file_open *file)
{
	Elf *elf = dwfl_module_getelf(file->module, &file->bias);
	size_t count;

	if (!elf || elf_getphdrnum(elf, &count))
		return;
	for (size_t i = 0; i < count && i < 65536 && file->segment_count < SYMBOL_SEGMENTS; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_LOAD)
			file->segments[file->segment_count++] = (struct symbol_segment){ segment.p_vaddr, segment.p_offset,
				segment.p_filesz, segment.p_memsz, segment.p_flags & PF_X };
	}
}

enum symbol_file symbol_file_open(struct symbol_file_open *file, const struct symbol_module *module, const Dwfl_Callbacks *callbacks)
{
	enum symbol_file found;

	*file = (struct symbol_file_open){ .dwfl = dwfl_begin(callbacks) };
	if (!file->dwfl)
		return SYMBOL_FILE_UNREADABLE;
	found = try_own_path(file, module);
	if (!file->module && module->build_id_bytes && !try_build_id(file, module))
		try_debug_files(file, *callbacks->debuginfo_path, module);
	if (file->module)
		read_segments(file);
	else
		symbol_file_close(file);
	return found;
}

void symbol_file_close(struct symbol_file_open *file)
{
	if (file->dwfl)
		dwfl_end(file->dwfl);
	*file = (struct symbol_file_open){ 0 };
}

bool symbol_file_has_code(const struct symbol_file_open *file, uint64_t address)
{
	for (size_t i = 0; i < file->segment_count; i++)
		if (file->segments[i].code && address - file->segments[i].address < file->segments[i].memory_bytes)
			return true;
	return false;
}
