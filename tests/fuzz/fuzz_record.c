/* SPDX-License-Identifier: ISC */
/* Input: a token record; tried as it is, and with length and checksum set right. */
#include "bytes.h"
#include "fuzz.h"
#include "record.h"

enum { ID_AT = 4 };

/* Strings in an array of `max`, the first `n` set, none empty. */
static void
must_be_texts(const char *texts, size_t size, size_t n, size_t max)
{
	size_t i;

	MUST(n <= max);
	for (i = 0; i < n; i++)
		MUST(texts[i * size] != '\0' && memchr(texts + i * size, '\0', size) != NULL);
}

static void
must_be_whole(const struct record *record)
{
	const struct tg_token *t = &record->token;

	must_be_texts(t->owner, sizeof(t->owner), 1, 1);
	must_be_texts(t->scopes[0], sizeof(t->scopes[0]), t->nscopes, TG_SCOPES_MAX);
	must_be_texts(t->logins[0], sizeof(t->logins[0]), t->nlogins, TG_LOGINS_MAX);
	must_be_texts(t->sources[0], sizeof(t->sources[0]), t->nsources, TG_SOURCES_MAX);
	MUST(t->nscopes > 0);
	MUST(memchr(t->name, '\0', sizeof(t->name)) != NULL);
	MUST(memchr(t->created_by, '\0', sizeof(t->created_by)) != NULL);
	MUST(memchr(t->revoked_by, '\0', sizeof(t->revoked_by)) != NULL);
	MUST(memchr(t->revoked_why, '\0', sizeof(t->revoked_why)) != NULL);
	MUST(t->created_at > 0 && t->not_before >= 0 && t->expires_at >= 0 && t->revoked_at >= 0);
	MUST(record->marked_at >= 0 && record->extra_len <= RECORD_EXTRA_MAX);
}

/* A change keeps all else, optional fields too. */
static void
must_stay(struct record *record, const char *id)
{
	static struct record again;
	uint8_t bytes[RECORD_MAX], other[RECORD_MAX];
	size_t len;

	record->token.revoked_at = 1767225600;
	strcpy(record->token.revoked_by, "root");
	strcpy(record->token.revoked_why, "lost");
	MUST((len = record_encode(record, bytes)) > 0);
	memset(&again, 0xff, sizeof(again));
	MUST(record_decode(bytes, len, id, &again) == RECORD_OK);
	MUST(again.extra_len == record->extra_len);
	MUST(memcmp(again.extra, record->extra, record->extra_len) == 0);
	MUST(strcmp(again.token.revoked_why, "lost") == 0);
	MUST(record_encode(&again, other) == len && memcmp(bytes, other, len) == 0);
}

static void
try(const uint8_t *data, size_t size, const char *id)
{
	static struct record record;
	uint8_t bytes[RECORD_MAX];

	memset(&record, 0xff, sizeof(record));
	if (record_decode(data, size, id, &record) != RECORD_OK)
		return;
	MUST(strlen(record.token.id) <= TG_ID_LEN && memcmp(record.token.id, id, TG_ID_LEN) == 0);
	must_be_whole(&record);
	/* There is one way to write a record. */
	MUST(record_encode(&record, bytes) == size && memcmp(bytes, data, size) == 0);
	must_stay(&record, id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char id[TG_ID_LEN + 1] = "7Hq2mX9aBc";
	uint8_t *sealed;
	size_t len;

	if (size >= ID_AT + TG_ID_LEN)
		memcpy(id, data + ID_AT, TG_ID_LEN);
	try(data, size, id);
	if (size < ID_AT + CRYPT_CHECKSUM_LEN || size > UINT16_MAX)
		return 0;
	MUST((sealed = malloc(size)) != NULL);
	memcpy(sealed, data, size);
	bytes_put(sealed + 2, size, 2);
	len = size - CRYPT_CHECKSUM_LEN;
	crypt_checksum(CRYPT_TOKEN, sealed, len, sealed + len);
	try(sealed, size, id);
	free(sealed);
	return 0;
}
