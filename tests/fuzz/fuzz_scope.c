/* SPDX-License-Identifier: ISC */
/* Input: two scopes, then service, action and resource that are asked for, one a line. */
#include "fuzz.h"
#include "scope.h"

/* A scope in three strings. */
struct parts {
	char service[TG_WORD_MAX + 1], action[TG_WORD_MAX + 1], resource[TG_RESOURCE_MAX + 2];
};

static void
copy_span(struct span s, char *out, size_t size)
{
	MUST(s.len < size);
	memcpy(out, s.text, s.len);
	out[s.len] = '\0';
}

/* The scope in its long form, which must mean the same. */
static void
take_apart(const struct scope *scope, struct parts *out, char text[static TG_SCOPE_MAX + 1])
{
	struct scope again;

	copy_span(scope->service, out->service, sizeof(out->service));
	copy_span(scope->action, out->action, sizeof(out->action));
	copy_span(scope->resource, out->resource, sizeof(out->resource));
	MUST(snprintf(text, TG_SCOPE_MAX + 1, "%s:%s:%s", out->service, out->action,
		 out->resource) <= TG_SCOPE_MAX);
	MUST(scope_parse(text, &again, NULL));
	MUST(scope_within(scope, &again) && scope_within(&again, scope));
}

static bool
word_covers(const char *word, const char *asked)
{
	return strcmp(word, "*") == 0 || strcmp(word, asked) == 0;
}

/* The slow way: DESIGN.md section 3, on strings. */
static enum scope_reach
reach(const struct parts *p, const struct scope_ask *ask)
{
	size_t len = strlen(p->resource) - 1;

	if (!word_covers(p->service, ask->service))
		return SCOPE_NOTHING;
	if (ask->action != NULL &&
	    (!word_covers(p->action, ask->action) ||
		(strcmp(ask->action, "proxy") == 0 && strcmp(p->action, "*") == 0)))
		return SCOPE_SERVICE;
	if (ask->resource == NULL)
		return SCOPE_RESOURCE;
	if (strcmp(ask->resource, "*") == 0)
		return strcmp(p->resource, "*") == 0 ? SCOPE_RESOURCE : SCOPE_ACTION;
	if (!scope_name_valid(ask->resource))
		return SCOPE_ACTION;
	if (p->resource[len] == '*' ? strncmp(p->resource, ask->resource, len) == 0 :
				      strcmp(p->resource, ask->resource) == 0)
		return SCOPE_RESOURCE;
	return SCOPE_ACTION;
}

static bool
covers(const struct scope *scope, const struct scope_ask *ask)
{
	return scope_reach(scope, ask) == SCOPE_RESOURCE;
}

static void
must_hold_of_one(const struct scope *scope, const struct scope_ask *ask)
{
	char text[TG_SCOPE_MAX + 1], both[TG_SCOPE_MAX + 1];
	struct parts parts;

	take_apart(scope, &parts, text);
	MUST(scope_within(scope, scope));
	MUST(scope_intersect(scope, scope, both) && strcmp(both, text) == 0);
	if (ask != NULL)
		MUST(scope_reach(scope, ask) == reach(&parts, ask));
}

static void
must_hold_of_two(const struct scope *a, const struct scope *b, const struct scope_ask *ask)
{
	char text[TG_SCOPE_MAX + 1], turned[TG_SCOPE_MAX + 1];
	bool any = scope_intersect(a, b, text), deferred;
	struct scope both;

	MUST(scope_intersect(b, a, turned) == any && strcmp(text, turned) == 0);
	if (any) {
		MUST(scope_parse(text, &both, NULL));
		MUST(scope_within(&both, a) && scope_within(&both, b));
	}
	MUST(!scope_within(a, b) || (any && scope_within(a, &both)));
	if (ask == NULL)
		return;
	deferred = ask->action == NULL || ask->resource == NULL;
	if (any && covers(&both, ask))
		MUST(covers(a, ask) && covers(b, ask));
	else
		MUST(deferred || !covers(a, ask) || !covers(b, ask));
	MUST(!scope_within(a, b) || !covers(a, ask) || covers(b, ask));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *lines[5], *service, *action, *resource;
	struct scope_ask ask;
	struct scope a, b;
	const char *why;
	bool valid[2], asks;
	size_t i;

	for (i = 0; i < 5; i++)
		lines[i] = fuzz_line(&data, &size);
	service = lines[2];
	action = lines[3];
	resource = lines[4];
	asks = scope_word_valid(service) && (*action == '\0' || scope_word_valid(action));
	ask = (struct scope_ask) { service, *action != '\0' ? action : NULL,
		*resource != '\0' ? resource : NULL };
	for (i = 0; i < 2; i++) {
		valid[i] = scope_parse(lines[i], i == 0 ? &a : &b, &why);
		MUST(valid[i] == (why == NULL));
		MUST(tg_scope_valid(lines[i], NULL) == valid[i]);
		MUST(!valid[i] || strlen(lines[i]) <= TG_SCOPE_MAX);
		if (valid[i])
			must_hold_of_one(i == 0 ? &a : &b, asks ? &ask : NULL);
	}
	if (valid[0] && valid[1])
		must_hold_of_two(&a, &b, asks ? &ask : NULL);
	for (i = 0; i < 5; i++)
		free(lines[i]);
	return 0;
}
