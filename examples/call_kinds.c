/* SPDX-License-Identifier: MIT */
/*
 * One system call of each kind of service, 100 times the first, 200 times the second, and so on: who a process is, memory, talk between
 * processes, the network, files, a device, signals, time, scheduling, and the machine itself.
 *
 * In the report, by service: process 100 getppid, memory 200 madvise, ipc 300 msgget that fail (ENOENT), network 400 listen that fail
 * (ENOTSOCK), file 500 lseek, device 600 ioctl of /dev/null that fail (ENOTTY), signal 700 kill, time 800 clock_nanosleep (what nanosleep(3) is), sched 900 sched_yield,
 * other 1,000 uname.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct timespec nothing = { 0, 1 };
	struct utsname name;
	int answer;

	if (null < 0 || page == MAP_FAILED)
		return EXIT_FAILURE;
	for (int i = 0; i < 100; i++)
		(void)getppid();
	for (int i = 0; i < 200; i++)
		madvise(page, 4096, MADV_NORMAL);
	for (int i = 0; i < 300; i++)
		msgget(0x70616765, 0);
	for (int i = 0; i < 400; i++)
		listen(null, 1);
	for (int i = 0; i < 500; i++)
		lseek(null, 0, SEEK_SET);
	for (int i = 0; i < 600; i++)
		ioctl(null, FIONREAD, &answer);
	for (int i = 0; i < 700; i++)
		kill(getpid(), 0);
	for (int i = 0; i < 800; i++)
		nanosleep(&nothing, NULL);
	for (int i = 0; i < 900; i++)
		sched_yield();
	for (int i = 0; i < 1000; i++)
		uname(&name);
	return EXIT_SUCCESS;
}
