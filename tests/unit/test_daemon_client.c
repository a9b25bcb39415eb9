/* SPDX-License-Identifier: ISC */
/* Who asks tokgated: whom it believes, how long it waits, where it goes then. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "wire.h"

static const struct tg_request upload = {
	.service = "sftp", .action = "upload", .resource = "demo"
};

/* Of the store that root may open itself. */
static struct issued live, dead;

static void
issue_both(void)
{
	struct tg *tg = place_open();

	tg_set_now(tg, 0);
	live = place_issue(tg, NULL);
	dead = place_issue(tg, NULL);
	assert_int_equal(tg_revoke(tg, dead.id, "root", NULL), TG_OK);
	tg_close(&tg);
}

/* A check that must end by itself, and soon enough for a login. */
static enum tg_status
check_in_time(uint32_t uid, struct tg *tg, const struct issued *token)
{
	int64_t start = place_ms();
	struct tg_grant grant;
	enum tg_status r = daemon_check_as(uid, tg, token->text, &upload, &grant);

	assert_true(place_ms() - start < WATCHDOG_MS);
	if (r != TG_OK)
		assert_int_equal(grant.nscopes + strlen(grant.identity) + strlen(grant.ticket), 0);
	return r;
}

/*
 * Nobody answers who is believed: root finds out for itself, everybody else is
 * told that it cannot be said, in one line each.
 */
static void
want_no_answer(struct tg *tg, const char *why)
{
	struct tg_grant grant;
	enum tg_status r;

	r = check_in_time(GUEST, tg, &live);
	ROW(r == TG_UNAVAILABLE, "%s: guest: %s", why, tg_status_name(r));
	ROW(strstr(tg_detail(tg), place_top()) != NULL, "%s: '%s'", why, tg_detail(tg));
	r = check_in_time(0, tg, &live);
	ROW(r == TG_OK, "%s: root, live: %s: %s", why, tg_status_name(r), tg_detail(tg));
	r = check_in_time(0, tg, &dead);
	ROW(r == TG_REVOKED, "%s: root, dead: %s", why, tg_status_name(r));
	r = daemon_ask_as(GUEST, tg, "tgt1_AAAA", &grant);
	ROW(r == TG_UNAVAILABLE, "%s: ask: %s", why, tg_status_name(r));
	r = daemon_ask_as(0, tg, "tgt1_AAAA", &grant);
	ROW(r == TG_NO_MATCH, "%s: root asks: %s", why, tg_status_name(r));
}

/* ---- nobody there ---- */

static void
make_run(mode_t mode, uid_t owner)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "%s/run", place_top());
	if (mkdir(dir, 0755) != 0)
		assert_int_equal(errno, EEXIST);
	assert_int_equal(chmod(dir, mode), 0);
	assert_int_equal(chown(dir, owner, (gid_t)-1), 0);
}

static int
listen_as(uint32_t uid)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	unlink(daemon_socket());
	strcpy(addr.sun_path, daemon_socket());
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(chmod(daemon_socket(), 0666), 0);
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(listen(fd, 100), 0);
	assert_int_equal(seteuid(0), 0);
	return fd;
}

static void
keep_line(void *arg, const char *line)
{
	snprintf(arg, 256, "%s", line);
}

static void
where_none_listens_root_goes_to_the_store_and_nobody_else(void **state)
{
	struct tg *tg = daemon_client();
	char line[256] = "", want[128];

	(void)state;
	issue_both();
	want_no_answer(tg, "no directory");
	make_run(0755, 0);
	want_no_answer(tg, "no socket");
	close(listen_as(0));
	want_no_answer(tg, "a socket that was left");
	assert_int_equal(unlink(daemon_socket()), 0);
	place_write(daemon_socket(), "x", 1);
	assert_int_equal(chmod(daemon_socket(), 0666), 0);
	want_no_answer(tg, "a file");
	assert_int_equal(unlink(daemon_socket()), 0);

	/* who is told that it cannot be said leaves a line that says whose token it was */
	tg_set_log(tg, keep_line, line);
	assert_int_equal(check_in_time(GUEST, tg, &live), TG_UNAVAILABLE);
	ROW(strstr(tg_detail(tg), "no tokgated listens") != NULL, "'%s'", tg_detail(tg));
	snprintf(want, sizeof(want), "tokgate: verdict=unavailable id=%s owner=- ", live.id);
	ROW(strncmp(line, want, strlen(want)) == 0, "%s", line);
	tg_close(&tg);
}

