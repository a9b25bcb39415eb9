/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tokgated.h"

/* What travels before the question itself; both ends are this program. */
struct handed {
	uint32_t uid;
	int64_t deadline_ms;
};

bool
consumer_hand(int consumer, int connection, uint32_t uid, int64_t deadline_ms, const void *question,
    size_t len)
{
	struct handed handed = { .uid = uid, .deadline_ms = deadline_ms };
	struct iovec parts[] = {
		{ &handed, sizeof(handed) },
		{ (void *)(uintptr_t)question, len },
	};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &connection, sizeof(int));
	return sendmsg(consumer, &message, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
}

bool
consumer_done(int consumer)
{
	char done;

	return recv(consumer, &done, 1, 0) == 1;
}

/*
 * One question with its connection, -1: that could not be had.  False: the
 * first process is gone.
 */
static bool
receive(int from, struct handed *handed, uint8_t question[static QUESTION_MAX], size_t *len,
    int *connection)
{
	struct iovec parts[] = {
		{ handed, sizeof(*handed) },
		{ question, QUESTION_MAX },
	};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	*connection = -1;
	*len = 0;
	if (n < (ssize_t)sizeof(*handed))
		return false;
	*len = (size_t)n - sizeof(*handed);
	if ((c = CMSG_FIRSTHDR(&message)) != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(connection, CMSG_DATA(c), sizeof(int));
	return true;
}

struct asker {
	int connection;
	int64_t deadline_ms;
};

/* A use is not taken for somebody who has stopped waiting for the answer. */
static bool
still_waiting(void *arg)
{
	const struct asker *asker = arg;
	struct pollfd p = { .fd = asker->connection, .events = POLLRDHUP };

	return now_ms() < asker->deadline_ms && poll(&p, 1, 0) == 0;
}

/* False: that was the last one that it can answer. */
static bool
answer(struct tg *tg, int connection, const struct handed *handed, const uint8_t *question,
    size_t len)
{
	struct asker asker = { .connection = connection, .deadline_ms = handed->deadline_ms };
	struct tg_patience patience = { .wanted = still_waiting, .arg = &asker };
	enum tg_serving serving = TG_SERVE_DROP;
	uint8_t reply[TG_MESSAGE_MAX];
	size_t reply_len = 0;

	if (still_waiting(&asker)) {
		patience.most_ms = (int)(handed->deadline_ms - now_ms());
		serving = tg_serve(tg, handed->uid, question, len, &patience, reply, &reply_len);
	}
	/* Who has gone meanwhile misses it. */
	if (reply_len > 0)
		(void)send(connection, reply, reply_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	explicit_bzero(reply, reply_len);
	return serving != TG_SERVE_LAST;
}

static void
consume(int from, const char *config)
{
	uint8_t question[QUESTION_MAX];
	struct handed handed;
	struct tg *tg;
	int connection;
	bool able = true;
	size_t len;

	if (tg_open(config, NULL, &tg) != TG_OK) {
		say("%s", tg_detail(tg));
		return;
	}
	while (able && receive(from, &handed, question, &len, &connection)) {
		if (connection >= 0) {
			able = answer(tg, connection, &handed, question, len);
			close(connection);
		}
		explicit_bzero(question, len);
		able = able && send(from, "", 1, MSG_NOSIGNAL) == 1;
	}
	tg_close(&tg);
}

int
consumer_start(const char *config, bool (*settle)(void *arg), void *arg)
{
	pid_t parent = getpid(), child;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 ||
	    (child = fork()) < 0) {
		say("cannot start the consumer: %s", strerror(errno));
		return -1;
	}
	if (child > 0) {
		close(ends[1]);
		return ends[0];
	}
	close(ends[0]);
	/* After the change of user, which takes it back. */
	if (settle(arg) && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
		consume(ends[1], config);
	_exit(EXIT_SUCCESS);
}
