/* SPDX-License-Identifier: MIT */
/*
 * Where captures go. A recording is a directory with one capture file for each process image. The file is created, given its disk
 * blocks, mapped, and closed: no descriptor stays. When this process cannot create it (it has dropped its privileges, changed its
 * root, lowered its limits), the runner is asked to, over a socket in the abstract namespace. When that fails too, the capture is
 * private memory: everything goes on, and nothing is kept.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "environment.h"
#include "heap.h"
#include "instrument.h"
#include "ranges.h"
#include "text.h"

#define BACK_TRIES 400                  /* waits for another thread, 20 us each but for the first 100 */

static struct stat standard_error;      /* as it was at the start */
static bool first_process;              /* made the recording, or an earlier image of it did: prints the report at its exit */
static const char zeros[16384];
static uint32_t own_pid;                /* outer_pid() */
static int  failure;                    /* errno of what kept the capture from the disk */

/*
 * The number by which the rest of the world knows this process: in a PID namespace of its own getpid() says 1, while /proc, as long as
 * it is still that of outside, says the other (pid_namespaces(7)).
 */
static uint32_t outer_pid(void)
{
	char digits[16];
	long length = sys_call4(SYS_readlinkat, AT_FDCWD, "/proc/self", digits, sizeof(digits) - 1);

	if (length <= 0)
		return (uint32_t)sys_getpid();
	digits[length] = '\0';
	return (uint32_t)scan_decimal_text(digits);
}

/* Name of a file of the calling process. */
static void add_name(struct text *text, uint32_t image_number, const char *suffix)
{
	text_add_number(text, own_pid);
	text_add(text, ".");
	text_add_number(text, image_number);
	text_add(text, suffix);
}

/* False: too long. */
static bool file_path(char *buffer, size_t room, uint32_t image_number, const char *suffix)
{
	struct text text = text_begin(buffer, room);

	text_add(&text, environment_recording());
	text_add(&text, "/");
	add_name(&text, image_number, suffix);
	return !text.cut;
}

/* Growing a file beyond RLIMIT_FSIZE is not only refused, it raises SIGXFSZ in the program: setrlimit(2). */
static bool size_allowed(uint64_t bytes)
{
	struct rlimit limit;

	return !sys_failed(sys_call4(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit)) && limit.rlim_cur >= bytes;
}

static long write_zeros(int fd, uint64_t start, uint64_t end)
{
	for (; start < end; start += sizeof(zeros)) {
		long result = sys_pwrite(fd, zeros, min_u64(sizeof(zeros), end - start), start);

		if (sys_failed(result))
			return result;
	}
	return 0;
}

/* Disk blocks for a part of the file: a write into a hole on a full disk would be SIGBUS. Where fallocate is unknown, zeros. */
static long back(int fd, uint64_t start, uint64_t end)
{
	long result = sys_call4(SYS_fallocate, fd, 0, start, end - start);

	return result == -EOPNOTSUPP ? write_zeros(fd, start, end) : result;
}

/* The same for a new file. What every image writes is written once here: that costs a tenth of the faults that it spares. */
static long back_beginning(int fd)
{
	long result = back(fd, 0, CAPTURE_EAGER_BYTES);

	if (!sys_failed(result))
		result = write_zeros(fd, 0, CAPTURE_HEAD_BYTES);
	if (!sys_failed(result))
		result = write_zeros(fd, offsetof(struct capture, counters), CAPTURE_EAGER_BYTES);
	if (!sys_failed(result))
		result = back(fd, offsetof(struct capture, calls), CAPTURE_EAGER_CALLS);
	return result;
}

/*
 * Paths are put together here and not on the stack, of which a thread may have little. Only the one thread of an image that begins or
 * of a forked child, and recording_back, which makes sure that it is alone.
 */
static char capture_place[PATH_MAX];

