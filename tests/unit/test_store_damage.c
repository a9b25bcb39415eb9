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
	volatile int undone; /* a revocation that was confirmed and did not hold */
	volatile int theirs; /* the sanitizers blame LMDB or the damage, not us */
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

/* What the lock file said of the last change when the data was kept. */
static uint8_t *mark;
static size_t mark_len;

static uint8_t *
keep_store(size_t *len)
{
	free(mark);
	mark = place_read(place_file("gate"), &mark_len);
	return place_read(place_file("data.mdb"), len);
}

/* With the mark of that time, or the store would have gone back since. */
static void
put_store(const uint8_t *data, size_t len)
{
	place_write(place_file("gate"), mark, mark_len);
	place_write(place_file("data.mdb"), data, len);
}

/* Put this in the place of the store's data and ask all questions in a child. */
static void
ask_with_data(const uint8_t *data, size_t len, struct tally *tally, const char *what)
{
	int got, sort;

	put_store(data, len);
	memset((void *)verdicts, 0, sizeof(*verdicts));
	got = place_wait_ms(place_fork(ask_all, NULL), PATIENCE_MS);
	for (sort = LIVE + 1; sort < SORTS; sort++)
		ROW(!verdicts->yes[sort], "%s, image %u: a yes for sort %d", what, tally->images,
		    sort);
	ROW(!verdicts->undone, "%s, image %u: a revocation was undone", what, tally->images);
	if (PLACE_SANITIZED && got > 0)
		ROW(verdicts->theirs, "%s, image %u: see the sanitizer's report", what,
		    tally->images);
	tally->images++;
	tally->crashed += got != 0 && got != -SIGALRM;
	tally->hung += got == -SIGALRM;
	tally->refused += verdicts->unavailable == SORTS;
}

static void
tell(const char *what, const struct tally *tally)
{
	print_message("# %s: %u images, %u refused as a whole, %u ended the process, %u hung\n",
	    what, tally->images, tally->refused, tally->crashed, tally->hung);
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
	free(mark);
	mark = NULL;
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
	uint8_t *data = keep_store(&len);

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
	put_store(data, len);
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
	data[(size_t)place_random((uint32_t)(len / PAGE)) * PAGE + place_random(24)] = (uint8_t)
	    place_random(256);
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
	} rows[] = { { "bit", flip_bit }, { "page of noise", fill_page },
		{ "page of zeros", zero_page }, { "pages swapped", swap_pages },
		{ "page header", change_page_header }, { "meta page", change_meta_page } };
	enum { IMAGES = PLACE_SANITIZED ? 50 : 170 };
	uint8_t *data, *damaged;
	struct tally tally;
	size_t i, len;

	(void)state;
	place_seed();
	/* an older state of a page is whole, and nothing in the file could tell it from the newest */
	hand_compact();
	data = keep_store(&len);
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
	put_store(data, len);
	assert_int_equal(place_ask(sample[LIVE].text), TG_OK);
	assert_int_equal(place_ask(sample[REVOKED].text), TG_REVOKED);
	free(damaged);
	free(data);
}

/*
 * LMDB has two meta pages and believes the one with the greater transaction
 * number: the 8 bytes at this offset.
 */
enum { TXN_AT = 144, METAS = 2 };

static void
a_flipped_bit_does_not_bring_back_the_state_before(void **state)
{
	struct tally tally = { 0 };
	size_t len, page, bit;
	uint8_t *data, *byte;
	struct tg *tg = place_open();

	(void)state;
	sample[SUSPENDED] = sample[LIVE]; /* the last change: it died */
	assert_int_equal(tg_revoke(tg, sample[LIVE].id, "root", NULL), TG_OK);
	data = keep_store(&len);
	for (page = 0; page < METAS; page++)
		for (bit = 0; bit < 64; bit++) {
			byte = data + page * PAGE + TXN_AT + bit / 8;
			*byte ^= (uint8_t)(1U << bit % 8);
			ask_with_data(data, len, &tally, "transaction number");
			*byte ^= (uint8_t)(1U << bit % 8);
		}
	tell("transaction number", &tally);
	assert_int_equal(tally.crashed + tally.hung, 0);
	free(data);
	tg_close(&tg);
}

