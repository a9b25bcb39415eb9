/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "explain.h"

/* Appended and cut at the size of an explanation. */
struct line {
	char *text;
	size_t len;
};

static void
add(struct line *line, const char *text)
{
	int n = snprintf(line->text + line->len, TG_TEXT_MAX + 1 - line->len, "%s", text);

	line->len += (size_t)n;
	if (line->len > TG_TEXT_MAX)
		line->len = TG_TEXT_MAX;
}

/* What the client sent: anything that a terminal or a line-based protocol might obey is a '?'. */
static void
add_foreign(struct line *line, const char *text)
{
	char c[2] = "";

	for (; *text != '\0' && line->len < TG_TEXT_MAX; text++) {
		c[0] = *text >= ' ' && *text <= '~' ? *text : '?';
		add(line, c);
	}
}

static void
add_time(struct line *line, const char *text, int64_t at)
{
	char when[TG_TIME_MAX + 1];

	tg_format_when(at, when);
	add(line, text);
	add(line, when);
}

static void
add_asked(struct line *line, const struct tg_token *token, const struct policy_ask *ask)
{
	size_t i;

	add(line, ": asked ");
	add(line, ask->scope.service);
	if (ask->scope.action != NULL) {
		add(line, ":");
		add(line, ask->scope.action);
	}
	if (ask->scope.resource != NULL) {
		add(line, ":");
		add_foreign(line, ask->scope.resource);
	}
	add(line, ", token has");
	for (i = 0; i < token->nscopes; i++) {
		add(line, " ");
		add(line, token->scopes[i]);
	}
}

void
explain_verdict(enum tg_status verdict, const char *prefix, const struct tg_token *token,
    const struct policy_ask *ask, char out[static TG_TEXT_MAX + 1])
{
	struct line line = { out, 0 };

	out[0] = '\0';
	if (verdict < TG_REVOKED)
		return;
	add(&line, "token ");
	add(&line, prefix);
	add(&line, "_");
	add(&line, token->id);
	switch (verdict) {
	case TG_REVOKED:
		add_time(&line, " was revoked ", token->revoked_at);
		break;
	case TG_EXPIRED:
		add_time(&line, " expired ", token->expires_at);
		break;
	case TG_NOT_YET_VALID:
		add_time(&line, " is not valid before ",
		    token->not_before > token->created_at ? token->not_before : token->created_at);
		break;
	case TG_IDLE:
		add(&line, " was not used for too long");
		break;
	case TG_USED_UP:
		add(&line, " has no uses left");
		break;
	case TG_OWNER_SUSPENDED:
		add(&line, ": its owner is suspended");
		break;
	case TG_WRONG_LOGIN:
		add(&line, " is not for this user name");
		break;
	case TG_WRONG_SERVICE:
	case TG_WRONG_ACTION:
	case TG_WRONG_RESOURCE:
		add_asked(&line, token, ask);
		break;
	case TG_BEYOND_CEILING:
		add(&line, " goes beyond what its owner may do");
		break;
	case TG_WRONG_SOURCE:
		add(&line, " is not for this address");
		break;
	case TG_OK:
	case TG_NOT_A_TOKEN:
	case TG_MALFORMED:
	case TG_NO_MATCH:
	case TG_UNAVAILABLE:
	case TG_MISCONFIGURED:
	case TG_INVALID:
		break;
	}
}
