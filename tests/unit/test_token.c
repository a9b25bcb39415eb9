/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "token.h"

#define ID "7Hq2mX9aBc"
#define SECRET "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"
#define TOKEN "tkg_" ID "_" SECRET "2tn8UV"

/* Forty characters that a token's tail may have. */
#define TAIL "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ-_01"

/* A copy without NUL in memory of exactly its size, so that ASan sees any step beyond. */
static char *
exactly(const char *text, size_t len)
{
	char *copy = malloc(len);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return copy;
}

static bool
parses(const char *text, size_t len)
{
	char *copy = exactly(text, len);
	struct token token;
	bool r = token_parse(copy, len, &token);

	free(copy);
	return r;
}

static bool
shaped(const char *text, size_t len)
{
	char *copy = exactly(text, len);
	bool r = token_shaped(copy, len);

	free(copy);
	return r;
}

/* FORMAT.md section 1, in the words of another program. */
static bool
shaped_by_regex(const char *text, size_t len)
{
	static regex_t regex;
	static bool compiled;
	regmatch_t span = { 0, (regoff_t)len };

	if (!compiled) {
		assert_int_equal(0,
		    regcomp(&regex, "^[ \t\n\v\f\r]*[a-z][a-z0-9]{0,7}_[A-Za-z0-9_-]{40}",
			REG_EXTENDED));
		compiled = true;
	}
	return regexec(&regex, text, 1, &span, REG_STARTEND) == 0;
}

static void
the_numbers_are_those_of_the_format(void **state)
{
	(void)state;
	assert_int_equal(8, TG_PREFIX_MAX);
	assert_int_equal(10, TG_ID_LEN);
	assert_int_equal(43, TG_SECRET_LEN);
	assert_int_equal(69, TG_TOKEN_MAX);
	assert_int_equal(64, sizeof(TOKEN) - 1);
	assert_string_equal(token_digits,
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

/* Checksums computed with zlib's crc32(). */
static void
tokens_have_the_text_that_others_compute(void **state)
{
	static const struct {
		const char *prefix, *id, *secret, *text;
	} rows[] = {
		{ "tkg", ID, SECRET, TOKEN },
		{ "tkg", ID, "K3vR0yQn5Lw8sT1zUe6JdGhPoFiCxM4bNaVkSrYtEq2",
		    "tkg_7Hq2mX9aBc_K3vR0yQn5Lw8sT1zUe6JdGhPoFiCxM4bNaVkSrYtEq20CcDmj" },
		{ "a", "0000000000", "0000000000000000000000000000000000000000000",
		    "a_0000000000_00000000000000000000000000000000000000000000WYIL5" },
		{ "abcdefg8", "zzzzzzzzzz", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
		    "abcdefg8_zzzzzzzzzz_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz2DZPzp" },
		/* checksums of 471 and of 4294966660 */
		{ "tkg", "0000005e6X", SECRET, "tkg_0000005e6X_" SECRET "00007b" },
		{ "tkg", "0000000sQq", SECRET, "tkg_0000000sQq_" SECRET "4gfF1o" },
	};
	char text[TG_TOKEN_MAX + 1], *copy;
	struct token token;
	size_t i, len;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		memset(text, 'x', sizeof(text));
		token_format(rows[i].prefix, rows[i].id, rows[i].secret, text);
		ROW(strcmp(text, rows[i].text) == 0, "'%s' instead of '%s'", text, rows[i].text);
		len = strlen(text);
		copy = exactly(text, len);
		memset(&token, 0xff, sizeof(token));
		ROW(token_parse(copy, len, &token), "'%s'", text);
		ROW(strcmp(token.prefix, rows[i].prefix) == 0, "'%s'", text);
		ROW(strcmp(token.id, rows[i].id) == 0, "'%s'", text);
		ROW(token.secret == copy + strlen(rows[i].prefix) + 12, "'%s'", text);
		ROW(memcmp(token.secret, rows[i].secret, TG_SECRET_LEN) == 0, "'%s'", text);
		ROW(token_shaped(copy, len), "'%s'", text);
		free(copy);
	}
}

static void
any_one_character_changed_is_another_text(void **state)
{
	char text[sizeof(TOKEN)];
	size_t i;
	int c;

	(void)state;
	for (i = 0; i < sizeof(TOKEN) - 1; i++)
		for (c = 0; c < 256; c++) {
			memcpy(text, TOKEN, sizeof(text));
			text[i] = (char)c;
			ROW(parses(text, sizeof(text) - 1) == (text[i] == TOKEN[i]),
			    "character %zu made 0x%02x", i, (unsigned int)c);
			ROW(shaped(text, sizeof(text) - 1) ==
				shaped_by_regex(text, sizeof(text) - 1),
			    "character %zu made 0x%02x", i, (unsigned int)c);
			/* After the shape's forty characters nothing can take it away. */
			ROW(i < 44 || shaped(text, sizeof(text) - 1), "character %zu made 0x%02x",
			    i, (unsigned int)c);
		}
}

static void
any_two_characters_swapped_or_one_added_or_lost_is_refused(void **state)
{
	char text[sizeof(TOKEN) + 1];
	size_t i, k, len = sizeof(TOKEN) - 1;

	(void)state;
	for (i = 0; i < len; i++)
		for (k = i + 1; k < len; k++) {
			memcpy(text, TOKEN, len);
			text[i] = TOKEN[k];
			text[k] = TOKEN[i];
			ROW(parses(text, len) == (TOKEN[i] == TOKEN[k]), "%zu and %zu swapped", i,
			    k);
		}
	for (i = 0; i < len; i++) {
		memcpy(text, TOKEN, i);
		memcpy(text + i, TOKEN + i + 1, len - i - 1);
		ROW(!parses(text, len - 1), "without character %zu", i);
	}
	for (i = 0; i <= len; i++)
		for (k = 0; k < 62; k++) {
			memcpy(text, TOKEN, i);
			text[i] = token_digits[k];
			memcpy(text + i + 1, TOKEN + i, len - i);
			ROW(!parses(text, len + 1), "'%c' put before character %zu", text[i], i);
		}
}

static void
a_truncated_token_is_shaped_while_forty_characters_are_left(void **state)
{
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(TOKEN) - 1; len++) {
		ROW(!parses(TOKEN, len), "%zu characters", len);
		ROW(shaped(TOKEN, len) == (len >= 44), "%zu characters", len);
	}
	assert_true(parses(TOKEN, len));
}

