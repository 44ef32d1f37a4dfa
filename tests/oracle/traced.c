/* SPDX-License-Identifier: MIT */
/*
 * What is hard to trace, one after the other, as a static program: threads by the hundred, forks, vforks, executions (one by a thread that is
 * not the first), signals and stops, filters, ends of every kind. Its calls are the same in each run, but for how long threads wait.
 * With an argument it does that alone.
 * build: -static
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char self[4096];
static int told;

static void say(const char *what, int status)
{
	dprintf(1, "%s %d\n", what, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

static void wait_and_say(const char *what, pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	say(what, status);
}

static void *short_thread(void *argument)
{
	for (int i = 0; i < 5; i++)
		syscall(SYS_getppid);
	return argument;
}

static void threads(void)
{
	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		if (!pthread_create(&thread, NULL, short_thread, NULL))
			pthread_join(thread, NULL);
	}
}

static void *executing_thread(void *argument)
{
	execl(self, self, "nothing", NULL);
	return argument;
}

static void *sleeping_thread(void *argument)
{
	for (;;)
		pause();
	return argument;
}

static void *later_thread(void *argument)
{
	nanosleep(&(struct timespec){ 0, 200000000 }, NULL);
	return argument;
}

static void exec_in_a_thread(void)
{
	pthread_t thread;
	pid_t pid = fork();

	if (!pid) {
		pthread_create(&thread, NULL, executing_thread, NULL);
		sleeping_thread(NULL);
	}
	wait_and_say("exec in a thread", pid);
}

static void forks(void)
{
	pid_t pid;

	for (int i = 0; i < 20; i++) {
		pid = fork();
		if (!pid)
			_exit(i);
		wait_and_say("fork", pid);
	}
	pid = vfork();
	if (!pid) {
		execl("/nonexistent", "nonexistent", NULL);
		execl(self, self, "nothing", NULL);
		_exit(1);
	}
	wait_and_say("vfork", pid);
	pid = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
	if (!pid)
		_exit(7);
	int status = -1;
	waitpid(pid, &status, __WALL);
	say("clone without a signal", status);
}

static void handle(int number)
{
	told += number;
}

static void signals(void)
{
	struct itimerval timer = { .it_value = { .tv_usec = 30000 } };
	struct sigaction action = { .sa_handler = handle };
	int ends[2];
	char byte;

	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 10; i++)
		raise(SIGUSR1);
	sigaction(SIGALRM, &action, NULL);
	if (pipe(ends))
		return;
	setitimer(ITIMER_REAL, &timer, NULL);
	dprintf(1, "interrupted %d", (int)read(ends[0], &byte, 1));
	dprintf(1, " %d\n", errno == EINTR);
	setitimer(ITIMER_REAL, &timer, NULL);
	dprintf(1, "sleep %d\n", nanosleep(&(struct timespec){ 5, 0 }, NULL));
	close(ends[0]);
	close(ends[1]);
}

/* Its parent sees it stop and go on; the sleep is resumed by restart_syscall. */
static void stops(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		nanosleep(&(struct timespec){ 1, 0 }, NULL);
		_exit(3);
	}
	nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	dprintf(1, "stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
	kill(pid, SIGCONT);
	waitpid(pid, &status, WCONTINUED);
	dprintf(1, "continued %d\n", WIFCONTINUED(status));
	wait_and_say("after a stop", pid);
}

static void ends(void)
{
	static const int numbers[] = { SIGKILL, SIGTERM, SIGSEGV, SIGABRT };
	pthread_t thread;
	pid_t pid;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		pid = fork();
		if (!pid) {
			kill(getpid(), numbers[i]);
			_exit(1);
		}
		wait_and_say("killed", pid);
	}
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 10; i++)
			pthread_create(&thread, NULL, sleeping_thread, NULL);
		nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
		_exit(9);
	}
	wait_and_say("exit beside threads", pid);
	pid = fork();
	if (!pid) {
		pthread_create(&thread, NULL, later_thread, NULL);
		syscall(SYS_exit, 11);
	}
	wait_and_say("the first thread leaves first", pid);
}

static void filters(void)
{
	struct sock_filter refuse[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EBADMSG),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgrp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(refuse) / sizeof(refuse[0]), refuse };
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
		for (int i = 0; i < 10; i++)
			syscall(SYS_getppid);
		dprintf(1, "refused %d\n", errno == EBADMSG);
		syscall(SYS_getpgrp);
		_exit(1);
	}
	wait_and_say("filtered", pid);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		syscall(SYS_write, 1, "strict\n", 7);
		syscall(SYS_exit, 4);
	}
	wait_and_say("strict", pid);
	dprintf(1, "no new privileges %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

int main(int argc, char **argv)
{
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (argc > 1 && !strcmp(argv[1], "nothing"))
		return 5;
	if (length < 0)
		return 1;
	if (argc > 1 && !strcmp(argv[1], "ptrace")) {
		dprintf(1, "ptrace %s\n", ptrace(PTRACE_TRACEME, 0, 0, 0) ? "refused" : "allowed");
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "threads")) {
		threads();
		return 0;
	}
	threads();
	forks();
	exec_in_a_thread();
	signals();
	stops();
	ends();
	filters();
	return 6;
}
