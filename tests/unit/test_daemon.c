/* SPDX-License-Identifier: ISC */
/* The way through tokgated: the same verdicts, on the store that is there now. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "twins.h"
#include "verdicts.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static const struct tg_request upload = { .service = "sftp",
	.action = "upload",
	.resource = "demo",
	.login = "alice",
	.source = "192.0.2.1" };

static const struct tg_grant nothing;

/* The daemon has the clock of the system, so what it is asked for is issued at that. */
static struct tg *
open_now(void)
{
	struct tg *tg = place_open();

	tg_set_now(tg, 0);
	return tg;
}

static struct tg_token
get(const char *id)
{
	struct tg *tg = open_now();
	struct tg_token token;

	ROW(tg_get(tg, id, &token) == TG_OK, "%s", tg_detail(tg));
	tg_close(&tg);
	return token;
}

static struct issued
issue(const struct wish *wish)
{
	struct tg *tg = open_now();
	struct issued token = place_issue(tg, wish);

	tg_close(&tg);
	return token;
}

static void
kill_token(const char *id)
{
	struct tg *tg = open_now();

	ROW(tg_revoke(tg, id, "root", "lost") == TG_OK, "%s", tg_detail(tg));
	tg_close(&tg);
}

/* ---- the table of verdicts ---- */

static struct tg *client;
static unsigned line_before;

static int
serve_client(void **state)
{
	if (daemon_serve(state) != 0)
		return -1;
	client = daemon_client();
	return 0;
}

static int
dismiss_client(void **state)
{
	tg_close(&client);
	return daemon_dismiss(state);
}

/* The guest cannot open the store, so whatever it is told is told by the daemon. */
static enum tg_status
check_through(const char *text, size_t len, const struct tg_request *req, struct tg_grant *out)
{
	enum tg_status r;

	line_before = daemon_lines();
	assert_int_equal(seteuid(GUEST), 0);
	r = tg_check(client, text, len, req, out);
	assert_int_equal(seteuid(0), 0);
	return r;
}

static const char *
line_of_daemon(void)
{
	return daemon_logged() ? daemon_line(line_before) : NULL;
}

#define THROUGH(sentence, name) \
	static void name(void **state) \
	{ \
		const struct way through = { time(NULL), daemon_renew, check_through, \
			line_of_daemon }; \
\
		(void)state; \
		verdicts_##name(&through); \
	}
VERDICTS(THROUGH)

/* ---- random questions ---- */

/* As root, whose word is taken, so that nothing in the line differs. */
static void
check_random(const char *text, size_t len, const struct tg_request *req, struct said *out)
{
	unsigned mine = place_lines(), before = daemon_lines();

	out->verdict = tg_check(client, text, len, req, &out->grant);
	snprintf(out->detail, sizeof(out->detail), "%s", tg_detail(client));
	mine = place_lines() - mine;
	out->line[0] = '\0';
	out->lines = 1;
	if (mine > 0) { /* what needs no store */
		snprintf(out->line, sizeof(out->line), "%s", place_line());
		out->lines = mine;
		ROW(out->verdict == TG_NOT_A_TOKEN || out->verdict == TG_MALFORMED ||
			out->verdict == TG_INVALID,
		    "the daemon was not asked: %s", tg_status_name(out->verdict));
	} else if (daemon_logged()) {
		snprintf(out->line, sizeof(out->line), "%s", daemon_line(before));
		out->lines = daemon_lines() - before;
	}
}

static enum tg_status
ask_random(const char *ticket, struct tg_grant *out)
{
	return tg_ask(client, ticket, out);
}

static void
random_questions_are_answered_as_they_are_directly(void **state)
{
	struct two_ways two = {
		.direct = open_now(), .questions = 5000, .check = check_random, .ask = ask_random
	};

	(void)state;
	place_seed();
	tg_set_log(client, place_keep_line, NULL);
	twins_ask(&two, time(NULL));
	tg_close(&two.direct);
}

/* ---- tickets ---- */

