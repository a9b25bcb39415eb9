/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

enum { MINUTE = 60, DAY = 24 * 3600 };

static const int64_t noon = 1767268800; /* 2026-01-01T12:00:00Z */

/* All that a verdict depends on. */
struct world {
	struct tg_token token;
	struct tg_owner owner;
	bool no_owner;
	int64_t last_used_at, now;
	struct scope_ask ask;
	const char *login, *source; /* source NULL: unknown */
	bool staying;
};

/* "sftp:upload ftp": a list of words into an array of strings. */
static size_t
split(const char *words, size_t size, size_t max, char *out)
{
	size_t n = 0, len;

	for (; *words != '\0'; words += strspn(words, " ")) {
		len = strcspn(words, " ");
		assert_true(n < max && len < size);
		memcpy(out + n * size, words, len);
		out[n++ * size + len] = '\0';
		words += len;
	}
	return n;
}

static void
set_scopes(struct world *w, const char *scopes)
{
	w->token.nscopes = split(scopes, TG_SCOPE_MAX + 1, TG_SCOPES_MAX, w->token.scopes[0]);
}

static void
set_ceiling(struct world *w, const char *scopes)
{
	w->owner.has_ceiling = scopes != NULL;
	w->owner.nscopes = split(scopes != NULL ? scopes : "", TG_SCOPE_MAX + 1, TG_SCOPES_MAX,
	    w->owner.scopes[0]);
}

static void
set_sources(struct world *w, const char *sources)
{
	w->token.nsources = split(sources, TG_SOURCE_MAX + 1, TG_SOURCES_MAX, w->token.sources[0]);
}

static void
set_logins(struct world *w, const char *logins)
{
	w->token.nlogins = split(logins, TG_OWNER_MAX + 1, TG_LOGINS_MAX, w->token.logins[0]);
}

/* Every limit is set and none is reached: a yes. */
static void
make_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	strcpy(w->token.id, "7Hq2mX9aBc");
	strcpy(w->token.owner, "alice");
	set_scopes(w, "ftp:login sftp:upload:serde-*");
	set_logins(w, "ci-release www-data");
	set_sources(w, "192.0.2.0/24 2001:db8::/32");
	w->token.created_at = noon - 10 * DAY;
	w->token.not_before = noon - 9 * DAY;
	w->token.expires_at = noon + 80 * DAY;
	w->token.idle_s = 30 * DAY;
	w->token.uses_left = 1;
	strcpy(w->owner.name, "alice");
	set_ceiling(w, "sftp:*:s* http");
	w->last_used_at = noon - DAY;
	w->now = noon;
	w->ask = (struct scope_ask) { "sftp", "upload", "serde-json" };
	w->login = "alice";
	w->source = "192.0.2.7";
}

static enum tg_status
state_of(const struct world *w)
{
	return policy_state(&w->token, w->last_used_at, w->now);
}

static enum tg_status
decide(const struct world *w, struct tg_grant *grant)
{
	struct cidr_addr source;
	const struct policy_facts facts = { &w->token, w->no_owner ? NULL : &w->owner,
		w->last_used_at, w->now };
	struct policy_ask ask = { .scope = w->ask, .login = w->login, .staying = w->staying };

	if (w->source != NULL) {
		assert_true(cidr_addr_parse(w->source, &source));
		ask.source = &source;
	}
	memset(grant, 0, sizeof(*grant));
	return policy_decide(&facts, &ask, grant);
}

/* "sftp:upload:serde-*": the scopes granted, blanks between. */
static void
is_granted(const struct tg_grant *grant, const char *scopes, const char *row)
{
	char text[TG_SCOPES_MAX * (TG_SCOPE_MAX + 1) + 1] = "";
	size_t i;

	for (i = 0; i < grant->nscopes; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 0 ? " " : "",
		    grant->scopes[i]);
	ROW(strcmp(text, scopes) == 0, "'%s' instead of '%s': %s", text, scopes, row);
}

/* ---- the order of judgement ---- */

static void
revoke(struct world *w)
{
	w->token.revoked_at = noon - DAY;
}

static void
expire(struct world *w)
{
	w->token.expires_at = noon - MINUTE;
}

static void
start_later(struct world *w)
{
	w->token.not_before = noon + DAY;
}

static void
create_later(struct world *w)
{
	w->token.created_at = noon + DAY;
}

