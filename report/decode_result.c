/* SPDX-License-Identifier: MIT */
/* What a call answered: a number, an error by name, and in brackets what the number means where it is not plain. */
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/prctl.h>
#include <string.h>
#include <sys/syscall.h>

#include "decode_internal.h"

/* Not errors: the call goes on after a signal's handler, or does not. Programs never see these. */
static const struct { int number; const char *name, *meaning; } restarts[] = {
	{ 512, "ERESTARTSYS", "To be restarted if SA_RESTART is set" },
	{ 513, "ERESTARTNOINTR", "To be restarted" },
	{ 514, "ERESTARTNOHAND", "To be restarted if no handler" },
	{ 516, "ERESTART_RESTARTBLOCK", "Interrupted by signal" },
};

static void error(FILE *out, int number)
{
	const char *name;

	for (size_t i = 0; i < sizeof(restarts) / sizeof(restarts[0]); i++)
		if (restarts[i].number == number) {
			fprintf(out, "? %s (%s)", restarts[i].name, restarts[i].meaning);
			return;
		}
	name = strerrorname_np(number);
	if (name)
		fprintf(out, "-1 %s (%s)", name, strerrordesc_np(number));
	else
		fprintf(out, "-1 (errno %d)", number);
}

static void fcntl_result(const struct decoding *d, uint64_t result)
{
	switch ((uint32_t)d->call->arguments[1]) {
	case F_GETFD:
		fprintf(d->out, "%#lx", result);
		if (result) {
			fputs(" (flags ", d->out);
			decode_flags(d->out, &words_fd_flags, result);
			fputc(')', d->out);
		}
		break;
	case F_GETFL:
		fprintf(d->out, "%#lx (flags ", result);
		decode_open_flags(d->out, (uint32_t)result);
		fputc(')', d->out);
		break;
	case F_GETLEASE:
		fprintf(d->out, "%#lx (", result);
		decode_word(d->out, &words_lease, result);
		fputc(')', d->out);
		break;
	case F_GET_SEALS:
		fprintf(d->out, "%#lx", result);
		if (result) {
			fputs(" (seals ", d->out);
			decode_flags(d->out, &words_seals, result);
			fputc(')', d->out);
		}
		break;
	case F_GETSIG:
		fprintf(d->out, "%ld", (long)result);
		if (result) {
			fputs(" (", d->out);
			decode_signal_name(d->out, (int)result);
			fputc(')', d->out);
		}
		break;
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		decode_descriptor(d, (int)result, true);
		break;
	default:
		fprintf(d->out, "%ld", (long)result);
	}
}

static void in_words(const struct decoding *d, const struct decode_words *words, uint64_t result, bool hex)
{
	fprintf(d->out, hex ? "%#jx" : "%ju", (uintmax_t)result);
	fputs(" (", d->out);
	decode_word(d->out, words, result);
	fputc(')', d->out);
}

static void prctl_result(const struct decoding *d, uint64_t result)
{
	static const char *const dumpable[] = { "SUID_DUMP_DISABLE", "SUID_DUMP_USER", "SUID_DUMP_ROOT" };

	switch ((uint32_t)d->call->arguments[0]) {
	case PR_GET_DUMPABLE:
		fprintf(d->out, "%lu", result);
		if (result < 3)
			fprintf(d->out, " (%s)", dumpable[result]);
		break;
	case PR_GET_SECCOMP:
		if (result)
			in_words(d, &words_seccomp_mode, result, true);
		else
			fputc('0', d->out);
		break;
	default:
		fprintf(d->out, "%ld", (long)result);
	}
}

static void plain(const struct decoding *d, uint64_t result)
{
	size_t kept;

	switch (d->call->number) {
	case SYS_fcntl:
		fcntl_result(d, result);
		return;
	case SYS_prctl:
		prctl_result(d, result);
		return;
	case SYS_time:
		fprintf(d->out, "%ld", (long)result);
		if (result) {
			fputs(" (", d->out);
			decode_date(d->out, (int64_t)result);
			fputc(')', d->out);
		}
		return;
	case SYS_rt_sigtimedwait:
		fprintf(d->out, "%ld", (long)result);
		if (result) {
			fputs(" (", d->out);
			decode_signal_name(d->out, (int)result);
			fputc(')', d->out);
		}
		return;
	case SYS_umask:
		fprintf(d->out, "%#03lo", result);
		return;
	case SYS_personality:
		fprintf(d->out, "%#lx (", result);
		decode_family(d, KIND_PERSONALITY, result);
		fputc(')', d->out);
		return;
	case SYS_adjtimex:
	case SYS_clock_adjtime:
		if (!log_memory_at(&d->call->after, d->call->arguments[d->call->number == SYS_clock_adjtime], &kept, NULL))
			break;
		in_words(d, &words_timex_state, result, false);
		return;
	case SYS_sched_getscheduler:
		fprintf(d->out, "%#lx (", result);
		decode_family(d, KIND_SCHED_POLICY, result);
		fputc(')', d->out);
		return;
	case SYS_ioprio_get:
		fprintf(d->out, "%#lx (", result);
		decode_family(d, KIND_IOPRIO, result);
		fputc(')', d->out);
		return;
	case SYS_membarrier:
		if ((uint32_t)d->call->arguments[0] == MEMBARRIER_CMD_QUERY && result) {
			fprintf(d->out, "%#lx (", result);
			decode_flags(d->out, &words_membarrier_command, result);
			fputc(')', d->out);
			return;
		}
		break;
	}
	fprintf(d->out, "%ld", (long)result);
}

void decode_result_words(const struct decoding *d)
{
	uint64_t result = (uint64_t)d->call->result;

	if (d->returned && d->error)
		error(d->out, d->error);
	else if (!d->returned || d->result_kind == RESULT_NONE)
		fputc('?', d->out);
	else if (d->result_kind == RESULT_FD)
		decode_descriptor(d, (int)result, true);
	else if (d->result_kind == RESULT_POINTER)
		fprintf(d->out, "%#lx", result);
	else
		plain(d, result);
}