static void
an_old_copy_in_its_place_is_refused(void **state)
{
	struct tg *tg = place_open();
	struct tg_token t;
	uint8_t *old, *new;
	size_t old_len, new_len;
	bool made;

	(void)state;
	old = place_read(place_file("data.mdb"), &old_len);
	assert_int_equal(tg_revoke(tg, sample[LIVE].id, "root", NULL), TG_OK);
	new = place_read(place_file("data.mdb"), &new_len);
	place_write(place_file("data.mdb"), old, old_len);
	assert_int_equal(place_check(tg, sample[LIVE].text), TG_UNAVAILABLE);
	assert_non_null(strstr(tg_detail(tg), "old"));
	assert_int_equal(tg_get(tg, sample[LIVE].id, &t), TG_UNAVAILABLE);
	assert_int_equal(tg_revoke(tg, sample[USED_UP].id, "root", NULL), TG_UNAVAILABLE);
	assert_int_equal(tg_init(tg, geteuid(), getegid(), NULL, "root", &made), TG_UNAVAILABLE);
	place_write(place_file("data.mdb"), new, new_len);
	assert_int_equal(place_check(tg, sample[LIVE].text), TG_REVOKED);
	assert_int_equal(tg_revoke(tg, sample[USED_UP].id, "root", NULL), TG_OK);
	free(old);
	free(new);
	tg_close(&tg);
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

/* An environment that tripped is not closed, but there is one of them at the most. */
static int
ask_in_spite(void *arg)
{
	struct tg *tg = place_open_apart();
	unsigned fds = place_fds();
	struct tg_token token;
	int i;

	(void)arg;
	for (i = 0; i < 200; i++)
		if (place_check(tg, sample[LIVE].text) != TG_UNAVAILABLE ||
		    strstr(tg_detail(tg), "damaged") == NULL)
			return 1;
	if (tg_get(tg, sample[LIVE].id, &token) != TG_UNAVAILABLE)
		return 2;
	if (place_fds() > fds + 4)
		return 3;
	tg_close(&tg);
	return 0;
}

static void
an_assertion_of_lmdb_is_an_answer_and_not_the_end(void **state)
{
	(void)state;
	trip_lmdb();
	assert_int_equal(place_wait(place_fork(ask_in_spite, NULL)), 0);
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
		ROW(place_check(tg, sample[LIVE].text) == TG_UNAVAILABLE, "size %ld",
		    (long)sizes[i]);
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
	size_t i, k, len, round, data_len;
	uint8_t *noise, *data = keep_store(&data_len);
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
			put_store(data, data_len);
			place_write(place_file(names[i]), noise, len);
			free(noise);
			memset((void *)verdicts, 0, sizeof(*verdicts));
			got = place_wait_ms(place_fork(ask_all, NULL), PATIENCE_MS);
			ROW(got == 0, "%s: %d", names[i], got);
			ROW(verdicts->yes[LIVE], "%s", names[i]);
			ROW(verdicts->unavailable == 0 && !verdicts->undone, "%s", names[i]);
			for (k = 1; k < SORTS; k++)
				ROW(!verdicts->yes[k], "%s", names[i]);
		}
	free(data);
}

/* ---- a full disk ---- */

enum { NO_MOUNT = 101 };

/* What parent and child tell each other. */
struct disk {
	unsigned pages, failed, done;
	char said[300];
};

static char mount_point[256];

/* A file system of that many pages at mount_point, seen by this process alone. */
static bool
make_disk(unsigned pages)
{
	char options[64];

	snprintf(options, sizeof(options), "size=%u,mode=0700", pages * PAGE);
	return unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
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

	snprintf(path, sizeof(path), "%s/store", mount_point);
	return place_open_at(path);
}

static void
remove_from_disk(void)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "gate", "usage", "" };
	char path[300];
	size_t i;

	for (i = 0; i < ROWS(names); i++) {
		snprintf(path, sizeof(path), "%s/store/%s", mount_point, names[i]);
		if (unlink(path) != 0)
			rmdir(path);
	}
}

static enum tg_status
try_issue(struct tg *tg, uint32_t uses, struct issued *out)
{
	struct tg_token token;
	enum tg_status r;

	place_wish(&(struct wish) { .uses = uses }, &token);
	r = tg_issue(tg, &token, out->text);
	memcpy(out->id, token.id, sizeof(out->id));
	return r;
}

