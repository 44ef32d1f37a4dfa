/* SPDX-License-Identifier: MIT */
/*
 * The program's outputs are pipes that end here: read, counted, hashed and forgotten, so that their size is nobody's
 * concern. As a subreaper (prctl(2)) the keeper becomes the parent of whatever the program orphans, so that a daemon is
 * neither lost nor waited for.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "complain.h"
#include "descendants.h"
#include "figures.h"
#include "memory.h"
#include "verb.h"

#define STRAGGLERS_MS 250       /* for what the program started to end by itself after it */
#define POLITE_MS     500       /* between SIGTERM and SIGKILL */
#define STUBBORN_MS   5000      /* what has not gone by then cannot be ended: another user's, or stuck in the kernel */
#define LOOK_MS       5         /* between two looks at what is left */

struct keeper {
	const struct trial *trial;
	struct trial_result *result;
	struct keeper_page *page;
	pid_t program;
	bool  ended;            /* the program; others may be left */
	bool  others;           /* there are children */
	int   told;             /* how often to end it */
	int   signals;
	int   outputs[TRIAL_OUTPUTS];   /* ends to read; -1: at its end */
};

/* In the program's process */

static void fail(struct trial_result *result) __attribute__((noreturn));
static void fail(struct trial_result *result)
{
	result->error = errno;
	_exit(STATUS_FAILED);
}

/* Runs it as `pagegap run` would; its report is of no interest, its recording is. */
static void become_observed(const struct trial *trial) __attribute__((noreturn));
static void become_observed(const struct trial *trial)
{
	size_t count = 0, used = 0;
	char **arguments;

	while (trial->arguments[count])
		count++;
	arguments = memory_get((count + 7) * sizeof(arguments[0]));
	arguments[used++] = memory_format("run");
	arguments[used++] = memory_format("--output=%s", trial->recording);
	arguments[used++] = memory_format("--report=/dev/null");
	arguments[used++] = memory_format("--faults=count");
	arguments[used++] = memory_format("--trace=off"); /* it is the allocators that are compared */
	arguments[used++] = memory_format("--");
	memcpy(arguments + used, trial->arguments, count * sizeof(arguments[0]));
	complain_fd = -1; /* what there is to say the comparison says */
	_exit(verb_run((int)(used + count), arguments));
}

static void become_program(const struct keeper *keeper, const int *outputs) __attribute__((noreturn));
static void become_program(const struct keeper *keeper, const int *outputs)
{
	const struct trial *trial = keeper->trial;
	int input = open(trial->input ? trial->input : "/dev/null", O_RDONLY);

	if (input < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(outputs[TRIAL_OUT], STDOUT_FILENO) < 0 ||
	    dup2(outputs[TRIAL_ERR], STDERR_FILENO) < 0)
		fail(keeper->result);
	if (input != STDIN_FILENO)
		close(input);
	environ = trial->environment;
	sigaction(SIGCHLD, &trial->child_action, NULL);
	sigprocmask(SIG_SETMASK, &trial->mask, NULL);
	if (trial->recording)
		become_observed(trial);
	getrusage(RUSAGE_SELF, &keeper->page->before);
	keeper->page->start_ns = now_ns();
	execvp(trial->arguments[0], trial->arguments);
	keeper->result->not_executable = true;
	fail(keeper->result);
}

/* In the keeper */

static void keep_output(struct keeper *keeper, int which, const char *bytes, size_t length)
{
	struct trial_output *output = &keeper->result->outputs[which];
	size_t room = output->bytes < TRIAL_KEPT_BYTES ? TRIAL_KEPT_BYTES - (size_t)output->bytes : 0;
	int file = keeper->trial->keep[which];

	while (file >= 0 && room) {
		ssize_t put = write(file, bytes, length < room ? length : room);

		if (put <= 0)
			break;
		bytes += put;
		length -= (size_t)put;
		room = length ? room - (size_t)put : 0;
	}
}

/* FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/): it need not withstand anybody. */
static uint64_t add_to_hash(uint64_t hash, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3;
	return hash;
}

static void take_in(struct keeper *keeper, int which, const char *bytes, size_t length)
{
	struct trial_result *result = keeper->result;
	struct trial_output *output = &result->outputs[which];
	size_t room = sizeof(result->said) - result->said_bytes;

	keep_output(keeper, which, bytes, length);
	output->hash = add_to_hash(output->hash, bytes, length);
	output->bytes += length;
	if (which != TRIAL_ERR)
		return;
	memcpy(result->said + result->said_bytes, bytes, length < room ? length : room);
	result->said_bytes += length < room ? length : room;
}

/* What a pipe holds at most (pipe(7), pipe-max-size), and no more: a program may write without end. */
static void drain(struct keeper *keeper)
{
	static char buffer[64 << 10];

	for (int i = 0; i < TRIAL_OUTPUTS; i++) {
		ssize_t got = keeper->outputs[i] < 0 ? -1 : 1;

		for (size_t taken = 0; got > 0 && taken < 1 << 20; taken += (size_t)got) {
			got = read(keeper->outputs[i], buffer, sizeof(buffer));
			if (got <= 0)
				break;
			take_in(keeper, i, buffer, (size_t)got);
		}
		if (got)
			continue;
		close(keeper->outputs[i]);
		keeper->outputs[i] = -1;
	}
}