static void
a_ticket_is_asked_again_through_it(void **state)
{
	struct issued token = issue(&(struct wish) {
	    .scopes = { "sftp:upload:demo", "sftp:list", "ftp" },
	    .expires_at = time(NULL) + DAY,
	    .sources = { "192.0.2.0/24" } });
	static const struct tg_request gated = {
		.service = "sftp", .gate = true, .login = "alice", .source = "192.0.2.1"
	};
	struct tg *direct = open_now();
	struct tg_grant was, now, same;
	unsigned lines;

	(void)state;
	assert_int_equal(daemon_check_as(GUEST, client, token.text, &gated, &was), TG_OK);
	assert_int_equal(was.nscopes, 2);
	lines = daemon_lines();
	assert_int_equal(daemon_ask_as(GUEST, client, was.ticket, &now), TG_OK);
	assert_memory_equal(&was, &now, sizeof(now));
	/* made there, good here */
	assert_int_equal(tg_ask(direct, was.ticket, &same), TG_OK);
	assert_memory_equal(&was, &same, sizeof(same));

	place_owner(direct, "alice", false, "sftp:list:b");
	assert_int_equal(daemon_ask_as(GUEST, client, was.ticket, &now), TG_OK);
	assert_int_equal(now.nscopes, 1);
	assert_string_equal(now.scopes[0], "sftp:list:b");
	place_owner(direct, "alice", false, "ftp");
	assert_int_equal(daemon_ask_as(GUEST, client, was.ticket, &now), TG_BEYOND_CEILING);
	assert_int_equal(now.nscopes, 0);
	place_owner(direct, "alice", true, NULL);
	assert_int_equal(daemon_ask_as(GUEST, client, was.ticket, &now), TG_OWNER_SUSPENDED);
	place_owner(direct, "alice", false, NULL);
	assert_int_equal(daemon_ask_as(GUEST, client, was.ticket, &now), TG_OK);
	kill_token(token.id);
	assert_int_equal(daemon_ask_as(GUEST, client, was.ticket, &now), TG_REVOKED);
	assert_string_equal(now.id, token.id);
	assert_string_equal(now.ticket, "");
	assert_int_equal(daemon_lines(), lines); /* asking again leaves no line */
	tg_close(&direct);
}

