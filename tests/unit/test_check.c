/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lmdb_hand.h"
#include "place.h"
#include "token.h"
#include "verdicts.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static const struct tg_grant nothing;

static enum tg_status
check(struct tg *tg, const char *text, const struct tg_request *req, struct tg_grant *grant)
{
	memset(grant, 0xff, sizeof(*grant));
	return tg_check(tg, text, strlen(text), req, grant);
}

/* Nothing but what the holder may be told of a refusal. */
static bool
grants_nothing(const struct tg_grant *grant)
{
	return grant->nscopes == 0 && grant->identity[0] == '\0' && grant->ticket[0] == '\0' &&
	    memcmp(grant->scopes, nothing.scopes, sizeof(nothing.scopes)) == 0;
}

/* ---- the table of verdicts ---- */

static void
renew(void)
{
	place_clear();
	place_init();
}

static enum tg_status
check_directly(const char *text, size_t len, const struct tg_request *req, struct tg_grant *out)
{
	struct tg *tg = place_open();
	enum tg_status r = tg_check(tg, text, len, req, out);

	tg_close(&tg);
	return r;
}

static const struct way directly = { PLACE_NOW, renew, check_directly, place_line };

#define DIRECTLY(sentence, name) \
	static void name(void **state) \
	{ \
		(void)state; \
		verdicts_##name(&directly); \
	}
VERDICTS(DIRECTLY)

static void
a_missing_owner_is_a_suspended_one(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);

	(void)state;
	hand_delete("owners", "alice", 5);
	assert_int_equal(place_check(tg, token.text), TG_OWNER_SUSPENDED);
	place_issue(tg, NULL);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	tg_close(&tg);
}

static void
a_token_loses_what_its_owner_loses_and_regains_it(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);

	(void)state;
	place_owner(tg, "alice", true, NULL);
	assert_int_equal(place_check(tg, token.text), TG_OWNER_SUSPENDED);
	place_owner(tg, "alice", false, "");
	assert_int_equal(place_check(tg, token.text), TG_BEYOND_CEILING);
	place_owner(tg, "alice", false, "sftp:upload:de*");
	assert_int_equal(place_check(tg, token.text), TG_OK);
	place_owner(tg, "alice", false, "sftp:list");
	assert_int_equal(place_check(tg, token.text), TG_BEYOND_CEILING);
	place_owner(tg, "alice", false, NULL);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	tg_close(&tg);
}

/* ---- the text ---- */

/* Reads no further than it was told: the copy has nothing behind it. */
static enum tg_status
check_bytes(struct tg *tg, const char *text, size_t len)
{
	static const struct tg_request req = {
		.service = "sftp", .action = "upload", .resource = "demo"
	};
	struct tg_grant grant;
	char *exact = malloc(len > 0 ? len : 1);
	enum tg_status r;

	assert_non_null(exact);
	if (len > 0)
		memcpy(exact, text, len);
	r = tg_check(tg, exact, len, &req, &grant);
	free(exact);
	return r;
}

static void
a_huge_password_takes_no_time(void **state)
{
	enum { SIZE = 1 << 20 };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	char *text = malloc(SIZE);
	int64_t start = place_ms();

	(void)state;
	assert_non_null(text);
	memset(text, 'a', SIZE);
	assert_int_equal(check_bytes(tg, text, SIZE), TG_NOT_A_TOKEN);
	memcpy(text, token.text, 64);
	assert_int_equal(check_bytes(tg, text, SIZE), TG_MALFORMED);
	memset(text, ' ', SIZE);
	assert_int_equal(check_bytes(tg, text, SIZE), TG_NOT_A_TOKEN);
	assert_true(place_ms() - start < 2000);
	free(text);
	tg_close(&tg);
}

static void
a_token_of_another_prefix_is_malformed(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	struct token parts;
	char text[TG_TOKEN_MAX + 1];

	(void)state;
	assert_true(token_parse(token.text, strlen(token.text), &parts));
	token_format("tkh", parts.id, parts.secret, text);
	assert_int_equal(place_check(tg, text), TG_MALFORMED);
	token_format("tk", parts.id, parts.secret, text);
	assert_int_equal(place_check(tg, text), TG_MALFORMED);
	tg_close(&tg);
}

static void
unknown_ids_and_wrong_secrets_answer_equally(void **state)
{
	static const struct tg_request req = { .service = "sftp", .login = "alice" };
	struct tg *tg = place_open();
	const struct issued known = place_issue(tg, NULL), wrong = place_other_secret(&known),
			    unknown = place_unknown();
	struct tg_grant grant[2];
	char line[2][256], *id;

	(void)state;
	assert_int_equal(check(tg, wrong.text, &req, &grant[0]), TG_NO_MATCH);
	assert_string_equal(tg_detail(tg), "");
	snprintf(line[0], sizeof(line[0]), "%s", place_line());
	assert_int_equal(check(tg, unknown.text, &req, &grant[1]), TG_NO_MATCH);
	assert_string_equal(tg_detail(tg), "");
	snprintf(line[1], sizeof(line[1]), "%s", place_line());
	assert_memory_equal(&grant[0], &nothing, sizeof(nothing));
	assert_memory_equal(&grant[1], &nothing, sizeof(nothing));
	assert_non_null(id = strstr(line[1], unknown.id));
	memcpy(id, wrong.id, TG_ID_LEN);
	assert_string_equal(line[0], line[1]);
	tg_close(&tg);
}

