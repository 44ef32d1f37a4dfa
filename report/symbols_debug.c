/* SPDX-License-Identifier: MIT */
/*
 * Of each compilation unit only the first entry is read, for the addresses of its code; .debug_aranges would have them, but clang and rustc
 * leave it out. Of a unit that is asked about, all functions are found once; its lines are libdw's to read. From a function to the
 * innermost one inlined at an address leads one path down its tree.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "symbols_internal.h"

#define NESTED_MOST 64                  /* namespaces, classes and blocks in each other; a file that has more is made to exhaust the stack */
#define FUNCTIONS_MOST ((size_t)1 << 20) /* of one unit */
#define LINE_BYTES 40                   /* libdw's struct Dwarf_Line_s */

struct unit {
	Dwarf_Die die;
	Dwarf_Die *list;                /* functions that have code */
	size_t used, room;
	struct symbol_ranges functions; /* value: index into the list */
	bool searched, has_lines;
};

struct symbol_debug {
	const struct symbol_file_open *file;
	Dwarf     *dwarf;
	Dwarf_Addr bias;                /* of addresses in the debug information over those of the module's file */
	struct unit *units;
	size_t used, room;
	struct symbol_ranges at;        /* value: index into the units */
	size_t bytes;
};

static void add_ranges(const struct symbol_debug *debug, struct symbol_ranges *ranges, Dwarf_Die *die, size_t value)
{
	Dwarf_Addr base, start, end;

	for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &start, &end)) > 0;)
		if (symbol_file_has_code(debug->file, start - debug->bias))
			symbol_ranges_add(ranges, start - debug->bias, end - debug->bias, (uint32_t)value);
}

static void add_unit(struct symbol_debug *debug, const Dwarf_Die *die)
{
	if (debug->used == debug->room) {
		debug->room = debug->room ? debug->room * 2 : 64;
		debug->units = memory_more(debug->units, debug->room * sizeof(debug->units[0]));
	}
	debug->units[debug->used] = (struct unit){ .die = *die };
	add_ranges(debug, &debug->at, &debug->units[debug->used].die, debug->used);
	debug->used++;
}

struct symbol_debug *symbol_debug_open(const struct symbol_file_open *file)
{
	Dwarf_Addr bias;
	Dwarf *dwarf = file->module ? dwfl_module_getdwarf(file->module, &bias) : NULL;
	struct symbol_debug *debug;
	Dwarf_CU *unit = NULL;
	uint8_t type;
	Dwarf_Die die;

	if (!dwarf)
		return NULL;
	debug = memory_get(sizeof(*debug));
	*debug = (struct symbol_debug){ .file = file, .dwarf = dwarf, .bias = file->bias - bias };
	while (!dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, NULL))
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			add_unit(debug, &die);
	symbol_ranges_settle(&debug->at);
	if (debug->at.used)
		return debug;
	symbol_debug_close(debug);
	return NULL;
}

void symbol_debug_close(struct symbol_debug *debug)
{
	for (size_t i = 0; debug && i < debug->used; i++) {
		free(debug->units[i].list);
		symbol_ranges_free(&debug->units[i].functions);
	}
	if (debug) {
		free(debug->units);
		symbol_ranges_free(&debug->at);
	}
	free(debug);
}

size_t symbol_debug_bytes(const struct symbol_debug *debug)
{
	return debug ? debug->bytes : 0;
}

static void note_function(const struct symbol_debug *debug, struct unit *unit, Dwarf_Die *die)
{
	size_t before = unit->functions.used;

	if (unit->used == FUNCTIONS_MOST)
		return;
	add_ranges(debug, &unit->functions, die, unit->used);
	if (unit->functions.used == before)
		return;
	if (unit->used == unit->room) {
		unit->room = unit->room ? unit->room * 2 : 16;
		unit->list = memory_more(unit->list, unit->room * sizeof(unit->list[0]));
	}
	unit->list[unit->used++] = *die;
}

