/* SPDX-License-Identifier: MIT */
/* What the addresses of call sites lie in: asked when a site is new, for its object may be unloaded before anybody reads the recording. */
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

#include "lookup.h"
#include "sites.h"
#include "smaps.h"
#include "unwind.h"

#define SITES_GONE_MOST 32

int _dl_find_object(void *address, struct dl_find_object *result) __attribute__((weak));

bool sites_any_gone;
static uint32_t latest;                 /* found the last time */

static bool covers(const struct capture_module *module, uint64_t address)
{
	return !module->unloaded && address >= module->start && address < module->end;
}

static bool is_known(uint64_t address)
{
	if (latest < sites->head.modules_used && covers(&sites->modules[latest], address))
		return true;
	for (uint32_t i = 0; i < sites->head.modules_used; i++)
		if (covers(&sites->modules[i], address)) {
			latest = i;
			return true;
		}
	return false;
}

/* The note that ld --build-id leaves: elf(5), "Notes". */
static void read_build_id(struct capture_module *module, const char *notes, const char *end)
{
	while (notes + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *note = (const void *)notes;
		const char *name = notes + sizeof(*note), *value = name + ((note->n_namesz + 3UL) & ~3UL);

		if (value > end || note->n_descsz > (size_t)(end - value))
			return;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && !memcmp(name, "GNU", 4) && note->n_descsz <= SITES_BUILD_ID_BYTES) {
			memcpy(module->build_id, value, note->n_descsz);
			module->build_id_bytes = note->n_descsz;
			return;
		}
		notes = value + ((note->n_descsz + 3UL) & ~3UL);
	}
}

/* Its headers are mapped with its first segment. */
static void read_headers(struct capture_module *module)
{
	const ElfW(Ehdr) *header = (const void *)module->start;
	const ElfW(Phdr) *segment;

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_phentsize != sizeof(*segment) ||
	    header->e_phoff + header->e_phnum * sizeof(*segment) > PAGE_BYTES)
		return;
	segment = (const void *)((const char *)header + header->e_phoff);
	for (unsigned i = 0; i < header->e_phnum && !module->build_id_bytes; i++) {
		uint64_t notes = module->bias + segment[i].p_vaddr;

		if (segment[i].p_type == PT_NOTE && notes >= module->start && notes + segment[i].p_memsz <= module->end)
			read_build_id(module, (const char *)notes, (const char *)notes + segment[i].p_memsz);
	}
}

/* The loader keeps a name as it was given; the kernel knows where the file lies. */
static void name_by_mapping(struct capture_module *module)
{
	static struct smaps smaps;
	static struct mapping mapping;
	int fd = proc_open(0, "maps");

	if (fd < 0)
		return;
	smaps_begin(&smaps, fd, false);
	while (smaps_next(&smaps, &mapping))
		if (module->start >= mapping.start && module->start < mapping.end && mapping.name[0])
			strncpy(module->path, mapping.name, sizeof(module->path) - 1);
	sys_close(fd);
}

void sites_note_module(uint64_t address)
{
	struct dl_find_object found;
	struct capture_module *module = &sites->modules[sites->head.modules_used];

	if (is_known(address) || !_dl_find_object || _dl_find_object((void *)address, &found))
		return;
	if (sites->head.modules_used == SITES_MODULES || !sites_back(module, module + 1)) {
		sites->head.modules_dropped++;
		return;
	}
	module->start = (uint64_t)found.dlfo_map_start;
	module->end = (uint64_t)found.dlfo_map_end;
	module->bias = found.dlfo_link_map->l_addr;
	if (found.dlfo_link_map->l_name)
		strncpy(module->path, found.dlfo_link_map->l_name, sizeof(module->path) - 1);
	if (module->path[0] && module->path[0] != '/')
		name_by_mapping(module);
	read_headers(module);
	latest = sites->head.modules_used;
	__atomic_store_n(&sites->head.modules_used, latest + 1, __ATOMIC_RELEASE);
}

/* Stretches from which something was unloaded; frames there are others than those before. */
static struct { uint64_t start, end, times; } gone[SITES_GONE_MOST];
static uint32_t gone_used;

uint64_t sites_times_gone(uint64_t address)
{
	uint64_t times = 0;

	for (uint32_t i = 0; i < __atomic_load_n(&gone_used, __ATOMIC_ACQUIRE); i++)
		if (address >= gone[i].start && address < gone[i].end)
			times += gone[i].times;
	return times;
}

/* Where there is no room the last one grows: then sites are new that need not be. */
static void note_gone(const struct capture_module *module)
{
	uint32_t at = 0;

	while (at < gone_used && (gone[at].start != module->start || gone[at].end != module->end))
		at++;
	if (at == SITES_GONE_MOST) {
		at--;
		gone[at].start = min_u64(gone[at].start, module->start);
		gone[at].end = max_u64(gone[at].end, module->end);
	} else if (at == gone_used) {
		gone[at].start = module->start;
		gone[at].end = module->end;
	}
	gone[at].times++;
	if (at == gone_used)
		__atomic_store_n(&gone_used, at + 1, __ATOMIC_RELEASE);
	sites_any_gone = true;
}

static void look_for_gone(void)
{
	struct dl_find_object found;

	for (uint32_t i = 0; i < sites->head.modules_used; i++) {
		struct capture_module *module = &sites->modules[i];

		if (module->unloaded || (!_dl_find_object((void *)module->start, &found) && found.dlfo_link_map->l_addr == module->bias))
			continue;
		module->unloaded = 1;
		note_gone(module);
	}
}

EXPORT int dlclose(void *handle)
{
	static void *place;
	int (*next_one)(void *) = (int (*)(void *))(place ? place : lookup_once(&place, "dlclose"));
	int result = next_one ? next_one(handle) : -1;

	if (_dl_find_object && sites_have()) {
		unwind_forget_code();
		sites_lock();
		look_for_gone();
		sites_unlock();
	}
	return result;
}
