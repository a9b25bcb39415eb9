/* SPDX-License-Identifier: ISC */
/* Many processes at one store: stopped, killed, all at once. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "handle.h"
#include "lmdb_hand.h"
#include "place.h"

/* ---- readers ---- */

struct sitter {
	unsigned slots;
	volatile int *flag;
};

static int
sit_reading(void *arg)
{
	const struct sitter *s = arg;

	hand_sit_reading(s->slots, s->flag);
	return 0;
}

static void
killed_readers_leave_their_place_to_others(void **state)
{
	enum { SITTERS = 200, CHECKS = 1000 };
	volatile int *flag = place_shared(sizeof(*flag));
	struct sitter one = { 1, flag }, rest = { 0, flag };
	struct issued token, limited;
	pid_t pid[SITTERS], holder, filler;
	struct tg *tg = place_open();
	int i;

	(void)state;
	token = place_issue(tg, NULL);
	limited = place_issue(tg, &(struct wish) { .uses = 3 });
	/* with one that stays, nobody starts the lock file anew */
	holder = place_fork(sit_reading, &one);
	assert_true(place_await(flag, 1));
	for (i = 0; i < SITTERS; i++)
		pid[i] = place_fork(sit_reading, &one);
	assert_true(place_await(flag, 1 + SITTERS));
	for (i = 0; i < SITTERS; i++)
		place_kill(pid[i]);
	assert_int_equal(hand_readers(), 1 + SITTERS); /* their slots are still taken */
	for (i = 0; i < CHECKS / 2; i++)
		ROW(place_check(tg, token.text) == TG_OK, "check %d: %s", i, tg_detail(tg));

	filler = place_fork(sit_reading, &rest);
	assert_true(place_await(flag, 2 + SITTERS));
	assert_true(hand_readers() >= 4096);
	place_kill(filler);
	assert_true(hand_readers() >= 4096);
	for (i = 0; i < CHECKS / 2; i++)
		ROW(place_check(tg, token.text) == TG_OK, "full, check %d: %s", i, tg_detail(tg));
	assert_int_equal(place_check(tg, limited.text), TG_OK);
	assert_int_equal(hand_readers(), 1);
	place_kill(holder);
	place_unshare((void *)(uintptr_t)flag, sizeof(*flag));
	tg_close(&tg);
}

static void
where_every_place_is_taken_by_the_living_it_is_unavailable(void **state)
{
	volatile int *flag = place_shared(sizeof(*flag));
	struct sitter all = { 0, flag };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	pid_t pid = place_fork(sit_reading, &all);

	(void)state;
	assert_true(place_await(flag, 1));
	assert_int_equal(place_check(tg, token.text), TG_UNAVAILABLE);
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_UNAVAILABLE);
	place_kill(pid);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	place_unshare((void *)(uintptr_t)flag, sizeof(*flag));
	tg_close(&tg);
}

static void
a_stopped_reader_hinders_no_revocation(void **state)
{
	enum { N = 500, MAP = 16 << 20 };
	volatile int *flag = place_shared(sizeof(*flag));
	struct sitter one = { 1, flag };
	struct issued *token = calloc(N, sizeof(*token));
	struct tg *tg = place_open();
	struct stat st;
	pid_t pid;
	int i;

	(void)state;
	assert_non_null(token);
	pid = place_fork(sit_reading, &one);
	assert_true(place_await(flag, 1));
	place_stop(pid);
	assert_int_equal(tg_hold(tg), TG_OK);
	for (i = 0; i < N; i++)
		token[i] = place_issue(tg, NULL);
	for (i = 0; i < N; i++) {
		ROW(tg_revoke(tg, token[i].id, "root", NULL) == TG_OK, "%d: %s", i, tg_detail(tg));
		ROW(place_check(tg, token[i].text) == TG_REVOKED, "%d: %s", i, tg_detail(tg));
	}
	/* it pinned what would have been used again, so the map had to grow */
	assert_int_equal(stat(place_file("data.mdb"), &st), 0);
	assert_true(st.st_size > MAP);
	place_kill(pid);
	assert_int_equal(place_check(tg, token[0].text), TG_REVOKED);
	free(token);
	place_unshare((void *)(uintptr_t)flag, sizeof(*flag));
	tg_close(&tg);
}

