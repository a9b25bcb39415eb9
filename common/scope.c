/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "scope.h"

static const struct span any = { "*", 1 };

/* Actions that "*" does not cover: what they allow is of another kind. */
static const char *const reserved[] = { "proxy" };

static bool
span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.text, text, s.len) == 0;
}

static bool
span_equal(struct span a, struct span b)
{
	return a.len == b.len && memcmp(a.text, b.text, a.len) == 0;
}

static bool
is_any(struct span s)
{
	return s.len == 1 && s.text[0] == '*';
}

static bool
is_reserved(struct span action)
{
	size_t i;

	for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (span_is(action, reserved[i]))
			return true;
	return false;
}

static bool
word_valid(struct span s)
{
	size_t i;

	if (s.len == 0 || s.len > TG_WORD_MAX)
		return false;
	for (i = 0; i < s.len; i++) {
		char c = s.text[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		if (i == 0 || (c != '.' && c != '_' && c != '-'))
			return false;
	}
	return true;
}

static bool
name_valid(struct span s)
{
	size_t i;

	if (s.len == 0 || s.len > TG_RESOURCE_MAX)
		return false;
	for (i = 0; i < s.len; i++)
		if (s.text[i] <= ' ' || s.text[i] > '~' || strchr(":,*", s.text[i]) != NULL)
			return false;
	return true;
}

static bool
pattern_valid(struct span s)
{
	if (is_any(s))
		return true;
	if (s.len > 1 && s.text[s.len - 1] == '*')
		s.len--;
	return name_valid(s);
}

bool
scope_word_valid(const char *word)
{
	return word_valid((struct span) { word, strlen(word) });
}

bool
scope_name_valid(const char *name)
{
	return name_valid((struct span) { name, strlen(name) });
}

/* The part up to the next ':', which is skipped; "*" where the text is over. */
static struct span
next_part(const char **text)
{
	struct span part;

	if (*text == NULL)
		return any;
	part = (struct span) { *text, strcspn(*text, ":") };
	*text = part.text[part.len] == ':' ? part.text + part.len + 1 : NULL;
	return part;
}

bool
scope_parse(const char *text, struct scope *out, const char **why)
{
	const char *problem = NULL;

	out->service = next_part(&text);
	out->action = next_part(&text);
	out->resource = next_part(&text);
	if (text != NULL)
		problem = "more than three parts";
	else if (!is_any(out->service) && !word_valid(out->service))
		problem = "the service must be '*' or 1-32 of [a-z0-9._-], first a letter or digit";
	else if (!is_any(out->action) && !word_valid(out->action))
		problem = "the action must be '*' or 1-32 of [a-z0-9._-], first a letter or digit";
	else if (!pattern_valid(out->resource))
		problem = "the resource must be a name of 1-128 printable characters without ':', "
			  "',', '*' and blanks, or such a name followed by one '*', or '*'";
	if (why != NULL)
		*why = problem;
	return problem == NULL;
}

bool
tg_scope_valid(const char *scope, const char **why)
{
	struct scope parsed;

	return scope_parse(scope, &parsed, why);
}

static bool
action_covers(struct span action, struct span asked)
{
	if (is_any(action))
		return !is_reserved(asked);
	return span_equal(action, asked);
}

/* Does the pattern cover all that `asked`, a name or a pattern, covers? */
static bool
pattern_covers(struct span pattern, struct span asked)
{
	if (pattern.text[pattern.len - 1] != '*')
		return span_equal(pattern, asked);
	return asked.len >= pattern.len - 1 &&
	    memcmp(pattern.text, asked.text, pattern.len - 1) == 0;
}

enum scope_reach
scope_reach(const struct scope *scope, const struct scope_ask *ask)
{
	if (!is_any(scope->service) && !span_is(scope->service, ask->service))
		return SCOPE_NOTHING;
	if (ask->action != NULL &&
	    !action_covers(scope->action, (struct span) { ask->action, strlen(ask->action) }))
		return SCOPE_SERVICE;
	if (ask->resource == NULL)
		return SCOPE_RESOURCE;
	if (strcmp(ask->resource, "*") == 0)
		return is_any(scope->resource) ? SCOPE_RESOURCE : SCOPE_ACTION;
	if (!scope_name_valid(ask->resource))
		return SCOPE_ACTION;
	if (!pattern_covers(scope->resource,
		(struct span) { ask->resource, strlen(ask->resource) }))
		return SCOPE_ACTION;
	return SCOPE_RESOURCE;
}

static bool
intersect_action(struct span a, struct span b, struct span *out)
{
	if (is_any(a) && is_any(b)) {
		*out = any;
		return true;
	}
	*out = is_any(a) ? b : a;
	return action_covers(a, *out) && action_covers(b, *out);
}

bool
scope_intersect(const struct scope *a, const struct scope *b, char out[static TG_SCOPE_MAX + 1])
{
	struct scope both;

	out[0] = '\0';
	if (!is_any(a->service) && !is_any(b->service) && !span_equal(a->service, b->service))
		return false;
	both.service = is_any(a->service) ? b->service : a->service;
	if (!intersect_action(a->action, b->action, &both.action))
		return false;
	if (pattern_covers(a->resource, b->resource))
		both.resource = b->resource;
	else if (pattern_covers(b->resource, a->resource))
		both.resource = a->resource;
	else
		return false;
	snprintf(out, TG_SCOPE_MAX + 1, "%.*s:%.*s:%.*s", (int)both.service.len, both.service.text,
	    (int)both.action.len, both.action.text, (int)both.resource.len, both.resource.text);
	return true;
}

bool
scope_within(const struct scope *inner, const struct scope *outer)
{
	if (!is_any(outer->service) && !span_equal(outer->service, inner->service))
		return false;
	if (is_any(inner->action) ? !is_any(outer->action) :
				    !action_covers(outer->action, inner->action))
		return false;
	return pattern_covers(outer->resource, inner->resource);
}
