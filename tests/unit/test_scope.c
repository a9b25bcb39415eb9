/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"

#define WORD32 "abcdefghijklmnopqrstuvwxyz012345"
#define NAME64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDE!"
#define NAME128 NAME64 NAME64

/* ---- the grammar ---- */

static bool
span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.text, text, s.len) == 0;
}

static void
scopes_have_up_to_three_parts(void **state)
{
	static const struct {
		const char *text, *service, *action, *resource;
	} rows[] = {
		{ "sftp", "sftp", "*", "*" },
		{ "sftp:upload", "sftp", "upload", "*" },
		{ "sftp:upload:serde", "sftp", "upload", "serde" },
		{ "sftp:upload:serde-*", "sftp", "upload", "serde-*" },
		{ "sftp:upload:*", "sftp", "upload", "*" },
		{ "sftp:*:serde", "sftp", "*", "serde" },
		{ "*", "*", "*", "*" },
		{ "*:*", "*", "*", "*" },
		{ "*:*:*", "*", "*", "*" },
		{ "*:proxy:alice", "*", "proxy", "alice" },
		{ "0:9:~", "0", "9", "~" },
		{ "a.b_c-d:9.:x", "a.b_c-d", "9.", "x" },
		{ "a:b:/home/alice/in?[x]{y}\\", "a", "b", "/home/alice/in?[x]{y}\\" },
		{ "a:b:!\"#$%&'()+-./;<=>?@[\\]^_`{|}~", "a", "b",
		    "!\"#$%&'()+-./;<=>?@[\\]^_`{|}~" },
		{ "a:b:..", "a", "b", ".." },
		{ "a:b:A*", "a", "b", "A*" },
		{ WORD32, WORD32, "*", "*" },
		{ WORD32 ":" WORD32 ":" NAME128, WORD32, WORD32, NAME128 },
		{ WORD32 ":" WORD32 ":" NAME128 "*", WORD32, WORD32, NAME128 "*" },
	};
	struct scope scope;
	const char *why;
	char *copy;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		copy = strdup(rows[i].text);
		why = "";
		ROW(strlen(copy) <= TG_SCOPE_MAX, "'%s'", copy);
		ROW(scope_parse(copy, &scope, &why), "'%s'", copy);
		ROW(why == NULL, "'%s'", copy);
		ROW(span_is(scope.service, rows[i].service), "'%s'", copy);
		ROW(span_is(scope.action, rows[i].action), "'%s'", copy);
		ROW(span_is(scope.resource, rows[i].resource), "'%s'", copy);
		ROW(tg_scope_valid(copy, NULL), "'%s'", copy);
		free(copy);
	}
}