/* ---- writers ---- */

static int
init_again(void *arg)
{
	struct tg *tg = place_open_apart();
	bool made;

	(void)arg;
	return tg_init(tg, geteuid(), getegid(), NULL, "root", &made) == TG_UNAVAILABLE ? 0 : 1;
}

static void
a_stopped_writer_holds_up_nobody_for_longer_than_the_deadline(void **state)
{
	enum { GRACE_MS = 1000 };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL),
		      limited = place_issue(tg, &(struct wish) { .uses = 2 });
	int64_t start;
	struct tg_token t;
	pid_t pid, init;

	(void)state;
	pid = place_stuck_writer();
	place_stop(pid);
	init = place_fork(init_again, NULL);

	start = place_ms();
	assert_int_equal(place_check(tg, token.text), TG_OK);
	assert_int_equal(place_check(tg, place_other_secret(&limited).text), TG_NO_MATCH);
	assert_int_equal(tg_get(tg, limited.id, &t), TG_OK);
	assert_true(place_ms() - start < GRACE_MS);

	start = place_ms();
	assert_int_equal(place_check(tg, limited.text), TG_UNAVAILABLE);
	assert_true(place_ms() - start >= HANDLE_CHECK_MS);
	assert_true(place_ms() - start < HANDLE_CHECK_MS + GRACE_MS);

	start = place_ms();
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_UNAVAILABLE);
	assert_true(place_ms() - start < HANDLE_MANAGE_MS + GRACE_MS);
	assert_int_equal(place_check(tg, token.text), TG_OK); /* as it was told */
	ROW(place_wait_ms(init, 2000) == 0, "init did not give up");

	place_kill(pid);
	start = place_ms();
	assert_int_equal(place_check(tg, limited.text), TG_OK);
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_OK);
	assert_true(place_ms() - start < GRACE_MS);
	assert_int_equal(tg_get(tg, limited.id, &t), TG_OK);
	assert_int_equal(t.uses_left, 1);
	tg_close(&tg);
}

/* What a writer has been told, for its judge after its death. */
enum { TOLD_MAX = 20000 };

enum told { NOTHING, ISSUED, REVOKING, GONE };

struct diary {
	volatile int n; /* issued so far */
	volatile int failed;
	struct issued token[TOLD_MAX];
	volatile int told[TOLD_MAX];
};

static int
write_diary(void *arg)
{
	struct diary *d = arg;
	struct tg *tg = place_open_apart();
	struct tg_token token;
	int i;

	while ((i = d->n) < TOLD_MAX) {
		place_wish(&(struct wish) { .name = "short-lived" }, &token);
		if (tg_issue(tg, &token, d->token[i].text) != TG_OK)
			break;
		memcpy(d->token[i].id, token.id, sizeof(token.id));
		__atomic_store_n(&d->told[i], ISSUED, __ATOMIC_RELEASE);
		__atomic_store_n(&d->n, i + 1, __ATOMIC_RELEASE);
		if (i % 2 == 0)
			continue;
		__atomic_store_n(&d->told[i], REVOKING, __ATOMIC_RELEASE);
		if (tg_revoke(tg, d->token[i].id, "root", "of no use") != TG_OK)
			break;
		__atomic_store_n(&d->told[i], GONE, __ATOMIC_RELEASE);
	}
	d->failed = 1;
	fprintf(stderr, "writer: %s\n", tg_detail(tg));
	return 1;
}

