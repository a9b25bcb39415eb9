/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "audit.h"

static void
a_line_says_what_is_known(void **state)
{
	static const struct {
		const char *name;
		struct audit_facts facts;
		const char *line;
	} rows[] = {
		{ "all known",
		    { TG_OK, "7Hq2mX9aBc", "alice", "__token__", "sftp", "upload", "serde",
			"192.0.2.7", 0, false, false },
		    "tokgate: verdict=ok id=7Hq2mX9aBc owner=alice login=__token__ service=sftp "
		    "action=upload resource=serde source=192.0.2.7 uid=0" },
		{ "before proof",
		    { TG_NO_MATCH, NULL, NULL, "alice", "sshd", "login", "*", "2001:db8::1", 33,
			false, false },
		    "tokgate: verdict=no-match id=- owner=- login=alice service=sshd action=login "
		    "resource=* source=2001:db8::1 uid=33" },
		{ "nothing known",
		    { TG_MALFORMED, "", "", "", "", "", "", "", (uid_t)-1, false, false },
		    "tokgate: verdict=malformed id=- owner=- login=- service=- action=- resource=- "
		    "source=- uid=-" },
		{ "deferred",
		    { TG_OK, "7Hq2mX9aBc", "bob@example.org", NULL, "sftp", NULL, "ignored", NULL,
			1000, true, false },
		    "tokgate: verdict=ok id=7Hq2mX9aBc owner=bob@example.org login=- service=sftp "
		    "action=- resource=(gate) source=- uid=1000" },
		{ "a resource that looks deferred",
		    { TG_OK, NULL, NULL, NULL, NULL, NULL, "(gate)", NULL, 0, false, false },
		    "tokgate: verdict=ok id=- owner=- login=- service=- action=- "
		    "resource=%28gate%29 source=- uid=0" },
		{ "values that look unknown",
		    { TG_OK, "-", "-", "-", "-", "-", "-", "-", 0, false, false },
		    "tokgate: verdict=ok id=%2D owner=%2D login=%2D service=%2D action=%2D "
		    "resource=%2D source=%2D uid=0" },
		{ "dashes in longer values",
		    { TG_OK, NULL, NULL, "--", NULL, NULL, "serde-*", NULL, 0, false, false },
		    "tokgate: verdict=ok id=- owner=- login=-- service=- action=- "
		    "resource=serde-* source=- uid=0" },
		{ "a forged field",
		    { TG_NO_MATCH, NULL, NULL, "x verdict=ok\nid=1\t\r\x1b[2J", NULL, NULL, NULL,
			NULL, 0, false, false },
		    "tokgate: verdict=no-match id=- owner=- "
		    "login=x%20verdict%3Dok%0Aid%3D1%09%0D%1B%5B2J service=- action=- resource=- "
		    "source=- uid=0" },
		{ "a forged escape, a forged mark and bytes above ASCII",
		    { TG_NO_MATCH, NULL, NULL, "%41(cut)\xc3\xa4\x7f", NULL, NULL, NULL, NULL, 0,
			false, false },
		    "tokgate: verdict=no-match id=- owner=- login=%2541%28cut%29%C3%A4%7F service=- "
		    "action=- resource=- source=- uid=0" },
		{ "claimed",
		    { TG_OK, "7Hq2mX9aBc", "alice", "__token__", "sftp", "upload", "serde",
			"192.0.2.7", 33, false, true },
		    "tokgate: verdict=ok id=7Hq2mX9aBc owner=alice login=(claimed)__token__ "
		    "service=sftp action=upload resource=serde source=(claimed)192.0.2.7 uid=33" },
		{ "what is not known is not claimed",
		    { TG_OK, "7Hq2mX9aBc", "alice", NULL, "sftp", NULL, NULL, "", 33, true, true },
		    "tokgate: verdict=ok id=7Hq2mX9aBc owner=alice login=- service=sftp action=- "
		    "resource=(gate) source=- uid=33" },
		{ "a claim that looks unknown",
		    { TG_OK, NULL, NULL, "-", NULL, NULL, NULL, "-", 33, false, true },
		    "tokgate: verdict=ok id=- owner=- login=(claimed)%2D service=- action=- "
		    "resource=- source=(claimed)%2D uid=33" },
		{ "a forged claim",
		    { TG_OK, NULL, NULL, "(claimed)x", NULL, NULL, NULL, NULL, 0, false, false },
		    "tokgate: verdict=ok id=- owner=- login=%28claimed%29x service=- action=- "
		    "resource=- source=- uid=0" },
	};
	char line[AUDIT_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		memset(line, 'x', sizeof(line));
		audit_format(&rows[i].facts, line);
		ROW(strcmp(line, rows[i].line) == 0, "%s:\n%s\n%s", rows[i].name, line,
		    rows[i].line);
	}
}

