/* SPDX-License-Identifier: ISC */
/* What a host process may do to the library, and what it may not suffer from it. */
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lmdb_hand.h"
#include "place.h"

enum { DAY = 24 * 3600 };

/* Tokens of each sort, and what a check must say of them. */
enum { LIVE, REVOKED, WRONG, UNKNOWN, SORTS };

static struct issued sample[SORTS];
static const enum tg_status sample_verdict[SORTS] = { TG_OK, TG_REVOKED, TG_NO_MATCH, TG_NO_MATCH };

static void
make_samples(void)
{
	struct tg *tg = place_open();

	sample[LIVE] = place_issue(tg, NULL);
	sample[REVOKED] = place_issue(tg, NULL);
	assert_int_equal(tg_revoke(tg, sample[REVOKED].id, "root", NULL), TG_OK);
	sample[WRONG] = place_other_secret(&sample[LIVE]);
	sample[UNKNOWN] = place_unknown();
	tg_close(&tg);
}

static void
drop_line(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* The first wrong verdict of `n` checks of all sorts, as text; "" if all were right. */
static void
check_samples(struct tg *tg, unsigned n, char wrong[static 300])
{
	enum tg_status r;
	unsigned i;

	wrong[0] = '\0';
	for (i = 0; i < n && wrong[0] == '\0'; i++)
		if ((r = place_check(tg, sample[i % SORTS].text)) != sample_verdict[i % SORTS])
			snprintf(wrong, 300, "check %u: %s: %s", i, tg_status_name(r),
			    tg_detail(tg));
}

/* ---- fork ---- */

static int
check_handle(void *arg)
{
	char wrong[300];

	check_samples(arg, 4 * SORTS, wrong);
	if (wrong[0] != '\0')
		fprintf(stderr, "%s\n", wrong);
	return wrong[0] != '\0';
}

static void
a_handle_made_before_a_fork_works_on_both_sides(void **state)
{
	struct tg *tg;
	pid_t pid;
	int i;

	(void)state;
	make_samples();
	tg = place_open();
	assert_int_equal(check_handle(tg), 0);
	for (i = 0; i < 20; i++) {
		pid = place_fork(check_handle, tg);
		assert_int_equal(check_handle(tg), 0);
		assert_int_equal(place_wait(pid), 0);
	}
	tg_close(&tg);
}

static int
use_inherited_hold(void *arg)
{
	struct tg *tg = arg;

	if (place_check(tg, sample[LIVE].text) != TG_UNAVAILABLE ||
	    strstr(tg_detail(tg), "before a fork") == NULL ||
	    tg_revoke(tg, sample[LIVE].id, "root", NULL) != TG_UNAVAILABLE)
		return 1;
	tg_close(&tg);
	return check_handle(place_open_apart());
}

static void
a_store_that_is_held_is_not_used_by_a_child(void **state)
{
	struct tg *tg;

	(void)state;
	make_samples();
	tg = place_open();
	assert_int_equal(tg_hold(tg), TG_OK);
	assert_int_equal(check_handle(tg), 0);
	assert_int_equal(place_child(use_inherited_hold, tg), 0);
	assert_int_equal(check_handle(tg), 0);
	assert_int_equal(tg_revoke(tg, sample[LIVE].id, "root", NULL), TG_OK);
	assert_int_equal(place_check(tg, sample[LIVE].text), TG_REVOKED);
	tg_close(&tg);
}

/* A thread that checks until it is told to stop. */
struct worker {
	pthread_t thread;
	volatile int stop, rounds, failed;
	char wrong[300]; /* to be read when it has ended */
};

/* Wait until it has gone round so often or come upon something wrong. */
static void
await_rounds(const struct worker *w, int rounds)
{
	while (!__atomic_load_n(&w->failed, __ATOMIC_ACQUIRE) &&
	    __atomic_load_n(&w->rounds, __ATOMIC_ACQUIRE) < rounds)
		place_pause();
}

static void
end_round(struct worker *w)
{
	if (w->wrong[0] != '\0')
		__atomic_store_n(&w->failed, 1, __ATOMIC_RELEASE);
	__atomic_add_fetch(&w->rounds, 1, __ATOMIC_RELEASE);
}

static void *
check_until_told(void *arg)
{
	struct worker *w = arg;
	struct tg *tg = place_open_apart();

	while (w->wrong[0] == '\0' && !__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		check_samples(tg, SORTS, w->wrong);
		end_round(w);
	}
	tg_close(&tg);
	return NULL;
}

static int
linger(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

static void
children_forked_during_a_call_take_nothing_with_them(void **state)
{
	enum { CHILDREN = 100 };
	struct worker worker = { .stop = 0 };
	pid_t pid[CHILDREN];
	int i;

	(void)state;
	make_samples();
	assert_int_equal(pthread_create(&worker.thread, NULL, check_until_told, &worker), 0);
	for (i = 0; i < CHILDREN; i++)
		pid[i] = place_fork(linger, NULL);
	await_rounds(&worker, __atomic_load_n(&worker.rounds, __ATOMIC_ACQUIRE) + 3);
	__atomic_store_n(&worker.stop, 1, __ATOMIC_RELEASE);
	pthread_join(worker.thread, NULL);
	for (i = 0; i < CHILDREN; i++)
		place_kill(pid[i]);
	assert_string_equal(worker.wrong, "");
}

/* ---- threads ---- */

static void *
change_until_told(void *arg)
{
	struct worker *w = arg;
	struct tg *tg = place_open_apart();
	struct tg_token token;
	char text[TG_TOKEN_MAX + 1];

	while (w->wrong[0] == '\0' && !__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		place_wish(&(struct wish) { .name = "by a thread" }, &token);
		if (tg_issue(tg, &token, text) != TG_OK || place_check(tg, text) != TG_OK ||
		    tg_revoke(tg, token.id, "root", NULL) != TG_OK ||
		    place_check(tg, text) != TG_REVOKED)
			snprintf(w->wrong, sizeof(w->wrong), "a change: %s", tg_detail(tg));
		end_round(w);
	}
	tg_close(&tg);
	return NULL;
}

static void
threads_with_their_own_handles_are_answered_right(void **state)
{
	enum { THREADS = 8, ROUNDS = 30 };
	struct worker worker[THREADS] = { { .stop = 0 } };
	size_t i;

	(void)state;
	make_samples();
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&worker[i].thread, NULL,
				     i == 0 ? change_until_told : check_until_told, &worker[i]),
		    0);
	for (i = 0; i < THREADS; i++)
		await_rounds(&worker[i], ROUNDS);
	for (i = 0; i < THREADS; i++)
		__atomic_store_n(&worker[i].stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < THREADS; i++) {
		pthread_join(worker[i].thread, NULL);
		ROW(worker[i].wrong[0] == '\0', "thread %zu: %s", i, worker[i].wrong);
	}
	assert_int_equal(hand_readers(), 0);
}

