/* SPDX-License-Identifier: MIT */
/*
 * The reader of smaps and maps against a second one that is made of sscanf: over text written by hand and over what the
 * kernel says of this process, whole, cut off anywhere, and delivered in pieces with a border at every byte.
 *
 * links: preload/smaps.c preload/sandbox.c preload/kept.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"
#include "smaps_second.h"

/* As the kernel writes them: fs/proc/task_mmu.c. */
static const char by_hand[] =
	"5581a0a52000-5581a0a54000 r--p 00000000 fe:01 1311                       /usr/bin/a name with  spaces \n"
	"Size:                  8 kB\n"
	"KernelPageSize:        4 kB\n"
	"Rss:                   8 kB\n"
	"Pss:                   1 kB\n"
	"Pss_Dirty:             1 kB\n"
	"Shared_Clean:          4 kB\n"
	"Shared_Dirty:          0 kB\n"
	"Private_Clean:         4 kB\n"
	"Private_Dirty:         0 kB\n"
	"AnonHugePages:         0 kB\n"
	"Swap:                  0 kB\n"
	"SwapPss:               7 kB\n"
	"THPeligible:           0\n"
	"VmFlags: rd mr mw me sd \n"
	"5581c0000000-5581c8000000 rw-p 00000000 00:00 0 \n"
	"Rss:              131072 kB\n"
	"Shared_Clean:         12 kB\n"
	"Shared_Dirty:        100 kB\n"
	"Private_Dirty:    130960 kB\n"
	"AnonHugePages:     65536 kB\n"
	"Swap:                 20 kB\n"
	"THPeligible:    1\n"
	"ProtectionKey:         0\n"
	"7f0000000000-7f0000001000 ---s fffff000 103:0a 18446744073709551615      /dev/shm/no\\012line (deleted)\n"
	"Rss:                   4 kB\n"
	"RssOfTheFuture:     9999 kB\n"
	"Rss_Odd:            9999 kB\n"
	"ShmemPmdMapped:        2 kB\n"
	"FilePmdMapped:         1 kB\n"
	"A key without a colon\n"
	":\n"
	"Z:\n"
	"7ffff7fc9000-7ffff7fcd000 rwxp 00000000 00:00 0                          [anon:a name: 12 kB]\n"
	"Rss:\t     4 kB\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n"
	"Rss:                   0 kB\n";

