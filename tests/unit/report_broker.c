/* SPDX-License-Identifier: MIT */
/*
 * The runner's socket against clients that it should not serve, and one that it should.
 * links: report/broker.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../preload/capture.h"
#include "../../report/broker.h"

struct place {
	struct broker broker;
	char directory[64];
};

static int begin(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	strcpy(place->directory, "/tmp/pagegap-unit-XXXXXX");
	broker_open(&place->broker);
	place->broker.directory = mkdtemp(place->directory);
	*state = place;
	return place->broker.directory && place->broker.listener >= 0 ? 0 : -1;
}

static int end(void **state)
{
	struct place *place = *state;
	char *command = NULL;

	broker_close(&place->broker);
	if (asprintf(&command, "rm -rf -- '%s'", place->directory) < 0 || system(command))
		return -1;
	free(command);
	free(place);
	return 0;
}

static int connect_to(const struct broker *broker)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strcspn(broker->address, ":");
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path + 1, broker->address, length);
	assert_int_equal(connect(fd, (struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)),
			 0);
	return fd;
}

/* One round of the runner's loop, with whatever is ready. */
static void serve(struct broker *broker)
{
	struct pollfd polls[BROKER_POLLS];
	size_t count = broker_polls(broker, polls);

	assert_true(poll(polls, count, 0) >= 0);
	broker_serve(broker, polls, count);
}

/*
 * Sends one message and gives the answer: 'k', 'n', or 0 when the connection was closed without one. @fd: the
 * descriptor, or -1.
 */
static char ask(struct broker *broker, const void *message, size_t length, int *fd)
{
	union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr reply = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	int client = connect_to(broker);

	*fd = -1;
	assert_int_equal(send(client, message, length, MSG_NOSIGNAL), length);
	serve(broker); /* accepts */
	serve(broker); /* answers */
	assert_true(recvmsg(client, &reply, MSG_DONTWAIT) >= 0);
	if (reply.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(&control.header), sizeof(*fd));
	close(client);
	return byte;
}

static char ask_for(struct broker *broker, const char *token, const char *file, int *fd)
{
	char message[4096];
	int length = snprintf(message, sizeof(message), "%s %s", token, file);

	return ask(broker, message, (size_t)length, fd);
}

static char *own_name(int number)
{
	static char name[64];

	snprintf(name, sizeof(name), "%d.%d.capture", getpid(), number);
	return name;
}

static void a_process_gets_its_own_capture(void **state)
{
	struct place *place = *state;
	struct stat status;
	int fd;

	assert_int_equal(ask_for(&place->broker, place->broker.token, own_name(0), &fd), 'k');
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_size, sizeof(struct capture));
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_true(status.st_blocks * 512 >= (off_t)CAPTURE_EAGER_BYTES);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	close(fd);
}

static void a_file_that_is_there_is_never_opened(void **state)
{
	struct place *place = *state;
	int fd;

	assert_int_equal(ask_for(&place->broker, place->broker.token, own_name(0), &fd), 'k');
	close(fd);
	assert_int_equal(ask_for(&place->broker, place->broker.token, own_name(0), &fd), 'n');
	assert_int_equal(fd, -1);
}

static void a_wrong_token_is_refused(void **state)
{
	struct place *place = *state;
	char token[64];
	int fd;

	strcpy(token, place->broker.token);
	token[31] = token[31] == 'a' ? 'b' : 'a';
	assert_int_equal(ask_for(&place->broker, token, own_name(0), &fd), 'n');
	assert_int_equal(ask_for(&place->broker, "", own_name(0), &fd), 'n');
	token[31] = '\0';
	assert_int_equal(ask_for(&place->broker, token, own_name(0), &fd), 'n');
	assert_int_equal(fd, -1);
}

static void names_other_than_the_clients_own_are_refused(void **state)
{
	struct place *place = *state;
	char name[128];
	int fd;

	snprintf(name, sizeof(name), "%d.0.capture", getppid());
	assert_int_equal(ask_for(&place->broker, place->broker.token, name, &fd), 'n');
	snprintf(name, sizeof(name), "../%s", own_name(0));
	assert_int_equal(ask_for(&place->broker, place->broker.token, name, &fd), 'n');
	snprintf(name, sizeof(name), "%d.0.capture/../x", getpid());
	assert_int_equal(ask_for(&place->broker, place->broker.token, name, &fd), 'n');
	snprintf(name, sizeof(name), "0%d.0.capture", getpid());
	assert_int_equal(ask_for(&place->broker, place->broker.token, name, &fd), 'n');
	snprintf(name, sizeof(name), "%d.-1.capture", getpid());
	assert_int_equal(ask_for(&place->broker, place->broker.token, name, &fd), 'n');
	snprintf(name, sizeof(name), "%d.0.capture ", getpid());
	assert_int_equal(ask_for(&place->broker, place->broker.token, name, &fd), 'n');
	assert_int_equal(ask_for(&place->broker, place->broker.token, "/etc/passwd", &fd), 'n');
	assert_int_equal(ask_for(&place->broker, place->broker.token, "", &fd), 'n');
	assert_int_equal(place->broker.created, 0);
}

static void messages_of_any_length_and_content_are_survived(void **state)
{
	struct place *place = *state;
	char message[65536];
	int fd;

	memset(message, 'a', sizeof(message));
	assert_int_equal(ask(&place->broker, message, sizeof(message), &fd), 'n');
	memset(message, 0, sizeof(message));
	assert_int_equal(ask(&place->broker, message, 100, &fd), 'n');
	assert_int_equal(ask(&place->broker, message, 1, &fd), 'n');
	snprintf(message, sizeof(message), "%s %s", place->broker.token, own_name(0));
	assert_int_equal(ask(&place->broker, message, strlen(message) + 2, &fd), 'n'); /* with zeros behind it */
	assert_int_equal(place->broker.created, 0);
}

static void silent_clients_do_not_keep_others_out(void **state)
{
	struct place *place = *state;
	int silent[3 * BROKER_CLIENTS], fd;

	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		silent[i] = connect_to(&place->broker);
		serve(&place->broker);
	}
	assert_int_equal(ask_for(&place->broker, place->broker.token, own_name(0), &fd), 'k');
	close(fd);
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		close(silent[i]);
}

static void a_client_that_leaves_or_does_not_listen_does_no_harm(void **state)
{
	struct place *place = *state;
	int client = connect_to(&place->broker), fd;

	close(client);
	serve(&place->broker);
	serve(&place->broker);
	client = connect_to(&place->broker);
	assert_int_equal(send(client, "x", 1, 0), 1);
	shutdown(client, SHUT_RD);
	serve(&place->broker);
	serve(&place->broker);
	close(client);
	assert_int_equal(ask_for(&place->broker, place->broker.token, own_name(0), &fd), 'k');
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_process_gets_its_own_capture),
		TEST(a_file_that_is_there_is_never_opened),
		TEST(a_wrong_token_is_refused),
		TEST(names_other_than_the_clients_own_are_refused),
		TEST(messages_of_any_length_and_content_are_survived),
		TEST(silent_clients_do_not_keep_others_out),
		TEST(a_client_that_leaves_or_does_not_listen_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