static void
every_byte_is_plain_or_encoded(void **state)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*._@+:/-";
	struct audit_facts facts = { .verdict = TG_OK };
	char line[AUDIT_MAX + 1], login[3], want[16];
	unsigned int c;

	(void)state;
	for (c = 1; c < 256; c++) {
		login[0] = (char)c;
		login[1] = 'x';
		login[2] = '\0';
		facts.login = login;
		if (strchr(plain, (char)c) != NULL)
			snprintf(want, sizeof(want), " login=%cx ", (int)c);
		else
			snprintf(want, sizeof(want), " login=%%%02Xx ", c);
		audit_format(&facts, line);
		ROW(strstr(line, want) != NULL, "byte %u: %s", c, line);
	}
}

static void
huge_values_are_cut_and_marked(void **state)
{
	static char huge[100000];
	struct audit_facts facts = { TG_OWNER_SUSPENDED, huge, huge, huge, huge, huge, huge, huge,
		(uid_t)-2, false, true };
	static const char *const fields[] = {
		" id=", " owner=", " login=", " service=", " action=", " resource=", " source="
	};
	char line[AUDIT_MAX + 1];
	const char *at, *end;
	size_t i, fill;

	(void)state;
	for (fill = 0; fill < 2; fill++) {
		memset(huge, fill == 0 ? 'a' : '\n', sizeof(huge) - 1);
		audit_format(&facts, line);
		assert_true(strlen(line) <= AUDIT_MAX);
		at = line;
		for (i = 0; i < ROWS(fields); i++) {
			at = strstr(at, fields[i]);
			ROW(at != NULL, "no%s in %s", fields[i], line);
			end = strchr(++at, ' ');
			ROW(end != NULL && end - at > 5 && memcmp(end - 5, "(cut)", 5) == 0,
			    "%s not marked in %s", fields[i], line);
			ROW(fill == 0 || memcmp(end - 8, "%0A", 3) == 0, "%s: code cut in %s",
			    fields[i], line);
		}
		assert_string_equal(strrchr(line, ' '), " uid=4294967294");
	}
}

static void
values_of_the_longest_valid_length_are_whole(void **state)
{
	char owner[TG_OWNER_MAX + 1], word[TG_WORD_MAX + 1], resource[TG_RESOURCE_MAX + 1];
	struct audit_facts facts = { TG_OK, "7Hq2mX9aBc", owner, owner, word, word, resource,
		"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 0, false, false };
	char line[AUDIT_MAX + 1];

	(void)state;
	memset(owner, 'o', TG_OWNER_MAX);
	memset(word, 'w', TG_WORD_MAX);
	memset(resource, '~', TG_RESOURCE_MAX);
	owner[TG_OWNER_MAX] = word[TG_WORD_MAX] = resource[TG_RESOURCE_MAX] = '\0';
	audit_format(&facts, line);
	assert_null(strchr(line, '('));
	assert_non_null(strstr(line, "%7E source="));
	facts.claimed = true;
	audit_format(&facts, line);
	assert_null(strstr(line, "(cut)"));
	assert_non_null(strstr(line, "255.255.255.255 uid=0"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("a line says what is known, and nobody writes a second field",
		    a_line_says_what_is_known),
		TEST("every byte stands for itself or is encoded", every_byte_is_plain_or_encoded),
		TEST("huge values are cut at a whole character, marked, and push no field out",
		    huge_values_are_cut_and_marked),
		TEST("values of the longest valid length are whole",
		    values_of_the_longest_valid_length_are_whole),
	};

	return RUN(tests);
}
