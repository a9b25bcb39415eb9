/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

#define ID "7Hq2mX9aBc"

/* ---- bytes as FORMAT.md says them, put down by hand ---- */

struct bytes {
	size_t len;
	uint8_t data[1 << 16];
};

static void
put(struct bytes *b, const void *data, size_t len)
{
	assert_true(len <= sizeof(b->data) - b->len);
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void
set_int(uint8_t *at, uint64_t value, size_t size)
{
	for (; size > 0; value >>= 8)
		at[--size] = (uint8_t)value;
}

static void
put_int(struct bytes *b, uint64_t value, size_t size)
{
	uint8_t buf[8];

	set_int(buf, value, size);
	put(b, buf, size);
}

static void
put_field(struct bytes *b, unsigned int tag, const void *value, size_t len)
{
	put_int(b, tag, 1);
	put_int(b, len, 2);
	put(b, value, len);
}

/* "01=alice 03=sftp": tags and values; '^' in a value stands for a zero byte. */
static void
put_fields(struct bytes *b, const char *fields)
{
	char value[256];
	unsigned int tag;
	size_t len, i;

	for (; *fields != '\0'; fields += strspn(fields, " ")) {
		assert_int_equal(1, sscanf(fields, "%2x=", &tag));
		fields += 3;
		len = strcspn(fields, " ");
		for (i = 0; i < len; i++)
			value[i] = fields[i] == '^' ? '\0' : fields[i];
		put_field(b, tag, value, len);
		fields += len;
	}
}

static void
put_hex(struct bytes *b, const char *hex)
{
	unsigned int byte;

	for (b->len = 0; *hex != '\0'; hex += 2) {
		assert_int_equal(1, sscanf(hex, "%2x", &byte));
		put_int(b, byte, 1);
	}
}

static void
seal(struct bytes *b, enum crypt_kind kind)
{
	uint8_t sum[CRYPT_CHECKSUM_LEN];

	set_int(b->data + 2, b->len + sizeof(sum), 2);
	crypt_checksum(kind, b->data, b->len, sum);
	put(b, sum, sizeof(sum));
}

/* Take the checksum off, to change something and seal again. */
static void
unseal(struct bytes *b)
{
	b->len -= CRYPT_CHECKSUM_LEN;
}

/* ---- the three kinds, under one set of tests ---- */

/* Decoded into memory that is full of something else. */
static struct record token;
static struct tg_owner owner;
static struct tg_entry entry;

static enum record_result
decode_token(const uint8_t *data, size_t len)
{
	memset(&token, 0xff, sizeof(token));
	return record_decode(data, len, ID, &token);
}

static size_t
encode_token(uint8_t *out)
{
	return record_encode(&token, out);
}

static enum record_result
decode_owner(const uint8_t *data, size_t len)
{
	memset(&owner, 0xff, sizeof(owner));
	return record_owner_decode(data, len, "alice", &owner);
}

static size_t
encode_owner(uint8_t *out)
{
	return record_owner_encode(&owner, out);
}

static enum record_result
decode_entry(const uint8_t *data, size_t len)
{
	memset(&entry, 0xff, sizeof(entry));
	return record_entry_decode(data, len, &entry);
}

static size_t
encode_entry(uint8_t *out)
{
	return record_entry_encode(&entry, out);
}

/* The bytes of the examples are made by another program from FORMAT.md. */
static const struct kind {
	const char *name;
	enum crypt_kind sum;
	size_t fields_at;
	const char *example;
	enum record_result (*decode)(const uint8_t *data, size_t len);
	size_t (*encode)(uint8_t *out);
} kinds[] = {
	{ "token", CRYPT_TOKEN, 98,
	    "010000bc374871326d5839614263000102030405060708090a0b0c0d0e0f101112131415161718191a"
	    "1b1c1d1e1f01020304000000006955b900000000006955b93c0000000069cc60000000000000000000"
	    "000000006955b96400278d0000000003010005616c69636502000a4349206f66205a6fc3ab03001373"
	    "6674703a75706c6f61643a73657264652d2a0300036674700400087777772d6461746105000c313932"
	    "2e302e322e302f3234060004726f6f748633dccd291a616a",
	    decode_token, encode_token },
	{ "owner", CRYPT_OWNER, 12,
	    "01030038000000006955b900010005616c696365030013736674703a75706c6f61643a73657264652d"
	    "2a03000366747044bb7890bd748b8e",
	    decode_owner, encode_owner },
	{ "entry", CRYPT_ENTRY, 12,
	    "01020046000000006955b900010005616c696365060004726f6f740a000a374871326d58396142630b"
	    "0013736674703a75706c6f61643a73657264652d2add2138bfea364941",
	    decode_entry, encode_entry },
};

enum { TOKEN, OWNER, ENTRY };

/* From memory of exactly the size, so that ASan sees any step beyond. */
static enum record_result
decode(const struct kind *kind, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len);
	enum record_result r;

	assert_non_null(copy);
	memcpy(copy, data, len);
	r = kind->decode(copy, len);
	free(copy);
	return r;
}

