/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "crypt.h"
#include "lmdb_hand.h"
#include "place.h"
#include "token.h"
#include "usage.h"

enum { DAY = 24 * 3600 };

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY

static struct tg_token
get(struct tg *tg, const char *id)
{
	struct tg_token token;

	ROW(tg_get(tg, id, &token) == TG_OK, "%s", tg_detail(tg));
	return token;
}

/* All that a change could leave: LMDB's pages and the sidecar. */
struct bytes {
	uint8_t *data[2];
	size_t len[2];
};

static struct bytes
take_bytes(void)
{
	struct bytes b;

	b.data[0] = place_read(place_file("data.mdb"), &b.len[0]);
	b.data[1] = place_read(place_file("usage"), &b.len[1]);
	return b;
}

static bool
same_bytes(const struct bytes *before)
{
	struct bytes now = take_bytes();
	bool same = true;
	size_t i;

	for (i = 0; i < 2; i++) {
		same = same && now.len[i] == before->len[i] &&
		    memcmp(now.data[i], before->data[i], now.len[i]) == 0;
		free(now.data[i]);
	}
	return same;
}

static void
drop_bytes(struct bytes *b)
{
	free(b->data[0]);
	free(b->data[1]);
}

/* ---- issue ---- */

static const struct wish full = {
	.owner = "A.z_9@+-34567890123456789012345678901234567890123456789012345678",
	.name = "caf\xc3\xa9 " FIFTY TEN TEN TEN TEN "1234",
	.by = "root",
	.scopes = { "sftp:upload:serde-*", "smtp",
	    "a2345678901234567890123456789012:*:" HUNDRED TEN TEN "12345678" },
	.logins = { "ci", "b@example.org" },
	.sources = { "192.0.2.0/24", "2001:db8::/32" },
	.not_before = PLACE_NOW + 1,
	.expires_at = PLACE_NOW + 400 * DAY,
	.idle_s = TG_IDLE_MAX_S,
	.uses = 5,
};

static void
a_token_is_kept_as_it_was_wished_for(void **state)
{
	char text[TG_TOKEN_MAX + 1];
	struct tg_token wished, issued, kept;
	struct tg *tg = place_open();
	struct tg_owner owner;
	struct token parts;

	(void)state;
	place_wish(&full, &wished);
	issued = wished;
	assert_int_equal(tg_issue(tg, &issued, text), TG_OK);
	kept = get(tg, issued.id);
	assert_memory_equal(&issued, &kept, sizeof(kept));
	assert_int_equal(kept.created_at, PLACE_NOW);
	assert_int_equal(kept.state, TG_NOT_YET_VALID);
	memcpy(wished.id, kept.id, sizeof(wished.id));
	wished.created_at = kept.created_at;
	wished.state = kept.state;
	assert_memory_equal(&wished, &kept, sizeof(kept));

	assert_true(token_parse(text, strlen(text), &parts));
	assert_string_equal(parts.id, kept.id);
	assert_string_equal(parts.prefix, "tkg");
	assert_int_equal(tg_owner_get(tg, full.owner, &owner), TG_OK);
	assert_int_equal(owner.created_at, PLACE_NOW);
	assert_false(owner.suspended || owner.has_ceiling);
	tg_close(&tg);
}

static void
a_token_may_have_as_much_as_fits(void **state)
{
	struct tg *tg = place_open();
	char text[TG_TOKEN_MAX + 1];
	struct tg_token token, kept;
	size_t i;

	(void)state;
	place_wish(&full, &token);
	token.nscopes = TG_SCOPES_MAX;
	for (i = 0; i < TG_SCOPES_MAX; i++)
		snprintf(token.scopes[i], sizeof(token.scopes[i]),
		    "a2345678901234567890123456789012:b2345678901234567890123456789012:%s%08zu",
		    HUNDRED TEN TEN, i);
	token.nlogins = TG_LOGINS_MAX;
	for (i = 0; i < TG_LOGINS_MAX; i++)
		snprintf(token.logins[i], sizeof(token.logins[i]), "%s%014zu", FIFTY, i);
	token.nsources = TG_SOURCES_MAX;
	for (i = 0; i < TG_SOURCES_MAX; i++)
		snprintf(token.sources[i], sizeof(token.sources[i]),
		    "2001:db8:1111:1111:1111:1111:1111:11%02zx/128", i);
	snprintf(token.created_by, sizeof(token.created_by), "%s%014d", FIFTY, 0);
	assert_int_equal(tg_issue(tg, &token, text), TG_OK);
	kept = get(tg, token.id);
	assert_memory_equal(&token, &kept, sizeof(kept));
	tg_set_now(tg, PLACE_NOW + DAY);
	assert_int_equal(tg_revoke(tg, token.id, "root", HUNDRED HUNDRED), TG_OK);
	assert_string_equal(get(tg, token.id).revoked_why, HUNDRED HUNDRED);
	tg_close(&tg);
}

static void
tokens_differ(void **state)
{
	enum { N = 50 };
	struct tg *tg = place_open();
	struct issued token[N];
	size_t i, k;

	(void)state;
	for (i = 0; i < N; i++)
		token[i] = place_issue(tg, NULL);
	for (i = 0; i < N; i++)
		for (k = 0; k < i; k++) {
			assert_string_not_equal(token[i].id, token[k].id);
			assert_memory_not_equal(token[i].text + 15, token[k].text + 15,
			    TG_SECRET_LEN);
		}
	tg_close(&tg);
}

