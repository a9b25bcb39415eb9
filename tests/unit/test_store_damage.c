/* SPDX-License-Identifier: ISC */
/* Files that are cut, flipped, missing or on a full disk. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "handle.h"
#include "lmdb_hand.h"
#include "place.h"

enum { PAGE = 4096, PATIENCE_MS = 20000 };

/* Tokens in the store; only the first kind may get a yes. */
enum { LIVE, REVOKED, WRONG, UNKNOWN, USED_UP, EXPIRED, SUSPENDED, SORTS };

static struct issued sample[SORTS];

static void
make_samples(void)
{
	struct tg *tg = place_open();
	int i;

	for (i = 0; i < 150; i++) /* more than one page of each kind */
		place_issue(tg, NULL);
	sample[LIVE] = place_issue(tg, NULL);
	sample[REVOKED] = place_issue(tg, NULL);
	assert_int_equal(tg_revoke(tg, sample[REVOKED].id, "root", NULL), TG_OK);
	sample[WRONG] = place_other_secret(&sample[LIVE]);
	sample[UNKNOWN] = place_unknown();
	sample[USED_UP] = place_issue(tg, &(struct wish) { .uses = 1 });
	assert_int_equal(place_check(tg, sample[USED_UP].text), TG_OK);
	tg_set_now(tg, PLACE_NOW - 100);
	sample[EXPIRED] = place_issue(tg, &(struct wish) { .expires_at = PLACE_NOW - 1 });
	sample[SUSPENDED] = place_issue(tg, &(struct wish) { .owner = "bob" });
	place_owner(tg, "bob", true, NULL);
	tg_close(&tg);
}

/* ---- damaged data ---- */

/* What a child tells of a damaged store, also one that dies. */
struct verdicts {
	volatile int yes[SORTS], unavailable;
	volatile int undone;   /* a revocation that was confirmed and did not hold */
	volatile int theirs;   /* the sanitizers blame LMDB or the damage, not us */
	volatile int asked;
};

static struct verdicts *verdicts;

#ifdef __SANITIZE_ADDRESS__
static void
judge_report(const char *report)
{
	if (strstr(report, "SEGV") != NULL || strstr(report, "BUS") != NULL ||
	    strstr(report, "liblmdb") != NULL)
		verdicts->theirs = 1;
}
#endif

static int
ask_all(void *arg)
{
	struct tg *tg = place_open_apart();
	enum tg_status r;
	int sort, null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)arg;
	dup2(null, STDERR_FILENO); /* reports of crashes that may be */
#ifdef __SANITIZE_ADDRESS__
	__asan_set_error_report_callback(judge_report);
#endif
	for (sort = 0; sort < SORTS; sort++) {
		r = place_check(tg, sample[sort].text);
		verdicts->yes[sort] = r == TG_OK;
		verdicts->unavailable += r == TG_UNAVAILABLE;
		verdicts->asked++;
	}
	if (tg_revoke(tg, sample[LIVE].id, "root", NULL) == TG_OK)
		verdicts->undone = place_check(tg, sample[LIVE].text) == TG_OK;
	tg_close(&tg);
	return 0;
}

/* How it went with all the images of one kind. */
struct tally {
	unsigned images, crashed, hung, refused;
};

/* Put this in the place of the store's data and ask all questions in a child. */
static void
ask_with_data(const uint8_t *data, size_t len, struct tally *tally, const char *what)
{
	int got, sort;

	place_write(place_file("data.mdb"), data, len);
	memset((void *)verdicts, 0, sizeof(*verdicts));
	got = place_wait_ms(place_fork(ask_all, NULL), PATIENCE_MS);
	for (sort = LIVE + 1; sort < SORTS; sort++)
		ROW(!verdicts->yes[sort], "%s, image %u: a yes for sort %d", what, tally->images, sort);
	ROW(!verdicts->undone, "%s, image %u: a revocation was undone", what, tally->images);
	if (PLACE_SANITIZED && got > 0)
		ROW(verdicts->theirs, "%s, image %u: see the sanitizer's report", what, tally->images);
	tally->images++;
	tally->crashed += got != 0 && got != -SIGALRM;
	tally->hung += got == -SIGALRM;
	tally->refused += verdicts->unavailable == SORTS;
}