static void
leave_idle(struct world *w)
{
	w->last_used_at = noon - 31 * DAY;
}

static void
use_up(struct world *w)
{
	w->token.uses_left = 0;
}

static void
remove_owner(struct world *w)
{
	w->no_owner = true;
}

static void
suspend(struct world *w)
{
	w->owner.suspended = true;
}

static void
log_in_as_bob(struct world *w)
{
	w->login = "bob";
}

static void
ask_imap(struct world *w)
{
	w->ask.service = "imap";
}

static void
ask_delete(struct world *w)
{
	w->ask.action = "delete";
}

static void
ask_tokio(struct world *w)
{
	w->ask.resource = "tokio";
}

static void
lower_ceiling(struct world *w)
{
	set_ceiling(w, "http");
}

static void
come_from_elsewhere(struct world *w)
{
	w->source = "198.51.100.1";
}

/* DESIGN.md section 4, from the first reason to the last. */
static const struct reason {
	enum tg_status verdict;
	void (*apply)(struct world *w);
	bool for_logins_only; /* not for who stays */
} reasons[] = {
	{ TG_REVOKED, revoke, false },
	{ TG_EXPIRED, expire, false },
	{ TG_NOT_YET_VALID, start_later, false },
	{ TG_NOT_YET_VALID, create_later, false },
	{ TG_IDLE, leave_idle, true },
	{ TG_USED_UP, use_up, true },
	{ TG_OWNER_SUSPENDED, remove_owner, false },
	{ TG_OWNER_SUSPENDED, suspend, false },
	{ TG_WRONG_LOGIN, log_in_as_bob, false },
	{ TG_WRONG_SERVICE, ask_imap, false },
	{ TG_WRONG_ACTION, ask_delete, false },
	{ TG_WRONG_RESOURCE, ask_tokio, false },
	{ TG_BEYOND_CEILING, lower_ceiling, false },
	{ TG_WRONG_SOURCE, come_from_elsewhere, false },
};

static void
the_first_reason_that_applies_is_the_verdict(void **state)
{
	enum tg_status want, want_state;
	struct tg_grant grant;
	struct world w;
	unsigned int set;
	size_t i;

	(void)state;
	for (set = 0; set < 2U << ROWS(reasons); set++) {
		make_world(&w);
		w.staying = set >> ROWS(reasons);
		want = want_state = TG_OK;
		for (i = ROWS(reasons); i-- > 0;) {
			if ((set >> i & 1) == 0)
				continue;
			reasons[i].apply(&w);
			if (!w.staying || !reasons[i].for_logins_only)
				want = reasons[i].verdict;
			if (reasons[i].verdict <= TG_USED_UP)
				want_state = reasons[i].verdict;
		}
		ROW(state_of(&w) == want_state, "reasons 0x%x", set);
		ROW(decide(&w, &grant) == want, "reasons 0x%x", set);
		ROW(grant.nscopes == (want == TG_OK ? 1 : 0), "reasons 0x%x", set);
		ROW((grant.identity[0] != '\0') == (want == TG_OK), "reasons 0x%x", set);
	}
}

static void
a_yes_has_the_identity_and_the_scopes_and_nothing_more(void **state)
{
	struct tg_grant grant, want;
	struct world w;

	(void)state;
	make_world(&w);
	memset(&want, 0, sizeof(want));
	want.nscopes = 1;
	strcpy(want.scopes[0], "sftp:upload:serde-*");
	strcpy(want.identity, "alice");
	assert_int_equal(TG_OK, decide(&w, &grant));
	assert_memory_equal(&want, &grant, sizeof(want));
}

static void
a_no_leaves_the_grant_as_it_was(void **state)
{
	static const struct tg_grant zero;
	struct tg_grant grant;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(reasons); i++) {
		make_world(&w);
		reasons[i].apply(&w);
		ROW(decide(&w, &grant) == reasons[i].verdict, "%s",
		    tg_status_name(reasons[i].verdict));
		ROW(memcmp(&grant, &zero, sizeof(zero)) == 0, "%s",
		    tg_status_name(reasons[i].verdict));
	}
}

/* ---- instants ---- */

