/* SPDX-License-Identifier: MIT */
/*
 * Programs that ask for memory until they are refused, and know how often that was, for how much, and by which limit.
 * usage: exhaustion SCENARIO; without one it lists them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "oracle.h"

static volatile size_t most = SIZE_MAX; /* volatile: the compiler knows that no block is so large */

static void limit_to(int resource, uint64_t bytes)
{
	struct rlimit limit = { bytes, bytes };

	REQUIRE(setrlimit((__rlimit_resource_t)resource, &limit) == 0);
}

static void *map(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void expect_limit(const char *name, int64_t low, int64_t high)
{
	oracle_print("{\"fact\":\"limit\",\"value\":\"%s\"}\n", name);
	if (high)
		expect("process", NULL, "refused.limit_bytes", low, high, "the limit is the one that was set");
}

/* The report lists requests in the order malloc, mmap, mremap, brk. */
static void expect_refused(int place, uint64_t count, uint64_t least, uint64_t most)
{
	static const char *const figures[] = { "count", "least_bytes", "most_bytes" };
	static const char *const whats[] = { "as many were refused", "the smallest of them", "the largest of them" };
	uint64_t values[] = { count, least, most };
	char figure[64];

	for (int i = 0; i < 3; i++) {
		snprintf(figure, sizeof(figure), "refused.requests.%d.%s", place, figures[i]);
		expect_exact("process", NULL, figure, values[i], whats[i]);
	}
}

static void address_space(void)
{
	const uint64_t limit = status_bytes("\nVmSize:") + 64 * MIB;
	uint64_t pieces = 0;

	limit_to(RLIMIT_AS, limit);
	while (map(8 * MIB) != MAP_FAILED)
		pieces++;
	REQUIRE(errno == ENOMEM && pieces > 3 && map(100 * MIB) == MAP_FAILED);
	REQUIRE(opaque(malloc(20 * MIB)) == NULL && errno == ENOMEM);
	expect_limit("RLIMIT_AS", (int64_t)limit, (int64_t)limit);
	expect("process", NULL, "refused.used_bytes", (int64_t)(limit - 8 * MIB), (int64_t)limit,
	       "it was nearly used up");
	expect("refused", NULL, "anon mapped", (int64_t)(pieces * 8 * MIB), (int64_t)(pieces * 8 * MIB),
	       "the ledger of that moment has what it had got");
	expect_refused(0, 1, 20 * MIB, 20 * MIB);
	expect_refused(1, 2, 8 * MIB, 100 * MIB);
}

/* It gets blocks until there are none, writes each, and is killed by an access afterwards: all of it is there. */
static void blocks(void)
{
	const uint64_t limit = status_bytes("\nVmSize:") + 48 * MIB;
	uint64_t count = 0;
	char *block;

	limit_to(RLIMIT_AS, limit);
	while ((block = opaque(malloc(300000)))) {
		memset(block, 1, 300000);
		count++;
	}
	for (int i = 0; i < 9; i++)
		REQUIRE(opaque(realloc(opaque(malloc(10)), (20 + (size_t)i) * MIB)) == NULL);
	REQUIRE(opaque(calloc(most / 2, 4)) == NULL);
	expect_limit("RLIMIT_AS", (int64_t)limit, (int64_t)limit);
	expect("process", NULL, "refused.requests.0.count", 11, 11, "each of the requests");
	expect("process", NULL, "refused.first_bytes", 300000, 300000, "the first of them");
	expect("refused", NULL, "heap resident", (int64_t)(count * 300000), (int64_t)(count * 300000 + 4 * MIB),
	       "the ledger of that moment has the blocks");
}

static void data(void)
{
	const uint64_t limit = status_bytes("\nVmData:") + 32 * MIB;

	limit_to(RLIMIT_DATA, limit);
	REQUIRE(map(16 * MIB) != MAP_FAILED && map(24 * MIB) == MAP_FAILED);
	expect_limit("RLIMIT_DATA", (int64_t)limit, (int64_t)limit);
	expect_refused(0, 1, 24 * MIB, 24 * MIB);
}

static void moved(void)
{
	char *p = map(MIB);

	REQUIRE(p != MAP_FAILED);
	limit_to(RLIMIT_AS, status_bytes("\nVmSize:") + 16 * MIB);
	REQUIRE(mremap(p, MIB, 64 * MIB, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
	expect_limit("RLIMIT_AS", 0, 0);
	expect_refused(0, 1, 64 * MIB, 64 * MIB);
}

static void the_break(void)
{
	limit_to(RLIMIT_DATA, status_bytes("\nVmData:") + 2 * MIB);
	REQUIRE(sbrk(64 * MIB) == (void *)-1 && errno == ENOMEM);
	expect_limit("RLIMIT_DATA", 0, 0);
	expect_refused(0, 1, 64 * MIB, 64 * MIB);
}

/* Every second page has another access, so that each is a mapping of its own. */
static void too_many_mappings(void)
{
	static char text[64];
	size_t limit, at = 0;
	char *p;

	proc_read("/proc/sys/vm/max_map_count", text, sizeof(text));
	limit = strtoul(text, NULL, 10);
	if (limit > 100000) {
		fact("skipped", 1);
		return;
	}
	p = map((2 * limit + 2) * PAGE);
	REQUIRE(p != MAP_FAILED);
	while (at < limit && mprotect(p + 2 * at * PAGE, PAGE, PROT_READ) == 0)
		at++;
	for (int i = 0; i < 4 && p != MAP_FAILED; i++) /* a split that fails may leave room for some */
		p = mmap(NULL, PAGE, PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(at < limit && p == MAP_FAILED && errno == ENOMEM);
	expect_limit("vm.max_map_count", 0, 0);
	expect("process", NULL, "refused.mappings", (int64_t)limit - 4, (int64_t)limit + 4,
	       "there were as many mappings as there may be");
}

static void too_large(void)
{
	REQUIRE(opaque(malloc(most / 2 + 5)) == NULL && errno == ENOMEM);
	expect_limit("address_space_size", 0, 0);
	expect("process", NULL, "refused.requests.0.count", 1, 1, "one was refused");
}

/* As servers do that would like to have huge pages: that says nothing of other memory. */
static void no_huge_pages(void)
{
	const uint64_t bytes = 1UL << 40;

	REQUIRE(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) == MAP_FAILED);
	REQUIRE(errno == ENOMEM && map(8 * MIB) != MAP_FAILED);
	expect_limit("vm.nr_hugepages", 0, 0);
	expect_refused(0, 1, bytes, bytes);
}

/* A limit that is reached later is what matters. */
static void too_large_first(void)
{
	uint64_t limit;

	REQUIRE(opaque(malloc(most / 2 + 5)) == NULL && errno == ENOMEM);
	limit = status_bytes("\nVmSize:") + 4 * MIB;
	limit_to(RLIMIT_AS, limit);
	REQUIRE(map(8 * MIB) == MAP_FAILED);
	expect_limit("RLIMIT_AS", (int64_t)limit, (int64_t)limit);
	expect("process", NULL, "refused.first_bytes", 8 * MIB, 8 * MIB, "the first request that a limit refused");
	expect("refused", NULL, "vm_size_bytes", MIB, (int64_t)limit, "and the ledger of that moment");
}

/* What fails for another reason was not refused for want of memory. */
static void bad_arguments(void)
{
	void *p;

	errno = ENOMEM;
	REQUIRE(posix_memalign(&p, 3, 100) == EINVAL);
	REQUIRE(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
	REQUIRE(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
	oracle_print("{\"fact\":\"limit\",\"value\":\"none\"}\n");
}

/* The child is refused something, its parent is not. */
static void in_a_child(void)
{
	pid_t child;
	int status;

	oracle_flush();
	child = fork();
	if (!child) {
		limit_to(RLIMIT_AS, status_bytes("\nVmSize:") + 4 * MIB);
		REQUIRE(map(8 * MIB) == MAP_FAILED);
		expect("process", NULL, "refused.requests.0.count", 1, 1, "the child was refused one");
		expect("refused", NULL, "vm_size_bytes", MIB, INT32_MAX, "and has a ledger of that moment");
		oracle_flush();
		_exit(0);
	}
	REQUIRE(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	oracle_print("{\"fact\":\"limit\",\"value\":\"none\"}\n");
}

static const struct { const char *name; void (*run)(void); } scenarios[] = {
	{ "address_space", address_space }, { "blocks", blocks }, { "data", data }, { "moved", moved },
	{ "the_break", the_break },
	{ "too_many_mappings", too_many_mappings }, { "too_large", too_large },
	{ "no_huge_pages", no_huge_pages }, { "too_large_first", too_large_first }, { "bad_arguments", bad_arguments },
	{ "in_a_child", in_a_child },
};

/*
 * For a cgroup with a limit: writes memory until it is killed. It lingers while it has two thirds of it, growing slowly: ledgers
 * are taken only so often that they cost little, and a busy machine makes them dear.
 */
static void eat(void)
{
	const size_t lingers_from = 32 * MIB, lingers_until = 36 * MIB, crumb = 16 * 1024;
	static char *last;

	for (size_t eaten = 0;;) {
		size_t bite = eaten >= lingers_from && eaten < lingers_until ? crumb : MIB;

		last = opaque(malloc(bite));
		REQUIRE(last != NULL);
		memset(last, 1, bite);
		eaten += bite;
		usleep(5000);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "eat"))
		eat();
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 2)
			oracle_print("%s\n", scenarios[i].name);
		else if (!strcmp(argv[1], scenarios[i].name))
			scenarios[i].run();
	}
	oracle_flush();
	return 0;
}