/* Where functions can be: local classes have theirs in blocks. */
static bool may_hold_functions(int tag)
{
	switch (tag) {
	case DW_TAG_subprogram:
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_lexical_block:
		return true;
	default:
		return false;
	}
}

/*
 * Entries lie in the file in the order in which a walk comes to them. In one that is damaged, or made for it, a sibling may be one's own
 * child, and the walk would double at each level.
 */
static bool lies_behind(const Dwarf_Die *die, const void **last)
{
	if ((const char *)die->addr <= (const char *)*last)
		return false;
	*last = die->addr;
	return true;
}

/* Inner ones come later, and so win. */
static void find_functions(const struct symbol_debug *debug, struct unit *unit, Dwarf_Die *parent, const void **last, int depth)
{
	Dwarf_Die die;

	if (depth > NESTED_MOST || dwarf_child(parent, &die))
		return;
	do {
		int tag = dwarf_tag(&die);

		if (!lies_behind(&die, last))
			return;
		if (tag == DW_TAG_subprogram)
			note_function(debug, unit, &die);
		if (may_hold_functions(tag))
			find_functions(debug, unit, &die, last, depth + 1);
	} while (!dwarf_siblingof(&die, &die));
}

/* A unit may have left its entries in another file, and only its addresses and lines here (-gsplit-dwarf). */
static void search(struct symbol_debug *debug, struct unit *unit)
{
	const void *last = NULL;
	Dwarf_Die split;
	uint8_t type;

	if (!dwarf_cu_info(unit->die.cu, NULL, &type, NULL, &split, NULL, NULL, NULL) && type == DW_UT_skeleton && split.addr)
		unit->die = split;
	find_functions(debug, unit, &unit->die, &last, 0);
	symbol_ranges_settle(&unit->functions);
	unit->searched = true;
	debug->bytes += unit->room * sizeof(unit->list[0]) + unit->functions.room * sizeof(unit->functions.ranges[0]);
}

static bool has_code(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges);
}

struct chain {
	Dwarf_Die list[SYMBOL_FRAMES];
	size_t used;
	const void *last;
};

/* Appends what is inlined at an address, outermost first; false: nothing is. A block without addresses may have it in it. */
static bool find_inlined(Dwarf_Die *parent, Dwarf_Addr address, struct chain *chain, int depth)
{
	Dwarf_Die die;

	if (depth > SYMBOL_FRAMES || chain->used == SYMBOL_FRAMES || dwarf_child(parent, &die))
		return false;
	do {
		int tag = dwarf_tag(&die);
		bool inlined = tag == DW_TAG_inlined_subroutine;

		if (!lies_behind(&die, &chain->last))
			return false;
		if (!inlined && tag != DW_TAG_lexical_block && tag != DW_TAG_try_block && tag != DW_TAG_catch_block)
			continue;
		if (has_code(&die) ? dwarf_haspc(&die, address) <= 0 : inlined)
			continue;
		if (inlined)
			chain->list[chain->used++] = die;
		if (find_inlined(&die, address, chain, depth + 1) || inlined)
			return true;
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static bool mangles(Dwarf_Die *unit)
{
	switch (dwarf_srclang(unit)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case DW_LANG_ObjC_plus_plus:
	case DW_LANG_D:
	case DW_LANG_Rust:
		return true;
	default:
		return false;
	}
}

static const char *text_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;

	return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

/*
 * The name that linkers know has the namespace, the class and the parameters in it, if it is mangled; else it may be one that only the
 * library itself uses, as libc's __GI_… are. @sure: nobody knows a better one.
 */
static const char *function_name(struct unit *unit, Dwarf_Die *die, struct symbol_texts *texts, bool *sure)
{
	const char *name = text_of(die, DW_AT_linkage_name), *short_name = text_of(die, DW_AT_name);

	if (!name)
		name = text_of(die, DW_AT_MIPS_linkage_name);
	*sure = name && symbol_name_is_mangled(name);
	if (!*sure && short_name && *short_name) {
		name = short_name;
		*sure = *name != '_' && !mangles(&unit->die);
	}
	return name && *name ? symbol_name(texts, name) : NULL;
}

/* Of what is relative, the directory of the compilation stands before it; a "." in the middle says nothing. */
static const char *file_name(struct unit *unit, struct symbol_texts *texts, const char *name)
{
	const char *directory = name && *name && *name != '/' ? text_of(&unit->die, DW_AT_comp_dir) : NULL, *kept;
	char *path;
	size_t length = 0;

	if (!name || !*name)
		return NULL;
	path = memory_format("%s%s%s", directory ? directory : "", directory ? "/" : "", name);
	for (const char *at = path; *at; at++) {
		if (at[0] == '/' && at[1] == '.' && at[2] == '/')
			at += 2;
		path[length++] = *at;
	}
	kept = symbol_texts_keep(texts, path, length);
	free(path);
	return kept;
}

static void fill_line(struct unit *unit, struct symbol_texts *texts, Dwarf_Addr address, struct symbol_frame *frame)
{
	Dwarf_Line *row = dwarf_getsrc_die(&unit->die, address);
	int number;

	if (!row)
		return;
	frame->file = file_name(unit, texts, dwarf_linesrc(row, NULL, NULL));
	if (frame->file && !dwarf_lineno(row, &number) && number > 0)
		frame->line = (unsigned)number;
}

/* Where an inlined function was called. */
static void fill_call(struct unit *unit, struct symbol_texts *texts, Dwarf_Die *inlined, struct symbol_frame *frame)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;
	Dwarf_Files *files;

	if (dwarf_getsrcfiles(&unit->die, &files, NULL) || dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &number))
		return;
	frame->file = file_name(unit, texts, dwarf_filesrc(files, number, NULL, NULL));
	if (frame->file && !dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &number) && number <= INT32_MAX)
		frame->line = (unsigned)number;
}

