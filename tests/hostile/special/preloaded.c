/* SPDX-License-Identifier: MIT */
/*
 * Runs with a library preloaded by the user: it must work here and in every child, and LD_PRELOAD must read as the user
 * set it, also after the program changes or removes it.
 *
 * run: => exit 0; exit 0 x3, exit 73
 * preload: %W/other_preload.so
 */
#include "../hostile.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
	unsigned long (*calls)(void) = (unsigned long (*)(void))dlsym(RTLD_DEFAULT, "other_preload_calls");
	const char *preload = getenv("LD_PRELOAD");

	say("the other library is here: %d, parent %d", calls != NULL, calls ? getppid() : 0);
	say("LD_PRELOAD: %s", preload ? strrchr(preload, '/') ? strrchr(preload, '/') + 1 : preload : "unset");
	if (argc > 1)
		return 73;
	unsigned long before = calls ? calls() : 0;
	for (size_t i = 0; i < 100; i++)
		free(kept(malloc(i)));
	say("its calls: %lu", (calls ? calls() : 0) - before);
	say_result("system", system("echo $(basename \"$LD_PRELOAD\")"));
	unsetenv("LD_PRELOAD");
	say_result("system", system("echo ${LD_PRELOAD-unset}"));
	pid_t child = fork();
	if (!child) {
		execl("/proc/self/exe", argv[0], "child", (char *)NULL);
		_exit(126);
	}
	reap("child", child);
	return 0;
}
