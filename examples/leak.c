/* SPDX-License-Identifier: MIT */
/* Answers requests under two names; one answer in ten of the second kind forgets its buffer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pagegap.h"

#define REQUESTS 5000
#define BUFFER   1000

static int leaked;

__attribute__((noinline)) static char *make_buffer(void)
{
	char *buffer = malloc(BUFFER);

	return buffer ? memset(buffer, 1, BUFFER) : NULL;
}

__attribute__((noinline)) static void answer(int request, int forgets)
{
	char *volatile buffer = make_buffer();

	if (forgets && request % 10 == 0)
		leaked++; /* and nobody knows of it any more */
	else
		free(buffer);
}

int main(void)
{
	for (int i = 0; i < REQUESTS; i++) {
		pagegap_tag_push("GET");
		answer(i, 0);
		pagegap_tag_pop();
		pagegap_tag_push("PUT");
		answer(i, 1);
		pagegap_tag_pop();
	}
	printf("leaked_blocks %d\nleaked_bytes %d\n", leaked, leaked * BUFFER);
	return 0;
}
