/* SPDX-License-Identifier: MIT */
/* dlsym(RTLD_NEXT) for every wrapped function, once, before the first of them is forwarded. */
#include "next.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <gnu/lib-names.h>

struct next next;
extern void *next_syscall; /* process.c, for calls.S */
struct allocator allocator;

/* The object that a function lies in. */
static bool object_of(void *function, Dl_info *info, struct link_map **map)
{
	return function && dladdr1(function, info, (void **)map, RTLD_DL_LINKMAP) && *map;
}

static void find_allocator(void)
{
	Dl_info malloc_info, usable_info;
	struct link_map *map, *usable_map;
	const ElfW(Ehdr) *header;
	const ElfW(Phdr) *segment;
	const char *slash;

	if (!object_of((void *)next.malloc, &malloc_info, &map))
		return;
	allocator.path = malloc_info.dli_fname;
	allocator.start = (uint64_t)malloc_info.dli_fbase;
	slash = strrchr(malloc_info.dli_fname, '/');
	allocator.glibc = !strcmp(slash ? slash + 1 : malloc_info.dli_fname, LIBC_SO);
	allocator.usable_known = object_of((void *)next.malloc_usable_size, &usable_info, &usable_map) && usable_map == map;
	if (!allocator.glibc)
		allocator.operators = object_of(dlsym(RTLD_NEXT, "_Znwm"), &usable_info, &usable_map) && usable_map == map;
	/* Its end: that of its last segment, from the program headers, which the loader maps with the ELF header. */
	header = (const ElfW(Ehdr) *)malloc_info.dli_fbase;
	segment = (const ElfW(Phdr) *)((const char *)header + header->e_phoff);
	for (int i = 0; i < header->e_phnum; i++)
		if (segment[i].p_type == PT_LOAD && map->l_addr + segment[i].p_vaddr + segment[i].p_memsz > allocator.end)
			allocator.end = map->l_addr + segment[i].p_vaddr + segment[i].p_memsz;
}

void next_resolve(void)
{
#define NEXT_LOOKUP(name, returns, parameters) *(void **)&next.name = dlsym(RTLD_NEXT, #name);
	NEXT_HEAP_TABLE(NEXT_LOOKUP)
	NEXT_OTHER_TABLE(NEXT_LOOKUP)
#undef NEXT_LOOKUP
	find_allocator();
	next_syscall = (void *)next.syscall;
	dlerror(); /* a failed look-up must not be found by the program's own dlerror() */
}
