/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "lmdb_hand.h"
#include "place.h"

enum { SERVICE = 65001, STRANGER = 65002 };

static const char *const names[] = { "data.mdb", "lock.mdb", "gate", "usage" };

/* The file system that tg_init() shall see; 0: the real one. */
static long fake_type;

int
statfs(const char *path, struct statfs *buf)
{
	int rc = (int)syscall(SYS_statfs, path, buf);

	if (rc == 0 && fake_type != 0)
		buf->f_type = (__typeof__(buf->f_type))fake_type;
	return rc;
}

static enum tg_status
init(uid_t uid, bool *made)
{
	struct tg *tg = place_open();
	enum tg_status r = tg_init(tg, uid, (gid_t)uid, NULL, "root", made);

	tg_close(&tg);
	return r;
}

/* Issue and check. */
static bool
works(void)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	bool ok = place_check(tg, token.text) == TG_OK &&
	    place_check(tg, place_unknown().text) == TG_NO_MATCH;

	tg_close(&tg);
	return ok;
}

static bool
owned(const char *path, uid_t uid, mode_t mode)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_uid == uid && st.st_gid == (gid_t)uid &&
	    (st.st_mode & 07777) == mode;
}

static bool
all_owned(uid_t uid)
{
	size_t i;

	for (i = 0; i < ROWS(names); i++)
		if (!owned(place_file(names[i]), uid, 0600))
			return false;
	return owned(place_store(), uid, 0700);
}

/* ---- making ---- */

static void
a_new_store_is_its_owners_alone_under_any_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 027, 0777 };
	bool made;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(masks); i++) {
		mode_t was = umask(masks[i]);
		enum tg_status r;

		if (masks[i] == 0777 && geteuid() != 0) {
			umask(was);
			continue; /* takes the owner's own access, which root alone can do without */
		}
		place_clear();
		r = init(geteuid(), &made);
		umask(was);
		ROW(r == TG_OK && made, "umask %03o: %s", (unsigned)masks[i], tg_status_name(r));
		ROW(all_owned(geteuid()), "umask %03o", (unsigned)masks[i]);
		ROW(works(), "umask %03o", (unsigned)masks[i]);
	}
}

static void
a_store_that_is_there_stays_as_it_is(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	char prefix[TG_PREFIX_MAX + 1];
	uint64_t serial;
	bool made = true;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(tg_init(tg, geteuid(), getegid(), i == 2 ? "other" : NULL, "root",
				     &made),
		    TG_OK);
		assert_false(made);
	}
	assert_int_equal(place_journal(tg, &serial), 2);
	assert_int_equal(serial, 2);
	assert_int_equal(tg_prefix(tg, prefix), TG_OK);
	assert_string_equal(prefix, "tkg");
	assert_int_equal(place_check(tg, token.text), TG_OK);
	tg_close(&tg);
}

static void
the_prefix_is_the_sites_choice(void **state)
{
	static const struct {
		const char *prefix;
		enum tg_status r;
	} rows[] = { { "a", TG_OK }, { "abcdefg8", TG_OK }, { "", TG_INVALID },
		{ "abcdefgh9", TG_INVALID }, { "9a", TG_INVALID }, { "Tkg", TG_INVALID },
		{ "t_g", TG_INVALID } };
	char prefix[TG_PREFIX_MAX + 1];
	struct issued token;
	bool made;
	struct tg *tg;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		place_clear();
		tg = place_open();
		ROW(tg_init(tg, geteuid(), getegid(), rows[i].prefix, "root", &made) == rows[i].r,
		    "'%s'", rows[i].prefix);
		ROW(made == (rows[i].r == TG_OK), "'%s'", rows[i].prefix);
		if (made) {
			token = place_issue(tg, NULL);
			assert_int_equal(strncmp(token.text, rows[i].prefix,
					     strlen(rows[i].prefix)),
			    0);
			assert_int_equal(token.text[strlen(rows[i].prefix)], '_');
			assert_int_equal(place_check(tg, token.text), TG_OK);
			assert_int_equal(tg_prefix(tg, prefix), TG_OK);
			assert_string_equal(prefix, rows[i].prefix);
		} else
			ROW(access(place_store(), F_OK) != 0, "'%s'", rows[i].prefix);
		tg_close(&tg);
	}
}

