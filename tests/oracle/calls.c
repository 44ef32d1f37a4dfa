/* SPDX-License-Identifier: MIT */
/*
 * Calls every function of the table of wrappers, seven times, with arguments that fail: all of them -1. Then, seven times, a round of
 * calls that succeed. strace, on the bare program, shows which system calls that makes between the two marks; pagegap must have counted the
 * same (tests/e2e/oracle_calls.sh).
 *
 * Usage: calls DIRECTORY: an empty one, to work in
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>
#include <utime.h>

#include "../../preload/wrappers_table.h"

#define TIMES 7

/* Every argument of these functions goes into a register: one type of function fits them all. */
typedef long anything(long, long, long, long, long, long, long);

/* Weak: a libc may lack some, and the oldest have no name to link with. */
#define DECLARE(returns, name, parameters, arguments, number) extern char call_##name __asm__(#name) __attribute__((weak));
WRAPPERS_TABLE(DECLARE, DECLARE, DECLARE, DECLARE, DECLARE, DECLARE)

static const struct {
	const char *name;
	anything *function;
} calls[] = {
#define ROW(returns, name, parameters, arguments, number) { #name, (anything *)(void *)&call_##name },
	WRAPPERS_TABLE(ROW, ROW, ROW, ROW, ROW, ROW)
};

/*
 * Not with -1: those that would wait, those that libc follows pointers of or answers itself, and what should not be tried at all. Most of them
 * are in the round that succeeds.
 */
static const char *const not_called[] = {
	"pause", "usleep", "utime", "utimes", "futimesat", "sigwait", "sigwaitinfo", "sigtimedwait", "sigsuspend", "__sigsuspend", "vhangup", "reboot", "alarm", "sigaction",
	"__sigaction", "signal", "sigprocmask", "pthread_sigmask", "settimeofday", "adjtimex", "futimes", "lutimes", "gethostname", "getdomainname", "__gethostname_chk",
	"__getdomainname_chk", "getcwd", "__getcwd_chk", "getentropy", "pthread_setaffinity_np", "pthread_getaffinity_np", "timer_settime",
	"timer_gettime", "timer_getoverrun", "timer_delete", "__poll_chk", "__ppoll_chk", "__read_chk", "__recv_chk", "select", "__select",
	"pselect", "ppoll", "poll", "__poll", "umask", "sethostname", "setdomainname", "mq_setattr", "mq_getattr", "mq_open", "mq_unlink", "eventfd_read",
	"eventfd_write", "lockf", "lockf64", "tcdrain", "tcflow", "tcflush", "tcgetattr", "tcsetpgrp", "tcgetpgrp", "tcgetsid", "isatty", "sockatmark",
	"sched_setaffinity", "sched_getaffinity", "fchmodat", "faccessat", "mkfifo", "mkfifoat", "mknod", "mknodat", "getgroups", "__getgroups_chk", "fstat", "fstat64", "futimens", "setuid", "setgid", "setreuid", "setregid", "setresuid",
	"setresgid", "seteuid", "setegid", "setgroups", "personality", "getpriority", "setpriority", "killpg", "kill", "tgkill", "sync", "setsid", "setpgrp", "uname",
	"times", "getrandom", "epoll_pwait", "epoll_wait", "epoll_pwait2", "clock_nanosleep", "nanosleep", "__nanosleep", "__xmknod", "__xmknodat", "sched_setparam", "__sched_setparam",
	"__xstat", "__lxstat", "__fxstat", "__fxstatat", "__xstat64", "__lxstat64", "__fxstat64", "__fxstatat64", "init_module", "delete_module",
	"swapon", "swapoff", "acct", "pivot_root", "mount", "iopl", "ioperm", "clock_settime", "clock_adjtime", "klogctl", "posix_fallocate", "posix_fallocate64",
};

