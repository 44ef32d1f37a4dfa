/* SPDX-License-Identifier: MIT */
/* The structures and numbers of <linux/userfaultfd.h>, of which our headers know an older version. */
#include "write_protect.h"

#include <string.h>

#include "instrument.h"
#include "pages.h"
#include "ranges.h"
#include "smaps.h"
#include "text.h"

struct uffd_range { uint64_t start, length; };
struct uffd_api { uint64_t api, features, ioctls; };
struct uffd_register { struct uffd_range range; uint64_t mode, ioctls; };

#define UFFD_API_VERSION    0xaaULL
#define UFFD_WP_ASYNC       (1ULL << 15)
#define UFFD_MODE_WP        (1ULL << 1)
#define UFFD_USER_MODE_ONLY 1           /* of the system call: allowed to everybody, vm.unprivileged_userfaultfd */
#define UFFDIO_(letter_direction, number, type) ((letter_direction) << 30 | sizeof(type) << 16 | 0xaaUL << 8 | (number))
#define UFFDIO_API_        UFFDIO_(3UL, 0x3f, struct uffd_api)
#define UFFDIO_REGISTER_   UFFDIO_(3UL, 0x00, struct uffd_register)

enum { NOT_TRIED, READY, NEVER };

static uint32_t state;                  /* as above; inherited by a forked child, but for READY */
static int descriptor;                  /* since the last begin */
static char *canary;                    /* a page that nobody writes once it is protected */

/*
 * A filter that was in force before this image began is not known to us, and may kill for a system call that the
 * program would never make: proc(5), Seccomp in /proc/PID/status. Filters of the image's own are asked by
 * sandbox_call.
 */
static bool filtered_from_outside(void)
{
	static char status[4096];
	static const char name[] = "\nSeccomp:\t";
	int fd;
	long got;
	const char *at;

	if (sandbox_active)
		return false;
	fd = proc_open(0, "status");
	if (fd < 0)
		return true;
	got = sys_read(fd, status, sizeof(status) - 1);
	sys_close(fd);
	if (got <= 0)
		return true;
	status[got] = '\0';
	at = strstr(status, name);
	return at && at[sizeof(name) - 1] != '0';
}

static bool make_canary(void)
{
	if (!canary) {
		canary = sys_reserve(PAGE_BYTES);
		if (!canary)
			return false;
		ranges_claim_instrument((uint64_t)canary, (uint64_t)canary + PAGE_BYTES);
	}
	*canary = 1;
	return write_protect_add((uint64_t)canary, (uint64_t)canary + PAGE_BYTES);
}

bool write_protect_begin(void)
{
	struct uffd_api api = { .api = UFFD_API_VERSION, .features = UFFD_WP_ASYNC };
	long fd;

	if (state == READY)
		descriptor = kept_watching();
	if (state != NOT_TRIED)
		return state == READY && descriptor >= 0;
	state = NEVER;
	if (filtered_from_outside())
		return false;
	fd = sys_call1(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	if (sys_failed(fd))
		return false;
	if (sys_failed(sys_call3(SYS_ioctl, fd, UFFDIO_API_, &api))) {
		sys_call1(SYS_close, fd);
		return false;
	}
	if (!kept_watch((int)fd))
		return false;
	descriptor = kept_watching();
	state = READY;
	if (!make_canary())
		state = NEVER;
	return state == READY;
}

bool write_protect_add(uint64_t start, uint64_t end)
{
	struct uffd_register request = { .range = { start, end - start }, .mode = UFFD_MODE_WP };

	return state == READY && !sys_failed(sys_call3(SYS_ioctl, descriptor, UFFDIO_REGISTER_, &request));
}

bool write_protect_stands(int pagemap)
{
	struct page_region region;
	uint64_t next = (uint64_t)canary;

	return state == READY && kept_watching() >= 0 &&
	       pages_scan_watched(pagemap, &next, (uint64_t)canary + PAGE_BYTES, PAGES_ONLY_WRITTEN, false,
				  &region, 1) == 0;
}

void write_protect_forked(void)
{
	if (state == READY)
		state = NOT_TRIED;
}

void write_protect_end(void)
{
	if (state == READY) {
		kept_watch_ends(); /* its last descriptor: all mappings are as they were */
		state = NOT_TRIED;
	}
}

void write_protect_step_back(void)
{
	if (__atomic_exchange_n(&state, NEVER, __ATOMIC_ACQ_REL) == READY)
		kept_watch_ends();
	instrument_note(NOTE_USERFAULTFD, 0);
}
