/* SPDX-License-Identifier: ISC */
/* Input: a byte of verdict, a byte of flags, then a value a line. */
#include <stdbool.h>

#include "audit.h"
#include "fuzz.h"

static const char *const names[] = { "verdict", "id", "owner", "login", "service", "action",
	"resource", "source", "uid" };

enum {
	NFIELDS = sizeof(names) / sizeof(names[0]),
	ID = 1,
	LOGIN = 3,
	RESOURCE = 6,
	SOURCE = 7,
	UID = 8
};

static int
hex_digit(char c)
{
	static const char hex[] = "0123456789ABCDEF";
	const char *at = strchr(hex, c);

	MUST(c != '\0' && at != NULL);
	return (int)(at - hex);
}

/* The field must say this value, or its beginning and that it was cut. */
static void
must_say(const char *field, const char *value)
{
	if (value[0] == '\0') {
		MUST(strcmp(field, "-") == 0);
		return;
	}
	MUST(strcmp(field, "-") != 0);
	for (; *field != '\0' && *field != '('; value++) {
		if (*field == '%') {
			MUST(*value == (char)(hex_digit(field[1]) * 16 + hex_digit(field[2])));
			field += 3;
		} else
			MUST(*value == *field++);
	}
	MUST(strcmp(field, *value == '\0' ? "" : "(cut)") == 0);
}

/* A claim is marked, where there is one; the field without the mark. */
static const char *
must_be_marked(const char *field, const char *value)
{
	static const char mark[] = "(claimed)";

	if (value[0] == '\0')
		return field;
	MUST(strncmp(field, mark, strlen(mark)) == 0);
	return field + strlen(mark);
}

/* Take the line apart at its blanks; each part must be the next field. */
static void
split(char *line, char *fields[static NFIELDS])
{
	size_t i, len;

	MUST(strncmp(line, "tokgate: ", 9) == 0);
	line += 9;
	for (i = 0; i < NFIELDS; i++) {
		len = strlen(names[i]);
		MUST(line != NULL && strncmp(line, names[i], len) == 0 && line[len] == '=');
		fields[i] = line + len + 1;
		if ((line = strchr(fields[i], ' ')) != NULL)
			*line++ = '\0';
		MUST(strspn(fields[i],
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			 "*._@+:/-%()") == strlen(fields[i]));
	}
	MUST(line == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audit_facts facts = { .verdict = TG_OK };
	char line[AUDIT_MAX + 1], *values[NFIELDS], *fields[NFIELDS];
	size_t i;

	if (size < 2)
		return 0;
	facts.verdict = (enum tg_status)(data[0] % 19 - 3);
	facts.gate = (data[1] & 1) != 0;
	facts.claimed = (data[1] & 4) != 0;
	facts.uid = (data[1] & 2) != 0 ? (uid_t)-1 : data[1];
	data += 2;
	size -= 2;
	for (i = ID; i < UID; i++)
		values[i] = fuzz_line(&data, &size);
	facts.id = values[ID];
	facts.owner = values[ID + 1];
	facts.login = values[ID + 2];
	facts.service = values[ID + 3];
	facts.action = values[ID + 4];
	facts.resource = values[RESOURCE];
	facts.source = values[RESOURCE + 1];

	audit_format(&facts, line);
	MUST(strlen(line) <= AUDIT_MAX);
	split(line, fields);
	MUST(strcmp(fields[0], tg_status_name(facts.verdict)) == 0);
	for (i = ID; i < UID; i++) {
		if (i == RESOURCE && facts.gate)
			MUST(strcmp(fields[i], "(gate)") == 0);
		else if (facts.claimed && (i == LOGIN || i == SOURCE))
			must_say(must_be_marked(fields[i], values[i]), values[i]);
		else
			must_say(fields[i], values[i]);
		free(values[i]);
	}
	return 0;
}
