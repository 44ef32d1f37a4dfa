/* SPDX-License-Identifier: MIT */
/*
 * Changes its environment in every way (setenv, putenv, unsetenv, clearenv, environ replaced, moved, NULL), looks at
 * it, and hands it on. An instrument that hides its variables by counting, or adds them by setenv, breaks one of these;
 * each child must see what bare shows.
 *
 * run: => exit 0; exit 0 x15, exit 1
 */
#include "hostile.h"

extern char **environ;

static void show(const char *when)
{
	int count = 0;

	for (char **variable = environ; variable && *variable; variable++)
		count++;
	say("%s: %d variables, LD_PRELOAD %s", when, count, getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "unset");
}

static void hand_on(void)
{
	say_result("system", system("/usr/bin/env | /usr/bin/grep -v ^PWD= | /usr/bin/sort"));
}

int main(void)
{
	static char text[] = "PUT=here", path[] = "PATH=/usr/bin:/bin", other[] = "OTHER=1";
	static char *mine[] = { path, other, NULL };

	show("start");
	say_result("clearenv", clearenv());
	show("cleared");
	hand_on();
	say_result("setenv", setenv("PATH", "/usr/bin:/bin", 1));
	say_result("setenv", setenv("LD_PRELOAD", "", 1));
	say_result("putenv", putenv(text));
	show("set");
	hand_on();
	text[4] = 't'; /* putenv's string is the variable */
	say_result("unsetenv", unsetenv("LD_PRELOAD"));
	say_result("unsetenv of nothing", unsetenv("LD_PRELOAD"));
	say_result("unsetenv of nonsense", unsetenv("A=B"));
	show("unset");
	hand_on();
	environ = mine;
	show("replaced");
	hand_on();
	setenv("ADDED", "2", 1);
	show("added");
	environ = NULL;
	say_pointer("getenv", getenv("PATH"));
	show("none");
	execl("/usr/bin/env", "env", (char *)NULL);
	return 1;
}
