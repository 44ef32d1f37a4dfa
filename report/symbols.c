/* SPDX-License-Identifier: MIT */
/*
 * The cache: modules by path and build ID, answers by module and address. A module's files are mapped when it is first asked about, and
 * closed again when too many are open or too much of them is in memory; what was answered stays.
 */
#include "symbols.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "symbols_internal.h"

#define OPEN_MOST 64                    /* with two or three descriptors each */
#define OPEN_BYTES ((size_t)96 << 20)   /* of line tables and lists of functions, in all open modules */
#define LOOKUPS_LEAST 64
#define DEBUG_PATH ":.debug:/usr/lib/debug" /* libdwfl's default: <elfutils/libdwfl.h> */

struct module {
	struct module *next;            /* of the same hash */
	struct symbol_module is;        /* with copies of its own */
	struct symbol_state state;
	bool     known;                 /* the state is */
	bool     open, has_table;
	uint64_t used_at;               /* by the clock of the cache */
	unsigned lookups;               /* since it was opened */
	struct symbol_file_open file;
	struct symbol_debug *debug;
	struct symbol_table table;
	struct symbol_perf_map map;
};

struct answer {
	const struct module *module;    /* NULL: free */
	uint64_t address;
	const struct symbol_frame *frames;
	size_t count;
};

#define MODULE_HASHES 256

struct symbols {
	struct symbol_texts texts;
	struct module *modules[MODULE_HASHES];
	struct module *open[OPEN_MOST];
	size_t open_count;
	struct answer *answers;         /* a hash table with open addressing */
	size_t answered, room;
	uint64_t clock;
	char *debug_path;
	Dwfl_Callbacks callbacks;
};

static const struct symbol_frame nothing[1];

struct symbols *symbols_open(const char *debug_path)
{
	struct symbols *s = memory_get(sizeof(*s));

	s->debug_path = memory_format("%s", debug_path ? debug_path : DEBUG_PATH);
	s->callbacks = (Dwfl_Callbacks){
		.find_elf = dwfl_build_id_find_elf, .find_debuginfo = dwfl_standard_find_debuginfo, .debuginfo_path = &s->debug_path,
	};
	return s;
}

/* --- modules --- */

static void let_go(struct symbols *s, struct module *module)
{
	symbol_debug_close(module->debug);
	module->debug = NULL;
	symbol_ranges_free(&module->table.functions);
	module->has_table = module->open = false;
	symbol_file_close(&module->file);
	symbol_perf_map_free(&module->map);
	for (size_t i = 0; i < s->open_count; i++)
		if (s->open[i] == module) {
			s->open[i] = s->open[--s->open_count];
			break;
		}
}

static size_t bytes_of(const struct module *module)
{
	return symbol_debug_bytes(module->debug) + module->map.text_bytes +
	       (module->table.functions.room + module->map.functions.room) * sizeof(struct symbol_range);
}

/* The one that was not asked for the longest time. */
static struct module *oldest_but(const struct symbols *s, const struct module *kept)
{
	struct module *oldest = NULL;

	for (size_t i = 0; i < s->open_count; i++)
		if (s->open[i] != kept && (!oldest || s->open[i]->used_at < oldest->used_at))
			oldest = s->open[i];
	return oldest;
}

/* @asked: will be asked again. It begins anew itself when it alone is too much, but not so often that opening would be all it does. */
static void make_room(struct symbols *s, struct module *asked)
{
	size_t bytes = 0;
	struct module *oldest;

	for (size_t i = 0; i < s->open_count; i++)
		bytes += bytes_of(s->open[i]);
	while ((s->open_count == OPEN_MOST || bytes > OPEN_BYTES) && (oldest = oldest_but(s, asked))) {
		bytes -= bytes_of(oldest);
		let_go(s, oldest);
	}
	if (asked->lookups >= LOOKUPS_LEAST && symbol_debug_bytes(asked->debug) > OPEN_BYTES)
		let_go(s, asked);
}

static void read_table(struct module *module)
{
	if (!module->has_table)
		symbol_table_read(&module->table, &module->file);
	module->has_table = true;
}

static void open_module(struct symbols *s, struct module *module)
{
	enum symbol_names names = SYMBOL_NAMES_NONE;
	enum symbol_file file;

	if (module->is.perf_map) {
		file = symbol_perf_map_read(&module->map, &module->is);
		names = module->map.functions.used ? SYMBOL_NAMES_TABLE : SYMBOL_NAMES_NONE;
	} else {
		file = symbol_file_open(&module->file, &module->is, &s->callbacks);
		module->debug = symbol_debug_open(&module->file);
		if (module->debug)
			names = SYMBOL_NAMES_DEBUG;
		else
			read_table(module);
		if (module->table.functions.used)
			names = SYMBOL_NAMES_TABLE;
	}
	if (!module->known)
		module->state = (struct symbol_state){ file, names };
	module->open = module->known = true;
	module->lookups = 0;
	s->open[s->open_count++] = module;
}

static bool same_module(const struct symbol_module *a, const struct symbol_module *b)
{
	return a->perf_map == b->perf_map && a->since_ns == b->since_ns && a->build_id_bytes == b->build_id_bytes &&
	       !strcmp(a->path, b->path) && (!a->build_id_bytes || !memcmp(a->build_id, b->build_id, a->build_id_bytes));
}

static struct module **find_module(struct symbols *s, const struct symbol_module *is)
{
	struct module **at;
	unsigned hash = (unsigned)is->build_id_bytes;

	for (const char *c = is->path; *c; c++)
		hash = hash * 31 + (unsigned char)*c;
	for (at = &s->modules[hash % MODULE_HASHES]; *at; at = &(*at)->next)
		if (same_module(&(*at)->is, is))
			break;
	return at;
}