static void
judge_diary(struct tg *tg, const struct diary *d, int from, int round)
{
	enum tg_status r;
	int i;

	for (i = from; i < d->n; i++) {
		r = place_check(tg, d->token[i].text);
		ROW((d->told[i] == ISSUED && r == TG_OK) ||
			(d->told[i] == GONE && r == TG_REVOKED) ||
			(d->told[i] == REVOKING && (r == TG_OK || r == TG_REVOKED)),
		    "round %d, token %d: told %d, %s: %s", round, i, d->told[i], tg_status_name(r),
		    tg_detail(tg));
	}
}

struct order {
	uint64_t serial;
	bool in_order;
};

static bool
follow(void *arg, const struct tg_entry *entry)
{
	struct order *order = arg;

	order->in_order = order->in_order && entry->serial == order->serial + 1;
	order->serial = entry->serial;
	return true;
}

static void
a_writer_killed_at_any_instant_tears_nothing_and_loses_nothing(void **state)
{
	enum { KILLS = PLACE_SANITIZED ? 100 : 300, LONGEST_NS = 12000000 };
	struct order order = { 0, true };
	struct diary *diary = place_shared(sizeof(*diary));
	struct tg *tg = place_open();
	struct timespec ts = { 0 };
	int64_t start, slowest = 0;
	struct issued known = place_issue(tg, NULL);
	int round, before;
	pid_t pid;

	(void)state;
	place_seed();
	for (round = 0; round < KILLS; round++) {
		before = diary->n;
		pid = place_fork(write_diary, diary);
		ts.tv_nsec = (long)place_random(LONGEST_NS);
		nanosleep(&ts, NULL);
		place_kill(pid);
		assert_false(diary->failed);
		start = place_ms();
		ROW(place_check(tg, known.text) == TG_OK, "round %d: %s", round, tg_detail(tg));
		if (place_ms() - start > slowest)
			slowest = place_ms() - start;
		judge_diary(tg, diary, before, round);
	}
	assert_true(slowest < 1000);
	assert_true(diary->n > KILLS / 10);
	print_message("# %d tokens issued by %d killed writers\n", diary->n, KILLS);
	judge_diary(tg, diary, 0, KILLS);
	ROW(tg_log(tg, follow, &order) == TG_OK, "%s", tg_detail(tg));
	assert_true(order.in_order);
	assert_true(place_tokens(tg) >= (size_t)diary->n + 1);
	assert_int_equal(tg_revoke_all(tg, NULL, "root", NULL, NULL, NULL), TG_OK);
	place_unshare(diary, sizeof(*diary));
	tg_close(&tg);
}

struct batch {
	volatile int failed;
};

static int
issue_batch(void *arg)
{
	struct batch *batch = arg;
	struct tg *tg = place_open_apart();
	struct tg_token token;
	char text[TG_TOKEN_MAX + 1];
	int i;

	for (i = 0; i < 50; i++) {
		place_wish(&(struct wish) { .name = "" }, &token);
		if (tg_issue(tg, &token, text) != TG_OK || place_check(tg, text) != TG_OK) {
			fprintf(stderr, "%s\n", tg_detail(tg));
			__atomic_add_fetch(&batch->failed, 1, __ATOMIC_RELEASE);
		}
	}
	return 0;
}

static void
writers_take_turns_and_lose_nothing(void **state)
{
	enum { WRITERS = 8 };
	struct batch *batch = place_shared(sizeof(*batch));
	struct order order = { 0, true };
	struct tg *tg = place_open();
	pid_t pid[WRITERS];
	int i;

	(void)state;
	for (i = 0; i < WRITERS; i++)
		pid[i] = place_fork(issue_batch, batch);
	for (i = 0; i < WRITERS; i++)
		assert_int_equal(place_wait(pid[i]), 0);
	assert_int_equal(batch->failed, 0);
	assert_int_equal(tg_log(tg, follow, &order), TG_OK);
	assert_true(order.in_order);
	assert_int_equal(order.serial, 1 + WRITERS * 50);
	assert_int_equal(place_tokens(tg), WRITERS * 50);
	place_unshare(batch, sizeof(*batch));
	tg_close(&tg);
}