/* Reads what was not read yet of the unit that has the address. */
static struct unit *unit_at(struct symbol_debug *debug, uint64_t address)
{
	const struct symbol_range *found = symbol_ranges_find(&debug->at, address);
	struct unit *unit = found ? &debug->units[found->value] : NULL;
	Dwarf_Lines *lines;
	size_t count;

	if (unit && !unit->searched)
		search(debug, unit);
	if (unit && !unit->has_lines && !dwarf_getsrclines(&unit->die, &lines, &count))
		debug->bytes += count * LINE_BYTES;
	if (unit)
		unit->has_lines = true;
	return unit;
}

/* The frames of a function, and of what is inlined into it at the address. Returns how many. */
static size_t fill_functions(struct unit *unit, struct symbol_texts *texts, Dwarf_Die *function, Dwarf_Addr address,
			     struct symbol_frame *frames, bool *sure)
{
	struct chain chain;
	bool ignored;

	chain.list[0] = *function;
	chain.used = 1;
	chain.last = NULL;
	find_inlined(function, address, &chain, 0);
	for (size_t i = 0; i < chain.used; i++) {
		struct symbol_frame *frame = &frames[chain.used - 1 - i];

		*frame = (struct symbol_frame){ .function = function_name(unit, &chain.list[i], texts, i ? &ignored : sure), .inlined = i };
		if (i)
			fill_call(unit, texts, &chain.list[i], frame + 1);
	}
	return chain.used;
}

size_t symbol_debug_at(struct symbol_debug *debug, struct symbol_texts *texts, uint64_t address, struct symbol_frame *frames, bool *sure)
{
	struct unit *unit = unit_at(debug, address);
	const struct symbol_range *found = unit ? symbol_ranges_find(&unit->functions, address) : NULL;
	size_t used = 1;

	*sure = false;
	if (!unit)
		return 0;
	frames[0] = (struct symbol_frame){ 0 };
	if (found)
		used = fill_functions(unit, texts, &unit->list[found->value], address + debug->bias, frames, sure);
	fill_line(unit, texts, address + debug->bias, &frames[0]);
	return found || frames[0].file ? used : 0;
}
