/* SPDX-License-Identifier: MIT */
/*
 * Needs a library whose constructor allocates and forks before ours has run.
 *
 * run: => exit 0; exit 72
 */
#include "../hostile.h"

int first_right(void);

int main(void)
{
	say("right of 51: %d", first_right());
	return 0;
}