static int
check_as_guest_for_good(void *arg)
{
	struct tg_grant grant;

	if (!daemon_become(GUEST))
		return 1;
	return tg_check(arg, live.text, strlen(live.text), &upload, &grant) == TG_UNAVAILABLE &&
		tg_check(arg, "password", 8, &upload, &grant) == TG_NOT_A_TOKEN ?
	    0 :
	    2;
}

static void
a_child_that_gave_up_root_gets_nothing(void **state)
{
	struct tg *tg = daemon_client();

	(void)state;
	issue_both();
	assert_int_equal(place_child(check_as_guest_for_good, tg), 0);
	assert_int_equal(check_in_time(0, tg, &live), TG_OK);
	tg_close(&tg);
}

/* ---- a daemon that is none ---- */

enum behaviour {
	NEVER_ACCEPTS,
	NEVER_ANSWERS,
	CLOSES_AT_ONCE,
	CLOSES_AFTER_THE_QUESTION,
	SENDS_NOTHING_AT_ALL,
	SENDS_ONE_BYTE,
	SENDS_HALF,
	SENDS_ALL_BUT_ONE_BYTE,
	SENDS_ONE_BYTE_MORE,
	SENDS_FAR_MORE,
	SENDS_GARBAGE,
	SENDS_ANOTHER_VERSION,
	SENDS_AN_UNKNOWN_STATUS,
	SENDS_THE_QUESTION_BACK,
	SAYS_YES,
	SAYS_NO,
	BEHAVIOURS,
};

static const char *const behaviours[BEHAVIOURS] = { "never accepts", "never answers",
	"closes at once", "closes after the question", "sends an empty message", "sends one byte",
	"sends half", "sends all but one byte", "sends one byte more", "sends far more",
	"sends garbage", "sends another version", "sends an unknown status",
	"sends the question back", "says yes", "says no" };

/* What it sends to a question of `len` bytes in `buf`; the length. */
static size_t
misbehave(enum behaviour how, uint8_t *buf, size_t len)
{
	struct wire_answer yes = { .status = TG_OK,
		.serial = UINT64_MAX,
		.grant = { .id = "0000000000",
		    .owner = "alice",
		    .identity = "root",
		    .nscopes = 1,
		    .scopes = { "*" },
		    .ticket = "tgt1_AAAA" } };
	size_t right;

	if (how == SENDS_THE_QUESTION_BACK)
		return len;
	if (how == SAYS_NO)
		yes = (struct wire_answer) { .status = TG_EXPIRED };
	right = wire_answer_encode(&yes, buf);
	switch (how) {
	case SENDS_ONE_BYTE:
		return 1;
	case SENDS_HALF:
		return right / 2;
	case SENDS_ALL_BUT_ONE_BYTE:
		return right - 1;
	case SENDS_ONE_BYTE_MORE:
		return right + 1;
	case SENDS_FAR_MORE:
		return 3 * TG_MESSAGE_MAX;
	case SENDS_GARBAGE:
		memset(buf, 0xa5, right);
		return right;
	case SENDS_ANOTHER_VERSION:
		buf[3] = '2';
		return right;
	case SENDS_AN_UNKNOWN_STATUS:
		buf[4] = 99;
		return right;
	case NEVER_ACCEPTS:
	case NEVER_ANSWERS:
	case CLOSES_AT_ONCE:
	case CLOSES_AFTER_THE_QUESTION:
	case SENDS_NOTHING_AT_ALL:
		return 0;
	case SENDS_THE_QUESTION_BACK:
	case SAYS_YES:
	case SAYS_NO:
	case BEHAVIOURS:
		break;
	}
	return right;
}

struct fake {
	enum behaviour how;
	int listening;
};