static void
what_is_no_scope_is_refused_with_its_reason(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "service" },
		{ ":", "service" },
		{ ":upload", "service" },
		{ ":upload:x", "service" },
		{ "SFTP", "service" },
		{ "sFtp", "service" },
		{ " sftp", "service" },
		{ "sftp ", "service" },
		{ "sftp\n", "service" },
		{ "sf tp", "service" },
		{ "-sftp", "service" },
		{ "_sftp", "service" },
		{ ".sftp", "service" },
		{ "sf*", "service" },
		{ "**", "service" },
		{ "*sftp", "service" },
		{ "sf,tp", "service" },
		{ "sf/tp", "service" },
		{ "sf@tp", "service" },
		{ "sf`tp", "service" },
		{ "sf{tp", "service" },
		{ "z\xc3\xab", "service" },
		{ WORD32 "6", "service" },
		{ "sftp:", "action" },
		{ "sftp::x", "action" },
		{ "sftp: upload", "action" },
		{ "sftp:Upload", "action" },
		{ "sftp:up*", "action" },
		{ "sftp:**", "action" },
		{ "sftp:-x", "action" },
		{ "sftp:" WORD32 "6", "action" },
		{ "sftp:upload:", "resource" },
		{ "sftp:upload:**", "resource" },
		{ "sftp:upload:***", "resource" },
		{ "sftp:upload:serde**", "resource" },
		{ "sftp:upload:*serde", "resource" },
		{ "sftp:upload:*serde*", "resource" },
		{ "sftp:upload:te*st", "resource" },
		{ "sftp:upload:te*st*", "resource" },
		{ "sftp:upload:a,b", "resource" },
		{ "sftp:upload: a", "resource" },
		{ "sftp:upload:a ", "resource" },
		{ "sftp:upload:a b", "resource" },
		{ "sftp:upload:a *", "resource" },
		{ "sftp:upload:a\t", "resource" },
		{ "sftp:upload:a\n", "resource" },
		{ "sftp:upload:a\x7f", "resource" },
		{ "sftp:upload:\x01", "resource" },
		{ "sftp:upload:z\xc3\xab", "resource" },
		{ "sftp:upload:\xff", "resource" },
		{ "sftp:upload:" NAME128 "x", "resource" },
		{ "sftp:upload:" NAME128 "x*", "resource" },
		{ "sftp:upload:" NAME128 "**", "resource" },
		{ "sftp:upload:a:", "more than three" },
		{ "sftp:upload:a:b", "more than three" },
		{ "sftp:upload:a::", "more than three" },
		{ ":::", "more than three" },
	};
	struct scope scope;
	const char *why;
	char *copy;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		copy = strdup(rows[i].text);
		why = NULL;
		ROW(!scope_parse(copy, &scope, &why), "'%s'", copy);
		ROW(why != NULL && strstr(why, rows[i].why) != NULL, "'%s': %s", copy, why);
		ROW(!scope_parse(copy, &scope, NULL), "'%s'", copy);
		ROW(!tg_scope_valid(copy, &why), "'%s'", copy);
		ROW(why != NULL && strstr(why, rows[i].why) != NULL, "'%s': %s", copy, why);
		free(copy);
	}
}

static void
words_and_names_have_their_characters(void **state)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	char one[2] = "", two[3] = "a";
	bool name;
	int c;

	(void)state;
	for (c = 1; c < 256; c++) {
		one[0] = two[1] = (char)c;
		name = c > ' ' && c < 0x7f && c != ':' && c != ',' && c != '*';
		ROW(scope_word_valid(one) == (strchr(first, c) != NULL), "0x%02x", (unsigned int)c);
		ROW(scope_word_valid(two) == (strchr(rest, c) != NULL), "a, 0x%02x",
		    (unsigned int)c);
		ROW(scope_name_valid(one) == name, "0x%02x", (unsigned int)c);
		ROW(scope_name_valid(two) == name, "a, 0x%02x", (unsigned int)c);
	}
	assert_false(scope_word_valid(""));
	assert_true(scope_word_valid(WORD32));
	assert_false(scope_word_valid(WORD32 "6"));
	assert_false(scope_word_valid("*"));
	assert_false(scope_name_valid(""));
	assert_true(scope_name_valid(NAME128));
	assert_false(scope_name_valid(NAME128 "x"));
	assert_false(scope_name_valid("serde*"));
}

/* ---- what a scope covers, by examples ---- */

static enum scope_reach
reach(const char *text, const char *service, const char *action, const char *resource)
{
	const struct scope_ask ask = { service, action, resource };
	struct scope scope;

	ROW(scope_parse(text, &scope, NULL), "'%s'", text);
	return scope_reach(&scope, &ask);
}

