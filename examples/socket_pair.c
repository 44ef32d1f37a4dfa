/* SPDX-License-Identifier: MIT */
/*
 * Two processes that answer each other over a pair of sockets: 10,000 questions of 16 bytes, 10,000 answers of 64. Each message is two system
 * calls, and two changes of who runs.
 *
 * In the report: one socketpair (ipc); of sendto and recvfrom 10,000 each in both processes, and one recvfrom more in the child, which finds that
 * nobody is left to ask; 160,000 bytes one way, 640,000 the other.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUESTIONS 10000

static int answer(int peer)
{
	char question[16], reply[64] = { 0 };

	while (recv(peer, question, sizeof(question), 0) == sizeof(question))
		if (send(peer, reply, sizeof(reply), 0) != sizeof(reply))
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

int main(void)
{
	char question[16] = { 0 }, reply[64];
	int pair[2], status;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return EXIT_FAILURE;
	child = fork();
	if (child == 0) {
		close(pair[0]);
		return answer(pair[1]);
	}
	close(pair[1]);
	for (int i = 0; i < QUESTIONS; i++)
		if (send(pair[0], question, sizeof(question), 0) != sizeof(question) || recv(pair[0], reply, sizeof(reply), 0) != sizeof(reply))
			return EXIT_FAILURE;
	close(pair[0]);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
