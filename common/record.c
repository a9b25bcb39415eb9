/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "bytes.h"
#include "record.h"

enum { VERSION = 1, TOKEN_FIELDS_AT = 98, OTHER_FIELDS_AT = 12, LENGTH_AT = 2 };

enum tag {
	TAG_OWNER = 0x01,
	TAG_NAME = 0x02,
	TAG_SCOPE = 0x03,
	TAG_LOGIN = 0x04,
	TAG_SOURCE = 0x05,
	TAG_BY = 0x06,
	TAG_REVOKED_BY = 0x07,
	TAG_REVOKED_WHY = 0x08,
	TAG_ID = 0x0a,
	TAG_WHAT = 0x0b,
	TAG_OPTIONAL = 0x80, /* this and above: kept, not understood */
};

/*
 * Where the texts of a tag go: an array of `max` strings of `size` bytes with
 * its count, or a single string (count NULL).
 */
struct field {
	uint8_t tag;
	char *text;
	size_t size, max;
	size_t *count;
};

/* clang-format off */
#define ONE(tag, array) { tag, array, sizeof(array), 1, NULL }
#define MANY(tag, array, count) { tag, array[0], sizeof(array[0]), sizeof(array) / sizeof(array[0]), count }
/* clang-format on */

/* ---- writing ---- */

static void
put_text(struct writer *w, uint8_t tag, const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	writer_int(w, tag, 1);
	writer_int(w, len, 2);
	writer_put(w, text, len);
}

static void
put_fields(struct writer *w, const struct field *fields, size_t n)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		const struct field *f = &fields[i];

		if (f->count == NULL && f->text[0] != '\0')
			put_text(w, f->tag, f->text, f->size);
		for (k = 0; f->count != NULL && k < *f->count; k++)
			put_text(w, f->tag, f->text + k * f->size, f->size);
	}
}

/* Set the length, add the checksum. */
static size_t
seal(struct writer *w, enum crypt_kind kind)
{
	uint8_t checksum[CRYPT_CHECKSUM_LEN];

	if (w->full || w->size - w->len < sizeof(checksum))
		return 0;
	bytes_put(w->data + LENGTH_AT, w->len + sizeof(checksum), 2);
	crypt_checksum(kind, w->data, w->len, checksum);
	writer_put(w, checksum, sizeof(checksum));
	return w->len;
}

/* ---- reading ---- */

/* Version, length and checksum; leaves the reader after the first four bytes. */
static enum record_result
unseal(const uint8_t *data, size_t len, size_t fields_at, enum crypt_kind kind, struct reader *r)
{
	uint8_t checksum[CRYPT_CHECKSUM_LEN];

	if (len < fields_at + CRYPT_CHECKSUM_LEN || len > RECORD_MAX ||
	    bytes_get(data + LENGTH_AT, 2) != len)
		return RECORD_DAMAGED;
	len -= CRYPT_CHECKSUM_LEN;
	crypt_checksum(kind, data, len, checksum);
	if (memcmp(checksum, data + len, sizeof(checksum)) != 0)
		return RECORD_DAMAGED;
	if (data[0] != VERSION)
		return RECORD_NEWER;
	*r = (struct reader) { .data = data + 4, .len = len - 4 };
	return RECORD_OK;
}

static enum record_result
take_text(struct field *f, size_t *seen, const uint8_t *value, size_t len)
{
	char *to = f->text + *seen * f->size;

	if (*seen >= f->max || len == 0 || len >= f->size || memchr(value, '\0', len) != NULL)
		return RECORD_DAMAGED;
	memcpy(to, value, len);
	to[len] = '\0';
	++*seen;
	if (f->count != NULL)
		*f->count = *seen;
	return RECORD_OK;
}

/* One field; `fields` are in order of tag and *at is the first that may come. */
static enum record_result
get_field(struct reader *r, struct field *fields, size_t n, size_t *at, size_t *seen)
{
	uint8_t tag = (uint8_t)reader_int(r, 1);
	size_t len = (size_t)reader_int(r, 2);
	const uint8_t *value = reader_take(r, len);

	if (value == NULL)
		return RECORD_DAMAGED;
	while (*at < n && fields[*at].tag < tag) {
		++*at;
		*seen = 0;
	}
	if (*at == n || fields[*at].tag != tag) {
		bool passed = *at > 0 && tag <= fields[*at - 1].tag;

		return passed ? RECORD_DAMAGED : RECORD_NEWER;
	}
	return take_text(&fields[*at], seen, value, len);
}

