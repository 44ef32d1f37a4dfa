/* SPDX-License-Identifier: MIT */
/*
 * Loads and unloads a library 1,000 times whose constructor, destructor and thread-local data allocate. An instrument
 * that keeps pointers into what was loaded, or takes a lock that the loader holds, crashes, hangs or grows.
 *
 * run: %W/plugin.so => exit 0
 */
#include "hostile.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
	int loaded = 0, sum = 0, unloaded = 0;

	for (int i = 0; i < 1000; i++) {
		void *library = dlopen(argc > 1 ? argv[1] : "", i % 2 ? RTLD_NOW : RTLD_LAZY | RTLD_GLOBAL);
		if (!library) {
			say("dlopen: %s", dlerror());
			return 1;
		}
		loaded++;
		int (*answer)(int) = (int (*)(int))dlsym(library, "plugin_answer");
		sum += answer ? answer(i) : -1000000;
		unloaded += !dlclose(library);
	}
	say("loaded %d, unloaded %d, sum %d", loaded, unloaded, sum);
	say_pointer("dlsym of malloc", dlsym(RTLD_DEFAULT, "malloc"));
	say_pointer("dlsym of what nobody has", dlsym(RTLD_DEFAULT, "plugin_answer"));
	return 0;
}