static void
tell(const char *what, const struct tally *tally)
{
	print_message("# %s: %u images, %u refused as a whole, %u ended the process, %u hung\n", what,
	    tally->images, tally->refused, tally->crashed, tally->hung);
}

static int
damage_setup(void **state)
{
	place_setup(state);
	verdicts = place_shared(sizeof(*verdicts));
	make_samples();
	*state = NULL;
	return 0;
}

static int
damage_teardown(void **state)
{
	place_unshare(verdicts, sizeof(*verdicts));
	return place_teardown(state);
}

static void
the_samples_are_answered_right_while_nothing_is_damaged(void **state)
{
	static const enum tg_status want[SORTS] = { TG_OK, TG_REVOKED, TG_NO_MATCH, TG_NO_MATCH,
		TG_USED_UP, TG_EXPIRED, TG_OWNER_SUSPENDED };
	int sort;

	(void)state;
	for (sort = 0; sort < SORTS; sort++)
		ROW(place_ask(sample[sort].text) == want[sort], "sort %d", sort);
}

static void
a_truncated_store_is_unavailable_wherever_it_is_cut(void **state)
{
	struct tally tally = { 0 };
	size_t len, cut;
	uint8_t *data = place_read(place_file("data.mdb"), &len);

	(void)state;
	for (cut = 0; cut < len; cut += PAGE) {
		ask_with_data(data, cut, &tally, "cut");
		ask_with_data(data, cut + 1, &tally, "cut");
		ask_with_data(data, cut + PAGE / 2, &tally, "cut");
		ask_with_data(data, cut + PAGE - 1, &tally, "cut");
	}
	tell("cut", &tally);
	assert_int_equal(tally.refused, tally.images);
	assert_int_equal(tally.crashed + tally.hung, 0);
	place_write(place_file("data.mdb"), data, len);
	assert_int_equal(place_ask(sample[LIVE].text), TG_OK);
	free(data);
}

static void
flip_bit(uint8_t *data, size_t len)
{
	data[place_random((uint32_t)len)] ^= (uint8_t)(1U << place_random(8));
}

static void
fill_page(uint8_t *data, size_t len)
{
	size_t i, at = (size_t)place_random((uint32_t)(len / PAGE)) * PAGE;

	for (i = 0; i < PAGE; i++)
		data[at + i] = (uint8_t)place_random(256);
}

static void
zero_page(uint8_t *data, size_t len)
{
	memset(data + (size_t)place_random((uint32_t)(len / PAGE)) * PAGE, 0, PAGE);
}

static void
swap_pages(uint8_t *data, size_t len)
{
	size_t a = (size_t)place_random((uint32_t)(len / PAGE)) * PAGE;
	size_t b = (size_t)place_random((uint32_t)(len / PAGE)) * PAGE;
	uint8_t page[PAGE];

	memcpy(page, data + a, PAGE);
	memcpy(data + a, data + b, PAGE);
	memcpy(data + b, page, PAGE);
}

static void
change_page_header(uint8_t *data, size_t len)
{
	data[(size_t)place_random((uint32_t)(len / PAGE)) * PAGE + place_random(24)] =
	    (uint8_t)place_random(256);
}

static void
change_meta_page(uint8_t *data, size_t len)
{
	(void)len;
	data[place_random(2) * PAGE + place_random(160)] = (uint8_t)place_random(256);
}