static void
what_is_no_ticket_of_the_store_is_no_match_through_it(void **state)
{
	struct issued token = issue(NULL);
	char huge[5000], changed[TG_TICKET_MAX + 1];
	struct tg_grant was, now;

	(void)state;
	assert_int_equal(daemon_check_as(GUEST, client, token.text, &upload, &was), TG_OK);
	memcpy(changed, was.ticket, sizeof(changed));
	changed[20] ^= 1;
	memset(huge, 'A', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	memcpy(huge, was.ticket, strlen(was.ticket));
	assert_int_equal(daemon_ask_as(GUEST, client, changed, &now), TG_NO_MATCH);
	assert_memory_equal(&now, &nothing, sizeof(now));
	assert_int_equal(daemon_ask_as(GUEST, client, huge, &now), TG_NO_MATCH);
	assert_int_equal(daemon_ask_as(GUEST, client, "", &now), TG_NO_MATCH);
	assert_int_equal(daemon_ask_as(GUEST, client, token.text, &now), TG_NO_MATCH);
	daemon_renew();
	assert_int_equal(daemon_ask_as(GUEST, client, was.ticket, &now), TG_NO_MATCH);
}

/* ---- uses and refusals ---- */

static void
the_last_use_and_the_last_refusal_are_kept_through_it(void **state)
{
	struct tg_request req = {
		.service = "sftp", .action = "upload", .resource = "demo", .source = "2001:db8::7"
	};
	struct issued token = issue(NULL);
	time_t start = time(NULL);
	struct tg_grant grant;
	struct tg_token t;

	(void)state;
	assert_int_equal(daemon_check_as(GUEST, client, token.text, &req, &grant), TG_OK);
	assert_int_equal(daemon_check_as(GUEST, client, token.text, &req, &grant), TG_OK);
	t = get(token.id);
	assert_in_range(t.last_used.at, start, time(NULL));
	assert_int_equal(t.last_used.count, 2);
	assert_string_equal(t.last_used.service, "sftp");
	assert_string_equal(t.last_used.source, "2001:db8::7");
	assert_int_equal(t.last_refused.at, 0);

	req.service = "ftp";
	req.source = NULL;
	assert_int_equal(daemon_check_as(GUEST, client, token.text, &req, &grant),
	    TG_WRONG_SERVICE);
	t = get(token.id);
	assert_in_range(t.last_refused.at, start, time(NULL));
	assert_int_equal(t.last_refused.count, 1);
	assert_int_equal(t.last_refused.why, TG_WRONG_SERVICE);
	assert_string_equal(t.last_refused.service, "ftp");
	assert_string_equal(t.last_refused.source, "");
	assert_int_equal(t.last_used.count, 2);

	req.dry_run = true;
	assert_int_equal(daemon_check_as(GUEST, client, token.text, &req, &grant),
	    TG_WRONG_SERVICE);
	req.service = "sftp";
	assert_int_equal(daemon_check_as(GUEST, client, token.text, &req, &grant), TG_OK);
	assert_int_equal(get(token.id).last_refused.count, 1);
	assert_int_equal(get(token.id).last_used.count, 2);
}

static void
a_limited_token_is_consumed_through_it(void **state)
{
	struct tg_request req = upload;
	struct issued token = issue(&(struct wish) { .uses = 2 });
	struct tg_grant grant;

	(void)state;
	req.dry_run = true;
	assert_int_equal(daemon_check_as(GUEST, client, token.text, &req, &grant), TG_OK);
	req.dry_run = false;
	req.service = "ftp";
	assert_int_equal(daemon_check_as(GUEST, client, token.text, &req, &grant),
	    TG_WRONG_SERVICE);
	assert_int_equal(get(token.id).uses_left, 2);
	req.service = "sftp";
	assert_int_equal(daemon_check_as(GUEST, client, token.text, &req, &grant), TG_OK);
	assert_string_equal(grant.identity, "alice");
	assert_true(strncmp(grant.ticket, "tgt1_", 5) == 0);
	assert_int_equal(get(token.id).uses_left, 1);
	assert_int_equal(daemon_check(client, token.text), TG_OK);
	assert_int_equal(get(token.id).uses_left, 0);
	assert_int_equal(daemon_check(client, token.text), TG_USED_UP);
	assert_int_equal(get(token.id).last_used.count, 2);
	assert_int_equal(get(token.id).last_refused.why, TG_USED_UP);
}

/* ---- the audit line ---- */

static void
want_line(unsigned i, const char *want)
{
	const char *line = daemon_line(i);

	ROW(line != NULL && strcmp(line, want) == 0, "'%s' not '%s'", line, want);
}

static void
the_line_names_the_peer_and_what_it_merely_claims(void **state)
{
	static const struct {
		uint32_t uid;
		const char *mark;
	} rows[] = { { GUEST, "(claimed)" }, { NEIGHBOUR, "(claimed)" }, { TRUSTED, "" },
		{ 0, "" } };
	struct issued token = issue(NULL);
	struct tg_request plain = upload;
	struct tg_grant grant;
	char want[512];
	unsigned before;
	size_t i;

	(void)state;
	if (!daemon_logged())
		SKIP("the system log cannot be redirected here");
	plain.login = NULL;
	plain.source = NULL;
	for (i = 0; i < ROWS(rows); i++) {
		before = daemon_lines();
		assert_int_equal(daemon_check_as(rows[i].uid, client, token.text, &upload, &grant),
		    TG_OK);
		snprintf(want, sizeof(want),
		    "tokgate: verdict=ok id=%s owner=alice login=%salice service=sftp action=upload "
		    "resource=demo source=%s192.0.2.1 uid=%u",
		    token.id, rows[i].mark, rows[i].mark, rows[i].uid);
		want_line(before, want);
		assert_int_equal(daemon_check_as(rows[i].uid, client, token.text, &plain, &grant),
		    TG_OK);
		snprintf(want, sizeof(want),
		    "tokgate: verdict=ok id=%s owner=alice login=%s__token__ service=sftp "
		    "action=upload resource=demo source=- uid=%u",
		    token.id, rows[i].mark, rows[i].uid);
		want_line(before + 1, want);
		assert_int_equal(daemon_lines(), before + 2);
	}
}

static void
a_use_of_a_limited_token_leaves_one_line_too(void **state)
{
	struct issued token = issue(&(struct wish) { .uses = 1 });
	unsigned before = daemon_lines();
	char want[128];

	(void)state;
	if (!daemon_logged())
		SKIP("the system log cannot be redirected here");
	assert_int_equal(daemon_check(client, token.text), TG_OK);
	snprintf(want, sizeof(want), "tokgate: verdict=ok id=%s ", token.id);
	assert_true(strncmp(daemon_line(before), want, strlen(want)) == 0);
	assert_int_equal(daemon_check(client, token.text), TG_USED_UP);
	snprintf(want, sizeof(want), "tokgate: verdict=used-up id=%s ", token.id);
	assert_true(strncmp(daemon_line(before + 1), want, strlen(want)) == 0);
	assert_int_equal(daemon_lines(), before + 2);
}

static void
count_line(void *arg, const char *line)
{
	(void)line;
	++*(unsigned *)arg;
}

static void
who_asks_leaves_no_line_of_its_own_for_what_was_answered(void **state)
{
	struct issued token = issue(NULL);
	unsigned mine = 0, before = daemon_lines();

	(void)state;
	tg_set_log(client, count_line, &mine);
	assert_int_equal(daemon_check(client, token.text), TG_OK);
	assert_int_equal(daemon_check(client, place_other_secret(&token).text), TG_NO_MATCH);
	assert_int_equal(mine, 0);
	/* what needs no store is not asked about */
	assert_int_equal(daemon_check(client, "password"), TG_NOT_A_TOKEN);
	assert_int_equal(mine, 1);
	if (daemon_logged()) {
		assert_non_null(daemon_line(before + 1));
		assert_int_equal(daemon_lines(), before + 2);
	}
}

/* ---- another store, none, a damaged one ---- */

static char other[128];

static const char *
other_store(void)
{
	snprintf(other, sizeof(other), "%s/other", place_top());
	return other;
}

static void
swap_stores(void)
{
	char third[128];

	snprintf(third, sizeof(third), "%s/third", place_top());
	assert_int_equal(rename(place_store(), third), 0);
	assert_int_equal(rename(other_store(), place_store()), 0);
	assert_int_equal(rename(third, other_store()), 0);
}

/* Take the store at the path away and all in it. */
static void
drop_other(void)
{
	char cmd[4][160];
	static const char *const names[] = { "data.mdb", "lock.mdb", "gate", "usage" };
	size_t i;

	for (i = 0; i < ROWS(names); i++) {
		snprintf(cmd[i], sizeof(cmd[i]), "%s/%s", other_store(), names[i]);
		unlink(cmd[i]);
	}
	rmdir(other_store());
}

static void
another_store_at_its_path_is_noticed_at_the_next_question(void **state)
{
	struct issued old = issue(NULL), old_limited = issue(&(struct wish) { .uses = 9 }), new,
		      limited;
	int i;

	(void)state;
	assert_int_equal(daemon_check(client, old.text), TG_OK);
	assert_int_equal(daemon_check(client, old_limited.text), TG_OK);
	assert_int_equal(rename(place_store(), other_store()), 0);
	place_init();
	daemon_own();
	new = issue(NULL);
	limited = issue(&(struct wish) { .uses = 9 });
	for (i = 0; i < 5; i++) {
		assert_int_equal(daemon_check(client, new.text), TG_OK);
		assert_int_equal(daemon_check(client, limited.text), TG_OK);
		assert_int_equal(daemon_check(client, old.text), TG_NO_MATCH);
		swap_stores();
		assert_int_equal(daemon_check(client, old_limited.text), TG_OK);
		assert_int_equal(daemon_check(client, limited.text), TG_NO_MATCH);
		assert_int_equal(daemon_check(client, old.text), TG_OK);
		assert_int_equal(daemon_check(client, new.text), TG_NO_MATCH);
		swap_stores();
	}
	assert_int_equal(get(limited.id).uses_left, 4);
	drop_other();
}

static void
a_revocation_in_the_other_store_counts_as_soon_as_it_lies_there(void **state)
{
	struct issued token = issue(NULL);
	char command[512];
	unsigned fds;
	int i;

	(void)state;
	assert_int_equal(daemon_check(client, token.text), TG_OK);
	/* a copy, in which the token is dead */
	snprintf(command, sizeof(command), "cp -a '%s' '%s'", place_store(), other_store());
	assert_int_equal(system(command), 0);
	swap_stores();
	kill_token(token.id);
	assert_int_equal(daemon_check(client, token.text), TG_REVOKED);
	swap_stores();
	assert_int_equal(daemon_check(client, token.text), TG_OK);
	fds = daemon_fds(daemon_pid());
	for (i = 0; i < 20; i++) {
		swap_stores();
		assert_int_equal(daemon_check(client, token.text), i % 2 == 0 ? TG_REVOKED : TG_OK);
	}
	assert_true(daemon_fds_become(daemon_pid(), fds));
	drop_other();
}

static void
without_a_store_it_answers_unavailable_until_there_is_one(void **state)
{
	struct issued token = issue(NULL), limited = issue(&(struct wish) { .uses = 9 });
	unsigned fds = 0, before;
	struct tg_grant grant;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(daemon_check(client, token.text), TG_OK);
		assert_int_equal(daemon_check(client, limited.text), TG_OK);
		if (i == 0)
			fds = daemon_fds(daemon_pid());
		assert_int_equal(rename(place_store(), other_store()), 0);
		before = daemon_lines();
		assert_int_equal(daemon_check(client, token.text), TG_UNAVAILABLE);
		assert_non_null(strstr(tg_detail(client), "see its log"));
		assert_int_equal(daemon_check(client, limited.text), TG_UNAVAILABLE);
		assert_int_equal(daemon_ask_as(GUEST, client, "tgt1_AAAA", &grant), TG_UNAVAILABLE);
		if (daemon_logged())
			assert_non_null(strstr(daemon_line(before), "verdict=unavailable id="));
		assert_int_equal(rename(other_store(), place_store()), 0);
	}
	assert_int_equal(daemon_check(client, token.text), TG_OK);
	assert_true(daemon_fds_become(daemon_pid(), fds));
	assert_int_equal(get(limited.id).uses_left, 6);
}