static void
foreign_owners_and_modes_are_refused_until_init_mends_them(void **state)
{
	struct issued token;
	struct tg *tg;
	bool made;
	size_t i;

	(void)state;
	if (!place_is_root())
		SKIP("needs root to give files away");
	tg = place_open();
	token = place_issue(tg, NULL);
	for (i = 0; i < ROWS(names); i++) {
		assert_int_equal(chown(place_file(names[i]), STRANGER, STRANGER), 0);
		assert_int_equal(chmod(place_file(names[i]), 0666), 0);
	}
	assert_int_equal(chmod(place_store(), 0777), 0);
	assert_int_equal(place_check(tg, token.text), TG_MISCONFIGURED);
	assert_int_equal(init(0, &made), TG_OK);
	assert_false(made);
	assert_true(all_owned(0));
	assert_int_equal(place_check(tg, token.text), TG_OK);
	tg_close(&tg);
}

static void
the_store_can_be_the_service_users(void **state)
{
	static const char config[] = "uid = 65001\n";
	struct issued token;
	struct tg *tg;
	bool made;

	(void)state;
	if (!place_is_root())
		SKIP("needs root to give files away");
	place_write(place_config(), config, strlen(config));
	tg = place_open();
	token = place_issue(tg, NULL);
	assert_int_equal(tg_service_uid(tg), SERVICE);
	assert_int_equal(tg_init(tg, SERVICE, SERVICE, NULL, "root", &made), TG_OK);
	assert_false(made);
	assert_true(all_owned(SERVICE));
	assert_int_equal(place_check(tg, token.text), TG_OK);
	place_issue(tg, NULL);
	assert_true(all_owned(SERVICE)); /* also what root wrote */
	place_clear();
	assert_int_equal(tg_init(tg, SERVICE, SERVICE, NULL, "root", &made), TG_OK);
	assert_true(made);
	assert_true(all_owned(SERVICE));
	assert_true(works());
	tg_close(&tg);
}

static void
a_store_is_not_given_to_one_whom_the_configuration_does_not_name(void **state)
{
	struct issued token;
	struct tg *tg;
	bool made;

	(void)state;
	if (!place_is_root())
		SKIP("needs root to give files away");
	tg = place_open();
	token = place_issue(tg, NULL);
	assert_int_equal(tg_init(tg, STRANGER, STRANGER, NULL, "root", &made), TG_MISCONFIGURED);
	assert_true(all_owned(0));
	assert_int_equal(place_check(tg, token.text), TG_OK);
	tg_close(&tg);
}

/* ---- half a store ---- */

static void
leave_directory(void)
{
	assert_int_equal(mkdir(place_store(), 0700), 0);
}

static void
leave_short_lock_file(void)
{
	leave_directory();
	place_write(place_file("lock.mdb"), "short", 5);
}

static void
leave_no_data(void)
{
	place_init();
	assert_int_equal(unlink(place_file("data.mdb")), 0);
}

static void
leave_empty_data(void)
{
	leave_no_data();
	place_write(place_file("data.mdb"), "", 0);
}

static void
leave_half_a_write(void)
{
	static const char page[4096];

	leave_no_data();
	place_write(place_file("data.mdb"), page, sizeof(page));
}

static void
leave_no_databases(void)
{
	leave_no_data();
	hand_make(false);
}

static void
leave_no_state(void)
{
	leave_no_data();
	hand_make(true);
}

static void
leave_other_modes(void)
{
	leave_no_state();
	assert_int_equal(chmod(place_file("data.mdb"), 0644), 0);
}