static void
the_stand_in_for_unknown_ids_can_never_match(void **state)
{
	struct issued stand_in = { .id = "0000000000" };
	struct tg *tg = place_open();
	size_t i;

	(void)state;
	for (i = 0; i < 100; i++) {
		stand_in = place_other_secret(&stand_in);
		assert_int_equal(place_check(tg, stand_in.text), TG_NO_MATCH);
	}
	tg_close(&tg);
}

/* ---- a handle that does not work ---- */

/* From here on, nothing but the clock, who we are and leaving. */
static bool
give_up_system_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_geteuid, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { .len = ROWS(filter), .filter = filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}

struct question {
	struct tg *tg;
	const char *text;
};

enum { NO_FENCE = 100 };

static int
answer_without_system_calls(void *arg)
{
	const struct question *q = arg;

	return give_up_system_calls() ? (int)place_check(q->tg, q->text) & 0x7f : NO_FENCE;
}

static int
ask_fenced(struct tg *tg, const char *text)
{
	struct question q = { tg, text };

	return place_child(answer_without_system_calls, &q);
}

static void
keep_nothing(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static const struct {
	const char *config, *store;
	enum tg_status opened, answer;
} unfit[] = {
	{ NULL, "/nonexistent/store", TG_OK, TG_UNAVAILABLE },
	{ NULL, "/proc/self/mem", TG_OK, TG_UNAVAILABLE },
	{ NULL, "not/absolute", TG_MISCONFIGURED, TG_MISCONFIGURED },
	{ "/nonexistent", NULL, TG_MISCONFIGURED, TG_MISCONFIGURED },
	{ "/dev/null", NULL, TG_MISCONFIGURED, TG_MISCONFIGURED },
};

static struct tg *
open_unfit(size_t i)
{
	enum tg_status r;
	struct tg *tg;

	r = tg_open(unfit[i].config != NULL ? unfit[i].config : place_config(), unfit[i].store,
	    &tg);
	ROW(r == unfit[i].opened, "row %zu: %s", i, tg_status_name(r));
	tg_set_log(tg, keep_nothing, NULL);
	tg_set_now(tg, PLACE_NOW);
	return tg;
}

static void
texts_that_are_no_token_are_answered_without_touching_a_file(void **state)
{
	struct issued unknown = place_unknown();
	struct tg *tg;
	size_t i;

	(void)state;
	if (PLACE_SANITIZED)
		SKIP("the sanitizers make system calls of their own");
	tg = place_open();
	if (ask_fenced(tg, "password") == NO_FENCE)
		SKIP("system calls cannot be fenced off here");
	assert_int_equal(ask_fenced(tg, unknown.text), -SIGSYS); /* the fence bites */
	tg_close(&tg);
	for (i = 0; i < ROWS(unfit); i++) {
		tg = open_unfit(i);
		ROW(ask_fenced(tg, "password") == TG_NOT_A_TOKEN, "row %zu", i);
		unknown.text[10] = '_';
		ROW(ask_fenced(tg, unknown.text) == TG_MALFORMED, "row %zu", i);
		tg_close(&tg);
	}
}

static bool
see_token(void *arg, const struct tg_token *token)
{
	(void)token;
	*(bool *)arg = true;
	return true;
}

static bool
see_entry(void *arg, const struct tg_entry *entry)
{
	(void)entry;
	*(bool *)arg = true;
	return true;
}

static void
a_handle_that_did_not_open_answers_every_call_with_that(void **state)
{
	struct issued unknown = place_unknown();
	char text[TG_TOKEN_MAX + 1], prefix[TG_PREFIX_MAX + 1];
	struct tg_owner owner = { .name = "alice" };
	struct tg_token token;
	struct tg_grant grant;
	enum tg_status want;
	bool seen = false;
	struct tg *tg;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(unfit); i++) {
		tg = open_unfit(i);
		want = unfit[i].answer;
		place_wish(&(struct wish) { .name = "" }, &token);
		ROW(place_check(tg, unknown.text) == want, "check, row %zu", i);
		ROW(tg_ask(tg, "tgt1_AAAA", &grant) == want, "ask, row %zu", i);
		ROW(tg_issue(tg, &token, text) == want && text[0] == '\0', "issue, row %zu", i);
		ROW(tg_get(tg, unknown.id, &token) == want, "get, row %zu", i);
		ROW(tg_each(tg, NULL, see_token, &seen) == want, "each, row %zu", i);
		ROW(tg_log(tg, see_entry, &seen) == want, "log, row %zu", i);
		ROW(tg_revoke(tg, unknown.id, "root", NULL) == want, "revoke, row %zu", i);
		ROW(tg_revoke_all(tg, NULL, "root", NULL, NULL, NULL) == want,
		    "revoke all, row %zu", i);
		ROW(tg_owner_set(tg, &owner, "root") == want, "set owner, row %zu", i);
		ROW(tg_owner_get(tg, "alice", &owner) == want, "get owner, row %zu", i);
		ROW(tg_prefix(tg, prefix) == want, "prefix, row %zu", i);
		ROW(tg_hold(tg) == want, "hold, row %zu", i);
		ROW(tg_detail(tg)[0] != '\0', "row %zu", i);
		ROW(!seen, "row %zu", i);
		tg_close(&tg);
	}
}

