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

/* ---- what is granted ---- */

static void
a_token_is_good_for_what_it_was_issued_for(void **state)
{
	static const struct {
		const char *what;
		struct wish wish;
		const char *ceiling; /* NULL: none */
		struct tg_request req;
		const char *identity;
		const char *scopes[4];
	} rows[] = {
		{ "drop-in login", { .scopes = { "sftp:upload:demo" } }, NULL,
		    { .service = "sftp",
			.action = "upload",
			.resource = "demo",
			.login = TG_DROP_IN },
		    "alice", { "sftp:upload:demo" } },
		{ "no login", { .scopes = { "sftp:upload:demo" } }, NULL,
		    { .service = "sftp", .action = "upload", .resource = "demo" }, "alice",
		    { "sftp:upload:demo" } },
		{ "empty login", { .scopes = { "sftp:upload:demo" } }, NULL,
		    { .service = "sftp", .action = "upload", .resource = "demo", .login = "" },
		    "alice", { "sftp:upload:demo" } },
		{ "owner's login", { .owner = "bob@example.org", .scopes = { "smtp" } }, NULL,
		    { .service = "smtp", .login = "bob@example.org" }, "bob@example.org",
		    { "smtp" } },
		{ "another login", { .scopes = { "imap" }, .logins = { "shared", "list" } }, NULL,
		    { .service = "imap", .login = "list" }, "list", { "imap" } },
		{ "login on everything by default", { .scopes = { "sshd:login" } }, NULL,
		    { .service = "sshd", .login = "alice" }, "alice", { "sshd:login" } },
		{ "a prefix of names", { .scopes = { "sftp:upload:serde-*" } }, NULL,
		    { .service = "sftp", .action = "upload", .resource = "serde-json" }, "alice",
		    { "sftp:upload:serde-*" } },
		{ "any action of any service", { .scopes = { "*" } }, NULL,
		    { .service = "imap", .action = "append", .resource = "INBOX" }, "alice",
		    { "*" } },
		{ "only the scopes that apply",
		    { .scopes = { "ftp", "sftp:upload:a", "sftp:*:demo", "sftp:upload" } }, NULL,
		    { .service = "sftp", .action = "upload", .resource = "demo" }, "alice",
		    { "sftp:*:demo", "sftp:upload" } },
		{ "deferred resource",
		    { .scopes = { "ftp", "sftp:upload:a", "sftp:upload:b*", "sftp:list" } }, NULL,
		    { .service = "sftp", .action = "upload", .resource = "x", .gate = true },
		    "alice", { "sftp:upload:a", "sftp:upload:b*" } },
		{ "deferred action", { .scopes = { "ftp", "sftp:upload:a", "sftp:list:b" } }, NULL,
		    { .service = "sftp", .gate = true }, "alice",
		    { "sftp:upload:a", "sftp:list:b" } },
		{ "reserved action, named", { .scopes = { "imap:proxy", "imap" } }, NULL,
		    { .service = "imap", .action = "proxy" }, "alice", { "imap:proxy" } },
		{ "below a ceiling", { .scopes = { "sftp", "ftp" } }, "sftp:upload:demo",
		    { .service = "sftp", .action = "upload", .resource = "demo" }, "alice",
		    { "sftp:upload:demo" } },
		{ "within a wider ceiling", { .scopes = { "sftp:upload:demo" } }, "*",
		    { .service = "sftp", .action = "upload", .resource = "demo" }, "alice",
		    { "sftp:upload:demo" } },
		{ "from a network",
		    { .scopes = { "ftp" }, .sources = { "192.0.2.0/24", "2001:db8::/32" } }, NULL,
		    { .service = "ftp", .source = "2001:db8::1" }, "alice", { "ftp" } },
		{ "from a mapped address", { .scopes = { "ftp" }, .sources = { "192.0.2.0/24" } },
		    NULL, { .service = "ftp", .source = "::ffff:192.0.2.7" }, "alice", { "ftp" } },
		{ "from nowhere in particular", { .scopes = { "ftp" } }, NULL,
		    { .service = "ftp", .source = "not an address" }, "alice", { "ftp" } },
	};
	struct issued token;
	struct tg_grant grant;
	struct tg *tg;
	size_t i, k;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		place_clear();
		place_init();
		tg = place_open();
		token = place_issue(tg, &rows[i].wish);
		if (rows[i].ceiling != NULL)
			place_owner(tg, "alice", false, rows[i].ceiling);
		ROW(check(tg, token.text, &rows[i].req, &grant) == TG_OK, "%s: %s", rows[i].what,
		    place_line());
		ROW(strcmp(grant.identity, rows[i].identity) == 0, "%s: identity '%s'",
		    rows[i].what, grant.identity);
		for (k = 0; k < 4 && rows[i].scopes[k] != NULL; k++)
			ROW(strcmp(grant.scopes[k], rows[i].scopes[k]) == 0, "%s: scope '%s'",
			    rows[i].what, grant.scopes[k]);
		ROW(grant.nscopes == k, "%s: %zu scopes", rows[i].what, grant.nscopes);
		ROW(strcmp(grant.id, token.id) == 0, "%s", rows[i].what);
		ROW(strncmp(grant.ticket, "tgt1_", 5) == 0, "%s: ticket '%s'", rows[i].what,
		    grant.ticket);
		ROW(grant.text[0] == '\0', "%s: '%s'", rows[i].what, grant.text);
		tg_close(&tg);
	}
}