static void
an_init_that_was_cut_off_is_finished_by_the_next(void **state)
{
	static const struct {
		const char *what;
		void (*leave)(void);
		enum tg_status until;
	} rows[] = {
		{ "nothing but the directory", leave_directory, TG_UNAVAILABLE },
		{ "a short lock file", leave_short_lock_file, TG_UNAVAILABLE },
		{ "no data", leave_no_data, TG_UNAVAILABLE },
		{ "empty data", leave_empty_data, TG_UNAVAILABLE },
		{ "the first of LMDB's two pages", leave_half_a_write, TG_UNAVAILABLE },
		{ "no databases", leave_no_databases, TG_UNAVAILABLE },
		{ "no state", leave_no_state, TG_UNAVAILABLE },
		{ "not yet its modes", leave_other_modes, TG_MISCONFIGURED },
	};
	struct issued unknown = place_unknown();
	struct tg_token token;
	char text[TG_TOKEN_MAX + 1];
	struct tg *tg = place_open();
	bool made;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		place_clear();
		rows[i].leave();
		ROW(place_check(tg, unknown.text) == rows[i].until, "%s: %s", rows[i].what,
		    place_line());
		ROW(tg_detail(tg)[0] != '\0', "%s", rows[i].what);
		place_wish(&(struct wish) { .name = "" }, &token);
		ROW(tg_issue(tg, &token, text) == rows[i].until, "%s", rows[i].what);
		ROW(tg_init(tg, geteuid(), getegid(), NULL, "root", &made) == TG_OK && made,
		    "%s: %s", rows[i].what, tg_detail(tg));
		ROW(all_owned(geteuid()), "%s", rows[i].what);
		ROW(works(), "%s", rows[i].what);
		assert_int_equal(place_journal(tg, NULL), 2);
	}
	tg_close(&tg);
}

static void
a_damaged_store_is_not_taken_for_an_unfinished_one(void **state)
{
	struct tg *tg = place_open();
	uint8_t *before, *after;
	size_t len, len_after;
	bool made;

	(void)state;
	place_issue(tg, NULL);
	free(place_read(place_file("data.mdb"), &len));
	assert_int_equal(truncate(place_file("data.mdb"), (off_t)len - 1), 0);
	before = place_read(place_file("data.mdb"), &len);
	assert_int_equal(tg_init(tg, geteuid(), getegid(), NULL, "root", &made), TG_UNAVAILABLE);
	assert_false(made);
	after = place_read(place_file("data.mdb"), &len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(before, after, len);
	free(before);
	free(after);
	tg_close(&tg);
}

/* What children and their parent tell each other. */
struct race {
	volatile int ready, go, ok, made;
};

static int
init_and_tell(void *arg)
{
	struct race *race = arg;
	struct tg *tg = place_open_apart();
	bool made = false;
	enum tg_status r;

	__atomic_add_fetch(&race->ready, 1, __ATOMIC_RELEASE);
	if (!place_await(&race->go, 1))
		return 1;
	if ((r = tg_init(tg, geteuid(), getegid(), NULL, "root", &made)) == TG_OK)
		__atomic_add_fetch(&race->ok, 1, __ATOMIC_RELEASE);
	else
		fprintf(stderr, "init: %s\n", tg_detail(tg));
	if (made)
		__atomic_add_fetch(&race->made, 1, __ATOMIC_RELEASE);
	tg_close(&tg);
	return 0;
}

static void
of_many_who_init_at_once_one_makes_the_store(void **state)
{
	enum { ROUNDS = 10, MANY = 8 };
	struct race *race = place_shared(sizeof(*race));
	pid_t pid[MANY];
	int round, i;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		place_clear();
		memset((void *)race, 0, sizeof(*race));
		for (i = 0; i < MANY; i++)
			pid[i] = place_fork(init_and_tell, race);
		assert_true(place_await(&race->ready, MANY));
		race->go = 1;
		for (i = 0; i < MANY; i++)
			assert_int_equal(place_wait(pid[i]), 0);
		ROW(race->ok == MANY, "round %d: %d of %d", round, race->ok, MANY);
		ROW(race->made == 1, "round %d: made %d times", round, race->made);
		assert_true(works());
	}
	place_unshare(race, sizeof(*race));
}

static void
an_init_that_was_killed_is_finished_by_the_next(void **state)
{
	enum { ROUNDS = 100, LONGEST_NS = 4000000 };
	struct race *race = place_shared(sizeof(*race));
	struct timespec ts = { 0 };
	int round, made_by_killed = 0;
	bool made;
	pid_t pid;

	(void)state;
	place_seed();
	for (round = 0; round < ROUNDS; round++) {
		place_clear();
		memset((void *)race, 0, sizeof(*race));
		race->go = 1;
		pid = place_fork(init_and_tell, race);
		assert_true(place_await(&race->ready, 1));
		ts.tv_nsec = (long)place_random(LONGEST_NS);
		nanosleep(&ts, NULL);
		place_kill(pid);
		ROW(init(geteuid(), &made) == TG_OK, "round %d", round);
		made_by_killed += !made;
		ROW(works(), "round %d", round);
	}
	print_message("# %d of %d were killed before they were done\n", ROUNDS - made_by_killed,
	    ROUNDS);
	place_unshare(race, sizeof(*race));
}

