/* SPDX-License-Identifier: MIT */
/* Taking the instrument's variables out of an environment and putting them into another. */
#include "environment.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "capture_sites.h"
#include "log.h"
#include "object.h"
#include "sys.h"
#include "text.h"

#define LIBRARY_NAME "libpagegap.so"
#define BORN_BYTES   64

/* As they are handed on, "NAME=value". */
static char recording[PATH_MAX + 32] = "PAGEGAP_RECORDING=";
static char options[4096] = "PAGEGAP_OPTIONS=";
static char broker[160] = "PAGEGAP_BROKER=";
static char born[64] = "PAGEGAP_BORN=";
static char pad[] = "PAGEGAP_PAD=";       /* makes the number of our entries even: see fill_gap */
static char library[PATH_MAX];
static const char *loaded_as = "";        /* the same as ld.so was given it */

extern void *__libc_stack_end; /* where the kernel put argc, argv, envp: set by ld.so before anything of the program runs */

char **environment_arguments(int *count)
{
	*count = (int)*(long *)__libc_stack_end;
	return (char **)__libc_stack_end + 1;
}

static bool has_name(const char *entry, const char *name_and_equals)
{
	return !strncmp(entry, name_and_equals, strlen(name_and_equals));
}

/* Keeps "NAME=value" if it fits. */
static bool keep(char *place, size_t room, const char *entry, size_t name_length)
{
	if (strncmp(entry, place, name_length) || strlen(entry) >= room)
		return false;
	strcpy(place, entry);
	return true;
}

/* The library's file name, with a directory or without. */
static bool is_our_name(const char *path, size_t length)
{
	const size_t own = strlen(LIBRARY_NAME);

	return length >= own && !strncmp(path + length - own, LIBRARY_NAME, own) && (length == own || path[length - own - 1] == '/');
}

/*
 * Takes this library out of a list of libraries, in place; the separators are those of ld.so(8), LD_PRELOAD. Returns false when
 * nothing is left: "ours:" is what is handed on for a program that had the variable, but empty.
 */
static bool take_out(char *entry)
{
	char *list = entry + strlen("LD_PRELOAD="), *from = list, *to = list, *end = list + strlen(list);
	bool was_there = false, separated = false;

	while (from < end) {
		size_t length = strcspn(from, ": ");
		bool ours = (length == strlen(loaded_as) && !strncmp(from, loaded_as, length)) || is_our_name(from, length);

		if (ours)
			was_there = true;
		separated |= ours && from + length < end;
		if (!ours && length) {
			if (to != list)
				*to++ = ':';
			memmove(to, from, length);
			to += length;
		}
		from += length + (from + length < end);
	}
	memset(to, 0, (size_t)(end - to)); /* /proc/PID/environ shows these bytes */
	return to != list || separated || !was_there;
}

/*
 * The auxiliary vector begins behind the NULL that ends the kernel's own copy of the environment: Go and others walk to it from there
 * (getauxval(3)). What has become free between the new NULL and the vector is filled with pairs that mean nothing (AT_IGNORE), or, where it is no
 * whole number of pairs, ends the vector at once: then they look elsewhere.
 */
static void fill_gap(char **end, size_t slots)
{
	bool whole = !(slots % 2);

	for (size_t i = 1; i <= slots; i++)
		end[i] = (char *)(uintptr_t)(whole && i % 2 ? AT_IGNORE : AT_NULL);
}

/* Removes our entries in place, before the program looks at its environment for the first time. */
static void hide(char **environment, bool learn)
{
	char **to = environment, **from = environment;

	for (; from && *from; from++) {
		char *entry = *from;
		bool ours = has_name(entry, "PAGEGAP_RECORDING=") || has_name(entry, "PAGEGAP_OPTIONS=") ||
			    has_name(entry, "PAGEGAP_BROKER=") || has_name(entry, "PAGEGAP_BORN=") || has_name(entry, pad);

		if (ours && learn) {
			keep(recording, sizeof(recording), entry, 18);
			keep(options, sizeof(options), entry, 16);
			keep(broker, sizeof(broker), entry, 15);
			keep(born, sizeof(born), entry, 13);
		}
		if (has_name(entry, "LD_PRELOAD="))
			ours = !take_out(entry);
		if (!ours)
			*to++ = entry;
		else if (learn) /* the kernel's own copy: nobody else has a use for it */
			memset(entry, 0, strlen(entry));
	}
	if (to)
		*to = NULL;
	if (to && learn)
		fill_gap(to, (size_t)(from - to));
}

static void find_library(void)
{
	struct object object;
	size_t length = 0;

	if (!object_of((void *)environment_begin, &object))
		return;
	loaded_as = object.path;
	if (object.path[0] != '/' && strchr(object.path, '/')) {
		long got = sys_call2(SYS_getcwd, library, sizeof(library) - 1);

		length = got > 0 ? (size_t)got - 1 : 0;
		library[length++] = '/';
	}
	if (length + strlen(object.path) < sizeof(library))
		strcpy(library + length, object.path);
}

