/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { LAST_CODE = 0x10ffff };

static bool
valid(const char *text, size_t max)
{
	char *copy = strdup(text);
	bool r;

	assert_non_null(copy);
	r = text_valid(copy, max);
	free(copy);
	return r;
}

/* UTF-8 as RFC 3629 section 3 puts it, for surrogates and what is beyond Unicode too. */
static size_t
encode(uint32_t code, char out[static 5])
{
	size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4, i;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (i = len - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	out[0] = (char)(lead[len] | code);
	out[len] = '\0';
	return len;
}

static bool
is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static bool
is_character(uint32_t code)
{
	return code <= LAST_CODE && (code < 0xd800 || code > 0xdfff);
}

static void
every_character_but_the_controls_is_accepted(void **state)
{
	uint32_t code;
	char text[5];

	(void)state;
	for (code = 1; code < 0x200000; code++) {
		encode(code, text);
		ROW(text_valid(text, 4) == (is_character(code) && !is_control(code)), "U+%04X",
		    code);
	}
}

/* With the test above: all that is valid is counted, so nothing else is. */
static void
there_is_no_other_text_of_two_or_three_bytes(void **state)
{
	static const size_t one = 0x7f - 0x20, two = 0x800 - 0xa0, three = 0x10000 - 0x800 - 0x800;
	size_t pairs = 0, triples = 0;
	char text[4] = "";
	uint32_t i;

	(void)state;
	for (i = 0x0101; i <= 0xffff; i++) {
		text[0] = (char)(i >> 8);
		text[1] = (char)i;
		pairs += text[1] != '\0' && text_valid(text, 3);
	}
	assert_int_equal(one * one + two, pairs);
	for (i = 0x010101; i <= 0xffffff; i++) {
		text[0] = (char)(i >> 16);
		text[1] = (char)(i >> 8);
		text[2] = (char)i;
		triples += text[1] != '\0' && text[2] != '\0' && text_valid(text, 3);
	}
	assert_int_equal(one * one * one + 2 * one * two + three, triples);
}

static void
what_is_not_utf8_is_refused(void **state)
{
	static const char *const rows[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xc2",
		"\xc2 ",
		"\xc2\xc2\xa0",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xe2\x82",
		"\xe2\x82 ",
		"\xe2\x82\xc0",
		"\xed\xa0\x80",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf0\x9f\x98",
		"\xf0\x9f\x98 ",
		"\xf0\x9f\x7f\x80",
		"\xf0\x9f\xc0\x80",
		"\xf0\x9f\x98\xc0",
		"\xf0\xc0\x80\x80",
		"\xf1\x7f\x80\x80",
		"\xf1\xc0\x80\x80",
		"\xf3\x7f\x80\x80",
		"\xf4\x7f\x80\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xfe",
		"\xff",
		"Zo\xeb",
		"good until here\xf4",
		"good until here\xe2\x82",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++)
		ROW(!valid(rows[i], 100), "row %zu", i);
}

static void
control_characters_are_refused_wherever_they_stand(void **state)
{
	static const char *const controls[] = { "\x01", "\t", "\n", "\r", "\x1b", "\x1f", "\x7f",
		"\xc2\x80", "\xc2\x85", "\xc2\x9b", "\xc2\x9f" };
	char text[16];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(controls); i++) {
		ROW(!valid(controls[i], 100), "row %zu", i);
		strcpy(stpcpy(text, "name"), controls[i]);
		ROW(!valid(text, 100), "after a name, row %zu", i);
		strcpy(stpcpy(text, controls[i]), "name");
		ROW(!valid(text, 100), "before a name, row %zu", i);
	}
}

static void
the_limit_counts_bytes(void **state)
{
	static const struct {
		const char *text;
		size_t bytes;
	} rows[] = {
		{ "", 0 },
		{ " ", 1 },
		{ "~", 1 },
		{ "CI of Zoe", 9 },
		{ "Zo\xc3\xab", 4 },
		{ "\xe2\x82\xac", 3 },
		{ "\xf0\x9f\x98\x80", 4 },
		{ "a\xf4\x8f\xbf\xbf", 5 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		ROW(strlen(rows[i].text) == rows[i].bytes, "'%s'", rows[i].text);
		ROW(valid(rows[i].text, rows[i].bytes), "'%s'", rows[i].text);
		ROW(valid(rows[i].text, rows[i].bytes + 1), "'%s'", rows[i].text);
		ROW(rows[i].bytes == 0 || !valid(rows[i].text, rows[i].bytes - 1), "'%s'",
		    rows[i].text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("every character of Unicode is accepted but the control characters",
		    every_character_but_the_controls_is_accepted),
		TEST("no other text of two or three bytes is accepted",
		    there_is_no_other_text_of_two_or_three_bytes),
		TEST("what is not UTF-8 is refused", what_is_not_utf8_is_refused),
		TEST("control characters are refused wherever they stand",
		    control_characters_are_refused_wherever_they_stand),
		TEST("the limit counts bytes, and the longest text fits", the_limit_counts_bytes),
	};

	return RUN(tests);
}
