/* SPDX-License-Identifier: ISC */
/*
 * One turn of the loop: take some of the connections that wait, see who has
 * asked, answer some of those, each user in turn.  None of the three goes on
 * for as long as there is more: a flood would keep it from the others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "guests.h"

enum {
	ACCEPT_MAX = 512, /* in one turn; far less work than as many answers */
	ANSWER_MAX = 32,
	HANDED_MAX = 4, /* so that a user who comes now waits for no more than these */
	EVENTS = 256,
	TIDY_MS = 30000,
	ALIVE_MS = 1000,
};

struct loop {
	struct tg *tg;
	int poll, consumer, signals;
	unsigned handed; /* questions that the consumer has */
	struct guests guests;
	struct connections by_age; /* oldest first */
	bool stop, failed;
};

/* ---- connections ---- */

static void
drop(struct loop *loop, struct connection *c)
{
	guests_queue(c, NONE);
	TAILQ_REMOVE(&loop->by_age, c, by_age);
	guests_leave(&loop->guests, c->guest);
	/* Closing is not enough: the consumer may have the connection too. */
	epoll_ctl(loop->poll, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	if (c->question != NULL)
		explicit_bzero(c->question, c->len);
	free(c->question);
	free(c);
}

static void
add(struct loop *loop, int fd, uint32_t uid)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->guest = guests_admit(&loop->guests, uid)) == NULL) {
		free(c);
		close(fd);
		return;
	}
	c->fd = fd;
	c->in = NONE;
	c->deadline_ms = now_ms() + DEADLINE_MS;
	TAILQ_INSERT_TAIL(&loop->by_age, c, by_age);
	event.data.ptr = c;
	if (epoll_ctl(loop->poll, EPOLL_CTL_ADD, fd, &event) != 0)
		drop(loop, c);
}

static void
accept_some(struct loop *loop, int listening)
{
	struct ucred peer;
	socklen_t len;
	int fd, n;

	for (n = 0; n < ACCEPT_MAX; n++) {
		if ((fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0)
			return;
		len = sizeof(peer);
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
			add(loop, fd, peer.uid);
		else
			close(fd);
	}
}

/* For who starts it again. */
static void
fail(struct loop *loop, const char *why)
{
	say("%s", why);
	loop->stop = loop->failed = true;
}

static bool
defer(struct connection *c, const uint8_t *question, size_t len)
{
	if ((c->question = malloc(len)) == NULL)
		return false;
	memcpy(c->question, question, len);
	c->len = len;
	guests_queue(c, DEFERRED);
	return true;
}

static void
answer(struct loop *loop, struct connection *c)
{
	uint8_t question[QUESTION_MAX], reply[TG_MESSAGE_MAX];
	ssize_t n = recv(c->fd, question, sizeof(question), 0);
	size_t reply_len = 0;
	bool deferred = false;

	if (n > 0)
		switch (tg_serve(loop->tg, c->guest->uid, question, (size_t)n, NULL, reply,
		    &reply_len)) {
		case TG_SERVE_LAST:
			fail(loop, "LMDB gave up: the store is damaged");
			/* FALLTHROUGH */
		case TG_SERVE_ANSWER:
			(void)send(c->fd, reply, reply_len, MSG_DONTWAIT | MSG_NOSIGNAL);
			break;
		case TG_SERVE_LATER:
			deferred = defer(c, question, (size_t)n);
			break;
		case TG_SERVE_DROP:
			break;
		}
	explicit_bzero(question, n > 0 ? (size_t)n : 0);
	explicit_bzero(reply, reply_len);
	if (!deferred)
		drop(loop, c);
}

/* False: more have asked. */
static bool
answer_some(struct loop *loop)
{
	struct connection *c = NULL;
	int n;

	for (n = 0;
	     n < ANSWER_MAX && !loop->stop && (c = guests_next(&loop->guests, ASKED)) != NULL; n++)
		if (c->deadline_ms > now_ms())
			answer(loop, c);
		else
			drop(loop, c);
	return c == NULL;
}

/* The consumer takes one after the other. */
static void
hand_on(struct loop *loop)
{
	struct connection *c;

	while (loop->handed < HANDED_MAX && (c = guests_next(&loop->guests, DEFERRED)) != NULL) {
		if (consumer_hand(loop->consumer, c->fd, c->guest->uid, c->deadline_ms, c->question,
			c->len))
			loop->handed++;
		drop(loop, c);
	}
}

static void
drop_late(struct loop *loop)
{
	struct connection *c;

	while ((c = TAILQ_FIRST(&loop->by_age)) != NULL && c->deadline_ms <= now_ms())
		drop(loop, c);
}

/* ---- the loop ---- */

static bool
watch(struct loop *loop, int fd, const int *tag)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = (void *)(uintptr_t)tag };

	if (epoll_ctl(loop->poll, EPOLL_CTL_ADD, fd, &event) == 0)
		return true;
	say("cannot watch a descriptor: %s", strerror(errno));
	return false;
}