static void reap(struct keeper *keeper)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != keeper->program)
			continue;
		keeper->result->wall_ns = now_ns();
		keeper->result->status = status;
		keeper->ended = true;
	}
	keeper->others = !pid;
}

/* Waits for news, at most so long, and takes them in. */
static void listen(struct keeper *keeper, int wait_ms)
{
	struct pollfd polls[1 + TRIAL_OUTPUTS] = { { .fd = keeper->signals, .events = POLLIN } };
	struct signalfd_siginfo info;

	for (int i = 0; i < TRIAL_OUTPUTS; i++)
		polls[1 + i] = (struct pollfd){ .fd = keeper->outputs[i], .events = POLLIN };
	if (poll(polls, sizeof(polls) / sizeof(polls[0]), wait_ms) < 0)
		return;
	while (read(keeper->signals, &info, sizeof(info)) == sizeof(info))
		keeper->told += info.ssi_signo == SIGTERM;
	reap(keeper);
	drain(keeper);
}

/* Until nothing is left, or so long. */
static void wait_for_all(struct keeper *keeper, uint64_t wait_ms, int number, int enough)
{
	uint64_t until = now_ns() + wait_ms * 1000000;

	while (keeper->others && now_ns() < until && keeper->told < enough) {
		if (number)
			descendants_signal(getpid(), number);
		listen(keeper, LOOK_MS);
	}
}

/* One that forks and ends all the time is hard to see: that it is there is known. */
static size_t count_left(const struct keeper *keeper)
{
	size_t seen = keeper->others ? descendants_signal(getpid(), 0) : 0;

	return keeper->others && !seen ? 1 : seen;
}

static void end_all(struct keeper *keeper)
{
	if (keeper->others && keeper->told < 2) {
		descendants_signal(getpid(), SIGTERM);
		descendants_signal(getpid(), SIGCONT);
		wait_for_all(keeper, POLITE_MS, 0, 2);
	}
	wait_for_all(keeper, STUBBORN_MS, SIGKILL, INT32_MAX);
	keeper->result->immortal = count_left(keeper);
}

static uint64_t in_ns(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

/* Without what the keeper's own code used in the child before it became the program. */
static void add_usage(struct keeper_page *page)
{
	struct trial_result *result = &page->result;
	const struct rusage *before = &page->before;
	struct rusage all;

	getrusage(RUSAGE_CHILDREN, &all);
	result->user_ns = figure_less(in_ns(all.ru_utime), in_ns(before->ru_utime));
	result->system_ns = figure_less(in_ns(all.ru_stime), in_ns(before->ru_stime));
	result->minor_faults = (uint64_t)(all.ru_minflt - before->ru_minflt);
	result->major_faults = (uint64_t)(all.ru_majflt - before->ru_majflt);
	result->max_rss_bytes = (uint64_t)all.ru_maxrss << 10;
}

static bool open_pipes(struct keeper *keeper, int *ends)
{
	for (int i = 0; i < TRIAL_OUTPUTS; i++) {
		int both[2];

		keeper->result->outputs[i].hash = 0xcbf29ce484222325; /* FNV's offset basis */
		if (pipe2(both, O_CLOEXEC))
			return false;
		keeper->outputs[i] = both[0];
		ends[i] = both[1];
		/* Of this end alone: the program's is a description of its own. */
		if (fcntl(both[0], F_SETFL, O_NONBLOCK))
			return false;
	}
	return true;
}

static bool begin(struct keeper *keeper, pid_t command)
{
	int ends[TRIAL_OUTPUTS];
	sigset_t heard;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != command)
		return false;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&heard);
	sigaddset(&heard, SIGCHLD);
	sigaddset(&heard, SIGTERM);
	keeper->signals = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
	if (keeper->signals < 0 || !open_pipes(keeper, ends))
		return false;
	keeper->program = fork(); /* not vfork: the peak of what it shared memory with would become its own */
	if (!keeper->program)
		become_program(keeper, ends);
	for (int i = 0; i < TRIAL_OUTPUTS; i++)
		close(ends[i]);
	return keeper->program > 0;
}

void keeper_main(const struct trial *trial, struct keeper_page *page, pid_t command)
{
	struct trial_result *result = &page->result;
	struct keeper keeper = { .trial = trial, .page = page, .result = result, .others = true };

	if (!begin(&keeper, command)) {
		result->error = errno ? errno : ESRCH;
		return;
	}
	while (!keeper.ended && !keeper.told)
		listen(&keeper, -1);
	if (keeper.ended) {
		result->wall_ns -= page->start_ns;
		result->done = !result->error;
		wait_for_all(&keeper, STRAGGLERS_MS, 0, 1);
		result->left_behind = count_left(&keeper);
	}
	if (keeper.others)
		end_all(&keeper);
	drain(&keeper);
	add_usage(page);
}