/* What was decoded last gives the same bytes again. */
static void
encodes_to(const struct kind *kind, const struct bytes *b)
{
	uint8_t out[RECORD_MAX];
	size_t len = kind->encode(out);

	ROW(len == b->len, "%s: %zu bytes instead of %zu", kind->name, len, b->len);
	ROW(memcmp(out, b->data, len) == 0, "%s: other bytes", kind->name);
}

/* Version, second byte, length and the rest of the example's head, without fields. */
static void
start(const struct kind *kind, struct bytes *b)
{
	put_hex(b, kind->example);
	b->len = kind->fields_at;
}

static enum record_result
decode_fields(const struct kind *kind, const char *fields, struct bytes *b)
{
	start(kind, b);
	put_fields(b, fields);
	seal(b, kind->sum);
	return decode(kind, b->data, b->len);
}

/* ---- what is in them ---- */

static void
a_token_record_holds_what_the_format_says(void **state)
{
	static struct bytes b;
	const struct tg_token *t = &token.token;
	int i;

	(void)state;
	put_hex(&b, kinds[TOKEN].example);
	assert_int_equal(RECORD_OK, decode(&kinds[TOKEN], b.data, b.len));
	assert_string_equal(ID, t->id);
	for (i = 0; i < CRYPT_HASH_LEN; i++)
		assert_int_equal(i, token.hash[i]);
	assert_int_equal(0x01020304, token.slot);
	assert_int_equal(1767225600, t->created_at);
	assert_int_equal(1767225660, t->not_before);
	assert_int_equal(1775001600, t->expires_at);
	assert_int_equal(0, t->revoked_at);
	assert_int_equal(1767225700, token.marked_at);
	assert_int_equal(2592000, t->idle_s);
	assert_int_equal(3, t->uses_left);
	assert_string_equal("alice", t->owner);
	assert_string_equal("CI of Zo\xc3\xab", t->name);
	assert_int_equal(2, t->nscopes);
	assert_string_equal("sftp:upload:serde-*", t->scopes[0]);
	assert_string_equal("ftp", t->scopes[1]);
	assert_int_equal(1, t->nlogins);
	assert_string_equal("www-data", t->logins[0]);
	assert_int_equal(1, t->nsources);
	assert_string_equal("192.0.2.0/24", t->sources[0]);
	assert_string_equal("root", t->created_by);
	assert_string_equal("", t->revoked_by);
	assert_string_equal("", t->revoked_why);
	assert_int_equal(0, token.extra_len);
	encodes_to(&kinds[TOKEN], &b);
}

static void
an_owner_record_holds_what_the_format_says(void **state)
{
	static const struct {
		unsigned int flags;
		const char *fields;
		bool suspended, has_ceiling;
		size_t nscopes;
	} rows[] = {
		{ 0, "01=alice", false, false, 0 },
		{ 1, "01=alice", true, false, 0 },
		{ 2, "01=alice", false, true, 0 },
		{ 2, "01=alice 03=sftp", false, true, 1 },
		{ 3, "01=alice 03=sftp:upload:serde-* 03=ftp", true, true, 2 },
	};
	static struct bytes b;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		start(&kinds[OWNER], &b);
		b.data[1] = (uint8_t)rows[i].flags;
		put_fields(&b, rows[i].fields);
		seal(&b, CRYPT_OWNER);
		ROW(decode(&kinds[OWNER], b.data, b.len) == RECORD_OK, "row %zu", i);
		ROW(strcmp(owner.name, "alice") == 0, "row %zu", i);
		ROW(owner.created_at == 1767225600, "row %zu", i);
		ROW(owner.suspended == rows[i].suspended, "row %zu", i);
		ROW(owner.has_ceiling == rows[i].has_ceiling, "row %zu", i);
		ROW(owner.nscopes == rows[i].nscopes, "row %zu", i);
		encodes_to(&kinds[OWNER], &b);
	}
	assert_string_equal("sftp:upload:serde-*", owner.scopes[0]);
	assert_string_equal("ftp", owner.scopes[1]);
	put_hex(&b, kinds[OWNER].example);
	encodes_to(&kinds[OWNER], &b);
}