void environment_begin(void)
{
	int count;
	char **arguments = environment_arguments(&count), **original = arguments + count + 1;

	find_library();
	hide(original, true);
	if (environ && environ != original)
		hide(environ, false);
}

/* PAGEGAP_BORN=how.pid.number speaks of one process; in another one it is the parent's, handed on by a spawn inside libc. */
static const char *born_how(void)
{
	const char *at = strchr(born, '.');

	if (!born[13] || !at)
		return "";
	if (has_name(born + 13, "start."))
		return "start";
	at++;
	if (has_name(born + 13, "spawn."))
		return "spawn";
	return scan_decimal_text(at) == (uint64_t)sys_getpid() ? born + 13 : "spawn";
}

bool environment_first(void)
{
	return has_name(born_how(), "first.");
}

uint32_t environment_born(void)
{
	const char *how = born_how();

	if (!recording[18] || has_name(how, "start"))
		return BORN_START;
	return has_name(how, "exec") || environment_first() ? BORN_EXEC : has_name(how, "vfork") ? BORN_VFORK : BORN_SPAWN;
}

uint32_t environment_image_number(void)
{
	const char *at = strrchr(born, '.');

	return environment_born() == BORN_EXEC && at ? (uint32_t)scan_decimal_text(at + 1) : 0;
}

const char *environment_recording(void)
{
	return recording + 18;
}

void environment_set_recording(const char *directory)
{
	if (strlen(directory) < sizeof(recording) - 18)
		strcpy(recording + 18, directory);
}

const char *environment_broker(void)
{
	return broker + 15;
}

const char *environment_library(void)
{
	return library;
}

bool environment_option(const char *name, char *value, size_t room)
{
	size_t name_length = strlen(name);

	for (const char *at = options + 16; *at;) {
		size_t length = strcspn(at, ",");

		if (length > name_length && at[name_length] == '=' && !strncmp(at, name, name_length) && length - name_length <= room) {
			memcpy(value, at + name_length + 1, length - name_length - 1);
			value[length - name_length - 1] = '\0';
			return true;
		}
		at += length + (at[length] != '\0');
	}
	return false;
}

static bool is_among(const char *value, size_t length, const char *list)
{
	while (*list) {
		size_t next = strcspn(list, ",");

		if (next == length && !strncmp(list, value, length))
			return true;
		list += next + (list[next] != '\0');
	}
	return false;
}

/* @option: key=value, maybe of anything */
static void complain_of_option(const char *option, size_t length, const char *why, const char *list)
{
	static char shown[256], line[512];
	struct text text = text_begin(line, sizeof(line));
	size_t used = 0;

	for (; used < length && used < sizeof(shown) - 1; used++)
		shown[used] = option[used] >= ' ' && option[used] <= '~' ? option[used] : '?';
	shown[used] = '\0';
	text_add(&text, "pagegap: PAGEGAP_OPTIONS: ");
	text_add(&text, shown);
	text_add(&text, why);
	text_add(&text, list);
	text_add(&text, "\n");
	sys_call3(SYS_write, 2, line, text.length);
}

void environment_check_options(void)
{
	static const struct { const char *key, *values; } known[] = {
		{ "output", NULL }, { "report", NULL }, { "format", NULL }, /* whoever prints the report checks that */
		{ "cow", "auto,write-protect,scan,pagemap,smaps,off" },
		{ "faults", "off,count" },
		{ "syscalls", "wrappers,counts,all" },
		{ "log", "all,off" }, { "log-size", NULL }, { "log-strings", NULL }, { "log-descriptors", "0,1" },
		{ "vdso", "on" }, { "stacks", "off,sampled,all" }, { "depth", NULL },
		{ "sample-bytes", NULL }, { "sample-seed", NULL },
	};
	const size_t count = sizeof(known) / sizeof(known[0]);
	size_t length;
	char size[32];
	uint64_t bytes;

	if (environment_option("log-size", size, sizeof(size)) && !scan_size(size, LOG_SIZE_LEAST, LOG_SIZE_MOST, &bytes))
		complain_of_option(size, strlen(size), ": no size for a log; write log-size=", "16M, 1G");
	if (environment_option("sample-bytes", size, sizeof(size)) && !scan_size(size, SITES_MEAN_LEAST, SITES_MEAN_MOST, &bytes))
		complain_of_option(size, strlen(size), ": no distance of samples; write sample-bytes=", "512K, 1K to 4G");
	for (const char *at = options + 16; *at; at += length + (at[length] != '\0')) {
		size_t key, i = 0;

		length = strcspn(at, ",");
		key = strcspn(at, "=,");
		while (i < count && (strlen(known[i].key) != key || strncmp(known[i].key, at, key)))
			i++;
		if (length && i == count)
			complain_of_option(at, length, ": unknown; known are ",
					   "output, report, format, cow, faults, syscalls, vdso, log, log-size, log-strings, log-descriptors, stacks, depth, sample-bytes, sample-seed");
		else if (length && key == length)
			complain_of_option(at, length, ": without a value; write ", "key=value,...");
		else if (length && known[i].values && !is_among(at + key + 1, length - key - 1, known[i].values))
			complain_of_option(at, length, ": without pagegap run it can be ", known[i].values);
	}
}

