/* SPDX-License-Identifier: MIT */
/* Ends with status 40 + the first free descriptor, the same in a child: it must stay what the shell closed. */
#include "../hostile.h"

int main(void)
{
	int status = 0;
	pid_t child = fork();

	if (!child)
		_exit(40 + open("/dev/null", O_RDONLY));
	waitpid(child, &status, 0);
	int mine = 40 + open("/dev/null", O_RDONLY);
	return WIFEXITED(status) && WEXITSTATUS(status) == mine ? mine : 1;
}
