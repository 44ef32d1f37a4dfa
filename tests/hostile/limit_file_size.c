/* SPDX-License-Identifier: MIT */
/*
 * Lives under a file size limit of 4 KiB. An instrument that creates a larger file makes the kernel send SIGXFSZ to the
 * program: death where the program never wrote too much, a signal that it did not cause where it handles them.
 *
 * run: default => exit 0; exit 5, exit 5
 * run: handled => exit 0; exit 5, exit 5
 * run: zero => exit 0; exit 5, exit 5
 */
#include "hostile.h"

#include <sys/resource.h>

static volatile sig_atomic_t exceeded;

static void count_signal(int number)
{
	(void)number;
	exceeded++;
}

static void exceed(void)
{
	char page[6000] = { 0 };
	char name[] = "large.XXXXXX";
	int fd = mkstemp(name);

	say_result("write of 6000", write(fd, page, sizeof(page)));
	say_result("write of 1 more", write(fd, page, 1));
	say_result("ftruncate", ftruncate(fd, 100000));
	say("signals: %d", (int)exceeded);
	close(fd);
	unlink(name);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "default";
	struct rlimit limit = { 4096, 4096 };

	if (!strcmp(way, "again")) {
		say_heap("executed");
		return 5;
	}
	if (!strcmp(way, "zero"))
		limit.rlim_cur = limit.rlim_max = 0;
	if (!strcmp(way, "handled"))
		signal(SIGXFSZ, count_signal);
	/* The transcript may be a file: it must not be what exceeds the limit, so a pipe goes in between. */
	int pipe_ends[2];
	if (pipe(pipe_ends))
		return 1;
	pid_t child = fork();
	if (!child) {
		dup2(pipe_ends[1], STDOUT_FILENO);
		close(pipe_ends[0]);
		close(pipe_ends[1]);
		say_result("setrlimit", setrlimit(RLIMIT_FSIZE, &limit));
		say_heap("limited");
		if (!strcmp(way, "handled"))
			exceed();
		pid_t grandchild = fork();
		if (!grandchild) {
			execl("/proc/self/exe", argv[0], "again", (char *)NULL);
			_exit(1);
		}
		reap("executed", grandchild);
		say("signals: %d", (int)exceeded);
		exit(5);
	}
	close(pipe_ends[1]);
	char heard[4096];
	ssize_t got;
	while ((got = read(pipe_ends[0], heard, sizeof(heard))) > 0)
		if (write(STDOUT_FILENO, heard, (size_t)got) != got)
			return TRANSCRIPT_LOST;
	reap("child", child);
	return 0;
}