static void
a_failed_handle_answers_bad_arguments_with_its_failure_too(void **state)
{
	struct tg_owner owner = { .name = "not valid" };
	bool seen = false, made;
	struct tg_token token;
	struct tg *tg;

	(void)state;
	assert_int_equal(tg_open("/nonexistent", NULL, &tg), TG_MISCONFIGURED);
	place_wish(&(struct wish) { .name = "" }, &token);
	assert_int_equal(tg_get(tg, "?", &token), TG_MISCONFIGURED);
	assert_int_equal(tg_each(tg, "not valid", see_token, &seen), TG_MISCONFIGURED);
	assert_int_equal(tg_owner_get(tg, "not valid", &owner), TG_MISCONFIGURED);
	assert_int_equal(tg_owner_set(tg, &owner, "root"), TG_MISCONFIGURED);
	assert_int_equal(tg_revoke(tg, "?", "root", NULL), TG_MISCONFIGURED);
	assert_int_equal(tg_change(tg, "?", &token, "root"), TG_MISCONFIGURED);
	assert_int_equal(tg_init(tg, 0, 0, "?", "root", &made), TG_MISCONFIGURED);
	tg_close(&tg);
}

/* ---- the audit line ---- */

static void
each_check_leaves_one_line(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	static const struct {
		struct tg_request req;
		const char *rest;
	} rows[] = {
		{ { .service = "sftp", .action = "upload", .resource = "demo" },
		    "login=__token__ service=sftp action=upload resource=demo source=-" },
		{ { .service = "sftp", .login = "bob uid=0", .source = "192.0.2.1" },
		    "login=bob%20uid%3D0 service=sftp action=login resource=* source=192.0.2.1" },
		{ { .service = "sftp", .gate = true, .dry_run = true },
		    "login=__token__ service=sftp action=- resource=(gate) source=-" },
		{ { .service = "sftp", .action = "upload", .resource = "demo", .source = "a b" },
		    "login=__token__ service=sftp action=upload resource=demo source=a%20b" },
		{ { .service = "ftp", .login = "" },
		    "login=__token__ service=ftp action=login resource=* source=-" },
	};
	char want[512];
	struct tg_grant grant;
	enum tg_status r;
	unsigned before;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		before = place_lines();
		r = check(tg, token.text, &rows[i].req, &grant);
		snprintf(want, sizeof(want), "tokgate: verdict=%s id=%s owner=alice %s uid=%u",
		    tg_status_name(r), token.id, rows[i].rest, (unsigned)geteuid());
		assert_string_equal(place_line(), want);
		assert_int_equal(place_lines(), before + 1);
	}
	before = place_lines();
	assert_int_equal(place_check(tg, "password"), TG_NOT_A_TOKEN);
	snprintf(want, sizeof(want),
	    "tokgate: verdict=not-a-token id=- owner=- login=__token__ "
	    "service=sftp action=upload resource=demo source=- uid=%u",
	    (unsigned)geteuid());
	assert_string_equal(place_line(), want);
	place_clear();
	assert_int_equal(place_check(tg, token.text), TG_UNAVAILABLE);
	snprintf(want, sizeof(want), "tokgate: verdict=unavailable id=%s owner=- ", token.id);
	assert_memory_equal(place_line(), want, strlen(want));
	assert_int_equal(place_lines(), before + 2);
	tg_close(&tg);
}

/* Any eight characters of it in a row would be too many. */
static bool
shows(const char *text, const char *secret, size_t len)
{
	char part[9] = "";
	size_t i;

	for (i = 0; i + 8 <= len; i++) {
		memcpy(part, secret + i, 8);
		if (strstr(text, part) != NULL)
			return true;
	}
	return false;
}

static void
the_secret_is_shown_nowhere(void **state)
{
	struct tg *tg = place_open(), *gone;
	struct issued token = place_issue(tg, &(struct wish) { .uses = 2 });
	const char *secret = token.text + 4 + TG_ID_LEN + 1;
	struct tg_request req = { .service = "sftp", .action = "upload", .resource = "demo" };
	struct tg_grant grant;
	size_t i;

	(void)state;
	assert_int_equal(tg_open(place_config(), "/nonexistent/store", &gone), TG_OK);
	for (i = 0; i < 6; i++) {
		req.service = i == 3 ? NULL : "sftp"; /* invalid */
		req.action = i == 1 ? "list" : "upload";
		check(i == 4 ? gone : tg, token.text, &req, &grant);
		token.text[63] ^= i == 4;
		ROW(!shows(place_line(), secret, 49), "%s", place_line());
		ROW(!shows(tg_detail(tg), secret, 49), "%s", tg_detail(tg));
		ROW(!shows(tg_detail(gone), secret, 49), "%s", tg_detail(gone));
		ROW(!shows(grant.text, secret, 49), "%s", grant.text);
		ROW(!shows(grant.ticket, secret, 49), "%s", grant.ticket);
	}
	assert_int_equal(tg_get(tg, token.text, &(struct tg_token) { 0 }), TG_NO_MATCH);
	assert_int_equal(tg_revoke(tg, token.text, "root", NULL), TG_NO_MATCH);
	ROW(!shows(tg_detail(tg), secret, 49), "%s", tg_detail(tg));
	tg_close(&tg);
	tg_close(&gone);
}

