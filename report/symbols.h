/* SPDX-License-Identifier: MIT */
/*
 * From an address in a module to the functions that it belongs to, with file and line: by DWARF where there is debug information, else by
 * the symbol tables, else by what a just-in-time compiler wrote down. Files of another build than the one that was mapped give no names.
 */
#ifndef PAGEGAP_SYMBOLS_H
#define PAGEGAP_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL and 0: not known. Names are as their file has them, C++ and Rust demangled: not fit to print yet (escape.h). */
struct symbol_frame {
	const char *function, *file;
	unsigned    line;
	bool        inlined;            /* into the frame that follows */
};

/* Where code came from. */
struct symbol_module {
	const char    *path;            /* absolute, as the program had it mapped; a " (deleted)" behind it, as in proc(5), is understood */
	const uint8_t *build_id;        /* the GNU build ID that it had */
	size_t         build_id_bytes;  /* 0: not known, and the file is believed to be the one that was mapped */
	bool           perf_map;        /* not ELF: the map of one process's compiled code, /tmp/perf-PID.map */
	uint64_t       since_ns;        /* a map last written before this moment (CLOCK_REALTIME) was another process's; 0: any */
};

/* What is at the module's path now. */
enum symbol_file {
	SYMBOL_FILE_SAME,
	SYMBOL_FILE_REPLACED,           /* another build, or a map of an earlier process */
	SYMBOL_FILE_DELETED,
	SYMBOL_FILE_UNREADABLE,         /* no right to, not a path, not a regular file, not ELF, a map of another user */
};

/* The best that there is to take names from; it may come from elsewhere where the file is not the same. */
enum symbol_names { SYMBOL_NAMES_NONE, SYMBOL_NAMES_TABLE, SYMBOL_NAMES_DEBUG };

struct symbol_state {
	enum symbol_file  file;
	enum symbol_names names;
};

struct symbols;

/*
 * symbols_open - begin to look up
 * @debug_path: where separate debug files are searched, as gdb's debug-file-directory: directories separated by colons, absolute ones
 *	by build ID and by .gnu_debuglink, relative ones below the module's own; NULL: ":.debug:/usr/lib/debug"
 *
 * What is not there is also asked of the servers in DEBUGINFOD_URLS, if that is set: debuginfod(8). Lookups that follow each other in
 * address order are the fastest: what was read of a compilation unit is kept, but not without end.
 */
struct symbols *symbols_open(const char *debug_path);

/*
 * symbols_resolve - the functions at an address
 * @module: NULL: not known
 * @address: virtual, as the ELF file counts it, of a byte of the instruction: a return address minus the bias of the module, minus 1.
 *	In a map of compiled code: the process's own address, minus 1.
 * @frames: innermost first, all but the last one inlined; they and their texts are valid until symbols_close
 *
 * Returns how many frames: at least one, and if nothing is known, one that says so.
 */
size_t symbols_resolve(struct symbols *symbols, const struct symbol_module *module, uint64_t address,
		       const struct symbol_frame **frames);

/*
 * symbols_address - the virtual address of a byte of the file, as symbols_resolve wants it
 *
 * False: no segment has it, or it cannot be known, because the file is not the one that was mapped and debug files do not keep offsets.
 */
bool symbols_address(struct symbols *symbols, const struct symbol_module *module, uint64_t file_offset, uint64_t *address);

/* Opens the module if it was not; symbol_state_words: "replaced", "deleted", "unreadable", "no symbols", or NULL where nothing is wrong. */
struct symbol_state symbols_state(struct symbols *symbols, const struct symbol_module *module);
const char *symbol_state_words(struct symbol_state state);

void symbols_close(struct symbols *symbols);

#endif