/* What makes a wish unfit, and the word in the detail that says so. */
static const struct unfit {
	struct wish wish;
	const char *says;
} unfit[] = {
	{ { .owner = "" }, "owner" },
	{ { .owner = "-alice" }, "owner" },
	{ { .owner = "al ice" }, "owner" },
	{ { .owner = "al\xc3\xad"
		     "ce" },
	    "owner" },
	{ { .owner = TG_DROP_IN }, "owner" },
	{ { .name = "a\nb" }, "name" },
	{ { .name = "\x1b[2J" }, "name" },
	{ { .name = "\xff" }, "name" },
	{ { .scopes = { "sftp:upload:demo", "SFTP" } }, "scope 'SFTP'" },
	{ { .scopes = { "sftp:upload:te*st" } }, "scope" },
	{ { .scopes = { "sftp:upload:" } }, "scope" },
	{ { .scopes = { "" } }, "scope" },
	{ { .logins = { "ok", "not ok" } }, "login 'not ok'" },
	{ { .logins = { TG_DROP_IN } }, "login" },
	{ { .sources = { "192.0.2.1/24" } }, "source" },
	{ { .sources = { "192.0.2.0/24", "localhost" } }, "source 'localhost'" },
	{ { .not_before = -1 }, "1970" },
	{ { .expires_at = -1 }, "1970" },
	{ { .expires_at = PLACE_NOW }, "past" },
	{ { .expires_at = 1 }, "past" },
	{ { .not_before = PLACE_NOW + DAY, .expires_at = PLACE_NOW + DAY }, "start" },
	{ { .not_before = PLACE_NOW + DAY, .expires_at = PLACE_NOW + 1 }, "start" },
	{ { .idle_s = (uint32_t)TG_IDLE_MAX_S + 1 }, "idle" },
	{ { .by = "ro\not" }, "acting user" },
	{ { .by = "\xc0\x80" }, "acting user" },
};

static void
refused_issue(struct tg *tg, struct tg_token *token, const char *says, const struct bytes *before)
{
	struct tg_token was = *token;
	char text[TG_TOKEN_MAX + 1];
	enum tg_status r;
	size_t i;

	memset(text, 'x', sizeof(text));
	r = tg_issue(tg, token, text);
	ROW(r == TG_INVALID, "%s: %s", says, tg_status_name(r));
	ROW(strstr(tg_detail(tg), says) != NULL, "'%s' not '%s'", tg_detail(tg), says);
	for (i = 0; i < sizeof(text); i++)
		ROW(text[i] == '\0', "%s", says);
	ROW(memcmp(&was, token, sizeof(was)) == 0, "%s", says);
	ROW(same_bytes(before), "%s", says);
}

static void
an_unfit_wish_is_refused_and_nothing_is_written(void **state)
{
	struct tg *tg = place_open();
	struct bytes before;
	struct tg_token token;
	size_t i;

	(void)state;
	place_issue(tg, NULL);
	before = take_bytes();
	for (i = 0; i < ROWS(unfit); i++) {
		place_wish(&unfit[i].wish, &token);
		refused_issue(tg, &token, unfit[i].says, &before);
	}
	place_wish(&(struct wish) { .name = "" }, &token);
	token.nscopes = 0;
	refused_issue(tg, &token, "at least one scope", &before);
	token.nscopes = TG_SCOPES_MAX + 1;
	refused_issue(tg, &token, "more than 32 scopes", &before);
	token.nscopes = 1;
	token.nlogins = TG_LOGINS_MAX + 1;
	refused_issue(tg, &token, "more than 8 logins", &before);
	token.nlogins = 0;
	token.nsources = TG_SOURCES_MAX + 1;
	refused_issue(tg, &token, "more than 32 sources", &before);
	token.nsources = 0;
	token.uses_left = 0;
	refused_issue(tg, &token, "at least one use", &before);
	assert_int_equal(place_journal(tg, NULL), 2);
	assert_int_equal(place_tokens(tg), 1);
	drop_bytes(&before);
	tg_close(&tg);
}

/* ---- looking ---- */

/* What a callback saw. */
struct seen {
	struct tg *tg;
	size_t n, stop_at;
	bool in_order;
	char last[TG_ID_LEN + 1];
	uint64_t serial;
};

static bool
see_token(void *arg, const struct tg_token *token)
{
	struct seen *seen = arg;

	seen->in_order = seen->in_order && strcmp(seen->last, token->id) < 0;
	memcpy(seen->last, token->id, sizeof(seen->last));
	return ++seen->n != seen->stop_at;
}

static bool
see_entry(void *arg, const struct tg_entry *entry)
{
	struct seen *seen = arg;

	seen->in_order = seen->in_order && entry->serial == seen->serial + 1;
	seen->serial = entry->serial;
	return ++seen->n != seen->stop_at;
}

static bool
revoke_it(void *arg, const struct tg_token *token)
{
	struct seen *seen = arg;
	struct tg_token same;

	seen->n++;
	return tg_get(seen->tg, token->id, &same) == TG_OK &&
	    memcmp(token, &same, sizeof(same)) == 0 &&
	    tg_revoke(seen->tg, token->id, "root", NULL) == TG_OK;
}

static bool
all_revoked(void *arg, const struct tg_token *token)
{
	(void)arg;
	return token->state == TG_REVOKED && see_token(arg, token);
}

static void
walks_go_over_all_in_order_and_stop_when_told(void **state)
{
	static const size_t sizes[] = { 0, 1, 31, 32, 33, 64, 70 };
	struct tg *tg = place_open();
	struct seen seen;
	size_t n = 0, i, stop;

	(void)state;
	for (i = 0; i < ROWS(sizes); i++) {
		for (; n < sizes[i]; n++)
			place_issue(tg, NULL);
		seen = (struct seen) { .in_order = true };
		assert_int_equal(tg_each(tg, NULL, see_token, &seen), TG_OK);
		ROW(seen.n == n && seen.in_order, "%zu of %zu", seen.n, n);
		seen = (struct seen) { .in_order = true };
		assert_int_equal(tg_each(tg, "alice", see_token, &seen), TG_OK);
		ROW(seen.n == n && seen.in_order, "%zu of %zu", seen.n, n);
		seen = (struct seen) { .in_order = true };
		assert_int_equal(tg_log(tg, see_entry, &seen), TG_OK);
		ROW(seen.n == n + 1 && seen.in_order, "%zu of %zu", seen.n, n);
		for (stop = 1; stop <= n; stop += 31) {
			seen = (struct seen) { .stop_at = stop, .in_order = true };
			assert_int_equal(tg_each(tg, NULL, see_token, &seen), TG_OK);
			assert_int_equal(seen.n, stop);
			seen = (struct seen) { .stop_at = stop, .in_order = true };
			assert_int_equal(tg_log(tg, see_entry, &seen), TG_OK);
			assert_int_equal(seen.n, stop);
		}
	}
	tg_close(&tg);
}