static void
the_secret_is_in_no_file_of_the_store(void **state)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "gate", "usage" };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, &(struct wish) { .uses = 2 });
	uint8_t *data;
	size_t i, len;

	(void)state;
	assert_int_equal(place_check(tg, token.text), TG_OK);
	for (i = 0; i < ROWS(names); i++) {
		data = place_read(place_file(names[i]), &len);
		ROW(memmem(data, len, token.text + 15, 12) == NULL, "%s", names[i]);
		free(data);
	}
	tg_close(&tg);
}

/* ---- uses and refusals ---- */

static struct tg_token
get(struct tg *tg, const char *id)
{
	struct tg_token token;

	ROW(tg_get(tg, id, &token) == TG_OK, "%s", tg_detail(tg));
	return token;
}

static void
a_limited_token_is_consumed_by_each_yes(void **state)
{
	static const struct tg_request wrong = { .service = "ftp" };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, &(struct wish) { .uses = 2 });
	struct tg_grant grant;

	(void)state;
	assert_int_equal(check(tg, token.text, &wrong, &grant), TG_WRONG_SERVICE);
	assert_int_equal(place_check(tg, place_other_secret(&token).text), TG_NO_MATCH);
	assert_int_equal(get(tg, token.id).uses_left, 2);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	assert_int_equal(get(tg, token.id).uses_left, 1);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	assert_int_equal(get(tg, token.id).uses_left, 0);
	assert_int_equal(get(tg, token.id).state, TG_USED_UP);
	assert_int_equal(place_check(tg, token.text), TG_USED_UP);
	assert_int_equal(get(tg, token.id).uses_left, 0);
	assert_int_equal(get(tg, token.id).last_used.count, 2);
	tg_close(&tg);
}

static void
a_held_store_gives_the_same_verdicts(void **state)
{
	static const struct tg_request wrong = { .service = "ftp" };
	struct tg *tg = place_open();
	struct issued one = place_issue(tg, &(struct wish) { .uses = 1 }),
		      token = place_issue(tg, NULL);
	struct tg_grant grant, again;

	(void)state;
	assert_int_equal(tg_hold(tg), TG_OK);
	assert_int_equal(tg_hold(tg), TG_OK);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	assert_int_equal(place_check(tg, one.text), TG_OK);
	assert_int_equal(place_check(tg, one.text), TG_USED_UP);
	assert_int_equal(place_check(tg, place_unknown().text), TG_NO_MATCH);
	assert_int_equal(check(tg, token.text, &wrong, &grant), TG_WRONG_SERVICE);
	assert_int_equal(check(tg, token.text,
			     &(struct tg_request) { .service = "sftp", .gate = true }, &grant),
	    TG_OK);
	assert_int_equal(tg_ask(tg, grant.ticket, &again), TG_OK);
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_OK);
	assert_int_equal(place_check(tg, token.text), TG_REVOKED);
	assert_int_equal(tg_ask(tg, grant.ticket, &again), TG_REVOKED);
	tg_close(&tg);
}

static void
a_dry_run_changes_nothing(void **state)
{
	static const struct tg_request good = { .service = "sftp",
		.action = "upload",
		.resource = "demo",
		.dry_run = true },
				       wrong = { .service = "ftp", .dry_run = true };
	struct tg *tg = place_open();
	struct issued one = place_issue(tg, &(struct wish) { .uses = 1 }),
		      any = place_issue(tg, NULL);
	uint8_t *before[2], *after[2];
	size_t len[2], len_after[2];
	struct tg_grant grant;
	unsigned lines = place_lines();

	(void)state;
	before[0] = place_read(place_file("data.mdb"), &len[0]);
	before[1] = place_read(place_file("usage"), &len[1]);
	tg_set_now(tg, PLACE_NOW + DAY);
	assert_int_equal(check(tg, one.text, &good, &grant), TG_OK);
	assert_int_equal(check(tg, one.text, &good, &grant), TG_OK);
	assert_int_equal(check(tg, any.text, &good, &grant), TG_OK);
	assert_int_equal(check(tg, any.text, &wrong, &grant), TG_WRONG_SERVICE);
	assert_int_equal(check(tg, place_unknown().text, &good, &grant), TG_NO_MATCH);
	assert_int_equal(place_lines(), lines + 5);
	after[0] = place_read(place_file("data.mdb"), &len_after[0]);
	after[1] = place_read(place_file("usage"), &len_after[1]);
	assert_int_equal(len[0], len_after[0]);
	assert_int_equal(len[1], len_after[1]);
	assert_memory_equal(before[0], after[0], len[0]);
	assert_memory_equal(before[1], after[1], len[1]);
	free(before[0]);
	free(before[1]);
	free(after[0]);
	free(after[1]);
	tg_close(&tg);
}

