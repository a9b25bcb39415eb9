/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "token.h"

/* A line under construction; `at` is its NUL. */
struct line {
	char *at;
	char *end;
};

static const char plain[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*._@+:/-";

static void
put(struct line *line, const char *text)
{
	size_t room = (size_t)(line->end - line->at), len = strlen(text);

	if (len > room)
		len = room;
	memcpy(line->at, text, len);
	line->at += len;
	*line->at = '\0';
}

/* One byte of a value as it stands in the line. */
static void
encode(char c, char out[static 4])
{
	static const char hex[] = "0123456789ABCDEF";

	if (strchr(plain, c) != NULL) {
		out[0] = c;
		out[1] = '\0';
	} else {
		out[0] = '%';
		out[1] = hex[(unsigned char)c >> 4];
		out[2] = hex[(unsigned char)c & 15];
		out[3] = '\0';
	}
}

/* The value in at most `max` bytes, and the mark if it was cut. */
static void
put_value(struct line *line, const char *value, size_t max)
{
	size_t used = 0;
	char code[4];

	if (value == NULL || value[0] == '\0') {
		put(line, "-");
		return;
	}
	if (strcmp(value, "-") == 0) {
		put(line, "%2D");
		return;
	}
	for (; *value != '\0'; value++) {
		encode(*value, code);
		if ((used += strlen(code)) > max) {
			put(line, "(cut)");
			return;
		}
		put(line, code);
	}
}

static void
put_field(struct line *line, const char *name, const char *value, size_t max)
{
	put(line, name);
	put_value(line, value, max);
}

/* A field that is somebody's word. */
static void
put_claim(struct line *line, const char *name, const char *value, size_t max, bool claimed)
{
	bool given = value != NULL && value[0] != '\0';

	put(line, name);
	put(line, claimed && given ? "(claimed)" : "");
	put_value(line, value, max);
}

void
audit_format(const struct audit_facts *facts, char out[static AUDIT_MAX + 1])
{
	struct line line = { .at = out, .end = out + AUDIT_MAX };
	char uid[16] = "";

	if (facts->uid != (uid_t)-1)
		snprintf(uid, sizeof(uid), "%lu", (unsigned long)facts->uid);

	/* The sum of all lengths stays below AUDIT_MAX, so no field is ever missing. */
	put_field(&line, "tokgate: verdict=", tg_status_name(facts->verdict), 24);
	put_field(&line, " id=", facts->id, TG_ID_LEN);
	put_field(&line, " owner=", facts->owner, TG_OWNER_MAX);
	if (facts->login != NULL && token_shaped(facts->login, strlen(facts->login)))
		put(&line, " login=(token)");
	else
		put_claim(&line, " login=", facts->login, 2 * TG_OWNER_MAX, facts->claimed);
	put_field(&line, " service=", facts->service, TG_WORD_MAX);
	put_field(&line, " action=", facts->action, TG_WORD_MAX);
	if (facts->gate)
		put(&line, " resource=(gate)");
	else
		put_field(&line, " resource=", facts->resource, 3 * TG_RESOURCE_MAX);
	put_claim(&line, " source=", facts->source, TG_SOURCE_MAX, facts->claimed);
	put_field(&line, " uid=", uid, sizeof(uid));
}