static struct module *module_of(struct symbols *s, const struct symbol_module *is)
{
	struct module **at = find_module(s, is), *module = *at;
	uint8_t *build_id;

	if (module)
		return module;
	*at = module = memory_get(sizeof(*module));
	build_id = symbol_texts_get(&s->texts, is->build_id_bytes);
	if (is->build_id_bytes)
		memcpy(build_id, is->build_id, is->build_id_bytes);
	module->is = *is;
	module->is.path = symbol_texts_keep(&s->texts, is->path, strlen(is->path));
	module->is.build_id = build_id;
	return module;
}

static struct module *look_into(struct symbols *s, const struct symbol_module *is)
{
	struct module *module = module_of(s, is);

	module->used_at = ++s->clock;
	if (!module->open) {
		make_room(s, module);
		open_module(s, module);
	}
	return module;
}

struct symbol_state symbols_state(struct symbols *s, const struct symbol_module *is)
{
	return look_into(s, is)->state;
}

const char *symbol_state_words(struct symbol_state state)
{
	static const char *const words[] = {
		[SYMBOL_FILE_REPLACED] = "replaced", [SYMBOL_FILE_DELETED] = "deleted", [SYMBOL_FILE_UNREADABLE] = "unreadable",
	};

	return state.file == SYMBOL_FILE_SAME && state.names == SYMBOL_NAMES_NONE ? "no symbols" : words[state.file];
}

bool symbols_address(struct symbols *s, const struct symbol_module *is, uint64_t offset, uint64_t *address)
{
	const struct module *module = look_into(s, is);

	if (module->state.file != SYMBOL_FILE_SAME || is->perf_map)
		return false;
	for (size_t i = 0; i < module->file.segment_count; i++) {
		const struct symbol_segment *segment = &module->file.segments[i];

		if (offset - segment->offset < segment->file_bytes) {
			*address = segment->address + (offset - segment->offset);
			return true;
		}
	}
	return false;
}

/* --- answers --- */

static size_t place_of(const struct symbols *s, const struct module *module, uint64_t address)
{
	uint64_t hash = (address ^ (uintptr_t)module) * 0x9e3779b97f4a7c15; /* 2^64 over the golden ratio: Knuth, vol. 3, 6.4 */
	size_t at = (size_t)(hash >> 32) & (s->room - 1);

	while (s->answers[at].module && (s->answers[at].module != module || s->answers[at].address != address))
		at = (at + 1) & (s->room - 1);
	return at;
}

static void grow(struct symbols *s)
{
	struct symbols old = *s;

	if (s->answered < s->room / 2)
		return;
	s->room = old.room ? old.room * 2 : 1024;
	s->answers = memory_get(s->room * sizeof(s->answers[0]));
	for (size_t i = 0; i < old.room; i++)
		if (old.answers[i].module)
			s->answers[place_of(s, old.answers[i].module, old.answers[i].address)] = old.answers[i];
	free(old.answers);
}

static const char *name_in_table(struct module *module, uint64_t address)
{
	if (!module->file.module)
		return NULL;
	read_table(module);
	return symbol_table_at(&module->table, &module->file, address);
}

/* libc's malloc calls itself __libc_malloc; C++ may leave out what is around a function. */
static bool is_better(const char *name, const char *than)
{
	return !than || symbol_name_is_mangled(name) || strspn(name, "_") < strspn(than, "_");
}

static size_t look_up(struct symbols *s, struct module *module, uint64_t address, struct symbol_frame *frames)
{
	bool sure = false;
	size_t count = module->debug ? symbol_debug_at(module->debug, &s->texts, address, frames, &sure) : 0;
	struct symbol_frame *outer;
	const char *name;

	if (!count)
		frames[count++] = (struct symbol_frame){ 0 };
	outer = &frames[count - 1];
	if (module->is.perf_map) {
		name = symbol_perf_map_at(&module->map, address);
		outer->function = name ? symbol_texts_keep(&s->texts, name, strlen(name)) : NULL;
	} else if (!sure && (name = name_in_table(module, address)) && is_better(name, outer->function)) {
		outer->function = symbol_name(&s->texts, name);
	}
	return count;
}

static void answer(struct symbols *s, struct answer *to, struct module *module, uint64_t address)
{
	struct symbol_frame frames[SYMBOL_FRAMES], *kept;

	to->module = module;
	to->address = address;
	to->count = look_up(s, module, address, frames);
	to->frames = nothing;
	s->answered++;
	module->lookups++;
	if (to->count == 1 && !frames[0].function && !frames[0].file)
		return;
	kept = symbol_texts_get(&s->texts, to->count * sizeof(frames[0]));
	memcpy(kept, frames, to->count * sizeof(frames[0]));
	to->frames = kept;
}

size_t symbols_resolve(struct symbols *s, const struct symbol_module *is, uint64_t address, const struct symbol_frame **frames)
{
	struct answer *found;
	struct module *module;

	*frames = nothing;
	if (!is)
		return 1;
	grow(s);
	module = module_of(s, is);
	found = &s->answers[place_of(s, module, address)];
	if (!found->module) {
		look_into(s, is);
		answer(s, found, module, address);
		make_room(s, module);
	}
	*frames = found->frames;
	return found->count;
}

void symbols_close(struct symbols *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < MODULE_HASHES; i++)
		while (s->modules[i]) {
			struct module *next = s->modules[i]->next;

			let_go(s, s->modules[i]);
			free(s->modules[i]);
			s->modules[i] = next;
		}
	symbol_texts_free(&s->texts);
	free(s->answers);
	free(s->debug_path);
	free(s);
}
