/* SPDX-License-Identifier: MIT */
/*
 * Uses userfaultfd itself, as garbage collectors and migrating machines do: before it forks, in the child, and in a parent that
 * has forked already. A mapping can be registered with one userfaultfd only, so an instrument that watches by the same
 * means must let go in time, or the registration fails with EBUSY; and descriptors must have the numbers they have bare.
 *
 * run: before => exit 0; exit 3
 * run: after => exit 0; exit 3, exit 0
 * run: child => exit 0; exit 3
 * ledger: threaded
 */
#include "hostile.h"

#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define PAGES 8
static char *memory;

/* Fills pages that are missed with 'u'. */
static void *serve(void *argument)
{
	int fd = *(int *)argument;
	static char page[4096] __attribute__((aligned(4096)));
	struct uffd_msg message;

	memset(page, 'u', sizeof(page));
	while (read(fd, &message, sizeof(message)) == sizeof(message)) {
		struct uffdio_copy copy = {
			.dst = message.arg.pagefault.address & ~4095UL, .src = (unsigned long)page, .len = 4096,
		};

		if (ioctl(fd, UFFDIO_COPY, &copy))
			break;
	}
	return NULL;
}

static void use(void)
{
	static int fd;
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register whole = {
		.range = { (unsigned long)memory, PAGES * 4096 }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	pthread_t thread;

	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */);
	if (fd < 0) {
		say("userfaultfd: %s", strerrorname_np(errno));
		return;
	}
	say("descriptor %d", fd);
	say_result("api", ioctl(fd, UFFDIO_API, &api));
	say_result("madvise", madvise(memory, PAGES * 4096, MADV_DONTNEED));
	say_result("register", ioctl(fd, UFFDIO_REGISTER, &whole));
	pthread_create(&thread, NULL, serve, &fd);
	for (int i = 0; i < PAGES; i++)
		say("page %d: %c", i, ((volatile char *)memory)[i * 4096]);
	say_heap("heap");
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "before";
	pid_t child;

	memory = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(memory, 'm', PAGES * 4096);
	if (!strcmp(way, "before"))
		use();
	if (!strcmp(way, "after")) {
		child = fork();
		if (!child)
			_exit(0);
		reap("first child", child);
		use();
	}
	child = fork();
	if (!child) {
		if (!strcmp(way, "child"))
			use();
		say("child: %c", ((volatile char *)memory)[4096]);
		say_heap("child");
		_exit(3);
	}
	reap("child", child);
	memory[0] = 'p';
	say("parent: %c%c", memory[0], memory[4096]);
	say_heap("parent");
	return 0;
}