static void
the_last_use_and_the_last_refusal_are_kept(void **state)
{
	struct tg_request req = {
		.service = "sftp", .action = "upload", .resource = "demo", .source = "192.0.2.1"
	};
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL), other = place_issue(tg, NULL);
	struct tg_grant grant;
	struct tg_token t = get(tg, token.id);

	(void)state;
	assert_int_equal(t.last_used.at, 0);
	assert_int_equal(t.last_refused.at, 0);

	assert_int_equal(check(tg, token.text, &req, &grant), TG_OK);
	tg_set_now(tg, PLACE_NOW + 60);
	req.source = "2001:db8::7";
	assert_int_equal(check(tg, token.text, &req, &grant), TG_OK);
	t = get(tg, token.id);
	assert_int_equal(t.last_used.at, PLACE_NOW + 60);
	assert_int_equal(t.last_used.count, 2);
	assert_int_equal(t.last_used.why, TG_OK);
	assert_string_equal(t.last_used.service, "sftp");
	assert_string_equal(t.last_used.source, "2001:db8::7");
	assert_int_equal(t.last_refused.at, 0);

	tg_set_now(tg, PLACE_NOW + 120);
	req.service = "a2345678901234567890123456789012";
	req.source = NULL;
	assert_int_equal(check(tg, token.text, &req, &grant), TG_WRONG_SERVICE);
	t = get(tg, token.id);
	assert_int_equal(t.last_refused.at, PLACE_NOW + 120);
	assert_int_equal(t.last_refused.count, 1);
	assert_int_equal(t.last_refused.why, TG_WRONG_SERVICE);
	assert_string_equal(t.last_refused.service, req.service);
	assert_string_equal(t.last_refused.source, "");
	assert_int_equal(t.last_used.at, PLACE_NOW + 60);
	assert_int_equal(t.last_used.count, 2);

	/* a guess at its secret is nobody's refusal */
	assert_int_equal(place_check(tg, place_other_secret(&token).text), TG_NO_MATCH);
	assert_int_equal(get(tg, token.id).last_refused.count, 1);
	t = get(tg, other.id);
	assert_int_equal(t.last_used.at, 0);
	assert_int_equal(t.last_refused.at, 0);
	tg_close(&tg);
}

static void
an_idle_token_dies_and_each_use_puts_it_off(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, &(struct wish) { .idle_s = DAY });
	int i;

	(void)state;
	for (i = 1; i <= 3; i++) {
		tg_set_now(tg, PLACE_NOW + i * (DAY - 1));
		assert_int_equal(place_check(tg, token.text), TG_OK);
	}
	tg_set_now(tg, PLACE_NOW + 3 * (DAY - 1) + DAY);
	assert_int_equal(get(tg, token.id).state, TG_IDLE);
	assert_int_equal(place_check(tg, token.text), TG_IDLE);
	/* the refusal was no use */
	assert_int_equal(place_check(tg, token.text), TG_IDLE);
	tg_close(&tg);
}

static void
where_the_last_use_is_lost_idle_time_counts_from_the_durable_mark(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, &(struct wish) { .idle_s = DAY }),
		      limited = place_issue(tg, &(struct wish) { .idle_s = DAY, .uses = 9 }),
		      later = place_issue(tg,
			  &(struct wish) { .idle_s = DAY, .not_before = PLACE_NOW + DAY });
	size_t len;
	uint8_t *usage;

	(void)state;
	tg_set_now(tg, PLACE_NOW + DAY - 1);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	assert_int_equal(place_check(tg, limited.text), TG_OK);
	usage = place_read(place_file("usage"), &len);
	memset(usage, 0, len);
	place_write(place_file("usage"), usage, len);
	free(usage);
	assert_int_equal(place_check(tg, later.text), TG_NOT_YET_VALID);
	tg_set_now(tg, PLACE_NOW + DAY);
	assert_int_equal(place_check(tg, token.text), TG_IDLE); /* marked when it was issued */
	assert_int_equal(place_check(tg, limited.text), TG_OK); /* marked by its use */
	assert_int_equal(place_check(tg, later.text), TG_OK);   /* marked at its start */
	assert_int_equal(unlink(place_file("usage")), 0);
	assert_int_equal(place_check(tg, token.text), TG_IDLE);
	assert_int_equal(place_check(tg, limited.text), TG_OK);
	tg_set_now(tg, PLACE_NOW + DAY + DAY);
	assert_int_equal(place_check(tg, limited.text), TG_IDLE);
	tg_close(&tg);
}