/* ---- places that are refused ---- */

static void
network_and_fuse_file_systems_are_refused(void **state)
{
	static const struct {
		long type;
		const char *name; /* NULL: good enough */
	} rows[] = { { 0x6969, "NFS" }, { 0xff534d42, "CIFS" }, { 0xfe534d42, "SMB" },
		{ 0x517b, "SMB" }, { 0x01021997, "9p" }, { 0x65735546, "FUSE" },
		{ 0x00c36400, "Ceph" }, { 0x5346414f, "AFS" },
		{ (long)(int32_t)0xff534d42, "CIFS" }, /* as 32-bit systems have it */
		{ 0xef53, NULL }, { 0x01021994, NULL }, { 0x58465342, NULL },
		{ (long)0x9123683e, NULL } };
	struct tg *tg = place_open();
	enum tg_status r;
	bool made;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		place_clear();
		fake_type = rows[i].type;
		r = tg_init(tg, geteuid(), getegid(), NULL, "root", &made);
		fake_type = 0;
		if (rows[i].name == NULL) {
			ROW(r == TG_OK && made, "%lx: %s", rows[i].type, tg_detail(tg));
			continue;
		}
		ROW(r == TG_MISCONFIGURED && !made, "%s: %s", rows[i].name, tg_status_name(r));
		ROW(strstr(tg_detail(tg), rows[i].name) != NULL, "'%s'", tg_detail(tg));
		ROW(rmdir(place_store()) == 0, "%s: something was made", rows[i].name);
	}
	tg_close(&tg);
}

static void
links_in_the_place_of_files_are_refused_and_not_followed(void **state)
{
	char target[192];
	struct stat st;
	struct tg *tg = place_open();
	struct issued unknown = place_unknown();
	enum tg_status r;
	bool made;
	size_t i;
	int hard;

	(void)state;
	snprintf(target, sizeof(target), "%s/target", place_top());
	for (i = 0; i < ROWS(names); i++)
		for (hard = 0; hard < 2; hard++) {
			place_clear();
			place_init();
			assert_int_equal(rename(place_file(names[i]), target), 0);
			assert_int_equal(chmod(target, 0640), 0);
			assert_int_equal(hard ? link(target, place_file(names[i])) :
						symlink(target, place_file(names[i])),
			    0);
			r = place_check(tg, unknown.text);
			ROW(i == 3 ? r == TG_NO_MATCH : r < 0, "%s: %s", names[i],
			    tg_status_name(r));
			r = tg_init(tg, geteuid(), getegid(), NULL, "root", &made);
			ROW(r < 0 && !made, "%s: %s", names[i], tg_status_name(r));
			assert_int_equal(stat(target, &st), 0);
			ROW((st.st_mode & 07777) == 0640, "%s", names[i]);
			assert_int_equal(unlink(target), 0);
		}
	tg_close(&tg);
}

static void
a_store_behind_a_link_is_refused(void **state)
{
	char target[192];
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	bool made;

	(void)state;
	snprintf(target, sizeof(target), "%s/target", place_top());
	assert_int_equal(rename(place_store(), target), 0);
	assert_int_equal(symlink(target, place_store()), 0);
	assert_true(place_check(tg, token.text) < 0);
	assert_true(tg_init(tg, geteuid(), getegid(), NULL, "root", &made) < 0);
	assert_int_equal(unlink(place_store()), 0);
	assert_int_equal(rename(target, place_store()), 0);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	tg_close(&tg);
}

static void
a_parent_that_others_can_write_is_refused(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	bool made;

	(void)state;
	assert_int_equal(chmod(place_top(), 0777), 0);
	assert_int_equal(place_check(tg, token.text), TG_MISCONFIGURED);
	assert_int_equal(tg_init(tg, geteuid(), getegid(), NULL, "root", &made), TG_MISCONFIGURED);
	assert_int_equal(chmod(place_top(), 0755), 0);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	tg_close(&tg);
	assert_int_equal(tg_open(place_config(), "/nonexistent/parent/store", &tg), TG_OK);
	assert_int_equal(tg_init(tg, geteuid(), getegid(), NULL, "root", &made), TG_UNAVAILABLE);
	assert_non_null(strstr(tg_detail(tg), "parent"));
	tg_close(&tg);
}

