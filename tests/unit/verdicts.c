/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verdicts.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static const struct tg_grant nothing;

static enum tg_status
check(const struct way *way, const char *text, const struct tg_request *req, struct tg_grant *grant)
{
	memset(grant, 0xff, sizeof(*grant));
	return way->check(text, strlen(text), req, grant);
}

/* Nothing but what the holder may be told of a refusal. */
static bool
grants_nothing(const struct tg_grant *grant)
{
	return grant->nscopes == 0 && grant->identity[0] == '\0' && grant->ticket[0] == '\0' &&
	    memcmp(grant->scopes, nothing.scopes, sizeof(nothing.scopes)) == 0;
}

/* A handle to issue with, an hour before the checks. */
static struct tg *
open_before(const struct way *way)
{
	struct tg *tg = place_open();

	tg_set_now(tg, way->now - HOUR);
	return tg;
}

/* ---- what is granted ---- */

static const struct {
	const char *what;
	struct wish wish;
	const char *ceiling; /* NULL: none */
	struct tg_request req;
	const char *identity;
	const char *scopes[4];
} granted[] = {
	{ "drop-in login", { .scopes = { "sftp:upload:demo" } }, NULL,
	    { .service = "sftp", .action = "upload", .resource = "demo", .login = TG_DROP_IN },
	    "alice", { "sftp:upload:demo" } },
	{ "no login", { .scopes = { "sftp:upload:demo" } }, NULL,
	    { .service = "sftp", .action = "upload", .resource = "demo" }, "alice",
	    { "sftp:upload:demo" } },
	{ "empty login", { .scopes = { "sftp:upload:demo" } }, NULL,
	    { .service = "sftp", .action = "upload", .resource = "demo", .login = "" }, "alice",
	    { "sftp:upload:demo" } },
	{ "owner's login", { .owner = "bob@example.org", .scopes = { "smtp" } }, NULL,
	    { .service = "smtp", .login = "bob@example.org" }, "bob@example.org", { "smtp" } },
	{ "another login", { .scopes = { "imap" }, .logins = { "shared", "list" } }, NULL,
	    { .service = "imap", .login = "list" }, "list", { "imap" } },
	{ "login on everything by default", { .scopes = { "sshd:login" } }, NULL,
	    { .service = "sshd", .login = "alice" }, "alice", { "sshd:login" } },
	{ "a prefix of names", { .scopes = { "sftp:upload:serde-*" } }, NULL,
	    { .service = "sftp", .action = "upload", .resource = "serde-json" }, "alice",
	    { "sftp:upload:serde-*" } },
	{ "any action of any service", { .scopes = { "*" } }, NULL,
	    { .service = "imap", .action = "append", .resource = "INBOX" }, "alice", { "*" } },
	{ "only the scopes that apply",
	    { .scopes = { "ftp", "sftp:upload:a", "sftp:*:demo", "sftp:upload" } }, NULL,
	    { .service = "sftp", .action = "upload", .resource = "demo" }, "alice",
	    { "sftp:*:demo", "sftp:upload" } },
	{ "deferred resource",
	    { .scopes = { "ftp", "sftp:upload:a", "sftp:upload:b*", "sftp:list" } }, NULL,
	    { .service = "sftp", .action = "upload", .resource = "x", .gate = true }, "alice",
	    { "sftp:upload:a", "sftp:upload:b*" } },
	{ "deferred action", { .scopes = { "ftp", "sftp:upload:a", "sftp:list:b" } }, NULL,
	    { .service = "sftp", .gate = true }, "alice", { "sftp:upload:a", "sftp:list:b" } },
	{ "reserved action, named", { .scopes = { "imap:proxy", "imap" } }, NULL,
	    { .service = "imap", .action = "proxy" }, "alice", { "imap:proxy" } },
	{ "below a ceiling", { .scopes = { "sftp", "ftp" } }, "sftp:upload:demo",
	    { .service = "sftp", .action = "upload", .resource = "demo" }, "alice",
	    { "sftp:upload:demo" } },
	{ "within a wider ceiling", { .scopes = { "sftp:upload:demo" } }, "*",
	    { .service = "sftp", .action = "upload", .resource = "demo" }, "alice",
	    { "sftp:upload:demo" } },
	{ "from a network", { .scopes = { "ftp" }, .sources = { "192.0.2.0/24", "2001:db8::/32" } },
	    NULL, { .service = "ftp", .source = "2001:db8::1" }, "alice", { "ftp" } },
	{ "from a mapped address", { .scopes = { "ftp" }, .sources = { "192.0.2.0/24" } }, NULL,
	    { .service = "ftp", .source = "::ffff:192.0.2.7" }, "alice", { "ftp" } },
	{ "from nowhere in particular", { .scopes = { "ftp" } }, NULL,
	    { .service = "ftp", .source = "not an address" }, "alice", { "ftp" } },
};