static void text_written_by_hand_says_what_is_in_it(void **state)
{
	struct smaps smaps;
	struct mapping m;
	int fd = memfd_create("smaps", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(write(fd, by_hand, sizeof(by_hand) - 1), sizeof(by_hand) - 1);
	lseek(fd, 0, SEEK_SET);
	smaps_begin(&smaps, fd, true);
	assert_true(smaps_next(&smaps, &m));
	assert_string_equal(m.name, "/usr/bin/a name with  spaces ");
	assert_true(m.start == 0x5581a0a52000 && m.end == 0x5581a0a54000 && m.protection == PROT_READ && !m.shared);
	assert_true(m.offset == 0 && m.device == (0xfeUL << 32 | 1) && m.inode == 1311);
	assert_true(m.resident == 8192 && m.dirty == 0 && m.shared_resident == 4096 && m.swap == 0 && m.huge == 0 &&
		    !m.thp_eligible);
	assert_true(smaps_next(&smaps, &m));
	assert_string_equal(m.name, "");
	assert_true(m.protection == (PROT_READ | PROT_WRITE) && m.inode == 0 && m.device == 0 && m.thp_eligible);
	assert_true(m.resident == 131072 << 10 && m.dirty == (100 + 130960) << 10 && m.shared_resident == 112 << 10);
	assert_true(m.swap == 20 << 10 && m.huge == 65536 << 10);
	assert_true(smaps_next(&smaps, &m));
	assert_string_equal(m.name, "/dev/shm/no\\012line (deleted)");
	assert_true(m.protection == 0 && m.shared && m.offset == 0xfffff000 && m.inode == UINT64_MAX &&
		    m.resident == 4096);
	assert_true(m.device == (0x103UL << 32 | 0xa) && m.huge == 3 << 10 && !m.thp_eligible);
	assert_true(smaps_next(&smaps, &m));
	assert_string_equal(m.name, "[anon:a name: 12 kB]");
	assert_true(m.protection == (PROT_READ | PROT_WRITE | PROT_EXEC) && m.resident == 4096);
	assert_true(smaps_next(&smaps, &m));
	assert_true(m.start == 0xffffffffff600000 && m.end == 0xffffffffff601000 && m.protection == PROT_EXEC &&
		    m.resident == 0);
	assert_false(smaps_next(&smaps, &m));
	assert_false(smaps_next(&smaps, &m));
	assert_int_equal(smaps.error, 0);
	close(fd);
}

static void text_cut_off_at_any_byte_gives_what_is_whole_before_it(void **state)
{
	(void)state;
	for (size_t length = 0; length < sizeof(by_hand); length++)
		compare_as_file(by_hand, length, true, "cut off after");
}

static void a_border_between_two_reads_at_any_byte_changes_nothing(void **state)
{
	(void)state;
	for (size_t first = 0; first < 150; first++)
		compare_in_pieces(by_hand, first, 150, true, "first piece of");
	compare_in_pieces(by_hand, 1, 1, true, "pieces of one byte, first of");
	compare_in_pieces(by_hand, 0, 7, true, "pieces of seven bytes, first of");
}

/* A name of so many bytes, each place in it recognisable. */
static void long_name(char *name, size_t length)
{
	static const char pattern[] = "/0123456789 abcdefghijklmnopqrstuvwxyz-";

	for (size_t i = 0; i < length; i++)
		name[i] = i % 5 == 4 ? (char)('A' + i / 5 % 26) : pattern[i % (sizeof(pattern) - 1)];
	name[0] = '/';
	name[length] = '\0';
}

/* Five mappings, all but one of that name. */
static void text_with_name(char *text, const char *name, bool detailed)
{
	for (unsigned long at = 0; at < 5; at++) {
		text += sprintf(text, "7f%06lx0000-7f%06lx1000 r%cxp 00000000 fe:01 %lu            %s%s\n", at, at,
				at % 2 ? 'w' : '-', at + 1, at == 2 ? "" : name, at == 4 ? " (deleted)" : "");
		if (detailed)
			text += sprintf(text, "Rss: %lu kB\nPrivate_Dirty: 4 kB\nVmFlags: rd\n", at + 9);
	}
}

static void names_of_any_length_keep_their_end(void **state)
{
	static char text[1 << 15], name[5000];
	static const size_t lengths[] = {
		1, 54, 55, 56, 510, 511, 512, 513, 1023, 1024, 1025, 1151, 1152, 3765, 3766, 3767, 3768, 3839, 3840,
		3841, 4022, 4023, 4024, 4025, 4026, 4094, 4095, 4096, 4900,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		long_name(name, lengths[i]);
		text_with_name(text, name, false);
		compare_as_file(text, strlen(text), false, "names, maps of");
		text_with_name(text, name, true);
		compare_as_file(text, strlen(text), true, "names, text of");
		for (size_t first = 0; first < 256; first += i % 3 ? 17 : 1)
			compare_in_pieces(text, first, 256, true, "names, first piece of");
	}
}

static void maps_without_details_have_one_line_a_mapping(void **state)
{
	static const char text[] =
		"00400000-00401000 r-xp 00000000 fe:01 5                                  /bin/x\n"
		"00401000-00402000 rw-p 00001000 fe:01 5                                  /bin/x\n"
		"7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]\n";

	(void)state;
	for (size_t length = 0; length < sizeof(text); length++)
		compare_as_file(text, length, false, "cut off after");
	for (size_t first = 0; first < 100; first++)
		compare_in_pieces(text, first, 100, false, "first piece of");
	assert_int_equal(scan_all(text, sizeof(text) - 1, false), 3);
}

/*
 * What is mounted on /proc need not be the kernel's. The line ends with the last byte of the buffer, where accessible
 * memory ends.
 */
static void read_what_is_no_mapping(void)
{
	static const char *const lines[] = {
		"", "7f00", "7f00-", "7f00-7f01", "7f00-7f01 ", "7f00-7f01 r", "7f00-7f01 rwx", "7f00-7f01 rwxp",
		"7f00-7f01 rwxp 0", "7f00-7f01 rwxp 0 fe", "7f00-7f01 rwxp 0 fe:1 5",
	};
	static char text[sizeof(((struct smaps *)NULL)->buffer)];
	static struct mapping m;
	char *room = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct smaps *smaps = (struct smaps *)(void *)(room + 2 * 4096 - sizeof(*smaps));

	must(room != MAP_FAILED && mprotect(room + 2 * 4096, 4096, PROT_NONE) == 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t length = strlen(lines[i]), read = 0;
		int fd = memfd_create("smaps", MFD_CLOEXEC);

		memset(text, 'f', sizeof(text));
		for (size_t at = 63; at < sizeof(text); at += 64)
			text[at] = '\n';
		memset(text + sizeof(text) - 128, '\n', 128);
		memcpy(text + sizeof(text) - 1 - length, lines[i], length);
		must(write(fd, text, sizeof(text)) == sizeof(text));
		lseek(fd, 0, SEEK_SET);
		for (smaps_begin(smaps, fd, false); smaps_next(smaps, &m); read++)
			must(strlen(m.name) < sizeof(m.name));
		must(read == sizeof(text) / 64 - 2 + 128 - length);
		close(fd);
	}
}

static void a_line_that_is_no_mapping_is_not_read_beyond_its_end(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(read_what_is_no_mapping), 0);
}