/* Creates the file. Returns a descriptor or a negated errno. */
static int create_here(uint32_t *image_number)
{
	long fd, error;

	if (!size_allowed(sizeof(struct capture)))
		return -EFBIG;
	do { /* a pid that comes round again meets its predecessor's files */
		if (!file_path(capture_place, sizeof(capture_place), *image_number, CAPTURE_SUFFIX))
			return -ENAMETOOLONG;
		fd = sys_open(capture_place, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	} while (fd == -EEXIST && ++*image_number < 4096);
	if (fd < 0)
		return (int)fd;
	sys_call2(SYS_fchmod, fd, 0600); /* whatever the program's umask took away */
	error = sys_call2(SYS_ftruncate, fd, sizeof(struct capture));
	if (!sys_failed(error))
		error = back_beginning((int)fd);
	if (sys_failed(error)) {
		sys_close((int)fd);
		sys_call3(SYS_unlinkat, AT_FDCWD, capture_place, 0);
		return (int)error;
	}
	return (int)fd;
}

/* Asks the runner: "TOKEN FILE" one way, a byte and a descriptor the other (unix(7), SCM_RIGHTS). */
static int create_by_broker(uint32_t image_number)
{
	const char *name = environment_broker(), *colon = strchr(name, ':');
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char message[256], answer = 0;
	union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec part = { &answer, 1 };
	struct msghdr reply = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct text text = text_begin(message, sizeof(message));
	size_t name_length = colon ? (size_t)(colon - name) : 0;
	long fd = -ENOTCONN, got;

	if (!colon || name_length + 1 >= sizeof(address.sun_path))
		return -ENOTCONN;
	memcpy(address.sun_path + 1, name, name_length);
	text_add(&text, colon + 1);
	text_add(&text, " ");
	add_name(&text, image_number, CAPTURE_SUFFIX);
	fd = sys_call3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sys_failed(fd))
		return (int)fd;
	got = sys_call3(SYS_connect, fd, &address, offsetof(struct sockaddr_un, sun_path) + 1 + name_length);
	if (!sys_failed(got))
		got = sys_call6(SYS_sendto, fd, SYS_A(message), SYS_A(text.length), MSG_NOSIGNAL, 0, 0);
	if (!sys_failed(got))
		got = sys_call3(SYS_recvmsg, fd, &reply, MSG_CMSG_CLOEXEC);
	sys_close((int)fd);
	if (got != 1 || answer != 'k' || control.header.cmsg_type != SCM_RIGHTS || reply.msg_controllen < CMSG_LEN(sizeof(int)))
		return sys_failed(got) ? (int)got : -EACCES;
	return *(int *)(void *)CMSG_DATA(&control.header);
}

/* Maps a new capture somewhere. On the disk if that can be, else in private memory. */
static struct capture *map_capture(uint32_t *image_number)
{
	int fd;
	long map;

	own_pid = outer_pid();
	fd = create_here(image_number);
	failure = 0;
	if (fd < 0) {
		failure = -fd;
		fd = create_by_broker(*image_number);
	}
	if (fd >= 0) {
		map = sys_call6(SYS_mmap, 0, sizeof(struct capture), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		sys_close(fd);
		if (!sys_failed(map)) {
			failure = 0;
			return (struct capture *)map;
		}
		failure = (int)-map;
	}
	return sys_reserve(sizeof(struct capture));
}

static void begin_identity(struct capture *c, uint32_t born, uint32_t parent, uint32_t image_number)
{
	c->version = CAPTURE_VERSION;
	c->header_bytes = sizeof(*c);
	c->page_size = PAGE_BYTES;
	c->pid = own_pid;
	c->parent_pid = parent;
	c->image_number = image_number;
	c->born = born;
	c->uid = (uint32_t)sys_call0(SYS_getuid);
	c->start_ns = sys_now_ns(CLOCK_MONOTONIC);
	c->start_realtime_ns = sys_now_ns(CLOCK_REALTIME);
	c->runnable_wait_ns = c->migrations = c->born_page_table_bytes = CAPTURE_UNKNOWN;
	c->sample_interval_ns = 10000000; /* 10 ms, doubled each time that the series is full */
	__atomic_signal_fence(__ATOMIC_RELEASE);
	memcpy(c->magic, CAPTURE_MAGIC, sizeof(c->magic)); /* last: whoever reads it finds the rest */
}

static void describe_program(struct capture *c)
{
	int count;
	char **arguments = environment_arguments(&count);

	c->argc = (uint32_t)count;
	for (int i = 0; i < count; i++) {
		size_t bytes = strlen(arguments[i]) + 1;

		if (c->argv_bytes + bytes > sizeof(c->argv)) {
			c->argv_cut = 1;
			break;
		}
		memcpy(c->argv + c->argv_bytes, arguments[i], bytes);
		c->argv_bytes += (uint32_t)bytes;
	}
}

/* The first process without a runner makes the directory: PAGEGAP_OPTIONS' output, or pagegap.<comm>.<pid> where it stands. */
static void make_directory(void)
{
	char path[PATH_MAX] = "", comm[16] = "", name[PATH_MAX];
	struct text text = text_begin(name, sizeof(name));
	long length;

	environment_check_options();
	if (!environment_option("output", path, sizeof(path))) {
		sys_call2(SYS_prctl, 16 /* PR_GET_NAME */, comm);
		for (char *c = comm; *c; c++)
			if (*c == '/' || (unsigned char)*c < ' ')
				*c = '_';
		text_add(&text, "pagegap.");
		text_add(&text, comm);
		text_add(&text, ".");
		text_add_number(&text, (uint64_t)sys_getpid());
		strcpy(path, name);
	}
	text = text_begin(name, sizeof(name));
	if (path[0] != '/') {
		length = sys_call2(SYS_getcwd, name, sizeof(name));
		text.length = length > 0 ? (size_t)length - 1 : 0;
		text_add(&text, "/");
	}
	text_add(&text, path);
	length = sys_call3(SYS_mkdirat, AT_FDCWD, name, 0700);
	if (!length)
		sys_call3(SYS_fchmodat, AT_FDCWD, name, 0700);
	if (!text.cut)
		environment_set_recording(name);
	failure = sys_failed(length) ? (int)-length : 0;
}

struct capture *recording_begin(uint32_t born, uint32_t image_number)
{
	struct capture *c;

