/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "token.h"

enum { CHECKSUM_LEN = 6, SHAPE_TAIL = 40 };

const char token_digits[62 + 1] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_decimal(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_base62(char c)
{
	return is_lower(c) || is_decimal(c) || (c >= 'A' && c <= 'Z');
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Length of `[a-z][a-z0-9]{0,7}` before a '_', or 0. */
static size_t
prefix_length(const char *text, size_t len)
{
	size_t n;

	if (len == 0 || !is_lower(text[0]))
		return 0;
	for (n = 1; n < len && n < TG_PREFIX_MAX && text[n] != '_'; n++)
		if (!is_lower(text[n]) && !is_decimal(text[n]))
			return 0;
	return n < len && text[n] == '_' ? n : 0;
}

bool
token_shaped(const char *text, size_t len)
{
	size_t n, tail;

	while (len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	if ((n = prefix_length(text, len)) == 0)
		return false;
	text += n + 1;
	len -= n + 1;
	for (tail = 0; tail < len && tail < SHAPE_TAIL; tail++)
		if (!is_base62(text[tail]) && text[tail] != '_' && text[tail] != '-')
			return false;
	return tail == SHAPE_TAIL;
}

/* CRC-32 as in zlib (ISO-HDLC), four bits a step. */
static uint32_t
crc32(const char *text, size_t len)
{
	static const uint32_t nibble[16] = { 0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8,
		0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c };
	uint32_t crc = 0xffffffff;
	size_t i;

	for (i = 0; i < len; i++) {
		crc ^= (unsigned char)text[i];
		crc = nibble[crc & 15] ^ (crc >> 4);
		crc = nibble[crc & 15] ^ (crc >> 4);
	}
	return ~crc;
}

static void
checksum_format(const char *text, size_t len, char out[static CHECKSUM_LEN])
{
	uint32_t crc = crc32(text, len);
	int i;

	for (i = CHECKSUM_LEN - 1; i >= 0; i--) {
		out[i] = token_digits[crc % 62];
		crc /= 62;
	}
}

bool
token_parse(const char *text, size_t len, struct token *out)
{
	char checksum[CHECKSUM_LEN];
	size_t n, i;

	memset(out, 0, sizeof(*out));
	if ((n = prefix_length(text, len)) == 0)
		return false;
	if (len != n + 1 + TG_ID_LEN + 1 + TG_SECRET_LEN + CHECKSUM_LEN)
		return false;
	for (i = n + 1; i < len; i++)
		if (i == n + 1 + TG_ID_LEN ? text[i] != '_' : !is_base62(text[i]))
			return false;
	checksum_format(text, len - CHECKSUM_LEN, checksum);
	if (memcmp(checksum, text + len - CHECKSUM_LEN, CHECKSUM_LEN) != 0)
		return false;
	memcpy(out->prefix, text, n);
	memcpy(out->id, text + n + 1, TG_ID_LEN);
	out->secret = text + n + 1 + TG_ID_LEN + 1;
	return true;
}

void
token_format(const char *prefix, const char id[static TG_ID_LEN],
    const char secret[static TG_SECRET_LEN], char out[static TG_TOKEN_MAX + 1])
{
	char *p = out;

	p = stpncpy(p, prefix, TG_PREFIX_MAX);
	*p++ = '_';
	p = mempcpy(p, id, TG_ID_LEN);
	*p++ = '_';
	p = mempcpy(p, secret, TG_SECRET_LEN);
	checksum_format(out, (size_t)(p - out), p);
	p[CHECKSUM_LEN] = '\0';
}

bool
token_prefix_valid(const char *prefix)
{
	size_t n = strnlen(prefix, TG_PREFIX_MAX + 1), i;

	if (n == 0 || n > TG_PREFIX_MAX || !is_lower(prefix[0]))
		return false;
	for (i = 1; i < n; i++)
		if (!is_lower(prefix[i]) && !is_decimal(prefix[i]))
			return false;
	return true;
}

bool
token_id_valid(const char *id)
{
	size_t i;

	for (i = 0; i < TG_ID_LEN; i++)
		if (!is_base62(id[i]))
			return false;
	return id[TG_ID_LEN] == '\0';
}

bool
tg_keep_from_others(const char *login, const char *password, size_t len)
{
	return (login != NULL && strcmp(login, TG_DROP_IN) == 0) || token_shaped(password, len);
}

enum tg_status
tg_parse_id(const char *text, char id[static TG_ID_LEN + 1])
{
	size_t len = strlen(text), n;
	struct token token;
	enum tg_status r = TG_INVALID;

	memset(id, 0, TG_ID_LEN + 1);
	n = prefix_length(text, len);
	if (token_parse(text, len, &token)) {
		memcpy(id, token.id, TG_ID_LEN);
		r = TG_OK;
	} else if (len == (n ? n + 1 : 0) + TG_ID_LEN && token_id_valid(text + len - TG_ID_LEN)) {
		memcpy(id, text + len - TG_ID_LEN, TG_ID_LEN);
		r = TG_OK;
	}
	explicit_bzero(&token, sizeof(token));
	return r;
}
