/* SPDX-License-Identifier: MIT */
/* Between the files that look up symbols. */
#ifndef PAGEGAP_SYMBOLS_INTERNAL_H
#define PAGEGAP_SYMBOLS_INTERNAL_H

#include <elfutils/libdwfl.h>

#include "symbols.h"

/* symbols_texts.c: memory that is given back all at once, and in it each text once */
struct symbol_texts {
	struct symbol_chunk *chunks;
	char  **slots;                  /* a hash table; NULL: free */
	size_t used, room;
};
void *symbol_texts_get(struct symbol_texts *texts, size_t bytes); /* for pointers and numbers; zeroed */
const char *symbol_texts_keep(struct symbol_texts *texts, const char *text, size_t length);
void symbol_texts_free(struct symbol_texts *texts);

/* symbols_ranges.c: which of many ranges an address lies in */
struct symbol_range { uint64_t start, end; uint32_t value; };
struct symbol_ranges { struct symbol_range *ranges; size_t used, room; };
/* One that is added later wins where they overlap. Empty ones are left out. */
void symbol_ranges_add(struct symbol_ranges *ranges, uint64_t start, uint64_t end, uint32_t value);
void symbol_ranges_settle(struct symbol_ranges *ranges); /* no more are added; now they are disjoint */
const struct symbol_range *symbol_ranges_find(const struct symbol_ranges *ranges, uint64_t address);
void symbol_ranges_free(struct symbol_ranges *ranges);

/* symbols_names.c: as people write it, without a version, kept; what is not mangled stays as it is */
const char *symbol_name(struct symbol_texts *texts, const char *linkage);
bool symbol_name_is_mangled(const char *linkage);

/* symbols_file.c: the ELF file of a module, and the one with its debug information */
#define SYMBOL_SEGMENTS 64
struct symbol_segment { uint64_t address, offset, file_bytes, memory_bytes; bool code; };
struct symbol_file_open {
	Dwfl        *dwfl;              /* NULL: nothing to look into */
	Dwfl_Module *module;
	GElf_Addr    bias;              /* of addresses in the module over those of the ELF file */
	struct symbol_segment segments[SYMBOL_SEGMENTS];
	size_t       segment_count;
};
enum symbol_file symbol_file_open(struct symbol_file_open *file, const struct symbol_module *module, const Dwfl_Callbacks *callbacks);
void symbol_file_close(struct symbol_file_open *file);
/* Linkers leave functions that they dropped at address 0 or below the top: these are nobody's code. */
bool symbol_file_has_code(const struct symbol_file_open *file, uint64_t address);
/* Regular, and readable without waiting; -1 and errno (0: not regular, or not an absolute path). */
int symbol_file_descriptor(const char *path);

/* symbols_table.c: the functions of the symbol tables */
struct symbol_table { struct symbol_ranges functions; };
void symbol_table_read(struct symbol_table *table, const struct symbol_file_open *file);
/* NULL: none; mangled, until the file is closed */
const char *symbol_table_at(const struct symbol_table *table, const struct symbol_file_open *file, uint64_t address);

/* symbols_debug.c: units, functions and lines of the debug information */
struct symbol_debug;
struct symbol_debug *symbol_debug_open(const struct symbol_file_open *file); /* NULL: there is none */
#define SYMBOL_FRAMES 256               /* more inlined functions in each other than any compiler makes */
/*
 * Fills frames, innermost first; 0: nothing is known about this address. @sure: else the symbol table may have a better name for the frame
 * that is not inlined.
 */
size_t symbol_debug_at(struct symbol_debug *debug, struct symbol_texts *texts, uint64_t address, struct symbol_frame *frames, bool *sure);
size_t symbol_debug_bytes(const struct symbol_debug *debug); /* what was read since it was opened, and stays; NULL: 0 */
void symbol_debug_close(struct symbol_debug *debug);

/* symbols_perf_map.c */
struct symbol_perf_map {
	char  *text;
	size_t text_bytes;
	struct symbol_ranges functions; /* value: where in the text the name is */
};
enum symbol_file symbol_perf_map_read(struct symbol_perf_map *map, const struct symbol_module *module);
const char *symbol_perf_map_at(const struct symbol_perf_map *map, uint64_t address); /* NULL: none */
void symbol_perf_map_free(struct symbol_perf_map *map);

#endif
