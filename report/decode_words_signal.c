/* SPDX-License-Identifier: MIT */
/* Words of calls about signals. */
#include <asm/siginfo.h>
#include <linux/signal.h>

#include "decode_words.h"

static const struct decode_word signal_how_rows[] = {
	W(SIG_BLOCK), W(SIG_UNBLOCK), W(SIG_SETMASK),
};
WORDS(signal_how, "SIG_???");

/* SA_INTERRUPT has a name in libc alone, and means nothing to the kernel. */
static const struct decode_word sigaction_flags_rows[] = {
	W(SA_RESTORER), W(SA_ONSTACK), W(SA_RESTART), { 0x20000000, "SA_INTERRUPT" }, W(SA_NODEFER), W(SA_RESETHAND), W(SA_SIGINFO),
	W(SA_NOCLDSTOP), W(SA_NOCLDWAIT),
};
WORDS(sigaction_flags, "SA_???");

static const struct decode_word sigstack_flags_rows[] = {
	W(SS_ONSTACK), W(SS_DISABLE), W(SS_AUTODISARM),
};
WORDS(sigstack_flags, "SS_???");

static const struct decode_word sigev_notify_rows[] = {
	W(SIGEV_SIGNAL), W(SIGEV_NONE), W(SIGEV_THREAD), W(SIGEV_THREAD_ID),
};
WORDS(sigev_notify, "SIGEV_???");