static void
grant_row(const struct way *way, size_t i)
{
	struct tg *tg = open_before(way);
	struct issued token = place_issue(tg, &granted[i].wish);
	const char *what = granted[i].what;
	struct tg_grant grant;
	size_t k;

	if (granted[i].ceiling != NULL)
		place_owner(tg, "alice", false, granted[i].ceiling);
	ROW(check(way, token.text, &granted[i].req, &grant) == TG_OK, "%s: %s", what, grant.text);
	ROW(strcmp(grant.identity, granted[i].identity) == 0, "%s: identity '%s'", what,
	    grant.identity);
	for (k = 0; k < 4 && granted[i].scopes[k] != NULL; k++)
		ROW(strcmp(grant.scopes[k], granted[i].scopes[k]) == 0, "%s: scope '%s'", what,
		    grant.scopes[k]);
	ROW(grant.nscopes == k, "%s: %zu scopes", what, grant.nscopes);
	ROW(strcmp(grant.id, token.id) == 0, "%s", what);
	ROW(strncmp(grant.ticket, "tgt1_", 5) == 0, "%s: ticket '%s'", what, grant.ticket);
	ROW(grant.text[0] == '\0', "%s: '%s'", what, grant.text);
	tg_close(&tg);
}

void
verdicts_what_it_was_issued_for(const struct way *way)
{
	size_t i;

	for (i = 0; i < ROWS(granted); i++) {
		way->renew();
		grant_row(way, i);
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

/* A day before the check. */
static struct issued
issue_refusable(struct tg *tg, int64_t then, const char *owner, enum tg_status a, enum tg_status b)
{
	const struct wish wish = {
		.owner = owner,
		.sources = { "192.0.2.0/24" },
		.expires_at = either(a, b, TG_EXPIRED) ? then + HOUR : 0,
		.not_before = either(a, b, TG_NOT_YET_VALID) ? then + 2 * DAY : 0,
		.idle_s = either(a, b, TG_IDLE) ? HOUR : 0,
		.uses = either(a, b, TG_USED_UP) ? 1 : 0,
	};
	const struct tg_request good = {
		.service = "sftp", .action = "upload", .resource = "demo", .source = "192.0.2.1"
	};
	struct issued token;
	struct tg_grant grant;

	tg_set_now(tg, then);
	token = place_issue(tg, &wish);
	if (either(a, b, TG_USED_UP)) {
		if (wish.not_before != 0)
			tg_set_now(tg, wish.not_before);
		assert_int_equal(tg_check(tg, token.text, strlen(token.text), &good, &grant),
		    TG_OK);
		tg_set_now(tg, then);
	}
	if (either(a, b, TG_REVOKED))
		assert_int_equal(tg_revoke(tg, token.id, "root", "lost"), TG_OK);
	place_owner(tg, owner, either(a, b, TG_OWNER_SUSPENDED),
	    either(a, b, TG_BEYOND_CEILING) ? "http" : NULL);
	return token;
}

static void
refuse(const struct way *way, struct tg *tg, const char *owner, enum tg_status a, enum tg_status b)
{
	const struct tg_request req = {
		.service = either(a, b, TG_WRONG_SERVICE) ? "ftp" : "sftp",
		.action = either(a, b, TG_WRONG_ACTION) ? "delete" : "upload",
		.resource = either(a, b, TG_WRONG_RESOURCE) ? "other" : "demo",
		.login = either(a, b, TG_WRONG_LOGIN) ? "mallory" : owner,
		.source = either(a, b, TG_WRONG_SOURCE) ? "198.51.100.1" : "192.0.2.1",
	};
	const char *first = tg_status_name(a < b ? a : b), *other = tg_status_name(a < b ? b : a);
	struct issued token = issue_refusable(tg, way->now - DAY, owner, a, b);
	char verdict[64];
	struct tg_grant grant;
	const char *line;
	enum tg_status r;

	r = check(way, token.text, &req, &grant);
	ROW(r == (a < b ? a : b), "%s and %s: %s", first, other, tg_status_name(r));
	ROW(grants_nothing(&grant), "%s and %s", first, other);
	ROW(strcmp(grant.id, token.id) == 0 && strcmp(grant.owner, owner) == 0,
	    "%s and %s: '%s' '%s'", first, other, grant.id, grant.owner);
	ROW(strstr(grant.text, token.id) != NULL, "%s and %s: '%s'", first, other, grant.text);
	snprintf(verdict, sizeof(verdict), "tokgate: verdict=%s id=%s ", first, token.id);
	line = way->line();
	ROW(line == NULL || strncmp(line, verdict, strlen(verdict)) == 0, "%s", line);
}

void
verdicts_first_reason(const struct way *way)
{
	struct tg *tg = place_open();
	unsigned pairs = 0;
	char owner[16];
	size_t i, k;

	for (i = 0; i < ROWS(reasons); i++)
		for (k = i; k < ROWS(reasons); k++) {
			if (exclude_each_other(reasons[i], reasons[k]))
				continue;
			snprintf(owner, sizeof(owner), "owner%u", pairs++);
			refuse(way, tg, owner, reasons[i], reasons[k]);
		}
	assert_int_equal(pairs, 12 * 13 / 2 - 2);
	tg_close(&tg);
}

void
verdicts_not_within_a_scope(const struct way *way)
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
	struct tg *tg = open_before(way);
	struct issued token;
	struct tg_grant grant;
	enum tg_status r;
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		token = place_issue(tg, &(struct wish) { .scopes = { rows[i].scope } });
		r = check(way, token.text, &rows[i].req, &grant);
		ROW(r == rows[i].verdict, "row %zu: %s", i, tg_status_name(r));
		ROW(grants_nothing(&grant), "row %zu", i);
	}
	tg_close(&tg);
}