static void
a_journal_entry_holds_what_the_format_says(void **state)
{
	static struct bytes b;

	(void)state;
	put_hex(&b, kinds[ENTRY].example);
	assert_int_equal(RECORD_OK, decode(&kinds[ENTRY], b.data, b.len));
	assert_int_equal(TG_EVENT_ISSUE, entry.event);
	assert_int_equal(1767225600, entry.at);
	assert_string_equal("alice", entry.owner);
	assert_string_equal("root", entry.by);
	assert_string_equal(ID, entry.id);
	assert_string_equal("sftp:upload:serde-*", entry.what);
	encodes_to(&kinds[ENTRY], &b);

	assert_int_equal(RECORD_OK, decode_fields(&kinds[ENTRY], "", &b));
	assert_int_equal(20, b.len);
	assert_string_equal("", entry.owner);
	assert_string_equal("", entry.by);
	assert_string_equal("", entry.id);
	assert_string_equal("", entry.what);
	encodes_to(&kinds[ENTRY], &b);
}

/* ---- what no checksum vouches for ---- */

static void
every_truncated_or_longer_record_is_damaged(void **state)
{
	static struct bytes b;
	size_t i, len;

	(void)state;
	for (i = 0; i < ROWS(kinds); i++) {
		put_hex(&b, kinds[i].example);
		for (len = 0; len < b.len; len++)
			ROW(decode(&kinds[i], b.data, len) == RECORD_DAMAGED, "%s cut at %zu",
			    kinds[i].name, len);
		for (len = b.len + 1; len < b.len + 20; len++)
			ROW(decode(&kinds[i], b.data, len) == RECORD_DAMAGED, "%s of %zu",
			    kinds[i].name, len);
	}
}