/* What the kernel says of this process */

static size_t read_all(const char *path, char **text)
{
	size_t used = 0, room = 1 << 22;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	assert_true(fd >= 0);
	*text = malloc(room);
	while ((got = read(fd, *text + used, room - used)) > 0)
		used += (size_t)got;
	assert_int_equal(got, 0);
	assert_true(used < room);
	close(fd);
	return used;
}

/* Maps a page of a file, gone by now, whose absolute path had so many bytes; the directory at hand is @here. */
static void *map_long_path(const char *here, size_t wanted)
{
	char component[256];
	size_t length = strlen(here);
	int depth = 0, fd;
	void *page;

	memset(component, 'd', sizeof(component));
	component[200] = '\0';
	for (; wanted - length > 250; length += 201, depth++)
		assert_true(!mkdir(component, 0700) && !chdir(component));
	component[200] = 'd';
	component[wanted - length - 1] = '\0';
	fd = open(component, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0 && !ftruncate(fd, 4096));
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(page != MAP_FAILED);
	close(fd);
	unlink(component);
	memset(component, 'd', 200);
	component[200] = '\0';
	while (depth--)
		assert_true(!chdir("..") && !rmdir(component));
	return page;
}

static void *map_file(const char *name, int protection, int flags, bool stays)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	char *page;

	assert_true(fd >= 0 && !ftruncate(fd, 3 * 4096));
	page = mmap(NULL, 3 * 4096, protection, flags, fd, 4096);
	assert_true(page != MAP_FAILED);
	close(fd);
	if (!stays)
		unlink(name);
	return page;
}

static bool contains(const char *text, size_t length, const char *part)
{
	return memmem(text, length, part, strlen(part)) != NULL;
}

static void what_the_kernel_says_of_this_process_is_read_alike(void **state)
{
	char directory[] = "/tmp/pagegap-smaps.XXXXXX", home[4200], *text;
	size_t length;
	void *none;

	(void)state;
	assert_non_null(getcwd(home, sizeof(home)));
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	for (size_t wanted = 400; wanted < 4090; wanted += 230)
		*(volatile char *)map_long_path(directory, wanted) = 1;
	*(volatile char *)map_file("two words", PROT_READ | PROT_WRITE, MAP_PRIVATE, false) = 1;
	map_file("new\nline", PROT_READ, MAP_SHARED, true);
	map_file("caf\xc3\xa9 \x01\\", PROT_NONE, MAP_PRIVATE, true);
	unlink("new\nline");
	unlink("caf\xc3\xa9 \x01\\");
	none = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(none != MAP_FAILED);
	length = read_all("/proc/self/smaps", &text);
	assert_true(contains(text, length, "two words (deleted)") && contains(text, length, "new\\012line"));
	assert_true(contains(text, length, "VmFlags") && contains(text, length, "[stack]"));
	compare_as_file(text, length, true, "smaps of");
	free(text);
	length = read_all("/proc/self/maps", &text);
	compare_as_file(text, length, false, "maps of");
	free(text);
	assert_int_equal(chdir(home), 0);
	assert_int_equal(rmdir(directory), 0);
}

/*
 * The reader's own reads of /proc: it makes no mapping, so that what it sees is what was there just before. One that
 * reads singly never holds text of two mappings, which has some 700 bytes and the name for each.
 */