void
verdicts_other_logins(const struct way *way)
{
	static char huge[70000];
	static const char *const logins[] = { "mallory", "alic", "alice ", "alicee", "Alice",
		" alice", "root", "__token", "__token__ ", "alice\n", "-", huge };
	struct tg_request req = { .service = "sftp", .action = "upload", .resource = "demo" };
	struct tg *tg = open_before(way);
	struct issued token = place_issue(tg, &(struct wish) { .logins = { "shared" } });
	struct tg_grant grant;
	size_t i;

	memset(huge, 'a', sizeof(huge) - 1);
	for (i = 0; i < ROWS(logins); i++) {
		req.login = logins[i];
		ROW(check(way, token.text, &req, &grant) == TG_WRONG_LOGIN, "'%.20s'", logins[i]);
	}
	tg_close(&tg);
}

void
verdicts_bound_to_addresses(const struct way *way)
{
	static char huge[70000];
	static const char *const sources[] = { NULL, "", "localhost", "192.0.2.1 ", "192.0.2.1/32",
		"192.0.3.1", "::ffff:192.0.3.1", "::c000:201", huge };
	struct tg_request req = { .service = "sftp", .action = "upload", .resource = "demo" };
	struct tg *tg = open_before(way);
	struct issued token = place_issue(tg, &(struct wish) { .sources = { "192.0.2.0/24" } });
	struct tg_grant grant;
	size_t i;

	memset(huge, '1', sizeof(huge) - 1);
	for (i = 0; i < ROWS(sources); i++) {
		req.source = sources[i];
		ROW(check(way, token.text, &req, &grant) == TG_WRONG_SOURCE, "row %zu", i);
	}
	tg_close(&tg);
}

