/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "explain.h"

static void
make_token(struct tg_token *token)
{
	memset(token, 0, sizeof(*token));
	strcpy(token->id, "7Hq2mX9aBc");
	strcpy(token->owner, "alice");
	token->nscopes = 2;
	strcpy(token->scopes[0], "sftp:upload:serde-*");
	strcpy(token->scopes[1], "ftp");
	token->created_at = 1767225600;
	token->not_before = 1767312000;
	token->expires_at = 1793491200;
	token->revoked_at = 1769904000;
}

/* In memory of exactly its size, full of something else. */
static char *
explain(enum tg_status verdict, const struct tg_token *token, const struct scope_ask *asked)
{
	const struct policy_ask ask = { .scope = *asked, .login = "alice" };
	char *text = malloc(TG_TEXT_MAX + 1);

	assert_non_null(text);
	memset(text, 'x', TG_TEXT_MAX + 1);
	explain_verdict(verdict, "tkg", token, &ask, text);
	ROW(memchr(text, '\0', TG_TEXT_MAX + 1) != NULL, "no end: %s", tg_status_name(verdict));
	return text;
}

static void
each_refusal_after_proof_has_its_sentence(void **state)
{
	static const struct {
		enum tg_status verdict;
		const char *text;
	} rows[] = {
		{ TG_REVOKED, "token tkg_7Hq2mX9aBc was revoked 2026-02-01T00:00:00Z" },
		{ TG_EXPIRED, "token tkg_7Hq2mX9aBc expired 2026-11-01T00:00:00Z" },
		{ TG_NOT_YET_VALID,
		    "token tkg_7Hq2mX9aBc is not valid before 2026-01-02T00:00:00Z" },
		{ TG_IDLE, "token tkg_7Hq2mX9aBc was not used for too long" },
		{ TG_USED_UP, "token tkg_7Hq2mX9aBc has no uses left" },
		{ TG_OWNER_SUSPENDED, "token tkg_7Hq2mX9aBc: its owner is suspended" },
		{ TG_WRONG_LOGIN, "token tkg_7Hq2mX9aBc is not for this user name" },
		{ TG_WRONG_SERVICE,
		    "token tkg_7Hq2mX9aBc: asked imap:login:*, token has "
		    "sftp:upload:serde-* ftp" },
		{ TG_WRONG_ACTION,
		    "token tkg_7Hq2mX9aBc: asked imap:login:*, token has "
		    "sftp:upload:serde-* ftp" },
		{ TG_WRONG_RESOURCE,
		    "token tkg_7Hq2mX9aBc: asked imap:login:*, token has "
		    "sftp:upload:serde-* ftp" },
		{ TG_BEYOND_CEILING, "token tkg_7Hq2mX9aBc goes beyond what its owner may do" },
		{ TG_WRONG_SOURCE, "token tkg_7Hq2mX9aBc is not for this address" },
	};
	static const struct scope_ask ask = { "imap", "login", "*" };
	struct tg_token token;
	char *text;
	size_t i;

	(void)state;
	make_token(&token);
	assert_int_equal(TG_WRONG_SOURCE - TG_REVOKED + 1, ROWS(rows));
	for (i = 0; i < ROWS(rows); i++) {
		text = explain(rows[i].verdict, &token, &ask);
		ROW(strcmp(text, rows[i].text) == 0, "'%s' instead of '%s'", text, rows[i].text);
		free(text);
	}
}

static void
before_proof_and_after_a_yes_nothing_is_said(void **state)
{
	static const enum tg_status rows[] = { TG_OK, TG_NOT_A_TOKEN, TG_MALFORMED, TG_NO_MATCH,
		TG_UNAVAILABLE, TG_MISCONFIGURED, TG_INVALID };
	static const struct scope_ask ask = { "imap", "login", "*" };
	struct tg_token token;
	char *text;
	size_t i;

	(void)state;
	make_token(&token);
	for (i = 0; i < ROWS(rows); i++) {
		text = explain(rows[i], &token, &ask);
		ROW(text[0] == '\0', "%s: '%s'", tg_status_name(rows[i]), text);
		free(text);
	}
}

