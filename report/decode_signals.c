/* SPDX-License-Identifier: MIT */
/* Signals: their names, sets of them, what is told with one, what is done at one, and how a process ended by one. */
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "decode_internal.h"

#define RT_FIRST 32                     /* the kernel's SIGRTMIN; libc keeps the first few for itself */

static void bare_name(FILE *out, int number)
{
	const char *name = number == SIGIO ? "IO" : sigabbrev_np(number);

	if (name && number < RT_FIRST)
		fputs(name, out);
	else if (number == RT_FIRST)
		fputs("RTMIN", out);
	else if (number > RT_FIRST && number <= 64)
		fprintf(out, "RT_%d", number - RT_FIRST);
	else
		fprintf(out, "%d", number);
}

void decode_signal_name(FILE *out, int number)
{
	if (number > 0 && number <= 64)
		fputs("SIG", out);
	bare_name(out, number);
}

void decode_signal_set(FILE *out, uint64_t set)
{
	bool most = __builtin_popcountl(set) >= 64 * 2 / 3;
	bool begun = false;

	fputs(most ? "~[" : "[", out);
	if (most)
		set = ~set;
	for (int number = 1; number <= 64; number++) {
		if (!(set >> (number - 1) & 1))
			continue;
		if (begun)
			fputc(' ', out);
		bare_name(out, number);
		begun = true;
	}
	fputc(']', out);
}

#define CODE(name) { name, #name }
static const struct code { int value; const char *name; } user_codes[] = {
	CODE(SI_USER), CODE(SI_KERNEL), CODE(SI_QUEUE), CODE(SI_TIMER), CODE(SI_MESGQ), CODE(SI_ASYNCIO), CODE(SI_SIGIO), CODE(SI_TKILL),
	CODE(SI_ASYNCNL),
}, child_codes[] = {
	CODE(CLD_EXITED), CODE(CLD_KILLED), CODE(CLD_DUMPED), CODE(CLD_TRAPPED), CODE(CLD_STOPPED), CODE(CLD_CONTINUED),
}, segv_codes[] = {
	CODE(SEGV_MAPERR), CODE(SEGV_ACCERR), CODE(SEGV_BNDERR), CODE(SEGV_PKUERR),
}, bus_codes[] = {
	CODE(BUS_ADRALN), CODE(BUS_ADRERR), CODE(BUS_OBJERR), CODE(BUS_MCEERR_AR), CODE(BUS_MCEERR_AO),
}, ill_codes[] = {
	CODE(ILL_ILLOPC), CODE(ILL_ILLOPN), CODE(ILL_ILLADR), CODE(ILL_ILLTRP), CODE(ILL_PRVOPC), CODE(ILL_PRVREG), CODE(ILL_COPROC),
	CODE(ILL_BADSTK),
}, fpe_codes[] = {
	CODE(FPE_INTDIV), CODE(FPE_INTOVF), CODE(FPE_FLTDIV), CODE(FPE_FLTOVF), CODE(FPE_FLTUND), CODE(FPE_FLTRES), CODE(FPE_FLTINV),
	CODE(FPE_FLTSUB),
}, trap_codes[] = {
	CODE(TRAP_BRKPT), CODE(TRAP_TRACE), CODE(TRAP_BRANCH), CODE(TRAP_HWBKPT), CODE(TRAP_UNK),
}, poll_codes[] = {
	CODE(POLL_IN), CODE(POLL_OUT), CODE(POLL_MSG), CODE(POLL_ERR), CODE(POLL_PRI), CODE(POLL_HUP),
}, sys_codes[] = {
	{ 1, "SYS_SECCOMP" }, { 2, "SYS_USER_DISPATCH" },
};

static const char *find(const struct code *codes, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (codes[i].value == value)
			return codes[i].name;
	return NULL;
}
#define FIND(codes, value) find(codes, sizeof(codes) / sizeof(codes[0]), value)

