/* SPDX-License-Identifier: MIT */
/*
 * Maps, moves, splits, covers, protects and drops in all the ways the kernel knows, shared memory segments and fixed
 * addresses included, and says each result. An instrument that follows mappings must see their failures too, and must
 * not sit where the program maps.
 *
 * run: => exit 0
 */
#include "hostile.h"

#include <sys/ipc.h>
#include <sys/shm.h>

enum { PAGE = 4096 };
enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static char *map(size_t pages, int protection, int flags)
{
	return (char *)mmap(NULL, pages * PAGE, protection, flags, -1, 0);
}

static void moves(void)
{
	char *area = map(16, RW, ANON), *other = map(16, RW, ANON), *place = map(64, PROT_NONE, ANON);

	memset(area, 'a', 16 * PAGE);
	memset(other, 'o', 16 * PAGE);
	char *moved = (char *)mremap(area, 16 * PAGE, 32 * PAGE, MREMAP_MAYMOVE);
	say("grown: %d, content %c %d", moved != MAP_FAILED, moved[16 * PAGE - 1], moved[16 * PAGE]);
	char *fixed = (char *)mremap(moved, 32 * PAGE, 32 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	say("moved where it was told: %d, content %c", fixed == place, fixed[0]);
	say_result("shrunk", mremap(fixed, 32 * PAGE, 8 * PAGE, 0) == fixed);
	char *kept_mapping = (char *)mremap(fixed, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	say("kept behind: %d, content %d, moved content %c", kept_mapping != MAP_FAILED, fixed[0], kept_mapping[0]);
	say_pointer("not mapped", mremap(place + 60 * PAGE + PAGE * 10000, PAGE, PAGE * 2, MREMAP_MAYMOVE));
	say_pointer("no alignment", mremap(other + 1, PAGE, PAGE * 2, MREMAP_MAYMOVE));
	char *shared = map(4, RW, MAP_SHARED | MAP_ANONYMOUS);
	shared[0] = 's';
	char *again = (char *)mremap(shared, 0, 4 * PAGE, MREMAP_MAYMOVE);
	say("the same pages twice: %d %c", again != shared, again[0]);
	say_result("hole", munmap(other + 4 * PAGE, 4 * PAGE));
	say_result("hole again", munmap(other + 4 * PAGE, 4 * PAGE));
	say_result("across the hole", munmap(other, 16 * PAGE));
	say_result("no length", munmap(other, 0));
	say_result("no alignment", munmap(other + 1, PAGE));
}

static void fixed_addresses(void)
{
	char *area = map(16, RW, ANON);
	char *over = (char *)mmap(area + 4 * PAGE, 4 * PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);

	area[0] = 'x';
	say("over its own: %d %d", over == area + 4 * PAGE, over[0]);
	say_pointer("not over its own", mmap(area, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	static const uintptr_t places[] = { 0x10000, 0x100000000, 0x7000000000, 0x100000000000, 0x200000000000,
		0x600000000000, 0x3fff00000000 };
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		say("%zu MiB where told: %d", (size_t)1 << i,
		    mmap((void *)places[i], (size_t)1 << (i + 20), RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) ==
			    (void *)places[i]);
	say("below 2 GiB: %d", (uintptr_t)mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0) < (uintptr_t)1 << 31);
	say_pointer("no length", mmap(NULL, 0, RW, ANON, -1, 0));
	say_pointer("no kind", mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	say_pointer("no file", mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
	say_pointer("no room", mmap(NULL, (size_t)1 << 50, RW, ANON, -1, 0));
}

static void advice(void)
{
	char *area = map(8, RW, ANON);
	unsigned char resident[8];

	memset(area, 'a', 8 * PAGE);
	say_result("DONTNEED", madvise(area, 4 * PAGE, MADV_DONTNEED));
	say("content: %d %c", area[0], area[4 * PAGE]);
	say_result("DONTFORK", madvise(area, PAGE, MADV_DONTFORK));
	say_result("WIPEONFORK", madvise(area + PAGE, PAGE, MADV_WIPEONFORK));
	say_result("FREE", madvise(area + 4 * PAGE, PAGE, MADV_FREE));
	say_result("HUGEPAGE", madvise(area, 8 * PAGE, MADV_HUGEPAGE));
	say_result("nonsense", madvise(area, PAGE, 12345));
	say_result("not mapped", madvise((void *)((uintptr_t)1 << 46), PAGE, MADV_DONTNEED));
	say_result("protect", mprotect(area + 2 * PAGE, 2 * PAGE, PROT_NONE));
	say_result("protect what is not there", mprotect((void *)((uintptr_t)1 << 46), PAGE, PROT_READ));
	say_result("mincore", mincore(area, 8 * PAGE, resident));
	say_result("msync", msync(area, PAGE, MS_SYNC));
	say_result("mlock", mlock(area, PAGE));
	say_result("mlock2", mlock2(area + PAGE, PAGE, MLOCK_ONFAULT));
	say_result("munlock", munlock(area, 2 * PAGE));
	say_result("mlock of nothing", mlock((void *)((uintptr_t)1 << 46), PAGE));
}

static void files(void)
{
	int fd = memfd_create("program", MFD_CLOEXEC);
	char text[8] = { 0 };

	say_result("ftruncate", ftruncate(fd, 4 * PAGE));
	char *shared = (char *)mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	char *own = (char *)mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, PAGE);
	strcpy(shared + PAGE, "shared");
	say("private sees: %s", own);
	strcpy(own, "own");
	say_result("pread", pread(fd, text, 7, PAGE));
	say("file has: %s", text);
	say_pointer("odd offset", mmap(NULL, PAGE, RW, MAP_SHARED, fd, 100));
	say_result("munmap", munmap(shared, 4 * PAGE));
	int segment = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
	char *attached = (char *)shmat(segment, NULL, 0), *twice = (char *)shmat(segment, NULL, SHM_RDONLY);
	strcpy(attached, "segment");
	say("segment: %s", twice);
	say_result("shmctl", shmctl(segment, IPC_RMID, NULL));
	say_result("shmdt", shmdt(attached));
	say_result("shmdt again", shmdt(attached));
	say_result("shmdt", shmdt(twice));
	say_result("shmat of nothing", (long)shmat(-1, NULL, 0));
}

int main(void)
{
	moves();
	fixed_addresses();
	advice();
	files();
	say_heap("after");
	return 0;
}
