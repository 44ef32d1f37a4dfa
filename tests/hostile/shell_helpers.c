/* SPDX-License-Identifier: MIT */
/*
 * system, popen, wordexp and forkpty: libc's own helpers that fork where no wrapper sees it, block signals meanwhile,
 * and wait. Their results, the signal dispositions after them, and what the shells see must be as ever.
 *
 * run: => exit 0; exit 0 x6, exit 3, exit 4, signal 9, exit 60
 */
#include "hostile.h"

#include <pty.h>
#include <termios.h>

static void read_all(const char *what, FILE *stream)
{
	char line[200];

	while (stream && fgets(line, sizeof(line), stream))
		say("%s: %.*s", what, (int)strcspn(line, "\r\n"), line);
}

int main(void)
{
	struct sigaction action;
	int terminal;

	say_result("system without a command", system(NULL) != 0);
	say_result("system", system("exit 3"));
	say_result("system", system("kill -9 $$"));
	say_result("system", system("echo one | cat"));
	FILE *stream = popen("echo to popen; exit 4", "r");
	read_all("popen", stream);
	say_result("pclose", pclose(stream));
	stream = popen("cat", "we");
	fputs("from popen\n", stream);
	say_result("pclose", pclose(stream));
	sigaction(SIGINT, NULL, &action);
	say("SIGINT default: %d", action.sa_handler == SIG_DFL);

	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	pid_t child = forkpty(&terminal, NULL, NULL, &size);
	if (!child) {
		say("on a terminal: %d %d", isatty(0), isatty(1));
		say_heap("on a terminal");
		_exit(60);
	}
	stream = fdopen(terminal, "r");
	read_all("terminal", stream);
	reap("terminal", child);
	fclose(stream);
	say_result("next descriptor", open("/dev/null", O_RDONLY));
	return 0;
}
