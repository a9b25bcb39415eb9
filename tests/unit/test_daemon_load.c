/* SPDX-License-Identifier: ISC */
/* tokgated among many, killed, stopped, flooded, fed garbage: who asks gets an answer or none. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "wire.h"

static const struct tg_request upload = {
	.service = "sftp", .action = "upload", .resource = "demo"
};

static struct issued live, dead, limited;
static const uint32_t plenty = 1000000; /* left when all is issued */

static void
issue_all(void)
{
	struct tg *tg = place_open();

	tg_set_now(tg, 0);
	live = place_issue(tg, NULL);
	dead = place_issue(tg, NULL);
	limited = place_issue(tg, &(struct wish) { .uses = plenty + 1 });
	assert_int_equal(tg_revoke(tg, dead.id, "root", NULL), TG_OK);
	tg_close(&tg);
	/* what it opens at its first question it keeps */
	tg = daemon_client();
	assert_int_equal(daemon_check(tg, live.text), TG_OK);
	assert_int_equal(daemon_check(tg, limited.text), TG_OK);
	tg_close(&tg);
}

static struct issued
issue_uses(uint32_t uses)
{
	struct tg *tg = place_open();
	struct issued token;

	tg_set_now(tg, 0);
	token = place_issue(tg, &(struct wish) { .uses = uses });
	tg_close(&tg);
	return token;
}

static uint32_t
uses_left(const char *id)
{
	struct tg *tg = place_open();
	struct tg_token token;

	assert_int_equal(tg_get(tg, id, &token), TG_OK);
	tg_close(&tg);
	return token.uses_left;
}

/* ---- many who ask ---- */

enum { STATUSES = 20, FIRST_STATUS = -3, OWN_LINES = STATUSES - 1 };

struct asker {
	struct tg *tg;
	uint32_t uid;
	const char *text;
	int start;            /* a pipe: begin when it is closed */
	volatile int *go_on;  /* NULL: ask once; else until it is 0 */
	volatile int *counts; /* of each status, and of audit lines of our own */
};

static void
count_line(void *arg, const char *line)
{
	(void)line;
	__atomic_add_fetch((volatile int *)arg, 1, __ATOMIC_RELEASE);
}

static int
ask(void *arg)
{
	const struct asker *asker = arg;
	struct tg_grant grant;
	enum tg_status r;
	char c;

	tg_set_log(asker->tg, count_line, (void *)(uintptr_t)&asker->counts[OWN_LINES]);
	if (asker->uid != 0 && !daemon_become(asker->uid))
		return 1;
	if (asker->start >= 0 && read(asker->start, &c, 1) != 0)
		return 2;
	do {
		r = tg_check(asker->tg, asker->text, strlen(asker->text), &upload, &grant);
		__atomic_add_fetch(&asker->counts[r - FIRST_STATUS], 1, __ATOMIC_RELEASE);
	} while (asker->go_on != NULL && __atomic_load_n(asker->go_on, __ATOMIC_ACQUIRE) != 0);
	return 0;
}

static int
count_of(volatile int *counts, enum tg_status status)
{
	return __atomic_load_n(&counts[status - FIRST_STATUS], __ATOMIC_ACQUIRE);
}

/* Is there any answer but these two? */
static bool
others(volatile int *counts, enum tg_status a, enum tg_status b)
{
	int i;

	for (i = 0; i < OWN_LINES; i++)
		if (counts[i] != 0 && i + FIRST_STATUS != (int)a && i + FIRST_STATUS != (int)b)
			return true;
	return false;
}

/* `n` processes that ask at the same time, half of them as each user. */
static void
ask_at_once(const struct issued *token, int n, uint32_t one, uint32_t another, volatile int *counts)
{
	struct asker asker = { .tg = daemon_client(), .text = token->text, .counts = counts };
	pid_t *pids = calloc((size_t)n, sizeof(*pids));
	int ends[2], i;

	assert_non_null(pids);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	asker.start = ends[0];
	for (i = 0; i < n; i++) {
		asker.uid = i % 2 == 0 ? one : another;
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			close(ends[1]);
			_exit(ask(&asker));
		}
	}
	close(ends[0]);
	close(ends[1]);
	for (i = 0; i < n; i++)
		assert_int_equal(place_wait(pids[i]), 0);
	free(pids);
	tg_close(&asker.tg);
}