static void
every_bit_flipped_is_damage(void **state)
{
	static struct bytes b;
	size_t i, bit;

	(void)state;
	for (i = 0; i < ROWS(kinds); i++) {
		put_hex(&b, kinds[i].example);
		for (bit = 0; bit < 8 * b.len; bit++) {
			b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			ROW(decode(&kinds[i], b.data, b.len) == RECORD_DAMAGED, "%s, bit %zu",
			    kinds[i].name, bit);
			b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		ROW(decode(&kinds[i], b.data, b.len) == RECORD_OK, "%s", kinds[i].name);
	}
}

static void
a_record_of_one_kind_is_none_of_another(void **state)
{
	static const enum crypt_kind sums[] = { CRYPT_TOKEN, CRYPT_OWNER, CRYPT_ENTRY, CRYPT_USE,
		CRYPT_META };
	static struct bytes b;
	size_t i, k;

	(void)state;
	for (i = 0; i < ROWS(kinds); i++)
		for (k = 0; k < ROWS(sums); k++) {
			put_hex(&b, kinds[i].example);
			unseal(&b);
			seal(&b, sums[k]);
			ROW(decode(&kinds[i], b.data, b.len) ==
				(kinds[i].sum == sums[k] ? RECORD_OK : RECORD_DAMAGED),
			    "%s with checksum %d", kinds[i].name, (int)sums[k]);
		}
}

/* ---- what a right checksum does not excuse ---- */

static void
a_record_cut_and_sealed_again_is_read_only_between_fields(void **state)
{
	static struct bytes b;
	size_t i, len, field;
	bool whole;

	(void)state;
	for (i = 0; i < ROWS(kinds); i++) {
		put_hex(&b, kinds[i].example);
		unseal(&b);
		field = kinds[i].fields_at;
		for (len = b.len; len > 0; len--) {
			put_hex(&b, kinds[i].example);
			/* The fields that a record must have are over after the first scope's. */
			for (field = kinds[i].fields_at; field < len;)
				field += 3 + (size_t)b.data[field + 1] * 256 + b.data[field + 2];
			whole = field == len && len >= kinds[i].fields_at;
			whole = whole && (i != OWNER || len >= 12 + 8) &&
			    (i != TOKEN || len >= 98 + 8 + 13 + 22);
			b.len = len;
			seal(&b, kinds[i].sum);
			ROW((decode(&kinds[i], b.data, b.len) == RECORD_OK) == whole,
			    "%s cut at %zu", kinds[i].name, len);
		}
	}
}

static void
heads_are_refused_that_say_what_cannot_be(void **state)
{
	static const struct {
		int kind;
		const char *name;
		size_t offset, size;
		uint64_t value;
		enum record_result result;
	} rows[] = {
		{ TOKEN, "version 0", 0, 1, 0, RECORD_NEWER },
		{ TOKEN, "version 2", 0, 1, 2, RECORD_NEWER },
		{ TOKEN, "version 255", 0, 1, 255, RECORD_NEWER },
		{ TOKEN, "second byte", 1, 1, 1, RECORD_NEWER },
		{ TOKEN, "second byte", 1, 1, 0x80, RECORD_NEWER },
		{ TOKEN, "id of another", 4, 1, '8', RECORD_DAMAGED },
		{ TOKEN, "id of another", 13, 1, 'd', RECORD_DAMAGED },
		{ TOKEN, "hash", 14, 1, 0xff, RECORD_OK },
		{ TOKEN, "hash", 45, 1, 0xff, RECORD_OK },
		{ TOKEN, "slot", 46, 4, UINT32_MAX, RECORD_OK },
		{ TOKEN, "created_at", 50, 8, 0, RECORD_DAMAGED },
		{ TOKEN, "created_at", 50, 8, 1, RECORD_OK },
		{ TOKEN, "created_at", 50, 8, (uint64_t)-1, RECORD_DAMAGED },
		{ TOKEN, "not_before", 58, 8, 0, RECORD_OK },
		{ TOKEN, "not_before", 58, 8, INT64_MAX, RECORD_OK },
		{ TOKEN, "not_before", 58, 8, (uint64_t)INT64_MIN, RECORD_DAMAGED },
		{ TOKEN, "expires_at", 66, 8, 0, RECORD_OK },
		{ TOKEN, "expires_at", 66, 8, (uint64_t)-1, RECORD_DAMAGED },
		{ TOKEN, "revoked_at", 74, 8, 1, RECORD_OK },
		{ TOKEN, "revoked_at", 74, 8, (uint64_t)-1, RECORD_DAMAGED },
		{ TOKEN, "marked_at", 82, 8, 0, RECORD_OK },
		{ TOKEN, "marked_at", 82, 8, (uint64_t)-1, RECORD_DAMAGED },
		{ TOKEN, "idle_s", 90, 4, 0, RECORD_OK },
		{ TOKEN, "uses_left", 94, 4, 0, RECORD_OK },
		{ TOKEN, "uses_left", 94, 4, UINT32_MAX, RECORD_OK },
		{ OWNER, "version 0", 0, 1, 0, RECORD_NEWER },
		{ OWNER, "version 2", 0, 1, 2, RECORD_NEWER },
		{ OWNER, "bit 2", 1, 1, 4 | 2, RECORD_NEWER },
		{ OWNER, "bit 7", 1, 1, 0x80 | 2, RECORD_NEWER },
		{ OWNER, "scopes without a ceiling", 1, 1, 0, RECORD_DAMAGED },
		{ OWNER, "scopes without a ceiling, suspended", 1, 1, 1, RECORD_DAMAGED },
		{ OWNER, "a name that is not the key", 15, 1, 'b', RECORD_DAMAGED },
		{ ENTRY, "version 0", 0, 1, 0, RECORD_NEWER },
		{ ENTRY, "version 2", 0, 1, 2, RECORD_NEWER },
	};
	static struct bytes b;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		const struct kind *kind = &kinds[rows[i].kind];

		put_hex(&b, kind->example);
		unseal(&b);
		set_int(b.data + rows[i].offset, rows[i].value, rows[i].size);
		seal(&b, kind->sum);
		ROW(decode(kind, b.data, b.len) == rows[i].result, "%s: %s", kind->name,
		    rows[i].name);
		if (rows[i].result == RECORD_OK)
			encodes_to(kind, &b);
	}
}

static void
a_length_that_is_not_the_records_own_is_damage(void **state)
{
	static struct bytes b;
	uint8_t sum[CRYPT_CHECKSUM_LEN];
	size_t i, k;

	(void)state;
	for (i = 0; i < ROWS(kinds); i++)
		for (k = 0; k < 0x10000; k += 7) {
			put_hex(&b, kinds[i].example);
			if (k == b.len)
				continue;
			unseal(&b);
			set_int(b.data + 2, k, 2);
			crypt_checksum(kinds[i].sum, b.data, b.len, sum);
			put(&b, sum, sizeof(sum));
			ROW(decode(&kinds[i], b.data, b.len) == RECORD_DAMAGED, "%s, length %zu",
			    kinds[i].name, k);
		}
}