static const char *code_name(int signal, int code)
{
	const char *name = FIND(user_codes, code);

	if (name)
		return name;
	switch (signal) {
	case SIGCHLD: return FIND(child_codes, code);
	case SIGSEGV: return FIND(segv_codes, code);
	case SIGBUS: return FIND(bus_codes, code);
	case SIGILL: return FIND(ill_codes, code);
	case SIGFPE: return FIND(fpe_codes, code);
	case SIGTRAP: return FIND(trap_codes, code);
	case SIGIO: return FIND(poll_codes, code);
	case SIGSYS: return FIND(sys_codes, code);
	}
	return NULL;
}

static void sender(FILE *out, const siginfo_t *i)
{
	fprintf(out, ", si_pid=%d, si_uid=%u", i->si_pid, i->si_uid);
}

/* Ticks, and the seconds they make. */
static void ticks(FILE *out, const char *name, uint64_t n)
{
	fprintf(out, ", %s=", name);
	decode_ticks(out, n);
}

static void value(FILE *out, const siginfo_t *i)
{
	fprintf(out, ", si_int=%d, si_ptr=", i->si_int);
	decode_address(out, (uint64_t)(uintptr_t)i->si_ptr);
}

void decode_siginfo(FILE *out, const void *siginfo)
{
	siginfo_t i;
	const char *code;

	memcpy(&i, siginfo, sizeof(i));
	if (!i.si_signo) {
		fputs("{}", out);
		return;
	}
	fputs("{si_signo=", out);
	decode_signal_name(out, i.si_signo);
	fputs(", si_code=", out);
	if ((code = code_name(i.si_signo, i.si_code)))
		fputs(code, out);
	else
		fprintf(out, "%#x", (unsigned)i.si_code);
	if (i.si_errno)
		fprintf(out, ", si_errno=%d", i.si_errno);
	switch (i.si_code) {
	case SI_USER:
	case SI_TKILL:
		sender(out, &i);
		fputc('}', out);
		return;
	case SI_TIMER:
		fprintf(out, ", si_timerid=%#x, si_overrun=%d", (unsigned)i.si_timerid, i.si_overrun);
		value(out, &i);
		fputc('}', out);
		return;
	}
	if (i.si_code < 0) {
		sender(out, &i);
		value(out, &i);
	} else if (i.si_signo == SIGCHLD) {
		sender(out, &i);
		fputs(", si_status=", out);
		if (i.si_code == CLD_EXITED)
			fprintf(out, "%d", i.si_status);
		else
			decode_signal_name(out, i.si_status);
		ticks(out, "si_utime", (uint64_t)i.si_utime);
		ticks(out, "si_stime", (uint64_t)i.si_stime);
	} else {
		switch (i.si_signo) {
		case SIGSEGV: case SIGBUS: case SIGILL: case SIGFPE:
			fputs(", si_addr=", out);
			decode_address(out, (uint64_t)(uintptr_t)i.si_addr);
			break;
		case SIGIO:
			if (i.si_code != SI_KERNEL)
				fprintf(out, ", si_band=%ld", i.si_band);
			break;
		case SIGSYS:
			fputs(", si_call_addr=", out);
			decode_address(out, (uint64_t)(uintptr_t)i.si_call_addr);
			fputs(", si_syscall=", out);
			if (i.si_syscall >= 0 && i.si_syscall < SYSCALL_NUMBERS && syscall_rows[i.si_syscall].name)
				fprintf(out, "__NR_%s", syscall_rows[i.si_syscall].name);
			else
				fprintf(out, "%d", i.si_syscall);
			fputs(i.si_arch == 0xc000003e ? ", si_arch=AUDIT_ARCH_X86_64" : "", out);
			break;
		default:
			if (i.si_code == SI_KERNEL)
				break;
			sender(out, &i);
			if (i.si_ptr)
				value(out, &i);
		}
	}
	fputc('}', out);
}