static void
a_damaged_store_is_unavailable_until_it_is_mended(void **state)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "gate" };
	char good[160], bad[160];
	struct issued token = issue(NULL);
	enum tg_status r;
	uint8_t *data;
	size_t i, len, k;

	(void)state;
	for (i = 0; i < ROWS(names); i++)
		for (k = 0; k < 4; k++) {
			snprintf(good, sizeof(good), "%s/good", place_top());
			snprintf(bad, sizeof(bad), "%s", place_file(names[i]));
			data = place_read(bad, &len);
			assert_int_equal(rename(bad, good), 0);
			if (k == 0) /* short */
				place_write(bad, data, len / 3);
			else if (k == 1 && len > 0) /* of nothing */
				place_write(bad, memset(data, 0, len), len);
			else if (k == 2) /* unsafe */
				place_write(bad, data, len);
			free(data);
			if (k < 3 && access(bad, F_OK) == 0)
				assert_int_equal(chown(bad, daemon_uid(), (gid_t)-1), 0);
			if (k == 2)
				assert_int_equal(chmod(bad, 0666), 0);
			/* what it has open already may do; what it has not may not */
			r = daemon_check(client, token.text);
			if (i == 0)
				ROW(r == (k == 2 ? TG_MISCONFIGURED : TG_UNAVAILABLE),
				    "%s, %zu: %s", names[i], k, tg_status_name(r));
			else
				ROW(r == TG_UNAVAILABLE || r == TG_OK, "%s, %zu: %s", names[i], k,
				    tg_status_name(r));
			unlink(bad);
			assert_int_equal(rename(good, bad), 0);
			r = daemon_check(client, token.text);
			ROW(r == TG_OK, "%s, %zu, mended: %s", names[i], k, tg_status_name(r));
		}
}