static void
scopes_cover_what_they_name(void **state)
{
	static const struct {
		const char *scope, *service, *action, *resource;
		enum scope_reach reach;
	} rows[] = {
		{ "sftp:upload:serde", "sftp", "upload", "serde", SCOPE_RESOURCE },
		{ "sftp:upload:serde", "sftp", "upload", "serd", SCOPE_ACTION },
		{ "sftp:upload:serde", "sftp", "upload", "serdes", SCOPE_ACTION },
		{ "sftp:upload:serde", "sftp", "upload", "Serde", SCOPE_ACTION },
		{ "sftp:upload:serde", "sftp", "upload", "*", SCOPE_ACTION },
		{ "sftp:upload:serde", "sftp", "login", "serde", SCOPE_SERVICE },
		{ "sftp:upload:serde", "sftp", "uploa", "serde", SCOPE_SERVICE },
		{ "sftp:upload:serde", "sftp", "upload2", "serde", SCOPE_SERVICE },
		{ "sftp:upload:serde", "ftp", "upload", "serde", SCOPE_NOTHING },
		{ "sftp:upload:serde", "sftp2", "upload", "serde", SCOPE_NOTHING },
		{ "sftp:upload:serde", "sft", "upload", "serde", SCOPE_NOTHING },
		/* crates.io's pattern rule */
		{ "sftp:upload:serde*", "sftp", "upload", "serde", SCOPE_RESOURCE },
		{ "sftp:upload:serde*", "sftp", "upload", "serde-json", SCOPE_RESOURCE },
		{ "sftp:upload:serde*", "sftp", "upload", "serd", SCOPE_ACTION },
		{ "sftp:upload:serde*", "sftp", "upload", "xserde", SCOPE_ACTION },
		{ "sftp:upload:serde-*", "sftp", "upload", "serde-json", SCOPE_RESOURCE },
		{ "sftp:upload:serde-*", "sftp", "upload", "serde-", SCOPE_RESOURCE },
		{ "sftp:upload:serde-*", "sftp", "upload", "serde", SCOPE_ACTION },
		{ "sftp:upload:serde-*", "sftp", "upload", "Serde-json", SCOPE_ACTION },
		{ "sftp:upload:serde-*", "sftp", "upload", "serde-j*", SCOPE_ACTION },
		{ "sftp:upload:serde-*", "sftp", "upload", "serde-*", SCOPE_ACTION },
		/* the whole service */
		{ "sftp:upload:serde-*", "sftp", "upload", "*", SCOPE_ACTION },
		{ "sftp:upload:*", "sftp", "upload", "*", SCOPE_RESOURCE },
		{ "sftp:upload", "sftp", "upload", "*", SCOPE_RESOURCE },
		{ "sftp", "sftp", "login", "*", SCOPE_RESOURCE },
		{ "*", "sftp", "login", "*", SCOPE_RESOURCE },
		{ "sftp:upload:serde-*", "sftp", "login", "*", SCOPE_SERVICE },
		{ "sftp:upload:*", "sftp", "upload", "any-thing", SCOPE_RESOURCE },
		/* what no door may ask for is covered by nothing */
		{ "*", "sftp", "upload", "", SCOPE_ACTION },
		{ "*", "sftp", "upload", "**", SCOPE_ACTION },
		{ "*", "sftp", "upload", "a*", SCOPE_ACTION },
		{ "*", "sftp", "upload", "a b", SCOPE_ACTION },
		{ "*", "sftp", "upload", "a:b", SCOPE_ACTION },
		{ "*", "sftp", "upload", "a,b", SCOPE_ACTION },
		{ "*", "sftp", "upload", "a\n", SCOPE_ACTION },
		{ "*", "sftp", "upload", "\xc3\xab", SCOPE_ACTION },
		{ "*", "sftp", "upload", NAME128, SCOPE_RESOURCE },
		{ "*", "sftp", "upload", NAME128 "x", SCOPE_ACTION },
		/* deferred */
		{ "sftp:upload:serde-*", "sftp", "upload", NULL, SCOPE_RESOURCE },
		{ "sftp:upload:serde-*", "sftp", NULL, NULL, SCOPE_RESOURCE },
		{ "sftp:upload:serde-*", "sftp", NULL, "serde-x", SCOPE_RESOURCE },
		{ "sftp:upload:serde-*", "sftp", NULL, "tokio", SCOPE_ACTION },
		{ "sftp:upload:serde-*", "sftp", "list", NULL, SCOPE_SERVICE },
		{ "sftp:upload:serde-*", "ftp", NULL, NULL, SCOPE_NOTHING },
		{ "sftp:proxy:bob", "sftp", NULL, NULL, SCOPE_RESOURCE },
		/* "*" covers every action but the reserved one */
		{ "sftp:*:x", "sftp", "upload", "x", SCOPE_RESOURCE },
		{ "sftp:*:x", "sftp", "proxyx", "x", SCOPE_RESOURCE },
		{ "sftp:*:x", "sftp", "prox", "x", SCOPE_RESOURCE },
		{ "sftp:*:x", "sftp", "proxy", "x", SCOPE_SERVICE },
		{ "*", "sftp", "proxy", "*", SCOPE_SERVICE },
		{ "*", "sftp", "proxy", NULL, SCOPE_SERVICE },
		{ "*", "proxy", "upload", "proxy", SCOPE_RESOURCE },
		{ "sftp:proxy:bob", "sftp", "proxy", "bob", SCOPE_RESOURCE },
		{ "sftp:proxy:bob", "sftp", "upload", "bob", SCOPE_SERVICE },
		{ "*:proxy", "sftp", "proxy", "bob", SCOPE_RESOURCE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++)
		ROW(reach(rows[i].scope, rows[i].service, rows[i].action, rows[i].resource) ==
			rows[i].reach,
		    "row %zu: '%s'", i, rows[i].scope);
}

static void
two_scopes_have_in_common_what_both_cover(void **state)
{
	static const struct {
		const char *a, *b, *both; /* NULL: nothing */
	} rows[] = {
		{ "sftp", "sftp", "sftp:*:*" },
		{ "*", "*", "*:*:*" },
		{ "*", "sftp:upload:serde-*", "sftp:upload:serde-*" },
		{ "sftp:upload", "*:*:serde-*", "sftp:upload:serde-*" },
		{ "sftp:*:serde*", "*:upload:serde-*", "sftp:upload:serde-*" },
		{ "sftp:upload:serde*", "sftp:upload:serde", "sftp:upload:serde" },
		{ "sftp:upload:serde-*", "sftp:upload:serde", NULL },
		{ "sftp:upload:serde-*", "sftp:upload:tokio-*", NULL },
		{ "sftp:upload:a", "sftp:upload:b", NULL },
		{ "sftp:upload", "sftp:list", NULL },
		{ "sftp:upload", "ftp:upload", NULL },
		{ "sftp", "ftp", NULL },
		{ "sftp", "sftp:proxy:bob", NULL },
		{ "*", "*:proxy", NULL },
		{ "sftp:proxy:*", "*:proxy:bob", "sftp:proxy:bob" },
		{ WORD32 ":" WORD32 ":" NAME128 "*", "*", WORD32 ":" WORD32 ":" NAME128 "*" },
	};
	char both[TG_SCOPE_MAX + 1];
	struct scope a, b;
	size_t i, turn;

	(void)state;
	for (i = 0; i < ROWS(rows); i++)
		for (turn = 0; turn < 2; turn++) {
			assert_true(scope_parse(turn == 0 ? rows[i].a : rows[i].b, &a, NULL));
			assert_true(scope_parse(turn == 0 ? rows[i].b : rows[i].a, &b, NULL));
			memset(both, 'x', sizeof(both));
			ROW(scope_intersect(&a, &b, both) == (rows[i].both != NULL), "'%s', '%s'",
			    rows[i].a, rows[i].b);
			ROW(strcmp(both, rows[i].both != NULL ? rows[i].both : "") == 0,
			    "'%s', '%s' gives '%s'", rows[i].a, rows[i].b, both);
		}
}

/* ---- what scopes cover, by enumeration ---- */

/*
 * All scopes over two services, two actions and "proxy", and names and
 * prefixes of up to three letters x and y.  Asks have one more service,
 * action and letter, and one more character, so that two scopes that cover
 * the same of these asks cover the same of all.
 */
static const char *const services[] = { "a", "b", "c" };
static const char *const actions[] = { "u", "v", "proxy", "w" };

enum {
	NSERVICES = 3,
	NACTIONS = 4,
	NAMES = 2 + 4 + 8,
	NPATTERNS = 2 * NAMES + 1,
	NSCOPES = NSERVICES * NACTIONS * NPATTERNS,
	ASKED_NAMES = 3 + 9 + 27 + 81 + 1,
	NASKS = NSERVICES * NACTIONS * ASKED_NAMES,
};

struct sample {
	char text[32];
	struct scope scope;
	bool covers[NASKS];
};

static char patterns[NPATTERNS][8], asked[ASKED_NAMES][8];
static struct sample samples[NSCOPES];

/* All names of 1 to `max` letters, shorter ones first; returns how many. */
static size_t
list_names(const char *letters, size_t max, char out[][8])
{
	size_t n = 0, from = 0, to = 1, i, k, len;

	for (len = 1; len <= max; len++) {
		for (i = from; i < to; i++)
			for (k = 0; letters[k] != '\0'; k++)
				snprintf(out[n++], 8, "%.6s%c", len == 1 ? "" : out[i], letters[k]);
		from = len == 1 ? 0 : to;
		to = n;
	}
	return n;
}

static struct scope_ask
ask_at(size_t i)
{
	return (struct scope_ask) { services[i % NSERVICES], actions[i / NSERVICES % NACTIONS],
		asked[i / NSERVICES / NACTIONS] };
}

/* In place of the service and action that no scope names stands "*". */
static void
make_sample(size_t i, struct sample *s)
{
	size_t service = i % NSERVICES, action = i / NSERVICES % NACTIONS, k;
	struct scope_ask ask;

	snprintf(s->text, sizeof(s->text), "%s:%s:%s", service == 2 ? "*" : services[service],
	    action == 3 ? "*" : actions[action], patterns[i / NSERVICES / NACTIONS]);
	assert_true(scope_parse(s->text, &s->scope, NULL));
	for (k = 0; k < NASKS; k++) {
		ask = ask_at(k);
		s->covers[k] = scope_reach(&s->scope, &ask) == SCOPE_RESOURCE;
	}
}

static int
enumerate(void **state)
{
	size_t n = list_names("xy", 3, patterns), i;

	(void)state;
	assert_int_equal(NAMES, n);
	for (i = 0; i < n; i++)
		snprintf(patterns[n + i], sizeof(patterns[0]), "%.6s*", patterns[i]);
	strcpy(patterns[NPATTERNS - 1], "*");
	assert_int_equal(ASKED_NAMES - 1, list_names("xyz", 4, asked));
	strcpy(asked[ASKED_NAMES - 1], "*");
	for (i = 0; i < NSCOPES; i++)
		make_sample(i, &samples[i]);
	return 0;
}

/* How far a scope goes, said with fnmatch(3). */
static enum scope_reach
reach_by_fnmatch(const char *text, const struct scope_ask *ask)
{
	char parts[32], *service, *action, *resource = parts;

	snprintf(parts, sizeof(parts), "%.31s", text);
	service = strsep(&resource, ":");
	action = strsep(&resource, ":");
	if (fnmatch(service, ask->service, 0) != 0)
		return SCOPE_NOTHING;
	if (strcmp(ask->action, "proxy") == 0 ? strcmp(action, "proxy") != 0 :
						fnmatch(action, ask->action, 0) != 0)
		return SCOPE_SERVICE;
	if (strcmp(ask->resource, "*") == 0 ? strcmp(resource, "*") != 0 :
					      fnmatch(resource, ask->resource, 0) != 0)
		return SCOPE_ACTION;
	return SCOPE_RESOURCE;
}

static void
each_scope_reaches_as_far_as_fnmatch_says(void **state)
{
	struct scope_ask ask;
	size_t i, k;

	(void)state;
	for (i = 0; i < NSCOPES; i++)
		for (k = 0; k < NASKS; k++) {
			ask = ask_at(k);
			ROW(scope_reach(&samples[i].scope, &ask) ==
				reach_by_fnmatch(samples[i].text, &ask),
			    "'%s' asked for %s:%s:%s", samples[i].text, ask.service, ask.action,
			    ask.resource);
		}
}

static const struct sample *
sample_of(const char *text)
{
	size_t i;

	for (i = 0; i < NSCOPES; i++)
		if (strcmp(samples[i].text, text) == 0)
			return &samples[i];
	return NULL;
}

static void
check_pair(const struct sample *a, const struct sample *b)
{
	char text[TG_SCOPE_MAX + 1];
	bool any = scope_intersect(&a->scope, &b->scope, text), within = true, together;
	const struct sample *both = any ? sample_of(text) : NULL;
	size_t k;

	ROW(!any || both != NULL, "'%s' and '%s' give '%s'", a->text, b->text, text);
	for (k = 0; k < NASKS; k++) {
		together = both != NULL && both->covers[k];
		ROW(together == (a->covers[k] && b->covers[k]), "'%s' and '%s' give '%s'", a->text,
		    b->text, text);
		within = within && (b->covers[k] || !a->covers[k]);
	}
	ROW(scope_within(&a->scope, &b->scope) == within, "'%s' within '%s'", a->text, b->text);
}

static void
the_intersection_covers_what_both_cover_and_within_means_all(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < NSCOPES; i++)
		for (k = 0; k < NSCOPES; k++)
			check_pair(&samples[i], &samples[k]);
}

