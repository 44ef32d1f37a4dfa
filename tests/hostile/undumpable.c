/* SPDX-License-Identifier: MIT */
/*
 * Makes itself undumpable, as key agents do: /proc/self then belongs to root and an ordinary user cannot open it, nor
 * may anybody trace or read this process. The snapshot at exit may be missing; nothing else may.
 *
 * run: => exit 0; exit 65
 * ledger: none
 */
#include "hostile.h"

#include <sys/prctl.h>

int main(void)
{
	say_result("prctl", prctl(PR_SET_DUMPABLE, 0));
	say_result("no new privileges", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	say_heap("undumpable");
	pid_t child = fork();
	if (!child) {
		say("child is dumpable: %d", prctl(PR_GET_DUMPABLE));
		say_heap("child");
		exit(65);
	}
	reap("child", child);
	return 0;
}
