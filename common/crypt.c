/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>

#include "crypt.h"
#include "token.h"

_Static_assert(CRYPT_CHECKSUM_LEN == crypto_shorthash_BYTES, "SipHash-2-4 gives 64 bits");

bool
crypt_init(void)
{
	return sodium_init() >= 0;
}

void
crypt_hash(const char secret[static TG_SECRET_LEN], uint8_t out[static CRYPT_HASH_LEN])
{
	static const uint8_t salt[crypto_generichash_blake2b_SALTBYTES];
	static const uint8_t personal[] = "tokgate secret 1";

	_Static_assert(sizeof(personal) == crypto_generichash_blake2b_PERSONALBYTES + 1, "size");
	crypto_generichash_blake2b_salt_personal(out, CRYPT_HASH_LEN, (const uint8_t *)secret,
	    TG_SECRET_LEN, NULL, 0, salt, personal);
}

void
crypt_mac(const uint8_t key[static CRYPT_KEY_LEN], const uint8_t *data, size_t len,
    uint8_t out[static CRYPT_MAC_LEN])
{
	static const uint8_t salt[crypto_generichash_blake2b_SALTBYTES];
	static const uint8_t personal[] = "tokgate ticket 1";

	_Static_assert(sizeof(personal) == crypto_generichash_blake2b_PERSONALBYTES + 1, "size");
	crypto_generichash_blake2b_salt_personal(out, CRYPT_MAC_LEN, data, len, key, CRYPT_KEY_LEN,
	    salt, personal);
}

void
crypt_checksum(enum crypt_kind kind, const uint8_t *data, size_t len,
    uint8_t out[static CRYPT_CHECKSUM_LEN])
{
	static const uint8_t key[][crypto_shorthash_KEYBYTES + 1] = {
		[CRYPT_TOKEN] = "tokgate token  1",
		[CRYPT_OWNER] = "tokgate owner  1",
		[CRYPT_ENTRY] = "tokgate entry  1",
		[CRYPT_USE] = "tokgate use    1",
		[CRYPT_META] = "tokgate meta   1",
		[CRYPT_MARK] = "tokgate mark   1",
	};

	crypto_shorthash(out, data, len, key[kind]);
}

bool
crypt_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

bool
crypt_random(uint8_t *out, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = getrandom(out, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		out += n;
		len -= (size_t)n;
	}
	return true;
}

bool
crypt_random_digits(char *out, size_t len)
{
	uint8_t byte[64];
	size_t i, n = 0;

	while (n < len) {
		if (!crypt_random(byte, sizeof(byte)))
			return false;
		/* 62 of 64 values are taken, so that each digit is equally likely */
		for (i = 0; i < sizeof(byte) && n < len; i++)
			if ((byte[i] & 63) < 62)
				out[n++] = token_digits[byte[i] & 63];
	}
	explicit_bzero(byte, sizeof(byte));
	return true;
}

void
crypt_encode(const uint8_t *data, size_t len, char *out, size_t size)
{
	sodium_bin2base64(out, size, data, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool
crypt_decode(const char *text, uint8_t *out, size_t size, size_t *len)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	*len = 0;
	/* libsodium 1.0.18 takes each byte above 0x7f for '_' */
	if (text[strspn(text, digits)] != '\0')
		return false;
	return sodium_base642bin(out, size, text, strlen(text), NULL, len, NULL,
		   sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
}