static void
a_walk_may_use_its_own_handle(void **state)
{
	struct tg *tg = place_open();
	struct seen seen = { .tg = tg };
	size_t i;

	(void)state;
	for (i = 0; i < 70; i++)
		place_issue(tg, NULL);
	assert_int_equal(tg_each(tg, NULL, revoke_it, &seen), TG_OK);
	assert_int_equal(seen.n, 70);
	seen = (struct seen) { .in_order = true };
	assert_int_equal(tg_each(tg, "alice", all_revoked, &seen), TG_OK);
	assert_int_equal(seen.n, 70);
	tg_close(&tg);
}

static void
owners_with_similar_names_are_apart(void **state)
{
	static const struct {
		const char *owner;
		size_t tokens;
	} rows[] = { { "al", 1 }, { "alice", 35 }, { "alicee", 2 }, { "b", 1 },
		{ "A234567890123456789012345678901234567890123456789012345678901234", 3 } };
	static const char *const nobody[] = { "a", "alic", "c", "", "no such", TG_DROP_IN };
	struct tg *tg = place_open();
	struct seen seen;
	size_t i, k;

	(void)state;
	for (i = 0; i < ROWS(rows); i++)
		for (k = 0; k < rows[i].tokens; k++)
			place_issue(tg, &(struct wish) { .owner = rows[i].owner });
	for (i = 0; i < ROWS(rows); i++) {
		seen = (struct seen) { .in_order = true };
		assert_int_equal(tg_each(tg, rows[i].owner, see_token, &seen), TG_OK);
		ROW(seen.n == rows[i].tokens && seen.in_order, "%s: %zu", rows[i].owner, seen.n);
	}
	for (i = 0; i < ROWS(nobody); i++) {
		seen = (struct seen) { .in_order = true };
		assert_int_equal(tg_each(tg, nobody[i], see_token, &seen), TG_OK);
		ROW(seen.n == 0, "'%s'", nobody[i]);
	}
	tg_close(&tg);
}

static void
an_id_that_is_none_is_nobodys(void **state)
{
	static const char *const ids[] = { "", "0", "000000000", "00000000000", "000000000 ",
		"tkg_000000", "../../etc/", "0000000000" };
	struct tg_token token, zero;
	struct tg *tg = place_open();
	size_t i;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	for (i = 0; i < ROWS(ids); i++) {
		memset(&token, 0xff, sizeof(token));
		ROW(tg_get(tg, ids[i], &token) == TG_NO_MATCH, "'%s'", ids[i]);
		ROW(memcmp(&token, &zero, sizeof(zero)) == 0, "'%s'", ids[i]);
		ROW(tg_revoke(tg, ids[i], "root", NULL) == TG_NO_MATCH, "'%s'", ids[i]);
		place_wish(&(struct wish) { .name = "" }, &token);
		ROW(tg_change(tg, ids[i], &token, "root") == TG_NO_MATCH, "'%s'", ids[i]);
	}
	assert_int_equal(place_journal(tg, NULL), 1);
	tg_close(&tg);
}

/* ---- journal ---- */

struct entries {
	size_t n;
	struct tg_entry entry[16];
};

static bool
keep_entry(void *arg, const struct tg_entry *entry)
{
	struct entries *e = arg;

	if (e->n < ROWS(e->entry))
		e->entry[e->n] = *entry;
	e->n++;
	return true;
}

static void
each_change_has_its_entry_under_the_next_serial(void **state)
{
	static const struct {
		enum tg_event event;
		const char *owner, *by, *what;
		bool of_token;
	} rows[] = {
		{ TG_EVENT_INIT, "", "root", "", false },
		{ TG_EVENT_ISSUE, "alice", "root", "sftp:upload:demo ftp", true },
		{ TG_EVENT_CHANGE, "alice", "ann", "ftp:list", true },
		{ TG_EVENT_OWNER, "alice", "bea", "suspended", false },
		{ TG_EVENT_OWNER, "alice", "bea", "ftp:*:x", false },
		{ TG_EVENT_OWNER, "alice", "bea", "ceiling: nothing", false },
		{ TG_EVENT_OWNER, "alice", "bea", "", false },
		{ TG_EVENT_REVOKE, "alice", "cyd", "leaked", true },
	};
	struct tg_owner owner = { .name = "alice", .suspended = true };
	struct entries entries = { 0 };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg,
	    &(struct wish) { .scopes = { "sftp:upload:demo", "ftp" } });
	struct tg_token narrower = get(tg, token.id);
	size_t i;

	(void)state;
	narrower.nscopes = 1;
	strcpy(narrower.scopes[0], "ftp:list");
	assert_int_equal(tg_change(tg, token.id, &narrower, "ann"), TG_OK);
	assert_int_equal(tg_owner_set(tg, &owner, "bea"), TG_OK);
	owner = (struct tg_owner) {
		.name = "alice", .has_ceiling = true, .nscopes = 1, .scopes = { "ftp:*:x" }
	};
	assert_int_equal(tg_owner_set(tg, &owner, "bea"), TG_OK);
	owner.nscopes = 0;
	assert_int_equal(tg_owner_set(tg, &owner, "bea"), TG_OK);
	owner.has_ceiling = false;
	assert_int_equal(tg_owner_set(tg, &owner, "bea"), TG_OK);
	tg_set_now(tg, PLACE_NOW + DAY);
	assert_int_equal(tg_revoke(tg, token.id, "cyd", "leaked"), TG_OK);

	assert_int_equal(tg_log(tg, keep_entry, &entries), TG_OK);
	assert_int_equal(entries.n, ROWS(rows));
	for (i = 0; i < ROWS(rows); i++) {
		const struct tg_entry *e = &entries.entry[i];

		ROW(e->serial == i + 1, "row %zu: serial %lu", i, (unsigned long)e->serial);
		ROW(e->event == rows[i].event, "row %zu: %s", i, tg_event_name(e->event));
		ROW(strcmp(e->owner, rows[i].owner) == 0, "row %zu: '%s'", i, e->owner);
		ROW(strcmp(e->by, rows[i].by) == 0, "row %zu: '%s'", i, e->by);
		ROW(strcmp(e->what, rows[i].what) == 0, "row %zu: '%s'", i, e->what);
		ROW(strcmp(e->id, rows[i].of_token ? token.id : "") == 0, "row %zu: '%s'", i,
		    e->id);
		ROW(e->at == (i == 7 ? PLACE_NOW + DAY : PLACE_NOW), "row %zu", i);
	}
	tg_close(&tg);
}

