/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "tokgated.h"

/* Anybody may ask: it takes a token or a ticket to be told anything. */
enum { SOCKET_MODE = 0666, DIRECTORY_MODE = 0755 };

static bool
take_inherited(struct sockets *out, int n)
{
	int i;

	if (n > SOCKETS_MAX) {
		say("more than %d sockets inherited", SOCKETS_MAX);
		return false;
	}
	for (i = 0; i < n; i++) {
		out->fd[i] = SD_LISTEN_FDS_START + i;
		if (sd_is_socket(out->fd[i], AF_UNIX, SOCK_SEQPACKET, 1) <= 0) {
			say("inherited descriptor %d is no listening SOCK_SEQPACKET socket",
			    out->fd[i]);
			return false;
		}
		if (fcntl(out->fd[i], F_SETFL, O_NONBLOCK) != 0) {
			say("inherited descriptor %d: %s", out->fd[i], strerror(errno));
			return false;
		}
	}
	out->n = (size_t)n;
	return true;
}

static bool
make_directory(const char *path, uint32_t uid)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	strcpy(dir, path); /* the configuration holds it to the size of a socket's path */
	if ((slash = strrchr(dir, '/')) == dir)
		return true;
	*slash = '\0';
	if (mkdir(dir, DIRECTORY_MODE) != 0)
		return errno == EEXIST;
	return chmod(dir, DIRECTORY_MODE) == 0 &&
	    (geteuid() != 0 || chown(dir, uid, (gid_t)-1) == 0);
}

/* A socket that nobody listens on is what a killed daemon left; anything else stays. */
static bool
remove_stale(int fd, const struct sockaddr_un *addr)
{
	struct stat st;

	if (lstat(addr->sun_path, &st) != 0)
		return errno == ENOENT;
	if (!S_ISSOCK(st.st_mode) ||
	    connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0) {
		errno = EADDRINUSE;
		return false;
	}
	return errno == ECONNREFUSED && unlink(addr->sun_path) == 0;
}

static int
make_socket(const char *path, uint32_t uid)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, r;

	strcpy(addr.sun_path, path);
	if (!make_directory(path, uid) ||
	    (fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return -1;
	mask = umask(0777 & ~SOCKET_MODE);
	r = remove_stale(fd, &addr) ? bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) : -1;
	umask(mask);
	if (r != 0 || listen(fd, SOMAXCONN) != 0) {
		r = errno;
		close(fd);
		errno = r;
		return -1;
	}
	return fd;
}

bool
sockets_open(const struct tg *tg, struct sockets *out)
{
	const char *path;
	int n = sd_listen_fds(1);

	memset(out, 0, sizeof(*out));
	if (n > 0)
		return take_inherited(out, n);
	for (; (path = tg_listen_path(tg, out->n)) != NULL; out->n++) {
		if ((out->fd[out->n] = make_socket(path, tg_service_uid(tg))) < 0) {
			say("cannot listen at '%s': %s", path, strerror(errno));
			sockets_close(out);
			return false;
		}
		out->made[out->n] = path;
	}
	return true;
}

void
sockets_close(struct sockets *sockets)
{
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		if (sockets->made[i] != NULL)
			unlink(sockets->made[i]);
		close(sockets->fd[i]);
	}
	sockets->n = 0;
}
