/* SPDX-License-Identifier: MIT */
/* Which loaded object an address lies in. */
#ifndef PAGEGAP_OBJECT_H
#define PAGEGAP_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

struct object {
	uint64_t start, end;            /* addresses that it spans */
	const char *path;               /* as the loader knows it; empty for the executable; lives as long as the object */
};

/* False: in none. Takes no lock with glibc 2.35 and later. */
bool object_of(const void *address, struct object *object);

#endif