static void
what_was_refused_has_no_entry(void **state)
{
	struct tg_owner owner = { .name = "nobody" };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	struct tg_token wider = get(tg, token.id);
	struct bytes before = take_bytes();

	(void)state;
	strcpy(wider.scopes[0], "sftp");
	assert_int_equal(tg_change(tg, token.id, &wider, "root"), TG_INVALID);
	assert_int_equal(tg_owner_set(tg, &owner, "root"), TG_NO_MATCH);
	strcpy(owner.name, "alice");
	owner.nscopes = 1;
	strcpy(owner.scopes[0], "ftp");
	assert_int_equal(tg_owner_set(tg, &owner, "root"), TG_INVALID); /* no ceiling, yet scopes */
	owner.has_ceiling = true;
	strcpy(owner.scopes[0], "FTP");
	assert_int_equal(tg_owner_set(tg, &owner, "root"), TG_INVALID);
	assert_int_equal(tg_revoke(tg, token.id, "root\n", NULL), TG_INVALID);
	assert_int_equal(tg_revoke(tg, token.id, "root", "a\nb"), TG_INVALID);
	assert_int_equal(tg_revoke(tg, token.id, "root", HUNDRED HUNDRED "1"), TG_INVALID);
	assert_int_equal(tg_revoke_all(tg, NULL, "root", "\x7f", NULL, NULL), TG_INVALID);
	assert_int_equal(tg_revoke(tg, "0000000000", "root", NULL), TG_NO_MATCH);
	assert_true(same_bytes(&before));
	assert_int_equal(place_check(tg, token.text), TG_OK);
	drop_bytes(&before);
	tg_close(&tg);
}

/* ---- change ---- */

static void
a_token_can_be_narrowed_but_not_widened(void **state)
{
	static const struct wish from = { .scopes = { "sftp:upload:a*", "ftp" },
		.logins = { "ci" },
		.sources = { "192.0.2.0/24" },
		.expires_at = PLACE_NOW + 10 * DAY,
		.uses = 3 };
	static const struct {
		struct wish to;
		enum tg_status r;
	} rows[] = {
		{ { .scopes = { "sftp:upload:ab" },
		      .sources = { "192.0.2.8/29" },
		      .expires_at = PLACE_NOW + DAY,
		      .name = "other" },
		    TG_OK },
		{ { .scopes = { "ftp:list", "ftp:upload:x" },
		      .sources = { "192.0.2.1", "192.0.2.2" },
		      .expires_at = PLACE_NOW + 10 * DAY },
		    TG_OK },
		{ { .scopes = { "ftp" }, .sources = { "192.0.2.0/24" }, .expires_at = 1 }, TG_OK },
		{ { .scopes = { "ftp", "smtp" },
		      .sources = { "192.0.2.0/24" },
		      .expires_at = PLACE_NOW + DAY },
		    TG_INVALID },
		{ { .scopes = { "*" },
		      .sources = { "192.0.2.0/24" },
		      .expires_at = PLACE_NOW + DAY },
		    TG_INVALID },
		{ { .scopes = { "sftp:upload" },
		      .sources = { "192.0.2.0/24" },
		      .expires_at = PLACE_NOW + DAY },
		    TG_INVALID },
		{ { .scopes = { "ftp:proxy" },
		      .sources = { "192.0.2.0/24" },
		      .expires_at = PLACE_NOW + DAY },
		    TG_INVALID },
		{ { .scopes = { "ftp" }, .expires_at = PLACE_NOW + DAY }, TG_INVALID },
		{ { .scopes = { "ftp" },
		      .sources = { "192.0.0.0/16" },
		      .expires_at = PLACE_NOW + DAY },
		    TG_INVALID },
		{ { .scopes = { "ftp" }, .sources = { "192.0.2.0/24" }, .expires_at = 0 },
		    TG_INVALID },
		{ { .scopes = { "ftp" },
		      .sources = { "192.0.2.0/24" },
		      .expires_at = PLACE_NOW + 11 * DAY },
		    TG_INVALID },
		{ { .scopes = { "ftp" },
		      .sources = { "192.0.2.0/24" },
		      .expires_at = PLACE_NOW + DAY,
		      .name = "\x01" },
		    TG_INVALID },
	};
	struct tg *tg = place_open();
	struct tg_token was, to, want, is;
	struct issued token;
	enum tg_status r;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		token = place_issue(tg, &from);
		was = want = get(tg, token.id);
		place_wish(&rows[i].to, &to);
		r = tg_change(tg, token.id, &to, "root");
		ROW(r == rows[i].r, "row %zu: %s: %s", i, tg_status_name(r), tg_detail(tg));
		memcpy(want.name, to.name, sizeof(want.name));
		memcpy(want.scopes, to.scopes, sizeof(want.scopes));
		want.nscopes = to.nscopes;
		memcpy(want.sources, to.sources, sizeof(want.sources));
		want.nsources = to.nsources;
		want.expires_at = to.expires_at;
		want.state = to.expires_at == 1 ? TG_EXPIRED : TG_OK;
		is = get(tg, token.id);
		ROW(memcmp(&is, r == TG_OK ? &want : &was, sizeof(is)) == 0, "row %zu", i);
	}
	tg_close(&tg);
}

static void
an_expiry_before_1970_is_no_narrower_one(void **state)
{
	struct tg *tg = place_open();
	struct issued token[] = { place_issue(tg, NULL),
		place_issue(tg, &(struct wish) { .expires_at = PLACE_NOW + DAY }) };
	struct tg_token to;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(token); i++) {
		to = get(tg, token[i].id);
		to.expires_at = -1;
		ROW(tg_change(tg, token[i].id, &to, "root") == TG_INVALID, "row %zu", i);
		assert_int_equal(place_check(tg, token[i].text), TG_OK);
	}
	assert_int_equal(tg_revoke_all(tg, NULL, "root", NULL, NULL, NULL), TG_OK);
	tg_close(&tg);
}

static void
a_dead_token_is_not_changed(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	struct tg_token to = get(tg, token.id), is;

	(void)state;
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_OK);
	strcpy(to.name, "new");
	assert_int_equal(tg_change(tg, token.id, &to, "root"), TG_REVOKED);
	is = get(tg, token.id);
	assert_string_equal(is.name, "");
	assert_int_equal(is.state, TG_REVOKED);
	tg_close(&tg);
}