static void
each_limit_has_its_last_good_second(void **state)
{
	static const struct {
		const char *name;
		int64_t created_at, not_before, expires_at, last_used_at;
		uint32_t idle_s, uses_left;
		int64_t revoked_at, now;
		enum tg_status state;
	} rows[] = {
		{ "no limits", 1, 0, 0, 0, 0, TG_USES_UNLIMITED, 0, 1, TG_OK },
		{ "no limits, far", 1, 0, 0, 0, 0, TG_USES_UNLIMITED, 0, INT64_MAX, TG_OK },
		{ "just created", 1000, 0, 0, 0, 0, 1, 0, 1000, TG_OK },
		{ "expiry, before", 1000, 0, 2000, 0, 0, 1, 0, 1999, TG_OK },
		{ "expiry, that instant", 1000, 0, 2000, 0, 0, 1, 0, 2000, TG_EXPIRED },
		{ "expiry, after", 1000, 0, 2000, 0, 0, 1, 0, 2001, TG_EXPIRED },
		{ "expiry, far after", 1000, 0, 2000, 0, 0, 1, 0, INT64_MAX, TG_EXPIRED },
		{ "start, before", 1000, 1500, 0, 0, 0, 1, 0, 1499, TG_NOT_YET_VALID },
		{ "start, that instant", 1000, 1500, 0, 0, 0, 1, 0, 1500, TG_OK },
		{ "start has no slack", 1000, 2000, 0, 0, 0, 1, 0, 1900, TG_NOT_YET_VALID },
		{ "five minutes slow", 1000, 0, 0, 0, 0, 1, 0, 700, TG_OK },
		{ "a second slower", 1000, 0, 0, 0, 0, 1, 0, 699, TG_NOT_YET_VALID },
		{ "a clock at zero", 1000, 0, 0, 0, 0, 1, 0, 0, TG_NOT_YET_VALID },
		{ "a clock before 1970", 1000, 0, 0, 0, 60, 1, 0, INT64_MIN, TG_NOT_YET_VALID },
		{ "slow, though started", 1000, 500, 0, 0, 0, 1, 0, 699, TG_NOT_YET_VALID },
		{ "starts and ends", 1000, 1500, 1501, 0, 0, 1, 0, 1500, TG_OK },
		{ "idle, before", 1000, 0, 0, 1100, 60, 1, 0, 1159, TG_OK },
		{ "idle, that instant", 1000, 0, 0, 1100, 60, 1, 0, 1160, TG_IDLE },
		{ "idle, after", 1000, 0, 0, 1100, 60, 1, 0, 1161, TG_IDLE },
		{ "idle, never used", 1000, 0, 0, 0, 60, 1, 0, 1001, TG_IDLE },
		{ "idle, used in the future", 1000, 0, 0, 5000, 60, 1, 0, 1001, TG_OK },
		{ "idle, one second", 1000, 0, 0, 1001, 1, 1, 0, 1001, TG_OK },
		{ "idle, longest", 1000, 0, 0, 1000, TG_IDLE_MAX_S, 1, 0,
		    1000 + (int64_t)TG_IDLE_MAX_S - 1, TG_OK },
		{ "idle, longest", 1000, 0, 0, 1000, TG_IDLE_MAX_S, 1, 0,
		    1000 + (int64_t)TG_IDLE_MAX_S, TG_IDLE },
		{ "idle, end of time", 1000, 0, 0, 1000, 60, 1, 0, INT64_MAX, TG_IDLE },
		{ "one use", 1000, 0, 0, 0, 0, 1, 0, 1000, TG_OK },
		{ "no use", 1000, 0, 0, 0, 0, 0, 0, 1000, TG_USED_UP },
		{ "nearly unlimited", 1000, 0, 0, 0, 0, TG_USES_UNLIMITED - 1, 0, 1000, TG_OK },
		{ "revoked", 1000, 0, 0, 0, 0, 1, 1, 1000, TG_REVOKED },
		{ "revoked in the future", 1000, 0, 0, 0, 0, 1, 5000, 1000, TG_REVOKED },
		{ "revoked before 1970", 1000, 0, 0, 0, 0, 1, -1, 1000, TG_REVOKED },
	};
	struct tg_grant grant;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		make_world(&w);
		w.token.created_at = rows[i].created_at;
		w.token.not_before = rows[i].not_before;
		w.token.expires_at = rows[i].expires_at;
		w.token.idle_s = rows[i].idle_s;
		w.token.uses_left = rows[i].uses_left;
		w.token.revoked_at = rows[i].revoked_at;
		w.last_used_at = rows[i].last_used_at;
		w.now = rows[i].now;
		ROW(state_of(&w) == rows[i].state, "%s", rows[i].name);
		ROW(decide(&w, &grant) == rows[i].state, "%s", rows[i].name);
	}
}