static void
what_was_asked_is_said_as_far_as_it_was(void **state)
{
	static const struct {
		struct scope_ask ask;
		const char *asked;
	} rows[] = {
		{ { "sftp", "login", "*" }, "asked sftp:login:*," },
		{ { "sftp", "upload", "serde" }, "asked sftp:upload:serde," },
		{ { "sftp", "upload", " a b~!" }, "asked sftp:upload: a b~!," },
		{ { "sftp", "upload", "a\nb\xff" }, "asked sftp:upload:a?b?," },
		{ { "sftp", "upload", NULL }, "asked sftp:upload," },
		{ { "sftp", NULL, NULL }, "asked sftp," },
	};
	struct tg_token token;
	char *text;
	size_t i;

	(void)state;
	make_token(&token);
	for (i = 0; i < ROWS(rows); i++) {
		text = explain(TG_WRONG_RESOURCE, &token, &rows[i].ask);
		ROW(strstr(text, rows[i].asked) != NULL, "'%s' in '%s'", rows[i].asked, text);
		free(text);
	}
}

static void
a_start_is_the_moment_from_which_the_token_is_good(void **state)
{
	static const struct {
		int64_t created_at, not_before;
		const char *when;
	} rows[] = {
		{ 1767225600, 0, " 2026-01-01T00:00:00Z" },
		{ 1767225600, 1767312000, " 2026-01-02T00:00:00Z" },
		/* refused because the clock is before the creation, whatever the start was */
		{ 1767225600, 1000, " 2026-01-01T00:00:00Z" },
	};
	static const struct scope_ask ask = { "imap", "login", "*" };
	struct tg_token token;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		make_token(&token);
		token.created_at = rows[i].created_at;
		token.not_before = rows[i].not_before;
		text = explain(TG_NOT_YET_VALID, &token, &ask);
		ROW(strstr(text, rows[i].when) != NULL, "'%s' in '%s'", rows[i].when, text);
		free(text);
	}
}

static void
a_long_explanation_is_cut(void **state)
{
	static const struct scope_ask ask = { "imap", "login", "*" };
	static const char head[] = "token tkg_7Hq2mX9aBc: asked imap:login:*, token has";
	struct tg_token token;
	size_t len, i;
	char *text;

	(void)state;
	make_token(&token);
	for (i = 0; i < TG_SCOPES_MAX; i++) {
		memset(token.scopes[i], 's', TG_SCOPE_MAX);
		token.scopes[i][TG_SCOPE_MAX] = '\0';
	}
	token.nscopes = TG_SCOPES_MAX;
	text = explain(TG_WRONG_RESOURCE, &token, &ask);
	assert_int_equal(TG_TEXT_MAX, strlen(text));
	assert_memory_equal(head, text, sizeof(head) - 1);
	free(text);

	/* the last that fits whole, and the first that does not */
	token.nscopes = 2;
	for (len = TG_TEXT_MAX - sizeof(head) - TG_SCOPE_MAX - 2;
	     len <= TG_TEXT_MAX - sizeof(head) - TG_SCOPE_MAX + 2; len++) {
		token.scopes[1][len] = '\0';
		text = explain(TG_WRONG_RESOURCE, &token, &ask);
		token.scopes[1][len] = 's';
		i = sizeof(head) + TG_SCOPE_MAX + 1 + len;
		ROW(strlen(text) == (i < TG_TEXT_MAX ? i : TG_TEXT_MAX), "%zu characters", i);
		free(text);
	}
}

/* A door may ask for any bytes; a terminal and a protocol's reply get one line. */
static void
whatever_is_asked_an_explanation_is_one_line_without_control_characters(void **state)
{
	static const char *const rows[] = { "a\nb", "a\r\n220 ok", "\x1b[2J", "\x7f", "\x01",
		"\xc2\x9b"
		"2J",
		"\xff" };
	struct scope_ask ask = { "sftp", "upload", NULL };
	struct tg_token token;
	char *text;
	size_t i, k;

	(void)state;
	make_token(&token);
	for (i = 0; i < ROWS(rows); i++) {
		ask.resource = rows[i];
		text = explain(TG_WRONG_RESOURCE, &token, &ask);
		for (k = 0; text[k] != '\0'; k++)
			ROW(text[k] >= ' ' && text[k] <= '~', "row %zu, byte %zu", i, k);
		free(text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("each refusal after proof has its sentence",
		    each_refusal_after_proof_has_its_sentence),
		TEST("before proof and after a yes nothing is said",
		    before_proof_and_after_a_yes_nothing_is_said),
		TEST("what was asked is said as far as it was asked",
		    what_was_asked_is_said_as_far_as_it_was),
		TEST("the start that is named is the moment from which the token is good",
		    a_start_is_the_moment_from_which_the_token_is_good),
		TEST("a long explanation is cut at its size", a_long_explanation_is_cut),
		TEST("whatever is asked, an explanation is one line without control characters",
		    whatever_is_asked_an_explanation_is_one_line_without_control_characters),
	};

	return RUN(tests);
}
