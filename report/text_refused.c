/* SPDX-License-Identifier: MIT */
/* Memory that was refused: what was asked for, against which limit, and the ledger of that moment. */
#include <stdlib.h>

#include "memory.h"
#include "refusals.h"
#include "report_text.h"

static uint64_t since_start(const struct subject *subject, uint64_t at_ns)
{
	return figure_less(at_ns, subject->capture->start_ns);
}

static char *describe_requests(const struct page *page, const struct subject *subject)
{
	const struct capture_exhaustion *e = &subject->capture->exhaustion;
	char *line = memory_copy("", 0);

	for (size_t i = 0; i < CAPTURE_REQUESTS; i++) {
		const struct capture_refused *r = &e->refused[i];

		if (!r->count)
			continue;
		memory_append(&line, "%s%s %s time%s, %s", *line ? "; " : "", request_keys[i], COUNT(r->count),
			      r->count == 1 ? "" : "s", BYTES(r->least_bytes));
		if (r->most_bytes != r->least_bytes)
			memory_append(&line, " to %s", BYTES(r->most_bytes));
		memory_append(&line, ", at %s", TIME(since_start(subject, r->first_ns)));
		if (r->count > 1)
			memory_append(&line, ", last at %s", TIME(since_start(subject, r->last_ns)));
	}
	return line;
}

static void print_limit(struct page *page, const struct capture_exhaustion *e)
{
	struct refusal refusal = refusal_of(e);
	struct figure bytes = figure_bytes(e->first_bytes, page->exact);

	switch (refusal.cause) {
	case REFUSAL_SIZE:
		page_under(page, "by no limit: the first, for %s, was for more than an address space has", bytes.text);
		return;
	case REFUSAL_HUGE_PAGES:
		page_under(page, "by no limit of the process: so many explicit huge pages are not set aside, or not free "
				 "(vm.nr_hugepages); other memory is not concerned");
		return;
	case REFUSAL_MAPPINGS:
		page_under(page, "the limit: vm.max_map_count, %s mappings; the process had %s", COUNT(refusal.limit),
			   COUNT(refusal.used));
		return;
	case REFUSAL_ADDRESS_SPACE:
		page_under(page,
			   "the limit: RLIMIT_AS (ulimit -v), %s; %s were mapped when %s more were asked for first",
			   BYTES(refusal.limit), BYTES(refusal.used), bytes.text);
		return;
	case REFUSAL_DATA:
		page_under(page,
			   "the limit: RLIMIT_DATA (ulimit -d), %s; there were %s of data when %s more were "
			   "asked for first",
			   BYTES(refusal.limit), BYTES(refusal.used), bytes.text);
		return;
	case REFUSAL_COMMIT:
		page_under(page,
			   "the limit: what the machine commits (vm.overcommit_memory is 2), %s; %s were committed "
			   "when %s more were asked for first",
			   BYTES(refusal.limit), BYTES(refusal.used), bytes.text);
		return;
	case REFUSAL_MEMORY:
		page_under(page,
			   "the limit: the machine's memory and swap space, %s, which no single request may exceed "
			   "(vm.overcommit_memory is 0); the first was for %s",
			   BYTES(refusal.limit), bytes.text);
		return;
	case REFUSAL_UNKNOWN:
		page_under(page, "by which limit is not known: neither RLIMIT_AS nor RLIMIT_DATA nor the machine's "
				 "explains it");
		return;
	}
}

void text_refused(struct page *page, const struct subject *subject)
{
	const struct capture_exhaustion *e = &subject->capture->exhaustion;
	const struct capture_snapshot *s = &subject->capture->snapshots[SNAPSHOT_REFUSED];
	char *line;

	if (!e->noted)
		return;
	line = describe_requests(page, subject);
	page_section(page, "Memory refused", "%s", line);
	free(line);
	print_limit(page, e);
	if (s->sequence && s != subject->snapshot)
		text_ledger_of(page, subject, s);
}