static int
be_fake(void *arg)
{
	static uint8_t buf[4 * TG_MESSAGE_MAX];
	const struct fake *fake = arg;
	ssize_t n;
	int fd;

	while (fake->how == NEVER_ACCEPTS)
		pause();
	while ((fd = accept(fake->listening, NULL, NULL)) >= 0) {
		if (fake->how == NEVER_ANSWERS)
			continue; /* and keeps it */
		if (fake->how != CLOSES_AT_ONCE && (n = recv(fd, buf, sizeof(buf), 0)) > 0 &&
		    fake->how != CLOSES_AFTER_THE_QUESTION)
			send(fd, buf, misbehave(fake->how, buf, (size_t)n), MSG_NOSIGNAL);
		close(fd);
	}
	return 1;
}

static pid_t
start_fake(enum behaviour how, uint32_t uid)
{
	struct fake fake = { .how = how };
	pid_t pid;

	fake.listening = listen_as(uid);
	pid = place_fork(be_fake, &fake);
	close(fake.listening);
	return pid;
}

static void
what_is_no_answer_is_none(void **state)
{
	struct tg *tg = daemon_client();
	enum behaviour how;
	unsigned fds;
	pid_t pid;

	(void)state;
	issue_both();
	make_run(0755, 0);
	fds = place_fds();
	for (how = 0; how < SAYS_YES; how++) {
		pid = start_fake(how, 0);
		want_no_answer(tg, behaviours[how]);
		place_kill(pid);
		ROW(place_fds() == fds, "%s", behaviours[how]);
	}
	tg_close(&tg);
}

static void
what_it_says_is_believed_of_root_and_the_service_user_alone(void **state)
{
	const struct {
		uint32_t uid;
		bool believed;
	} rows[] = { { 0, true }, { daemon_uid(), true }, { GUEST, false }, { TRUSTED, false },
		{ 1000, false } };
	struct tg *tg = daemon_client();
	struct tg_grant grant;
	size_t i;
	pid_t pid;

	(void)state;
	issue_both();
	make_run(0755, 0);
	for (i = 0; i < ROWS(rows); i++) {
		pid = start_fake(SAYS_YES, rows[i].uid);
		if (rows[i].believed) {
			assert_int_equal(daemon_check_as(GUEST, tg, dead.text, &upload, &grant),
			    TG_OK);
			assert_string_equal(grant.identity, "root");
			assert_int_equal(daemon_check_as(0, tg, dead.text, &upload, &grant), TG_OK);
			assert_int_equal(daemon_ask_as(GUEST, tg, "tgt1_AAAA", &grant), TG_OK);
		} else {
			want_no_answer(tg, "yes of somebody else");
			assert_int_equal(check_in_time(GUEST, tg, &dead), TG_UNAVAILABLE);
		}
		place_kill(pid);
	}
	tg_close(&tg);
}

static void
a_socket_that_others_can_have_put_there_is_not_believed(void **state)
{
	const struct {
		const char *what;
		mode_t mode;
		uint32_t owner;
		bool believed;
	} rows[] = {
		{ "root's", 0755, 0, true },
		{ "the service user's", 0755, daemon_uid(), true },
		{ "writable by all", 0777, 0, false },
		{ "writable by its group", 0775, 0, false },
		{ "writable by all, sticky, the service user's", 01777, daemon_uid(), false },
		{ "nobody's", 0755, GUEST - 1, false },
	};
	struct tg *tg = daemon_client();
	struct tg_grant grant;
	pid_t pid = -1;
	size_t i;

	(void)state;
	issue_both();
	for (i = 0; i < ROWS(rows); i++) {
		make_run(rows[i].mode, rows[i].owner);
		if (i == 0)
			pid = start_fake(SAYS_YES, 0);
		if (rows[i].believed)
			ROW(daemon_check_as(GUEST, tg, dead.text, &upload, &grant) == TG_OK, "%s",
			    rows[i].what);
		else
			want_no_answer(tg, rows[i].what);
	}
	place_kill(pid);
	tg_close(&tg);
}

