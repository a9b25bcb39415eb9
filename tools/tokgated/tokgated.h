/* SPDX-License-Identifier: ISC */
/*
 * tokgated.h - the parts of the daemon
 *
 *	main.c      options, privileges, the order in which things start
 *	sockets.c   the sockets that it listens on, made here or by systemd
 *	loop.c      connections: question in, answer out
 *	guests.c    who may ask how much, and whose turn it is
 *	consumer.c  a second process for what has to wait for a writer
 *
 * Two processes, so that a slow commit for one limited-use token holds up no
 * other check; each opens the store after the last fork.
 */
#ifndef TOKGATED_H
#define TOKGATED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokgate.h"

enum {
	SOCKETS_MAX = 16,
	QUESTION_MAX = 2048, /* more than any; the library judges */
	DEADLINE_MS = 500,   /* what the client waits, so nobody is left to hear more */
};

/* "tokgated: ...\n" on stderr, where systemd or a person reads it. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Monotonic milliseconds. */
int64_t now_ms(void);

/* ---- sockets.c ---- */

struct sockets {
	size_t n;
	int fd[SOCKETS_MAX];
	const char *made[SOCKETS_MAX]; /* path to remove at the end; NULL: systemd's */
};

/* Take systemd's sockets, or make those of the configuration. */
bool sockets_open(const struct tg *tg, struct sockets *out);
void sockets_close(struct sockets *sockets);

/* ---- consumer.c ---- */

/*
 * Fork the process that answers what has to wait; `settle` gives up its
 * rights.  Returns the descriptor to hand questions to, or -1.  It ends when
 * that is closed.  Start it before there are sockets: one that it has as well
 * would seem to have a listener when the first process is dead.
 */
int consumer_start(const char *config, bool (*settle)(void *arg), void *arg);

/* Hand on a question with its connection; false if the queue is full. */
bool consumer_hand(int consumer, int connection, uint32_t uid, int64_t deadline_ms,
    const void *question, size_t len);

/* It is done with one of them; false: it is dead. */
bool consumer_done(int consumer);

/* ---- loop.c ---- */

/* Serve until a signal of `signals` (signalfd(2)) comes; returns an exit code. */
int loop_run(struct tg *tg, const struct sockets *sockets, int consumer, int signals);

#endif