static void
what_looks_like_a_token_of_anybody_is_shaped(void **state)
{
	static const struct {
		const char *text;
		bool shaped;
	} rows[] = {
		{ TOKEN, true },
		{ " " TOKEN, true },
		{ "\t\n\v\f\r " TOKEN, true },
		{ TOKEN " ", true },
		{ TOKEN "\n", true },
		{ TOKEN ":" TOKEN, true },
		{ "a_" TAIL, true },
		{ "abcdefgh_" TAIL, true },
		{ "a2345678_" TAIL, true },
		{ "github_pat_" TAIL, true },
		{ "tkg_" TAIL ".", true },
		{ "tkg_" TAIL "\x80", true },
		{ "tkg__" TAIL, true },
		{ "a_________________________________________", true },
		{ "a_----------------------------------------", true },
		{ "", false },
		{ " ", false },
		{ "\t\n\v\f\r ", false },
		{ "password", false },
		{ "correct_horse_battery_staple", false },
		{ "tkg", false },
		{ "tkg_", false },
		{ "tkg" TAIL, false },
		{ "tkg-" TAIL, false },
		{ "tkg _" TAIL, false },
		{ "_" TAIL, false },
		{ "Tkg_" TAIL, false },
		{ "tKg_" TAIL, false },
		{ "1kg_" TAIL, false },
		{ "t-g_" TAIL, false },
		{ "t`g_" TAIL, false },
		{ "t{g_" TAIL, false },
		{ "t/g_" TAIL, false },
		{ "`kg_" TAIL, false },
		{ "{kg_" TAIL, false },
		{ "abcdefghi_" TAIL, false },
		{ "\b" TOKEN, false },
		{ "\x0e" TOKEN, false },
		{ "\xa0" TOKEN, false },
		{ "\xef\xbb\xbf" TOKEN, false },
		{ "x " TOKEN, false },
		{ "tkg_ " TAIL, false },
		{ "tkg_0123456789012345678901234567890123456789", true },
		{ "tkg_012345678901234567890123456789012345678", false },
		{ " tkg_012345678901234567890123456789012345678", false },
		{ "tkg_012345678901234567890123456789012345678.", false },
		{ "tkg_.123456789012345678901234567890123456789", false },
		{ "tkg_0123456789012345678 01234567890123456789", false },
		{ "tkg_0123456789012345678+01234567890123456789", false },
		{ "tkg_0123456789012345678/01234567890123456789", false },
		{ "tkg_0123456789012345678:01234567890123456789", false },
		{ "tkg_0123456789012345678@01234567890123456789", false },
		{ "tkg_0123456789012345678[01234567890123456789", false },
		{ "tkg_0123456789012345678`01234567890123456789", false },
		{ "tkg_0123456789012345678{01234567890123456789", false },
		{ "tkg_0123456789012345678\x80"
		  "01234567890123456789",
		    false },
	};
	size_t i, len;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		len = strlen(rows[i].text);
		ROW(shaped(rows[i].text, len) == rows[i].shaped, "'%s'", rows[i].text);
		ROW(shaped_by_regex(rows[i].text, len) == rows[i].shaped, "'%s'", rows[i].text);
		ROW(tg_keep_from_others("alice", rows[i].text, len) == rows[i].shaped, "'%s'",
		    rows[i].text);
		ROW(!rows[i].shaped || tg_keep_from_others(NULL, rows[i].text, len), "'%s'",
		    rows[i].text);
		ROW(tg_keep_from_others(TG_DROP_IN, rows[i].text, len), "'%s'", rows[i].text);
	}
}

