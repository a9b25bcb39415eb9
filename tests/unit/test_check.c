/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
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
		{ "drop-in login",
		    { .scopes = { "sftp:upload:demo" } },
		    NULL,
		    { .service = "sftp", .action = "upload", .resource = "demo", .login = TG_DROP_IN },
		    "alice", { "sftp:upload:demo" } },
		{ "no login",
		    { .scopes = { "sftp:upload:demo" } },
		    NULL,
		    { .service = "sftp", .action = "upload", .resource = "demo" },
		    "alice", { "sftp:upload:demo" } },
		{ "empty login",
		    { .scopes = { "sftp:upload:demo" } },
		    NULL,
		    { .service = "sftp", .action = "upload", .resource = "demo", .login = "" },
		    "alice", { "sftp:upload:demo" } },
		{ "owner's login",
		    { .owner = "bob@example.org", .scopes = { "smtp" } },
		    NULL, { .service = "smtp", .login = "bob@example.org" }, "bob@example.org",
		    { "smtp" } },
		{ "another login",
		    { .scopes = { "imap" }, .logins = { "shared", "list" } },
		    NULL, { .service = "imap", .login = "list" }, "list", { "imap" } },
		{ "login on everything by default",
		    { .scopes = { "sshd:login" } },
		    NULL, { .service = "sshd", .login = "alice" }, "alice", { "sshd:login" } },
		{ "a prefix of names",
		    { .scopes = { "sftp:upload:serde-*" } },
		    NULL,
		    { .service = "sftp", .action = "upload", .resource = "serde-json" },
		    "alice", { "sftp:upload:serde-*" } },
		{ "any action of any service",
		    { .scopes = { "*" } },
		    NULL, { .service = "imap", .action = "append", .resource = "INBOX" }, "alice",
		    { "*" } },
		{ "only the scopes that apply",
		    { .scopes = { "ftp", "sftp:upload:a", "sftp:*:demo", "sftp:upload" } },
		    NULL,
		    { .service = "sftp", .action = "upload", .resource = "demo" },
		    "alice", { "sftp:*:demo", "sftp:upload" } },
		{ "deferred resource",
		    { .scopes = { "ftp", "sftp:upload:a", "sftp:upload:b*", "sftp:list" } },
		    NULL,
		    { .service = "sftp", .action = "upload", .resource = "x", .gate = true },
		    "alice", { "sftp:upload:a", "sftp:upload:b*" } },
		{ "deferred action",
		    { .scopes = { "ftp", "sftp:upload:a", "sftp:list:b" } },
		    NULL, { .service = "sftp", .gate = true }, "alice",
		    { "sftp:upload:a", "sftp:list:b" } },
		{ "reserved action, named",
		    { .scopes = { "imap:proxy", "imap" } },
		    NULL, { .service = "imap", .action = "proxy" }, "alice", { "imap:proxy" } },
		{ "below a ceiling",
		    { .scopes = { "sftp", "ftp" } },
		    "sftp:upload:demo",
		    { .service = "sftp", .action = "upload", .resource = "demo" },
		    "alice", { "sftp:upload:demo" } },
		{ "within a wider ceiling",
		    { .scopes = { "sftp:upload:demo" } },
		    "*", { .service = "sftp", .action = "upload", .resource = "demo" }, "alice",
		    { "sftp:upload:demo" } },
		{ "from a network",
		    { .scopes = { "ftp" }, .sources = { "192.0.2.0/24", "2001:db8::/32" } },
		    NULL, { .service = "ftp", .source = "2001:db8::1" }, "alice", { "ftp" } },
		{ "from a mapped address",
		    { .scopes = { "ftp" }, .sources = { "192.0.2.0/24" } },
		    NULL, { .service = "ftp", .source = "::ffff:192.0.2.7" }, "alice", { "ftp" } },
		{ "from nowhere in particular",
		    { .scopes = { "ftp" } },
		    NULL, { .service = "ftp", .source = "not an address" }, "alice", { "ftp" } },
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
		ROW(strcmp(grant.identity, rows[i].identity) == 0, "%s: identity '%s'", rows[i].what,
		    grant.identity);
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
	return either(a, b, TG_NOT_YET_VALID) && (either(a, b, TG_EXPIRED) || either(a, b, TG_IDLE));
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
	const struct tg_request good = { .service = "sftp", .action = "upload", .resource = "demo",
		.source = "192.0.2.1" };
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
	ROW(strcmp(grant.id, token.id) == 0 && strcmp(grant.owner, owner) == 0, "%s and %s: '%s' '%s'",
	    first, other, grant.id, grant.owner);
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
		{ "sftp:upload:serde-*", { .service = "sftp", .action = "upload" }, TG_WRONG_RESOURCE },
		{ "sftp:upload:serde-*", { .service = "sftp", .action = "upload", .resource = "serde" },
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
		ROW(check(tg, token.text, &rows[i].req, &grant) == rows[i].verdict, "row %zu: %s", i,
		    place_line());
		ROW(grants_nothing(&grant), "row %zu", i);
	}
	tg_close(&tg);
}