/* Somebody in the way: the directory cannot be entered. */
static void
a_directory_that_cannot_be_entered_is_no_answer(void **state)
{
	struct tg *tg = daemon_client();
	pid_t pid;

	(void)state;
	issue_both();
	make_run(0700, 0);
	pid = start_fake(SAYS_YES, 0);
	assert_int_equal(check_in_time(GUEST, tg, &live), TG_UNAVAILABLE);
	place_kill(pid);
	tg_close(&tg);
}

/* ---- an answer is final ---- */

static void
what_the_daemon_says_is_final(void **state)
{
	static const char *const verdicts[] = { "no", "yes" };
	char path[160], config[512];
	struct tg_grant grant;
	struct tg *tg;
	pid_t pid;
	int n;

	(void)state;
	issue_both();
	make_run(0755, 0);
	pid = start_fake(SAYS_NO, 0);
	tg = daemon_client();
	ROW(check_in_time(0, tg, &live) == TG_EXPIRED, "%s", verdicts[0]);
	assert_string_equal(tg_detail(tg), "");
	tg_close(&tg);
	place_kill(pid);

	/* and a real one: the store that root could open says yes, the daemon's does not know it */
	assert_int_equal(unlink(daemon_socket()), 0);
	daemon_start();
	snprintf(path, sizeof(path), "%s/mine", place_top());
	assert_int_equal(rename(place_store(), path), 0);
	place_init();
	daemon_own();
	snprintf(path, sizeof(path), "%s/mine.conf", place_top());
	n = snprintf(config, sizeof(config), "store = %s/mine\nuid = %u\nsocket = %s\n",
	    place_top(), daemon_uid(), daemon_socket());
	place_write(path, config, (size_t)n);
	assert_int_equal(tg_open(path, NULL, &tg), TG_OK);
	tg_set_log(tg, keep_line, config);
	assert_int_equal(daemon_check_as(0, tg, live.text, &upload, &grant), TG_NO_MATCH);
	/* unavailable too */
	place_clear();
	assert_int_equal(daemon_check_as(0, tg, live.text, &upload, &grant), TG_UNAVAILABLE);
	/* but not where nobody is asked: without the daemon, and where the caller names the store */
	daemon_stop();
	assert_int_equal(daemon_check_as(0, tg, live.text, &upload, &grant), TG_OK);
	tg_close(&tg);
	snprintf(config, sizeof(config), "%s/mine", place_top());
	assert_int_equal(rename(config, place_store()), 0);
	unlink(path);
}

static void
a_store_that_the_caller_names_is_not_asked_for(void **state)
{
	struct tg *tg;
	pid_t pid;

	(void)state;
	issue_both();
	make_run(0755, 0);
	pid = start_fake(SAYS_YES, 0);
	tg = place_open();
	tg_set_now(tg, 0);
	assert_int_equal(place_check(tg, dead.text), TG_REVOKED);
	tg_close(&tg);
	/* nor where it is held */
	tg = daemon_client();
	assert_int_equal(tg_hold(tg), TG_OK);
	assert_int_equal(place_check(tg, dead.text), TG_REVOKED);
	tg_close(&tg);
	place_kill(pid);
}

/* ---- a daemon that hangs ---- */

/* Connections that nobody takes, until there is no room for more. */
static void
fill_backlog(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	unsigned n;
	int fd, r;

	strcpy(addr.sun_path, daemon_socket());
	for (n = 0, r = 0; r == 0; n++) {
		fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		assert_true(fd >= 0);
		r = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
		ROW(r == 0 || errno == EAGAIN, "%s", strerror(errno));
		close(fd); /* it stays in the queue */
	}
	assert_true(n > 1);
}

static void
a_stopped_daemon_holds_up_no_login(void **state)
{
	struct tg *tg = daemon_client();
	pid_t pid = daemon_pid();
	int i;

	(void)state;
	issue_both();
	for (i = 0; i < 2; i++) {
		assert_int_equal(check_in_time(GUEST, tg, &live), TG_OK);
		place_stop(pid);
		want_no_answer(tg, "stopped");
		if (i == 1) {
			fill_backlog();
			want_no_answer(tg, "stopped, with a full backlog");
		}
		assert_int_equal(kill(pid, SIGCONT), 0);
		assert_true(daemon_await(pid, daemon_socket()));
	}
	assert_int_equal(check_in_time(GUEST, tg, &live), TG_OK);
	assert_int_equal(check_in_time(GUEST, tg, &dead), TG_REVOKED);
	tg_close(&tg);
}

