/* SPDX-License-Identifier: MIT */
/*
 * _dl_find_object (glibc 2.35) answers from a sorted table. Older libcs have dladdr, which takes a lock and searches the object's
 * whole symbol table on the way.
 */
#include "object.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

int _dl_find_object(void *address, struct dl_find_object *result) __attribute__((weak));

static bool by_dladdr(const void *address, struct object *object)
{
	struct link_map *map = NULL;
	const ElfW(Ehdr) *header;
	const ElfW(Phdr) *segment;
	Dl_info info;

	if (!dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
		return false;
	object->path = map->l_name;
	object->start = (uint64_t)info.dli_fbase;
	object->end = 0;
	header = (const ElfW(Ehdr) *)info.dli_fbase; /* mapped with the first segment, the program headers with it */
	segment = (const ElfW(Phdr) *)((const char *)header + header->e_phoff);
	for (int i = 0; i < header->e_phnum; i++)
		if (segment[i].p_type == PT_LOAD && map->l_addr + segment[i].p_vaddr + segment[i].p_memsz > object->end)
			object->end = map->l_addr + segment[i].p_vaddr + segment[i].p_memsz;
	return true;
}

bool object_of(const void *address, struct object *object)
{
	struct dl_find_object found;

	if (!_dl_find_object)
		return by_dladdr(address, object);
	if (_dl_find_object((void *)(uintptr_t)address, &found))
		return false;
	object->start = (uint64_t)found.dlfo_map_start;
	object->end = (uint64_t)found.dlfo_map_end;
	object->path = found.dlfo_link_map->l_name;
	return true;
}