/* One that holds shared things while it may be cancelled. */
struct victim {
	pthread_t thread;
	struct tg *tg;
	const char *text;
	volatile int begun;
};

static void *
work_until_cancelled(void *arg)
{
	struct victim *v = arg;

	for (;;) {
		__atomic_store_n(&v->begun, 1, __ATOMIC_RELEASE);
		if (place_check(v->tg, v->text) != TG_OK)
			break;
		if (tg_revoke(v->tg, sample[REVOKED].id, "root", NULL) != TG_OK)
			break;
		pthread_testcancel();
	}
	return NULL;
}

static void
a_cancelled_thread_leaves_nothing_locked_or_open(void **state)
{
	enum { ROUNDS = 150, LONGEST_NS = 1500000 };
	struct victim v = { .begun = 0 };
	struct timespec ts = { 0 };
	struct issued limited;
	struct tg *tg;
	unsigned fds;
	void *result;
	int i;

	(void)state;
	place_seed();
	make_samples();
	tg = place_open();
	limited = place_issue(tg, &(struct wish) { .uses = 1000000 });
	fds = place_fds();
	for (i = 0; i < ROUNDS; i++) {
		v = (struct victim) { .tg = place_open_apart(), .text = limited.text };
		assert_int_equal(pthread_create(&v.thread, NULL, work_until_cancelled, &v), 0);
		assert_true(place_await(&v.begun, 1));
		ts.tv_nsec = (long)place_random(LONGEST_NS);
		nanosleep(&ts, NULL);
		assert_int_equal(pthread_cancel(v.thread), 0);
		assert_int_equal(pthread_join(v.thread, &result), 0);
		ROW(result == PTHREAD_CANCELED, "round %d: %s", i, tg_detail(v.tg));
		ROW(place_check(tg, limited.text) == TG_OK, "round %d: %s", i, tg_detail(tg));
		tg_close(&v.tg);
	}
	assert_int_equal(place_fds(), fds);
	assert_int_equal(hand_readers(), 0);
	tg_close(&tg);
}