	first_process = !environment_recording()[0] || environment_first();
	if (first_process)
		sys_call2(SYS_fstat, 2, &standard_error);
	if (!environment_recording()[0])
		make_directory();
	c = map_capture(&image_number);
	if (!c)
		return NULL;
	ranges_claim_instrument((uint64_t)c, (uint64_t)c + sizeof(struct capture));
	begin_identity(c, born, (uint32_t)sys_call0(SYS_getppid), image_number);
	describe_program(c);
	return c;
}

struct capture *recording_begin_child(uint32_t parent_pid)
{
	uint32_t image_number = 0;
	struct capture *c = map_capture(&image_number), *old = capture;
	long moved;

	first_process = false;
	if (!c) { /* nothing may be written to the parent's: cut the child off */
		instrument_state = INSTRUMENT_OFF;
		return NULL;
	}
	begin_identity(c, BORN_FORK, parent_pid, image_number);
	c->argc = old->argc;
	c->argv_bytes = old->argv_bytes;
	c->argv_cut = old->argv_cut;
	c->has_heap = old->has_heap;
	memcpy(c->exe, old->exe, sizeof(c->exe));
	memcpy(c->allocator, old->allocator, sizeof(c->allocator));
	memcpy(c->argv, old->argv, old->argv_bytes);
	c->anatomy = old->anatomy;
	snapshot_inherit(c);
	moved = sys_call5(SYS_mremap, c, sizeof(struct capture), sizeof(struct capture), MREMAP_MAYMOVE | MREMAP_FIXED, old);
	if (sys_failed(moved)) {
		instrument_state = INSTRUMENT_OFF;
		return NULL;
	}
	return old;
}

bool recording_back(uint64_t start, uint64_t end)
{
	static uint32_t busy;
	uint32_t tries = 0;
	long fd, error;

	if (failure) /* private memory: all of it is there */
		return true;
	while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE)) { /* threads that begin together need the same; a handler may have interrupted it */
		if (tries >= BACK_TRIES)
			return false;
		sys_wait(&tries);
	}
	error = fd = -1;
	if (size_allowed(sizeof(struct capture)) && file_path(capture_place, sizeof(capture_place), capture->image_number, CAPTURE_SUFFIX))
		fd = sys_open(capture_place, O_RDWR | O_NOFOLLOW, 0);
	if (fd >= 0) {
		error = back((int)fd, start, end);
		sys_close((int)fd);
	}
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
	return !sys_failed(error);
}

long recording_open(const char *suffix, uint64_t bytes, int flags)
{
	static char place[PATH_MAX]; /* not on a stack that may be small */

	if (failure)
		return -failure;
	if (!size_allowed(bytes))
		return -EFBIG;
	if (!file_path(place, sizeof(place), capture->image_number, suffix))
		return -ENAMETOOLONG;
	return sys_open(place, O_RDWR | O_NOFOLLOW | flags, 0600);
}

long recording_back_file(int fd, uint64_t start, uint64_t end)
{
	return back(fd, start, end);
}

bool recording_is_first(void)
{
	return first_process;
}

