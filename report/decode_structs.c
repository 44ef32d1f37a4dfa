/* SPDX-License-Identifier: MIT */
/* Structures of one size, field by field; those that strace shortens are shortened alike. */
#include <linux/capability.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <time.h>
#include <utime.h>

#include "decode_internal.h"

void decode_timespec(FILE *out, int64_t seconds, int64_t nanoseconds)
{
	fprintf(out, "{tv_sec=%ld, tv_nsec=%lu}", seconds, (uint64_t)nanoseconds);
}

void decode_timeval(FILE *out, int64_t seconds, int64_t microseconds)
{
	fprintf(out, "{tv_sec=%ld, tv_usec=%lu}", seconds, (uint64_t)microseconds);
}

static void timespec(FILE *out, const void *bytes)
{
	struct timespec t;

	memcpy(&t, bytes, sizeof(t));
	decode_timespec(out, t.tv_sec, t.tv_nsec);
}

static void timeval(FILE *out, const void *bytes)
{
	struct timeval t;

	memcpy(&t, bytes, sizeof(t));
	decode_timeval(out, t.tv_sec, t.tv_usec);
}

static bool date_of(int64_t seconds, char *date, size_t room, char *zone)
{
	time_t t = seconds;
	struct tm tm;

	return localtime_r(&t, &tm) && strftime(date, room, "%Y-%m-%dT%H:%M:%S", &tm) && strftime(zone, 16, "%z", &tm);
}

void decode_moment(FILE *out, int64_t seconds, uint64_t fraction, int digits)
{
	static const uint64_t whole[] = { [0] = 1, [6] = 1000000, [9] = 1000000000 };
	char date[64], zone[16];

	if ((!seconds && !fraction) || fraction >= whole[digits] || !date_of(seconds, date, sizeof(date), zone))
		return;
	if (digits && fraction)
		fprintf(out, " /* %s.%0*lu%s */", date, digits, fraction, zone);
	else
		fprintf(out, " /* %s%s */", date, zone);
}

void decode_date(FILE *out, int64_t seconds)
{
	char date[64], zone[16];

	if (date_of(seconds, date, sizeof(date), zone))
		fprintf(out, "%s%s", date, zone);
}

static void file_times(FILE *out, const void *bytes)
{
	struct timespec t[2];

	memcpy(t, bytes, sizeof(t));
	fputc('[', out);
	for (int i = 0; i < 2; i++) {
		if (i)
			fputs(", ", out);
		if (t[i].tv_nsec == UTIME_NOW)
			fputs("UTIME_NOW", out);
		else if (t[i].tv_nsec == UTIME_OMIT)
			fputs("UTIME_OMIT", out);
		else {
			decode_timespec(out, t[i].tv_sec, t[i].tv_nsec);
			decode_moment(out, t[i].tv_sec, (uint64_t)t[i].tv_nsec, 9);
		}
	}
	fputc(']', out);
}

static void file_timevals(FILE *out, const void *bytes)
{
	struct timeval t[2];

	memcpy(t, bytes, sizeof(t));
	fputc('[', out);
	for (int i = 0; i < 2; i++) {
		fputs(i ? ", " : "", out);
		decode_timeval(out, t[i].tv_sec, t[i].tv_usec);
		decode_moment(out, t[i].tv_sec, (uint64_t)t[i].tv_usec, 6);
	}
	fputc(']', out);
}

static void utimbuf(FILE *out, const void *bytes)
{
	struct utimbuf t;

	memcpy(&t, bytes, sizeof(t));
	fprintf(out, "{actime=%ld", t.actime);
	decode_moment(out, t.actime, 0, 0);
	fprintf(out, ", modtime=%ld", t.modtime);
	decode_moment(out, t.modtime, 0, 0);
	fputc('}', out);
}

static void intervals(FILE *out, const void *bytes, void (*each)(FILE *, const void *))
{
	fputs("{it_interval=", out);
	each(out, bytes);
	fputs(", it_value=", out);
	each(out, (const char *)bytes + sizeof(struct timespec));
	fputc('}', out);
}

static void limit_value(FILE *out, uint64_t value)
{
	if (value == UINT64_MAX)
		fputs("RLIM64_INFINITY", out);
	else if (value > 1024 && value % 1024 == 0)
		fprintf(out, "%lu*1024", value / 1024);
	else
		fprintf(out, "%lu", value);
}