/* ---- for whom, from where ---- */

static void
logins_are_the_owner_the_drop_in_name_and_those_issued_for(void **state)
{
	static const struct {
		const char *logins, *login, *identity; /* NULL: wrong-login */
	} rows[] = {
		{ "", "alice", "alice" },
		{ "", "", "alice" },
		{ "", "__token__", "alice" },
		{ "", "bob", NULL },
		{ "", "Alice", NULL },
		{ "", "alic", NULL },
		{ "", "alicee", NULL },
		{ "", "alice ", NULL },
		{ "", " ", NULL },
		{ "", "__token_", NULL },
		{ "", "__token__x", NULL },
		{ "", "__TOKEN__", NULL },
		{ "", "root", NULL },
		{ "bob", "bob", "bob" },
		{ "bob", "alice", "alice" },
		{ "bob", "", "alice" },
		{ "bob", "__token__", "alice" },
		{ "bob", "Bob", NULL },
		{ "bob", "bo", NULL },
		{ "bob", "bobb", NULL },
		{ "bob carol dave", "carol", "carol" },
		{ "bob carol dave", "dave", "dave" },
		{ "bob carol dave", "bob carol", NULL },
		{ "a b c d e f g h", "h", "h" },
		{ "a b c d e f g h", "i", NULL },
	};
	struct tg_grant grant;
	enum tg_status r;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		make_world(&w);
		set_logins(&w, rows[i].logins);
		w.login = rows[i].login;
		r = decide(&w, &grant);
		ROW(r == (rows[i].identity != NULL ? TG_OK : TG_WRONG_LOGIN), "'%s'",
		    rows[i].login);
		ROW(strcmp(grant.identity, rows[i].identity != NULL ? rows[i].identity : "") == 0,
		    "'%s' is taken for '%s'", rows[i].login, grant.identity);
	}
}

static void
a_login_beyond_the_count_is_none(void **state)
{
	struct tg_grant grant;
	struct world w;

	(void)state;
	make_world(&w);
	set_logins(&w, "bob carol");
	w.token.nlogins = 1;
	w.login = "carol";
	assert_int_equal(TG_WRONG_LOGIN, decide(&w, &grant));
}

static void
the_longest_owner_is_an_identity(void **state)
{
	char name[TG_OWNER_MAX + 1];
	struct tg_grant grant;
	struct world w;

	(void)state;
	memset(name, 'o', TG_OWNER_MAX);
	name[TG_OWNER_MAX] = '\0';
	make_world(&w);
	strcpy(w.token.owner, name);
	w.login = name;
	assert_int_equal(TG_OK, decide(&w, &grant));
	assert_string_equal(name, grant.identity);
	w.login = "";
	assert_int_equal(TG_OK, decide(&w, &grant));
	assert_string_equal(name, grant.identity);
}

static void
sources_bind_a_token_to_its_networks(void **state)
{
	static const struct {
		const char *sources, *source;
		bool allowed;
	} rows[] = {
		{ "", "198.51.100.1", true },
		{ "", "2001:db8::1", true },
		{ "", NULL, true },
		{ "192.0.2.0/24", "192.0.2.0", true },
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/24", "::ffff:192.0.3.0", false },
		{ "192.0.2.0/24", "::192.0.2.7", false },
		{ "192.0.2.0/24", "2001:db8::1", false },
		{ "192.0.2.0/24", NULL, false },
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7", "192.0.2.8", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "::1", false },
		{ "0.0.0.0/0", NULL, false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "192.0.2.7", false },
		{ "::/0", NULL, false },
		{ "0.0.0.0/0 ::/0", "192.0.2.7", true },
		{ "0.0.0.0/0 ::/0", "::1", true },
		{ "0.0.0.0/0 ::/0", NULL, false },
		{ "198.51.100.1 192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7 198.51.100.1", "192.0.2.7", true },
		{ "198.51.100.1 203.0.113.9", "192.0.2.7", false },
		/* what is no network lets nobody in, and does not lift the bond */
		{ "garbage", "192.0.2.7", false },
		{ "192.0.2.7/24", "192.0.2.7", false },
		{ "garbage 192.0.2.7", "192.0.2.7", true },
	};
	struct tg_grant grant;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		make_world(&w);
		set_sources(&w, rows[i].sources);
		w.source = rows[i].source;
		ROW(decide(&w, &grant) == (rows[i].allowed ? TG_OK : TG_WRONG_SOURCE),
		    "'%s' from '%s'", rows[i].sources,
		    rows[i].source != NULL ? rows[i].source : "?");
	}
}

