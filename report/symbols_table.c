/* SPDX-License-Identifier: MIT */
/*
 * What libdwfl finds of .symtab (of the file, else of its debug file, else in .gnu_debugdata) and of .dynsym. A search of its own for each
 * address would go through all symbols; these are sorted once.
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "symbols_internal.h"

struct candidate {
	uint64_t start, end;            /* the same: written in assembly, without a size */
	unsigned merit;
	uint32_t index;
};

struct candidates { struct candidate *list; size_t used, room; };

/*
 * Of several names at one place, that which programs call: libc's read is also __read and __GI___read. Then what others see, as libdwfl
 * has it.
 */
static unsigned merit(const char *name, unsigned binding)
{
	unsigned underscores = (unsigned)strspn(name, "_");

	if (symbol_name_is_mangled(name))
		underscores = 0;
	return (underscores < 3 ? 3 - underscores : 0) * 4 + (binding == STB_GLOBAL ? 2 : binding == STB_WEAK ? 1 : 0);
}

static void note(struct candidates *c, const struct symbol_file_open *file, int index)
{
	GElf_Addr address;
	GElf_Word section;
	GElf_Sym symbol;
	const char *name = dwfl_module_getsym_info(file->module, index, &symbol, &address, &section, NULL, NULL);
	unsigned type = GELF_ST_TYPE(symbol.st_info);

	if (!name || !*name || section == SHN_UNDEF || (type != STT_FUNC && type != STT_GNU_IFUNC) ||
	    !symbol_file_has_code(file, address - file->bias))
		return;
	if (c->used == c->room) {
		c->room = c->room ? c->room * 2 : 1024;
		c->list = memory_more(c->list, c->room * sizeof(c->list[0]));
	}
	address -= file->bias;
	c->list[c->used++] = (struct candidate){
		address, symbol.st_size < UINT64_MAX - address ? address + symbol.st_size : UINT64_MAX,
		merit(name, GELF_ST_BIND(symbol.st_info)), (uint32_t)index,
	};
}

static int by_start(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

/* The worst first: what has no size is a guess, and a function inside another one is nearer than that. */
static int by_preference(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	bool a_sized = a->end != a->start, b_sized = b->end != b->start;

	if (a_sized != b_sized)
		return a_sized - b_sized;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	if (a->merit != b->merit)
		return a->merit < b->merit ? -1 : 1;
	return (a->index < b->index) - (a->index > b->index);
}

static uint64_t segment_end(const struct symbol_file_open *file, uint64_t address)
{
	for (size_t i = 0; i < file->segment_count; i++)
		if (file->segments[i].code && address - file->segments[i].address < file->segments[i].memory_bytes)
			return file->segments[i].address + file->segments[i].memory_bytes;
	return address;
}

/* What has no size goes to the next function, or to the end of the segment. */
static uint64_t guess_end(const struct candidates *by_starts, const struct symbol_file_open *file, uint64_t start)
{
	size_t low = 0, high = by_starts->used;
	uint64_t end = segment_end(file, start);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_starts->list[middle].start > start)
			high = middle;
		else
			low = middle + 1;
	}
	return low < by_starts->used && by_starts->list[low].start < end ? by_starts->list[low].start : end;
}

static void settle(struct symbol_table *table, const struct symbol_file_open *file, const struct candidates *c)
{
	struct candidates sorted = *c;

	if (!c->used)
		return;
	qsort(c->list, c->used, sizeof(c->list[0]), by_start);
	sorted.list = memory_get(c->used * sizeof(c->list[0]));
	memcpy(sorted.list, c->list, c->used * sizeof(c->list[0]));
	qsort(sorted.list, sorted.used, sizeof(sorted.list[0]), by_preference);
	for (size_t i = 0; i < sorted.used; i++) {
		const struct candidate *of = &sorted.list[i];

		symbol_ranges_add(&table->functions, of->start, of->end != of->start ? of->end : guess_end(c, file, of->start), of->index);
	}
	free(sorted.list);
	symbol_ranges_settle(&table->functions);
}

void symbol_table_read(struct symbol_table *table, const struct symbol_file_open *file)
{
	int count = file->module ? dwfl_module_getsymtab(file->module) : 0;
	struct candidates all = { 0 };

	for (int i = 1; i < count; i++)
		note(&all, file, i);
	settle(table, file, &all);
	free(all.list);
}

const char *symbol_table_at(const struct symbol_table *table, const struct symbol_file_open *file, uint64_t address)
{
	const struct symbol_range *found = symbol_ranges_find(&table->functions, address);
	GElf_Addr value;
	GElf_Sym symbol;

	return found ? dwfl_module_getsym_info(file->module, (int)found->value, &symbol, &value, NULL, NULL, NULL) : NULL;
}
