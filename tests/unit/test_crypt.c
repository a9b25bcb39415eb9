/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crypt.h"
#include "token.h"

/*
 * Stands before libc's for the core that is linked in here: each call takes
 * the next of these answers, an errno below 0 or the most bytes to give; when
 * they are used up it gives all that is asked.
 */
static const ssize_t *script;
static size_t script_len;

ssize_t
getrandom(void *out, size_t len, unsigned int flags)
{
	ssize_t most = (ssize_t)len;

	if (script_len > 0) {
		most = *script++;
		script_len--;
	}
	if (most < 0) {
		errno = (int)-most;
		return -1;
	}
	return syscall(SYS_getrandom, out, (size_t)most < len ? (size_t)most : len, flags);
}

static void
is_hex(const uint8_t *bytes, size_t len, const char *hex, const char *of)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	ROW(strlen(hex) == 2 * len, "%s", of);
	for (i = 0; i < len; i++)
		ROW(digits[bytes[i] >> 4] == hex[2 * i] && digits[bytes[i] & 15] == hex[2 * i + 1],
		    "byte %zu of %s", i, of);
}

/* 0, 1, 2, ... in memory of exactly this size. */
static uint8_t *
counting(size_t len)
{
	uint8_t *bytes = malloc(len);
	size_t i;

	assert_non_null(bytes);
	for (i = 0; i < len; i++)
		bytes[i] = (uint8_t)i;
	return bytes;
}

static void
the_numbers_are_those_of_the_format(void **state)
{
	(void)state;
	assert_int_equal(32, CRYPT_HASH_LEN);
	assert_int_equal(32, CRYPT_KEY_LEN);
	assert_int_equal(16, CRYPT_MAC_LEN);
	assert_int_equal(8, CRYPT_CHECKSUM_LEN);
	assert_true(crypt_init());
	assert_true(crypt_init());
}

/* hashlib.blake2b(secret, digest_size=32, person=b'tokgate secret 1') */
static void
the_proof_of_a_token_is_the_hash_of_the_format(void **state)
{
	static const struct {
		const char *secret, *hash;
	} rows[] = {
		{ "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg",
		    "29d22f4a22f35b029d61f88e9e3bfb2d6e43ce28c41d1fb3d2bbc71d4598df0a" },
		{ "K3vR0yQn5Lw8sT1zUe6JdGhPoFiCxM4bNaVkSrYtEq2",
		    "f2dd418c5bab59406679cf22b20f386a97000d2e3f89595a0f1f3aa4ae88a48c" },
	};
	uint8_t hash[CRYPT_HASH_LEN];
	char secret[TG_SECRET_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		memcpy(secret, rows[i].secret, sizeof(secret));
		crypt_hash(secret, hash);
		is_hex(hash, sizeof(hash), rows[i].hash, rows[i].secret);
	}
}

/* hashlib.blake2b(data, digest_size=16, key=bytes(range(32)), person=b'tokgate ticket 1') */
static void
the_mac_of_a_ticket_is_that_of_the_format(void **state)
{
	static const struct {
		size_t len;
		const char *mac;
	} rows[] = {
		{ 0, "9fb22d9659c39ee72a91a89b397bae86" },
		{ 3, "cf6732c9d08792f0ead9ac8b2c2768af" },
		{ 300, "9ef12d3996b51842cb8555ca9a90a77f" },
	};
	uint8_t *key = counting(CRYPT_KEY_LEN), *data, mac[CRYPT_MAC_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		data = counting(rows[i].len);
		crypt_mac(key, data, rows[i].len, mac);
		is_hex(mac, sizeof(mac), rows[i].mac, "mac");
		free(data);
	}
	free(key);
}