/* ---- hosts ---- */

static int
check_without_stdio(void *arg)
{
	struct tg_grant grant;
	int fd;

	if (!daemon_become(GUEST))
		return 1;
	for (fd = 0; fd <= 2; fd++)
		close(fd);
	if (tg_check(arg, live.text, strlen(live.text), &upload, &grant) != TG_OK)
		return 2;
	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return 3;
	return tg_check(arg, dead.text, strlen(dead.text), &upload, &grant) == TG_REVOKED ? 0 : 4;
}

static int
check_under_limits(void *arg)
{
	const struct rlimit none = { 0, 0 }, few = { 3, 3 };
	struct tg_grant grant;

	if (!daemon_become(GUEST) || setrlimit(RLIMIT_FSIZE, &none) != 0)
		return 1;
	if (tg_check(arg, live.text, strlen(live.text), &upload, &grant) != TG_OK)
		return 2;
	closefrom(3);
	if (setrlimit(RLIMIT_NOFILE, &few) != 0)
		return 3;
	return tg_check(arg, live.text, strlen(live.text), &upload, &grant) == TG_UNAVAILABLE ? 0 :
												4;
}

static int
check_as_host(void *arg)
{
	struct tg_grant grant;
	int i;

	if (!daemon_become(NEIGHBOUR))
		return 1;
	for (i = 0; i < 20; i++)
		if (tg_check(arg, live.text, strlen(live.text), &upload, &grant) != TG_OK ||
		    tg_check(arg, dead.text, strlen(dead.text), &upload, &grant) != TG_REVOKED)
			return 2;
	return 0;
}

static void
hosts_of_all_sorts_are_answered(void **state)
{
	struct tg *tg = daemon_client();
	pid_t pid[4];
	size_t i;

	(void)state;
	issue_both();
	assert_int_equal(place_child(check_without_stdio, tg), 0);
	assert_int_equal(place_child(check_under_limits, tg), 0);
	for (i = 0; i < ROWS(pid); i++) /* a handle of before the fork */
		pid[i] = place_fork(check_as_host, tg);
	for (i = 0; i < ROWS(pid); i++)
		assert_int_equal(place_wait(pid[i]), 0);
	tg_close(&tg);
}

static int
check_in_jail(void *arg)
{
	struct tg_grant grant;

	if (chroot(place_top()) != 0 || chdir("/") != 0)
		return 1;
	/* root in a jail has no store to go to, so this is the daemon too */
	if (tg_check(arg, live.text, strlen(live.text), &upload, &grant) != TG_OK)
		return 2;
	if (!daemon_become(GUEST))
		return 3;
	return tg_check(arg, live.text, strlen(live.text), &upload, &grant) == TG_OK &&
		tg_check(arg, dead.text, strlen(dead.text), &upload, &grant) == TG_REVOKED ?
	    0 :
	    4;
}

static void
a_jailed_host_asks_at_a_further_path(void **state)
{
	char more[256], config[160], jail[160];
	struct tg *jailed;

	(void)state;
	issue_both();
	snprintf(jail, sizeof(jail), "%s/jail", place_top());
	snprintf(more, sizeof(more), "listen = %s %s/check\n", daemon_socket(), jail);
	daemon_configure(more);
	daemon_start();
	/* what is at /jail/check for who is in there */
	snprintf(config, sizeof(config), "%s/jailed.conf", place_top());
	snprintf(more, sizeof(more), "uid = %u\nsocket = /jail/check\n", daemon_uid());
	place_write(config, more, strlen(more));
	assert_int_equal(tg_open(config, NULL, &jailed), TG_OK);
	tg_set_log(jailed, keep_line, more);
	assert_int_equal(place_child(check_in_jail, jailed), 0);
	tg_close(&jailed);
	daemon_stop();
	assert_int_equal(unlink(config), 0);
	assert_int_equal(rmdir(jail), 0);
}