static int is_called(const char *name, anything *function)
{
	if (!function)
		return 0;
	for (size_t i = 0; i < sizeof(not_called) / sizeof(not_called[0]); i++)
		if (!strcmp(name, not_called[i]))
			return 0;
	return 1;
}

static void expect(long result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}
#define DO(call) expect((long)(call), #call)

static void *thread_main(void *unused)
{
	(void)unused;
	DO(getppid());
	return NULL;
}

static void files(void)
{
	char buffer[256];
	struct iovec parts[2] = { { buffer, 10 }, { buffer + 10, 10 } };
	struct timespec times[2] = { { 1, 0 }, { 2, 0 } };
	struct timeval stamps[2] = { { 1, 0 }, { 2, 0 } };
	struct statfs system;
	struct statx extended;
	struct stat status;
	int fd, other;

	DO(fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600));
	DO(write(fd, buffer, 100));
	DO(pwrite(fd, buffer, 100, 50));
	DO(lseek(fd, 0, SEEK_SET));
	DO(read(fd, buffer, 60));
	DO(pread(fd, buffer, 60, 1));
	DO(readv(fd, parts, 2));
	DO(writev(fd, parts, 2));
	DO(preadv(fd, parts, 2, 0));
	DO(pwritev(fd, parts, 2, 0));
	DO(preadv2(fd, parts, 2, 0, 0));
	DO(fstat(fd, &status));
	DO(stat("file", &status));
	DO(lstat("file", &status));
	DO(fstatat(AT_FDCWD, "file", &status, 0));
	DO(statx(AT_FDCWD, "file", 0, STATX_ALL, &extended));
	DO(statfs(".", &system));
	DO(fstatfs(fd, &system));
	DO(access("file", R_OK));
	DO(faccessat(AT_FDCWD, "file", R_OK, 0));
	DO(ftruncate(fd, 1000));
	DO(truncate("file", 2000));
	DO(fsync(fd));
	DO(fdatasync(fd));
	DO(posix_fallocate(fd, 0, 4096));
	DO(posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL));
	DO(flock(fd, LOCK_SH));
	DO(lockf(fd, F_ULOCK, 0));
	DO(fcntl(fd, F_GETFL));
	DO(fcntl(fd, F_SETFD, FD_CLOEXEC));
	DO(fchmod(fd, 0640));
	DO(chmod("file", 0600));
	DO(fchmodat(AT_FDCWD, "file", 0600, 0));
	DO(fchown(fd, getuid(), getgid()));
	DO(utimensat(AT_FDCWD, "file", times, 0));
	DO(futimens(fd, times));
	DO(utimes("file", stamps));
	DO(utime("file", NULL));
	DO(link("file", "second"));
	DO(symlink("file", "symbolic"));
	DO(readlink("symbolic", buffer, sizeof(buffer)));
	DO(rename("second", "third"));
	DO(unlink("third"));
	DO(unlinkat(AT_FDCWD, "symbolic", 0));
	DO(mkdir("directory", 0700));
	DO(mkdirat(AT_FDCWD, "directory/one", 0700));
	DO(rmdir("directory/one"));
	DO(unlinkat(AT_FDCWD, "directory", AT_REMOVEDIR));
	DO(mkfifo("fifo", 0600));
	DO(unlink("fifo"));
	DO(chdir("."));
	DO(getcwd(buffer, sizeof(buffer)) ? 0 : -1);
	umask(umask(022));
	DO(other = dup(fd));
	DO(dup2(fd, other));
	DO(dup3(fd, other, O_CLOEXEC));
	DO(lseek(fd, 0, SEEK_SET));
	DO(copy_file_range(fd, NULL, other, &(off64_t){ 100 }, 10, 0) >= -1 ? 0 : -1);
	DO(close(other));
	DO(other = openat(AT_FDCWD, "file", O_RDONLY));
	DO(sendfile(fd, other, NULL, 10));
	DO(close(other));
	DO(other = creat("created", 0600));
	DO(close(other));
	DO(unlink("created"));
	DO(other = memfd_create("memory", 0));
	DO(close(other));
	DO(close(fd));
	DO(unlink("file"));
	sync();
}