static void
a_damaged_store_gives_no_yes_that_was_none(void **state)
{
	static const struct {
		const char *what;
		void (*damage)(uint8_t *data, size_t len);
	} rows[] = { { "bit", flip_bit }, { "page of noise", fill_page }, { "page of zeros", zero_page },
		{ "pages swapped", swap_pages }, { "page header", change_page_header },
		{ "meta page", change_meta_page } };
	enum { IMAGES = 170 };
	uint8_t *data, *damaged;
	struct tally tally;
	size_t i, len;

	(void)state;
	place_seed();
	data = place_read(place_file("data.mdb"), &len);
	assert_non_null(damaged = malloc(len));
	for (i = 0; i < ROWS(rows); i++) {
		tally = (struct tally) { 0 };
		while (tally.images < IMAGES) {
			memcpy(damaged, data, len);
			rows[i].damage(damaged, len);
			ask_with_data(damaged, len, &tally, rows[i].what);
		}
		tell(rows[i].what, &tally);
		assert_int_equal(tally.hung, 0);
	}
	place_write(place_file("data.mdb"), data, len);
	assert_int_equal(place_ask(sample[LIVE].text), TG_OK);
	assert_int_equal(place_ask(sample[REVOKED].text), TG_REVOKED);
	free(damaged);
	free(data);
}

/* ---- LMDB's assertions ---- */

/*
 * A branch page with a single key is one of the things that LMDB asserts
 * never to see.  Offsets in its page header.
 */
enum { FLAGS_AT = 10, LOWER_AT = 12, BRANCH = 1, HEADER = 16 };

static void
trip_lmdb(void)
{
	size_t len, at, branches = 0;
	uint8_t *data = place_read(place_file("data.mdb"), &len);

	for (at = 0; at < len; at += PAGE)
		if (data[at + FLAGS_AT] == BRANCH && data[at + FLAGS_AT + 1] == 0) {
			data[at + LOWER_AT] = HEADER + 2;
			data[at + LOWER_AT + 1] = 0;
			branches++;
		}
	assert_true(branches > 0);
	place_write(place_file("data.mdb"), data, len);
	free(data);
}

static void
an_assertion_of_lmdb_is_an_answer_and_not_the_end(void **state)
{
	struct tg *tg = place_open();
	unsigned fds = place_fds();
	struct tg_token token;
	int i;

	(void)state;
	trip_lmdb();
	for (i = 0; i < 200; i++) {
		assert_int_equal(place_check(tg, sample[LIVE].text), TG_UNAVAILABLE);
		assert_non_null(strstr(tg_detail(tg), "damaged"));
	}
	assert_int_equal(tg_get(tg, sample[LIVE].id, &token), TG_UNAVAILABLE);
	ROW(place_fds() <= fds + 4, "%u descriptors more than before", place_fds() - fds);
	tg_close(&tg);
}

static int
revoke_once(void *arg)
{
	struct tg *tg = place_open_apart();

	(void)arg;
	return tg_revoke(tg, sample[LIVE].id, "root", NULL) == TG_UNAVAILABLE ? 0 : 1;
}

static int
revoke_twice(void *arg)
{
	return revoke_once(arg) + revoke_once(arg);
}