void decode_sigaction(const struct decoding *d, const struct log_memory *memory, uint64_t address)
{
	uint64_t a[4];                  /* as the kernel has it: handler, flags, restorer, mask */

	if (log_memory_read(memory, address, a, sizeof(a), NULL) < sizeof(a)) {
		decode_address(d->out, address);
		return;
	}
	fputs("{sa_handler=", d->out);
	if (a[0] == (uint64_t)(uintptr_t)SIG_DFL)
		fputs("SIG_DFL", d->out);
	else if (a[0] == (uint64_t)(uintptr_t)SIG_IGN)
		fputs("SIG_IGN", d->out);
	else if (a[0] == (uint64_t)(uintptr_t)SIG_ERR)
		fputs("SIG_ERR", d->out);
	else
		decode_address(d->out, a[0]);
	fputs(", sa_mask=", d->out);
	decode_signal_set(d->out, a[3]);
	fputs(", sa_flags=", d->out);
	decode_flags(d->out, &words_sigaction_flags, a[1]);
	if (a[1] & 0x04000000) {        /* SA_RESTORER, which libc keeps to itself */
		fputs(", sa_restorer=", d->out);
		decode_address(d->out, a[2]);
	}
	fputc('}', d->out);
}

void decode_sigevent(FILE *out, const void *sigevent)
{
	struct sigevent e;

	memcpy(&e, sigevent, sizeof(e));
	fputs("{", out);
	if (e.sigev_value.sival_ptr) {
		fprintf(out, "sigev_value={sival_int=%d, sival_ptr=", e.sigev_value.sival_int);
		decode_address(out, (uint64_t)(uintptr_t)e.sigev_value.sival_ptr);
		fputs("}, ", out);
	}
	fputs("sigev_signo=", out);
	if (e.sigev_notify == SIGEV_SIGNAL || e.sigev_notify == SIGEV_THREAD_ID)
		decode_signal_name(out, e.sigev_signo);
	else
		fprintf(out, "%u", (unsigned)e.sigev_signo);
	fputs(", sigev_notify=", out);
	decode_word(out, &words_sigev_notify, (uint32_t)e.sigev_notify);
	if (e.sigev_notify == SIGEV_THREAD_ID)
		fprintf(out, ", sigev_notify_thread_id=%d", e._sigev_un._tid);
	else if (e.sigev_notify == SIGEV_THREAD) {
		fputs(", sigev_notify_function=", out);
		decode_address(out, (uint64_t)(uintptr_t)e.sigev_notify_function);
		fputs(", sigev_notify_attributes=", out);
		decode_address(out, (uint64_t)(uintptr_t)e.sigev_notify_attributes);
	}
	fputc('}', out);
}

static void stopped(FILE *out, unsigned status)
{
	static const struct code events[] = {
		CODE(PTRACE_EVENT_FORK), CODE(PTRACE_EVENT_VFORK), CODE(PTRACE_EVENT_CLONE), CODE(PTRACE_EVENT_EXEC),
		CODE(PTRACE_EVENT_VFORK_DONE), CODE(PTRACE_EVENT_EXIT), CODE(PTRACE_EVENT_SECCOMP), CODE(PTRACE_EVENT_STOP),
	};
	int signal = (int)(status >> 8 & 0xff);
	const char *event = FIND(events, (int)(status >> 16));

	fputs("WIFSTOPPED(s) && WSTOPSIG(s) == ", out);
	decode_signal_name(out, signal & 0x7f);
	if (signal & 0x80)
		fputs(" | 0x80", out);
	fputc('}', out);
	if (event)
		fprintf(out, " | %s << 16", event);
	else if (status >> 16)
		fprintf(out, " | %#x << 16", status >> 16);
}

void decode_wait_status(FILE *out, int status)
{
	fputs("[{", out);
	if (WIFSTOPPED(status)) {
		stopped(out, (unsigned)status);
		fputc(']', out);
		return;
	}
	if (WIFCONTINUED(status))
		fputs("WIFCONTINUED(s)", out);
	else if (WIFEXITED(status))
		fprintf(out, "WIFEXITED(s) && WEXITSTATUS(s) == %d", WEXITSTATUS(status));
	else {
		fputs("WIFSIGNALED(s) && WTERMSIG(s) == ", out);
		decode_signal_name(out, WTERMSIG(status));
		if (WCOREDUMP(status))
			fputs(" && WCOREDUMP(s)", out);
	}
	fputs("}]", out);
}