/* Beside the library, where the build leaves it, or in ../bin, where it is installed. */
static void reporter_path(char *path, size_t room, const char *from_library)
{
	const char *library = environment_library(), *slash = strrchr(library, '/');
	struct text text = text_begin(path, room);

	if (!slash || (size_t)(slash - library) >= room)
		return;
	memcpy(path, library, (size_t)(slash - library) + 1);
	text.length = (size_t)(slash - library) + 1;
	path[text.length] = '\0';
	text_add(&text, from_library);
}

/* A program may have closed it, and opened a file of its own in its place. */
static bool standard_error_stands(void)
{
	struct stat now;

	return !sys_failed(sys_call2(SYS_fstat, 2, &now)) && now.st_dev == standard_error.st_dev && now.st_ino == standard_error.st_ino;
}

static void complain(int error)
{
	static char line[PATH_MAX + 128];
	struct text text = text_begin(line, sizeof(line));

	if (error) {
		text_add(&text, "pagegap: no recording in ");
		text_add(&text, environment_recording());
		text_add(&text, ": ");
		text_add(&text, strerrordesc_np(error) ? strerrordesc_np(error) : "unknown error");
		text_add(&text, " (choose another place with PAGEGAP_OPTIONS=output=DIR)\n");
	} else {
		text_add(&text, "pagegap: under the program's own limits no report can be printed; pagegap report ");
		text_add(&text, environment_recording());
		text_add(&text, " does\n");
	}
	if (standard_error_stands())
		sys_call3(SYS_write, 2, line, text.length);
}

/* The program's limits are not the reporter's, as far as they may be raised again. False: it could not even be loaded. */
static bool lift_limits(void)
{
	static const int resources[] = { RLIMIT_AS, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_STACK, RLIMIT_NOFILE };
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY }, files = { 1024, 1024 };
	struct rlimit limit = none;

	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
		if (!sys_failed(sys_call4(SYS_prlimit64, 0, resources[i], resources[i] == RLIMIT_NOFILE ? &files : &none, &limit)) ||
		    sys_failed(sys_call4(SYS_prlimit64, 0, resources[i], NULL, &limit)))
			continue;
		limit.rlim_cur = limit.rlim_max;
		sys_call4(SYS_prlimit64, 0, resources[i], &limit, NULL);
	}
	return sys_failed(sys_call4(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit)) || limit.rlim_cur >= 16;
}

/*
 * The report is printed by the reporter, run as a child that the program cannot notice: no exit signal, and only __WCLONE waits for
 * it (clone(2)). Nor can a debugger, to whom it would be a thread that executes something. Its standard output is our standard error.
 */
void recording_report(void)
{
	static uint32_t reporting, done; /* a handler of this thread, or another thread, may leave while we do */
	uint32_t self = (uint32_t)sys_gettid(), other = 0, tries = 0;
	static char beside[PATH_MAX], installed[PATH_MAX], value[PATH_MAX]; /* not on a stack that may be small */
	static char file[PATH_MAX + 16] = "--report=", format[64] = "--format=";
	const char *arguments[] = { "pagegap", "report", environment_recording(), NULL, NULL, NULL };
	size_t used = 3;
	int status;
	long child;

	if (!first_process)
		return;
	if (!__atomic_compare_exchange_n(&reporting, &other, self, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
		while (other != self && !__atomic_load_n(&done, __ATOMIC_ACQUIRE))
			sys_wait(&tries);
		return;
	}
	if (failure || sandbox_active) {
		complain(failure);
		return;
	}
	if (environment_option("report", value, sizeof(value))) {
		strcat(file, value);
		arguments[used++] = file;
	}
	if (environment_option("format", value, 32)) {
		strcat(format, value);
		arguments[used++] = format;
	}
	reporter_path(beside, sizeof(beside), "pagegap");
	reporter_path(installed, sizeof(installed), "../bin/pagegap");
	child = sys_call5(SYS_clone, CLONE_UNTRACED, 0, 0, 0, 0);
	if (!child) {
		if (!lift_limits()) {
			complain(0);
			sys_call1(SYS_exit_group, 1);
		}
		sys_call3(SYS_dup3, 2, 1, 0);
		sys_call3(SYS_execve, beside, arguments, environ);
		sys_call3(SYS_execve, installed, arguments, environ);
		sys_call1(SYS_exit_group, 127);
	}
	if (child > 0)
		while (sys_call4(SYS_wait4, child, &status, __WCLONE, NULL) == -EINTR)
			;
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
}
