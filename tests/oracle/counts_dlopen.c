/* SPDX-License-Identifier: MIT */
/*
 * Libraries that come and go while the program runs, for the comparison of counts with valgrind: the loader allocates
 * for each, and so do the constructors of the library. A name that cannot be found allocates its error message.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	double (*cosine)(double) = NULL;
	void *library, *missing;

	for (int i = 0; i < 20; i++) {
		library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
		if (!library)
			return 1;
		cosine = (double (*)(double))dlsym(library, "cos");
		if (!cosine || cosine(0) < 1)
			return 1;
		if (dlsym(library, "no_such_symbol") || !dlerror())
			return 1;
		if (dlclose(library) != 0)
			return 1;
	}
	missing = dlopen("no-such-library.so", RTLD_NOW);
	library = dlopen("libz.so.1", RTLD_LAZY | RTLD_LOCAL);
	printf("dlopen %d %d\n", missing != NULL, library != NULL);
	return 0;
}
