/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "bytes.h"
#include "wire.h"

static const char question_magic[4] = "tgq1", answer_magic[4] = "tga1";

enum { FLAG_DRY_RUN = 1, FLAG_GATE = 2 };

static void
put_text(struct writer *w, const char *text)
{
	size_t len = strlen(text);

	writer_int(w, len, 2);
	writer_put(w, text, len);
}

/* A text of less than `size` bytes without NUL; anything else is bad. */
static void
get_text(struct reader *r, char *out, size_t size)
{
	size_t len = (size_t)reader_int(r, 2);
	const uint8_t *p = reader_take(r, len);

	if (p == NULL || len >= size || memchr(p, '\0', len) != NULL) {
		r->bad = true;
		out[0] = '\0';
		return;
	}
	memcpy(out, p, len);
	out[len] = '\0';
}

static bool
get_magic(struct reader *r, const char magic[static 4])
{
	const uint8_t *p = reader_take(r, 4);

	return p != NULL && memcmp(p, magic, 4) == 0;
}

size_t
wire_question_encode(const struct wire_question *question, uint8_t out[static WIRE_QUESTION_MAX])
{
	struct writer w = { .data = out, .size = WIRE_QUESTION_MAX };

	writer_put(&w, question_magic, sizeof(question_magic));
	writer_int(&w, question->kind, 1);
	writer_int(&w, (question->dry_run ? FLAG_DRY_RUN : 0) | (question->gate ? FLAG_GATE : 0),
	    1);
	if (question->kind == WIRE_ASK) {
		put_text(&w, question->ticket);
	} else {
		put_text(&w, question->token);
		put_text(&w, question->service);
		put_text(&w, question->action);
		put_text(&w, question->resource);
		put_text(&w, question->login);
		put_text(&w, question->source);
	}
	return w.len;
}

static void
get_check(struct reader *r, uint8_t flags, struct wire_question *out)
{
	out->dry_run = (flags & FLAG_DRY_RUN) != 0;
	out->gate = (flags & FLAG_GATE) != 0;
	get_text(r, out->token, sizeof(out->token));
	get_text(r, out->service, sizeof(out->service));
	get_text(r, out->action, sizeof(out->action));
	get_text(r, out->resource, sizeof(out->resource));
	get_text(r, out->login, sizeof(out->login));
	get_text(r, out->source, sizeof(out->source));
	if ((flags & ~(FLAG_DRY_RUN | FLAG_GATE)) != 0 ||
	    (out->gate ? out->resource[0] != '\0' : out->action[0] == '\0'))
		r->bad = true;
}

bool
wire_question_decode(const uint8_t *data, size_t len, struct wire_question *out)
{
	struct reader r = { .data = data, .len = len };
	uint8_t kind, flags;

	memset(out, 0, sizeof(*out));
	if (!get_magic(&r, question_magic))
		return false;
	kind = (uint8_t)reader_int(&r, 1);
	flags = (uint8_t)reader_int(&r, 1);
	out->kind = kind;
	if (kind == WIRE_CHECK)
		get_check(&r, flags, out);
	else if (kind == WIRE_ASK && flags == 0)
		get_text(&r, out->ticket, sizeof(out->ticket));
	else
		r.bad = true;
	if (!r.bad && r.len == 0)
		return true;
	explicit_bzero(out, sizeof(*out));
	return false;
}

size_t
wire_answer_encode(const struct wire_answer *answer, uint8_t out[static WIRE_ANSWER_MAX])
{
	struct writer w = { .data = out, .size = WIRE_ANSWER_MAX };
	const struct tg_grant *grant = &answer->grant;
	size_t i;

	writer_put(&w, answer_magic, sizeof(answer_magic));
	writer_int(&w, (uint64_t)(int64_t)answer->status, 1);
	writer_put(&w, answer->store_id, sizeof(answer->store_id));
	writer_int(&w, answer->serial, 8);
	writer_int(&w, (uint64_t)grant->expires_at, 8);
	put_text(&w, grant->id);
	put_text(&w, grant->owner);
	put_text(&w, grant->identity);
	put_text(&w, grant->ticket);
	put_text(&w, grant->text);
	writer_int(&w, grant->nscopes, 1);
	for (i = 0; i < grant->nscopes; i++)
		put_text(&w, grant->scopes[i]);
	return w.len;
}

/* Statuses are small numbers of both signs; one that is none is no answer. */
static bool
get_status(struct reader *r, enum tg_status *out)
{
	int status = (int8_t)reader_int(r, 1);

	*out = status;
	return status >= TG_INVALID && status <= TG_WRONG_SOURCE;
}

static void
get_grant(struct reader *r, struct tg_grant *grant)
{
	size_t i;

	grant->expires_at = (int64_t)reader_int(r, 8);
	get_text(r, grant->id, sizeof(grant->id));
	get_text(r, grant->owner, sizeof(grant->owner));
	get_text(r, grant->identity, sizeof(grant->identity));
	get_text(r, grant->ticket, sizeof(grant->ticket));
	get_text(r, grant->text, sizeof(grant->text));
	grant->nscopes = (size_t)reader_int(r, 1);
	if (grant->nscopes > TG_SCOPES_MAX)
		r->bad = true;
	for (i = 0; !r->bad && i < grant->nscopes; i++)
		get_text(r, grant->scopes[i], sizeof(grant->scopes[i]));
}

bool
wire_answer_decode(const uint8_t *data, size_t len, struct wire_answer *out)
{
	struct reader r = { .data = data, .len = len };

	memset(out, 0, sizeof(*out));
	if (get_magic(&r, answer_magic) && get_status(&r, &out->status)) {
		reader_copy(&r, out->store_id, sizeof(out->store_id));
		out->serial = reader_int(&r, 8);
		get_grant(&r, &out->grant);
		if (!r.bad && r.len == 0)
			return true;
	}
	explicit_bzero(out, sizeof(*out));
	return false;
}