/* ---- revoke ---- */

static void
revoking_twice_keeps_the_first_time_and_reason(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL), other = place_issue(tg, NULL);
	struct tg_token t;

	(void)state;
	tg_set_now(tg, PLACE_NOW + 1);
	assert_int_equal(tg_revoke(tg, token.id, "ann", "leaked"), TG_OK);
	assert_int_equal(place_check(tg, token.text), TG_REVOKED);
	assert_int_equal(place_check(tg, other.text), TG_OK);
	tg_set_now(tg, PLACE_NOW + 2);
	assert_int_equal(tg_revoke(tg, token.id, "bea", "other"), TG_OK);
	assert_int_equal(tg_revoke_all(tg, "alice", "bea", "other", NULL, NULL), TG_OK);
	t = get(tg, token.id);
	assert_int_equal(t.revoked_at, PLACE_NOW + 1);
	assert_string_equal(t.revoked_by, "ann");
	assert_string_equal(t.revoked_why, "leaked");
	assert_int_equal(get(tg, other.id).revoked_at, PLACE_NOW + 2);
	assert_int_equal(place_journal(tg, NULL), 5); /* init, two issued, two revoked */
	tg_close(&tg);
}

static void
count_id(void *arg, const char *id)
{
	struct seen *seen = arg;

	seen->in_order = seen->in_order && strcmp(seen->last, id) < 0;
	memcpy(seen->last, id, sizeof(seen->last));
	seen->n++;
}

static void
all_of_an_owner_or_of_everybody_die_at_once(void **state)
{
	struct tg *tg = place_open();
	struct issued alice[70], bob, carol;
	struct entries *entries = calloc(1, sizeof(*entries));
	struct seen seen = { .in_order = true };
	uint64_t serial, after;
	size_t i;

	(void)state;
	assert_non_null(entries);
	for (i = 0; i < ROWS(alice); i++)
		alice[i] = place_issue(tg, NULL);
	bob = place_issue(tg, &(struct wish) { .owner = "bob" });
	carol = place_issue(tg, &(struct wish) { .owner = "alicee" });
	assert_int_equal(tg_revoke(tg, alice[3].id, "root", NULL), TG_OK);
	place_journal(tg, &serial);

	assert_int_equal(tg_revoke_all(tg, "alice", "root", "left", count_id, &seen), TG_OK);
	assert_int_equal(seen.n, ROWS(alice) - 1); /* those that were live */
	assert_true(seen.in_order);
	for (i = 0; i < ROWS(alice); i++)
		assert_int_equal(place_check(tg, alice[i].text), TG_REVOKED);
	assert_string_equal(get(tg, alice[0].id).revoked_why, "left");
	assert_int_equal(place_check(tg, bob.text), TG_OK);
	assert_int_equal(place_check(tg, carol.text), TG_OK);
	assert_int_equal(place_journal(tg, &after), 1 + 72 + 1 + 69);
	assert_int_equal(after, serial + 1); /* one transaction */

	seen = (struct seen) { .in_order = true };
	assert_int_equal(tg_revoke_all(tg, NULL, "root", NULL, count_id, &seen), TG_OK);
	assert_int_equal(seen.n, 2);
	assert_int_equal(place_check(tg, bob.text), TG_REVOKED);
	assert_int_equal(place_check(tg, carol.text), TG_REVOKED);
	seen.n = 0;
	assert_int_equal(tg_revoke_all(tg, NULL, "root", NULL, count_id, &seen), TG_OK);
	assert_int_equal(tg_revoke_all(tg, "nobody", "root", NULL, count_id, &seen), TG_NO_MATCH);
	assert_int_equal(tg_revoke_all(tg, "not valid", "root", NULL, count_id, &seen),
	    TG_NO_MATCH);
	assert_int_equal(tg_revoke_all(tg, "", "root", NULL, count_id, &seen), TG_NO_MATCH);
	assert_int_equal(seen.n, 0);
	free(entries);
	tg_close(&tg);
}

/* ---- owners ---- */

static void
an_owner_is_set_and_got(void **state)
{
	struct tg_owner owner = { .name = "alice", .suspended = true, .has_ceiling = true }, got,
			zero;
	struct tg *tg = place_open();
	size_t i;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	memset(&got, 0xff, sizeof(got));
	assert_int_equal(tg_owner_get(tg, "alice", &got), TG_NO_MATCH);
	assert_memory_equal(&got, &zero, sizeof(zero));
	assert_int_equal(tg_owner_set(tg, &owner, "root"), TG_NO_MATCH);
	place_issue(tg, NULL);
	owner.nscopes = TG_SCOPES_MAX;
	for (i = 0; i < TG_SCOPES_MAX; i++)
		snprintf(owner.scopes[i], sizeof(owner.scopes[i]),
		    "a2345678901234567890123456789012:b2345678901234567890123456789012:%s%08zu",
		    HUNDRED TEN TEN, i);
	tg_set_now(tg, PLACE_NOW + DAY);
	assert_int_equal(tg_owner_set(tg, &owner, "root"), TG_OK);
	assert_int_equal(tg_owner_get(tg, "alice", &got), TG_OK);
	assert_int_equal(got.created_at, PLACE_NOW);
	owner.created_at = PLACE_NOW;
	assert_memory_equal(&got, &owner, sizeof(owner));
	/* a later token leaves the record alone */
	place_issue(tg, NULL);
	assert_int_equal(tg_owner_get(tg, "alice", &got), TG_OK);
	assert_memory_equal(&got, &owner, sizeof(owner));
	memset(&got, 0xff, sizeof(got));
	assert_int_equal(tg_owner_get(tg, "bob", &got), TG_NO_MATCH);
	assert_memory_equal(&got, &zero, sizeof(zero));
	assert_int_equal(tg_owner_get(tg, "not valid", &got), TG_NO_MATCH);
	owner.nscopes = TG_SCOPES_MAX + 1;
	assert_int_equal(tg_owner_set(tg, &owner, "root"), TG_INVALID);
	tg_close(&tg);
}

/* ---- what newer and damaged stores hold ---- */

enum { LENGTH_AT = 2, META_LEN = 80 };