static void between_processes(void)
{
	struct sembuf up = { 0, 1, 0 };
	struct { long type; char text[8]; } message = { 1, "hello" };
	struct epoll_event event = { .events = EPOLLIN };
	struct pollfd poll_for = { .events = POLLIN };
	struct timespec none = { 0, 0 };
	struct timeval no_time = { 0, 0 };
	eventfd_t value;
	int pipes[2], pair[2], fd, id;
	char text[8];
	fd_set set;
	void *at;

	DO(pipe(pipes));
	DO(write(pipes[1], "x", 1));
	DO(read(pipes[0], text, 1));
	DO(close(pipes[0]));
	DO(close(pipes[1]));
	DO(pipe2(pipes, O_CLOEXEC));
	DO(vmsplice(pipes[1], &(struct iovec){ text, 4 }, 1, 0));
	DO(read(pipes[0], text, 4));
	poll_for.fd = pipes[0];
	DO(poll(&poll_for, 1, 0));
	DO(ppoll(&poll_for, 1, &none, NULL));
	FD_ZERO(&set);
	DO(select(0, &set, NULL, NULL, &no_time));
	DO(pselect(0, &set, NULL, NULL, &none, NULL));
	DO(fd = epoll_create1(0));
	DO(epoll_ctl(fd, EPOLL_CTL_ADD, pipes[0], &event));
	DO(epoll_wait(fd, &event, 1, 0));
	DO(epoll_pwait(fd, &event, 1, 0, NULL));
	DO(close(fd));
	DO(close(pipes[0]));
	DO(close(pipes[1]));
	DO(fd = eventfd(3, 0));
	DO(eventfd_write(fd, 4));
	DO(eventfd_read(fd, &value));
	DO(close(fd));
	DO(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	DO(send(pair[0], "abc", 3, 0));
	DO(recv(pair[1], text, 3, 0));
	DO(sendto(pair[0], "abc", 3, 0, NULL, 0));
	DO(recvfrom(pair[1], text, 3, 0, NULL, NULL));
	DO(sendmsg(pair[0], &(struct msghdr){ .msg_iov = &(struct iovec){ text, 3 }, .msg_iovlen = 1 }, 0));
	DO(recvmsg(pair[1], &(struct msghdr){ .msg_iov = &(struct iovec){ text, 3 }, .msg_iovlen = 1 }, 0));
	DO(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &(int){ 10000 }, sizeof(int)));
	DO(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &(int){ 0 }, &(socklen_t){ sizeof(int) }));
	DO(getsockname(pair[0], (struct sockaddr *)&(struct sockaddr_un){ 0 }, &(socklen_t){ sizeof(struct sockaddr_un) }));
	DO(shutdown(pair[0], SHUT_WR));
	DO(close(pair[0]));
	DO(close(pair[1]));
	DO(fd = socket(AF_UNIX, SOCK_STREAM, 0));
	DO(bind(fd, (struct sockaddr *)&(struct sockaddr_un){ AF_UNIX, "socket" }, sizeof(struct sockaddr_un)));
	DO(listen(fd, 1));
	DO(close(fd));
	DO(unlink("socket"));
	DO(id = semget(IPC_PRIVATE, 1, 0600));
	DO(semop(id, &up, 1));
	DO(semctl(id, 0, GETVAL));
	DO(semctl(id, 0, IPC_RMID));
	DO(id = msgget(IPC_PRIVATE, 0600));
	DO(msgsnd(id, &message, 6, 0));
	DO(msgrcv(id, &message, 6, 0, 0));
	DO(msgctl(id, IPC_RMID, NULL));
	DO(id = shmget(IPC_PRIVATE, 4096, 0600));
	DO((long)(at = shmat(id, NULL, 0)) == -1 ? -1 : 0);
	DO(shmdt(at));
	DO(shmctl(id, IPC_RMID, NULL));
}