/* ---- for what ---- */

static void
a_grant_has_the_scopes_that_apply_below_the_ceiling(void **state)
{
	static const struct {
		const char *scopes, *ceiling; /* NULL: there is none */
		const char *service, *action, *resource;
		enum tg_status verdict;
		const char *granted;
	} rows[] = {
		/* no ceiling */
		{ "sftp", NULL, "sftp", "login", "*", TG_OK, "sftp" },
		{ "sftp:upload:serde-*", NULL, "sftp", "upload", "serde-x", TG_OK,
		    "sftp:upload:serde-*" },
		{ "sftp:upload:serde-*", NULL, "sftp", "login", "*", TG_WRONG_ACTION, "" },
		{ "sftp:upload:serde-*", NULL, "sftp", "upload", "*", TG_WRONG_RESOURCE, "" },
		{ "sftp:upload:serde-*", NULL, "ftp", "upload", "serde-x", TG_WRONG_SERVICE, "" },
		/* the best of all scopes says what is wrong */
		{ "ftp sftp:list:a sftp:upload:b", NULL, "sftp", "upload", "a", TG_WRONG_RESOURCE,
		    "" },
		{ "sftp:upload:b sftp:list:a ftp", NULL, "sftp", "upload", "a", TG_WRONG_RESOURCE,
		    "" },
		{ "ftp:upload:a sftp:list:a", NULL, "sftp", "upload", "a", TG_WRONG_ACTION, "" },
		/* no scope is no token */
		{ "", NULL, "sftp", "login", "*", TG_WRONG_SERVICE, "" },
		{ "", "*", "sftp", "login", "*", TG_WRONG_SERVICE, "" },
		/* parts of several scopes do not add up */
		{ "sftp:upload:a sftp:list:b", NULL, "sftp", "upload", "b", TG_WRONG_RESOURCE, "" },
		{ "sftp:upload:a* sftp:upload:b*", NULL, "sftp", "upload", "*", TG_WRONG_RESOURCE,
		    "" },
		/* each that covers the ask is granted, once */
		{ "sftp sftp:upload:a ftp sftp:upload:b sftp:upload:a*", NULL, "sftp", "upload",
		    "a", TG_OK, "sftp sftp:upload:a sftp:upload:a*" },
		{ "sftp:upload sftp:upload", NULL, "sftp", "upload", "a", TG_OK, "sftp:upload" },
		{ "sftp sftp:upload sftp:upload sftp", NULL, "sftp", "upload", "a", TG_OK,
		    "sftp sftp:upload" },
		/* deferred */
		{ "sftp:upload:a* ftp sftp:list:b", NULL, "sftp", NULL, NULL, TG_OK,
		    "sftp:upload:a* sftp:list:b" },
		{ "sftp:upload:a* ftp sftp:list:b", NULL, "sftp", "list", NULL, TG_OK,
		    "sftp:list:b" },
		{ "sftp:upload:a* ftp", NULL, "sftp", "list", NULL, TG_WRONG_ACTION, "" },
		{ "sftp:upload:a*", NULL, "ftp", NULL, NULL, TG_WRONG_SERVICE, "" },
		/* the reserved action must be named */
		{ "sftp", NULL, "sftp", "proxy", "bob", TG_WRONG_ACTION, "" },
		{ "*", NULL, "sftp", "proxy", "bob", TG_WRONG_ACTION, "" },
		{ "*", NULL, "sftp", "proxy", NULL, TG_WRONG_ACTION, "" },
		{ "*:proxy:bob", NULL, "sftp", "proxy", "bob", TG_OK, "*:proxy:bob" },
		{ "*:proxy:bob", "*", "sftp", "proxy", "bob", TG_BEYOND_CEILING, "" },
		{ "*:proxy:bob", "sftp:proxy", "sftp", "proxy", "bob", TG_OK, "sftp:proxy:bob" },
		/* a ceiling, pair by pair */
		{ "sftp", "sftp", "sftp", "login", "*", TG_OK, "sftp:*:*" },
		{ "sftp", "*", "sftp", "login", "*", TG_OK, "sftp:*:*" },
		{ "*", "sftp", "sftp", "login", "*", TG_OK, "sftp:*:*" },
		{ "*", "sftp", "ftp", "login", "*", TG_BEYOND_CEILING, "" },
		{ "sftp", "", "sftp", "login", "*", TG_BEYOND_CEILING, "" },
		{ "*", "", "sftp", "login", "*", TG_BEYOND_CEILING, "" },
		{ "*", "", "sftp", NULL, NULL, TG_BEYOND_CEILING, "" },
		{ "sftp:upload", "sftp:upload:serde-*", "sftp", "upload", "serde-x", TG_OK,
		    "sftp:upload:serde-*" },
		{ "sftp:upload", "sftp:upload:serde-*", "sftp", "upload", "tokio",
		    TG_BEYOND_CEILING, "" },
		{ "sftp:upload", "sftp:upload:serde-*", "sftp", "upload", "*", TG_BEYOND_CEILING,
		    "" },
		{ "sftp:upload", "sftp:list", "sftp", "upload", "a", TG_BEYOND_CEILING, "" },
		{ "sftp:upload", "sftp:list", "sftp", NULL, NULL, TG_BEYOND_CEILING, "" },
		{ "sftp:upload:a sftp:list", "sftp:list ftp", "sftp", "upload", "a",
		    TG_BEYOND_CEILING, "" },
		{ "sftp:upload:a sftp:list", "sftp:list ftp", "sftp", NULL, NULL, TG_OK,
		    "sftp:list:*" },
		{ "sftp:upload:serde-*", "ftp http sftp:*:s*", "sftp", "upload", "serde-x", TG_OK,
		    "sftp:upload:serde-*" },
		{ "sftp:upload sftp:list", "*:*:a* *:*:b*", "sftp", NULL, NULL, TG_OK,
		    "sftp:upload:a* sftp:upload:b* sftp:list:a* sftp:list:b*" },
		{ "sftp:upload sftp:list", "*:*:a* *:*:b*", "sftp", "list", "b", TG_OK,
		    "sftp:list:b*" },
		{ "sftp:upload sftp", "*:upload:a* sftp:upload:a*", "sftp", NULL, NULL, TG_OK,
		    "sftp:upload:a*" },
		/* the token is judged before the ceiling */
		{ "sftp:upload:a", "ftp", "sftp", "upload", "b", TG_WRONG_RESOURCE, "" },
		{ "sftp:upload:a", "ftp", "imap", "login", "*", TG_WRONG_SERVICE, "" },
		/* what does not parse grants nothing and takes nothing away */
		{ "SFTP te*st: sftp:upload:te*st sftp:upload:**", NULL, "sftp", "upload", "te",
		    TG_WRONG_SERVICE, "" },
		{ "sftp:upload:** sftp:upload:a", NULL, "sftp", "upload", "a", TG_OK,
		    "sftp:upload:a" },
		{ "sftp:upload:** sftp:upload:a", "*:*:** sftp", "sftp", "upload", "a", TG_OK,
		    "sftp:upload:a" },
		{ "sftp:upload:a", "sftp:upload:**", "sftp", "upload", "a", TG_BEYOND_CEILING, "" },
	};
	struct tg_grant grant;
	struct world w;
	char row[32];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		make_world(&w);
		set_scopes(&w, rows[i].scopes);
		set_ceiling(&w, rows[i].ceiling);
		w.ask = (struct scope_ask) { rows[i].service, rows[i].action, rows[i].resource };
		snprintf(row, sizeof(row), "row %zu", i);
		ROW(decide(&w, &grant) == rows[i].verdict, "%s: '%s' below '%s'", row,
		    rows[i].scopes, rows[i].ceiling != NULL ? rows[i].ceiling : "nothing");
		is_granted(&grant, rows[i].granted, row);
	}
}