/* Set length and checksum right again. */
static void
reseal(uint8_t *record, size_t len, enum crypt_kind kind)
{
	if (kind != CRYPT_META)
		bytes_put(record + LENGTH_AT, len, 2);
	crypt_checksum(kind, record, len - CRYPT_CHECKSUM_LEN, record + len - CRYPT_CHECKSUM_LEN);
}

/* The token's record with a field behind the others; `tag` from 0x80 on is an optional one. */
static void
add_field(const char *id, uint8_t tag, const void *value, size_t value_len)
{
	uint8_t longer[1024];
	uint8_t *record;
	size_t len;

	assert_non_null(record = hand_get("tokens", id, TG_ID_LEN, &len));
	assert_true(len + 3 + value_len <= sizeof(longer));
	memcpy(longer, record, len);
	free(record);
	len -= CRYPT_CHECKSUM_LEN;
	longer[len++] = tag;
	bytes_put(longer + len, value_len, 2);
	memcpy(longer + len + 2, value, value_len);
	len += 2 + value_len + CRYPT_CHECKSUM_LEN;
	reseal(longer, len, CRYPT_TOKEN);
	hand_put("tokens", id, TG_ID_LEN, longer, len);
}

static bool
has_field(const char *id, uint8_t tag, const void *value, size_t value_len)
{
	uint8_t field[600] = { tag };
	uint8_t *record;
	size_t len;
	bool has;

	bytes_put(field + 1, value_len, 2);
	memcpy(field + 3, value, value_len);
	assert_non_null(record = hand_get("tokens", id, TG_ID_LEN, &len));
	has = memmem(record, len, field, 3 + value_len) != NULL;
	free(record);
	return has;
}

static void
optional_fields_of_a_newer_program_are_kept(void **state)
{
	static const char key[] = "an Ed25519 key has 32 bytes, so!";
	static const uint8_t raw[] = { 0, 1, 0xff, 0x80, 3 };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, &(struct wish) { .uses = 3 });
	struct tg_token to;

	(void)state;
	add_field(token.id, 0x81, key, 32);
	add_field(token.id, 0xff, raw, sizeof(raw));
	assert_int_equal(place_check(tg, token.text), TG_OK); /* writes the record: a use less */
	assert_int_equal(get(tg, token.id).uses_left, 2);
	assert_true(has_field(token.id, 0x81, key, 32));
	to = get(tg, token.id);
	strcpy(to.name, "renamed and longer than before");
	assert_int_equal(tg_change(tg, token.id, &to, "root"), TG_OK);
	assert_true(has_field(token.id, 0x81, key, 32));
	assert_int_equal(tg_revoke(tg, token.id, "root", "leaked"), TG_OK);
	assert_true(has_field(token.id, 0x81, key, 32));
	assert_true(has_field(token.id, 0xff, raw, sizeof(raw)));
	assert_int_equal(place_check(tg, token.text), TG_REVOKED);
	tg_close(&tg);
}

/* Not understood or not right: never a yes, never a no, and nobody writes it again. */
static void
left_alone(struct tg *tg, const struct issued *token, const char *says)
{
	struct bytes before = take_bytes();
	struct tg_token t;
	struct seen seen = { 0 };

	memset(&t, 0, sizeof(t));
	ROW(place_check(tg, token->text) == TG_UNAVAILABLE, "%s: %s", says, place_line());
	ROW(strstr(tg_detail(tg), says) != NULL, "'%s' not '%s'", tg_detail(tg), says);
	ROW(place_check(tg, place_other_secret(token).text) == TG_UNAVAILABLE, "%s", says);
	ROW(tg_get(tg, token->id, &t) == TG_UNAVAILABLE, "%s", says);
	ROW(tg_each(tg, NULL, see_token, &seen) == TG_UNAVAILABLE, "%s", says);
	ROW(tg_revoke(tg, token->id, "root", NULL) == TG_UNAVAILABLE, "%s", says);
	place_wish(&(struct wish) { .name = "" }, &t);
	ROW(tg_change(tg, token->id, &t, "root") == TG_UNAVAILABLE, "%s", says);
	ROW(same_bytes(&before), "%s", says);
	drop_bytes(&before);
}

static void
a_record_of_a_newer_program_is_refused_in_words(void **state)
{
	static const struct {
		size_t at; /* changed to `to`; 0: the version, 1: the byte of zero */
		uint8_t to;
	} rows[] = { { 0, 2 }, { 0, 0 }, { 0, 255 }, { 1, 1 } };
	struct tg *tg = place_open();
	struct issued token;
	uint8_t *record;
	size_t i, len;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		place_clear();
		place_init();
		token = place_issue(tg, NULL);
		record = hand_get("tokens", token.id, TG_ID_LEN, &len);
		record[rows[i].at] = rows[i].to;
		reseal(record, len, CRYPT_TOKEN);
		hand_put("tokens", token.id, TG_ID_LEN, record, len);
		free(record);
		left_alone(tg, &token, "newer tokgate");
	}
	place_clear();
	place_init();
	token = place_issue(tg, NULL);
	add_field(token.id, 0x0c, "?", 1);
	left_alone(tg, &token, "newer tokgate");
	tg_close(&tg);
}

static void
a_damaged_record_is_unavailable(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL), other = place_issue(tg, NULL);
	uint8_t *record, *copy;
	size_t i, len, cut;

	(void)state;
	record = hand_get("tokens", token.id, TG_ID_LEN, &len);
	assert_non_null(copy = malloc(len + 1));
	for (i = 0; i < len; i++) { /* any bit of it */
		memcpy(copy, record, len);
		copy[i] ^= (uint8_t)(1 << i % 8);
		hand_put("tokens", token.id, TG_ID_LEN, copy, len);
		ROW(place_check(tg, token.text) == TG_UNAVAILABLE, "bit of byte %zu", i);
	}
	for (cut = 0; cut < len; cut += 7) {
		hand_put("tokens", token.id, TG_ID_LEN, record, cut);
		ROW(place_check(tg, token.text) == TG_UNAVAILABLE, "cut to %zu", cut);
	}
	memcpy(copy, record, len);
	copy[len] = 0;
	hand_put("tokens", token.id, TG_ID_LEN, copy, len + 1);
	left_alone(tg, &token, "damaged");
	/* somebody else's record, whole but under the wrong id */
	hand_put("tokens", other.id, TG_ID_LEN, record, len);
	hand_put("tokens", token.id, TG_ID_LEN, record, len);
	left_alone(tg, &other, "damaged");
	assert_int_equal(place_check(tg, token.text), TG_OK);
	free(record);
	free(copy);
	tg_close(&tg);
}