struct thread {
	pthread_t id;
	unsigned wrong, right;
	volatile int started;
};

static void *
check_in_thread(void *arg)
{
	struct tg *tg = daemon_client();
	struct thread *thread = arg;
	struct tg_grant grant;
	int i;

	for (i = 0; i < 100; i++) {
		if (tg_check(tg, live.text, strlen(live.text), &upload, &grant) == TG_OK &&
		    tg_check(tg, dead.text, strlen(dead.text), &upload, &grant) == TG_REVOKED)
			thread->right++;
		else
			thread->wrong++;
	}
	tg_close(&tg);
	return NULL;
}

static void
threads_with_their_own_handles_are_answered(void **state)
{
	struct thread threads[8] = { 0 };
	size_t i;

	(void)state;
	issue_both();
	assert_int_equal(seteuid(GUEST), 0); /* of the whole process */
	for (i = 0; i < ROWS(threads); i++)
		pthread_create(&threads[i].id, NULL, check_in_thread, &threads[i]);
	for (i = 0; i < ROWS(threads); i++)
		pthread_join(threads[i].id, NULL);
	assert_int_equal(seteuid(0), 0);
	for (i = 0; i < ROWS(threads); i++) {
		assert_int_equal(threads[i].right, 100);
		assert_int_equal(threads[i].wrong, 0);
	}
}

static struct tg *cancelled;

static void *
check_until_cancelled(void *arg)
{
	struct thread *thread = arg;
	struct tg_grant grant;

	thread->started = 1;
	for (;;) {
		(void)!tg_check(cancelled, live.text, strlen(live.text), &upload, &grant);
		pthread_testcancel();
	}
	return NULL;
}

static void
a_cancelled_thread_leaves_no_connection_open(void **state)
{
	enum { ROUNDS = 200 };
	struct thread thread;
	volatile unsigned spin;
	unsigned fds;
	int i;

	(void)state;
	place_seed();
	issue_both();
	cancelled = daemon_client();
	assert_int_equal(daemon_check(cancelled, live.text), TG_OK);
	fds = place_fds();
	for (i = 0; i < ROUNDS; i++) {
		thread.started = 0;
		assert_int_equal(pthread_create(&thread.id, NULL, check_until_cancelled, &thread),
		    0);
		assert_true(place_await(&thread.started, 1));
		for (spin = place_random(200000); spin > 0; spin--)
			;
		pthread_cancel(thread.id);
		pthread_join(thread.id, NULL);
		assert_int_equal(place_fds(), fds);
	}
	assert_int_equal(daemon_check(cancelled, live.text), TG_OK);
	tg_close(&cancelled);
}

int
main(void)
{
	struct CMUnitTest tests[] = {
		HOUSED("where none listens root goes to the store and nobody else",
		    where_none_listens_root_goes_to_the_store_and_nobody_else),
		HOUSED("a child that gave up root gets nothing",
		    a_child_that_gave_up_root_gets_nothing),
		HOUSED("what is no answer is none", what_is_no_answer_is_none),
		HOUSED("what it says is believed of root and the service user alone",
		    what_it_says_is_believed_of_root_and_the_service_user_alone),
		HOUSED("a socket that others can have put there is not believed",
		    a_socket_that_others_can_have_put_there_is_not_believed),
		HOUSED("a directory that cannot be entered is no answer",
		    a_directory_that_cannot_be_entered_is_no_answer),
		HOUSED("what the daemon says is final", what_the_daemon_says_is_final),
		HOUSED("a store that the caller names is not asked for",
		    a_store_that_the_caller_names_is_not_asked_for),
		SERVED("a stopped daemon holds up no login", a_stopped_daemon_holds_up_no_login),
		SERVED("hosts of all sorts are answered", hosts_of_all_sorts_are_answered),
		HOUSED("a jailed host asks at a further path",
		    a_jailed_host_asks_at_a_further_path),
		SERVED("threads with their own handles are answered",
		    threads_with_their_own_handles_are_answered),
		SERVED("a cancelled thread leaves no connection open",
		    a_cancelled_thread_leaves_no_connection_open),
	};

	return RUN_DAEMON(tests);
}