/* ---- what is refused, and why first ---- */

/* In the order of judgement; each can be brought about alone and with most others. */
static const enum tg_status reasons[] = { TG_REVOKED, TG_EXPIRED, TG_NOT_YET_VALID, TG_IDLE,
	TG_USED_UP, TG_OWNER_SUSPENDED, TG_WRONG_LOGIN, TG_WRONG_SERVICE, TG_WRONG_ACTION,
	TG_WRONG_RESOURCE, TG_BEYOND_CEILING, TG_WRONG_SOURCE };

static bool
either(enum tg_status a, enum tg_status b, enum tg_status wanted)
{
	return a == wanted || b == wanted;
}

/* What begins later cannot have ended or been idle for long. */
static bool
exclude_each_other(enum tg_status a, enum tg_status b)
{
	return either(a, b, TG_NOT_YET_VALID) &&
	    (either(a, b, TG_EXPIRED) || either(a, b, TG_IDLE));
}

static struct issued
issue_refusable(struct tg *tg, const char *owner, enum tg_status a, enum tg_status b)
{
	const struct wish wish = {
		.owner = owner,
		.sources = { "192.0.2.0/24" },
		.expires_at = either(a, b, TG_EXPIRED) ? PLACE_NOW + HOUR : 0,
		.not_before = either(a, b, TG_NOT_YET_VALID) ? PLACE_NOW + 2 * DAY : 0,
		.idle_s = either(a, b, TG_IDLE) ? HOUR : 0,
		.uses = either(a, b, TG_USED_UP) ? 1 : 0,
	};
	const struct tg_request good = {
		.service = "sftp", .action = "upload", .resource = "demo", .source = "192.0.2.1"
	};
	struct issued token = place_issue(tg, &wish);
	struct tg_grant grant;

	if (either(a, b, TG_USED_UP)) {
		if (wish.not_before != 0)
			tg_set_now(tg, wish.not_before);
		assert_int_equal(check(tg, token.text, &good, &grant), TG_OK);
		tg_set_now(tg, PLACE_NOW);
	}
	if (either(a, b, TG_REVOKED))
		assert_int_equal(tg_revoke(tg, token.id, "root", "lost"), TG_OK);
	place_owner(tg, owner, either(a, b, TG_OWNER_SUSPENDED),
	    either(a, b, TG_BEYOND_CEILING) ? "http" : NULL);
	return token;
}

static void
refuse(struct tg *tg, const char *owner, enum tg_status a, enum tg_status b)
{
	const struct tg_request req = {
		.service = either(a, b, TG_WRONG_SERVICE) ? "ftp" : "sftp",
		.action = either(a, b, TG_WRONG_ACTION) ? "delete" : "upload",
		.resource = either(a, b, TG_WRONG_RESOURCE) ? "other" : "demo",
		.login = either(a, b, TG_WRONG_LOGIN) ? "mallory" : owner,
		.source = either(a, b, TG_WRONG_SOURCE) ? "198.51.100.1" : "192.0.2.1",
	};
	const char *first = tg_status_name(a < b ? a : b), *other = tg_status_name(a < b ? b : a);
	struct issued token = issue_refusable(tg, owner, a, b);
	char verdict[64];
	struct tg_grant grant;
	enum tg_status r;

	tg_set_now(tg, PLACE_NOW + DAY);
	r = check(tg, token.text, &req, &grant);
	tg_set_now(tg, PLACE_NOW);
	ROW(r == (a < b ? a : b), "%s and %s: %s", first, other, tg_status_name(r));
	ROW(grants_nothing(&grant), "%s and %s", first, other);
	ROW(strcmp(grant.id, token.id) == 0 && strcmp(grant.owner, owner) == 0,
	    "%s and %s: '%s' '%s'", first, other, grant.id, grant.owner);
	ROW(strstr(grant.text, token.id) != NULL, "%s and %s: '%s'", first, other, grant.text);
	snprintf(verdict, sizeof(verdict), "tokgate: verdict=%s id=%s ", first, token.id);
	ROW(strncmp(place_line(), verdict, strlen(verdict)) == 0, "%s", place_line());
}