static void
other_people_s_logins_are_refused(void **state)
{
	static char huge[70000];
	static const char *const logins[] = { "mallory", "alic", "alice ", "alicee", "Alice", " alice",
		"root", "__token", "__token__ ", "alice\n", "-", huge };
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
		{ "tkg_7Hq2mX9aBc_K3vR0yQn5Lw8sT1zUe6JdGhPoFiCxM4bNaVkSrYtEq2W0000000", TG_MALFORMED },
	};
	static const struct tg_request req = { .service = "sftp" };
	struct tg_grant grant;
	struct tg *tg = place_open();
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		ROW(check(tg, rows[i].text, &req, &grant) == rows[i].verdict, "'%s': %s", rows[i].text,
		    place_line());
		ROW(memcmp(&grant, &nothing, sizeof(grant)) == 0, "'%s'", rows[i].text);
	}
	tg_close(&tg);
}

/* Reads no further than it was told: the copy has nothing behind it. */
static enum tg_status
check_bytes(struct tg *tg, const char *text, size_t len)
{
	static const struct tg_request req = { .service = "sftp", .action = "upload",
		.resource = "demo" };
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
		ROW(check_bytes(tg, token.text, i) ==
		    (i < 4 + 40 ? TG_NOT_A_TOKEN : TG_MALFORMED), "cut to %zu", i);
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
	assert_string_equal(place_line(), "tokgate: verdict=malformed id=- owner=- login=__token__ "
					  "service=sftp action=upload resource=demo source=- uid=0");
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
	bool fenced;
};

enum { NO_FENCE = 100 };

static int
answer(void *arg)
{
	const struct question *q = arg;

	if (q->fenced && !give_up_system_calls())
		return NO_FENCE;
	return (int)place_check(q->tg, q->text) & 0x7f;
}

static void
texts_that_are_no_token_need_no_store_and_no_file(void **state)
{
	static const struct {
		const char *config, *store;
		enum tg_status opened;
	} rows[] = {
		{ NULL, "/nonexistent/store", TG_OK },
		{ NULL, "/proc/self/mem", TG_OK },
		{ "/nonexistent", NULL, TG_MISCONFIGURED },
		{ "/dev/null", NULL, TG_MISCONFIGURED },
		{ NULL, "not/absolute", TG_MISCONFIGURED },
	};
	static const char malformed[] = "tkg_0123456789012345678901234567890123456789";
	struct issued token = place_unknown();
	struct question q = { .fenced = true };
	enum tg_status r;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		r = tg_open(rows[i].config != NULL ? rows[i].config : place_config(), rows[i].store, &q.tg);
		ROW(r == rows[i].opened, "row %zu: %s", i, tg_status_name(r));
		q.fenced = true;
		q.text = "an ordinary password";
		tg_set_log(q.tg, NULL, NULL);
		ROW(place_child(answer, &(struct question) { NULL, NULL, true }) == -SIGSYS, "no fence");
		tg_close(&q.tg);
	}
	(void)malformed;
	(void)token;
}