/*
 * A branch page with a single key is one of the things that LMDB asserts never
 * to see.  Offsets in its page header.
 */
enum { PAGE = 4096, FLAGS_AT = 10, LOWER_AT = 12, BRANCH = 1, HEADER = 16 };

/* In place, as a disk does it: under who has the store open. */
static uint8_t *
damage_branches(size_t *len)
{
	static const uint8_t one_key[] = { HEADER + 2, 0 };
	uint8_t *data = place_read(place_file("data.mdb"), len);
	int fd = open(place_file("data.mdb"), O_WRONLY | O_CLOEXEC);
	size_t at, branches = 0;

	assert_true(fd >= 0);
	for (at = 0; at < *len; at += PAGE)
		if (data[at + FLAGS_AT] == BRANCH && data[at + FLAGS_AT + 1] == 0) {
			assert_int_equal(pwrite(fd, one_key, 2, (off_t)at + LOWER_AT), 2);
			branches++;
		}
	assert_true(branches > 0);
	close(fd);
	return data;
}

static void
mend(const uint8_t *data, size_t len)
{
	int fd = open(place_file("data.mdb"), O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, 0), len);
	close(fd);
}

static void
where_lmdb_gives_up_it_answers_and_makes_room_for_a_new_one(void **state)
{
	const char *const arguments[] = { "--config", place_config(), NULL };
	struct issued token = issue(NULL), limited = issue(&(struct wish) { .uses = 9 });
	struct tg *tg = open_now();
	uint8_t *data;
	size_t len;
	pid_t pid;
	int i;

	(void)state;
	for (i = 0; i < 150; i++) /* more than one page */
		place_issue(tg, NULL);
	tg_close(&tg);
	daemon_stop();
	for (i = 0; i < 2; i++) {
		pid = daemon_spawn(arguments, NULL);
		assert_true(daemon_await(pid, daemon_socket()));
		assert_int_equal(daemon_check(client, token.text), TG_OK);
		assert_int_equal(daemon_check(client, limited.text), TG_OK);
		data = damage_branches(&len);
		assert_int_equal(daemon_check(client, token.text), TG_UNAVAILABLE);
		ROW(strstr(tg_detail(client), "see its log") != NULL, "%s", tg_detail(client));
		assert_int_equal(place_wait(pid), EXIT_FAILURE); /* for who starts it again */
		assert_non_null(strstr(daemon_said(), "tokgated: LMDB gave up"));
		mend(data, len);
		free(data);
	}
	daemon_start();
	assert_int_equal(daemon_check(client, token.text), TG_OK);
	assert_int_equal(daemon_check(client, limited.text), TG_OK);
	assert_int_equal(get(limited.id).uses_left, 6);
}

