/* SPDX-License-Identifier: MIT */
/*
 * What an image and each of its threads did with their time, as far as only they can say: getrusage(2) for computing, schedstat for waiting for
 * a processor, and how long each thread lived, so that what is left is sleep. A thread is asked when it ends, and at the end of
 * the image when it is still there. Nothing is read when a thread begins: it begins with zero, when whoever made it called pthread_create.
 */
#include "times.h"

#include <string.h>
#include <sys/prctl.h>

#include "call_counts.h"
#include "smaps.h"
#include "text.h"

#define SHORT_LIFE_NS 5000000ULL        /* a thread that lived for less is not worth the reading of files */

static struct {
	uint64_t waited_ns, migrated;   /* of threads that are gone */
	uint64_t unseen_ns;             /* how long the threads lived of which neither is known */
	uint32_t threads_unseen;
} gone;

static struct capture_thread_time before; /* the image began: of its first thread */

bool times_read_proc(const char *path, char *buffer, size_t room)
{
	int fd = sys_open(path, O_RDONLY, 0);
	long got;

	if (fd < 0)
		return false;
	got = sys_read(fd, buffer, room - 1);
	sys_close(fd);
	if (got <= 0)
		return false;
	buffer[got] = '\0';
	return true;
}

/* Nanoseconds on a processor, and waiting on a run queue (Documentation/scheduler/sched-stats.rst). */
static bool read_schedstat(const char *path, uint64_t *run_ns, uint64_t *wait_ns)
{
	char buffer[128];
	const char *at = buffer;

	if (!times_read_proc(path, buffer, sizeof(buffer)))
		return false;
	*run_ns = scan_decimal(&at);
	*wait_ns = scan_decimal(&at);
	return true;
}

static bool read_migrations(const char *path, uint64_t *migrations)
{
	char buffer[1024];
	const char *at;

	if (!times_read_proc(path, buffer, sizeof(buffer)))
		return false;
	at = strstr(buffer, "nr_migrations");
	at = at ? strchr(at, ':') : NULL;
	if (!at)
		return false;
	at++;
	*migrations += scan_decimal(&at);
	return true;
}

static uint64_t timeval_ns(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000ULL + (uint64_t)t->tv_usec * 1000ULL;
}

/* Of the image's first thread, without what it did before. */
static void take_beginning(struct capture_thread_time *time)
{
	time->user_ns -= min_u64(time->user_ns, before.user_ns);
	time->system_ns -= min_u64(time->system_ns, before.system_ns);
	if (time->wait_ns != CAPTURE_UNKNOWN)
		time->wait_ns = before.wait_ns == CAPTURE_UNKNOWN ? CAPTURE_UNKNOWN : time->wait_ns - min_u64(time->wait_ns, before.wait_ns);
}

static struct {
	bool known;
	uint64_t reads, writes;         /* as the kernel counts, without our own */
} io_before;

/*
 * proc(5), /proc/pid/io, of the thread: that of the process has the calls of all children that it has waited for. A call counts when it returns, so the
 * one that reads this does not.
 */
static bool read_io(uint64_t *reads, uint64_t *writes)
{
	uint64_t own_reads = __atomic_load_n(&sys_own_reads, __ATOMIC_RELAXED), own_writes = __atomic_load_n(&sys_own_writes, __ATOMIC_RELAXED);
	char buffer[512];
	const char *read, *write;

	if (!times_read_proc("/proc/thread-self/io", buffer, sizeof(buffer)))
		return false;
	read = strstr(buffer, "syscr: ");
	write = strstr(buffer, "syscw: ");
	if (!read || !write)
		return false;
	read += strlen("syscr: ");
	write += strlen("syscw: ");
	*reads = scan_decimal(&read) - own_reads;
	*writes = scan_decimal(&write) - own_writes;
	return true;
}

/* Less than none: what a child after vfork read, and counted in this memory, is not this process's. */
static void read_io_since(void)
{
	uint64_t reads, writes;

	if (!io_before.known || !read_io(&reads, &writes) || (int64_t)(reads - io_before.reads) < 0 || (int64_t)(writes - io_before.writes) < 0)
		return;
	capture->kernel_reads = reads - io_before.reads;
	capture->kernel_writes = writes - io_before.writes;
}