static void rlimit(FILE *out, const void *bytes)
{
	struct rlimit64 l;

	memcpy(&l, bytes, sizeof(l));
	fputs("{rlim_cur=", out);
	limit_value(out, l.rlim_cur);
	fputs(", rlim_max=", out);
	limit_value(out, l.rlim_max);
	fputc('}', out);
}

static void status(FILE *out, const void *bytes)
{
	struct stat s;

	memcpy(&s, bytes, sizeof(s));
	fputs("{st_mode=", out);
	decode_mode_type(out, s.st_mode);
	if (S_ISCHR(s.st_mode) || S_ISBLK(s.st_mode)) {
		fputs(", st_rdev=", out);
		decode_device(out, s.st_rdev);
	} else
		fprintf(out, ", st_size=%lu", (uint64_t)s.st_size);
	fputs(", ...}", out);
}

static void statx_status(FILE *out, const void *bytes)
{
	struct statx s;

	memcpy(&s, bytes, sizeof(s));
	fputs("{stx_mask=", out);
	decode_flags(out, &words_statx, s.stx_mask);
	fputs(", stx_attributes=", out);
	decode_flags(out, &words_statx_attributes, s.stx_attributes);
	if (s.stx_mask & (STATX_TYPE | STATX_MODE)) {
		fputs(", stx_mode=", out);
		decode_mode_type(out, s.stx_mode);
	}
	if (s.stx_mask & STATX_SIZE)
		fprintf(out, ", stx_size=%lu", (uint64_t)s.stx_size);
	fputs(", ...}", out);
}

static void filesystem(FILE *out, const void *bytes)
{
	enum { valid = 0x20 };          /* the kernel's own: the flags mean something */
	static const struct { unsigned long bit; const char *name; } flags[] = {
		{ valid, "ST_VALID" }, { ST_RDONLY, "ST_RDONLY" }, { ST_NOSUID, "ST_NOSUID" }, { ST_NODEV, "ST_NODEV" }, { ST_NOEXEC, "ST_NOEXEC" },
		{ ST_SYNCHRONOUS, "ST_SYNCHRONOUS" }, { ST_MANDLOCK, "ST_MANDLOCK" }, { ST_NOATIME, "ST_NOATIME" },
		{ ST_NODIRATIME, "ST_NODIRATIME" }, { ST_RELATIME, "ST_RELATIME" }, { 0x2000, "ST_NOSYMFOLLOW" },
	};
	struct statfs s;
	uint64_t rest;
	bool begun = false;

	memcpy(&s, bytes, sizeof(s));
	fputs("{f_type=", out);
	decode_word(out, &words_statfs_type, (uint64_t)s.f_type);
	fprintf(out, ", f_bsize=%lu, f_blocks=%lu, f_bfree=%lu, f_bavail=%lu, f_files=%lu, f_ffree=%lu, f_fsid={val=[%#x, %#x]}, f_namelen=%lu, "
		"f_frsize=%lu", (uint64_t)s.f_bsize, s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree,
		(unsigned)s.f_fsid.__val[0], (unsigned)s.f_fsid.__val[1], (uint64_t)s.f_namelen, (uint64_t)s.f_frsize);
	rest = (uint64_t)s.f_flags;
	if (!(rest & valid)) {
		fputc('}', out);
		return;
	}
	fputs(", f_flags=", out);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (rest & flags[i].bit) {
			fprintf(out, "%s%s", begun ? "|" : "", flags[i].name);
			rest &= ~flags[i].bit;
			begun = true;
		}
	if (rest || !begun)
		fprintf(out, begun ? "|%#lx" : "%#lx", rest);
	fputc('}', out);
}

static void rusage(FILE *out, const void *bytes)
{
	struct rusage r;

	memcpy(&r, bytes, sizeof(r));
	fputs("{ru_utime=", out);
	timeval(out, &r.ru_utime);
	fputs(", ru_stime=", out);
	timeval(out, &r.ru_stime);
	fputs(", ...}", out);
}

