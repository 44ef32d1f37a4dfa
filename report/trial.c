/* SPDX-License-Identifier: MIT */
/* The command's side of a run: start a keeper, wait for it, and tell it when a signal ends the comparison. */
#include "trial.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "complain.h"
#include "keeper.h"

#define TICK_MS 250

/* Returns the signal that ends the comparison, or what there was before. */
static int take_signals(int signals, pid_t keeper, int interrupted)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		if (!interrupted)
			interrupted = (int)info.ssi_signo;
		kill(keeper, SIGTERM);
	}
	return interrupted;
}

static int wait_for(pid_t keeper, int signals, void (*tick)(void))
{
	struct pollfd polled = { .fd = signals, .events = POLLIN };
	int interrupted = 0;

	while (!waitpid(keeper, NULL, WNOHANG)) {
		poll(&polled, 1, tick ? TICK_MS : -1);
		interrupted = take_signals(signals, keeper, interrupted);
		if (tick)
			tick();
	}
	return interrupted;
}

int trial_run(const struct trial *trial, struct trial_result *result, int signals, void (*tick)(void))
{
	struct keeper_page *page =
		mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t command = getpid(), keeper;
	int interrupted;

	fflush(NULL);
	keeper = page == MAP_FAILED ? -1 : fork();
	if (!keeper) {
		keeper_main(trial, page, command);
		_exit(STATUS_GOOD);
	}
	if (keeper < 0) {
		complain("cannot start %s: %s", trial->arguments[0], strerror(errno));
		return -1;
	}
	interrupted = wait_for(keeper, signals, tick);
	*result = page->result;
	munmap(page, sizeof(*page));
	if (interrupted)
		result->done = false;
	if (!interrupted && result->error)
		complain("%s: %s", trial->arguments[0], strerror(result->error));
	return interrupted ? interrupted : result->error ? -1 : 0;
}
