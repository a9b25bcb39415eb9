/* SPDX-License-Identifier: ISC */
/* tokgated as a program: what it says, what it starts from, what it keeps. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "crypt.h"
#include "daemon.h"
#include "token.h"
#include "wire.h"

static struct issued
issue(const struct wish *wish)
{
	struct tg *tg = place_open();
	struct issued token;

	tg_set_now(tg, 0);
	token = place_issue(tg, wish);
	tg_close(&tg);
	return token;
}

/* ---- words ---- */

/* What it says and how it ends, started with these. */
static int
run(const char *const *arguments, const char **said)
{
	char path[128];
	int code;

	snprintf(path, sizeof(path), "%s/said", place_top());
	assert_int_equal(truncate(path, 0), 0);
	code = place_wait(daemon_spawn(arguments, NULL));
	*said = daemon_said();
	return code;
}

static bool
one_line(const char *text)
{
	size_t len = strlen(text);

	return len > 1 && strchr(text, '\n') == text + len - 1;
}

static void
it_says_what_it_is_and_what_it_does_not_understand(void **state)
{
	static const struct {
		const char *arguments[4];
		int code;
		const char *says;
	} rows[] = {
		{ { "--version" }, 0, "tokgated " TG_VERSION "\n" },
		{ { "--unknown" }, 2, "--unknown" },
		{ { "-x" }, 2, "invalid option -- 'x'" },
		{ { "--config" }, 2, "--config" },
		{ { "now" }, 2, "tokgated: unexpected argument 'now'" },
		{ { "--version=3" }, 2, "--version" },
	};
	const char *const help[] = { "--help", NULL };
	const char *said;
	size_t i;
	int code;

	(void)state;
	assert_int_equal(run(help, &said), 0);
	assert_non_null(strstr(said, "usage: tokgated"));
	assert_non_null(strstr(said, "Example: "));
	for (i = 0; i < ROWS(rows); i++) {
		code = run(rows[i].arguments, &said);
		ROW(code == rows[i].code, "%s: %d", rows[i].arguments[0], code);
		ROW(strstr(said, rows[i].says) != NULL && one_line(said), "%s: '%s'",
		    rows[i].arguments[0], said);
	}
	assert_int_not_equal(access(daemon_socket(), F_OK), 0);
}

static void
it_does_not_start_from_a_configuration_that_is_not_right(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "uid = 1\nspeed = 3\n", "unknown key 'speed'" },
		{ "uid = root\n", "'uid' must be the number of a user" },
		{ "socket = run/check\n", "'socket' must be an absolute path" },
		{ "listen = /a /b c\n", "'listen' must be absolute paths" },
		{ "trusted = 33 www-data\n", "'trusted' must be numbers of users" },
		{ "uid = 3999999999\nsocket = %s\n", "3999999999 is no user of this system" },
		{ "socket = /proc/tokgate/check\n", "cannot listen at '/proc/tokgate/check'" },
		{ "socket = /nonexistent/tokgate/check\n",
		    "cannot listen at '/nonexistent/tokgate/check'" },
	};
	const char *const arguments[] = { "--config", place_config(), NULL };
	const char *const missing[] = { "--config", "/nonexistent", NULL };
	char text[256];
	const char *said;
	size_t i;
	int code;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		snprintf(text, sizeof(text), i == 5 ? "uid = 3999999999\nsocket = %s\n" : "%s",
		    i == 5 ? daemon_socket() : rows[i].text);
		place_write(place_config(), text, strlen(text));
		code = run(arguments, &said);
		ROW(code == 3, "%s: %d: %s", rows[i].text, code, said);
		ROW(strncmp(said, "tokgated: ", 10) == 0 && one_line(said), "%s: '%s'",
		    rows[i].text, said);
		ROW(strstr(said, rows[i].says) != NULL, "%s: '%s'", rows[i].text, said);
		ROW(access(daemon_socket(), F_OK) != 0, "%s: left a socket", rows[i].text);
	}
	code = run(missing, &said);
	assert_int_equal(code, 3);
	assert_true(one_line(said));
	assert_int_equal(chmod(place_config(), 0666), 0);
	assert_int_equal(run(arguments, &said), 3);
	assert_true(one_line(said));
	assert_non_null(strstr(said, "unsafe"));
}