/* The program's pointers may be anything: the kernel is asked to read them, and it is the kernel who then says EFAULT. */
static bool readable(char *const *from, size_t entries)
{
	struct iovec here = { NULL, 0 }, there[64];
	char bytes[64];
	int pid = sys_gettid();

	for (size_t i = 0; i < entries;) {
		size_t n = 0;

		for (; n < 64 && i < entries; n++, i++)
			there[n] = (struct iovec){ from[i], 1 };
		here = (struct iovec){ bytes, n };
		if (sys_call6(SYS_process_vm_readv, pid, SYS_A(&here), 1, SYS_A(there), (long)n, 0) != (long)n)
			return false;
	}
	return true;
}

/* Entries of an environment, or SIZE_MAX when it cannot be read. */
static size_t count_entries(char *const *from)
{
	char *entries[32];
	int pid = sys_gettid();
	size_t total = 0;

	if (from == environ) {
		while (from && from[total])
			total++;
		return total;
	}
	while (from) {
		long got = sys_read_memory(pid, (uint64_t)(from + total), entries, sizeof(entries));

		if (got < (long)sizeof(char *)) /* perhaps its end lies before a page that is not there: one by one */
			got = sys_read_memory(pid, (uint64_t)(from + total), entries, sizeof(char *));
		if (got < (long)sizeof(char *))
			return SIZE_MAX;
		for (size_t i = 0; i < (size_t)got / sizeof(char *); i++, total++)
			if (!entries[i])
				return readable(from, total) ? total : SIZE_MAX;
	}
	return 0;
}

size_t environment_room(char *const *from)
{
	size_t entries = count_entries(from), bytes;

	if (entries == SIZE_MAX)
		return 0;
	bytes = (entries + ENVIRONMENT_EXTRA) * sizeof(char *) + BORN_BYTES + strlen("LD_PRELOAD=:") + strlen(library) + 1;
	for (size_t i = 0; i < entries; i++) {
		if (has_name(from[i], "PAGEGAP_RECORDING=")) /* a runner's of its own: it has seen to everything */
			return 0;
		if (has_name(from[i], "LD_PRELOAD="))
			bytes += strlen(from[i]);
	}
	return (bytes + 15) & ~15UL;
}

/* A new root directory or another user may not reach the library: the loader would complain on the program's standard error. */
static bool library_in_reach(void)
{
	long result = sys_call4(SYS_faccessat2, AT_FDCWD, library, R_OK, AT_EACCESS);

	if (result == -ENOSYS)
		result = sys_call3(SYS_faccessat, AT_FDCWD, library, R_OK);
	return !sys_failed(result);
}

char **environment_build(char *const *from, void *room, size_t bytes, const char *how, int pid, uint32_t image_number)
{
	char **to = room, *strings;
	const char *theirs = NULL;
	size_t used = 0, most;
	struct text text;

	if (!library[0] || !library_in_reach())
		return NULL;
	most = (bytes - BORN_BYTES) / sizeof(char *); /* another thread may have added to it since it was measured */
	for (size_t i = 0; from && from[i] && used + ENVIRONMENT_EXTRA < most; i++) {
		if (has_name(from[i], "LD_PRELOAD="))
			theirs = from[i] + strlen("LD_PRELOAD=");
		else
			to[used++] = from[i];
	}
	strings = (char *)(to + used + ENVIRONMENT_EXTRA);
	if (strings + BORN_BYTES > (char *)room + bytes)
		return NULL;
	text = text_begin(strings, BORN_BYTES);
	text_add(&text, "PAGEGAP_BORN=");
	text_add(&text, how);
	text_add(&text, ".");
	text_add_number(&text, (uint64_t)pid);
	text_add(&text, ".");
	text_add_number(&text, image_number);
	to[used++] = strings;
	strings += BORN_BYTES;
	text = text_begin(strings, (size_t)((char *)room + bytes - strings));
	text_add(&text, "LD_PRELOAD=");
	text_add(&text, library);
	if (theirs) {
		text_add(&text, ":");
		text_add(&text, theirs);
	}
	if (text.cut)
		return NULL;
	to[used++] = strings;
	to[used++] = recording;
	if (options[16])
		to[used++] = options;
	if (broker[15])
		to[used++] = broker;
	if ((2 + !theirs + !!options[16] + !!broker[15]) % 2)
		to[used++] = pad;
	to[used] = NULL;
	return to;
}