static void
a_thousand_at_once_are_all_answered(void **state)
{
	static const struct {
		const char *who;
		uint32_t one, another;
	} rows[] = { { "one user", NEIGHBOUR, NEIGHBOUR }, { "two users", NEIGHBOUR, TRUSTED },
		{ "root", 0, 0 } };
	volatile int *counts;
	unsigned fds;
	size_t i;

	(void)state;
	issue_all();
	fds = daemon_fds(daemon_pid());
	for (i = 0; i < ROWS(rows); i++) {
		counts = place_shared(sizeof(int[STATUSES]));
		ask_at_once(&live, 1000, rows[i].one, rows[i].another, counts);
		ROW(count_of(counts, TG_OK) == 1000, "%s: %d of 1000, %d unavailable", rows[i].who,
		    count_of(counts, TG_OK), count_of(counts, TG_UNAVAILABLE));
		ROW(counts[OWN_LINES] == 0, "%s: %d found out for themselves", rows[i].who,
		    counts[OWN_LINES]);
		place_unshare((void *)(uintptr_t)counts, sizeof(int[STATUSES]));
	}
	assert_true(daemon_fds_become(daemon_pid(), fds));
}

static void
of_a_thousand_with_a_token_for_one_use_one_is_let_in(void **state)
{
	static const uint32_t another[] = { NEIGHBOUR, 0 };
	volatile int *counts;
	struct issued one;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(another); i++) {
		counts = place_shared(sizeof(int[STATUSES]));
		one = issue_uses(1);
		ask_at_once(&one, 1000, NEIGHBOUR, another[i], counts);
		ROW(count_of(counts, TG_OK) == 1, "%d let in, %d used up, %d unavailable",
		    count_of(counts, TG_OK), count_of(counts, TG_USED_UP),
		    count_of(counts, TG_UNAVAILABLE));
		assert_int_equal(count_of(counts, TG_USED_UP) + count_of(counts, TG_UNAVAILABLE),
		    999);
		assert_int_equal(uses_left(one.id), 0);
		place_unshare((void *)(uintptr_t)counts, sizeof(int[STATUSES]));
	}
}

/* ---- a commit that takes its time ---- */

/* FORMAT.md section 3: bytes of the lock file. */
static const off_t gate_byte = 0, opener_byte = (off_t)1 << 40;

static int
hold_byte(off_t at)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
	int fd = open(place_file("gate"), O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	return fd;
}

/* As somebody who writes holds the gate. */
static int
hold_gate(void)
{
	return hold_byte(gate_byte);
}

static void
what_waits_for_a_writer_holds_up_nobody_else(void **state)
{
	volatile int *counts = place_shared(sizeof(int[STATUSES]));
	struct tg *tg = daemon_client();
	struct asker asker = {
		.tg = tg, .uid = NEIGHBOUR, .text = limited.text, .start = -1, .counts = counts
	};
	pid_t pids[5];
	int gate, i, k;

	(void)state;
	issue_all();
	gate = hold_gate();
	for (k = 0; k < 3; k++) {
		for (i = 0; i < 5; i++)
			pids[i] = place_fork(ask, &asker);
		for (i = 0; i < 200; i++) {
			assert_int_equal(daemon_check(tg, live.text), TG_OK);
			assert_int_equal(daemon_check(tg, dead.text), TG_REVOKED);
		}
		for (i = 0; i < 5; i++)
			assert_int_equal(place_wait(pids[i]), 0);
		assert_int_equal(count_of(counts, TG_UNAVAILABLE), 5 * (k + 1));
	}
	close(gate);
	assert_int_equal(daemon_check(tg, limited.text), TG_OK);
	assert_int_equal(uses_left(limited.id), plenty - 1);
	tg_close(&tg);
	place_unshare((void *)(uintptr_t)counts, sizeof(int[STATUSES]));
}

