/* SPDX-License-Identifier: MIT */
/* One long-lived block of 48 bytes to each 4 KiB of others that are freed again: 4,000 pages are kept by intern_name's blocks alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES 4000
#define REST  1000

static char *names[NAMES], *rest[NAMES][4];

__attribute__((noinline)) static char *intern_name(void)
{
	char *name = malloc(48);

	return memset(name, 1, 48);
}

__attribute__((noinline)) static char *request(void)
{
	char *bytes = malloc(REST);

	return memset(bytes, 1, REST);
}

int main(void)
{
	for (int i = 0; i < NAMES; i++) {
		names[i] = intern_name();
		for (int j = 0; j < 4; j++)
			rest[i][j] = request();
	}
	for (int i = 0; i < NAMES; i++)
		for (int j = 0; j < 4; j++)
			free(rest[i][j]);
	return names[NAMES - 1][0] - 1;
}