static void
only_the_drop_in_login_keeps_every_password(void **state)
{
	static const struct {
		const char *login;
		bool kept;
	} rows[] = {
		{ "__token__", true },
		{ "__token__ ", false },
		{ " __token__", false },
		{ "__token_", false },
		{ "__TOKEN__", false },
		{ "__token__x", false },
		{ "alice", false },
	};
	size_t i;

	(void)state;
	assert_string_equal(TG_DROP_IN, "__token__");
	for (i = 0; i < ROWS(rows); i++) {
		ROW(tg_keep_from_others(rows[i].login, "hunter2", 7) == rows[i].kept, "'%s'",
		    rows[i].login);
		ROW(tg_keep_from_others(rows[i].login, NULL, 0) == rows[i].kept, "'%s'",
		    rows[i].login);
	}
}

static void
what_is_not_exactly_a_token_is_refused_and_zeroed(void **state)
{
	static const char *const rows[] = {
		"",
		" " TOKEN,
		TOKEN " ",
		TOKEN "\n",
		TOKEN "\r\n",
		"tkg",
		"tkg_",
		"tkg_" ID,
		"_" ID "_" SECRET "2tn8UV",
		"tkg_" ID "-" SECRET "2tn8UV",
		"tkg-" ID "_" SECRET "2tn8UV",
		"TKG_" ID "_" SECRET "2tn8UV",
		"tkg_" ID "_" SECRET "2tn8UW",
		"tkg_" ID "_" SECRET "2TN8uv",
		"tkg_" ID "_" SECRET "000000",
		"tkg_" ID "_" SECRET,
		"tkh_" ID "_" SECRET "2tn8UV",
		"tkg_" ID SECRET "_2tn8UV",
		"tkg_" ID "__123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2tn8UV",
		/* no tokens, with the right checksum: only their form is wrong */
		"abcdefghi_7Hq2mX9aBc_" SECRET "2fVI95",
		"tKg_7Hq2mX9aBc_" SECRET "18GEw5",
		"1kg_7Hq2mX9aBc_" SECRET "0dZ9uW",
		"tkg_-Hq2mX9aBc_" SECRET "2X8NyZ",
		"tkg_7Hq2mX9aBc_-123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg47tjcm",
		"tkg_7Hq2mX9aB_" SECRET "2qJylQ",
		"tkg_7Hq2mX9aBcd_" SECRET "22Rth9",
		"tkg_7Hq2mX9a_c_" SECRET "0W1PkR",
		"tkg_7Hq2mX9aBc-" SECRET "3iO5WH",
		"tkg-7Hq2mX9aBc_" SECRET "47zokF",
		"_7Hq2mX9aBc_" SECRET "369CIi",
	};
	static const struct token zero;
	struct token token;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		memset(&token, 0xff, sizeof(token));
		ROW(!token_parse(rows[i], strlen(rows[i]), &token), "'%s'", rows[i]);
		ROW(memcmp(&token, &zero, sizeof(zero)) == 0, "'%s'", rows[i]);
		ROW(!parses(rows[i], strlen(rows[i])), "'%s'", rows[i]);
	}
}

static void
prefixes_are_short_words(void **state)
{
	static const struct {
		const char *prefix;
		bool valid;
	} rows[] = {
		{ "a", true },
		{ "z", true },
		{ "tkg", true },
		{ "abcdefgh", true },
		{ "a0123456", true },
		{ "z9", true },
		{ "", false },
		{ "abcdefghi", false },
		{ "0ab", false },
		{ "9", false },
		{ "_", false },
		{ "a_", false },
		{ "Ab", false },
		{ "aB", false },
		{ "abC", false },
		{ "abcdefg-", false },
		{ "a-b", false },
		{ "a b", false },
		{ " a", false },
		{ "a/", false },
		{ "a:", false },
		{ "`", false },
		{ "a`", false },
		{ "{", false },
		{ "a{", false },
		{ "a\xe4", false },
	};
	size_t i;
	char *copy;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		copy = exactly(rows[i].prefix, strlen(rows[i].prefix) + 1);
		ROW(token_prefix_valid(copy) == rows[i].valid, "'%s'", rows[i].prefix);
		free(copy);
	}
}