static void
the_first_reason_that_applies_is_the_verdict(void **state)
{
	struct tg *tg = place_open();
	unsigned pairs = 0;
	char owner[16];
	size_t i, k;

	(void)state;
	for (i = 0; i < ROWS(reasons); i++)
		for (k = i; k < ROWS(reasons); k++) {
			if (exclude_each_other(reasons[i], reasons[k]))
				continue;
			snprintf(owner, sizeof(owner), "owner%u", pairs++);
			refuse(tg, owner, reasons[i], reasons[k]);
		}
	assert_int_equal(pairs, 12 * 13 / 2 - 2);
	tg_close(&tg);
}

static void
what_is_not_within_a_scope_is_refused(void **state)
{
	static const struct {
		const char *scope;
		struct tg_request req;
		enum tg_status verdict;
	} rows[] = {
		/* an upload token opens no shell by accident */
		{ "sftp:upload:serde-*", { .service = "sftp" }, TG_WRONG_ACTION },
		{ "sftp:login:serde-*", { .service = "sftp" }, TG_WRONG_RESOURCE },
		{ "sftp:upload:serde-*", { .service = "sshd" }, TG_WRONG_SERVICE },
		{ "sftp:upload:serde-*", { .service = "sftp", .action = "upload" },
		    TG_WRONG_RESOURCE },
		{ "sftp:upload:serde-*",
		    { .service = "sftp", .action = "upload", .resource = "serde" },
		    TG_WRONG_RESOURCE },
		{ "sftp:upload:Demo", { .service = "sftp", .action = "upload", .resource = "demo" },
		    TG_WRONG_RESOURCE },
		{ "sftp:upload:demo", { .service = "sftp", .action = "list", .gate = true },
		    TG_WRONG_ACTION },
		{ "sftp:upload:demo", { .service = "ftp", .gate = true }, TG_WRONG_SERVICE },
		{ "imap", { .service = "imap", .action = "proxy" }, TG_WRONG_ACTION },
		{ "*", { .service = "imap", .action = "proxy" }, TG_WRONG_ACTION },
	};
	struct issued token;
	struct tg_grant grant;
	struct wish wish;
	struct tg *tg = place_open();
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		wish = (struct wish) { .scopes = { rows[i].scope } };
		token = place_issue(tg, &wish);
		ROW(check(tg, token.text, &rows[i].req, &grant) == rows[i].verdict, "row %zu: %s",
		    i, place_line());
		ROW(grants_nothing(&grant), "row %zu", i);
	}
	tg_close(&tg);
}

static void
other_people_s_logins_are_refused(void **state)
{
	static char huge[70000];
	static const char *const logins[] = { "mallory", "alic", "alice ", "alicee", "Alice",
		" alice", "root", "__token", "__token__ ", "alice\n", "-", huge };
	struct tg_request req = { .service = "sftp", .action = "upload", .resource = "demo" };
	const struct wish wish = { .logins = { "shared" } };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, &wish);
	struct tg_grant grant;
	size_t i;

	(void)state;
	memset(huge, 'a', sizeof(huge) - 1);
	for (i = 0; i < ROWS(logins); i++) {
		req.login = logins[i];
		ROW(check(tg, token.text, &req, &grant) == TG_WRONG_LOGIN, "'%.20s'", logins[i]);
	}
	tg_close(&tg);
}

static void
a_bound_token_is_refused_where_the_address_is_not_known(void **state)
{
	static const char *const sources[] = { NULL, "", "localhost", "192.0.2.1 ", "192.0.2.1/32",
		"192.0.3.1", "::ffff:192.0.3.1", "::c000:201" };
	struct tg_request req = { .service = "sftp", .action = "upload", .resource = "demo" };
	const struct wish wish = { .sources = { "192.0.2.0/24" } };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, &wish);
	struct tg_grant grant;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(sources); i++) {
		req.source = sources[i];
		ROW(check(tg, token.text, &req, &grant) == TG_WRONG_SOURCE, "row %zu", i);
	}
	tg_close(&tg);
}

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

