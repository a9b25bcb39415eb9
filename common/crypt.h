/* SPDX-License-Identifier: ISC */
/* crypt.h - everything that libsodium does for us: FORMAT.md section 2 */
#ifndef CRYPT_H
#define CRYPT_H

#include "tokgate.h"

enum { CRYPT_HASH_LEN = 32, CRYPT_KEY_LEN = 32, CRYPT_MAC_LEN = 16, CRYPT_CHECKSUM_LEN = 8 };

/* What a checksum is of, so that no record passes for one of another kind. */
enum crypt_kind { CRYPT_TOKEN, CRYPT_OWNER, CRYPT_ENTRY, CRYPT_USE, CRYPT_META, CRYPT_MARK };

/*
 * Let libsodium choose its fastest code, for processes of our own.  Not called
 * in a host's process: all that is used there works without, and
 * sodium_init(3) aborts where no randomness is to be had.
 */
bool crypt_init(void);

void crypt_hash(const char secret[static TG_SECRET_LEN], uint8_t out[static CRYPT_HASH_LEN]);

void crypt_mac(const uint8_t key[static CRYPT_KEY_LEN], const uint8_t *data, size_t len,
    uint8_t out[static CRYPT_MAC_LEN]);

void crypt_checksum(enum crypt_kind kind, const uint8_t *data, size_t len,
    uint8_t out[static CRYPT_CHECKSUM_LEN]);

/* In time that does not depend on the contents. */
bool crypt_equal(const uint8_t *a, const uint8_t *b, size_t len);

/* Random bytes and base62 digits from getrandom(2); false if there are none. */
bool crypt_random(uint8_t *out, size_t len) __attribute__((warn_unused_result));
bool crypt_random_digits(char *out, size_t len) __attribute__((warn_unused_result));

/*
 * base64url without padding, exactly one text for each value.  The encoded text
 * with its NUL must fit `size`.
 */
void crypt_encode(const uint8_t *data, size_t len, char *out, size_t size);
bool crypt_decode(const char *text, uint8_t *out, size_t size, size_t *len);

#endif
