/* SPDX-License-Identifier: ISC */
/* doctor_daemon.c - tokgated: its account, its sockets, and what it answers */
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "doctor.h"

/* ---- the account --------------------------------------------------------- */

static bool
is_shell(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;

	return strcmp(name, "nologin") != 0 && strcmp(name, "false") != 0;
}

static void
check_account(struct doctor *doctor)
{
	uint32_t uid = tg_service_uid(doctor->cli->tg);
	const struct passwd *pw = uid != 0 ? getpwuid(uid) : NULL;
	char where[24], problem[PATH_MAX + 100];

	snprintf(where, sizeof(where), "uid %" PRIu32, uid);
	if (uid != 0 && pw == NULL)
		doctor_find(doctor, "daemon-account", where,
		    "there is no account of that number, which the configuration names",
		    "run 'systemd-sysusers', and set uid to that of tokgate");
	if (pw == NULL || !is_shell(pw->pw_shell))
		return;
	snprintf(problem, sizeof(problem),
	    "'%.100s', who may read the store, has the shell '%.200s'", pw->pw_name, pw->pw_shell);
	doctor_find(doctor, "daemon-account", where, problem,
	    "give the store to an account of its own, or run 'usermod -s /usr/sbin/nologin' on it");
}

/* ---- where it listens ------------------------------------------------------ */

static void
check_parent(struct doctor *doctor, const char *dir)
{
	struct stat st;
	char problem[120];

	if (stat(dir, &st) != 0) {
		if (errno != ENOENT)
			doctor_blind(doctor, "'%s': %s", dir, strerror(errno));
		return;
	}
	if (st.st_uid != 0 && st.st_uid != tg_service_uid(doctor->cli->tg)) {
		snprintf(problem, sizeof(problem),
		    "belongs to uid %" PRIu32 ", who can put another socket there",
		    (uint32_t)st.st_uid);
		doctor_find(doctor, "daemon-socket", dir, problem, "chown root");
	}
	if ((st.st_mode & 022) != 0 && !((st.st_mode & S_ISVTX) != 0 && st.st_uid == 0)) {
		snprintf(problem, sizeof(problem),
		    "has mode %04o: others can put another socket there",
		    (unsigned int)st.st_mode & 07777);
		doctor_find(doctor, "daemon-socket", dir, problem, "chmod 0755");
	}
}

/* Every directory above the socket must let others through. */
static void
check_way(struct doctor *doctor, const char *path)
{
	char dir[PATH_MAX];
	struct stat st;

	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
		if (stat(dir, &st) == 0 && (st.st_mode & S_IXOTH) == 0)
			doctor_find(doctor, "daemon-socket", dir,
			    "others cannot go through it to the socket", "chmod o+x");
		if (strchr(slash + 1, '/') == NULL)
			check_parent(doctor, dir);
	}
}

static void
check_socket(struct doctor *doctor, const char *path)
{
	struct stat st;

	check_way(doctor, path);
	if (lstat(path, &st) != 0)
		return;
	if (!S_ISSOCK(st.st_mode))
		doctor_find(doctor, "daemon-socket", path, "is not a socket",
		    "take it away, restart tokgated");
	else if ((st.st_mode & 06) != 06)
		doctor_find(doctor, "daemon-socket", path, "others cannot ask there",
		    "restart tokgated; with systemd: SocketMode=0666");
}

/* Does somebody listen there?  An answer is for tg_daemon() to get. */
static bool
is_heard(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool heard;

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path))
		return false;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	heard = connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0 || errno == EAGAIN;
	close(fd);
	return heard;
}

/* Further paths, while it listens where it is asked. */
static void
check_listening(struct doctor *doctor, const char *asked)
{
	const char *path;

	for (size_t i = 0; (path = tg_listen_path(doctor->cli->tg, i)) != NULL; i++) {
		check_socket(doctor, path);
		if (strcmp(path, asked) != 0 && !is_heard(path))
			doctor_find(doctor, "daemon-listen", path, "tokgated does not listen there",
			    "restart it; with systemd: a ListenSequentialPacket= line in a drop-in of "
			    "tokgated.socket");
	}
}

/* ---- what it answers -------------------------------------------------------- */

/* Is a daemon expected?  Root's programs do without. */
static void
check_absent(struct doctor *doctor, const char *path)
{
	static const char fix[] = "run 'systemctl enable --now tokgated.socket', or tokgated";
	char problem[PATH_MAX + 200];

	if (*doctor->unprivileged != '\0') {
		snprintf(problem, sizeof(problem),
		    "nobody listens, and the server of %.*s is not root: it refuses all tokens",
		    PATH_MAX, doctor->unprivileged);
		doctor_find(doctor, "daemon", path, problem, fix);
	} else if (tg_service_uid(doctor->cli->tg) != 0) {
		doctor_find(doctor, "daemon", path,
		    "nobody listens: programs that are not root are refused all tokens", fix);
	}
}

static void
check_user(struct doctor *doctor, const struct tg_daemon *daemon)
{
	uint32_t uid = tg_service_uid(doctor->cli->tg);
	char problem[120];

	if (daemon->uid == 0 && uid == 0)
		doctor_find(doctor, "daemon", daemon->path,
		    "tokgated runs as root, and needs none of root's rights",
		    "run 'systemd-sysusers' and 'tokgate init --user tokgate', restart it");
	snprintf(problem, sizeof(problem), "tokgated runs as uid %" PRIu32 ", not as %" PRIu32,
	    daemon->uid, uid);
	if (daemon->uid != uid)
		doctor_find(doctor, "daemon", daemon->path, problem,
		    "User= of its unit and uid of the configuration must name the same account");
}

static void
check_answer(struct doctor *doctor, const struct tg_daemon *daemon)
{
	char problem[PATH_MAX + 100];
	const char *store = tg_store_dir(doctor->cli->tg);

	check_user(doctor, daemon);
	if (daemon->current)
		return;
	snprintf(problem, sizeof(problem),
	    daemon->same_store ? "tokgated does not see the last change to '%s'" :
				 "tokgated does not answer from the store '%s'",
	    store);
	doctor_find(doctor, "daemon", daemon->path, problem,
	    "see its log; restart it with this configuration");
}

void
doctor_daemon(struct doctor *doctor)
{
	struct tg *tg = doctor->cli->tg;
	struct tg_daemon daemon;
	enum tg_status r;

	/* A store that was named on the command line is asked directly. */
	if (tg == NULL || doctor->cli->store != NULL || doctor->no_config)
		return;
	check_account(doctor);
	r = tg_daemon(tg, &daemon);
	if (r == TG_OK) {
		check_answer(doctor, &daemon);
		check_listening(doctor, daemon.path);
	} else if (r == TG_NO_MATCH) {
		check_absent(doctor, daemon.path);
	} else {
		doctor_find(doctor, "daemon", daemon.path, tg_detail(tg),
		    "see its log; restart it");
	}
	check_socket(doctor, daemon.path);
}
