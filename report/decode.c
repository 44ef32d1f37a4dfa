/* SPDX-License-Identifier: MIT */
/* A call in words: its name, its arguments by their kinds, its result. */
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "decode_internal.h"

static struct decoding decoding_of(const struct log_call *call, const struct decode_options *options, FILE *out)
{
	static const struct syscall_row nameless = { .result = RESULT_PLAIN };
	const struct syscall_row *row = call->number < SYSCALL_NUMBERS ? &syscall_rows[call->number] : &nameless;
	bool returned = call->ended_ns && call->result_known;
	int64_t result = call->result;
	bool error = returned && result < 0 && result >= -4095;

	return (struct decoding){ .out = out, .call = call, .kinds = row->kinds, .result_kind = row->result, .options = *options,
				  .returned = returned, .error = error ? (int)-result : 0 };
}

static const struct decode_options no_options;

/* A stream that becomes a text. */
struct words {
	char *text;
	size_t length;
	FILE *out;
};

static bool begin(struct words *words)
{
	words->text = NULL;
	words->out = open_memstream(&words->text, &words->length);
	return words->out;
}

static char *end(struct words *words)
{
	if (fclose(words->out) == 0)
		return words->text;
	free(words->text);
	return NULL;
}

static void put_name(FILE *out, unsigned number)
{
	if (number < SYSCALL_NUMBERS && syscall_rows[number].name)
		fputs(syscall_rows[number].name, out);
	else
		fprintf(out, "syscall_%u", number);
}

char *decode_name(unsigned number)
{
	struct words words;

	if (!begin(&words))
		return NULL;
	put_name(words.out, number);
	return end(&words);
}

static unsigned shown(const struct decoding *d)
{
	return d->call->begun_ns ? decode_arguments_shown(d->call, d->kinds) : 0;
}

char *decode_argument(const struct log_call *call, unsigned index, const struct decode_options *options)
{
	struct words words;
	struct decoding d = decoding_of(call, options ? options : &no_options, NULL);

	if (index >= SYSCALL_ARGUMENTS || !(shown(&d) >> index & 1) || !begin(&words))
		return NULL;
	d.out = words.out;
	decode_kind(&d, index);
	return end(&words);
}

static void put_result(const struct decoding *d)
{
	struct words told;

	decode_result_words(d);
	if (!begin(&told))
		return;
	if (decode_told(d, told.out)) {
		char *text = end(&told);

		if (text)
			fprintf(d->out, " (%s)", text);
		free(text);
	} else
		free(end(&told));
}

char *decode_result(const struct log_call *call, const struct decode_options *options)
{
	struct words words;
	struct decoding d = decoding_of(call, options ? options : &no_options, NULL);

	if (!begin(&words))
		return NULL;
	d.out = words.out;
	put_result(&d);
	return end(&words);
}

/* clone's arguments have names, and another order than the registers; those that its flags do not ask for mean nothing. */
static void put_clone(const struct decoding *d)
{
	const uint64_t *a = d->call->arguments;
	int parent;

	fputs("child_stack=", d->out);
	decode_address(d->out, a[1]);
	fputs(", flags=", d->out);
	decode_kind(d, 0);
	if (a[0] & (CLONE_PARENT_SETTID | CLONE_PIDFD)) {
		fputs(", parent_tid=", d->out);
		if (d->returned && !d->error && decode_after(d, a[2], &parent, sizeof(parent)))
			fprintf(d->out, "[%d]", parent);
		else
			decode_address(d->out, a[2]);
	}
	if (a[0] & CLONE_SETTLS) {
		fputs(", tls=", d->out);
		decode_address(d->out, a[4]);
	}
	if (a[0] & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) {
		fputs(", child_tidptr=", d->out);
		decode_address(d->out, a[3]);
	}
}

char *decode_call(const struct log_call *call, const struct decode_options *options)
{
	struct words words;
	struct decoding d = decoding_of(call, options ? options : &no_options, NULL);
	unsigned which = shown(&d);
	bool begun = false;

	if (!begin(&words))
		return NULL;
	d.out = words.out;
	put_name(d.out, call->number);
	fputc('(', d.out);
	if (!call->begun_ns)
		fputs(d.kinds[0] ? DECODE_MORE : "", d.out); /* what it was given is lost */
	else if (call->number == SYS_clone)
		put_clone(&d);
	else
		for (unsigned i = 0; i < SYSCALL_ARGUMENTS; i++)
			if (which >> i & 1) {
				fputs(begun ? ", " : "", d.out);
				decode_kind(&d, i);
				begun = true;
			}
	fputs(") = ", d.out);
	put_result(&d);
	return end(&words);
}

char *decode_signal(const struct log_call *call)
{
	unsigned char siginfo[128];
	struct words words;

	if (!begin(&words))
		return NULL;
	decode_signal_name(words.out, call->number);
	if (log_memory_read(&call->before, LOG_SIGINFO, siginfo, sizeof(siginfo), NULL) == sizeof(siginfo)) {
		fputc(' ', words.out);
		decode_siginfo(words.out, siginfo);
	}
	return end(&words);
}