static void
a_damaged_record_keeps_no_other_token_alive(void **state)
{
	struct tg *tg = place_open();
	struct issued tokens[40];
	struct seen seen = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(tokens); i++)
		tokens[i] = place_issue(tg, NULL);
	hand_put("tokens", tokens[7].id, TG_ID_LEN, "?", 1);
	assert_int_equal(tg_each(tg, NULL, see_token, &seen), TG_UNAVAILABLE);
	assert_int_equal(seen.n, ROWS(tokens) - 1);
	assert_non_null(strstr(tg_detail(tg), tokens[7].id));
	seen.n = 0;
	assert_int_equal(tg_revoke_all(tg, "alice", "root", NULL, count_id, &seen), TG_UNAVAILABLE);
	assert_int_equal(seen.n, ROWS(tokens) - 1);
	assert_non_null(strstr(tg_detail(tg), tokens[7].id));
	for (i = 0; i < ROWS(tokens); i++)
		ROW(place_check(tg, tokens[i].text) == (i == 7 ? TG_UNAVAILABLE : TG_REVOKED),
		    "%zu", i);
	tg_close(&tg);
}

static void
what_changes_nothing_has_no_serial(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	uint64_t before, after;

	(void)state;
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_OK);
	place_journal(tg, &before);
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_OK);
	assert_int_equal(tg_revoke_all(tg, NULL, "root", NULL, NULL, NULL), TG_OK);
	token = place_issue(tg, NULL);
	place_journal(tg, &after);
	assert_int_equal(after, before + 1);
	tg_close(&tg);
}

static void
a_damaged_owner_record_is_unavailable(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL),
		      bob = place_issue(tg, &(struct wish) { .owner = "bob" });
	uint8_t *record;
	size_t i, len;

	(void)state;
	record = hand_get("owners", "alice", 5, &len);
	for (i = 0; i < len; i++) {
		record[i] ^= (uint8_t)(1 << i % 8);
		hand_put("owners", "alice", 5, record, len);
		ROW(place_check(tg, token.text) == TG_UNAVAILABLE, "bit of byte %zu", i);
		record[i] ^= (uint8_t)(1 << i % 8);
	}
	hand_put("owners", "alice", 5, record, len);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	hand_put("owners", "bob", 3, record, len);
	assert_int_equal(place_check(tg, bob.text), TG_UNAVAILABLE);
	free(record);
	tg_close(&tg);
}

static void
the_state_of_a_newer_or_damaged_store_is_refused(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	uint8_t *state_was, newer[META_LEN];
	struct bytes before;
	bool made;
	size_t i, len;

	(void)state;
	state_was = hand_get("meta", "state", 5, &len);
	assert_int_equal(len, META_LEN);
	for (i = 0; i < len; i++) {
		memcpy(newer, state_was, len);
		newer[i] ^= (uint8_t)(1 << i % 8);
		hand_put("meta", "state", 5, newer, len);
		ROW(place_check(tg, token.text) == TG_UNAVAILABLE, "bit of byte %zu", i);
	}
	memcpy(newer, state_was, len);
	bytes_put(newer, 2, 4);
	reseal(newer, len, CRYPT_META);
	hand_put("meta", "state", 5, newer, len);
	before = take_bytes();
	assert_int_equal(place_check(tg, token.text), TG_UNAVAILABLE);
	assert_non_null(strstr(tg_detail(tg), "format 2 "));
	assert_non_null(strstr(tg_detail(tg), "newer"));
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_UNAVAILABLE);
	assert_non_null(strstr(tg_detail(tg), "newer"));
	assert_int_equal(tg_init(tg, geteuid(), getegid(), NULL, "root", &made), TG_UNAVAILABLE);
	assert_false(made);
	assert_true(same_bytes(&before));
	drop_bytes(&before);
	hand_put("meta", "state", 5, state_was, len);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	free(state_was);
	tg_close(&tg);
}

static void
an_index_without_its_record_is_damage(void **state)
{
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	struct seen seen = { 0 };

	(void)state;
	hand_delete("tokens", token.id, TG_ID_LEN);
	assert_int_equal(tg_each(tg, "alice", see_token, &seen), TG_UNAVAILABLE);
	assert_int_equal(tg_revoke_all(tg, "alice", "root", NULL, NULL, NULL), TG_UNAVAILABLE);
	assert_int_equal(place_check(tg, token.text), TG_NO_MATCH);
	tg_close(&tg);
}

static void
a_damaged_journal_entry_is_said_and_harms_no_check(void **state)
{
	static const uint8_t key[12] = { [7] = 2 };
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL);
	struct seen seen = { 0 };

	(void)state;
	hand_put("journal", key, sizeof(key), "?", 1);
	assert_int_equal(tg_log(tg, see_entry, &seen), TG_UNAVAILABLE);
	assert_int_equal(place_check(tg, token.text), TG_OK);
	assert_int_equal(tg_revoke(tg, token.id, "root", NULL), TG_OK);
	tg_close(&tg);
}

/* ---- growth ---- */

/* A store is opened with room for 16 MiB more than it has. */
enum { MIB = 1 << 20, BELOW = 13 * MIB, ABOVE = 18 * MIB };

static size_t
data_size(void)
{
	struct stat st;

	assert_int_equal(stat(place_file("data.mdb"), &st), 0);
	return (size_t)st.st_size;
}

/* Issue the largest tokens that there are until the store has that size; returns how many. */
static size_t
fatten(struct tg *tg, size_t size, struct issued *last)
{
	struct tg_token fat, token;
	size_t i, n = 0;

	place_wish(&(struct wish) { .name = "fat" }, &fat);
	fat.nscopes = TG_SCOPES_MAX;
	for (i = 1; i < TG_SCOPES_MAX; i++)
		snprintf(fat.scopes[i], sizeof(fat.scopes[i]),
		    "a2345678901234567890123456789012:b2345678901234567890123456789012:%s%08zu",
		    HUNDRED TEN TEN, i);
	for (; data_size() < size; n++) {
		token = fat;
		ROW(tg_issue(tg, &token, last->text) == TG_OK, "%zu: %s", n, tg_detail(tg));
		memcpy(last->id, token.id, sizeof(last->id));
	}
	return n;
}