static void
a_stopped_second_process_holds_up_nobody_else(void **state)
{
	pid_t consumer = daemon_consumer(daemon_pid());
	struct tg *tg = daemon_client();
	struct tg_grant grant;
	int i;

	(void)state;
	issue_all();
	assert_int_equal(kill(consumer, SIGSTOP), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(daemon_check(tg, limited.text), TG_UNAVAILABLE);
	for (i = 0; i < 100; i++)
		assert_int_equal(daemon_check(tg, live.text), TG_OK);
	/* root writes it itself */
	assert_int_equal(daemon_check_as(0, tg, limited.text, &upload, &grant), TG_OK);
	assert_int_equal(kill(consumer, SIGCONT), 0);
	assert_int_equal(daemon_check(tg, limited.text), TG_OK);
	assert_int_equal(uses_left(limited.id), plenty - 2);
	tg_close(&tg);
}

static void
a_lock_that_is_held_for_good_holds_up_nobody_for_long(void **state)
{
	struct tg *tg = daemon_client();
	struct tg_grant grant;
	int64_t start;
	int fd, i;

	(void)state;
	issue_all();
	for (i = 0; i < 3; i++) {
		fd = hold_byte(opener_byte);
		start = place_ms();
		assert_int_equal(daemon_check(tg, live.text), TG_UNAVAILABLE);
		assert_int_equal(daemon_check(tg, limited.text), TG_UNAVAILABLE);
		assert_int_equal(daemon_check_as(0, tg, live.text, &upload, &grant),
		    TG_UNAVAILABLE);
		assert_true(place_ms() - start < WATCHDOG_MS);
		close(fd);
		assert_int_equal(daemon_check(tg, live.text), TG_OK);
		assert_int_equal(daemon_check(tg, limited.text), TG_OK);
	}
	tg_close(&tg);
}

static void
without_its_second_process_it_ends_and_says_so(void **state)
{
	const char *const arguments[] = { "--config", place_config(), NULL };
	struct tg *tg = daemon_client();
	struct tg_grant grant;
	pid_t pid;

	(void)state;
	pid = daemon_spawn(arguments, NULL);
	assert_true(daemon_await(pid, daemon_socket()));
	issue_all();
	assert_int_equal(kill(daemon_consumer(pid), SIGKILL), 0);
	assert_int_equal(place_wait(pid), EXIT_FAILURE); /* for who starts it again */
	assert_string_equal(daemon_said(), "tokgated: the consumer died\n");
	assert_int_equal(daemon_check(tg, live.text), TG_UNAVAILABLE);
	assert_int_equal(daemon_check_as(0, tg, live.text, &upload, &grant), TG_OK);
	tg_close(&tg);
}

/* Ask and do not wait. */
static int
ask_and_leave(const struct issued *token)
{
	uint8_t message[TG_MESSAGE_MAX];
	int fd = daemon_connect(daemon_socket());

	assert_true(fd >= 0);
	assert_true(daemon_send(fd, message, daemon_question(token->text, message)));
	return fd;
}

static void
who_gave_up_before_its_turn_has_used_nothing(void **state)
{
	volatile int *counts = place_shared(sizeof(int[STATUSES]));
	struct tg *tg = daemon_client();
	struct issued marker = issue_uses(1000);
	struct asker asker = { .tg = tg, .uid = NEIGHBOUR, .start = -1, .counts = counts };
	pid_t pids[4];
	int gate, i, fd[20];

	(void)state;
	issue_all();
	/* gone while another one's turn is still to come, each in another way */
	gate = hold_gate();
	for (i = 0; i < 20; i++)
		fd[i] = ask_and_leave(&limited);
	asker.text = limited.text;
	for (i = 0; i < 4; i++)
		pids[i] = place_fork(ask, &asker);
	for (i = 0; i < 20; i++)
		close(fd[i]);
	place_kill(pids[0]);
	for (i = 1; i < 4; i++)
		assert_int_equal(place_wait(pids[i]), 0);
	assert_int_equal(count_of(counts, TG_UNAVAILABLE), 3);
	close(gate);
	daemon_settle(tg, &marker);
	assert_int_equal(uses_left(limited.id), plenty);

	/* the same with the first one's turn just coming when it leaves */
	for (i = 0; i < 20; i++) {
		gate = hold_gate();
		fd[0] = ask_and_leave(&limited);
		assert_int_equal(daemon_check(tg, live.text), TG_OK); /* it was handed on by now */
		close(fd[0]);
		close(gate);
		daemon_settle(tg, &marker);
		assert_int_equal(uses_left(limited.id), plenty);
	}
	assert_int_equal(daemon_check(tg, limited.text), TG_OK);
	tg_close(&tg);
	place_unshare((void *)(uintptr_t)counts, sizeof(int[STATUSES]));
}

static void
a_gate_that_opens_after_the_client_has_left_lets_nobody_in(void **state)
{
	volatile int *counts = place_shared(sizeof(int[STATUSES]));
	struct tg *tg = daemon_client();
	struct issued marker = issue_uses(1000);
	struct asker asker = { .tg = tg, .uid = NEIGHBOUR, .start = -1, .counts = counts };
	int64_t end;
	pid_t first, second;
	int gate;

	(void)state;
	issue_all();
	asker.text = limited.text;
	gate = hold_gate();
	first = place_fork(ask, &asker);
	/* the second one's turn comes when the first has given up; then it gives up too */
	for (end = place_ms() + 250; place_ms() < end;)
		place_pause();
	second = place_fork(ask, &asker);
	assert_int_equal(place_wait(first), 0);
	assert_int_equal(place_wait(second), 0);
	assert_int_equal(count_of(counts, TG_UNAVAILABLE), 2);
	close(gate);
	daemon_settle(tg, &marker);
	assert_int_equal(uses_left(limited.id), plenty);
	tg_close(&tg);
	place_unshare((void *)(uintptr_t)counts, sizeof(int[STATUSES]));
}

/* ---- kills ---- */

static void
spin(uint32_t most)
{
	volatile uint32_t n;

	for (n = place_random(most); n > 0; n--)
		;
}

/*
 * Who asks it while it is killed is told what is true, or that it cannot be
 * said; root is always told.
 */
static void
killed_at_any_instant_it_misleads_nobody(void **state)
{
	enum { ROUNDS = 50, ASKERS = 6 };
	volatile int *shared = place_shared(sizeof(int[ASKERS + 1][STATUSES]));
	volatile int *go_on = shared + ASKERS * STATUSES;
	struct asker asker = { .tg = daemon_client(), .start = -1, .go_on = go_on };
	struct issued marker = issue_uses(1000);
	volatile int *of[ASKERS];
	pid_t pids[ASKERS];
	int i, used;

	(void)state;
	place_seed();
	issue_all();
	*go_on = 1;
	for (i = 0; i < ASKERS; i++) {
		of[i] = asker.counts = shared + i * STATUSES;
		asker.uid = i < 3 ? NEIGHBOUR : 0;
		asker.text = i % 3 == 0 ? live.text : i % 3 == 1 ? dead.text : limited.text;
		pids[i] = place_fork(ask, &asker);
	}
	for (i = 0; i < ROUNDS; i++) {
		spin(4000000);
		daemon_kill();
		daemon_start();
	}
	__atomic_store_n(go_on, 0, __ATOMIC_RELEASE);
	for (i = 0; i < ASKERS; i++)
		assert_int_equal(place_wait(pids[i]), 0);
	assert_false(others(of[0], TG_OK, TG_UNAVAILABLE));
	assert_false(others(of[1], TG_REVOKED, TG_UNAVAILABLE));
	assert_false(others(of[2], TG_OK, TG_UNAVAILABLE));
	assert_false(others(of[3], TG_OK, TG_OK));
	assert_false(others(of[4], TG_REVOKED, TG_REVOKED));
	assert_false(others(of[5], TG_OK, TG_UNAVAILABLE)); /* may wait for a writer in vain */
	for (i = 0; i < ASKERS; i++)
		ROW(count_of(of[i], TG_OK) + count_of(of[i], TG_REVOKED) > 5, "asker %d: %d and %d",
		    i, count_of(of[i], TG_OK), count_of(of[i], TG_UNAVAILABLE));
	/* each yes was paid for */
	daemon_settle(asker.tg, &marker);
	used = (int)(plenty - uses_left(limited.id));
	ROW(count_of(of[2], TG_OK) + count_of(of[5], TG_OK) <= used, "%d and %d of %d",
	    count_of(of[2], TG_OK), count_of(of[5], TG_OK), used);
	assert_int_equal(daemon_check(asker.tg, live.text), TG_OK);
	tg_close(&asker.tg);
	place_unshare((void *)(uintptr_t)shared, sizeof(int[ASKERS + 1][STATUSES]));
}

static void
clients_that_are_killed_leave_nothing_behind(void **state)
{
	enum { ROUNDS = 100 };
	volatile int *shared = place_shared(sizeof(int[STATUSES + 1]));
	struct asker asker = { .tg = daemon_client(),
		.start = -1,
		.uid = NEIGHBOUR,
		.go_on = &shared[STATUSES],
		.counts = shared };
	pid_t consumer = daemon_consumer(daemon_pid()), pid;
	unsigned fds, consumer_fds;
	int i, before;

	(void)state;
	place_seed();
	issue_all();
	shared[STATUSES] = 1;
	assert_int_equal(daemon_check(asker.tg, limited.text), TG_OK);
	fds = daemon_fds(daemon_pid());
	consumer_fds = daemon_fds(consumer);
	for (i = 0; i < ROUNDS; i++) {
		asker.text = i % 2 == 0 ? live.text : limited.text;
		before = count_of(shared, TG_OK);
		pid = place_fork(ask, &asker);
		assert_true(place_await(&shared[TG_OK - FIRST_STATUS], before + 1));
		spin(100000);
		place_kill(pid);
	}
	assert_false(others(shared, TG_OK, TG_OK));
	assert_int_equal(daemon_check(asker.tg, live.text), TG_OK);
	assert_int_equal(daemon_check(asker.tg, limited.text), TG_OK);
	assert_true(daemon_fds_become(daemon_pid(), fds));
	assert_true(daemon_fds_become(consumer, consumer_fds));
	tg_close(&asker.tg);
	place_unshare((void *)(uintptr_t)shared, sizeof(int[STATUSES + 1]));
}

/* ---- garbage and floods ---- */

/* A neighbour that asks all the while. */
struct neighbour {
	volatile int *shared;
	struct tg *tg;
	pid_t pid;
};

static struct neighbour
start_neighbour(uint32_t uid, const struct issued *token)
{
	struct neighbour n = { .shared = place_shared(sizeof(int[STATUSES + 1])),
		.tg = daemon_client() };
	struct asker asker = { .tg = n.tg,
		.start = -1,
		.uid = uid,
		.text = token->text,
		.go_on = &n.shared[STATUSES],
		.counts = n.shared };

	n.shared[STATUSES] = 1;
	n.pid = place_fork(ask, &asker);
	return n;
}

/*
 * It was answered by the daemon, at least so often.  Each time, or nearly: the
 * whole machine may be too slow for half a second now and then.
 */
static void
stop_neighbour(struct neighbour *n, int least)
{
	int missed;

	ROW(place_await(&n->shared[TG_OK - FIRST_STATUS], least), "only %d answers",
	    count_of(n->shared, TG_OK));
	__atomic_store_n(&n->shared[STATUSES], 0, __ATOMIC_RELEASE);
	assert_int_equal(place_wait(n->pid), 0);
	assert_false(others(n->shared, TG_OK, TG_UNAVAILABLE));
	missed = n->shared[OWN_LINES]; /* a line of its own: the daemon did not answer */
	ROW(missed <= least / 10, "%d times not, %d times", missed, count_of(n->shared, TG_OK));
	tg_close(&n->tg);
	place_unshare((void *)(uintptr_t)n->shared, sizeof(int[STATUSES + 1]));
}

/* Something that is a question, or nearly, or not at all. */
static size_t
make_garbage(uint8_t message[static TG_MESSAGE_MAX])
{
	static const struct issued *const tokens[] = { &live, &dead, &limited };
	size_t len = 0, i;

	switch (place_random(4)) {
	case 0: /* noise */
		len = place_random(3000);
		for (i = 0; i < len; i++)
			message[i] = (uint8_t)place_random(256);
		return len;
	case 1: /* noise that begins well */
		len = 6 + place_random(1500);
		for (i = 0; i < len; i++)
			message[i] = (uint8_t)place_random(256);
		memcpy(message, place_random(2) == 0 ? "tgq1\1\0" : "tgq1\2\0", 6);
		return len;
	default:
		len = daemon_question(tokens[place_random(3)]->text, message);
		break;
	}
	for (i = place_random(4); i > 0; i--)
		message[place_random((uint32_t)len)] = (uint8_t)place_random(256);
	return place_random(3) == 0 ? place_random((uint32_t)len) : len;
}

/* What came back is an answer, and a yes only to a whole question with a live token. */
static void
want_sense(const uint8_t *message, size_t len, const uint8_t *reply, size_t reply_len)
{
	struct wire_question q;
	struct wire_answer a;
	bool fit = wire_question_decode(message, len, &q);

	ROW(fit || reply_len == 0, "a reply to what is no question");
	if (reply_len == 0)
		return;
	assert_true(wire_answer_decode(reply, reply_len, &a));
	ROW(a.status != TG_OK || strcmp(q.token, live.text) == 0 ||
		strcmp(q.token, limited.text) == 0,
	    "a yes for '%s'", q.token);
	assert_int_not_equal(a.status, TG_UNAVAILABLE);
}

static void
garbage_closes_its_own_connection_and_no_other(void **state)
{
	enum { MESSAGES = 10000 };
	uint8_t message[TG_MESSAGE_MAX], reply[TG_MESSAGE_MAX];
	struct neighbour neighbour;
	size_t len, reply_len;
	unsigned fds;
	int i, fd;

	(void)state;
	place_seed();
	issue_all();
	fds = daemon_fds(daemon_pid());
	neighbour = start_neighbour(NEIGHBOUR, &live);
	for (i = 0; i < MESSAGES; i++) {
		len = make_garbage(message);
		assert_true((fd = daemon_connect(daemon_socket())) >= 0);
		/* an empty one is no message but an end */
		if (daemon_send(fd, message, len)) {
			reply_len = daemon_receive(fd, reply);
			want_sense(message, len, reply, reply_len);
		}
		close(fd);
	}
	stop_neighbour(&neighbour, 200);
	assert_true(daemon_fds_become(daemon_pid(), fds));
}

struct flood {
	uint32_t uid;
	const struct issued *token;
	volatile int *go_on, *rounds;
};

/* Hundreds of connections that ask nothing, kept, and questions as fast as can be. */
static int
flood(void *arg)
{
	enum { IDLE = 600 };
	const struct flood *f = arg;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	static int idle[IDLE];
	uint8_t message[TG_MESSAGE_MAX];
	size_t len = daemon_question(f->token->text, message);
	unsigned i, k = 0;
	int fd;

	strcpy(addr.sun_path, daemon_socket());
	if (!daemon_become(f->uid))
		return 1;
	memset(idle, -1, sizeof(idle));
	while (__atomic_load_n(f->go_on, __ATOMIC_ACQUIRE) != 0) {
		for (i = 0; i < 50; i++, k = (k + 1) % IDLE) {
			if (idle[k] >= 0)
				close(idle[k]);
			idle[k] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
			if (connect(idle[k], (struct sockaddr *)&addr, sizeof(addr)) != 0) {
				close(idle[k]);
				idle[k] = -1;
			}
		}
		for (i = 0; i < 200; i++) {
			fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
			if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
				send(fd, message, i % 4 == 0 ? len : i, MSG_NOSIGNAL);
			close(fd);
		}
		__atomic_add_fetch(f->rounds, 1, __ATOMIC_RELEASE);
	}
	return 0;
}

enum { FLOODERS = 3 };

static void
start_flood(struct flood *f, pid_t pids[static FLOODERS])
{
	volatile int *shared = place_shared(sizeof(int[2]));
	int i;

	f->go_on = &shared[0];
	f->rounds = &shared[1];
	shared[0] = 1;
	for (i = 0; i < FLOODERS; i++)
		pids[i] = place_fork(flood, f);
	assert_true(place_await(f->rounds, 10)); /* it is on */
}

static void
stop_flood(struct flood *f, const pid_t pids[static FLOODERS])
{
	int i;

	*f->go_on = 0;
	for (i = 0; i < FLOODERS; i++)
		assert_int_equal(place_wait(pids[i]), 0);
	place_unshare((void *)(uintptr_t)f->go_on, sizeof(int[2]));
}

static void
a_flood_of_one_user_keeps_nobody_else_out(void **state)
{
	struct flood f = { .uid = GUEST, .token = &live };
	struct neighbour root, neighbour;
	struct tg *tg = daemon_client();
	pid_t pids[FLOODERS];
	unsigned fds;

	(void)state;
	issue_all();
	fds = daemon_fds(daemon_pid());
	start_flood(&f, pids);
	root = start_neighbour(0, &live);
	neighbour = start_neighbour(NEIGHBOUR, &live);
	stop_neighbour(&root, 100);
	stop_neighbour(&neighbour, 100);
	stop_flood(&f, pids);
	/* and afterwards the guest is a guest again */
	assert_true(daemon_fds_become(daemon_pid(), fds));
	assert_int_equal(daemon_check(tg, live.text), TG_OK);
	tg_close(&tg);
}

static void
a_flood_of_uses_keeps_no_other_user_from_using(void **state)
{
	struct flood f = { .uid = GUEST, .token = &limited };
	struct issued other = issue_uses(plenty);
	struct neighbour neighbour;
	pid_t pids[FLOODERS];

	(void)state;
	issue_all();
	start_flood(&f, pids);
	neighbour = start_neighbour(NEIGHBOUR, &other);
	stop_neighbour(&neighbour, 50);
	stop_flood(&f, pids);
}

/* Resident memory in KiB. */
static long
resident(pid_t pid)
{
	char path[64], text[128] = "";
	long pages;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	assert_true((fd = open(path, O_RDONLY)) >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_int_equal(sscanf(text, "%*s %ld", &pages), 1);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
ten_thousand_questions_leave_no_trace_in_it(void **state)
{
	pid_t pid[2] = { daemon_pid(), daemon_consumer(daemon_pid()) };
	struct tg *tg = daemon_client();
	long memory[2] = { 0, 0 };
	unsigned fds[2] = { 0, 0 };
	int i, k;

	(void)state;
	issue_all();
	for (i = 0; i < 10000; i++) {
		if (i == 1000)
			for (k = 0; k < 2; k++) {
				memory[k] = resident(pid[k]);
				fds[k] = daemon_fds(pid[k]);
			}
		assert_int_equal(daemon_check(tg, i % 2 == 0 ? live.text : dead.text),
		    i % 2 == 0 ? TG_OK : TG_REVOKED);
		if (i % 10 == 0)
			assert_int_equal(daemon_check(tg, limited.text), TG_OK);
	}
	for (k = 0; k < 2; k++) {
		assert_true(daemon_fds_become(pid[k], fds[k]));
		if (!PLACE_SANITIZED) /* which keeps what is freed */
			ROW(resident(pid[k]) < memory[k] + 512, "process %d: from %ld KiB to %ld",
			    k, memory[k], resident(pid[k]));
	}
	tg_close(&tg);
}

int
main(void)
{
	struct CMUnitTest tests[] = {
		SERVED("a thousand at once are all answered", a_thousand_at_once_are_all_answered),
		SERVED("of a thousand with a token for one use one is let in",
		    of_a_thousand_with_a_token_for_one_use_one_is_let_in),
		SERVED("what waits for a writer holds up nobody else",
		    what_waits_for_a_writer_holds_up_nobody_else),
		SERVED("a stopped second process holds up nobody else",
		    a_stopped_second_process_holds_up_nobody_else),
		SERVED("a lock that is held for good holds up nobody for long",
		    a_lock_that_is_held_for_good_holds_up_nobody_for_long),
		HOUSED("without its second process it ends and says so",
		    without_its_second_process_it_ends_and_says_so),
		SERVED("who gave up before its turn has used nothing",
		    who_gave_up_before_its_turn_has_used_nothing),
		SERVED("a gate that opens after the client has left lets nobody in",
		    a_gate_that_opens_after_the_client_has_left_lets_nobody_in),
		SERVED("killed at any instant it misleads nobody",
		    killed_at_any_instant_it_misleads_nobody),
		SERVED("clients that are killed leave nothing behind",
		    clients_that_are_killed_leave_nothing_behind),
		SERVED("garbage closes its own connection and no other",
		    garbage_closes_its_own_connection_and_no_other),
		SERVED("a flood of one user keeps nobody else out",
		    a_flood_of_one_user_keeps_nobody_else_out),
		SERVED("a flood of uses keeps no other user from using",
		    a_flood_of_uses_keeps_no_other_user_from_using),
		SERVED("ten thousand questions leave no trace in it",
		    ten_thousand_questions_leave_no_trace_in_it),
	};

	return RUN_DAEMON(tests);
}
