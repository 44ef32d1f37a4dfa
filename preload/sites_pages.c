/* SPDX-License-Identifier: MIT */
/* What each call site holds when a ledger is taken: summed by the ledger's walk, and written behind the tables (capture_sites.h). */
#include "instrument.h"
#include "ledger_internal.h"
#include "ranges.h"
#include "sites.h"

static struct capture_site_moment *sums;

static struct capture_site_moment *begin_sums(void)
{
	/* None beyond was ever counted: numbers only grow. */
	memset(sums, 0, __atomic_load_n(&sites->head.sites_used, __ATOMIC_ACQUIRE) * sizeof(sums[0]));
	return sums;
}

static const struct ledger_sites want = { begin_sums, sites_of };

void sites_pages_begin(void)
{
	if (!sums && sites)
		sums = sys_reserve(SITES_MOST * sizeof(sums[0]));
	if (!sums)
		return;
	ranges_claim_instrument((uint64_t)sums, (uint64_t)(sums + SITES_MOST));
	ledger_sites = sites && sites_each ? &want : NULL;
}

void sites_pages_write(uint32_t number, uint64_t at_ns)
{
	struct capture_sites_moment_head head = { .at_ns = at_ns };
	uint64_t at = SITES_MOMENT_AT(number), bytes;
	long fd;

	if (!ledger_sites)
		return;
	head.sites = __atomic_load_n(&sites->head.sites_used, __ATOMIC_ACQUIRE);
	bytes = head.sites * sizeof(sums[0]);
	fd = recording_open(SITES_SUFFIX, at + SITES_MOMENT_BYTES, 0);
	if (fd < 0)
		return;
	if (sys_pwrite((int)fd, sums, bytes, at + SITES_MOMENT_HEAD_BYTES) == (long)bytes)
		sys_pwrite((int)fd, &head, sizeof(head), at);
	sys_close((int)fd);
}
