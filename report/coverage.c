/* SPDX-License-Identifier: MIT */
/* Compares the kernel's count of calls that read and write with the counted ones. */
#include "coverage.h"

#include <sys/syscall.h>

#include "calls.h"
#include "figures.h"

/* kernel/fs: where inc_syscr and inc_syscw are called. */
enum { READS = 1, WRITES = 2, MAYBE = 4 /* once, twice or not at all */ };

static unsigned counted_as(unsigned number)
{
	switch (number) {
	case SYS_read: case SYS_pread64: case SYS_readv: case SYS_preadv: case SYS_preadv2:
		return READS;
	case SYS_write: case SYS_pwrite64: case SYS_writev: case SYS_pwritev: case SYS_pwritev2:
		return WRITES;
	case SYS_sendfile: case SYS_copy_file_range: case SYS_splice: case SYS_tee: case SYS_vmsplice: case SYS_execve: case SYS_execveat: case SYS_io_submit:
	case SYS_io_uring_enter: case SYS_process_vm_readv: case SYS_process_vm_writev:
		return MAYBE;
	}
	return 0;
}

static uint64_t beyond(uint64_t counted, uint64_t at_most)
{
	return counted == CAPTURE_UNKNOWN || at_most == CAPTURE_UNKNOWN ? CAPTURE_UNKNOWN : counted > at_most ? counted - at_most : 0;
}

struct coverage coverage_of(const struct capture *c)
{
	struct coverage coverage = { c->kernel_reads, 0, c->kernel_writes, 0, 0 };
	uint64_t reads = 0, writes = 0, maybe = 0;

	for (size_t i = 0; i < c->cells_used; i++) {
		const struct capture_call *cell = &c->calls[i];
		unsigned as = counted_as(cell->number);

		if (as == READS) {
			reads = figure_sum(reads, cell->calls);
			coverage.seen_reads = figure_sum(coverage.seen_reads, figure_less(cell->calls, cell->errors));
		} else if (as == WRITES) {
			writes = figure_sum(writes, cell->calls);
			coverage.seen_writes = figure_sum(coverage.seen_writes, figure_less(cell->calls, cell->errors));
		} else if (as == MAYBE) {
			maybe = figure_sum(maybe, figure_sum(cell->calls, cell->calls));
		}
	}
	coverage.unseen_least = figure_sum(beyond(c->kernel_reads, figure_sum(reads, maybe)), beyond(c->kernel_writes, figure_sum(writes, maybe)));
	return coverage;
}