/* ---- copies of the library ---- */

enum { CHECKS = 4000 };

struct copy {
	pthread_t thread;
	enum tg_status (*open)(const char *, const char *, struct tg **);
	void (*close)(struct tg **);
	void (*set_now)(struct tg *, int64_t);
	void (*set_log)(struct tg *, void (*)(void *, const char *), void *);
	const char *(*detail)(const struct tg *);
	enum tg_status (*check)(struct tg *, const char *, size_t, const struct tg_request *,
	    struct tg_grant *);
	unsigned late; /* the other one had the store for all of the deadline */
	char wrong[300];
};

static void
must_find(void *library, const char *name, void *to, size_t size)
{
	void *symbol = dlsym(library, name);

	ROW(symbol != NULL, "%s", name);
	memcpy(to, &symbol, size);
}

static void
find_all(void *library, struct copy *c)
{
	ROW(library != NULL, "%s", dlerror());
	must_find(library, "tg_open", &c->open, sizeof(c->open));
	must_find(library, "tg_close", &c->close, sizeof(c->close));
	must_find(library, "tg_set_now", &c->set_now, sizeof(c->set_now));
	must_find(library, "tg_set_log", &c->set_log, sizeof(c->set_log));
	must_find(library, "tg_detail", &c->detail, sizeof(c->detail));
	must_find(library, "tg_check", &c->check, sizeof(c->check));
}

/* The library lies one directory above the tests. */
static void
copy_library(const char *to)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 64);
	uint8_t *data;
	size_t size;

	assert_true(len > 0);
	path[len] = '\0';
	*strrchr(path, '/') = '\0';
	strcpy(strrchr(path, '/'), "/libtokgate.so.0");
	data = place_read(path, &size);
	place_write(to, data, size);
	free(data);
}

static void *
check_with_copy(void *arg)
{
	static const struct tg_request req = {
		.service = "sftp", .action = "upload", .resource = "demo"
	};
	struct copy *c = arg;
	struct tg_grant grant;
	enum tg_status r;
	struct tg *tg;
	unsigned i;

	if (c->open(place_config(), place_store(), &tg) != TG_OK)
		snprintf(c->wrong, sizeof(c->wrong), "no handle");
	c->set_now(tg, PLACE_NOW);
	c->set_log(tg, drop_line, NULL);
	for (i = 0; i < CHECKS && c->wrong[0] == '\0'; i++) {
		const char *text = sample[i % SORTS].text;

		r = c->check(tg, text, strlen(text), &req, &grant);
		if (r == TG_UNAVAILABLE && strstr(c->detail(tg), "in this process") != NULL)
			c->late++;
		else if (r != sample_verdict[i % SORTS])
			snprintf(c->wrong, sizeof(c->wrong), "check %u: %d: %s", i, (int)r,
			    c->detail(tg));
	}
	c->close(&tg);
	return NULL;
}

static int
commit_until_killed(void *arg)
{
	struct worker forever = { .stop = 0 };

	(void)arg;
	change_until_told(&forever);
	return 1;
}

static void
run_copies(struct copy copies[static 2])
{
	pid_t writer;
	size_t i;

	make_samples();
	writer = place_fork(commit_until_killed, NULL);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&copies[i].thread, NULL, check_with_copy,
				     &copies[i]),
		    0);
	for (i = 0; i < 2; i++)
		pthread_join(copies[i].thread, NULL);
	assert_int_equal(waitpid(writer, NULL, WNOHANG), 0); /* it was there all the time */
	place_kill(writer);
	for (i = 0; i < 2; i++)
		ROW(copies[i].wrong[0] == '\0', "copy %zu: %s", i, copies[i].wrong);
	for (i = 0; i < 2; i++)
		ROW(copies[i].late < CHECKS / 100, "copy %zu: %u times too late", i,
		    copies[i].late);
}

