/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "deadline.h"
#include "remote.h"
#include "secure.h"

static bool
absent(int error)
{
	return error == ENOENT || error == ECONNREFUSED || error == ENOTDIR;
}

static enum remote_result
silent(struct detail *detail, const char *path, const char *why)
{
	detail_set(detail, TG_UNAVAILABLE, "no answer from tokgated at '%s': %s", path, why);
	return REMOTE_SILENT;
}

/* Descriptors 0-2 stay the host's. */
static int
make_socket(void)
{
	int low = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), fd = low;

	if (low >= 0 && low < 3) {
		fd = fcntl(low, F_DUPFD_CLOEXEC, 3);
		close(low);
	}
	return fd;
}

/* A full backlog says EAGAIN at once; there is no event to wait for. */
static enum remote_result
connect_until(int fd, const char *path, int64_t deadline_ms, struct detail *detail)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	unsigned tries = 0;

	if (strlen(path) >= sizeof(addr.sun_path))
		return silent(detail, path, "the path is too long for a socket");
	memcpy(addr.sun_path, path, strlen(path) + 1);
	while (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
		if (absent(errno))
			return REMOTE_ABSENT;
		if ((errno != EAGAIN && errno != EINTR) || !deadline_pause(deadline_ms, &tries))
			return silent(detail, path, strerror(errno));
	}
	return REMOTE_ANSWERED;
}

/*
 * By who listens, which is systemd where it makes the socket: a program in a
 * chroot may have no configuration that says who answers there.
 */
static bool
listener_trusted(int fd, uid_t service_uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	const int on = 1;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && len == sizeof(peer) &&
	    (peer.uid == 0 || peer.uid == service_uid) &&
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0;
}

/* As recv(2); *uid is the sender's, as the kernel says. */
static ssize_t
receive(int fd, uint8_t *data, size_t size, uid_t *uid)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control = { 0 };
	struct iovec part = { data, size };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c;
	struct ucred sender = { .uid = (uid_t)-1 };
	ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);

	c = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
		memcpy(&sender, CMSG_DATA(c), sizeof(sender));
	*uid = sender.uid;
	return n;
}

static bool
wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&p, 1, deadline_left(deadline_ms));
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

static enum remote_result
exchange(int fd, const char *path, int64_t deadline_ms, const struct wire_question *question,
    struct wire_answer *answer, struct detail *detail)
{
	uint8_t sent[WIRE_QUESTION_MAX], got[WIRE_ANSWER_MAX];
	enum remote_result result = REMOTE_SILENT;
	size_t len = wire_question_encode(question, sent);
	ssize_t n = 0;
	uid_t uid;

	if (!wait_for(fd, POLLOUT, deadline_ms) ||
	    send(fd, sent, len, MSG_NOSIGNAL) != (ssize_t)len)
		silent(detail, path, "it takes no question");
	else if (!wait_for(fd, POLLIN, deadline_ms))
		silent(detail, path, "none in time");
	else if ((n = receive(fd, got, sizeof(got), &uid)) <= 0)
		silent(detail, path, "it closed the connection");
	else if (!wire_answer_decode(got, (size_t)n, answer))
		silent(detail, path, "not an answer of this version");
	else {
		answer->uid = uid;
		result = REMOTE_ANSWERED;
	}
	explicit_bzero(sent, sizeof(sent));
	if (n > 0)
		explicit_bzero(got, (size_t)n);
	return result;
}

static enum remote_result
ask(const char *path, uid_t service_uid, const struct wire_question *question,
    struct wire_answer *answer, struct detail *detail)
{
	int64_t deadline_ms = deadline_after(REMOTE_MS);
	enum remote_result result;
	enum tg_status r;
	int fd;

	if ((r = secure_parent(path, service_uid, detail)) == TG_NO_MATCH)
		return REMOTE_ABSENT;
	if (r != TG_OK)
		return REMOTE_SILENT;
	if ((fd = make_socket()) < 0)
		return silent(detail, path, strerror(errno));
	result = connect_until(fd, path, deadline_ms, detail);
	if (result == REMOTE_ANSWERED && !listener_trusted(fd, service_uid))
		result = silent(detail, path, "it runs as neither root nor the service user");
	if (result == REMOTE_ANSWERED)
		result = exchange(fd, path, deadline_ms, question, answer, detail);
	close(fd);
	return result;
}

enum remote_result
remote_ask(const char *path, uid_t service_uid, const struct wire_question *question,
    struct wire_answer *answer, struct detail *detail)
{
	enum remote_result result;
	int cancel_state;

	memset(answer, 0, sizeof(*answer));
	/* A host may cancel its thread in each of the calls; descriptor and secret would stay. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	result = ask(path, service_uid, question, answer, detail);
	pthread_setcancelstate(cancel_state, NULL);
	return result;
}