static bool is_first(const struct thread *thread)
{
	return thread->start_ns == capture->begun_ns;
}

static void read_own(struct capture_thread_time *time)
{
	struct rusage usage = { 0 };

	sys_call2(SYS_getrusage, RUSAGE_THREAD, &usage);
	time->user_ns = timeval_ns(&usage.ru_utime);
	time->system_ns = timeval_ns(&usage.ru_stime);
}

/* Fields of /proc/pid/stat behind the name (proc(5)). */
enum { STAT_STATE = 1, STAT_FLAGS = 7, STAT_UTIME = 12 };

/* The end of the name, where a blank and the fields follow; NULL: no such file. */
static const char *read_stat(const char *path, char *buffer, size_t room)
{
	const char *end = times_read_proc(path, buffer, room) ? strrchr(buffer, ')') : NULL;

	return end && end[1] == ' ' && strchr(buffer, '(') ? end : NULL;
}

static uint64_t stat_field(const char *name_end, int wanted)
{
	const char *at = name_end + 1;

	for (int field = STAT_STATE; field < wanted && at; field++)
		at = strchr(at + 1, ' ');
	return at ? scan_decimal(&at) : 0;
}

/* It has left its slot, and is just not gone yet. */
static bool is_leaving(const char *path)
{
	enum { PF_EXITING = 4 };        /* include/linux/sched.h */
	char buffer[512];
	const char *end = read_stat(path, buffer, sizeof(buffer));

	return !end || stat_field(end, STAT_FLAGS) & PF_EXITING;
}

/* Of another thread, which goes on meanwhile: user time in ticks of the clock, the rest of what it ran is system time. */
static bool read_other(const char *path, uint64_t run_ns, struct capture_thread *thread)
{
	enum { TICK_NS = 10000000 };    /* USER_HZ is 100 */
	char buffer[512];
	const char *end = read_stat(path, buffer, sizeof(buffer)), *name;

	if (!end || strchr("ZXx", end[2])) /* a first thread that has left stays as a zombie */
		return false;
	name = strchr(buffer, '(') + 1;
	memset(thread->name, 0, sizeof(thread->name));
	memcpy(thread->name, name, min_u64((uint64_t)(end - name), sizeof(thread->name) - 1));
	thread->now.user_ns = min_u64(stat_field(end, STAT_UTIME) * TICK_NS, run_ns);
	thread->now.system_ns = run_ns - thread->now.user_ns;
	return true;
}

static struct capture_thread *find(uint32_t tid)
{
	for (uint32_t i = 1, slots = threads_slots(); i < slots && capture->counters[i].thread.threads; i++)
		if (capture->counters[i].tid == tid)
			return &capture->counters[i].thread;
	return NULL;
}

static void none_alive(void)
{
	for (uint32_t i = 0, slots = threads_slots(); i < slots && (!i || capture->counters[i].thread.threads); i++)
		capture->counters[i].thread.alive = 0;
}

/* Of the calling thread: all but how long it lived. */
static void ask_own(struct capture_thread *thread, uint64_t wait_ns)
{
	thread->now.wait_ns = wait_ns;
	thread->now.unread_ns = 0;
	read_own(&thread->now);
	sys_call2(SYS_prctl, PR_GET_NAME, thread->name);
	if (thread->since_ns == capture->begun_ns)
		take_beginning(&thread->now);
	thread->alive = 1;
}

/* Of the only thread: its files without a walk over the list of threads. */
static bool read_only_thread(uint64_t *wait_ns, uint64_t *migrations)
{
	struct thread *self = &this_thread;
	uint64_t run_ns;

	*migrations = 0;
	if (!read_schedstat("/proc/self/schedstat", &run_ns, wait_ns))
		*wait_ns = CAPTURE_UNKNOWN;
	if (!read_migrations("/proc/self/sched", migrations))
		*migrations = CAPTURE_UNKNOWN;
	if (!self->counters || self->shared)
		return false;
	ask_own(&self->counters->thread, *wait_ns);
	return true;
}

struct directory_entry { uint64_t inode, offset; uint16_t length; uint8_t type; char name[]; }; /* getdents64(2) */