static void
the_longest_scope_is_granted_whole(void **state)
{
	char scope[TG_SCOPE_MAX + 1];
	struct tg_grant grant;
	struct world w;

	(void)state;
	memset(scope, 'x', TG_SCOPE_MAX - 1);
	memcpy(scope, "sftp0123456789abcdef0123456789ab:upload", 39);
	scope[TG_WORD_MAX + 1 + TG_WORD_MAX] = ':';
	strcpy(scope + TG_SCOPE_MAX - 1, "*");
	make_world(&w);
	set_scopes(&w, scope);
	set_ceiling(&w, "*");
	w.ask = (struct scope_ask) { "sftp0123456789abcdef0123456789ab", NULL, NULL };
	assert_int_equal(TG_OK, decide(&w, &grant));
	is_granted(&grant, scope, "below *");
	set_ceiling(&w, NULL);
	assert_int_equal(TG_OK, decide(&w, &grant));
	is_granted(&grant, scope, "without a ceiling");
}

/* 32 scopes below 32 have up to 1024 in common; a grant holds 32. */
static void
a_grant_never_holds_more_than_it_can(void **state)
{
	struct tg_grant grant;
	struct world w;
	size_t i;

	(void)state;
	make_world(&w);
	w.token.nscopes = w.owner.nscopes = TG_SCOPES_MAX;
	for (i = 0; i < TG_SCOPES_MAX; i++) {
		snprintf(w.token.scopes[i], sizeof(w.token.scopes[i]), "sftp:*:p%zu", i);
		snprintf(w.owner.scopes[i], sizeof(w.owner.scopes[i]), "sftp:a%zu:*", i);
	}
	w.ask = (struct scope_ask) { "sftp", NULL, NULL };
	assert_int_equal(TG_OK, decide(&w, &grant));
	assert_int_equal(TG_SCOPES_MAX, grant.nscopes);
	for (i = 0; i < TG_SCOPES_MAX; i++)
		assert_true(tg_scope_valid(grant.scopes[i], NULL));
	assert_string_equal("alice", grant.identity);

	w.ask = (struct scope_ask) { "sftp", "a31", "p31" };
	assert_int_equal(TG_OK, decide(&w, &grant));
	is_granted(&grant, "sftp:a31:p31", "the last pair");
}

