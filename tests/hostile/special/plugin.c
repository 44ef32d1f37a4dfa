/* SPDX-License-Identifier: MIT */
/* The library that dlopen_1000 loads: allocates in its constructor and its function, frees in its destructor. */
#include <stdlib.h>
#include <string.h>

static char *block;
static __thread char *local;

__attribute__((constructor)) static void begin(void)
{
	block = malloc(1000);
	memset(block, 1, 1000);
}

__attribute__((destructor)) static void end(void)
{
	free(local);
	free(block);
}

__attribute__((visibility("default"))) int plugin_answer(int question);
int plugin_answer(int question)
{
	if (!local)
		local = calloc(1, 100);
	block = realloc(block, 5000);
	return question + block[999] + local[99];
}
