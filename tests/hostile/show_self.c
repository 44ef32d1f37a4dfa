/* SPDX-License-Identifier: MIT */
/*
 * Prints all that a process can see of itself and that an instrument may not change: its environment by environ, by
 * main's third argument and behind argv; descriptors; arguments; signal mask, dispositions, pending signals; limits;
 * timers; attributes; children.
 *
 * run: a "quoted" argument => exit 0
 */
#include "hostile.h"

#include <dirent.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

extern char **environ;

static void show_list(const char *what, char **list)
{
	int count = 0;

	for (; list && *list; list++, count++)
		if (strncmp(*list, "_=", 2)) /* the path of the command, which is pagegap's or ours */
			say("%s: %s", what, *list);
	say("%s: %d", what, count);
}

static void show_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		char target[256] = { 0 };
		if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(directory))
			continue;
		struct stat status;
		int fd = atoi(entry->d_name);
		if (readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1) > 0 && !fstat(fd, &status))
			say("descriptor %s: type %o, flags %x, of the recording: %d", entry->d_name,
			    status.st_mode & S_IFMT, (unsigned)fcntl(fd, F_GETFD), strstr(target, "capture") != NULL);
	}
	closedir(directory);
}

static void show_signals(void)
{
	struct sigaction action;
	sigset_t mask, pending;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigpending(&pending);
	for (int number = 1; number < 65; number++) {
		if (sigaction(number, NULL, &action))
			say("signal %d: %s", number, strerrorname_np(errno));
		else if (action.sa_handler != SIG_DFL || sigismember(&mask, number) || sigismember(&pending, number))
			say("signal %d: handler %s, blocked %d, pending %d", number,
			    action.sa_handler == SIG_IGN ? "ignore" : action.sa_handler ? "other" : "default",
			    sigismember(&mask, number), sigismember(&pending, number));
	}
}

static void show_status(void)
{
	static const char *const shown[] = {
		"Name:",   "Umask:",	   "Groups:",	  "Threads:", "SigPnd:",    "ShdPnd:",
		"SigBlk:", "SigIgn:",	   "SigCgt:",	  "CapInh:",  "CapPrm:",    "CapEff:",
		"CapBnd:", "CapAmb:",	   "NoNewPrivs:", "Seccomp:", "TracerPid:", "Cpus_allowed_list:",
		"VmLck:",  "CoreDumping:", "THP_enabled:"
	};
	char line[512];
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof(line), file))
		for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
			if (!strncmp(line, shown[i], strlen(shown[i])))
				say("%.*s", (int)strcspn(line, "\n"), line);
	fclose(file);
}

static void show_limits(void)
{
	struct itimerval timer;
	struct rlimit limit;
	char name[16] = { 0 };
	int value = 0;

	for (int what = 0; what < RLIMIT_NLIMITS; what++)
		if (!getrlimit((__rlimit_resource_t)what, &limit))
			say("limit %d: %lu %lu", what, limit.rlim_cur, limit.rlim_max);
	for (int what = ITIMER_REAL; what <= ITIMER_PROF; what++) {
		getitimer((__itimer_which_t)what, &timer);
		say("timer %d: %s", what, timer.it_value.tv_sec || timer.it_value.tv_usec ? "set" : "none");
	}
	prctl(PR_GET_NAME, name);
	say("name %s, dumpable %d, securebits %d, keepcaps %d, slack %d, thp off %d", name, prctl(PR_GET_DUMPABLE),
	    prctl(PR_GET_SECUREBITS), prctl(PR_GET_KEEPCAPS), prctl(PR_GET_TIMERSLACK),
	    prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	prctl(PR_GET_PDEATHSIG, &value);
	say("signal at the parent's death %d", value);
	prctl(PR_GET_CHILD_SUBREAPER, &value);
	say("reaper %d, scheduler %d, nice %d", value, sched_getscheduler(0), getpriority(PRIO_PROCESS, 0));
}

int main(int argc, char **argv, char **environment)
{
	show_list("argument", argv + 1);
	show_list("environ", environ);
	show_list("third argument", environment);
	show_list("behind the arguments", argv + argc + 1);
	say("LD_PRELOAD: %s", getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "unset");
	say("secure_getenv: %s", secure_getenv("LD_PRELOAD") ? "set" : "unset");
	show_descriptors();
	show_signals();
	show_status();
	show_limits();
	say_result("next descriptor", open("/dev/null", O_RDONLY));
	say_result("children", waitpid(-1, NULL, WNOHANG));
	return 0;
}
