/* SPDX-License-Identifier: MIT */
/* How the tracer reaches what a call of another process is about. Inside the observed program the recorder has functions of these names. */
#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log_take.h"

bool log_reach_descriptors = true;

long log_take_memory(int tid, uint64_t address, void *to, size_t bytes)
{
	struct iovec here = { to, bytes }, there = { (void *)(uintptr_t)address, bytes };
	ssize_t got = process_vm_readv(tid, &here, 1, &there, 1, 0);

	return got < 0 ? -errno : got;
}

long log_take_descriptor(int tid, int descriptor, char *to, size_t bytes)
{
	char path[64];
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, descriptor);
	got = log_reach_descriptors && descriptor >= 0 ? readlink(path, to, bytes) : -1;
	return got < 0 ? -errno : got;
}