/* What a sync takes, beside what it takes really. */
static struct timespec disk;

int fdatasync(int fd) __attribute__((visibility("default")));

/* In the place of libc's, also for LMDB. */
int
fdatasync(int fd)
{
	nanosleep(&disk, NULL);
	return (int)syscall(SYS_fdatasync, fd);
}

static int
revoke_in_bulk(void *arg)
{
	volatile int *flag = arg;
	struct tg *tg = place_open_apart();
	struct issued token;
	struct tg_token t;

	disk.tv_nsec = 4000000;
	if (tg_hold(tg) != TG_OK)
		return 1;
	for (;;) {
		place_wish(&(struct wish) { .name = "" }, &t);
		if (tg_issue(tg, &t, token.text) != TG_OK ||
		    tg_revoke(tg, t.id, "root", NULL) != TG_OK)
			return 1;
		__atomic_add_fetch(flag, 1, __ATOMIC_RELEASE);
	}
}

static void
bulk_work_starves_no_login(void **state)
{
	enum { LOGINS = 40 };
	volatile int *flag = place_shared(sizeof(*flag));
	struct tg *tg = place_open();
	struct issued limited = place_issue(tg, &(struct wish) { .uses = LOGINS });
	int64_t start, slowest = 0;
	unsigned late = 0;
	pid_t pid;
	int i;

	(void)state;
	pid = place_fork(revoke_in_bulk, (void *)(uintptr_t)flag);
	assert_true(place_await(flag, 10));
	for (i = 0; i < LOGINS; i++) {
		start = place_ms();
		late += place_check(tg, limited.text) != TG_OK;
		if (place_ms() - start > slowest)
			slowest = place_ms() - start;
	}
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	place_kill(pid);
	print_message("# slowest login %d ms beside %d changes\n", (int)slowest, 2 * *flag);
	ROW(late == 0, "%u of %d logins were unavailable", late, LOGINS);
	place_unshare((void *)(uintptr_t)flag, sizeof(*flag));
	tg_close(&tg);
}

/* ---- opening beside others ---- */

struct looker {
	struct issued live, dead;
	volatile int done, wrong;
	volatile int failures;
	char said[300];
};

static int
look_often(void *arg)
{
	enum { CHECKS = 800 };
	struct looker *l = arg;
	struct tg *tg = place_open_apart();
	enum tg_status r;
	int i;

	for (i = 0; i < CHECKS; i++) {
		r = place_check(tg, i % 2 ? l->live.text : l->dead.text);
		if (r == (i % 2 ? TG_OK : TG_REVOKED))
			continue;
		snprintf(l->said, sizeof(l->said), "%s: %s", tg_status_name(r), tg_detail(tg));
		__atomic_add_fetch(r > TG_OK || r == TG_OK ? &l->wrong : &l->failures, 1,
		    __ATOMIC_RELEASE);
	}
	__atomic_add_fetch(&l->done, 1, __ATOMIC_RELEASE);
	return 0;
}

/* Opens, writes and closes for each change, and the file grows with each. */
static int
write_until_killed(void *arg)
{
	static struct diary diary;

	(void)arg;
	return write_diary(&diary);
}

static void
opening_beside_a_busy_writer_always_succeeds(void **state)
{
	enum { LOOKERS = 8 };
	volatile int *flag = place_shared(sizeof(*flag));
	struct looker *l = place_shared(sizeof(*l));
	struct sitter one = { 1, flag };
	pid_t pid[LOOKERS], writer, pinner;
	struct tg *tg = place_open();
	int i;

	(void)state;
	l->live = place_issue(tg, NULL);
	l->dead = place_issue(tg, NULL);
	assert_int_equal(tg_revoke(tg, l->dead.id, "root", NULL), TG_OK);
	pinner = place_fork(sit_reading, &one); /* keeps the writer from using old pages again */
	assert_true(place_await(flag, 1));
	writer = place_fork(write_until_killed, NULL);
	for (i = 0; i < LOOKERS; i++)
		pid[i] = place_fork(look_often, l);
	for (i = 0; i < LOOKERS; i++)
		assert_int_equal(place_wait(pid[i]), 0);
	assert_int_equal(waitpid(writer, NULL, WNOHANG), 0); /* still at it */
	place_kill(writer);
	place_kill(pinner);
	ROW(l->wrong == 0 && l->failures == 0, "%d wrong, %d unavailable, such as %s", l->wrong,
	    l->failures, l->said);
	place_unshare(l, sizeof(*l));
	place_unshare((void *)(uintptr_t)flag, sizeof(*flag));
	tg_close(&tg);
}