static void
two_copies_of_the_library_do_not_disturb_each_other(void **state)
{
	struct copy copies[2];
	char path[192];
	size_t i;

	(void)state;
	memset(copies, 0, sizeof(copies));
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/copy%zu.so", place_top(), i);
		copy_library(path);
		find_all(dlopen(path, RTLD_NOW | RTLD_LOCAL), &copies[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_true(copies[0].check != copies[1].check);
	run_copies(copies);
}

static void
copies_with_their_own_lmdb_do_not_disturb_each_other(void **state)
{
	struct copy copies[2];
	char path[192];
	size_t i;

	(void)state;
	if (PLACE_SANITIZED)
		SKIP("the sanitizers allow no second link-map namespace");
	memset(copies, 0, sizeof(copies));
	snprintf(path, sizeof(path), "%s/copy.so", place_top());
	copy_library(path);
	for (i = 0; i < 2; i++)
		find_all(dlmopen(LM_ID_NEWLM, path, RTLD_NOW), &copies[i]);
	assert_int_equal(unlink(path), 0);
	assert_true(copies[0].check != copies[1].check);
	run_copies(copies);
}

/* Does this process hold LMDB's lock, as another one sees it? */
static int
see_lock(void *arg)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
	int fd = open(place_file("lock.mdb"), O_RDWR | O_CLOEXEC);

	(void)arg;
	if (fd < 0 || fcntl(fd, F_GETLK, &lock) != 0)
		return 2;
	return lock.l_type == F_UNLCK || lock.l_pid != getppid();
}

static void
a_store_that_is_held_keeps_its_locks_whatever_other_handles_do(void **state)
{
	struct tg *holder, *other;
	int64_t start;
	bool made;

	(void)state;
	make_samples();
	holder = place_open();
	other = place_open();
	assert_int_equal(tg_hold(holder), TG_OK);
	assert_int_equal(place_check(holder, sample[LIVE].text), TG_OK);
	assert_int_equal(place_child(see_lock, NULL), 0);
	start = place_ms();
	assert_int_equal(place_check(other, sample[LIVE].text), TG_UNAVAILABLE);
	assert_true(place_ms() - start < 2000);
	assert_int_equal(place_child(see_lock, NULL), 0);
	assert_int_equal(tg_init(other, geteuid(), getegid(), NULL, "root", &made), TG_UNAVAILABLE);
	assert_int_equal(place_child(see_lock, NULL), 0);
	assert_int_equal(check_handle(holder), 0);
	tg_close(&holder);
	assert_int_equal(check_handle(other), 0);
	tg_close(&other);
}

/* ---- descriptors ---- */

/* Every call, with and without success. */
static void
call_all(struct tg *tg, struct tg *gone, unsigned round)
{
	char text[TG_TOKEN_MAX + 1], prefix[TG_PREFIX_MAX + 1];
	struct tg_owner owner = { .name = "nobody" };
	struct tg_grant grant;
	struct tg_token token;
	bool made;

	place_check(tg, sample[round % SORTS].text);
	place_check(gone, sample[LIVE].text);
	place_check(tg, "password");
	(void)!tg_ask(tg, "tgt1_", &grant);
	(void)!tg_get(tg, sample[round % SORTS].id, &token);
	(void)!tg_prefix(tg, prefix);
	(void)!tg_revoke(tg, "0000000000", "root", NULL);
	(void)!tg_revoke(gone, sample[LIVE].id, "root", NULL);
	(void)!tg_owner_get(tg, "alice", &owner);
	(void)!tg_owner_set(tg, &owner, "root");
	place_wish(&(struct wish) { .scopes = { "?" } }, &token);
	(void)!tg_issue(tg, &token, text);
	if (round % 50 == 0) {
		place_wish(&(struct wish) { .uses = 1 }, &token);
		(void)!tg_issue(tg, &token, text);
		place_check(tg, text);
		place_check(tg, text);
		(void)!tg_init(tg, geteuid(), getegid(), NULL, "root", &made);
		(void)!tg_init(gone, geteuid(), getegid(), NULL, "root", &made);
	}
}

static void
no_call_leaves_a_descriptor_open(void **state)
{
	struct tg *tg, *gone;
	unsigned fds, i;

	(void)state;
	make_samples();
	tg = place_open();
	assert_int_equal(tg_open(place_config(), "/nonexistent/parent/store", &gone), TG_OK);
	tg_set_log(gone, drop_line, NULL);
	call_all(tg, gone, 0);
	fds = place_fds();
	for (i = 0; i < 1000; i++)
		call_all(tg, gone, i);
	assert_int_equal(place_fds(), fds);
	tg_close(&tg);
	tg_close(&gone);
}

static int
close_everything_between_calls(void *arg)
{
	struct tg *tg = arg;
	char path[192], back[16] = "";
	int i, fd[8];

	for (i = 0; i < 50; i++) {
		closefrom(3);
		snprintf(path, sizeof(path), "%s/host", place_top());
		for (size_t k = 0; k < ROWS(fd); k++)
			fd[k] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (pwrite(fd[0], "the host's own", 15, 0) != 15)
			return 2;
		if (check_handle(tg) != 0 ||
		    tg_revoke(tg, sample[REVOKED].id, "root", NULL) != TG_OK)
			return 3;
		for (size_t k = 0; k < ROWS(fd); k++)
			if (pread(fd[k], back, sizeof(back), 0) != 15 ||
			    strcmp(back, "the host's own") != 0)
				return 4;
	}
	return unlink(path) != 0;
}

static void
a_host_may_close_all_descriptors_between_calls(void **state)
{
	struct tg *tg;

	(void)state;
	make_samples();
	tg = place_open();
	assert_int_equal(check_handle(tg), 0);
	assert_int_equal(place_child(close_everything_between_calls, tg), 0);
	tg_close(&tg);
}

struct missing {
	unsigned which; /* bit N: descriptor N is closed */
	bool make;      /* tg_init() in the place of an empty directory */
};

static int
call_without_stdio(void *arg)
{
	const struct missing *missing = arg;
	char text[TG_TOKEN_MAX + 1];
	struct tg_token token;
	struct tg *tg = place_open();
	bool made;
	int fd;

	place_wish(&(struct wish) { .name = "" }, &token);
	for (fd = 0; fd <= 2; fd++)
		if (missing->which & (1U << fd))
			close(fd);
	if (missing->make)
		return tg_init(tg, geteuid(), getegid(), NULL, "root", &made) == TG_UNAVAILABLE ?
		    0 :
		    1;
	if (place_check(tg, sample[LIVE].text) != TG_UNAVAILABLE)
		return 2;
	if (strstr(tg_detail(tg), "descriptor") == NULL)
		return 3;
	if (place_check(tg, sample[REVOKED].text) != TG_UNAVAILABLE ||
	    tg_issue(tg, &token, text) != TG_UNAVAILABLE ||
	    tg_revoke(tg, sample[LIVE].id, "root", NULL) != TG_UNAVAILABLE ||
	    tg_init(tg, geteuid(), getegid(), NULL, "root", &made) != TG_UNAVAILABLE)
		return 4;
	/* what says so for nothing but the text stays right */
	return place_check(tg, "password") == TG_NOT_A_TOKEN ? 0 : 5;
}

static void
a_process_without_stdin_stdout_or_stderr_does_not_get_the_store(void **state)
{
	struct missing missing = { .make = false };
	uint8_t *before, *after;
	size_t len, len_after;
	int got;

	(void)state;
	make_samples();
	before = place_read(place_file("data.mdb"), &len);
	for (missing.which = 1; missing.which < 8; missing.which++) {
		got = place_child(call_without_stdio, &missing);
		ROW(got == 0, "closed %u: %d", missing.which, got);
	}
	after = place_read(place_file("data.mdb"), &len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(before, after, len);
	assert_int_equal(place_ask(sample[LIVE].text), TG_OK);
	free(before);
	free(after);
}

static void
no_store_is_made_without_stdin_stdout_or_stderr(void **state)
{
	struct missing missing = { .make = true };
	int got;

	(void)state;
	for (missing.which = 1; missing.which < 8; missing.which++) {
		place_clear();
		got = place_child(call_without_stdio, &missing);
		ROW(got == 0, "closed %u: %d", missing.which, got);
		ROW(access(place_file("data.mdb"), F_OK) != 0, "closed %u: made", missing.which);
	}
	place_init();
}

/* ---- limits ---- */

struct limit {
	__rlimit_resource_t what;
	rlim_t value;
	const char *limited; /* a token with uses */
};

/* What a check may say: the right verdict or that it could not be answered. */
static bool
right_or_none(struct tg *tg, int sort)
{
	enum tg_status r = place_check(tg, sample[sort].text);

	return r == sample_verdict[sort] || r == TG_UNAVAILABLE;
}

enum { ANSWERED = 1, CONSUMED = 2, CHANGED = 4, BROKEN = 8 };

static int
call_within_limit(void *arg)
{
	const struct limit *l = arg;
	const struct rlimit rlimit = { l->value, l->value };
	struct tg *tg = place_open_apart();
	struct tg_token token;
	char text[TG_TOKEN_MAX + 1];
	int told = 0, sort;

	closefrom(3); /* whatever we were started with */
	place_wish(&(struct wish) { .name = "" }, &token);
	if (setrlimit(l->what, &rlimit) != 0)
		return BROKEN;
	for (sort = 0; sort < SORTS; sort++)
		if (!right_or_none(tg, sort))
			return BROKEN;
	if (place_check(tg, sample[LIVE].text) == TG_OK)
		told |= ANSWERED;
	if (place_check(tg, l->limited) == TG_OK)
		told |= CONSUMED;
	if (tg_issue(tg, &token, text) == TG_OK)
		told |= CHANGED;
	else if (text[0] != '\0')
		return BROKEN;
	return told;
}

static rlim_t
address_space(void)
{
	size_t len, pages;
	char text[256] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_int_equal(sscanf(text, "%zu", &pages), 1);
	len = (size_t)sysconf(_SC_PAGESIZE) * pages;
	return len;
}

static void
limits_lead_to_a_refusal_and_to_no_signal(void **state)
{
	const rlim_t now = address_space(), mib = 1 << 20;
	const struct {
		struct limit limit;
		int at_least, never;
	} rows[] = {
		{ { RLIMIT_NOFILE, 3, NULL }, 0, ANSWERED },
		{ { RLIMIT_NOFILE, 4, NULL }, 0, ANSWERED },
		{ { RLIMIT_NOFILE, 5, NULL }, 0, 0 },
		{ { RLIMIT_NOFILE, 6, NULL }, 0, 0 },
		{ { RLIMIT_NOFILE, 7, NULL }, 0, 0 },
		{ { RLIMIT_NOFILE, 8, NULL }, ANSWERED | CONSUMED | CHANGED, 0 },
		{ { RLIMIT_NOFILE, 9, NULL }, ANSWERED | CONSUMED | CHANGED, 0 },
		{ { RLIMIT_FSIZE, 0, NULL }, ANSWERED, CONSUMED | CHANGED },
		{ { RLIMIT_FSIZE, 1, NULL }, ANSWERED, CONSUMED | CHANGED },
		{ { RLIMIT_FSIZE, 100 * mib, NULL }, ANSWERED, CONSUMED | CHANGED },
		{ { RLIMIT_STACK, 64 * 1024, NULL }, ANSWERED | CONSUMED | CHANGED, 0 },
		{ { RLIMIT_MEMLOCK, 0, NULL }, ANSWERED | CONSUMED | CHANGED, 0 },
		{ { RLIMIT_NPROC, 0, NULL }, ANSWERED | CONSUMED | CHANGED, 0 },
		{ { RLIMIT_CORE, 0, NULL }, ANSWERED | CONSUMED | CHANGED, 0 },
		{ { RLIMIT_AS, now, NULL }, 0, ANSWERED },
		{ { RLIMIT_AS, now + mib, NULL }, 0, ANSWERED },
		{ { RLIMIT_AS, now + 16 * mib, NULL }, 0, 0 },
		{ { RLIMIT_AS, now + 32 * mib, NULL }, ANSWERED | CONSUMED | CHANGED, 0 },
		{ { RLIMIT_DATA, 0, NULL }, 0, 0 },
	};
	struct issued limited;
	struct limit limit;
	uint32_t uses;
	struct tg_token t;
	struct tg *tg;
	size_t i;
	int got;

	(void)state;
	make_samples();
	tg = place_open();
	limited = place_issue(tg, &(struct wish) { .uses = 100 });
	uses = 100;
	for (i = 0; i < ROWS(rows); i++) {
		limit = rows[i].limit;
		limit.limited = limited.text;
		if (PLACE_SANITIZED &&
		    (limit.what == RLIMIT_AS || limit.what == RLIMIT_STACK ||
			limit.what == RLIMIT_DATA))
			continue; /* the sanitizers need more themselves */
		got = place_child(call_within_limit, &limit);
		ROW(got >= 0 && (got & BROKEN) == 0, "row %zu: %d", i, got);
		ROW((got & rows[i].at_least) == rows[i].at_least, "row %zu: %d", i, got);
		ROW((got & rows[i].never) == 0, "row %zu: %d", i, got);
		uses -= (got & CONSUMED) != 0;
		assert_int_equal(tg_get(tg, limited.id, &t), TG_OK);
		ROW(t.uses_left == uses, "row %zu: %u left of %u", i, t.uses_left, uses);
	}
	assert_int_equal(place_check(tg, sample[LIVE].text), TG_OK);
	tg_close(&tg);
}

static void *
call_all_sorts(void *arg)
{
	struct worker *w = arg;
	struct issued limited;
	struct tg_token token;
	struct tg *tg = place_open_apart();

	check_samples(tg, 3 * SORTS, w->wrong);
	place_wish(&(struct wish) { .uses = 2 }, &token);
	if (w->wrong[0] == '\0' &&
	    (tg_issue(tg, &token, limited.text) != TG_OK ||
		place_check(tg, limited.text) != TG_OK ||
		tg_revoke_all(tg, "alice", "root", NULL, NULL, NULL) != TG_OK))
		snprintf(w->wrong, sizeof(w->wrong), "%s", tg_detail(tg));
	tg_close(&tg);
	return NULL;
}

static int
use_small_stack(void *arg)
{
	struct worker w = { .stop = 0 };
	pthread_attr_t attr;

	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstacksize(&attr, *(size_t *)arg) != 0 ||
	    pthread_create(&w.thread, &attr, call_all_sorts, &w) != 0)
		return 2;
	pthread_join(w.thread, NULL);
	if (w.wrong[0] != '\0')
		fprintf(stderr, "%s\n", w.wrong);
	return w.wrong[0] != '\0';
}

static void
a_thread_with_a_stack_of_128_kib_is_enough(void **state)
{
	size_t size = 128 * 1024;

	(void)state;
	if (PLACE_SANITIZED)
		SKIP("the sanitizers need more stack themselves");
	make_samples();
	assert_int_equal(place_child(use_small_stack, &size), 0);
}

/* ---- signals, directories ---- */

static void
count_alarm(int signal)
{
	(void)signal;
}

static int
check_under_alarms(void *arg)
{
	const struct itimerval often = { .it_interval.tv_usec = 700, .it_value.tv_usec = 700 };
	const struct sigaction action = { .sa_handler = count_alarm }; /* no SA_RESTART */
	struct sigaction was[NSIG], is;
	struct tg *tg = place_open_apart();
	char wrong[300];
	int i, n;

	(void)arg;
	if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &often, NULL) != 0)
		return 2;
	for (n = 1; n < NSIG; n++)
		if (sigaction(n, NULL, &was[n]) != 0)
			was[n].sa_handler = SIG_ERR;
	for (i = 0; i < 100; i++) {
		check_samples(tg, 3 * SORTS, wrong);
		if (wrong[0] != '\0' || tg_revoke(tg, sample[REVOKED].id, "root", NULL) != TG_OK) {
			fprintf(stderr, "%s, %s\n", wrong, tg_detail(tg));
			return 1;
		}
	}
	for (n = 1; n < NSIG; n++)
		if (was[n].sa_handler != SIG_ERR &&
		    (sigaction(n, NULL, &is) != 0 || is.sa_handler != was[n].sa_handler))
			return 3;
	return 0;
}