/* ---- the text ---- */

void
verdicts_on_the_text_alone(const struct way *way)
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
	enum tg_status r;
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		r = check(way, rows[i].text, &req, &grant);
		ROW(r == rows[i].verdict, "'%s': %s", rows[i].text, tg_status_name(r));
		ROW(memcmp(&grant, &nothing, sizeof(grant)) == 0, "'%s'", rows[i].text);
	}
}

/* Reads no further than it was told: the copy has nothing behind it. */
static enum tg_status
check_bytes(const struct way *way, const char *text, size_t len)
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
	r = way->check(exact, len, &req, &grant);
	free(exact);
	return r;
}

void
verdicts_one_spelling(const struct way *way)
{
	struct tg *tg = open_before(way);
	struct issued token = place_issue(tg, NULL);
	char text[TG_TOKEN_MAX + 8];
	size_t len = strlen(token.text), i;

	assert_int_equal(len, 64);
	assert_int_equal(check_bytes(way, token.text, len), TG_OK);
	for (i = 0; i < len; i++)
		ROW(check_bytes(way, token.text, i) == (i < 4 + 40 ? TG_NOT_A_TOKEN : TG_MALFORMED),
		    "cut to %zu", i);
	for (i = 0; i < len; i++) {
		memcpy(text, token.text, len);
		text[i] = text[i] == 'x' ? 'y' : 'x';
		ROW(check_bytes(way, text, len) > TG_OK, "changed at %zu", i);
	}
	snprintf(text, sizeof(text), "%s\n", token.text);
	assert_int_equal(check_bytes(way, text, len + 1), TG_MALFORMED);
	assert_int_equal(check_bytes(way, text, len + 2), TG_MALFORMED); /* and a NUL */
	snprintf(text, sizeof(text), " %s", token.text);
	assert_int_equal(check_bytes(way, text, len + 1), TG_MALFORMED);
	tg_close(&tg);
}

/* ---- the request ---- */

void
verdicts_unfit_requests(const struct way *way)
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
	struct tg *tg = open_before(way);
	struct issued token = place_issue(tg, &(struct wish) { .scopes = { "*" } });
	struct tg_grant grant;
	size_t i;

	for (i = 0; i < ROWS(rows); i++) {
		ROW(check(way, token.text, &rows[i], &grant) == TG_INVALID, "row %zu", i);
		ROW(memcmp(&grant, &nothing, sizeof(grant)) == 0, "row %zu", i);
		ROW(check(way, "password", &rows[i], &grant) == TG_NOT_A_TOKEN, "row %zu", i);
	}
	tg_close(&tg);
}

void
verdicts_odd_resources(const struct way *way)
{
	static char huge[70000];
	static const char *const resources[] = { "", "de*", "a,b", "a:b", "demo ", "demo\n",
		"d\xc3\xa9", huge };
	struct tg_request req = { .service = "sftp", .action = "upload" };
	struct tg *tg = open_before(way);
	struct issued token = place_issue(tg,
	    &(struct wish) { .scopes = { "sftp:upload:de*", "sftp:upload:demo" } });
	struct tg_grant grant;
	enum tg_status r;
	size_t i;

	memset(huge, 'd', sizeof(huge) - 1);
	huge[1] = 'e';
	for (i = 0; i < ROWS(resources); i++) {
		req.resource = resources[i];
		r = check(way, token.text, &req, &grant);
		ROW(r == TG_WRONG_RESOURCE, "'%.20s': %s", resources[i], tg_status_name(r));
	}
	tg_close(&tg);
}