static void
no_verdict_depends_on_the_sidecar_otherwise(void **state)
{
	static const char *const states[] = { "missing", "empty", "a link", "a directory" };
	struct tg *tg = place_open();
	struct issued any = place_issue(tg, NULL),
		      one = place_issue(tg, &(struct wish) { .uses = 4 });
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(states); i++) {
		unlink(place_file("usage"));
		if (i == 1)
			place_write(place_file("usage"), "", 0);
		else if (i == 2)
			assert_int_equal(symlink("data.mdb", place_file("usage")), 0);
		else if (i == 3)
			assert_int_equal(mkdir(place_file("usage"), 0700), 0);
		ROW(place_check(tg, any.text) == TG_OK, "%s: %s", states[i], tg_detail(tg));
		ROW(place_check(tg, one.text) == TG_OK, "%s: %s", states[i], tg_detail(tg));
	}
	assert_int_equal(place_check(tg, one.text), TG_USED_UP);
	rmdir(place_file("usage"));
	tg_close(&tg);
}

/* ---- somebody who does not go on ---- */

/* A lock of this process's own on a byte of the lock file, as one who was stopped there has it. */
static int
lock_for_good(off_t at)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
	int fd = open(place_file("gate"), O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	return fd;
}

static void
who_stopped_while_opening_holds_up_no_login_for_good(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	int fd = lock_for_good((off_t)1 << 40);

	(void)state;
	alarm(30); /* a login that waits for ever ends here */
	assert_int_equal(place_check(tg, token.text), TG_UNAVAILABLE);
	assert_non_null(strstr(tg_detail(tg), "opened by another process"));
	alarm(0);
	close(fd);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	tg_close(&tg);
}

static void
who_stopped_while_writing_is_named_to_the_next_writer(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL),
		      once = place_issue(tg, &(struct wish) { .uses = 1 });
	char process[32];
	int fd = lock_for_good(0);

	(void)state;
	snprintf(process, sizeof(process), "process %d,", (int)getpid());
	alarm(30);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	assert_int_equal(place_check(tg, once.text), TG_UNAVAILABLE);
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_UNAVAILABLE);
	assert_non_null(strstr(tg_detail(tg), process)); /* who wrote last: this one issued */
	alarm(0);
	close(fd);
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_OK);
	assert_int_equal(place_check(tg, once.text), TG_OK);
	tg_close(&tg);
}

/* ---- time ---- */

static void
the_clock_decides_to_the_second(void **state)
{
	static const struct {
		struct wish wish;
		int64_t now;
		enum tg_status verdict;
	} rows[] = {
		{ { .expires_at = PLACE_NOW + HOUR }, PLACE_NOW + HOUR - 1, TG_OK },
		{ { .expires_at = PLACE_NOW + HOUR }, PLACE_NOW + HOUR, TG_EXPIRED },
		{ { .expires_at = PLACE_NOW + HOUR }, INT64_MAX, TG_EXPIRED },
		{ { .not_before = PLACE_NOW + HOUR }, PLACE_NOW + HOUR - 1, TG_NOT_YET_VALID },
		{ { .not_before = PLACE_NOW + HOUR }, PLACE_NOW + HOUR, TG_OK },
		{ { .not_before = PLACE_NOW - HOUR }, PLACE_NOW, TG_OK },
		{ { .idle_s = HOUR }, PLACE_NOW + HOUR - 1, TG_OK },
		{ { .idle_s = HOUR }, PLACE_NOW + HOUR, TG_IDLE },
		{ { .idle_s = TG_IDLE_MAX_S }, (int64_t)PLACE_NOW + TG_IDLE_MAX_S, TG_IDLE },
		/* a clock before the token's creation */
		{ { .name = "" }, PLACE_NOW - 300, TG_OK },
		{ { .name = "" }, PLACE_NOW - 301, TG_NOT_YET_VALID },
		{ { .name = "" }, 1, TG_NOT_YET_VALID },
		{ { .name = "" }, -PLACE_NOW, TG_UNAVAILABLE },
		{ { .idle_s = HOUR, .expires_at = PLACE_NOW + HOUR }, PLACE_NOW - 300, TG_OK },
		{ { .name = "" }, INT64_MAX, TG_OK },
	};
	struct tg *tg = place_open();
	struct issued token;
	enum tg_status r;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		tg_set_now(tg, PLACE_NOW);
		token = place_issue(tg, &rows[i].wish);
		tg_set_now(tg, rows[i].now);
		r = place_check(tg, token.text);
		ROW(r == rows[i].verdict, "row %zu: %s", i, tg_status_name(r));
	}
	/* the system's clock: before PLACE_NOW or after an hour later, whichever it is */
	tg_set_now(tg, PLACE_NOW);
	token = place_issue(tg, &(struct wish) { .expires_at = PLACE_NOW + 1 });
	tg_set_now(tg, 0);
	r = place_check(tg, token.text);
	assert_int_equal(r, time(NULL) < PLACE_NOW ? TG_NOT_YET_VALID : TG_EXPIRED);
	tg_close(&tg);
}

/* ---- tickets ---- */

static struct tg_grant
login(struct tg *tg, const char *text, const struct tg_request *req)
{
	struct tg_grant grant;

	ROW(check(tg, text, req, &grant) == TG_OK, "%s", place_line());
	return grant;
}

static const struct tg_request gated = {
	.service = "sftp", .gate = true, .login = "alice", .source = "192.0.2.1"
};