static void
fields_are_refused_that_do_not_stand_as_they_must(void **state)
{
	static const struct {
		int kind;
		const char *fields;
		enum record_result result;
	} rows[] = {
		{ TOKEN, "01=alice 03=sftp", RECORD_OK },
		{ TOKEN, "01=alice 03=sftp 03=sftp", RECORD_OK },
		{ TOKEN, "01=a 02=n 03=s 04=l 05=x 06=b 07=r 08=w", RECORD_OK },
		{ TOKEN, "01=a 02=n 03=s 03=t 04=l 04=m 05=x 05=y 06=b 07=r 08=w", RECORD_OK },
		/* lacking */
		{ TOKEN, "", RECORD_DAMAGED },
		{ TOKEN, "01=alice", RECORD_DAMAGED },
		{ TOKEN, "03=sftp", RECORD_DAMAGED },
		{ TOKEN, "01=alice 04=bob", RECORD_DAMAGED },
		{ TOKEN, "01=alice 81=x", RECORD_DAMAGED },
		{ OWNER, "", RECORD_DAMAGED },
		{ OWNER, "03=sftp", RECORD_DAMAGED },
		/* another key */
		{ OWNER, "01=alicf", RECORD_DAMAGED },
		{ OWNER, "01=alic", RECORD_DAMAGED },
		{ OWNER, "01=alicee", RECORD_DAMAGED },
		{ OWNER, "01=Alice", RECORD_DAMAGED },
		{ OWNER, "01=a", RECORD_DAMAGED },
		/* twice */
		{ TOKEN, "01=alice 01=alice 03=sftp", RECORD_DAMAGED },
		{ TOKEN, "01=alice 02=n 02=n 03=sftp", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 06=b 06=b", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 07=b 07=b", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 08=b 08=b", RECORD_DAMAGED },
		{ OWNER, "01=alice 01=alice", RECORD_DAMAGED },
		{ ENTRY, "01=a 01=a", RECORD_DAMAGED },
		{ ENTRY, "06=a 06=a", RECORD_DAMAGED },
		{ ENTRY, "0a=a 0a=a", RECORD_DAMAGED },
		{ ENTRY, "0b=a 0b=a", RECORD_DAMAGED },
		/* out of order */
		{ TOKEN, "03=sftp 01=alice", RECORD_DAMAGED },
		{ TOKEN, "02=n 01=alice 03=sftp", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 02=n", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 04=l 03=sftp", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 08=w 07=b", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 08=w 01=alice", RECORD_DAMAGED },
		{ OWNER, "03=sftp 01=alice", RECORD_DAMAGED },
		{ ENTRY, "06=b 01=a", RECORD_DAMAGED },
		{ ENTRY, "0b=b 0a=a", RECORD_DAMAGED },
		/* empty, or with a zero byte */
		{ TOKEN, "01= 03=sftp", RECORD_DAMAGED },
		{ TOKEN, "01=alice 02= 03=sftp", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 03=", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 04=", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 08=", RECORD_DAMAGED },
		{ TOKEN, "01=^ 03=sftp", RECORD_DAMAGED },
		{ TOKEN, "01=alice^ 03=sftp", RECORD_DAMAGED },
		{ TOKEN, "01=alice^bob 03=sftp", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp^", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=^sftp", RECORD_DAMAGED },
		{ OWNER, "01=alice^", RECORD_DAMAGED },
		{ OWNER, "01=alice 03=", RECORD_DAMAGED },
		{ ENTRY, "01=", RECORD_DAMAGED },
		{ ENTRY, "0b=", RECORD_DAMAGED },
		{ ENTRY, "0b=x^y", RECORD_DAMAGED },
		/* unknown to us: critical, and optional where there are no optional ones */
		{ TOKEN, "00=x 01=alice 03=sftp", RECORD_NEWER },
		{ TOKEN, "01=alice 03=sftp 09=7Hq2mX9aBc", RECORD_NEWER },
		{ TOKEN, "01=alice 03=sftp 0a=7Hq2mX9aBc", RECORD_NEWER },
		{ TOKEN, "01=alice 03=sftp 7f=", RECORD_NEWER },
		{ OWNER, "01=alice 02=n", RECORD_NEWER },
		{ OWNER, "01=alice 04=l", RECORD_NEWER },
		{ OWNER, "01=alice 81=x", RECORD_NEWER },
		{ ENTRY, "01=alice 02=n", RECORD_NEWER },
		{ ENTRY, "0b=what 0c=x", RECORD_NEWER },
		{ ENTRY, "0b=what 80=x", RECORD_NEWER },
		/* optional, then critical again, or going down */
		{ TOKEN, "01=alice 03=sftp 80=x 08=w", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 80=x 7f=w", RECORD_DAMAGED },
		{ TOKEN, "01=alice 80=x 03=sftp", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp 82=x 81=x", RECORD_DAMAGED },
		{ TOKEN, "01=alice 03=sftp ff=x fe=x", RECORD_DAMAGED },
	};
	static struct bytes b;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		const struct kind *kind = &kinds[rows[i].kind];

		ROW(decode_fields(kind, rows[i].fields, &b) == rows[i].result, "%s '%s'",
		    kind->name, rows[i].fields);
		if (rows[i].result == RECORD_OK)
			encodes_to(kind, &b);
	}
}

static void
fields_may_be_as_long_and_as_many_as_the_format_says(void **state)
{
	static const struct {
		int kind;
		const char *before, *after;
		unsigned int tag;
		size_t longest, most;
	} rows[] = {
		{ TOKEN, "", "03=sftp", 0x01, 64, 1 },
		{ TOKEN, "01=alice", "03=sftp", 0x02, 100, 1 },
		{ TOKEN, "01=alice", "", 0x03, 195, 32 },
		{ TOKEN, "01=alice 03=sftp", "", 0x04, 64, 8 },
		{ TOKEN, "01=alice 03=sftp", "", 0x05, 49, 32 },
		{ TOKEN, "01=alice 03=sftp", "", 0x06, 64, 1 },
		{ TOKEN, "01=alice 03=sftp", "", 0x07, 64, 1 },
		{ TOKEN, "01=alice 03=sftp", "", 0x08, 200, 1 },
		{ OWNER, "01=alice", "", 0x03, 195, 32 },
		{ ENTRY, "", "", 0x01, 64, 1 },
		{ ENTRY, "", "", 0x06, 64, 1 },
		{ ENTRY, "", "", 0x0a, 10, 1 },
		{ ENTRY, "", "", 0x0b, 255, 1 },
	};
	static struct bytes b;
	size_t i, len, n, k;
	char value[300];

	(void)state;
	memset(value, 'v', sizeof(value));
	for (i = 0; i < ROWS(rows); i++)
		for (len = rows[i].longest - 1; len <= rows[i].longest + 1; len++)
			for (n = 1; n <= rows[i].most + 1; n++) {
				const struct kind *kind = &kinds[rows[i].kind];
				bool fits = len <= rows[i].longest && n <= rows[i].most;

				start(kind, &b);
				put_fields(&b, rows[i].before);
				for (k = 0; k < n; k++)
					put_field(&b, rows[i].tag, value, len);
				put_fields(&b, rows[i].after);
				seal(&b, kind->sum);
				ROW(decode(kind, b.data, b.len) ==
					(fits ? RECORD_OK : RECORD_DAMAGED),
				    "%s: field %02x, %zu of %zu bytes", kind->name, rows[i].tag, n,
				    len);
				if (fits)
					encodes_to(kind, &b);
			}
}

static void
a_field_that_runs_over_the_end_is_damage(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		uint8_t bytes[4];
	} rows[] = {
		{ "one byte", 1, { 0 } },
		{ "a tag alone", 1, { 0x08 } },
		{ "half a length", 2, { 0x08, 0 } },
		{ "no value", 3, { 0x08, 0, 1 } },
		{ "half a value", 4, { 0x08, 0, 2, 'w' } },
		{ "the longest", 4, { 0x08, 0xff, 0xff, 'w' } },
		{ "into the checksum", 3, { 0x08, 0, 8 } },
		{ "an unknown tag alone", 1, { 0x0f } },
		{ "an optional tag alone", 1, { 0x81 } },
		{ "half an optional length", 2, { 0x81, 0 } },
		{ "half an optional value", 4, { 0x81, 0, 2, 'w' } },
		{ "the longest optional", 4, { 0x81, 0xff, 0xff, 'w' } },
		{ "optional, into the checksum", 3, { 0x81, 0, 8 } },
	};
	static const char *const before[] = { "01=alice 03=sftp", "01=alice", "01=alice" };
	static struct bytes b;
	bool optional;
	size_t i, k;

	(void)state;
	for (i = 0; i < ROWS(rows); i++)
		for (k = 0; k < ROWS(kinds); k++) {
			start(&kinds[k], &b);
			put_fields(&b, before[k]);
			put(&b, rows[i].bytes, rows[i].len);
			seal(&b, kinds[k].sum);
			/* Where there are no optional fields, what looks like one is not looked at. */
			optional = k != TOKEN && rows[i].bytes[0] >= 0x80;
			ROW(decode(&kinds[k], b.data, b.len) ==
				(optional ? RECORD_NEWER : RECORD_DAMAGED),
			    "%s: %s", kinds[k].name, rows[i].name);
		}
}

static void
an_owner_record_carries_the_name_that_is_its_key(void **state)
{
	static const struct {
		const char *fields, *key;
		enum record_result result;
	} rows[] = {
		{ "01=a", "a", RECORD_OK }, { "01=a", "", RECORD_DAMAGED },
		{ "01=a", "b", RECORD_DAMAGED }, { "01=a", "ab", RECORD_DAMAGED },
		{ "", "", RECORD_DAMAGED }, { "", "a", RECORD_DAMAGED },
		{ "01=a 03=sftp", "a", RECORD_DAMAGED }, /* no ceiling that it could be of */
	};
	static struct bytes b;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		start(&kinds[OWNER], &b);
		b.data[1] = 0;
		put_fields(&b, rows[i].fields);
		seal(&b, CRYPT_OWNER);
		ROW(record_owner_decode(b.data, b.len, rows[i].key, &owner) == rows[i].result,
		    "'%s' under '%s'", rows[i].fields, rows[i].key);
	}
}

static void
every_tag_below_0x80_that_we_do_not_know_is_newer(void **state)
{
	static struct bytes b;
	unsigned int tag;

	(void)state;
	for (tag = 0; tag < 0x100; tag++) {
		start(&kinds[TOKEN], &b);
		if (tag == 0)
			put_field(&b, tag, "7Hq2mX9aBc", 10);
		put_fields(&b, "01=alice 03=sftp");
		if (tag > 8)
			put_field(&b, tag, "7Hq2mX9aBc", 10);
		seal(&b, CRYPT_TOKEN);
		if (tag == 0 || (tag > 8 && tag < 0x80))
			ROW(decode(&kinds[TOKEN], b.data, b.len) == RECORD_NEWER, "%02x", tag);
		else
			ROW(decode(&kinds[TOKEN], b.data, b.len) == RECORD_OK, "%02x", tag);
	}
}

/* A program that does not know the optional fields changes the record around them. */
static void
optional_fields_are_kept_byte_for_byte(void **state)
{
	static const char *const rows[] = {
		"80=x",
		"81=0123456789abcdef0123456789abcdef",
		"80=",
		"81=a^b^",
		"81=x 81=x",
		"81=y 81=x",
		"80=a 81=b 9f=c ff=d",
		"ff=",
	};
	static struct bytes b, again;
	uint8_t out[RECORD_MAX];
	size_t i, len;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		start(&kinds[TOKEN], &b);
		put_fields(&b, "01=alice 03=sftp");
		put_fields(&b, rows[i]);
		seal(&b, CRYPT_TOKEN);
		ROW(decode(&kinds[TOKEN], b.data, b.len) == RECORD_OK, "'%s'", rows[i]);
		encodes_to(&kinds[TOKEN], &b);

		token.token.revoked_at = 0x0102030405060708;
		strcpy(token.token.revoked_by, "root");
		strcpy(token.token.revoked_why, "lost");
		start(&kinds[TOKEN], &again);
		set_int(again.data + 74, 0x0102030405060708, 8);
		put_fields(&again, "01=alice 03=sftp 07=root 08=lost");
		put_fields(&again, rows[i]);
		seal(&again, CRYPT_TOKEN);
		len = record_encode(&token, out);
		ROW(len == again.len && memcmp(out, again.data, len) == 0, "'%s'", rows[i]);
	}
}