static void
a_hosts_alarms_change_no_verdict_and_stay_its_own(void **state)
{
	(void)state;
	make_samples();
	assert_int_equal(place_child(check_under_alarms, NULL), 0);
}

static int
check_in_a_jail(void *arg)
{
	struct tg *tg = arg;
	char jail[192];

	snprintf(jail, sizeof(jail), "%s/jail", place_top());
	if (chroot(jail) != 0 || chdir("/") != 0)
		return 100;
	return (int)place_check(tg, sample[LIVE].text) & 0x7f;
}

static int
hold_into_a_jail(void *arg)
{
	struct tg *tg = place_open_apart();
	char jail[192];

	(void)arg;
	snprintf(jail, sizeof(jail), "%s/jail", place_top());
	if (tg_hold(tg) != TG_OK || chroot(jail) != 0 || chdir("/") != 0)
		return 100;
	return check_handle(tg);
}

static void
a_jailed_process_finds_no_store_but_keeps_the_one_it_holds(void **state)
{
	char jail[192];
	struct tg *tg;

	(void)state;
	if (!place_is_root())
		SKIP("needs root for chroot(2)");
	make_samples();
	tg = place_open();
	snprintf(jail, sizeof(jail), "%s/jail", place_top());
	assert_int_equal(mkdir(jail, 0755), 0);
	assert_int_equal(place_child(check_in_a_jail, tg), (int)TG_UNAVAILABLE & 0x7f);
	assert_int_equal(place_child(hold_into_a_jail, NULL), 0);
	assert_int_equal(rmdir(jail), 0);
	tg_close(&tg);
}