static void all_else(void)
{
	struct timespec moment = { 0, 1000 }, now;
	struct sigaction action = { .sa_handler = SIG_IGN }, before;
	struct itimerval timer = { 0 };
	struct rlimit limit;
	struct rusage usage;
	struct utsname name;
	struct sysinfo information;
	struct sched_param parameters = { 0 };
	struct tms ticks;
	sigset_t set, pending;
	cpu_set_t cpus;
	pthread_t thread;
	char buffer[64];
	int fd, status;
	pid_t child;

	DO(getpid());
	DO(getuid());
	DO(getpgrp());
	DO(getsid(0));
	DO(getgroups(0, NULL));
	DO(getrlimit(RLIMIT_NOFILE, &limit));
	DO(setrlimit(RLIMIT_NOFILE, &limit));
	DO(getrusage(RUSAGE_SELF, &usage));
	DO(times(&ticks));
	getpriority(PRIO_PROCESS, 0);
	DO(uname(&name));
	DO(gethostname(buffer, sizeof(buffer)));
	DO(sysinfo(&information));
	DO(getrandom(buffer, 16, 0));
	DO(getentropy(buffer, 16));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	DO(sigaction(SIGUSR1, &action, &before));
	DO(sigaction(SIGUSR1, &before, NULL));
	DO(sigprocmask(SIG_BLOCK, &set, NULL));
	DO(kill(getpid(), SIGUSR1));
	DO(sigpending(&pending));
	DO(sigtimedwait(&set, NULL, &moment));
	DO(kill(getpid(), SIGUSR1));
	DO(sigwait(&set, &status));
	DO(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
	DO(fd = signalfd(-1, &set, 0));
	DO(close(fd));
	DO(nanosleep(&moment, NULL));
	DO(clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL));
	DO(usleep(1));
	DO(alarm(0));
	DO(setitimer(ITIMER_REAL, &timer, NULL));
	DO(getitimer(ITIMER_REAL, &timer));
	DO(fd = timerfd_create(CLOCK_MONOTONIC, 0));
	DO(timerfd_settime(fd, 0, &(struct itimerspec){ .it_value = { 100, 0 } }, NULL));
	DO(close(fd));
	DO(sched_yield());
	DO(sched_getscheduler(0));
	DO(sched_getparam(0, &parameters));
	DO(sched_get_priority_max(SCHED_FIFO));
	DO(sched_rr_get_interval(0, &now));
	DO(sched_getaffinity(0, sizeof(cpus), &cpus));
	DO(sched_setaffinity(0, sizeof(cpus), &cpus));
	DO(syscall(SYS_getpgid, 0));
	DO(syscall(SYS_gettid));
	if (syscall(SYS_close, -1) != -1)
		exit(1);
	isatty(0);
	DO(child = fork());
	if (!child)
		_exit(0);
	DO(waitpid(child, &status, 0));
	DO(pthread_create(&thread, NULL, thread_main, NULL));
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	int queue;

	if (argc != 2 || chdir(argv[1])) {
		fprintf(stderr, "usage: calls DIRECTORY\n");
		return 2;
	}
	access("/begin", F_OK);
	queue = msgget((key_t)-1, IPC_CREAT | 0600); /* msgget(-1, -1) would make it, but once, and leave it to the next run */
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (int time = 0; is_called(calls[i].name, calls[i].function) && time < TIMES; time++)
			calls[i].function(-1, -1, -1, -1, -1, -1, -1);
	for (int time = 0; time < TIMES; time++) {
		files();
		between_processes();
		all_else();
	}
	msgctl(queue, IPC_RMID, NULL);
	access("/end", F_OK);
	for (size_t i = 0, called = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		called += (size_t)is_called(calls[i].name, calls[i].function);
		if (i + 1 == sizeof(calls) / sizeof(calls[0]))
			printf("%zu of %zu functions\n", called, i + 1);
	}
	return 0;
}