static void
ids_are_ten_digits(void **state)
{
	static const struct {
		const char *id;
		bool valid;
	} rows[] = {
		{ "7Hq2mX9aBc", true },
		{ "0000000000", true },
		{ "zzzzzzzzzz", true },
		{ "AZaz09AZaz", true },
		{ "", false },
		{ "7Hq2mX9aB", false },
		{ "7Hq2mX9aBcd", false },
		{ "7Hq2mX9aB_", false },
		{ "-Hq2mX9aBc", false },
		{ "7Hq2m 9aBc", false },
		{ "7Hq2m@9aBc", false },
		{ "7Hq2m[9aBc", false },
		{ "7Hq2m`9aBc", false },
		{ "7Hq2m{9aBc", false },
		{ "7Hq2m/9aBc", false },
		{ "7Hq2m:9aBc", false },
		{ "7Hq2mX9aB\xe4", false },
	};
	size_t i;
	char *copy;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		copy = exactly(rows[i].id, strlen(rows[i].id) + 1);
		ROW(token_id_valid(copy) == rows[i].valid, "'%s'", rows[i].id);
		free(copy);
	}
}

static void
an_id_is_found_in_what_people_paste(void **state)
{
	static const struct {
		const char *text, *id; /* NULL: refused */
	} rows[] = {
		{ ID, ID },
		{ "tkg_" ID, ID },
		{ "a_" ID, ID },
		{ "abcdefgh_" ID, ID },
		{ TOKEN, ID },
		{ "abcdefg8_zzzzzzzzzz_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz2DZPzp",
		    "zzzzzzzzzz" },
		{ "", NULL },
		{ "tkg_", NULL },
		{ "_" ID, NULL },
		{ "Tkg_" ID, NULL },
		{ "tkg-" ID, NULL },
		{ "tkg" ID, NULL },
		{ "abcdefghi_" ID, NULL },
		{ " " ID, NULL },
		{ ID " ", NULL },
		{ ID "\n", NULL },
		{ "tkg_" ID "\n", NULL },
		{ "tkg_" ID "_", NULL },
		{ "tkg_" ID "_" SECRET, NULL },
		{ "tkg_" ID "_" SECRET "2tn8UW", NULL },
		{ TOKEN "\n", NULL },
		{ "7Hq2mX9aB", NULL },
		{ "7Hq2mX9aBcd", NULL },
		{ "7Hq2mX9aB_", NULL },
		{ "tkg_7Hq2mX9aB", NULL },
		{ "tkg_7Hq2mX9a-c", NULL },
		{ "tkg_7Hq2mX9aBcd", NULL },
	};
	static const char zero[TG_ID_LEN + 1];
	char id[TG_ID_LEN + 1], *copy;
	enum tg_status r;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		memset(id, 0xff, sizeof(id));
		copy = exactly(rows[i].text, strlen(rows[i].text) + 1);
		r = tg_parse_id(copy, id);
		free(copy);
		ROW(r == (rows[i].id != NULL ? TG_OK : TG_INVALID), "'%s'", rows[i].text);
		if (rows[i].id != NULL)
			ROW(strcmp(id, rows[i].id) == 0, "'%s' is '%s'", rows[i].text, id);
		else
			ROW(memcmp(id, zero, sizeof(id)) == 0, "'%s'", rows[i].text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("the numbers of FORMAT.md are those of the header",
		    the_numbers_are_those_of_the_format),
		TEST("a token has the text that another program computes, and is read back from it",
		    tokens_have_the_text_that_others_compute),
		TEST(
		    "any one character changed is no token, and still shaped where the shape says so",
		    any_one_character_changed_is_another_text),
		TEST("any two characters swapped, one added or one lost is no token",
		    any_two_characters_swapped_or_one_added_or_lost_is_refused),
		TEST("a truncated token is no token, and shaped while forty characters are left",
		    a_truncated_token_is_shaped_while_forty_characters_are_left),
		TEST("what looks like anybody's token is kept from other password checks",
		    what_looks_like_a_token_of_anybody_is_shaped),
		TEST("the drop-in login keeps every password from other checks, and no other does",
		    only_the_drop_in_login_keeps_every_password),
		TEST("what is not exactly a token is refused and leaves zeros",
		    what_is_not_exactly_a_token_is_refused_and_zeroed),
		TEST("a prefix is 1-8 lower-case letters and digits, first a letter",
		    prefixes_are_short_words),
		TEST("an id is ten base62 digits", ids_are_ten_digits),
		TEST("an id is found in an id, with a prefix, and in a whole token",
		    an_id_is_found_in_what_people_paste),
	};

	return RUN(tests);
}
