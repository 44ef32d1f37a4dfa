/* SPDX-License-Identifier: MIT */
/* The progress line: on standard error, only if that is a terminal, drawn at most ten times a second. */
#include "progress.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "figures.h"
#include "units.h"

static struct {
	const char *what;
	size_t   of;
	uint64_t begun_ns, drawn_ns;
	bool     terminal, drawn;
} progress;

void progress_begin(const char *what, size_t of)
{
	progress.what = what;
	progress.of = of;
	progress.begun_ns = progress.drawn_ns = now_ns();
	progress.terminal = isatty(STDERR_FILENO);
	progress.drawn = false;
}

void progress_at(size_t done)
{
	uint64_t now;

	if (!progress.terminal)
		return;
	now = now_ns();
	if (now - progress.begun_ns < 1000000000 || now - progress.drawn_ns < 100000000)
		return;
	progress.drawn_ns = now;
	progress.drawn = true;
	fprintf(stderr, "\r%s: %s of %s ", progress.what, figure_count(done).text, figure_count(progress.of).text);
	fflush(stderr);
}

void progress_end(void)
{
	if (progress.drawn)
		fputs("\r\033[K", stderr);
	progress.drawn = false;
}