/* One of /proc/self/task. Returns false when it is not known since when it lives. */
static bool ask(const char *tid, uint64_t *wait_ns, uint64_t *migrations, bool *migrations_known)
{
	struct capture_thread *thread = find((uint32_t)scan_decimal_text(tid));
	bool own = scan_decimal_text(tid) == (uint64_t)sys_gettid();
	uint64_t run = 0, wait = 0;
	char path[64];
	struct text text = text_begin(path, sizeof(path));

	text_add(&text, "/proc/self/task/");
	text_add(&text, tid);
	text_add(&text, "/schedstat");
	if (read_schedstat(path, &run, &wait))
		*wait_ns += wait;
	else
		wait = CAPTURE_UNKNOWN;
	path[text.length - 4] = '\0'; /* schedstat -> sched */
	*migrations_known = *migrations_known && read_migrations(path, migrations);
	strcpy(path + text.length - strlen("schedstat"), "stat");
	if (!thread)
		return is_leaving(path);
	if (wait == CAPTURE_UNKNOWN)
		return false;
	if (own) {
		ask_own(thread, wait);
		return true;
	}
	thread->now.wait_ns = wait;
	thread->now.unread_ns = 0;
	if (!read_other(path, run, thread))
		return false;
	if (thread->since_ns == capture->begun_ns)
		take_beginning(&thread->now);
	thread->alive = 1;
	return true;
}