static void
a_ticket_tells_what_is_granted_now(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg,
	    &(struct wish) { .scopes = { "sftp:upload:a", "sftp:list", "ftp" },
		.expires_at = PLACE_NOW + DAY,
		.idle_s = HOUR,
		.sources = { "192.0.2.0/24" } });
	struct tg_grant was = login(tg, token.text, &gated), now;
	unsigned lines = place_lines();
	struct tg_token before, after;

	(void)state;
	before = get(tg, token.id);
	assert_int_equal(tg_ask(tg, was.ticket, &now), TG_OK);
	assert_memory_equal(&was, &now, sizeof(now));
	assert_int_equal(now.nscopes, 2);
	place_owner(tg, "alice", false, "sftp:list:b");
	assert_int_equal(tg_ask(tg, was.ticket, &now), TG_OK);
	assert_int_equal(now.nscopes, 1);
	assert_string_equal(now.scopes[0], "sftp:list:b");
	assert_string_equal(now.ticket, was.ticket);
	after = get(tg, token.id);
	assert_memory_equal(&before.last_used, &after.last_used, sizeof(before.last_used));
	assert_int_equal(place_lines(), lines);
	tg_close(&tg);
}

static void
a_ticket_ends_with_its_token(void **state)
{
	static const struct {
		const char *what;
		enum tg_status verdict;
	} rows[] = {
		{ "revoked", TG_REVOKED },
		{ "suspended", TG_OWNER_SUSPENDED },
		{ "ceiling", TG_BEYOND_CEILING },
		{ "expired", TG_EXPIRED },
		{ "early", TG_NOT_YET_VALID },
		{ "source", TG_WRONG_SOURCE },
	};
	struct tg_token narrower;
	struct issued token;
	struct tg_grant was, now;
	enum tg_status r;
	struct tg *tg = place_open();
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		tg_set_now(tg, PLACE_NOW);
		token = place_issue(tg,
		    &(struct wish) {
			.expires_at = PLACE_NOW + DAY, .sources = { "192.0.2.0/24" } });
		place_owner(tg, "alice", false, NULL);
		was = login(tg, token.text, &gated);
		memset(&now, 0xff, sizeof(now));
		if (i == 0)
			assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_OK);
		else if (i == 1)
			place_owner(tg, "alice", true, NULL);
		else if (i == 2)
			place_owner(tg, "alice", false, "ftp");
		else if (i == 3)
			tg_set_now(tg, PLACE_NOW + DAY);
		else if (i == 4)
			tg_set_now(tg, PLACE_NOW - DAY);
		else {
			narrower = get(tg, token.id);
			strcpy(narrower.sources[0], "192.0.2.2");
			assert_int_equal(tg_change(tg, token.id, &narrower, "root"), TG_OK);
		}
		r = tg_ask(tg, was.ticket, &now);
		ROW(r == rows[i].verdict, "%s: %s", rows[i].what, tg_status_name(r));
		ROW(grants_nothing(&now), "%s", rows[i].what);
		ROW(strcmp(now.id, token.id) == 0 && strcmp(now.owner, "alice") == 0, "%s",
		    rows[i].what);
		ROW(strstr(now.text, token.id) != NULL, "%s: '%s'", rows[i].what, now.text);
	}
	tg_close(&tg);
}

static void
staying_needs_no_uses_and_no_activity(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, &(struct wish) { .uses = 1, .idle_s = HOUR });
	struct tg_grant was = login(tg, token.text, &gated), now;

	(void)state;
	assert_int_equal(place_check(tg, token.text), TG_USED_UP);
	tg_set_now(tg, PLACE_NOW + 100 * DAY);
	assert_int_equal(tg_ask(tg, was.ticket, &now), TG_OK);
	assert_int_equal(tg_ask(tg, was.ticket, &now), TG_OK);
	assert_int_equal(get(tg, token.id).uses_left, 0);
	tg_close(&tg);
}

