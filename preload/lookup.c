/* SPDX-License-Identifier: MIT */
/*
 * The loader's list of objects (link.h, struct r_debug) and each one's hash table of symbols: "GNU hash", a Bloom filter, buckets, and
 * chains of hashes whose lowest bit ends a chain (binutils, bfd/elflink.c; glibc, elf/dl-lookup.c, do_lookup_x).
 */
#include "lookup.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "sys.h"

#define HIDDEN_VERSION 0x8000           /* of Elf64_Versym: not the default one */

struct tables {
	const ElfW(Sym) *symbols;
	const char *strings;
	const ElfW(Half) *versions;     /* NULL: the object has none */
	const uint32_t *hash;
};

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

/* The loader has relocated these addresses in place, but for those of the vDSO, which lies in memory that it cannot write to. */
static bool tables_of(const struct link_map *map, struct tables *tables)
{
	*tables = (struct tables){ 0 };
	for (const ElfW(Dyn) *entry = map->l_ld; entry && entry->d_tag != DT_NULL; entry++) {
		const void *address = (const void *)entry->d_un.d_ptr;

		if (entry->d_tag == DT_SYMTAB)
			tables->symbols = address;
		else if (entry->d_tag == DT_STRTAB)
			tables->strings = address;
		else if (entry->d_tag == DT_VERSYM)
			tables->versions = address;
		else if (entry->d_tag == DT_GNU_HASH)
			tables->hash = address;
	}
	return tables->symbols && tables->strings && tables->hash && (uint64_t)tables->hash >= map->l_addr;
}

static bool defines(const ElfW(Sym) *symbol)
{
	unsigned type = ELF64_ST_TYPE(symbol->st_info), binding = ELF64_ST_BIND(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF && symbol->st_value && (type == STT_FUNC || type == STT_GNU_IFUNC) &&
	       (binding == STB_GLOBAL || binding == STB_WEAK || binding == STB_GNU_UNIQUE);
}

/* The symbol @name of an object; a hidden version only if there is no other. */
static const ElfW(Sym) *find(const struct tables *t, const char *name, uint32_t hash)
{
	const uint32_t buckets = t->hash[0], first = t->hash[1], words = t->hash[2], shift = t->hash[3];
	const ElfW(Addr) *bloom = (const ElfW(Addr) *)(const void *)(t->hash + 4);
	const uint32_t *bucket = (const uint32_t *)(const void *)(bloom + words), *chain = bucket + buckets;
	const ElfW(Addr) bits = 1UL << hash % 64 | 1UL << (hash >> shift) % 64;
	const ElfW(Sym) *hidden = NULL;
	uint32_t at;

	if (!buckets || (bloom[hash / 64 % words] & bits) != bits)
		return NULL;
	for (at = bucket[hash % buckets]; at >= first; at++) {
		const ElfW(Sym) *symbol = &t->symbols[at];
		uint32_t there = chain[at - first];

		if ((there | 1) == (hash | 1) && defines(symbol) && !strcmp(t->strings + symbol->st_name, name)) {
			if (!t->versions || !(t->versions[at] & HIDDEN_VERSION))
				return symbol;
			hidden = symbol;
		}
		if (there & 1)
			break;
	}
	return hidden;
}

/* This library among the objects; the list does not change before it. */
static const struct link_map *own_map(void)
{
	static const struct link_map *own;
	const struct link_map *map = __atomic_load_n(&own, __ATOMIC_RELAXED);

	if (map)
		return map;
	for (map = _r_debug.r_map; map && map->l_ld != _DYNAMIC; map = map->l_next)
		;
	__atomic_store_n(&own, map, __ATOMIC_RELAXED);
	return map;
}

void *lookup(const char *name)
{
	const struct link_map *map = own_map();
	uint32_t hash = hash_of(name);

	while (map && (map = __atomic_load_n(&map->l_next, __ATOMIC_ACQUIRE))) {
		const ElfW(Sym) *symbol;
		struct tables tables;
		uint64_t address;

		if (!tables_of(map, &tables) || !(symbol = find(&tables, name, hash)))
			continue;
		address = map->l_addr + symbol->st_value;
		if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC)
			address = ((uint64_t (*)(void))address)();
		return (void *)address;
	}
	return NULL;
}

void *lookup_once(void **place, const char *name)
{
	int error = errno;
	void *function = lookup(name);

	errno = function ? error : ENOSYS;
	__atomic_store_n(place, function, __ATOMIC_RELAXED);
	return function;
}
