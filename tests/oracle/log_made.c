/* SPDX-License-Identifier: MIT */
/*
 * Writes a call log into a recording that has none, with calls that are known beforehand: `log_made RECORDING [CALLS [CHUNKS]]`. Every
 * image opens, reads and closes /etc/passwd, fails to open a file, forks what its capture says that it forked, and in the end executes or
 * exits; a second thread of it begins to wait and never returns. The first image gets CALLS more, each of 100 ns; 1,000 without a
 * number. The ring has 64 chunks, or as many as are named. What was written is printed: calls, and calls that the ring lost.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "../unit/log_synthetic.h"
#include "capture.h"

#define IMAGES_MOST 64
#define CHILDREN_MOST 16
#define OTHER_THREAD 1000000

struct life {
	uint32_t pid, number, ended;
	uint64_t start_ns, end_ns, realtime_ns;
	size_t children;
	struct { uint32_t pid; uint64_t at_ns;
	} child[CHILDREN_MOST];
};

static struct life lives[IMAGES_MOST];
static size_t lives_used;
static struct synthetic_log made;
static uint64_t calls;
static uint32_t call_number;

static void note(const struct capture *c)
{
	struct life *life = &lives[lives_used++];

	*life = (struct life){ c->pid, c->image_number, c->ended, c->start_ns, c->end_ns, c->start_realtime_ns, 0, { { 0, 0 } } };
	if (life->end_ns <= life->start_ns)
		life->end_ns = life->start_ns + 1000000;
	for (size_t i = 0; i < CAPTURE_CHILDREN && life->children < CHILDREN_MOST; i++)
		if (c->children[i].pid && c->children[i].born_at_ns > c->start_ns) {
			life->child[life->children].pid = c->children[i].pid;
			life->child[life->children++].at_ns = c->children[i].born_at_ns;
		}
}

/* A parent hears of a birth when the child has begun already. */
static void see_births(void)
{
	for (size_t i = 0; i < lives_used; i++)
		for (size_t c = 0; c < lives[i].children; c++)
			for (size_t child = 0; child < lives_used; child++)
				if (lives[child].pid == lives[i].child[c].pid && !lives[child].number &&
				    lives[child].start_ns < lives[i].child[c].at_ns)
					lives[i].child[c].at_ns = lives[child].start_ns - 1;
}

static void read_captures(const char *path)
{
	static struct capture c;
	DIR *directory = opendir(path);
	struct dirent *entry;

	while (directory && (entry = readdir(directory)) && lives_used < IMAGES_MOST) {
		const char *dot = strrchr(entry->d_name, '.');
		int fd = dot && !strcmp(dot, CAPTURE_SUFFIX) ? openat(dirfd(directory), entry->d_name, O_RDONLY) : -1;

		if (fd < 0)
			continue;
		if (read(fd, &c, sizeof(c)) > (ssize_t)offsetof(struct capture, counters))
			note(&c);
		close(fd);
	}
	if (directory)
		closedir(directory);
}

static int by_start(const void *a, const void *b)
{
	const struct life *first = a, *second = b;

	return first->start_ns < second->start_ns ? -1 : first->start_ns > second->start_ns;
}

static uint64_t since_begin(uint64_t at_ns)
{
	return at_ns - SYNTHETIC_BEGUN_NS; /* as the maker of logs wants it */
}

static struct log_record *begin(uint16_t number, uint64_t at_ns, uint64_t first, uint64_t second, uint64_t third)
{
	calls++;
	return synthetic_call(&made, number, ++call_number, since_begin(at_ns), first, second, third);
}

static void end(uint16_t number, uint64_t at_ns, int64_t result)
{
	synthetic_result(&made, number, call_number, since_begin(at_ns), result);
}

static void open_and_read(uint64_t at_ns, uint64_t step_ns)
{
	begin(SYS_openat, at_ns, (uint32_t)AT_FDCWD, 0x10000, O_RDONLY);
	synthetic_path(&made, 0x10000, "/etc/passwd");
	end(SYS_openat, at_ns += step_ns, 3);
	synthetic_descriptor(&made, 3, "/etc/passwd");
	begin(SYS_read, at_ns += step_ns, 3, 0x20000, 4096);
	synthetic_descriptor(&made, 3, "/etc/passwd");
	end(SYS_read, at_ns += step_ns, 5);
	synthetic_piece(&made, 0x20000, "root:", 5, false);
	begin(SYS_openat, at_ns += step_ns, (uint32_t)AT_FDCWD, 0x10000, O_RDONLY);
	synthetic_path(&made, 0x10000, "/nonexistent\n\xff");
	end(SYS_openat, at_ns += step_ns, -ENOENT);
	begin(SYS_close, at_ns += step_ns, 3, 0, 0);
	synthetic_descriptor(&made, 3, "/etc/passwd");
	end(SYS_close, at_ns + step_ns, 0);
}

/* Before the first fork, and before the end. */
static void put_image(const struct life *life)
{
	uint64_t until_ns = life->end_ns;

	for (size_t i = 0; i < life->children; i++)
		if (life->child[i].at_ns < until_ns)
			until_ns = life->child[i].at_ns;
	call_number = 0;
	synthetic_chunk(&made, life->pid, life->pid, life->number, "made");
	open_and_read(life->start_ns + 1, (until_ns - life->start_ns) / 16);
	for (size_t i = 0; i < life->children; i++) {
		begin(SYS_clone, life->child[i].at_ns - 1, 0, 0, 0);
		end(SYS_clone, life->child[i].at_ns + 1, life->child[i].pid);
	}
	if (life->children)
		synthetic_record(&made, LOG_SIGNAL, SIGCHLD, 0, life->child[life->children - 1].at_ns + 2);
	if (life->ended == ENDED_EXEC) {
		begin(SYS_execve, life->end_ns, 0x10000, 0, 0);
		synthetic_path(&made, 0x10000, "/bin/true");
	} else if (life->ended == ENDED_EXIT) {
		begin(SYS_exit_group, life->end_ns, 0, 0, 0);
	}
	synthetic_chunk(&made, life->pid, life->pid + OTHER_THREAD, life->number, "waits");
	begin(SYS_futex, life->start_ns + 2, 0x30000, 0, 0);
}

static void put_more(const struct life *life, uint64_t count)
{
	call_number = 0;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at_ns = life->start_ns + 10 + i * 200;

		if (!i || synthetic_is_full(made.chunk))
			synthetic_chunk(&made, life->pid, life->pid + 2 * OTHER_THREAD, life->number, "busy");
		begin(SYS_getppid, at_ns, 0, 0, 0);
		end(SYS_getppid, at_ns + 100, 1);
	}
}

int main(int argc, char **argv)
{
	char path[4096];
	int fd;

	if (argc < 2)
		return 2;
	read_captures(argv[1]);
	if (!lives_used)
		return 3;
	see_births();
	qsort(lives, lives_used, sizeof(lives[0]), by_start);
	synthetic_log_begin(&made, argc > 3 ? (uint32_t)atoi(argv[3]) : 64);
	made.header->begun_ns = lives[0].start_ns;
	made.header->begun_realtime_ns = lives[0].realtime_ns;
	put_more(&lives[0], argc > 2 ? strtoull(argv[2], NULL, 10) : 1000);
	for (size_t i = 0; i < lives_used; i++)
		put_image(&lives[i]);
	snprintf(path, sizeof(path), "%s/%s", argv[1], LOG_FILE);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, made.bytes, made.size) != (ssize_t)made.size) {
		perror(path);
		return 1;
	}
	printf("%" PRIu64 " %" PRIu64 "\n", calls, made.header->lost_calls);
	return 0;
}
