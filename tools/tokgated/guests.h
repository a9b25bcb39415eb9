/* SPDX-License-Identifier: ISC */
/*
 * guests.h - what one user may take of the daemon, so that it keeps no other out
 *
 * Each user has so many connections and questions a second, and queues of its
 * own, from which one is served in turn.  Root, which has to be let in to mend
 * things, has no limit but that of the whole.
 */
#ifndef GUESTS_H
#define GUESTS_H

#include <sys/queue.h>

#include "tokgated.h"

enum { GUESTS_MAX = 256 };

enum queue {
	ASKED,    /* the question is there */
	DEFERRED, /* it was read and waits for the consumer */
	QUEUES,
	NONE = QUEUES,
};

struct guest;

struct connection {
	int fd;
	struct guest *guest;
	int64_t deadline_ms;
	uint8_t *question; /* of a deferred one */
	size_t len;
	enum queue in;
	TAILQ_ENTRY(connection) by_age, by_turn;
};

TAILQ_HEAD(connections, connection);

struct guest {
	uint32_t uid;
	unsigned connections;
	unsigned allowance; /* questions that it may still ask now */
	int64_t filled_ms;
	struct connections queue[QUEUES];
};

struct guests {
	struct guest list[GUESTS_MAX];
	size_t n, turn[QUEUES];
	unsigned connections, most;
};

/* As many connections as this process may have descriptors. */
void guests_init(struct guests *guests);

/* Count a new connection; NULL: it is one too many. */
struct guest *guests_admit(struct guests *guests, uint32_t uid);
void guests_leave(struct guests *guests, struct guest *guest);

/* Put a connection into a queue of its guest, or out of the one it is in. */
void guests_queue(struct connection *c, enum queue queue);

/* The oldest connection in this queue of the guest whose turn it is, or NULL. */
struct connection *guests_next(struct guests *guests, enum queue queue);

#endif