/* ---- staying ---- */

static void
who_stays_is_not_judged_by_uses_and_idle_time_alone(void **state)
{
	static const struct {
		void (*apply)(struct world *w);
		enum tg_status coming, staying;
	} rows[] = {
		{ leave_idle, TG_IDLE, TG_OK },
		{ use_up, TG_USED_UP, TG_OK },
		{ revoke, TG_REVOKED, TG_REVOKED },
		{ expire, TG_EXPIRED, TG_EXPIRED },
		{ start_later, TG_NOT_YET_VALID, TG_NOT_YET_VALID },
		{ create_later, TG_NOT_YET_VALID, TG_NOT_YET_VALID },
		{ remove_owner, TG_OWNER_SUSPENDED, TG_OWNER_SUSPENDED },
		{ suspend, TG_OWNER_SUSPENDED, TG_OWNER_SUSPENDED },
		{ log_in_as_bob, TG_WRONG_LOGIN, TG_WRONG_LOGIN },
		{ ask_imap, TG_WRONG_SERVICE, TG_WRONG_SERVICE },
		{ lower_ceiling, TG_BEYOND_CEILING, TG_BEYOND_CEILING },
		{ come_from_elsewhere, TG_WRONG_SOURCE, TG_WRONG_SOURCE },
	};
	struct tg_grant grant;
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		make_world(&w);
		rows[i].apply(&w);
		ROW(decide(&w, &grant) == rows[i].coming, "row %zu", i);
		w.staying = true;
		ROW(decide(&w, &grant) == rows[i].staying, "row %zu", i);
		leave_idle(&w);
		use_up(&w);
		ROW(decide(&w, &grant) == rows[i].staying, "idle and used up, row %zu", i);
	}
}

/* ---- narrowing ---- */