static void names(FILE *out, const void *bytes)
{
	const unsigned char *at = bytes;

	fputs("{sysname=", out);
	decode_quoted(out, at, strnlen((const char *)at, 65), false);
	fputs(", nodename=", out);
	decode_quoted(out, at + 65, strnlen((const char *)at + 65, 65), false);
	fputs(", ...}", out);
}

static void machine(FILE *out, const void *bytes)
{
	struct sysinfo s;

	memcpy(&s, bytes, sizeof(s));
	fprintf(out, "{uptime=%lu, loads=[%lu, %lu, %lu], totalram=%lu, freeram=%lu, sharedram=%lu, bufferram=%lu, totalswap=%lu, freeswap=%lu, "
		"procs=%u, totalhigh=%lu, freehigh=%lu, mem_unit=%u}", (unsigned long)s.uptime, s.loads[0], s.loads[1], s.loads[2], s.totalram, s.freeram,
		s.sharedram, s.bufferram, s.totalswap, s.freeswap, s.procs, s.totalhigh, s.freehigh, s.mem_unit);
}

static void process_times(FILE *out, const void *bytes)
{
	struct tms t;

	memcpy(&t, bytes, sizeof(t));
	fputs("{tms_utime=", out);
	decode_ticks(out, (uint64_t)t.tms_utime);
	fputs(", tms_stime=", out);
	decode_ticks(out, (uint64_t)t.tms_stime);
	fputs(", tms_cutime=", out);
	decode_ticks(out, (uint64_t)t.tms_cutime);
	fputs(", tms_cstime=", out);
	decode_ticks(out, (uint64_t)t.tms_cstime);
	fputc('}', out);
}

static void clock_state(FILE *out, const void *bytes)
{
	struct timex t;

	memcpy(&t, bytes, sizeof(t));
	fputs("{modes=", out);
	decode_flags(out, &words_timex_modes, t.modes);
	fprintf(out, ", offset=%ld, freq=%ld, maxerror=%lu, esterror=%lu, status=", t.offset, t.freq, (uint64_t)t.maxerror, (uint64_t)t.esterror);
	decode_flags(out, &words_timex_status, (uint32_t)t.status);
	fprintf(out, ", constant=%ld, precision=%lu, tolerance=%ld, time=", t.constant, (uint64_t)t.precision, t.tolerance);
	timeval(out, &t.time);
	fprintf(out, ", tick=%ld, ppsfreq=%ld, jitter=%ld, shift=%d, stabil=%ld, jitcnt=%ld, calcnt=%ld, errcnt=%ld, stbcnt=%ld, tai=%d}",
		t.tick, t.ppsfreq, t.jitter, t.shift, t.stabil, t.jitcnt, t.calcnt, t.errcnt, t.stbcnt, t.tai);
}

static void signal_stack(FILE *out, const void *bytes)
{
	stack_t s;

	memcpy(&s, bytes, sizeof(s));
	fputs("{ss_sp=", out);
	decode_address(out, (uint64_t)(uintptr_t)s.ss_sp);
	fputs(", ss_flags=", out);
	decode_flags(out, &words_sigstack_flags, (uint32_t)s.ss_flags);
	fprintf(out, ", ss_size=%lu}", s.ss_size);
}

static void epoll_event(FILE *out, const void *bytes)
{
	struct epoll_event e;

	memcpy(&e, bytes, sizeof(e));
	fputs("{events=", out);
	decode_flags(out, &words_epoll_events, e.events);
	fprintf(out, ", data={u32=%u, u64=%lu}}", e.data.u32, e.data.u64);
}