/* Sums over the threads that are alive now and those that ended under our eyes. Returns false when not all of them are known. */
static bool sum_threads(uint64_t *wait_ns, uint64_t *migrations)
{
	_Alignas(struct directory_entry) char buffer[512];
	int fd = sys_open("/proc/self/task", O_RDONLY | O_DIRECTORY, 0);
	bool known = fd >= 0, migrations_known = known && !gone.threads_unseen;
	long got;

	*wait_ns = gone.waited_ns;
	*migrations = gone.migrated;
	while (fd >= 0 && (got = sys_call3(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; at < got;) {
			const struct directory_entry *entry = (const void *)(buffer + at);

			at += entry->length;
			if (entry->name[0] != '.' && !ask(entry->name, wait_ns, migrations, &migrations_known))
				known = false;
		}
	}
	if (fd >= 0)
		sys_close(fd);
	if (fd < 0 || gone.unseen_ns > (sys_now_ns(CLOCK_MONOTONIC) - capture->start_ns) / 100) /* the error would show */
		*wait_ns = CAPTURE_UNKNOWN;
	if (!migrations_known)
		*migrations = CAPTURE_UNKNOWN;
	return known;
}

/* How long all threads lived until @at_ns: those that are alive were asked just before. */
static uint64_t sum_lives(uint64_t at_ns)
{
	uint64_t sum = 0;

	for (uint32_t i = 0, slots = threads_slots(); i < slots && (!i || capture->counters[i].thread.threads); i++) {
		struct capture_thread *thread = &capture->counters[i].thread;

		if (thread->lost)
			return CAPTURE_UNKNOWN;
		thread->now.lived_ns = thread->alive ? at_ns - thread->since_ns : 0;
		sum += thread->ended.lived_ns + thread->now.lived_ns;
	}
	return sum;
}

void times_begin(void)
{
	struct rusage usage = { 0 };
	uint64_t run_ns;

	memset(&gone, 0, sizeof(gone));
	capture->threads_lived_ns = CAPTURE_UNKNOWN;
	if (!read_schedstat("/proc/self/schedstat", &run_ns, &before.wait_ns))
		before.wait_ns = CAPTURE_UNKNOWN;
	capture->begun_wait_ns = before.wait_ns;
	capture->kernel_reads = capture->kernel_writes = CAPTURE_UNKNOWN;
	io_before.reads = io_before.writes = 0; /* of a forked child: it has read what we did since */
	io_before.known = capture->born == BORN_FORK || read_io(&io_before.reads, &io_before.writes);
	read_own(&before);
	sys_call2(SYS_getrusage, RUSAGE_SELF, &usage);
	capture->begun_user_ns = timeval_ns(&usage.ru_utime);
	capture->begun_system_ns = timeval_ns(&usage.ru_stime);
	capture->begun_ns = this_thread.start_ns = sys_now_ns(CLOCK_MONOTONIC);
}

void times_thread_begins(struct thread *thread, bool lost)
{
	struct capture_thread *own = &thread->counters->thread;

	if (thread->shared) {
		__atomic_fetch_add(&own->threads, 1, __ATOMIC_RELAXED);
		return;
	}
	own->threads++;
	own->lost += lost;
	own->tid = thread->counters->tid;
	own->since_ns = thread->start_ns;
	own->alive = 0;
	own->name[0] = '\0';
}

/* Of the shared slot several threads may be at the end at once. */
static void add_ended(struct capture_thread_time *to, const struct capture_thread_time *time)
{
	__atomic_fetch_add(&to->lived_ns, time->lived_ns, __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->user_ns, time->user_ns, __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->system_ns, time->system_ns, __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->wait_ns, time->wait_ns, __ATOMIC_RELAXED);
	__atomic_fetch_add(&to->unread_ns, time->unread_ns, __ATOMIC_RELAXED);
}

void times_thread_ends(struct thread *thread)
{
	struct capture_thread_time time = { .lived_ns = sys_now_ns(CLOCK_MONOTONIC) - thread->start_ns };
	uint64_t wait = 0, migrations = 0, run;

	read_own(&time);
	if (time.lived_ns >= SHORT_LIFE_NS && read_schedstat("/proc/thread-self/schedstat", &run, &wait)) {
		__atomic_fetch_add(&gone.waited_ns, wait, __ATOMIC_RELAXED);
		time.wait_ns = wait;
		if (is_first(thread))
			take_beginning(&time);
		if (time.wait_ns == CAPTURE_UNKNOWN)
			time.wait_ns = 0, time.unread_ns = time.lived_ns;
	} else {
		__atomic_fetch_add(&gone.unseen_ns, time.lived_ns, __ATOMIC_RELAXED);
		time.unread_ns = time.lived_ns;
	}
	if (time.lived_ns >= SHORT_LIFE_NS && read_migrations("/proc/thread-self/sched", &migrations))
		__atomic_fetch_add(&gone.migrated, migrations, __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(&gone.threads_unseen, 1, __ATOMIC_RELAXED);
	if (!thread->shared)
		sys_call2(SYS_prctl, PR_GET_NAME, thread->counters->thread.name);
	add_ended(&thread->counters->thread.ended, &time);
}

/* No fault of our own may come between the clock and the count: the first time touches what the second one needs. */
void times_read_usage(void)
{
	struct rusage usage;
	uint64_t now;

	sys_call2(SYS_getrusage, RUSAGE_SELF, &usage);
	capture->usage_at_ns = sys_now_ns(CLOCK_MONOTONIC);
	now = sys_now_ns(CLOCK_MONOTONIC);
	sys_call2(SYS_getrusage, RUSAGE_SELF, &usage);
	capture->usage_at_ns = now;
	capture->threads_lived_ns = CAPTURE_UNKNOWN;
	capture->user_ns = timeval_ns(&usage.ru_utime);
	capture->system_ns = timeval_ns(&usage.ru_stime);
	capture->voluntary_switches = (uint64_t)usage.ru_nvcsw;
	capture->involuntary_switches = (uint64_t)usage.ru_nivcsw;
	capture->minor_faults = (uint64_t)usage.ru_minflt;
	capture->major_faults = (uint64_t)usage.ru_majflt;
	capture->max_rss_bytes = (uint64_t)usage.ru_maxrss << 10;
	call_clock_read();
}

void times_read(void)
{
	uint64_t begun_ns = sys_now_ns(CLOCK_MONOTONIC);
	bool known;

	capture->kernel_reads = capture->kernel_writes = CAPTURE_UNKNOWN;
	none_alive();
	if (threads_started || capture->counters[2].tid)
		known = sum_threads(&capture->runnable_wait_ns, &capture->migrations);
	else
		read_io_since(), known = read_only_thread(&capture->runnable_wait_ns, &capture->migrations);
	times_read_usage(); /* last: the kernel may have faults in what was read, and of these there are no samples */
	if (known) {
		capture->threads_asked_ns = capture->usage_at_ns - begun_ns;
		capture->threads_lived_ns = sum_lives(capture->usage_at_ns);
	}
}