static void
a_token_may_become_narrower_and_never_wider(void **state)
{
	static const struct {
		const char *from_scopes, *from_sources;
		int64_t from_expiry;
		const char *to_scopes, *to_sources;
		int64_t to_expiry;
		const char *why; /* NULL: it is narrower */
	} rows[] = {
		{ "sftp", "", 0, "sftp", "", 0, NULL },
		{ "sftp", "", 0, "sftp:upload", "", 0, NULL },
		{ "sftp", "", 0, "sftp:upload:a sftp:list:b", "", 0, NULL },
		{ "sftp:upload:a* ftp", "", 0, "ftp:login sftp:upload:ab", "", 0, NULL },
		{ "ftp sftp:upload", "", 0, "sftp:upload", "", 0, NULL },
		{ "sftp", "", 0, "ftp", "", 0, "scope" },
		{ "sftp", "", 0, "*", "", 0, "scope" },
		{ "sftp", "", 0, "sftp ftp", "", 0, "scope" },
		{ "sftp", "", 0, "sftp:proxy:bob", "", 0, "scope" },
		{ "sftp:upload:a", "", 0, "sftp:upload:a*", "", 0, "scope" },
		{ "sftp:upload", "", 0, "sftp", "", 0, "scope" },
		{ "sftp", "", 0, "sftp:upload:**", "", 0, "scope" },
		{ "sftp:upload:**", "", 0, "sftp:upload:a", "", 0, "scope" },
		{ "", "", 0, "sftp", "", 0, "scope" },
		{ "sftp", "", 0, "sftp", "192.0.2.0/24", 0, NULL },
		{ "sftp", "192.0.2.0/24", 0, "sftp", "192.0.2.0/24", 0, NULL },
		{ "sftp", "192.0.2.0/24", 0, "sftp", "192.0.2.7 192.0.2.128/25", 0, NULL },
		{ "sftp", "192.0.2.0/24 ::/0", 0, "sftp", "::1", 0, NULL },
		{ "sftp", "192.0.2.0/24", 0, "sftp", "", 0, "source" },
		{ "sftp", "192.0.2.0/24", 0, "sftp", "192.0.2.0/23", 0, "source" },
		{ "sftp", "192.0.2.0/24", 0, "sftp", "192.0.2.7 192.0.3.7", 0, "source" },
		{ "sftp", "192.0.2.0/24", 0, "sftp", "garbage", 0, "source" },
		{ "sftp", "0.0.0.0/0", 0, "sftp", "::1", 0, "source" },
		{ "sftp", "", 0, "sftp", "", 1, NULL },
		{ "sftp", "", 1000, "sftp", "", 1000, NULL },
		{ "sftp", "", 1000, "sftp", "", 999, NULL },
		{ "sftp", "", 1000, "sftp", "", 1001, "expiry" },
		{ "sftp", "", 1000, "sftp", "", 0, "expiry" },
	};
	static struct world from, to;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		set_scopes(&from, rows[i].from_scopes);
		set_sources(&from, rows[i].from_sources);
		from.token.expires_at = rows[i].from_expiry;
		set_scopes(&to, rows[i].to_scopes);
		set_sources(&to, rows[i].to_sources);
		to.token.expires_at = rows[i].to_expiry;
		why = "";
		ROW(policy_narrows(&from.token, &to.token, &why) == (rows[i].why == NULL),
		    "row %zu: %s", i, why != NULL ? why : "narrower");
		ROW(rows[i].why == NULL ? why == NULL :
					  why != NULL && strstr(why, rows[i].why) != NULL,
		    "row %zu: %s", i, why != NULL ? why : "narrower");
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("of any set of reasons the first in DESIGN's order is the verdict",
		    the_first_reason_that_applies_is_the_verdict),
		TEST("a yes has the identity and the scopes, and nothing more",
		    a_yes_has_the_identity_and_the_scopes_and_nothing_more),
		TEST("a no leaves the grant as it was", a_no_leaves_the_grant_as_it_was),
		TEST("each limit has its last good second and its first bad one",
		    each_limit_has_its_last_good_second),
		TEST("a login is the owner, the drop-in name or a name it was issued for",
		    logins_are_the_owner_the_drop_in_name_and_those_issued_for),
		TEST("a login beyond the count is none", a_login_beyond_the_count_is_none),
		TEST("the longest owner is an identity", the_longest_owner_is_an_identity),
		TEST(
		    "a bound token is good from its networks only, and never from an unknown address",
		    sources_bind_a_token_to_its_networks),
		TEST("a grant has the scopes that apply, pair by pair below the ceiling",
		    a_grant_has_the_scopes_that_apply_below_the_ceiling),
		TEST("the longest scope is granted whole", the_longest_scope_is_granted_whole),
		TEST("a grant never holds more scopes than it can",
		    a_grant_never_holds_more_than_it_can),
		TEST("who stays is not judged by uses and idle time, but by all else",
		    who_stays_is_not_judged_by_uses_and_idle_time_alone),
		TEST("a token may become narrower and never wider",
		    a_token_may_become_narrower_and_never_wider),
	};

	return RUN(tests);
}