/* What a child found wrong. */
#define SAY(disk, ...) snprintf((disk)->said, sizeof((disk)->said), __VA_ARGS__)

/* One change of each kind with so little room: what is told is what is. */
static void
change_with_room(struct tg *tg, unsigned leave, struct disk *disk)
{
	struct issued live, limited, more;
	struct tg_token left;
	enum tg_status r, now;

	if (!fill_disk(disk->pages / 2) || try_issue(tg, 0, &live) != TG_OK ||
	    try_issue(tg, 5, &limited) != TG_OK || !fill_disk(leave)) {
		SAY(disk, "room %u: cannot prepare: %s", leave, tg_detail(tg));
		return;
	}
	if (place_check(tg, live.text) != TG_OK)
		SAY(disk, "room %u: a check needs none: %s", leave, tg_detail(tg));
	r = place_check(tg, limited.text);
	now = tg_get(tg, limited.id, &left);
	if (now != TG_OK || (r != TG_OK && r != TG_UNAVAILABLE) ||
	    left.uses_left != (r == TG_OK ? 4 : 5))
		SAY(disk, "room %u: %s, %u uses left", leave, tg_status_name(r), left.uses_left);
	r = try_issue(tg, 0, &more);
	if (r != TG_OK && (r != TG_UNAVAILABLE || more.text[0] != '\0'))
		SAY(disk, "room %u: issue: %s", leave, tg_status_name(r));
	r = tg_revoke(tg, live.id, "root", NULL);
	now = place_check(tg, live.text);
	disk->failed += r == TG_UNAVAILABLE;
	disk->done += r == TG_OK;
	if (now != (r == TG_OK ? TG_REVOKED : TG_OK))
		SAY(disk, "room %u: revoke: %s, then %s", leave, tg_status_name(r),
		    tg_status_name(now));
	if (!fill_disk(disk->pages / 2) || tg_revoke(tg, live.id, "root", NULL) != TG_OK ||
	    place_check(tg, live.text) != TG_REVOKED)
		SAY(disk, "room %u: later: %s", leave, tg_detail(tg));
}

static int
change_on_a_full_disk(void *arg)
{
	struct disk *disk = arg;
	struct tg *tg = open_on_disk();
	unsigned leave;
	bool made;

	if (!make_disk(disk->pages))
		return NO_MOUNT;
	if (tg_init(tg, geteuid(), getegid(), NULL, "root", &made) != TG_OK)
		SAY(disk, "%s", tg_detail(tg));
	for (leave = 0; leave < 24 && disk->said[0] == '\0'; leave++)
		change_with_room(tg, leave, disk);
	tg_close(&tg);
	return 0;
}

static int
make_on_a_small_disk(void *arg)
{
	struct disk *disk = arg;
	struct tg *tg = open_on_disk();
	struct issued token;
	unsigned pages;
	enum tg_status r;
	bool made;

	if (!make_disk(disk->pages))
		return NO_MOUNT;
	for (pages = 2; pages < 90 && disk->said[0] == '\0'; pages++) {
		if (!resize_disk(pages))
			SAY(disk, "cannot resize: %s", strerror(errno));
		r = tg_init(tg, geteuid(), getegid(), NULL, "root", &made);
		disk->failed += r == TG_UNAVAILABLE;
		disk->done += r == TG_OK;
		if ((r != TG_OK && r != TG_UNAVAILABLE) || made != (r == TG_OK))
			SAY(disk, "%u pages: %s", pages, tg_status_name(r));
		else if (!resize_disk(disk->pages) ||
		    tg_init(tg, geteuid(), getegid(), NULL, "root", &made) != TG_OK ||
		    made != (r != TG_OK) || try_issue(tg, 0, &token) != TG_OK ||
		    place_check(tg, token.text) != TG_OK)
			SAY(disk, "%u pages, later: %s", pages, tg_detail(tg));
		remove_from_disk();
	}
	tg_close(&tg);
	return 0;
}

