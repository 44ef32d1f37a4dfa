/* SPDX-License-Identifier: MIT */
/* Serving requests for captures, one message per connection, without ever blocking. */
#include "broker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../preload/capture.h"

#define MOST_FILES 100000       /* one run's; more is a program that has gone wild */

static void random_hex(char *text, size_t bytes)
{
	unsigned char random[16];

	if (getrandom(random, bytes, 0) != (ssize_t)bytes)
		bytes = 0;
	text[0] = '\0';
	for (size_t i = 0; i < bytes; i++)
		snprintf(text + 2 * i, 3, "%02x", random[i]);
}

void broker_open(struct broker *broker)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[64], salt[17];
	socklen_t length;

	memset(broker, 0, sizeof(*broker));
	memset(broker->clients, 0xff, sizeof(broker->clients)); /* -1 */
	broker->directory_fd = -1;
	random_hex(broker->token, 16);
	random_hex(salt, 8);
	broker->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(name, sizeof(name), "pagegap-%d-%s", getpid(), salt);
	memcpy(address.sun_path + 1, name, strlen(name));
	length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	if (broker->listener >= 0 && *broker->token &&
	    !bind(broker->listener, (struct sockaddr *)&address, length) && !listen(broker->listener, 128)) {
		snprintf(broker->address, sizeof(broker->address), "%s:%s", name, broker->token);
		return;
	}
	if (broker->listener >= 0)
		close(broker->listener);
	broker->listener = -1;
}

size_t broker_polls(const struct broker *broker, struct pollfd *polls)
{
	size_t count = 0;

	if (broker->listener >= 0)
		polls[count++] = (struct pollfd){ .fd = broker->listener, .events = POLLIN };
	for (size_t i = 0; i < BROKER_CLIENTS; i++)
		if (broker->clients[i] >= 0)
			polls[count++] = (struct pollfd){ .fd = broker->clients[i], .events = POLLIN };
	return count;
}

static void drop(struct broker *broker, size_t client)
{
	close(broker->clients[client]);
	broker->clients[client] = -1;
}

/* When all places are taken the oldest client goes: one that says nothing must not keep others out. */
static void accept_all(struct broker *broker)
{
	for (int turns = 0; turns < BROKER_CLIENTS; turns++) {
		int fd = accept4(broker->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		size_t place;

		if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
			return;
		if (fd < 0) { /* no descriptors: it would stay readable for ever */
			close(broker->listener);
			broker->listener = -1;
			return;
		}
		for (place = 0; place < BROKER_CLIENTS && broker->clients[place] >= 0; place++)
			;
		if (place == BROKER_CLIENTS) {
			place = broker->oldest;
			drop(broker, place);
		}
		broker->clients[place] = fd;
		broker->oldest = (place + 1) % BROKER_CLIENTS;
	}
}

/* Takes as long for a wrong token as for a right one. */
static bool same_token(const char *a, const char *b, size_t length)
{
	unsigned char difference = 0;

	for (size_t i = 0; i < length; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return !difference;
}

/* Exactly "<pid>.<number>.capture", both decimal without leading zeros. */
static bool good_name(const char *name, pid_t peer)
{
	char expected[64];
	uint32_t pid, number;

	if (sscanf(name, "%9" SCNu32 ".%9" SCNu32, &pid, &number) != 2 || pid != (uint32_t)peer)
		return false;
	snprintf(expected, sizeof(expected), "%" PRIu32 ".%" PRIu32 CAPTURE_SUFFIX, pid, number);
	return !strcmp(expected, name);
}

/* A new capture file with its disk blocks, or -1. */
static int create(struct broker *broker, const char *name)
{
	int fd;

	if (broker->created >= MOST_FILES || !broker->directory)
		return -1;
	if (broker->directory_fd < 0)
		broker->directory_fd = open(broker->directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (broker->directory_fd < 0)
		return -1;
	fd = openat(broker->directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (!ftruncate(fd, sizeof(struct capture)) && !posix_fallocate(fd, 0, CAPTURE_EAGER_BYTES) &&
	    !posix_fallocate(fd, offsetof(struct capture, calls), CAPTURE_EAGER_CALLS - offsetof(struct capture, calls))) {
		broker->created++;
		return fd;
	}
	close(fd);
	unlinkat(broker->directory_fd, name, 0);
	return -1;
}

static void answer(int client, int fd)
{
	char byte = fd < 0 ? 'n' : 'k';
	struct iovec part = { &byte, 1 };
	union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	/* One that does not take its answer gets none. */
	sendmsg(client, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Descriptors that a client sends along are dropped by the kernel: no room is offered for them. */
static void serve(struct broker *broker, int client)
{
	char request[128];
	struct ucred peer;
	socklen_t length = sizeof(peer);
	ssize_t got = recv(client, request, sizeof(request) - 1, MSG_DONTWAIT | MSG_TRUNC);
	size_t token = strlen(broker->token);
	int fd = -1;

	if (got <= 0)
		return;
	if ((size_t)got < sizeof(request) && (size_t)got > token + 1 &&
	    !getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length)) {
		request[got] = '\0';
		if (!memchr(request, '\0', (size_t)got) && same_token(request, broker->token, token) &&
		    request[token] == ' ' && good_name(request + token + 1, peer.pid))
			fd = create(broker, request + token + 1);
	}
	answer(client, fd);
	if (fd >= 0)
		close(fd);
}

void broker_serve(struct broker *broker, const struct pollfd *polls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!polls[i].revents)
			continue;
		if (polls[i].fd == broker->listener) {
			accept_all(broker);
			continue;
		}
		for (size_t client = 0; client < BROKER_CLIENTS; client++)
			if (broker->clients[client] == polls[i].fd) {
				serve(broker, polls[i].fd);
				drop(broker, client);
			}
	}
}

void broker_close(struct broker *broker)
{
	for (size_t i = 0; i < BROKER_CLIENTS; i++)
		if (broker->clients[i] >= 0)
			drop(broker, i);
	if (broker->listener >= 0)
		close(broker->listener);
	if (broker->directory_fd >= 0)
		close(broker->directory_fd);
	broker->listener = broker->directory_fd = -1;
}
