/* SPDX-License-Identifier: MIT */
/* Letters, numbers and pieces of memory, as strace writes them. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "decode_internal.h"

void decode_quoted(FILE *out, const unsigned char *bytes, size_t length, bool more)
{
	static const char letters[] = { ['\t'] = 't', ['\n'] = 'n', ['\v'] = 'v', ['\f'] = 'f', ['\r'] = 'r' };

	fputc('"', out);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = bytes[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < sizeof(letters) && letters[c])
			fprintf(out, "\\%c", letters[c]);
		else if (c >= ' ' && c < 0x7f)
			fputc(c, out);
		else if (i + 1 < length && bytes[i + 1] >= '0' && bytes[i + 1] <= '7')
			fprintf(out, "\\%03o", c);     /* else its digit would belong to it */
		else
			fprintf(out, "\\%o", c);
	}
	fputs(more ? "\"" DECODE_MORE : "\"", out);
}

void decode_quoted_hex(FILE *out, const unsigned char *bytes, size_t length, bool more)
{
	fputc('"', out);
	for (size_t i = 0; i < length; i++)
		fprintf(out, "\\x%02x", bytes[i]);
	fputs(more ? "\"" DECODE_MORE : "\"", out);
}

void decode_address(FILE *out, uint64_t address)
{
	if (address)
		fprintf(out, "%#lx", address);
	else
		fputs("NULL", out);
}

void decode_mode(FILE *out, unsigned mode)
{
	fprintf(out, "%#03o", mode);
}

void decode_mode_type(FILE *out, unsigned mode)
{
	static const struct { unsigned bits; const char *name; } types[] = {
		{ S_IFSOCK, "S_IFSOCK" }, { S_IFIFO, "S_IFIFO" }, { S_IFLNK, "S_IFLNK" }, { S_IFREG, "S_IFREG" },
		{ S_IFBLK, "S_IFBLK" }, { S_IFDIR, "S_IFDIR" }, { S_IFCHR, "S_IFCHR" },
	};
	const char *type = NULL;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((mode & S_IFMT) == types[i].bits)
			type = types[i].name;
	if (type)
		fprintf(out, "%s|", type);
	else if (mode & S_IFMT) {
		decode_mode(out, mode);
		return;
	}
	fprintf(out, "%s%s%s%#03o", mode & S_ISUID ? "S_ISUID|" : "", mode & S_ISGID ? "S_ISGID|" : "", mode & S_ISVTX ? "S_ISVTX|" : "",
		mode & ~(unsigned)(S_IFMT | S_ISUID | S_ISGID | S_ISVTX));
}

void decode_device(FILE *out, uint64_t device)
{
	fprintf(out, "makedev(%#x, %#x)", major(device), minor(device));
}

void decode_ticks(FILE *out, uint64_t ticks)
{
	uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);

	fprintf(out, "%lu", ticks);
	if (ticks)
		fprintf(out, " /* %lu.%02lu s */", ticks / per_second, ticks % per_second * 100 / per_second);
}

void decode_uid(FILE *out, uint32_t id)
{
	if (id == UINT32_MAX)
		fputs("-1", out);
	else
		fprintf(out, "%u", id);
}

void decode_descriptor(const struct decoding *d, int fd, bool after)
{
	size_t length = 0;
	const char *path = NULL;

	fprintf(d->out, "%d", fd);
	if (!d->options.descriptors || fd < 0)
		return;
	path = log_descriptor_path(after ? &d->call->after : &d->call->before, fd, &length);
	if (!path)
		return;
	fputc('<', d->out);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)path[i];

		if (c < ' ' || c >= 0x7f || c == '\\' || c == '<' || c == '>')
			fprintf(d->out, "\\%03o", c);
		else
			fputc(c, d->out);
	}
	fputc('>', d->out);
}

static bool fetch(const struct log_memory *memory, uint64_t address, void *to, size_t bytes)
{
	size_t kept;
	const unsigned char *at = log_memory_at(memory, address, &kept, NULL);

	if (!at || kept < bytes)
		return false;
	memcpy(to, at, bytes);
	return true;
}

bool decode_before(const struct decoding *d, uint64_t address, void *to, size_t bytes)
{
	return fetch(&d->call->before, address, to, bytes);
}

bool decode_after(const struct decoding *d, uint64_t address, void *to, size_t bytes)
{
	return fetch(&d->call->after, address, to, bytes);
}

bool decode_either(const struct decoding *d, uint64_t address, void *to, size_t bytes)
{
	return decode_after(d, address, to, bytes) || decode_before(d, address, to, bytes);
}

void decode_text(const struct decoding *d, const struct log_memory *memory, uint64_t address, bool path)
{
	size_t bytes, length, most = d->options.string_bytes;
	bool cut;
	const unsigned char *at = log_memory_at(memory, address, &bytes, &cut);

	if (!at) {
		decode_address(d->out, address);
		return;
	}
	length = strnlen((const char *)at, bytes);
	/* One without its 0 goes on; should it end with the piece, then the page behind it is not there. */
	cut = length == bytes;
	if (!path && most && length > most) {
		length = most;
		cut = true;
	}
	decode_quoted(d->out, at, length, cut);
}

void decode_buffer(const struct decoding *d, const struct log_memory *memory, uint64_t address, uint64_t bytes)
{
	size_t kept, most = d->options.string_bytes;
	const unsigned char *at = log_memory_at(memory, address, &kept, NULL);

	if (!bytes && address) {
		fputs("\"\"", d->out);
		return;
	}
	if (!at) {
		decode_address(d->out, address);
		return;
	}
	if (kept > bytes)
		kept = (size_t)bytes;
	if (most && kept > most)
		kept = most;
	decode_quoted(d->out, at, kept, kept < bytes);
}

bool decode_array_begin(FILE *out, const struct decode_array *array)
{
	size_t bytes;

	if (array->count && (!log_memory_at(array->memory, array->address, &bytes, NULL) || bytes < array->size)) {
		decode_address(out, array->address);
		return false;
	}
	if (!array->count && !array->address) {
		fputs("NULL", out);
		return false;
	}
	fputc('[', out);
	return true;
}

bool decode_next(FILE *out, struct decode_array *array, void *element)
{
	if (array->at >= array->count || array->at >= LOG_TAKE_ELEMENTS ||
	    !fetch(array->memory, array->address + array->at * array->size, element, array->size))
		return false;
	if (array->at++)
		fputs(", ", out);
	return true;
}

void decode_array_end(FILE *out, const struct decode_array *array)
{
	if (array->at < array->count) {
		fputs(array->at ? ", " DECODE_MORE : DECODE_MORE, out);
		if (array->at < LOG_TAKE_ELEMENTS) /* the memory ends there */
			fprintf(out, " /* %#lx */", (uint64_t)(array->address + array->at * array->size));
	}
	fputc(']', out);
}
