/* SPDX-License-Identifier: ISC */
/* Input: the text of a password. */
#include "fuzz.h"
#include "token.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define BASE62 DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" LOWER

enum { CHECKSUM_LEN = 6 };

/* Length of the prefix in a string, its '_' not counted; 0: there is none. */
static size_t
prefix_of(const char *text)
{
	size_t n = strspn(text, LOWER DIGITS);

	return n >= 1 && n <= 8 && strchr(DIGITS, text[0]) == NULL && text[n] == '_' ? n : 0;
}

/* FORMAT.md's token-shaped, on a string: no NUL can be part of a shape. */
static bool
is_shaped(const char *text)
{
	size_t n;

	text += strspn(text, " \t\n\v\f\r");
	n = prefix_of(text);
	return n > 0 && strspn(text + n + 1, BASE62 "_-") >= 40;
}

/* All of FORMAT.md section 1 but the checksum. */
static bool
is_formed(const char *text)
{
	size_t n = prefix_of(text);

	return n > 0 && strspn(text + n + 1, BASE62) == 10 && text[n + 11] == '_' &&
	    strspn(text + n + 12, BASE62) == 49 && text[n + 61] == '\0';
}

/* Bit by bit; the polynomial of zlib. */
static void
write_checksum(const char *text, size_t len, char out[static CHECKSUM_LEN])
{
	uint32_t crc = 0xffffffff;
	int i;

	for (; len > 0; len--) {
		crc ^= (uint8_t)*text++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	crc = ~crc;
	for (i = CHECKSUM_LEN; i-- > 0; crc /= 62)
		out[i] = BASE62[crc % 62];
}

static void
must_be_the_token(const char *text, size_t len, const struct token *token)
{
	char again[TG_TOKEN_MAX + 1], id[TG_ID_LEN + 1];

	MUST(token_shaped(text, len));
	MUST(token_prefix_valid(token->prefix) && token_id_valid(token->id));
	MUST(token->secret == text + strlen(token->prefix) + 12);
	token_format(token->prefix, token->id, token->secret, again);
	MUST(strlen(again) == len && memcmp(again, text, len) == 0);
	MUST(tg_parse_id(again, id) == TG_OK && strcmp(id, token->id) == 0);
}

/* With or without a NUL in it, which no string function sees. */
static void
try(const char *text, size_t len, bool whole, bool sealed)
{
	static const struct token zero;
	struct token token;
	bool is_token = token_parse(text, len, &token);

	MUST(!is_token || whole);
	MUST(!sealed || is_token);
	if (is_token)
		must_be_the_token(text, len, &token);
	else
		MUST(memcmp(&token, &zero, sizeof(zero)) == 0);
	MUST(tg_keep_from_others("alice", text, len) == token_shaped(text, len));
	MUST(tg_keep_from_others(TG_DROP_IN, text, len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *string = malloc(size + 1), *text = malloc(size), id[TG_ID_LEN + 1];
	bool whole;

	MUST(string != NULL && text != NULL);
	if (size > 0) {
		memcpy(text, data, size);
		memcpy(string, data, size);
	}
	string[size] = '\0';
	whole = strlen(string) == size && is_formed(string);
	MUST(token_shaped(text, size) == is_shaped(string));
	MUST(token_prefix_valid(string) ==
	    (strlen(string) <= 8 && strlen(string) > 0 &&
		strspn(string, LOWER DIGITS) == strlen(string) &&
		strchr(DIGITS, string[0]) == NULL));
	MUST(token_id_valid(string) == (strlen(string) == 10 && strspn(string, BASE62) == 10));
	if (tg_parse_id(string, id) == TG_OK)
		MUST(token_id_valid(id) && strstr(string, id) != NULL);
	else
		MUST(memcmp(id, "\0\0\0\0\0\0\0\0\0\0", sizeof(id)) == 0);
	try(text, size, whole, false);
	if (whole) {
		write_checksum(text, size - CHECKSUM_LEN, text + size - CHECKSUM_LEN);
		try(text, size, whole, true);
	}
	free(text);
	free(string);
	return 0;
}