static void
the_map_grows_when_it_is_full(void **state)
{
	struct tg *tg = place_open();
	struct issued first = place_issue(tg, NULL), last;
	struct seen seen = { .in_order = true };
	size_t n;

	(void)state;
	assert_int_equal(tg_hold(tg), TG_OK);
	n = fatten(tg, BELOW, &last);
	/* each record is written again, and what they took before is not free until then */
	assert_int_equal(tg_revoke_all(tg, NULL, "root", NULL, count_id, &seen), TG_OK);
	assert_true(data_size() > ABOVE);
	assert_int_equal(seen.n, 1 + n); /* each once, though it was done again */
	assert_int_equal(place_check(tg, first.text), TG_REVOKED);
	assert_int_equal(place_check(tg, last.text), TG_REVOKED);
	assert_int_equal(place_journal(tg, NULL), 1 + 2 * (1 + n));
	tg_close(&tg);
}

struct follower {
	const char *text;
	volatile int *go_on, *answered;
};

static int
hold_and_check(void *arg)
{
	const struct follower *r = arg;
	struct tg *tg = place_open_apart();
	int bad = tg_hold(tg) != TG_OK;

	while (*r->go_on != 0 && bad == 0) {
		bad = place_check(tg, r->text) != TG_OK;
		__atomic_add_fetch(r->answered, 1, __ATOMIC_RELEASE);
	}
	tg_close(&tg);
	return bad;
}

static void
a_reader_that_holds_the_store_follows_its_growth(void **state)
{
	volatile int *shared = place_shared(sizeof(int[2]));
	struct tg *tg = place_open();
	struct issued token = place_issue(tg, NULL), last;
	struct follower follower = {
		.text = token.text, .go_on = &shared[0], .answered = &shared[1]
	};
	int before;
	pid_t pid;

	(void)state;
	shared[0] = 1;
	pid = place_fork(hold_and_check, &follower);
	assert_true(place_await(follower.answered, 1));
	assert_int_equal(tg_hold(tg), TG_OK);
	fatten(tg, ABOVE, &last);
	before = *follower.answered;
	assert_true(place_await(follower.answered, before + 2));
	shared[0] = 0;
	assert_int_equal(place_wait(pid), 0);
	assert_int_equal(place_check(tg, last.text), TG_OK);
	place_unshare((void *)(uintptr_t)shared, sizeof(int[2]));
	tg_close(&tg);
}

static void
the_usage_file_grows_with_the_tokens(void **state)
{
	enum { N = 1030 };
	struct tg *tg = place_open();
	struct issued first = place_issue(tg, NULL), last = first;
	size_t i, len;

	(void)state;
	assert_int_equal(tg_hold(tg), TG_OK);
	free(place_read(place_file("usage"), &len));
	assert_int_equal(len, 1024 * USAGE_SLOT_SIZE);
	for (i = 1; i < N; i++)
		last = place_issue(tg, NULL);
	free(place_read(place_file("usage"), &len));
	assert_true(len >= N * USAGE_SLOT_SIZE);
	assert_int_equal(place_check(tg, first.text), TG_OK);
	assert_int_equal(place_check(tg, last.text), TG_OK);
	assert_int_equal(get(tg, first.id).last_used.count, 1);
	assert_int_equal(get(tg, last.id).last_used.count, 1);
	tg_close(&tg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED("a token is kept as it was wished for",
		    a_token_is_kept_as_it_was_wished_for),
		PLACED("a token may have as much as fits", a_token_may_have_as_much_as_fits),
		PLACED("tokens differ", tokens_differ),
		PLACED("an unfit wish is refused and nothing is written",
		    an_unfit_wish_is_refused_and_nothing_is_written),
		PLACED("walks go over all in order and stop when told",
		    walks_go_over_all_in_order_and_stop_when_told),
		PLACED("a walk may use its own handle", a_walk_may_use_its_own_handle),
		PLACED("owners with similar names are apart", owners_with_similar_names_are_apart),
		PLACED("an id that is none is nobody's", an_id_that_is_none_is_nobodys),
		PLACED("each change has its entry under the next serial",
		    each_change_has_its_entry_under_the_next_serial),
		PLACED("what was refused has no entry", what_was_refused_has_no_entry),
		PLACED("a token can be narrowed but not widened",
		    a_token_can_be_narrowed_but_not_widened),
		PLACED("an expiry before 1970 is no narrower one",
		    an_expiry_before_1970_is_no_narrower_one),
		PLACED("a dead token is not changed", a_dead_token_is_not_changed),
		PLACED("revoking twice keeps the first time and reason",
		    revoking_twice_keeps_the_first_time_and_reason),
		PLACED("all of an owner or of everybody die at once",
		    all_of_an_owner_or_of_everybody_die_at_once),
		PLACED("an owner is set and got", an_owner_is_set_and_got),
		PLACED("optional fields of a newer program are kept",
		    optional_fields_of_a_newer_program_are_kept),
		PLACED("a record of a newer program is refused in words",
		    a_record_of_a_newer_program_is_refused_in_words),
		PLACED("a damaged record is unavailable", a_damaged_record_is_unavailable),
		PLACED("a damaged record keeps no other token alive",
		    a_damaged_record_keeps_no_other_token_alive),
		PLACED("what changes nothing has no serial", what_changes_nothing_has_no_serial),
		PLACED("a damaged owner record is unavailable",
		    a_damaged_owner_record_is_unavailable),
		PLACED("the state of a newer or damaged store is refused",
		    the_state_of_a_newer_or_damaged_store_is_refused),
		PLACED("an index without its record is damage",
		    an_index_without_its_record_is_damage),
		PLACED("a damaged journal entry is said and harms no check",
		    a_damaged_journal_entry_is_said_and_harms_no_check),
		PLACED("the map grows when it is full", the_map_grows_when_it_is_full),
		PLACED("a reader that holds the store follows its growth",
		    a_reader_that_holds_the_store_follows_its_growth),
		PLACED("the usage file grows with the tokens",
		    the_usage_file_grows_with_the_tokens),
	};

	return RUN(tests);
}
