/* SPDX-License-Identifier: MIT */
/*
 * Every way to a block that C offers, for the comparison of counts with valgrind: sizes of zero, resizing in both
 * directions and to nothing, alignment, strings, lines, formatted text and streams. The same calls each time; what is
 * left live is left on purpose. (pvalloc is missing: valgrind stops a program that calls it.)
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static void *volatile kept[4000];

static void sizes(void)
{
	for (size_t i = 0; i < 2000; i++)
		kept[i] = malloc(i * 7 % 911);
	for (size_t i = 0; i < 2000; i += 3) {
		free(kept[i]);
		kept[i] = NULL;
	}
	free(NULL);
	for (size_t i = 0; i < 100; i++)
		kept[2000 + i] = calloc(i, 24);
	kept[2100] = calloc(0, 0);
	kept[2101] = malloc(3000000);           /* a mapped chunk */
	kept[2102] = malloc(0);
}

static void resizing(void)
{
	void *block = NULL;

	for (size_t i = 1; i < 300; i++)
		block = realloc(block, i * i);          /* the first one is a malloc */
	for (size_t i = 300; i > 0; i -= 10)
		block = realloc(block, i);
	block = reallocarray(block, 100, 100);
	block = realloc(block, 400000);                 /* becomes a mapped chunk */
	block = realloc(block, 900000);
	block = realloc(block, 100);
	kept[2200] = realloc(block, 0);                 /* frees it and returns nothing */
	kept[2201] = realloc(NULL, 0);                  /* is malloc(0) */
}

static void alignment(void)
{
	for (size_t i = 0; i < 16; i++) {
		void *block = NULL;

		if (posix_memalign(&block, 16UL << i, 100 + i) == 0)
			kept[2300 + i] = block;
		kept[2320 + i] = aligned_alloc(16UL << i, 16UL << i);
		kept[2340 + i] = memalign(8UL << i, 33);
	}
	kept[2360] = valloc(10);
	for (size_t i = 0; i < 16; i += 2)
		free(kept[2300 + i]);
	kept[2340] = realloc(kept[2340], 5000);         /* an aligned block resized */
}

static void text(void)
{
	char *line = NULL, *formatted = NULL, *memory = NULL;
	size_t room = 0, bytes = 0;
	FILE *file = tmpfile();

	if (!file)
		exit(1);
	for (int i = 0; i < 500; i++)
		fprintf(file, "%0*d\n", i, i);
	rewind(file);
	while (getline(&line, &room, file) > 0)
		;
	free(line);
	fclose(file);
	for (int i = 0; i < 50; i++) {
		if (asprintf(&formatted, "%*d", i * 40, i) < 0)
			exit(1);
		kept[2400 + i] = formatted;
		kept[2500 + i] = strndup(formatted, 20);
		kept[2600 + i] = strdup("a string");
	}
	kept[2700] = wcsdup(L"wide");
	file = open_memstream(&memory, &bytes);
	for (int i = 0; i < 5000; i++)
		fprintf(file, "%d ", i);
	fclose(file);
	free(memory);
}

int main(void)
{
	sizes();
	resizing();
	alignment();
	text();
	printf("mix %d\n", kept[2201] != NULL);
	return 0;
}