static void
it_starts_without_a_store_and_serves_the_one_that_comes(void **state)
{
	struct issued token;

	(void)state;
	daemon_stop();
	place_clear();
	daemon_start();
	assert_int_equal(daemon_check(client, place_unknown().text), TG_UNAVAILABLE);
	assert_true(strncmp(daemon_said(), "tokgated: ", 10) == 0);
	assert_non_null(strstr(daemon_said(), place_store()));
	assert_ptr_equal(strchr(daemon_said(), '\n'), daemon_said() + strlen(daemon_said()) - 1);
	place_init();
	/* not its own: root made it for itself */
	assert_int_equal(daemon_check(client, place_unknown().text), TG_UNAVAILABLE);
	daemon_own();
	token = issue(NULL);
	assert_int_equal(daemon_check(client, token.text), TG_OK);
}

/* ---- revoking ---- */

static void
a_revocation_is_confirmed_by_the_daemon(void **state)
{
	struct issued token = issue(NULL), other_token = issue(&(struct wish) { .owner = "bob" });
	struct tg *tg = daemon_client();
	struct tg_grant grant;

	(void)state;
	ROW(tg_revoke(tg, token.id, "root", NULL) == TG_OK, "%s", tg_detail(tg));
	assert_int_equal(daemon_check(client, token.text), TG_REVOKED);
	ROW(tg_revoke(tg, token.id, "root", NULL) == TG_OK, "%s", tg_detail(tg));
	ROW(tg_revoke_all(tg, "bob", "root", NULL, NULL, NULL) == TG_OK, "%s", tg_detail(tg));
	assert_int_equal(daemon_check_as(0, client, other_token.text, &upload, &grant), TG_REVOKED);
	/* and where none listens there is nobody to confirm */
	token = issue(NULL);
	daemon_stop();
	ROW(tg_revoke(tg, token.id, "root", NULL) == TG_OK, "%s", tg_detail(tg));
	daemon_start();
	assert_int_equal(daemon_check(client, token.text), TG_REVOKED);
	tg_close(&tg);
}

