/* SPDX-License-Identifier: MIT */
/* The counted calls: the kernel's name, number and service of each. */
#ifndef PAGEGAP_CALLS_H
#define PAGEGAP_CALLS_H

#include "../preload/capture.h"

struct call_name {
	const char *name, *category;
	long number;
};

extern const struct call_name call_names[CAPTURE_CALLS];

#endif