/* The optional fields at the end, as one block; only their framing is looked at. */
static enum record_result
get_extra(struct reader *r, uint8_t *extra, size_t size, size_t *extra_len)
{
	const uint8_t *start = r->data;
	uint8_t tag, last = TAG_OPTIONAL;

	while (!r->bad && r->len > 0) {
		tag = (uint8_t)reader_int(r, 1);
		if (tag < last)
			return RECORD_DAMAGED;
		last = tag;
		reader_take(r, (size_t)reader_int(r, 2));
	}
	*extra_len = (size_t)(r->data - start);
	if (r->bad || *extra_len > size)
		return RECORD_DAMAGED;
	if (*extra_len > 0)
		memcpy(extra, start, *extra_len);
	return RECORD_OK;
}

static enum record_result
get_fields(struct reader *r, struct field *fields, size_t n)
{
	enum record_result result = r->bad ? RECORD_DAMAGED : RECORD_OK;
	size_t at = 0, seen = 0, i;

	for (i = 0; i < n; i++)
		if (fields[i].count == NULL)
			fields[i].text[0] = '\0';
		else
			*fields[i].count = 0;
	while (result == RECORD_OK && r->len > 0 && r->data[0] < TAG_OPTIONAL)
		result = get_field(r, fields, n, &at, &seen);
	return result;
}

/* ---- token ---- */

enum { TOKEN_FIELDS = 8 };

static void
token_fields(struct tg_token *t, struct field out[static TOKEN_FIELDS])
{
	const struct field fields[TOKEN_FIELDS] = {
		ONE(TAG_OWNER, t->owner),
		ONE(TAG_NAME, t->name),
		MANY(TAG_SCOPE, t->scopes, &t->nscopes),
		MANY(TAG_LOGIN, t->logins, &t->nlogins),
		MANY(TAG_SOURCE, t->sources, &t->nsources),
		ONE(TAG_BY, t->created_by),
		ONE(TAG_REVOKED_BY, t->revoked_by),
		ONE(TAG_REVOKED_WHY, t->revoked_why),
	};

	memcpy(out, fields, sizeof(fields));
}

size_t
record_encode(const struct record *record, uint8_t out[static RECORD_MAX])
{
	struct writer w = { .data = out, .size = RECORD_MAX };
	struct tg_token *t = (struct tg_token *)(uintptr_t)&record->token; /* only read */
	struct field fields[TOKEN_FIELDS];

	writer_int(&w, VERSION, 1);
	writer_int(&w, 0, 1);
	writer_int(&w, 0, 2);
	writer_put(&w, t->id, TG_ID_LEN);
	writer_put(&w, record->hash, sizeof(record->hash));
	writer_int(&w, record->slot, 4);
	writer_int(&w, (uint64_t)t->created_at, 8);
	writer_int(&w, (uint64_t)t->not_before, 8);
	writer_int(&w, (uint64_t)t->expires_at, 8);
	writer_int(&w, (uint64_t)t->revoked_at, 8);
	writer_int(&w, (uint64_t)record->marked_at, 8);
	writer_int(&w, t->idle_s, 4);
	writer_int(&w, t->uses_left, 4);
	token_fields(t, fields);
	put_fields(&w, fields, TOKEN_FIELDS);
	writer_put(&w, record->extra, record->extra_len);
	return seal(&w, CRYPT_TOKEN);
}

enum record_result
record_decode(const uint8_t *data, size_t len, const char *id, struct record *out)
{
	enum record_result result;
	struct field fields[TOKEN_FIELDS];
	struct tg_token *t = &out->token;
	struct reader r;

	if ((result = unseal(data, len, TOKEN_FIELDS_AT, CRYPT_TOKEN, &r)) != RECORD_OK)
		return result;
	if (data[1] != 0)
		return RECORD_NEWER;
	reader_copy(&r, t->id, TG_ID_LEN);
	t->id[TG_ID_LEN] = '\0';
	reader_copy(&r, out->hash, sizeof(out->hash));
	out->slot = (uint32_t)reader_int(&r, 4);
	t->created_at = (int64_t)reader_int(&r, 8);
	t->not_before = (int64_t)reader_int(&r, 8);
	t->expires_at = (int64_t)reader_int(&r, 8);
	t->revoked_at = (int64_t)reader_int(&r, 8);
	out->marked_at = (int64_t)reader_int(&r, 8);
	t->idle_s = (uint32_t)reader_int(&r, 4);
	t->uses_left = (uint32_t)reader_int(&r, 4);
	token_fields(t, fields);
	if ((result = get_fields(&r, fields, TOKEN_FIELDS)) != RECORD_OK ||
	    (result = get_extra(&r, out->extra, sizeof(out->extra), &out->extra_len)) != RECORD_OK)
		return result;
	if (memcmp(t->id, id, TG_ID_LEN) != 0 || t->owner[0] == '\0' || t->nscopes == 0 ||
	    t->created_at <= 0 || t->not_before < 0 || t->expires_at < 0 || t->revoked_at < 0 ||
	    out->marked_at < 0)
		return RECORD_DAMAGED;
	return RECORD_OK;
}