static void
shape_and_form_are_decided_on_the_text(void **state)
{
	static const struct {
		const char *text;
		enum tg_status verdict;
	} rows[] = {
		{ "", TG_NOT_A_TOKEN },
		{ "secret", TG_NOT_A_TOKEN },
		{ "tkg_", TG_NOT_A_TOKEN },
		{ "tkg_0123456789012345678901234567890123456789", TG_MALFORMED },
		{ "tkg_012345678901234567890123456789012345678", TG_NOT_A_TOKEN },
		{ "TKG_0123456789012345678901234567890123456789", TG_NOT_A_TOKEN },
		{ "pypi_0123456789012345678901234567890123456789", TG_MALFORMED },
		{ "ninechars_0123456789012345678901234567890123456789", TG_NOT_A_TOKEN },
		{ "tkg_7Hq2mX9aBc_K3vR0yQn5Lw8sT1zUe6JdGhPoFiCxM4bNaVkSrYtEq2W0000000",
		    TG_MALFORMED },
	};
	static const struct tg_request req = { .service = "sftp" };
	struct tg_grant grant;
	struct tg *tg = place_open();
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		ROW(check(tg, rows[i].text, &req, &grant) == rows[i].verdict, "'%s': %s",
		    rows[i].text, place_line());
		ROW(memcmp(&grant, &nothing, sizeof(grant)) == 0, "'%s'", rows[i].text);
	}
	tg_close(&tg);
}

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
exactly_one_spelling_is_valid(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	char text[TG_TOKEN_MAX + 8];
	size_t len = strlen(token.text), i;

	(void)state;
	assert_int_equal(len, 64);
	assert_int_equal(check_bytes(tg, token.text, len), TG_OK);
	for (i = 0; i < len; i++)
		ROW(check_bytes(tg, token.text, i) == (i < 4 + 40 ? TG_NOT_A_TOKEN : TG_MALFORMED),
		    "cut to %zu", i);
	for (i = 0; i < len; i++) {
		memcpy(text, token.text, len);
		text[i] = text[i] == 'x' ? 'y' : 'x';
		ROW(check_bytes(tg, text, len) > TG_OK, "changed at %zu", i);
	}
	snprintf(text, sizeof(text), "%s\n", token.text);
	assert_int_equal(check_bytes(tg, text, len + 1), TG_MALFORMED);
	assert_int_equal(check_bytes(tg, text, len + 2), TG_MALFORMED); /* and a NUL */
	snprintf(text, sizeof(text), " %s", token.text);
	assert_int_equal(check_bytes(tg, text, len + 1), TG_MALFORMED);
	tg_close(&tg);
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

static void
a_request_without_a_valid_word_is_the_callers_fault(void **state)
{
	static const struct tg_request rows[] = {
		{ .service = NULL },
		{ .service = "" },
		{ .service = "*" },
		{ .service = "SFTP" },
		{ .service = "sftp:upload" },
		{ .service = "a23456789012345678901234567890123" },
		{ .service = "sftp", .action = "" },
		{ .service = "sftp", .action = "*" },
		{ .service = "sftp", .action = "up load" },
	};
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, &(struct wish) { .scopes = { "*" } });
	struct tg_grant grant;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		ROW(check(tg, token.text, &rows[i], &grant) == TG_INVALID, "row %zu", i);
		ROW(memcmp(&grant, &nothing, sizeof(grant)) == 0, "row %zu", i);
		ROW(strncmp(place_line(), "tokgate: verdict=invalid ", 25) == 0, "%s",
		    place_line());
		ROW(check(tg, "password", &rows[i], &grant) == TG_NOT_A_TOKEN, "row %zu", i);
	}
	tg_close(&tg);
}

static void
the_resource_that_is_asked_for_is_one_name(void **state)
{
	static const char *const resources[] = { "", "de*", "a,b", "a:b", "demo ", "demo\n",
		"d\xc3\xa9" };
	struct tg_request req = { .service = "sftp", .action = "upload" };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg,
	    &(struct wish) { .scopes = { "sftp:upload:de*", "sftp:upload:demo" } });
	struct tg_grant grant;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(resources); i++) {
		req.resource = resources[i];
		ROW(check(tg, token.text, &req, &grant) != TG_OK, "'%s'", resources[i]);
	}
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
	const struct CMUnitTest tests[] = {
		PLACED("a token is good for what it was issued for",
		    a_token_is_good_for_what_it_was_issued_for),
		PLACED("the first reason that applies is the verdict",
		    the_first_reason_that_applies_is_the_verdict),
		PLACED("what is not within a scope is refused",
		    what_is_not_within_a_scope_is_refused),
		PLACED("other people's logins are refused", other_people_s_logins_are_refused),
		PLACED("a bound token is refused where the address is not known",
		    a_bound_token_is_refused_where_the_address_is_not_known),
		PLACED("a missing owner is a suspended one", a_missing_owner_is_a_suspended_one),
		PLACED("a token loses what its owner loses and regains it",
		    a_token_loses_what_its_owner_loses_and_regains_it),
		PLACED("shape and form are decided on the text",
		    shape_and_form_are_decided_on_the_text),
		PLACED("exactly one spelling is valid", exactly_one_spelling_is_valid),
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
		PLACED("a request without a valid word is the caller's fault",
		    a_request_without_a_valid_word_is_the_callers_fault),
		PLACED("the resource that is asked for is one name",
		    the_resource_that_is_asked_for_is_one_name),
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