/* ---- whose it may be ---- */

static void
only_the_owners_modes_pass(void **state)
{
	static const mode_t modes[] = { 0600, 0400, 0700, 0610, 0601, 0640, 0604, 0620, 0602, 0660,
		0666, 0777, 04600, 02600, 01600 };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	enum tg_status r, want;
	size_t i, k;

	(void)state;
	if (!place_is_root())
		SKIP("needs root, who reads whatever the mode is");
	for (i = 0; i < ROWS(modes); i++) {
		want = (modes[i] & 077) == 0 ? TG_OK : TG_MISCONFIGURED;
		for (k = 0; k < ROWS(names); k++) {
			assert_int_equal(chmod(place_file(names[k]), modes[i]), 0);
			r = place_check(tg, token.text);
			ROW(r == (k == 3 ? TG_OK : want), "%s %04o: %s", names[k],
			    (unsigned)modes[i], tg_status_name(r));
			assert_int_equal(chmod(place_file(names[k]), 0600), 0);
		}
		assert_int_equal(chmod(place_store(), modes[i]), 0);
		r = place_check(tg, token.text);
		ROW(r == want, "directory %04o: %s", (unsigned)modes[i], tg_status_name(r));
		assert_int_equal(chmod(place_store(), 0700), 0);
	}
	tg_close(&tg);
}

/* Who asks for what whose store. */
struct asker {
	uid_t uid;
	const char *text;
};

static int
ask_as(void *arg)
{
	const struct asker *a = arg;

	if (setgroups(0, NULL) != 0 || setgid(a->uid) != 0 || setuid(a->uid) != 0)
		return 100;
	return (int)place_ask(a->text) & 0x7f;
}

static void
a_store_answers_root_and_its_trusted_owner(void **state)
{
	static const struct {
		uid_t configured, dir, files, asker;
		enum tg_status r;
	} rows[] = {
		{ 0, 0, 0, 0, TG_OK },
		{ SERVICE, 0, 0, 0, TG_OK },
		{ SERVICE, SERVICE, SERVICE, 0, TG_OK },
		{ SERVICE, SERVICE, SERVICE, SERVICE, TG_OK },
		{ 0, SERVICE, SERVICE, SERVICE, TG_OK }, /* one's own */
		{ 0, SERVICE, SERVICE, 0, TG_MISCONFIGURED },
		{ SERVICE, STRANGER, STRANGER, 0, TG_MISCONFIGURED },
		{ SERVICE, SERVICE, 0, 0, TG_MISCONFIGURED },
		{ SERVICE, 0, SERVICE, 0, TG_MISCONFIGURED },
		{ SERVICE, SERVICE, STRANGER, 0, TG_MISCONFIGURED },
		{ 0, 0, 0, SERVICE, TG_UNAVAILABLE },
		{ SERVICE, 0, 0, SERVICE, TG_UNAVAILABLE },
		{ SERVICE, SERVICE, SERVICE, STRANGER, TG_UNAVAILABLE },
		{ 0, STRANGER, STRANGER, SERVICE, TG_MISCONFIGURED },
	};
	struct asker asker;
	struct issued token;
	char config[32];
	struct tg *tg;
	size_t i, k;
	int got;

	(void)state;
	if (!place_is_root())
		SKIP("needs root to give files away and to become others");
	tg = place_open();
	token = place_issue(tg, NULL);
	tg_close(&tg);
	assert_int_equal(chmod(place_top(), 0755), 0);
	assert_int_equal(chmod(place_config(), 0644), 0);
	for (i = 0; i < ROWS(rows); i++) {
		snprintf(config, sizeof(config), "uid = %u\n", (unsigned)rows[i].configured);
		place_write(place_config(), config, strlen(config));
		for (k = 0; k < ROWS(names); k++)
			assert_int_equal(chown(place_file(names[k]), rows[i].files, rows[i].files),
			    0);
		assert_int_equal(chown(place_store(), rows[i].dir, rows[i].dir), 0);
		asker = (struct asker) { rows[i].asker, token.text };
		got = place_child(ask_as, &asker);
		ROW(got == ((int)rows[i].r & 0x7f), "row %zu: %d", i, got);
	}
}