/* ---- all at once ---- */

/* A login that waits for the signal and tells what came of it. */
struct rush {
	int gun[2];                                        /* a pipe; its writing end closed: go */
	volatile int ready, answered[TG_WRONG_SOURCE + 4]; /* by status + 3 */
	char text[TG_TOKEN_MAX + 1];
	unsigned threads;
};

static void
tell(struct rush *rush, enum tg_status r)
{
	__atomic_add_fetch(&rush->answered[r + 3], 1, __ATOMIC_RELEASE);
}

static int
answers(const struct rush *rush, enum tg_status r)
{
	return __atomic_load_n(&rush->answered[r + 3], __ATOMIC_ACQUIRE);
}

static void
wait_for_the_gun(struct rush *rush)
{
	char byte;

	__atomic_add_fetch(&rush->ready, 1, __ATOMIC_RELEASE);
	while (read(rush->gun[0], &byte, 1) < 0 && errno == EINTR)
		;
}

static int
login_once(void *arg)
{
	struct rush *rush = arg;
	struct tg *tg = place_open_apart();

	wait_for_the_gun(rush);
	tell(rush, place_check(tg, rush->text));
	tg_close(&tg);
	return 0;
}

/* A process that kept the writing end would never hear the gun. */
static int
login_process(void *arg)
{
	struct rush *rush = arg;

	close(rush->gun[1]);
	return login_once(rush);
}

static void *
login_thread(void *arg)
{
	login_once(arg);
	return NULL;
}