static void
optional_fields_may_have_512_bytes_together(void **state)
{
	static struct bytes b;
	static uint8_t value[1024];
	size_t first, total;

	(void)state;
	memset(value, 0xee, sizeof(value));
	assert_int_equal(512, RECORD_EXTRA_MAX);
	for (first = 0; first <= 600; first += 100)
		for (total = 511; total <= 514; total++) {
			start(&kinds[TOKEN], &b);
			put_fields(&b, "01=alice 03=sftp");
			if (first > 0 && first + 6 <= total)
				put_field(&b, 0x81, value, first);
			put_field(&b, 0x82, value, total - (b.len - 98 - 8 - 7) - 3);
			seal(&b, CRYPT_TOKEN);
			ROW(decode(&kinds[TOKEN], b.data, b.len) ==
				(total <= 512 ? RECORD_OK : RECORD_DAMAGED),
			    "%zu bytes", total);
			if (total <= 512) {
				ROW(token.extra_len == total, "%zu bytes", total);
				encodes_to(&kinds[TOKEN], &b);
			}
		}
}

static void
the_largest_record_fits(void **state)
{
	static const struct {
		unsigned int tag;
		size_t len, n;
	} fields[] = {
		{ 0x01, TG_OWNER_MAX, 1 },
		{ 0x02, TG_NAME_MAX, 1 },
		{ 0x03, TG_SCOPE_MAX, TG_SCOPES_MAX },
		{ 0x04, TG_OWNER_MAX, TG_LOGINS_MAX },
		{ 0x05, TG_SOURCE_MAX, TG_SOURCES_MAX },
		{ 0x06, TG_BY_MAX, 1 },
		{ 0x07, TG_BY_MAX, 1 },
		{ 0x08, TG_WHY_MAX, 1 },
		{ 0xff, RECORD_EXTRA_MAX - 3, 1 },
	};
	static struct bytes b;
	char value[RECORD_EXTRA_MAX];
	size_t i, k;

	(void)state;
	start(&kinds[TOKEN], &b);
	for (i = 0; i < ROWS(fields); i++)
		for (k = 0; k < fields[i].n; k++) {
			memset(value, (int)('A' + k), sizeof(value));
			put_field(&b, fields[i].tag, value, fields[i].len);
		}
	seal(&b, CRYPT_TOKEN);
	assert_true(b.len <= RECORD_MAX);
	assert_int_equal(RECORD_OK, decode(&kinds[TOKEN], b.data, b.len));
	encodes_to(&kinds[TOKEN], &b);
}