/* ---- owner ---- */

enum { OWNER_SUSPENDED = 1, OWNER_CEILING = 2, OWNER_FIELDS = 2 };

static void
owner_fields(struct tg_owner *o, struct field out[static OWNER_FIELDS])
{
	const struct field fields[OWNER_FIELDS] = {
		ONE(TAG_OWNER, o->name),
		MANY(TAG_SCOPE, o->scopes, &o->nscopes),
	};

	memcpy(out, fields, sizeof(fields));
}

size_t
record_owner_encode(const struct tg_owner *owner, uint8_t out[static RECORD_MAX])
{
	struct writer w = { .data = out, .size = RECORD_MAX };
	struct tg_owner *o = (struct tg_owner *)(uintptr_t)owner; /* only read */
	struct field fields[OWNER_FIELDS];

	writer_int(&w, VERSION, 1);
	writer_int(&w, (o->suspended ? OWNER_SUSPENDED : 0) | (o->has_ceiling ? OWNER_CEILING : 0),
	    1);
	writer_int(&w, 0, 2);
	writer_int(&w, (uint64_t)o->created_at, 8);
	owner_fields(o, fields);
	put_fields(&w, fields, OWNER_FIELDS);
	return seal(&w, CRYPT_OWNER);
}

enum record_result
record_owner_decode(const uint8_t *data, size_t len, const char *name, struct tg_owner *out)
{
	enum record_result result;
	struct field fields[OWNER_FIELDS];
	struct reader r;
	uint8_t flags;

	if ((result = unseal(data, len, OTHER_FIELDS_AT, CRYPT_OWNER, &r)) != RECORD_OK)
		return result;
	flags = data[1];
	out->suspended = flags & OWNER_SUSPENDED;
	out->has_ceiling = flags & OWNER_CEILING;
	out->created_at = (int64_t)reader_int(&r, 8);
	owner_fields(out, fields);
	if ((result = get_fields(&r, fields, OWNER_FIELDS)) != RECORD_OK)
		return result;
	if (flags & ~(OWNER_SUSPENDED | OWNER_CEILING) || r.len > 0)
		return RECORD_NEWER;
	if (out->created_at < 0 || out->name[0] == '\0' || strcmp(out->name, name) != 0 ||
	    (!out->has_ceiling && out->nscopes > 0))
		return RECORD_DAMAGED;
	return RECORD_OK;
}

/* ---- journal entry ---- */

enum { ENTRY_FIELDS = 4 };

static void
entry_fields(struct tg_entry *e, struct field out[static ENTRY_FIELDS])
{
	const struct field fields[ENTRY_FIELDS] = {
		ONE(TAG_OWNER, e->owner),
		ONE(TAG_BY, e->by),
		ONE(TAG_ID, e->id),
		ONE(TAG_WHAT, e->what),
	};

	memcpy(out, fields, sizeof(fields));
}

size_t
record_entry_encode(const struct tg_entry *entry, uint8_t out[static RECORD_MAX])
{
	struct writer w = { .data = out, .size = RECORD_MAX };
	struct tg_entry *e = (struct tg_entry *)(uintptr_t)entry; /* only read */
	struct field fields[ENTRY_FIELDS];

	writer_int(&w, VERSION, 1);
	writer_int(&w, (uint64_t)e->event, 1);
	writer_int(&w, 0, 2);
	writer_int(&w, (uint64_t)e->at, 8);
	entry_fields(e, fields);
	put_fields(&w, fields, ENTRY_FIELDS);
	return seal(&w, CRYPT_ENTRY);
}

enum record_result
record_entry_decode(const uint8_t *data, size_t len, struct tg_entry *out)
{
	enum record_result result;
	struct field fields[ENTRY_FIELDS];
	struct reader r;

	if ((result = unseal(data, len, OTHER_FIELDS_AT, CRYPT_ENTRY, &r)) != RECORD_OK)
		return result;
	out->event = data[1];
	out->at = (int64_t)reader_int(&r, 8);
	entry_fields(out, fields);
	if ((result = get_fields(&r, fields, ENTRY_FIELDS)) != RECORD_OK)
		return result;
	if (r.len > 0)
		return RECORD_NEWER;
	return out->at < 0 ? RECORD_DAMAGED : RECORD_OK;
}
