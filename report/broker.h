/* SPDX-License-Identifier: MIT */
/*
 * Captures for those that cannot create them: an observed process that has given up its privileges, changed its root or
 * lowered its limits asks the runner for one, over a socket in the abstract namespace: one message "TOKEN FILE", one
 * answer 'k' with a descriptor or 'n' without. Whoever knows the name can connect, so everything that comes is suspect:
 * the token must be right, the file must be named after the process that the kernel says is asking. Nothing here waits
 * for a client.
 */
#ifndef PAGEGAP_BROKER_H
#define PAGEGAP_BROKER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BROKER_CLIENTS 32
#define BROKER_POLLS   (BROKER_CLIENTS + 1)

struct broker {
	int    listener;                /* -1: there is none */
	char   address[128];            /* "name:token" */
	char   token[33];
	const char *directory;          /* of the recording; set when it exists */
	int    directory_fd;
	int    clients[BROKER_CLIENTS]; /* -1: free */
	size_t oldest;                  /* whose place is taken when all are taken */
	uint64_t created;
};

/* Without it everything works but for such processes: a failure leaves listener at -1 and address empty. */
void broker_open(struct broker *broker);

/* Fills @polls, of BROKER_POLLS, and returns how many are used. */
size_t broker_polls(const struct broker *broker, struct pollfd *polls);
void broker_serve(struct broker *broker, const struct pollfd *polls, size_t count);
void broker_close(struct broker *broker);

#endif
