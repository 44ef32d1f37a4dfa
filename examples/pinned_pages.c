/* SPDX-License-Identifier: MIT */
/*
 * A service that remembers a little of each request: one name for seven parts as large that are asked for and given back. The names lie between
 * what was given back, so that each page of the heap has some, and none can be returned: the service holds eight times what it uses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pagegap.h"

#define REQUESTS 40000
#define PARTS    7
#define PART     48

static char *names[REQUESTS];
static char *parts[REQUESTS][PARTS];

__attribute__((noinline)) static char *intern_name(int request)
{
	char *name = malloc(48);

	if (name)
		snprintf(name, 48, "request %d", request);
	return name;
}

__attribute__((noinline)) static char *read_part(void)
{
	char *part = malloc(PART);

	return part ? memset(part, 1, PART) : NULL;
}

int main(void)
{
	for (int i = 0; i < REQUESTS; i++) {
		names[i] = intern_name(i);
		for (int j = 0; j < PARTS; j++)
			parts[i][j] = read_part();
	}
	pagegap_mark("served");
	for (int i = 0; i < REQUESTS; i++)
		for (int j = 0; j < PARTS; j++)
			free(parts[i][j]);
	pagegap_mark("given back");
	printf("name_blocks %d\nname_bytes %d\nwhole_pages %d\n", REQUESTS, REQUESTS * 48, REQUESTS / 8); /* glibc takes 64 bytes for 48 */
	return 0;
}