static int
check_with_a_sparse_lock_file(void *arg)
{
	struct disk *disk = arg;
	struct tg *tg = open_on_disk();
	struct issued token;
	char path[300];
	struct stat st;
	enum tg_status r;
	bool made;
	int fd;

	if (!make_disk(disk->pages))
		return NO_MOUNT;
	snprintf(path, sizeof(path), "%s/store/lock.mdb", mount_point);
	if (tg_init(tg, geteuid(), getegid(), NULL, "root", &made) != TG_OK ||
	    try_issue(tg, 0, &token) != TG_OK || stat(path, &st) != 0 || unlink(path) != 0 ||
	    (fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0 ||
	    ftruncate(fd, st.st_size) != 0 || !fill_disk(0))
		return 1;
	close(fd);
	r = place_check(tg, token.text);
	if (r != TG_OK && r != TG_UNAVAILABLE)
		SAY(disk, "%s", tg_status_name(r));
	if (!fill_disk(disk->pages / 2) ||
	    tg_init(tg, geteuid(), getegid(), NULL, "root", &made) != TG_OK || !fill_disk(0) ||
	    place_check(tg, token.text) != TG_OK)
		SAY(disk, "init did not mend it: %s", tg_detail(tg));
	tg_close(&tg);
	return 0;
}

static struct disk *
run_on_disk(int (*fn)(void *arg), unsigned pages)
{
	struct disk *disk = place_shared(sizeof(*disk));
	int got;

	if (!place_is_root())
		SKIP("needs root to mount");
	snprintf(mount_point, sizeof(mount_point), "%s/disk", place_top());
	assert_int_equal(mkdir(mount_point, 0700), 0);
	disk->pages = pages;
	got = place_child(fn, disk);
	assert_int_equal(rmdir(mount_point), 0);
	if (got == NO_MOUNT)
		SKIP("cannot mount here");
	assert_int_equal(got, 0);
	assert_string_equal(disk->said, "");
	return disk;
}

static void
on_a_full_disk_what_is_told_is_what_is(void **state)
{
	struct disk *disk = run_on_disk(change_on_a_full_disk, 800);

	(void)state;
	assert_true(disk->failed > 0);
	assert_true(disk->done > 0);
	place_unshare(disk, sizeof(*disk));
}

static void
a_store_that_had_no_room_is_finished_when_there_is_some(void **state)
{
	struct disk *disk = run_on_disk(make_on_a_small_disk, 400);

	(void)state;
	assert_true(disk->failed > 50);
	assert_true(disk->done > 0);
	place_unshare(disk, sizeof(*disk));
}

static void
a_lock_file_with_holes_kills_no_host_on_a_full_disk(void **state)
{
	(void)state;
	place_unshare(run_on_disk(check_with_a_sparse_lock_file, 400), sizeof(struct disk));
}

#define DAMAGED(sentence, function) \
	{ \
		(sentence), (function), damage_setup, damage_teardown, NULL \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DAMAGED("the samples are answered right while nothing is damaged",
		    the_samples_are_answered_right_while_nothing_is_damaged),
		DAMAGED("a truncated store is unavailable wherever it is cut",
		    a_truncated_store_is_unavailable_wherever_it_is_cut),
		DAMAGED("a damaged store gives no yes that was none",
		    a_damaged_store_gives_no_yes_that_was_none),
		DAMAGED("a flipped bit does not bring back the state before",
		    a_flipped_bit_does_not_bring_back_the_state_before),
		DAMAGED("an old copy in its place is refused", an_old_copy_in_its_place_is_refused),
		DAMAGED("an assertion of LMDB is an answer and not the end",
		    an_assertion_of_lmdb_is_an_answer_and_not_the_end),
		DAMAGED("an assertion while writing holds up nobody",
		    an_assertion_while_writing_holds_up_nobody),
		DAMAGED("a missing or short lock file is refused and not made by a login",
		    a_missing_or_short_lock_file_is_refused_and_not_made_by_a_login),
		DAMAGED("noise in the other files changes no verdict",
		    noise_in_the_other_files_changes_no_verdict),
		PLACED("on a full disk what is told is what is",
		    on_a_full_disk_what_is_told_is_what_is),
		PLACED("a store that had no room is finished when there is some",
		    a_store_that_had_no_room_is_finished_when_there_is_some),
		PLACED("a lock file with holes kills no host on a full disk",
		    a_lock_file_with_holes_kills_no_host_on_a_full_disk),
	};

	return RUN(tests);
}