static void
a_revocation_that_the_daemon_does_not_confirm_is_said(void **state)
{
	struct issued token[4] = { issue(NULL), issue(NULL), issue(NULL), issue(NULL) },
		      bob = issue(&(struct wish) { .owner = "bob" });
	char config[256], path[160];
	struct tg *tg = daemon_client(), *elsewhere;
	pid_t pid = daemon_pid();
	size_t i;
	int n;

	(void)state;
	/* stopped, it says nothing */
	place_stop(pid);
	assert_int_equal(tg_revoke(tg, token[0].id, "root", NULL), TG_UNAVAILABLE);
	ROW(strstr(tg_detail(tg), daemon_socket()) != NULL, "'%s'", tg_detail(tg));
	assert_int_equal(tg_revoke_all(tg, "bob", "root", NULL, NULL, NULL), TG_UNAVAILABLE);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(daemon_check(client, token[0].text), TG_REVOKED); /* but it was done */
	assert_int_equal(daemon_check(client, bob.text), TG_REVOKED);
	ROW(tg_revoke(tg, token[0].id, "root", NULL) == TG_OK, "%s", tg_detail(tg));

	/* a daemon of another store */
	assert_int_equal(rename(place_store(), other_store()), 0);
	place_init();
	daemon_own();
	snprintf(path, sizeof(path), "%s/elsewhere", place_top());
	n = snprintf(config, sizeof(config), "store = %s\nuid = %u\nsocket = %s\n", other_store(),
	    daemon_uid(), daemon_socket());
	place_write(path, config, (size_t)n);
	assert_int_equal(tg_open(path, NULL, &elsewhere), TG_OK);
	assert_int_equal(tg_revoke(elsewhere, token[1].id, "root", NULL), TG_UNAVAILABLE);
	ROW(strstr(tg_detail(elsewhere), "another one") != NULL, "'%s'", tg_detail(elsewhere));

	/* a daemon that has lost its store */
	place_clear();
	assert_int_equal(tg_revoke(elsewhere, token[2].id, "root", NULL), TG_UNAVAILABLE);
	assert_int_equal(rename(other_store(), place_store()), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(daemon_check(client, token[i].text), TG_REVOKED);
	assert_int_equal(daemon_check(client, token[3].text), TG_OK);
	tg_close(&elsewhere);
	tg_close(&tg);
	unlink(path);
}

int
main(void)
{
#define ENTRY(sentence, name) { sentence, name, serve_client, dismiss_client, NULL },
#define ASKED(sentence, name) \
	{ \
		(sentence), (name), serve_client, dismiss_client, NULL \
	}
	struct CMUnitTest tests[] = {
		VERDICTS(ENTRY) ASKED("random questions are answered as they are directly",
		    random_questions_are_answered_as_they_are_directly),
		ASKED("a ticket is asked again through it", a_ticket_is_asked_again_through_it),
		ASKED("what is no ticket of the store is no match through it",
		    what_is_no_ticket_of_the_store_is_no_match_through_it),
		ASKED("the last use and the last refusal are kept through it",
		    the_last_use_and_the_last_refusal_are_kept_through_it),
		ASKED("a limited token is consumed through it",
		    a_limited_token_is_consumed_through_it),
		ASKED("the line names the peer and what it merely claims",
		    the_line_names_the_peer_and_what_it_merely_claims),
		ASKED("a use of a limited token leaves one line too",
		    a_use_of_a_limited_token_leaves_one_line_too),
		ASKED("who asks leaves no line of its own for what was answered",
		    who_asks_leaves_no_line_of_its_own_for_what_was_answered),
		ASKED("another store at its path is noticed at the next question",
		    another_store_at_its_path_is_noticed_at_the_next_question),
		ASKED("a revocation in the other store counts as soon as it lies there",
		    a_revocation_in_the_other_store_counts_as_soon_as_it_lies_there),
		ASKED("without a store it answers unavailable until there is one",
		    without_a_store_it_answers_unavailable_until_there_is_one),
		ASKED("a damaged store is unavailable until it is mended",
		    a_damaged_store_is_unavailable_until_it_is_mended),
		ASKED("where LMDB gives up it answers and makes room for a new one",
		    where_lmdb_gives_up_it_answers_and_makes_room_for_a_new_one),
		ASKED("it starts without a store and serves the one that comes",
		    it_starts_without_a_store_and_serves_the_one_that_comes),
		ASKED("a revocation is confirmed by the daemon",
		    a_revocation_is_confirmed_by_the_daemon),
		ASKED("a revocation that the daemon does not confirm is said",
		    a_revocation_that_the_daemon_does_not_confirm_is_said),
	};

	return RUN_DAEMON(tests);
}
