/* SPDX-License-Identifier: MIT */
/*
 * The cache is read as glibc writes it (elf/cache.c, sysdeps/generic/dl-cache.h: struct cache_file_new): a header, entries
 * of 24 bytes, strings whose offsets count from the beginning of the header. Whatever does not fit is no entry.
 */
#include "library.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

#define CACHE "/etc/ld.so.cache"
#define CACHE_MAGIC "glibc-ld.so.cache1.1"

struct cache_header {
	char     magic[20];             /* CACHE_MAGIC, without a terminator */
	uint32_t entries, string_bytes;
	uint32_t unused[5];
};

struct cache_entry {
	int32_t  flags;
	uint32_t name, path;            /* offsets */
	uint32_t os_version;
	uint64_t capabilities;
};

/* A position-independent executable looks like a library but for a flag in its dynamic section. */
static bool is_program(Elf *elf)
{
	size_t count;

	if (elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count && i < 65536; i++) {
		GElf_Phdr segment;
		GElf_Dyn entry;
		Elf_Data *data;

		if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_DYNAMIC || segment.p_offset > INT64_MAX)
			continue;
		data = elf_getdata_rawchunk(elf, (int64_t)segment.p_offset, segment.p_filesz, ELF_T_DYN);
		for (int at = 0; data && gelf_getdyn(data, at, &entry) && entry.d_tag != DT_NULL; at++)
			if (entry.d_tag == DT_FLAGS_1)
				return entry.d_un.d_val & DF_1_PIE;
	}
	return false;
}

static const char *elf_fault(int fd)
{
	const char *fault = NULL;
	GElf_Ehdr header;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	elf = elf_begin(fd, ELF_C_READ, NULL); /* reads headers only */
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		fault = "not an ELF file, so not a shared library";
	else if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64)
		fault = "a library for another architecture than x86-64";
	else if (header.e_type != ET_DYN || is_program(elf))
		fault = "a program or an object file, not a shared library";
	elf_end(elf);
	return fault;
}

const char *library_fault(const char *path)
{
	struct stat status;
	const char *fault;
	int fd;

	if (stat(path, &status))
		return strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "not a file";
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return strerror(errno);
	fault = elf_fault(fd);
	close(fd);
	return fault;
}

/* Takes the path over; returns it if it is a usable library, else NULL. */
static char *if_usable(char *path)
{
	char *real = library_fault(path) ? NULL : realpath(path, NULL);

	free(path);
	return real;
}

/* A list of directories, separated by colons or semicolons; an empty one is the current one: ld.so(8). */
static char *find_in_list(const char *list, const char *soname)
{
	for (;; list++) {
		size_t length = strcspn(list, ":;");
		char *found = if_usable(memory_format("%.*s%s%s", (int)length, list, length ? "/" : "./", soname));

		if (found)
			return found;
		list += length;
		if (!*list)
			return NULL;
	}
}

/* A terminated string at an offset, or NULL. */
static const char *cache_string(const char *cache, size_t bytes, uint32_t offset)
{
	return offset < bytes && memchr(cache + offset, '\0', bytes - offset) ? cache + offset : NULL;
}

static char *find_in_entries(const char *cache, size_t bytes, const char *soname)
{
	struct cache_header header;

	if (bytes < sizeof(header))
		return NULL;
	memcpy(&header, cache, sizeof(header));
	if (memcmp(header.magic, CACHE_MAGIC, sizeof(header.magic)))
		return NULL;
	for (size_t i = 0; i < header.entries && (i + 1) * sizeof(struct cache_entry) <= bytes - sizeof(header); i++) {
		struct cache_entry entry;
		const char *name, *path;
		char *found;

		memcpy(&entry, cache + sizeof(header) + i * sizeof(entry), sizeof(entry));
		name = cache_string(cache, bytes, entry.name);
		path = cache_string(cache, bytes, entry.path);
		if (!name || !path || strcmp(name, soname))
			continue;
		found = if_usable(memory_copy(path, strlen(path)));
		if (found)
			return found;
	}
	return NULL;
}

static char *find_in_cache(const char *soname)
{
	int fd = open(CACHE, O_RDONLY | O_CLOEXEC);
	char *found = NULL, *cache;
	struct stat status;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &status) && status.st_size > 0) {
		cache = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (cache != MAP_FAILED) {
			found = find_in_entries(cache, (size_t)status.st_size, soname);
			munmap(cache, (size_t)status.st_size);
		}
	}
	close(fd);
	return found;
}

char *library_find(const char *soname)
{
	const char *own = getenv("LD_LIBRARY_PATH");
	char *found = own && *own ? find_in_list(own, soname) : NULL;

	if (!found)
		found = find_in_cache(soname);
	if (!found)
		found = find_in_list("/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/lib64:/usr/lib64:/lib:/usr/lib"
				     ":/usr/local/lib", soname);
	return found;
}