static int
reach_for_the_files(void *arg)
{
	char to[192];
	struct stat st;
	size_t i;

	(void)arg;
	if (setgroups(0, NULL) != 0 || setgid(STRANGER) != 0 || setuid(STRANGER) != 0)
		return 100;
	snprintf(to, sizeof(to), "%s.%ld", place_top(), (long)getpid());
	for (i = 0; i < ROWS(names); i++)
		if (open(place_file(names[i]), O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES ||
		    open(place_file(names[i]), O_PATH | O_CLOEXEC) >= 0 || errno != EACCES ||
		    stat(place_file(names[i]), &st) == 0 || errno != EACCES ||
		    link(place_file(names[i]), to) == 0 || rename(place_file(names[i]), to) == 0 ||
		    truncate(place_file(names[i]), 0) == 0 || unlink(place_file(names[i])) == 0)
			return 1;
	return open(place_store(), O_RDONLY | O_CLOEXEC) >= 0 ? 2 : 0;
}

static void
nobody_else_reaches_any_of_its_files(void **state)
{
	(void)state;
	if (!place_is_root())
		SKIP("needs root to become others");
	assert_int_equal(chmod(place_top(), 0755), 0);
	assert_int_equal(place_child(reach_for_the_files, NULL), 0);
	assert_true(works());
}

/* ---- a read-only mount ---- */

enum { NO_MOUNT = 101 };

static int
ask_on_a_read_only_mount(void *arg)
{
	const char *path = place_store();

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount(path, path, NULL, MS_BIND, NULL) != 0 ||
	    mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0)
		return NO_MOUNT;
	return (int)place_ask(arg) & 0x7f;
}

static void
a_read_only_mount_is_unavailable_and_not_read_without_locks(void **state)
{
	struct issued token;
	struct tg *tg;
	int got;

	(void)state;
	if (!place_is_root())
		SKIP("needs root to mount");
	tg = place_open();
	token = place_issue(tg, NULL);
	tg_close(&tg);
	if ((got = place_child(ask_on_a_read_only_mount, token.text)) == NO_MOUNT)
		SKIP("cannot mount here");
	assert_int_equal(got, (int)TG_UNAVAILABLE & 0x7f);
	assert_int_equal(place_ask(token.text), TG_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED("a new store is its owner's alone under any umask",
		    a_new_store_is_its_owners_alone_under_any_umask),
		PLACED("a store that is there stays as it is",
		    a_store_that_is_there_stays_as_it_is),
		PLACED("the prefix is the site's choice", the_prefix_is_the_sites_choice),
		PLACED("foreign owners and modes are refused until init mends them",
		    foreign_owners_and_modes_are_refused_until_init_mends_them),
		PLACED("the store can be the service user's", the_store_can_be_the_service_users),
		PLACED("a store is not given to one whom the configuration does not name",
		    a_store_is_not_given_to_one_whom_the_configuration_does_not_name),
		PLACED("an init that was cut off is finished by the next",
		    an_init_that_was_cut_off_is_finished_by_the_next),
		PLACED("a damaged store is not taken for an unfinished one",
		    a_damaged_store_is_not_taken_for_an_unfinished_one),
		PLACED("of many who init at once one makes the store",
		    of_many_who_init_at_once_one_makes_the_store),
		PLACED("an init that was killed is finished by the next",
		    an_init_that_was_killed_is_finished_by_the_next),
		PLACED("network and FUSE file systems are refused",
		    network_and_fuse_file_systems_are_refused),
		PLACED("links in the place of files are refused and not followed",
		    links_in_the_place_of_files_are_refused_and_not_followed),
		PLACED("a store behind a link is refused", a_store_behind_a_link_is_refused),
		PLACED("a parent that others can write is refused",
		    a_parent_that_others_can_write_is_refused),
		PLACED("only the owner's modes pass", only_the_owners_modes_pass),
		PLACED("a store answers root and its trusted owner",
		    a_store_answers_root_and_its_trusted_owner),
		PLACED("nobody else reaches any of its files",
		    nobody_else_reaches_any_of_its_files),
		PLACED("a read-only mount is unavailable and not read without locks",
		    a_read_only_mount_is_unavailable_and_not_read_without_locks),
	};

	return RUN(tests);
}