static void
what_is_longer_than_any_record_is_damage(void **state)
{
	static struct bytes b;
	size_t len;

	(void)state;
	for (len = RECORD_MAX - 1; len <= RECORD_MAX + 1; len++) {
		start(&kinds[OWNER], &b);
		put_fields(&b, "01=alice");
		while (b.len + 8 < len)
			put_int(&b, 0x81, 1);
		seal(&b, CRYPT_OWNER);
		ROW(decode(&kinds[OWNER], b.data, b.len) ==
			(len > RECORD_MAX ? RECORD_DAMAGED : RECORD_NEWER),
		    "%zu", len);
	}
	start(&kinds[OWNER], &b);
	b.len = 0xffff - 8;
	seal(&b, CRYPT_OWNER);
	assert_int_equal(RECORD_DAMAGED, decode(&kinds[OWNER], b.data, b.len));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("a token record has the bytes of FORMAT.md, read and written",
		    a_token_record_holds_what_the_format_says),
		TEST("an owner record has the bytes of FORMAT.md, read and written",
		    an_owner_record_holds_what_the_format_says),
		TEST("a journal entry has the bytes of FORMAT.md, read and written",
		    a_journal_entry_holds_what_the_format_says),
		TEST("every truncated or longer record is damaged",
		    every_truncated_or_longer_record_is_damaged),
		TEST("every single bit flipped is damage", every_bit_flipped_is_damage),
		TEST("a record of one kind passes for none of another",
		    a_record_of_one_kind_is_none_of_another),
		TEST("a record cut and sealed again is read only if cut between two fields",
		    a_record_cut_and_sealed_again_is_read_only_between_fields),
		TEST("a head that says what cannot be, or what is newer, is refused",
		    heads_are_refused_that_say_what_cannot_be),
		TEST("a length that is not the record's own is damage",
		    a_length_that_is_not_the_records_own_is_damage),
		TEST("fields that lack, stand twice, out of order, empty, or unknown are refused",
		    fields_are_refused_that_do_not_stand_as_they_must),
		TEST("fields may be as long and as many as FORMAT.md says, and no more",
		    fields_may_be_as_long_and_as_many_as_the_format_says),
		TEST("a field that runs over the end is damage",
		    a_field_that_runs_over_the_end_is_damage),
		TEST("an owner record carries the name that is its key",
		    an_owner_record_carries_the_name_that_is_its_key),
		TEST("every tag below 0x80 that is not known is newer, all others are kept",
		    every_tag_below_0x80_that_we_do_not_know_is_newer),
		TEST("optional fields are kept byte for byte when the rest changes",
		    optional_fields_are_kept_byte_for_byte),
		TEST("optional fields may have 512 bytes together",
		    optional_fields_may_have_512_bytes_together),
		TEST("the largest record fits", the_largest_record_fits),
		TEST("what is longer than any record is damage",
		    what_is_longer_than_any_record_is_damage),
	};

	return RUN(tests);
}
