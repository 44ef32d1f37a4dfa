/* SPDX-License-Identifier: MIT */
/* Made and taken away again. */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "complain.h"
#include "memory.h"

char *scratch_make(void)
{
	const char *given = getenv("TMPDIR");
	char *directory = memory_format("%s/pagegap-compare.XXXXXX", given && *given ? given : "/tmp"), *absolute;

	if (!mkdtemp(directory)) {
		complain("%s: %s; set TMPDIR to a directory for temporary files", directory, strerror(errno));
		free(directory);
		return NULL;
	}
	absolute = realpath(directory, NULL);
	if (!absolute)
		return directory;
	free(directory);
	return absolute;
}

void scratch_clear(const char *directory)
{
	DIR *list = opendir(directory);
	struct dirent *entry;

	while (list && (entry = readdir(list)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(list), entry->d_name, 0);
	if (list)
		closedir(list);
	rmdir(directory);
}