static void read_proc_itself(size_t count, bool singly)
{
	static struct smaps smaps;
	static struct mapping m;
	const uint32_t less_than_two = 1024;
	size_t i = 0;
	int fd = proc_open(0, "smaps");

	assert_true(fd >= 0);
	smaps_begin(&smaps, fd, true);
	if (singly)
		smaps_singly(&smaps);
	for (; smaps_next(&smaps, &m); i++) {
		if (i >= count || m.start != expected[i].start || m.end != expected[i].end ||
		    strcmp(m.name, expected[i].name))
			fail_msg("mapping %zu of %zu is read as %#lx-%#lx '%s'", i, count, m.start, m.end, m.name);
		if (singly && i + 1 < count && !expected[i + 1].name[0])
			assert_true(smaps.used - smaps.next < less_than_two);
	}
	assert_int_equal(smaps.error, 0);
	assert_int_equal(i, count);
	close(fd);
}

static void proc_itself_is_read_to_its_end_through_the_small_buffer(void **state)
{
	char *text, *pages = mmap(NULL, 400 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t count, length;

	(void)state;
	for (int page = 0; page < 400; page += 2) /* 400 mappings: many reads */
		assert_int_equal(mprotect(pages + page * 4096, 4096, PROT_READ | PROT_WRITE), 0);
	text = NULL;
	length = read_all("/proc/self/maps", &text);
	count = scan_all(text, length, false);
	assert_true(count > 400);
	read_proc_itself(count, false);
	read_proc_itself(count, true);
	free(text);
	munmap(pages, 400 * 4096);
}

static void a_read_that_fails_ends_with_its_error(void **state)
{
	struct smaps smaps;
	struct mapping m;
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	smaps_begin(&smaps, fd, true);
	assert_false(smaps_next(&smaps, &m));
	assert_int_equal(smaps.error, -EISDIR);
	close(fd);
	smaps_begin(&smaps, fd, false);
	assert_false(smaps_next(&smaps, &m));
	assert_int_equal(smaps.error, -EBADF);
	assert_false(smaps_next(&smaps, &m));
}

static void files_of_proc_are_found_by_process_id(void **state)
{
	char link[64], path[64], target[4096];
	static const int pids[] = { 1, 10, 4194304, 2147483647 };
	int fd = proc_open((int)getpid(), "maps");
	ssize_t length;

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)getpid());
	length = readlink(link, target, sizeof(target) - 1);
	assert_true(length > 0);
	target[length] = '\0';
	assert_string_equal(target, path);
	close(fd);
	for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%d/stat", pids[i]);
		fd = proc_open(pids[i], "stat");
		if (access(path, R_OK)) {
			assert_int_equal(fd, -errno);
		} else {
			assert_true(fd >= 0);
			close(fd);
		}
	}
	assert_int_equal(proc_open(0, "no such file"), -ENOENT);
}

static void numbers_end_where_their_digits_do(void **state)
{
	const char *text = "7fffFfff";

	(void)state;
	assert_int_equal(scan_hex(&text), 0x7fff);
	assert_string_equal(text, "Ffff");
	assert_int_equal(scan_hex(&text), 0);
	text = "ffffffffffffffff-";
	assert_true(scan_hex(&text) == UINT64_MAX && *text == '-');
	text = " \t 18446744073709551615 kB";
	assert_true(scan_decimal(&text) == UINT64_MAX && *text == ' ');
	text = "x";
	assert_true(scan_decimal(&text) == 0 && *text == 'x');
	text = "";
	assert_true(scan_decimal(&text) == 0 && scan_hex(&text) == 0 && *text == '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_written_by_hand_says_what_is_in_it),
		cmocka_unit_test(text_cut_off_at_any_byte_gives_what_is_whole_before_it),
		cmocka_unit_test(a_border_between_two_reads_at_any_byte_changes_nothing),
		cmocka_unit_test(names_of_any_length_keep_their_end),
		cmocka_unit_test(maps_without_details_have_one_line_a_mapping),
		cmocka_unit_test(a_line_that_is_no_mapping_is_not_read_beyond_its_end),
		cmocka_unit_test(what_the_kernel_says_of_this_process_is_read_alike),
		cmocka_unit_test(proc_itself_is_read_to_its_end_through_the_small_buffer),
		cmocka_unit_test(a_read_that_fails_ends_with_its_error),
		cmocka_unit_test(files_of_proc_are_found_by_process_id),
		cmocka_unit_test(numbers_end_where_their_digits_do),
	};

	return cmocka_run_group_tests_name("smaps", tests, NULL, NULL);
}