static int
login_from_threads(void *arg)
{
	struct rush *rush = arg;
	pthread_t thread[32];
	unsigned i;

	close(rush->gun[1]);
	for (i = 0; i < rush->threads; i++)
		if (pthread_create(&thread[i], NULL, login_thread, rush) != 0)
			return 1;
	for (i = 0; i < rush->threads; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

/* Start them all, and go. */
static void
start_all(struct rush *rush, int (*login)(void *arg), pid_t *pid, unsigned processes,
    unsigned threads)
{
	unsigned i;

	assert_int_equal(pipe2(rush->gun, O_CLOEXEC), 0);
	rush->threads = threads;
	for (i = 0; i < processes; i++)
		pid[i] = place_fork(login, rush);
	assert_true(place_await(&rush->ready, (int)(processes * threads)));
	close(rush->gun[0]);
	close(rush->gun[1]);
}

static void
a_thousand_logins_at_once_are_all_answered(void **state)
{
	enum { LOGINS = 1000 };
	struct rush *rush = place_shared(sizeof(*rush));
	pid_t *pid = calloc(LOGINS, sizeof(*pid));
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	unsigned i;

	(void)state;
	assert_non_null(pid);
	memcpy(rush->text, token.text, sizeof(rush->text));
	start_all(rush, login_process, pid, LOGINS, 1);
	for (i = 0; i < LOGINS; i++)
		assert_int_equal(place_wait(pid[i]), 0);
	assert_int_equal(answers(rush, TG_OK), LOGINS);
	assert_int_equal(hand_readers(), 0);
	free(pid);
	place_unshare(rush, sizeof(*rush));
	tg_close(&tg);
}

static void
of_a_thousand_logins_with_a_one_use_token_one_succeeds(void **state)
{
	enum { PROCESSES = 50, THREADS = 20 };
	struct rush *rush = place_shared(sizeof(*rush));
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, &(struct wish) { .uses = 1 });
	pid_t pid[PROCESSES];
	unsigned i;

	(void)state;
	memcpy(rush->text, token.text, sizeof(rush->text));
	start_all(rush, login_from_threads, pid, PROCESSES, THREADS);
	for (i = 0; i < PROCESSES; i++)
		assert_int_equal(place_wait(pid[i]), 0);
	assert_int_equal(answers(rush, TG_OK), 1);
	assert_int_equal(answers(rush, TG_USED_UP) + answers(rush, TG_UNAVAILABLE),
	    PROCESSES * THREADS - 1);
	assert_int_equal(place_check(tg, token.text), TG_USED_UP);
	print_message("# used-up %d, unavailable %d\n", answers(rush, TG_USED_UP),
	    answers(rush, TG_UNAVAILABLE));
	place_unshare(rush, sizeof(*rush));
	tg_close(&tg);
}

static void
killing_some_of_them_gives_no_use_twice(void **state)
{
	enum { ROUNDS = 20, PROCESSES = 25, THREADS = 4, LONGEST_NS = 3000000 };
	struct rush *rush = place_shared(sizeof(*rush));
	struct tg *tg = place_open();
	struct timespec ts = { 0 };
	struct issued token;
	struct tg_token left;
	pid_t pid[PROCESSES];
	int round;
	unsigned i;

	(void)state;
	place_seed();
	for (round = 0; round < ROUNDS; round++) {
		memset((void *)rush, 0, sizeof(*rush));
		token = place_issue(tg, &(struct wish) { .uses = 1 });
		memcpy(rush->text, token.text, sizeof(rush->text));
		start_all(rush, login_from_threads, pid, PROCESSES, THREADS);
		for (i = 0; i < PROCESSES; i += 2) {
			ts.tv_nsec = (long)place_random(LONGEST_NS);
			nanosleep(&ts, NULL);
			place_kill(pid[i]);
		}
		for (i = 1; i < PROCESSES; i += 2)
			assert_int_equal(place_wait(pid[i]), 0);
		assert_int_equal(tg_get(tg, token.id, &left), TG_OK);
		/* killed between the commit and the word: a use without a yes, never two */
		ROW(answers(rush, TG_OK) <= 1, "round %d: %d", round, answers(rush, TG_OK));
		ROW(answers(rush, TG_OK) == 0 || left.uses_left == 0, "round %d", round);
		ROW(place_check(tg, token.text) == (left.uses_left == 0 ? TG_USED_UP : TG_OK),
		    "round %d", round);
	}
	place_unshare(rush, sizeof(*rush));
	tg_close(&tg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED("killed readers leave their place to others",
		    killed_readers_leave_their_place_to_others),
		PLACED("where every place is taken by the living it is unavailable",
		    where_every_place_is_taken_by_the_living_it_is_unavailable),
		PLACED("a stopped reader hinders no revocation",
		    a_stopped_reader_hinders_no_revocation),
		PLACED("a stopped writer holds up nobody for longer than the deadline",
		    a_stopped_writer_holds_up_nobody_for_longer_than_the_deadline),
		PLACED("a writer killed at any instant tears nothing and loses nothing",
		    a_writer_killed_at_any_instant_tears_nothing_and_loses_nothing),
		PLACED("writers take turns and lose nothing", writers_take_turns_and_lose_nothing),
		PLACED("bulk work starves no login", bulk_work_starves_no_login),
		PLACED("opening beside a busy writer always succeeds",
		    opening_beside_a_busy_writer_always_succeeds),
		PLACED("a thousand logins at once are all answered",
		    a_thousand_logins_at_once_are_all_answered),
		PLACED("of a thousand logins with a one-use token one succeeds",
		    of_a_thousand_logins_with_a_one_use_token_one_succeeds),
		PLACED("killing some of them gives no use twice",
		    killing_some_of_them_gives_no_use_twice),
	};

	return RUN(tests);
}