/* ---- sockets ---- */

static void
each_signal_to_end_ends_it_and_takes_its_socket_away(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	const char *const arguments[] = { "--config", place_config(), NULL };
	pid_t pid, consumer;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(signals); i++) {
		pid = daemon_spawn(arguments, NULL);
		assert_true(daemon_await(pid, daemon_socket()));
		consumer = daemon_consumer(pid);
		assert_int_equal(kill(pid, signals[i]), 0);
		assert_int_equal(place_wait(pid), 0);
		assert_int_not_equal(access(daemon_socket(), F_OK), 0);
		while (kill(consumer, 0) == 0)
			place_pause();
		assert_string_equal(daemon_said(), "");
	}
}

static void
its_socket_is_open_to_all_in_a_directory_that_is_not(void **state)
{
	struct stat st;
	char dir[128];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/run", place_top());
	assert_int_equal(stat(daemon_socket(), &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0666);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(st.st_uid, daemon_uid());
}

static void
set_tight_umask(void)
{
	umask(0777);
}

static void
a_umask_closes_nobody_out(void **state)
{
	const char *const arguments[] = { "--config", place_config(), NULL };
	struct stat st;
	pid_t pid;

	(void)state;
	pid = daemon_spawn(arguments, set_tight_umask);
	assert_true(daemon_await(pid, daemon_socket()));
	assert_int_equal(stat(daemon_socket(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(place_wait(pid), 0);
}

static void
a_second_one_does_not_start_beside_a_live_one(void **state)
{
	const char *const arguments[] = { "--config", place_config(), NULL };
	struct tg *tg = daemon_client();
	struct issued token = issue(NULL);
	const char *said;

	(void)state;
	assert_int_equal(run(arguments, &said), 3);
	ROW(one_line(said) && strstr(said, "Address already in use") != NULL, "%s", said);
	assert_int_equal(daemon_check(tg, token.text), TG_OK);
	/* not even beside one that hangs */
	place_stop(daemon_pid());
	assert_int_equal(run(arguments, &said), 3);
	assert_int_equal(kill(daemon_pid(), SIGCONT), 0);
	assert_true(daemon_await(daemon_pid(), daemon_socket()));
	assert_int_equal(daemon_check(tg, token.text), TG_OK);
	tg_close(&tg);
}

static void
a_new_one_takes_over_what_a_killed_one_left(void **state)
{
	struct tg *tg = daemon_client();
	struct issued token = issue(NULL), limited = issue(&(struct wish) { .uses = 99 });
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		assert_int_equal(daemon_check(tg, token.text), TG_OK);
		assert_int_equal(daemon_check(tg, limited.text), TG_OK);
		daemon_kill();
		assert_int_equal(access(daemon_socket(), F_OK), 0);
		daemon_start();
	}
	assert_int_equal(daemon_check(tg, token.text), TG_OK);
	tg_close(&tg);
}

static void
what_is_no_socket_is_not_taken_away(void **state)
{
	const char *const arguments[] = { "--config", place_config(), NULL };
	const char *said;
	char dir[128];
	uint8_t *text;
	size_t len;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/run", place_top());
	assert_int_equal(mkdir(dir, 0755), 0);
	place_write(daemon_socket(), "precious", 8);
	assert_int_equal(run(arguments, &said), 3);
	assert_true(one_line(said));
	text = place_read(daemon_socket(), &len);
	assert_int_equal(len, 8);
	free(text);
	assert_int_equal(unlink(daemon_socket()), 0);
	assert_int_equal(symlink("/etc/passwd", daemon_socket()), 0);
	assert_int_equal(run(arguments, &said), 3);
	assert_int_equal(access("/etc/passwd", F_OK), 0);
	assert_int_equal(unlink(daemon_socket()), 0);
}

static void
it_listens_at_all_paths_and_leaves_none(void **state)
{
	const char *const arguments[] = { "--config", place_config(), NULL };
	char paths[3][128], more[1024], dir[128];
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < ROWS(paths); i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/run%zu/check", place_top(), i);
	snprintf(more, sizeof(more), "listen = %s\t%s  %s\n", paths[0], paths[1], paths[2]);
	daemon_configure(more);
	pid = daemon_spawn(arguments, NULL);
	for (i = 0; i < ROWS(paths); i++)
		assert_true(daemon_await(pid, paths[i]));
	assert_int_not_equal(access(daemon_socket(), F_OK), 0); /* named no more */
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(place_wait(pid), 0);
	/* one that cannot be had: none is left */
	assert_int_equal(mkdir(paths[2], 0755), 0);
	assert_int_equal(place_wait(daemon_spawn(arguments, NULL)), 3);
	assert_int_equal(rmdir(paths[2]), 0);
	for (i = 0; i < ROWS(paths); i++) {
		assert_int_not_equal(access(paths[i], F_OK), 0);
		snprintf(dir, sizeof(dir), "%s/run%zu", place_top(), i);
		assert_int_equal(rmdir(dir), 0);
	}
}

/* As systemd hands sockets over: from descriptor 3 on, to this process. */

static int inherited_type;
static char inherited_path[100];

static void
hand_over_sockets(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char number[16];
	int i, fd;

	for (i = 0; i < 2; i++) {
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s%d", inherited_path, i);
		fd = socket(AF_UNIX, inherited_type, 0);

		if (fd != 3 + i || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
		    chmod(addr.sun_path, 0666) != 0 || listen(fd, 10) != 0)
			_exit(125);
	}
	snprintf(number, sizeof(number), "%d", getpid());
	setenv("LISTEN_PID", number, 1);
	setenv("LISTEN_FDS", "2", 1);
}

static void
it_takes_the_sockets_that_systemd_made(void **state)
{
	const char *const arguments[] = { "--config", place_config(), NULL };
	char paths[2][128], dir[128];
	const char *said;
	pid_t pid;
	int i;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/run", place_top());
	assert_int_equal(mkdir(dir, 0755), 0);
	snprintf(inherited_path, sizeof(inherited_path), "%s", daemon_socket());
	for (i = 0; i < 2; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s%d", daemon_socket(), i);
	inherited_type = SOCK_SEQPACKET;
	pid = daemon_spawn(arguments, hand_over_sockets);
	for (i = 0; i < 2; i++)
		assert_true(daemon_await(pid, paths[i]));
	assert_int_not_equal(access(daemon_socket(), F_OK), 0); /* makes none itself */
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(place_wait(pid), 0);
	for (i = 0; i < 2; i++) /* they are not its own to remove */
		assert_int_equal(unlink(paths[i]), 0);

	inherited_type = SOCK_STREAM;
	assert_int_equal(place_wait(daemon_spawn(arguments, hand_over_sockets)), 3);
	said = daemon_said();
	ROW(one_line(said) && strstr(said, "SOCK_SEQPACKET") != NULL, "%s", said);
	for (i = 0; i < 2; i++)
		assert_int_equal(unlink(paths[i]), 0);
}

static char notify_path[108];

static void
want_notice(void)
{
	setenv("NOTIFY_SOCKET", notify_path, 1);
}

static bool
notice(int fd, const char *want)
{
	char text[512];
	ssize_t n;

	while ((n = recv(fd, text, sizeof(text) - 1, 0)) > 0) {
		text[n] = '\0';
		if (strcmp(text, want) == 0)
			return true;
	}
	return false;
}

static void
it_says_when_it_is_ready_and_when_it_stops(void **state)
{
	const char *const arguments[] = { "--config", place_config(), NULL };
	const struct timeval patience = { .tv_sec = 30 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	(void)state;
	snprintf(notify_path, sizeof(notify_path), "%s/notify", place_top());
	strcpy(addr.sun_path, notify_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(chmod(notify_path, 0666), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	pid = daemon_spawn(arguments, want_notice);
	assert_true(notice(fd, "READY=1"));
	/* ready is: whoever asks now gets an answer */
	assert_true(daemon_await(pid, daemon_socket()));
	assert_true(notice(fd, "WATCHDOG=1"));
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_true(notice(fd, "STOPPING=1"));
	assert_int_equal(place_wait(pid), 0);
	close(fd);
	assert_int_equal(unlink(notify_path), 0);
}

/* ---- rights and memory ---- */

/* The value of a line of /proc/PID/status, e.g. "Uid:"; valid until the next call. */
static const char *
status_of(pid_t pid, const char *key)
{
	static char text[8192];
	char path[64], *at, *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	assert_true((fd = open(path, O_RDONLY)) >= 0);
	assert_true((n = read(fd, text, sizeof(text) - 1)) > 0);
	close(fd);
	text[n] = '\0';
	assert_non_null(at = strstr(text, key));
	at += strlen(key);
	at += strspn(at, " \t");
	assert_non_null(end = strchr(at, '\n'));
	*end = '\0';
	return at;
}

static void
both_processes_have_no_rights_and_leave_no_core(void **state)
{
	pid_t pid[2] = { daemon_pid(), daemon_consumer(daemon_pid()) };
	char want[64], path[64], limits[4096];
	struct stat st;
	ssize_t n;
	int i, fd;

	(void)state;
	snprintf(want, sizeof(want), "%u\t%u\t%u\t%u", daemon_uid(), daemon_uid(), daemon_uid(),
	    daemon_uid());
	for (i = 0; i < 2; i++) {
		assert_string_equal(status_of(pid[i], "\nUid:"), want);
		assert_string_equal(status_of(pid[i], "\nGroups:"), "");
		assert_string_equal(status_of(pid[i], "\nCapPrm:"), "0000000000000000");
		assert_string_equal(status_of(pid[i], "\nCapEff:"), "0000000000000000");
		assert_string_equal(status_of(pid[i], "\nNoNewPrivs:"), "1");
		/* not dumpable: root's, though the process is the service user's */
		snprintf(path, sizeof(path), "/proc/%d/mem", pid[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_uid, 0);
		snprintf(path, sizeof(path), "/proc/%d/limits", pid[i]);
		assert_true((fd = open(path, O_RDONLY)) >= 0);
		assert_true((n = read(fd, limits, sizeof(limits) - 1)) > 0);
		close(fd);
		limits[n] = '\0';
		ROW(strstr(limits, "Max core file size        0                    0 ") != NULL,
		    "%s", limits);
	}
}

static void
close_stdio(void)
{
	close(0);
	close(1);
	close(2);
}

static void
closed_descriptors_are_filled_before_the_store_can_get_them(void **state)
{
	const char *const arguments[] = { "--config", place_config(), NULL };
	struct issued token = issue(NULL), limited = issue(&(struct wish) { .uses = 3 });
	struct tg *tg = daemon_client();
	char path[64], target[128];
	pid_t pid, each[2];
	ssize_t n;
	int i, fd;

	(void)state;
	pid = daemon_spawn(arguments, close_stdio);
	assert_true(daemon_await(pid, daemon_socket()));
	assert_int_equal(daemon_check(tg, token.text), TG_OK);
	assert_int_equal(daemon_check(tg, limited.text), TG_OK);
	each[0] = pid;
	each[1] = daemon_consumer(pid);
	for (i = 0; i < 2; i++)
		for (fd = 0; fd <= 2; fd++) {
			snprintf(path, sizeof(path), "/proc/%d/fd/%d", each[i], fd);
			n = readlink(path, target, sizeof(target) - 1);
			assert_true(n > 0);
			target[n] = '\0';
			/* by whichever name it is known in here */
			ROW(strstr(target, "/null") != NULL, "descriptor %d is '%s'", fd, target);
		}
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(place_wait(pid), 0);
	tg_close(&tg);
}

/* Is it anywhere in the memory that this process may write? */
static bool
in_memory(pid_t pid, const char *what, size_t len)
{
	unsigned long from, to;
	char path[64], line[512], rights[8];
	bool found = false;
	FILE *maps;
	uint8_t *data;
	ssize_t n;
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	assert_true((mem = open(path, O_RDONLY)) >= 0);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	assert_non_null(maps = fopen(path, "r"));
	while (!found && fgets(line, sizeof(line), maps) != NULL) {
		assert_int_equal(sscanf(line, "%lx-%lx %4s", &from, &to, rights), 3);
		if (rights[0] != 'r' || rights[1] != 'w' || to - from > (1UL << 30))
			continue;
		assert_non_null(data = malloc(to - from));
		n = pread(mem, data, to - from, (off_t)from);
		found = n > 0 && memmem(data, (size_t)n, what, len) != NULL;
		free(data);
	}
	fclose(maps);
	close(mem);
	return found;
}

/* Its secret, or half of it. */
static bool
holds_secret(pid_t pid, const struct issued *token)
{
	const char *secret = token->text + strlen(token->text) - 6 - TG_SECRET_LEN;

	return in_memory(pid, secret, TG_SECRET_LEN / 2) ||
	    in_memory(pid, secret + TG_SECRET_LEN / 2, TG_SECRET_LEN / 2);
}

static void
send_and_hear(const uint8_t *message, size_t len)
{
	uint8_t reply[TG_MESSAGE_MAX];
	int fd = daemon_connect(daemon_socket());

	assert_true(fd >= 0);
	assert_true(daemon_send(fd, message, len));
	daemon_receive(fd, reply);
	close(fd);
}

static void
secrets_do_not_stay_in_its_memory(void **state)
{
	struct issued canary[5] = { issue(NULL), issue(NULL), issue(&(struct wish) { .uses = 3 }),
		issue(NULL), issue(NULL) };
	struct tg *tg = daemon_client();
	uint8_t message[TG_MESSAGE_MAX];
	struct tg_grant grant, again;
	char ticket[TG_TICKET_MAX + 1];
	pid_t pid[2] = { daemon_pid(), daemon_consumer(daemon_pid()) };
	size_t i, k, len;

	(void)state;
	canary[1] = place_other_secret(&canary[1]);
	/* the search finds what is there */
	assert_true(in_memory(pid[0], place_store(), strlen(place_store())));
	for (i = 0; i < 3; i++)
		assert_int_equal(daemon_check(tg, canary[i].text), i == 1 ? TG_NO_MATCH : TG_OK);
	/* what is not understood holds one too */
	len = daemon_question(canary[3].text, message);
	send_and_hear(message, len - 1);
	len = daemon_question(canary[4].text, message);
	message[len] = 'x';
	send_and_hear(message, len + 1);
	for (i = 0; i < ROWS(canary); i++)
		for (k = 0; k < 2; k++)
			ROW(!holds_secret(pid[k], &canary[i]), "canary %zu, process %zu", i, k);

	/* nor do tickets */
	assert_int_equal(daemon_check_as(GUEST, tg, canary[2].text,
			     &(struct tg_request) { .service = "sftp", .gate = true }, &grant),
	    TG_OK);
	assert_int_equal(daemon_ask_as(GUEST, tg, grant.ticket, &again), TG_OK);
	strcpy(ticket, grant.ticket + strlen(grant.ticket) - 20); /* of the MAC */
	for (k = 0; k < 2; k++)
		ROW(!in_memory(pid[k], ticket, 20), "ticket, process %zu", k);
	tg_close(&tg);
}

/* A daemon as root and for root. */
static void
it_stays_root_where_no_service_user_is_configured(void **state)
{
	const char *const arguments[] = { "--config", place_config(), NULL };
	struct tg *tg, *own = place_open();
	struct issued token;
	char config[512];
	bool made;
	pid_t pid;

	(void)state;
	assert_int_equal(tg_init(own, 0, 0, NULL, "root", &made), TG_OK);
	tg_close(&own);
	token = issue(NULL);
	snprintf(config, sizeof(config), "store = %s\nsocket = %s\n", place_store(),
	    daemon_socket());
	place_write(place_config(), config, strlen(config));
	pid = daemon_spawn(arguments, NULL);
	assert_true(daemon_await(pid, daemon_socket()));
	tg = daemon_client();
	assert_int_equal(daemon_check(tg, token.text), TG_OK);
	assert_string_equal(status_of(pid, "\nUid:"), "0\t0\t0\t0");
	assert_string_equal(status_of(pid, "\nNoNewPrivs:"), "1");
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(place_wait(pid), 0);
	tg_close(&tg);
}

static void
become_service_user(void)
{
	if (!daemon_become(daemon_uid()))
		_exit(125);
}

static void
the_service_user_may_start_it_too(void **state)
{
	const char *const arguments[] = { "--config", place_config(), NULL };
	struct tg *tg = daemon_client();
	struct issued token = issue(NULL);
	struct stat st;
	char dir[128];
	pid_t pid;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/run", place_top());
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(chown(dir, daemon_uid(), (gid_t)-1), 0);
	pid = daemon_spawn(arguments, become_service_user);
	assert_true(daemon_await(pid, daemon_socket()));
	assert_int_equal(daemon_check(tg, token.text), TG_OK);
	snprintf(dir, sizeof(dir), "/proc/%d/mem", pid);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(place_wait(pid), 0);
	tg_close(&tg);
}

int
main(void)
{
	struct CMUnitTest tests[] = {
		HOUSED("it says what it is and what it does not understand",
		    it_says_what_it_is_and_what_it_does_not_understand),
		HOUSED("it does not start from a configuration that is not right",
		    it_does_not_start_from_a_configuration_that_is_not_right),
		HOUSED("each signal to end ends it and takes its socket away",
		    each_signal_to_end_ends_it_and_takes_its_socket_away),
		SERVED("its socket is open to all in a directory that is not",
		    its_socket_is_open_to_all_in_a_directory_that_is_not),
		HOUSED("a umask closes nobody out", a_umask_closes_nobody_out),
		SERVED("a second one does not start beside a live one",
		    a_second_one_does_not_start_beside_a_live_one),
		SERVED("a new one takes over what a killed one left",
		    a_new_one_takes_over_what_a_killed_one_left),
		HOUSED("what is no socket is not taken away", what_is_no_socket_is_not_taken_away),
		HOUSED("it listens at all paths and leaves none",
		    it_listens_at_all_paths_and_leaves_none),
		HOUSED("it takes the sockets that systemd made",
		    it_takes_the_sockets_that_systemd_made),
		HOUSED("it says when it is ready and when it stops",
		    it_says_when_it_is_ready_and_when_it_stops),
		SERVED("both processes have no rights and leave no core",
		    both_processes_have_no_rights_and_leave_no_core),
		HOUSED("closed descriptors are filled before the store can get them",
		    closed_descriptors_are_filled_before_the_store_can_get_them),
		SERVED("secrets do not stay in its memory", secrets_do_not_stay_in_its_memory),
		HOUSED("it stays root where no service user is configured",
		    it_stays_root_where_no_service_user_is_configured),
		HOUSED("the service user may start it too", the_service_user_may_start_it_too),
	};

	return RUN_DAEMON(tests);
}