static void
hear_consumer(struct loop *loop)
{
	if (consumer_done(loop->consumer))
		loop->handed--;
	else
		fail(loop, "the consumer died");
}

/* Something came: the question, or the end. */
static void
hear(struct connection *c)
{
	if (c->in == NONE)
		guests_queue(c, ASKED);
}

static void
handle(struct loop *loop, const struct sockets *sockets, void *what)
{
	size_t i;

	for (i = 0; i < sockets->n; i++)
		if (what == &sockets->fd[i]) {
			accept_some(loop, sockets->fd[i]);
			return;
		}
	if (what == &loop->signals)
		loop->stop = true;
	else if (what == &loop->consumer)
		hear_consumer(loop);
	else
		hear(what);
}

static void
tell_time(struct loop *loop, int64_t *tidied_ms, int64_t *alive_ms)
{
	int64_t now = now_ms();

	if (now - *tidied_ms >= TIDY_MS) {
		tg_tidy(loop->tg);
		*tidied_ms = now;
	}
	if (now - *alive_ms >= ALIVE_MS) {
		sd_notify(0, "WATCHDOG=1");
		*alive_ms = now;
	}
}

static void
serve(struct loop *loop, const struct sockets *sockets)
{
	int64_t tidied_ms = now_ms(), alive_ms = 0;
	struct epoll_event events[EVENTS];
	bool all_answered = true;
	int n, i;

	while (!loop->stop) {
		n = epoll_wait(loop->poll, events, EVENTS,
		    !all_answered                    ? 0 :
			loop->guests.connections > 0 ? DEADLINE_MS :
						       TIDY_MS / 2);
		if (n < 0 && errno != EINTR) {
			say("cannot wait: %s", strerror(errno));
			return;
		}
		for (i = 0; i < n && !loop->stop; i++)
			handle(loop, sockets, events[i].data.ptr);
		all_answered = answer_some(loop);
		drop_late(loop);
		hand_on(loop);
		tell_time(loop, &tidied_ms, &alive_ms);
	}
}

int
loop_run(struct tg *tg, const struct sockets *sockets, int consumer, int signals)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int code = EXIT_FAILURE;
	size_t i;

	if (loop == NULL)
		return code;
	loop->tg = tg;
	loop->consumer = consumer;
	loop->signals = signals;
	TAILQ_INIT(&loop->by_age);
	guests_init(&loop->guests);
	if ((loop->poll = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
	    !watch(loop, signals, &loop->signals) || !watch(loop, consumer, &loop->consumer))
		goto out;
	for (i = 0; i < sockets->n; i++)
		if (!watch(loop, sockets->fd[i], &sockets->fd[i]))
			goto out;
	sd_notify(0, "READY=1");
	serve(loop, sockets);
	sd_notify(0, "STOPPING=1");
	code = loop->failed ? EXIT_FAILURE : EXIT_SUCCESS;
	while (!TAILQ_EMPTY(&loop->by_age))
		drop(loop, TAILQ_FIRST(&loop->by_age));
out:
	if (loop->poll >= 0)
		close(loop->poll);
	free(loop);
	return code;
}
