/* SPDX-License-Identifier: MIT */
/* A parser that copies each word before it looks at it: as many allocations as words, none of which outlives the next one. One list of what it found stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 200000

__attribute__((noinline)) static char *copy_word(const char *word)
{
	char *copy = malloc(strlen(word) + 1);

	return copy ? strcpy(copy, word) : NULL;
}

int main(void)
{
	static const char *const words[] = { "one", "word", "after", "another" };
	int *found = calloc(sizeof(words) / sizeof(words[0]), sizeof(*found));

	if (!found)
		return 1;
	for (int i = 0; i < WORDS; i++) {
		char *copy = copy_word(words[i % 4]);

		if (!copy)
			return 1;
		found[i % 4] += copy[0] != '\0';
		free(copy);
	}
	printf("temporary_blocks %d\nfound %d\n", WORDS, found[0] + found[1] + found[2] + found[3]);
	return 0;
}
