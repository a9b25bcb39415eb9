/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "twins.h"

enum { HOUR = 3600, DAY = 24 * HOUR, TWINS = 200 };

/* ---- chance ---- */

static const char *
one_of(const char *const *list, size_t n)
{
	return list[place_random((uint32_t)n)];
}

#define ONE_OF(list) one_of(list, ROWS(list))

static bool
once_in(uint32_t n)
{
	return place_random(n) == 0;
}

static char huge[70000];

static const char *const owners[] = { "alice", "bob", "carol@example.org" };
static const char *const scopes[] = { "*", "sftp", "ftp", "sftp:upload", "sftp:upload:demo",
	"sftp:upload:de*", "sftp:list", "sftp:*:demo", "imap:proxy", "imap", "sftp:login",
	"http:get:b*" };
static const char *const networks[] = { "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "::1/128" };
static const char *const logins[] = { NULL, "", TG_DROP_IN, "alice", "alice", "bob", "shared",
	"carol@example.org", "alic", "alice ", "a b=c\n", "\xff", huge };
static const char *const sources[] = { NULL, "", "192.0.2.7", "192.0.2.7", "::ffff:192.0.2.7",
	"2001:db8::9", "198.51.100.1", "not an address", "192.0.2.7 ", "::1", huge };
static const char *const services[] = { "sftp", "sftp", "sftp", "ftp", "imap", "http", "nntp",
	"a2345678901234567890123456789012", "a23456789012345678901234567890123", "", NULL, "SFTP",
	"sftp:upload" };
static const char *const actions[] = { NULL, "upload", "upload", "list", "login", "proxy", "get",
	"x", "*", "", "up load" };
static const char *const resources[] = { NULL, "demo", "demo", "de", "dem", "delta", "a", "b2", "*",
	"", "de*", "demo\n", "\xc3\xa9", huge,
	"d2345678901234567890123456789012345678901234567890123456789012345678901234567890"
	"123456789012345678901234567890123456789012345678" };

/*
 * At most so long.  Where the clock is not ours, nothing may change with it
 * while the test runs: half hours then, counted from its start.
 */
static int64_t
span(const struct two_ways *two, int64_t most)
{
	if (two->own_clock)
		return 1 + place_random((uint32_t)most);
	return (1 + place_random((uint32_t)(most / HOUR))) * (int64_t)HOUR - HOUR / 2;
}

static struct wish
random_wish(const struct two_ways *two, int64_t now)
{
	struct wish w = { .owner = ONE_OF(owners) };
	size_t i, n;

	for (i = 0, n = 1 + place_random(3); i < n; i++)
		w.scopes[i] = ONE_OF(scopes);
	/* no scope twice: that would be refused */
	for (i = n - 1; i > 0; i--)
		if (w.scopes[i] == w.scopes[i - 1] || w.scopes[i] == w.scopes[0])
			w.scopes[i] = NULL, n = i;
	if (once_in(3))
		w.logins[0] = "shared";
	if (once_in(3))
		w.sources[0] = ONE_OF(networks);
	if (once_in(8))
		w.not_before = now + span(two, two->own_clock ? 2 * HOUR : 2 * DAY);
	if (once_in(4))
		w.expires_at = (w.not_before != 0 ? w.not_before : now) + span(two, 2 * DAY);
	if (once_in(5))
		w.idle_s = (uint32_t)span(two, DAY);
	if (once_in(5))
		w.uses = 1 + place_random(5);
	return w;
}

static struct tg_request
random_request(void)
{
	static const struct tg_request usual = {
		.service = "sftp", .action = "upload", .resource = "demo", .source = "192.0.2.7"
	};

	if (once_in(3))
		return usual;
	return (struct tg_request) {
		.service = ONE_OF(services),
		.action = ONE_OF(actions),
		.resource = ONE_OF(resources),
		.login = ONE_OF(logins),
		.source = ONE_OF(sources),
		.gate = once_in(4),
		.dry_run = once_in(10),
	};
}

/* ---- twins ---- */

struct twins {
	struct issued direct, through;
	char tickets[2][TG_TICKET_MAX + 1]; /* of their last yes, "" */
};

static struct twins twins[TWINS];

static void
bear(const struct two_ways *two, struct twins *t, int64_t now)
{
	int64_t at = two->own_clock ? now : now - (int64_t)place_random(48) * HOUR;
	struct wish w = random_wish(two, at);

	memset(t, 0, sizeof(*t));
	tg_set_now(two->direct, at);
	t->direct = place_issue(two->direct, &w);
	t->through = place_issue(two->direct, &w);
	tg_set_now(two->direct, two->own_clock ? now : 0);
}

/* Sometimes something happens, to both. */
static void
happen(const struct two_ways *two, int64_t *now)
{
	static const char *const ceilings[] = { NULL, NULL, "", "sftp", "*", "sftp:upload:demo" };
	struct twins *t = &twins[place_random(TWINS)];

	switch (place_random(8)) {
	case 0: /* at the same instant, which is told */
		tg_set_now(two->direct, *now);
		assert_int_equal(tg_revoke(two->direct, t->direct.id, "root", "lost"), TG_OK);
		assert_int_equal(tg_revoke(two->direct, t->through.id, "root", "lost"), TG_OK);
		tg_set_now(two->direct, two->own_clock ? *now : 0);
		break;
	case 1:
		place_owner(two->direct, ONE_OF(owners), once_in(3), ONE_OF(ceilings));
		break;
	case 2:
	case 3:
		*now += two->own_clock ? place_random(HOUR) : 0;
		tg_set_now(two->direct, two->own_clock ? *now : 0);
		break;
	default:
		bear(two, t, *now);
		break;
	}
}

/* Write the first twin's id where the second one's stands. */
static void
rename_twin(char *text, const struct twins *t)
{
	char *at;

	while ((at = strstr(text, t->through.id)) != NULL)
		memcpy(at, t->direct.id, TG_ID_LEN);
}

/* ---- the run ---- */

static void
check_directly(const struct two_ways *two, const char *text, size_t len,
    const struct tg_request *req, struct said *out)
{
	unsigned before = place_lines();

	out->verdict = tg_check(two->direct, text, len, req, &out->grant);
	snprintf(out->detail, sizeof(out->detail), "%s", tg_detail(two->direct));
	snprintf(out->line, sizeof(out->line), "%s", place_line());
	out->lines = place_lines() - before;
}

/* The texts of both, changed in the same way, or not at all. */
static size_t
random_text(const struct twins *t, char direct[static 256], char through[static 256])
{
	static const char *const texts[] = { "", "password", "tkg_", "tkg_short",
		"pypi_0123456789012345678901234567890123456789012345678901234567890123" };
	struct issued other;
	uint32_t at;
	size_t len;

	snprintf(direct, 256, "%s", t->direct.text);
	snprintf(through, 256, "%s", t->through.text);
	len = strlen(direct);
	switch (place_random(20)) {
	case 0:
		at = place_random((uint32_t)len);
		direct[at] = direct[at] == 'x' ? 'y' : 'x';
		through[at] = through[at] == 'x' ? 'y' : 'x';
		return len;
	case 1:
		return place_random((uint32_t)len);
	case 2:
		return len + 1; /* with its NUL */
	case 3:
		other = place_other_secret(&t->direct);
		memcpy(direct, other.text, sizeof(other.text));
		other = place_other_secret(&t->through);
		memcpy(through, other.text, sizeof(other.text));
		return len;
	case 4:
		other = place_unknown();
		memcpy(direct, other.text, sizeof(other.text));
		memcpy(through, other.text, sizeof(other.text));
		return len;
	case 5:
		snprintf(direct, 256, "%s", ONE_OF(texts));
		snprintf(through, 256, "%s", direct);
		return strlen(direct);
	default:
		return len;
	}
}

static void
compare(unsigned i, struct twins *t, const struct said *direct, struct said *through)
{
	ROW(direct->verdict == through->verdict, "question %u: %s and %s", i,
	    tg_status_name(direct->verdict), tg_status_name(through->verdict));
	rename_twin(through->grant.id, t);
	rename_twin(through->grant.text, t);
	rename_twin(through->line, t);
	ROW(through->line[0] == '\0' || strcmp(direct->line, through->line) == 0,
	    "question %u:\n%s\n%s", i, direct->line, through->line);
	ROW(direct->lines == 1 && through->lines == 1, "question %u: %u and %u lines", i,
	    direct->lines, through->lines);
	ROW(strcmp(direct->detail, through->detail) == 0, "question %u: '%s' and '%s'", i,
	    direct->detail, through->detail);
	if (direct->verdict == TG_OK) {
		memcpy(t->tickets[0], direct->grant.ticket, sizeof(t->tickets[0]));
		memcpy(t->tickets[1], through->grant.ticket, sizeof(t->tickets[1]));
	}
	/* which is under a key, so of another id it is another text of the same length */
	ROW(strlen(direct->grant.ticket) == strlen(through->grant.ticket), "question %u: tickets",
	    i);
	memcpy(through->grant.ticket, direct->grant.ticket, sizeof(direct->grant.ticket));
	ROW(memcmp(&direct->grant, &through->grant, sizeof(direct->grant)) == 0,
	    "question %u: %s: the grants differ: '%s' and '%s'", i, tg_status_name(direct->verdict),
	    direct->grant.text, through->grant.text);
}

static void
compare_tickets(const struct two_ways *two, unsigned i, struct twins *t)
{
	struct tg_grant direct, through;
	enum tg_status r, s;

	memset(&direct, 0xff, sizeof(direct));
	memset(&through, 0xff, sizeof(through));
	r = tg_ask(two->direct, t->tickets[0], &direct);
	s = two->ask(t->tickets[1], &through);
	ROW(r == s, "ticket %u: %s and %s", i, tg_status_name(r), tg_status_name(s));
	if (r == TG_OK) {
		assert_string_equal(direct.ticket, t->tickets[0]);
		assert_string_equal(through.ticket, t->tickets[1]);
	}
	rename_twin(through.id, t);
	rename_twin(through.text, t);
	memcpy(through.ticket, direct.ticket, sizeof(direct.ticket));
	ROW(memcmp(&direct, &through, sizeof(direct)) == 0, "ticket %u: %s", i, tg_status_name(r));
}

/* The one was asked a little later. */
static void
forgive(int64_t *a, const int64_t *b)
{
	if (*b - *a <= 5 && *a - *b <= 5)
		*a = *b;
}

static void
compare_records(const struct two_ways *two, struct twins *t)
{
	struct tg_token a, b;

	assert_int_equal(tg_get(two->direct, t->direct.id, &a), TG_OK);
	assert_int_equal(tg_get(two->direct, t->through.id, &b), TG_OK);
	memcpy(b.id, a.id, sizeof(a.id));
	if (!two->own_clock) {
		forgive(&a.last_used.at, &b.last_used.at);
		forgive(&a.last_refused.at, &b.last_refused.at);
	}
	assert_memory_equal(&a, &b, sizeof(a)); /* uses, last use, last refusal and all */
}

static void
note(unsigned *seen, enum tg_status verdict)
{
	seen[verdict + 3]++;
}

void
twins_ask(const struct two_ways *two, int64_t now)
{
	unsigned i, seen[TG_WRONG_SOURCE + 4] = { 0 };
	static struct said direct, through;
	char texts[2][256];
	struct tg_request req;
	struct twins *t;
	size_t len;

	memset(huge, 'a', sizeof(huge) - 1);
	for (i = 0; i < TWINS; i++)
		bear(two, &twins[i], now);
	for (i = 0; i < two->questions; i++) {
		if (once_in(100))
			happen(two, &now);
		t = &twins[place_random(TWINS)];
		len = random_text(t, texts[0], texts[1]);
		req = random_request();
		memset(&direct, 0xff, sizeof(direct));
		memset(&through, 0xff, sizeof(through));
		check_directly(two, texts[0], len, &req, &direct);
		two->check(texts[1], len, &req, &through);
		compare(i, t, &direct, &through);
		note(seen, direct.verdict);
		if (once_in(10))
			compare_tickets(two, i, t);
		if (once_in(50))
			compare_records(two, t);
	}
	for (i = 0; two->own_clock && i < ROWS(seen); i++)
		ROW(seen[i] > 0 || i == TG_UNAVAILABLE + 3 || i == TG_MISCONFIGURED + 3,
		    "never '%s'", tg_status_name((int)i - 3));
}
