/* SPDX-License-Identifier: MIT */
/*
 * C++ (Itanium ABI) and Rust (both manglings, without the hash of the older one) by libiberty, as binutils and gdb do it. A short name can
 * stand for a text that fills any memory, for mangled names refer to parts of themselves: then the demangler is left in the middle, and the
 * name stays mangled. Nothing of it is on the heap then but, in Rust, one identifier with characters beyond ASCII.
 */
#include <setjmp.h>
#include <string.h>

#include <libiberty/demangle.h>

#include "symbols_internal.h"

#define NAME_BYTES 32768
/* libiberty's own limit is 1,024, which templates exceed. It recurses once for each letter at worst: some 3 MB of stack. */
#define MANGLED_BYTES 4096

struct demangled {
	jmp_buf too_long;
	size_t  length;
	char    text[NAME_BYTES];
};

static void add(const char *text, size_t length, void *opaque)
{
	struct demangled *out = opaque;

	if (length > sizeof(out->text) - out->length)
		longjmp(out->too_long, 1);
	memcpy(out->text + out->length, text, length);
	out->length += length;
}

/* The older Rust names look like C++, so Rust comes first. Return types are left out: a line begins with what was called. */
static bool demangle(const char *mangled, struct demangled *out)
{
	out->length = 0;
	if (setjmp(out->too_long))
		return false;
	if (rust_demangle_callback(mangled, DMGL_NO_OPTS, add, out) && out->length)
		return true;
	out->length = 0;
	return cplus_demangle_v3_callback(mangled, DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP | DMGL_NO_RECURSE_LIMIT, add, out) && out->length;
}

bool symbol_name_is_mangled(const char *linkage)
{
	return linkage[0] == '_' && (linkage[1] == 'Z' || linkage[1] == 'R');
}

/* ld(1) puts the version behind names of .symtab: memcpy@@GLIBC_2.14 */
const char *symbol_name(struct symbol_texts *texts, const char *linkage)
{
	size_t length = strcspn(linkage, "@");
	char mangled[MANGLED_BYTES + 1];
	struct demangled out;

	if (!length)
		length = strlen(linkage);
	if (length <= MANGLED_BYTES && symbol_name_is_mangled(linkage)) {
		memcpy(mangled, linkage, length);
		mangled[length] = '\0';
		if (demangle(mangled, &out))
			return symbol_texts_keep(texts, out.text, out.length);
	}
	return symbol_texts_keep(texts, linkage, length);
}