/* openssl mac -macopt hexkey:$(printf 'tokgate token  1' | xxd -p) -macopt size:8 SIPHASH */
static void
checksums_are_those_of_the_format_one_for_each_kind(void **state)
{
	static const struct {
		enum crypt_kind kind;
		size_t len;
		const char *sum;
	} rows[] = {
		{ CRYPT_TOKEN, 0, "87dfb9e63a4f6890" },
		{ CRYPT_TOKEN, 7, "cfe7fe4e2856bf19" },
		{ CRYPT_TOKEN, 8, "d638225184ac3363" },
		{ CRYPT_TOKEN, 90, "3c6d3d2b348546a1" },
		{ CRYPT_OWNER, 0, "2eded520dcf94940" },
		{ CRYPT_OWNER, 90, "9668f0be38056e5e" },
		{ CRYPT_ENTRY, 0, "2c2add36ed320cbc" },
		{ CRYPT_ENTRY, 90, "1962acef775320c5" },
		{ CRYPT_USE, 0, "ac18d868f5b2ec44" },
		{ CRYPT_USE, 90, "30d09fee12eba636" },
		{ CRYPT_META, 0, "d46c23e278af2da4" },
		{ CRYPT_META, 90, "9ecdc9567ec7f2de" },
	};
	uint8_t *data, sum[CRYPT_CHECKSUM_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		data = counting(rows[i].len);
		crypt_checksum(rows[i].kind, data, rows[i].len, sum);
		is_hex(sum, sizeof(sum), rows[i].sum, rows[i].sum);
		free(data);
	}
}

static void
bytes_are_equal_only_if_every_bit_is(void **state)
{
	uint8_t *a = counting(32), *b = counting(32);
	size_t bit;

	(void)state;
	assert_true(crypt_equal(a, b, 32));
	for (bit = 0; bit < 8 * 32; bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ROW(!crypt_equal(a, b, 32), "bit %zu", bit);
		ROW(crypt_equal(a, b, bit / 8), "bit %zu", bit);
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(a);
	free(b);
}

static void
random_bytes_come_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *name;
		ssize_t answers[4];
		size_t n;
		bool ok;
	} rows[] = {
		{ "at once", { 40 }, 1, true },
		{ "in parts", { 1, 7, 30, 2 }, 4, true },
		{ "after signals", { -EINTR, -EINTR, 8, -EINTR }, 4, true },
		{ "none", { 0 }, 1, false },
		{ "an error", { -ENOSYS }, 1, false },
		{ "an error after a part", { 39, -EAGAIN }, 2, false },
	};
	uint8_t *bytes = malloc(40), seen[40];
	size_t i, k, round;

	(void)state;
	assert_non_null(bytes);
	for (i = 0; i < ROWS(rows); i++) {
		memset(seen, 0, sizeof(seen));
		for (round = 0; round < 16; round++) {
			memset(bytes, 0, 40);
			script = rows[i].answers;
			script_len = rows[i].n;
			ROW(crypt_random(bytes, 40) == rows[i].ok, "%s", rows[i].name);
			ROW(script_len == 0, "%s", rows[i].name);
			for (k = 0; k < 40; k++)
				seen[k] |= bytes[k];
		}
		for (k = 0; k < 40; k++)
			ROW(seen[k] != 0 || !rows[i].ok, "byte %zu, %s", k, rows[i].name);
	}
	assert_true(crypt_random(seen, 40));
	assert_true(crypt_random(bytes, 40));
	assert_memory_not_equal(seen, bytes, 40);
	free(bytes);
}

static void
random_digits_come_whole_or_not_at_all(void **state)
{
	static const ssize_t failing[] = { 64, -ENOSYS };
	static const ssize_t at_once[] = { -ENOSYS };
	char *digits = malloc(1000);
	size_t len;

	(void)state;
	assert_non_null(digits);
	for (len = 0; len < 200; len++) {
		memset(digits, '#', 1000);
		ROW(crypt_random_digits(digits, len), "%zu", len);
		ROW(strspn(digits, token_digits) == len && digits[len] == '#', "%zu", len);
	}
	script = failing;
	script_len = ROWS(failing);
	assert_false(crypt_random_digits(digits, 1000));
	assert_int_equal(0, script_len);
	script = at_once;
	script_len = ROWS(at_once);
	assert_false(crypt_random_digits(digits, 1));
	assert_int_equal(0, script_len);
	free(digits);
}