static void
only_a_ticket_of_this_store_counts(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	struct tg_grant was = login(tg, token.text, &gated), now;
	char ticket[TG_TICKET_MAX + 8], huge[5000];
	uint8_t *store;
	size_t i, len;

	(void)state;
	for (i = 0; i < strlen(was.ticket); i++) {
		memcpy(ticket, was.ticket, sizeof(was.ticket));
		ticket[i] = ticket[i] == 'A' ? 'B' : 'A';
		memset(&now, 0xff, sizeof(now));
		ROW(tg_ask(tg, ticket, &now) == TG_NO_MATCH, "changed at %zu", i);
		ROW(memcmp(&now, &nothing, sizeof(now)) == 0, "changed at %zu", i);
		memcpy(ticket, was.ticket, sizeof(was.ticket));
		ticket[i] = '\0';
		ROW(tg_ask(tg, ticket, &now) == TG_NO_MATCH, "cut to %zu", i);
	}
	snprintf(ticket, sizeof(ticket), "%sA", was.ticket);
	assert_int_equal(tg_ask(tg, ticket, &now), TG_NO_MATCH);
	assert_int_equal(tg_ask(tg, token.text, &now), TG_NO_MATCH);
	memset(huge, 'A', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	memcpy(huge, "tgt1_", 5);
	assert_int_equal(tg_ask(tg, huge, &now), TG_NO_MATCH);

	/* the same token in another store, whose key is another one */
	store = hand_get("tokens", token.id, TG_ID_LEN, &len);
	assert_non_null(store);
	place_clear();
	place_init();
	hand_put("tokens", token.id, TG_ID_LEN, store, len);
	free(store);
	place_issue(tg, NULL); /* makes alice */
	assert_int_equal(place_check(tg, token.text), TG_OK);
	memset(&now, 0xff, sizeof(now));
	assert_int_equal(tg_ask(tg, was.ticket, &now), TG_NO_MATCH);
	assert_memory_equal(&now, &nothing, sizeof(now));
	tg_close(&tg);
}

static void
a_ticket_keeps_login_and_source(void **state)
{
	static const char *const logins[] = { "", TG_DROP_IN, "alice", "shared",
		"a234567890123456789012345678901234567890123456789012345678901234" };
	static const char *const sources[] = { NULL, "192.0.2.1", "::1",
		"2001:db8:1111:2222:3333:4444:5555:6666" };
	struct tg_request req = { .service = "a2345678901234567890123456789012" };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg,
	    &(struct wish) { .scopes = { "*" }, .logins = { "shared", logins[4] } });
	struct tg_grant was, now;
	size_t i, k;

	(void)state;
	for (i = 0; i < ROWS(logins); i++)
		for (k = 0; k < ROWS(sources); k++) {
			req.login = logins[i];
			req.source = sources[k];
			req.gate = true;
			was = login(tg, token.text, &req);
			ROW(tg_ask(tg, was.ticket, &now) == TG_OK, "%zu, %zu", i, k);
			ROW(memcmp(&was, &now, sizeof(now)) == 0, "%zu, %zu", i, k);
			ROW(strlen(was.ticket) <= TG_TICKET_MAX, "%zu, %zu", i, k);
		}
	tg_close(&tg);
}

int
main(void)
{
#define ENTRY(sentence, name) PLACED(sentence, name),
	const struct CMUnitTest tests[] = {
		VERDICTS(ENTRY) PLACED("a missing owner is a suspended one",
		    a_missing_owner_is_a_suspended_one),
		PLACED("a token loses what its owner loses and regains it",
		    a_token_loses_what_its_owner_loses_and_regains_it),
		PLACED("who stopped while opening holds up no login for good",
		    who_stopped_while_opening_holds_up_no_login_for_good),
		PLACED("who stopped while writing is named to the next writer",
		    who_stopped_while_writing_is_named_to_the_next_writer),
		PLACED("a huge password takes no time", a_huge_password_takes_no_time),
		PLACED("a token of another prefix is malformed",
		    a_token_of_another_prefix_is_malformed),
		PLACED("unknown ids and wrong secrets answer equally",
		    unknown_ids_and_wrong_secrets_answer_equally),
		PLACED("the stand-in for unknown ids can never match",
		    the_stand_in_for_unknown_ids_can_never_match),
		PLACED("texts that are no token are answered without touching a file",
		    texts_that_are_no_token_are_answered_without_touching_a_file),
		PLACED("a handle that did not open answers every call with that",
		    a_handle_that_did_not_open_answers_every_call_with_that),
		PLACED("a failed handle answers bad arguments with its failure too",
		    a_failed_handle_answers_bad_arguments_with_its_failure_too),
		PLACED("each check leaves one line", each_check_leaves_one_line),
		PLACED("the secret is shown nowhere", the_secret_is_shown_nowhere),
		PLACED("the secret is in no file of the store",
		    the_secret_is_in_no_file_of_the_store),
		PLACED("a limited token is consumed by each yes",
		    a_limited_token_is_consumed_by_each_yes),
		PLACED("a held store gives the same verdicts",
		    a_held_store_gives_the_same_verdicts),
		PLACED("a dry run changes nothing", a_dry_run_changes_nothing),
		PLACED("the last use and the last refusal are kept",
		    the_last_use_and_the_last_refusal_are_kept),
		PLACED("an idle token dies and each use puts it off",
		    an_idle_token_dies_and_each_use_puts_it_off),
		PLACED("where the last use is lost idle time counts from the durable mark",
		    where_the_last_use_is_lost_idle_time_counts_from_the_durable_mark),
		PLACED("no verdict depends on the sidecar otherwise",
		    no_verdict_depends_on_the_sidecar_otherwise),
		PLACED("the clock decides to the second", the_clock_decides_to_the_second),
		PLACED("a ticket tells what is granted now", a_ticket_tells_what_is_granted_now),
		PLACED("a ticket ends with its token", a_ticket_ends_with_its_token),
		PLACED("staying needs no uses and no activity",
		    staying_needs_no_uses_and_no_activity),
		PLACED("only a ticket of this store counts", only_a_ticket_of_this_store_counts),
		PLACED("a ticket keeps login and source", a_ticket_keeps_login_and_source),
	};

	return RUN(tests);
}
