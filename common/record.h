/* SPDX-License-Identifier: ISC */
/* record.h - the bytes of token, owner and journal records: FORMAT.md sections 5 and 6.  Pure. */
#ifndef RECORD_H
#define RECORD_H

#include "crypt.h"
#include "tokgate.h"

enum {
	RECORD_EXTRA_MAX = 512, /* optional fields of newer programs, kept */
	RECORD_MAX = 12288,     /* longer than any record can be */
};

/* A token as kept, with what the public struct does not show. */
struct record {
	struct tg_token token; /* state, last_used, last_refused are not set */
	uint8_t hash[CRYPT_HASH_LEN];
	uint32_t slot;
	int64_t marked_at;
	size_t extra_len;
	uint8_t extra[RECORD_EXTRA_MAX];
};

enum record_result {
	RECORD_OK,
	RECORD_DAMAGED,
	RECORD_NEWER, /* a version or critical field that this program does not know */
};

/* Bytes written; 0 if a field does not fit. */
size_t record_encode(const struct record *record, uint8_t out[static RECORD_MAX]);

/* The record must carry `id`, the key that it was found under. */
enum record_result record_decode(const uint8_t *data, size_t len, const char *id,
    struct record *out);

size_t record_owner_encode(const struct tg_owner *owner, uint8_t out[static RECORD_MAX]);
enum record_result record_owner_decode(const uint8_t *data, size_t len, const char *name,
    struct tg_owner *out);

/* The serial is the key's, not the record's. */
size_t record_entry_encode(const struct tg_entry *entry, uint8_t out[static RECORD_MAX]);
enum record_result record_entry_decode(const uint8_t *data, size_t len, struct tg_entry *out);

#endif
