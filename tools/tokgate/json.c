/* SPDX-License-Identifier: ISC */
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json.h"

struct json {
	json_t *object;
	bool failed;
};

/* `issue --json` passes a token's text through here. */
static void
wiping_free(void *p)
{
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

struct json *
json_new(void)
{
	struct json *json;

	json_set_alloc_funcs(malloc, wiping_free);
	json = calloc(1, sizeof(*json));
	if (json != NULL)
		json->object = json_object();
	return json;
}

/* Takes over `value`; NULL for one that could not be made. */
static void
set(struct json *json, const char *key, json_t *value)
{
	if (json == NULL)
		json_decref(value);
	else if (json_object_set_new(json->object, key, value) != 0)
		json->failed = true;
}

static json_t *
text_or_null(const char *text)
{
	return text == NULL || *text == '\0' ? json_null() : json_string(text);
}

void
json_text(struct json *json, const char *key, const char *text)
{
	set(json, key, text_or_null(text));
}

void
json_when(struct json *json, const char *key, int64_t at)
{
	char text[TG_TIME_MAX + 1] = "";

	if (at != 0)
		tg_format_when(at, text);
	json_text(json, key, text);
}

void
json_number(struct json *json, const char *key, uint64_t number)
{
	set(json, key, json_integer((json_int_t)number));
}

void
json_none(struct json *json, const char *key)
{
	set(json, key, json_null());
}

void
json_flag(struct json *json, const char *key, bool value)
{
	set(json, key, json_boolean(value));
}

void
json_texts(struct json *json, const char *key, size_t n, const char *first, size_t stride)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(array, json_string(first + i * stride)) != 0) {
			json_decref(array);
			array = NULL;
		}
	}
	set(json, key, array);
}

/* Best effort data: null where nothing is known. */
static void
json_use(struct json *json, const char *key, const struct tg_use *use)
{
	struct json inner = { 0 };

	if (use->at == 0) {
		json_none(json, key);
		return;
	}
	inner.object = json_object();
	json_when(&inner, "at", use->at);
	json_text(&inner, "service", use->service);
	json_text(&inner, "source", use->source);
	json_number(&inner, "count", use->count);
	if (use->why != TG_OK)
		json_text(&inner, "why", tg_status_name(use->why));
	if (inner.failed && json != NULL)
		json->failed = true;
	set(json, key, inner.object);
}

struct json *
json_token(const struct tg_token *token)
{
	struct json *json = json_new();

	json_text(json, "id", token->id);
	json_text(json, "owner", token->owner);
	json_text(json, "name", token->name);
	json_texts(json, "scopes", token->nscopes, token->scopes[0], sizeof(token->scopes[0]));
	json_texts(json, "logins", token->nlogins, token->logins[0], sizeof(token->logins[0]));
	json_texts(json, "sources", token->nsources, token->sources[0], sizeof(token->sources[0]));
	json_text(json, "state", cli_state_name(token->state));
	json_when(json, "created_at", token->created_at);
	json_text(json, "created_by", token->created_by);
	json_when(json, "not_before", token->not_before);
	json_when(json, "expires_at", token->expires_at);
	if (token->idle_s != 0)
		json_number(json, "idle_s", token->idle_s);
	else
		json_none(json, "idle_s");
	if (token->uses_left != TG_USES_UNLIMITED)
		json_number(json, "uses_left", token->uses_left);
	else
		json_none(json, "uses_left");
	json_when(json, "revoked_at", token->revoked_at);
	json_text(json, "revoked_why", token->revoked_why);
	json_use(json, "last_used", &token->last_used);
	json_use(json, "last_refused", &token->last_refused);
	return json;
}

char *
json_end(struct json **json)
{
	char *text = NULL;
	char *line = NULL;
	size_t len;

	if (*json == NULL)
		return NULL;
	if (!(*json)->failed)
		text = json_dumps((*json)->object, JSON_COMPACT);
	if (text != NULL) {
		len = strlen(text);
		line = malloc(len + 2);
		if (line != NULL) {
			memcpy(line, text, len);
			memcpy(line + len, "\n", 2);
		}
	}
	json_free(&text);
	json_decref((*json)->object);
	free(*json);
	*json = NULL;
	return line;
}

void
json_free(char **text)
{
	wiping_free(*text);
	*text = NULL;
}

int
json_print(struct json **json)
{
	char *line = json_end(json);

	if (line == NULL)
		return cli_fail(CLI_COULD_NOT, "cannot make JSON");
	fputs(line, stdout);
	json_free(&line);
	return CLI_DONE;
}
