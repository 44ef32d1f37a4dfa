/* SPDX-License-Identifier: MIT */
/* The command: `pagegap VERB …`. One file for each verb; this one only finds it. */
#include <string.h>

#include "verb.h"

#ifndef PAGEGAP_VERSION
#define PAGEGAP_VERSION "0.1"
#endif

static const struct verb verbs[] = {
	{ "run", "run a program, record it, print the report", verb_run },
	{ "report", "print a recording", verb_report },
	{ "log", "print the system calls of a recording, one by one", verb_log },
	{ "snapshot", "take a ledger of a process that runs", verb_snapshot },
	{ "compare", "run a program with several allocators, say what they change", verb_compare },
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	complain("%s: no such verb; see 'pagegap --help'", name);
	return NULL;
}

static int print_help(void)
{
	puts("Usage: pagegap VERB [OPTION...] [ARGUMENT...]\n"
	     "Shows where a program's pages went: asked for, mapped, resident, in a ledger\n"
	     "that adds up to the kernel's own figures.\n");
	for (size_t i = 0; i < VERBS; i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].summary);
	puts("  help VERB  the options of a verb\n"
	     "\n"
	     "  --help     this text\n"
	     "  --version  the version\n"
	     "\n"
	     "Begin with: pagegap run PROGRAM. The manual is pagegap(1).");
	return report_finish(stdout, "standard output") ? STATUS_GOOD : STATUS_FAILED;
}

static int help_on(const char *name)
{
	const struct verb *verb = find_verb(name);
	char *arguments[] = { (char *)(verb ? verb->name : NULL), "--help", NULL };

	return verb ? verb->main(2, arguments) : STATUS_FAILED;
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	standard_descriptors();
	if (argc < 2) {
		complain("what to do? 'pagegap run PROGRAM' runs and reports; see 'pagegap --help'");
		return STATUS_FAILED;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || (!strcmp(argv[1], "help") && argc == 2))
		return print_help();
	if (!strcmp(argv[1], "help"))
		return help_on(argv[2]);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("pagegap " PAGEGAP_VERSION);
		return report_finish(stdout, "standard output") ? STATUS_GOOD : STATUS_FAILED;
	}
	if (argv[1][0] == '-') {
		complain("%s: no such option; a verb comes first, as in 'pagegap run PROGRAM'; see 'pagegap --help'",
			 argv[1]);
		return STATUS_FAILED;
	}
	verb = find_verb(argv[1]);
	return verb ? verb->main(argc - 1, argv + 1) : STATUS_FAILED;
}