static void queue_attributes(FILE *out, const void *bytes)
{
	struct mq_attr a;

	memcpy(&a, bytes, sizeof(a));
	fputs("{mq_flags=", out);
	decode_flags(out, &words_mq_flags, (uint64_t)a.mq_flags);
	fprintf(out, ", mq_maxmsg=%ld, mq_msgsize=%ld, mq_curmsgs=%ld}", a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
}

/* 1<<CAP_CHOWN|1<<CAP_KILL */
static void capabilities(FILE *out, uint64_t bits)
{
	bool begun = false;
	uint64_t rest = bits;

	if (!bits)
		fputc('0', out);
	for (unsigned i = 0; i < 64; i++) {
		const char *name = bits >> i & 1 ? decode_word_name(&words_capability, i) : NULL;

		if (!name)
			continue;
		fprintf(out, "%s1<<%s", begun ? "|" : "", name);
		rest &= ~(1UL << i);
		begun = true;
	}
	if (rest)
		fprintf(out, begun ? "|%#lx" : "%#lx", rest);
}

static void capability_sets(FILE *out, const void *bytes)
{
	struct __user_cap_data_struct c[2];

	memcpy(c, bytes, sizeof(c));
	fputs("{effective=", out);
	capabilities(out, c[0].effective | (uint64_t)c[1].effective << 32);
	fputs(", permitted=", out);
	capabilities(out, c[0].permitted | (uint64_t)c[1].permitted << 32);
	fputs(", inheritable=", out);
	capabilities(out, c[0].inheritable | (uint64_t)c[1].inheritable << 32);
	fputc('}', out);
}

static void capability_header(FILE *out, const void *bytes)
{
	struct __user_cap_header_struct h;

	memcpy(&h, bytes, sizeof(h));
	fputs("{version=", out);
	decode_word(out, &words_capability_version, h.version);
	fprintf(out, ", pid=%d}", h.pid);
}

static void cache_range(FILE *out, const void *bytes)
{
	uint64_t v[2];

	memcpy(v, bytes, sizeof(v));
	fprintf(out, "{off=%lu, len=%lu}", v[0], v[1]);
}

static void cache(FILE *out, const void *bytes)
{
	uint64_t v[5];

	memcpy(v, bytes, sizeof(v));
	fprintf(out, "{nr_cache=%lu, nr_dirty=%lu, nr_writeback=%lu, nr_evicted=%lu, nr_recently_evicted=%lu}", v[0], v[1], v[2], v[3], v[4]);
}

static void mount_request(FILE *out, const void *bytes)
{
	struct { uint32_t size, spare; uint64_t mount, parameter; } r;

	memcpy(&r, bytes, sizeof(r));
	fprintf(out, "{size=%u, mnt_id=%#lx, param=%#lx}", r.size, r.mount, r.parameter);
}

static void timezone_of(FILE *out, const void *bytes)
{
	int z[2];

	memcpy(z, bytes, sizeof(z));
	fprintf(out, "{tz_minuteswest=%d, tz_dsttime=%d}", z[0], z[1]);
}

static void signal_set(FILE *out, const void *bytes)
{
	uint64_t set;

	memcpy(&set, bytes, sizeof(set));
	decode_signal_set(out, set);
}

static void one_int(FILE *out, const void *bytes)
{
	int i;

	memcpy(&i, bytes, sizeof(i));
	fprintf(out, "[%d]", i);
}

static void one_unsigned(FILE *out, const void *bytes)
{
	unsigned i;

	memcpy(&i, bytes, sizeof(i));
	fprintf(out, "[%u]", i);
}

static void one_long(FILE *out, const void *bytes)
{
	uint64_t i;

	memcpy(&i, bytes, sizeof(i));
	fprintf(out, "[%#lx]", i);
}

static void wait_status(FILE *out, const void *bytes)
{
	int i;

	memcpy(&i, bytes, sizeof(i));
	decode_wait_status(out, i);
}

static void two_descriptors(FILE *out, const void *bytes)
{
	int fds[2];

	memcpy(fds, bytes, sizeof(fds));
	fprintf(out, "[%d, %d]", fds[0], fds[1]);
}

static void interval_vals(FILE *out, const void *bytes)
{
	intervals(out, bytes, timeval);
}

static void interval_specs(FILE *out, const void *bytes)
{
	intervals(out, bytes, timespec);
}

static const struct structure {
	void (*print)(FILE *, const void *);
	size_t bytes;
} structures[ARGUMENT_KINDS] = {
	[KIND_SIGSET] = { signal_set, 8 }, [KIND_SIGSET_FILLED] = { signal_set, 8 },
	[KIND_SIGINFO] = { decode_siginfo, sizeof(siginfo_t) }, [KIND_SIGINFO_FILLED] = { decode_siginfo, sizeof(siginfo_t) },
	[KIND_SIGSTACK] = { signal_stack, sizeof(stack_t) }, [KIND_SIGSTACK_FILLED] = { signal_stack, sizeof(stack_t) },
	[KIND_SIGEVENT] = { decode_sigevent, sizeof(struct sigevent) },
	[KIND_TIMESPEC] = { timespec, sizeof(struct timespec) }, [KIND_TIMESPEC_WAIT] = { timespec, sizeof(struct timespec) },
	[KIND_TIMESPEC_FILLED] = { timespec, sizeof(struct timespec) }, [KIND_TIMESPEC_LEFT] = { timespec, sizeof(struct timespec) },
	[KIND_TIMESPECS] = { file_times, 2 * sizeof(struct timespec) },
	[KIND_TIMEVAL] = { timeval, sizeof(struct timeval) }, [KIND_TIMEVAL_WAIT] = { timeval, sizeof(struct timeval) },
	[KIND_TIMEVAL_FILLED] = { timeval, sizeof(struct timeval) }, [KIND_TIMEVALS] = { file_timevals, 2 * sizeof(struct timeval) },
	[KIND_UTIMBUF] = { utimbuf, sizeof(struct utimbuf) },
	[KIND_TIMEZONE] = { timezone_of, 8 }, [KIND_TIMEZONE_FILLED] = { timezone_of, 8 },
	[KIND_ITIMERVAL] = { interval_vals, sizeof(struct itimerval) }, [KIND_ITIMERVAL_FILLED] = { interval_vals, sizeof(struct itimerval) },
	[KIND_ITIMERSPEC] = { interval_specs, sizeof(struct itimerspec) }, [KIND_ITIMERSPEC_FILLED] = { interval_specs, sizeof(struct itimerspec) },
	[KIND_RLIMIT] = { rlimit, sizeof(struct rlimit64) }, [KIND_RLIMIT_FILLED] = { rlimit, sizeof(struct rlimit64) },
	[KIND_EPOLL_EVENT] = { epoll_event, sizeof(struct epoll_event) },
	[KIND_SCHED_PARAM] = { one_int, sizeof(int) }, [KIND_SCHED_PARAM_FILLED] = { one_int, sizeof(int) },
	[KIND_MQ_ATTR] = { queue_attributes, sizeof(struct mq_attr) }, [KIND_MQ_ATTR_FILLED] = { queue_attributes, sizeof(struct mq_attr) },
	[KIND_CAP_HEADER] = { capability_header, sizeof(struct __user_cap_header_struct) },
	[KIND_CAP_DATA] = { capability_sets, 2 * sizeof(struct __user_cap_data_struct) },
	[KIND_CAP_DATA_FILLED] = { capability_sets, 2 * sizeof(struct __user_cap_data_struct) },
	[KIND_MOUNT_REQUEST] = { mount_request, 24 },
	[KIND_CACHESTAT_RANGE] = { cache_range, 16 }, [KIND_CACHESTAT] = { cache, 40 },
	[KIND_TIMEX] = { clock_state, sizeof(struct timex) },
	[KIND_STAT] = { status, sizeof(struct stat) }, [KIND_STATX] = { statx_status, sizeof(struct statx) },
	[KIND_STATFS] = { filesystem, sizeof(struct statfs) },
	[KIND_INT_FILLED] = { one_int, sizeof(int) }, [KIND_LONG_FILLED] = { one_long, 8 },
	[KIND_UID_FILLED] = { one_unsigned, 4 }, [KIND_GID_FILLED] = { one_unsigned, 4 },
	[KIND_FDS] = { two_descriptors, 8 },
	[KIND_WAIT_STATUS] = { wait_status, sizeof(int) },
	[KIND_RUSAGE] = { rusage, sizeof(struct rusage) },
	[KIND_UTSNAME] = { names, 6 * 65 },
	[KIND_SYSINFO] = { machine, sizeof(struct sysinfo) },
	[KIND_TMS] = { process_times, sizeof(struct tms) },
};

bool decode_struct(const struct decoding *d, unsigned kind, const struct log_memory *memory, uint64_t address)
{
	size_t kept;
	const unsigned char *at;

	if (!structures[kind].print)
		return false;
	at = log_memory_at(memory, address, &kept, NULL);
	if (at && kept >= structures[kind].bytes)
		structures[kind].print(d->out, at);
	else
		decode_address(d->out, address);
	return true;
}