static void
a_deferred_ask_is_covered_where_some_ask_is(void **state)
{
	bool by_service[NSERVICES], by_action[NSERVICES][NACTIONS];
	struct scope_ask ask;
	size_t i, k, s, a;

	(void)state;
	for (i = 0; i < NSCOPES; i++) {
		memset(by_service, 0, sizeof(by_service));
		memset(by_action, 0, sizeof(by_action));
		for (k = 0; k < NASKS; k++)
			if (samples[i].covers[k])
				by_service[k % NSERVICES] =
				    by_action[k % NSERVICES][k / NSERVICES % NACTIONS] = true;
		for (s = 0; s < NSERVICES; s++) {
			ask = (struct scope_ask) { services[s], NULL, NULL };
			ROW((scope_reach(&samples[i].scope, &ask) == SCOPE_RESOURCE) ==
				by_service[s],
			    "'%s' at %s", samples[i].text, services[s]);
			for (a = 0; a < NACTIONS; a++) {
				ask.action = actions[a];
				ROW((scope_reach(&samples[i].scope, &ask) == SCOPE_RESOURCE) ==
					by_action[s][a],
				    "'%s' at %s:%s", samples[i].text, services[s], actions[a]);
			}
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("a scope has up to three parts, and a missing one is '*'",
		    scopes_have_up_to_three_parts),
		TEST("what is no scope is refused, with the part that is wrong",
		    what_is_no_scope_is_refused_with_its_reason),
		TEST("words and names have their characters and no others",
		    words_and_names_have_their_characters),
		TEST("a scope covers what it names, and '*' covers no reserved action",
		    scopes_cover_what_they_name),
		TEST("two scopes have in common what both cover, in either order",
		    two_scopes_have_in_common_what_both_cover),
		TEST("each of all small scopes reaches as far as fnmatch(3) says",
		    each_scope_reaches_as_far_as_fnmatch_says),
		TEST(
		    "of all pairs: the intersection covers what both cover, and within means all of it",
		    the_intersection_covers_what_both_cover_and_within_means_all),
		TEST("a deferred ask is covered where some ask is",
		    a_deferred_ask_is_covered_where_some_ask_is),
	};

	return cmocka_run_group_tests_name(__FILE__, tests, enumerate, NULL);
}