/* Seven standard deviations; folding 256 values on 62 digits would be twenty off. */
static void
each_digit_is_equally_likely(void **state)
{
	enum { EACH = 10000, OFF = 700 };
	size_t n = (size_t)EACH * 62, count[256] = { 0 }, i;
	char *digits = malloc(n);

	(void)state;
	assert_non_null(digits);
	assert_true(crypt_random_digits(digits, n));
	for (i = 0; i < n; i++)
		count[(unsigned char)digits[i]]++;
	for (i = 0; i < 62; i++)
		ROW(count[(unsigned char)token_digits[i]] > EACH - OFF &&
			count[(unsigned char)token_digits[i]] < EACH + OFF,
		    "'%c': %zu", token_digits[i], count[(unsigned char)token_digits[i]]);
	free(digits);
}

/* RFC 4648 section 10, and the two digits that section 5 replaces. */
static void
base64url_has_one_text_for_each_string_of_bytes(void **state)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {
		{ "", "" },
		{ "f", "Zg" },
		{ "fo", "Zm8" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg" },
		{ "fooba", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff", "-_8" },
		{ "\xff\xef\xbe", "_---" },
	};
	uint8_t *back;
	size_t i, len, size;
	char *text;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		size = strlen(rows[i].bytes);
		text = malloc(strlen(rows[i].text) + 1);
		crypt_encode((const uint8_t *)rows[i].bytes, size, text, strlen(rows[i].text) + 1);
		ROW(strcmp(text, rows[i].text) == 0, "'%s' instead of '%s'", text, rows[i].text);
		back = malloc(size);
		ROW(crypt_decode(text, back, size, &len) && len == size, "'%s'", text);
		ROW(memcmp(back, rows[i].bytes, size) == 0, "'%s'", text);
		ROW(size == 0 || !crypt_decode(text, back, size - 1, &len), "'%s'", text);
		free(back);
		free(text);
	}
}

static void
what_is_not_exactly_base64url_is_refused(void **state)
{
	static const char *const rows[] = { "Z", "Zg=", "Zg==", "Zm8=", "Zm9v=", "Zm9vY", "+_8",
		"-/8", "Zh", "Zi", "Zm9", "Zm9vYh", " Zg", "Zg ", "Z g", "Zg\n", "Zg.", "Zg,",
		"Zg@", "Zg`", "\x80\x80", "Zm9v\xff", "\x80\x80\x80\x80", "Zm9\xff", "Zm9\xbf", "=",
		"====" };
	uint8_t bytes[64];
	size_t i, len;
	char *copy;

	(void)state;
	for (i = 0; i < ROWS(rows); i++) {
		copy = strdup(rows[i]);
		ROW(!crypt_decode(copy, bytes, sizeof(bytes), &len), "row %zu", i);
		free(copy);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("the numbers of FORMAT.md are those of the header",
		    the_numbers_are_those_of_the_format),
		TEST("the proof of a token is FORMAT.md's hash, as another program computes it",
		    the_proof_of_a_token_is_the_hash_of_the_format),
		TEST("the MAC of a ticket is FORMAT.md's, as another program computes it",
		    the_mac_of_a_ticket_is_that_of_the_format),
		TEST("a checksum is FORMAT.md's, with a key for each kind",
		    checksums_are_those_of_the_format_one_for_each_kind),
		TEST("bytes are equal only if every bit is", bytes_are_equal_only_if_every_bit_is),
		TEST("random bytes come whole, whatever getrandom(2) does, or not at all",
		    random_bytes_come_whole_or_not_at_all),
		TEST("random digits come whole, or not at all",
		    random_digits_come_whole_or_not_at_all),
		TEST("each of the 62 digits is equally likely", each_digit_is_equally_likely),
		TEST("base64url has one text for each string of bytes",
		    base64url_has_one_text_for_each_string_of_bytes),
		TEST("what is not exactly base64url is refused",
		    what_is_not_exactly_base64url_is_refused),
	};

	return RUN(tests);
}