static int
revoke_and_live_on(void *arg)
{
	volatile int *done = arg;

	if (revoke_once(NULL) != 0)
		return 1;
	__atomic_store_n(done, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static void
an_assertion_while_writing_holds_up_nobody(void **state)
{
	volatile int *done = place_shared(sizeof(*done));
	pid_t pid;

	(void)state;
	trip_lmdb();
	ROW(place_wait_ms(place_fork(revoke_twice, NULL), 2 * HANDLE_MANAGE_MS + 1000) == 0,
	    "the same process hangs at its next change");
	pid = place_fork(revoke_and_live_on, (void *)(uintptr_t)done);
	assert_true(place_await(done, 1));
	ROW(place_wait_ms(place_fork(revoke_once, NULL), HANDLE_MANAGE_MS + 1000) == 0,
	    "another process hangs while that one lives");
	place_kill(pid);
	place_unshare((void *)(uintptr_t)done, sizeof(*done));
}

/* ---- the other files ---- */

static void
a_missing_or_short_lock_file_is_refused_and_not_made_by_a_login(void **state)
{
	static const off_t sizes[] = { -1, 0, 100, 64 * 4096 };
	struct tg *tg = place_open();
	struct tg_token token;
	char text[TG_TOKEN_MAX + 1];
	struct stat st;
	size_t i;
	bool made;

	(void)state;
	place_wish(&(struct wish) { .name = "" }, &token);
	for (i = 0; i < ROWS(sizes); i++) {
		if (sizes[i] < 0)
			assert_int_equal(unlink(place_file("lock.mdb")), 0);
		else
			assert_int_equal(truncate(place_file("lock.mdb"), sizes[i]), 0);
		ROW(place_check(tg, sample[LIVE].text) == TG_UNAVAILABLE, "size %ld", (long)sizes[i]);
		ROW(strstr(tg_detail(tg), "lock.mdb") != NULL, "'%s'", tg_detail(tg));
		ROW(tg_issue(tg, &token, text) == TG_UNAVAILABLE, "size %ld", (long)sizes[i]);
		ROW(tg_revoke(tg, sample[LIVE].id, "root", NULL) == TG_UNAVAILABLE, "size %ld",
		    (long)sizes[i]);
		ROW(stat(place_file("lock.mdb"), &st) != 0 ? sizes[i] < 0 : st.st_size == sizes[i],
		    "size %ld", (long)sizes[i]);
		ROW(tg_init(tg, geteuid(), getegid(), NULL, "root", &made) == TG_OK && !made, "%s",
		    tg_detail(tg));
		ROW(place_check(tg, sample[LIVE].text) == TG_OK, "size %ld", (long)sizes[i]);
	}
	tg_close(&tg);
}

static void
noise_in_the_other_files_changes_no_verdict(void **state)
{
	static const char *const names[] = { "lock.mdb", "gate", "usage" };
	enum { ROUNDS = 20 };
	uint8_t *noise;
	size_t i, k, len, round;
	int got;

	(void)state;
	place_seed();
	for (i = 0; i < ROWS(names); i++)
		for (round = 0; round < ROUNDS; round++) {
			free(place_read(place_file(names[i]), &len));
			len = len > 0 ? len : 1000;
			assert_non_null(noise = malloc(len));
			for (k = 0; k < len; k++)
				noise[k] = (uint8_t)place_random(256);
			place_write(place_file(names[i]), noise, len);
			free(noise);
			memset((void *)verdicts, 0, sizeof(*verdicts));
			got = place_wait_ms(place_fork(ask_all, NULL), PATIENCE_MS);
			ROW(got == 0, "%s: %d", names[i], got);
			ROW(verdicts->yes[LIVE] == (i == 0 && round == 0), "%s", names[i]);
			ROW(verdicts->unavailable == 0 && !verdicts->undone, "%s", names[i]);
			for (k = 1; k < SORTS; k++)
				ROW(!verdicts->yes[k], "%s", names[i]);
		}
}

/* ---- a full disk ---- */

enum { NO_MOUNT = 101 };

struct disk {
	unsigned pages;
	char said[300];
};

static char mount_point[256];

/* A file system of that many pages at mount_point, seen by this process alone. */
static bool
make_disk(unsigned pages)
{
	char options[64];

	snprintf(options, sizeof(options), "size=%u,mode=0700", pages * PAGE);
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", mount_point, "tmpfs", 0, options) == 0;
}

static bool
resize_disk(unsigned pages)
{
	char options[64];

	snprintf(options, sizeof(options), "size=%u", pages * PAGE);
	return mount(NULL, mount_point, NULL, MS_REMOUNT, options) == 0;
}

/* Fill the disk but for so many pages. */
static bool
fill_disk(unsigned leave)
{
	char path[300];
	struct statvfs fs;
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "%s/fill", mount_point);
	unlink(path);
	if (statvfs(mount_point, &fs) != 0 || fs.f_bfree < leave)
		return false;
	if ((fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) < 0)
		return false;
	ok = fs.f_bfree == leave || posix_fallocate(fd, 0, (off_t)(fs.f_bfree - leave) * PAGE) == 0;
	close(fd);
	return ok;
}

static struct tg *
open_on_disk(void)
{
	char path[300];
	struct tg *tg;

	snprintf(path, sizeof(path), "%s/store", mount_point);
	if (tg_open(place_config(), path, &tg) != TG_OK)
		abort();
	tg_set_now(tg, PLACE_NOW);
	tg_set_log(tg, NULL, NULL);
	return tg;
}