static int
check_from_nowhere(void *arg)
{
	char gone[192];

	snprintf(gone, sizeof(gone), "%s/gone", place_top());
	if (mkdir(gone, 0700) != 0 || chdir(gone) != 0 || rmdir(gone) != 0)
		return 2;
	return check_handle(arg);
}

static void
the_current_directory_does_not_matter(void **state)
{
	struct tg *tg;

	(void)state;
	make_samples();
	tg = place_open();
	assert_int_equal(place_child(check_from_nowhere, tg), 0);
	tg_close(&tg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED("a handle made before a fork works on both sides",
		    a_handle_made_before_a_fork_works_on_both_sides),
		PLACED("a store that is held is not used by a child",
		    a_store_that_is_held_is_not_used_by_a_child),
		PLACED("children forked during a call take nothing with them",
		    children_forked_during_a_call_take_nothing_with_them),
		PLACED("threads with their own handles are answered right",
		    threads_with_their_own_handles_are_answered_right),
		PLACED("a cancelled thread leaves nothing locked or open",
		    a_cancelled_thread_leaves_nothing_locked_or_open),
		PLACED("two copies of the library do not disturb each other",
		    two_copies_of_the_library_do_not_disturb_each_other),
		PLACED("copies with their own LMDB do not disturb each other",
		    copies_with_their_own_lmdb_do_not_disturb_each_other),
		PLACED("a store that is held keeps its locks whatever other handles do",
		    a_store_that_is_held_keeps_its_locks_whatever_other_handles_do),
		PLACED("no call leaves a descriptor open", no_call_leaves_a_descriptor_open),
		PLACED("a host may close all descriptors between calls",
		    a_host_may_close_all_descriptors_between_calls),
		PLACED("a process without stdin, stdout or stderr does not get the store",
		    a_process_without_stdin_stdout_or_stderr_does_not_get_the_store),
		PLACED("no store is made without stdin, stdout or stderr",
		    no_store_is_made_without_stdin_stdout_or_stderr),
		PLACED("limits lead to a refusal and to no signal",
		    limits_lead_to_a_refusal_and_to_no_signal),
		PLACED("a thread with a stack of 128 KiB is enough",
		    a_thread_with_a_stack_of_128_kib_is_enough),
		PLACED("a host's alarms change no verdict and stay its own",
		    a_hosts_alarms_change_no_verdict_and_stay_its_own),
		PLACED("a jailed process finds no store but keeps the one it holds",
		    a_jailed_process_finds_no_store_but_keeps_the_one_it_holds),
		PLACED("the current directory does not matter",
		    the_current_directory_does_not_matter),
	};

	return RUN(tests);
}
